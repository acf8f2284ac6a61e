"""Steps to a plan and its proof; branch and bound."""

import datetime as dt
import time
from dataclasses import dataclass

import numpy as np

from phusong.compute.array_types import Bools, Floats, Ints
from phusong.invest.ranking import ordered
from phusong.invest.solver import CoverageProblem
from phusong.invest.solver.lagrange import priced
from phusong.invest.solver.local_search import filled, improved, pruned

__all__ = ["Answer", "branched", "solved"]

_EXACT = 1e-9  # relative gap at which a plan counts as the best


def branched(
    problem: CoverageProblem, start: Bools, budget: float, *, nodes: int, seconds: float
) -> tuple[Bools, float]:
    """Return the best plan found and a bound on every plan.

    max Σ w_e z_e with z_e ≤ Σ a_b over the candidates b that serve e, a_b ≤ x_r for each part r that b needs,
    Σ c_r x_r ≤ budget; x whole.

    Parameters
    ----------
    problem : CoverageProblem
        Candidates and elements, few of them.
    start : ndarray of bool, shape (n_candidates,)
        A plan within the budget: the first incumbent.
    budget : float
        Most that may be spent. [million USD]
    nodes : int
        Branches after which to stop: the same on every machine.
    seconds : float
        A safety cap. [s]
    """
    # a third of a second to load, and only what must be proved asks for it
    from ortools.math_opt import model_pb2  # noqa: PLC0415
    from ortools.math_opt.python import mathopt  # noqa: PLC0415

    n_x, n_a, n_z = problem.cost.size, problem.n_candidates, problem.weights.size
    width = np.diff(problem.need_starts)
    b = np.repeat(np.arange(n_a), width)
    e = np.repeat(np.arange(n_z), np.diff(problem.chain_starts))
    k = np.arange(b.size)
    rows = np.concatenate([k, k, b.size + np.arange(n_z), b.size + e, np.full(n_x, b.size + n_z)])
    columns = np.concatenate(
        [n_x + b, problem.need, n_x + n_a + np.arange(n_z), n_x + problem.chain, np.arange(n_x)]
    )
    values = np.concatenate([np.ones(b.size), -np.ones(b.size), np.ones(n_z), -np.ones(e.size), problem.cost])
    order = np.lexsort((columns, rows))
    n_rows, n_columns = b.size + n_z + 1, n_x + n_a + n_z
    proto = model_pb2.ModelProto()
    proto.variables.ids.extend(range(n_columns))
    proto.variables.lower_bounds.extend([0.0] * n_columns)
    proto.variables.upper_bounds.extend([1.0] * n_columns)
    proto.variables.integers.extend([True] * n_x + [False] * (n_a + n_z))
    proto.objective.maximize = True
    proto.objective.linear_coefficients.ids.extend(range(n_x + n_a, n_columns))
    proto.objective.linear_coefficients.values.extend(problem.weights.tolist())
    proto.linear_constraints.ids.extend(range(n_rows))
    proto.linear_constraints.lower_bounds.extend([-np.inf] * n_rows)
    proto.linear_constraints.upper_bounds.extend([0.0] * (n_rows - 1) + [budget])
    proto.linear_constraint_matrix.row_ids.extend(rows[order].tolist())
    proto.linear_constraint_matrix.column_ids.extend(columns[order].tolist())
    proto.linear_constraint_matrix.coefficients.extend(values[order].tolist())
    model = mathopt.Model.from_model_proto(proto)
    first = problem.parts(start)
    hint = mathopt.SolutionHint(variable_values={model.get_variable(r): float(first[r]) for r in range(n_x)})
    solved = mathopt.solve(
        model,
        mathopt.SolverType.HIGHS,
        params=mathopt.SolveParameters(
            time_limit=dt.timedelta(seconds=max(seconds, 0.01)),
            node_limit=nodes,
            relative_gap_tolerance=_EXACT,
            random_seed=1,
        ),
        model_params=mathopt.ModelSolveParameters(solution_hints=[hint]),
    )
    upper = float(solved.termination.objective_bounds.dual_bound)
    upper = min(float(problem.weights.sum()), upper * (1 + _EXACT))
    if not solved.has_primal_feasible_solution():
        return start.copy(), upper
    found = solved.variable_values([model.get_variable(r) for r in range(n_x)])
    plan = problem.complete(np.asarray(found) > 0.5)
    if problem.cost[problem.parts(plan)].sum() > budget * (1 + 1e-12) or problem.people(
        plan
    ) < problem.people(start):
        return start.copy(), upper
    return plan, upper


_EXACT_CANDIDATES = 400  # up to here branch and bound ends within seconds
_EXACT_ENTRIES = 60_000
_EXACT_NODES = 20_000
_PASSES, _PASSES_LARGE, _LARGE = 600, 250, 20_000_000  # passes of the prices; entries of a large problem
_PASSES_SHARED = 800  # prices along trees move more slowly
_WORK = 100_000_000  # updates of the search on each of its two stages: some 5 s
_WORK_PER_ENTRY = 500
_SURE = 0.01  # a fraction above which the relaxed plan means a candidate


@dataclass(frozen=True)
class Answer:
    """Candidates chosen, and the bounds.

    Parameters
    ----------
    chosen : ndarray of bool, shape (n_candidates,)
        The plan.
    bound, relaxed_bound : float
        No plan within the budget serves more people; the same before branch and bound.
    price : float
        People per further million USD in the relaxed bound.
    method : str
        How plan and bound were found.
    """

    chosen: Bools
    bound: float
    relaxed_bound: float
    price: float
    method: str


@dataclass(frozen=True)
class _Relaxed:
    bound: float
    line: float
    price: float
    share: Floats
    profit: Floats
    method: str


def solved(problem: CoverageProblem, budget: float, *, until: float) -> Answer:
    """Return a plan and a bound on every plan.

    Parameters
    ----------
    problem : CoverageProblem
        Candidates, parts and elements.
    budget : float
        Most that may be spent. [million USD]
    until : float
        Time (`time.monotonic`) at which to stop whatever is still running. [s]
    """
    n = problem.n_candidates
    nothing = np.zeros(n, bool)
    if n == 0 or problem.weights.size == 0:
        return Answer(nothing, 0.0, 0.0, 0.0, "nothing to gain")
    asked = time.monotonic()
    room = max(until - asked, 0.0)

    def late(part: float) -> bool:
        return time.monotonic() > asked + part * room

    start, step = _greedy(problem, budget), "greedy by people per cost"
    relaxed = _relaxation(problem, budget, until=asked + 0.5 * room)
    bound = min(relaxed.bound, float(problem.weights.sum()))
    rounded = _rounded(problem, relaxed, budget)
    if problem.people(rounded) > problem.people(start):
        start, step = rounded, "rounded relaxation"
    chosen = start
    core = _core(relaxed, start)
    work = int(
        min(_WORK_PER_ENTRY * problem.chain.size, _WORK * max(1.0, (problem.chain.size / 4e6) ** 0.75))
    )
    goal = _whole(bound, problem)
    if problem.people(chosen) < goal:
        if core.size < 0.8 * n:
            part = problem.restricted(core)
            inside = improved(
                part, chosen[core], budget, work=work, seed=1, enough=goal, late=lambda: late(0.8)
            )
            chosen = _better(problem, chosen, _widened(inside, core, n))
        chosen = _better(
            problem,
            chosen,
            improved(problem, chosen, budget, work=work // 2, seed=2, enough=goal, late=lambda: late(0.9)),
        )
    if problem.people(chosen) > problem.people(start):
        step = "ruin and recreate"
    method = f"{step}; bound: {relaxed.method}"
    if problem.people(chosen) < goal:
        # what costs more than the gap by the prices cannot be in a better plan
        open_ = _open(relaxed, bound - problem.people(chosen)) | chosen
        kept = np.flatnonzero(open_)
        if kept.size <= _EXACT_CANDIDATES:
            part = problem.restricted(kept)
            if part.chain.size <= _EXACT_ENTRIES:
                inside, upper = branched(
                    part, chosen[kept], budget, nodes=_EXACT_NODES, seconds=until - time.monotonic()
                )
                chosen = _better(problem, chosen, _widened(inside, kept, n))
                bound = min(bound, max(upper, problem.people(chosen)))
                method = f"HiGHS branch and bound; relaxation: {relaxed.method}"
    # whatever is complete with what is bought serves too
    chosen = pruned(problem, problem.complete(problem.parts(chosen)))
    bound = max(_whole(bound, problem), problem.people(chosen))
    return Answer(chosen, bound, max(relaxed.line, bound), relaxed.price, method)


def _greedy(problem: CoverageProblem, budget: float) -> Bools:
    """Take the ranking as far as the budget goes, or the one best candidate, whichever serves more."""
    order = ordered(
        problem.cost,
        problem.need_starts,
        problem.need,
        problem.cover_starts,
        problem.cover,
        problem.user_starts,
        problem.user,
        problem.weights,
        budget * (1 + 1e-12),
    )[0]
    best = np.zeros(problem.n_candidates, bool)
    best[order] = True
    alone = np.where(problem.candidate_cost <= budget * (1 + 1e-12), problem.alone, 0.0)
    single = np.zeros_like(best)
    if alone.max() > 0:
        single[int(np.argmax(alone))] = True
    return _better(problem, best, single)


def _relaxation(problem: CoverageProblem, budget: float, *, until: float) -> _Relaxed:
    passes = _PASSES_SHARED if problem.shares else _PASSES
    passes = _PASSES_LARGE if problem.chain.size > _LARGE else passes
    found = priced(problem, budget, passes=passes, late=lambda: time.monotonic() > until)
    cost = problem.cost if problem.shares else problem.candidate_cost
    profit = found.worth - found.price * cost
    line = found.fixed_people + float(profit.clip(0.0).sum()) + found.price * budget
    share, method = found.share, "prices of the linear relaxation"
    if problem.shares:
        share = np.minimum.reduceat(share[problem.need], problem.need_starts[:-1])
        profit = np.minimum.reduceat(profit[problem.need], problem.need_starts[:-1])
        method = "prices along the trees of shared parts"
    return _Relaxed(found.bound, max(line, found.bound), found.price, share, profit, method)


def _rounded(problem: CoverageProblem, relaxed: _Relaxed, budget: float) -> Bools:
    """Buy what the relaxed plan buys, most of it first; then what still fits, best for the money first."""
    value = problem.alone / problem.candidate_cost
    order = np.lexsort((-value, -np.where(relaxed.share > _SURE, relaxed.share, 0.0)))
    return filled(problem, order, budget)


def _core(relaxed: _Relaxed, start: Bools) -> Ints:
    """Return the candidates that the relaxed plan buys, half as many more by profit, and those of the plan."""
    bought = relaxed.share > _SURE
    order = np.lexsort((-relaxed.profit, ~bought))
    size = int(1.5 * bought.sum()) + 100
    inside = start.copy()
    inside[order[:size]] = True
    return np.flatnonzero(inside)


def _open(relaxed: _Relaxed, gap: float) -> Bools:
    """Return candidates that a plan better by up to the gap can hold."""
    return np.asarray(relaxed.profit >= -gap * (1 + 1e-9) - 1e-9)


def _widened(inside: Bools, kept: Ints, n: int) -> Bools:
    out = np.zeros(n, bool)
    out[kept[inside]] = True
    return out


def _better(problem: CoverageProblem, one: Bools, other: Bools) -> Bools:
    return other if problem.people(other) > problem.people(one) else one


def _whole(bound: float, problem: CoverageProblem) -> float:
    """Return the bound, lowered to a whole number where people are whole."""
    whole = bool((problem.weights == np.floor(problem.weights)).all())
    return float(np.floor(bound * (1 + 1e-12) + 1e-6)) if whole else bound * (1 + 1e-12)

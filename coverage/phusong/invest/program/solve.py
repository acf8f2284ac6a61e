"""Program solved exactly when small, bounded when large."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix, hstack

from phusong.compute.array_types import Bools, Floats, Ints
from phusong.invest.program import Limit, Program, group_rows, stack
from phusong.invest.program.relaxation import Relaxed, by_communes, coverage_rows, relax
from phusong.invest.program.search import Found, found_from, overspent, search, without_waste

__all__ = [
    "Certificate",
    "Effort",
    "Exact",
    "Guide",
    "Solved",
    "differing",
    "nearest_met",
    "quick_plan",
    "shared_money",
    "solve",
    "solve_exactly",
]


_MONEY_SCALE = 1e3  # HiGHS keeps rows to 1e-6: in thousands of USD that is a tenth of a cent
_TRIES = 3
# the work done ends the search, so that a slower machine finds the same plan; the clock only stops what has gone astray
_NODES = 20_000
_SAFETY = 10.0


@dataclass(frozen=True)
class Exact:
    """What branch and bound found.

    Parameters
    ----------
    fund, year : ndarray of int, shape (n_remedies,), or None
        The plan, -1 where nothing is bought; None when none was found.
    bound : float
        No plan is worth more; or, of the cheapest plan, none costs less.
    impossible : bool
        Whether it is proven that no plan obeys the rules.
    """

    fund: Ints | None
    year: Ints | None
    bound: float
    impossible: bool


def solve_exactly(program: Program, time_limit_s: float) -> Exact:
    """Return the best plan by funds and years, and the bound of branch and bound.

    Parameters
    ----------
    program : Program
        What is to be decided.
    time_limit_s : float
        Time that branch and bound may take on an ordinary machine; it is stopped after ten times as long. [s]
    """
    if program.model.n_bundles == 0:
        nothing = np.full(program.model.remedy_cost_musd.size, -1, np.int64)
        return Exact(nothing, nothing.copy(), 0.0, impossible=bool((program.need_people > 0).any()))
    bound: float | None = None
    asked = program
    for attempt in range(_TRIES):
        found = _solve(asked, time_limit_s)
        bound = found.bound if bound is None else bound
        if found.fund is None or found.year is None or not overspent(program, found.fund, found.year):
            return replace(found, bound=bound, impossible=found.impossible and attempt == 0)
        # the solver's tolerance overdrew a purse by a cent: keep a cent back and ask again
        keep = 10.0 ** (attempt - 6)
        asked = replace(program, available_musd=np.maximum(program.available_musd - keep, 0.0))
    return Exact(None, None, float(bound or 0.0), impossible=False)


def _solve(program: Program, time_limit_s: float) -> Exact:
    model = program.model
    cost = model.remedy_cost_musd
    n_b, n_k = model.needs.shape
    n_e = model.weights.size
    n_f, n_t = program.available_musd.shape
    # one column for each remedy, fund that may pay it, and year
    f_of, k_of = np.nonzero(program.pays)
    f_of, k_of = np.repeat(f_of, n_t), np.repeat(k_of, n_t)
    t_of = np.tile(np.arange(n_t), k_of.size // max(n_t, 1))
    n_y = k_of.size
    bought = csr_matrix((np.ones(n_y), (k_of, np.arange(n_y))), (n_k, n_y))
    rows, right = [], []
    for block in coverage_rows(program):
        rows.append(hstack([block[:, :n_k] @ bought, block[:, n_k:]], format="csr"))
    chain_rows = rows[0].shape[0] + rows[1].shape[0]
    right += [np.zeros(chain_rows), -program.need_people[program.need_people > 0]]
    pad = csr_matrix((0, n_b + n_e))

    def over_purchases(block: csr_matrix, most: Floats) -> None:
        rows.append(hstack([block, csr_matrix((block.shape[0], pad.shape[1]))], format="csr"))
        right.append(most)

    over_purchases(bought, np.ones(n_k))
    money = group_rows(f_of * n_t + t_of, cost[k_of] * _MONEY_SCALE, n_f * n_t)
    most = program.available_musd.ravel() * _MONEY_SCALE
    if program.carry_over.any():
        # with money carried over, what is spent up to a year stays within what came up to it
        sums = np.kron(np.eye(n_f), np.tri(n_t)) if n_f * n_t else np.zeros((0, 0))
        single = np.repeat(~program.carry_over, n_t)
        sums[single] = np.eye(n_f * n_t)[single]
        money, most = csr_matrix(sums) @ money, sums @ most
    over_purchases(money, most)
    crew = program.crew_of[k_of]
    crew_year = np.where(crew >= 0, crew * n_t + t_of, -1)
    over_purchases(
        group_rows(crew_year, np.ones(n_y), program.crew_most.size * n_t),
        np.repeat(program.crew_most, n_t).astype(np.float64),
    )
    for limit in program.limits:
        over_purchases(
            csr_matrix(limit.amount[k_of][None, :] * _MONEY_SCALE), np.array([limit.most * _MONEY_SCALE])
        )
    goal = np.zeros(n_y + n_b + n_e)
    if program.cheapest:
        goal[:n_y] = cost[k_of]
    else:
        goal[n_y + n_b :] = -program.value
    solved = milp(
        goal,
        constraints=LinearConstraint(stack(rows, goal.size), -np.inf, np.concatenate(right)),
        bounds=Bounds(0.0, 1.0),
        integrality=np.r_[np.ones(n_y), np.zeros(n_b + n_e)],
        options={"node_limit": _NODES, "time_limit": _SAFETY * time_limit_s, "mip_rel_gap": 1e-9},
    )
    least = solved.mip_dual_bound
    worst = 0.0 if program.cheapest else float(program.value.sum())
    bound = worst if least is None else float(least if program.cheapest else -least)
    if solved.x is None:
        return Exact(None, None, bound, impossible=solved.status == 2)
    taken = np.flatnonzero(np.asarray(solved.x[:n_y]) > 0.5)
    fund, year = np.full(n_k, -1, np.int64), np.full(n_k, -1, np.int64)
    fund[k_of[taken]], year[k_of[taken]] = f_of[taken], t_of[taken]
    return Exact(fund, year, bound, impossible=False)


_EXACT_BUNDLES = 400  # up to here branch and bound ends within seconds
_EXACT_COLUMNS = 1_000  # remedies by fund and year: alike years and funds make branch and bound slow
_ROUNDS = 60
_LARGE_BUNDLES = 40_000  # beyond, fewer rounds: each costs seconds
_DECOMPOSED_BUNDLES = 3_000  # beyond, branch and bound takes seconds in each of hundreds of communes
_LARGEST_RELAXATION = 3_000_000  # covers beyond which the first-order method takes minutes
_SURE = 0.95  # how sure the search is of what the plan without rules buys
_STEP = 0.01  # the nearest level is looked for in whole per cent


@dataclass(frozen=True)
class Certificate:
    """How good a plan can be at most.

    Parameters
    ----------
    measure : str
        people, value (people by their priority) or cost_musd.
    plan, bound : float
        What the plan has, and what no plan can better: from above for people, from below for cost.
    method : str
        How both were found.
    """

    measure: str
    plan: float
    bound: float
    method: str

    @property
    def gap(self) -> float:
        """Return how far the plan can be from the best, as a share of the larger of both."""
        most = max(abs(self.plan), abs(self.bound))
        return 0.0 if most <= 0 else abs(self.bound - self.plan) / most


@dataclass(frozen=True)
class Solved:
    """A plan by funds and years.

    Parameters
    ----------
    fund, year : ndarray of int, shape (n_remedies,)
        -1 where nothing is bought.
    met : bool
        Whether it meets the needs of every commune.
    impossible : bool
        Whether it is proven that no plan within these rules meets them.
    certificate : Certificate
        Of the goal, among plans that meet the needs.
    """

    fund: Ints
    year: Ints
    met: bool
    impossible: bool
    certificate: Certificate

    @property
    def remedies(self) -> Bools:
        """Return what is bought."""
        return np.asarray(self.fund >= 0)


@dataclass(frozen=True)
class Guide:
    """The best plan for all the money in one purse, without floors, years and crews.

    Parameters
    ----------
    bound : float
        No plan for this money is worth more, so none under the rules is.
    remedies : ndarray of bool, shape (n_remedies,)
        What it buys.
    method : str
        How its bound was found.
    """

    bound: float
    remedies: Bools
    method: str


@dataclass(frozen=True)
class Effort:
    """How a program is solved.

    Parameters
    ----------
    time_limit_s : float
        Of branch and bound on small programs. [s]
    seed : int
        Of the search on large ones.
    measure : str
        What the value is, when it is not the cost.
    guide : Guide, optional
        What is known without the rules.
    """

    time_limit_s: float
    seed: int
    measure: str = "people"
    guide: Guide | None = None


def solve(program: Program, effort: Effort) -> Solved:
    """Return the plan of a program, and the bound on every other that obeys the same rules.

    Parameters
    ----------
    program : Program
        What is to be decided.
    effort : Effort
        Seconds, seed, and what is known without the rules.
    """
    small = _small(program)
    relaxed = _relaxed(program, effort)
    rounds = _ROUNDS if program.model.n_bundles <= _LARGE_BUNDLES else _ROUNDS // 10
    found = search(program, relaxed.fraction, rounds=0 if small else rounds, seed=effort.seed)
    bound, impossible = relaxed.bound, relaxed.impossible
    method = f"{found.method}; bound: {relaxed.solver}"
    if not small and program.cheapest and program.model.n_bundles <= _DECOMPOSED_BUNDLES:
        parted = by_communes(program, relaxed)
        bound = max(bound, parted.bound)
        rebuilt = found_from(program, parted.remedies, rounds, effort.seed)
        found = _better(program, found, rebuilt)
        method = f"{found.method}; bound: {parted.method}"
    if small and not impossible:
        exact = solve_exactly(program, effort.time_limit_s)
        impossible = exact.impossible
        if exact.fund is not None and exact.year is not None:
            found = _better(program, found, without_waste(program, Found(exact.fund, exact.year, "exact")))
        bound = max(bound, exact.bound) if program.cheapest else min(bound, exact.bound)
        method = "HiGHS branch and bound over funds and years"
    bought = found.remedies
    got = program.cost(bought) if program.cheapest else program.worth(bought)
    met = program.meets(bought)
    # a proven bound never stands on the wrong side of a plan that meets the needs: that is rounding
    if met:
        bound = min(bound, got) if program.cheapest else max(bound, got)
    name = "cost_musd" if program.cheapest else effort.measure
    return Solved(found.fund, found.year, met, impossible, Certificate(name, got, bound, method))


def _relaxed(program: Program, effort: Effort) -> Relaxed:
    """Return the relaxation, or what is known without the rules where that is as tight and already there."""
    guide = effort.guide
    one_purse = program.pays.shape[0] == 1 and program.crew_most.size == 0
    size = program.model.covers.nnz
    if guide is not None and not _small(program) and (one_purse or size > _LARGEST_RELAXATION):
        # floors only, or too large: the same money in one purse, without the rules
        fraction = np.where(guide.remedies, _SURE, 0.0)
        return Relaxed(guide.bound, fraction, f"all money in one purse, rules left out ({guide.method})")
    found = relax(program)
    words = f"linear relaxation, years summed ({found.solver})"
    if guide is None or guide.bound >= found.bound:
        return replace(found, solver=words)
    return replace(
        found, bound=guide.bound, solver=f"all money in one purse, rules left out ({guide.method})"
    )


def quick_plan(program: Program, *, time_limit_s: float, seed: int) -> tuple[Bools, str]:
    """Return a plan and how it was found: exact when small, by the search's starts when large."""
    found = search(program, np.zeros(program.pays.shape[1]), rounds=0, seed=seed)
    if _small(program):
        exact = solve_exactly(program, time_limit_s)
        if exact.fund is not None and exact.year is not None:
            plan = Found(exact.fund, exact.year, "HiGHS branch and bound")
            best = _better(program, found, without_waste(program, plan))
            return best.remedies, "HiGHS branch and bound"
    return found.remedies, found.method


def _better(program: Program, one: Found, other: Found) -> Found:
    a, b = one.remedies, other.remedies
    if program.meets(b) != program.meets(a):
        return other if program.meets(b) else one
    if program.cheapest:
        if not program.meets(a):
            return one if program.short(a).sum() <= program.short(b).sum() else other
        return one if program.cost(a) < program.cost(b) - 1e-9 else other
    return one if program.worth(a) > program.worth(b) + 1e-6 else other


def _small(program: Program) -> bool:
    columns = int(program.pays.sum()) * program.n_years
    return program.model.n_bundles <= _EXACT_BUNDLES and columns <= _EXACT_COLUMNS


def nearest_met(
    program: Program, need_of: Callable[[float], Floats], wanted: float, effort: Effort
) -> tuple[Solved, Program, float]:
    """Return the plan at the wanted level of needs or, where none is found, at the nearest whole per cent below.

    Parameters
    ----------
    program : Program
        What is to be decided; its needs are replaced.
    need_of : callable
        People needed in each commune at a level, 0 to 1, growing with it.
    wanted : float
        Level asked for.
    effort : Effort
        As for :func:`solve`.

    Returns
    -------
    Solved, Program, float
        The plan, the program it solves, and the level it meets.
    """
    found, proven = _feasible(program.needing(need_of(wanted)), effort)
    level = wanted
    if not found:
        low, high = 0, int(np.ceil(wanted / _STEP - 1e-9)) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if _feasible(program.needing(need_of(middle * _STEP)), effort)[0]:
                low = middle
            else:
                high = middle - 1
        level = low * _STEP
    asked = program.needing(need_of(level))
    return replace(solve(asked, effort), impossible=proven), asked, level


def _feasible(program: Program, effort: Effort) -> tuple[bool, bool]:
    """Return whether a plan that meets the needs was found, and whether it is proven that there is none."""
    start = search(program, np.zeros(program.pays.shape[1]), rounds=0, seed=effort.seed)
    if program.meets(start.remedies):
        return True, False
    if not _small(program):
        return False, False
    exact = solve_exactly(program, effort.time_limit_s)
    return exact.fund is not None and program.meets(exact.fund >= 0), exact.impossible


def shared_money(cost_musd: Floats, plan: Bools, other: Bools) -> float:
    """Return the money that two plans spend on the same remedies. [million USD]"""
    return float(cost_musd[plan & other].sum())


def differing(
    program: Program, first: Bools, count: int, differ: float, plan_of: Callable[[Program], Bools]
) -> list[Bools]:
    """Return further plans, each spending at least a share of every earlier plan's money otherwise.

    Parameters
    ----------
    program : Program
        What is to be decided.
    first : ndarray of bool, shape (n_remedies,)
        The plan that they differ from.
    count : int
        How many at most; fewer when nothing is left to buy otherwise.
    differ : float
        Least share, 0 to 1, of an earlier plan's money that is spent otherwise.
    plan_of : callable
        Solves a program.
    """
    cost = program.model.remedy_cost_musd
    plans: list[Bools] = []
    limits = list(program.limits)
    earlier = first
    for _ in range(count):
        spent = float(cost[earlier].sum())
        if spent <= 0:
            break
        limits.append(Limit(np.where(earlier, cost, 0.0), (1.0 - differ) * spent))
        plan = plan_of(replace(program, limits=tuple(limits)))
        if not plan.any():
            break
        plans.append(plan)
        earlier = plan
    return plans

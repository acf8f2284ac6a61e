"""The best plan for a budget, and a proof of how far from it one can be.

max Σ w_e z_e with z_e ≤ Σ_b∋e a_b, a_b ≤ x_k for every remedy k that b needs, Σ c_k x_k ≤ budget. The bound is
the optimum of its linear relaxation, by HiGHS or, for large models, by PDLP with the bound recomputed from its
duals, so that it is valid whatever the solver's tolerance. Small models are solved to the end by HiGHS.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from ortools.pdlp import solvers_pb2
from ortools.pdlp.python import pdlp
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_matrix, eye, hstack, vstack

from phusong.invest.plan_model import PlanModel
from phusong.invest.ranking import rank

__all__ = ["BestPlan", "best_plan", "merge_elements"]

Floats = npt.NDArray[np.float64]

_SIMPLEX_NONZEROS = 200_000  # beyond, simplex takes minutes (measured: 86 s at 1 million, PDLP 5 s)
_EXACT_BELOW = 400  # bundles: up to here branch and bound ends within seconds


@dataclass(frozen=True)
class BestPlan:
    """A plan and its certificate.

    Parameters
    ----------
    remedies : ndarray of bool, shape (n_remedies,)
        What to buy.
    people : float
        People it serves.
    bound : float
        No plan within the budget serves more.
    cost_musd : float
        What it costs.
    method : str
        How plan and bound were found.
    price : float
        People per further million USD in the bound: `bound + price · (B - budget)` bounds every plan of budget B.
    closable : float
        People that all bundles together serve.
    """

    remedies: npt.NDArray[np.bool_]
    people: float
    bound: float
    cost_musd: float
    method: str
    price: float
    closable: float

    @property
    def gap(self) -> float:
        """Return how far the plan can be from the best, as a share of the bound."""
        return 0.0 if self.bound <= 0 else max(0.0, (self.bound - self.people) / self.bound)


def merge_elements(covers: csr_matrix, weights: Floats) -> tuple[csr_matrix, Floats]:
    """Merge elements served by exactly the same bundles, adding their weights; drop those served by none."""
    columns = covers.tocsc()
    rng = np.random.default_rng(7)
    mark = rng.integers(1, 2**63 - 1, size=(covers.shape[0], 2), dtype=np.uint64)
    # two sums of random 64-bit marks tell sets of bundles apart (a clash is less likely than a bit error)
    counts = np.diff(columns.indptr)
    owner = np.repeat(np.arange(covers.shape[1]), counts)
    key = np.zeros((covers.shape[1], 2), np.uint64)
    np.add.at(key, owner, mark[columns.indices])
    kept = np.flatnonzero(counts)
    if kept.size == 0:
        return csr_matrix((covers.shape[0], 0)), np.empty(0)
    _, first, group = np.unique(key[kept], axis=0, return_index=True, return_inverse=True)
    merged = np.bincount(group.ravel(), weights[kept], first.size).astype(np.float64)
    return covers[:, kept[first]].tocsr(), merged


def best_plan(model: PlanModel, budget_musd: float, *, time_limit_s: float = 30.0) -> BestPlan:
    """Return a good plan within the budget and a bound on every plan.

    Parameters
    ----------
    model : PlanModel
        Bundles, remedies, elements.
    budget_musd : float
        Most that may be spent. [million USD]
    time_limit_s : float
        For branch and bound on small models; the linear bound is always solved to its end. [s]
    """
    covers, weights = merge_elements(model.covers, model.weights)
    small = PlanModel(model.remedy_cost_musd, model.needs, covers, weights)
    plan, method = _greedy_plan(small, budget_musd)
    bound, fraction, price, solver = _linear_bound(small, budget_musd)
    method += f"; bound: linear relaxation ({solver})"
    rounded = _round(small, fraction, budget_musd)
    if small.people(rounded) > small.people(plan):
        plan, method = rounded, f"rounded linear optimum; bound: linear relaxation ({solver})"
    if model.n_bundles <= _EXACT_BELOW and small.people(plan) < bound - 0.5:
        exact, upper = _exact(small, budget_musd, time_limit_s)
        if exact is not None and small.people(exact) > small.people(plan):
            plan = exact
        bound = min(bound, upper)
        method = "HiGHS branch and bound"
    cost = float(model.remedy_cost_musd[plan].sum())
    people = small.people(plan)
    return BestPlan(plan, people, max(bound, people), cost, method, price, float(weights.sum()))


def _greedy_plan(model: PlanModel, budget: float) -> tuple[npt.NDArray[np.bool_], str]:
    """Take the ranking as far as the budget goes, or the one best bundle, whichever serves more."""
    best = np.zeros(model.remedy_cost_musd.size, bool)
    for b in rank(model, budget_musd=budget).order:
        best[model.needs.indices[model.needs.indptr[b] : model.needs.indptr[b + 1]]] = True
    cost = np.asarray(model.needs @ model.remedy_cost_musd).ravel()
    alone = np.where(cost <= budget, np.asarray(model.covers @ model.weights).ravel(), -1.0)
    if alone.size and alone.max() > model.people(best):
        single = np.zeros_like(best)
        b = int(np.argmax(alone))
        single[model.needs.indices[model.needs.indptr[b] : model.needs.indptr[b + 1]]] = True
        return single, "best single bundle"
    return best, "greedy by people per cost"


def _rows(model: PlanModel, budget: float) -> tuple[csr_matrix, Floats]:
    """Return A and b of A·(x, a, z) ≤ b."""
    n_b, n_r = model.needs.shape
    n_e = model.weights.size
    entry = np.repeat(np.arange(n_b), np.diff(model.needs.indptr))
    n_n = entry.size
    pick_b = csr_matrix((np.ones(n_n), (np.arange(n_n), entry)), (n_n, n_b))
    pick_r = csr_matrix((np.ones(n_n), (np.arange(n_n), model.needs.indices)), (n_n, n_r))
    nothing = csr_matrix((n_n, n_e)), csr_matrix((n_e, n_r)), csr_matrix((1, n_b + n_e))
    rows = vstack(
        [
            hstack([-pick_r, pick_b, nothing[0]]),
            hstack([nothing[1], -model.covers.T, eye(n_e)]),
            hstack([csr_matrix(model.remedy_cost_musd[None, :]), nothing[2]]),
        ],
        format="csr",
    )
    return rows, np.r_[np.zeros(n_n + n_e), budget]


def _linear_bound(model: PlanModel, budget: float) -> tuple[float, Floats, float, str]:
    """Return a bound, the remedies of the relaxed optimum (0 to 1), people per million, and the solver's name."""
    n_b, n_r = model.needs.shape
    if model.weights.size == 0:
        return 0.0, np.zeros(n_r), 0.0, "nothing to gain"
    rows, right = _rows(model, budget)
    goal = np.r_[np.zeros(n_r + n_b), -model.weights]
    small = rows.nnz <= _SIMPLEX_NONZEROS
    dual, x = _highs(goal, rows, right) if small else _pdlp(goal, rows, right)
    # any dual ≤ 0 of the rows gives a valid bound; recomputing it removes the solver's tolerance
    dual = np.minimum(dual, 0.0)
    reduced = goal - np.asarray(rows.T @ dual).ravel()
    bound = float(-(dual @ right + np.minimum(reduced, 0.0).sum()))
    bound = min(bound, float(model.weights.sum()))
    return bound, np.clip(x[:n_r], 0.0, 1.0), float(-dual[-1]), "HiGHS" if small else "PDLP, recomputed"


def _highs(goal: Floats, rows: csr_matrix, right: Floats) -> tuple[Floats, Floats]:
    solved: Any = linprog(goal, A_ub=rows, b_ub=right, bounds=(0.0, 1.0), method="highs")  # type: ignore[call-overload]
    if solved.status != 0:
        return np.zeros(right.size), np.zeros(goal.size)
    return np.asarray(solved.ineqlin.marginals, np.float64), np.asarray(solved.x, np.float64)


def _pdlp(goal: Floats, rows: csr_matrix, right: Floats) -> tuple[Floats, Floats]:
    """Solve the relaxation by a first-order method: close to the optimum in seconds where simplex takes minutes."""
    program = pdlp.QuadraticProgram()
    program.objective_vector = goal
    program.constraint_matrix = rows.tocsc()
    program.constraint_lower_bounds = np.full(right.size, -np.inf)
    program.constraint_upper_bounds = right
    program.variable_lower_bounds = np.zeros(goal.size)
    program.variable_upper_bounds = np.ones(goal.size)
    settings = solvers_pb2.PrimalDualHybridGradientParams()
    settings.termination_criteria.simple_optimality_criteria.eps_optimal_relative = 1e-3
    settings.termination_criteria.simple_optimality_criteria.eps_optimal_absolute = 1e-3
    # iterations, not seconds, end it, so that a repeated run gives the same bytes
    settings.termination_criteria.iteration_limit = 20_000
    settings.num_threads = 1
    result = pdlp.primal_dual_hybrid_gradient(program, settings)
    return np.asarray(result.dual_solution, np.float64), np.asarray(result.primal_solution, np.float64)


def _round(model: PlanModel, fraction: Floats, budget: float) -> npt.NDArray[np.bool_]:
    """Buy bundles in the order of the linear optimum's least sure remedy, then greedily what still fits."""
    plan = np.zeros(fraction.size, bool)
    left = budget
    lists = np.split(model.needs.indices, model.needs.indptr[1:-1])
    sure = np.array([fraction[need].min() if need.size else 0.0 for need in lists])
    served = np.zeros(model.weights.size, bool)
    for b in np.lexsort((np.arange(sure.size), -sure)):
        if sure[b] <= 0.02:
            break
        need = lists[b]
        cost = float(model.remedy_cost_musd[need[~plan[need]]].sum())
        cells = model.covers.indices[model.covers.indptr[b] : model.covers.indptr[b + 1]]
        if cost <= left and not served[cells].all():
            plan[need] = True
            served[cells] = True
            left -= cost
    rest = PlanModel(
        np.where(plan, 0.0, model.remedy_cost_musd),
        model.needs,
        model.covers,
        np.where(served, 0.0, model.weights),
    )
    more = rank(rest, budget_musd=left)
    for b in more.order:
        plan[lists[b]] = True
    return plan


def _exact(model: PlanModel, budget: float, seconds: float) -> tuple[npt.NDArray[np.bool_] | None, float]:
    n_b, n_r = model.needs.shape
    rows, right = _rows(model, budget)
    goal = np.r_[np.zeros(n_r + n_b), -model.weights]
    solved = milp(
        goal,
        constraints=LinearConstraint(rows, -np.inf, right),
        bounds=Bounds(0.0, 1.0),
        integrality=np.r_[np.ones(n_r), np.zeros(n_b + model.weights.size)],
        options={"time_limit": seconds, "mip_rel_gap": 1e-6},
    )
    upper = float(-solved.mip_dual_bound) if solved.mip_dual_bound is not None else float(model.weights.sum())
    if solved.x is None:
        return None, upper
    plan = np.asarray(solved.x[:n_r]) > 0.5
    if model.remedy_cost_musd[plan].sum() > budget * (1 + 1e-9) + 1e-12:
        return None, upper
    return plan, upper * (1 + 1e-9)

"""Best plan for a budget with certificate; maximal covering; the curve over budgets.

Merge what is equal, price the people (a bound), round the relaxed plan, improve by ruin and recreate, and end by
branch and bound whatever the prices leave open, where that is little. Every step stops after a number of
operations that depends on the model alone; the time limit only cuts short what would take longer.
"""

import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix, identity

from phusong.compute.array_types import Floats
from phusong.compute.arrays import merge_equal, turned
from phusong.errors import InputError, Problem
from phusong.invest.plan_book import PlanModel
from phusong.invest.ranking import Ranking, rank
from phusong.invest.solver import reduced
from phusong.invest.solver.lagrange import priced
from phusong.invest.solver.plan import solved

__all__ = [
    "BestPlan",
    "Choice",
    "best_plan",
    "bound_corners",
    "frontier",
    "max_coverage",
    "merge_elements",
    "priced_lines",
]


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
        People per further million USD in the relaxed bound.
    closable : float
        People that all bundles together serve.
    budget_musd, relaxed_bound : float
        The budget asked for, and its bound before branch and bound: `price` continues that one to other budgets.
    stopped : bool
        Whether the time limit cut the search short.
    """

    remedies: npt.NDArray[np.bool_]
    people: float
    bound: float
    cost_musd: float
    method: str
    price: float
    closable: float
    budget_musd: float = np.nan
    relaxed_bound: float = np.nan
    stopped: bool = False

    @property
    def gap(self) -> float:
        """Return how far the plan can be from the best, as a share of the bound."""
        return 0.0 if self.bound <= 0 else max(0.0, (self.bound - self.people) / self.bound)

    def bound_at(self, budget_musd: npt.ArrayLike) -> Floats:
        """Return people that no plan of another budget can exceed.

        Parameters
        ----------
        budget_musd : array_like
            Budgets, larger or smaller. [million USD]
        """
        other = np.asarray(budget_musd, np.float64)
        line = np.minimum(self.closable, self.relaxed_bound + self.price * (other - self.budget_musd))
        return np.where(other <= self.budget_musd, np.minimum(line, self.bound), line)


def merge_elements(covers: csr_matrix, weights: Floats) -> tuple[csr_matrix, Floats]:
    """Merge elements served by exactly the same bundles, adding their weights; drop those served by none."""
    n_bundles = covers.shape[0]
    starts, entries = turned(covers.indptr.astype(np.int64), covers.indices.astype(np.int32), covers.shape[1])
    starts, entries, merged, _ = merge_equal(starts, entries, np.asarray(weights, np.float64))
    starts, entries = turned(starts, entries, n_bundles)
    return csr_matrix((np.ones(entries.size), entries, starts), (n_bundles, merged.size)), merged


def best_plan(model: PlanModel, budget_musd: float, *, time_limit_s: float = 30.0) -> BestPlan:
    """Return a good plan within the budget and a bound on every plan.

    Parameters
    ----------
    model : PlanModel
        Bundles, remedies, elements.
    budget_musd : float
        Most that may be spent. [million USD]
    time_limit_s : float
        For everything. What depends on the model alone usually ends earlier; only where the limit cuts it short
        can another run give another plan. [s]
    """
    until = time.monotonic() + time_limit_s
    problem = reduced(model)
    answer = solved(problem, budget_musd, until=until)
    candidate = problem.bundle_candidate
    picked = np.append(answer.chosen, [False, False])[candidate]
    picked[_free(model, np.flatnonzero(candidate == -1))] = True
    bought = np.asarray((picked.astype(np.float64) @ model.needs) > 0).ravel()
    people = problem.free_people + problem.people(answer.chosen)
    bound = max(problem.free_people + answer.bound, people)
    return BestPlan(
        bought,
        people,
        bound,
        float(model.remedy_cost_musd[bought].sum()),
        answer.method,
        answer.price,
        problem.free_people + float(problem.weights.sum()),
        float(budget_musd),
        max(problem.free_people + answer.relaxed_bound, people),
        time.monotonic() >= until,
    )


def _free(model: PlanModel, bundles: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return, of bundles that cost nothing, those that serve somebody whom the ones before do not."""
    served = model.weights <= 0
    kept = []
    for b in bundles:
        cells = model.covers.indices[model.covers.indptr[b] : model.covers.indptr[b + 1]]
        if not served[cells].all():
            kept.append(b)
            served[cells] = True
    return np.array(kept, np.intp)


_PRICED_AT = (0.15, 3.0)  # times the budget asked for: where the bound is sought anew
_PASSES = 24  # over the elements; the bound is valid whatever their number
_BUDGETS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)  # times the budget asked for


def frontier(
    ranking: Ranking,
    best: BestPlan,
    budget_musd: float,
    *,
    model: PlanModel | None = None,
    lines: Floats | None = None,
) -> pd.DataFrame:
    """Return people against money along the ranking, at several budgets, and the bound over all of them.

    Parameters
    ----------
    ranking : Ranking
        Bundles in order.
    best : BestPlan
        The plan of the budget, with its bound.
    budget_musd : float
        The budget asked for. [million USD]
    model : PlanModel, optional
        What can be bought: with it the best plan known at each budget stands beside the bound.
    lines : ndarray, shape (n, 2), optional
        Further lines that no plan of any budget can cross: people per million USD, and people at no money.

    Returns
    -------
    DataFrame
        Rows of two kinds. `cost_musd`, `people`: the ranking, place by place. `budget_musd`, `bound_people` and
        `plan_people`: the corners of the bound, straight in between and level beyond, and the budgets at which a
        plan was looked for.
    """
    cost = np.r_[0.0, np.cumsum(ranking.cost_musd)]
    points = pd.DataFrame({"cost_musd": cost, "people": np.r_[0.0, np.cumsum(ranking.people_gained)]})
    own = np.array([[0.0, best.closable]])
    if model is None:
        own = np.vstack([own, [best.price, best.bound - best.price * budget_musd]])
    else:
        own = np.vstack([own, _bound_lines(model, best, budget_musd)])
    budgets = np.unique(
        np.r_[
            0.0,
            budget_musd,
            budget_musd * (1 + 1e-9),  # just above it the tighter bound of the budget itself no longer holds
            float(cost[-1]),
            [f * budget_musd for f in _BUDGETS if f * budget_musd < cost[-1]],
        ]
    )
    bounding = np.vstack([own, *([lines] if lines is not None else [])])
    # what no plan of this budget exceeds, no plan of a smaller one does
    capped = bound_corners(np.vstack([bounding, [0.0, best.bound]]), budgets)
    beyond = bound_corners(bounding, budgets)
    inside, outside = capped[0] <= budget_musd, beyond[0] > budget_musd
    money, people = (np.r_[capped[k][inside], beyond[k][outside]] for k in (0, 1))
    rows = pd.DataFrame({"budget_musd": money, "bound_people": people})
    if model is not None:
        known = _plans(model, best, budgets)
        # what was reached can never lie above what is proved; the smaller of two sums in floating point would
        reached = rows["budget_musd"].map(known)
        rows = rows.assign(bound_people=np.fmax(rows["bound_people"], reached), plan_people=reached)
    return pd.concat([points, rows], ignore_index=True)


def bound_corners(lines: Floats, budgets: Floats) -> tuple[Floats, Floats]:
    """Return the lowest of some lines at some budgets and at every corner between them. [million USD, people]

    Parameters
    ----------
    lines : ndarray, shape (n, 2)
        People per million USD (not negative), and people at no money.
    budgets : ndarray
        Budgets that are wanted; corners are added up to where the lowest line is level. [million USD]

    Examples
    --------
    >>> money, people = bound_corners(np.array([[10.0, 0.0], [0.0, 30.0]]), np.array([0.0, 5.0]))
    >>> money.tolist(), people.tolist()
    ([0.0, 3.0, 5.0], [0.0, 30.0, 30.0])
    """
    order = np.lexsort((lines[:, 1], -lines[:, 0]))
    hull: list[tuple[float, float]] = []
    for slope, level in lines[order].tolist():
        if hull and hull[-1][0] == slope:
            continue
        while hull and level <= hull[-1][1]:
            # less steep and lower from the start: the steeper one is never the lowest
            hull.pop()
        while len(hull) > 1 and _meet(hull[-1], (slope, level)) <= _meet(hull[-2], hull[-1]):
            hull.pop()
        hull.append((slope, level))
    corners = [_meet(a, b) for a, b in pairwise(hull)]
    money = np.unique(np.r_[budgets, [c for c in corners if 0.0 < c < np.inf]])
    people = np.min([np.maximum(slope * money + level, 0.0) for slope, level in hull], axis=0)
    return money, people


def priced_lines(worth: Floats, cost_musd: Floats, fixed_people: float, budgets: Floats) -> Floats:
    """Return lines that bound every plan, from what priced people pay to each item.

    Parameters
    ----------
    worth : ndarray, shape (n,)
        People that each item is paid for.
    cost_musd : ndarray, shape (n,)
        Its cost. [million USD]
    fixed_people : float
        People that are paid to nothing.
    budgets : ndarray
        Where the lines are to touch the bound that the prices give. [million USD]

    Returns
    -------
    ndarray, shape (n_budgets, 2)
        People per million USD, and people at no money.

    Notes
    -----
    A plan of budget B serves at most ``fixed_people`` and the most worth that B buys in fractions, whatever the
    prices: a concave function of B, of which every tangent is a bound too.
    """
    free = float(worth[cost_musd <= 0].clip(0.0).sum()) + fixed_people
    good = np.flatnonzero((worth > 0) & (cost_musd > 0))
    order = good[np.argsort(-worth[good] / cost_musd[good], kind="stable")]
    spent = np.r_[0.0, np.cumsum(cost_musd[order])]
    bought = free + np.r_[0.0, np.cumsum(worth[order])]
    slopes = np.r_[worth[order] / cost_musd[order], 0.0]
    at = np.minimum(np.searchsorted(spent, budgets, side="right") - 1, order.size)
    return np.column_stack([slopes[at], bought[at] - slopes[at] * spent[at]])


def _bound_lines(model: PlanModel, best: BestPlan, budget_musd: float) -> Floats:
    """Return lines that bound every plan: from the prices behind the plan's own bound, and from others."""
    problem = reduced(model)
    cost = problem.cost if problem.shares else problem.candidate_cost
    lines, at = [np.empty((0, 2))], list(_PRICED_AT)
    if np.isfinite(best.relaxed_bound) and cost.max(initial=0.0) <= budget_musd == best.budget_musd:
        # nothing was left out as too dear, so the prices hold for every other budget too
        lines.append(np.array([[best.price, best.relaxed_bound - best.price * budget_musd]]))
    else:
        at.append(1.0)
    if problem.weights.size and budget_musd > 0:
        for budget in (np.array(at) * budget_musd).tolist():
            found = priced(problem, budget, passes=_PASSES, late=lambda: False)
            fixed = problem.free_people + found.fixed_people
            lines.append(priced_lines(found.worth, cost, fixed, budget * np.geomspace(0.25, 4.0, 9)))
    return np.vstack(lines)


def _meet(a: tuple[float, float], b: tuple[float, float]) -> float:
    return (b[1] - a[1]) / (a[0] - b[0])


def _plans(model: PlanModel, best: BestPlan, budgets: Floats) -> dict[float, float]:
    """Return the most people known for each budget: along the ranking, or by the best plan where it can be paid."""
    used = np.flatnonzero(np.bincount(model.covers.indices, minlength=model.weights.size))
    small = PlanModel(model.remedy_cost_musd, model.needs, model.covers[:, used].tocsr(), model.weights[used])
    out, most = {}, 0.0
    for budget in budgets.tolist():
        bought = np.zeros(model.remedy_cost_musd.size, bool)
        for b in rank(small, budget_musd=budget).order:
            bought[small.needs.indices[small.needs.indptr[b] : small.needs.indptr[b + 1]]] = True
        most = max(most, small.people(bought), best.people if best.cost_musd <= budget * (1 + 1e-9) else 0.0)
        out[budget] = most
    return out


@dataclass(frozen=True)
class Choice:
    """Options chosen, and how good the choice is.

    Parameters
    ----------
    chosen : ndarray of int
        Options, ascending.
    objective, bound : float
        Weight covered, and what no choice within the budget can exceed.
    cost : float
        Cost of the options chosen.
    method : str
        How choice and bound were found.
    """

    chosen: npt.NDArray[np.int64]
    objective: float
    bound: float
    cost: float
    method: str

    @property
    def gap(self) -> float:
        """Return how far the choice can be from the best, as a share of the bound."""
        return 0.0 if self.bound <= 0 else max(0.0, (self.bound - self.objective) / self.bound)


def max_coverage(
    covers: csr_matrix,
    weights: npt.ArrayLike,
    costs: npt.ArrayLike,
    budget: float,
    *,
    time_limit_s: float = 10.0,
) -> Choice:
    """Choose options that cover most weight within a budget.

    Parameters
    ----------
    covers : csr_matrix, shape (n_options, n_cells)
        Nonzero where an option covers a cell.
    weights : array_like, shape (n_cells,)
        Weight of each cell, 0 or more.
    costs : array_like, shape (n_options,)
        Cost of each option, 0 or more.
    budget : float
        Most that may be spent.
    time_limit_s : float
        For everything. [s]

    Raises
    ------
    InputError
        For shapes that do not agree, and weights, costs or a budget that are negative or no numbers.
    """
    matrix = csr_matrix(covers)
    weight, cost = np.asarray(weights, np.float64), np.asarray(costs, np.float64)
    problems = []
    for name, values, size in (("weights", weight, matrix.shape[1]), ("costs", cost, matrix.shape[0])):
        if values.shape != (size,):
            problems.append(
                Problem("max_coverage", f"must hold {size} numbers", column=name, value=values.shape)
            )
        elif not (np.isfinite(values) & (values >= 0)).all():
            problems.append(Problem("max_coverage", "must be numbers of 0 or more", column=name))
    if not budget >= 0:
        problems.append(Problem("max_coverage", "must be 0 or more", column="budget", value=budget))
    if problems:
        raise InputError(problems)
    model = PlanModel(cost, csr_matrix(identity(matrix.shape[0])), matrix, weight)
    best = best_plan(model, float(budget), time_limit_s=time_limit_s)
    return Choice(np.flatnonzero(best.remedies), best.people, best.bound, best.cost_musd, best.method)

"""People against money: along the ranking, by the best plan known at several budgets, and the line no plan can cross."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.invest.optimum import BestPlan
from phusong.invest.plan_model import PlanModel
from phusong.invest.ranking import Ranking, rank
from phusong.invest.solver.bound import priced
from phusong.invest.solver.problem import reduced

__all__ = ["bound_corners", "frontier", "priced_lines"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

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

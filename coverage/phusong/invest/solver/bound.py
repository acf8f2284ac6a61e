"""What no plan can exceed: people priced, so that each candidate sells at most what its elements pay.

Let an element of w people pay the share v (0 to 1) of w to every candidate that serves it and keep 1 - v. Then for
every plan x, people(x) ≤ Σ w (1 - v) + max {Σ g_j x_j : Σ c_j x_j ≤ B, 0 ≤ x ≤ 1} with g_j = Σ w v over what j
serves: a bound for any v, found by sorting. The best v are duals of the linear relaxation; a primal-dual hybrid
gradient method with restarts finds them (Applegate et al., 2021, "Practical large-scale linear programming using
primal-dual hybrid gradient"), with the budget kept inside the projection and Pock and Chambolle's diagonal steps.
Where candidates share parts, an element pays the parts on its tree (see `trees`): on every path to a candidate
v of w in all, so that the same sum bounds every plan.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from phusong.invest.solver.problem import Problem
from phusong.invest.solver.sweeps import ChainPrices, Prices, TreePrices
from phusong.invest.solver.trees import trees
from phusong.kernel_cache import nb

__all__ = ["Priced", "most_for_budget", "priced"]

Floats = npt.NDArray[np.float64]

_CHECK_EVERY = 8  # passes between two looks at the gap
_ENOUGH = 2e-4  # relative gap of the relaxation at which prices are good enough


@dataclass(frozen=True)
class Priced:
    """Prices of the best bound found.

    Parameters
    ----------
    bound : float
        No plan within the budget serves more people.
    fixed_people : float
        People that elements keep for themselves.
    worth : ndarray, shape (n,)
        People that each item (candidate, or part where parts are shared) is paid for.
    price : float
        People per million USD at the margin.
    share : ndarray, shape (n,)
        How much of each item the relaxed plan buys, 0 to 1.
    relaxed : float
        People that the relaxed plan serves: how far the prices still are from the best ones.
    passes : int
        Passes over the elements.
    """

    bound: float
    fixed_people: float
    worth: Floats
    price: float
    share: Floats
    relaxed: float
    passes: int


def most_for_budget(worth: Floats, cost: Floats, budget: float) -> tuple[float, float]:
    """Return the most worth that a budget buys in fractions, and the price of its last million."""
    good = np.flatnonzero((worth > 0) & (cost > 0))
    order = good[np.argsort(-worth[good] / cost[good], kind="stable")]
    spent = np.cumsum(cost[order])
    k = int(np.searchsorted(spent, budget, side="right"))
    total = float(worth[order[:k]].sum() + worth[cost <= 0].clip(0.0).sum())
    if k == order.size:
        return total, 0.0
    price = float(worth[order[k]] / cost[order[k]])
    before = float(spent[k - 1]) if k else 0.0
    return total + price * (budget - before), price


def priced(problem: Problem, budget: float, *, passes: int, late: Callable[[], bool]) -> Priced:
    """Return prices of elements whose bound is close to the linear relaxation's optimum.

    Items are candidates where they share no part, else parts.

    Parameters
    ----------
    problem : Problem
        Candidates, parts and elements.
    budget : float
        Most that may be spent. [million USD]
    passes : int
        Most passes over the elements.
    late : callable
        Whether to stop at once: a safety cap, asked after every pass.
    """
    with ThreadPoolExecutor(2) as pool:
        if problem.shares:
            forest = trees(problem)
            size = np.diff(forest.starts)
            paid = np.repeat(problem.weights, size)
            reach = np.bincount(forest.part, paid, problem.cost.size).astype(np.float64)
            prices: Prices = TreePrices(forest, problem.weights, problem.cost.size, pool)
            return _priced(prices, problem.cost, reach, budget, passes, late)
        prices = ChainPrices(problem, pool)
        return _priced(prices, problem.candidate_cost, problem.alone, budget, passes, late)


def _priced(
    prices: Prices, cost: Floats, reach: Floats, budget: float, passes: int, late: Callable[[], bool]
) -> Priced:
    n = cost.size
    reach = np.maximum(reach, 1e-300)
    upper = (cost <= budget * (1 + 1e-12)).astype(np.float64)
    best = Priced(np.inf, 0.0, np.zeros(n), 0.0, np.zeros(n), 0.0, 0)
    omega, since = 1.0, 0
    x, x_start = np.zeros(n), np.zeros(n)
    x_sum, g_sum, kept_sum = np.zeros(n), np.zeros(n), 0.0
    gap_start = gap_before = np.inf
    g, _, _ = prices.sweep(x, 0.0)
    last = g
    prices.restart(1, at_mean=False)
    for k in range(1, passes + 1):
        x = _project(x + omega * (2.0 * g - last) / reach, cost / reach * omega, upper, cost, budget)
        last = g
        g, served, kept = prices.sweep(x, 1.0 / omega)
        x_sum, g_sum, kept_sum, since = x_sum + x, g_sum + g, kept_sum + kept, since + 1
        stop = k == passes or late()
        if k % _CHECK_EVERY and not stop:
            continue
        mean = _Looked(g_sum / since, kept_sum / since, x_sum / since, 0.0)
        mean = replace(mean, people=prices.mean_people(mean.share, since))
        looked = (mean, _Looked(g, kept, x, served))
        best, gaps = _best(best, looked, np.where(upper > 0, cost, np.inf), budget, k)
        if stop or best.bound - best.relaxed <= _ENOUGH * best.bound:
            break
        gap = min(gaps)
        slower = gap <= 0.8 * gap_start and gap > gap_before
        gap_before = gap
        if gap <= 0.2 * gap_start or slower or since >= 0.36 * k + 8:
            if gaps[0] <= gaps[1]:
                x, g = mean.share, mean.worth
                last = g
            moved_v = prices.restart(since, at_mean=gaps[0] <= gaps[1])
            moved_x = float(np.sqrt((reach * (x - x_start) ** 2).sum()))
            if moved_x > 0 and moved_v > 0:
                omega = float(np.sqrt(moved_x / moved_v * omega))
            x_start = x
            x_sum, g_sum, kept_sum, since = np.zeros(n), np.zeros(n), 0.0, 0
            gap_start, gap_before = gap, np.inf
    return best


@dataclass(frozen=True)
class _Looked:
    """One point of the method: worth of items, people kept, fractions bought and people they serve."""

    worth: Floats
    kept: float
    share: Floats
    people: float


def _best(
    best: Priced, looked: tuple[_Looked, ...], cost: Floats, budget: float, passes: int
) -> tuple[Priced, list[float]]:
    """Return the best of what was known and these points, and the gap of each."""
    gaps = []
    for point in looked:
        top, price = most_for_budget(point.worth, cost, budget)
        bound = point.kept + top
        gaps.append(bound - point.people)
        if point.people > best.relaxed:
            best = replace(best, relaxed=point.people, share=point.share)
        if bound < best.bound:
            best = replace(best, bound=bound, fixed_people=point.kept, worth=point.worth, price=price)
    return replace(best, passes=passes), gaps


@nb.njit(cache=True)
def _project(y, slope, upper, cost, budget):  # type: ignore[no-untyped-def]
    """Return the affordable fractions nearest to y: each lowered by the price that just meets the budget."""
    low, high = 0.0, 0.0
    spent = 0.0
    for j in range(y.size):
        spent += cost[j] * min(max(y[j], 0.0), upper[j])
        if y[j] > 0.0 and slope[j] > 0.0:
            high = max(high, y[j] / slope[j])
    price = 0.0
    if spent > budget:
        for _ in range(60):
            price = 0.5 * (low + high)
            spent = 0.0
            for j in range(y.size):
                spent += cost[j] * min(max(y[j] - price * slope[j], 0.0), upper[j])
            if spent > budget:
                low = price
            else:
                high = price
        price = high
    x = np.empty_like(y)
    for j in range(y.size):
        x[j] = min(max(y[j] - price * slope[j], 0.0), upper[j])
    return x

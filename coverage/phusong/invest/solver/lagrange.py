"""Lagrangian bound.

`Chains` is for candidates that share no part; `TreePrices` for trees of shared parts. Both answer the same three
questions, chunk by chunk so that any number of threads adds up the same bytes.

Let an element of w people pay the share v (0 to 1) of w to every candidate that serves it and keep 1 - v. Then for
every plan x, people(x) ≤ Σ w (1 - v) + max {Σ g_j x_j : Σ c_j x_j ≤ B, 0 ≤ x ≤ 1} with g_j = Σ w v over what j
serves: a bound for any v, found by sorting. The best v are duals of the linear relaxation; a primal-dual hybrid
gradient method with restarts finds them (Applegate et al., 2021, "Practical large-scale linear programming using
primal-dual hybrid gradient"), with the budget kept inside the projection and Pock and Chambolle's diagonal steps.
Where candidates share parts, an element pays the parts on its tree (see `trees`): on every path to a candidate
v of w in all, so that the same sum bounds every plan.
"""

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from phusong.compute.array_types import Floats, Singles
from phusong.compute.kernels import nb
from phusong.invest.solver import CoverageProblem, Trees, trees

__all__ = ["ChainPrices", "Priced", "Prices", "TreePrices", "most_for_budget", "priced"]


_CHUNKS = 8


class Prices(Protocol):
    """Prices of elements, kept between passes."""

    def sweep(self, x: Floats, step: float) -> tuple[Floats, float, float]:
        """Return worth of each item, people served by the fractions x, and people that elements keep."""
        ...

    def mean_people(self, x: Floats, passes: int) -> float:
        """Return the people served by x, the mean of the last passes."""
        ...

    def restart(self, passes: int, *, at_mean: bool) -> float:
        """Forget the mean, after moving to it where asked; return how far prices moved since the last time."""
        ...


def _cuts(starts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    m = starts.size - 1
    cuts = np.searchsorted(starts, np.linspace(0, starts[-1], _CHUNKS + 1)).clip(0, m).astype(np.int64)
    cuts[0], cuts[-1] = 0, m
    return cuts


class ChainPrices:
    """Prices where an element is served by any of a list of candidates."""

    def __init__(self, problem: CoverageProblem, pool: Executor) -> None:
        self._starts, self._chain, self._weights = problem.chain_starts, problem.chain, problem.weights
        self._pool, self._cuts = pool, _cuts(problem.chain_starts)
        self._parts = np.zeros((_CHUNKS, problem.n_candidates))
        self._v = np.ones(self._weights.size, np.float32)
        self._start = self._v.copy()
        self._v_sum, self._s_sum = np.zeros_like(self._v), np.zeros_like(self._v)

    def sweep(self, x: Floats, step: float) -> tuple[Floats, float, float]:
        """Return worth of each item, people served by the fractions x, and people that elements keep."""
        self._parts[:] = 0.0
        same = (self._starts, self._chain, self._weights, x, step, self._v, self._v_sum, self._s_sum)
        done = list(
            self._pool.map(_chain_pass, self._cuts[:-1], self._cuts[1:], *map(repeat, same), self._parts)
        )
        return self._parts.sum(axis=0), float(sum(d[0] for d in done)), float(sum(d[1] for d in done))

    def mean_people(self, x: Floats, passes: int) -> float:  # noqa: ARG002 the sums hold x already
        """Return the people served by x, the mean of the last passes."""
        return float(_scaled_people(self._weights, self._s_sum, 1.0 / passes))

    def restart(self, passes: int, *, at_mean: bool) -> float:
        """Forget the mean, after moving to it where asked; return how far prices moved since the last time."""
        if at_mean:
            self._v[:] = self._v_sum / np.float32(passes)
        moved = self._weights * (self._v - self._start) ** 2 * np.diff(self._starts)
        self._start[:] = self._v
        self._v_sum[:], self._s_sum[:] = 0.0, 0.0
        return float(np.sqrt(moved.sum()))


class _Shares(NamedTuple):
    """What trees are paid, float32, changed in place.

    Parameters
    ----------
    v, v_sum : array, shape (n_elements,)
        Share that each element pays, and its sum over the passes.
    own, own_sum : array, shape (n_nodes,)
        Share of a node's price that its own part gets (the rest goes to what hangs on it), and its sum.
    """

    v: Singles
    v_sum: Singles
    own: Singles
    own_sum: Singles


class TreePrices:
    """Prices where an element is served through a tree of parts."""

    def __init__(self, trees: Trees, weights: Floats, n_parts: int, pool: Executor) -> None:
        self._trees, self._weights, self._pool = trees, weights, pool
        self._cuts = _cuts(trees.starts)
        self._parts = np.zeros((_CHUNKS, n_parts))
        self._widest = int(np.diff(trees.starts).max(initial=1))
        v, own = np.ones(weights.size, np.float32), np.full(trees.part.size, 0.5, np.float32)
        self._shares = _Shares(v, np.zeros_like(v), own, np.zeros_like(own))
        self._start = v.copy()

    def sweep(self, x: Floats, step: float) -> tuple[Floats, float, float]:
        """Return worth of each item, people served by the fractions x, and people that elements keep."""
        self._parts[:] = 0.0
        same = (self._trees, self._weights, x, step, self._shares, self._widest)
        done = list(
            self._pool.map(_tree_pass, self._cuts[:-1], self._cuts[1:], *map(repeat, same), self._parts)
        )
        return self._parts.sum(axis=0), float(sum(d[0] for d in done)), float(sum(d[1] for d in done))

    def mean_people(self, x: Floats, passes: int) -> float:  # noqa: ARG002 what flows is no sum over passes
        """Return the people served by x, the mean of the last passes."""
        return float(_tree_people(self._trees, self._weights, x, self._widest))

    def restart(self, passes: int, *, at_mean: bool) -> float:
        """Forget the mean, after moving to it where asked; return how far prices moved since the last time."""
        s = self._shares
        if at_mean:
            s.v[:] = s.v_sum / np.float32(passes)
            s.own[:] = s.own_sum / np.float32(passes)
        moved = self._weights * (s.v - self._start) ** 2 * np.diff(self._trees.starts)
        self._start[:] = s.v
        s.v_sum[:], s.own_sum[:] = 0.0, 0.0
        return float(np.sqrt(moved.sum()))


@nb.njit(cache=True)
def _scaled_people(weights, s_sum, scale):  # type: ignore[no-untyped-def]
    people = 0.0
    for e in range(weights.size):
        people += weights[e] * min(1.0, s_sum[e] * scale)
    return people


@nb.njit(cache=True, nogil=True)
def _chain_pass(first, end, starts, chain, weights, x, step, v, v_sum, s_sum, g):  # type: ignore[no-untyped-def]
    served = 0.0
    kept = 0.0
    for e in range(first, end):
        low, high = starts[e], starts[e + 1]
        s = 0.0
        for k in range(low, high):
            s += x[chain[k]]
        share = v[e] + np.float32(step * (1.0 - s) / (high - low))
        share = min(max(share, np.float32(0.0)), np.float32(1.0))
        v[e] = share
        v_sum[e] += share
        s_sum[e] += np.float32(s)
        served += weights[e] * min(1.0, s)
        pay = weights[e] * np.float64(share)
        kept += weights[e] - pay
        if pay > 0.0:
            for k in range(low, high):
                g[chain[k]] += pay
    return served, kept


@nb.njit(cache=True, nogil=True)
def _tree_pass(first, end, trees, weights, x, step, shares, widest, g):  # type: ignore[no-untyped-def]
    starts, part, up = trees
    v, v_sum, own, own_sum = shares
    served = 0.0
    kept = 0.0
    below = np.zeros(widest)  # what flows from the children, by present shares
    flow = np.zeros(widest)  # what truly flows from the children
    leaves = np.zeros(widest)
    price = np.zeros(widest)
    for e in range(first, end):
        low = starts[e]
        size = starts[e + 1] - low
        for i in range(size):
            below[i] = 0.0
            flow[i] = 0.0
            leaves[i] = 0.0
        s = 0.0
        true = 0.0
        n_leaves = 0.0
        for i in range(size - 1, -1, -1):
            k = low + i
            mine = x[part[k]]
            if leaves[i] == 0.0:
                soft, hard, count = mine, mine, 1.0
            else:
                a = own[k] + np.float32(step * (below[i] - mine) / (leaves[i] + 1.0))
                a = min(max(a, np.float32(0.0)), np.float32(1.0))
                soft = a * mine + (1.0 - a) * below[i]
                own[k] = a
                hard = min(mine, flow[i])
                count = leaves[i]
            if up[k] > 0:
                below[i - up[k]] += soft
                flow[i - up[k]] += hard
                leaves[i - up[k]] += count
            else:
                s += soft
                true += hard
                n_leaves += count
        share = v[e] + np.float32(step * (1.0 - s) / max(n_leaves, 1.0))
        share = min(max(share, np.float32(0.0)), np.float32(1.0))
        v[e] = share
        v_sum[e] += share
        served += weights[e] * min(1.0, true)
        pay = weights[e] * np.float64(share)
        kept += weights[e] - pay
        for i in range(size):
            k = low + i
            now = price[i - up[k]] if up[k] > 0 else pay
            if leaves[i] == 0.0:
                g[part[k]] += now
            else:
                own_sum[k] += own[k]
                mine = now * np.float64(own[k])
                g[part[k]] += mine
                price[i] = now - mine
    return served, kept


@nb.njit(cache=True, nogil=True)
def _tree_people(trees, weights, x, widest):  # type: ignore[no-untyped-def]
    starts, part, up = trees
    flow = np.zeros(widest)
    inner = np.zeros(widest, np.bool_)
    people = 0.0
    for e in range(weights.size):
        low = starts[e]
        size = starts[e + 1] - low
        flow[:size] = 0.0
        inner[:size] = False
        s = 0.0
        for i in range(size - 1, -1, -1):
            mine = x[part[low + i]]
            if inner[i]:
                mine = min(mine, flow[i])
            if up[low + i] > 0:
                flow[i - up[low + i]] += mine
                inner[i - up[low + i]] = True
            else:
                s += mine
        people += weights[e] * min(1.0, s)
    return people


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


def priced(problem: CoverageProblem, budget: float, *, passes: int, late: Callable[[], bool]) -> Priced:
    """Return prices of elements whose bound is close to the linear relaxation's optimum.

    Items are candidates where they share no part, else parts.

    Parameters
    ----------
    problem : CoverageProblem
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

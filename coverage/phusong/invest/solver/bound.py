"""What no plan can exceed: people priced, so that each candidate sells at most what its elements pay.

Let an element of w people pay the share v (0 to 1) of w to every candidate that serves it and keep 1 - v. Then for
every plan x, people(x) ≤ Σ w (1 - v) + max {Σ g_j x_j : Σ c_j x_j ≤ B, 0 ≤ x ≤ 1} with g_j = Σ w v over what j
serves: a bound for any v, found by sorting. The best v are duals of the linear relaxation; a primal-dual hybrid
gradient method with restarts finds them (Applegate et al., 2021, "Practical large-scale linear programming using
primal-dual hybrid gradient"), with the budget kept inside the projection and Pock and Chambolle's diagonal steps.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat

import numba as nb
import numpy as np
import numpy.typing as npt

from phusong.invest.solver.problem import Problem

__all__ = ["Priced", "most_for_budget", "priced"]

Floats = npt.NDArray[np.float64]

_CHUNKS = 8  # sums are added up chunk by chunk: the same bytes on any number of threads
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

    For candidates that share no part: what a candidate costs is what its one part costs.

    Parameters
    ----------
    problem : Problem
        Candidates, each with one part of its own.
    budget : float
        Most that may be spent. [million USD]
    passes : int
        Most passes over the elements.
    late : callable
        Whether to stop at once: a safety cap, asked after every pass.
    """
    cost = problem.candidate_cost
    n, m = cost.size, problem.weights.size
    upper = (cost <= budget * (1 + 1e-12)).astype(np.float64)
    reach = np.maximum(problem.alone, 1e-300)
    cuts = np.searchsorted(problem.chain_starts, np.linspace(0, problem.chain.size, _CHUNKS + 1)).clip(0, m)
    cuts[-1] = m
    v = np.ones(m, np.float32)
    v_sum, s_sum = np.zeros(m, np.float32), np.zeros(m, np.float32)
    parts = np.zeros((_CHUNKS, n))
    x, last = np.zeros(n), np.zeros(n)
    best = Priced(np.inf, 0.0, np.zeros(n), 0.0, np.zeros(n), 0.0, 0)
    omega, since = 1.0, 0
    x_sum, g_sum, kept_sum = np.zeros(n), np.zeros(n), 0.0
    x_start, v_start = x.copy(), v.copy()
    gap_start = gap_before = np.inf

    with ThreadPoolExecutor(2) as pool:

        def sweep(x: Floats, step: float) -> tuple[Floats, float, float]:
            parts[:] = 0.0
            done = list(
                pool.map(
                    _pass,
                    cuts[:-1],
                    cuts[1:],
                    repeat(problem.chain_starts),
                    repeat(problem.chain),
                    repeat(problem.weights),
                    repeat(x),
                    repeat(step),
                    repeat(v),
                    repeat(v_sum),
                    repeat(s_sum),
                    parts,
                )
            )
            g = parts.sum(axis=0)
            return g, float(sum(d[0] for d in done)), float(sum(d[1] for d in done))

        g, _, kept = sweep(x, 0.0)
        last = g
        v_sum[:], s_sum[:] = 0.0, 0.0
        for k in range(1, passes + 1):
            x = _bought(x + omega * (2.0 * g - last) / reach, cost / reach * omega, upper, cost, budget)
            last = g
            g, served, kept = sweep(x, 1.0 / omega)
            x_sum += x
            g_sum += g
            kept_sum += kept
            since += 1
            stop = k == passes or late()
            if k % _CHECK_EVERY and not stop:
                continue
            mean = g_sum / since
            choices = []
            for worth, fixed, share in ((mean, kept_sum / since, x_sum / since), (g, kept, x)):
                top, price = most_for_budget(np.where(upper > 0, worth, 0.0), cost, budget)
                people = served if share is x else _relaxed(problem.weights, s_sum, 1.0 / since)
                choices.append((fixed + top, people, fixed, worth, price, share))
            for bound, people, fixed, worth, price, share in choices:
                if bound < best.bound:
                    better = share if people >= best.relaxed else best.share
                    best = Priced(
                        bound, fixed, worth.copy(), price, better.copy(), max(people, best.relaxed), k
                    )
                elif people > best.relaxed:
                    best = Priced(
                        best.bound, best.fixed_people, best.worth, best.price, share.copy(), people, k
                    )
            if stop or best.bound - best.relaxed <= _ENOUGH * best.bound:
                break
            gaps = [c[0] - c[1] for c in choices]
            gap = min(gaps)
            if (
                gap <= 0.2 * gap_start
                or (gap <= 0.8 * gap_start and gap > gap_before)
                or since >= 0.36 * k + 8
            ):
                if gaps[0] <= gaps[1]:
                    x, g = x_sum / since, mean
                    v[:] = v_sum / np.float32(since)
                    last = g
                moved_x = float(np.sqrt((reach * (x - x_start) ** 2).sum()))
                moved_v = float(
                    np.sqrt((problem.weights * (v - v_start) ** 2 * np.diff(problem.chain_starts)).sum())
                )
                if moved_x > 0 and moved_v > 0:
                    omega = float(np.exp(0.5 * np.log(moved_x / moved_v) + 0.5 * np.log(omega)))
                x_start, v_start = x.copy(), v.copy()
                x_sum, g_sum, kept_sum, since = np.zeros(n), np.zeros(n), 0.0, 0
                v_sum[:], s_sum[:] = 0.0, 0.0
                gap_start, gap_before = gap, np.inf
            else:
                gap_before = gap
    return best


def _bought(y: Floats, slope: Floats, upper: Floats, cost: Floats, budget: float) -> Floats:
    """Return the affordable fractions nearest to y: each lowered by the price that just meets the budget."""
    return _project(y, slope, upper, cost, budget)  # type: ignore[no-any-return]


@nb.njit(cache=True)
def _project(y, slope, upper, cost, budget):  # type: ignore[no-untyped-def]
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


@nb.njit(cache=True)
def _relaxed(weights, s_sum, scale):  # type: ignore[no-untyped-def]
    people = 0.0
    for e in range(weights.size):
        people += weights[e] * min(1.0, s_sum[e] * scale)
    return people


@nb.njit(cache=True, nogil=True)
def _pass(first, end, starts, chain, weights, x, step, v, v_sum, s_sum, g):  # type: ignore[no-untyped-def]
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

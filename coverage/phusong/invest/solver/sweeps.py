"""One pass over the elements: what each pays to whom at its present prices, and better prices for the next pass.

`Chains` is for candidates that share no part; `TreePrices` for trees of shared parts. Both answer the same three
questions, chunk by chunk so that any number of threads adds up the same bytes.
"""

from concurrent.futures import Executor
from itertools import repeat
from typing import Protocol

import numpy as np
import numpy.typing as npt

from phusong.invest.solver.problem import Problem
from phusong.invest.solver.trees import Trees
from phusong.kernel_cache import nb

__all__ = ["ChainPrices", "Prices", "TreePrices"]

Floats = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]

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

    def __init__(self, problem: Problem, pool: Executor) -> None:
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


class TreePrices:
    """Prices where an element is served through a tree of parts."""

    def __init__(self, trees: Trees, weights: Floats, n_parts: int, pool: Executor) -> None:
        self._trees, self._weights, self._pool = trees, weights, pool
        self._cuts = _cuts(trees.starts)
        self._parts = np.zeros((_CHUNKS, n_parts))
        self._widest = int(np.diff(trees.starts).max(initial=1))
        self._v = np.ones(weights.size, np.float32)
        self._start = self._v.copy()
        self._v_sum = np.zeros_like(self._v)
        # the share of a node's price that its own part gets; the rest goes to what hangs on it
        self._own = np.full(trees.part.size, 0.5, np.float32)
        self._own_sum = np.zeros_like(self._own)

    def sweep(self, x: Floats, step: float) -> tuple[Floats, float, float]:
        """Return worth of each item, people served by the fractions x, and people that elements keep."""
        self._parts[:] = 0.0
        t = self._trees
        same = (
            t.starts,
            t.part,
            t.up,
            self._weights,
            x,
            step,
            self._v,
            self._v_sum,
            self._own,
            self._own_sum,
        )
        done = list(
            self._pool.map(
                _tree_pass,
                self._cuts[:-1],
                self._cuts[1:],
                *map(repeat, same),
                repeat(self._widest),
                self._parts,
            )
        )
        return self._parts.sum(axis=0), float(sum(d[0] for d in done)), float(sum(d[1] for d in done))

    def mean_people(self, x: Floats, passes: int) -> float:  # noqa: ARG002 what flows is no sum over passes
        """Return the people served by x, the mean of the last passes."""
        t = self._trees
        return float(_tree_people(t.starts, t.part, t.up, self._weights, x, self._widest))

    def restart(self, passes: int, *, at_mean: bool) -> float:
        """Forget the mean, after moving to it where asked; return how far prices moved since the last time."""
        if at_mean:
            self._v[:] = self._v_sum / np.float32(passes)
            self._own[:] = self._own_sum / np.float32(passes)
        moved = self._weights * (self._v - self._start) ** 2 * np.diff(self._trees.starts)
        self._start[:] = self._v
        self._v_sum[:], self._own_sum[:] = 0.0, 0.0
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
def _tree_pass(  # type: ignore[no-untyped-def]
    first, end, starts, part, up, weights, x, step, v, v_sum, own, own_sum, widest, g
):
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
def _tree_people(starts, part, up, weights, x, widest):  # type: ignore[no-untyped-def]
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

"""A first plan: candidates in a given order while they fit, then the best for the money that is left."""

import numpy as np
import numpy.typing as npt

from phusong.invest.solver.problem import Problem
from phusong.kernel_cache import nb

__all__ = ["filled", "pruned"]

Bools = npt.NDArray[np.bool_]


def filled(problem: Problem, order: npt.NDArray[np.int64], budget: float) -> Bools:
    """Return the candidates taken in this order: those that fit and still win somebody."""
    return _take(  # type: ignore[no-any-return]
        order.astype(np.int64),
        problem.cost,
        problem.need_starts,
        problem.need,
        problem.cover_starts,
        problem.cover,
        problem.weights,
        budget * (1 + 1e-12),
    )


def pruned(problem: Problem, chosen: Bools) -> Bools:
    """Return the plan without candidates that serve nobody whom the others do not serve, dearest first."""
    dearest = np.argsort(-problem.candidate_cost, kind="stable")
    return _prune(  # type: ignore[no-any-return]
        dearest, chosen.copy(), problem.cover_starts, problem.cover, problem.weights.size
    )


@nb.njit(cache=True)
def _take(order, cost, need_starts, need, cover_starts, cover, weights, budget):  # type: ignore[no-untyped-def]
    chosen = np.zeros(need_starts.size - 1, np.bool_)
    served = np.zeros(weights.size, np.bool_)
    bought = np.zeros(cost.size, np.bool_)
    for b in order:
        price = 0.0
        for i in range(need_starts[b], need_starts[b + 1]):
            if not bought[need[i]]:
                price += cost[need[i]]
        if price > budget:
            continue
        wins = False
        for i in range(cover_starts[b], cover_starts[b + 1]):
            if not served[cover[i]]:
                wins = True
                served[cover[i]] = True
        if not wins:
            continue
        chosen[b] = True
        budget -= price
        for i in range(need_starts[b], need_starts[b + 1]):
            bought[need[i]] = True
    return chosen


@nb.njit(cache=True)
def _prune(dearest, chosen, cover_starts, cover, n_elements):  # type: ignore[no-untyped-def]
    count = np.zeros(n_elements, np.int32)
    for b in range(chosen.size):
        if chosen[b]:
            for i in range(cover_starts[b], cover_starts[b + 1]):
                count[cover[i]] += 1
    for b in dearest:
        if not chosen[b]:
            continue
        needed = False
        for i in range(cover_starts[b], cover_starts[b + 1]):
            if count[cover[i]] == 1:
                needed = True
                break
        if not needed:
            chosen[b] = False
            for i in range(cover_starts[b], cover_starts[b + 1]):
                count[cover[i]] -= 1
    return chosen

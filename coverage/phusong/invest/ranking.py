"""Ranking of bundles by marginal people per cost; what several share is paid once.

A lazy greedy: a bundle's gain can only fall as others are taken, so the first of the heap is looked at again and
sinks if it is no longer the best. Its marginal cost can fall too, when another bundle pays for a remedy it shares:
those bundles are looked at again at once.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from phusong.compute.array_types import Floats, Int32s, Ints
from phusong.compute.arrays import turned
from phusong.compute.kernels import nb
from phusong.invest.plan_book import PlanModel

__all__ = ["Ranking", "ordered", "rank", "rank_samples"]


@dataclass(frozen=True)
class Ranking:
    """Bundles in order.

    Parameters
    ----------
    order : ndarray of int, shape (k,)
        Bundles, best first; bundles that gain nobody are left out.
    people_gained, cost_musd : ndarray, shape (k,)
        Marginal people and marginal cost: of remedies not bought yet.
    people_alone : ndarray, shape (k,)
        People the bundle serves if it is the only one.
    """

    order: Ints
    people_gained: Floats
    cost_musd: Floats
    people_alone: Floats


def rank(model: PlanModel, *, budget_musd: float = np.inf) -> Ranking:
    """Rank bundles by marginal people per marginal cost.

    Parameters
    ----------
    model : PlanModel
        Bundles, remedies, elements.
    budget_musd : float
        Bundles that no longer fit are passed over.

    Notes
    -----
    Free gains come first, zero gains never; ties go to the lower bundle number.
    """
    order, gained, cost = ordered(
        model.remedy_cost_musd,
        *_parts(model.needs),
        *_parts(model.covers),
        *_columns(model),
        model.weights,
        budget_musd,
    )
    alone = np.asarray(model.covers[order] @ model.weights).ravel()
    return Ranking(order, gained, cost, alone)


def rank_samples(model: PlanModel, costs_musd: Floats, weights: Floats) -> npt.NDArray[np.float64]:
    """Return each bundle's rank in each sample of costs and people.

    Parameters
    ----------
    model : PlanModel
        Bundles, remedies, elements.
    costs_musd : ndarray, shape (n_samples, n_remedies)
        Costs of the remedies.
    weights : ndarray, shape (n_samples, n_elements)
        People.

    Returns
    -------
    ndarray, shape (n_samples, n_bundles)
        Place at which the last of its remedies is bought, by this bundle or by others; bundles never completed
        share the rank after the last.
    """
    parts = (*_parts(model.needs), *_parts(model.covers), *_columns(model))
    out = np.empty((len(costs_musd), model.n_bundles))
    starts = model.needs.indptr[:-1].astype(np.int64)
    for s in range(len(costs_musd)):
        order, _, _ = _greedy(costs_musd[s], *parts, weights[s], np.inf)
        bought_at = np.full(model.remedy_cost_musd.size, order.size + 1.0)
        for place in range(order.size - 1, -1, -1):
            b = order[place]
            bought_at[model.needs.indices[model.needs.indptr[b] : model.needs.indptr[b + 1]]] = place + 1
        out[s] = np.maximum.reduceat(bought_at[model.needs.indices], starts) if model.n_bundles else 0.0
    return out


def _parts(matrix: csr_matrix) -> tuple[Ints, Int32s]:
    return matrix.indptr.astype(np.int64, copy=False), matrix.indices.astype(np.int32, copy=False)


def _columns(model: PlanModel) -> tuple[Ints, Int32s]:
    return turned(*_parts(model.needs), model.needs.shape[1])


def ordered(
    cost: Floats,
    need_starts: Ints,
    need: Int32s,
    cover_starts: Ints,
    cover: Int32s,
    user_starts: Ints,
    user: Int32s,
    weights: Floats,
    budget: float,
) -> tuple[Ints, Floats, Floats]:
    """Return bundles in the order of the ranking, the people each adds and what each costs on top.

    Parameters
    ----------
    cost, weights : ndarray
        Of remedies and of elements.
    need_starts, need, cover_starts, cover, user_starts, user : ndarray
        Remedies and elements of each bundle, bundles of each remedy, as packed lists.
    budget : float
        Bundles that no longer fit are passed over.
    """
    return _greedy(  # type: ignore[no-any-return]
        cost, need_starts, need, cover_starts, cover, user_starts, user, weights, budget
    )


@nb.njit(cache=True)
def _greedy(  # type: ignore[no-untyped-def]
    remedy_cost, need_ptr, need, cover_ptr, cover, user_ptr, user, weights, budget
):
    n = need_ptr.size - 1
    bought = np.zeros(remedy_cost.size, np.bool_)
    # what is left to win of each element: one array to read, nothing once it is served
    left = weights.copy()
    value = np.zeros(n)
    heap = np.empty(n, np.int32)
    place = np.full(n, -1, np.int32)
    size = 0
    order = np.empty(n, np.int64)
    gained = np.empty(n)
    paid = np.empty(n)
    k = 0
    for b in range(n):
        gain = _gain(b, cover_ptr, cover, left)
        if gain > 0.0:
            value[b] = _ratio(gain, _cost(b, remedy_cost, need_ptr, need, bought))
            heap[size] = b
            place[b] = size
            size += 1
    for at in range(size // 2 - 1, -1, -1):
        _sink(heap, place, value, at, size)
    while size > 0:
        b = heap[0]
        gain = _gain(b, cover_ptr, cover, left)
        cost = _cost(b, remedy_cost, need_ptr, need, bought)
        if gain > 0.0 and cost <= budget:
            now = _ratio(gain, cost)
            if now < value[b]:
                value[b] = now
                _sink(heap, place, value, 0, size)
                continue
        size -= 1
        place[b] = -1
        if size > 0:
            heap[0] = heap[size]
            place[heap[0]] = 0
            _sink(heap, place, value, 0, size)
        if not (gain > 0.0 and cost <= budget):
            continue
        budget -= cost
        order[k], gained[k], paid[k] = b, gain, cost
        k += 1
        for j in range(cover_ptr[b], cover_ptr[b + 1]):
            left[cover[j]] = 0.0
        for j in range(need_ptr[b], need_ptr[b + 1]):
            r = need[j]
            if bought[r]:
                continue
            bought[r] = True
            if remedy_cost[r] <= 0.0:
                continue
            for u in range(user_ptr[r], user_ptr[r + 1]):
                other = user[u]
                if place[other] < 0:
                    continue
                gain = _gain(other, cover_ptr, cover, left)
                value[other] = _ratio(gain, _cost(other, remedy_cost, need_ptr, need, bought))
                _rise(heap, place, value, place[other])
                _sink(heap, place, value, place[other], size)
    return order[:k].copy(), gained[:k].copy(), paid[:k].copy()


@nb.njit(cache=True)
def _gain(b, cover_ptr, cover, left):  # type: ignore[no-untyped-def]
    gain = 0.0
    for j in range(cover_ptr[b], cover_ptr[b + 1]):
        gain += left[cover[j]]
    return gain


@nb.njit(cache=True)
def _cost(b, remedy_cost, need_ptr, need, bought):  # type: ignore[no-untyped-def]
    cost = 0.0
    for j in range(need_ptr[b], need_ptr[b + 1]):
        if not bought[need[j]]:
            cost += remedy_cost[need[j]]
    return cost


@nb.njit(cache=True)
def _ratio(gain, cost):  # type: ignore[no-untyped-def]
    return gain / cost if cost > 1e-12 else 1e15 + gain


@nb.njit(cache=True)
def _before(a, b, value):  # type: ignore[no-untyped-def]
    return value[a] > value[b] or (value[a] == value[b] and a < b)


@nb.njit(cache=True)
def _rise(heap, place, value, at):  # type: ignore[no-untyped-def]
    b = heap[at]
    while at > 0:
        up = (at - 1) // 2
        if _before(heap[up], b, value):
            break
        heap[at] = heap[up]
        place[heap[at]] = at
        at = up
    heap[at] = b
    place[b] = at


@nb.njit(cache=True)
def _sink(heap, place, value, at, size):  # type: ignore[no-untyped-def]
    b = heap[at]
    while True:
        down = 2 * at + 1
        if down >= size:
            break
        if down + 1 < size and _before(heap[down + 1], heap[down], value):
            down += 1
        if _before(b, heap[down], value):
            break
        heap[at] = heap[down]
        place[heap[at]] = at
        at = down
    heap[at] = b
    place[b] = at

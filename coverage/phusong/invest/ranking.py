"""The order people read: bundles by marginal people per cost, each shared remedy paid once.

A lazy greedy: a bundle's gain can only fall as others are taken, so a stale entry on the heap is recomputed when
it comes up and put back if it is no longer the best. Its marginal cost can fall too, when another bundle pays for
a remedy it shares: those bundles are pushed again at once.
"""

from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from phusong.invest.plan_model import PlanModel

__all__ = ["Ranking", "rank", "rank_samples"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


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
    order, gained, cost = _greedy(
        model.remedy_cost_musd,
        *_parts(model.needs),
        *_parts(model.covers),
        *_columns(model),
        model.weights,
        budget_musd,
    )
    alone = np.asarray(model.covers @ model.weights).ravel()
    return Ranking(order, gained, cost, alone[order])


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


def _parts(matrix: csr_matrix) -> tuple[Ints, Ints]:
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64)


def _columns(model: PlanModel) -> tuple[Ints, Ints]:
    turned = model.needs.tocsc()
    return turned.indptr.astype(np.int64), turned.indices.astype(np.int64)


@nb.njit(cache=True)
def _greedy(  # type: ignore[no-untyped-def]
    remedy_cost, need_ptr, need, cover_ptr, cover, user_ptr, user, weights, budget
):
    n = need_ptr.size - 1
    bought = np.zeros(remedy_cost.size, np.bool_)
    served = np.zeros(weights.size, np.bool_)
    taken = np.zeros(n, np.bool_)
    version = np.zeros(n, np.int64)
    room = cover.size + 4 * n + 16
    heap_key = np.empty(room)
    heap_id = np.empty(room, np.int64)
    heap_version = np.empty(room, np.int64)
    size = 0
    order = np.empty(n, np.int64)
    gained = np.empty(n)
    paid = np.empty(n)
    k = 0
    for b in range(n):
        gain, cost = _value(b, remedy_cost, need_ptr, need, cover_ptr, cover, weights, bought, served)
        if gain > 0.0:
            size = _push(heap_key, heap_id, heap_version, size, -_ratio(gain, cost), b, 0)
    while size > 0:
        key, b, seen, size = _pop(heap_key, heap_id, heap_version, size)
        if taken[b] or seen != version[b]:
            continue
        gain, cost = _value(b, remedy_cost, need_ptr, need, cover_ptr, cover, weights, bought, served)
        if gain <= 0.0:
            taken[b] = True
            continue
        now = -_ratio(gain, cost)
        if now > key:
            size = _push(heap_key, heap_id, heap_version, size, now, b, seen)
            continue
        if cost > budget:
            taken[b] = True
            continue
        budget -= cost
        taken[b] = True
        order[k], gained[k], paid[k] = b, gain, cost
        k += 1
        for j in range(cover_ptr[b], cover_ptr[b + 1]):
            served[cover[j]] = True
        for j in range(need_ptr[b], need_ptr[b + 1]):
            r = need[j]
            if bought[r]:
                continue
            bought[r] = True
            if remedy_cost[r] <= 0.0:
                continue
            for u in range(user_ptr[r], user_ptr[r + 1]):
                other = user[u]
                if taken[other]:
                    continue
                g, c = _value(other, remedy_cost, need_ptr, need, cover_ptr, cover, weights, bought, served)
                version[other] += 1
                if g > 0.0 and size < room - 1:
                    size = _push(heap_key, heap_id, heap_version, size, -_ratio(g, c), other, version[other])
    return order[:k].copy(), gained[:k].copy(), paid[:k].copy()


@nb.njit(cache=True)
def _value(b, remedy_cost, need_ptr, need, cover_ptr, cover, weights, bought, served):  # type: ignore[no-untyped-def]
    gain = 0.0
    for j in range(cover_ptr[b], cover_ptr[b + 1]):
        if not served[cover[j]]:
            gain += weights[cover[j]]
    cost = 0.0
    for j in range(need_ptr[b], need_ptr[b + 1]):
        if not bought[need[j]]:
            cost += remedy_cost[need[j]]
    return gain, cost


@nb.njit(cache=True)
def _ratio(gain, cost):  # type: ignore[no-untyped-def]
    return gain / cost if cost > 1e-12 else 1e15 + gain


@nb.njit(cache=True)
def _push(key, ident, version, size, k, i, v):  # type: ignore[no-untyped-def]
    at = size
    while at > 0:
        up = (at - 1) // 2
        if key[up] < k or (key[up] == k and ident[up] <= i):
            break
        key[at], ident[at], version[at] = key[up], ident[up], version[up]
        at = up
    key[at], ident[at], version[at] = k, i, v
    return size + 1


@nb.njit(cache=True)
def _pop(key, ident, version, size):  # type: ignore[no-untyped-def]
    k, i, v = key[0], ident[0], version[0]
    size -= 1
    lk, li, lv = key[size], ident[size], version[size]
    at = 0
    while True:
        down = 2 * at + 1
        if down >= size:
            break
        if down + 1 < size and (
            key[down + 1] < key[down] or (key[down + 1] == key[down] and ident[down + 1] < ident[down])
        ):
            down += 1
        if lk < key[down] or (lk == key[down] and li <= ident[down]):
            break
        key[at], ident[at], version[at] = key[down], ident[down], version[down]
        at = down
    key[at], ident[at], version[at] = lk, li, lv
    return k, i, v, size

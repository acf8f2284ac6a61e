"""Ruin-and-recreate local search.

Ruins are neighbourhoods (candidates that serve the same elements), everything that hangs on one shared part, or
what has to go to make room for a candidate that was passed over. Recreating buys by people per cost over all
candidates, now and then blind to one of them (Christiaens and Vanden Berghe, 2020, "Slack induction by string
removals", for the blinks). Shared parts may be discounted, because the next candidate gets them for nothing.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from phusong.compute.array_types import Bools, Floats, Int32s, Ints
from phusong.compute.kernels import nb
from phusong.invest.solver import CoverageProblem

__all__ = ["filled", "improved", "pruned"]


class _Lists(NamedTuple):
    """Candidates, parts and elements as :class:`phusong.invest.solver.CoverageProblem` has them, for compiled code."""

    cost: Floats
    need_starts: Ints
    need: Int32s
    user_starts: Ints
    user: Int32s
    cover_starts: Ints
    cover: Int32s
    chain_starts: Ints
    chain: Int32s
    weights: Floats


class _Plan(NamedTuple):
    """A plan and what follows from it; changed in place.

    Parameters
    ----------
    chosen : bool array, shape (n_candidates,)
        What is in it.
    serving : int32 array, shape (n_elements,)
        Candidates in the plan that serve each element.
    used : int32 array, shape (n_parts,)
        Candidates in the plan that need each part.
    gain : array, shape (n_candidates,)
        People that each candidate serves and the plan does not (in the plan: and no other one does not).
    own, common : array, shape (n_candidates,)
        Cost of the parts that are not bought yet: those it needs alone, and those that others need too. [million USD]
    """

    chosen: Bools
    serving: Int32s
    used: Int32s
    gain: Floats
    own: Floats
    common: Floats


class _Pool(NamedTuple):
    """Candidates to look at: members, the round in which each was named, and number of members and round."""

    members: Ints
    named: Ints
    numbers: Ints


def _lists_of(problem: CoverageProblem) -> _Lists:
    """Return a problem as compiled code takes it."""
    return _Lists(
        problem.cost, problem.need_starts, problem.need, problem.user_starts, problem.user, problem.cover_starts,
        problem.cover, problem.chain_starts, problem.chain, problem.weights,
    )  # fmt: skip


def _started(problem: CoverageProblem, chosen: Bools) -> _Plan:
    """Return a plan of some candidates, still without what :func:`_refresh` finds."""
    n = problem.n_candidates
    return _Plan(
        chosen.copy(), np.zeros(problem.weights.size, np.int32), np.zeros(problem.cost.size, np.int32),
        np.zeros(n), np.zeros(n), np.zeros(n),
    )  # fmt: skip


@nb.njit(cache=True, nogil=True)
def _no_pool(n):  # type: ignore[no-untyped-def]
    """Return a pool of n candidates that holds none."""
    return _Pool(np.empty(n, np.int64), np.zeros(n, np.int64), np.zeros(2, np.int64))


@nb.njit(cache=True, nogil=True)
def _empty_pool(pool):  # type: ignore[no-untyped-def]
    """Forget whom the pool holds."""
    pool.numbers[0] = 0
    pool.numbers[1] += 1


@nb.njit(cache=True, nogil=True)
def _mention(b, pool):  # type: ignore[no-untyped-def]
    members, named, numbers = pool
    if named[b] != numbers[1]:
        named[b] = numbers[1]
        members[numbers[0]] = b
        numbers[0] += 1


@nb.njit(cache=True, nogil=True)
def _add(b, lists, plan, pool):  # type: ignore[no-untyped-def]
    """Add candidate b; return the people it adds and what it costs on top.

    Candidates that become cheaper by it are put into the pool.
    """
    cost, need_starts, need, user_starts, user, cover_starts, cover, chain_starts, chain, weights = lists
    chosen, count, used, gain, own, common = plan
    people = gain[b]
    paid = 0.0
    chosen[b] = True
    for i in range(cover_starts[b], cover_starts[b + 1]):
        e = cover[i]
        count[e] += 1
        if count[e] == 1:
            w = weights[e]
            for k in range(chain_starts[e], chain_starts[e + 1]):
                gain[chain[k]] -= w
    for i in range(need_starts[b], need_starts[b + 1]):
        r = need[i]
        used[r] += 1
        if used[r] == 1:
            paid += cost[r]
            if user_starts[r + 1] - user_starts[r] == 1:
                own[b] -= cost[r]
            else:
                for k in range(user_starts[r], user_starts[r + 1]):
                    common[user[k]] -= cost[r]
                    _mention(user[k], pool)
    return people, paid


@nb.njit(cache=True, nogil=True)
def _drop(b, lists, plan, pool):  # type: ignore[no-untyped-def]
    """Take candidate b out; return the people lost and the money back.

    Candidates that can win people by it are put into the pool.
    """
    cost, need_starts, need, user_starts, user, cover_starts, cover, chain_starts, chain, weights = lists
    chosen, count, used, gain, own, common = plan
    people = 0.0
    back = 0.0
    chosen[b] = False
    for i in range(cover_starts[b], cover_starts[b + 1]):
        e = cover[i]
        count[e] -= 1
        if count[e] == 0:
            w = weights[e]
            people += w
            for k in range(chain_starts[e], chain_starts[e + 1]):
                gain[chain[k]] += w
                _mention(chain[k], pool)
    for i in range(need_starts[b], need_starts[b + 1]):
        r = need[i]
        used[r] -= 1
        if used[r] == 0:
            back += cost[r]
            if user_starts[r + 1] - user_starts[r] == 1:
                own[b] += cost[r]
            else:
                for k in range(user_starts[r], user_starts[r + 1]):
                    common[user[k]] += cost[r]
    return people, back


@nb.njit(cache=True, nogil=True)
def _refresh(lists, plan):  # type: ignore[no-untyped-def]
    """Recompute everything from what is chosen, so that rounding never adds up; return people and cost."""
    cost, need_starts, need, user_starts, _, cover_starts, cover, _, _, weights = lists
    chosen, count, used, gain, own, common = plan
    count[:] = 0
    used[:] = 0
    for b in range(chosen.size):
        if chosen[b]:
            for i in range(cover_starts[b], cover_starts[b + 1]):
                count[cover[i]] += 1
            for i in range(need_starts[b], need_starts[b + 1]):
                used[need[i]] += 1
    people = 0.0
    for e in range(weights.size):
        if count[e] > 0:
            people += weights[e]
    for b in range(chosen.size):
        total = 0.0
        for i in range(cover_starts[b], cover_starts[b + 1]):
            if count[cover[i]] == 0:
                total += weights[cover[i]]
        gain[b] = total
        own[b] = 0.0
        common[b] = 0.0
        for i in range(need_starts[b], need_starts[b + 1]):
            r = need[i]
            if used[r] == 0:
                if user_starts[r + 1] - user_starts[r] == 1:
                    own[b] += cost[r]
                else:
                    common[b] += cost[r]
    spent = 0.0
    for r in range(cost.size):
        if used[r] > 0:
            spent += cost[r]
    return people, spent


_SLICE = 4_000_000  # updates between two looks at the clock, or as many as recounting takes
_MOST_OUT = 64  # candidates that one ruin may take out
_HOT, _COLD = 0.1, 0.001  # people that may be lost at first and at last, as a share of a candidate's mean
_BLINK = 0.05  # share of looks that miss a candidate
_MOST_TAKEN_OUT = 2  # small ruins, many of them: measured on the street networks


def improved(
    problem: CoverageProblem,
    start: Bools,
    budget: float,
    *,
    work: int,
    seed: int,
    enough: float,
    late: Callable[[], bool],
) -> Bools:
    """Return the best plan found: the candidates in it.

    Parameters
    ----------
    problem : CoverageProblem
        Candidates and elements.
    start : ndarray of bool, shape (n_candidates,)
        A plan within the budget.
    budget : float
        Most that may be spent. [million USD]
    work : int
        Updates of a candidate's people after which to stop: the same on every machine.
    seed : int
        Of the random choices.
    enough : float
        People at which to stop: a bound on every plan.
    late : callable
        Whether to stop at once: a safety cap.
    """
    if not problem.n_candidates or not problem.weights.size:
        return start.copy()
    lists, plan = _lists_of(problem), _started(problem, start)
    best = start.copy()
    best_people = _refresh(lists, plan)[0]
    random = np.array([seed * 2 + 1], np.uint64)
    spent_work = 0
    room = budget * (1 + 1e-12)
    slice_ = min(max(_SLICE, problem.chain.size // 2), work)
    while spent_work < work and not late() and best_people < enough * (1 - 1e-12):
        people, spent = _refresh(lists, plan)
        heat = max(0.0, 1.0 - spent_work / work)
        done, best_people = _slice(lists, plan, best, best_people, people, spent, room, random, slice_, heat)
        spent_work += done
    return best


@nb.njit(cache=True, nogil=True)
def _number(random):  # type: ignore[no-untyped-def]
    """Return a random number from 0 to 1 (splitmix64)."""
    random[0] += np.uint64(0x9E3779B97F4A7C15)
    z = random[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return np.float64(z >> np.uint64(11)) / 9007199254740992.0


@nb.njit(cache=True, nogil=True)
def _below(random, n):  # type: ignore[no-untyped-def]
    return min(np.int64(_number(random) * n), n - 1)


@nb.njit(cache=True, nogil=True)
def _neighbour(b, lists, chosen, random):  # type: ignore[no-untyped-def]
    """Return a chosen candidate that serves an element near b, or -1."""
    cover_starts, cover, chain_starts, chain = (
        lists.cover_starts,
        lists.cover,
        lists.chain_starts,
        lists.chain,
    )
    for _ in range(8):
        e = cover[cover_starts[b] + _below(random, cover_starts[b + 1] - cover_starts[b])]
        size = chain_starts[e + 1] - chain_starts[e]
        at = _below(random, size)
        step = chain[chain_starts[e] + at]
        if chosen[step]:
            return step
        # one step further: elements that the neighbouring candidate serves
        e = cover[cover_starts[step] + _below(random, cover_starts[step + 1] - cover_starts[step])]
        size = chain_starts[e + 1] - chain_starts[e]
        at = _below(random, size)
        for k in range(size):
            other = chain[chain_starts[e] + (at + k) % size]
            if chosen[other]:
                return other
    return -1


@nb.njit(cache=True, nogil=True)
def _slice(  # type: ignore[no-untyped-def]
    lists, plan, best, best_people, people, spent, budget, random, work, heat
):
    cost, need_starts, need, user_starts, user, cover_starts, _, _, chain, weights = lists
    chosen, _, _, gain, own, common = plan
    n = chosen.size
    per_cover = chain.size / max(weights.size, 1)
    in_plan = np.empty(n, np.int64)
    where = np.full(n, -1, np.int64)
    size = 0
    for b in range(n):
        if chosen[b]:
            in_plan[size] = b
            where[b] = size
            size += 1
    out = np.empty(4 * _MOST_OUT, np.int64)
    new = np.empty(n, np.int64)
    shared = need.size > cost.size
    done = 0.0
    floor = 1e-9 * weights.sum()
    if size == n:
        return work, best_people
    pool = _no_pool(n)
    idle = np.empty(0, np.int64)
    moves = 0
    while done < work:
        if moves % 500 == 0:
            idle = _idle(gain, own, common, chosen)
            done += n
        moves += 1
        _empty_pool(pool)
        before, spent_before = people, spent
        n_out = 0
        n_new = 0
        forced = -1
        kind = _number(random)
        target = 1 + _below(random, _MOST_TAKEN_OUT)
        if size == 0 or kind < 0.3:
            # make room for a candidate that was passed over: the best of a few drawn at random
            for _ in range(6):
                b = _below(random, n)
                if chosen[b] or gain[b] <= floor or own[b] + common[b] > budget:
                    continue
                if forced < 0 or gain[b] * (own[forced] + common[forced]) > gain[forced] * (
                    own[b] + common[b]
                ):
                    forced = b
            if forced < 0:
                done += 100.0
                if size == 0:
                    continue
        start = forced if forced >= 0 else in_plan[_below(random, size)]
        if forced < 0 and shared and kind > 0.75:
            # everything that hangs on one part the start shares with others
            b = start
            r = need[need_starts[b] + _below(random, need_starts[b + 1] - need_starts[b])]
            for k in range(user_starts[r], user_starts[r + 1]):
                if chosen[user[k]] and n_out < _MOST_OUT:
                    out[n_out] = user[k]
                    n_out += 1
            for k in range(n_out):
                lost, back = _drop(out[k], lists, plan, pool)
                people -= lost
                spent -= back
                done += (cover_starts[out[k] + 1] - cover_starts[out[k]]) * per_cover * 0.5
        else:
            if forced < 0:
                lost, back = _drop(start, lists, plan, pool)
                people -= lost
                spent -= back
                out[n_out] = start
                n_out += 1
            tries = 0
            while n_out < target and tries < 3 * target:
                tries += 1
                b = start if n_out == 0 else out[_below(random, n_out)]
                other = _neighbour(b, lists, chosen, random)
                if other < 0:
                    continue
                lost, back = _drop(other, lists, plan, pool)
                people -= lost
                spent -= back
                done += (cover_starts[other + 1] - cover_starts[other]) * per_cover * 0.5
                out[n_out] = other
                n_out += 1
        if forced >= 0:
            more, paid = _add(forced, lists, plan, pool)
            people += more
            spent += paid
            new[n_new] = forced
            n_new += 1
            while spent > budget and n_out < 4 * _MOST_OUT:
                # whoever loses least people per million of a few
                worst = -1
                worst_value = np.inf
                for _ in range(4):
                    b = in_plan[_below(random, size)]
                    if not chosen[b]:
                        continue
                    lost, back = _loss(b, lists, plan)
                    done += cover_starts[b + 1] - cover_starts[b]
                    if back > 0.0 and lost / back < worst_value:
                        worst, worst_value = b, lost / back
                if worst < 0:
                    # draws found nothing to sell: look through the plan
                    for k in range(size):
                        if chosen[in_plan[k]]:
                            worst = in_plan[k]
                            break
                if worst < 0:
                    break
                lost, back = _drop(worst, lists, plan, pool)
                people -= lost
                spent -= back
                out[n_out] = worst
                n_out += 1
        discount = 1.0
        if shared:
            draw = _number(random)
            discount = 1.0 if draw < 0.4 else draw * draw
        while True:
            pick = -1
            pick_gain, pick_cost = 0.0, 1.0
            left = budget - spent
            n_pool = pool.numbers[0]
            for k in range(n_pool + idle.size):
                b = pool.members[k] if k < n_pool else idle[k - n_pool]
                if gain[b] <= floor or chosen[b]:
                    continue
                full = own[b] + common[b]
                if full > left:
                    continue
                eff = max(own[b] + discount * common[b], 1e-300)
                if pick < 0 or gain[b] * pick_cost > pick_gain * eff:
                    if _number(random) < _BLINK:
                        continue
                    pick, pick_gain, pick_cost = b, gain[b], eff
            done += (n_pool + idle.size) * 0.5
            if pick < 0:
                break
            more, paid = _add(pick, lists, plan, pool)
            people += more
            spent += paid
            done += (cover_starts[pick + 1] - cover_starts[pick]) * per_cover * 0.5
            new[n_new] = pick
            n_new += 1
        worse = before - people
        allowed = (
            -np.log(1.0 - _number(random)) * before / (1.0 + size) * _HOT * (_COLD / _HOT) ** (1.0 - heat)
        )
        if spent > budget or worse > allowed:
            for k in range(n_new):
                _drop(new[k], lists, plan, pool)
            for k in range(n_out):
                if not chosen[out[k]]:
                    _add(out[k], lists, plan, pool)
            people, spent = before, spent_before
            done += 0.5 * per_cover * 100.0
            continue
        for k in range(n_out):
            b = out[k]
            if not chosen[b] and where[b] >= 0:
                size -= 1
                last = in_plan[size]
                in_plan[where[b]] = last
                where[last] = where[b]
                where[b] = -1
        for k in range(n_new):
            b = new[k]
            if chosen[b] and where[b] < 0:
                in_plan[size] = b
                where[b] = size
                size += 1
        if people > best_people + floor:
            best_people = people
            best[:] = chosen
    return done, best_people


@nb.njit(cache=True, nogil=True)
def _idle(gain, own, common, chosen):  # type: ignore[no-untyped-def]
    """Return the candidates outside the plan that serve most people per million."""
    value = np.zeros(gain.size)
    for b in range(gain.size):
        if not chosen[b]:
            value[b] = -gain[b] / max(own[b] + common[b], 1e-300)
    return np.argsort(value)[: min(64, gain.size)]


@nb.njit(cache=True, nogil=True)
def _loss(b, lists, plan):  # type: ignore[no-untyped-def]
    """Return the people and the money that taking b out of the plan would give back."""
    cost, need_starts, need = lists.cost, lists.need_starts, lists.need
    cover_starts, cover, weights = lists.cover_starts, lists.cover, lists.weights
    count, used = plan.serving, plan.used
    people, back = 0.0, 0.0
    for i in range(cover_starts[b], cover_starts[b + 1]):
        if count[cover[i]] == 1:
            people += weights[cover[i]]
    for i in range(need_starts[b], need_starts[b + 1]):
        if used[need[i]] == 1:
            back += cost[need[i]]
    return people, back


def filled(problem: CoverageProblem, order: npt.NDArray[np.int64], budget: float) -> Bools:
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


def pruned(problem: CoverageProblem, chosen: Bools) -> Bools:
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

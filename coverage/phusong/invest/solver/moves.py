"""Adding a candidate to a plan and taking it out again, with everyone's marginal people and cost kept up to date."""

from phusong.kernel_cache import nb

__all__ = ["add", "drop", "empty_pool", "refresh"]


@nb.njit(cache=True, nogil=True)
def empty_pool(pool):  # type: ignore[no-untyped-def]
    """Forget whom the pool holds: (members, the round in which each was named, number of members and round)."""
    pool[2][0] = 0
    pool[2][1] += 1


@nb.njit(cache=True, nogil=True)
def _mention(b, pool):  # type: ignore[no-untyped-def]
    members, named, numbers = pool
    if named[b] != numbers[1]:
        named[b] = numbers[1]
        members[numbers[0]] = b
        numbers[0] += 1


@nb.njit(cache=True, nogil=True)
def add(b, problem, state, pool):  # type: ignore[no-untyped-def]
    """Add candidate b; return the people it adds and what it costs on top.

    Candidates that become cheaper by it are put into the pool.
    """
    cost, need_starts, need, user_starts, user, cover_starts, cover, chain_starts, chain, weights = problem
    chosen, count, used, gain, own, common = state
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
def drop(b, problem, state, pool):  # type: ignore[no-untyped-def]
    """Take candidate b out; return the people lost and the money back.

    Candidates that can win people by it are put into the pool.
    """
    cost, need_starts, need, user_starts, user, cover_starts, cover, chain_starts, chain, weights = problem
    chosen, count, used, gain, own, common = state
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
def refresh(problem, state):  # type: ignore[no-untyped-def]
    """Recompute everything from what is chosen, so that rounding never adds up; return people and cost."""
    cost, need_starts, need, user_starts, _, cover_starts, cover, _, _, weights = problem
    chosen, count, used, gain, own, common = state
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

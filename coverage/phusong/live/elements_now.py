"""What people at some demand cells hear, may use and get, written in place: the inner loops of an event."""

import numpy as np

from phusong.kernel_cache import nb
from phusong.service.capacity import CLOSED

__all__ = ["count_behind_kernel", "look_kernel", "rate_kernel"]


@nb.njit(cache=True)
def look_kernel(  # type: ignore[no-untyped-def]
    cells, start, pair, station, on, tier, available, target, heard, usable, stable, best
):
    """Say anew what some cells hear, may use and find stable, and their best availability."""
    n_ops = tier.shape[1]
    for c in cells:
        heard[c] = False
        for o in range(n_ops):
            usable[c, o], stable[c, o], best[c, o] = False, False, np.float32(0.0)
        for at in range(start[c], start[c + 1]):
            s = station[pair[at]]
            if not on[s]:
                continue
            heard[c] = True
            for o in range(n_ops):
                if tier[s, o] >= CLOSED:
                    continue
                usable[c, o] = True
                stable[c, o] |= available[s] >= target
                best[c, o] = max(best[c, o], np.float32(available[s]))


@nb.njit(cache=True)
def count_behind_kernel(  # type: ignore[no-untyped-def]
    cells, sign, start, pair, station, site_of, on, tier, weights, accepted, behind
):
    """Add the unserved people of some cells, times a sign, behind each site heard there that they may not use; return those sites."""
    n_ops = tier.shape[1]
    touched = [np.int64(0) for _ in range(0)]
    for c in cells:
        waiting = np.int64(0)
        for o in range(n_ops):
            waiting += weights[c, o] - accepted[c, o]
        if waiting == 0:
            continue
        lo, hi = start[c], start[c + 1]
        for at in range(lo, hi):
            s = station[pair[at]]
            if not on[s]:
                continue
            site = site_of[s]
            first = True
            for before in range(lo, at):
                t = station[pair[before]]
                if on[t] and site_of[t] == site:
                    first = False
                    break
            if not first:
                continue
            people = np.int64(0)
            for o in range(n_ops):
                may = False
                for later in range(at, hi):
                    t = station[pair[later]]
                    if on[t] and site_of[t] == site and tier[t, o] < CLOSED:
                        may = True
                        break
                if not may:
                    people += weights[c, o] - accepted[c, o]
            if people > 0:
                behind[site] += sign * people
                touched.append(site)
    return np.array(touched, np.int64)


@nb.njit(cache=True)
def rate_kernel(cells, start, pair, station, taken, hours, accepted, rate):  # type: ignore[no-untyped-def]
    """Write the share of busy hours with the target rate, mean over the people accepted at some cells."""
    n_ops = taken.shape[1]
    for c in cells:
        for o in range(n_ops):
            total = 0.0
            for at in range(start[c], start[c + 1]):
                k = pair[at]
                total += taken[k, o] * hours[station[k]]
            rate[c, o] = np.float32(total / accepted[c, o]) if accepted[c, o] > 0 else np.float32(0.0)

"""When what broke works again: crews that go where most hangs on a fault, and generators for dark sites."""

import heapq

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from phusong.kernel_cache import nb
from phusong.service.bits import stream_keys
from phusong.service.storms.draws import luck
from phusong.service.storms.wind import assumed

__all__ = ["generator_h", "mended_h", "repair_order"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def repair_order(load_kw: Floats) -> Ints:
    """Return the things of the grid in the order in which crews take them: most load behind them first."""
    return np.argsort(-np.asarray(load_kw), kind="stable").astype(np.int64)


def mended_h(
    broken: Bools, work_h: Floats, order: Ints, pool: Ints, crews: Ints, *, start_h: float
) -> Floats:
    """Return the hours after the storm at which each fault is mended; 0 where nothing broke.

    Parameters
    ----------
    broken, work_h : ndarray, shape (n_things, n_samples)
        What broke, and hours of work of one crew.
    order : ndarray of int, shape (n_things,)
        In which crews take them.
    pool : ndarray of int, shape (n_things,)
        Whose crews mend each.
    crews : ndarray of int, shape (n_pools,)
        That work at the same time.
    start_h : float
        When they can begin.

    Notes
    -----
    List scheduling: the next fault goes to the crew that is free first. With one crew the last fault is mended
    after all the work; with as many crews as faults each after its own.
    """
    out = np.zeros(broken.shape)
    _schedule(out, broken, work_h, order, pool, np.maximum(np.asarray(crews, np.int64), 1), float(start_h))
    return out


def generator_h(site_ids: npt.NDArray[np.str_], samples: Ints, seed: int) -> Floats:
    """Return when a generator runs at each site, if it is dark: infinite where none comes, shape (n_sites, n)."""
    fate = luck(stream_keys(site_ids, "storm generator", seed), samples)
    share = assumed("generator_share")
    # the lucky share, spread over the whole distribution of times again
    place = np.clip(fate / max(share, 1e-12), 1e-12, 1.0 - 1e-12)
    hours = assumed("generator_median_h") * np.exp(assumed("generator_dispersion") * ndtri(place))
    return np.asarray(np.where(fate < share, hours, np.inf))


@nb.njit(cache=True, nogil=True)
def _schedule(out, broken, work_h, order, pool, crews, start_h):  # type: ignore[no-untyped-def]
    for s in range(broken.shape[1]):
        for p in range(crews.size):
            free = [start_h for _ in range(crews[p])]
            for k in order:
                if pool[k] == p and broken[k, s]:
                    done = free[0] + work_h[k, s]
                    heapq.heapreplace(free, done)
                    out[k, s] = done

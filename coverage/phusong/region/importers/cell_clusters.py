"""Sites from cells: which cells stand on one structure, told by their identities and places.

A public list has the place of each cell as phones heard it, hundreds of metres off. Cells of one LTE or NR base
station share the upper bits of their identity; others are told by place alone. The base stations with the most
measurements come first; each is a site unless one of the same operator was found within reach before it. So a
site is never wider than twice the reach, however dense the town.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.kernel_cache import nb
from phusong.region.importers.opencellid_rows import RADIOS

__all__ = ["REACH_M", "Clusters", "cluster_cells", "station_of"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

REACH_M = 200.0
"""Cells of one operator this near stand on one structure: about the error of the places. [m]"""

_STRAY_M = (
    3000.0  # a cell this far from the middle of its base station carries a wrong place or a used identity
)
_MOST_SAMPLES = 100  # more measurements no longer make a place surer
_LTE_CELL_BITS = 8  # 3GPP TS 36.300: a cell identity is 20 bits of the eNodeB and 8 of the cell
_NR_CELL_BITS = 12  # 3GPP TS 38.413: the gNB has 22 to 32 of 36 bits; 24 is the usual split


@dataclass(frozen=True)
class Clusters:
    """Sites of cells.

    Parameters
    ----------
    site : ndarray of int, shape (n_cells,)
        Position of each cell's site.
    east_m, north_m : ndarray of float64, shape (n_sites,)
        Middle of the site's cells, weighted by their measurements. [m]
    leader : ndarray of int, shape (n_sites,)
        Cell that names the site: the lowest identity in its first base station.
    strays : int
        Cells far from the rest of their base station, placed by themselves.
    """

    site: Ints
    east_m: Floats
    north_m: Floats
    leader: Ints
    strays: int


def station_of(radio: npt.NDArray[np.int8], cell: Ints) -> Ints:
    """Return the base station's number of each LTE or NR cell; -1 where the identity does not tell it.

    Examples
    --------
    >>> station_of(np.array([2, 3, 0], np.int8), np.array([1234 * 256 + 3, 77 * 4096 + 1, 4711])).tolist()
    [1234, 77, -1]
    """
    lte, nr = radio == RADIOS.index("LTE"), radio == RADIOS.index("NR")
    return np.where(lte, cell >> _LTE_CELL_BITS, np.where(nr, cell >> _NR_CELL_BITS, -1))


def cluster_cells(
    radio: npt.NDArray[np.int8], operator: Ints, cell: Ints, samples: Ints, east_m: Floats, north_m: Floats,
    *, reach_m: float = REACH_M,
) -> Clusters:  # fmt: skip
    """Return which cells share a site.

    Parameters
    ----------
    radio, operator, cell, samples : ndarray, shape (n,)
        Position in RADIOS, number of the operator, cell identity, measurements.
    east_m, north_m : ndarray of float64, shape (n,)
        Place. [m]
    reach_m : float
        How near cells of one operator must be to share a site.
    """
    n = cell.size
    weight = np.clip(samples, 1, _MOST_SAMPLES).astype(np.float64)
    station = station_of(radio, cell)
    frame = pd.DataFrame({"o": operator, "r": radio, "s": station, "e": east_m, "n": north_m})
    known = station >= 0
    middle = frame[known].groupby(["o", "r", "s"], sort=False)[["e", "n"]].transform("median")
    stray = np.zeros(n, bool)
    off = np.hypot(middle["e"].to_numpy() - east_m[known], middle["n"].to_numpy() - north_m[known])
    stray[known] = off > _STRAY_M
    alone = ~known | stray
    frame["s"] = np.where(alone, -1 - np.arange(n), station)
    unit = frame.groupby(["o", "r", "s"], sort=True).ngroup().to_numpy(np.int64)
    u_weight = np.bincount(unit, weight)
    u_east = np.bincount(unit, weight * east_m) / u_weight
    u_north = np.bincount(unit, weight * north_m) / u_weight
    first = np.full(u_weight.size, n, np.int64)
    by_identity = np.lexsort((np.arange(n), cell))
    rank = np.empty(n, np.int64)
    rank[by_identity] = np.arange(n)
    np.minimum.at(first, unit, rank)
    u_cell = by_identity[first]
    # base stations whose identity is known lead; then those with the most measurements
    order = np.lexsort((first, -u_weight, alone[u_cell]))
    cluster = _lead(u_east, u_north, operator[u_cell], order, reach_m)
    site = cluster[unit]
    total = np.bincount(site, weight)
    lead = np.full(total.size, -1, np.int64)
    placed = order[::-1]
    lead[cluster[placed]] = u_cell[placed]  # written last: the unit that came first
    return Clusters(
        site,
        np.bincount(site, weight * east_m) / total,
        np.bincount(site, weight * north_m) / total,
        lead,
        int(stray.sum()),
    )


@nb.njit(cache=True)
def _lead(east, north, operator, order, reach):  # type: ignore[no-untyped-def]
    """Number units by the nearest earlier one of their operator within reach, or anew (buckets of one reach)."""
    n = east.size
    out = np.full(n, -1, np.int64)
    if n == 0:
        return out
    west, south = east.min(), north.min()
    high = int((north.max() - south) / reach) + 3
    head = {np.int64(-1): np.int64(-1)}
    following = np.full(n, -1, np.int64)
    found = np.int64(0)
    for k in range(n):
        i = order[k]
        bx, by = int((east[i] - west) / reach) + 1, int((north[i] - south) / reach) + 1
        best, best_d = np.int64(-1), reach * reach
        for x in range(bx - 1, bx + 2):
            for y in range(by - 1, by + 2):
                key = np.int64(x) * high + y
                if key not in head:
                    continue
                j = head[key]
                while j >= 0:
                    d = (east[i] - east[j]) ** 2 + (north[i] - north[j]) ** 2
                    if operator[j] == operator[i] and d <= best_d:
                        best, best_d = out[j], d
                    j = following[j]
        if best >= 0:
            out[i] = best
            continue
        out[i] = found
        found += 1
        key = np.int64(bx) * high + by
        following[i] = head.get(key, -1)
        head[key] = i
    return out

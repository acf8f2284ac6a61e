"""Where operators put masts, and who hangs on whose.

Each operator, the largest first, walks over the places where people live, the densest first, and builds where
none of its stations is within reach and enough people would be. Sometimes it takes a slot on another's mast
instead. Reach shrinks with density, so that a station serves a stated number of subscribers.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.kernel_cache import nb
from phusong.region.facts import assumption
from phusong.region.grid import Grid
from phusong.region.near import nearest

__all__ = ["Masts", "build_masts", "on_high_ground", "places_to_build"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SNAP_M = 600.0  # a mast takes the highest ground this near
_DENSE_PEOPLE_KM2 = 700.0  # from here on every square is a place to build, not only the villages


@dataclass(frozen=True)
class Masts:
    """Masts as arrays, one element a mast.

    Parameters
    ----------
    east_m, north_m : ndarray
        Where it stands. [m]
    density : ndarray
        People around its place. [1/km²]
    remote : ndarray of int
        How remote its commune is, 0 to 3.
    owner : ndarray of int
        Row of its operator.
    tenants : ndarray of int
        Bit mask of the operators with cells there.
    locked : ndarray of bool
        Whether nobody else may come.
    """

    east_m: Floats
    north_m: Floats
    density: Floats
    remote: Ints
    owner: Ints
    tenants: Ints
    locked: npt.NDArray[np.bool_]


def places_to_build(
    grid: Grid,
    villages: gpd.GeoDataFrame,
    demand: pd.DataFrame,
    density: Floats,
    operators: pd.DataFrame,
    rng: np.random.Generator,
) -> tuple[Floats, Floats, Floats, npt.NDArray[np.bool_]]:
    """Return where operators may build, the densest first, and whether it is a village too small to pay.

    Places are the villages on the grid, and every square of a town.

    Parameters
    ----------
    grid : Grid
        The pixels.
    villages : GeoDataFrame
        Layer `settlements` with `on_grid`.
    demand : DataFrame
        Layer `demand`.
    density : ndarray, on the grid
        Smoothed. [people/km²]
    operators : DataFrame
        Layer `operators`.
    rng : Generator
        Strews the places of a large square.

    Returns
    -------
    tuple of ndarray
        Easting [m], northing [m], density [people/km²], and whether it is too small.
    """
    villages = villages[villages["on_grid"].to_numpy(bool)]  # operators wait for the power line
    ve, vn = villages.geometry.x.to_numpy(), villages.geometry.y.to_numpy()
    vr, vc = grid.rowcol(ve, vn)
    at = density[demand["row"], demand["col"]]
    town = demand[at >= _DENSE_PEOPLE_KM2]
    te, tn = grid.centres(town["row"], town["col"])
    leader = float(operators["share"].max())
    per = assumption("subscribers_per_station")
    # a large square may need several stations: as many places, strewn over it
    times = np.ceil(town["population"].to_numpy() * leader / per).clip(1, 60).astype(np.int64)
    te, tn = np.repeat(te, times), np.repeat(tn, times)
    strewn = np.repeat(times > 1, times)
    te = te + strewn * rng.uniform(-0.5, 0.5, te.size) * grid.cell_m
    tn = tn + strewn * rng.uniform(-0.5, 0.5, tn.size) * grid.cell_m
    east, north = np.r_[ve, te], np.r_[vn, tn]
    dense = np.r_[density[vr, vc], np.repeat(at[at >= _DENSE_PEOPLE_KM2], times)]
    few = villages["population"].to_numpy(np.float64) < assumption("least_village_people")
    small = np.r_[few, np.zeros(te.size, bool)]
    order = np.lexsort((east, -dense))
    return east[order], north[order], dense[order], small[order]


def build_masts(
    east: Floats,
    north: Floats,
    density: Floats,
    remote: Ints,
    too_small: npt.NDArray[np.bool_],
    operators: pd.DataFrame,
    rng: np.random.Generator,
) -> Masts:
    """Return the masts that the operators build, one operator after the other.

    Parameters
    ----------
    east, north : ndarray, shape (places,)
        The places, in the order in which they are walked over. [m]
    density : ndarray, shape (places,)
        [people/km²]
    remote : ndarray of int, shape (places,)
        How remote the commune is, 0 to 3.
    too_small : ndarray of bool, shape (places,)
        Where nobody builds.
    operators : DataFrame
        Layer `operators`.
    rng : Generator
        Draws tenancies, distances between rivals and locks.
    """
    reach_max = (
        np.array([1.2] + [assumption(f"reach_{k}_km") for k in ("rural", "remote", "very_remote")]) * 1000.0
    )
    per = assumption("subscribers_per_station")
    tenancy, locked_share = assumption("tenancy"), assumption("locked")
    mast_e, mast_n = np.empty(0), np.empty(0)
    place = np.empty(0, np.int64)
    owner, tenants = np.empty(0, np.int64), np.empty(0, np.int64)
    locked = np.empty(0, bool)
    ranked = operators.assign(code=np.arange(len(operators))).sort_values(
        "share", ascending=False, kind="stable"
    )
    leader = float(ranked["share"].iloc[0])
    names, shares = ranked["operator"].astype(str).tolist(), ranked["share"].astype(float).tolist()
    for code, name, share in zip(ranked["code"].astype(int).tolist(), names, shares, strict=True):
        spacing = np.sqrt(per / (np.pi * np.maximum(density, 1.0) * share)) * 1000.0
        farthest = reach_max[remote] * (leader / share) ** 0.2
        reach = np.clip(1.3 * spacing, 180.0, farthest)
        inside = density * np.pi * (np.minimum(reach, 2000.0) / 1000.0) ** 2
        wanted = (inside >= assumption(f"least_people_{name}")) & ~too_small
        chance = rng.random(east.size)
        built = np.flatnonzero(_cover(east, north, reach, wanted))
        slot = np.full(built.size, -1, np.int64)
        if mast_e.size:
            distance, near = nearest(np.c_[mast_e, mast_n], np.c_[east[built], north[built]])
            ok = (distance < 0.6 * reach[built]) & ~locked[near]
            ok &= (chance[built] < tenancy) & ((tenants[near] >> code) & 1 == 0)
            slot[ok] = near[ok]
        taken = np.unique(slot[slot >= 0])
        tenants[taken] |= 1 << code
        own = built[slot < 0]
        # its own mast stands some way off the others', as masts of rivals do
        aside = rng.normal(0.0, np.minimum(0.08 * reach[own], 120.0), (2, own.size))
        mast_e, mast_n = np.r_[mast_e, east[own] + aside[0]], np.r_[mast_n, north[own] + aside[1]]
        place = np.r_[place, own]
        owner = np.r_[owner, np.full(own.size, code)]
        tenants = np.r_[tenants, np.full(own.size, 1 << code)]
        locked = np.r_[locked, rng.random(own.size) < locked_share]
    return Masts(mast_e, mast_n, density[place], remote[place], owner, tenants, locked)


@nb.njit(cache=True)
def _cover(east, north, reach, wanted):  # type: ignore[no-untyped-def]
    """Mark places in order when wanted and no marked place lies within their reach (buckets of 2 km)."""
    n = east.size
    out = np.zeros(n, np.bool_)
    if n == 0:
        return out
    size = 2000.0
    west, south = east.min(), north.min()
    wide = int((east.max() - west) / size) + 1
    high = int((north.max() - south) / size) + 1
    head = np.full(wide * high, -1, np.int64)
    following = np.full(n, -1, np.int64)
    for i in range(n):
        if not wanted[i]:
            continue
        bx, by = int((east[i] - west) / size), int((north[i] - south) / size)
        span = int(np.ceil(reach[i] / size))
        free = True
        for y in range(max(by - span, 0), min(by + span, high - 1) + 1):
            for x in range(max(bx - span, 0), min(bx + span, wide - 1) + 1):
                j = head[y * wide + x]
                while j >= 0 and free:
                    if (east[i] - east[j]) ** 2 + (north[i] - north[j]) ** 2 < reach[i] ** 2:
                        free = False
                    j = following[j]
        if free:
            out[i] = True
            following[i] = head[by * wide + bx]
            head[by * wide + bx] = i
    return out


def on_high_ground(
    grid: Grid, masts: Masts, commune_row: npt.NDArray[np.int32], elevation: npt.NDArray[np.float32]
) -> tuple[Floats, Floats]:
    """Return easting and northing [m] of masts, outside towns moved to the highest ground nearby.

    Parameters
    ----------
    grid : Grid
        The pixels.
    masts : Masts
        With their places.
    commune_row : ndarray of int32, on the grid
        Row of the commune of each pixel, -1 outside.
    elevation : ndarray, on the grid
        Ground heights. [m]
    """
    reach = int(_SNAP_M / grid.cell_m)
    east, north = masts.east_m.copy(), masts.north_m.copy()
    if reach == 0:
        return east, north
    row, col = grid.rowcol(east, north)
    row, col = np.clip(row, reach, grid.height - 1 - reach), np.clip(col, reach, grid.width - 1 - reach)
    span = np.arange(-reach, reach + 1)
    windows = elevation[row[:, None, None] + span[None, :, None], col[:, None, None] + span[None, None, :]]
    inside = (
        commune_row[row[:, None, None] + span[None, :, None], col[:, None, None] + span[None, None, :]] >= 0
    )
    best = np.where(inside, windows, -1e9).reshape(row.size, -1).argmax(axis=1)
    r, c = row + span[best // span.size], col + span[best % span.size]
    move = (masts.density < _DENSE_PEOPLE_KM2) & inside.any(axis=(1, 2))
    e, n = grid.centres(r, c)
    # two masts on one knoll stand a few metres apart
    shift = np.arange(row.size) % 9
    east[move] = (e + 15.0 * (shift // 3 - 1))[move]
    north[move] = (n + 15.0 * (shift % 3 - 1))[move]
    return east, north

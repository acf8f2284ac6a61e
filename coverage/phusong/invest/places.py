"""Where masts could stand: high ground, settlements, structures, power nodes, public buildings, locked sites."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, maximum_filter

from phusong.invest.situation import Situation
from phusong.invest.viewshed import people_in_sight
from phusong.region.store import Region

__all__ = ["KINDS", "MAST_M", "Places", "find_places"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

KINDS = ("structure", "locked", "power", "public", "settlement", "people", "hilltop")
"""Kinds of place; where several share a pixel, it is that of the first that the mast stands on."""

MAST_M = 42.0
_LEAST_PEOPLE = 25
_REACH_M = 5000.0  # beyond it few villages are heard without a line of sight
_CLUSTER_M = 900.0
_APART_M = 750.0  # between tops that see much: the best of each neighbourhood is looked at


@dataclass(frozen=True)
class Places:
    """Places where a mast could stand.

    Parameters
    ----------
    east_m, north_m : ndarray, shape (n,)
        Where.
    kind : ndarray of str, shape (n,)
        What is there; several words joined by ``;``.
    structure : ndarray of int, shape (n,)
        Site whose structure can carry the antennas; -1 where a mast has to be built.
    in_sight : ndarray, shape (n,)
        People without service whom a mast there sees.
    looked_at : dict
        How many places of each kind were looked at before those who see too few were left out.
    """

    east_m: Floats
    north_m: Floats
    kind: npt.NDArray[np.str_]
    structure: Ints
    in_sight: Floats
    looked_at: dict[str, int]


def find_places(situation: Situation, region: Region) -> Places:
    """Return the places from which a mast sees enough people who hear nobody they may use.

    Parameters
    ----------
    situation : Situation
        Who is left without.
    region : Region
        Settlements, public buildings, power nodes and structures.
    """
    grid = situation.grid
    waiting = (situation.access.no_signal + situation.access.locked).sum(axis=1)
    people = np.bincount(situation.cell_pixel, waiting, grid.size).reshape(grid.shape).astype(np.float64)
    bare = _without_radio(situation)
    locked = situation.network.lock_reason != ""
    at_site = np.c_[situation.site_east_m, situation.site_north_m]
    found: dict[str, Floats] = {
        "structure": at_site[bare],
        "locked": at_site[locked],
        "power": np.c_[situation.node_east_m, situation.node_north_m],
        "public": _points(region.facilities),
        "settlement": _points(region.settlements),
        "people": np.column_stack(_clusters(situation, people)),
        "hilltop": np.column_stack(_hilltops(situation, people)),
    }
    east, north = (np.concatenate([xy[:, k] for xy in found.values()]) for k in (0, 1))
    kind = np.repeat(np.arange(len(found)), [len(xy) for xy in found.values()])
    structure = np.full(kind.size, -1, np.int64)
    structure[: int(bare.sum())] = np.flatnonzero(bare)
    row, col = grid.rowcol(east, north)
    on = np.flatnonzero(grid.inside(row, col))
    pixel, first = np.unique(row[on] * grid.width + col[on], return_index=True)
    first = on[first]  # kinds come in order, so the first of a pixel is of the first kind
    sight = people_in_sight(
        situation.elevation,
        people,
        row[first],
        col[first],
        cell_m=grid.cell_m,
        reach_m=_REACH_M,
        mast_m=MAST_M,
    )
    good = sight >= _LEAST_PEOPLE
    words = _words(pixel, row[on] * grid.width + col[on], kind[on])
    return Places(
        east[first][good],
        north[first][good],
        words[good],
        structure[first][good],
        sight[good],
        {name: len(xy) for name, xy in found.items()},
    )


def _words(pixels: Ints, pixel: Ints, kind: Ints) -> npt.NDArray[np.str_]:
    has = np.zeros((pixels.size, len(KINDS)), bool)
    has[np.searchsorted(pixels, pixel), kind] = True
    return np.array([";".join(name for name, on in zip(KINDS, row, strict=True) if on) for row in has], str)


def _points(layer: gpd.GeoDataFrame) -> Floats:
    return np.column_stack([layer.geometry.x.to_numpy(np.float64), layer.geometry.y.to_numpy(np.float64)])


def _without_radio(situation: Situation) -> Bools:
    """Return the structures that could carry antennas and carry none."""
    net = situation.network
    radios = np.bincount(net.station_site, minlength=net.n_sites)
    return np.asarray((radios == 0) & ~net.is_exchange & net.shareable & (net.spare_slots > 0))


def _clusters(situation: Situation, people: Floats) -> tuple[Floats, Floats]:
    """Return the middle of each cluster of waiting people."""
    size_px = max(_CLUSTER_M / situation.grid.cell_m, 0.6)
    smooth = gaussian_filter(people, size_px, mode="constant", truncate=2.0)
    row, col = _peaks(smooth, round(1.6 * size_px), smooth > 0.0)
    return situation.grid.centres(row, col)


def _hilltops(situation: Situation, people: Floats) -> tuple[Floats, Floats]:
    """Return the tops and ridges that see most people in their neighbourhood."""
    grid = situation.grid
    ground = np.nan_to_num(situation.elevation, nan=0.0)
    row, col = np.nonzero(_ridge(ground) & _near_people(people, round(_REACH_M / grid.cell_m)))
    value = np.zeros(grid.shape)
    value[row, col] = people_in_sight(
        ground, people, row, col, cell_m=grid.cell_m, reach_m=_REACH_M, mast_m=MAST_M
    )
    top_row, top_col = _peaks(value, round(_APART_M / grid.cell_m), value >= _LEAST_PEOPLE)
    return grid.centres(top_row, top_col)


def _ridge(ground: npt.NDArray[np.float32]) -> Bools:
    """Return the pixels higher than both neighbours two steps away, along some direction."""
    wide = np.pad(ground, 2, mode="edge")
    height, width = ground.shape

    def moved(dr: int, dc: int) -> npt.NDArray[np.float32]:
        return wide[2 + dr : 2 + dr + height, 2 + dc : 2 + dc + width]

    out = np.zeros(ground.shape, bool)
    for dr, dc in ((0, 2), (2, 0), (2, 2), (2, -2)):
        out |= (ground > moved(dr, dc)) & (ground > moved(-dr, -dc))
    return out


def _near_people(people: Floats, reach_px: int) -> Bools:
    return np.asarray(maximum_filter(people, size=2 * reach_px + 1, mode="constant") > 0.0)


def _peaks(value: Floats, reach_px: int, among: Bools) -> tuple[Ints, Ints]:
    """Return the pixels that no other within reach exceeds; of equal ones that touch, the first."""
    # a tiny slope over the pixels decides between equal neighbours
    size = 2 * max(reach_px, 1) + 1
    scale = float(value.max()) * 1e-9 if value.size and value.max() > 0 else 1e-9
    tilted = value - scale * np.arange(value.size, dtype=np.float64).reshape(value.shape) / max(value.size, 1)
    top = tilted == maximum_filter(tilted, size=size, mode="nearest")
    row, col = np.nonzero(top & among)
    return row.astype(np.int64), col.astype(np.int64)

"""Candidate places and what they would reach."""

from collections.abc import Callable
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.ndimage import gaussian_filter, maximum_filter
from scipy.sparse import csr_matrix

from phusong.compute.array_types import Bools, Floats, Ints
from phusong.compute.executor import Executor
from phusong.compute.kernels import nb
from phusong.compute.store import Store
from phusong.invest.context import Baseline
from phusong.invest.line_of_sight import people_in_sight
from phusong.radio.footprints import Footprints, footprints
from phusong.radio.jobs import RadioPlan, Scene
from phusong.radio.link_budget import noise_dbm, spectral_efficiency
from phusong.region.folder import Region

__all__ = [
    "BANDWIDTH_MHZ",
    "KINDS",
    "MAST_M",
    "CandidateLocations",
    "Candidates",
    "find_candidates",
    "find_places",
    "new_cells",
    "undominated",
    "within_room",
]


KINDS = ("structure", "locked", "power", "public", "settlement", "people", "hilltop")
"""Kinds of place; where several share a pixel, it is that of the first that the mast stands on."""

MAST_M = 42.0
_LEAST_PEOPLE = 25
_REACH_M = 5000.0  # beyond it few villages are heard without a line of sight
_CLUSTER_M = 900.0
_APART_M = 750.0  # between tops that see much: the best of each neighbourhood is looked at


@dataclass(frozen=True)
class CandidateLocations:
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


def find_places(baseline: Baseline, region: Region) -> CandidateLocations:
    """Return the places from which a mast sees enough people who hear nobody they may use.

    Parameters
    ----------
    baseline : Baseline
        Who is left without.
    region : Region
        Settlements, public buildings, power nodes and structures.
    """
    grid = baseline.grid
    waiting = (baseline.access.no_signal + baseline.access.locked).sum(axis=1)
    people = np.bincount(baseline.cell_pixel, waiting, grid.size).reshape(grid.shape).astype(np.float64)
    bare = _without_radio(baseline)
    locked = baseline.network.lock_reason != ""
    at_site = baseline.site_xy_m
    found: dict[str, Floats] = {
        "structure": at_site[bare],
        "locked": at_site[locked],
        "power": np.c_[baseline.node_east_m, baseline.node_north_m],
        "public": _points(region.facilities),
        "settlement": _points(region.settlements),
        "people": np.column_stack(_clusters(baseline, people)),
        "hilltop": np.column_stack(_hilltops(baseline, people)),
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
        baseline.elevation,
        people,
        row[first],
        col[first],
        cell_m=grid.cell_m,
        reach_m=_REACH_M,
        mast_m=MAST_M,
    )
    good = sight >= _LEAST_PEOPLE
    words = _words(pixel, row[on] * grid.width + col[on], kind[on])
    return CandidateLocations(
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


def _without_radio(baseline: Baseline) -> Bools:
    """Return the structures that could carry antennas and carry none."""
    net = baseline.network
    radios = np.bincount(net.station_site, minlength=net.n_sites)
    return np.asarray((radios == 0) & ~net.is_exchange & net.shareable & (net.spare_slots > 0))


def _clusters(baseline: Baseline, people: Floats) -> tuple[Floats, Floats]:
    """Return the middle of each cluster of waiting people."""
    size_px = max(_CLUSTER_M / baseline.grid.cell_m, 0.6)
    smooth = gaussian_filter(people, size_px, mode="constant", truncate=2.0)
    row, col = _peaks(smooth, round(1.6 * size_px), smooth > 0.0)
    return baseline.grid.centres(row, col)


def _hilltops(baseline: Baseline, people: Floats) -> tuple[Floats, Floats]:
    """Return the tops and ridges that see most people in their neighbourhood."""
    grid = baseline.grid
    ground = np.nan_to_num(baseline.elevation, nan=0.0)
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


BANDWIDTH_MHZ = 30.0  # three sectors of 10 MHz
_UNLIMITED = 2**40


@dataclass(frozen=True)
class Candidates:
    """New sites: names, places, and the demand cells each would reach.

    Parameters
    ----------
    ids, kind : ndarray of str, shape (n,)
        Names, and what stands there (see :data:`phusong.invest.candidate_sites.KINDS`).
    east_m, north_m : ndarray, shape (n,)
        Places.
    structure : ndarray of int, shape (n,)
        Site whose structure carries the antennas; -1 where a mast is built.
    cells : tuple of ndarray
        Demand cells with unserved people in reach of each, strongest first.
    room_people : ndarray of int, shape (n,)
        People that one operator's radio there can take.
    counts : dict
        How many places were looked at, by kind, and how many were left after each step.
    margin_db : tuple of ndarray, optional
        How far the signal at each of the cells lies above the least that covers. [dB]
    """

    ids: npt.NDArray[np.str_]
    kind: npt.NDArray[np.str_]
    east_m: Floats
    north_m: Floats
    structure: Ints
    cells: tuple[Ints, ...]
    room_people: Ints
    counts: dict[str, int] = field(default_factory=dict)
    margin_db: tuple[npt.NDArray[np.float32], ...] | None = None

    def only(self, keep: Bools, **counts: int) -> "Candidates":
        """Return some of the candidates; their names stay."""
        at = np.flatnonzero(keep)
        return Candidates(
            self.ids[at],
            self.kind[at],
            self.east_m[at],
            self.north_m[at],
            self.structure[at],
            tuple(self.cells[k] for k in at),
            self.room_people[at],
            self.counts | counts,
            None if self.margin_db is None else tuple(self.margin_db[k] for k in at),
        )


def find_candidates(
    baseline: Baseline,
    scene: Scene,
    radio: RadioPlan,
    region: Region,
    *,
    executor: Executor | None = None,
    store: Store | None = None,
) -> Candidates:
    """Return candidate sites that see people who hear nobody they may use, and what each would reach.

    Parameters
    ----------
    baseline : Baseline
        Who is left without.
    scene, radio : Scene, RadioPlan
        What lies on the grid, and how signal is computed on it.
    region : Region
        Settlements, public buildings, power nodes and structures.
    executor : Executor, optional
        Who computes; two threads when left out. The result does not depend on it.
    store : Store, optional
        Where the levels of each place are kept: other costs need no radio.
    """
    grid = baseline.grid
    places = find_places(baseline, region)
    n = places.east_m.size
    ids = np.array([f"n{i:05d}" for i in range(n)], str)
    counts = {f"looked_at_{k}": v for k, v in places.looked_at.items()} | {"in_sight": n}
    none = np.empty(0, np.int64)
    if not n:
        return Candidates(ids, places.kind, places.east_m, places.north_m, none, (), none, counts)
    sites = pd.DataFrame({"site_id": ids, "east_m": places.east_m, "north_m": places.north_m})
    keep = np.zeros(grid.size, bool)
    keep[baseline.cell_pixel] = True
    sectors = new_cells(ids, "new")
    found = footprints(sectors, sites, scene, radio, keep=keep, executor=executor, store=store)
    noise = noise_dbm("4G", 900.0, radio.budget.noise_figure_db) + radio.budget.interference_margin_db
    floor = radio.budget.floor_dbm(*sectors.iloc[0][["technology", "band_mhz", "bandwidth_mhz"]])
    cells, room, levels = _reached(baseline, found, noise)
    # levels are kept in tenths, so one at the floor may seem to lie a little below
    margin = tuple(np.maximum(level / 10.0 - floor, 0.0).astype(np.float32) for level in levels)
    return Candidates(
        ids, places.kind, places.east_m, places.north_m, places.structure, cells, room, counts, margin
    )


def new_cells(site_ids: npt.NDArray[np.str_], operator: str, *, bandwidth_mhz: float = 10.0) -> pd.DataFrame:
    """Return the cells of new sites: three sectors of LTE 900 (columns of the layer `cells`)."""
    sectors = []
    for sector in range(3):
        frame = pd.DataFrame({"site_id": site_ids, "operator": operator})
        frame["cell_id"] = [f"{i}/{operator}/{sector}" for i in site_ids]
        frame["azimuth_deg"] = 120.0 * sector
        sectors.append(frame)
    cells = pd.concat(sectors, ignore_index=True)
    cells["technology"] = "4G"
    cells["band_mhz"] = 900.0
    cells["bandwidth_mhz"] = bandwidth_mhz
    cells["eirp_dbm"] = 60.0
    cells["antenna_height_m"] = MAST_M
    cells["beamwidth_deg"] = 65.0
    cells["tilt_deg"] = 2.0
    cells["guests"] = ""
    return cells


def within_room(elements: Ints, people: Ints, room: int) -> Ints:
    """Return the first elements whose people find room together; those that no longer fit are passed over."""
    if int(people.sum()) <= room:
        return elements
    return np.asarray(elements[_fits(people.astype(np.int64), int(room))], np.int64)


def undominated(
    cells: tuple[Ints, ...], n_cells: int, can: Bools, dearer_by: Callable[[int, int], float]
) -> Bools:
    """Return the candidates that no other makes needless.

    One is needless when another reaches all it reaches and can stand in its place for no more money, however the one is
    fed: then any plan with it turns into one with the other that serves as many and costs no more.

    Parameters
    ----------
    cells : tuple of ndarray
        Demand cells in reach of each.
    n_cells : int
        Demand cells in all.
    can : ndarray of bool, shape (n,)
        Candidates that may take another's place: they have room for everybody in reach.
    dearer_by : callable
        What the second costs more than the first at the most, for two numbers. [million USD]
    """
    n = len(cells)
    keep = np.array([c.size > 0 for c in cells], bool)
    sizes = np.array([c.size for c in cells], np.int64)
    reach = np.concatenate([np.sort(c) for c in cells]) if n else np.empty(0, np.int64)
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    who = csr_matrix((np.ones(reach.size, np.int8), reach, start), shape=(n, n_cells)).tocsc()
    who.sort_indices()
    parts = start, reach, who.indptr.astype(np.int64), who.indices.astype(np.int64), can
    smaller, larger = _pairs(*parts)
    # one that has been left out takes nobody's place, so every chain of replacements ends at one that stays
    for a, b in zip(smaller.tolist(), larger.tolist(), strict=True):
        if keep[a] and keep[b] and dearer_by(a, b) <= 1e-12:
            keep[a] = False
    return keep


def _reached(
    baseline: Baseline, found: Footprints, noise_dbm: float
) -> tuple[tuple[Ints, ...], Ints, list[npt.NDArray[np.int16]]]:
    """Return the unserved cells that each station reaches, strongest first, the people it can take, and the levels."""
    cell_of = np.full(baseline.grid.size, -1, np.int64)
    cell_of[baseline.cell_pixel] = np.arange(baseline.cell_pixel.size)
    waiting = baseline.unserved.sum(axis=1) > 0
    people = baseline.weights.sum(axis=1).astype(np.float64)
    cells, room, levels = [], [], []
    for k in range(found.station_ids.size):
        pixel, level = found.of(k)
        cell = cell_of[pixel]
        order = np.lexsort((cell, -level.astype(np.int64)))
        cell, level = cell[order], level[order]
        efficiency = spectral_efficiency(level / 10.0 - noise_dbm)
        heard = (efficiency > 0.0) & (people[cell] > 0)
        total = float(people[cell[heard]].sum())
        mean = total / max(float((people[cell] / np.maximum(efficiency, 1e-9))[heard].sum()), 1e-9)
        room.append(_room(baseline, BANDWIDTH_MHZ * mean))
        cells.append(cell[waiting[cell]])
        levels.append(level[waiting[cell]])
    return tuple(cells), np.array(room, np.int64), levels


def _room(baseline: Baseline, mbps: float) -> int:
    if baseline.demand.mbps_per_person <= 0.0:
        return _UNLIMITED
    return int(mbps * baseline.demand.max_load / baseline.demand.mbps_per_person)


@nb.njit(cache=True)
def _fits(people, room):  # type: ignore[no-untyped-def]
    out = np.zeros(people.size, np.bool_)
    for k in range(people.size):
        if people[k] <= room:
            out[k] = True
            room -= people[k]
    return out


@nb.njit(cache=True)
def _pairs(start, reach, who_start, who, can):  # type: ignore[no-untyped-def]
    # every candidate a with each other b that reaches all it reaches
    a_out, b_out = [], []
    for a in range(start.size - 1):
        size = start[a + 1] - start[a]
        if size == 0:
            continue
        # whoever reaches all of them reaches the one that fewest reach
        rare = reach[start[a]]
        for i in range(start[a], start[a + 1]):
            if who_start[reach[i] + 1] - who_start[reach[i]] < who_start[rare + 1] - who_start[rare]:
                rare = reach[i]
        for j in range(who_start[rare], who_start[rare + 1]):
            b = who[j]
            if b == a or not can[b] or start[b + 1] - start[b] < size:
                continue
            if _holds(reach[start[b] : start[b + 1]], reach[start[a] : start[a + 1]]):
                a_out.append(a)
                b_out.append(b)
    return np.array(a_out, dtype=np.int64), np.array(b_out, dtype=np.int64)


@nb.njit(cache=True)
def _holds(larger, smaller):  # type: ignore[no-untyped-def]
    j = 0
    for i in range(smaller.size):
        while j < larger.size and larger[j] < smaller[i]:
            j += 1
        if j == larger.size or larger[j] != smaller[i]:
            return False
    return True

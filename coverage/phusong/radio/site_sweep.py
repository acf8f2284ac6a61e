"""One site swept, cached."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from phusong.compute.array_types import Int32s, Shorts, Singles
from phusong.compute.executor import Executor
from phusong.compute.kernels import nb
from phusong.compute.serialize import PackingError, fingerprint, pack, unpack
from phusong.compute.sources import program_fingerprint
from phusong.compute.store import Store
from phusong.radio.area import as_terrain, find_model, window_place
from phusong.radio.jobs import RadioPlan, Relief, Scene, SiteJob, StationCells
from phusong.radio.link_budget import PatternTables, radius_of_interest_m, sector_loss_db
from phusong.radio.models import Mast, Terrain
from phusong.radio.terrain_profile import as_ground, foot
from phusong.region import Grid

__all__ = [
    "Ends",
    "Entries",
    "FineGround",
    "Levels",
    "LossWindow",
    "Sectors",
    "SiteLevels",
    "Sweeping",
    "add_power",
    "by_height",
    "carrier_sinr",
    "entry_sinr",
    "floor_ddbm",
    "hear",
    "hear_all",
    "push_servers",
    "refine",
    "station_levels",
]

NOTHING = -32768  # of int16 levels: nothing is heard
_PER_DB = np.log(10.0) / 10.0
_MW_PER_TENTH = _PER_DB / 10.0


class FineGround(NamedTuple):
    """A piece of the ground, finer than the grid.

    Parameters
    ----------
    height_m : float32 array, shape (height, width)
        Heights.
    first_row, first_col : int
        Place of its first pixel on the whole fine ground.
    finer : int
        Fine pixels along a pixel's side.
    cell_m : float
        A fine pixel's side.
    """

    height_m: npt.NDArray[np.float32]
    first_row: int
    first_col: int
    finer: int
    cell_m: float


class LossWindow(NamedTuple):
    """Loss round a mast, float32 of shape (side, side) [dB], and its first row and column on the fine ground."""

    loss_db: npt.NDArray[np.float32]
    top: int
    left: int


class Ends(NamedTuple):
    """Place of an antenna in fine pixel middles, its height above sea level, that of receivers above ground. [m]"""

    row_f: float
    col_f: float
    tx_m: float
    rx_height_m: float


class Sectors(NamedTuple):
    """Sectors of a station, shape (n_sectors,) each: EIRP, main lobe, and row of the pattern tables (-1: none)."""

    power_dbm: npt.NDArray[np.float64]
    azimuth_deg: npt.NDArray[np.float64]
    beamwidth_deg: npt.NDArray[np.float64]
    tilt_deg: npt.NDArray[np.float64]
    pattern: npt.NDArray[np.int64]


@nb.njit(cache=True, nogil=True, error_model="numpy")
def station_levels(window, fine, clutter_loss, ends, losses_db, sectors, patterns, floor_ddbm):  # type: ignore[no-untyped-def]
    """Return where a station is heard on one carrier: pixels, levels, and power of its other sectors.

    Parameters
    ----------
    window : LossWindow
        Of the sweep.
    fine : FineGround
        What the sweep went over.
    clutter_loss : float32 array, shape (height, width)
        Loss round the receiver on the grid. [dB]
    ends : Ends
        Antenna and receivers.
    losses_db : float
        Of the station.
    sectors : Sectors
        Its sectors.
    patterns : PatternTables
        Measured antennas.
    floor_ddbm : int
        Weaker levels are left out. [tenths of a dBm]

    Returns
    -------
    pixel : int32 array
        Flat pixels of the grid, ascending.
    level : int16 array
        Best sector's level: the mean over the pixel's parts. [tenths of a dBm]
    others : float32 array
        Power of the station's other sectors. [mW]
    """
    loss, top, left = window
    ground, first_row, first_col, finer, cell_m = fine
    row_f, col_f, tx_m, rx_height_m = ends
    power_dbm, azimuth_deg, beamwidth_deg, tilt_deg, pattern = sectors
    height, width = clutter_loss.shape
    side = loss.shape[0]
    row_a = max((first_row + top) // finer, 0)
    col_a = max((first_col + left) // finer, 0)
    row_b = min((first_row + top + side - 1) // finer + 1, height)
    col_b = min((first_col + left + side - 1) // finer + 1, width)
    most = max(row_b - row_a, 0) * max(col_b - col_a, 0)
    pixel, level, others = np.empty(most, np.int32), np.empty(most, np.int16), np.empty(most, np.float32)
    strongest = power_dbm.max() - losses_db
    n = 0
    for row in range(row_a, row_b):
        for col in range(col_a, col_b):
            total_db, rest_mw, parts = 0.0, 0.0, 0
            for i in range(finer):
                g_row = row * finer + i - first_row
                if g_row < top or g_row >= top + side or g_row < 0 or g_row >= ground.shape[0]:
                    continue
                for j in range(finer):
                    g_col = col * finer + j - first_col
                    if g_col < left or g_col >= left + side or g_col < 0 or g_col >= ground.shape[1]:
                        continue
                    lost = loss[g_row - top, g_col - left]
                    if np.isnan(lost) or (finer == 1 and (strongest - lost) * 10.0 < floor_ddbm):
                        continue
                    lost += losses_db + clutter_loss[row, col]
                    north, east = (row_f - g_row) * cell_m, (g_col - col_f) * cell_m
                    bearing = np.degrees(np.arctan2(east, north))
                    away = max(np.hypot(north, east), 1.0)
                    down = np.degrees(np.arctan((tx_m - ground[g_row, g_col] - rx_height_m) / away))
                    best = -1e9
                    for k in range(power_dbm.size):
                        heard = power_dbm[k] - sector_loss_db(
                            bearing, down, azimuth_deg[k], beamwidth_deg[k], tilt_deg[k], pattern[k],
                            patterns.horizontal_db, patterns.vertical_db,
                        )  # fmt: skip
                        if k > 0:
                            rest_mw += np.exp((min(heard, best) - lost) * _PER_DB)
                        best = max(best, heard)
                    total_db += best - lost
                    parts += 1
            # a pixel mostly out of reach is out of reach
            if parts * 2 <= finer * finer - (finer == 1):
                continue
            tenths = int(np.floor(total_db / parts * 10.0 + 0.5))
            if tenths >= floor_ddbm:
                pixel[n] = row * width + col
                level[n] = max(min(tenths, 0), NOTHING + 1)
                others[n] = rest_mw / parts
                n += 1
    return pixel[:n].copy(), level[:n].copy(), others[:n].copy()


@nb.njit(cache=True, nogil=True, error_model="numpy")
def refine(elevation, finer, first_row, first_col, height, width):  # type: ignore[no-untyped-def]
    """Return a piece of the ground on a finer grid, bilinear between pixel middles. [m]"""
    out = np.empty((height, width), np.float32)
    last_row, last_col = elevation.shape[0] - 1, elevation.shape[1] - 1
    for i in range(height):
        row = min(max((first_row + i + 0.5) / finer - 0.5, 0.0), last_row)
        r = min(int(row), max(last_row - 1, 0))
        for j in range(width):
            col = min(max((first_col + j + 0.5) / finer - 0.5, 0.0), last_col)
            c = min(int(col), max(last_col - 1, 0))
            upper = elevation[r, c] + (col - c) * (elevation[r, c + 1] - elevation[r, c])
            lower = elevation[r + 1, c] + (col - c) * (elevation[r + 1, c + 1] - elevation[r + 1, c])
            out[i, j] = upper + (row - r) * (lower - upper)
    return out


@nb.njit(cache=True, nogil=True)
def push_servers(level_of, station_of, pixel, level, floor_ddbm, station):  # type: ignore[no-untyped-def]
    """Put a station among the strongest of each pixel; both arrays have shape (n, pixels), strongest first.

    A station that is there already keeps its stronger level; of equals the one that came first stays ahead.
    """
    deep = level_of.shape[0]
    for e in range(pixel.size):
        if level[e] < floor_ddbm:
            continue
        p = pixel[e]
        end = deep - 1
        for k in range(deep):
            if station_of[k, p] == station:
                end = k
                break
        if level[e] <= level_of[end, p]:
            continue
        k = end
        while k > 0 and level_of[k - 1, p] < level[e]:
            level_of[k, p] = level_of[k - 1, p]
            station_of[k, p] = station_of[k - 1, p]
            k -= 1
        level_of[k, p] = level[e]
        station_of[k, p] = station


@nb.njit(cache=True, nogil=True)
def add_power(total_mw, pixel, level, others):  # type: ignore[no-untyped-def]
    """Add a station's power to that of all cells of a carrier, shape (pixels,). [mW]"""
    for e in range(pixel.size):
        total_mw[pixel[e]] += np.exp(level[e] * _MW_PER_TENTH) + others[e]


@nb.njit(cache=True, nogil=True)
def entry_sinr(pixel, level, carrier, total_mw, noise_mw, load):  # type: ignore[no-untyped-def]
    """Return signal over noise and the load of all other cells of the carrier, per entry. [tenths of a dB]"""
    out = np.empty(pixel.size, np.int16)
    for e in range(pixel.size):
        own = np.exp(level[e] * _MW_PER_TENTH)
        other = max(total_mw[carrier[e], pixel[e]] - own, 0.0)
        sinr_db = 10.0 * np.log10(own / (noise_mw[carrier[e]] + load * other))
        out[e] = int(np.floor(sinr_db * 10.0 + 0.5))
    return out


@nb.njit(cache=True, nogil=True)
def carrier_sinr(level, total_mw, noise_mw, load):  # type: ignore[no-untyped-def]
    """Return the SINR of each pixel's strongest server on one carrier, NaN where none is heard. [dB]"""
    out = np.full(level.size, np.nan, np.float32)
    for p in range(level.size):
        if level[p] > NOTHING:
            own = np.exp(level[p] * _MW_PER_TENTH)
            other = max(total_mw[p] - own, 0.0)
            out[p] = 10.0 * np.log10(own / (noise_mw + load * other))
    return out


Levels = tuple[Int32s, Shorts, Singles]  # pixel, level, power of the other sectors
Entries = tuple[Int32s, Shorts, Shorts]  # pixel, level, carrier

_BELOW_NOISE_DB = 10.0  # a cell weaker than this adds less than 0.4 dB to the noise
_MARGIN_PX = 3  # interpolation reads this far beyond the reach


@dataclass(frozen=True)
class SiteLevels:
    """What one site gives.

    Parameters
    ----------
    levels : tuple
        Pixels, levels and power of the other sectors, for each of the site's cells of one station, carrier and height.
    entries : tuple
        Pixels, levels and carriers to keep of each station.
    swept : int
        Receivers computed.
    """

    levels: tuple[Levels, ...]
    entries: tuple[Entries, ...]
    swept: int


@dataclass(frozen=True)
class Sweeping:
    """What the sweeps of all sites read.

    Parameters
    ----------
    grid : Grid
        The pixels.
    terrain : Terrain
        The ground, what stands on it, and its zones.
    relief : Relief
        Its lowest and highest parts.
    clutter_loss : ndarray of float32, on the grid
        Loss by what stands round the receiver. [dB]
    plan : RadioPlan
        How signal is computed.
    patterns : PatternTables
        Measured antennas.
    keep : ndarray of bool, optional
        Flat pixels whose entries are kept.
    whole : bool
        Whether maps are asked for: then what is too weak to serve counts too, as a disturbance.
    """

    grid: Grid
    terrain: Terrain
    relief: Relief
    clutter_loss: Singles
    plan: RadioPlan
    patterns: PatternTables
    keep: npt.NDArray[np.bool_] | None
    whole: bool

    @classmethod
    def of(
        cls,
        scene: Scene,
        plan: RadioPlan,
        patterns: PatternTables,
        keep: npt.NDArray[np.bool_] | None,
        *,
        whole: bool,
    ) -> "Sweeping":
        """Return what the sweeps over a scene read."""
        terrain = as_terrain(scene.elevation, scene.grid.cell_m, clutter_m=scene.clutter_m, zone=scene.zone)
        loss = scene.clutter_loss_db
        clutter = np.zeros(scene.grid.shape, np.float32) if loss is None else as_ground(loss)
        return cls(scene.grid, terrain, Relief.of(terrain.ground), clutter, plan, patterns, keep, whole)

    def height_m(self, job: SiteJob) -> float:
        """Return the ground under a site. [m]"""
        return float(foot(self.terrain.ground, job.row_f, job.col_f))

    def bounds_m(self, job: SiteJob) -> tuple[float, float]:
        """Return bounds of the ground as far as a cell may answer. [m]"""
        return self.relief.within(job.row_f, job.col_f, self.plan.cell_range_m / self.grid.cell_m)

    def piece(self, job: SiteJob, radius_m: float) -> tuple[Terrain, int, int]:
        """Return the terrain round a site, and its first row and column on the finer grid."""
        if self.plan.finer == 1:
            return self.terrain, 0, 0
        whole, finer = self.terrain, self.plan.finer
        cell_m = whole.cell_m / finer
        reach = int(np.ceil(radius_m / cell_m)) + 2
        row, col = (round((f + 0.5) * finer - 0.5) for f in (job.row_f, job.col_f))
        rows, cols = (n * finer for n in whole.ground.shape)
        top, left = min(max(row - reach, 0), rows - 2), min(max(col - reach, 0), cols - 2)
        bottom, right = max(min(row + reach + 1, rows), top + 2), max(min(col + reach + 1, cols), left + 2)
        place = (top, left, bottom - top, right - left)
        ground = refine(whole.ground, finer, *place)
        surface = ground if whole.surface is whole.ground else refine(whole.surface, finer, *place)
        zone = whole.zone
        if zone.size > 1:
            fine_rows, fine_cols = np.arange(top, bottom) // finer, np.arange(left, right) // finer
            zone = np.ascontiguousarray(zone[np.ix_(fine_rows, fine_cols)])
        return Terrain(ground, surface, zone, cell_m), top, left

    def key(self, job: SiteJob) -> str:
        """Return the fingerprint of all that the levels of a site depend on."""
        reach = int(np.ceil(self.plan.cell_range_m / self.grid.cell_m)) + _MARGIN_PX
        row, col = round(job.row_f), round(job.col_f)
        near = (
            slice(max(row - reach, 0), max(row + reach + 1, 0)),
            slice(max(col - reach, 0), max(col + reach + 1, 0)),
        )
        ground, surface, zone = self.terrain.ground, self.terrain.surface, self.terrain.zone
        plan = self.plan
        return fingerprint(
            [
                program_fingerprint(hear),
                (
                    self.grid,
                    plan.model,
                    plan.budget,
                    plan.conditions,
                    plan.cell_range_m,
                    plan.finer,
                    self.whole,
                ),
                (job.row_f, job.col_f),
                [
                    (c.station, c.band_mhz, c.height_m, c.floor_dbm, c.noise_dbm, c.losses_db, c.power_dbm)
                    for c in by_height(job)
                ],
                [
                    (c.azimuth_deg, c.beamwidth_deg, c.tilt_deg, self._antennas(c.pattern))
                    for c in by_height(job)
                ],
                self.bounds_m(job),
                ground[near],
                None if surface is ground else surface[near],
                zone[near] if zone.size > 1 else zone,
                self.clutter_loss[near],
            ]
        )

    def _antennas(self, pattern: npt.NDArray[np.int64]) -> list[object]:
        measured = pattern[pattern >= 0]
        return [pattern < 0, self.patterns.horizontal_db[measured], self.patterns.vertical_db[measured]]


def by_height(job: SiteJob) -> list[StationCells]:
    """Return the cells of a site in the order of their levels: those at one height share a sweep of the terrain."""
    return sorted(job.cells, key=lambda cell: cell.height_m)


def hear_all(
    jobs: Iterable[SiteJob], shared: Sweeping, executor: Executor, store: Store | None
) -> Iterator[SiteLevels]:
    """Yield what each site gives, in order, from the store where it is there."""
    if store is None:
        yield from executor.run(hear, shared, jobs)
        return
    known = [(job, shared.key(job)) for job in jobs]
    there = [store.has(key) for _, key in known]
    swept = executor.run(hear, shared, [job for (job, _), kept in zip(known, there, strict=True) if not kept])
    for (job, key), kept in zip(known, there, strict=True):
        heard = _kept(store, key, job, shared) if kept else next(swept)
        if heard is None:
            heard = hear(shared, job)  # damaged, or removed meanwhile by another run
            kept = False  # noqa: PLW2901 - and so it is written again
        if not kept:
            store.put(key, pack([heard.levels, heard.swept]))
        yield heard


def _kept(store: Store, key: str, job: SiteJob, shared: Sweeping) -> SiteLevels | None:
    data = store.get(key)
    if data is None:
        return None
    try:
        levels, swept = unpack(data)
    except PackingError:
        return None
    return SiteLevels(levels, _entries_of(job, levels, shared), swept)


def hear(shared: Sweeping, job: SiteJob) -> SiteLevels:
    """Return what one site gives; bands and operators at one height share a sweep of the terrain."""
    levels: list[Levels] = []
    swept = 0
    plan = shared.plan
    model = find_model(plan.model)
    for height_m in sorted({cell.height_m for cell in job.cells}):
        cells = [cell for cell in job.cells if cell.height_m == height_m]
        radius_m = _radius_m(job, cells, shared, height_m)
        terrain, first_row, first_col = shared.piece(job, radius_m)
        row_f, col_f = ((f + 0.5) * plan.finer - 0.5 for f in (job.row_f, job.col_f))
        mast = Mast(row_f - first_row, col_f - first_col, height_m, plan.budget.rx_height_m, radius_m)
        bands = sorted({cell.band_mhz for cell in cells})
        losses = model.window(terrain, mast, np.array(bands) / 1000.0, plan.conditions)
        swept += int(np.isfinite(losses).sum())
        top, left = window_place(mast, terrain.cell_m)
        tx_m = float(foot(terrain.ground, mast.row_f, mast.col_f)) + height_m
        fine = FineGround(terrain.ground, first_row, first_col, plan.finer, terrain.cell_m)
        ends = Ends(mast.row_f, mast.col_f, tx_m, mast.rx_height_m)
        for cell in cells:
            least = min(cell.floor_dbm, cell.noise_dbm - _BELOW_NOISE_DB) if shared.whole else cell.floor_dbm
            levels.append(
                station_levels(
                    LossWindow(losses[bands.index(cell.band_mhz)], top, left), fine, shared.clutter_loss, ends,
                    cell.losses_db,
                    Sectors(cell.power_dbm, cell.azimuth_deg, cell.beamwidth_deg, cell.tilt_deg, cell.pattern),
                    shared.patterns, floor_ddbm(least),
                )
            )  # fmt: skip
    return SiteLevels(tuple(levels), _entries_of(job, levels, shared), swept)


def _radius_m(job: SiteJob, cells: Iterable[StationCells], shared: Sweeping, height_m: float) -> float:
    """Return how far a site's cells can cover: link budget and horizon over the relief round it, and random access."""
    plan = shared.plan
    lowest_m, highest_m = shared.bounds_m(job)
    tx_m = shared.height_m(job) + height_m
    radii = [
        radius_of_interest_m(
            float(cell.power_dbm.max()) - cell.losses_db,
            cell.floor_dbm,
            cell.band_mhz / 1000.0,
            tx_above_lowest_m=tx_m - lowest_m,
            rx_above_lowest_m=highest_m + plan.budget.rx_height_m - lowest_m,
            earth_km=plan.conditions.earth_km,
        )
        for cell in cells
    ]
    return max(min(plan.cell_range_m, max(radii)), shared.grid.cell_m)


def _entries_of(job: SiteJob, levels: Iterable[Levels], shared: Sweeping) -> tuple[Entries, ...]:
    found = list(zip(by_height(job), levels, strict=True))
    return tuple(
        _entries([(c, v) for c, v in found if c.station == station], shared.keep)
        for station in range(len(job.stations))
    )


def _entries(heard: list[tuple[StationCells, Levels]], keep: npt.NDArray[np.bool_] | None) -> Entries:
    """Return the strongest level over the carriers of one station on each pixel to keep, and its carrier."""
    found: list[Entries] = []
    for cell, (pixel, level, _) in heard:
        on = level >= floor_ddbm(cell.floor_dbm)
        if keep is not None:
            on &= keep[pixel]
        found.append((pixel[on], level[on], np.full(int(on.sum()), cell.carrier, np.int16)))
    if len(found) == 1:
        return found[0]
    pixel, level, carrier = (np.concatenate([f[k] for f in found]) for k in range(3))
    order = np.lexsort((carrier, -level.astype(np.int32), pixel))
    pixel, level, carrier = pixel[order], level[order], carrier[order]
    first = np.r_[True, pixel[1:] != pixel[:-1]] if pixel.size else np.empty(0, bool)
    return pixel[first], level[first], carrier[first]


def floor_ddbm(dbm: float) -> int:
    """Return a level in tenths of a dBm, rounded up: a floor stays a floor."""
    return int(np.ceil(dbm * 10.0)) if np.isfinite(dbm) else np.iinfo(np.int16).max

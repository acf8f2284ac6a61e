"""What one site gives: the levels of its stations on every pixel round it, swept or found in the store."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.engine.crew import Crew
from phusong.engine.fingerprint import fingerprint
from phusong.engine.packing import PackingError, pack, unpack
from phusong.engine.sources import program_fingerprint
from phusong.engine.store import Store
from phusong.radio.antenna import PatternTables
from phusong.radio.area import as_terrain, find_model, window_place
from phusong.radio.fan import foot
from phusong.radio.levels import refine, station_levels
from phusong.radio.link_budget import radius_of_interest_m
from phusong.radio.models import Mast, Terrain
from phusong.radio.plan import RadioPlan, Scene
from phusong.radio.relief import Relief
from phusong.radio.site_jobs import SiteJob, StationCells
from phusong.radio.sweep import as_ground
from phusong.region.grid import Grid

__all__ = ["Entries", "Heard", "Levels", "Sweeping", "by_height", "floor_ddbm", "hear", "hear_all"]

Singles = npt.NDArray[np.float32]
Shorts = npt.NDArray[np.int16]
Numbers = npt.NDArray[np.int32]
Levels = tuple[Numbers, Shorts, Singles]  # pixel, level, power of the other sectors
Entries = tuple[Numbers, Shorts, Shorts]  # pixel, level, carrier

_BELOW_NOISE_DB = 10.0  # a cell weaker than this adds less than 0.4 dB to the noise
_MARGIN_PX = 3  # interpolation reads this far beyond the reach


@dataclass(frozen=True)
class Heard:
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


def hear_all(jobs: Iterable[SiteJob], shared: Sweeping, crew: Crew, store: Store | None) -> Iterator[Heard]:
    """Yield what each site gives, in order, from the store where it is there."""
    if store is None:
        yield from crew.run(hear, shared, jobs)
        return
    known = [(job, shared.key(job)) for job in jobs]
    there = [store.has(key) for _, key in known]
    swept = crew.run(hear, shared, [job for (job, _), kept in zip(known, there, strict=True) if not kept])
    for (job, key), kept in zip(known, there, strict=True):
        heard = _kept(store, key, job, shared) if kept else next(swept)
        if heard is None:
            heard = hear(shared, job)  # damaged, or removed meanwhile by another run
            kept = False  # noqa: PLW2901 - and so it is written again
        if not kept:
            store.put(key, pack([heard.levels, heard.swept]))
        yield heard


def _kept(store: Store, key: str, job: SiteJob, shared: Sweeping) -> Heard | None:
    data = store.get(key)
    if data is None:
        return None
    try:
        levels, swept = unpack(data)
    except PackingError:
        return None
    return Heard(levels, _entries_of(job, levels, shared), swept)


def hear(shared: Sweeping, job: SiteJob) -> Heard:
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
        for cell in cells:
            least = min(cell.floor_dbm, cell.noise_dbm - _BELOW_NOISE_DB) if shared.whole else cell.floor_dbm
            levels.append(
                station_levels(
                    losses[bands.index(cell.band_mhz)], top, left, terrain.ground, first_row,
                    first_col, plan.finer, shared.clutter_loss, mast.row_f, mast.col_f, terrain.cell_m, tx_m,
                    mast.rx_height_m, cell.losses_db, cell.power_dbm, cell.azimuth_deg, cell.beamwidth_deg,
                    cell.tilt_deg, cell.pattern, shared.patterns.horizontal_db, shared.patterns.vertical_db,
                    floor_ddbm(least),
                )
            )  # fmt: skip
    return Heard(tuple(levels), _entries_of(job, levels, shared), swept)


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

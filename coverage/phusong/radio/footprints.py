"""Footprints: where each station is heard and how strongly, sparse and quantised to tenths of a dB."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.radio.area import as_terrain, find_model, window_place
from phusong.radio.fan import foot
from phusong.radio.levels import refine, station_levels
from phusong.radio.link_budget import radius_of_interest_m
from phusong.radio.models import Mast, Model, Terrain
from phusong.radio.plan import RadioPlan, Scene
from phusong.radio.relief import Relief
from phusong.radio.servers import ServerMaps, Tally
from phusong.radio.site_jobs import SiteJob, StationCells, Work, site_jobs
from phusong.radio.sweep import as_ground
from phusong.region.grid import Grid

__all__ = ["Footprints", "footprints"]

Singles = npt.NDArray[np.float32]
Shorts = npt.NDArray[np.int16]
Numbers = npt.NDArray[np.int32]

_AHEAD = 4  # jobs in hand for each worker: enough to keep it busy, few enough to keep memory small
_BELOW_NOISE_DB = 10.0  # a cell weaker than this adds less than 0.4 dB to the noise


@dataclass(frozen=True)
class Footprints:
    """Where stations are heard; a station is all cells of one operator on one site.

    Parameters
    ----------
    grid : Grid
        The pixels.
    station_ids : ndarray of str, shape (n_stations,)
        ``site_id/operator``, ascending.
    indptr : ndarray of int64, shape (n_stations + 1,)
        Offsets into the entries.
    pixel : ndarray of int32
        Flat pixels, ascending within a station; only those that were to be kept.
    rsrp_ddbm : ndarray of int16
        Level of the station's best cell, in tenths of a dBm.
    sinr_ddb : ndarray of int16
        Its signal over noise and the other cells' load, in tenths of a dB; empty if no maps were asked for.
    servers : ServerMaps
        What every pixel of the map hears; without layers if no maps were asked for.
    swept : int
        Receivers computed: pixels of all windows, once for each carrier.
    """

    grid: Grid
    station_ids: npt.NDArray[np.str_]
    indptr: npt.NDArray[np.int64]
    pixel: Numbers
    rsrp_ddbm: Shorts
    sinr_ddb: Shorts
    servers: ServerMaps
    swept: int = 0

    def of(self, station: int) -> tuple[Numbers, Shorts]:
        """Return pixels and RSRP [tenths of a dBm] of one station."""
        part = slice(int(self.indptr[station]), int(self.indptr[station + 1]))
        return self.pixel[part], self.rsrp_ddbm[part]

    def in_order_of(self, station_ids: npt.NDArray[np.str_]) -> "Footprints":
        """Return the entries of these stations in this order; one that is not there hears nobody."""
        at = {name: k for k, name in enumerate(self.station_ids.tolist())}
        rows = np.array([at.get(name, -1) for name in station_ids.tolist()], np.int64)
        counts = np.where(rows >= 0, np.diff(self.indptr, append=0)[rows], 0)
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        take = np.repeat(np.where(rows >= 0, self.indptr[rows], 0) - indptr[:-1], counts) + np.arange(
            indptr[-1]
        )
        sinr = self.sinr_ddb[take] if self.sinr_ddb.size else self.sinr_ddb
        return Footprints(
            self.grid,
            station_ids,
            indptr,
            self.pixel[take],
            self.rsrp_ddbm[take],
            sinr,
            self.servers,
            self.swept,
        )


def footprints(
    cells: pd.DataFrame,
    sites: pd.DataFrame,
    scene: Scene,
    plan: RadioPlan,
    *,
    keep: npt.NDArray[np.bool_] | None = None,
    n_servers: int = 0,
    workers: int = 2,
    progress: Callable[[float], None] | None = None,
) -> Footprints:
    """Return where the stations of these cells are heard at or above what covers.

    Sites stream through: whatever their number, no more than a few windows a worker are in memory, besides the
    maps (which depend on the pixels alone) and the entries on the pixels to keep.

    Parameters
    ----------
    cells : DataFrame
        Layer `cells`: cell_id, site_id, operator, technology, band_mhz, bandwidth_mhz, eirp_dbm, antenna_height_m,
        azimuth_deg, beamwidth_deg, tilt_deg, and antenna_pattern where there are measured ones.
    sites : DataFrame
        site_id, east_m, north_m.
    scene : Scene
        What lies on the grid.
    plan : RadioPlan
        How signal is computed.
    keep : ndarray of bool, on the grid, optional
        Pixels whose entries are kept, e.g. where people live; all when left out.
    n_servers : int
        Strongest servers of each operator and technology kept for every pixel of the map; 0: no maps.
    workers : int
        Threads; the result does not depend on them.
    progress : callable, optional
        Called with the share done.

    Raises
    ------
    InputError
        For an unknown model or antenna pattern.
    """
    model = find_model(plan.model)
    work = site_jobs(cells, sites, scene, plan.budget)
    ground = _Ground(scene, plan)
    wanted = None if keep is None else np.ascontiguousarray(keep).ravel()
    tally = Tally(scene.grid, work, n_servers) if n_servers else None

    def run(job: SiteJob) -> "_Heard":
        return _hear(job, work, ground, model, plan, wanted, whole=tally is not None)

    parts: list[_Entries] = []
    swept = station = 0
    for done, heard in enumerate(_in_turn(run, work.jobs, max(1, workers))):
        if tally is not None:
            for k, cell, found in heard.levels:
                tally.add(station + k, cell.carrier, *found, _tenths(cell.floor_dbm))
        parts += heard.entries
        station += len(heard.entries)
        swept += heard.swept
        if progress is not None and done % 50 == 0:
            progress((done + 1) / len(work.jobs))
    order = np.argsort(work.station_ids, kind="stable")
    position = np.empty(order.size, np.int64)
    position[order] = np.arange(order.size)
    pixel, level, carrier = (
        np.concatenate([parts[i][k] for i in order]) if parts else np.empty(0, dtype)
        for k, dtype in enumerate((np.int32, np.int16, np.int16))
    )
    counts = np.array([parts[i][0].size for i in order], np.int64)
    return Footprints(
        scene.grid,
        work.station_ids[order],
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        pixel,
        level,
        np.empty(0, np.int16) if tally is None else tally.sinr_ddb(pixel, level, carrier, plan.load),
        ServerMaps.none(scene.grid) if tally is None else tally.maps(position, plan.load),
        swept,
    )


_Levels = tuple[Numbers, Shorts, Singles]  # pixel, level, power of the other sectors
_Entries = tuple[Numbers, Shorts, Shorts]  # pixel, level, carrier


@dataclass(frozen=True)
class _Heard:
    """What one site gives: levels of its stations by carrier, and the entries to keep of each station."""

    levels: list[tuple[int, StationCells, _Levels]]
    entries: list[_Entries]
    swept: int


class _Ground:
    """The ground of a run, and the piece of it that one site needs."""

    def __init__(self, scene: Scene, plan: RadioPlan) -> None:
        grid = scene.grid
        self.grid: Grid = grid
        self.finer = plan.finer
        self._whole = as_terrain(scene.elevation, grid.cell_m, clutter_m=scene.clutter_m, zone=scene.zone)
        self.relief = Relief.of(self._whole.ground)
        loss = scene.clutter_loss_db
        self.clutter_loss: Singles = np.zeros(grid.shape, np.float32) if loss is None else as_ground(loss)

    def height_m(self, job: SiteJob) -> float:
        """Return the ground under a site."""
        return float(foot(self._whole.ground, job.row_f, job.col_f))

    def piece(self, job: SiteJob, radius_m: float) -> tuple[Terrain, int, int]:
        """Return the terrain round a site, and its first row and column on the finer grid."""
        if self.finer == 1:
            return self._whole, 0, 0
        whole, finer = self._whole, self.finer
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


def _hear(
    job: SiteJob,
    work: Work,
    ground: _Ground,
    model: Model,
    plan: RadioPlan,
    keep: npt.NDArray[np.bool_] | None,
    *,
    whole: bool,
) -> _Heard:
    """Return what one site gives; bands and operators at one height share a sweep of the terrain."""
    levels: list[tuple[int, StationCells, _Levels]] = []
    swept = 0
    for height_m in sorted({cell.height_m for cell in job.cells}):
        cells = [cell for cell in job.cells if cell.height_m == height_m]
        radius_m = _radius_m(job, cells, ground, plan, height_m)
        terrain, first_row, first_col = ground.piece(job, radius_m)
        row_f, col_f = ((f + 0.5) * ground.finer - 0.5 for f in (job.row_f, job.col_f))
        mast = Mast(row_f - first_row, col_f - first_col, height_m, plan.budget.rx_height_m, radius_m)
        bands = sorted({cell.band_mhz for cell in cells})
        losses = model.window(terrain, mast, np.array(bands) / 1000.0, plan.conditions)
        swept += int(np.isfinite(losses).sum())
        top, left = window_place(mast, terrain.cell_m)
        tx_m = float(foot(terrain.ground, mast.row_f, mast.col_f)) + height_m
        for cell in cells:
            # what is too weak to serve may still disturb
            least = min(cell.floor_dbm, cell.noise_dbm - _BELOW_NOISE_DB) if whole else cell.floor_dbm
            level = station_levels(
                losses[bands.index(cell.band_mhz)], top, left, terrain.ground, first_row,
                first_col, ground.finer, ground.clutter_loss, mast.row_f, mast.col_f, terrain.cell_m, tx_m,
                mast.rx_height_m, cell.losses_db, cell.power_dbm, cell.azimuth_deg, cell.beamwidth_deg,
                cell.tilt_deg, cell.pattern, work.patterns.horizontal_db, work.patterns.vertical_db, _tenths(least),
            )  # fmt: skip
            levels.append((cell.station, cell, level))
    entries = [
        _entries([(c, v) for k, c, v in levels if k == station], keep) for station in range(len(job.stations))
    ]
    return _Heard(levels if whole else [], entries, swept)


def _radius_m(
    job: SiteJob, cells: Iterable[StationCells], ground: _Ground, plan: RadioPlan, height_m: float
) -> float:
    """Return how far a site's cells can cover: link budget and horizon over the relief round it, and random access."""
    lowest_m, highest_m = ground.relief.within(job.row_f, job.col_f, plan.cell_range_m / ground.grid.cell_m)
    tx_m = ground.height_m(job) + height_m
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
    return max(min(plan.cell_range_m, max(radii)), ground.grid.cell_m)


def _entries(heard: list[tuple[StationCells, _Levels]], keep: npt.NDArray[np.bool_] | None) -> _Entries:
    """Return the strongest level over the carriers of one station on each pixel to keep, and its carrier."""
    found: list[_Entries] = []
    for cell, (pixel, level, _) in heard:
        on = level >= _tenths(cell.floor_dbm)
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


def _in_turn(run: Callable[[SiteJob], _Heard], jobs: Iterable[SiteJob], workers: int) -> Iterator[_Heard]:
    """Yield what the jobs give, in their order, with only a few of them in hand at a time."""
    if workers == 1:
        yield from map(run, jobs)
        return
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[_Heard]] = deque()
        for job in jobs:
            waiting.append(pool.submit(run, job))
            if len(waiting) >= workers * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _tenths(dbm: float) -> int:
    """Return a level in tenths of a dBm, rounded up: a floor stays a floor."""
    return int(np.ceil(dbm * 10.0)) if np.isfinite(dbm) else np.iinfo(np.int16).max

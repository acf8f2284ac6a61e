"""Footprints: where each station is heard and how strongly, sparse and quantised to tenths of a dB."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.array_types import Int32s, Shorts
from phusong.compute.executor import Executor, Threads
from phusong.compute.store import Store
from phusong.radio.area import find_model
from phusong.radio.jobs import RadioPlan, Scene, site_jobs
from phusong.radio.servers import ServerMaps, Tally
from phusong.radio.site_sweep import Entries, Sweeping, by_height, floor_ddbm, hear_all
from phusong.region import Grid

__all__ = ["Footprints", "footprints"]


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
    pixel: Int32s
    rsrp_ddbm: Shorts
    sinr_ddb: Shorts
    servers: ServerMaps
    swept: int = 0

    def of(self, station: int) -> tuple[Int32s, Shorts]:
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
    executor: Executor | None = None,
    store: Store | None = None,
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
    executor : Executor, optional
        Who computes; two threads when left out. The result does not depend on it.
    store : Store, optional
        Where the levels of each site are kept, under all that they depend on: a site is computed again only when its
        cells or the ground round it have changed.
    progress : callable, optional
        Called with the share done.

    Raises
    ------
    InputError
        For an unknown model or antenna pattern.
    """
    find_model(plan.model)
    work = site_jobs(cells, sites, scene, plan.budget)
    wanted = None if keep is None else np.ascontiguousarray(keep).ravel()
    tally = Tally(scene.grid, work, n_servers) if n_servers else None
    shared = Sweeping.of(scene, plan, work.patterns, wanted, whole=tally is not None)

    parts: list[Entries] = []
    swept = station = 0
    for done, (job, heard) in enumerate(
        zip(work.jobs, hear_all(work.jobs, shared, executor or Threads(), store), strict=True)
    ):
        if tally is not None:
            for cell, found in zip(by_height(job), heard.levels, strict=True):
                tally.add(station + cell.station, cell.carrier, *found, floor_ddbm(cell.floor_dbm))
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

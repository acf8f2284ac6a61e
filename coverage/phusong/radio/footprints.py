"""Footprints: where each station is heard and how strongly, sparse and quantised to tenths of a dB."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.radio.area import as_terrain, find_model, window_place
from phusong.radio.fan import foot
from phusong.radio.link_budget import eirp_per_resource_element_dbm, radius_of_interest_m
from phusong.radio.models import Conditions, Mast, Model, Terrain
from phusong.radio.sweep import as_ground
from phusong.region.grid import Grid

__all__ = ["Footprints", "footprints"]

Singles = npt.NDArray[np.float32]

# sector pattern of TR 36.814 table A.2.1.1-2: front-to-back 25 dB, side lobes 20 dB, 10 degrees of elevation
_FRONT_BACK_DB = 25.0
_SIDE_LOBE_DB = 20.0
_ELEVATION_BEAM_DEG = 10.0


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
        Flat pixels, ascending within a station.
    rsrp_ddbm : ndarray of int16
        RSRP of the station's best cell, in tenths of a dBm.
    """

    grid: Grid
    station_ids: npt.NDArray[np.str_]
    indptr: npt.NDArray[np.int64]
    pixel: npt.NDArray[np.int32]
    rsrp_ddbm: npt.NDArray[np.int16]

    def best_server(self, keep: npt.NDArray[np.bool_] | None = None) -> tuple[Singles, npt.NDArray[np.int32]]:
        """Return the strongest RSRP [dBm, NaN where nothing is heard] and its station (-1) per pixel.

        Parameters
        ----------
        keep : ndarray of bool, shape (n_stations,), optional
            Stations to count; all when left out.
        """
        chosen = np.ones(self.station_ids.size, bool) if keep is None else keep
        level, station = _best(self.indptr, self.pixel, self.rsrp_ddbm, chosen, self.grid.size)
        rsrp = np.where(station >= 0, level / np.float32(10.0), np.nan).astype(np.float32)
        return rsrp.reshape(self.grid.shape), station.reshape(self.grid.shape)

    def of(self, station: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int16]]:
        """Return pixels and RSRP [tenths of a dBm] of one station."""
        part = slice(int(self.indptr[station]), int(self.indptr[station + 1]))
        return self.pixel[part], self.rsrp_ddbm[part]


def footprints(
    cells: pd.DataFrame,
    sites: pd.DataFrame,
    elevation: npt.ArrayLike,
    grid: Grid,
    *,
    model: str,
    floor_dbm: float,
    max_radius_m: float,
    rx_height_m: float = 1.5,
    rx_losses_db: float = 0.0,
    clutter_loss_db: npt.ArrayLike | None = None,
    clutter_m: npt.ArrayLike | None = None,
    zone: npt.ArrayLike | None = None,
    conditions: Conditions | None = None,
    workers: int = 2,
    progress: Callable[[float], None] | None = None,
) -> Footprints:
    """Return where the stations of these cells are heard at or above a floor.

    Parameters
    ----------
    cells : DataFrame
        Layer `cells`: site_id, operator, technology, band_mhz, bandwidth_mhz, eirp_dbm, antenna_height_m,
        azimuth_deg, beamwidth_deg, tilt_deg.
    sites : DataFrame
        site_id, east_m, north_m.
    elevation : array_like, on the grid
        Ground heights. [m]
    grid : Grid
        The pixels.
    model : str
        Propagation model.
    floor_dbm : float
        Weaker entries are left out. [dBm]
    max_radius_m : float
        No cell answers a phone farther away (timing of its random access). [m]
    rx_height_m, rx_losses_db : float
        Receiver height and its losses.
    clutter_loss_db : array_like, on the grid, optional
        Loss by what stands round the receiver. [dB]
    clutter_m, zone : array_like, on the grid, optional
        Height of what stands on the ground [m], and 1 sea, 3 coastal land, 4 inland.
    conditions : Conditions, optional
        Shares of time and of locations, and the air.
    workers : int
        Threads; the result does not depend on them.
    progress : callable, optional
        Called with the share done.
    """
    chosen = find_model(model)
    terrain = as_terrain(elevation, grid.cell_m, clutter_m=clutter_m, zone=zone)
    lowest, highest = float(terrain.ground.min()), float(terrain.ground.max())
    air = conditions or Conditions()
    ground = terrain.ground
    clutter = np.zeros_like(ground) if clutter_loss_db is None else as_ground(clutter_loss_db)
    jobs = list(_jobs(cells, sites, grid))
    ids = np.array([station for job in jobs for station in job.stations], str)
    parts: list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int16]]] = []

    def run(job: "_SiteJob") -> list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int16]]]:
        return _site_footprints(
            job, terrain, (lowest, highest), clutter, grid, chosen, air, floor_dbm, max_radius_m, rx_height_m,
            rx_losses_db,
        )  # fmt: skip

    with ThreadPoolExecutor(max(1, workers)) as pool:
        for done, result in enumerate(pool.map(run, jobs)):
            parts += result
            if progress is not None and done % 50 == 0:
                progress((done + 1) / len(jobs))
    counts = np.array([p.size for p, _ in parts], np.int64)
    order = np.argsort(ids, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(counts[order])]) if ids.size else np.zeros(1, np.int64)
    pixel = np.concatenate([parts[i][0] for i in order]) if ids.size else np.empty(0, np.int32)
    level = np.concatenate([parts[i][1] for i in order]) if ids.size else np.empty(0, np.int16)
    return Footprints(grid, ids[order], indptr.astype(np.int64), pixel, level)


@dataclass(frozen=True)
class _Sweep:
    height_m: float
    frequency_ghz: float
    station: npt.NDArray[np.int64]  # of each sector: position among the site's stations
    eirp_re_dbm: npt.NDArray[np.float64]
    azimuth_deg: npt.NDArray[np.float64]
    beamwidth_deg: npt.NDArray[np.float64]
    tilt_deg: npt.NDArray[np.float64]


@dataclass(frozen=True)
class _SiteJob:
    row_f: float
    col_f: float
    stations: tuple[str, ...]
    sweeps: tuple[_Sweep, ...]


def _jobs(cells: pd.DataFrame, sites: pd.DataFrame, grid: Grid) -> Iterator[_SiteJob]:
    """Yield one job a site: a sweep per distinct antenna height and band, all its sectors in the same pass."""
    place = {
        str(k): (e, n) for k, e, n in zip(sites["site_id"], sites["east_m"], sites["north_m"], strict=True)
    }
    known = cells[cells["site_id"].isin(place)].sort_values(["site_id", "operator", "cell_id"], kind="stable")
    columns = {name: known[name].to_numpy() for name in known.columns}
    site_of = columns["site_id"].astype(str)
    starts = (
        np.flatnonzero(np.r_[True, site_of[1:] != site_of[:-1]]) if site_of.size else np.empty(0, np.int64)
    )
    for start, stop in zip(starts, np.r_[starts[1:], site_of.size], strict=True):
        part = {name: values[start:stop] for name, values in columns.items()}
        east, north = place[site_of[start]]
        operators, station = np.unique(part["operator"].astype(str), return_inverse=True)
        kinds = sorted(
            {(float(h), float(b)) for h, b in zip(part["antenna_height_m"], part["band_mhz"], strict=True)}
        )
        sweeps = []
        for height_m, band_mhz in kinds:
            on = (part["antenna_height_m"] == height_m) & (part["band_mhz"] == band_mhz)
            per_element = [
                eirp_per_resource_element_dbm(float(e), float(b), str(t))
                for e, b, t in zip(
                    part["eirp_dbm"][on], part["bandwidth_mhz"][on], part["technology"][on], strict=True
                )
            ]
            angles = [
                part[name][on].astype(np.float64) for name in ("azimuth_deg", "beamwidth_deg", "tilt_deg")
            ]
            sweeps.append(
                _Sweep(
                    height_m, band_mhz / 1000.0, station[on].astype(np.int64), np.array(per_element), *angles
                )
            )
        yield _SiteJob(
            (grid.north_m - north) / grid.cell_m - 0.5,
            (east - grid.west_m) / grid.cell_m - 0.5,
            tuple(f"{site_of[start]}/{o}" for o in operators),
            tuple(sweeps),
        )


def _site_footprints(
    job: _SiteJob,
    terrain: Terrain,
    relief_m: tuple[float, float],
    clutter: Singles,
    grid: Grid,
    model: Model,
    air: Conditions,
    floor_dbm: float,
    max_radius_m: float,
    rx_height_m: float,
    rx_losses_db: float,
) -> list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int16]]]:
    """Return pixels and levels of each station of a site."""
    floor = int(np.ceil(floor_dbm * 10.0))
    found: list[list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int16]]]] = [[] for _ in job.stations]
    ground = terrain.ground
    # the bands of one antenna height share a sweep: the terrain's geometry does not depend on frequency
    for height_m in sorted({sweep.height_m for sweep in job.sweeps}):
        bands = [sweep for sweep in job.sweeps if sweep.height_m == height_m]
        tx_m = float(foot(ground, job.row_f, job.col_f)) + height_m
        radii = [
            radius_of_interest_m(
                float(sweep.eirp_re_dbm.max()) - rx_losses_db,
                floor_dbm,
                sweep.frequency_ghz,
                tx_above_lowest_m=tx_m - relief_m[0],
                rx_above_lowest_m=relief_m[1] + rx_height_m - relief_m[0],
                earth_km=air.earth_km,
            )
            for sweep in bands
        ]
        radius_m = max(min(max_radius_m, max(radii)), grid.cell_m)
        mast = Mast(job.row_f, job.col_f, height_m, rx_height_m, radius_m)
        frequencies = np.array([sweep.frequency_ghz for sweep in bands])
        losses = model.window(terrain, mast, frequencies, air)
        top, left = window_place(mast, grid.cell_m)
        for sweep, loss in zip(bands, losses, strict=True):
            _add_stations(
                found,
                sweep,
                loss,
                top,
                left,
                ground,
                clutter,
                grid.cell_m,
                job,
                rx_height_m,
                rx_losses_db,
                floor,
            )
    return [_merge(parts) for parts in found]


def _add_stations(
    found: list[list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int16]]]],
    sweep: _Sweep,
    loss: Singles,
    top: int,
    left: int,
    ground: Singles,
    clutter: Singles,
    cell_m: float,
    job: _SiteJob,
    rx_height_m: float,
    rx_losses_db: float,
    floor: int,
) -> None:
    """Append what each station hears of one band."""
    for k in np.unique(sweep.station):
        on = sweep.station == k
        found[k].append(
            _station_levels(
                loss,
                top,
                left,
                ground,
                clutter,
                cell_m,
                job.row_f,
                job.col_f,
                sweep.height_m,
                rx_height_m,
                sweep.eirp_re_dbm[on] - rx_losses_db,
                sweep.azimuth_deg[on],
                sweep.beamwidth_deg[on],
                sweep.tilt_deg[on],
                floor,
            )
        )


def _merge(
    parts: list[tuple[npt.NDArray[np.int32], npt.NDArray[np.int16]]],
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int16]]:
    """Return the strongest level of each pixel over several bands."""
    if len(parts) == 1:
        return parts[0]
    pixel = np.concatenate([p for p, _ in parts])
    level = np.concatenate([v for _, v in parts])
    order = np.lexsort((-level.astype(np.int32), pixel))
    pixel, level = pixel[order], level[order]
    first = np.r_[True, pixel[1:] != pixel[:-1]] if pixel.size else np.empty(0, bool)
    return pixel[first], level[first]


@nb.njit(cache=True, nogil=True)
def _station_levels(  # type: ignore[no-untyped-def]
    loss,
    top,
    left,
    ground,
    clutter,
    cell_m,
    row_f,
    col_f,
    tx_height_m,
    rx_height_m,
    eirp_re_dbm,
    azimuth_deg,
    beamwidth_deg,
    tilt_deg,
    floor_ddbm,
):
    height, width = ground.shape
    side = loss.shape[0]
    pixel = np.empty(side * side, np.int32)
    level = np.empty(side * side, np.int16)
    n = 0
    row_c = min(max(int(np.rint(row_f)), 0), height - 1)
    col_c = min(max(int(np.rint(col_f)), 0), width - 1)
    tx_m = ground[row_c, col_c] + tx_height_m
    strongest = eirp_re_dbm.max()
    for wr in range(side):
        for wc in range(side):
            lost = loss[wr, wc]
            if np.isnan(lost) or (strongest - lost) * 10.0 < floor_ddbm:
                continue
            row, col = top + wr, left + wc
            lost += clutter[row, col]
            north, east = (row_f - row) * cell_m, (col - col_f) * cell_m
            bearing = np.degrees(np.arctan2(east, north))
            away = max(np.hypot(north, east), 1.0)
            down = np.degrees(np.arctan((tx_m - ground[row, col] - rx_height_m) / away))
            best = -1e9
            for k in range(eirp_re_dbm.size):
                side_db = 0.0
                if beamwidth_deg[k] < 360.0:
                    turn = (bearing - azimuth_deg[k] + 540.0) % 360.0 - 180.0
                    side_db = min(12.0 * (turn / beamwidth_deg[k]) ** 2, _FRONT_BACK_DB)
                tilt_db = min(12.0 * ((down - tilt_deg[k]) / _ELEVATION_BEAM_DEG) ** 2, _SIDE_LOBE_DB)
                best = max(best, eirp_re_dbm[k] - min(side_db + tilt_db, _FRONT_BACK_DB))
            tenths = int(np.floor((best - lost) * 10.0 + 0.5))
            if tenths >= floor_ddbm:
                pixel[n] = row * width + col
                level[n] = min(tenths, 0)
                n += 1
    return pixel[:n].copy(), level[:n].copy()


@nb.njit(cache=True)
def _best(indptr, pixel, level, keep, n_pixels):  # type: ignore[no-untyped-def]
    best = np.full(n_pixels, -32768, np.int16)
    station = np.full(n_pixels, -1, np.int32)
    for s in range(keep.size):
        if keep[s]:
            for k in range(indptr[s], indptr[s + 1]):
                if level[k] > best[pixel[k]]:
                    best[pixel[k]] = level[k]
                    station[pixel[k]] = s
    return best, station

"""A network as sweeping jobs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.array_types import Floats, Ints, Singles
from phusong.errors import Problem, in_digits, refuse
from phusong.radio.link_budget import (
    LinkBudget,
    PatternTables,
    noise_dbm,
    pattern_tables,
    reference_power_dbm,
)
from phusong.radio.models import Conditions
from phusong.radio.ranges import refuse_fields
from phusong.region import Grid
from phusong.region.antennas import AntennaPattern

__all__ = ["Carrier", "RadioPlan", "Relief", "Scene", "SiteJob", "StationCells", "Work", "site_jobs"]


@dataclass(frozen=True)
class Scene:
    """What lies on the grid.

    Parameters
    ----------
    grid : Grid
        The pixels.
    elevation : ndarray, on the grid
        Ground heights; NaN is sea. [m]
    clutter_loss_db : ndarray, on the grid, optional
        Loss by what stands round the receiver. [dB]
    clutter_m, zone : ndarray, on the grid, optional
        Height of what stands on the ground [m], and 1 sea, 3 coastal land, 4 inland.
    antennas : mapping
        Measured patterns by file name.
    """

    grid: Grid
    elevation: npt.NDArray[np.floating]
    clutter_loss_db: Singles | None = None
    clutter_m: Singles | None = None
    zone: npt.NDArray[np.int8] | None = None
    antennas: Mapping[str, AntennaPattern] = field(default_factory=dict)


@dataclass(frozen=True)
class RadioPlan:
    """How signal is computed.

    Parameters
    ----------
    model : str
        Propagation model.
    budget : LinkBudget
        What a phone needs.
    conditions : Conditions
        Shares of time and of locations, and the air.
    cell_range_m : float
        No cell answers a phone farther away; see :func:`phusong.radio.link_budget.cell_range_m`.
    load : float
        Share of their resources that the other cells use while a phone listens to its own.
    finer : int
        The ground is followed in steps of a pixel's side divided by this, and a pixel's level is the mean over its
        finer^2 parts.
    """

    model: str
    budget: LinkBudget
    conditions: Conditions
    cell_range_m: float
    load: float = 0.5
    finer: int = 1

    def __post_init__(self) -> None:
        """Refuse other kinds of values, and shares and reaches that cannot be."""
        refuse_fields(self, "radio plan")
        limits = {"cell_range_m": (1e-3, 3e6), "load": (0.0, 1.0), "finer": (1, 1000)}
        refuse(
            Problem(
                "radio plan",
                f"must be from {in_digits(low, 7)} to {in_digits(high, 7)}",
                column=name,
                value=getattr(self, name),
            )
            for name, (low, high) in limits.items()
            if not low <= getattr(self, name) <= high
        )


_BLOCK_PX = 16


@dataclass(frozen=True)
class Relief:
    """Lowest and highest ground of blocks of pixels.

    Parameters
    ----------
    lowest_m, highest_m : ndarray of float32
        By block. [m]
    """

    lowest_m: Singles
    highest_m: Singles

    @classmethod
    def of(cls, ground: Singles) -> "Relief":
        """Return the relief of a ground without gaps."""
        pad = [(0, -n % _BLOCK_PX) for n in ground.shape]
        whole = np.pad(ground, pad, mode="edge")
        rows, cols = (n // _BLOCK_PX for n in whole.shape)
        blocks = whole.reshape(rows, _BLOCK_PX, cols, _BLOCK_PX)
        return cls(blocks.min(axis=(1, 3)), blocks.max(axis=(1, 3)))

    def within(self, row: float, col: float, radius_px: float) -> tuple[float, float]:
        """Return bounds of the ground of all blocks that a square round a place touches. [m]"""
        part = []
        for at, size in zip((row, col), self.lowest_m.shape, strict=True):
            first = min(max(int((at - radius_px) // _BLOCK_PX), 0), size - 1)
            last = min(max(int((at + radius_px) // _BLOCK_PX), first), size - 1)
            part.append(slice(first, last + 1))
        where = tuple(part)
        return float(self.lowest_m[where].min()), float(self.highest_m[where].max())


@dataclass(frozen=True, order=True)
class Carrier:
    """One operator's channel: cells on it disturb one another."""

    operator: str
    technology: str
    band_mhz: float


@dataclass(frozen=True)
class StationCells:
    """The cells of one station on one carrier and at one height: they share a sweep.

    Parameters
    ----------
    station : int
        Position among the site's stations.
    carrier : int
        Position among the carriers.
    band_mhz, height_m, floor_dbm, noise_dbm, losses_db : float
        Carrier frequency, antenna height, the least median level that covers, noise, and losses at the phone.
    power_dbm, azimuth_deg, beamwidth_deg, tilt_deg : ndarray, shape (n_sectors,)
        Reference power and direction of each sector.
    pattern : ndarray of int, shape (n_sectors,)
        Row of the pattern tables; -1: by the beamwidth.
    """

    station: int
    carrier: int
    band_mhz: float
    height_m: float
    floor_dbm: float
    noise_dbm: float
    losses_db: float
    power_dbm: Floats
    azimuth_deg: Floats
    beamwidth_deg: Floats
    tilt_deg: Floats
    pattern: Ints


@dataclass(frozen=True)
class SiteJob:
    """One site: its place in pixel middles, its stations, their cells."""

    row_f: float
    col_f: float
    stations: tuple[str, ...]
    cells: tuple[StationCells, ...]


@dataclass(frozen=True)
class Work:
    """All jobs, what their numbers mean, and the tables they share.

    Parameters
    ----------
    jobs : tuple of SiteJob
        By site.
    station_ids : ndarray of str
        ``site_id/operator``, in the order of the jobs.
    carriers : tuple of Carrier
        Ascending.
    bandwidth_mhz : ndarray, shape (n_stations, n_carriers)
        Widest channel of each station on each carrier; 0: none.
    patterns : PatternTables
        Measured antennas.
    """

    jobs: tuple[SiteJob, ...]
    station_ids: npt.NDArray[np.str_]
    carriers: tuple[Carrier, ...]
    bandwidth_mhz: npt.NDArray[np.float32]
    patterns: PatternTables


def site_jobs(cells: pd.DataFrame, sites: pd.DataFrame, scene: Scene, budget: LinkBudget) -> Work:
    """Return the work of a network; cells of technologies that do not give the service are left out.

    Parameters
    ----------
    cells, sites, scene, budget
        As for :func:`phusong.radio.footprints`.

    Raises
    ------
    InputError
        If a cell names an antenna pattern that is not there.
    """
    grid = scene.grid
    place = {
        str(k): ((grid.north_m - n) / grid.cell_m - 0.5, (e - grid.west_m) / grid.cell_m - 0.5)
        for k, e, n in zip(sites["site_id"], sites["east_m"], sites["north_m"], strict=True)
    }
    wanted = cells["site_id"].isin(place) & cells["technology"].isin(budget.threshold_dbm)
    known = cells[wanted].sort_values(["site_id", "operator", "cell_id"], kind="stable")
    tables, pattern = pattern_tables(_patterns(known), scene.antennas)
    columns = {name: known[name].to_numpy() for name in known.columns} | {"pattern": pattern}
    keys = list(
        zip(columns["operator"], columns["technology"], columns["band_mhz"].astype(float), strict=True)
    )
    carriers = tuple(Carrier(str(o), str(t), float(b)) for o, t, b in sorted(set(keys)))
    number = {(c.operator, c.technology, c.band_mhz): k for k, c in enumerate(carriers)}
    columns["carrier"] = np.array([number[k] for k in keys], np.int64)
    jobs = tuple(_jobs(columns, place, carriers, budget))
    ids = np.array([station for job in jobs for station in job.stations], str)
    return Work(jobs, ids, carriers, _bandwidth(columns, ids, len(carriers)), tables)


def _patterns(cells: pd.DataFrame) -> list[str]:
    if "antenna_pattern" not in cells.columns:
        return [""] * len(cells)
    return cells["antenna_pattern"].fillna("").astype(str).tolist()


def _bandwidth(
    columns: dict[str, npt.NDArray[np.generic]], ids: npt.NDArray[np.str_], n_carriers: int
) -> npt.NDArray[np.float32]:
    out = np.zeros((ids.size, n_carriers), np.float32)
    if ids.size:
        row = {name: k for k, name in enumerate(ids.tolist())}
        station = [row[f"{s}/{o}"] for s, o in zip(columns["site_id"], columns["operator"], strict=True)]
        where = np.array(station, np.int64), columns["carrier"].astype(np.int64)
        np.maximum.at(out, where, columns["bandwidth_mhz"].astype(np.float32))
    return out


def _jobs(
    columns: dict[str, npt.NDArray[np.generic]],
    place: dict[str, tuple[float, float]],
    carriers: tuple[Carrier, ...],
    budget: LinkBudget,
) -> Iterator[SiteJob]:
    site_of = columns["site_id"].astype(str)
    starts = np.flatnonzero(np.r_[True, site_of[1:] != site_of[:-1]][: site_of.size])
    for start, stop in zip(starts, np.r_[starts, site_of.size][1:], strict=True):
        part = {name: values[start:stop] for name, values in columns.items()}
        operators, station = np.unique(part["operator"].astype(str), return_inverse=True)
        found = []
        height_of = part["antenna_height_m"].astype(np.float64)
        for s, carrier, height_m in sorted(
            set(zip(station.tolist(), part["carrier"].tolist(), height_of.tolist(), strict=True))
        ):
            on = (station == s) & (part["carrier"] == carrier) & (height_of == height_m)
            found.append(_station_cells(part, on, s, carrier, height_m, carriers[carrier], budget))
        row_f, col_f = place[site_of[start]]
        yield SiteJob(row_f, col_f, tuple(f"{site_of[start]}/{o}" for o in operators), tuple(found))


def _station_cells(
    part: dict[str, npt.NDArray[np.generic]],
    on: npt.NDArray[np.bool_],
    station: int,
    carrier: int,
    height_m: float,
    channel: Carrier,
    budget: LinkBudget,
) -> StationCells:
    eirp, width = part["eirp_dbm"][on].astype(float), part["bandwidth_mhz"][on].astype(float)
    technology, band = channel.technology, channel.band_mhz
    power = [reference_power_dbm(e, w, technology, band) for e, w in zip(eirp, width, strict=True)]
    azimuth, beamwidth, tilt = (
        part[name][on].astype(np.float64) for name in ("azimuth_deg", "beamwidth_deg", "tilt_deg")
    )
    return StationCells(
        station,
        carrier,
        band,
        height_m,
        budget.floor_dbm(technology, band, float(width.max())),
        noise_dbm(technology, band, budget.noise_figure_db),
        budget.losses_db(band / 1000.0),
        np.array(power, np.float64),
        azimuth,
        beamwidth,
        tilt,
        part["pattern"][on].astype(np.int64),
    )

"""A storm over a region: who loses service, for how long and why, today and with a plan carried out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.array_types import Floats
from phusong.compute.cache import StageCache
from phusong.compute.executor import Counted, Executor, Threads
from phusong.errors import InputError, Problem
from phusong.hazard.damage import ExposedAssets, Exposure, expose
from phusong.hazard.impact import Crews, repair_order, served_by, storm_impact
from phusong.hazard.track import Track, read_track
from phusong.hazard.wind_field import (
    Versions,
    assumed,
    draw_versions,
    gust_share,
    lattice_over,
    strongest_wind,
    terrain_share,
    words,
)
from phusong.invest.with_plan_network import PlannedNetwork, planned_network
from phusong.io.limits import read_bytes
from phusong.io.progress import Stages
from phusong.io.resources import HOURS_YEAR
from phusong.region.folder import Region
from phusong.region.read.table import read_text_table
from phusong.result.model import StormResult
from phusong.scenario import Scenario
from phusong.service.availability import site_stability
from phusong.service.capacity import tiers
from phusong.service.network import Network
from phusong.stages.radio import radio_setup, region_footprints, scenario_region
from phusong.stages.service import NetworkHeard, network_heard, rights_under

__all__ = ["HOURS", "read_plan_remedies", "region_of", "stress"]


HOURS = (0.0, 4.0, 8.0, 24.0, 72.0)
"""Hours after the strongest gust at which service is looked at."""

_OPEN_COUNTRY_M = 0.05  # roughness of open farmland: for maps of gusts, so that places can be compared
_MOST_SAMPLES = 100_000


def stress(
    region: Region,
    storm: str | Path | Track,
    scenario: Scenario | str | Path = "default",
    *,
    plan: pd.DataFrame | None = None,
    samples: int = 300,
    seed: int | None = None,
    hours: tuple[float, ...] = HOURS,
    executor: Executor | None = None,
    say: Callable[[str], None] | None = None,
    tell: Callable[[float], None] | None = None,
    stage_cache: StageCache | None = None,
) -> StormResult:
    """Return what a storm does to a region's service.

    Parameters
    ----------
    region : Region
        A checked region.
    storm : str, Path or Track
        A shipped storm, a file, or a track.
    scenario : Scenario, str or Path
        How radio works and who may use whose sites.
    plan : DataFrame, optional
        `remedy_id` of the remedies of a plan, to compare.
    samples : int
        Versions of the storm.
    seed : int, optional
        The scenario's when left out.
    hours : tuple of float
        Hours after the strongest gust, rising from 0.
    executor : Executor, optional
        Who computes; two threads when left out. The result does not depend on it.
    say : callable, optional
        Told each stage as it begins.
    tell : callable, optional
        Told the share of the stage that is done.
    stage_cache : StageCache, optional
        Keeps where stations are heard: a run of the same scenario on the same region has computed it already.

    Raises
    ------
    InputError
        For an unknown storm, a bad track, a plan of another region, a storm that never comes near, or no samples.
    """
    asked = scenario if isinstance(scenario, Scenario) else Scenario.read(scenario)
    track = storm if isinstance(storm, Track) else read_track(storm)
    if not 1 <= samples <= _MOST_SAMPLES:
        raise InputError(Problem("--samples", f"must lie between 1 and {_MOST_SAMPLES}", value=samples))
    seed = asked.seed if seed is None else seed
    clock = Stages(say, tell=tell)
    workers = Counted(executor or Threads(), clock.part())
    with clock.stage("radio"):
        today = _today(asked, region, workers, stage_cache or StageCache())
        there = today.there
    with clock.stage("wind"):
        places = _places(region)
        line_km = _line_km(region, there.network)
        crews = _crews(region, there.network)
        exposure = expose(there.network, places, line_km, rmw_km=float(track.rmw_km.min()), seed=seed)
        wind = _wind(track, exposure, samples, seed)
    with clock.stage("today"):
        served = served_by(there.network, there.reception, today.tier, there.weights, there.ground.cell_commune,
                           len(region.communes))  # fmt: skip
        how: dict[str, Any] = {"hours": hours, "n_samples": samples, "seed": seed, "executor": workers}
        impact = storm_impact(there.network, served, exposure, wind, crews, **how)
    planned, then = None, None
    if plan is not None:
        with clock.stage("plan"):
            planned = _planned(asked, region, today, plan)
            other = served_by(planned.network, there.reception, planned.tier, there.weights, there.ground.cell_commune,
                              len(region.communes))  # fmt: skip
            stands = expose(planned.network, places, line_km, rmw_km=float(track.rmw_km.min()), seed=seed)
            then = storm_impact(planned.network, other, stands, wind, crews, **how)
    with clock.stage("tables"):
        mean = wind[:, :samples].mean(axis=1)
        open_gust = float(terrain_share(_OPEN_COUNTRY_M) * gust_share(_OPEN_COUNTRY_M))
        inner = region.communes.geometry.representative_point()
        at = exposure.lattice.at(inner.x.to_numpy(np.float64), inner.y.to_numpy(np.float64))
        gust = open_gust * np.asarray(at @ wind[:, :samples])
        sites = gpd.GeoDataFrame(
            {"site_id": region.sites["site_id"].astype(str), "owner": region.sites["owner"].astype(str),
             "gust_ms": np.asarray(exposure.site_gust @ mean)},
            geometry=region.sites.geometry, crs=region.sites.crs,
        )  # fmt: skip
    return StormResult(
        region, track, samples, impact, then, planned, there.network.operators, sites,
        np.stack([gust.mean(axis=1), *np.quantile(gust, (0.05, 0.95), axis=1)], axis=1),
        _gusts(region, track, open_gust), seed, clock.seconds,
    )  # fmt: skip


def _gusts(region: Region, track: Track, open_gust: float) -> tuple[Floats, Floats, Floats]:
    """Return gusts of the track as given on a lattice 90 km wider than the region."""
    west, south, east, north = region.communes.to_crs(region.grid.crs).total_bounds
    wide = 90_000.0
    lattice = lattice_over(
        region.grid, np.array([west - wide, east + wide]), np.array([south - wide, north + wide]), rmw_km=40.0
    )  # fmt: skip
    as_given = Versions(np.zeros(1), np.zeros(1), np.ones(1), np.ones(1))
    wind = strongest_wind(track, lattice.latitude_deg, lattice.longitude_deg, as_given)[:, 0]
    shape = lattice.north_m.size, lattice.east_m.size
    return lattice.east_m, lattice.north_m, (open_gust * wind).reshape(shape)


@dataclass(frozen=True)
class _Today:
    there: NetworkHeard
    tier: npt.NDArray[np.int8]


def _today(asked: Scenario, region: Region, executor: Executor, stage_cache: StageCache) -> _Today:
    scene, radio = radio_setup(asked.radio, region)
    heard = region_footprints(asked, region, scene, radio, executor, stage_cache)
    there = network_heard(asked, region, radio, heard)
    return _Today(there, tiers(there.network, rights_under(asked, there.network, asked.sharing.policy)))


def _places(region: Region) -> ExposedAssets:
    sites, nodes = region.sites, region.power_nodes
    return ExposedAssets(
        region.grid,
        region.clutter,
        sites.geometry.x.to_numpy(np.float64),
        sites.geometry.y.to_numpy(np.float64),
        sites["structure"].to_numpy(str),
        nodes.geometry.x.to_numpy(np.float64),
        nodes.geometry.y.to_numpy(np.float64),
        nodes["kind"].to_numpy(str),
    )


def _line_km(region: Region, network: Network) -> Floats:
    """Return the length of the line above each node, and of the open lines."""
    grid = network.grid
    lines = region.power_lines
    length = pd.Series(lines["length_km"].to_numpy(np.float64), index=lines["line_id"].to_numpy(str))
    names = np.r_[grid.line_ids.astype(object), grid.switches.ids.astype(object)]
    return length.reindex(names).fillna(0.0).to_numpy(np.float64)


def _crews(region: Region, network: Network) -> Crews:
    """Return the crews of each province, and what they mend first."""
    grid = network.grid
    communes = region.communes.reset_index(drop=True)
    provinces, code = np.unique(communes["province_code"].astype(str), return_inverse=True)
    people = np.bincount(code, communes["population"].to_numpy(np.float64), provinces.size)
    near = gpd.sjoin_nearest(
        region.power_nodes[["geometry"]].reset_index(drop=True), communes[["geometry"]], how="left"
    )
    near = near[~near.index.duplicated()].sort_index()
    pool = code[near["index_right"].to_numpy(np.int64)].astype(np.int64)
    ties = grid.switches
    load = np.r_[grid.load_kw, np.where(grid.above >= 0, grid.load_kw, 0.0), np.zeros(ties.ids.size)]
    every = np.r_[pool, pool, pool[ties.a]]
    crews = np.ceil(people / 100_000.0 * assumed("crews_per_100000_people")).astype(np.int64)
    return Crews(repair_order(load), every, crews)


def _wind(track: Track, exposure: Exposure, samples: int, seed: int) -> Floats:
    drawn = draw_versions(64 * len(words(samples)), seed)
    lattice = exposure.lattice
    wind = strongest_wind(track, lattice.latitude_deg, lattice.longitude_deg, drawn)
    if not wind.any():
        raise InputError(
            Problem(track.name, "never comes within 600 km of the region: its longitudes, or another region?")
        )
    return wind


def _planned(asked: Scenario, region: Region, today: _Today, plan: pd.DataFrame) -> PlannedNetwork:
    sites, nodes = region.sites.geometry, region.power_nodes.geometry
    return planned_network(
        today.there.network, today.tier, plan,
        stability=site_stability(today.there.network),
        hours_allowed=(1.0 - asked.service.availability_target) * HOURS_YEAR,
        site_xy_m=np.c_[sites.x, sites.y], node_xy_m=np.c_[nodes.x, nodes.y],
    )  # fmt: skip


def region_of(name: str, asked: Scenario, stage_cache: StageCache | None = None) -> Region:
    """Return the region of a folder, or one built of a province.

    Parameters
    ----------
    name : str
        A folder or a province.
    asked : Scenario
        How it is built.
    stage_cache : StageCache, optional
        Keeps a built one.

    Raises
    ------
    InputError
        If there is neither, or naming everything wrong with the folder.
    """
    if Path(name).is_dir():
        return Region.read(name)
    settings = asked.region.model_copy(update={"provinces": (name,), "path": ""})
    try:
        return scenario_region(asked.model_copy(update={"region": settings}), stage_cache)
    except InputError as error:
        raise InputError([Problem(name, "is no region folder"), *error.problems]) from None


def read_plan_remedies(path: Path) -> pd.DataFrame:
    """Return the remedies of a result's plan, or of a CSV.

    Raises
    ------
    InputError
        If there is no plan there, or it names no remedies.
    """
    if path.is_dir():
        from phusong.report.folder import Result  # noqa: PLC0415 - only here is a result read

        return Result.read(path).plan
    if not path.is_file():
        raise InputError(Problem(str(path), "is no result folder and no file"))
    table = read_text_table(read_bytes(path), path.name, known=["remedy_id"], one_column=True).frame
    if "remedy_id" not in table.columns:
        raise InputError(Problem(path.name, "is missing: a plan names its remedies", column="remedy_id"))
    return table

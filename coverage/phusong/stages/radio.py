"""Radio stage: from scenario and region to footprints."""

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.cache import StageCache
from phusong.compute.executor import Executor, Threads
from phusong.errors import InputError, Problem
from phusong.io.resources import table
from phusong.radio.area import find_model
from phusong.radio.footprints import Footprints, footprints
from phusong.radio.jobs import Carrier, RadioPlan, Scene
from phusong.radio.link_budget import LinkBudget, cell_range_m, refractivity
from phusong.radio.models import Conditions
from phusong.radio.servers import Layer, ServerMaps
from phusong.region import Grid
from phusong.region.antennas import AntennaPattern
from phusong.region.folder import Region, Source
from phusong.region.vietnam import build_vietnam
from phusong.scenario import Scenario
from phusong.settings import RadioSettings

__all__ = [
    "Sweep",
    "populated",
    "radio_setup",
    "region_footprints",
    "scenario_region",
    "standing_sites",
    "sweep",
    "thresholds_dbm",
]


def scenario_region(asked: Scenario, stage_cache: StageCache | None = None) -> Region:
    """Return the region a scenario is about: the folder it names, or one built from public packages.

    Parameters
    ----------
    asked : Scenario
        Names it.
    stage_cache : StageCache, optional
        Keeps a built one.

    Raises
    ------
    InputError
        Listing everything that is wrong with the folder or the names of the provinces.
    """
    if asked.region.path:
        return Region.read(asked.region.path)
    reads = {
        "provinces": asked.region.provinces,
        "cell_m": asked.region.cell_m,
        "seed": asked.seed,
    }
    return (stage_cache or StageCache()).stage(
        "region",
        lambda: build_vietnam(asked.region.provinces, cell_m=asked.region.cell_m, seed=asked.seed),
        reads,
        (Region, Grid, Source, AntennaPattern),
        by=(build_vietnam,),
    )


def radio_setup(asked: RadioSettings, region: Region) -> tuple[Scene, RadioPlan]:
    """Return the ground of a region, and how signal is computed on it.

    Raises
    ------
    InputError
        If the propagation model is unknown.
    """
    clutter = table("clutter").set_index("class")[["loss_db", "height_m"]].astype(float)
    by_code = np.zeros((2, 256), np.float32)
    by_code[:, clutter.index.to_numpy(np.int64)] = clutter.to_numpy(np.float32).T
    # a model that follows the path over trees and houses needs no loss added for them at the phone
    over = find_model(asked.model).reads_cover
    scene = Scene(
        region.grid,
        region.elevation,
        clutter_loss_db=None if over else by_code[0][region.clutter],
        clutter_m=by_code[1][region.clutter] if over else None,
        antennas=region.antennas,
    )
    latitude = region.grid.latitude_deg
    air = refractivity(latitude)
    conditions = Conditions(
        time_percent=asked.time_percent,
        delta_n=asked.delta_n if asked.delta_n is not None else air.delta_n,
        n0=asked.n0 if asked.n0 is not None else air.n0,
        latitude_deg=latitude,
        horizontal=asked.polarization == "horizontal",
    )
    budget = LinkBudget(
        threshold_dbm=thresholds_dbm(asked),
        location_probability=asked.location_probability,
        shadowing_sd_db=asked.shadowing_sd_db,
        rx_height_m=asked.rx_height_m,
        rx_gain_dbi=asked.rx_gain_dbi,
        rx_losses_db=asked.rx_losses_db,
        noise_figure_db=asked.noise_figure_db,
        place=asked.place,
        interference_margin_db=asked.interference_margin_db,
        least_rate_mbps=asked.least_rate_mbps,
    )
    reach_m = cell_range_m(asked.prach_format)
    if asked.max_radius_km is not None:
        reach_m = min(reach_m, asked.max_radius_km * 1000.0)
    step_m = asked.step_m if asked.step_m is not None else region.grid.cell_m
    finer = max(1, round(region.grid.cell_m / step_m))
    return scene, RadioPlan(asked.model, budget, conditions, reach_m, asked.neighbour_load, finer)


def region_footprints(
    asked: Scenario,
    region: Region,
    scene: Scene,
    radio: RadioPlan,
    executor: Executor,
    stage_cache: StageCache,
) -> Footprints:
    """Return where a region's stations are heard; what has not changed since an earlier run is not swept again."""
    sites, keep = standing_sites(region), populated(region)
    reads = {
        "cells": region.cells,
        "sites": sites,
        "ground": scene,
        "settings": (radio, asked.radio.n_servers),
        "people": keep,
    }
    return stage_cache.stage(
        "radio",
        lambda: footprints(
            region.cells, sites, scene, radio, keep=keep, n_servers=asked.radio.n_servers, executor=executor,
            store=stage_cache.store,
        ),
        reads,
        (Footprints, ServerMaps, Grid, Layer, Carrier),
        by=(footprints,),
    )  # fmt: skip


def thresholds_dbm(asked: RadioSettings) -> dict[str, float]:
    """Return the least level of each technology that gives the service asked for. [dBm]"""
    services = table("services")
    rows = services[services["service"] == asked.service]
    if rows.empty:
        known = ", ".join(sorted(set(services["service"])))
        raise InputError(Problem("radio.service", f"is no service; known: {known}", value=asked.service))
    levels = dict(zip(rows["technology"].astype(str), rows["threshold_dbm"].astype(float), strict=True))
    if asked.threshold_dbm is not None:
        levels = dict.fromkeys(levels, asked.threshold_dbm)
    return levels


def standing_sites(region: Region) -> pd.DataFrame:
    """Return site_id, east_m and north_m of the sites that are active."""
    active = region.sites[region.sites["status"] == "active"]
    return pd.DataFrame(
        {"site_id": active["site_id"], "east_m": active.geometry.x, "north_m": active.geometry.y}
    )


def populated(region: Region) -> npt.NDArray[np.bool_]:
    """Return the pixels where people live, on the grid."""
    out = np.zeros(region.grid.shape, bool)
    out[region.demand["row"], region.demand["col"]] = True
    return out


@dataclass(frozen=True)
class Sweep:
    """A network's signal, and what computing it took.

    Parameters
    ----------
    heard : Footprints
        With maps.
    scenario : Scenario
        What was asked.
    cells, sites : int
        Cells that give the service, and the sites they stand on.
    seconds : float
        Of the sweep alone, without building the region.
    peak_gib : float
        Most memory of the process so far.
    """

    heard: Footprints
    scenario: Scenario
    cells: int
    sites: int
    seconds: float
    peak_gib: float

    def facts(self) -> dict[str, object]:
        """Return what is worth writing beside the maps; times are left out, so that bytes repeat."""
        grid = self.heard.grid
        return {
            "model": self.scenario.radio.model,
            "service": self.scenario.radio.service,
            "cells": self.cells,
            "sites": self.sites,
            "stations": int(self.heard.station_ids.size),
            "receivers": self.heard.swept,
            "entries": int(self.heard.pixel.size),
            "grid": {"crs": grid.crs, "cell_m": grid.cell_m, "height": grid.height, "width": grid.width},
            "layers": [f"{layer.operator} {layer.technology}" for layer in self.heard.servers.layers],
        }


def sweep(scenario: Scenario, *, workers: int = 2, progress: Callable[[float], None] | None = None) -> Sweep:
    """Return the signal of a scenario's network.

    Parameters
    ----------
    scenario : Scenario
        What is asked.
    workers : int
        Threads; the result does not depend on them.
    progress : callable, optional
        Called with the share done.

    Raises
    ------
    InputError
        Listing everything that is wrong with the region, or an unknown model.
    """
    region = scenario_region(scenario)
    scene, plan = radio_setup(scenario.radio, region)
    sites = standing_sites(region)
    start = time.perf_counter()
    heard = footprints(
        region.cells, sites, scene, plan, keep=populated(region), n_servers=scenario.radio.n_servers,
        executor=Threads(workers), progress=progress,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    used = region.cells["site_id"].isin(sites["site_id"]) & region.cells["technology"].isin(
        plan.budget.threshold_dbm
    )
    # the kernel counts in KiB, macOS in bytes
    unit = 2**30 if sys.platform == "darwin" else 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    on = region.cells.loc[used, "site_id"]
    return Sweep(heard, scenario, int(used.sum()), int(on.nunique()), seconds, peak)

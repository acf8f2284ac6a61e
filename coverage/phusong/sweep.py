"""The radio stage by itself: a scenario's network swept, and what that took."""

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from phusong.engine.crew import Threads
from phusong.radio.footprints import Footprints, footprints
from phusong.radio_setup import populated, radio_setup, scenario_region, standing_sites
from phusong.scenario import Scenario

__all__ = ["Sweep", "sweep"]


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
        crew=Threads(workers), progress=progress,
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

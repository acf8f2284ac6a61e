"""What `benchmark_scale.py` measures: for each axis a piece of work that grows along it alone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from benchmark_service import heard_nation, nation
from phusong.access.gaps import classify
from phusong.engine.crew import Crew, Threads
from phusong.engine.keeping import Keeper
from phusong.invest.plan_model import PlanModel
from phusong.invest.ranking import rank
from phusong.pipeline import run_region
from phusong.radio.footprints import Footprints, footprints
from phusong.radio_setup import populated, radio_setup, scenario_region, standing_sites
from phusong.region.store import Region
from phusong.report.result import Result
from phusong.scenario import Scenario
from phusong.service.capacity import tiers, use_network
from phusong.service.power import site_stability
from phusong.service.sharing import grant_rights
from phusong.service.states import elements_of_pairs, hours_off, sample_states

__all__ = ["AXES", "Axis", "province", "sweep", "whole_run"]

Work = Callable[[], object]
_SITES = 20_000  # of the made-up networks whose other sizes grow


@dataclass(frozen=True)
class Axis:
    """One way in which a country can be larger.

    Parameters
    ----------
    name, work : str
        What grows, and what is done with it.
    sizes : tuple of int
        Two decades.
    prepare : callable
        Given a size, makes its inputs and returns the work.
    """

    name: str
    work: str
    sizes: tuple[int, ...]
    prepare: Callable[[int], Work]


@cache
def province(cell_m: int = 2000) -> tuple[Scenario, Region]:
    """Return a scenario of Lai Châu, where terrain is hardest, and its region."""
    asked = Scenario.read(
        "default",
        overrides=(
            'region.provinces=["Lai Châu"]',
            f"region.cell_m={cell_m}",
            "radio.step_m=500",
            "invest.samples=2",
        ),
    )
    return asked, scenario_region(asked)


def sweep(sites: int, *, step_m: int = 500, crew: Crew | None = None) -> Callable[[], Footprints]:
    """Return the radio sweep of some sites of the province; more than it has stand beside others."""
    asked, region = province()
    scene, radio = radio_setup(asked.radio.model_copy(update={"step_m": float(step_m)}), region)
    rng = np.random.default_rng(5)
    standing = standing_sites(region)
    carrying = standing[standing["site_id"].isin(region.cells["site_id"])].reset_index(drop=True)
    picked = np.arange(sites) % len(carrying)
    beside = rng.uniform(-400.0, 400.0, (2, sites))
    names = np.char.add("b", np.arange(sites).astype(str))
    table = carrying.iloc[picked].assign(
        site_id=names,
        east_m=lambda t: t["east_m"] + beside[0],
        north_m=lambda t: t["north_m"] + beside[1],
    )
    of_site = dict(tuple(region.cells.groupby("site_id")))
    rows = [
        of_site[carrying["site_id"].iloc[k]].assign(site_id=name)
        for k, name in zip(picked, names, strict=True)
    ]
    cells = pd.concat(rows, ignore_index=True)
    cells["cell_id"] = np.char.add("c", np.arange(len(cells)).astype(str))
    keep = populated(region)
    return lambda: footprints(cells, table, scene, radio, keep=keep, crew=crew or Threads(2))


def whole_run(keeper: Keeper | None = None, region: Region | None = None) -> Callable[[], Result]:
    """Return a whole run of the province, all stages but the report."""
    asked, there = province()
    return lambda: run_region(asked, region or there, keeper=keeper or Keeper())


def _pixels(size: int) -> Work:
    # receivers of a fixed set of sites: the pixel's side shrinks
    _, region = province()
    finer = max(1, round((size / region.grid.size) ** 0.5))
    return sweep(60, step_m=round(region.grid.cell_m / finer))


def _sites(size: int) -> Work:
    return lambda: site_stability(nation(size))


def _elements(size: int) -> Work:
    network = replace(nation(_SITES), station_bandwidth_mhz=np.full(_SITES, 60.0))
    there = heard_nation(network, size, policy="mocn")  # three operators, three stations heard in each cell
    tier = tiers(network, grant_rights(network, "mocn"))
    stable = site_stability(network).availability[network.station_site]

    def work() -> object:
        usage = use_network(
            there.reception, weights=there.weights, tier=tier, availability=stable, availability_target=0.998,
            bandwidth_mhz=network.station_bandwidth_mhz, station_site=network.station_site,
            site_mbps=network.link_capacity_mbps, demand=there.demand,
        )  # fmt: skip
        return classify(usage, there.weights)

    return work


def _candidates(size: int) -> Work:
    rng = np.random.default_rng(7)
    elements, covered, needed = 5 * size, 20, 2
    # neighbours share remedies and the people they reach, as places on the ground do
    first = rng.integers(0, size, size)
    needs = _rows((first[:, None] + rng.integers(0, 5, (size, needed))) % size, size)
    covers = _rows((5 * first[:, None] + rng.integers(0, 100, (size, covered))) % elements, elements)
    model = PlanModel(
        rng.lognormal(-2.5, 0.6, size), needs, covers, rng.integers(1, 40, elements).astype(float)
    )
    return lambda: rank(model)


def _rows(columns: np.ndarray, width: int) -> csr_matrix:
    rows = np.repeat(np.arange(len(columns)), columns.shape[1])
    key = np.unique(rows * width + columns.ravel())
    return csr_matrix((np.ones(key.size), (key // width, key % width)), (len(columns), width))


def _states(size: int) -> Work:
    network = nation(_SITES)
    cells = 100_000
    rng = np.random.default_rng(2)
    site = (np.repeat(rng.integers(0, _SITES, cells), 3) + rng.integers(0, 50, 3 * cells)) % _SITES
    rows = elements_of_pairs(np.repeat(np.arange(cells), 3), site, cells)
    return lambda: hours_off(sample_states(network, n_states=size, crew=Threads(2)), *rows, crew=Threads(2))


def _two_decades(first: int) -> tuple[int, ...]:
    return tuple(round(first * 10 ** (k / 2)) for k in range(5))


AXES = (
    Axis("cells", "radio sweep of this many sites, P.1812 at 500 m", _two_decades(20), sweep),
    Axis("pixels", "radio sweep of 60 sites over this many pixels", _two_decades(8_000), _pixels),
    Axis("sites", "power and backhaul of this many sites", _two_decades(1_000), _sites),
    Axis(
        "elements",
        "who is served by what, and the gap parts, of this many elements",
        _two_decades(30_000),
        _elements,
    ),
    Axis("candidates", "order of this many bundles", _two_decades(3_000), _candidates),
    Axis("states", "sampled states of 20,000 sites and 100,000 cells", (64, 256, 1024, 4096, 8192), _states),
)

"""What `benchmark_scale.py` measures: for each axis a piece of work that grows along it alone."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from benchmark_invest import _problem as made_up
from benchmark_scale_made import NO_LIMIT_S, PAIRS_OF_A_CELL, made_network, use_of
from benchmark_service import nation

from phusong.compute.executor import Executor, Threads
from phusong.invest.optimum import best_plan
from phusong.radio.footprints import Footprints, footprints
from phusong.region.folder import Region
from phusong.scenario import Scenario
from phusong.service.availability import site_stability
from phusong.service.outage_states import elements_of_pairs, hours_off, sample_states
from phusong.stages.radio import populated, radio_setup, scenario_region, standing_sites

__all__ = ["AXES", "MODEL", "Axis", "province", "sweep"]

Work = Callable[[], object]
_SITES = 20_000  # of the made-up networks whose other sizes grow
MODEL = "bullington"  # named, so that a scenario's other default changes no law


@dataclass(frozen=True)
class Axis:
    """One way in which a country can be larger.

    Parameters
    ----------
    name, work, unit : str
        What grows, what is done with it, and what its sizes count.
    warm : int
        A size small enough to compile and load kernels with.
    sizes : tuple of int
        Two decades, in thirds.
    prepare : callable
        Given a size, makes its inputs and returns the work.
    law_from : int
        Smallest size that the laws are fitted to: below, the work is of another kind.
    """

    name: str
    work: str
    unit: str
    warm: int
    sizes: tuple[int, ...]
    prepare: Callable[[int], Work]
    law_from: int = 0


@cache
def province(cell_m: int = 2000) -> tuple[Scenario, Region]:
    """Return a scenario of Lai Châu, all mountains, and its region."""
    asked = Scenario.read(
        "default",
        overrides=(
            'region.provinces=["Lai Châu"]',
            f"region.cell_m={cell_m}",
            "radio.step_m=500",
            f'radio.model="{MODEL}"',
            "invest.samples=2",
        ),
    )
    return asked, scenario_region(asked)


def sweep(sites: int, *, step_m: int = 500, executor: Executor | None = None) -> Callable[[], Footprints]:
    """Return the radio sweep of some sites of the province; more than it has stand beside others."""
    asked, region = province()
    scene, radio = radio_setup(asked.radio.model_copy(update={"step_m": float(step_m)}), region)
    rng = np.random.default_rng(5)
    static = standing_sites(region)
    carrying = static[static["site_id"].isin(region.cells["site_id"])].reset_index(drop=True)
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
    return lambda: footprints(cells, table, scene, radio, keep=keep, executor=executor or Threads(2))


def _pixels(size: int) -> Work:
    # receivers of a fixed set of sites: the pixel's side shrinks
    _, region = province()
    finer = max(1, round((size / region.grid.size) ** 0.5))
    return sweep(200, step_m=round(region.grid.cell_m / finer))


def _sites(size: int) -> Work:
    return lambda: site_stability(nation(size))


def _elements(size: int) -> Work:
    work, _ = use_of(made_network(_SITES), max(1, size // PAIRS_OF_A_CELL), size)
    return lambda: work("mocn")


def _candidates(size: int) -> Work:
    # as in a country's book: some twenty groups of people a candidate, feeds shared on the way
    model, budget = made_up(size, 2 * size, 10.0, forest=True)
    return lambda: best_plan(model, budget, time_limit_s=NO_LIMIT_S)


def _states(size: int) -> Work:
    network = nation(_SITES)
    cells = 100_000
    rng = np.random.default_rng(2)
    site = (np.repeat(rng.integers(0, _SITES, cells), 3) + rng.integers(0, 50, 3 * cells)) % _SITES
    rows = elements_of_pairs(np.repeat(np.arange(cells), 3), site, cells)
    return lambda: hours_off(
        sample_states(network, n_states=size, executor=Threads(2)), *rows, executor=Threads(2)
    )


def _two_decades(first: int) -> tuple[int, ...]:
    # seven sizes: a law of three parameters keeps four to be wrong by
    return tuple(round(first * 10 ** (k / 3)) for k in range(7))


AXES = (
    Axis("cells", "radio sweep of so many sites at 500 m", "sites", 2, _two_decades(100), sweep),
    Axis("pixels", "radio sweep of 200 sites over so many pixels", "pixels", 8_000, _two_decades(40_000), _pixels),
    Axis("power, backhaul", "hours lost of so many sites", "sites", 200, _two_decades(2_000), _sites),
    Axis("elements", "who is served by what, gap parts", "pairs heard", 3_000, _two_decades(100_000), _elements),
    # below 10,000 it ends in branch and bound, or by work in proportion to the lists; from there it has a fixed part
    Axis(
        "candidates", "best plan and its bound", "candidates", 200,
        (300, 1_000, 3_000, 10_000, 18_000, 32_000, 56_000, 100_000), _candidates, 10_000,
    ),
    Axis(
        "states", "sampled states of 20,000 sites, 100,000 cells", "states", 64,
        tuple(512 * 2**k for k in range(8)), _states,
    ),
)  # fmt: skip

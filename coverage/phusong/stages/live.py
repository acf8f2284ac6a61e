"""Live stage: from scenario and region to the static network that events act on."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from phusong.compute.cache import StageCache
from phusong.compute.executor import Executor, Threads
from phusong.errors import InputError, Problem
from phusong.live.state import PlaceIndex, StaticNetwork, static_network
from phusong.region.folder import Region
from phusong.region.read.table import read_text_table
from phusong.scenario import Scenario
from phusong.stages.radio import radio_setup, region_footprints
from phusong.stages.service import Ground, demand_of, network_heard, rights_under

__all__ = ["planned_money", "region_static"]


def region_static(
    asked: Scenario,
    region: Region,
    *,
    executor: Executor | None = None,
    stage_cache: StageCache | None = None,
) -> StaticNetwork:
    """Return what stands in a region before any event, its planned sites ready to be commissioned.

    Parameters
    ----------
    asked : Scenario
        Settings as for a run.
    region : Region
        A checked region.
    executor : Executor, optional
        Who computes the radio; two threads when left out.
    stage_cache : StageCache, optional
        Keeps the radio for the next start; nothing is kept when left out.

    Raises
    ------
    InputError
        If the scenario counts all sites of an element together, which no event can touch alone, or nobody lives there.
    """
    if asked.service.availability == "states":
        raise InputError(
            Problem(
                "service.availability", "must be best_site to watch events", value=asked.service.availability
            )
        )
    if int(region.demand["population"].sum()) == 0:
        raise InputError(Problem(region.name, "has no people: nothing to serve"))
    planned = (region.sites["status"] == "planned").to_numpy(bool)
    everything = replace(
        region, sites=region.sites.assign(status=region.sites["status"].where(~planned, "active"))
    )
    scene, radio = radio_setup(asked.radio, everything)
    heard = region_footprints(
        asked, everything, scene, radio, executor or Threads(), stage_cache or StageCache()
    )
    there = network_heard(asked, everything, radio, heard)
    return static_network(
        network=there.network,
        places=_places(region, there.ground),
        reception=there.reception,
        weights=there.weights,
        availability_target=asked.service.availability_target,
        demand=demand_of(asked.service),
        rights_of=lambda changed: rights_under(asked, changed, asked.sharing.policy),
        planned=planned,
    )


def planned_money(path: Path) -> Mapping[str, float]:
    """Return the money of a plan by commune_code. [million USD]

    Parameters
    ----------
    path : Path
        A result folder, or a table with commune_code and cost_musd such as its plan.csv.

    Raises
    ------
    InputError
        If it is missing, or a column or number is.
    """
    file = path / "plan.csv" if path.is_dir() else path
    if not file.is_file():
        raise InputError(Problem(str(path), "is no result folder and no plan.csv"))
    table = read_text_table(file.read_bytes(), file.name, known=["commune_code", "cost_musd"]).frame
    missing = [c for c in ("commune_code", "cost_musd") if c not in table.columns]
    if missing:
        raise InputError([Problem(file.name, "is missing", column=c) for c in missing])
    cost = pd.to_numeric(table["cost_musd"], errors="coerce")
    wrong = np.flatnonzero(~(cost >= 0.0).to_numpy(bool))
    if wrong.size:
        raise InputError(
            [
                Problem(
                    file.name, "is no cost of 0 or more (million USD)", row=int(k) + 1, column="cost_musd",
                    value=table["cost_musd"].iloc[k],
                )
                for k in wrong
            ]
        )  # fmt: skip
    by_commune = cost.groupby(table["commune_code"].astype(str).str.zfill(5)).sum()
    return {str(code): float(value) for code, value in by_commune.items()}


def _places(region: Region, ground: Ground) -> PlaceIndex:
    communes = region.communes
    codes = communes["province_code"].to_numpy(str)
    provinces, first, province = np.unique(codes, return_index=True, return_inverse=True)
    row_of = pd.Series(np.arange(len(communes)), index=communes["commune_code"].to_numpy(str))
    village_commune = region.settlements["commune_code"].astype(str).map(row_of).fillna(-1).to_numpy(np.int64)
    row, col = np.divmod(ground.cell_pixel, region.grid.width)
    centres = np.c_[region.grid.centres(row, col)]
    points = np.c_[region.settlements.geometry.x, region.settlements.geometry.y]
    nearest = cKDTree(centres).query(points)[1] if len(points) else np.zeros(0, np.int64)
    return PlaceIndex(
        commune_codes=communes["commune_code"].to_numpy(str),
        commune_names=communes["name"].to_numpy(str),
        province_codes=provinces,
        province_names=communes["province"].to_numpy(str)[first],
        province=province.astype(np.int64),
        cell_commune=ground.cell_commune,
        site_commune=ground.site_commune,
        village_commune=village_commune,
        village_cell=np.asarray(nearest, np.int64),
        as_of=region.source_of("sites").as_of,
    )

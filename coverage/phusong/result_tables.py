"""From the stages of a run to its result: every table, raster and headline figure."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.access.communes import commune_table, facilities_served
from phusong.access.gaps import GAP_PARTS, Access, raster_class
from phusong.calibration import Heard, calibrate, village_signal
from phusong.distinct import distinct
from phusong.errors import InputError, Problem
from phusong.evidence import footing, known_by_commune, share_measured, unknown_behind, weak_remedies
from phusong.invest.portfolio import Portfolio
from phusong.invest.purses import SHARING_KINDS
from phusong.radio.servers import ServerMaps
from phusong.region.columns import KINDS
from phusong.region.store import Region, Source
from phusong.report.folder import Result
from phusong.report.option_words import why_column
from phusong.report.provenance import file_digest, provenance
from phusong.report.result import EMPTY_NO_SIGNAL, EMPTY_SIGNAL
from phusong.report.text import Text
from phusong.scenario import Scenario, policy_label
from phusong.service.capacity import Usage
from phusong.service.network import Network
from phusong.service.power import Stability
from phusong.service.reception import Reception
from phusong.service_setup import Ground
from phusong.sharing_tables import COMMUNE_COLUMNS, sharing_summary

__all__ = ["result_of"]

Ints = npt.NDArray[np.int64]


def result_of(
    asked: Scenario,
    region: Region,
    ground: Ground,
    network: Network,
    stability: Stability,
    servers: ServerMaps,
    station_ids: npt.NDArray[np.str_],
    reception: Reception,
    usage: Usage,
    access: Access,
    portfolio: Portfolio,
    policies: list[dict[str, Any]],
    weights: Ints,
    tables: dict[str, pd.DataFrame],
) -> Result:
    """Return the result of a run; parameters are the stages' own.

    Raises
    ------
    InputError
        If the region holds no people.
    """
    grid = region.grid
    communes = commune_table(
        region.communes, commune_of_cell=ground.cell_commune, access=access, weights=weights
    )
    row, col = np.divmod(ground.cell_pixel, grid.width)
    east, north = grid.centres(row, col)
    cell_people = np.maximum(weights.sum(axis=1), 1)
    facilities = facilities_served(
        # of other places (markets, churches) nobody counts how many are served
        region.facilities[region.facilities["kind"] != "other"],
        region.communes,
        east_m=east,
        north_m=north,
        served_share=access.served.sum(axis=1) / cell_people,
        within_m=max(asked.access.facilities_within_m, grid.cell_m),
    )
    communes = communes.merge(facilities, on="commune_code", how="left")
    ready = tables["readiness"][["commune_code", *COMMUNE_COLUMNS]]
    communes = communes.merge(ready, on="commune_code", how="left")
    by_commune = known_by_commune(region)
    order = pd.Index(region.communes["commune_code"].astype(str)).get_indexer(
        communes["commune_code"].astype(str)
    )
    communes["share_measured"] = share_measured(communes, {k: v[order] for k, v in by_commune.items()})
    names = dict(zip(communes["commune_code"].astype(str), communes["name"].astype(str), strict=True))
    options = portfolio.options.assign(
        modelled_layers=_modelled_layers(portfolio, region),
        why=why_column(portfolio.options, names, portfolio.tables["option_communes"]),
    )
    rsrp = np.where(ground.land, servers.best_dbm(), np.nan).astype(np.float32)
    classes = (
        np.where(ground.land, np.where(np.isnan(rsrp), EMPTY_NO_SIGNAL, EMPTY_SIGNAL), 0)
        .astype(np.uint8)
        .ravel()
    )
    classes[ground.cell_pixel] = raster_class(access)
    heard_by = Heard(region, rsrp, ground.land, station_ids)
    settlements = village_signal(heard_by)
    calibration = calibrate(heard_by, settlements)
    summary = _summary(asked, region, communes, portfolio, policies, calibration) | sharing_summary(tables)
    toml = asked.to_toml()
    return Result(
        summary=summary,
        communes=communes,
        sites=_site_table(region, network, stability, reception, usage, weights),
        options=options,
        plan=_with_vnd(portfolio.plan, asked.invest.vnd_per_usd),
        access_class=classes.reshape(grid.shape),
        rsrp_dbm=rsrp,
        grid=grid,
        scenario_toml=toml,
        provenance=origin_of(asked, region),
        settlements=settlements,
        policies=pd.DataFrame(policies),
        curve=portfolio.curve,
        layers=_layers(region),
        calibration=calibration,
        repairs=region.repairs,
        **portfolio.tables,
        **tables,
    )


def _modelled_layers(portfolio: Portfolio, region: Region) -> list[str]:
    """Return the layers behind each option of which it stands on something modelled or assumed."""
    options, on = portfolio.options, footing(region)
    remedies = portfolio.tables.get("remedies", pd.DataFrame())
    if not len(remedies):
        return unknown_behind(options["kinds"].tolist(), on)
    weak = dict(zip(remedies["remedy_id"].astype(str), weak_remedies(remedies, on), strict=True))
    behind = [
        frozenset[str]().union(*(weak.get(r, frozenset()) for r in str(ids).split(";")))
        for ids in options["remedies"]
    ]
    return unknown_behind(options["kinds"].tolist(), on, behind, options["commune_code"].astype(str).tolist())


def _layers(region: Region) -> pd.DataFrame:
    """Return what the region is made of, a row a layer: where from, and how many records are of which kind."""
    rows = [
        {
            **vars(s),
            **dict.fromkeys((f"records_{k}" for k in KINDS), 0),
            **{f"records_{k}": n for k, n in region.kind_counts(s.layer).items()},
        }
        for s in region.sources
    ]
    columns = [*(f.name for f in fields(Source)), *(f"records_{k}" for k in KINDS)]
    return pd.DataFrame(rows, columns=columns)


def origin_of(asked: Scenario, region: Region) -> dict[str, Any]:
    """Return the provenance of a scenario's result on a region; files that the scenario names count by their contents."""
    inputs = dict(region.digests())
    for table, settings in (("invest", asked.invest), ("invest.weights", asked.invest.weights)):
        for name in type(settings).model_fields:
            if name.endswith("_path") and (path := getattr(settings, name)):
                inputs[f"{table}.{name}"] = file_digest(Path(path))
    return provenance(inputs, asked.to_toml(), asked.seed)


def _site_table(
    region: Region, network: Network, stability: Stability, reception: Reception, usage: Usage, weights: Ints
) -> Any:  # noqa: ANN401 - geopandas carries no types
    n = network.n_sites
    site_of = network.station_site
    people = weights.sum(axis=1)
    # people who hear a site hear it once, however many of its stations they hear
    pair = distinct(site_of[reception.station].astype(np.int64) * reception.n_cells + reception.cell)
    heard = np.bincount(pair // reception.n_cells, people[pair % reception.n_cells], n)
    load = np.zeros(n)
    np.maximum.at(load, site_of, usage.station_load)
    tenants: dict[int, list[str]] = {}
    for site, operator in zip(site_of.tolist(), network.station_operator.tolist(), strict=True):
        tenants.setdefault(site, []).append(network.operators[operator])
    columns = [
        "site_id",
        "owner",
        "structure",
        "power_source",
        "lock_reason",
        "shareable",
        "spare_slots",
        "geometry",
    ]
    out = region.sites[columns].copy()
    out["operators"] = [";".join(tenants.get(k, [])) for k in range(n)]
    out["people_heard"] = heard.astype(np.int64)
    out["people_served"] = np.bincount(site_of, usage.station_people, n).astype(np.int64)
    out["availability"] = stability.availability
    out["hours_lost_year"] = stability.hours_lost
    out["hours_lost_power"] = stability.own_power_h
    out["hours_lost_upstream"] = stability.chain_power_h
    out["hours_lost_backhaul"] = stability.link_h
    out["load"] = load
    out["bottleneck"] = np.where(load >= 0.8, "capacity", stability.bottleneck())
    return out


def _sharing_bought(plan: pd.DataFrame) -> int:
    """Return how many remedies of a plan open something to others."""
    return int(plan["kind"].isin(SHARING_KINDS).sum())


def _with_vnd(plan: pd.DataFrame, vnd_per_usd: float) -> pd.DataFrame:
    """Return the plan with its money in VND beside USD; a million USD at the rate is so many million VND."""
    out = plan.copy()
    out.insert(out.columns.tolist().index("cost_musd") + 1, "cost_mvnd", plan["cost_musd"] * vnd_per_usd)
    return out


def _expected(portfolio: Portfolio) -> dict[str, Any]:
    """Return what the plan comes to over the samples: people expected and their range, and how surely the money lasts."""
    plans = portfolio.tables["robustness"]
    if not portfolio.samples or plans.empty:
        # nothing was tried, so nothing is expected
        return dict.fromkeys(("expected_people", "people_p05", "people_p95", "within_budget_share"))
    first = plans.iloc[0]
    return {
        "expected_people": round(float(first["people_mean"])),
        "people_p05": round(float(first["people_p05"])),
        "people_p95": round(float(first["people_p95"])),
        "within_budget_share": float(first["within_budget_share"]),
    }


def _certified(portfolio: Portfolio) -> dict[str, Any]:
    """Return the certificate of what was asked for and what has to be said of floors, targets and money, if anything."""
    one = portfolio.certificate
    if one is None or (one.measure == "people" and not portfolio.statements):
        return {}
    figures = {
        "measure": one.measure,
        "plan": one.plan,
        "bound": one.bound,
        "gap": one.gap,
        "method": one.method,
    }
    return {"certificate": figures, "statements": list(portfolio.statements)}


def _titles(asked: Scenario, region: str) -> dict[str, str]:
    """Return the title in each language; `{region}` in it stands for the region that was run."""
    own = {"en": asked.title, "vi": asked.title_vi or asked.title}
    said = {
        lang: title.replace("{region}", region) if title else Text(lang).say("title.question", region=region)
        for lang, title in own.items()
    }
    return {"title": said["en"], "title_vi": said["vi"]}


def _summary(
    asked: Scenario,
    region: Region,
    communes: pd.DataFrame,
    portfolio: Portfolio,
    policies: list[dict[str, Any]],
    calibration: pd.DataFrame,
) -> dict[str, Any]:
    people = int(communes["population"].sum())
    if people == 0:
        raise InputError(Problem(region.name, "has no people: nothing to serve"))
    parts = {name: int(communes[name].sum()) for name in ("people_served", *GAP_PARTS)}
    best = portfolio.best
    closed = portfolio.options
    by_province = communes.groupby("province", sort=True)[["population", "people_served", *GAP_PARTS]].sum()
    return {
        **_titles(asked, region.name),
        "region": region.name,
        "policy": policy_label(asked.sharing),
        "people": people,
        **parts,
        "share_served": parts["people_served"] / people,
        "share_measured": float((communes["share_measured"] * communes["population"]).sum() / people),
        "hours_lost_year_mean": float((communes["hours_lost_year"] * communes["population"]).sum() / people),
        "plan": {
            "budget_musd": asked.invest.budget_musd,
            "cost_musd": best.cost_musd,
            "people_gained": round(best.people),
            "bound_people": best.bound,
            "distance_share": best.gap,
            "method": best.method,
            "cost_to_close_musd": float(closed["cost_musd"].sum()),
            "people_closable": int(closed["people_gained"].sum()),
            **_expected(portfolio),
            "status": portfolio.status,
            "sharing_remedies": _sharing_bought(portfolio.plan),
            **_certified(portfolio),
        },
        "policies": policies,
        "provinces": [
            {"province": name, **{k: int(v) for k, v in row.items()}} for name, row in by_province.iterrows()
        ],
        "calibration": calibration.to_dict("records"),
        "units": {"people": "registered people", "cost": "million USD, net present", "hours": "hours a year"},
        "currency": {"vnd_per_usd": asked.invest.vnd_per_usd},
    }

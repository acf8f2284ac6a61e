"""Result stage: from what the stages gave to a Result."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.access.communes import (
    commune_graph,
    commune_homes,
    commune_table,
    facilities_served,
    policy_communes,
)
from phusong.access.gaps import GAP_PARTS, raster_class
from phusong.access.locked_sites import heard_sites, locked_sites, people_behind_locks
from phusong.access.network_state import NetworkState
from phusong.access.readiness import (
    Requirements,
    isolated_builds,
    readiness_by_commune,
    requirements,
    stranded_sites,
)
from phusong.compute.array_types import Ints
from phusong.compute.arrays import distinct
from phusong.errors import InputError, Problem
from phusong.invest.context import Baseline
from phusong.invest.costs import Costs
from phusong.invest.portfolio import Portfolio
from phusong.invest.program.rules import SHARING_KINDS
from phusong.invest.remedy import with_remedies
from phusong.io.text import Text
from phusong.region.folder import Region, Source
from phusong.region.schema import KINDS
from phusong.report.folder import Result
from phusong.report.wording import why_column
from phusong.result.model import EMPTY_NO_SIGNAL, EMPTY_SIGNAL
from phusong.result.provenance import file_digest, provenance
from phusong.scenario import Scenario, policy_label
from phusong.service.network import Network
from phusong.settings import AccessSettings
from phusong.stages.calibration import (
    CoverageFound,
    calibrate,
    footing,
    known_by_commune,
    share_measured,
    unknown_behind,
    village_signal,
    weak_remedies,
)
from phusong.stages.invest import costs_of
from phusong.stages.policies import Investment
from phusong.stages.service import NetworkHeard, network_tables

__all__ = [
    "COMMUNE_COLUMNS",
    "result_of",
    "sharing_summary",
    "sharing_tables",
]


COMMUNE_COLUMNS = (
    "ready_share", "has_signal", "has_power", "has_backhaul", "busy_hours_share", "single_homed", "cut_point",
    "stranded_musd",
)  # fmt: skip
"""Columns of `readiness` that the communes carry too."""


def sharing_tables(
    settings: AccessSettings,
    region: Region,
    baseline: Baseline,
    costs: Costs,
    stabilise_musd: Mapping[int, float],
    site_commune: Ints,
) -> dict[str, pd.DataFrame]:
    """Return the tables `locked_assets`, `locks`, `readiness`, `stranded` and `isolated_builds` of a result."""
    s, net, usage = baseline, baseline.network, baseline.usage
    codes = np.append(s.commune_codes, "")
    status = region.sites["status"].to_numpy(str)
    heard = heard_sites(s.reception, station_site=net.station_site, n_sites=net.n_sites, tier=s.tier)
    has = requirements(net, s.stability, hours_allowed=s.hours_allowed)
    room = np.zeros(net.n_sites, np.int64)
    np.add.at(room, net.station_site, np.minimum(usage.station_room, 2**31))
    locked = locked_sites(
        heard, net, unserved=s.unserved, locked_out=s.access.locked,
        stable=np.asarray(s.stability.hours_lost <= s.hours_allowed), room=room,
    )  # fmt: skip
    commune = codes[site_commune[locked["site"].to_numpy(np.int64)]]
    assets = with_remedies(locked, costs, stabilise_musd)
    assets.insert(3, "commune_code", commune)
    stranded = _stranded(
        region, baseline, has, heard.people(s.unserved, may_use=True).sum(axis=1), status, costs
    )
    stranded["commune_code"] = codes[site_commune[stranded.pop("site").to_numpy(np.int64)]]
    site_xy = s.site_xy_m
    twins = isolated_builds(
        net, site_xy, standing=np.isin(status, ["active", "planned"]), within_m=settings.twin_m
    )
    twins["commune_code"] = codes[site_commune[twins.pop("site").to_numpy(np.int64)]]
    twins["saved_musd_year"] = (
        costs.of(site_opex=1.0, site_power=1.0).opex_musd_year - costs.of(rent=1.0).opex_musd_year
    )
    ready = readiness_by_commune(
        s.commune_codes, s.cell_commune, weights=s.weights, usable=usage.usable, stable=usage.stable, heard=heard, has=has,
        cell_xy_m=np.column_stack(s.grid.centres(*np.divmod(s.cell_pixel, s.grid.width))), site_xy_m=site_xy,
        within_m=settings.ready_within_m,
    )  # fmt: skip
    graph = commune_graph(site_commune, net.is_exchange, *_ends(region, net))
    homes = commune_homes(graph, ready["population"].to_numpy(np.int64))
    idle = (
        stranded.groupby("commune_code")["value_musd"]
        .agg(["sum", "size"])
        .reindex(s.commune_codes, fill_value=0)
    )
    ready = pd.concat([ready, homes], axis=1).assign(
        stranded_musd=idle["sum"].to_numpy(np.float64),
        stranded_assets=idle["size"].to_numpy(np.int64),
        isolated_builds=twins["commune_code"]
        .value_counts()
        .reindex(s.commune_codes, fill_value=0)
        .to_numpy(),
        busy_hours_share=_busy_hours(s),
    )
    return {
        "locked_assets": assets,
        "locks": people_behind_locks(heard, net, s.unserved, s.access.locked),
        "readiness": ready,
        "stranded": stranded,
        "isolated_builds": twins,
    }


def sharing_summary(tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Return the headline figures of the tables."""
    ready, stranded = tables["readiness"], tables["stranded"]
    people = max(int(ready["population"].sum()), 1)
    weighted = {
        name: float((ready[name] * ready["population"]).sum() / people)
        for name in ("ready_share", "has_signal", "has_power", "has_backhaul", "busy_hours_share")
    }
    absent = stranded["grade"] == "absent"
    return {
        "locked_assets": tables["locks"].to_dict("records"),
        "readiness": {
            **weighted,
            "single_homed_communes": int(ready["single_homed"].sum()),
            "cut_point_communes": int(ready["cut_point"].sum()),
            "stranded_assets": len(stranded),
            "stranded_musd": float(stranded["value_musd"].sum()),
            "stranded_absent_assets": int(absent.sum()),
            "stranded_absent_musd": float(stranded["value_musd"][absent].sum()),
            "isolated_builds": len(tables["isolated_builds"]),
        },
    }


def _busy_hours(baseline: Baseline) -> npt.NDArray[np.float64]:
    n, usage = baseline.commune_codes.size, baseline.usage
    people = np.bincount(baseline.cell_commune, usage.accepted.sum(axis=1), n)
    hours = np.bincount(baseline.cell_commune, (usage.accepted * usage.rate_hours).sum(axis=1), n)
    return np.asarray(np.where(people > 0, hours / np.maximum(people, 1.0), 0.0), np.float64)


def _ends(region: Region, network: Network) -> tuple[Ints, Ints]:
    at = pd.Series(np.arange(network.n_sites), index=network.site_ids)
    a = region.links["from_id"].map(at).fillna(-1).to_numpy(np.int64)
    b = region.links["to_id"].map(at).fillna(-1).to_numpy(np.int64)
    known = (a >= 0) & (b >= 0)
    return a[known], b[known]


def _stranded(
    region: Region, baseline: Baseline, has: Requirements, waiting: Ints, status: npt.NDArray[np.str_], costs: Costs
) -> pd.DataFrame:  # fmt: skip
    net = baseline.network
    radios = np.bincount(net.station_site, minlength=net.n_sites)
    mast, radio = costs.of(tower=1.0, installation=1.0).capex_musd, costs.of(radio=1.0).capex_musd
    sites = stranded_sites(
        net,
        has,
        status,
        waiting=waiting,
        value_musd=np.asarray(mast + radio * radios, np.float64),
    )
    return pd.concat([sites, _dark_links(region, baseline, has, status, costs)], ignore_index=True)


def _dark_links(
    region: Region, baseline: Baseline, has: Requirements, status: npt.NDArray[np.str_], costs: Costs
) -> pd.DataFrame:  # fmt: skip
    """Return links whose farther site uses them for nothing: no power, no radio, or not in service."""
    net = baseline.network
    a, b = _ends(region, net)
    known = region.links["from_id"].isin(net.site_ids) & region.links["to_id"].isin(net.site_ids)
    links = region.links[known.to_numpy()].reset_index(drop=True)
    far = np.where(net.parent[a] == b, a, np.where(net.parent[b] == a, b, -1))
    hub = np.isin(np.arange(net.n_sites), net.parent)
    off, bare = (status != "active") | has.no_power, ~has.radio & ~hub & ~net.is_exchange
    dark = (far >= 0) & (off | bare)[np.maximum(far, 0)]
    km = np.hypot(
        baseline.site_east_m[a] - baseline.site_east_m[b],
        baseline.site_north_m[a] - baseline.site_north_m[b],
    )
    each = {
        "fibre": costs.of(fibre=1.0).capex_musd * np.maximum(km / 1000.0, 0.1) * 1.3 + costs.of(fibre_end=2.0).capex_musd,
        "microwave": np.full(km.size, costs.of(microwave=1.0).capex_musd),
        "satellite": np.full(km.size, costs.of(satellite=1.0).capex_musd),
    }  # fmt: skip
    value = np.select([links["medium"].to_numpy(str) == m for m in each], list(each.values()), 0.0)
    at = np.flatnonzero(dark)
    return pd.DataFrame(
        {
            "asset_id": links["link_id"].to_numpy(str)[at], "site": far[at], "kind": "link",
            "missing": np.where(has.no_power[far[at]], "power", np.where(bare[far[at]], "radio", "site in service")),
            "grade": "absent", "people_waiting": 0, "value_musd": value[at],
        }
    )  # fmt: skip


def result_of(
    asked: Scenario,
    region: Region,
    there: NetworkHeard,
    states: Mapping[str, NetworkState],
    plans: Investment,
) -> Result:
    """Return the result of a run.

    Parameters
    ----------
    asked, region
        The question, and the region it is about.
    there : NetworkHeard
        The network on its ground, and what is heard of it.
    states : mapping of str to NetworkState
        The network's state under each policy compared; that in force last.
    plans : Investment
        What to do, under the policy in force, and the table of policies.

    Raises
    ------
    InputError
        If the region holds no people.
    """
    ground, baseline, portfolio = there.ground, plans.baseline, plans.portfolio
    access, weights = baseline.access, baseline.weights
    servers, station_ids = there.heard.servers, there.heard.station_ids
    codes = region.communes["commune_code"].to_numpy(str)
    tables = network_tables(region, baseline)
    tables |= sharing_tables(
        asked.access, region, baseline, costs_of(asked), plans.stabilise_musd, ground.site_commune
    )
    by_policy = {policy: state.access for policy, state in states.items()}
    tables["policy_communes"] = policy_communes(by_policy, ground.cell_commune, codes)
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
    heard_by = CoverageFound(region, rsrp, ground.land, station_ids)
    settlements = village_signal(heard_by)
    calibration = calibrate(heard_by, settlements)
    summary = _summary(asked, region, communes, portfolio, plans.policies, calibration) | sharing_summary(
        tables
    )
    toml = asked.to_toml()
    return Result(
        summary=summary,
        communes=communes,
        sites=_site_table(region, baseline),
        options=options,
        plan=_with_vnd(portfolio.plan, asked.invest.vnd_per_usd),
        access_class=classes.reshape(grid.shape),
        rsrp_dbm=rsrp,
        grid=grid,
        scenario_toml=toml,
        provenance=origin_of(asked, region),
        settlements=settlements,
        policies=pd.DataFrame(plans.policies),
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


def _site_table(region: Region, state: NetworkState) -> Any:  # noqa: ANN401 - geopandas carries no types
    network, stability, reception, usage = state.network, state.stability, state.reception, state.usage
    n = network.n_sites
    site_of = network.station_site
    people = state.weights.sum(axis=1)
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
    policies: Sequence[Mapping[str, Any]],
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
        "policies": list(policies),
        "provinces": [
            {"province": name, **{k: int(v) for k, v in row.items()}} for name, row in by_province.iterrows()
        ],
        "calibration": calibration.to_dict("records"),
        "units": {"people": "registered people", "cost": "million USD, net present", "hours": "hours a year"},
        "currency": {"vnd_per_usd": asked.invest.vnd_per_usd},
    }

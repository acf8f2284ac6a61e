"""The whole way, in the order in which the data flows: region → radio → service → access → invest → report."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.access.communes import commune_table, facilities_served
from phusong.access.elements import split_by_operator
from phusong.access.gaps import GAP_PARTS, Access, classify, raster_class
from phusong.calibration import Heard, calibrate, village_signal
from phusong.errors import InputError, Problem
from phusong.invest.bundles import make_offers
from phusong.invest.costs import Costs
from phusong.invest.new_sites import RadioPlan, find_candidates
from phusong.invest.portfolio import Portfolio, PortfolioSettings, choose
from phusong.invest.situation import Situation
from phusong.radio.area import find_model
from phusong.radio.footprints import Footprints, footprints
from phusong.radio.link_budget import location_margin_db
from phusong.radio.models import Conditions
from phusong.radio.refractivity import refractivity
from phusong.region.facts import table
from phusong.region.store import Region
from phusong.region.vietnam.build import build_vietnam
from phusong.report.provenance import provenance
from phusong.report.result import Result
from phusong.scenario import Scenario
from phusong.service.capacity import Usage, tiers, use_network
from phusong.service.network import Network, build_network
from phusong.service.power import Stability, site_stability
from phusong.service.reception import Reception, reception_at
from phusong.service.sharing import opened_sites, roamed_sites

__all__ = ["Stages", "run", "run_region"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass
class Stages:
    """Tells how far a run is, and how long each stage took.

    Parameters
    ----------
    say : callable, optional
        Told the name of each stage as it begins.
    """

    say: Callable[[str], None] | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage."""
        if self.say is not None:
            self.say(name)
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def run(
    scenario: Scenario | str | Path,
    out: str | Path | None = None,
    *,
    stages: Stages | None = None,
    workers: int = 2,
) -> Result:
    """Answer a scenario: who has no stable internet, why not, and what to do first.

    Parameters
    ----------
    scenario : Scenario, str or Path
        A scenario, the name of a shipped one, or a file.
    out : path, optional
        Result folder to write.
    stages : Stages, optional
        Progress and times.
    workers : int
        Threads of the radio sweep; the result does not depend on them.

    Raises
    ------
    InputError
        Listing everything that is wrong with the scenario or the region.
    """
    asked = scenario if isinstance(scenario, Scenario) else Scenario.read(scenario)
    clock = stages or Stages()
    with clock.stage("region"):
        if asked.region.path:
            region = Region.read(asked.region.path)
        else:
            region = build_vietnam(asked.region.provinces, cell_m=asked.region.cell_m, seed=asked.seed)
    result = run_region(asked, region, stages=clock, workers=workers)
    if out is not None:
        with clock.stage("report"):
            result.write(Path(out))
    return result


def run_region(asked: Scenario, region: Region, *, stages: Stages | None = None, workers: int = 2) -> Result:
    """Answer a scenario on a region already in memory; parameters and errors as for :func:`run`."""
    clock = stages or Stages()
    with clock.stage("radio"):
        radio = _radio_plan(asked, region)
        heard = _footprints(region, radio, workers)
    with clock.stage("service"):
        ground = _ground(region)
        network = _network(region, ground)
        if not np.array_equal(network.station_ids, heard.station_ids):
            heard = _aligned(heard, network)
        stability = site_stability(network)
        reception = reception_at(
            ground.cell_pixel,
            indptr=heard.indptr,
            pixel=heard.pixel,
            rsrp_ddbm=heard.rsrp_ddbm,
            n_pixels=region.grid.size,
        )
        weights = split_by_operator(region.demand["population"].to_numpy(np.int64), network.shares)
    with clock.stage("access"):
        policies = []
        for policy in dict.fromkeys((*asked.sharing.compare, asked.sharing.policy)):
            usage, tier = _use(asked, network, stability, reception, weights, policy)
            policies.append({"policy": policy, **_totals(classify(usage, weights))})
        usage, tier = _use(asked, network, stability, reception, weights, asked.sharing.policy)
        access = classify(usage, weights)
    with clock.stage("invest"):
        situation = Situation(
            network=network,
            stability=stability,
            reception=reception,
            access=access,
            weights=weights,
            tier=tier,
            station_load=usage.station_load,
            availability_target=asked.service.availability_target,
            policy=asked.sharing.policy,
            grid=region.grid,
            elevation=region.elevation,
            cell_pixel=ground.cell_pixel,
            cell_commune=ground.cell_commune,
            commune_codes=region.communes["commune_code"].to_numpy(str),
            site_east_m=region.sites.geometry.x.to_numpy(np.float64),
            site_north_m=region.sites.geometry.y.to_numpy(np.float64),
            node_east_m=region.power_nodes.geometry.x.to_numpy(np.float64),
            node_north_m=region.power_nodes.geometry.y.to_numpy(np.float64),
        )
        portfolio = _invest(asked, situation, radio, region)
    with clock.stage("tables"):
        return _result(
            asked,
            region,
            ground,
            network,
            stability,
            heard,
            reception,
            usage,
            access,
            portfolio,
            policies,
            weights,
        )


@dataclass(frozen=True)
class _Ground:
    cell_pixel: Ints
    cell_commune: Ints
    site_remote: Ints
    land: npt.NDArray[np.bool_]


def _ground(region: Region) -> _Ground:
    from rasterio.features import rasterize  # noqa: PLC0415 - only here are polygons burnt

    row_of = pd.Series(np.arange(len(region.communes)), index=region.communes["commune_code"].to_numpy(str))
    shapes = [(g, i) for i, g in enumerate(region.communes.geometry) if g is not None and not g.is_empty]
    burnt = rasterize(
        shapes, out_shape=region.grid.shape, transform=region.grid.transform, fill=-1, dtype="int32"
    )
    row, col = region.grid.rowcol(region.sites.geometry.x, region.sites.geometry.y)
    at = burnt[np.clip(row, 0, region.grid.height - 1), np.clip(col, 0, region.grid.width - 1)]
    remote = region.communes["remote"].to_numpy(np.int64)
    return _Ground(
        (region.demand["row"] * region.grid.width + region.demand["col"]).to_numpy(np.int64),
        row_of[region.demand["commune_code"].to_numpy(str)].to_numpy(np.int64),
        np.where(at >= 0, remote[np.maximum(at, 0)], 1),
        np.asarray(burnt >= 0),
    )


def _radio_plan(asked: Scenario, region: Region) -> RadioPlan:
    settings = asked.radio
    clutter = table("clutter").set_index("class")[["loss_db", "height_m"]].astype(float)
    by_code = np.zeros((2, 256), np.float32)
    by_code[:, clutter.index.to_numpy(np.int64)] = clutter.to_numpy(np.float32).T
    # a model that follows the path over trees and houses needs no loss added for them at the phone
    over = find_model(settings.model).reads_cover
    latitude = region.grid.latitude_deg
    air = refractivity(latitude)
    margin = location_margin_db(settings.location_probability, settings.shadowing_sd_db)
    return RadioPlan(
        model=settings.model,
        floor_dbm=settings.threshold_dbm + margin,
        max_radius_m=settings.max_radius_km * 1000.0,
        rx_height_m=settings.rx_height_m,
        rx_losses_db=settings.rx_losses_db,
        clutter_loss_db=np.zeros_like(region.elevation, np.float32) if over else by_code[0][region.clutter],
        clutter_m=by_code[1][region.clutter] if over else None,
        conditions=Conditions(
            time_percent=settings.time_percent,
            delta_n=settings.delta_n if settings.delta_n is not None else air.delta_n,
            n0=settings.n0 if settings.n0 is not None else air.n0,
            latitude_deg=latitude,
            horizontal=settings.polarization == "horizontal",
        ),
    )


def _footprints(region: Region, radio: RadioPlan, workers: int) -> Footprints:
    active = region.sites[region.sites["status"] == "active"]
    places = pd.DataFrame(
        {"site_id": active["site_id"], "east_m": active.geometry.x, "north_m": active.geometry.y}
    )
    return footprints(
        region.cells,
        places,
        region.elevation,
        region.grid,
        model=radio.model,
        floor_dbm=radio.floor_dbm,
        max_radius_m=radio.max_radius_m,
        rx_height_m=radio.rx_height_m,
        rx_losses_db=radio.rx_losses_db,
        clutter_loss_db=radio.clutter_loss_db,
        clutter_m=radio.clutter_m,
        conditions=radio.conditions,
        workers=workers,
    )


def _network(region: Region, ground: _Ground) -> Network:
    return build_network(
        sites=region.sites,
        cells=region.cells,
        operators=region.operators,
        links=region.links,
        power_nodes=region.power_nodes,
        power_lines=region.power_lines,
        site_remote=ground.site_remote,
    )


def _aligned(heard: Footprints, network: Network) -> Footprints:
    """Return the footprints in the order of the network's stations; one without cells hears nobody."""
    at = {name: k for k, name in enumerate(heard.station_ids.tolist())}
    parts = [heard.of(at[name]) if name in at else None for name in network.station_ids.tolist()]
    sizes = [0 if p is None else p[0].size for p in parts]
    kept = [p for p in parts if p is not None]
    return replace(
        heard,
        station_ids=network.station_ids,
        indptr=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        pixel=np.concatenate([p[0] for p in kept]) if kept else heard.pixel[:0],
        rsrp_ddbm=np.concatenate([p[1] for p in kept]) if kept else heard.rsrp_ddbm[:0],
    )


def _use(
    asked: Scenario, network: Network, stability: Stability, reception: Reception, weights: Ints, policy: str
) -> tuple[Usage, npt.NDArray[np.int8]]:
    tier = tiers(network, opened_sites(network, policy), roamed_sites(network, policy))
    usage = use_network(
        reception,
        weights=weights,
        tier=tier,
        availability=stability.availability[network.station_site],
        availability_target=asked.service.availability_target,
        bandwidth_mhz=network.station_bandwidth_mhz,
        backhaul_mbps=network.link_capacity_mbps[network.station_site],
        mbps_per_person=asked.service.busy_hour_mbps_per_person,
        max_load=asked.service.max_load,
        interference_margin_db=asked.radio.interference_margin_db,
    )
    return usage, tier


def _totals(access: Access) -> dict[str, int]:
    return {name: int(people.sum()) for name, people in access.by_cell().items()}


def _invest(asked: Scenario, situation: Situation, radio: RadioPlan, region: Region) -> Portfolio:
    settings = asked.invest
    costs = Costs(
        horizon_years=settings.horizon_years,
        discount_rate=settings.discount_rate,
        factor=settings.cost_factor,
    )
    offers = make_offers(situation, costs, find_candidates(situation, radio))
    access = situation.access
    causes = {
        "with no signal": access.no_signal,
        "locked out": access.locked,
        "on unstable sites": access.unstable,
        "turned away": access.congested,
    }
    return choose(
        offers,
        PortfolioSettings(
            budget_musd=settings.budget_musd,
            first_year=settings.first_year,
            years=settings.years,
            samples=settings.samples,
            cost_spread=settings.cost_spread,
            seed=asked.seed,
            solver_seconds=settings.solver_seconds,
        ),
        commune_names=dict(
            zip(region.communes["commune_code"].astype(str), region.communes["name"].astype(str), strict=True)
        ),
        parts={name: people.ravel().astype(np.float64) for name, people in causes.items()},
        commune_of_element=np.repeat(situation.cell_commune, situation.weights.shape[1]),
    )


def _result(
    asked: Scenario,
    region: Region,
    ground: _Ground,
    network: Network,
    stability: Stability,
    heard: Footprints,
    reception: Reception,
    usage: Usage,
    access: Access,
    portfolio: Portfolio,
    policies: list[dict[str, Any]],
    weights: Ints,
) -> Result:
    grid = region.grid
    communes = commune_table(
        region.communes, commune_of_cell=ground.cell_commune, access=access, weights=weights
    )
    row, col = np.divmod(ground.cell_pixel, grid.width)
    east, north = grid.centres(row, col)
    cell_people = np.maximum(weights.sum(axis=1), 1)
    facilities = facilities_served(
        region.facilities,
        region.communes,
        east_m=east,
        north_m=north,
        served_share=access.served.sum(axis=1) / cell_people,
        within_m=max(asked.access.facilities_within_m, grid.cell_m),
    )
    communes = communes.merge(facilities, on="commune_code", how="left")
    measured = np.mean(
        [
            region.source_of(name).kind == "measured"
            for name in ("sites", "demand", "elevation", "power_nodes")
        ]
    )
    communes["share_measured"] = float(measured)
    rsrp, _ = heard.best_server()
    rsrp = np.where(ground.land, rsrp, np.nan).astype(np.float32)
    classes = np.where(ground.land, np.where(np.isnan(rsrp), 1, 5), 0).astype(np.uint8).ravel()
    classes[ground.cell_pixel] = raster_class(access)
    heard_by = Heard(region, rsrp, ground.land, heard, stability.availability)
    settlements = village_signal(heard_by)
    calibration = calibrate(heard_by, settlements)
    summary = _summary(asked, region, communes, portfolio, policies, calibration)
    toml = asked.to_toml()
    return Result(
        summary=summary,
        communes=communes,
        sites=_site_table(region, network, stability, reception, usage, weights),
        options=portfolio.options,
        plan=portfolio.plan,
        access_class=classes.reshape(grid.shape),
        rsrp_dbm=rsrp,
        grid=grid,
        scenario_toml=toml,
        provenance=provenance(dict(region.digests()), toml, asked.seed),
        settlements=settlements,
        policies=pd.DataFrame(policies),
        curve=portfolio.curve,
        layers=pd.DataFrame([vars(s) for s in region.sources]),
        calibration=calibration,
        repairs=region.repairs,
    )


def _site_table(
    region: Region, network: Network, stability: Stability, reception: Reception, usage: Usage, weights: Ints
) -> Any:  # noqa: ANN401 - geopandas carries no types
    n = network.n_sites
    site_of = network.station_site
    people = weights.sum(axis=1)
    # people who hear a site hear it once, however many of its stations they hear
    pair = np.unique(site_of[reception.station].astype(np.int64) * reception.n_cells + reception.cell)
    heard = np.bincount(pair // reception.n_cells, people[pair % reception.n_cells], n)
    load = np.zeros(n)
    np.maximum.at(load, site_of, usage.station_load)
    tenants: dict[int, list[str]] = {}
    for site, operator in zip(site_of.tolist(), network.station_operator.tolist(), strict=True):
        tenants.setdefault(site, []).append(network.operators[operator])
    columns = ["site_id", "owner", "structure", "power_source", "lock_reason", "geometry"]
    out = region.sites[columns].copy()
    out["operators"] = [";".join(tenants.get(k, [])) for k in range(n)]
    out["people_heard"] = heard.astype(np.int64)
    out["people_served"] = np.bincount(site_of, usage.station_people, n).astype(np.int64)
    out["availability"] = stability.availability
    out["hours_lost_year"] = stability.hours_lost
    out["load"] = load
    out["bottleneck"] = np.where(load >= 0.8, "capacity", stability.bottleneck())
    return out


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
        "title": asked.title or f"{region.name}: who has no stable internet, and what to do first",
        "region": region.name,
        "policy": asked.sharing.policy,
        "people": people,
        **parts,
        "share_served": parts["people_served"] / people,
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
        },
        "policies": policies,
        "provinces": [
            {"province": name, **{k: int(v) for k, v in row.items()}} for name, row in by_province.iterrows()
        ],
        "calibration": calibration.to_dict("records"),
        "units": {"people": "registered people", "cost": "million USD, net present", "hours": "hours a year"},
        "currency": {"vnd_per_usd": asked.invest.vnd_per_usd},
    }

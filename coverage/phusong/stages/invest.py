"""Invest stage: from scenario to portfolio."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.access.network_state import NetworkState
from phusong.compute.array_types import Floats
from phusong.compute.arrays import nearest
from phusong.compute.cache import StageCache
from phusong.compute.executor import Counted, Executor, Threads
from phusong.compute.store import Store
from phusong.errors import Problem, nearest_name, refuse
from phusong.invest.bundles import Offers, OfferTerms, make_offers
from phusong.invest.candidate_sites import Candidates, find_candidates
from phusong.invest.context import Baseline
from phusong.invest.costs import Costs
from phusong.invest.optimum import BestPlan
from phusong.invest.options_table import CAUSES
from phusong.invest.portfolio import Portfolio, PortfolioSettings, choose
from phusong.invest.priorities import Priorities, element_value, read_flags
from phusong.invest.program import CommuneFacts
from phusong.invest.program.rules import SHARING_KINDS, Fund, Rules, known_kinds, rule_problems
from phusong.invest.program.solve import Certificate
from phusong.invest.signal_margin import SignalMargin, reach_of
from phusong.invest.unit_costs import with_own_costs
from phusong.radio.jobs import RadioPlan, Scene
from phusong.region.folder import Region
from phusong.scenario import Scenario
from phusong.settings import WeightSettings
from phusong.stages.calibration import footing, unknown_behind, weak_remedies
from phusong.stages.service import Ground, demand_of

__all__ = [
    "allowed_remedies",
    "baseline_of",
    "commune_facts",
    "costs_of",
    "facilities_of_elements",
    "invest",
    "plan_rules",
    "priority_value",
    "reach_in_region",
    "station_floors",
]

_EVERY = "all"
_PARTS = {"extend_grid": "feeder", "fibre_link": "fibre_route"}


def plan_rules(asked: Scenario) -> Rules:
    """Return the rules of a scenario.

    Raises
    ------
    InputError
        Listing everything that is wrong with its funds, crews, floors and target.
    """
    settings = asked.invest
    by_class = settings.floor_share_by_class
    rules = Rules(
        funds=tuple(
            Fund(
                name=f.name,
                level=f.level,
                planned_musd=f.planned_musd,
                allocated_musd=f.allocated_musd,
                disbursed_musd=f.disbursed_musd,
                kinds=f.kinds,
                classes=f.classes,
                policies=f.policies,
                lag_years=f.lag_years,
                carry_over=f.carry_over,
                accountable=f.accountable,
            )
            for f in settings.funds
        ),
        money=settings.money,
        crews=dict(settings.crews),
        floor_share=by_class if len(by_class) == 4 else (settings.floor_share,) * 4,
        target_share=settings.target_share,
        target_year=settings.target_year,
        alternatives=settings.alternatives,
        alternatives_differ=settings.alternatives_differ,
        policy=asked.sharing.policy,
    )
    refuse(
        rule_problems(
            rules, first_year=settings.first_year, years=settings.years, shares_by_class=len(by_class)
        )
    )
    return rules


def allowed_remedies(asked: Scenario, policy: str | None = None) -> frozenset[str]:
    """Return the kinds of remedy that may be bought under a policy; the scenario's when left out.

    A list of the scenario holds as it stands. Without one everything may be bought, but without sharing nothing that
    shares: a plan under the policy `none` shows what can be done when nobody opens anything to others.

    Raises
    ------
    InputError
        If the scenario lists kinds that are unknown; the nearest known name is proposed.
    """
    known = known_kinds()
    listed = asked.invest.remedies
    refuse(
        Problem(
            "invest.remedies",
            f"is no kind of remedy{nearest_name(kind, [*known, _EVERY])}",
            column="remedies",
            value=kind,
        )
        for kind in listed
        if kind not in (*known, _EVERY)
    )
    if _EVERY in listed:
        return frozenset(known)
    if listed:
        # what several sites share of a line belongs to the line
        parts = [part for kind, part in _PARTS.items() if kind in listed]
        return frozenset((*listed, *parts))
    in_force = (policy or asked.sharing.policy).split()[0]
    return frozenset(known) - (SHARING_KINDS if in_force == "none" else frozenset())


def baseline_of(asked: Scenario, region: Region, ground: Ground, state: NetworkState) -> Baseline:
    """Return what investing starts from: the network's state under a policy, on the region's ground."""
    sites, nodes = region.sites.geometry, region.power_nodes.geometry
    return Baseline(
        **vars(state),
        availability_target=asked.service.availability_target,
        demand=demand_of(asked.service),
        grid=region.grid,
        elevation=region.elevation,
        cell_pixel=ground.cell_pixel,
        cell_commune=ground.cell_commune,
        commune_codes=region.communes["commune_code"].to_numpy(str),
        commune_remote=np.clip(region.communes["remote"].to_numpy(np.int64), 0, 3),
        site_east_m=sites.x.to_numpy(np.float64),
        site_north_m=sites.y.to_numpy(np.float64),
        node_east_m=nodes.x.to_numpy(np.float64),
        node_north_m=nodes.y.to_numpy(np.float64),
    )


def commune_facts(region: Region, baseline: Baseline) -> CommuneFacts:
    """Return the communes with their people, those served today, and how remote they are."""
    n = baseline.commune_codes.size
    return CommuneFacts(
        np.asarray(baseline.commune_codes, str),
        region.communes["name"].to_numpy(str),
        baseline.commune_remote,
        np.bincount(baseline.cell_commune, baseline.weights.sum(axis=1), n).astype(np.float64),
        np.bincount(baseline.cell_commune, baseline.access.served.sum(axis=1), n).astype(np.float64),
    )


def priority_value(
    asked: WeightSettings, region: Region, baseline: Baseline
) -> npt.NDArray[np.float64] | None:
    """Return what serving each element is worth by the scenario's priorities; None when everybody counts the same.

    Raises
    ------
    InputError
        If the table of flags cannot be used, or communes are named that are not there.
    """
    flags = {"ethnic_minority": asked.ethnic_minority_communes, "border": asked.border_communes}
    flagged = {name: frozenset(codes) for name, codes in flags.items()}
    priorities = Priorities(
        by_flag={"ethnic_minority": asked.ethnic_minority, "border": asked.border},
        by_class=asked.remote,
        facility_people={
            "school": asked.school_people,
            "clinic": asked.clinic_people,
            "commune office": asked.commune_office_people,
        },
        flagged=flagged,
    )
    if priorities.even:
        return None
    if asked.flags_path:
        read = read_flags(Path(asked.flags_path), np.asarray(baseline.commune_codes, str))
        flagged = {name: codes | read[name] for name, codes in flagged.items()}
        priorities = Priorities(priorities.by_flag, priorities.by_class, priorities.facility_people, flagged)
    row, col = np.divmod(baseline.cell_pixel, baseline.grid.width)
    east, north = baseline.grid.centres(row, col)
    places = region.facilities.geometry
    facilities = pd.DataFrame(
        {
            "kind": region.facilities["kind"].to_numpy(str),
            "east_m": places.x.to_numpy(np.float64),
            "north_m": places.y.to_numpy(np.float64),
        }
    )
    return element_value(
        baseline.unserved,
        baseline.weights,
        priorities=priorities,
        cell_commune=baseline.cell_commune,
        codes=np.asarray(baseline.commune_codes, str),
        remote=baseline.commune_remote,
        cell_east_m=east,
        cell_north_m=north,
        facilities=facilities,
    )


def station_floors(region: Region, radio: RadioPlan, station_ids: npt.NDArray[np.str_]) -> Floats:
    """Return the least level at which each station covers: that of its most modest cell. [dBm]"""
    cells = region.cells
    kinds = ["technology", "band_mhz", "bandwidth_mhz"]
    known = {
        kind: radio.budget.floor_dbm(str(kind[0]), float(kind[1]), float(kind[2]))
        for kind in cells[kinds].drop_duplicates().itertuples(index=False, name=None)
    }
    floor = np.array([known[kind] for kind in cells[kinds].itertuples(index=False, name=None)])
    least: dict[str, float] = {}
    names = cells["site_id"].astype(str) + "/" + cells["operator"].astype(str)
    for name, level in zip(names, floor.tolist(), strict=True):
        least[name] = min(level, least.get(name, np.inf))
    return np.array([least.get(name, -np.inf) for name in station_ids.tolist()])


def reach_in_region(
    offers: Offers, baseline: Baseline, candidates: Candidates, region: Region, radio: RadioPlan
) -> SignalMargin:
    """Return how surely each bundle reaches its elements; see :func:`phusong.invest.signal_margin.reach_of`."""
    floors = station_floors(region, radio, baseline.network.station_ids)
    return reach_of(offers, baseline, candidates, floors, candidates.margin_db)


def facilities_of_elements(region: Region, baseline: Baseline, *, within_m: float) -> Floats:
    """Return how many schools, clinics and offices count as reached with each element, shape (n_elements,).

    A facility belongs to the nearest demand cell within reach, there to the operator with the most people waiting, so
    that each counts once however many operators an option brings.
    """
    n_cells, n_ops = baseline.weights.shape
    out = np.zeros(n_cells * n_ops)
    if not len(region.facilities) or not n_cells:
        return out
    grid = baseline.grid
    east, north = grid.centres(baseline.cell_pixel // grid.width, baseline.cell_pixel % grid.width)
    places = np.c_[region.facilities.geometry.x, region.facilities.geometry.y]
    far, cell = nearest(np.c_[east, north], places)
    cell = cell[far <= max(within_m, grid.cell_m)]
    waiting = baseline.unserved
    np.add.at(out, cell * n_ops + np.argmax(waiting[cell], axis=1), 1.0)
    return out


_CANDIDATES_SHARE = 0.3  # of the time of the stage, about
_INVEST_TYPES = (Portfolio, BestPlan, Certificate)


def costs_of(asked: Scenario) -> Costs:
    """Return the unit costs of a scenario over its horizon."""
    settings = asked.invest
    own = settings.costs_path
    return Costs(
        horizon_years=settings.horizon_years,
        discount_rate=settings.discount_rate,
        factor=settings.cost_factor,
        catalogue=with_own_costs(own, vnd_per_usd=settings.vnd_per_usd) if own else None,
        tax_rate=settings.tax_rate,
        residual=settings.residual_value,
    )


def invest(
    asked: Scenario,
    baseline: Baseline,
    scene: Scene,
    radio: RadioPlan,
    region: Region,
    stage_cache: StageCache,
    executor: Executor | None = None,
    *,
    policy: str | None = None,
    tell: Callable[[float], None] = lambda _share: None,
) -> tuple[Portfolio, Mapping[int, float]]:
    """Return what to do, and the least cost of making each unstable site stable; `tell` is told the share done.

    `policy` is the sharing policy of the situation, which says what may be bought; the scenario's when left out.
    """
    allowed = allowed_remedies(asked, policy)
    value = priority_value(asked.invest.weights, region, baseline)
    reads = {
        "who is served by what": baseline,
        "ground": scene,
        "radio settings": radio,
        "invest settings": asked.invest.model_dump(mode="json"),
        "seed": asked.seed,
        "own unit costs": costs_of(asked).catalogue,
        "places for masts": [region.settlements, region.facilities],
        "cells": region.cells,
        "reach of facilities": asked.access.facilities_within_m,
        "layers": (footing(region), region.communes[["commune_code", "name", "geometry"]]),
        "sharing": asked.sharing.policy,
        "remedies": sorted(allowed),
        "priorities": value,
    }
    return stage_cache.stage(
        "invest",
        lambda: _invested(
            asked, baseline, scene, radio, region, value, allowed, executor, stage_cache.store, tell
        ),
        reads,
        _INVEST_TYPES,
        by=(_invested,),
    )


def _invested(
    asked: Scenario,
    baseline: Baseline,
    scene: Scene,
    radio: RadioPlan,
    region: Region,
    value: Floats | None,
    allowed: frozenset[str],
    executor: Executor | None,
    store: Store | None,
    tell: Callable[[float], None],
) -> tuple[Portfolio, Mapping[int, float]]:
    settings = asked.invest
    heard = Counted(executor or Threads(), lambda share: tell(_CANDIDATES_SHARE * share))
    candidates = find_candidates(baseline, scene, radio, region, executor=heard, store=store)
    terms = OfferTerms(
        asked.sharing.policy, settings.universal_service_share, settings.interim_years, allowed
    )
    areas = region.communes.geometry.tolist()
    offers = make_offers(baseline, costs_of(asked), candidates, terms, areas=areas)
    if settings.only == "measured":
        on, needs = footing(region), offers.model.needs
        weak = weak_remedies(offers.remedies, on)
        behind = [
            frozenset[str]().union(*(weak[r] for r in needs.indices[needs.indptr[b] : needs.indptr[b + 1]]))
            for b in range(needs.shape[0])
        ]
        codes = offers.bundles["commune_code"].astype(str).tolist()
        unknown = unknown_behind(offers.bundles["kinds"].tolist(), on, behind, codes)
        offers = offers.only(np.array([not layers for layers in unknown], bool))
    access = baseline.access
    causes = {name: getattr(access, name) for name in CAUSES}
    portfolio = choose(
        offers,
        PortfolioSettings(
            budget_musd=settings.budget_musd,
            first_year=settings.first_year,
            years=settings.years,
            samples=settings.samples,
            cost_spread=settings.cost_spread,
            people_spread=settings.people_spread,
            signal_sd_db=settings.signal_sd_db,
            outage_spread=settings.outage_spread,
            seed=asked.seed,
            solver_seconds=settings.solver_seconds,
            rules=plan_rules(asked),
        ),
        parts={name: people.ravel().astype(np.float64) for name, people in causes.items()},
        commune_of_element=np.repeat(baseline.cell_commune, baseline.weights.shape[1]),
        reach=reach_in_region(offers, baseline, candidates, region, radio),
        facilities=facilities_of_elements(region, baseline, within_m=asked.access.facilities_within_m),
        facts=commune_facts(region, baseline),
        value=value,
        tell=lambda share: tell(_CANDIDATES_SHARE + (1.0 - _CANDIDATES_SHARE) * share),
    )
    return portfolio, offers.stabilise_musd

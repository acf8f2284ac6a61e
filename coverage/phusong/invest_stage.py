"""The invest stage: offers for a situation, ranked and chosen from, and kept until something they read changes."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from phusong.engine.crew import Counted, Crew, Threads
from phusong.engine.keeping import Keeper
from phusong.engine.store import Store
from phusong.evidence import footing, unknown_behind, weak_remedies
from phusong.invest.bundles import OfferTerms, make_offers
from phusong.invest.cost_catalogue import with_own_costs
from phusong.invest.costs import Costs
from phusong.invest.new_sites import find_candidates
from phusong.invest.optimum import BestPlan
from phusong.invest.options_table import CAUSES
from phusong.invest.portfolio import Portfolio, PortfolioSettings, choose
from phusong.invest.program.solve import Certificate
from phusong.invest.situation import Situation
from phusong.invest_setup import allowed_remedies, commune_facts, plan_rules, priority_value
from phusong.radio.plan import RadioPlan, Scene
from phusong.reach_setup import facilities_of_elements, reach_in_region
from phusong.region.store import Region
from phusong.scenario import Scenario

__all__ = ["costs_of", "invest"]

Floats = npt.NDArray[np.float64]

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
    situation: Situation,
    scene: Scene,
    radio: RadioPlan,
    region: Region,
    keeper: Keeper,
    crew: Crew | None = None,
    *,
    policy: str | None = None,
    tell: Callable[[float], None] = lambda _share: None,
) -> tuple[Portfolio, Mapping[int, float]]:
    """Return what to do, and the least cost of making each unstable site stable; `tell` is told the share done.

    `policy` is the sharing policy of the situation, which says what may be bought; the scenario's when left out.
    """
    allowed = allowed_remedies(asked, policy)
    value = priority_value(asked.invest.weights, region, situation)
    reads = {
        "who is served by what": situation,
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
    return keeper.stage(
        "invest",
        lambda: _invested(asked, situation, scene, radio, region, value, allowed, crew, keeper.store, tell),
        reads,
        _INVEST_TYPES,
        by=(_invested,),
    )


def _invested(
    asked: Scenario,
    situation: Situation,
    scene: Scene,
    radio: RadioPlan,
    region: Region,
    value: Floats | None,
    allowed: frozenset[str],
    crew: Crew | None,
    store: Store | None,
    tell: Callable[[float], None],
) -> tuple[Portfolio, Mapping[int, float]]:
    settings = asked.invest
    heard = Counted(crew or Threads(), lambda share: tell(_CANDIDATES_SHARE * share))
    candidates = find_candidates(situation, scene, radio, region, crew=heard, store=store)
    terms = OfferTerms(
        asked.sharing.policy, settings.universal_service_share, settings.interim_years, allowed
    )
    areas = region.communes.geometry.tolist()
    offers = make_offers(situation, costs_of(asked), candidates, terms, areas=areas)
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
    access = situation.access
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
        commune_of_element=np.repeat(situation.cell_commune, situation.weights.shape[1]),
        reach=reach_in_region(offers, situation, candidates, region, radio),
        facilities=facilities_of_elements(region, situation, within_m=asked.access.facilities_within_m),
        facts=commune_facts(region, situation),
        value=value,
        tell=lambda share: tell(_CANDIDATES_SHARE + (1.0 - _CANDIDATES_SHARE) * share),
    )
    return portfolio, offers.stabilise_musd

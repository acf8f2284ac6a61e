"""The whole way, in the order in which the data flows: region → radio → service → access → invest → report."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.access.elements import split_by_operator
from phusong.access.gaps import classify
from phusong.access.policy_communes import policy_communes
from phusong.engine.crew import Crew, Threads
from phusong.engine.fingerprint import source_fingerprint
from phusong.engine.keeping import Keeper
from phusong.evidence import layer_is_known, unknown_behind
from phusong.invest.bundles import OfferTerms, make_offers
from phusong.invest.cost_catalogue import with_own_costs
from phusong.invest.costs import Costs
from phusong.invest.new_sites import find_candidates
from phusong.invest.optimum import BestPlan
from phusong.invest.portfolio import Portfolio, PortfolioSettings, choose
from phusong.invest.program.solve import Certificate
from phusong.invest.situation import Situation
from phusong.invest_setup import commune_facts, plan_rules, priority_value
from phusong.network_tables import checked_links, network_tables
from phusong.radio.footprints import Footprints
from phusong.radio.link_budget import noise_dbm
from phusong.radio.plan import RadioPlan, Scene
from phusong.radio_setup import radio_setup, region_footprints, scenario_region
from phusong.reach_setup import facilities_of_elements, reach_in_region
from phusong.region.facts import table
from phusong.region.store import Region
from phusong.report.folder import is_whole
from phusong.report.provenance import provenance
from phusong.report.redact import Redaction, redact
from phusong.report.result import Result
from phusong.result_tables import Ground, result_of
from phusong.scenario import Scenario, policy_label
from phusong.service.busy_hour import busy_hour_mbps, grown
from phusong.service.capacity import Demand, Usage, tiers, use_network
from phusong.service.network import Network, build_network
from phusong.service.power import Stability, site_stability
from phusong.service.reception import Reception, reception_at
from phusong.service.sharing import Agreement, Rights, check_agreements, grant_rights
from phusong.service.states import States, sample_states
from phusong.service.together import serve_together
from phusong.settings import ReportSettings, ServiceSettings
from phusong.sharing_tables import gains_over_none, planned_row, policy_row, sharing_tables

__all__ = ["Stages", "run", "run_region"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_COST_TABLES = ("costs", "energy", "terrain_multipliers", "lock_remedies", "sectors", "funds")
_INVEST_TYPES = (Portfolio, BestPlan, Certificate)


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
    crew: Crew | None = None,
    keeper: Keeper | None = None,
    resume: bool = False,
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
    crew : Crew, optional
        Who computes; two threads when left out. The result does not depend on it.
    keeper : Keeper, optional
        Keeps what stages give, so that one whose inputs have not changed is not done again; nothing is kept when left
        out. The result does not depend on it.
    resume : bool
        Return the result in `out` if it is already that of this scenario on this region.

    Raises
    ------
    InputError
        Listing everything that is wrong with the scenario or the region.
    """
    asked = scenario if isinstance(scenario, Scenario) else Scenario.read(scenario)
    clock = stages or Stages()
    keeping = keeper or Keeper()
    with clock.stage("region"):
        region = scenario_region(asked, keeping)
    if resume and out is not None and _is_answered(asked, region, Path(out)):
        return Result.read(Path(out))
    result = run_region(asked, region, stages=clock, crew=crew, keeper=keeping)
    if asked.report.redact:
        result = redact(result, _redaction(asked.report))
    if out is not None:
        with clock.stage("report"):
            result.write(Path(out))
    return result


def run_region(
    asked: Scenario,
    region: Region,
    *,
    stages: Stages | None = None,
    crew: Crew | None = None,
    keeper: Keeper | None = None,
) -> Result:
    """Answer a scenario on a region already in memory; parameters and errors as for :func:`run`."""
    clock, keeping, workers = stages or Stages(), keeper or Keeper(), crew or Threads()
    # what nobody can mean is refused before the long part
    check_agreements(region.operators["operator"].astype(str).tolist(), _agreements(asked))
    plan_rules(asked)
    _costs(asked)
    with clock.stage("radio"):
        scene, radio = radio_setup(asked.radio, region)
        heard = region_footprints(asked, region, scene, radio, workers, keeping)
    with clock.stage("service"):
        ground = _ground(region)
        network = _network(checked_links(region) if asked.service.hops == "checked" else region, ground)
        if not np.array_equal(network.station_ids, heard.station_ids):
            heard = heard.in_order_of(network.station_ids)
        stability = site_stability(network)
        states = None
        if asked.service.availability == "states":
            states = sample_states(network, n_states=asked.service.states, seed=asked.seed, workers=2)
        reception = reception_at(
            ground.cell_pixel,
            indptr=heard.indptr,
            pixel=heard.pixel,
            rsrp_ddbm=heard.rsrp_ddbm,
            sinr_ddb=_sinr(asked, radio, heard),
            n_pixels=region.grid.size,
        )
        weights = split_by_operator(region.demand["population"].to_numpy(np.int64), network.shares)
    with clock.stage("access"):
        costs = _costs(asked)
        compared = []
        for policy, agreed in _compared(asked).items():
            rights = _rights(asked, network, policy, agreed=agreed)
            usage, tier = _use(asked, network, stability, reception, weights, rights, states)
            access = classify(usage, weights)
            row = policy_row(policy, access, usage, network, rights, costs)
            compared.append((row, rights, usage, tier, access))
        # the policy in force is the last of those compared
        _, rights, usage, tier, access = compared[-1]
    with clock.stage("invest"):
        situation = Situation(
            network=network,
            stability=stability,
            reception=reception,
            access=access,
            weights=weights,
            tier=tier,
            station_load=usage.station_load,
            station_room=usage.station_room,
            demand=_demand(asked.service),
            availability_target=asked.service.availability_target,
            rights=rights,
            grid=region.grid,
            elevation=region.elevation,
            cell_pixel=ground.cell_pixel,
            cell_commune=ground.cell_commune,
            commune_codes=region.communes["commune_code"].to_numpy(str),
            commune_remote=np.clip(region.communes["remote"].to_numpy(np.int64), 0, 3),
            site_east_m=region.sites.geometry.x.to_numpy(np.float64),
            site_north_m=region.sites.geometry.y.to_numpy(np.float64),
            node_east_m=region.power_nodes.geometry.x.to_numpy(np.float64),
            node_north_m=region.power_nodes.geometry.y.to_numpy(np.float64),
        )
        portfolio, stabilise_musd = _invest(asked, situation, scene, radio, region, keeping)
        policies = []
        for plain, granted, used, turn, found in compared:
            row = plain
            if asked.sharing.compare_plans:
                other = replace(
                    situation,
                    rights=granted,
                    tier=turn,
                    access=found,
                    station_load=used.station_load,
                    station_room=used.station_room,
                )
                same = plain is compared[-1][0]
                chosen = portfolio if same else _invest(asked, other, scene, radio, region, keeping)[0]
                row = planned_row(plain, chosen, len(network.operators))
            policies.append(row)
        listed = [*asked.sharing.compare, policy_label(asked.sharing)]
        policies.sort(key=lambda row: listed.index(row["policy"]))
        policies = gains_over_none(policies)
    with clock.stage("tables"):
        return result_of(
            asked,
            region,
            ground,
            network,
            stability,
            heard.servers,
            heard.station_ids,
            reception,
            usage,
            access,
            portfolio,
            policies,
            weights,
            network_tables(region, network, stability, reception, tier, weights)
            | sharing_tables(
                asked.access, region, situation, usage, costs, stabilise_musd, ground.site_commune
            )
            | {
                "policy_communes": policy_communes(
                    {row["policy"]: found for row, *_, found in compared},
                    ground.cell_commune,
                    region.communes["commune_code"].to_numpy(str),
                )
            },
        )


def _is_answered(asked: Scenario, region: Region, out: Path) -> bool:
    """Return whether a folder holds the whole result of this scenario on this region, by the same program."""
    wanted = provenance(dict(region.digests()), asked.to_toml(), asked.seed)
    return is_whole(out) and Result.read(out).provenance == wanted


def _redaction(asked: ReportSettings) -> Redaction:
    return Redaction(
        grid_m=asked.redact_grid_m,
        withhold=asked.redact_withhold,
        structures=asked.redact_structures,
        owners=asked.redact_owners,
        site_ids=asked.redact_sites,
        least_people=asked.redact_least_people,
    )


def _ground(region: Region) -> Ground:
    from rasterio.features import rasterize  # noqa: PLC0415 - only here are polygons burnt

    row_of = pd.Series(np.arange(len(region.communes)), index=region.communes["commune_code"].to_numpy(str))
    shapes = [(g, i) for i, g in enumerate(region.communes.geometry) if g is not None and not g.is_empty]
    burnt = rasterize(
        shapes, out_shape=region.grid.shape, transform=region.grid.transform, fill=-1, dtype="int32"
    )
    row, col = region.grid.rowcol(region.sites.geometry.x, region.sites.geometry.y)
    at = burnt[np.clip(row, 0, region.grid.height - 1), np.clip(col, 0, region.grid.width - 1)]
    remote = region.communes["remote"].to_numpy(np.int64)
    return Ground(
        (region.demand["row"] * region.grid.width + region.demand["col"]).to_numpy(np.int64),
        row_of[region.demand["commune_code"].to_numpy(str)].to_numpy(np.int64),
        np.where(at >= 0, remote[np.maximum(at, 0)], 1),
        np.asarray(burnt >= 0),
        np.where(region.grid.inside(row, col), at, -1).astype(np.int64),
    )


def _network(region: Region, ground: Ground) -> Network:
    return build_network(
        sites=region.sites,
        cells=region.cells,
        operators=region.operators,
        links=region.links,
        power_nodes=region.power_nodes,
        power_lines=region.power_lines,
        site_remote=ground.site_remote,
    )


def _use(
    asked: Scenario,
    network: Network,
    stability: Stability,
    reception: Reception,
    weights: Ints,
    rights: Rights,
    states: States | None,
) -> tuple[Usage, npt.NDArray[np.int8]]:
    tier = tiers(network, rights)
    usage = use_network(
        reception,
        weights=weights,
        tier=tier,
        availability=stability.availability[network.station_site],
        availability_target=asked.service.availability_target,
        bandwidth_mhz=network.station_bandwidth_mhz,
        station_site=network.station_site,
        site_mbps=network.link_capacity_mbps,
        demand=_demand(asked.service),
    )
    if states is not None:
        usage = serve_together(
            usage, states, reception=reception, weights=weights, tier=tier, network=network,
            availability_target=asked.service.availability_target, demand=_demand(asked.service),
        ).usage  # fmt: skip
    return usage, tier


def _demand(asked: ServiceSettings) -> Demand:
    mbps = asked.busy_hour_mbps_per_person
    if mbps is None:
        mbps = busy_hour_mbps(
            take_up=asked.take_up, gb_month=asked.gb_month, busy_hour_share=asked.busy_hour_share
        )
    years = asked.year - asked.demand_year
    return Demand(
        grown(mbps, growth_year=asked.growth_year, years=years),
        asked.max_load,
        asked.target_mbps,
        asked.busy_hour_spread,
    )


def _rights(asked: Scenario, network: Network, policy: str, *, agreed: bool = True) -> Rights:
    """Return the rights under a policy, with the scenario's agreements or without."""
    policy = policy.split(maxsplit=1)[0]
    return grant_rights(network, policy, _agreements(asked) if agreed else (), asked.service.year)


def _agreements(asked: Scenario) -> list[Agreement]:
    return [
        Agreement(a.policy, a.classes, a.between, a.first_year, a.until) for a in asked.sharing.agreements
    ]


def _sinr(asked: Scenario, radio: RadioPlan, heard: Footprints) -> npt.NDArray[np.int16]:
    """Return the SINR of the footprints' entries: by the other cells, or by a margin for them. [tenths of a dB]

    With the other cells a further site may disturb more people than it serves; with a margin it never does.
    """
    if asked.radio.interference == "sinr":
        return heard.sinr_ddb
    noise = noise_dbm("4G", 900.0, radio.budget.noise_figure_db) + radio.budget.interference_margin_db
    return np.asarray(heard.rsrp_ddbm - round(noise * 10.0), np.int16)


def _costs(asked: Scenario) -> Costs:
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


def _compared(asked: Scenario) -> dict[str, bool]:
    """Return the policies to compare, each with whether the agreements join it; the one in force comes last."""
    own = asked.sharing.policy
    names = [p for p in dict.fromkeys((*asked.sharing.compare, own)) if p != own or asked.sharing.agreements]
    return {**dict.fromkeys(names, False), policy_label(asked.sharing): True}


def _invest(
    asked: Scenario, situation: Situation, scene: Scene, radio: RadioPlan, region: Region, keeper: Keeper
) -> tuple[Portfolio, Mapping[int, float]]:
    """Return what to do, and the least cost of making each unstable site stable."""
    value = priority_value(asked.invest.weights, region, situation)
    reads = {
        "who is served by what": situation,
        "ground": scene,
        "radio settings": radio,
        "invest settings": asked.invest.model_dump(mode="json"),
        "seed": asked.seed,
        "unit costs": [*(table(name) for name in _COST_TABLES), _costs(asked).catalogue],
        "places for masts": [region.settlements, region.facilities],
        "layers": (layer_is_known(region), region.communes[["commune_code", "name"]]),
        "sharing": asked.sharing.policy,
        "priorities": value,
        "program": source_fingerprint("region", "radio", "service", "access", "invest"),
    }
    return keeper.stage(
        "invest", lambda: _invested(asked, situation, scene, radio, region, value), reads, _INVEST_TYPES
    )


def _invested(
    asked: Scenario,
    situation: Situation,
    scene: Scene,
    radio: RadioPlan,
    region: Region,
    value: Floats | None,
) -> tuple[Portfolio, Mapping[int, float]]:
    settings = asked.invest
    candidates = find_candidates(situation, scene, radio, region)
    terms = OfferTerms(asked.sharing.policy, settings.universal_service_share, settings.interim_years)
    offers = make_offers(situation, _costs(asked), candidates, terms)
    if settings.only == "measured":
        unknown = unknown_behind(offers.bundles["kinds"].tolist(), layer_is_known(region))
        offers = offers.only(np.array([not layers for layers in unknown], bool))
    access = situation.access
    causes = {
        "with no signal": access.no_signal,
        "locked out": access.locked,
        "on unstable sites": access.unstable,
        "turned away": access.congested,
    }
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
        commune_names=dict(
            zip(region.communes["commune_code"].astype(str), region.communes["name"].astype(str), strict=True)
        ),
        parts={name: people.ravel().astype(np.float64) for name, people in causes.items()},
        commune_of_element=np.repeat(situation.cell_commune, situation.weights.shape[1]),
        reach=reach_in_region(offers, situation, candidates, region, radio),
        facilities=facilities_of_elements(region, situation, within_m=asked.access.facilities_within_m),
        facts=commune_facts(region, situation),
        value=value,
    )
    return portfolio, offers.stabilise_musd

"""The whole way, in the order in which the data flows: region → radio → service → access → invest → report."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from phusong.access.communes import policy_communes
from phusong.access.gaps import classify
from phusong.compute.cache import Keeper
from phusong.compute.executor import Counted, Crew, Threads
from phusong.invest.context import Situation
from phusong.io.progress import Stages
from phusong.region.folder import Region
from phusong.report.folder import Result, check_place, is_whole
from phusong.result.redact import Redaction, critical_sites, redact
from phusong.scenario import Scenario, policy_label
from phusong.service.availability import site_stability
from phusong.service.outage_states import sample_states
from phusong.service.sharing import check_agreements
from phusong.settings import ReportSettings, idle_redactions
from phusong.stages.invest import allowed_remedies, costs_of, invest, plan_rules
from phusong.stages.radio import radio_setup, region_footprints, scenario_region
from phusong.stages.result import (
    gains_over_none,
    origin_of,
    planned_row,
    policy_row,
    result_of,
    sharing_tables,
)
from phusong.stages.service import (
    agreements_of,
    demand_of,
    network_heard,
    network_tables,
    rights_under,
    usage_by_policy,
)

__all__ = ["run", "run_region"]


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
    if out is not None:
        # a place where nothing can be written is refused before the long part
        check_place(Path(out))
    clock = stages or Stages()
    keeping = keeper or Keeper()
    with clock.stage("region"):
        region = scenario_region(asked, keeping)
    clock.notices += [*(str(n) for n in region.notices), *idle_redactions(asked.report)]
    if resume and out is not None and _is_answered(asked, region, Path(out)):
        return Result.read(Path(out))
    if asked.report.redact:
        # a name that matches nothing is refused before the long part
        critical_sites(region, _redaction(asked.report))
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
    check_agreements(region.operators["operator"].astype(str).tolist(), agreements_of(asked))
    plan_rules(asked)
    allowed_remedies(asked)
    costs_of(asked)
    with clock.stage("radio"):
        scene, radio = radio_setup(asked.radio, region)
        heard = region_footprints(asked, region, scene, radio, Counted(workers, clock.part()), keeping)
    with clock.stage("service"):
        there = network_heard(asked, region, radio, heard)
        ground, network, heard = there.ground, there.network, there.heard
        reception, weights = there.reception, there.weights
        stability = site_stability(network)
        states = None
        if asked.service.availability == "states":
            states = sample_states(
                network, n_states=asked.service.states, seed=asked.seed, crew=Counted(workers, clock.part())
            )
    with clock.stage("access"):
        costs = costs_of(asked)
        usage_under = usage_by_policy(asked, there, stability, states, keeping, workers)
        compared = []
        wanted = _compared(asked)
        for done, (policy, agreed) in enumerate(wanted.items()):
            clock.part()(done / len(wanted))
            rights = rights_under(asked, network, policy, agreed=agreed)
            usage, tier = usage_under(policy, rights)
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
            demand=demand_of(asked.service),
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
        many = len(compared) if asked.sharing.compare_plans else 1
        portfolio, stabilise_musd = invest(
            asked, situation, scene, radio, region, keeping, workers, tell=clock.part(0.0, 1.0 / many)
        )
        policies = []
        for done, (plain, granted, used, turn, found) in enumerate(compared):
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
                tell = clock.part((done + 1) / many, min(1.0, (done + 2) / many))
                chosen = (
                    portfolio
                    if same
                    else invest(
                        asked,
                        other,
                        scene,
                        radio,
                        region,
                        keeping,
                        workers,
                        policy=str(plain["policy"]),
                        tell=tell,
                    )[0]
                )
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
    return is_whole(out) and Result.read(out).provenance == origin_of(asked, region)


def _redaction(asked: ReportSettings) -> Redaction:
    return Redaction(
        grid_m=asked.redact_grid_m,
        withhold=asked.redact_withhold,
        structures=asked.redact_structures,
        owners=asked.redact_owners,
        site_ids=asked.redact_sites,
        least_people=asked.redact_least_people,
    )


def _compared(asked: Scenario) -> dict[str, bool]:
    """Return the policies to compare, each with whether the agreements join it; the one in force comes last."""
    own = asked.sharing.policy
    names = [p for p in dict.fromkeys((*asked.sharing.compare, own)) if p != own or asked.sharing.agreements]
    return {**dict.fromkeys(names, False), policy_label(asked.sharing): True}

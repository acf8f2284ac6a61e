"""The whole way, in the order in which the data flows: region → radio → service → access → invest → report."""

from pathlib import Path

from phusong.compute.cache import StageCache
from phusong.compute.executor import Counted, Executor, Threads
from phusong.io.progress import Stages
from phusong.region.folder import Region
from phusong.report.folder import Result, check_place, is_whole
from phusong.result.redact import Redaction, critical_sites, redact
from phusong.scenario import Scenario
from phusong.service.sharing import check_agreements
from phusong.settings import ReportSettings, idle_redactions
from phusong.stages.invest import allowed_remedies, costs_of, plan_rules
from phusong.stages.policies import invest_by_policy, state_by_policy
from phusong.stages.radio import radio_setup, region_footprints, scenario_region
from phusong.stages.result import origin_of, result_of
from phusong.stages.service import agreements_of, availability_of, network_heard

__all__ = ["run", "run_region"]


def run(
    scenario: Scenario | str | Path,
    out: str | Path | None = None,
    *,
    stages: Stages | None = None,
    executor: Executor | None = None,
    stage_cache: StageCache | None = None,
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
    executor : Executor, optional
        Who computes; two threads when left out. The result does not depend on it.
    stage_cache : StageCache, optional
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
    keeping = stage_cache or StageCache()
    with clock.stage("region"):
        region = scenario_region(asked, keeping)
    clock.notices += [*(str(n) for n in region.notices), *idle_redactions(asked.report)]
    if resume and out is not None and _is_answered(asked, region, Path(out)):
        return Result.read(Path(out))
    if asked.report.redact:
        # a name that matches nothing is refused before the long part
        critical_sites(region, _redaction(asked.report))
    result = run_region(asked, region, stages=clock, executor=executor, stage_cache=keeping)
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
    executor: Executor | None = None,
    stage_cache: StageCache | None = None,
) -> Result:
    """Answer a scenario on a region already in memory; parameters and errors as for :func:`run`."""
    clock, keeping, workers = stages or Stages(), stage_cache or StageCache(), executor or Threads()
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
        stability, year = availability_of(asked, there.network, Counted(workers, clock.part()))
    with clock.stage("access"):
        states = state_by_policy(
            asked, there, stability, year, stage_cache=keeping, executor=workers, tell=clock.part()
        )
    with clock.stage("invest"):
        plans = invest_by_policy(
            asked, region, there, states, scene, radio, stage_cache=keeping, executor=workers, part=clock.part
        )
    with clock.stage("tables"):
        return result_of(asked, region, there, states, plans)


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

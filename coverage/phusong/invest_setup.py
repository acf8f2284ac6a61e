"""From the scenario and the region to what a plan must obey: rules, facts of the communes, priorities."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.errors import Problem, nearest_name, refuse
from phusong.invest.priorities import Priorities, element_value, read_flags
from phusong.invest.program.facts import CommuneFacts
from phusong.invest.program.rules import Fund, Rules, known_kinds, rule_problems
from phusong.invest.purses import SHARING_KINDS
from phusong.invest.situation import Situation
from phusong.region.store import Region
from phusong.scenario import Scenario
from phusong.settings.funds import WeightSettings

__all__ = ["allowed_remedies", "commune_facts", "plan_rules", "priority_value"]


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


def commune_facts(region: Region, situation: Situation) -> CommuneFacts:
    """Return the communes with their people, those served today, and how remote they are."""
    n = situation.commune_codes.size
    return CommuneFacts(
        np.asarray(situation.commune_codes, str),
        region.communes["name"].to_numpy(str),
        situation.commune_remote,
        np.bincount(situation.cell_commune, situation.weights.sum(axis=1), n).astype(np.float64),
        np.bincount(situation.cell_commune, situation.access.served.sum(axis=1), n).astype(np.float64),
    )


def priority_value(
    asked: WeightSettings, region: Region, situation: Situation
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
        read = read_flags(Path(asked.flags_path), np.asarray(situation.commune_codes, str))
        flagged = {name: codes | read[name] for name, codes in flagged.items()}
        priorities = Priorities(priorities.by_flag, priorities.by_class, priorities.facility_people, flagged)
    row, col = np.divmod(situation.cell_pixel, situation.grid.width)
    east, north = situation.grid.centres(row, col)
    places = region.facilities.geometry
    facilities = pd.DataFrame(
        {
            "kind": region.facilities["kind"].to_numpy(str),
            "east_m": places.x.to_numpy(np.float64),
            "north_m": places.y.to_numpy(np.float64),
        }
    )
    return element_value(
        situation.unserved,
        situation.weights,
        priorities=priorities,
        cell_commune=situation.cell_commune,
        codes=np.asarray(situation.commune_codes, str),
        remote=situation.commune_remote,
        cell_east_m=east,
        cell_north_m=north,
        facilities=facilities,
    )

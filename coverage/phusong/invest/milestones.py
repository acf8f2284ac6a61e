"""People served each year against the target dates, in all and by commune; and what is late if a fund is late."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.invest.plan_lines import Lines
from phusong.invest.plan_model import PlanModel
from phusong.invest.program.facts import CommuneFacts
from phusong.invest.program.timeline import NEVER, timeline
from phusong.invest.schedule import Scheduled

__all__ = ["REASONS", "late_table", "milestone_table"]

REASONS = ("left by plan", "out of reach")
"""Why a commune misses its target: options would reach it, or none does."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def milestone_table(
    plan: Scheduled,
    model: PlanModel,
    facts: CommuneFacts,
    commune_of_element: Ints,
    *,
    target_share: Floats,
    parts: dict[str, Floats],
) -> pd.DataFrame:
    """Return people served by year, for the region and for each commune, against their targets.

    Parameters
    ----------
    plan : Scheduled
        The plan with its years.
    model : PlanModel
        What could be bought, and whom it serves.
    facts : CommuneFacts
        The communes.
    commune_of_element : ndarray of int, shape (n_elements,)
        Row of the commune.
    target_share : ndarray, shape (n_communes,)
        Share of the people to be served by the plan's last year; 0 where none is asked.
    parts : dict of ndarray, shape (n_elements,)
        People by cause, for the reasons given where a target is out of reach.

    Returns
    -------
    DataFrame
        One row a year for the region (`commune_code` empty), then one a commune and year: people, people_served,
        share_served, spent_musd in that year (region only), target_share and target_people (last year only),
        reachable_share (with every option bought), short_people, met, communes_met; and why a target is missed, in
        the last year: reason (empty, ``left by plan``, ``out of reach``), beyond_people whom no option could add,
        and by cause those whom no option serves (`left_no_signal` and so on).
    """
    n = facts.codes.size
    when = plan.lines.when.element_year
    could = np.asarray(model.covers.sum(axis=0)).ravel() > 0
    reachable = facts.served + np.bincount(commune_of_element[could], model.weights[could], n)
    wanted = np.ceil(target_share * facts.population - 1e-9)
    left = ~could & (model.weights > 0)
    causes = {name: np.bincount(commune_of_element[left], v.ravel()[left], n) for name, v in parts.items()}
    cost, rows = plan.cost_musd, []
    people = facts.population.sum()
    asked = bool((target_share > 0).any())
    by_year = []
    for t in range(plan.years):
        there = when <= t
        served = facts.served + np.bincount(commune_of_element[there], model.weights[there], n)
        by_year.append(served)
        last = t == plan.years - 1
        met = served >= wanted - 1e-6
        rows.append(
            {
                "year": plan.first_year + t,
                "commune_code": "",
                "commune": "all communes",
                "people": people,
                "people_served": served.sum(),
                "share_served": served.sum() / max(people, 1.0),
                "spent_musd": float(cost[plan.lines.year == t].sum()),
                "target_share": np.nan,
                "target_people": wanted.sum() if asked and last else np.nan,
                "reachable_share": reachable.sum() / max(people, 1.0),
                "short_people": float(np.maximum(wanted - served, 0).sum()) if asked and last else 0.0,
                "met": bool(met.all()),
                "communes_met": int(met.sum()) if asked else 0,
                "reason": "",
                "beyond_people": 0.0,
                **dict.fromkeys((f"left_{name}" for name in causes), 0.0),
            }
        )
    for c in range(n):
        for t, served in enumerate(by_year):
            last = t == plan.years - 1
            short = max(wanted[c] - served[c], 0.0)
            rows.append(
                {
                    "year": plan.first_year + t,
                    "commune_code": facts.codes[c],
                    "commune": facts.names[c],
                    "people": facts.population[c],
                    "people_served": served[c],
                    "share_served": served[c] / max(facts.population[c], 1.0),
                    "spent_musd": np.nan,
                    "target_share": target_share[c] if target_share[c] > 0 and last else np.nan,
                    "target_people": wanted[c] if target_share[c] > 0 and last else np.nan,
                    "reachable_share": reachable[c] / max(facts.population[c], 1.0),
                    "short_people": short if last else 0.0,
                    "met": bool(short <= 1e-6),
                    "communes_met": 0,
                    **_missed(
                        short if last else 0.0, wanted[c] - reachable[c], {k: v[c] for k, v in causes.items()}
                    ),
                }
            )
    out = pd.DataFrame(rows)
    for name in (
        "people",
        "people_served",
        "short_people",
        "beyond_people",
        *(f"left_{name}" for name in causes),
    ):
        out[name] = out[name].round().astype(np.int64)
    return out


def _missed(short: float, beyond: float, causes: dict[str, float]) -> dict[str, object]:
    """Return why a target is missed, as columns."""
    far = short > 1e-6 and beyond > 1e-6
    reason = REASONS[1] if far else REASONS[0] if short > 1e-6 else ""
    left = {f"left_{name}": people if far else 0.0 for name, people in causes.items()}
    return {"reason": reason, "beyond_people": beyond if far else 0.0, **left}


def late_table(plan: Scheduled, model: PlanModel) -> pd.DataFrame:
    """Return what is late when one fund's money comes a year later: every line that moves, with the people-years lost.

    Each fund in turn is late by a year while the others are on time: its lines move by a year, and the lines that
    need them wait. `people_years_lost` are the people counted in a line times the years by which they are served
    later; they add up to the loss of the whole plan.

    Parameters
    ----------
    plan : Scheduled
        The plan with its years.
    model : PlanModel
        What could be bought, and whom it serves.
    """
    lines, tables = plan.lines, []
    ids = plan.offers.remedies["remedy_id"].to_numpy(str)[lines.remedy]
    codes, cost = plan.commune_codes, plan.cost_musd
    for name in dict.fromkeys(plan.fund.tolist()):
        mine = plan.fund == name
        year = lines.year_of.copy()
        year[lines.remedy[mine]] += 1
        after = timeline(model, year)
        lost = _years_lost(lines, model, after.element_year)
        serves = after.remedy_serves[lines.remedy]
        at = np.flatnonzero(mine | (serves != lines.serves) | (lost > 0))
        known = lines.serves[at] < NEVER
        tables.append(
            pd.DataFrame(
                {
                    "late_fund": name,
                    "remedy_id": ids[at],
                    "fund": plan.fund[at],
                    "commune_code": codes[at],
                    "year": plan.first_year + lines.year[at],
                    "year_if_late": plan.first_year + year[lines.remedy[at]],
                    "serves_from": np.where(known, plan.first_year + lines.serves[at], -1),
                    "serves_if_late": np.where(known, plan.first_year + serves[at], -1),
                    "waits": ~mine[at],
                    "cost_musd": cost[at],
                    "people_gained": lines.people[at].astype(np.int64),
                    "people_years_lost": lost[at],
                }
            )
        )
    if tables:
        return pd.concat(tables, ignore_index=True)
    columns = ["late_fund", "remedy_id", "fund", "commune_code", "year", "year_if_late", "serves_from"]
    columns += ["serves_if_late", "waits", "cost_musd", "people_gained", "people_years_lost"]
    return pd.DataFrame(columns=columns)


def _years_lost(lines: Lines, model: PlanModel, later: Ints) -> Floats:
    """Return for each line the people counted in it times the years that they wait longer."""
    counted = lines.element_line >= 0
    wait = (later - lines.when.element_year)[counted].astype(np.float64)
    return np.bincount(lines.element_line[counted], model.weights[counted] * wait, lines.remedy.size).astype(
        np.float64
    )

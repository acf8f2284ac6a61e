"""Schedule: milestones, lines, delays, interim works."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.array_types import Floats, Ints, Texts
from phusong.invest.bundles import Offers
from phusong.invest.plan_book import PlanModel
from phusong.invest.plan_lines import Lines, largest_first
from phusong.invest.program import NEVER, CommuneFacts, timeline
from phusong.invest.program.rules import SECTORS, Rules, accountable, fund_of_level, sectors

__all__ = [
    "REASONS",
    "RESULTS",
    "Scheduled",
    "fund_table",
    "interim_table",
    "late_table",
    "milestone_table",
    "money_stage",
    "plan_table",
    "schedule_table",
]

RESULTS = ("serves", "needed by others", "serves nobody")
"""What a line of the schedule brings about."""


@dataclass(frozen=True)
class Scheduled:
    """A plan with its years and funds.

    Parameters
    ----------
    offers : Offers
        What could be bought.
    lines : Lines
        What is bought, line by line.
    fund : ndarray of str, shape (n_lines,)
        Who pays each line.
    rules : Rules
        Funds and the rest.
    first_year, years : int
        The plan's years.
    commune_names : dict
        Name by commune code.
    gains : DataFrame
        People of each line by commune and year, see :func:`phusong.invest.plan_lines.plan_line_gains`.
    """

    offers: Offers
    lines: Lines
    fund: Texts
    rules: Rules
    first_year: int
    years: int
    commune_names: dict[str, str]
    gains: pd.DataFrame

    @property
    def kinds(self) -> Texts:
        """Kind of remedy of each line."""
        return self.offers.remedies["kind"].to_numpy(str)[self.lines.remedy]

    @property
    def cost_musd(self) -> Floats:
        """Net present cost of each line. [million USD]"""
        return self.offers.remedies["cost_musd"].to_numpy(np.float64)[self.lines.remedy]

    @property
    def commune_codes(self) -> Texts:
        """Commune in which the works of each line stand."""
        return self.offers.remedies["commune_code"].to_numpy(str)[self.lines.remedy]

    @property
    def serves_year(self) -> npt.NDArray[np.int64]:
        """Calendar year from which each line serves; -1 where it serves nobody within the plan."""
        return np.where(self.lines.serves < NEVER, self.lines.serves + self.first_year, -1)


def plan_table(plan: Scheduled) -> pd.DataFrame:
    """Return the plan: one row a remedy with year, fund, money, place, people, sector, level and who answers for it.

    `site_id` and `commune_code` say where the works stand, `gain_commune_codes` where the people live who gain.
    """
    lines = plan.lines
    bought = plan.offers.remedies.iloc[lines.remedy].reset_index(drop=True)
    ids = np.append(plan.offers.bundles["bundle_id"].to_numpy(str), "")
    level = fund_of_level(plan.rules)
    return pd.DataFrame(
        {
            "remedy_id": bought["remedy_id"],
            "kind": bought["kind"],
            "year": lines.year + plan.first_year,
            "fund": plan.fund,
            "cost_musd": plan.cost_musd,
            "people_gained": lines.people.astype(np.int64),
            "bundle_id": ids[lines.bundle],
            "site_id": bought["site_id"],
            "commune_code": plan.commune_codes,
            "gain_commune_codes": bought["remedy_id"].map(largest_first(plan.gains, "remedy_id")).fillna(""),
            "level": [level.get(f, "") for f in plan.fund.tolist()],
            "sector": sectors(plan.kinds),
            "accountable": accountable(plan.kinds, plan.fund, plan.rules),
            "capex_musd": bought["capex_musd"].astype(np.float64),
            "opex_musd_year": bought["opex_musd_year"].astype(np.float64),
            "serves_from": plan.serves_year,
        }
    )


def schedule_table(plan: Scheduled) -> pd.DataFrame:
    """Return the schedule: every line says who answers, what, when, paid by whom, with which result, and what it waits for.

    `result` is one of ``RESULTS``: people served by the line itself, or needed by other lines, or nobody served within
    the plan.
    """
    lines = plan.lines
    table = plan_table(plan)
    remedy_ids = np.append(plan.offers.remedies["remedy_id"].to_numpy(str), "")
    waits = remedy_ids[lines.waits_for]
    years_blocked = np.where(
        lines.serves < NEVER, lines.serves - lines.year, np.maximum(plan.years - lines.year, 0)
    )
    blocked = np.where(years_blocked > 0, plan.cost_musd, 0.0)
    stage = money_stage(plan)
    return pd.DataFrame(
        {
            "line": np.arange(1, len(table) + 1),
            "year": table["year"],
            "accountable": table["accountable"],
            "kind": table["kind"],
            "remedy_id": table["remedy_id"],
            "site_id": table["site_id"],
            "fund": table["fund"],
            "level": table["level"],
            "sector": table["sector"],
            "cost_musd": table["cost_musd"],
            "money": stage,
            "commune_code": table["commune_code"],
            "commune": [plan.commune_names.get(c, c) for c in table["commune_code"]],
            "people_gained": table["people_gained"],
            "gain_commune_codes": table["gain_commune_codes"],
            "serves_from": table["serves_from"],
            "result": _results(table),
            "waits_for": waits,
            "blocked_musd": blocked,
            "blocked_years": years_blocked.astype(np.int64),
        }
    )


def money_stage(plan: Scheduled) -> list[str]:
    """Return how far the money of each line has come: disbursed, allocated or planned, in the plan's order.

    The money of a fund's years covers its lines one after the other, as far as it reaches after the lag; a fund
    that names no money leaves its lines planned.
    """
    stage = np.full(plan.fund.size, "planned", dtype="<U10")
    cost = plan.cost_musd
    for fund in plan.rules.funds:
        mine = np.flatnonzero(plan.fund == fund.name)
        for name in ("allocated", "disbursed"):
            if not getattr(fund, f"{name}_musd"):
                continue
            there = np.cumsum(fund.available(name, plan.years))
            paid = np.cumsum(cost[mine])
            covered = paid <= there[np.minimum(plan.lines.year[mine], plan.years - 1)] + 1e-9
            stage[mine[covered]] = name
    return stage.tolist()


def fund_table(plan: Scheduled) -> pd.DataFrame:
    """Return the money of each fund by year: planned, allocated, disbursed, spent by sector, left and blocked.

    Without funds in the scenario the money named is what the plan spends, and nothing is known of what is allocated
    or disbursed (missing). `blocked_musd` is money spent by the year's end on works that serve nobody yet because a
    remedy they need with them is late.
    """
    level = fund_of_level(plan.rules)
    named = {f.name: f for f in plan.rules.funds}
    names = list(named) or list(dict.fromkeys(plan.fund.tolist()))
    sector, cost = sectors(plan.kinds), plan.cost_musd
    rows = []
    for name in names:
        mine = plan.fund == name
        fund = named.get(name)
        spent_before = money_before = 0.0
        for t in range(plan.years):
            now = mine & (plan.lines.year == t)
            spent = float(cost[now].sum())
            spent_before += spent
            budget = {
                s: (float(fund.budget(s, plan.years)[t]) if fund and getattr(fund, f"{s}_musd") else np.nan)
                for s in ("planned", "allocated", "disbursed")
            }
            available = float(fund.available(plan.rules.money, plan.years)[t]) if fund else spent
            money_before += available
            left = money_before - spent_before if fund and fund.carry_over else available - spent
            waiting = mine & (plan.lines.year <= t) & (plan.lines.serves > t)
            rows.append(
                {
                    "fund": name,
                    "level": level.get(name, ""),
                    "year": plan.first_year + t,
                    "planned_musd": budget["planned"] if fund else spent,
                    "allocated_musd": budget["allocated"],
                    "disbursed_musd": budget["disbursed"],
                    "available_musd": available,
                    "spent_musd": spent,
                    "left_musd": max(left, 0.0) if abs(left) < 1e-9 else left,
                    "blocked_musd": float(cost[waiting].sum()),
                    "cumulative_spent_musd": spent_before,
                    "lines": int(now.sum()),
                    **{f"{s}_musd": float(cost[now & (sector == s)].sum()) for s in SECTORS},
                }
            )
    columns = ["fund", "level", "year", "planned_musd", "allocated_musd", "disbursed_musd", "available_musd"]
    columns += ["spent_musd", "left_musd", "blocked_musd", "cumulative_spent_musd", "lines"]
    return pd.DataFrame(rows, columns=[*columns, *(f"{s}_musd" for s in SECTORS)])


def _results(table: pd.DataFrame) -> Texts:
    served, gains = table["serves_from"].to_numpy() >= 0, table["people_gained"].to_numpy() > 0
    return np.where(served, np.where(gains, RESULTS[0], RESULTS[1]), RESULTS[2])


_COLUMNS = ["remedy_id", "kind", "follows", "from_year", "until_year", "cost_musd", "people", "people_years"]
_COLUMNS += ["people_years_per_musd", "commune_code"]


def interim_table(plan: Scheduled) -> pd.DataFrame:
    """Return the interim remedies that would bring people of the plan service earlier, best value first.

    They are not in the plan's money: they compete with nothing in it, and end when their permanent remedy stands
    (`until_year`). Of two that serve the same people the one of more people-years per million USD counts them.

    Parameters
    ----------
    plan : Scheduled
        The plan with its years.
    """
    offers, when = plan.offers, plan.lines.when
    if offers.bridges is None or "follows" not in offers.remedies:
        return pd.DataFrame(columns=_COLUMNS)
    remedies, weights = offers.remedies, offers.model.weights
    number = {name: k for k, name in enumerate(remedies["remedy_id"].astype(str))}
    cost = remedies["cost_musd"].to_numpy(np.float64)
    follows = remedies["follows"].astype(str).to_numpy()
    waiting = np.where((when.element_year > 0) & (when.element_year < NEVER), when.element_year, 0)
    offered = []
    for k in np.flatnonzero(remedies["interim"].to_numpy(bool)).tolist():
        until = int(plan.lines.year_of[number[follows[k]]]) if follows[k] in number else NEVER
        if not 0 < until < NEVER:
            continue
        on = offers.bridges.indices[offers.bridges.indptr[k] : offers.bridges.indptr[k + 1]]
        gain = float((weights[on] * np.minimum(waiting[on], until)).sum())
        if gain > 0:
            offered.append((gain / max(cost[k], 1e-12), k, until, on))
    offered.sort(key=lambda one: (-one[0], one[1]))
    left = waiting.copy()
    rows = []
    for _, k, until, on in offered:
        early = np.minimum(left[on], until)
        years = float((weights[on] * early).sum())
        if years <= 0:
            continue
        people = float(weights[on][early > 0].sum())
        left[on] = 0
        rows.append(
            {
                "remedy_id": remedies["remedy_id"].iloc[k],
                "kind": remedies["kind"].iloc[k],
                "follows": follows[k],
                "from_year": plan.first_year,
                "until_year": plan.first_year + until,
                "cost_musd": float(cost[k]),
                "people": round(people),
                "people_years": years,
                "people_years_per_musd": years / max(float(cost[k]), 1e-12),
                "commune_code": str(remedies["commune_code"].iloc[k]) if "commune_code" in remedies else "",
            }
        )
    return pd.DataFrame(rows, columns=_COLUMNS).sort_values(
        "people_years_per_musd", ascending=False, kind="stable", ignore_index=True
    )


REASONS = ("left by plan", "out of reach")
"""Why a commune misses its target: options would reach it, or none does."""


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

"""The schedule of a plan: who does what, when, paid by whom, with which result for whom; money by fund and sector."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.invest.bundles import Offers
from phusong.invest.gains import largest_first
from phusong.invest.plan_lines import Lines
from phusong.invest.program.rules import Rules
from phusong.invest.program.timeline import NEVER
from phusong.invest.purses import SECTORS, accountable, fund_of_level, sectors

__all__ = ["RESULTS", "Scheduled", "fund_table", "money_stage", "plan_table", "schedule_table"]

RESULTS = ("serves", "needed by others", "serves nobody")
"""What a line of the schedule brings about."""

Floats = npt.NDArray[np.float64]
Strings = npt.NDArray[np.str_]


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
        People of each line by commune and year, see :func:`phusong.invest.gains.plan_line_gains`.
    """

    offers: Offers
    lines: Lines
    fund: Strings
    rules: Rules
    first_year: int
    years: int
    commune_names: dict[str, str]
    gains: pd.DataFrame

    @property
    def kinds(self) -> Strings:
        """Kind of remedy of each line."""
        return self.offers.remedies["kind"].to_numpy(str)[self.lines.remedy]

    @property
    def cost_musd(self) -> Floats:
        """Net present cost of each line. [million USD]"""
        return self.offers.remedies["cost_musd"].to_numpy(np.float64)[self.lines.remedy]

    @property
    def commune_codes(self) -> Strings:
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


def _results(table: pd.DataFrame) -> Strings:
    served, gains = table["serves_from"].to_numpy() >= 0, table["people_gained"].to_numpy() > 0
    return np.where(served, np.where(gains, RESULTS[0], RESULTS[1]), RESULTS[2])

"""The schedule of a plan: who does what, when, paid by whom, with which result for whom; money by fund and sector."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.invest.bundles import Offers
from phusong.invest.plan_lines import Lines
from phusong.invest.program.rules import Rules
from phusong.invest.program.timeline import NEVER
from phusong.invest.purses import SECTORS, accountable, fund_of_level, sectors

__all__ = ["Scheduled", "fund_table", "money_stage", "plan_table", "schedule_table"]

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
    """

    offers: Offers
    lines: Lines
    fund: Strings
    rules: Rules
    first_year: int
    years: int
    commune_names: dict[str, str]

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
        """Commune of the people of each line."""
        codes = np.append(self.offers.bundles["commune_code"].to_numpy(str), "")
        return codes[self.lines.bundle]

    @property
    def serves_year(self) -> npt.NDArray[np.int64]:
        """Calendar year from which each line serves; -1 where it serves nobody within the plan."""
        return np.where(self.lines.serves < NEVER, self.lines.serves + self.first_year, -1)


def plan_table(plan: Scheduled) -> pd.DataFrame:
    """Return the plan: one row a remedy with year, fund, money, people, sector, level and who answers for it."""
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
            "commune_code": plan.commune_codes,
            "level": [level.get(f, "") for f in plan.fund.tolist()],
            "sector": sectors(plan.kinds),
            "accountable": accountable(plan.kinds, plan.fund, plan.rules),
            "capex_musd": bought["capex_musd"].astype(np.float64),
            "opex_musd_year": bought["opex_musd_year"].astype(np.float64),
            "serves_from": plan.serves_year,
        }
    )


def schedule_table(plan: Scheduled) -> pd.DataFrame:
    """Return the schedule: every line says who answers, what, when, paid by whom, with which result, and what it waits for."""
    lines = plan.lines
    table = plan_table(plan)
    remedy_ids = np.append(plan.offers.remedies["remedy_id"].to_numpy(str), "")
    waits = remedy_ids[lines.waits_for]
    years_blocked = np.where(
        lines.serves < NEVER, lines.serves - lines.year, np.maximum(plan.years - lines.year, 0)
    )
    blocked = np.where(years_blocked > 0, plan.cost_musd, 0.0)
    stage = money_stage(plan)
    where = [_names(plan.commune_names, c) for c in table["commune_code"]]
    out = pd.DataFrame(
        {
            "line": np.arange(1, len(table) + 1),
            "year": table["year"],
            "accountable": table["accountable"],
            "what": [_what(k, r) for k, r in zip(table["kind"], table["remedy_id"], strict=True)],
            "remedy_id": table["remedy_id"],
            "fund": table["fund"],
            "level": table["level"],
            "sector": table["sector"],
            "cost_musd": table["cost_musd"],
            "money": stage,
            "commune_code": table["commune_code"],
            "commune": [plan.commune_names.get(c, c) for c in table["commune_code"]],
            "people_gained": table["people_gained"],
            "serves_from": table["serves_from"],
            "waits_for": waits,
            "blocked_musd": blocked,
            "blocked_years": years_blocked.astype(np.int64),
        }
    )
    out["result"] = [
        _result(int(p), w, int(y), t)
        for p, w, y, t in zip(out["people_gained"], where, out["serves_from"], waits, strict=True)
    ]
    return out


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


def _names(names: dict[str, str], code: str) -> str:
    return f"{names[code]} ({code})" if code in names else code


def _what(kind: str, remedy_id: str) -> str:
    return f"{kind.replace('_', ' ')} at {remedy_id.partition('@')[2] or remedy_id}"


def _result(people: int, where: str, serves_from: int, waits_for: str) -> str:
    if serves_from < 0:
        return f"serves nobody within the plan: it waits for {waits_for or 'a remedy that is not bought'}"
    late = f", once {waits_for} stands too" if waits_for else ""
    if people == 0:
        return f"needed by other lines in {where}; serves from {serves_from}{late}"
    return f"{people:,} more people served in {where} from {serves_from}{late}"

"""Funds, floors, targets, crews; who pays."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.array_types import Texts
from phusong.errors import Problem, nearest_name
from phusong.io.resources import table

__all__ = [
    "CLASSES",
    "LEVELS",
    "NO_FUND",
    "SECTORS",
    "SHARING_KINDS",
    "Fund",
    "Rules",
    "accountable",
    "fund_names",
    "fund_of_level",
    "known_kinds",
    "rule_problems",
    "sectors",
    "unpayable_problems",
]

CLASSES = (0, 1, 2, 3)
"""Remoteness of communes: urban, rural, remote, very remote."""

LEVELS = ("central", "provincial", "commune", "operator", "universal_service", "utility")
"""Whose money a fund is."""

_STAGES = ("planned", "allocated", "disbursed")


@dataclass(frozen=True)
class Fund:
    """Money of one purse, by year.

    Parameters
    ----------
    name, level, accountable : str
        What it is called, whose it is (``LEVELS``), and who answers for it (empty: by the kind of remedy).
    planned_musd, allocated_musd, disbursed_musd : tuple of float
        Money by year from the first year of the plan: as planned, as allocated, as paid out. [million USD]
    kinds : tuple of str
        Kinds of remedies that it may pay for; empty: all.
    classes : tuple of int
        Remoteness classes of the communes that it may pay in.
    policies : tuple of str
        Sharing policies under which it may pay; empty: all.
    lag_years : int
        Years from a budget year to works paid by it.
    carry_over : bool
        Whether what is left at a year's end may be spent later.
    """

    name: str
    level: str
    planned_musd: tuple[float, ...] = ()
    allocated_musd: tuple[float, ...] = ()
    disbursed_musd: tuple[float, ...] = ()
    kinds: tuple[str, ...] = ()
    classes: tuple[int, ...] = CLASSES
    policies: tuple[str, ...] = ()
    lag_years: int = 0
    carry_over: bool = False
    accountable: str = ""

    def budget(self, stage: str, years: int) -> npt.NDArray[np.float64]:
        """Return the money of a stage (planned, allocated, disbursed) by budget year; 0 where none is named."""
        named = np.asarray(getattr(self, f"{stage}_musd"), np.float64)[:years]
        return np.concatenate([named, np.zeros(years - named.size)])

    def available(self, stage: str, years: int) -> npt.NDArray[np.float64]:
        """Return the money by the year in which works can be paid, after the lag."""
        return np.concatenate([np.zeros(self.lag_years), self.budget(stage, years)])[:years]


@dataclass(frozen=True)
class Rules:
    """What a plan must obey, beside its budget.

    Parameters
    ----------
    funds : tuple of Fund
        Where the money comes from; empty: one budget, evenly over the years.
    money : str
        Which money counts: planned, allocated or disbursed.
    crews : mapping of str to int
        Most works of a kind a year.
    floor_share : tuple of float
        Least share of each commune's people served after the plan, by remoteness class.
    target_share, target_year
        The cheapest plan that serves this share of every commune by the end of this year; 0: no target.
    alternatives, alternatives_differ
        How many further plans, and which share of the money of each earlier one they spend otherwise.
    policy : str
        Sharing policy in force.
    """

    funds: tuple[Fund, ...] = ()
    money: str = "planned"
    crews: Mapping[str, int] = field(default_factory=dict)
    floor_share: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    target_share: float = 0.0
    target_year: int | None = None
    alternatives: int = 0
    alternatives_differ: float = 0.3
    policy: str = "none"

    @property
    def bind(self) -> bool:
        """Whether anything beside the budget limits the plan."""
        return bool(self.funds or self.crews or self.target_share > 0 or max(self.floor_share) > 0)


def known_kinds() -> tuple[str, ...]:
    """Return the kinds of remedies of geodata/sectors.csv."""
    return tuple(table("sectors")["kind"].astype(str))


def rule_problems(rules: Rules, *, first_year: int, years: int, shares_by_class: int = 0) -> list[Problem]:
    """Return everything that is wrong with rules, as far as it shows before the offers are known.

    Parameters
    ----------
    rules : Rules
        As asked.
    first_year, years : int
        When works begin, and over how many years.
    shares_by_class : int
        How many floors by class were given: none or four.
    """
    found: list[Problem] = []

    def wrong(what: str, column: str, value: object = None) -> None:
        found.append(Problem("invest", what, column=column, value=value))

    kinds = known_kinds()
    if shares_by_class not in {0, len(CLASSES)}:
        wrong(
            "must hold four shares, for the classes 0 to 3, or none", "floor_share_by_class", shares_by_class
        )
    if rules.target_year is not None and rules.target_share <= 0:
        wrong("needs invest.target_share: which share is to be served by then?", "target_year")
    if rules.target_share > 0 and rules.target_year is not None and rules.target_year < first_year:
        wrong(
            f"lies before first_year {first_year}: no works can end by then", "target_year", rules.target_year
        )
    if rules.target_share > 0 and max(rules.floor_share) > 0:
        wrong("is given beside floor_share: ask for one, the cheapest plan or the best one", "target_share")
    for kind, most in rules.crews.items():
        if kind not in kinds:
            wrong(f"is no kind of remedy{nearest_name(kind, kinds)}", "crews", kind)
        if most < 0:
            wrong("must be 0 or more works a year", f"crews.{kind}", most)
    for name, times in Counter(f.name for f in rules.funds).items():
        if times > 1:
            wrong(f"is the name of {times} funds; give each its own", "funds.name", name)
    plan_years = years if rules.target_year is None else max(rules.target_year - first_year + 1, 1)
    for fund in rules.funds:
        found += _fund_problems(fund, rules, kinds, plan_years)
    return found


def _fund_problems(fund: Fund, rules: Rules, kinds: Iterable[str], years: int) -> list[Problem]:
    found: list[Problem] = []

    def wrong(what: str, column: str, value: object = None) -> None:
        found.append(Problem(f"fund {fund.name!r}", what, column=column, value=value))

    if not fund.name.strip():
        wrong("must have a name", "name")
    for stage in _STAGES:
        amounts = getattr(fund, f"{stage}_musd")
        for year, amount in enumerate(amounts):
            if not (np.isfinite(amount) and amount >= 0):
                wrong(f"must be 0 or more (year {year + 1})", f"{stage}_musd", amount)
        if len(amounts) > years and rules.target_year is None:
            wrong(
                f"names {len(amounts)} years, the plan has {years}; raise invest.years or shorten the list",
                f"{stage}_musd",
            )
    for kind in fund.kinds:
        if kind not in kinds:
            wrong(f"is no kind of remedy{nearest_name(kind, kinds)}", "kinds", kind)
    if not fund.classes:
        wrong("must name at least one remoteness class of 0, 1, 2, 3", "classes")
    if fund.policies and rules.policy not in fund.policies:
        wrong(
            f"do not include the policy in force, {rules.policy}: it may pay for nothing; add it or leave the fund out",
            "policies",
            ", ".join(fund.policies),
        )
    money = getattr(fund, f"{rules.money}_musd")
    if not money:
        wrong(f"is missing, yet {rules.money} money is what counts (invest.money)", f"{rules.money}_musd")
    elif sum(money) > 0 and fund.available(rules.money, years).sum() <= 0:
        wrong(f"puts all its money after the plan's last year ({years} years)", "lag_years", fund.lag_years)
    return found


def unpayable_problems(rules: Rules, remedies: pd.DataFrame, remote: npt.NDArray[np.int64]) -> list[Problem]:
    """Return the funds that may pay for none of the remedies on offer.

    Parameters
    ----------
    rules : Rules
        As asked.
    remedies : DataFrame
        With `kind`.
    remote : ndarray of int, shape (n_remedies,)
        Remoteness class of the commune of each.
    """
    kind = remedies["kind"].to_numpy(str)
    found = []
    for fund in rules.funds:
        in_kind = np.isin(kind, fund.kinds) if fund.kinds else np.ones(kind.size, bool)
        if kind.size and not (in_kind & np.isin(remote, fund.classes)).any():
            offered = ", ".join(sorted(set(kind.tolist())))
            found.append(
                Problem(
                    f"fund {fund.name!r}",
                    f"may pay for none of the remedies on offer here ({offered}); widen kinds or classes, or leave it out",
                    column="kinds",
                    value=", ".join(fund.kinds) or "all",
                )
            )
    return found


SECTORS = ("power", "telecom", "transport", "sharing")
"""Power supply; masts and radio; transport of data; the opening of sites to others."""

SHARING_KINDS = frozenset({"open_passive", "open_mocn", "open_roaming", "roaming", "use_structure"})
"""Kinds of remedy that let one operator use what another built or would build."""

NO_FUND = "unassigned"
"""What stands for the fund of a line where the scenario names none: who pays is not known."""

_SECTOR_ELSE = "telecom"
_OWNER_ELSE = "operator of the site"


def sectors(kinds: Texts) -> Texts:
    """Return the sector of each kind of remedy (geodata/sectors.csv)."""
    known = table("sectors").set_index("kind")["sector"].astype(str).to_dict()
    return np.array([known.get(k, _SECTOR_ELSE) for k in kinds.tolist()], str)


def accountable(kinds: Texts, funds: Texts, rules: Rules) -> Texts:
    """Return who answers for each line: whom its fund names, or whom its kind of remedy does."""
    named = {f.name: f.accountable for f in rules.funds if f.accountable}
    known = table("sectors").set_index("kind")["accountable"].astype(str).to_dict()
    pairs = zip(kinds.tolist(), funds.tolist(), strict=True)
    return np.array([named.get(f, known.get(k, _OWNER_ELSE)) for k, f in pairs], str)


def fund_names(rules: Rules) -> Texts:
    """Return the names of the scenario's funds, in its order."""
    return np.array([f.name for f in rules.funds], str)


def fund_of_level(rules: Rules) -> dict[str, str]:
    """Return the level of each of the scenario's funds."""
    return {f.name: f.level for f in rules.funds}

"""Which sector a remedy belongs to, who answers for it, and which fund pays it where the scenario names none."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.invest.program.rules import Rules
from phusong.region.facts import table

__all__ = ["SECTORS", "accountable", "default_fund", "fund_names", "fund_of_level", "sectors"]

Strings = npt.NDArray[np.str_]

SECTORS = ("power", "telecom", "transport", "sharing")
"""Power supply; masts and radio; transport of data; the opening of sites to others."""

_ANY = "*"
_SECTOR_ELSE = "telecom"
_OWNER_ELSE = "operator of the site"


def sectors(kinds: Strings) -> Strings:
    """Return the sector of each kind of remedy (geodata/sectors.csv)."""
    known = table("sectors").set_index("kind")["sector"].astype(str).to_dict()
    return np.array([known.get(k, _SECTOR_ELSE) for k in kinds.tolist()], str)


def accountable(kinds: Strings, funds: Strings, rules: Rules) -> Strings:
    """Return who answers for each line: whom its fund names, or whom its kind of remedy does."""
    named = {f.name: f.accountable for f in rules.funds if f.accountable}
    known = table("sectors").set_index("kind")["accountable"].astype(str).to_dict()
    pairs = zip(kinds.tolist(), funds.tolist(), strict=True)
    return np.array([named.get(f, known.get(k, _OWNER_ELSE)) for k, f in pairs], str)


def default_fund(kinds: Strings) -> Strings:
    """Return the fund that pays each kind where the scenario names none (geodata/funds.csv)."""
    funds = table("funds")
    order = [(str(r.fund), set(str(r.kinds).split(";"))) for r in funds.itertuples()]
    return np.array([next(f for f, k in order if kind in k or _ANY in k) for kind in kinds.tolist()], str)


def fund_names(rules: Rules) -> Strings:
    """Return the names of the scenario's funds, in its order."""
    return np.array([f.name for f in rules.funds], str)


def fund_of_level(rules: Rules) -> dict[str, str]:
    """Return the level of each fund, of the scenario's or of the shipped ones."""
    if rules.funds:
        return {f.name: f.level for f in rules.funds}
    shipped: pd.DataFrame = table("funds")
    return dict(zip(shipped["fund"].astype(str), shipped["level"].astype(str), strict=True))

"""Which sector a remedy belongs to, who answers for it, and from which funds the scenario pays."""

import numpy as np
import numpy.typing as npt

from phusong.invest.program.rules import Rules
from phusong.region.facts import table

__all__ = ["NO_FUND", "SECTORS", "SHARING_KINDS", "accountable", "fund_names", "fund_of_level", "sectors"]

Strings = npt.NDArray[np.str_]

SECTORS = ("power", "telecom", "transport", "sharing")
"""Power supply; masts and radio; transport of data; the opening of sites to others."""

SHARING_KINDS = frozenset({"open_passive", "open_mocn", "open_roaming", "roaming", "use_structure"})
"""Kinds of remedy that let one operator use what another built or would build."""

NO_FUND = "unassigned"
"""What stands for the fund of a line where the scenario names none: who pays is not known."""

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


def fund_names(rules: Rules) -> Strings:
    """Return the names of the scenario's funds, in its order."""
    return np.array([f.name for f in rules.funds], str)


def fund_of_level(rules: Rules) -> dict[str, str]:
    """Return the level of each of the scenario's funds."""
    return {f.name: f.level for f in rules.funds}

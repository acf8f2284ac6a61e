"""Who pays for a remedy under a sharing policy: operators, the power utility, the universal service fund."""

from collections.abc import Mapping, Sequence

from phusong.service.sharing import operator_cost

__all__ = ["FUND", "ITEM_OF_KIND", "UTILITY", "payers", "payers_text"]

UTILITY = "power utility"
FUND = "universal service fund"
ITEM_OF_KIND: Mapping[str, str] = {
    "build_site": "site_build", "use_structure": "site_rental", "open_passive": "installation", "add_radio": "equipment",
    "open_mocn": "operation", "open_roaming": "operation", "battery_backup": "power", "solar_backup": "power",
    "diesel_backup": "power", "extend_grid": "power", "feeder": "power", "fibre_link": "backhaul",
    "fibre_route": "backhaul", "microwave_link": "backhaul", "satellite_link": "backhaul", "satellite_terminal": "backhaul",
    "mobile_bts": "equipment", "roaming": "operation", "generator": "power",
}  # fmt: skip
"""Item of :func:`phusong.service.sharing.operator_cost` that a kind of remedy is."""
_OF_THE_UTILITY = frozenset({"extend_grid", "feeder"})


def payers(
    kind: str, policy: str, operators: Sequence[str], builder: str, *, fund_share: float = 0.0
) -> dict[str, float]:
    """Return who pays which share of a remedy; the shares sum to 1.

    Parameters
    ----------
    kind : str
        Of the remedy.
    policy : str
        Sharing policy in force: what it divides is divided evenly among the operators.
    operators : sequence of str
        All of them.
    builder : str
        Who buys it where nothing is divided.
    fund_share : float
        Part that the universal service fund takes over first.

    Examples
    --------
    >>> payers("build_site", "passive", ["viettel", "vinaphone"], "viettel")
    {'viettel': 0.5, 'vinaphone': 0.5}
    >>> payers("add_radio", "passive", ["viettel", "vinaphone"], "viettel", fund_share=0.25)
    {'universal service fund': 0.25, 'viettel': 0.75}
    """
    if kind in _OF_THE_UTILITY:
        return {UTILITY: 1.0}
    rest = 1.0 - fund_share
    out = {FUND: fund_share} if fund_share > 0.0 else {}
    each = operator_cost(policy, {ITEM_OF_KIND[kind]: rest}, len(operators))
    if each < rest or len(operators) == 1:
        out |= dict.fromkeys(operators, each)
    elif rest > 0.0:
        out[builder] = rest
    return out


def payers_text(shares: Mapping[str, float]) -> str:
    """Return shares as one cell of a table.

    Examples
    --------
    >>> payers_text({"viettel": 0.5, "vinaphone": 0.5})
    'viettel:0.5;vinaphone:0.5'
    """
    return ";".join(f"{who}:{share:.6g}" for who, share in shares.items())

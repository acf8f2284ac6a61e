"""Units of prices: a currency and what is paid for one of what, `VND/m` or `million VND per site and month`."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Price", "price_of", "usd_factor"]

_CURRENCIES = {
    "usd": "USD", "us$": "USD", "$": "USD", "dollar": "USD", "dollars": "USD", "đô la": "USD", "đô": "USD",
    "vnd": "VND", "vnđ": "VND", "đ": "VND", "₫": "VND", "đồng": "VND", "dong": "VND", "đong": "VND",
}  # fmt: skip
_TIMES = {
    "thousand": 1e3, "nghìn": 1e3, "ngàn": 1e3, "nghin": 1e3, "k": 1e3, "million": 1e6, "millions": 1e6, "mn": 1e6,
    "mio": 1e6, "mil": 1e6, "triệu": 1e6, "trieu": 1e6, "tr": 1e6, "billion": 1e9, "bn": 1e9, "tỷ": 1e9, "tỉ": 1e9, "ty": 1e9,
    "1000": 1e3, "1.000": 1e3, "1,000": 1e3, "10^3": 1e3, "1000000": 1e6, "1.000.000": 1e6, "1,000,000": 1e6, "10^6": 1e6,
}  # fmt: skip
# what is paid for: its kind, and how many of the catalogue's own unit (km, kW, kWh, year, piece) one of it is
_EACH: Mapping[str, tuple[str, float]] = {
    **dict.fromkeys(("km", "kilometre", "kilometer", "kilometres", "kilometers", "cây số"), ("length", 1.0)),
    **dict.fromkeys(("m", "metre", "meter", "metres", "meters", "mét", "met"), ("length", 1e-3)),
    **dict.fromkeys(("kw", "kwp", "kilowatt"), ("power", 1.0)),
    **dict.fromkeys(("w", "wp", "watt"), ("power", 1e-3)),
    **dict.fromkeys(("mw", "mwp", "megawatt"), ("power", 1e3)),
    **dict.fromkeys(("kwh",), ("energy", 1.0)),
    **dict.fromkeys(("wh",), ("energy", 1e-3)),
    **dict.fromkeys(("mwh",), ("energy", 1e3)),
    **dict.fromkeys(("year", "yr", "y", "annum", "years", "năm", "nam"), ("time", 1.0)),
    **dict.fromkeys(("quarter", "quý"), ("time", 1.0 / 4.0)),
    **dict.fromkeys(("month", "mo", "months", "tháng", "thang"), ("time", 1.0 / 12.0)),
    **dict.fromkeys(("week", "tuần"), ("time", 7.0 / 365.0)),
    **dict.fromkeys(("day", "ngày", "ngay"), ("time", 1.0 / 365.0)),
    **dict.fromkeys(
        (
            "site", "piece", "pc", "unit", "item", "each", "set", "mast", "tower", "station", "hop", "link", "terminal",
            "system", "transformer", "contract", "lot", "cái", "bộ", "trạm", "cột", "chiếc", "tuyến", "hệ thống",
        ),
        ("piece", 1.0),
    ),
}  # fmt: skip
_PER = re.compile(r"\s*/\s*|\s+(?:per|a|an|each|mỗi|một)\s+|\s*\*\s*|\s*·\s*|\s+and\s+")
_INVERSE = re.compile(r"\^-1|⁻¹")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True)
class Price:
    """What the unit of a price says.

    Parameters
    ----------
    currency : str
        ``USD`` or ``VND``.
    times : float
        How many of the currency one is.
    each : frozenset of str
        Kinds of what it is paid for: length, power, energy, time; pieces are left out.
    size : float
        How many of the catalogue's own units (km, kW, kWh, year) it is paid for.
    """

    currency: str
    times: float
    each: frozenset[str]
    size: float


def price_of(unit: str) -> Price | str:
    """Return what a unit says, or why it cannot be read.

    Examples
    --------
    >>> price_of("million VND/m").times
    1000000.0
    >>> price_of("EUR/km")
    "must begin with a currency known here, USD or VND ('EUR' is none)"
    """
    text = _SPACES.sub(" ", unicodedata.normalize("NFC", _INVERSE.sub("", str(unit))).strip())
    if not text or text.casefold() in ("nan", "none", "-"):
        return "is empty: give a currency and what one price is for"
    head, *parts = (part.strip() for part in _PER.split(text))
    money = _money(head)
    if money is None:
        return f"must begin with a currency known here, USD or VND ({head[:40]!r} is none)"
    each: list[str] = []
    size = 1.0
    for part in parts:
        found = _EACH.get(part.casefold())
        if found is None:
            return f"is per {part[:40]!r}, which is not known here (km, m, kW, W, kWh, year, month, site)"
        kind, one = found
        if kind in each:
            return f"names two of the same kind ({kind})"
        if kind != "piece":
            each.append(kind)
        size *= one
    return Price(money[0], money[1], frozenset(each), size)


def usd_factor(unit: str, shipped_unit: str, vnd_per_usd: float) -> float | str:
    """Return what a price in a unit is multiplied by to be in the shipped one, or why it cannot be.

    Parameters
    ----------
    unit, shipped_unit : str
        Of the planner's line and of the catalogue's.
    vnd_per_usd : float
        Rate of exchange.

    Examples
    --------
    >>> usd_factor("USD/m", "USD/km", 26000.0)
    1000.0
    >>> round(usd_factor("triệu đồng/tháng", "USD/year", 26000.0), 1)
    461.5
    """
    own, ours = price_of(unit), price_of(shipped_unit)
    if isinstance(own, str):
        return own
    if isinstance(ours, str):
        return ours
    if own.each != ours.each:
        return "cannot be converted"
    rate = vnd_per_usd if own.currency == "VND" else 1.0
    return own.times / rate * (ours.size / own.size)


def _money(head: str) -> tuple[str, float] | None:
    """Return currency and multiple of `VND`, `million VND`, `triệu đồng`, `1000 đ`, `VND million`."""
    folded = head.casefold()
    if folded in _CURRENCIES:
        return _CURRENCIES[folded], 1.0
    for name, currency in _CURRENCIES.items():
        for rest in (folded.removesuffix(name), folded.removeprefix(name)):
            if rest != folded and rest.strip() in _TIMES:
                return currency, _TIMES[rest.strip()]
    return None

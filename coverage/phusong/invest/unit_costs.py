"""Unit-cost catalogue, its units and figures."""

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.errors import Problem, in_digits, nearest_name, refuse
from phusong.io.limits import read_bytes
from phusong.io.resources import table

__all__ = [
    "LEVELS",
    "SCALES",
    "Price",
    "Span",
    "cost_catalogue",
    "energy_figure",
    "multiplier",
    "own_cost_notices",
    "price_of",
    "slope_multiplier",
    "usd_factor",
    "with_own_costs",
]

Span = tuple[float, float, float]
"""Low, base, high."""


@cache
def _energy() -> dict[str, Span]:
    rows = table("energy").to_dict("records")
    return {str(r["key"]): (float(r["low"]), float(r["base"]), float(r["high"])) for r in rows}


@cache
def _multipliers() -> dict[str, tuple[tuple[float, float, Span], ...]]:
    out: dict[str, tuple[tuple[float, float, Span], ...]] = {}
    for r in table("terrain_multipliers").to_dict("records"):
        span = float(r["low"]), float(r["base"]), float(r["high"])
        name = str(r["kind"])
        out[name] = (*out.get(name, ()), (float(r["least"]), float(r["below"]), span))
    return out


def energy_figure(key: str) -> Span:
    """Return low, base and high of a line of geodata/energy.csv."""
    return _energy()[key]


def multiplier(kind: str, value: float) -> tuple[int, Span]:
    """Return the class that a value falls in, and its multipliers, by geodata/terrain_multipliers.csv.

    Parameters
    ----------
    kind : str
        `ground` (value: slope in degrees), `haul` or `fuel` (value: remoteness class).
    value : float
        Beyond the last class it counts as in the last.
    """
    rows = _multipliers()[kind]
    at = next((k for k, (_, below, _) in enumerate(rows) if value < below), len(rows) - 1)
    return at, rows[at][2]


def slope_multiplier(slope_deg: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return what works on ground of these slopes cost over flat ground.

    Examples
    --------
    >>> slope_multiplier([2.0, 25.0]).tolist()
    [1.0, 1.28]
    """
    rows = _multipliers()["ground"]
    at = np.clip(
        np.digitize(np.asarray(slope_deg, np.float64), [least for least, _, _ in rows]) - 1, 0, len(rows) - 1
    )
    return np.asarray(np.array([span[1] for _, _, span in rows])[at], np.float64)


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


LEVELS = ("low", "base", "high")
SCALES = ("ground", "haul", "fuel")
"""What multiplies an item: the slope of the ground, the carriage to a remote place, the carriage of fuel."""
_NEEDED = ("item", *LEVELS, "unit", "life_years")
_LONGEST_LIFE = 100
_SAID = ("definition", "as_of", "source", "sureness", "scales")
_TOLD_OFF, _REFUSED_OFF = 10.0, 300.0  # times the shipped price, or that part of it

_GAP = re.compile(r"(?<=[0-9]) (?=[0-9]{3}(?![0-9]))")
_PLAIN = re.compile(r"[+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_TWO_WAYS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_GROUPED = {
    ",": re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?"),
    ".": re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]*)?"),
}


def cost_catalogue() -> pd.DataFrame:
    """Return the shipped unit costs: item, low, base, high [USD], unit, life_years, definition, as_of, source, …"""
    return table("costs")


def with_own_costs(path: str | Path, *, vnd_per_usd: float) -> pd.DataFrame:
    """Return the shipped catalogue with the items of a planner's own file in place of the shipped ones.

    Parameters
    ----------
    path : path
        A delimited file with item, low, base, high, unit, life_years; definition, as_of, source and sureness where
        known. Every line says its own unit, a currency and what one price is for; it is converted to the unit of the
        shipped line.
    vnd_per_usd : float
        Rate at which lines in VND are converted.

    Raises
    ------
    InputError
        With every problem of the file.
    """
    return _read_own(path, vnd_per_usd)[0]


def own_cost_notices(path: str | Path, *, vnd_per_usd: float) -> list[str]:
    """Return a sentence for each price of a planner's own file that is far from the shipped one.

    Parameters and errors are those of :func:`with_own_costs`.
    """
    return _read_own(path, vnd_per_usd)[1]


def _read_own(path: str | Path, vnd_per_usd: float) -> tuple[pd.DataFrame, list[str]]:
    file = Path(path)
    from phusong.region.read.table import read_text_table  # noqa: PLC0415 - only own costs are read from a file

    own = read_text_table(read_bytes(file), file.name, known=_NEEDED).frame
    missing = [c for c in _NEEDED if c not in own.columns]
    refuse(Problem(file.name, f"has no column {c}; it needs {', '.join(_NEEDED)}") for c in missing)
    refuse([] if len(own) else [Problem(file.name, "holds no prices below its headings")])
    shipped = cost_catalogue()
    lines = [
        _Line.read(row, n, file.name, shipped, vnd_per_usd) for n, row in enumerate(_texts(own), start=1)
    ]
    twice: set[str] = set()
    problems: list[Problem] = []
    for line in lines:
        if line.item in twice and not line.unknown:
            problems.append(Problem(file.name, "is listed twice: keep one line", line.row, "item", line.item))
        twice.add(line.item)
        problems += line.problems
    refuse(problems)
    out = shipped.copy()
    # a shipped table of whole numbers would refuse decimals: what is to hold them is made of floats
    for level in LEVELS:
        out[level] = out[level].astype("float64")
    place = {str(item): k for k, item in enumerate(out["item"])}
    columns = {c: out[c].tolist() for c in out.columns}
    for line in lines:
        k = place[line.item]
        for name, value in line.cells(file.name).items():
            if name in columns:
                columns[name][k] = value
    made = pd.DataFrame(columns)
    for level in LEVELS:
        made[level] = made[level].astype("float64")
    made["life_years"] = made["life_years"].astype("int64")
    return made, [told for line in lines for told in line.notices(file.name)]


def _texts(own: pd.DataFrame) -> list[dict[str, str]]:
    """Return the rows as stripped text; nothing where nothing stands."""
    found = own.astype(object).where(own.notna(), "")
    return [{str(c): str(v).strip() for c, v in row.items()} for row in found.to_dict("records")]


@dataclass(frozen=True)
class _Line:
    """One line of a planner's own table, in the unit of the shipped one."""

    row: int
    item: str
    given: dict[str, str]
    usd: dict[str, float]
    life_years: int
    unit: str
    shipped_base: float
    problems: tuple[Problem, ...] = ()
    unknown: bool = False

    @classmethod
    def read(
        cls, row: dict[str, str], n: int, where: str, shipped: pd.DataFrame, vnd_per_usd: float
    ) -> "_Line":
        """Return a line, with all that is wrong with it."""
        items = shipped["item"].astype(str).tolist()
        item = row["item"]
        if item not in items:
            wrong = Problem(where, f"is no item of the catalogue{nearest_name(item, items)}", n, "item", item)
            return cls(n, item, row, {}, 0, "", 0.0, (wrong,), unknown=True)
        ours = shipped.iloc[items.index(item)]
        problems: list[Problem] = []
        values: dict[str, float] = {}
        for column in (*LEVELS, "life_years"):
            number = _number(row[column])
            if isinstance(number, str):
                problems.append(Problem(where, number, n, column, row[column]))
            else:
                values[column] = number
        problems += _order_problems(values, row, n, where)
        problems += _life_problems(values, row, n, where, item, running=int(ours["life_years"]) == 0)
        for word in row.get("scales", "").split(";"):
            if word.strip() and word.strip() not in SCALES:
                told = f"must be of {', '.join(SCALES)}, separated by semicolons"
                problems.append(Problem(where, told, n, "scales", row["scales"]))
        factor = usd_factor(row["unit"], str(ours["unit"]), vnd_per_usd)
        if isinstance(factor, str):
            told = f"{factor}; {item} is counted in {ours['unit']}: write e.g. {_examples(str(ours['unit']))}"
            problems.append(Problem(where, told, n, "unit", row["unit"]))
            factor = 1.0
        usd = {c: values[c] * factor for c in LEVELS if c in values}
        base = float(ours["base"])
        # a price that far off is a unit or a mark of thousands misread, not a dear province
        off = 1.0 if problems or usd["base"] == 0.0 else usd["base"] / base
        if not 1.0 / _REFUSED_OFF < off < _REFUSED_OFF:
            told = (
                f"{row['unit']} is {usd['base']:,.6g} {ours['unit']}, {_times(off)} the shipped {base:,.6g}: "
                "look at the unit and at marks of thousands"
            )
            problems.append(Problem(where, told, n, "base", row["base"]))
        life = int(values.get("life_years", 0.0)) if not problems else 0
        return cls(n, item, row, usd, life, str(ours["unit"]), base, tuple(problems))

    def cells(self, where: str) -> dict[str, object]:
        """Return what takes the place of the shipped line's cells."""
        # no scale is a statement, no source is an omission
        said = {c: v for c, v in self.given.items() if c in _SAID and (v or c == "scales")}
        return {
            "source": f"own table {where}",
            **said,
            **self.usd,
            "unit": self.unit,
            "life_years": self.life_years,
        }

    def notices(self, where: str) -> list[str]:
        """Return that the price is far from the shipped one, if so."""
        base = self.usd["base"]
        if base == 0.0 or 1.0 / _TOLD_OFF < base / self.shipped_base < _TOLD_OFF:
            return []
        ours = f"the shipped {self.shipped_base:,.6g} {self.unit}"
        own = f"{self.item} at {base:,.6g} {self.unit}"
        return [f"{where} row {self.row}: {own} is {_times(base / self.shipped_base)} {ours}"]


def _order_problems(values: dict[str, float], row: dict[str, str], n: int, where: str) -> Iterator[Problem]:
    low, base, high = (values.get(c) for c in LEVELS)
    if base is None:
        return
    if (low is not None and low > base) or (high is not None and base > high):
        yield Problem(where, "must lie between low and high", n, "base", row["base"])


def _life_problems(
    values: dict[str, float], row: dict[str, str], n: int, where: str, item: str, *, running: bool
) -> Iterator[Problem]:
    life = values.get("life_years")
    if life is None:
        return
    if life > _LONGEST_LIFE or life % 1 > 0:
        told = f"must be whole years, {_LONGEST_LIFE} at most (0: a running cost)"
        yield Problem(where, told, n, "life_years", row["life_years"])
    elif (life == 0) != running:
        word = "a yearly running cost: life_years 0" if running else "bought: give its life in years"
        yield Problem(where, f"{item} is {word}", n, "life_years", row["life_years"])


def _number(text: str) -> float | str:
    """Return a number, 0 or more, or why it is none or might be two."""
    joined = _GAP.sub("", text.replace("\u00a0", " ").replace("\u202f", " "))
    if _TWO_WAYS.fullmatch(joined):
        plain = re.sub("[.,]", "", joined)
        small = f"{float(joined.replace(',', '.')):g}"
        return f"may be {small} or {int(plain):,}: write {plain} without marks of thousands, or {small}"
    if joined.count(",") > 1 or joined.count(".") > 1 or ("," in joined and "." in joined):
        mark = max(joined.rfind(","), joined.rfind("."))
        last = joined[mark]
        other = "," if last == "." else "."
        grouped = _GROUPED.get(last if joined.count(last) > 1 else other)
        if grouped is None or not grouped.fullmatch(joined):
            return "must be a number, 0 or more"
        joined = joined.replace(other, "") if joined.count(last) == 1 else joined.replace(last, "")
    joined = joined.replace(",", ".")
    if not _PLAIN.fullmatch(joined):
        return "must be a number, 0 or more"
    value = float(joined)
    return value if math.isfinite(value) and value >= 0.0 else "must be a number, 0 or more"


def _examples(unit: str) -> str:
    return ", ".join((unit, unit.replace("USD", "VND"), unit.replace("USD", "million VND")))


def _times(off: float) -> str:
    return f"{in_digits(off, 3)} times" if off >= 1.0 else f"1/{in_digits(1.0 / off, 3)} of"

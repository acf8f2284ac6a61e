"""The catalogue of unit costs: the shipped table, and a planner's own laid over it after a check."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from phusong.bounded import read_bytes
from phusong.errors import Problem, nearest_name, refuse
from phusong.invest.cost_units import usd_factor
from phusong.region.facts import table
from phusong.region.text_table import read_text_table

__all__ = ["LEVELS", "SCALES", "cost_catalogue", "own_cost_notices", "with_own_costs"]

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
    own = read_text_table(read_bytes(file), file.name, known=_NEEDED).frame
    missing = [c for c in _NEEDED if c not in own.columns]
    refuse(Problem(file.name, f"has no column {c}; it needs {', '.join(_NEEDED)}") for c in missing)
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
    return f"{off:,.3g} times" if off >= 1.0 else f"1/{1.0 / off:,.3g} of"

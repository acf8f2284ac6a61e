"""Numbers with their units written beside them: "30 m", "98 ft", "900 MHz"."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.region.read.encoding import fold
from phusong.region.read.headings import UNIT_WORDS, UNITS, convert
from phusong.region.read.values import Numbers, numbers_of

__all__ = ["Measures", "measures_of", "unit_meant"]

_MEASURE = re.compile(r"\s*([+\-−–]?[0-9](?:[0-9.,'’\s]*[0-9])?[.,]?)\s*([^\W\d_].*|[%°].*)", re.DOTALL)
_PLAIN = re.compile(r"\s*[+\-−–]?[0-9.,'’\s]+(?:[eE][+-]?[0-9]{1,3})?\s*")
_CASE_MATTERS = ("mW", "MW")  # a thousandth and a million of a watt
_SHOWN = 5


@dataclass(frozen=True)
class Measures:
    """A column in its own unit, and what its rows say of units.

    Parameters
    ----------
    numbers : Numbers
        In the column's unit.
    strange : ndarray of bool
        Where a unit stands that is none of the column's.
    bare : ndarray of bool
        Where no unit stands, while others of the column stand in another than the column's own.
    note : str
        Which units were read; empty: none stands there.
    """

    numbers: Numbers
    strange: npt.NDArray[np.bool_]
    bare: npt.NDArray[np.bool_]
    note: str = ""


def unit_meant(text: str, own: str) -> str:
    """Return the unit of a column that a text means; empty where it means none.

    Examples
    --------
    >>> unit_meant("feet", "m"), unit_meant("mét", "m"), unit_meant("MW", "dBm"), unit_meant("mW", "dBm")
    ('ft', 'm', '', 'mW')
    """
    known = (own, *UNITS.get(own, {}))
    exact = unicodedata.normalize("NFC", text.strip()).rstrip(".")
    if exact in known:
        return exact
    meant = UNIT_WORDS.get(fold(exact), "")
    return meant if meant in known and meant not in _CASE_MATTERS else ""


def measures_of(
    values: "pd.Series[Any]",
    own: str,
    *,
    stated: str = "",
    named: bool = False,
    whole: bool = False,
    least: float | None = None,
    most: float | None = None,
) -> Measures | None:
    """Return a column of text in its own unit where units stand beside numbers; None where none does.

    What a row says of its unit goes before what the heading or columns.toml says of all.

    Parameters
    ----------
    values : Series
        The column.
    own : str
        The unit of the schema.
    stated : str
        What the heading or columns.toml says; empty: nothing.
    named : bool
        Whether the heading is our own name of the column, which holds its unit.
    whole, least, most
        As for ``numbers_of``.

    Examples
    --------
    >>> measures_of(pd.Series(["30,5 m", "100 ft"]), "m").numbers.number.round(2).tolist()
    [30.5, 30.48]
    """
    if own not in UNITS or pd.api.types.is_numeric_dtype(values.dtype):
        return None
    text = values.astype("str").where(values.notna(), "")
    parts = [None if _PLAIN.fullmatch(t) else _MEASURE.fullmatch(t) for t in text]
    has = np.array([p is not None for p in parts], bool)
    if not has.any():
        return None
    words: Mapping[str, str] = {
        w: unit_meant(w, own) for w in {p.group(2).strip() for p in parts if p is not None}
    }
    unit = np.array(["" if p is None else words[p.group(2).strip()] for p in parts], object)
    strange = has & (unit == "")
    if not (has & ~strange).any():
        return None  # words, not units: whoever reads the column says what it thinks of them
    number = pd.Series(
        [t if p is None else p.group(1) for t, p in zip(text, parts, strict=True)], values.index
    )
    plain = all(u in {"", own} for u in unit) and stated in {"", own}
    read = numbers_of(
        number.mask(strange, ""),
        whole=whole and plain,
        least=least if plain else None,
        most=most if plain else None,
    )
    without = ~has & ~read.empty
    bare = without & (not named and not stated and any(u not in {"", own} for u in unit))
    unit = np.where(without, stated or own, unit)
    out = read.number.copy()
    for each in set(unit[~read.empty & ~strange].tolist()):
        mine = unit == each
        out[mine] = convert(out[mine], own, each)
    counts = pd.Series(unit[has & ~strange]).value_counts()
    told = ", ".join(f"{u} in {n} {'row' if n == 1 else 'rows'}" for u, n in counts.items())
    numbers = Numbers(
        np.where(strange | bare, np.nan, out), read.empty & ~strange, read.wrong, read.doubt, read.note
    )
    return Measures(numbers, strange, bare, f"units beside the numbers were read: {told}")

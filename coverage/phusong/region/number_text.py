"""Numbers as people write them: decimal commas, thousands marks, odd spaces and signs."""

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Numbers", "numbers_of"]

_NOTHING = ("", "nan", "na", "n/a", "none", "null", "<na>", "-")
_PLAIN = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?"
_THOUSANDS = r"[+-]?[1-9][0-9]{0,2}(?:\.[0-9]{3})+"
_ROUND = r"[+-]?[1-9][0-9]{0,2}\.000"
_THOUSANDS_COMMA = r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+"
_POINT_STYLE = r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]*)?"
_COMMA_STYLE = r"[+-]?(?:[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+)(?:,[0-9]*)?"
_MARKS = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "'": " ", "’": " ", "−": "-", "–": "-"})
_GAP = re.compile(r"(?<=[0-9]) (?=[0-9]{3}(?![0-9]))")


@dataclass(frozen=True)
class Numbers:
    """What a column of text says in numbers.

    Parameters
    ----------
    number : ndarray of float64
        NaN where nothing stands or nothing can be understood.
    empty, wrong : ndarray of bool
        Where nothing stands; where something stands that is no number.
    doubt : str
        Why the whole column was not understood; empty: it was.
    note : str
        What was converted; empty: nothing.
    """

    number: npt.NDArray[np.float64]
    empty: npt.NDArray[np.bool_]
    wrong: npt.NDArray[np.bool_]
    doubt: str = ""
    note: str = ""


def numbers_of(
    column: "pd.Series[Any]", *, whole: bool = False, least: float | None = None, most: float | None = None
) -> Numbers:
    """Return a column in numbers, whatever mark it has for decimals and thousands.

    A mark that may be read in two ways is settled by the other values of the column, by its limits, and by whether
    it holds whole numbers; what is still in doubt is not guessed.

    Parameters
    ----------
    column : Series
        Numbers, or text.
    whole : bool
        Whether only whole numbers make sense.
    least, most : float, optional
        Limits, inclusive.

    Examples
    --------
    >>> numbers_of(pd.Series(["21,0285", "1.234,5"])).number.tolist()
    [21.0285, 1234.5]
    >>> numbers_of(pd.Series(["1,234"])).doubt[:28]
    'may be 1.234 or 1234: its co'
    """
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        values = column.to_numpy(np.float64, na_value=np.nan)
        empty = np.isnan(values)
        return Numbers(values, empty, ~empty & ~np.isfinite(values))
    raw = column.astype("str").fillna("")
    raw = raw.where(column.notna().to_numpy(), "")
    empty = raw.str.strip().str.lower().isin(_NOTHING).to_numpy(bool)
    straight = _floats(raw.str.strip(), ~empty)
    fine = empty | np.isfinite(straight)
    if fine.all() and not (whole and raw.str.fullmatch(_THOUSANDS).any()):
        return Numbers(straight, empty, np.zeros(len(raw), bool), note=_round_thousands(raw, straight))
    bare = raw.str.translate(_MARKS).str.strip()
    closed = bare.map(lambda v: _GAP.sub("", v))
    read = _marked(closed, empty, whole=whole, least=least, most=most)
    odd = ~empty & ~np.isfinite(read.number) & (read.doubt == "")
    note = read.note or ("spaces between thousands were taken out" if (closed != bare).any() else "")
    return replace(read, wrong=read.wrong | odd, note=note)


def _round_thousands(raw: "pd.Series[str]", read: npt.NDArray[np.float64]) -> str:
    """Return what to say where every value looks like whole thousands as Vietnamese write them (20.000)."""
    there = raw.str.strip() != ""
    thousands = raw.str.strip().str.fullmatch(_ROUND)
    if not thousands.any() or not (thousands | ~there | raw.str.fullmatch(r"[0-9]+")).all():
        return ""
    at = int(np.flatnonzero(thousands.to_numpy(bool))[0])
    return f"{raw.iloc[at].strip()[:40]} was read as {read[at]:.12g}: the point is a decimal point; write thousands without one"


def _marked(
    raw: "pd.Series[str]",
    empty: npt.NDArray[np.bool_],
    *,
    whole: bool,
    least: float | None,
    most: float | None,
) -> Numbers:
    def fits(pattern: str) -> npt.NDArray[np.bool_]:
        return np.asarray(raw.str.fullmatch(pattern).to_numpy(bool) & ~empty)

    plain, point, comma = fits(_PLAIN), fits(_POINT_STYLE), fits(_COMMA_STYLE)
    wrong = ~(empty | plain | point | comma)
    as_point, as_comma = _read(raw, ",", plain | point), _read(raw, ".", comma)
    # a value is evidence when only one of the two styles can write it
    only_point = (plain | point) & ~comma
    only_comma = comma & ~(plain | point)
    both = (plain | point) & comma & (as_point != as_comma)
    if only_point.any() and only_comma.any():
        return Numbers(as_point, empty, wrong, f"mixes decimal points ({_first(raw, only_point)}) and decimal commas "
                       f"({_first(raw, only_comma)}): write all of it with decimal points")  # fmt: skip
    if both.any() and not (only_point.any() or only_comma.any()):
        return _settled(raw, empty, wrong, both, (as_point, as_comma), whole=whole, least=least, most=most)
    if only_comma.any():
        commas = bool(raw[only_comma].str.contains(",").any())
        note = (
            "decimal commas were read as decimal points"
            if commas
            else "points between thousands were taken out"
        )
        return Numbers(as_comma, empty, wrong, note=note)
    dots = both & fits(_THOUSANDS_COMMA)
    note = "commas between thousands were taken out" if dots.any() else ""
    return Numbers(as_point, empty, wrong, note=note)


def _settled(
    raw: "pd.Series[str]",
    empty: npt.NDArray[np.bool_],
    wrong: npt.NDArray[np.bool_],
    both: npt.NDArray[np.bool_],
    readings: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
    *,
    whole: bool,
    least: float | None,
    most: float | None,
) -> Numbers:
    """Choose between two readings of every value by the limits and by wholeness; say so when neither decides."""
    may = []
    for values in readings:
        found = values[both]
        inside = (least is None or bool((found >= least).all())) and (
            most is None or bool((found <= most).all())
        )
        may.append(inside and (not whole or bool((found % 1 == 0).all())))
    if not whole and not raw[both].str.contains(",").any():
        may = [True, False]  # 1.234 in a column of decimals: our own way of writing
    if may[0] != may[1]:
        chosen = 0 if may[0] else 1
        as_dots = bool(raw[both].str.contains(".", regex=False).any())
        kept = chosen == 0 and as_dots
        read = f"{_first(raw, both)} was read as {readings[chosen][both][0]:.12g}"
        note = "" if kept else f"{read}, and the rest alike"
        return Numbers(readings[chosen], empty, wrong, note=note)
    first = _first(raw, both)
    low, high = sorted(float(v[both][0]) for v in readings)
    doubt = f"may be {low:.12g} or {high:.12g}: its comma or point is a decimal or a thousands mark; write it in one way only"
    return Numbers(np.where(both, np.nan, readings[0]), empty, wrong, doubt=f"{doubt} ({first})")


def _read(raw: "pd.Series[str]", thousands: str, where: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    text = raw.str.replace(thousands, "", regex=False)
    if thousands == ".":
        text = text.str.replace(",", ".", regex=False)
    return _floats(text, where)


def _floats(text: "pd.Series[str]", where: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return the nearest floats of plain numbers; not a number elsewhere. Pandas' own parser is off by a bit at times."""
    plain = where & text.str.fullmatch(_PLAIN).to_numpy(bool)
    out = np.full(len(text), np.nan)
    chosen = pa.array(text[plain].str.removeprefix("+").to_numpy(object), pa.string())
    out[plain] = pc.cast(chosen, pa.float64()).to_numpy(zero_copy_only=False)
    return out


def _first(raw: "pd.Series[str]", where: npt.NDArray[np.bool_]) -> str:
    return str(raw[where].iloc[0])[:40]

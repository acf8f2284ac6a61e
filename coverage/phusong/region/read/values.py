"""Typed values; numbers as people write them."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from phusong.errors import Notice, Problem, nearest_name, plural
from phusong.region.read.encoding import fold
from phusong.region.read.headings import UNIT_WORDS, UNITS, convert
from phusong.region.schema import LAYERS, LayerColumn

__all__ = [
    "Measures",
    "Numbers",
    "as_in_a_file",
    "completed",
    "first_rows",
    "measures_of",
    "numbers_of",
    "typed",
    "unit_meant",
]

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


SHOWN = 20
"""Rows told of one problem in one column; the rest is counted."""

_YES = ("true", "1", "1.0", "yes", "y", "t", "co", "x")
_NO = ("false", "0", "0.0", "no", "n", "f", "khong")
_WORDS_TOLD = 20
_DATE = re.compile(
    r"\s*(?:(?P<a>\d{4})[-/.]\d{1,2}(?:[-/.]\d{1,2})?|\d{1,2}[-/.](?:\d{1,2}[-/.])?(?P<b>\d{4}))(?:[ T].*)?\s*"
)
_NAMED = 5  # rows named in one notice
_EXACT = 2.0**53  # above it a float is no longer every whole number


def typed(frame: Any, layer: str, where: str) -> tuple[Any, list[Problem], list[Notice]]:  # noqa: ANN401
    """Return a frame with the layer's columns in its types and order, what cannot be typed, and what was changed.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        Columns as the schema names them, of any type; other columns stay behind them.
    layer, where : str
        Which layer; the file's name for problems.
    """
    problems: list[Problem] = []
    notices: list[Notice] = []
    out = frame.copy()
    for column in LAYERS[layer]:
        if column.name in out.columns:
            values, wrong, changed = _READERS[column.kind](out[column.name], column, where)
            problems += wrong
            notices += changed
            out[column.name] = values
        elif column.default is None:
            hint = nearest_name(column.name, [str(c) for c in out.columns])
            problems.append(Problem(where, f"is missing ({column.meaning}){hint}", column=column.name))
        else:
            out[column.name] = pd.Series(column.default, index=out.index, dtype=_DTYPES[column.kind])
    first = [c.name for c in LAYERS[layer] if c.name in out.columns]
    rest = [c for c in out.columns if c not in first and c != "geometry"]
    place = ["geometry"] if "geometry" in out.columns else []
    return out[[*first, *rest, *place]], problems, notices


def completed(frame: Any, layer: str) -> Any:  # noqa: ANN401
    """Return a frame with the columns it lacks that have a default; the frame itself when it lacks none."""
    absent = {
        c.name: pd.Series(c.default, index=frame.index, dtype=_DTYPES[c.kind])
        for c in LAYERS[layer]
        if c.default is not None and c.name not in frame.columns
    }
    return frame.assign(**absent) if absent else frame


def as_in_a_file(frame: Any) -> Any:  # noqa: ANN401
    """Return a frame whose shapes hold what a file holds: the frame itself when they do already.

    A shape in memory may carry a precision model, which no format keeps and which every later operation obeys: without
    it gone, a region just built and the same region read give other results.
    """
    shapes = frame.geometry.to_numpy()
    if not (shapely.get_precision(shapes) > 0).any():
        return frame
    # the points themselves stay where they are
    return frame.set_geometry(shapely.set_precision(shapes, 0.0, mode="pointwise"), crs=frame.crs)


def first_rows(
    bad: npt.NDArray[np.bool_], values: "pd.Series[Any] | None", where: str, column: str, what: str
) -> list[Problem]:
    """Return a problem for each of the first bad rows, and one that counts the rest."""
    rows = np.flatnonzero(bad)
    found = [
        Problem(where, what, int(i) + 1, column, None if values is None else values.iloc[i])
        for i in rows[:SHOWN]
    ]
    if len(rows) > SHOWN:
        told = f"and {plural(len(rows) - SHOWN, 'more row')} with this problem"
        more = tuple(int(i) + 1 for i in rows[SHOWN:])
        found.append(Problem(where, told, column=column, rows=more, why=what))
    return found


def _text(
    values: "pd.Series[Any]", column: LayerColumn, where: str
) -> tuple["pd.Series[Any]", list[Problem], list[Notice]]:
    notices: list[Notice] = []
    plain = _composed(_as_text(values))
    bare = plain.str.strip()
    moved = int((bare != plain).sum())
    if moved:
        notices.append(Notice(where, "spaces around the text were taken off", column.name, moved))
    if column.digits:
        short = bare.str.fullmatch(rf"\d{{1,{column.digits - 1}}}").to_numpy(bool)
        if short.any():
            bare = bare.where(~short, bare.str.zfill(column.digits))
            notices.append(
                Notice(
                    where,
                    f"leading zeros were put back: {column.digits} digits",
                    column.name,
                    int(short.sum()),
                )
            )
    if column.among:
        bare, changed = _worded(bare, column)
        if changed:
            notices.append(Notice(where, changed, column.name))
    return bare, [], notices


def _composed(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return text in which each accented letter is one character, so that equal names are equal."""
    text = pa.array(values, pa.large_string(), from_pandas=True)
    if pc.all(pc.string_is_ascii(text)).as_py():
        return values
    strange = [v for v in values.unique() if not unicodedata.is_normalized("NFC", v)]
    return values.replace({v: unicodedata.normalize("NFC", v) for v in strange}) if strange else values


def _as_text(values: "pd.Series[Any]") -> "pd.Series[Any]":
    if pd.api.types.is_float_dtype(values.dtype):
        numbers = values.to_numpy(np.float64, na_value=np.nan)
        known = numbers[~np.isnan(numbers)]
        # a code that was read as a number, e.g. 8.0 beside an empty one
        if known.size and (np.abs(known) < _EXACT).all() and (known % 1 == 0).all():
            return pd.Series(
                ["" if np.isnan(v) else str(int(v)) for v in numbers], index=values.index, dtype="str"
            )
    empty = values.isna().to_numpy(bool)
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    return values.astype("str").where(~empty, "").astype("str")


def _worded(values: "pd.Series[Any]", column: LayerColumn) -> tuple["pd.Series[Any]", str]:
    """Return allowed words for other spellings and synonyms of them, and for nothing the default."""
    known = {fold(w): w for w in column.among if w} | {fold(k): v for k, v in column.words.items()}
    change: dict[str, str] = {}
    for word in values[~values.isin(column.among)].unique()[:1000]:
        if word == "" and column.default is not None:
            change[word] = str(column.default)
        elif fold(word) in known:
            change[str(word)] = known[fold(word)]
        elif column.rest and word.strip():
            change[str(word)] = column.rest
    if not change:
        return values, ""
    counts = values.value_counts()
    told = "; ".join(
        f"{k or '(empty)'} was read as {v} ({plural(int(counts[k]), 'row')})"
        for k, v in list(change.items())[:_WORDS_TOLD]
    )
    told += f"; {plural(len(change) - _WORDS_TOLD, 'more word')}" if len(change) > _WORDS_TOLD else ""
    return values.replace(change), told


def _numbers(
    values: "pd.Series[Any]", column: LayerColumn, where: str
) -> tuple["pd.Series[Any]", list[Problem], list[Notice]]:
    whole = column.kind == "whole"
    notices: list[Notice] = []
    if column.unit == "year":
        values, dates = _years(values)
        if dates:
            notices.append(Notice(where, "dates were read as their years", column.name, dates))
    read = numbers_of(values, whole=whole, least=column.least, most=column.most)
    if read.doubt:
        return (
            pd.Series(np.nan, index=values.index),
            [Problem(where, read.doubt, column=column.name)],
            notices,
        )
    filled = read.number if column.default is None else np.where(read.empty, column.default, read.number)
    bad = read.wrong | ~np.isfinite(filled)
    problems = first_rows(bad, values, where, column.name, f"is no number ({column.meaning})")
    notices += [Notice(where, read.note, column.name)] if read.note else []
    if column.default is not None and read.empty.any():
        notices.append(_filled(read.empty, where, column.name, f"{column.default:g}"))
    if not whole:
        return (
            pd.Series(np.where(bad, np.nan, filled), index=values.index, dtype="float64"),
            problems,
            notices,
        )
    broken = ~bad & ((filled % 1 != 0) | (np.abs(filled) > _EXACT))
    problems += first_rows(broken, values, where, column.name, f"is no whole number ({column.meaning})")
    if (bad | broken).any():
        return pd.Series(np.where(bad | broken, np.nan, filled), index=values.index), problems, notices
    return pd.Series(filled.astype(np.int64), index=values.index), problems, notices


def _filled(empty: npt.NDArray[np.bool_], where: str, column: str, taken: str) -> Notice:
    """Return the notice of a column in which a default took the place of nothing, with the first of its rows."""
    rows = np.flatnonzero(empty)
    first = tuple(int(i) + 1 for i in rows[:_NAMED])
    return Notice(where, f"nothing stood there: {taken} was taken", column, len(rows), first)


def _years(values: "pd.Series[Any]") -> tuple["pd.Series[Any]", int]:
    """Return years where a column holds dates, and how many did."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return values.dt.year, int(values.notna().sum())
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values, 0
    found = values.astype("str").map(_DATE.fullmatch, na_action="ignore")
    dated = found.notna().to_numpy(bool)
    if not dated.any():
        return values, 0
    years = [m["a"] or m["b"] if isinstance(m, re.Match) else v for m, v in zip(found, values, strict=True)]
    return pd.Series(years, index=values.index, dtype=object), int(dated.sum())


def _flags(
    values: "pd.Series[Any]", column: LayerColumn, where: str
) -> tuple["pd.Series[Any]", list[Problem], list[Notice]]:
    if pd.api.types.is_bool_dtype(values.dtype) and not values.isna().any():
        return values.astype(bool), [], []
    words = _as_text(values).map(fold)
    empty = words.isin(["", "nan", "none"]).to_numpy(bool)
    yes, no = words.isin(_YES).to_numpy(bool), words.isin(_NO).to_numpy(bool)
    problems = first_rows(~(empty | yes | no), values, where, column.name, "must be true or false")
    taken = str(column.default).lower()
    notices = [_filled(empty, where, column.name, taken)] if empty.any() else []
    return (
        pd.Series(np.where(empty, bool(column.default), yes), index=values.index, dtype=bool),
        problems,
        notices,
    )


_DTYPES = {"text": "str", "number": "float64", "whole": "int64", "flag": "bool"}
_READERS = {"text": _text, "number": _numbers, "whole": _numbers, "flag": _flags}


_MEASURE = re.compile(r"\s*([+\-−–]?[0-9](?:[0-9.,'’\s]*[0-9])?[.,]?)\s*([^\W\d_].*|[%°].*)", re.DOTALL)
_BARE = re.compile(r"\s*[+\-−–]?[0-9.,'’\s]+(?:[eE][+-]?[0-9]{1,3})?\s*")
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
    parts = [None if _BARE.fullmatch(t) else _MEASURE.fullmatch(t) for t in text]
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

"""The columns of a layer as the schema types them: text, decimals, whole numbers, flags; defaults where nothing stands."""

import re
import unicodedata
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from phusong.errors import Problem, nearest_name
from phusong.region.names import fold
from phusong.region.notices import Notice
from phusong.region.number_text import numbers_of
from phusong.region.schema import LAYERS, Column

__all__ = ["as_in_a_file", "completed", "first_rows", "typed"]

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
        told = f"and {len(rows) - SHOWN} more rows with this problem"
        more = tuple(int(i) + 1 for i in rows[SHOWN:])
        found.append(Problem(where, told, column=column, rows=more, why=what))
    return found


def _text(
    values: "pd.Series[Any]", column: Column, where: str
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


def _worded(values: "pd.Series[Any]", column: Column) -> tuple["pd.Series[Any]", str]:
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
        f"{k or '(empty)'} was read as {v} ({counts[k]} rows)" for k, v in list(change.items())[:_WORDS_TOLD]
    )
    told += f"; {len(change) - _WORDS_TOLD} more words" if len(change) > _WORDS_TOLD else ""
    return values.replace(change), told


def _numbers(
    values: "pd.Series[Any]", column: Column, where: str
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
    found = values.astype("str").map(_DATE.fullmatch)
    dated = found.notna().to_numpy(bool)
    if not dated.any():
        return values, 0
    years = [m["a"] or m["b"] if m is not None else v for m, v in zip(found, values, strict=True)]
    return pd.Series(years, index=values.index, dtype=object), int(dated.sum())


def _flags(
    values: "pd.Series[Any]", column: Column, where: str
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

"""What a layer's schema says of a table: every failure, as problems with row, column and value."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pandera.pandas as pa
import shapely

from phusong.errors import Problem, nearest_name
from phusong.region.read.values import first_rows, typed
from phusong.region.schema import LAYERS, SCHEMAS, LayerColumn

__all__ = ["schema_problems", "table_problems"]

_Teller = Callable[[Any, LayerColumn], str]


def table_problems(frame: pd.DataFrame, where: str, layer: str) -> list[Problem]:
    """Return what is wrong with a table by its layer's schema: columns, types, keys, limits, words, geometry.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        Columns as the schema names them.
    where, layer : str
        The file's name for the problems; which layer.
    """
    plain = frame.reset_index(drop=True)
    table, problems, _ = typed(plain, layer, where)
    return problems + schema_problems(table, where, layer)


def schema_problems(frame: pd.DataFrame, where: str, layer: str) -> list[Problem]:
    """Return what the schema says of a frame typed by it; parameters as above.

    What the typing itself finds (a missing column, a word where a number should be) is not said again.
    """
    table = pd.DataFrame(frame).reset_index(drop=True)
    schema = SCHEMAS[layer]
    there = [c for c in schema.columns if c in table.columns]
    if not there:
        return []
    try:
        schema.select_columns(there).validate(table[there], lazy=True)
    except pa.errors.SchemaErrors as errors:
        return _told(errors.failure_cases, table, where, layer)
    return []


def _told(failures: pd.DataFrame, table: pd.DataFrame, where: str, layer: str) -> list[Problem]:
    """Return failure cases in words, a screenful of each kind, in the order of the schema's columns."""
    columns = {c.name: c for c in LAYERS[layer]}
    problems: list[Problem] = []
    rows_known = failures[failures["index"].notna()]
    for (name, check), group in rows_known.groupby(["column", "check"], sort=False):
        word = str(check).split("(", maxsplit=1)[0]
        if word in _SAID_BY_TYPING:
            continue
        bad = np.zeros(len(table), bool)
        bad[group["index"].to_numpy(np.int64)] = True
        problems += _of_one_check(word, columns.get(str(name)), str(name), bad, table, where)
    order = {name: i for i, name in enumerate(SCHEMAS[layer].columns)}
    return sorted(problems, key=lambda p: order.get(str(p.column), 0))


def _of_one_check(
    word: str,
    column: LayerColumn | None,
    name: str,
    bad: npt.NDArray[np.bool_],
    table: pd.DataFrame,
    where: str,
) -> list[Problem]:
    values = table[name]
    if column is None:
        return _of_shapes(word, values, bad, where)
    if word == "field_uniqueness":
        return _of_duplicates(values, bad, where, name)
    found = []
    for problem in first_rows(bad, values, where, name, f"is not allowed ({column.meaning})"):
        if problem.row is None:
            found.append(problem)
            continue
        value = values.iloc[problem.row - 1]
        shown = f"{value:.12g}" if column.kind in {"number", "whole"} else value
        told = _WORDS[word](value, column) if word in _WORDS else f"is not allowed ({column.meaning})"
        found.append(Problem(where, told, problem.row, name, None if word == "not_blank" else shown))
    return found


def _of_duplicates(
    values: "pd.Series[Any]", bad: npt.NDArray[np.bool_], where: str, name: str
) -> list[Problem]:
    shared = values[values.duplicated(keep=False)]
    firsts: dict[str, int] = {}
    for row, value in zip(shared.index, shared, strict=True):
        firsts.setdefault(str(value), int(row) + 1)
    bad &= (values.str.strip() != "").to_numpy(bool)  # blank keys are told as such
    return [
        p
        if p.row is None
        else Problem(
            where, f"is a duplicate of row {firsts[str(p.value)]}; keys must differ", p.row, name, p.value
        )
        for p in first_rows(bad, values, where, name, "is a duplicate of another row; keys must differ")
    ]


def _of_shapes(word: str, values: "pd.Series[Any]", bad: npt.NDArray[np.bool_], where: str) -> list[Problem]:
    if word == "has_shape":
        return first_rows(bad, None, where, "geometry", "has no geometry: it is missing, empty or not finite")
    found = []
    for problem in first_rows(bad, None, where, "geometry", "is a shape that cannot be used"):
        if problem.row is None:
            found.append(problem)
            continue
        one = values.iloc[problem.row - 1]
        if word == "valid_shape":
            told = f"is no valid shape ({shapely.is_valid_reason(one)[:60]}); mend it, e.g. with make valid in QGIS"
        else:
            told = f"is a {one.geom_type}, which this layer cannot use"
        found.append(Problem(where, told, problem.row, "geometry"))
    return found


def _below(value: Any, column: LayerColumn) -> str:  # noqa: ANN401
    least = column.least or 0.0
    word = "is negative" if value < 0 <= least else f"is below {least:g}"
    return f"{word} ({column.meaning})"


def _not_among(value: Any, column: LayerColumn) -> str:  # noqa: ANN401
    allowed = ", ".join(w or "(empty)" for w in column.among)
    return f"is not one of {allowed}{nearest_name(str(value), [w for w in column.among if w])}"


_SAID_BY_TYPING = {"not_nullable", "dtype", "column_in_dataframe", "finite"}
_WORDS: dict[str, _Teller] = {
    "greater_than_or_equal_to": _below,
    "less_than_or_equal_to": lambda _, column: f"is above {column.most:g} ({column.meaning})",
    "isin": _not_among,
    "not_blank": lambda _, _column: "is empty; every row needs a key",
    "str_matches": lambda _, column: f"is not written as expected ({column.meaning})",
}

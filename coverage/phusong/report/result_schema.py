"""What a result folder's tables, rasters and headline figures must be before anything is made of them."""

from collections.abc import Iterator, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from phusong.errors import Problem
from phusong.region.grid import Grid
from phusong.report.tables import FIGURES, TABLES, Column, Leaves

__all__ = ["book_problems", "grid_problems", "place_problems", "summary_problems", "table_problems"]

_MEASURES = ("_musd", "_m", "_km", "_share", "_year", "_people", "_per_musd", "_factor")
_REPEATS = frozenset({"sites", "plan"})  # a stranger's keys may repeat there without harm
_MOST = 1e15
_LONGEST_TEXT = 131_072
_YEARS = (1900, 2200)
_FARTHEST_M = 5e7
_SHAPES: Mapping[str, frozenset[str]] = {
    "communes": frozenset({"Polygon", "MultiPolygon"}),
    "sites": frozenset({"Point"}),
    "settlements": frozenset({"Point"}),
}
_FIGURE_KINDS = frozenset({"number", "whole"})


def table_problems(frame: pd.DataFrame, name: str, where: str) -> list[Problem]:
    """Return what is wrong with one table: columns missing or twice, values of another kind or beyond measure.

    Parameters
    ----------
    frame : DataFrame
        As it was read.
    name, where : str
        The table, as in :class:`phusong.report.folder.Result`; its file.
    """
    if frame.columns.has_duplicates:
        return [Problem(where, "has two columns of one name")]
    table = TABLES[name]
    if frame.empty and not table.always:
        return []
    missing = [c for c in table.required if c not in frame.columns]
    if missing:
        return [Problem(where, f"lacks {', '.join(missing)}; make the result anew")]
    found = [p for c in frame.columns if c != "geometry" for p in _column(frame[c], str(c), name, where)]
    key = table.key[0] if table.strict and len(table.key) == 1 and name not in _REPEATS else ""
    if not found and key and frame[key].astype(str).duplicated().any():
        again = frame[key].astype(str)[frame[key].astype(str).duplicated()].iloc[0]
        found.append(Problem(where, "stands there twice; keys must differ", column=key, value=again))
    return found


def place_problems(frame: pd.DataFrame, name: str, where: str, grid: Grid) -> list[Problem]:
    """Return what is wrong with the places of a table: no shapes, of another kind, in another CRS, out of the world."""
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name != "geometry":
        return [Problem(where, "has no geometry column")]
    if frame.crs is None or not CRS(frame.crs).equals(CRS(grid.crs), ignore_axis_order=True):
        held = "none" if frame.crs is None else frame.crs.name
        return [Problem(where, f"is in another CRS than rsrp.tif ({grid.crs[:60]})", value=held)]
    shapes = frame.geometry.to_numpy()
    kinds = {g.geom_type for g in shapes if g is not None and not g.is_empty}
    if kinds - _SHAPES[name]:
        told = (
            f"holds {', '.join(sorted(kinds - _SHAPES[name]))}; expected {' or '.join(sorted(_SHAPES[name]))}"
        )
        return [Problem(where, told, column="geometry")]
    bounds = shapely.bounds(shapes)
    # a place that is withheld has none
    empty = shapely.is_empty(shapes) | shapely.is_missing(shapes)
    if (~empty & ~(np.abs(bounds) < _FARTHEST_M).all(axis=1)).any():
        return [Problem(where, "holds places that lie nowhere on Earth", column="geometry")]
    if name == "communes" and (empty.any() or not len(frame)):
        return [Problem(where, "holds no commune, or one without a shape", column="geometry")]
    return []


def grid_problems(grid: Grid, where: str) -> list[Problem]:
    """Return what is wrong with where the pixels are."""
    try:
        crs = CRS(grid.crs)
    except CRSError:
        return [Problem(where, "is in a CRS that is not known", value=grid.crs[:60])]
    if not crs.is_projected or crs.axis_info[0].unit_name not in {"metre", "meter"}:
        return [Problem(where, "is in no projected CRS in metres", value=crs.name)]
    sound = all(abs(v) < _FARTHEST_M for v in (*grid.bounds, grid.cell_m)) and grid.cell_m > 0
    return [] if sound else [Problem(where, "lies nowhere on Earth; its transform is broken")]


def book_problems(tables: Mapping[str, pd.DataFrame], codes: frozenset[str]) -> list[Problem]:
    """Return what contradicts another table in what there is to buy: a bundle's remedies, whom it serves.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        remedies, bundles, people_groups, bundle_groups; each sound by itself.
    codes : frozenset of str
        Of the communes.
    """
    remedies, bundles = tables["remedies"], tables["bundles"]
    groups, pairs = tables["people_groups"], tables["bundle_groups"]
    if bundles.empty:
        return []
    if remedies.empty:
        return [
            Problem("remedies.parquet", "is empty or missing, but bundles.parquet names what could be bought")
        ]
    known = set(remedies["remedy_id"].astype(str))
    for row, cell in enumerate(bundles["remedies"], start=1):
        if not isinstance(cell, str) or not set(cell.split(";")) <= known:
            return [
                Problem("bundles.parquet", "names what is not in remedies.parquet", row, "remedies", cell)
            ]
    found = []
    if not len(groups) or not len(pairs):
        found.append(
            Problem("bundle_groups.parquet", "and people_groups.parquet must hold whom the bundles serve")
        )
        return found
    if not set(groups["commune_code"].astype(str)) <= codes:
        found.append(Problem("people_groups.parquet", "names communes that are not in communes.parquet"))
    for column, most in (("bundle", len(bundles)), ("group", len(groups))):
        number = pairs[column].to_numpy(np.float64)
        if ((number < 0) | (number >= most) | (number % 1 != 0)).any():
            told = f"goes beyond the {most:,} there are (counted from 0)"
            found.append(Problem("bundle_groups.parquet", told, column=column))
    if not found and (np.diff(pairs["bundle"].to_numpy(np.int64)) < 0).any():
        found.append(Problem("bundle_groups.parquet", "is not in the order of bundles", column="bundle"))
    return found


def summary_problems(summary: object, origin: object) -> list[Problem]:
    """Return what is wrong with the headline figures and the provenance."""
    if not isinstance(summary, dict):
        return [Problem("summary.json", "is no table of figures")]
    if not isinstance(origin, dict):
        return [Problem("provenance.json", "is no table of what the result is made of")]
    found = list(_figures(summary, ""))
    for name in ("plan", "currency", "readiness"):
        part = summary.get(name)
        if part is not None and not isinstance(part, dict):
            found.append(Problem("summary.json", "is no table of figures", column=name))
        elif part:
            found += _figures(part, f"{name}.")
    seed = origin.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        found.append(Problem("provenance.json", "is no whole number from 0", column="seed", value=seed))
    for name in ("inputs_sha256", "inputs", "packages"):
        if not isinstance(origin.get(name) or {}, dict):
            found.append(Problem("provenance.json", "is no table of names", column=name))
    return found


def _figures(values: Mapping[str, Any], group: str) -> Iterator[Problem]:
    """Yield what is wrong with the figures of a group: numbers that are none, text that is none."""
    for figure in FIGURES.values():
        inside, _, name = figure.name.rpartition(".")
        value = values.get(name)
        if value is None or inside != group.rstrip("."):
            continue
        if figure.kind == "text" and not isinstance(value, (str, list)):
            yield Problem("summary.json", "is no text", column=figure.name)
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _MOST
        if figure.kind in _FIGURE_KINDS and not good:
            yield Problem("summary.json", "is no finite number", column=figure.name, value=value)


def _column(values: "pd.Series[Any]", name: str, table: str, where: str) -> list[Problem]:
    told = ""
    bad = np.zeros(len(values), bool)
    number = pd.api.types.is_numeric_dtype(values.dtype)
    flag = pd.api.types.is_bool_dtype(values.dtype)
    column = TABLES[table].column(name) or _stranger(name)
    measure = column.kind in {"number", "whole", "year"}
    strict = TABLES[table].strict and column.required
    if values.isna().all() and not (strict and measure and not column.gaps):
        return []
    if column.kind in {"text", "words"}:
        words = column.kind == "words"
        told = "is no text" + (", nor a list of words" if words else "")
        bad = np.array([not _is_text(v, words=words) for v in values], bool)
    elif column.kind == "flag":
        told, bad = "is neither true nor false", np.full(len(values), not flag)
    elif measure:
        if not number or flag or values.dtype.kind == "c":
            return [Problem(where, f"holds {values.dtype}, not numbers", column=name)]
        told, bad = _beyond(values.to_numpy(np.float64, na_value=np.nan), column, strict=strict)
    elif not (number or flag or pd.api.types.is_datetime64_any_dtype(values.dtype)):
        told = "is neither a number nor text"
        bad = np.array(
            [not (_is_text(v, words=True) or isinstance(v, (bool, int, float))) for v in values], bool
        )
    if not bad.any():
        return []
    row = int(np.flatnonzero(bad)[0])
    return [
        Problem(where, f"{told} ({int(bad.sum()):,} such rows)", row + 1, name, str(values.iloc[row])[:80])
    ]


def _stranger(name: str) -> Column:
    """Return what a column that nobody declared must be, by its name: a later version may have added it."""
    measure = name.startswith(("people", "share_", "hours_lost")) or name.endswith(_MEASURES)
    kind = "number" if measure else "class"
    return Column(name, kind, "", "", Leaves.NEVER, endless=name.endswith("_per_musd"))


def _beyond(
    values: "np.ndarray[Any, np.dtype[np.float64]]", column: Column, *, strict: bool
) -> tuple[str, Any]:
    if column.kind == "year":
        wrong = ~((values >= _YEARS[0]) & (values <= _YEARS[1]) & (values % 1 == 0))
        return f"is no year from {_YEARS[0]} to {_YEARS[1]}", wrong
    with np.errstate(invalid="ignore"):
        wrong = np.abs(values) > _MOST
        if column.endless:
            wrong &= ~np.isposinf(values)  # what costs nothing
        if strict:
            wrong |= (values < 0) & (not column.signed)
            wrong |= np.isnan(values) & (not column.gaps)
    return "is missing, negative, or beyond any measure", wrong


def _is_text(value: object, *, words: bool) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_TEXT
    if words and isinstance(value, (list, np.ndarray)):
        return all(isinstance(v, str) and len(v) <= _LONGEST_TEXT for v in value)
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))

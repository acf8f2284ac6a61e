"""Registry of result tables: columns, units, meaning, disclosure.

Reading (`result_schema`), writing (`folder`), :class:`phusong.report.folder.Result`, redaction (`redact`), the page's tables,
the comments in a data base and docs/result-dictionary.md all derive from here. A new table or column is added here, in one line,
with the rule by which it leaves; what is not declared, or declared without a rule, is never part of a redacted result.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from phusong.errors import Problem
from phusong.region import Grid
from phusong.result import table_rows

__all__ = [
    "FIGURES",
    "GAP_PARTS",
    "PROVENANCE",
    "RASTERS",
    "SCENARIO_TEXTS",
    "TABLES",
    "Leaves",
    "ResultColumn",
    "ResultTable",
    "as_words",
    "book_problems",
    "comments",
    "grid_problems",
    "place_problems",
    "summary_problems",
    "table_problems",
    "undeclared",
]

GAP_PARTS = ("gap_no_signal", "gap_locked", "gap_unstable", "gap_congested")
"""Why people are not served, in the order the causes are tested."""


class Leaves(StrEnum):
    """By which rule a column or figure leaves the house."""

    PUBLIC = "public"
    COUNT = "count"
    PARTS = "parts"
    SHARE = "share"
    COARSE = "coarse"
    MONEY = "money"
    KEYS = "keys"
    PLACE = "place"
    DERIVED = "derived"
    REMADE = "remade"
    NEVER = "never"

    @property
    def meaning(self) -> str:
        """What the rule does, in a sentence."""
        return _MEANING[self]


_MEANING: Mapping[Leaves, str] = {
    Leaves.PUBLIC: "leaves as it is",
    Leaves.COUNT: "people: rounded to multiples of the least number shown, never to zero",
    Leaves.PARTS: "people: rounded together so that the parts still sum to the whole",
    Leaves.SHARE: "share of people: made anew from rounded counts",
    Leaves.COARSE: "rounded to two digits (hours: to whole hours)",
    Leaves.MONEY: "summed anew from the mean price of each kind of work",
    Leaves.KEYS: "names of works without the site they stand on",
    Leaves.PLACE: "places of hidden sites are moved to the middle of a square, or withheld",
    Leaves.DERIVED: "tells how far hidden places are: empty as soon as one site is hidden",
    Leaves.REMADE: "made anew from what is shown",
    Leaves.NEVER: "never leaves",
}


@dataclass(frozen=True)
class ResultColumn:
    """One column of a table.

    Parameters
    ----------
    name : str
        Of the column; ``*`` stands for any text, as in ``behind_*`` (a column for each operator).
    kind : str
        ``text``, ``words`` (text, or a list of it), ``flag``, ``number``, ``whole``, ``year``, ``class`` (number or text) or ``geometry``.
    unit, meaning : str
        For people.
    leaves : Leaves
        The rule by which it leaves the house.
    required : bool
        Whether a table that has rows must have it.
    gaps, signed, endless : bool
        Whether values may be missing, below zero, or infinite.
    """

    name: str
    kind: str
    unit: str
    meaning: str
    leaves: Leaves
    required: bool = False
    gaps: bool = False
    signed: bool = False
    endless: bool = False


@dataclass(frozen=True)
class ResultTable:
    """One table of a result.

    Parameters
    ----------
    name : str
        Field of :class:`phusong.report.folder.Result`.
    file : str
        Where it stands in the result folder.
    meaning : str
        One sentence.
    columns : tuple of ResultColumn
        In the order of the dictionary.
    key : tuple of str
        Columns whose values together tell the rows apart; may be empty.
    refers : mapping of str to str
        What other table's key a column names.
    always : bool
        Whether every result has it with all its required columns, however few its rows.
    strict : bool
        Whether its required numbers may be neither missing nor below zero unless the column says so.
    shown : tuple of str
        The columns that the page lists, in that order.
    """

    name: str
    file: str
    meaning: str
    columns: tuple[ResultColumn, ...]
    key: tuple[str, ...] = ()
    refers: Mapping[str, str] = field(default_factory=dict)
    always: bool = False
    strict: bool = False
    shown: tuple[str, ...] = ()

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The columns that a table with rows must have."""
        return tuple(c.name for c in self.columns if c.required)

    @property
    def leaves(self) -> bool:
        """Whether any column of it leaves the house."""
        return any(c.leaves is not Leaves.NEVER for c in self.columns)

    def column(self, name: str) -> ResultColumn | None:
        """Return the declaration of a column; None where nobody declared it."""
        if name in self._exact:
            return self._exact[name]
        return next((c for c in self.columns if "*" in c.name and fnmatchcase(name, c.name)), None)

    @cached_property
    def _exact(self) -> dict[str, ResultColumn]:
        return {c.name: c for c in self.columns if "*" not in c.name}


def undeclared(table: str, columns: Iterable[str]) -> list[str]:
    """Return what is written of a table without being declared, each with where a developer declares it.

    Parameters
    ----------
    table : str
        Its name, as in :class:`phusong.report.folder.Result`.
    columns : iterable of str
        Those it has.
    """
    where = "declare it in phusong/result/table_rows.py, with its meaning and the rule by which it leaves the house"
    if table not in TABLES:
        return [f"table {table} is not declared: {where}"]
    return [
        f"column {name} of table {table} is not declared: {where}"
        for name in map(str, columns)
        if TABLES[table].column(name) is None
    ]


def comments() -> dict[str, str]:
    """Return what each table means, by its name, and each column, by ``table.column``, with its unit.

    Examples
    --------
    >>> comments()["sites"], comments()["options.capex_musd"]
    ('what each site reaches and how it stands', 'of it, to build [million USD]')
    """
    found = {}
    for table in TABLES.values():
        found[table.name] = table.meaning
        for c in table.columns:
            found[f"{table.name}.{c.name}"] = f"{c.meaning} [{c.unit}]" if c.unit else c.meaning
    return {**found, "options.geometry": "centre of the people it serves"}


def _tables(text: str) -> dict[str, ResultTable]:
    found: dict[str, ResultTable] = {}
    for block in text.strip().split("\n\n"):
        head, *rows = block.splitlines()
        name, file, meaning, marks, key, refers, shown = _cells(head, 7)
        found[name] = ResultTable(
            name=name,
            file=file,
            meaning=meaning,
            columns=tuple(_column(row) for row in rows),
            key=tuple(key.split()),
            refers=dict(pair.split("=") for pair in refers.split()),
            always="always" in marks.split(),
            strict="strict" in marks.split() or "always" in marks.split(),
            shown=tuple(shown.split()),
        )
    return found


def _column(row: str) -> ResultColumn:
    name, kind, unit, leaves, meaning = _cells(row, 5)
    return ResultColumn(
        name=name.rstrip("!?-+"),
        kind=kind,
        unit=unit,
        meaning=meaning,
        leaves=Leaves(leaves),
        required="!" in name,
        gaps="?" in name,
        signed="-" in name,
        endless="+" in name,
    )


def _cells(row: str, count: int) -> list[str]:
    cells = [c.strip() for c in row.split("|")]
    if len(cells) != count:
        raise ValueError(f"{count} cells expected: {row}")
    return cells


TABLES: Mapping[str, ResultTable] = _tables(table_rows.TABLES)
"""Every table of a result by its name, in the order in which they are written."""

RASTERS: Mapping[str, ResultColumn] = {
    c.name: c for c in map(_column, table_rows.RASTERS.strip().splitlines())
}
"""Every raster of a result."""

FIGURES: Mapping[str, ResultColumn] = {
    c.name: c for c in map(_column, table_rows.FIGURES.strip().splitlines())
}
"""Every headline figure of summary.json; those inside a group are named ``group.figure``."""

PROVENANCE: Mapping[str, ResultColumn] = {
    c.name: c for c in map(_column, table_rows.PROVENANCE.strip().splitlines())
}
"""What provenance.json holds."""

SCENARIO_TEXTS = frozenset(table_rows.SCENARIO_TEXTS.split())
"""Keys of the scenario whose text leaves the house: one of a few known words, or made for readers. Numbers and flags leave too."""


def as_words(value: object) -> list[str]:
    """Return the words of a cell that may be a list, an array or joined text.

    Examples
    --------
    >>> as_words("build;power"), as_words(["build"]), as_words(None)
    (['build', 'power'], ['build'], [])
    """
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return []
    if isinstance(value, str):
        for mark in ";,+|":
            value = value.replace(mark, "\n")
        return [w.strip() for w in value.split("\n") if w.strip()]
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        words = [str(v) for v in value]
        return sorted(words) if isinstance(value, (set, frozenset)) else words
    return [str(value)]


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
    found = [
        p for c in frame.columns if c != "geometry" for p in _checked_column(frame[c], str(c), name, where)
    ]
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


def _checked_column(values: "pd.Series[Any]", name: str, table: str, where: str) -> list[Problem]:
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
        bad = _no_texts(values, words=words)
    elif column.kind == "flag":
        told, bad = "is neither true nor false", np.full(len(values), not flag)
    elif measure:
        if not number or flag or values.dtype.kind == "c":
            return [Problem(where, f"holds {values.dtype}, not numbers", column=name)]
        told, bad = _beyond(values.to_numpy(np.float64, na_value=np.nan), column, strict=strict)
    elif not (number or flag or pd.api.types.is_datetime64_any_dtype(values.dtype)):
        told = "is neither a number nor text"
        bad = _no_texts(values, words=True, numbers=True)
    if not bad.any():
        return []
    row = int(np.flatnonzero(bad)[0])
    return [
        Problem(where, f"{told} ({int(bad.sum()):,} such rows)", row + 1, name, str(values.iloc[row])[:80])
    ]


def _stranger(name: str) -> ResultColumn:
    """Return what a column that nobody declared must be, by its name: a later version may have added it."""
    measure = name.startswith(("people", "share_", "hours_lost")) or name.endswith(_MEASURES)
    kind = "number" if measure else "class"
    return ResultColumn(name, kind, "", "", Leaves.NEVER, endless=name.endswith("_per_musd"))


def _beyond(
    values: "np.ndarray[Any, np.dtype[np.float64]]", column: ResultColumn, *, strict: bool
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


def _no_texts(values: "pd.Series[Any]", *, words: bool, numbers: bool = False) -> npt.NDArray[np.bool_]:
    """Return which values are no text, nor a list of words or a number where those are allowed."""
    if isinstance(values.dtype, pd.StringDtype):
        return np.asarray(values.str.len().fillna(0).to_numpy(np.int64) > _LONGEST_TEXT)
    kinds: tuple[type, ...] = (bool, int, float) if numbers else ()
    return np.array([not (_is_text(v, words=words) or isinstance(v, kinds)) for v in values], bool)


def _is_text(value: object, *, words: bool) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_TEXT
    if words and isinstance(value, (list, np.ndarray)):
        return all(isinstance(v, str) and len(v) <= _LONGEST_TEXT for v in value)
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))

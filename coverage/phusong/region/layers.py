"""Reading one layer from a user's file, with every problem of the file named at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from phusong.errors import InputError, Problem
from phusong.region.column_map import ColumnMap, mapped, read_column_maps
from phusong.region.coordinates import PLACE_ALIASES, placed
from phusong.region.headings import NAME_HEADINGS
from phusong.region.left_out import LeftRow, left_notices, refuse_too_many, row_problems
from phusong.region.names import fold
from phusong.region.notices import Notice, unused_notices
from phusong.region.opening import Opened, open_table
from phusong.region.personal_data import without_personal_data
from phusong.region.schema import GEOMETRY_LAYERS, LAYERS, key_of
from phusong.region.shapes import from_wkt, shaped
from phusong.region.validation import schema_problems, table_problems
from phusong.region.values import typed

__all__ = [
    "COLUMN_MAP_FILE",
    "Reading",
    "headings_for",
    "opened_for",
    "read_layer",
    "read_table",
    "table_of",
    "table_problems",
]

COLUMN_MAP_FILE = "columns.toml"
"""Name of the file beside a table that maps its columns."""

_OWN_ENDING = ".parquet"  # what a region is written as: its further columns were told when they came in


@dataclass(frozen=True)
class Reading:
    """A layer as read, and what was converted, filled or left out on the way.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        The layer.
    notices : tuple of Notice
        What was done.
    left : tuple of LeftRow
        Rows that could not be used.
    rows : tuple of int
        Number of each row of the frame in the file.
    absent : tuple of str
        Columns of the layer that the file lacked altogether.
    """

    frame: Any
    notices: tuple[Notice, ...] = ()
    left: tuple[LeftRow, ...] = ()
    rows: tuple[int, ...] = ()
    absent: tuple[str, ...] = ()


def read_table(
    path: Path, layer: str, *, crs: str, columns: ColumnMap | None = None, mend_shapes: bool = False
) -> Any:  # noqa: ANN401 - a frame with or without geometry
    """Return one layer from a file, checked; parameters and errors as for :func:`read_layer`."""
    return read_layer(path, layer, crs=crs, columns=columns, mend_shapes=mend_shapes).frame


def read_layer(
    path: Path,
    layer: str,
    *,
    crs: str,
    columns: ColumnMap | None = None,
    mend_shapes: bool = False,
    leave_out: float | None = None,
) -> Reading:
    """Return one layer from a file and what was changed on the way, checked.

    Parameters
    ----------
    path : Path
        Text (.csv, .tsv, .txt), workbook (.xlsx), Parquet, GeoPackage, GeoJSON, KML, Shapefile, or an archive of one.
        Text with places has ``longitude`` and ``latitude`` in degrees, or ``east_m`` and ``north_m`` in the region's CRS.
    layer : str
        A layer of the data dictionary.
    crs : str
        CRS of the region, to which places are brought.
    columns : ColumnMap, optional
        How the file says what the layer says; a columns.toml beside the file when left out.
    mend_shapes : bool
        Whether polygons that cross themselves are mended rather than refused.
    leave_out : float, optional
        Share of the rows that may be left out because they cannot be used; None: any such row refuses the file.

    Raises
    ------
    InputError
        Naming file, row, column and value of everything wrong.
    """
    by = columns if columns is not None else _map_beside(path).get(layer, ColumnMap())
    opened = opened_for(path, layer, by)
    read = table_of(
        opened.frame,
        path.name,
        layer,
        crs=crs,
        columns=by,
        mend_shapes=mend_shapes,
        leave_out=leave_out,
        tell_unused=leave_out is not None or path.suffix.lower() != _OWN_ENDING,
    )
    return replace(read, notices=(*opened.notices, *read.notices))


def headings_for(layer: str, by: ColumnMap) -> list[str]:
    """Return every heading expected in a file of a layer."""
    names = [a for c in LAYERS[layer] for a in (c.name, *c.aliases)]
    return [*names, *by.columns.values(), *(a for group in PLACE_ALIASES.values() for a in group)]


def opened_for(path: Path, layer: str, by: ColumnMap, *, known: Sequence[str] = ()) -> Opened:
    """Return a file's table as it comes, opened as a column map says.

    Parameters
    ----------
    path, layer, by
        The file, which layer it shall be, how it is written.
    known : sequence of str
        Further headings that may stand in it.
    """
    return open_table(
        path,
        layer,
        encoding=by.file.encoding,
        delimiter=by.file.delimiter,
        skip_lines=by.file.skip_lines,
        table=by.file.table,
        known=[*headings_for(layer, by), *known],
        mapped=tuple(by.columns.values()),
    )


def table_of(
    frame: Any,  # noqa: ANN401
    where: str,
    layer: str,
    *,
    crs: str,
    columns: ColumnMap | None = None,
    mend_shapes: bool = False,
    leave_out: float | None = None,
    tell_unused: bool = False,
    used: Sequence[str] = (),
) -> Reading:
    """Return a layer from a frame that somebody else read (a data base, an importer), checked as a file's is.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        Columns by our names or names that mean the same.
    where : str
        What problems call it.
    layer, crs, columns, mend_shapes, leave_out
        As for :func:`read_layer`.
    tell_unused : bool
        Whether columns that answer no question of the layer are named in a notice.
    used : sequence of str
        Columns that somebody else reads.

    Raises
    ------
    InputError
        Naming row, column and value of everything wrong.
    """
    by = columns if columns is not None else ColumnMap()
    whole = frame.reset_index(drop=True)
    whole.columns = pd.Index([str(c) for c in whole.columns])
    rows = np.arange(1, len(whole) + 1)
    left: list[LeftRow] = []
    told: list[Problem] = []
    while True:
        table, problems, notices, absent = _checked(whole, by, layer, where, crs, mend=mend_shapes)
        if not problems:
            break
        bad, of_the_file = row_problems(problems, table, rows.tolist())
        if leave_out is None or of_the_file or not bad:
            raise InputError(told or problems)
        told = told or problems
        left += bad.values()
        refuse_too_many(told, len(left), len(frame), leave_out, where)
        kept = np.setdiff1d(np.arange(len(whole)), list(bad))
        whole, rows = whole.iloc[kept].reset_index(drop=True), rows[kept]
    if tell_unused:
        notices += _unused(table, layer, where, used)
    # rows are told as the file counts them, whatever was left out
    notices = [replace(n, first=tuple(int(rows[i - 1]) for i in n.first)) for n in notices]
    left.sort(key=lambda r: r.row)
    return Reading(table, (*notices, *left_notices(left, layer)), tuple(left), tuple(rows.tolist()), absent)


def _unused(table: Any, layer: str, where: str, used: Sequence[str]) -> list[Notice]:  # noqa: ANN401
    mine = {*_OURS[layer], *used, "geometry"}
    return unused_notices([str(c) for c in table.columns if str(c) not in mine], f"layer {layer}", where)


def _checked(
    frame: Any,  # noqa: ANN401
    by: ColumnMap,
    layer: str,
    where: str,
    crs: str,
    *,
    mend: bool,
) -> tuple[Any, list[Problem], list[Notice], tuple[str, ...]]:
    """Return a table as the layer wants it, everything that is wrong with it, what was changed, and what it lacked."""
    table, problems, notices = mapped(frame, by, layer, where)
    table, told = _keyed(table, layer, where)
    notices += told
    table, wrong, told = without_personal_data(table, layer, where)
    problems += wrong
    notices += told
    table, wrong, told = _with_place(table, layer, where, crs, by, mend=mend)
    problems += wrong
    notices += told
    absent = tuple(c.name for c in LAYERS[layer] if c.name not in table.columns)
    table, wrong, told = typed(table, layer, where)
    notices += told
    by_schema = schema_problems(table, where, layer)
    # a place that was refused is not told a second time as missing
    told_rows = {r for p in problems for r in (p.row, *p.rows)}
    left = [
        p
        for p in by_schema
        if p.column != "geometry" or (p.row not in told_rows and not _placeless(problems))
    ]
    return table, [*problems, *wrong, *left], notices, absent


def _placeless(problems: list[Problem]) -> bool:
    """Return whether a whole column of places was refused."""
    return any(p.row is None and p.column is not None for p in problems)


def _map_beside(path: Path) -> Mapping[str, ColumnMap]:
    beside = path.parent / COLUMN_MAP_FILE
    return read_column_maps(beside) if beside.is_file() else {}


def _keyed(table: Any, layer: str, where: str) -> tuple[Any, list[Notice]]:  # noqa: ANN401
    """Return a table that names its rows by their names, where it has no keys and no two names are alike."""
    key = key_of(layer)
    if key in table.columns or layer not in GEOMETRY_LAYERS or not len(table):
        return table, []
    name = next((c for c in table.columns if fold(c) in NAME_HEADINGS), None)
    if name is None:
        return table, []
    text = table[name].astype("str").str.strip()
    if table[name].isna().any() or (text == "").any() or text.duplicated().any():
        return table, []
    keyed = table.assign(**{key: text})
    if not any(c.name == name for c in LAYERS[layer]):
        keyed = keyed.drop(columns=name)
    return keyed, [Notice(where, f"was read as {key}: the file has no keys, and names differ", name)]


def _with_place(
    table: Any,  # noqa: ANN401
    layer: str,
    where: str,
    crs: str,
    by: ColumnMap,
    *,
    mend: bool,
) -> tuple[Any, list[Problem], list[Notice]]:
    has_shapes = isinstance(table, gpd.GeoDataFrame) and table.active_geometry_name is not None
    if layer not in GEOMETRY_LAYERS:
        if not isinstance(table, gpd.GeoDataFrame):
            return table, [], []
        shapes = [c for c in table.columns if isinstance(table[c].dtype, gpd.array.GeometryDtype)]
        told = [Notice(where, "places were left out: this layer has none")] if shapes else []
        return pd.DataFrame(table.drop(columns=shapes)), [], told
    if has_shapes:
        return shaped(table, layer, where, crs, own_crs=by.file.crs, mend=mend)
    if "geometry" in table.columns:
        table, wrong = from_wkt(table, where, by.file.crs or crs)
        return (table, wrong, []) if wrong else shaped(table, layer, where, crs, mend=mend)
    return placed(pd.DataFrame(table), where, crs, by.file.crs)


_OURS = {layer: frozenset(c.name for c in columns) for layer, columns in LAYERS.items()}

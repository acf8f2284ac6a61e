"""Reading one layer from a user's file, with every problem of the file named at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from phusong.errors import Problem, refuse
from phusong.region.column_map import ColumnMap, mapped, read_column_maps
from phusong.region.coordinates import PLACE_ALIASES, placed
from phusong.region.names import fold
from phusong.region.notices import Notice
from phusong.region.opening import open_table
from phusong.region.personal_data import without_personal_data
from phusong.region.schema import GEOMETRY_LAYERS, LAYERS
from phusong.region.shapes import from_wkt, shaped
from phusong.region.validation import schema_problems, table_problems
from phusong.region.values import typed

__all__ = ["COLUMN_MAP_FILE", "Reading", "read_layer", "read_table", "table_of", "table_problems"]

COLUMN_MAP_FILE = "columns.toml"
"""Name of the file beside a table that maps its columns."""


@dataclass(frozen=True)
class Reading:
    """A layer as read, what was converted, filled or left out on the way, and the columns that it lacked altogether."""

    frame: Any
    notices: tuple[Notice, ...] = ()
    absent: tuple[str, ...] = ()


def read_table(
    path: Path, layer: str, *, crs: str, columns: ColumnMap | None = None, mend_shapes: bool = False
) -> Any:  # noqa: ANN401 - a frame with or without geometry
    """Return one layer from a file, checked; parameters and errors as for :func:`read_layer`."""
    return read_layer(path, layer, crs=crs, columns=columns, mend_shapes=mend_shapes).frame


def read_layer(
    path: Path, layer: str, *, crs: str, columns: ColumnMap | None = None, mend_shapes: bool = False
) -> Reading:
    """Return one layer from a file and what was changed on the way, checked.

    Parameters
    ----------
    path : Path
        Text (.csv, .tsv, .txt), Parquet, GeoPackage, GeoJSON, Shapefile, or an archive of one. Text with places has
        ``longitude`` and ``latitude`` in degrees, or ``east_m`` and ``north_m`` in the region's CRS.
    layer : str
        A layer of the data dictionary.
    crs : str
        CRS of the region, to which places are brought.
    columns : ColumnMap, optional
        How the file says what the layer says; a columns.toml beside the file when left out.
    mend_shapes : bool
        Whether polygons that cross themselves are mended rather than refused.

    Raises
    ------
    InputError
        Naming file, row, column and value of everything wrong.
    """
    by = columns if columns is not None else _map_beside(path).get(layer, ColumnMap())
    names = [a for c in LAYERS[layer] for a in (c.name, *c.aliases)]
    names += [*by.columns.values(), *(a for group in PLACE_ALIASES.values() for a in group)]
    opened = open_table(
        path,
        layer,
        encoding=by.file.encoding,
        delimiter=by.file.delimiter,
        skip_lines=by.file.skip_lines,
        table=by.file.table,
        known=names,
    )
    read = table_of(opened.frame, path.name, layer, crs=crs, columns=by, mend_shapes=mend_shapes)
    return Reading(read.frame, (*opened.notices, *read.notices), read.absent)


def table_of(
    frame: Any,  # noqa: ANN401
    where: str,
    layer: str,
    *,
    crs: str,
    columns: ColumnMap | None = None,
    mend_shapes: bool = False,
) -> Reading:
    """Return a layer from a frame that somebody else read (a data base, an importer), checked as a file's is.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        Columns by our names or names that mean the same.
    where : str
        What problems call it.
    layer, crs, columns, mend_shapes
        As for :func:`read_layer`.

    Raises
    ------
    InputError
        Naming row, column and value of everything wrong.
    """
    by = columns if columns is not None else ColumnMap()
    table = frame.reset_index(drop=True)
    table.columns = pd.Index([str(c) for c in table.columns])
    table, problems, notices = mapped(table, by, layer, where)
    table, told = _renamed(table, layer, where)
    notices += told
    table, wrong, told = without_personal_data(table, layer, where)
    problems += wrong
    notices += told
    table, wrong, told = _with_place(table, layer, where, crs, by, mend=mend_shapes)
    problems += wrong
    notices += told
    absent = tuple(c.name for c in LAYERS[layer] if c.name not in table.columns)
    table, wrong, told = typed(table, layer, where)
    notices += told
    by_schema = schema_problems(table, where, layer)
    # a place that was refused is not told a second time as missing
    told_rows = {p.row for p in problems}
    left = [
        p
        for p in by_schema
        if p.column != "geometry" or (p.row not in told_rows and not _placeless(problems))
    ]
    refuse([*problems, *wrong, *left])
    return Reading(table, tuple(notices), absent)


def _placeless(problems: list[Problem]) -> bool:
    """Return whether a whole column of places was refused."""
    return any(p.row is None and p.column is not None for p in problems)


def _map_beside(path: Path) -> Mapping[str, ColumnMap]:
    beside = path.parent / COLUMN_MAP_FILE
    return read_column_maps(beside) if beside.is_file() else {}


def _renamed(table: Any, layer: str, where: str) -> tuple[Any, list[Notice]]:  # noqa: ANN401
    """Return a table with our names where the file uses one that means the same, in whatever spelling."""
    theirs: dict[str, str] = {}
    for name in table.columns:
        theirs.setdefault(fold(name), name)
    change: dict[str, str] = {}
    for column in LAYERS[layer]:
        if column.name in table.columns:
            continue
        found = (theirs[n] for n in (fold(column.name), *column.aliases) if n in theirs)
        match = next((name for name in found if name not in change and name not in _OURS[layer]), None)
        if match is not None:
            change[match] = column.name
    notices = [Notice(where, f"was read as {ours}", name) for name, ours in change.items()]
    return table.rename(columns=change), notices


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

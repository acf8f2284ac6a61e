"""Plain tables of any layer, with a map of their columns, and lists of schools; communes found by place where needed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from phusong.errors import InputError, Problem, refuse
from phusong.region.column_map import ColumnMap
from phusong.region.importers.base import Imported, Options, Repair, conversion_repairs, names_of
from phusong.region.importers.power_lines import import_power_lines
from phusong.region.layers import read_layer
from phusong.region.names import fold
from phusong.region.notices import Notice
from phusong.region.opening import open_table
from phusong.region.rejoin_places import codes_of_places
from phusong.region.schema import LAYERS, key_of
from phusong.region.store import Region, Source
from phusong.region.vietnam.old_codes import are_old, today_codes

__all__ = ["import_giga", "table_importer"]

_BY_PLACE = "00000"  # no commune has this code: its place decides
_IN_COMMUNES = ("facilities", "settlements")


def import_giga(region: Region, files: Sequence[Path], options: Options) -> Imported:
    """Return layer `facilities` with the schools of lists as GigaSpatial and Giga write them.

    Raises
    ------
    InputError
        Naming row, column and value of everything wrong.
    """
    by = options.columns.get("facilities", ColumnMap())
    if "kind" not in by.columns and "kind" not in by.constants:
        by = by.model_copy(update={"constants": {**by.constants, "kind": "school"}})
    return _of_places(region, files, options, "facilities", by, "official", "Giga school list")


def table_importer(layer: str) -> Callable[[Region, Sequence[Path], Options], Imported]:
    """Return the importer of a layer's plain tables."""

    def read(region: Region, files: Sequence[Path], options: Options) -> Imported:
        by = options.columns.get(layer, ColumnMap())
        if layer in _IN_COMMUNES:
            return _of_places(region, files, options, layer, by, "measured", "")
        if layer == "power_lines" and all(_are_drawn(p) for p in files):
            return import_power_lines(region, files, options)
        frame, notices = _read(files, layer, region, by)
        where = names_of(files)
        source = Source(
            layer, "measured", options.source or where, options.licence, options.as_of, "given by the user"
        )
        return Imported({layer: frame}, (source,), tuple(notices))

    return read


def _are_drawn(path: Path) -> bool:
    """Return whether a file holds lines as shapes, without the nodes they join."""
    if path.suffix.lower() in {".csv", ".tsv", ".txt", ".parquet"}:
        return False
    frame = open_table(path, "power_lines").frame
    return isinstance(frame, gpd.GeoDataFrame) and not {"from_id", "to_id"} & {fold(c) for c in frame.columns}


def _read(files: Sequence[Path], layer: str, region: Region, by: ColumnMap) -> tuple[Any, list[Notice]]:
    frames: list[Any] = []
    notices: list[Notice] = []
    problems: list[Problem] = []
    for path in files:
        try:
            read = read_layer(path, layer, crs=region.grid.crs, columns=_filled(path, layer, by))
        except InputError as error:
            problems += error.problems
            continue
        frames.append(read.frame)
        notices += read.notices
    refuse(problems)
    frame = pd.concat(frames, ignore_index=True)
    key = key_of(layer)
    again = frame[key].duplicated()
    where = names_of(files)
    refuse(
        Problem(where, "stands in two of the files; keys must differ", column=key, value=v)
        for v in frame[key][again].head(20)
    )
    return frame, notices


def _filled(path: Path, layer: str, by: ColumnMap) -> ColumnMap:
    """Return the column map with a stand-in for the commune, where the file does not name it."""
    if layer not in _IN_COMMUNES or "commune_code" in {*by.columns, *by.constants}:
        return by
    column = next(c for c in LAYERS[layer] if c.name == "commune_code")
    opened = open_table(
        path, layer, encoding=by.file.encoding, delimiter=by.file.delimiter, skip_lines=by.file.skip_lines,
        table=by.file.table, known=[a for c in LAYERS[layer] for a in (c.name, *c.aliases)],
    )  # fmt: skip
    if {fold(c) for c in opened.frame.columns} & {column.name, *column.aliases}:
        return by
    return by.model_copy(update={"constants": {**by.constants, "commune_code": _BY_PLACE}})


def _of_places(
    region: Region, files: Sequence[Path], options: Options, layer: str, by: ColumnMap, kind: str, name: str
) -> Imported:
    """Return places of a layer inside the region, each in its commune of today."""
    frame, notices = _read(files, layer, region, by)
    where = names_of(files)
    rows: list[Repair] = []
    given = frame["commune_code"].to_numpy(str)
    if are_old(given[~np.isin(given, region.communes["commune_code"].to_numpy(str))]):
        degrees = frame.geometry.to_crs("EPSG:4326")
        found = today_codes(given, lon=degrees.x.to_numpy(), lat=degrees.y.to_numpy(), old=True)
        notices.append(
            Notice(
                where,
                "codes of before July 2025 went to today's",
                "commune_code",
                int((found.codes != given).sum()),
            )
        )
        rows += conversion_repairs(layer, found.doubts)
        given = found.codes
    codes = codes_of_places(frame.geometry, given, region.communes)
    west, south, east, north = region.communes.total_bounds
    inside = codes != ""
    named = np.isin(given, region.communes["commune_code"].to_numpy(str))
    wrong = named & inside & (codes != given)
    if wrong.any():
        told = "named another commune than the one they lie in, which was taken"
        notices.append(Notice(where, told, "commune_code", int(wrong.sum())))
    if (~inside).any():
        notices.append(
            Notice(where, "lie outside the region and were left out", "geometry", int((~inside).sum()))
        )
    if not inside.any():
        told = f"has no place in the region ({west:.0f} to {east:.0f} m east, {south:.0f} to {north:.0f} m north in {region.grid.crs})"
        raise InputError(Problem(where, told))
    twice = frame[inside].geometry.duplicated()
    if twice.any():
        notices.append(
            Notice(
                where, "stand at the very place of another row; they were kept", "geometry", int(twice.sum())
            )
        )
    out = frame.assign(commune_code=codes)[inside].reset_index(drop=True)
    source = options.source or (f"{name} ({where})" if name else where)
    notes = (
        f"kinds: {', '.join(sorted(set(out['kind'])))}; communes by place"
        if layer == "facilities"
        else "communes by place"
    )
    return Imported(
        {layer: out},
        (Source(layer, kind, source, options.licence, options.as_of, notes),),
        tuple(notices),
        tuple(rows),
    )

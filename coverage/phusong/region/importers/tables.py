"""Plain tables of any layer, with a map of their columns, and lists of schools; communes found by place where needed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.errors import InputError, Notice, Problem, plural, refuse
from phusong.region.folder import Region, Source
from phusong.region.importers.base import Imported, Options, Repair, conversion_repairs, names_of
from phusong.region.importers.fibre import node_rows, refuse_fibre
from phusong.region.importers.power_lines import import_power_lines
from phusong.region.importers.site_lists import cells_in_list, cells_of_list, sites_of_list
from phusong.region.read.columns import ColumnMap
from phusong.region.read.encoding import fold
from phusong.region.read.headings import known_headings
from phusong.region.read.left_out import LeftRow, left_notices, refuse_too_many, row_problems
from phusong.region.read.table import open_table, opened_for, table_of
from phusong.region.read.values import first_rows
from phusong.region.relink import codes_of_places
from phusong.region.schema import GEOMETRY_LAYERS, LAYERS, key_of
from phusong.region.validate import FAR_M
from phusong.region.vietnam.old_units import are_old, today_codes

__all__ = ["import_giga", "table_importer"]

_BY_PLACE = "00000"  # no commune has this code: its place decides
_IN_COMMUNES = ("facilities", "settlements")
_NEVER_EMPTY = ("sites", "cells", "operators", "facilities", "settlements")


@dataclass(frozen=True)
class _Read:
    """What the files of a layer hold together; `origin` is the file and row of each of the frame's rows."""

    frame: Any
    origin: tuple[tuple[str, int], ...]
    cells: pd.DataFrame | None = None
    notices: tuple[Notice, ...] = ()
    left: tuple[LeftRow, ...] = ()


def import_giga(region: Region, files: Sequence[Path], options: Options) -> Imported:
    """Return layer `facilities` with the schools of lists as GigaSpatial and Giga write them.

    Raises
    ------
    InputError
        Naming row, column and value of everything wrong.
    """
    by = options.map_of("facilities")
    if "kind" not in by.columns and "kind" not in by.constants:
        by = by.model_copy(update={"constants": {**by.constants, "kind": "school"}})
    return _of_places(region, files, options, "facilities", by, "official", "Giga school list")


def table_importer(layer: str) -> Callable[[Region, Sequence[Path], Options], Imported]:
    """Return the importer of a layer's plain tables."""

    def read(region: Region, files: Sequence[Path], options: Options) -> Imported:
        by = options.map_of(layer)
        if layer in _IN_COMMUNES:
            found = _of_places(region, files, options, layer, by, "measured", "")
            rows = len(found.layers[layer])
            told = _replaced(region, layer, rows, names_of(files)) if layer == "settlements" else ()
            return replace(found, notices=(*found.notices, *told))
        if layer == "power_lines" and all(_are_drawn(p) for p in files):
            return import_power_lines(region, files, options)
        read_in = _within(_read(files, layer, region, by, options), region, layer, options)
        where = names_of(files)
        about = options.source or where, options.licence, options.as_of
        layers = {layer: read_in.frame}
        sources = [Source(layer, "measured", *about, "given by the user")]
        if read_in.cells is not None:
            layers["cells"] = read_in.cells
            notes = "operator and generation as in the list of sites; usual for the generation where it says nothing: band, power, sectors"
            sources.append(Source("cells", "assumed", *about, notes))
        told = () if layer == "sites" else _replaced(region, layer, len(read_in.frame), where)
        return Imported(layers, tuple(sources), (*read_in.notices, *told), left_out={layer: read_in.left})

    return read


def _replaced(region: Region, layer: str, rows: int, where: str) -> tuple[Notice, ...]:
    """Return how many rows of a layer an imported list takes the place of; nothing where there were none."""
    before = len(getattr(region, layer))
    told = f"{plural(before, 'row')} of layer {layer} {'was' if before == 1 else 'were'} replaced by {rows:,} of the file"
    return (Notice(where, told),) if before else ()


def _are_drawn(path: Path) -> bool:
    """Return whether a file holds lines as shapes, without the nodes they join."""
    if path.suffix.lower() in {".csv", ".tsv", ".txt", ".parquet", ".xlsx"}:
        return False
    frame = open_table(path, "power_lines").frame
    return isinstance(frame, gpd.GeoDataFrame) and not {"from_id", "to_id"} & {fold(c) for c in frame.columns}


def _read(files: Sequence[Path], layer: str, region: Region, by: ColumnMap, options: Options) -> _Read:
    """Return the rows of all files, and cells where a list of sites tells them."""
    parts: list[_Read] = []
    problems: list[Problem] = []
    for path in files:
        try:
            parts.append(_of_file(path, layer, region, by, options))
        except InputError as error:
            problems += error.problems
    refuse(problems)
    frame = pd.concat([p.frame for p in parts], ignore_index=True)
    key = key_of(layer)
    again = frame[key].duplicated()
    where = names_of(files)
    refuse(
        Problem(where, "stands in two of the files; keys must differ", column=key, value=v)
        for v in frame[key][again].head(20)
    )
    cells = [p.cells for p in parts if p.cells is not None]
    if cells and len(cells) < len(parts):
        told = "some files name operators and others do not; import them one by one"
        raise InputError(Problem(where, told, column="operator"))
    return _Read(
        frame,
        tuple(o for p in parts for o in p.origin),
        pd.concat(cells, ignore_index=True) if cells else None,
        tuple(n for p in parts for n in p.notices),
        tuple(r for p in parts for r in p.left),
    )


def _of_file(path: Path, layer: str, region: Region, by: ColumnMap, options: Options) -> _Read:
    known = cells_in_list() if layer == "sites" else ()
    opened = opened_for(path, layer, by, known=known)
    if layer in _NEVER_EMPTY and not len(opened.frame):
        emptied = f"holds no rows below its headings: nothing would be left of layer {layer}"
        raise InputError(Problem(path.name, emptied))
    if layer in {"sites", "links", "cells"}:
        refuse_fibre(opened.frame, path.name, layer)
    frame = opened.frame
    if layer in _IN_COMMUNES:
        by = _with_commune(frame, layer, by)
    notices = list(opened.notices)
    listed = None
    if layer == "sites":
        listed = sites_of_list(frame, by, path.name)
        frame, notices = listed.frame, [*notices, *listed.notices]
    read = table_of(
        frame,
        path.name,
        layer,
        crs=region.grid.crs,
        columns=by,
        leave_out=options.left_out_share,
        tell_unused=True,
        used=listed.used if listed is not None else (),
    )
    origin = tuple((path.name, r) for r in (read.rows if listed is None else listed.numbers(read.rows)))
    left = read.left if listed is None else listed.renumbered(read.left)
    # what stands in for a column is no word of columns.toml
    stand_ins = set(by.constants) - set(options.map_of(layer).constants)
    said = [n for n in read.notices if not (n.column in stand_ins and "in every row" in n.what)]
    told_now = (
        tuple(said)
        if listed is None
        else tuple(replace(n, first=tuple(listed.numbers(n.first))) for n in said)
    )
    if listed is None or not listed.names_operators:
        found = _Read(read.frame, origin, None, (*notices, *told_now), left)
    else:
        told = cells_of_list(listed, read, region.operators, options.said_of_operators(), path.name)
        found = _Read(told.sites, origin, told.cells, (*notices, *told_now, *told.notices), left)
    return _without_nodes(found, opened.frame, options) if layer == "sites" else found


def _without_nodes(found: _Read, listed: Any, options: Options) -> _Read:  # noqa: ANN401
    """Return masts without what the list itself calls a node of a fibre network; many of them refuse the list."""
    is_node = node_rows(listed)
    off = np.array([bool(is_node[row - 1]) for _, row in found.origin], bool)
    why = "is a node of a fibre (transmission) network by its type, no mast: import it as kind fibre"
    if off.any():
        where = found.origin[0][0]
        wrong = [Problem(where, why, row=r) for (_, r), gone in zip(found.origin, off, strict=True) if gone]
        refuse_too_many(wrong[:20], len(wrong), len(off), options.left_out_share, where)
    return _without(found, off, "sites", [], why)


def _with_commune(frame: Any, layer: str, by: ColumnMap) -> ColumnMap:  # noqa: ANN401
    """Return the column map with a stand-in for the commune, where the file does not name it."""
    if "commune_code" in {*by.columns, *by.constants}:
        return by
    if {fold(c) for c in frame.columns} & known_headings(layer, ["commune_code"]):
        return by
    return by.model_copy(update={"constants": {**by.constants, "commune_code": _BY_PLACE}})


def _within(found: _Read, region: Region, layer: str, options: Options) -> _Read:
    """Return what lies near the region and names only what there is; the rest is left out and named."""
    out = found
    if layer in GEOMETRY_LAYERS and len(out.frame):
        off = _far(out.frame, region)
        if off.all():
            west, south, east, north = region.grid.bounds
            told = (
                f"has no place in the region ({west:.0f} to {east:.0f} m east, {south:.0f} to {north:.0f} m north in "
                f"{region.grid.crs}): is it another province, are its coordinates wrong, or in another CRS (--crs EPSG:…)?"
            )
            raise InputError(Problem(found.origin[0][0], told))
        out = _without(out, off, layer, [], f"lies more than {FAR_M / 1000:.0f} km off the region")
    lost, wrong = _references(out.frame, region, layer)
    if lost.any():
        refuse_too_many(wrong, int(lost.sum()), len(lost), options.left_out_share, found.origin[0][0])
        out = _without(out, lost, layer, wrong, "")
    if out.cells is not None:
        cells = out.cells[out.cells["site_id"].isin(set(out.frame["site_id"]))].reset_index(drop=True)
        told = f"{plural(len(cells), 'cell')} {'was' if len(cells) == 1 else 'were'} made of what the list says of operators and generations"
        made = Notice(
            names_of([Path(f) for f in dict.fromkeys(file for file, _ in found.origin)]), told, "cells"
        )
        out = replace(out, cells=cells, notices=(*out.notices, made))
    return out


def _without(
    found: _Read, off: npt.NDArray[np.bool_], layer: str, problems: Sequence[Problem], why: str
) -> _Read:
    """Return what was read without some rows, which are named: by problems, or by one reason for all."""
    if not off.any():
        return found
    key = key_of(layer)
    told, _ = row_problems(problems, found.frame, [row for _, row in found.origin])
    left = [
        replace(told[int(i)], file=found.origin[i][0])
        if int(i) in told
        else LeftRow(*found.origin[i], key, str(found.frame[key].iloc[i])[:200], why)
        for i in np.flatnonzero(off)
    ]
    return replace(
        found,
        frame=found.frame[~off].reset_index(drop=True),
        origin=tuple(o for o, gone in zip(found.origin, off, strict=True) if not gone),
        notices=(*found.notices, *left_notices(left, layer)),
        left=(*found.left, *left),
    )


def _far(frame: Any, region: Region) -> npt.NDArray[np.bool_]:  # noqa: ANN401
    west, south, east, north = region.grid.bounds
    x, y = frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy()
    return np.asarray((x < west - FAR_M) | (x > east + FAR_M) | (y < south - FAR_M) | (y > north + FAR_M))


def _references(frame: Any, region: Region, layer: str) -> tuple[npt.NDArray[np.bool_], list[Problem]]:  # noqa: ANN401
    """Return the rows that name something of another layer that there is not, and the problems."""
    lost = np.zeros(len(frame), bool)
    problems: list[Problem] = []
    if {"from_id", "to_id"} <= {c.name for c in LAYERS[layer]}:
        ends = frame["to_id"].astype("str")
        loop = ((frame["from_id"].astype("str") == ends) & (ends != "")).to_numpy(bool)
        lost |= loop
        problems += first_rows(
            loop, ends, layer, "to_id", "is its from_id too: it leads from a place to itself"
        )
    for column in LAYERS[layer]:
        to_layer, _, to_column = column.refers.partition(".")
        if not to_layer or to_layer == layer or column.many or column.name not in frame.columns:
            continue
        values = frame[column.name].astype("str")
        known = {*getattr(region, to_layer)[to_column].astype(str), *([""] if column.default == "" else [])}
        missing = ~values.isin(known).to_numpy(bool)
        lost |= missing
        problems += first_rows(missing, values, layer, column.name, f"does not exist in {to_layer}")
    return lost, problems


def _of_places(
    region: Region, files: Sequence[Path], options: Options, layer: str, by: ColumnMap, kind: str, name: str
) -> Imported:
    """Return places of a layer inside the region, each in its commune of today."""
    read = _read(files, layer, region, by, options)
    frame, notices = read.frame, list(read.notices)
    where = names_of(files)
    rows: list[Repair] = []
    renamed = np.zeros(len(frame), bool)
    given = frame["commune_code"].to_numpy(str)
    if are_old(given[~np.isin(given, region.communes["commune_code"].to_numpy(str))]):
        degrees = frame.geometry.to_crs("EPSG:4326")
        found = today_codes(given, lon=degrees.x.to_numpy(), lat=degrees.y.to_numpy(), old=True)
        renamed = found.codes != given
        rows += conversion_repairs(layer, found.doubts)
        given = found.codes
    codes = codes_of_places(frame.geometry, given, region.communes)
    west, south, east, north = region.communes.total_bounds
    inside = codes != ""
    if (renamed & inside).any():
        told = "codes of before July 2025 went to today's"
        notices.append(Notice(where, told, "commune_code", int((renamed & inside).sum())))
    named = np.isin(given, region.communes["commune_code"].to_numpy(str))
    wrong = named & inside & (codes != given)
    if wrong.any():
        told = "named another commune than the one they lie in, which was taken"
        notices.append(Notice(where, told, "commune_code", int(wrong.sum())))
    left = list(read.left)
    if (~inside).any():
        notices.append(
            Notice(
                where,
                f"lie outside the region and were left out (listed in left-out/{layer}.csv)",
                "geometry",
                int((~inside).sum()),
            )
        )
        key = key_of(layer)
        left += [
            LeftRow(*read.origin[i], key, str(frame[key].iloc[i])[:200], "lies outside the region")
            for i in np.flatnonzero(~inside)
        ]
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
        left_out={layer: tuple(left)},
    )

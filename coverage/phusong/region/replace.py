"""Replacing modelled layers by others: what a user's files and the importers bring, joined to what stays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypedDict, Unpack

import geopandas as gpd
import pandas as pd

from phusong.compute.executor import Executor, Threads
from phusong.errors import InputError, Notice, Problem, and_more, plural, refuse
from phusong.region import Repair
from phusong.region.folder import Region, Source
from phusong.region.importers.base import Imported
from phusong.region.read.columns import stamped
from phusong.region.read.left_out import left_table
from phusong.region.read.raster import RasterLimits, read_elevation, read_landcover, read_people
from phusong.region.read.table import Reading, read_layer
from phusong.region.relink import Rejoined, Totals, with_communes, with_network, with_people, with_power
from phusong.region.vietnam.units import REPAIR_COLUMNS

__all__ = ["LayerFiles", "replace_layers", "with_imported"]


def with_imported(
    region: Region,
    imported: Imported,
    *,
    totals: Totals = "province",
    operators: Mapping[str, str] | None = None,
    limits: RasterLimits | None = None,
) -> Rejoined:
    """Return the region with imported layers in place of its own, and what was changed so that all join again.

    Parameters
    ----------
    region : Region
        The region.
    imported : Imported
        What an importer read for this region.
    totals : {"province", "commune"}
        Which of the communes' numbers a pattern of people is brought to.
    operators : mapping of str to str, optional
        Owner = operator whose cells its masts carry, or ``none``.
    limits : RasterLimits, optional
        How far a raster of people may fall short.

    Raises
    ------
    InputError
        If the layers cannot be joined.
    """
    layers = imported.layers
    where = next((s.source for s in imported.sources), "import")
    notices: list[Notice] = []
    out = region
    if "communes" in layers:
        given = bool(layers["communes"].attrs.get("people_given", False))
        joined = with_communes(out, layers["communes"], where, people_given=given)
        out, notices = joined.region, [*notices, *joined.notices]
    for raster in ("elevation", "clutter"):
        if raster in layers:
            out = replace(out, **{raster: layers[raster]})
    if "people" in layers:
        joined = with_people(out, layers["people"], where, totals=totals, limits=limits)
        out, notices = joined.region, [*notices, *joined.notices]
        imported = replace(imported, repairs=(*imported.repairs, *joined.repairs))
    if "power_nodes" in layers or "power_lines" in layers:
        out = with_power(out, layers.get("power_nodes"), layers.get("power_lines"))
    if {"sites", "cells", "links"} & set(layers):
        joined = with_network(
            out,
            layers.get("sites"),
            layers.get("cells"),
            layers.get("links"),
            operators=operators,
            where=where,
        )
        out, notices = joined.region, [*notices, *joined.notices]
    if "facilities" in layers:
        out, told = _with_facilities(out, layers["facilities"], where)
        notices += told
    for layer in ("settlements", "operators", "demand"):
        if layer in layers:
            out = replace(out, **{layer: layers[layer]})
    sources = out.sources
    for source in imported.sources:
        sources = (*(s for s in sources if s.layer != source.layer), _honest(out, region, source, notices))
    if "communes" in layers and "people" not in layers:
        demand = out.source_of("demand")
        whose = f"people of each {'commune' if layers['communes'].attrs.get('people_given') else 'province'} as in {where}"
        kept = (*(s for s in sources if s.layer != "demand"),)
        sources = (*kept, replace(demand, notes="; ".join(t for t in (demand.notes, whose) if t)))
    repairs = _with_repairs(region.repairs, imported, notices)
    left = {
        **region.left_out,
        **{layer: left_table(rows) for layer, rows in imported.left_out.items() if rows},
    }
    return Rejoined(replace(out, sources=sources, repairs=repairs, left_out=left), tuple(notices))


def _honest(out: Region, before: Region, source: Source, notices: Sequence[Notice]) -> Source:
    """Return a source that says what joining did to its layer; records that stayed say themselves what they are."""
    notes = source.notes
    if source.layer == "demand":
        factors = [n.what for n in notices if n.column == "population"]
        notes = "; ".join([notes, *factors[:3]]) + (
            f" ({and_more(len(factors) - 3).strip()} in repairs.csv)" if len(factors) > 3 else ""
        )
    if source.layer == "facilities":
        kinds = set(out.facilities["kind"]) - set(
            source.notes.removeprefix("kinds: ").split("; ")[0].split(", ")
        )
        if kinds:
            notes += f"; {', '.join(sorted(kinds))} as before ({before.source_of('facilities').source})"
    return replace(source, notes=notes)


def _with_facilities(region: Region, given: gpd.GeoDataFrame, where: str) -> tuple[Region, list[Notice]]:
    """Return the region whose facilities of the kinds given are these; the other kinds stay."""
    before = stamped(region.facilities, region.record_kinds("facilities"))
    kept = before[~before["kind"].isin(set(given["kind"]))]
    clash = given["facility_id"].isin(set(kept["facility_id"])).to_numpy()
    if clash.any():
        given = given.assign(
            facility_id=given["facility_id"].where(~clash, given["kind"] + "-" + given["facility_id"])
        )
    both = pd.concat([kept, given], ignore_index=True)
    for name in both.columns:
        if name != "geometry" and pd.api.types.is_string_dtype(both[name].dtype):
            both[name] = both[name].fillna("")
    gone = len(region.facilities) - len(kept)
    kinds = sorted(set(given["kind"]))
    told = (
        f"{plural(gone, 'facility', 'facilities')} of the kind{'s' if len(kinds) > 1 else ''} {', '.join(kinds)} "
        f"{'was' if gone == 1 else 'were'} replaced by {len(given):,}"
    )
    table = gpd.GeoDataFrame(both, geometry="geometry", crs=region.grid.crs)
    return replace(region, facilities=table), [Notice(where, told, "kind")]


def _with_repairs(repairs: pd.DataFrame, imported: Imported, notices: Sequence[Notice]) -> pd.DataFrame:
    """Return the region's repairs and those of an import behind them."""
    layer = next((s.layer for s in imported.sources), "demand")
    rows = [
        *(Repair(s.layer, f"imported from {s.source}") for s in imported.sources),
        *imported.repairs,
        *(Repair(layer, str(n), column=n.column or "") for n in (*imported.notices, *notices)),
    ]
    return _repairs_and(repairs, rows)


class LayerFiles(TypedDict, total=False):
    """Files by the layer that they replace.

    Parameters
    ----------
    elevation, population : Path, optional
        Heights (GeoTIFF, .hgt, .vrt or a folder of tiles), and GeoTIFF of people per pixel (scaled to each
        commune's province total).
    clutter, clutter_legend : Path, optional
        Land cover (ESA WorldCover tiles, or any codes with a legend of ``code, class``).
    sites, cells, power_nodes, power_lines, links : Path, optional
        CSV, GeoPackage, GeoJSON, Shapefile or Parquet with the columns of the data dictionary.
    """

    elevation: Path | None
    population: Path | None
    clutter: Path | None
    clutter_legend: Path | None
    sites: Path | None
    cells: Path | None
    power_nodes: Path | None
    power_lines: Path | None
    links: Path | None


def replace_layers(
    region: Region,
    *,
    operators: Mapping[str, str] | None = None,
    executor: Executor | None = None,
    limits: RasterLimits | None = None,
    **files: Unpack[LayerFiles],
) -> Region:
    """Return the region with some layers taken from files; what hangs on them is rebuilt and says so.

    Parameters
    ----------
    region : Region
        The region.
    operators : mapping of str to str, optional
        Owner = operator whose cells its masts carry, or ``none``.
    executor : Executor, optional
        Who draws the rasters; the layers do not depend on it.
    limits : RasterLimits, optional
        How far the rasters may fall short.
    **files : Path, optional
        As :class:`LayerFiles` names them.

    Raises
    ------
    InputError
        Naming everything wrong with all the files at once.
    TypeError
        If a layer is named that no file can replace.
    """
    unknown = set(files) - LayerFiles.__optional_keys__
    if unknown:
        raise TypeError(f"no file can replace {', '.join(sorted(unknown))}")
    drawers, asked = executor or Threads(1), limits or RasterLimits()
    steps: list[Callable[[Region], Region]] = []
    if (path := files.get("elevation")) is not None:
        steps.append(partial(_elevation, path=path, executor=drawers, limits=asked))
    if (path := files.get("clutter")) is not None:
        legend = files.get("clutter_legend")
        steps.append(partial(_landcover, path=path, legend=legend, executor=drawers, limits=asked))
    if (path := files.get("population")) is not None:
        steps.append(partial(_population, path=path, executor=drawers, limits=asked))
    power = files.get("power_nodes"), files.get("power_lines")
    if power != (None, None):
        steps.append(partial(_power, paths=power))
    network = files.get("sites"), files.get("cells"), files.get("links")
    if network != (None, None, None):
        steps.append(partial(_sites, paths=network, operators=operators))
    problems: list[Problem] = []
    out = region
    for step in steps:
        try:
            out = step(out)
        except InputError as error:
            problems += error.problems
    refuse(problems)
    return out


def _given(
    region: Region,
    layer: str,
    path: Path,
    note: str = "given by the user",
    kind: str = "measured",
    share: float = 1.0,
) -> Region:
    kept = tuple(s for s in region.sources if s.layer != layer)
    return replace(region, sources=(*kept, Source(layer, kind, path.name, "", "", note, share)))


def _elevation(region: Region, path: Path, executor: Executor, limits: RasterLimits) -> Region:
    heights = read_elevation(path, region.grid, former=region.elevation, limits=limits, executor=executor)
    note = f"given by the user: {heights.report()}"
    out = replace(region, elevation=heights.elevation)
    return _given(out, "elevation", path, note, share=heights.known_share)


def _landcover(
    region: Region, path: Path, legend: Path | None, executor: Executor, limits: RasterLimits
) -> Region:
    found = read_landcover(path, region.grid, legend, former=region.clutter, limits=limits, executor=executor)
    note = "given by the user"
    if found.covered < 1.0:
        note += f"; covers {found.covered:.2%} of the region, the rest as before"
    return _given(replace(region, clutter=found.clutter), "clutter", path, note, share=found.covered)


def _population(region: Region, path: Path, executor: Executor, limits: RasterLimits) -> Region:
    people = read_people(path, region.grid, limits=limits, executor=executor)
    joined = with_people(region, people, path.name, limits=limits)
    note = "pattern of the user's raster, province totals kept"
    told = "; ".join(dict.fromkeys([note, *(n.what for n in joined.notices)][:4]))
    rows = _with_repairs(region.repairs, Imported({}, (), (), joined.repairs), joined.notices)
    # a map of people is a model of where they live, whoever gives it
    out = replace(joined.region, repairs=rows, notices=(*region.notices, *joined.notices))
    return _given(out, "demand", path, told, kind="modelled")


def _power(region: Region, paths: tuple[Path | None, Path | None]) -> Region:
    names = ("power_nodes", "power_lines")
    read = _readings(paths, names, region.grid.crs)
    out = with_power(region, *(None if r is None else r.frame for r in read))
    out = _told(out, _notices_of(read, names))
    for path, layer in zip(paths, names, strict=True):
        out = out if path is None else _given(out, layer, path)
    return out


def _sites(
    region: Region,
    paths: tuple[Path | None, Path | None, Path | None],
    operators: Mapping[str, str] | None = None,
) -> Region:
    names = ("sites", "cells", "links")
    read = _readings(paths, names, region.grid.crs)
    where = paths[0].name if paths[0] is not None else "sites"
    given = [None if r is None else r.frame for r in read]
    joined = with_network(region, *given, operators=operators, where=where)
    told = [*_notices_of(read, names), *(("sites", n) for n in joined.notices)]
    out = _told(joined.region, told)
    for path, layer in zip(paths, names, strict=True):
        out = out if path is None else _given(out, layer, path)
    return out


def _readings(paths: Sequence[Path | None], layers: Sequence[str], crs: str) -> list[Reading | None]:
    """Return each layer that a file is given for; everything wrong with all the files is told at once."""
    found: list[Reading | None] = []
    problems: list[Problem] = []
    for path, layer in zip(paths, layers, strict=True):
        try:
            found.append(None if path is None else read_layer(path, layer, crs=crs))
        except InputError as error:
            problems += error.problems
    refuse(problems)
    return found


def _notices_of(read: Sequence[Reading | None], layers: Sequence[str]) -> list[tuple[str, Notice]]:
    """Return what reading the files changed, each with its layer."""
    return [
        (layer, notice)
        for r, layer in zip(read, layers, strict=True)
        if r is not None
        for notice in r.notices
    ]


def _told(region: Region, told: Sequence[tuple[str, Notice]]) -> Region:
    """Return a region that names what was changed: among its repairs, and as notices to print."""
    if not told:
        return region
    rows = [Repair(layer, str(n), column=n.column or "") for layer, n in told]
    return replace(
        region,
        repairs=_repairs_and(region.repairs, rows),
        notices=(*region.notices, *(n for _, n in told)),
    )


def _repairs_and(repairs: pd.DataFrame, rows: Sequence[Repair]) -> pd.DataFrame:
    names = [*REPAIR_COLUMNS]
    new = pd.DataFrame([[getattr(r, c) for c in names] for r in rows], columns=names, dtype="str")
    return new if not len(repairs.columns) else pd.concat([repairs, new], ignore_index=True).fillna("")

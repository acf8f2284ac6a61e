"""OpenStreetMap extracts: power lines and stations, schools, clinics and commune offices; towers and roads when asked."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from phusong.errors import InputError, Problem
from phusong.region.grid_join import join_lines
from phusong.region.grid_sources import STATION_CAIDI_H, STATION_SAIFI
from phusong.region.importers.base import Imported, Options, Repair, bounds_deg, names_of
from phusong.region.importers.osm_reading import OsmThings, read_osm
from phusong.region.importers.osm_tags import metres
from phusong.region.importers.power_lines import joined_layers
from phusong.region.layers import table_of
from phusong.region.notices import Notice
from phusong.region.rejoin_places import codes_of_places
from phusong.region.store import Region, Source

__all__ = ["import_osm", "roads_of"]

_MARGIN_M = 5000.0
_LICENCE = "ODbL 1.0"
_HEIGHT_M = 30.0


def import_osm(region: Region, files: Sequence[Path], options: Options) -> Imported:
    """Return what OpenStreetMap extracts hold of a region.

    Of itself it takes `power_nodes`, `power_lines` and `facilities`; `sites` and roads (beside the layers) only when
    they are named, since the map knows few of the one and very many of the other.

    Raises
    ------
    InputError
        Naming files that are no extracts or are cut off, or if nothing of use lies in the region.
    """
    roads = options.takes("roads", of_itself=False)
    things = OsmThings()
    for path in files:
        read = read_osm(path, bounds_deg(region.grid, margin_m=_MARGIN_M), roads=roads)
        for layer, lists in read.found.items():
            mine = things.found.setdefault(layer, {k: [] for k in lists})
            for key, values in lists.items():
                mine[key] += values
        things.broken += read.broken
        things.as_of = max(things.as_of, read.as_of)
    where = names_of(files)
    tables = {k: _table(v, region.grid.crs) for k, v in things.found.items()}
    if not tables:
        raise InputError(
            Problem(where, "has nothing of use in the region: is it the extract of another place?")
        )
    as_of = options.as_of or things.as_of
    source = options.source or f"OpenStreetMap contributors ({where})"
    parts: list[Imported] = []
    if {"lines", "stations"} & set(tables) and (options.takes("power_lines") or options.takes("power_nodes")):
        parts.append(_power(region, tables, where, source, as_of))
    if "facilities" in tables and options.takes("facilities"):
        parts.append(_facilities(region, tables["facilities"], where, source, as_of))
    notices = (
        [Notice(where, "things of use lack nodes in the file and were left out", rows=things.broken)]
        if things.broken
        else []
    )
    if "sites" in tables and options.takes("sites", of_itself=False):
        parts.append(_sites(region, tables["sites"], where, source, as_of))
    elif "sites" in tables:
        told = "towers and masts were left out: the map knows few; take them with --layer sites"
        notices.append(Notice(where, told, rows=len(tables["sites"])))
    beside = {"roads": tables["roads"].drop(columns=["kv", "tags"])} if roads and "roads" in tables else {}
    if not parts and not beside:
        told = f"has none of the layers asked for ({', '.join(options.layers)}) in the region"
        raise InputError(Problem(where, told))
    layers = {k: v for p in parts for k, v in p.layers.items()}
    return Imported(
        layers,
        tuple(s for p in parts for s in p.sources),
        (*notices, *(n for p in parts for n in p.notices)),
        tuple(r for p in parts for r in p.repairs),
        beside,
    )


def roads_of(path: Path, region: Region) -> gpd.GeoDataFrame:
    """Return the roads of an extract in the region: id, kind, geometry."""
    found = import_osm(region, [path], Options(layers=("roads",)))
    return found.beside["roads"]


def _table(lists: dict[str, list[Any]], crs: str) -> gpd.GeoDataFrame:
    plain = {k: v for k, v in lists.items() if k != "shape"}
    frame = gpd.GeoDataFrame(plain, geometry=lists["shape"], crs="EPSG:4326").to_crs(crs)
    # the order of an extract is that of its numbers; several extracts may hold the same thing
    return frame.drop_duplicates("id").reset_index(drop=True)


def _power(
    region: Region, tables: dict[str, gpd.GeoDataFrame], where: str, source: str, as_of: str
) -> Imported:
    nodes, real = region.power_nodes, frozenset[str]()
    if "stations" in tables:
        stations = tables["stations"]
        large = (stations["kind"] != "transformer").to_numpy()
        found = gpd.GeoDataFrame(
            {
                "node_id": "osm-" + stations["id"],
                "kind": stations["kind"],
                "capacity_kw": 0.0,
                "saifi": np.where(large, STATION_SAIFI, float(nodes["saifi"].median())),
                "caidi_h": np.where(large, STATION_CAIDI_H, float(nodes["caidi_h"].median())),
            },
            geometry=stations.geometry,
            crs=region.grid.crs,
        )
        nodes = nodes[~nodes["node_id"].isin(set(found["node_id"]))]
        nodes = gpd.GeoDataFrame(
            pd.concat([nodes, found], ignore_index=True), geometry="geometry", crs=region.grid.crs
        )
        real = frozenset(found["node_id"][large])
    lines = tables.get("lines")
    drawn = np.asarray(lines.geometry.to_numpy(), dtype=object) if lines is not None else np.zeros(0, object)
    kv = lines["kv"].to_numpy(np.float64) if lines is not None else np.zeros(0)
    old = region.power_lines
    known = set(nodes["node_id"])
    old = old[old["from_id"].isin(known) & old["to_id"].isin(known)]
    join = join_lines(nodes, old, drawn, kv, "osm", real_sources=real)
    return joined_layers(
        region,
        join,
        where,
        source,
        _LICENCE,
        as_of,
        f"{len(real)} substations and plants from the map; as drawn",
    )


def _facilities(region: Region, found: gpd.GeoDataFrame, where: str, source: str, as_of: str) -> Imported:
    codes = codes_of_places(found.geometry, np.full(len(found), ""), region.communes)
    inside = codes != ""
    frame = gpd.GeoDataFrame(
        {"facility_id": "osm-" + found["id"], "kind": found["kind"], "commune_code": codes},
        geometry=found.geometry,
        crs=region.grid.crs,
    )[inside]
    if frame.empty:
        return Imported({}, (), (Notice(where, "facilities lie outside the communes", rows=len(found)),))
    layer = table_of(frame, where, "facilities", crs=region.grid.crs).frame
    kinds = layer["kind"].value_counts()
    notes = f"kinds: {', '.join(sorted(kinds.index))}; as mapped: what is not drawn may still stand there"
    told = ", ".join(f"{n} of kind {k}" for k, n in sorted(kinds.items()))
    return Imported(
        {"facilities": layer},
        (Source("facilities", "measured", source, _LICENCE, as_of, notes),),
        (Notice(where, f"facilities taken: {told}"),),
    )


def _sites(region: Region, found: gpd.GeoDataFrame, where: str, source: str, as_of: str) -> Imported:
    tags = found["tags"].tolist()
    frame = gpd.GeoDataFrame(
        {
            "site_id": "osm-" + found["id"],
            "owner": [str(t.get("operator") or "unknown") for t in tags],
            "structure": found["kind"],
            "height_m": [metres(t.get("height"), _HEIGHT_M) for t in tags],
        },
        geometry=found.geometry,
        crs=region.grid.crs,
    )
    layer = table_of(frame, where, "sites", crs=region.grid.crs).frame
    notes = (
        "places as mapped; owner and height where tagged, else assumed; sharing, power and battery assumed"
    )
    repairs = (Repair("sites", f"{where}: {len(layer)} towers and masts took the place of all sites"),)
    return Imported(
        {"sites": layer}, (Source("sites", "measured", source, _LICENCE, as_of, notes),), (), repairs
    )

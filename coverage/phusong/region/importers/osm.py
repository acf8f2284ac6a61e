"""OpenStreetMap extracts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from phusong.errors import InputError, Notice, Problem, plural
from phusong.lazy import library_of_extra
from phusong.region.folder import Region, Source
from phusong.region.importers.base import Imported, Options, Repair, bounds_deg, names_of
from phusong.region.importers.power_lines import joined_layers
from phusong.region.inferred_sources import STATION_CAIDI_H, STATION_SAIFI
from phusong.region.power_merge import join_lines, kilovolts
from phusong.region.read.table import table_of
from phusong.region.relink import codes_of_places
from phusong.region.vietnam.names import fold_unit_name

__all__ = [
    "KEYS",
    "ROAD_KEY",
    "OsmThings",
    "TagMeaning",
    "import_osm",
    "meaning",
    "metres",
    "read_osm",
    "roads_of",
]

KEYS = ("power", "man_made", "amenity", "healthcare", "office", "telecom", "communication:mobile_phone")
"""Keys that things of use carry, one at least."""

ROAD_KEY = "highway"

_LINES = {"line", "minor_line", "cable"}
_TOWERS = {"mast", "tower", "communications_tower"}
_CLINICS = {"clinic", "hospital", "doctors", "health_post", "health_centre"}
_ROADS = {
    "motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "residential", "service", "track", "road",
    "motorway_link", "trunk_link", "primary_link", "secondary_link", "tertiary_link", "living_street",
}  # fmt: skip
_COMMITTEE = ("uy ban nhan dan xa", "uy ban nhan dan phuong", "ubnd xa", "ubnd phuong", "ubnd dac khu")
_STATION_KV = 35.0
_STATES = ("construction", "proposed", "disused", "abandoned", "razed", "demolished")


@dataclass(frozen=True)
class TagMeaning:
    """One thing of use.

    Parameters
    ----------
    layer : str
        lines, stations, sites, facilities or roads.
    kind : str
        Within the layer.
    kv : float
        Voltage; 0: not said.
    """

    layer: str
    kind: str
    kv: float = 0.0


def meaning(tags: Mapping[str, str], *, area: bool) -> TagMeaning | None:  # noqa: PLR0911 - a table of cases
    """Return what tags say, or None when it is nothing that a region holds.

    Parameters
    ----------
    tags : mapping
        Of a node, way or relation.
    area : bool
        Whether it is a point or closed; lines of power and roads are not.

    Examples
    --------
    >>> meaning({"power": "line", "voltage": "110000"}, area=False)
    TagMeaning(layer='lines', kind='line', kv=110.0)
    >>> meaning({"amenity": "school"}, area=True)
    TagMeaning(layer='facilities', kind='school', kv=0.0)
    >>> meaning({"power": "line", "disused": "yes"}, area=False) is None
    True
    """
    if any(tags.get(s, "no") == "yes" for s in _STATES):
        return None
    power = tags.get("power", "")
    if not area:
        if power in _LINES:
            return TagMeaning("lines", power, kilovolts(tags.get("voltage")))
        road = tags.get(ROAD_KEY, "")
        return TagMeaning("roads", road) if road in _ROADS else None
    if power == "plant":
        return TagMeaning("stations", "plant")
    if power == "substation":
        kv = kilovolts(tags.get("voltage"))
        small = "distribution" in tags.get("substation", "") or 0.0 < kv < _STATION_KV
        return TagMeaning("stations", "transformer" if small else "substation", kv)
    if power == "transformer" or (power == "pole" and tags.get("transformer", "no") != "no"):
        return TagMeaning("stations", "transformer", kilovolts(tags.get("voltage")))
    if _is_telecom(tags):
        return TagMeaning("sites", "tower" if tags.get("man_made") != "mast" else "mast")
    return _facility(tags)


def _facility(tags: Mapping[str, str]) -> TagMeaning | None:
    amenity = tags.get("amenity", "")
    if amenity == "school":
        return TagMeaning("facilities", "school")
    if amenity in _CLINICS or tags.get("healthcare", "") in {"clinic", "hospital", "centre", "doctor"}:
        return TagMeaning("facilities", "clinic")
    office = fold_unit_name(tags.get("name", "")).startswith(_COMMITTEE)
    if (amenity == "townhall" or tags.get("office") == "government") and (office or amenity == "townhall"):
        return TagMeaning("facilities", "commune office")
    return None


def _is_telecom(tags: Mapping[str, str]) -> bool:
    if tags.get("communication:mobile_phone", "no") == "yes" or tags.get("telecom") == "antenna":
        return True
    made = tags.get("man_made", "")
    if made == "communications_tower":
        return True
    return made in _TOWERS and (
        tags.get("tower:type") == "communication" or any(k.startswith("communication:") for k in tags)
    )


def metres(text: str | None, otherwise: float) -> float:
    """Return a height that a tag states in metres or feet.

    Examples
    --------
    >>> metres("45 m", 30.0), metres("100 ft", 30.0), metres("tall", 30.0)
    (45.0, 30.48, 30.0)
    """
    words = (text or "").replace(",", ".").casefold()
    number = words.rstrip("' mft").strip()
    try:
        value = float(number)
    except ValueError:
        return otherwise
    value *= 0.3048 if "ft" in words or "'" in words else 1.0
    return value if 0.0 < value <= 400.0 else otherwise


_HEADER = b"OSMHeader"
_KEPT = ("name", "operator", "height", "voltage")


@dataclass
class OsmThings:
    """Things of an extract that lie in an area, by layer (lines, stations, sites, facilities, roads).

    Parameters
    ----------
    found : dict
        For each layer, lists of equal length: id, kind, kv, tags, shape (in degrees).
    broken : int
        Lines and areas of use without enough of their nodes in the file.
    as_of : str
        When the extract was made, where its header says so.
    """

    found: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    broken: int = 0
    as_of: str = ""

    def add(self, number: str, what: TagMeaning, tags: Mapping[str, str], shape: Any) -> None:  # noqa: ANN401
        """Keep one thing."""
        lists = self.found.setdefault(what.layer, {k: [] for k in ("id", "kind", "kv", "tags", "shape")})
        kept = {k: tags[k] for k in _KEPT if k in tags}
        for key, value in zip(lists, (number, what.kind, what.kv, kept, shape), strict=True):
            lists[key].append(value)


def read_osm(path: Path, bounds: tuple[float, float, float, float], *, roads: bool = False) -> OsmThings:
    """Return what an .osm.pbf (or .osm, .osm.bz2) extract holds of use in an area.

    Parameters
    ----------
    path : Path
        The extract.
    bounds : tuple of float
        West, south, east, north. [°]
    roads : bool
        Whether roads are wanted: they are many.

    Raises
    ------
    InputError
        If it is no such file, or is cut off.

    Notes
    -----
    Three passes: relations of use (areas of several rings), then everything, then the rings of those relations. The
    places of all nodes are kept in a file that the operating system maps, as osmium offers; in memory remain only the
    things inside the area.
    """
    osmium = library_of_extra("osmium", "osm", "osm")
    _refuse_others(path)
    things = OsmThings()
    try:
        with TemporaryDirectory(prefix="phusong-osm-") as folder:
            places = osmium.index.create_map(f"sparse_file_array,{Path(folder) / 'nodes'}")
            rings = _rings(path, things)
            reader = osmium.FileProcessor(str(path)).with_locations(places)
            keys = (*KEYS, ROAD_KEY) if roads else KEYS
            reader.with_filter(osmium.filter.KeyFilter(*keys))
            for thing in reader:
                _take(thing, bounds, things)
            if rings:
                _take_rings(path, rings, places, bounds, things)
            del reader, places
    except Exception as error:  # noqa: BLE001 - libosmium has a family of errors of its own for what is in a file
        told = f"is no readable OpenStreetMap extract, or is cut off: {' '.join(str(error).split())[:150]}"
        raise InputError(Problem(path.name, told + "; download it again")) from None
    return things


def _refuse_others(path: Path) -> None:
    if not path.is_file():
        raise InputError(Problem(path.name, "does not exist"))
    name = path.name.casefold()
    if not name.endswith((".pbf", ".osm", ".osm.bz2", ".osm.gz")):
        raise InputError(Problem(path.name, "is no OpenStreetMap extract; expected .osm.pbf"))
    if name.endswith(".pbf"):
        with path.open("rb") as file:
            if _HEADER not in file.read(64):
                raise InputError(
                    Problem(path.name, "is no .osm.pbf file (it does not begin with an OSM header)")
                )


def _rings(path: Path, things: OsmThings) -> dict[int, tuple[str, TagMeaning, dict[str, str]]]:
    """Return what each outer ring of areas of use belongs to, by the number of its way; the first ring stands for all."""
    osmium = library_of_extra("osmium", "osm", "osm")
    reader = osmium.FileProcessor(str(path), osmium.osm.RELATION).with_filter(osmium.filter.KeyFilter(*KEYS))
    stamp = reader.header.get("osmosis_replication_timestamp", "") or reader.header.get("timestamp", "")
    things.as_of = str(stamp)[:10]
    out: dict[int, tuple[str, TagMeaning, dict[str, str]]] = {}
    for relation in reader:
        tags = {t.k: t.v for t in relation.tags}
        what = meaning(tags, area=True) if tags.get("type") in {"multipolygon", "site"} else None
        outer = next((m.ref for m in relation.members if m.type == "w" and m.role in {"outer", ""}), None)
        if what is not None and outer is not None:
            out.setdefault(int(outer), (f"r{relation.id}", what, tags))
    return out


def _take(thing: Any, bounds: tuple[float, float, float, float], things: OsmThings) -> None:  # noqa: ANN401
    if thing.is_node():
        if not thing.location.valid():
            return
        lon, lat = thing.location.lon, thing.location.lat
        if not (bounds[0] <= lon <= bounds[2] and bounds[1] <= lat <= bounds[3]):
            return
        tags = {t.k: t.v for t in thing.tags}
        what = meaning(tags, area=True)
        if what is not None:
            things.add(f"n{thing.id}", what, tags, shapely.Point(lon, lat))
        return
    if not thing.is_way():
        return
    closed = thing.is_closed()
    tags = {t.k: t.v for t in thing.tags}
    what = meaning(tags, area=False) or (meaning(tags, area=True) if closed else None)
    if what is None:
        return
    path = [(n.location.lon, n.location.lat) for n in thing.nodes if n.location.valid()]
    _add_path(f"w{thing.id}", what, tags, path, bounds, things)


def _add_path(
    number: str, what: TagMeaning, tags: Mapping[str, str], path: list[tuple[float, float]],
    bounds: tuple[float, float, float, float], things: OsmThings,
) -> None:  # fmt: skip
    is_line = what.layer in {"lines", "roads"}
    if len(path) < 2:
        things.broken += 1
        return
    xy = np.array(path)
    inside = (
        (xy[:, 0] >= bounds[0]) & (xy[:, 0] <= bounds[2]) & (xy[:, 1] >= bounds[1]) & (xy[:, 1] <= bounds[3])
    )
    if not inside.any():
        return
    # a thing with an area is a point to us: the middle of its outline
    shape = shapely.LineString(xy) if is_line else shapely.LineString(xy).envelope.centroid
    things.add(number, what, tags, shape)


def _take_rings(
    path: Path, rings: Mapping[int, tuple[str, TagMeaning, dict[str, str]]], places: Any,  # noqa: ANN401
    bounds: tuple[float, float, float, float], things: OsmThings,
) -> None:  # fmt: skip
    osmium = library_of_extra("osmium", "osm", "osm")
    reader = osmium.FileProcessor(str(path), osmium.osm.WAY).with_filter(osmium.filter.IdFilter(list(rings)))
    for way in reader:
        number, what, tags = rings[way.id]
        _add_path(number, what, tags, list(_placed(way, places)), bounds, things)


def _placed(way: Any, places: Any) -> Iterator[tuple[float, float]]:  # noqa: ANN401
    for node in way.nodes:
        try:
            location = places.get(node.ref)
        except KeyError:
            continue
        if location.valid():
            yield location.lon, location.lat


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
        f"{plural(len(real), 'substation or plant', 'substations and plants')} from the map; as drawn",
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
    repairs = (
        Repair(
            "sites",
            f"{where}: {plural(len(layer), 'tower or mast', 'towers and masts')} took the place of all sites",
        ),
    )
    return Imported(
        {"sites": layer}, (Source("sites", "measured", source, _LICENCE, as_of, notes),), (), repairs
    )

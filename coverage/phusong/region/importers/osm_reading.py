"""What an OpenStreetMap extract holds of use in an area, read in one stream; places of nodes wait in a file, not in memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import shapely

from phusong.errors import InputError, Problem
from phusong.region.importers.osm_tags import KEYS, ROAD_KEY, Meaning, meaning

__all__ = ["OsmThings", "read_osm"]

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

    def add(self, number: str, what: Meaning, tags: Mapping[str, str], shape: Any) -> None:  # noqa: ANN401
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
    import osmium  # noqa: PLC0415 - only this importer needs it

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


def _rings(path: Path, things: OsmThings) -> dict[int, tuple[str, Meaning, dict[str, str]]]:
    """Return what each outer ring of areas of use belongs to, by the number of its way; the first ring stands for all."""
    import osmium  # noqa: PLC0415

    reader = osmium.FileProcessor(str(path), osmium.osm.RELATION).with_filter(osmium.filter.KeyFilter(*KEYS))
    stamp = reader.header.get("osmosis_replication_timestamp", "") or reader.header.get("timestamp", "")
    things.as_of = str(stamp)[:10]
    out: dict[int, tuple[str, Meaning, dict[str, str]]] = {}
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
    number: str, what: Meaning, tags: Mapping[str, str], path: list[tuple[float, float]],
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
    path: Path, rings: Mapping[int, tuple[str, Meaning, dict[str, str]]], places: Any,  # noqa: ANN401
    bounds: tuple[float, float, float, float], things: OsmThings,
) -> None:  # fmt: skip
    import osmium  # noqa: PLC0415

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

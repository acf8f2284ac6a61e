"""Fibre routes: nodes and links of the backhaul."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS

from phusong.compute.arrays import nearest
from phusong.errors import InputError, Notice, Problem, plural, refuse
from phusong.io.limits import json_tree
from phusong.region.folder import Region, Source
from phusong.region.importers.base import Imported, Options, Repair, names_of
from phusong.region.read.columns import stamped
from phusong.region.read.encoding import fold
from phusong.region.read.geometry import from_wkt, shaped
from phusong.region.read.headings import convert, known_headings
from phusong.region.read.left_out import LeftRow, few_enough, left_notices
from phusong.region.read.table import open_table, table_of
from phusong.region.read.values import first_rows, measures_of, numbers_of

__all__ = ["NODE_TYPES", "import_fibre", "is_spans", "node_rows", "refuse_fibre"]

NODE_TYPES = frozenset({
    "pop", "point_of_presence", "splice_closure", "splice", "closure", "cabinet", "handhole", "manhole", "odf", "exchange",
    "landing_station", "fibre_node", "fiber_node", "data_centre", "datacentre", "data_center", "tu_quang", "mang_xong", "hop_cap",
    "ixp", "coreexchange", "core_exchange", "osp", "olt", "onu", "odn", "fdt", "fat", "fdh", "splitter", "joint",
})  # fmt: skip
"""Folded words for what a node of a fibre network is."""

# what a mast may be called too, where others of the list are masts
_OF_MASTS_TOO = frozenset({
    "exchange", "cabinet", "data_centre", "datacentre", "data_center", "coreexchange", "core_exchange", "joint",
})  # fmt: skip

_SIGNS = frozenset({
    "physicalinfrastructureprovider", "networkproviders", "network_providers", "featuretype", "feature_type", "accesspoint",
    "access_point", "internationalconnections", "international_connections", "transmission_medium", "transmissionmedium",
    "node_status", "access_technologies", "backhaul_technologies", "equipped_capacity_access_mbps",
    "equipped_capacity_backhaul_mbps", "potential_capacity_backhaul_mbps", "fibrecount", "fibre_count", "fiber_count",
    "fibrelength", "fibre_length", "fibretype", "fibre_type", "darkfibre", "dark_fibre", "so_soi",
})  # fmt: skip
_OF_A_MAST = frozenset({
    "operator_name", "radio_type", "tower_height", "antenna_height", "height_m", "structure", "structure_height", "azimuth",
    "technology", "chieu_cao_cot_m", "chieu_cao_cot", "site_id",
})  # fmt: skip
_ENOUGH = 2


def refuse_fibre(frame: Any, where: str, layer: str) -> None:  # noqa: ANN401
    """Refuse nodes or spans of a fibre network given as masts or cells, or as links without their nodes.

    Raises
    ------
    InputError
        With the kind that reads them.
    """
    what = _kind_of(frame)
    if not what and layer == "links" and len(frame) and is_spans(frame):
        what = (
            ""
            if {fold(c) for c in frame.columns} & known_headings("links", ["from_id", "to_id"])
            else "spans"
        )
    if not what:
        return
    mend = "import them with their spans as kind fibre: region import REGION fibre NODES SPANS"
    if layer == "links":
        told = f"holds {what} of a fibre network, drawn or by its own nodes, not links between the region's sites; {mend}"
    else:
        told = (
            f"holds {what} of a fibre (transmission) network, which are no masts and carry no cells; {mend}"
        )
    raise InputError(Problem(where, told))


def is_spans(frame: Any) -> bool:  # noqa: ANN401
    """Return whether a table holds spans rather than nodes: lines, or a start and an end."""
    if isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None and len(frame):
        kinds = shapely.get_type_id(np.asarray(frame.geometry.to_numpy(), dtype=object))
        return bool(np.isin(kinds, [1, 5]).mean() > 0.5)
    names = {_last(c) for c in frame.columns}
    return {"start", "end"} <= names or "route" in names


def _kind_of(frame: Any) -> str:  # noqa: ANN401
    names = {_last(c) for c in frame.columns}
    spans = is_spans(frame) and bool(len(frame))
    says = next((c for c in frame.columns if _last(c) in {"featuretype", "feature_type"}), None)
    stated = set(frame[says].dropna().map(fold)) if says is not None else set()
    if stated & {"node", "span"}:
        return "spans" if "span" in stated else "nodes"
    if names & _OF_A_MAST:
        return ""
    if len(names & _SIGNS) >= _ENOUGH:
        return "spans" if spans else "nodes"
    kind = _type_column(frame)
    if kind is not None and not spans:
        words = frame[kind].dropna()
        if len(words) and float(pd.Series([_is_node(w, NODE_TYPES) for w in words]).mean()) > 0.5:
            return "nodes"
    return ""


def node_rows(frame: Any) -> npt.NDArray[np.bool_]:  # noqa: ANN401
    """Return which rows of a list of masts are nodes of a fibre network by what the list says of their type."""
    kind = _type_column(frame)
    if kind is None:
        return np.zeros(len(frame), bool)
    known = NODE_TYPES - _OF_MASTS_TOO
    return np.array([not pd.isna(w) and _is_node(w, known) for w in frame[kind]], bool)


def _type_column(frame: Any) -> Any:  # noqa: ANN401
    return next((c for c in frame.columns if _last(c) in {"type", "node_type", "kind", "loai"}), None)


def _is_node(value: object, known: frozenset[str]) -> bool:
    parts = [
        fold(p) for p in str(value).strip("[]").replace("'", "").replace('"', "").replace(";", ",").split(",")
    ]
    return any(p in known for p in parts)


def _last(column: object) -> str:
    """Return the last part of a flattened name: nodes/0/type is type."""
    return fold(str(column).rsplit("/", 1)[-1])


_NEAR_M = 20_000.0  # a node this far beyond the grid still feeds sites inside
_AVAILABILITY = 0.9999
_LOSS_PER_KM = 0.00003  # assumed, as for the links that the model draws
_CAPACITY_MBPS = 10_000.0  # of a span that states none
_READ_FROM = (
    "id", "source_ict_id", "ict_id", "name", "status", "node_status", "type", "start", "end", "location", "route", "capacity",
    "transmissionmedium", "transmission_medium", "physicalinfrastructureprovider", "physical_infrastructure_provider", "owner",
    "networkproviders", "network_providers", "chu_so_huu", "lat", "latitude", "lon", "longitude", "equipped_capacity_backhaul_mbps",
)  # fmt: skip
_GONE = {"decommissioned", "retired", "proposed", "planned", "under_construction"}


@dataclass(frozen=True)
class _Network:
    nodes: gpd.GeoDataFrame
    spans: pd.DataFrame
    notices: tuple[Notice, ...]
    left: tuple[LeftRow, ...]


def import_fibre(region: Region, files: Sequence[Path], options: Options) -> Imported:
    """Return layers `sites`, `cells` and `links` with the nodes of a fibre network as exchanges and its spans as links.

    Sites that the model hangs on a farther exchange by fibre go to the nearest node. No node becomes a mast.

    Parameters
    ----------
    region : Region
        Where.
    files : sequence of Path
        Nodes, and spans where there are any: GeoJSON, CSV or a package (JSON) of the Open Fibre Data Standard; any other
        table of places.
    options : Options
        See :class:`Options`.

    Raises
    ------
    InputError
        Naming everything wrong with the files; if no node lies in the region.
    """
    where = names_of(files)
    network = _network(files, region, options)
    west, south, east, north = region.grid.bounds
    x, y = network.nodes.geometry.x.to_numpy(), network.nodes.geometry.y.to_numpy()
    inside = (x > west - _NEAR_M) & (x < east + _NEAR_M) & (y > south - _NEAR_M) & (y < north + _NEAR_M)
    if not inside.any():
        told = f"has no node in the region or within {_NEAR_M / 1000:.0f} km of it ({plural(len(inside), 'node')} elsewhere)"
        raise InputError(Problem(where, told))
    notices = list(network.notices)
    left = list(network.left)
    off = [
        LeftRow(str(f), int(r), "id", str(i), f"lies more than {_NEAR_M / 1000:.0f} km off the region")
        for f, r, i in network.nodes.loc[~inside, ["file", "row", "id"]].itertuples(index=False)
    ]
    left += off
    notices += left_notices(off, "sites")
    nodes = network.nodes[inside].reset_index(drop=True)
    sites, added = _with_nodes(region, nodes, where)
    links, spans = _with_spans(region, network.spans, dict(zip(nodes["id"], added, strict=True)), nodes)
    lost = len(network.spans) - len(spans)
    if lost:
        told = "spans that end at a node outside the region, or at none of the file, are no links"
        notices.append(Notice(where, told, rows=lost))
    sites, links, moved = _rehung(region, sites, links, nodes, added)
    moved_told = (
        "1 site that was hung on a farther exchange goes to the nearest node"
        if moved == 1
        else f"{moved:,} sites that were hung on farther exchanges go to the nearest node"
    )
    told = (
        f"{plural(len(added), 'node')} became {'an exchange' if len(added) == 1 else 'exchanges'} and "
        f"{plural(len(spans), 'span')} {'a link' if len(spans) == 1 else 'links'}; "
        f"{moved_told}"
    )
    notices.append(Notice(where, told))
    return Imported(
        {"sites": sites, "links": links, "cells": region.cells},
        _sources(region, where, options, told),
        tuple(notices),
        (Repair("links", f"{where}: {told}"),),
        left_out={"sites": tuple(left)} if left else {},
    )


def _network(files: Sequence[Path], region: Region, options: Options) -> _Network:
    """Return nodes and spans of all files, in the region's CRS."""
    nodes: list[Any] = []
    spans: list[Any] = []
    notices: list[Notice] = []
    left: list[LeftRow] = []
    problems: list[Problem] = []
    for path in files:
        try:
            for frame, told in _frames(path):
                notices += told
                if is_spans(frame):
                    spans.append(_spans(frame, path.name))
                    notices += _unused(frame, path.name)
                    continue
                found, wrong, said = _nodes(frame, path.name, region, options)
                nodes.append(found)
                left += wrong
                notices += said
        except InputError as error:
            problems += error.problems
    refuse(problems)
    if not nodes:
        alone = "holds spans alone; give the nodes that they join too: region import REGION fibre NODES SPANS"
        raise InputError(Problem(names_of(files), alone))
    every = pd.concat(nodes, ignore_index=True)
    again = every["id"].duplicated().to_numpy()
    if again.any():
        alone = "nodes are listed again; the first of each holds"
        notices.append(Notice(names_of(files), alone, "id", int(again.sum())))
    all_nodes = gpd.GeoDataFrame(
        every[~again].reset_index(drop=True), geometry="geometry", crs=region.grid.crs
    )
    empty = pd.DataFrame({c: pd.Series(dtype="str") for c in ("id", "start", "end", "owner")})
    return _Network(
        all_nodes, pd.concat(spans, ignore_index=True) if spans else empty, tuple(notices), tuple(left)
    )


def _frames(path: Path) -> list[tuple[Any, list[Notice]]]:
    """Return the tables of a file: two of a package of the standard, else one."""
    if path.suffix.lower() == ".json":
        tree = json_tree(path)
        if isinstance(tree, dict) and isinstance(tree.get("networks"), list):
            networks = [n for n in tree["networks"] if isinstance(n, dict)]
            out: list[tuple[Any, list[Notice]]] = []
            for part in ("nodes", "spans"):
                rows = [r for n in networks for r in (n.get(part) or []) if isinstance(r, dict)]
                if rows:
                    frame = pd.DataFrame(rows)
                    place = "location" if part == "nodes" else "route"
                    shapes = [_geometry(r.get(place)) for r in rows]
                    out.append((gpd.GeoDataFrame(frame, geometry=shapes, crs="EPSG:4326"), []))
            if not out:
                raise InputError(Problem(path.name, "holds no nodes and no spans"))
            return out
    opened = open_table(path, "fibre", known=_READ_FROM)
    return [(opened.frame, list(opened.notices))]


def _geometry(value: object) -> Any:  # noqa: ANN401
    try:
        return shapely.from_geojson(json.dumps(value)) if isinstance(value, dict) else None
    except (shapely.errors.ShapelyError, ValueError, TypeError):
        return None


def _columns(frame: Any) -> dict[str, str]:  # noqa: ANN401
    """Return the columns of a table by the last part of their names; those of CSV files are flattened (nodes/0/id)."""
    out: dict[str, str] = {}
    for c in frame.columns:
        parts = str(c).split("/")
        plain = [p for p in parts if not p.isdigit() and p not in {"nodes", "spans"}]
        name = fold("_".join(plain)) if plain else fold(c)
        # the id of the row, not that of the network it belongs to
        if name not in out or len(parts) > 1:
            out[name] = str(c)
    return out


def _of(frame: Any, names: Sequence[str]) -> "pd.Series[str]":  # noqa: ANN401
    columns = _columns(frame)
    for name in names:
        if name in columns:
            found: pd.Series[str] = frame[columns[name]].map(_identity).astype("str")
            return found
    return pd.Series([""] * len(frame), index=frame.index, dtype="str")


def _identity(value: object, key: str = "id") -> str:
    """Return the id, else the name, of what may be a thing with both, its JSON, or the text itself."""
    if isinstance(value, str) and value.strip()[:1] in {"{", "["}:
        try:
            value = json.loads(value)
        except ValueError:
            return str(value).strip()
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, Mapping):
        return str(value.get(key) or value.get("name") or "").strip()
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _owners(frame: Any) -> "pd.Series[str]":  # noqa: ANN401
    columns = _columns(frame)
    for name in (
        "physicalinfrastructureprovider", "physicalinfrastructureprovider_name", "physical_infrastructure_provider", "owner",
        "chu_so_huu", "networkproviders", "network_providers",
    ):  # fmt: skip
        if name in columns:
            found = frame[columns[name]].map(lambda v: _identity(v, "name")).astype("str")
            if (found != "").any():
                known: pd.Series[str] = found.where(found != "", "unknown")
                return known
    return pd.Series(["unknown"] * len(frame), index=frame.index, dtype="str")


def _nodes(
    frame: Any,  # noqa: ANN401
    where: str,
    region: Region,
    options: Options,
) -> tuple[Any, list[LeftRow], list[Notice]]:
    table = frame.reset_index(drop=True)
    ids = _of(table, ("id", "source_ict_id", "ict_id", "node_id", "ma", "name"))
    ids = ids.where(ids != "", pd.Series([f"row{k + 1}" for k in range(len(table))]))
    status = _of(table, ("status", "node_status")).map(fold)
    place, notices = _placed(table, where, region, options)
    plain = pd.DataFrame(
        {
            "id": ids,
            "owner": _owners(table),
            "file": where,
            "row": np.arange(1, len(table) + 1),
            "geometry": place,
        }
    )
    there = ~shapely.is_missing(place) & (shapely.get_type_id(place) == shapely.GeometryType.POINT)
    gone = status.isin(_GONE).to_numpy()
    left = [
        LeftRow(
            where,
            k + 1,
            "geometry" if not there[k] else "status",
            str(ids[k]),
            "has no place" if not there[k] else f"is {status[k]}, not in service",
        )
        for k in np.flatnonzero(~there | gone).tolist()
    ]
    if not few_enough(int((~there).sum()), len(table), options.left_out_share) and not gone.all():
        told = f"{int((~there).sum())} of {len(table)} nodes have no place; give longitude and latitude, or shapes"
        raise InputError(Problem(where, told))
    notices += [*left_notices(left, "sites"), *_unused(table, where)]
    return plain[there & ~gone], left, notices


def _placed(
    table: Any,  # noqa: ANN401
    where: str,
    region: Region,
    options: Options,
) -> tuple[npt.NDArray[Any], list[Notice]]:
    """Return the places of nodes in the region's CRS."""
    crs = region.grid.crs
    if not (isinstance(table, gpd.GeoDataFrame) and table.active_geometry_name is not None):
        columns = _columns(table)
        text = next((columns[c] for c in ("location", "geometry", "wkt") if c in columns), None)
        if text is not None:
            table, wrong = from_wkt(
                pd.DataFrame({"geometry": table[text]}), where, options.crs or "EPSG:4326"
            )
            refuse(wrong)
        else:
            lon = next((columns[c] for c in ("longitude", "lon", "lng", "kinh_do") if c in columns), None)
            lat = next((columns[c] for c in ("latitude", "lat", "vi_do") if c in columns), None)
            if lon is None or lat is None:
                raise InputError(
                    Problem(
                        where,
                        "has no places: expected shapes, a column location (WKT), or longitude and latitude",
                    )
                )
            x, y = (
                numbers_of(table[lon], least=-180, most=180).number,
                numbers_of(table[lat], least=-90, most=90).number,
            )
            shapes: npt.NDArray[Any] = np.asarray(
                shapely.points(np.where(np.isfinite(x), x, 0.0), np.where(np.isfinite(y), y, 0.0)),
                dtype=object,
            )
            shapes[~(np.isfinite(x) & np.isfinite(y))] = None
            table = gpd.GeoDataFrame(
                {"geometry": shapes}, geometry="geometry", crs=options.crs or "EPSG:4326"
            )
    bare = gpd.GeoDataFrame(
        {"geometry": table.geometry.to_numpy()}, geometry="geometry", crs=table.crs or options.crs or None
    )
    if bare.crs is not None and CRS.from_user_input(bare.crs).is_geographic:
        # nodes of the whole country, or of another one, are left out later by their distance
        moved = bare.to_crs(crs).geometry
        return np.asarray(moved.to_numpy(), dtype=object), []
    out, problems, notices = shaped(bare, "sites", where, crs, own_crs=options.crs)
    refuse(problems)
    return np.asarray(out.geometry.to_numpy(), dtype=object), notices


def _capacity_mbps(values: "pd.Series[Any]", where: str) -> npt.NDArray[np.float64]:
    """Return what a column says of capacity, which the standard states in gigabits a second.

    Raises
    ------
    InputError
        Naming rows that hold no number, or another unit.
    """
    beside = measures_of(values, "Mbit/s", stated="Gbit/s")
    read = beside.numbers if beside else numbers_of(values)
    told = "is no capacity: a number, in Gbit/s where no unit stands behind it"
    strange = read.wrong | (beside.strange if beside else False)
    refuse([Problem(where, read.doubt, column=str(values.name))] if read.doubt else [])
    refuse(first_rows(np.asarray(strange, bool), values, where, str(values.name), told))
    return read.number if beside else convert(read.number, "Mbit/s", "Gbit/s")


def _spans(frame: Any, where: str) -> pd.DataFrame:  # noqa: ANN401
    table = frame.reset_index(drop=True)
    columns = _columns(table)
    capacity = next((columns[c] for c in ("capacity", "capacity_gbps") if c in columns), None)
    mbps = _capacity_mbps(table[capacity], where) if capacity is not None else np.full(len(table), np.nan)
    medium = _of(table, ("transmissionmedium", "transmission_medium")).map(fold)
    return pd.DataFrame(
        {
            "id": _of(table, ("id",)),
            "start": _of(table, ("start", "start_id")),
            "end": _of(table, ("end", "end_id")),
            "owner": _owners(table),
            "capacity_mbps": np.where(mbps > 0, mbps, _CAPACITY_MBPS),
            "medium": np.where(
                medium.isin(["microwave", "viba"]),
                "microwave",
                np.where(medium == "satellite", "satellite", "fibre"),
            ),
        }
    )


def _unused(frame: Any, where: str) -> list[Notice]:  # noqa: ANN401
    unused = [c for name, c in _columns(frame).items() if name not in _READ_FROM and c != "geometry"]
    if not unused:
        return []
    return [
        Notice(
            where, f"not used, as they answer no question of exchanges and links: {', '.join(unused[:200])}"
        )
    ]


def _with_nodes(region: Region, nodes: Any, where: str) -> tuple[Any, list[str]]:  # noqa: ANN401
    """Return the region's sites with the nodes as exchanges, and the keys of these."""
    taken = set(region.sites["site_id"])
    keys = [f"fibre-{i}" for i in nodes["id"]]
    keys = [k if k not in taken else f"{k}-node" for k in keys]
    frame = gpd.GeoDataFrame(
        {
            "site_id": keys,
            "owner": nodes["owner"].to_numpy(),
            "structure": "exchange",
            "height_m": 0.0,
            "shareable": True,
        },
        geometry=nodes.geometry.to_numpy(),
        crs=region.grid.crs,
    )
    added = table_of(frame, where, "sites", crs=region.grid.crs).frame
    added = stamped(added, "measured")
    both = pd.concat([stamped(region.sites, region.record_kinds("sites")), added], ignore_index=True)
    for name in set(region.sites.columns) - set(added.columns):
        if pd.api.types.is_numeric_dtype(region.sites[name].dtype):
            both[name] = both[name].fillna(0).astype(region.sites[name].dtype)
        elif name != "geometry":
            both[name] = both[name].fillna("")
    return gpd.GeoDataFrame(both, geometry="geometry", crs=region.grid.crs), keys


def _with_spans(
    region: Region,
    spans: pd.DataFrame,
    key_of: Mapping[str, str],
    nodes: Any,  # noqa: ANN401
) -> tuple[pd.DataFrame, pd.DataFrame]:
    both = (
        spans["start"].isin(set(key_of)) & spans["end"].isin(set(key_of)) & (spans["start"] != spans["end"])
    )
    mine = spans[both].reset_index(drop=True)
    at = {i: (x, y) for i, x, y in zip(nodes["id"], nodes.geometry.x, nodes.geometry.y, strict=True)}
    km = np.array(
        [
            np.hypot(*np.subtract(at[a], at[b])) / 1000.0
            for a, b in zip(mine["start"], mine["end"], strict=True)
        ]
    )
    new = pd.DataFrame(
        {
            "link_id": [f"span-{i or k}" for k, i in enumerate(mine["id"])],
            "from_id": mine["start"].map(key_of),
            "to_id": mine["end"].map(key_of),
            "medium": mine["medium"] if len(mine) else pd.Series(dtype="str"),
            "capacity_mbps": mine["capacity_mbps"] if len(mine) else pd.Series(dtype="float64"),
            "owner": mine["owner"],
            "availability": np.round(np.maximum(_AVAILABILITY - _LOSS_PER_KM * km, 0.9), 6),
        }
    )
    taken = set(region.links["link_id"])
    new["link_id"] = [k if k not in taken else f"{k}-fibre" for k in new["link_id"]]
    new = new[~new["link_id"].duplicated()]
    if new.empty:
        return region.links, new
    frame = table_of(
        pd.concat(
            [stamped(region.links, region.record_kinds("links")), stamped(new, "measured")], ignore_index=True
        ),
        "links",
        "links",
        crs=region.grid.crs,
    ).frame
    return frame, new


def _rehung(
    region: Region,
    sites: Any,  # noqa: ANN401
    links: pd.DataFrame,
    nodes: Any,  # noqa: ANN401
    keys: Sequence[str],
) -> tuple[Any, pd.DataFrame, int]:
    """Return sites and links in which modelled fibre to an exchange goes to the nearest node, where that is nearer."""
    if region.source_of("links").kind not in {"modelled", "assumed"}:
        return sites, links, 0
    ids = sites["site_id"].to_numpy(str)
    xy = np.c_[sites.geometry.x, sites.geometry.y]
    at = {i: k for k, i in enumerate(ids)}
    root = (sites["structure"] == "exchange").to_numpy()
    parent = np.array([at.get(p, -1) for p in sites["backhaul_parent_id"].astype(str)])
    by_fibre = set(links["from_id"][links["medium"] == "fibre"])
    hung = (parent >= 0) & ~root & root[np.maximum(parent, 0)] & np.isin(ids, list(by_fibre))
    if not hung.any():
        return sites, links, 0
    distance, near = nearest(np.c_[nodes.geometry.x, nodes.geometry.y], xy[hung])
    before = np.hypot(*(xy[hung] - xy[parent[hung]]).T)
    move = distance < before
    mine = ids[hung][move]
    to = np.array(keys)[near[move]]
    sites = sites.copy()
    new_parent = dict(zip(mine.tolist(), to.tolist(), strict=True))
    sites["backhaul_parent_id"] = [
        new_parent.get(i, p) for i, p in zip(ids, sites["backhaul_parent_id"], strict=True)
    ]
    old = dict(zip(ids[hung][move].tolist(), ids[parent[hung][move]].tolist(), strict=True))
    share = dict(
        zip(
            mine.tolist(),
            np.round(np.maximum(_AVAILABILITY - _LOSS_PER_KM * distance[move] / 1000.0, 0.9), 6),
            strict=True,
        )
    )
    links = links.copy()
    change = np.array([old.get(a) == b for a, b in zip(links["from_id"], links["to_id"], strict=True)])
    links.loc[change, "availability"] = links.loc[change, "from_id"].map(share)
    links.loc[change, "to_id"] = links.loc[change, "from_id"].map(new_parent)
    return sites, links, int(move.sum())


def _sources(region: Region, where: str, options: Options, told: str) -> tuple[Source, ...]:
    out = []
    for layer in ("sites", "links"):
        before = region.source_of(layer)
        source = options.source or where
        out.append(
            replace(
                before,
                source=f"{before.source}; {source}",
                notes="; ".join(t for t in (before.notes, told) if t),
            )
        )
    return tuple(out)

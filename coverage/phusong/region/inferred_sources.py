"""Sources of drawn lines that reach none: the line or station beside a gap, a substation on the way, a trunk's end."""

import re
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components, dijkstra

from phusong.compute.array_types import Floats, Ints
from phusong.compute.arrays import nearest
from phusong.region.power_layers import is_open
from phusong.region.power_topology import Branches, branches_near

__all__ = [
    "FROM_FEEDER",
    "FROM_LINE",
    "FROM_STATION",
    "FROM_TRUNK",
    "INFERRED_SOURCE",
    "MEDIUM_KV",
    "SPACING_M",
    "STATION_CAIDI_H",
    "STATION_SAIFI",
    "STEP_DOWN",
    "Joins",
    "gap_joins",
    "joined",
    "load_joins",
    "new_stations",
    "step_down_joins",
    "trunk_ends",
]

Lines = npt.NDArray[np.object_]

MEDIUM_KV = 35.0
"""Transformers of villages hang on lines up to this. [kV]"""

SPACING_M = 9_000.0
"""Least distance between two substations of the model. [m]"""

STATION_SAIFI, STATION_CAIDI_H = 0.3, 1.5
"""Interruptions a year and their mean length at a substation of which nothing else is known, as the model's."""

INFERRED_SOURCE, STEP_DOWN = re.compile(r"g\d+s\d+"), re.compile(r"g\d+d\d+")
"""Ids of inferred sources, and of inferred substations that a high-voltage line feeds."""

_JUNCTION = re.compile(r"g\d+j\d+")

FROM_FEEDER, FROM_LINE, FROM_STATION, FROM_TRUNK = 1, 2, 3, 4
"""What the source of a drawn line is inferred from: a modelled feeder or substation beside it, the drawn line or the
station beside a gap in the drawing, nothing but its own longest trunk."""

_GAP_M = 2000.0  # so much of a line may be missing between a piece and what feeds it
_FARTHEST_M = 10_000.0  # nothing is hung on a line farther off than this
_AT_STATION_M = 500.0
_USUAL_KV = 22.0  # a line without a voltage is taken as one of the villages
_DETOUR = 1.25  # as the model's lines: they follow roads
_SHORTEST_M = 10.0
_SOURCES = ("substation", "plant")


@dataclass(frozen=True)
class Joins:
    """Modelled joins between places on drawn lines and nodes.

    Parameters
    ----------
    line : ndarray of int, shape (p,)
        Line of each place.
    along_m : ndarray of float64, shape (p,)
        Distance of each place from its line's start.
    upper, lower : ndarray of int, shape (n,)
        Ends of each join: a place, or ``~i`` for node i.
    length_m : ndarray of float64, shape (n,)
        Length of each join.
    one_way : ndarray of bool, shape (n,)
        Whether power goes from upper to lower only.
    reason : ndarray of int, shape (n,)
        ``FROM_FEEDER`` and so on.
    """

    line: Ints
    along_m: Floats
    upper: Ints
    lower: Ints
    length_m: Floats
    one_way: npt.NDArray[np.bool_]
    reason: Ints


def joined(*parts: Joins) -> Joins:
    """Return joins together; places are counted on."""
    before = np.cumsum([0, *(p.line.size for p in parts)])[:-1]

    def moved(name: str) -> Ints:
        ends = [getattr(p, name) for p in parts]
        return np.concatenate([np.where(e >= 0, e + b, e) for e, b in zip(ends, before, strict=True)])

    def all_of(name: str) -> Any:  # noqa: ANN401 - each array has its own kind
        return np.concatenate([getattr(p, name) for p in parts])

    return Joins(
        all_of("line"), all_of("along_m"), moved("upper"), moved("lower"), all_of("length_m"), all_of("one_way"),
        all_of("reason"),
    )  # fmt: skip


def _joins(
    branches: Branches, upper: Ints, lower: Ints, apart_m: Floats, one_way: npt.ArrayLike, reason: int
) -> Joins:
    length = np.maximum(apart_m * _DETOUR, _SHORTEST_M)
    ways = np.broadcast_to(np.asarray(one_way, bool), upper.shape).copy()
    return Joins(
        branches.line, branches.along_m, upper.astype(np.int64), lower.astype(np.int64), length, ways,
        np.full(upper.size, reason, np.int64),
    )  # fmt: skip


def _parent_m(nodes: gpd.GeoDataFrame, lines: pd.DataFrame) -> Floats:
    """Return the length of the closed line that feeds each transformer or junction; 0 where there is none. [m]"""
    closed = lines[~is_open(lines)]
    by_id = pd.Series(closed["length_km"].to_numpy(np.float64) * 1000.0, closed["to_id"].to_numpy(str))
    by_id = by_id[~by_id.index.duplicated()]
    fed = by_id.reindex(nodes["node_id"].to_numpy(str)).fillna(0.0).to_numpy(np.float64)
    # the junctions of an earlier import are no load; lengths are kept to the metre
    own = np.array([bool(_JUNCTION.fullmatch(str(i))) for i in nodes["node_id"]], bool)
    load = np.isin(nodes["kind"].to_numpy(str), ("transformer", "junction")) & ~own & (fed > 0.0)
    return np.where(load, fed + 1.0, 0.0)


def load_joins(
    parts: Lines, volts: Floats, nodes: gpd.GeoDataFrame, lines: pd.DataFrame, near: Ints
) -> Joins:
    """Return joins of transformers and feeders to the nearest medium-voltage line that is nearer than their parent.

    Parameters
    ----------
    parts : ndarray of LineString
        Drawn lines.
    volts : ndarray of float64
        Their voltage. [kV]
    nodes, lines
        Layers `power_nodes` and `power_lines`.
    near : ndarray of int
        Nodes that hang on a line anyhow.
    """
    parent = _parent_m(nodes, lines)
    parent[near] = 0.0
    wanting, medium = np.flatnonzero(parent > 0.0), np.flatnonzero(volts <= MEDIUM_KV)
    found = _none()
    if wanting.size and medium.size:
        points = np.asarray(nodes.geometry.to_numpy(), dtype=object)[wanting]
        b = branches_near(parts[medium], points, _FARTHEST_M, nearest_only=True)
        good = b.apart_m * _DETOUR < parent[wanting[b.thing]]
        found = Branches(wanting[b.thing[good]], medium[b.line[good]], b.along_m[good], b.apart_m[good])
    place = np.arange(found.line.size)
    return _joins(found, place, ~found.thing, found.apart_m, one_way=False, reason=FROM_FEEDER)


def step_down_joins(
    parts: Lines, volts: Floats, nodes: gpd.GeoDataFrame, lines: pd.DataFrame
) -> tuple[Joins, Floats]:
    """Return joins of inferred substations to high-voltage lines and to the feeders nearer to them than their parent.

    Returns
    -------
    joins : Joins
        Nodes from ``len(nodes)`` on are the new substations, in the order of the places.
    places : ndarray of float64, shape (k, 2)
        East and north of each new substation. [m]
    """
    high = np.flatnonzero(volts > MEDIUM_KV)
    n = len(nodes)
    xy = np.c_[nodes.geometry.x, nodes.geometry.y].reshape(n, 2)
    points = np.asarray(nodes.geometry.to_numpy(), dtype=object)
    ids, kind = nodes["node_id"].to_numpy(str), nodes["kind"].to_numpy(str)
    old = np.array([i for i, name in enumerate(ids) if STEP_DOWN.fullmatch(name)], np.int64)
    parent = _parent_m(nodes, lines)
    wanting = np.flatnonzero(parent > 0.0)
    again, fresh = _none(), _none()
    places = np.zeros((0, 2))
    if high.size:
        b = branches_near(parts[high], points[old], _AT_STATION_M, nearest_only=True)
        again = Branches(old[b.thing], high[b.line], b.along_m, b.apart_m)
        b = branches_near(parts[high], points[wanting], _FARTHEST_M, nearest_only=True)
        fresh, places = _spaced(
            parts, Branches(wanting[b.thing], high[b.line], b.along_m, b.apart_m), parent,
            xy[np.isin(kind, _SOURCES)],
        )  # fmt: skip
    drops = Branches(
        np.r_[again.thing, n + np.arange(len(places))], np.r_[again.line, fresh.line],
        np.r_[again.along_m, fresh.along_m], np.r_[again.apart_m, np.zeros(len(places))],
    )  # fmt: skip
    place = np.arange(drops.line.size)
    down = _joins(drops, place, ~drops.thing, drops.apart_m, one_way=True, reason=FROM_FEEDER)
    if not len(places):
        return down, places
    apart, which = nearest(places, xy[wanting])
    good = apart * _DETOUR < np.minimum(parent[wanting], _FARTHEST_M)
    feeders = _joins(
        _none(), ~(n + which[good]), ~wanting[good], apart[good], one_way=True, reason=FROM_FEEDER
    )
    return joined(down, feeders), places


def _spaced(parts: Lines, feet: Branches, parent_m: Floats, stations: Floats) -> tuple[Branches, Floats]:
    """Return the feet where a substation is wanted, nearest to its load first, as far from others as the model's are."""
    foot = shapely.line_interpolate_point(parts[feet.line], feet.along_m)
    at = np.c_[shapely.get_x(foot), shapely.get_y(foot)]
    chosen: list[int] = []
    held = [*stations]
    for i in np.lexsort((at[:, 1], at[:, 0], feet.apart_m)).tolist():
        if feet.apart_m[i] * _DETOUR >= parent_m[feet.thing[i]]:
            continue
        if held and np.hypot(*(np.array(held) - at[i]).T).min() <= SPACING_M:
            continue
        chosen.append(i)
        held.append(at[i])
    k = np.array(chosen, np.int64)
    return Branches(feet.thing[k], feet.line[k], feet.along_m[k], feet.apart_m[k]), at[k].reshape(-1, 2)


def gap_joins(
    parts: Lines,
    volts: Floats,
    piece: Ints,
    reached: npt.NDArray[np.bool_],
    nodes: gpd.GeoDataFrame,
    roots: Ints,
) -> Joins:
    """Return joins over gaps in the drawing, from a line's end to another piece or to a station.

    Power goes from the higher voltage to the lower, and never from a piece without a source to one that has it.

    Parameters
    ----------
    parts, volts
        Drawn lines and their voltage. [kV]
    piece : ndarray of int
        Connected piece of each line.
    reached : ndarray of bool
        Whether a source reaches the line.
    nodes : GeoDataFrame
        Layer `power_nodes`.
    roots : ndarray of int
        Nodes that power comes from.
    """
    kv = np.where(volts > 0.0, volts, _USUAL_KV)
    lost = np.flatnonzero(~reached)
    if not lost.size:
        return _joins(_none(), *(np.zeros(0, np.int64),) * 2, np.zeros(0), one_way=False, reason=FROM_LINE)
    ends = np.concatenate([shapely.get_point(parts, 0), shapely.get_point(parts, -1)])
    of = np.tile(np.arange(len(parts)), 2)
    tree = shapely.STRtree(parts)
    mine = np.flatnonzero(~reached[of])
    e1, l1 = tree.query(ends[mine], predicate="dwithin", distance=_GAP_M)
    others = np.flatnonzero(reached[of])
    e2, l2 = shapely.STRtree(parts[lost]).query(ends[others], predicate="dwithin", distance=_GAP_M)
    end, line = np.r_[mine[e1], others[e2]], np.r_[l1, lost[l2]]
    own = of[end]
    apart = shapely.distance(ends[end], parts[line])
    frame = pd.DataFrame({"end": end, "own": own, "line": line, "apart": apart})
    a, b = piece[own], piece[line]
    frame = frame.assign(low=np.minimum(a, b), high=np.maximum(a, b))[a != b]
    # where two pieces meet is settled by the drawing alone, whatever the order of its lines
    up = frame["own"].to_numpy()
    frame = frame.assign(falls=kv[up] != kv[frame["line"].to_numpy()])
    frame = frame.sort_values(["low", "high", "apart", "falls", "end", "line"]).drop_duplicates(
        ["low", "high"]
    )
    own, line = frame["own"].to_numpy(np.int64), frame["line"].to_numpy(np.int64)
    k = own.size
    foot = shapely.line_locate_point(parts[line], ends[frame["end"].to_numpy(np.int64)])
    start = frame["end"].to_numpy() < len(parts)
    places = Branches(
        np.zeros(2 * k, np.int64), np.r_[own, line],
        np.r_[np.where(start, 0.0, shapely.length(parts[own])), foot], np.zeros(2 * k),
    )  # fmt: skip
    upper, lower = np.arange(k), np.arange(k) + k
    turned = (kv[line] > kv[own]) | ((kv[line] == kv[own]) & reached[line])
    upper, lower = np.where(turned, lower, upper), np.where(turned, upper, lower)
    up_line, down_line = np.where(turned, line, own), np.where(turned, own, line)
    one_way = (kv[line] != kv[own]) | reached[up_line]
    sound = reached[up_line] | ~reached[down_line]
    lines_joined = _joins(places, upper, lower, frame["apart"].to_numpy(np.float64), one_way, FROM_LINE)
    lines_joined = _kept(lines_joined, sound)
    return joined(lines_joined, _station_joins(parts, piece, lost, nodes, roots))


def _station_joins(parts: Lines, piece: Ints, lost: Ints, nodes: gpd.GeoDataFrame, roots: Ints) -> Joins:
    """Return a join of each lost piece to the nearest station beside it."""
    found = _none()
    if roots.size:
        points = np.asarray(nodes.geometry.to_numpy(), dtype=object)[roots]
        b = branches_near(parts[lost], points, _GAP_M, nearest_only=False)
        order = np.lexsort((b.along_m, b.line, b.thing, b.apart_m, piece[lost[b.line]]))
        of = piece[lost[b.line]][order]
        first = order[np.r_[True, of[1:] != of[:-1]]] if order.size else order
        found = Branches(roots[b.thing[first]], lost[b.line[first]], b.along_m[first], b.apart_m[first])
    place = np.arange(found.line.size)
    return _joins(found, ~found.thing, place, found.apart_m, one_way=True, reason=FROM_STATION)


def trunk_ends(edges: pd.DataFrame, kv: Floats, cost: Floats, xy: Floats, stations: Floats) -> Ints:
    """Return a vertex for a source in each cluster that none reaches: an end of its longest trunk of highest voltage.

    Parameters
    ----------
    edges : DataFrame
        first, second, length_m of each edge.
    kv : ndarray of float64
        Voltage of each drawn edge, NaN for every other. [kV]
    cost : ndarray of float64
        Of each vertex from a source; infinite where none reaches.
    xy : ndarray of float64, shape (n, 2)
        Places of the vertices. [m]
    stations : ndarray of float64, shape (k, 2)
        Known sources: of a trunk's two ends the nearer to one is taken. [m]
    """
    drawn = np.flatnonzero(np.isfinite(kv))
    first, second = edges["first"].to_numpy(np.int64), edges["second"].to_numpy(np.int64)
    total = cost.size
    lost = ~np.isfinite(cost)
    inside = lost[first] & lost[second]
    _, cluster = _components(first[inside], second[inside], total)
    own = drawn[inside[drawn]]
    if not own.size:
        return np.zeros(0, np.int64)
    volts = np.where(kv[own] > 0.0, kv[own], _USUAL_KV)
    highest = pd.Series(volts).groupby(cluster[first[own]]).transform("max").to_numpy()
    top = own[volts == highest]
    _, trunk = _components(first[top], second[top], total)
    length = edges["length_m"].to_numpy(np.float64)
    of, within = trunk[first[top]], cluster[first[top]]
    table = pd.DataFrame({"trunk": of, "cluster": within, "m": length[top], "vertex": first[top]})
    sums = table.groupby("trunk").agg(cluster=("cluster", "first"), m=("m", "sum"), vertex=("vertex", "min"))
    best = sums.sort_values(["cluster", "m", "vertex"], ascending=[True, False, True]).drop_duplicates(
        "cluster"
    )
    graph = coo_matrix((length[top] + 1e-6, (first[top], second[top])), (total, total)).tocsr()
    found = []
    for vertex in best["vertex"].tolist():
        a = _farthest(graph, int(vertex), xy)
        b = _farthest(graph, a, xy)
        found.append(min((_off(xy[v], stations), *xy[v].tolist(), v) for v in (a, b))[-1])
    return np.array(sorted(found), np.int64)


def _components(first: Ints, second: Ints, total: int) -> tuple[int, Ints]:
    graph = coo_matrix((np.ones(first.size), (first, second)), (total, total))
    count, of = connected_components(graph, directed=False)
    return count, of.astype(np.int64)


def _farthest(graph: Any, vertex: int, xy: Floats) -> int:  # noqa: ANN401 - a sparse matrix
    far = dijkstra(graph, directed=False, indices=np.array([vertex]))[0]
    far = np.where(np.isfinite(far), np.round(far, 3), -1.0)
    ends = np.flatnonzero(far == far.max())
    return int(ends[np.lexsort((xy[ends, 1], xy[ends, 0]))[0]])


def _off(place: Floats, stations: Floats) -> float:
    return float(np.round(np.hypot(*(stations - place).T).min(), 1)) if len(stations) else 0.0


def new_stations(nodes: gpd.GeoDataFrame, places: Floats, letter: str, series: int) -> gpd.GeoDataFrame:
    """Return the nodes with modelled substations behind them."""
    if not len(places):
        return nodes
    more = gpd.GeoDataFrame(
        {
            "node_id": [f"g{series}{letter}{i:06d}" for i in range(len(places))], "kind": "substation",
            "capacity_kw": 0.0, "saifi": STATION_SAIFI, "caidi_h": STATION_CAIDI_H, "record_kind": "modelled",
        },
        geometry=gpd.points_from_xy(*np.round(places, 1).T), crs=nodes.crs,
    )  # fmt: skip
    before = nodes if "record_kind" in nodes.columns else nodes.assign(record_kind="")
    return gpd.GeoDataFrame(pd.concat([before, more], ignore_index=True), geometry="geometry", crs=nodes.crs)


def _kept(joins: Joins, keep: npt.NDArray[np.bool_]) -> Joins:
    return Joins(
        joins.line, joins.along_m, joins.upper[keep], joins.lower[keep], joins.length_m[keep], joins.one_way[keep],
        joins.reason[keep],
    )  # fmt: skip


def _none() -> Branches:
    return Branches(*(np.zeros(0, np.int64),) * 2, *(np.zeros(0),) * 2)

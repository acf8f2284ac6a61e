"""Drawn power lines joined to a region's power nodes: one tree, in which a real line goes before a modelled one."""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from phusong.compute.array_types import Floats, Ints
from phusong.compute.arrays import nearest
from phusong.io.resources import assumption
from phusong.region.inferred_sources import (
    FROM_FEEDER,
    FROM_LINE,
    FROM_STATION,
    FROM_TRUNK,
    INFERRED_SOURCE,
    MEDIUM_KV,
    SPACING_M,
    STEP_DOWN,
    Joins,
    gap_joins,
    joined,
    load_joins,
    new_stations,
    step_down_joins,
    trunk_ends,
)
from phusong.region.power_layers import is_open, series_after, tree_layers
from phusong.region.power_topology import (
    BEFORE,
    CONNECTION,
    DRAWN,
    INFERRED,
    SNAP_M,
    Branches,
    LineNetwork,
    Tree,
    branches_near,
    line_network,
    shortest_tree,
    simple_lines,
)
from phusong.region.read.values import completed

__all__ = ["REASONS", "GridJoin", "join_lines", "kilovolts"]


_REACH_M = 1500.0  # a transformer this near to a medium-voltage line hangs on it
_STATION_M = 500.0  # lines this near to a substation or plant run into it
_HIGH_FAULTS = 0.35  # a transmission line fails less often than a medium-voltage one in the hills, per km
_MODELLED_TIMES = 3.0  # a modelled line counts as three times its length, so that real lines go first
_MODELLED_STATION_M = 15_000.0  # so much farther a real substation may be than a modelled one
_SAME_STATION_M = SPACING_M  # a modelled substation this near to a real one stood for it
_DETOUR = 1.25
_STUB_M = 10.0  # from a station to the line that it feeds
_SOURCES = ("substation", "plant")

REASONS: Mapping[int, str] = {
    FROM_FEEDER: "a modelled feeder or substation that is nearer than a parent",
    FROM_LINE: "another drawn line across a gap",
    FROM_STATION: "a station beside the line",
    FROM_TRUNK: "the end of the longest trunk of highest voltage",
}
"""What the source of a drawn line is inferred from, for people."""


@dataclass(frozen=True)
class GridJoin:
    """Power nodes and lines with drawn lines among them, and what became of those.

    Parameters
    ----------
    nodes, lines
        Layers; lines have `origin` (the source, "connection" or as before) and `voltage_kv` (0: unknown).
    drawn_km, used_km : float
        Length of the lines given; of those in the tree.
    by_modelled_km : float
        Part of the used length that is fed only by way of modelled lines.
    loop_km : float
        Closes loops: kept as lines that are open in normal running.
    inferred : DataFrame
        east_m, north_m, km, reason of each stretch of drawn lines whose source is inferred, the longest first; the place
        is where the source is.
    idle_km : float
        Part of the used length on which no transformer hangs.
    transformers : int
        Transformers that hang on drawn lines now.
    moved : int
        Transformers and feeders that hang on a drawn line or an inferred substation that is nearer than their
        modelled parent.
    substations : int
        Inferred substations on high-voltage lines.
    """

    nodes: gpd.GeoDataFrame
    lines: pd.DataFrame
    drawn_km: float
    used_km: float
    by_modelled_km: float
    loop_km: float
    inferred: pd.DataFrame
    idle_km: float
    transformers: int
    moved: int
    substations: int

    def inferred_km(self, *reasons: int) -> float:
        """Return the length in use whose source is inferred: from any of some reasons, or from any at all."""
        rows = self.inferred
        return float(rows.loc[rows["reason"].isin(reasons) if reasons else slice(None), "km"].sum())

    def report(self) -> tuple[str, ...]:
        """Return what became of the lines, for people, a sentence each."""
        known = self.used_km - self.inferred_km()
        parts = ", ".join(f"{self.inferred_km(r):,.0f} km from {REASONS[r]}" for r in REASONS)
        # ends that nearly meet are joined at their middle, so a few metres are lost or won
        twice = max(self.drawn_km - self.used_km - self.loop_km, 0.0)
        return (
            (
                f"{self.used_km:,.0f} of {self.drawn_km:,.0f} km in use: {known:,.0f} km from sources that were known "
                f"({self.by_modelled_km:,.0f} km of it by way of modelled lines), {self.inferred_km():,.0f} km with an inferred "
                f"(modelled) source; {self.loop_km:,.0f} km close loops and stand open; {twice:,.0f} km not used: drawn twice, "
                f"or within the {SNAP_M:.0f} m in which ends are joined"
            ),
            f"inferred sources: {parts}",
            (
                f"no transformer hangs on {self.idle_km:,.0f} km of what is in use; {self.transformers} transformers hang on the "
                f"drawn lines, {self.moved} transformers and feeders on a drawn line or an inferred substation nearer than their "
                f"modelled parent; {self.substations} substations inferred on high-voltage lines"
            ),
        )


def kilovolts(text: object) -> float:
    """Return the highest voltage that a text names; 0 when it names none.

    Examples
    --------
    >>> [kilovolts(t) for t in ("110kV", "220000;110000", "<22kV", "35", None, "medium")]
    [110.0, 220.0, 22.0, 35.0, 0.0, 0.0]
    """
    found = []
    for part in str(text or "").replace(",", ".").casefold().split(";"):
        digits = "".join(c for c in part if c.isdigit() or c == ".").strip(".")
        if not digits or digits.count(".") > 1:
            continue
        value = float(digits)
        found.append(value / 1000.0 if "k" not in part and value > 1000.0 else value)
    return max(found, default=0.0)


def join_lines(
    nodes: gpd.GeoDataFrame,
    lines: pd.DataFrame,
    drawn: npt.NDArray[np.object_],
    kv: Floats,
    origin: str,
    *,
    real_sources: frozenset[str] = frozenset(),
) -> GridJoin:
    """Return a power tree over a region's nodes that uses drawn lines where there are any.

    Parameters
    ----------
    nodes, lines
        Layers `power_nodes` and `power_lines`.
    drawn : ndarray of LineString or MultiLineString, shape (n,)
        In the nodes' CRS. [m]
    kv : ndarray of float64, shape (n,)
        Voltage of each; 0: unknown, taken as medium. [kV]
    origin : str
        What the lines are called in the column `origin`.
    real_sources : frozenset of str
        Node ids of substations and plants known to be where they are.
    """
    nodes, lines = _stand_ins(nodes, lines, real_sources)
    parts, of = simple_lines(drawn)
    volts = kv[of]
    downs, places = step_down_joins(parts, volts, nodes, lines)
    first_look = len(nodes)
    nodes = new_stations(nodes, places, "d", series_after(str(i) for i in nodes["node_id"]))
    branches = _branches(parts, volts, nodes)
    hung = joined(downs, load_joins(parts, volts, nodes.iloc[:first_look], lines, branches.thing))
    # first what reaches a source as it is drawn; then what gaps in the drawing part from one; then what has none
    net, edges = _graph(nodes, lines, parts, branches, hung)
    offset = _offsets(nodes, real_sources)
    tree = shortest_tree(edges, offset, len(nodes) + net.east_m.size)
    piece, reached = _pieces(net, np.isfinite(tree.cost[len(nodes) :]), len(parts))
    gaps = gap_joins(parts, volts, piece, reached, nodes, np.array(list(offset), np.int64))
    joins = joined(hung, gaps)
    net, edges = _graph(nodes, lines, parts, branches, joins)
    nodes, edges, offset = _with_sources(nodes, net, edges, volts, offset, real_sources)
    n = len(nodes)
    tree = shortest_tree(edges, offset, n + net.east_m.size)
    out_nodes, out_lines = _layers(nodes, lines, net, volts, edges, tree, origin)
    return _told(out_nodes, out_lines, parts, net, nodes, edges, tree)


def _layers(
    nodes: gpd.GeoDataFrame, lines: pd.DataFrame, net: LineNetwork, volts: Floats, edges: pd.DataFrame, tree: Tree,
    origin: str,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:  # fmt: skip
    """Return the layers of the tree, without inferred substations that feed nothing."""
    out_nodes, out_lines = tree_layers(
        nodes,
        lines,
        net,
        volts,
        edges,
        tree,
        origin,
        ties=np.flatnonzero(_loops(edges, tree)),
        faults=_faults,
    )
    feeding = set(out_lines["from_id"].astype(str))
    ids = out_nodes["node_id"].astype(str)
    idle = {i for i in ids if STEP_DOWN.fullmatch(i) and i not in feeding}
    out_nodes = out_nodes[~ids.isin(idle)].reset_index(drop=True)
    return out_nodes, out_lines[~out_lines["to_id"].isin(idle)].reset_index(drop=True)


def _loops(edges: pd.DataFrame, tree: Tree) -> npt.NDArray[np.bool_]:
    """Return the drawn edges that close loops."""
    used = np.zeros(len(edges), bool)
    used[tree.chosen[tree.chosen >= 0]] = True
    reached = np.isfinite(tree.cost)
    ends = reached[edges["first"].to_numpy()] & reached[edges["second"].to_numpy()]
    return np.asarray((edges["what"].to_numpy() == DRAWN) & ~used & ends, bool)


def _told(
    out_nodes: gpd.GeoDataFrame, out_lines: pd.DataFrame, parts: npt.NDArray[np.object_], net: LineNetwork,
    nodes: gpd.GeoDataFrame, edges: pd.DataFrame, tree: Tree,
) -> GridJoin:  # fmt: skip
    """Return the join with what became of every kilometre."""
    n, what = len(nodes), edges["what"].to_numpy()
    kind = nodes["kind"].to_numpy(str)
    km = edges["length_m"].to_numpy() / 1000.0
    lower = np.flatnonzero(tree.chosen >= 0)
    drawn = lower[what[tree.chosen[lower]] == DRAWN]
    reason, source = _reasons(nodes, edges, tree)
    known = drawn[(reason[drawn] == 0) & ~tree.pure[drawn]]
    used = km[tree.chosen[drawn]]
    place = np.r_[np.c_[nodes.geometry.x, nodes.geometry.y], np.c_[net.east_m, net.north_m]]
    rows = pd.DataFrame({"source": source[drawn], "reason": reason[drawn], "km": used})
    rows = rows[rows["reason"] > 0].groupby(["source", "reason"])[["km"]].sum().reset_index()
    at = rows["source"].to_numpy(np.int64)
    inferred = pd.DataFrame(
        {"east_m": place[at, 0].round(0), "north_m": place[at, 1].round(0), "km": rows["km"], "reason": rows["reason"]}
    ).sort_values(["km", "east_m", "north_m", "reason"], ascending=[False, True, True, True], ignore_index=True)  # fmt: skip
    on = np.flatnonzero(tree.chosen[:n] >= 0)
    by = what[tree.chosen[on]]
    low, load = kind[on] == "transformer", np.isin(kind[on], ("transformer", "junction"))
    from_line = tree.before[on] >= n
    return GridJoin(
        out_nodes, out_lines, float(shapely.length(parts).sum()) / 1000.0, float(used.sum()),
        float(km[tree.chosen[known]].sum()), float(km[_loops(edges, tree)].sum()), inferred,
        float(used[~_feeding(kind, tree)[drawn]].sum()),
        int((low & np.isin(by, (CONNECTION, INFERRED)) & from_line).sum()),
        int((load & (by == INFERRED)).sum()),
        int(sum(bool(STEP_DOWN.fullmatch(str(i))) for i in out_nodes["node_id"])),
    )  # fmt: skip


def _reasons(nodes: gpd.GeoDataFrame, edges: pd.DataFrame, tree: Tree) -> tuple[Ints, Ints]:
    """Return what each vertex's source is inferred from (0: it was known), and the vertex at which that was inferred."""
    what, why = edges["what"].to_numpy(), edges["reason"].to_numpy()
    reason, source = np.zeros(tree.cost.size, np.int64), np.full(tree.cost.size, -1, np.int64)
    for i, name in enumerate(nodes["node_id"].to_numpy(str).tolist()):
        if INFERRED_SOURCE.fullmatch(name):
            reason[i], source[i] = FROM_TRUNK, i
    for v in np.argsort(tree.cost, kind="stable").tolist():
        e, up = tree.chosen[v], tree.before[v]
        if e < 0:
            continue
        reason[v], source[v] = reason[up], source[up]
        if what[e] == INFERRED and why[e] > reason[v]:
            reason[v], source[v] = why[e], v
    return reason, source


def _feeding(kind: npt.NDArray[np.str_], tree: Tree) -> npt.NDArray[np.bool_]:
    """Return the vertices at which or below which a transformer hangs."""
    feeds = np.zeros(tree.cost.size, bool)
    feeds[: kind.size] = kind == "transformer"
    lower = np.flatnonzero(tree.chosen >= 0)
    for v in lower[np.argsort(-tree.cost[lower], kind="stable")].tolist():
        feeds[tree.before[v]] |= feeds[v]
    return feeds


def _pieces(
    net: LineNetwork, reached: npt.NDArray[np.bool_], count: int
) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Return the connected piece of each line, and whether a source reaches it; a line shorter than a snap is none."""
    size = net.east_m.size
    graph = coo_matrix((np.ones(net.first.size), (net.first, net.second)), (size, size))
    pieces, of = connected_components(graph, directed=False)
    piece, on = pieces + np.arange(count), np.ones(count, bool)
    piece[net.line], on[net.line] = of[net.first], reached[net.first]
    return piece, on


def _with_sources(
    nodes: gpd.GeoDataFrame, net: LineNetwork, edges: pd.DataFrame, volts: Floats, offset: dict[int, float],
    real: frozenset[str],
) -> tuple[gpd.GeoDataFrame, pd.DataFrame, dict[int, float]]:  # fmt: skip
    """Return nodes, edges and sources with a modelled source for each cluster of drawn lines that none reaches."""
    n, xy = len(nodes), np.c_[nodes.geometry.x, nodes.geometry.y]
    place = np.r_[xy, np.c_[net.east_m, net.north_m]]
    what, row = edges["what"].to_numpy(), edges["row"].to_numpy()
    kv = np.full(len(edges), np.nan)
    kv[what == DRAWN] = volts[net.line[row[what == DRAWN]]]
    far = _MODELLED_STATION_M if nodes["node_id"].isin(real).any() else 0.0
    known, fresh = xy[list(offset)], np.zeros(0, np.int64)
    while True:
        tree = shortest_tree(edges, offset | dict.fromkeys(fresh.tolist(), far), len(place))
        more = trunk_ends(edges, kv, tree.cost, place, known)
        if not more.size:
            break
        fresh = np.r_[fresh, more]
    k = fresh.size
    if not k:
        return nodes, edges, offset
    nodes = new_stations(nodes, place[fresh], "s", series_after(str(i) for i in nodes["node_id"]))
    shifted = {c: np.where(edges[c].to_numpy() >= n, edges[c].to_numpy() + k, edges[c].to_numpy()) for c in ("first", "second")}  # fmt: skip
    stubs = pd.DataFrame(
        {
            "first": n + np.arange(k), "second": fresh + k, "cost": 0.01, "length_m": _STUB_M, "what": INFERRED,
            "row": np.arange(k), "one_way": True, "reason": FROM_TRUNK,
        }
    )  # fmt: skip
    whole = pd.concat([edges.assign(**shifted)[list(stubs.columns)], stubs], ignore_index=True)
    return nodes, _ordered(whole), offset | dict.fromkeys(range(n, n + k), far)


def _stand_ins(
    nodes: gpd.GeoDataFrame, lines: pd.DataFrame, real: frozenset[str]
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Return nodes and lines in which a modelled substation near a real one is a junction that the real one feeds."""
    known = nodes["node_id"].isin(real).to_numpy()
    modelled = np.flatnonzero(np.isin(nodes["kind"].to_numpy(str), _SOURCES) & ~known)
    if not known.any() or not modelled.size:
        return nodes, lines
    xy = np.c_[nodes.geometry.x, nodes.geometry.y]
    apart, near = nearest(xy[known], xy[modelled])
    same = apart <= _SAME_STATION_M
    down = modelled[same]
    kind = nodes["kind"].to_numpy(str).astype(object)
    kind[down] = "junction"
    ids = nodes["node_id"].to_numpy(str)
    extra = pd.DataFrame(
        {
            "line_id": [f"to-{i}" for i in ids[down]], "from_id": ids[known][near[same]], "to_id": ids[down],
            "length_km": np.round(np.maximum(apart[same] * _DETOUR, 10.0) / 1000.0, 3),
            "failures_per_km_year": assumption("line_faults_km_year"), "repair_h": assumption("line_repair_h"),
            "origin": "connection", "voltage_kv": 0.0,
        }
    )  # fmt: skip
    before = lines if "origin" in lines.columns else lines.assign(origin="before", voltage_kv=0.0)
    whole = pd.concat([completed(before, "power_lines"), completed(extra, "power_lines")], ignore_index=True)
    return nodes.assign(kind=kind.astype(str)), whole


def _branches(parts: npt.NDArray[np.object_], volts: Floats, nodes: gpd.GeoDataFrame) -> Branches:
    """Return where nodes join lines: transformers the nearest line of medium voltage, stations each that runs in."""
    points, kind = np.asarray(nodes.geometry.to_numpy(), dtype=object), nodes["kind"].to_numpy(str)
    found = []
    medium = np.flatnonzero(volts <= MEDIUM_KV)
    low, stations = np.flatnonzero(kind == "transformer"), np.flatnonzero(_roots(nodes))
    if medium.size and low.size:
        b = branches_near(parts[medium], points[low], _REACH_M, nearest_only=True)
        found.append(Branches(low[b.thing], medium[b.line], b.along_m, b.apart_m))
    if len(parts) and stations.size:
        b = branches_near(parts, points[stations], _STATION_M, nearest_only=False)
        found.append(Branches(stations[b.thing], b.line, b.along_m, b.apart_m))
    if not found:
        return Branches(*(np.zeros(0, np.int64),) * 2, *(np.zeros(0),) * 2)
    names = ("thing", "line", "along_m", "apart_m")
    return Branches(*(np.concatenate([getattr(b, f) for b in found]) for f in names))


def _graph(
    nodes: gpd.GeoDataFrame,
    lines: pd.DataFrame,
    parts: npt.NDArray[np.object_],
    branches: Branches,
    joins: Joins,
) -> tuple[LineNetwork, pd.DataFrame]:
    """Return the drawn lines as a graph, and every edge that power could take.

    The edges have first, second, cost, length_m, what, row (in its own table), one_way and reason.
    """
    k, n = joins.line.size, len(nodes)
    cut = Branches(
        np.r_[branches.thing, np.full(k, -1)], np.r_[branches.line, joins.line],
        np.r_[branches.along_m, joins.along_m], np.r_[branches.apart_m, np.zeros(k)],
    )  # fmt: skip
    net = line_network(parts, cut)
    at = net.of_branch + n
    own, places = at[: branches.thing.size], at[branches.thing.size :]
    ends = [_ends(e, places) for e in (joins.upper, joins.lower)]
    ids = nodes["node_id"].to_numpy(str)
    position = pd.Series(np.arange(n), index=ids)
    apart = np.maximum(branches.apart_m * _DETOUR, _STUB_M)
    # a line that is open in normal running carries nothing, so it is none of the tree's
    row = np.flatnonzero(~is_open(lines))
    closed = lines.iloc[row]
    modelled_m = closed["length_km"].to_numpy(np.float64) * 1000.0
    upper, lower = (position[closed[c].to_numpy(str)].to_numpy() for c in ("from_id", "to_id"))
    down = np.array([bool(STEP_DOWN.fullmatch(i)) for i in ids], bool)
    sizes = [net.first.size, apart.size, row.size, joins.upper.size]
    out = pd.DataFrame(
        {
            "first": np.r_[net.first + n, branches.thing, upper, ends[0]],
            "second": np.r_[net.second + n, own, lower, ends[1]],
            "cost": np.r_[net.length_m, apart, _MODELLED_TIMES * modelled_m, _MODELLED_TIMES * joins.length_m],
            "length_m": np.r_[net.length_m, apart, modelled_m, joins.length_m],
            "what": np.repeat([DRAWN, CONNECTION, BEFORE, INFERRED], sizes),
            "row": np.concatenate([np.arange(sizes[0]), np.arange(sizes[1]), row, np.arange(sizes[3])]),
            # a substation is fed by its high-voltage line, never the other way round
            "one_way": np.r_[np.zeros(sizes[0] + sizes[1], bool), (down[upper] | down[lower]), joins.one_way],
            "reason": np.r_[np.zeros(sum(sizes[:3]), np.int64), joins.reason],
        }
    )  # fmt: skip
    return net, _ordered(out.assign(cost=out["cost"].clip(lower=0.001)))


def _ends(end: Ints, places: Ints) -> Ints:
    """Return the vertices of a join's ends: places on lines, or nodes."""
    out = ~end
    on_line = end >= 0
    out[on_line] = places[end[on_line]]
    return out


def _ordered(edges: pd.DataFrame) -> pd.DataFrame:
    """Return edges sorted by their ends, with those that the tree cannot need marked or left out."""
    low, high = edges[["first", "second"]].min(axis=1), edges[["first", "second"]].max(axis=1)
    out = edges.assign(low=low, high=high)[low != high]
    out = out.sort_values(["low", "high", "cost", "what", "row"], kind="stable")
    # of lines between the same nodes the tree can use one; another drawn one is a spare, unless it is drawn twice
    spare = out.duplicated(["low", "high"])
    twice = out.assign(m=out["length_m"].round(0)).duplicated(["low", "high", "what", "m"])
    keep = ~spare | ((out["what"] == DRAWN) & ~twice)
    return out.assign(spare=spare)[keep].reset_index(drop=True)


def _roots(nodes: gpd.GeoDataFrame) -> npt.NDArray[np.bool_]:
    """Return the nodes that power comes from; an inferred substation is fed by its line."""
    down = np.array([bool(STEP_DOWN.fullmatch(str(i))) for i in nodes["node_id"]], bool)
    return np.asarray(np.isin(nodes["kind"].to_numpy(str), _SOURCES) & ~down, bool)


def _offsets(nodes: gpd.GeoDataFrame, real: frozenset[str]) -> dict[int, float]:
    """Return the nodes that power comes from, and how much farther than it is each counts."""
    sources = np.flatnonzero(_roots(nodes))
    known = nodes["node_id"].isin(real).to_numpy()
    if not known[sources].any():
        return dict.fromkeys(sources.tolist(), 0.0)
    return {i: 0.0 if known[i] else _MODELLED_STATION_M for i in sources.tolist()}


def _faults(kv: float) -> float:
    """Return the faults a year of a kilometre of drawn line."""
    return round(assumption("line_faults_km_year") * (_HIGH_FAULTS if kv > MEDIUM_KV else 1.0), 4)

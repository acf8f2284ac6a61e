"""Drawn power lines joined to a region's power nodes: one tree, in which a real line goes before a modelled one."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from phusong.region.facts import assumption
from phusong.region.grid_layers import is_open, tree_layers
from phusong.region.grid_tree import BEFORE, CONNECTION, DRAWN, shortest_tree
from phusong.region.line_network import Branches, LineNetwork, branches_near, line_network, simple_lines
from phusong.region.near import nearest
from phusong.region.values import completed

__all__ = ["GridJoin", "join_lines", "kilovolts"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_REACH_M = 1500.0  # a transformer this near to a medium-voltage line hangs on it
_STATION_M = 500.0  # lines this near to a substation or plant run into it
_MEDIUM_KV = 35.0  # transformers of villages hang on lines up to this
_HIGH_FAULTS = 0.35  # a transmission line fails less often than a medium-voltage one in the hills, per km
_MODELLED_TIMES = 3.0  # a modelled line counts as three times its length, so that real lines go first
_MODELLED_STATION_M = 15_000.0  # so much farther a real substation may be than a modelled one
_SAME_STATION_M = (
    9_000.0  # the model's own spacing: a modelled substation this near to a real one stood for it
)
_DETOUR = 1.25
_SOURCES = ("substation", "plant")


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
    fragments : DataFrame
        east_m, north_m, km of each piece that reaches no source and was left out, the longest first.
    transformers : int
        Transformers that hang on drawn lines now.
    """

    nodes: gpd.GeoDataFrame
    lines: pd.DataFrame
    drawn_km: float
    used_km: float
    by_modelled_km: float
    loop_km: float
    fragments: pd.DataFrame
    transformers: int

    def report(self) -> str:
        """Return what became of the lines, for people."""
        off = float(self.fragments["km"].sum())
        return (
            f"{self.used_km:,.0f} of {self.drawn_km:,.0f} km in use ({self.by_modelled_km:,.0f} km of it fed only by way of "
            f"modelled lines), {self.loop_km:,.0f} km close loops and stand open, {len(self.fragments)} pieces ({off:,.0f} km) reach no "
            f"source and were left out; {self.transformers} transformers hang on the drawn lines"
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
    points = np.asarray(nodes.geometry.to_numpy(), dtype=object)
    kind = nodes["kind"].to_numpy(str)
    branches = _branches(parts, volts, points, kind)
    net = line_network(parts, branches)
    n = len(nodes)
    edges = _edges(nodes, lines, net, branches, n)
    offset = _offsets(nodes, kind, real_sources)
    total = n + net.east_m.size
    tree = shortest_tree(edges, offset, total)
    chosen, reached = tree.chosen, np.isfinite(tree.cost)
    real = edges["what"].to_numpy() == DRAWN
    used = np.zeros(len(edges), bool)
    used[chosen[chosen >= 0]] = True
    km = edges["length_m"].to_numpy() / 1000.0
    loops = real & ~used & reached[edges["first"].to_numpy()] & reached[edges["second"].to_numpy()]
    lower = np.flatnonzero(chosen >= 0)
    by_modelled = lower[real[chosen[lower]] & ~tree.pure[lower]]
    hang = np.flatnonzero((kind == "transformer") & (chosen[:n] >= 0))
    out_nodes, out_lines = tree_layers(
        nodes, lines, net, volts, edges, tree, origin, ties=np.flatnonzero(loops), faults=_faults
    )
    return GridJoin(
        out_nodes, out_lines, float(shapely.length(parts).sum()) / 1000.0, float(km[real & used].sum()),
        float(km[chosen[by_modelled]].sum()), float(km[loops].sum()), _fragments(net, reached[n:]),
        int((edges["what"].to_numpy()[chosen[hang]] == CONNECTION).sum()),
    )  # fmt: skip


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


def _branches(
    parts: npt.NDArray[np.object_], volts: Floats, points: npt.NDArray[np.object_], kind: npt.NDArray[np.str_]
) -> Branches:
    """Return where nodes join lines: transformers the nearest line of medium voltage, stations each that runs in."""
    found = []
    medium = np.flatnonzero(volts <= _MEDIUM_KV)
    low, stations = np.flatnonzero(kind == "transformer"), np.flatnonzero(np.isin(kind, _SOURCES))
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


def _edges(
    nodes: gpd.GeoDataFrame, lines: pd.DataFrame, net: LineNetwork, branches: Branches, n: int
) -> pd.DataFrame:
    """Return every edge that power could take: first, second, cost, length_m, what, row (in its own table)."""
    position = pd.Series(np.arange(n), index=nodes["node_id"].to_numpy(str))
    apart = np.maximum(branches.apart_m * _DETOUR, 10.0)
    # a line that is open in normal running carries nothing, so it is none of the tree's
    row = np.flatnonzero(~is_open(lines))
    closed = lines.iloc[row]
    modelled_m = closed["length_km"].to_numpy(np.float64) * 1000.0
    out = pd.DataFrame(
        {
            "first": np.r_[
                net.first + n, branches.thing, position[closed["from_id"].to_numpy(str)].to_numpy()
            ],
            "second": np.r_[
                net.second + n, net.of_branch + n, position[closed["to_id"].to_numpy(str)].to_numpy()
            ],
            "cost": np.r_[net.length_m, apart, _MODELLED_TIMES * modelled_m],
            "length_m": np.r_[net.length_m, apart, modelled_m],
            "what": np.repeat([DRAWN, CONNECTION, BEFORE], [net.first.size, apart.size, row.size]),
            "row": np.r_[np.arange(net.first.size), np.arange(apart.size), row],
        }
    )
    out["cost"] = out["cost"].clip(lower=0.001)
    low, high = out[["first", "second"]].min(axis=1), out[["first", "second"]].max(axis=1)
    out = out.assign(low=low, high=high).sort_values(["low", "high", "cost", "what", "row"], kind="stable")
    # of lines between the same nodes the tree can use one; another drawn one is a spare, unless it is drawn twice
    spare = out.duplicated(["low", "high"])
    twice = out.assign(m=out["length_m"].round(0)).duplicated(["low", "high", "what", "m"])
    keep = ~spare | ((out["what"] == DRAWN) & ~twice)
    return out.assign(spare=spare)[keep].reset_index(drop=True)


def _offsets(nodes: gpd.GeoDataFrame, kind: npt.NDArray[np.str_], real: frozenset[str]) -> dict[int, float]:
    """Return the nodes that power comes from, and how much farther than it is each counts."""
    sources = np.flatnonzero(np.isin(kind, _SOURCES))
    known = nodes["node_id"].isin(real).to_numpy()
    if not known[sources].any():
        return dict.fromkeys(sources.tolist(), 0.0)
    return {i: 0.0 if known[i] else _MODELLED_STATION_M for i in sources.tolist()}


def _faults(kv: float) -> float:
    """Return the faults a year of a kilometre of drawn line."""
    return round(assumption("line_faults_km_year") * (_HIGH_FAULTS if kv > _MEDIUM_KV else 1.0), 4)


def _fragments(net: LineNetwork, reached: npt.NDArray[np.bool_]) -> pd.DataFrame:
    size = net.east_m.size
    if not size:
        return pd.DataFrame({"east_m": [], "north_m": [], "km": []}, dtype="float64")
    graph = coo_matrix((np.ones(net.first.size), (net.first, net.second)), (size, size))
    count, piece = connected_components(graph, directed=False)
    km = np.bincount(piece[net.first], net.length_m, count) / 1000.0
    many = np.bincount(piece, minlength=count)
    lost = np.bincount(piece, ~reached, count) == many
    pieces = pd.DataFrame(
        {
            "east_m": np.round(np.bincount(piece, net.east_m, count) / many, 0),
            "north_m": np.round(np.bincount(piece, net.north_m, count) / many, 0),
            "km": np.round(km, 3),
        }
    )
    off: pd.DataFrame = pieces.loc[lost & (km > 0)]
    return off.sort_values(["km", "east_m", "north_m"], ascending=[False, True, True], ignore_index=True)

"""A tree over power nodes and drawn lines, written as the layers of a region."""

import re
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.array_types import Floats, Ints
from phusong.io.resources import assumption
from phusong.region.power_topology import BEFORE, CONNECTION, DRAWN, INFERRED, LineNetwork, Tree
from phusong.region.schema import LAYERS

__all__ = ["is_open", "series_after", "tree_layers"]


_JUNCTION = re.compile(r"g\d+j\d+")  # ids that this file gives


def is_open(lines: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which lines carry nothing in normal running."""
    if "normally_open" not in lines.columns:
        return np.zeros(len(lines), bool)
    return lines["normally_open"].to_numpy(bool)


def tree_layers(
    nodes: gpd.GeoDataFrame, lines: pd.DataFrame, net: LineNetwork, volts: Floats, edges: pd.DataFrame, tree: Tree,
    origin: str, *, ties: Ints, faults: Callable[[float], float],
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:  # fmt: skip
    """Return layers `power_nodes` and `power_lines` of a tree; vertices in mid-line are passed over.

    Parameters
    ----------
    nodes, lines
        The layers before.
    net : LineNetwork
        The drawn lines; its vertices come behind the nodes.
    volts : ndarray of float64
        Voltage of each drawn line. [kV]
    edges, tree
        As given to and by ``shortest_tree``.
    origin : str
        What drawn lines are called in the column `origin`.
    ties : ndarray of int
        Edges that close loops: written as lines that are open in normal running.
    faults : callable
        Faults per kilometre and year of a drawn line of a voltage.
    """
    n = len(nodes)
    lower = np.flatnonzero(tree.chosen >= 0)
    lower = lower[~_idle(nodes, edges, tree, lower)[lower]]
    what, row = edges["what"].to_numpy(), edges["row"].to_numpy()
    kv = np.zeros(len(edges))
    kv[what == DRAWN] = volts[net.line[row[what == DRAWN]]]
    length = edges["length_m"].to_numpy()
    passed = _passed(
        tree, lower, what, kv, n, {*edges["first"].to_numpy()[ties], *edges["second"].to_numpy()[ties]}
    )
    kept = [v for v in lower[lower >= n].tolist() if not passed[v]]
    series = series_after(f"{i}" for i in nodes["node_id"])
    name = dict(enumerate(nodes["node_id"].to_numpy(str).tolist())) | {
        v: f"g{series}j{v - n:06d}" for v in kept
    }
    repair = assumption("line_repair_h")
    called = {DRAWN: origin, CONNECTION: "connection", INFERRED: "inferred"}

    def drawn(e: int, upper: int, under: int, metres: float, *, open_: bool) -> dict[str, Any]:
        return {
            "from_id": name[upper], "to_id": name[under], "length_km": round(float(metres) / 1000.0, 3),
            "failures_per_km_year": faults(float(kv[e])), "repair_h": repair, "normally_open": open_, "switch_h": 1.0,
            "origin": called[int(what[e])], "voltage_kv": float(kv[e]),
        }  # fmt: skip

    rows: list[dict[str, Any]] = []
    for v in lower.tolist():
        if passed[v]:
            continue
        e, up = int(tree.chosen[v]), int(tree.before[v])
        if what[e] == BEFORE:
            rows.append({**_as_before(lines, int(row[e])), "from_id": name[up], "to_id": name[v]})
            continue
        metres = length[e]
        while passed[up]:
            metres += length[tree.chosen[up]]
            up = int(tree.before[up])
        rows.append(drawn(e, up, v, metres, open_=False))
    for e in ties.tolist():
        rows.append(
            drawn(e, int(edges["first"].iloc[e]), int(edges["second"].iloc[e]), length[e], open_=True)
        )
    gone = set(
        nodes["node_id"].to_numpy(str)[_idle(nodes, edges, tree, np.flatnonzero(tree.chosen >= 0))[:n]]
    )
    for k in np.flatnonzero(is_open(lines)).tolist():
        if not {str(lines["from_id"].iloc[k]), str(lines["to_id"].iloc[k])} & gone:
            rows.append(_as_before(lines, k))
    extra = ("normally_open", "switch_h", "origin", "voltage_kv")
    out = pd.DataFrame(rows, columns=[*dict.fromkeys([*lines.columns, *extra])])
    series = series_after(str(i) for i in lines["line_id"])
    fresh = [f"g{series}l{i:06d}" for i in range(len(out))]
    out["line_id"] = out["line_id"].where(out["line_id"].notna(), pd.Series(fresh, dtype=object))
    whole = _nodes(nodes[~nodes["node_id"].isin(gone)], net, kept, [name[v] for v in kept], n)
    return whole, _filled(out, "power_lines")


def _nodes(
    nodes: gpd.GeoDataFrame, net: LineNetwork, kept: list[int], ids: list[str], n: int
) -> gpd.GeoDataFrame:
    at = np.array(kept, np.int64) - n
    more = gpd.GeoDataFrame(
        {
            "node_id": ids, "kind": "junction", "capacity_kw": 0.0, "saifi": 0.0,
            "caidi_h": assumption("node_caidi_h"),
        },
        geometry=gpd.points_from_xy(np.round(net.east_m[at], 1), np.round(net.north_m[at], 1)), crs=nodes.crs,
    )  # fmt: skip
    both = _filled(pd.concat([nodes, more], ignore_index=True), "power_nodes")
    return gpd.GeoDataFrame(both, geometry="geometry", crs=nodes.crs)


def _filled(frame: Any, layer: str) -> Any:  # noqa: ANN401 - with or without geometry
    """Return a layer whose new rows have the defaults of columns that only the others had."""
    kinds = {"text": "str", "number": "float64", "whole": "int64", "flag": "bool"}
    filled = {
        c.name: frame[c.name].where(frame[c.name].notna(), c.default).astype(kinds[c.kind])
        for c in LAYERS[layer]
        if c.default is not None and c.name in frame.columns
    }
    return frame.assign(**filled)


def _as_before(lines: pd.DataFrame, k: int) -> dict[str, Any]:
    old = {str(name): value for name, value in lines.iloc[k].items()}
    return {"origin": "before", "voltage_kv": 0.0, "normally_open": False, "switch_h": 1.0, **old}


def _passed(tree: Tree, lower: Ints, what: Ints, kv: Floats, n: int, tied: set[int]) -> npt.NDArray[np.bool_]:
    """Return vertices between two drawn edges of one voltage where nothing else is joined."""
    feeds = np.bincount(tree.before[lower], minlength=tree.before.size)
    child = np.full(tree.before.size, -1, np.int64)
    child[tree.before[lower]] = lower
    passed = np.zeros(tree.before.size, bool)
    for v in lower[(lower >= n) & (feeds[lower] == 1)].tolist():
        above, below = tree.chosen[v], tree.chosen[child[v]]
        passed[v] = what[above] == DRAWN and what[below] == DRAWN and kv[above] == kv[below] and v not in tied
    return passed


def _idle(nodes: gpd.GeoDataFrame, edges: pd.DataFrame, tree: Tree, lower: Ints) -> npt.NDArray[np.bool_]:
    """Return junctions of an earlier import at which nothing hangs any more, up to where something does."""
    ours = np.zeros(tree.before.size, bool)
    ours[: len(nodes)] = [bool(_JUNCTION.fullmatch(str(i))) for i in nodes["node_id"]]
    what = edges["what"].to_numpy()
    hanging = np.bincount(tree.before[lower], minlength=tree.before.size)
    idle = np.zeros(tree.before.size, bool)
    for v in lower[np.argsort(-tree.cost[lower], kind="stable")].tolist():
        if ours[v] and hanging[v] == 0 and what[tree.chosen[v]] == BEFORE:
            idle[v] = True
            hanging[tree.before[v]] -= 1
    return idle


def series_after(ids: Any) -> int:  # noqa: ANN401 - any iterable of text
    """Return a number that no id beginning with g and a number has: earlier imports gave theirs."""
    found = [int(m.group(1)) for i in ids if (m := re.match(r"g(\d+)[jlsd]\d+$", i))]
    return max(found, default=0) + 1

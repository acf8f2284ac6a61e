"""The grid as a graph: the tree in which it normally runs, and the open lines that can be closed when it fails."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["NORMAL_SWITCH_H", "PowerGraph", "Switches", "power_graph"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Texts = npt.NDArray[np.str_]

NORMAL_SWITCH_H = 1.0  # to drive out and close a normally open line (assumed)


@dataclass(frozen=True)
class Switches:
    """Normally open lines.

    Parameters
    ----------
    ids : ndarray of str, shape (n,)
        Lines.
    a, b : ndarray of int, shape (n,)
        Nodes at their ends.
    switch_h : ndarray, shape (n,)
        Time to close them.
    rate, repair_h : ndarray, shape (n,)
        Faults of the line itself.
    spare_a_kw, spare_b_kw : ndarray, shape (n,)
        What the way from either end to its source can carry besides its own load.
    """

    ids: Texts
    a: Ints
    b: Ints
    switch_h: Floats
    rate: Floats
    repair_h: Floats
    spare_a_kw: Floats
    spare_b_kw: Floats


@dataclass(frozen=True)
class PowerGraph:
    """Arrays of the grid. Node `k` is element `k`, the closed line above it element `n + k`.

    Parameters
    ----------
    node_ids, line_ids : ndarray of str, shape (n,)
        Nodes, and the line above each (empty at a source).
    above : ndarray of int, shape (n,)
        Node that feeds each; -1 at a source.
    rate, hours : ndarray, shape (2 n,)
        Faults a year and mean repair of each element.
    rescue_line_h, rescue_node_h : ndarray, shape (n,)
        Time after which a node and all below it are fed from elsewhere when the line above it has failed,
        or the node above it; infinite without another way.
    load_kw : ndarray, shape (n,)
        Load of each node and all below it.
    capacity_kw : ndarray, shape (n,)
        0 where unknown.
    switches : Switches
        The lines that make the rescues.
    """

    node_ids: Texts
    line_ids: Texts
    above: Ints
    rate: Floats
    hours: Floats
    rescue_line_h: Floats
    rescue_node_h: Floats
    load_kw: Floats
    capacity_kw: Floats
    switches: Switches

    def overloaded(self) -> npt.NDArray[np.bool_]:
        """Return the nodes whose load passes their capacity."""
        return np.asarray((self.capacity_kw > 0.0) & (self.load_kw > self.capacity_kw))


def power_graph(power_nodes: pd.DataFrame, power_lines: pd.DataFrame, site_load_kw: Floats) -> PowerGraph:
    """Return the grid of a checked region.

    Parameters
    ----------
    power_nodes, power_lines : DataFrame
        Layers of the region. Lines may carry `normally_open` and `switch_h`; nodes `load_kw`.
    site_load_kw : ndarray, shape (n_nodes,)
        Load of the sites on each node.
    """
    nodes = power_nodes["node_id"].to_numpy(str)
    n = nodes.size
    position = pd.Series(np.arange(n), index=nodes)
    a, b = (power_lines[c].map(position).fillna(-1).to_numpy(np.int64) for c in ("from_id", "to_id"))
    faults = (power_lines["length_km"] * power_lines["failures_per_km_year"]).to_numpy(np.float64)
    repair = np.maximum(power_lines["repair_h"].to_numpy(np.float64), 1e-6)
    names = power_lines["line_id"].to_numpy(str)
    is_open = np.zeros(len(power_lines), bool)
    if "normally_open" in power_lines.columns:
        is_open = power_lines["normally_open"].fillna(value=False).to_numpy(bool)
    known = (a >= 0) & (b >= 0)
    closed = known & ~is_open
    above, line_ids = np.full(n, -1, np.int64), np.full(n, "", names.dtype if names.size else "U1")
    rate = np.r_[power_nodes["saifi"].to_numpy(np.float64), np.zeros(n)]
    hours = np.maximum(np.r_[power_nodes["caidi_h"].to_numpy(np.float64), np.ones(n)], 1e-6)
    above[b[closed]], line_ids[b[closed]] = a[closed], names[closed]
    rate[n + b[closed]], hours[n + b[closed]] = faults[closed], repair[closed]
    load = site_load_kw + _column(power_nodes, "load_kw", 0.0)
    for node in reversed(_downward(above)):  # leaves first: every node hands its load up
        if above[node] >= 0:
            load[above[node]] += load[node]
    capacity = _column(power_nodes, "capacity_kw", 0.0)
    ties = np.flatnonzero(known & is_open)
    spare = np.where(capacity > 0.0, np.maximum(capacity - load, 0.0), np.inf)
    switches = Switches(
        names[ties],
        a[ties],
        b[ties],
        _column(power_lines, "switch_h", NORMAL_SWITCH_H)[ties],
        faults[ties],
        repair[ties],
        _least_on_the_way(above, spare, a[ties]),
        _least_on_the_way(above, spare, b[ties]),
    )
    line_h, node_h = _rescues(above, load, switches)
    return PowerGraph(nodes, line_ids, above, rate, hours, line_h, node_h, load, capacity, switches)


def _column(frame: pd.DataFrame, name: str, usual: float) -> Floats:
    if name not in frame.columns:
        return np.full(len(frame), usual)
    return pd.to_numeric(frame[name], errors="coerce").fillna(usual).to_numpy(np.float64).copy()


def _downward(above: Ints) -> list[int]:
    """Return the nodes with every node after the one that feeds it; what hangs on a cycle is left out."""
    below: dict[int, list[int]] = {}
    for node, up in enumerate(above.tolist()):
        below.setdefault(up, []).append(node)
    order = list(below.get(-1, []))
    for node in order:
        order.extend(below.get(node, ()))
    return order


def _way(above: Ints, node: int) -> list[int]:
    way = [node]
    while above[way[-1]] >= 0 and len(way) <= above.size:
        way.append(int(above[way[-1]]))
    return way


def _least_on_the_way(above: Ints, spare: Floats, nodes: Iterable[int]) -> Floats:
    return np.array([spare[_way(above, int(k))].min() for k in nodes], np.float64)


def _rescues(above: Ints, load: Floats, switches: Switches) -> tuple[Floats, Floats]:
    """Return when each subtree is fed again after its line, or the node above it, has failed.

    One fault at a time: while a line above `c` is down, everything outside the subtree of `c` is alive, so any
    open line that leaves the subtree saves it. While the node above `c` is down, its other children are dark
    too; they pass power on once they are saved themselves.
    """
    line_h, node_h = np.full(above.size, np.inf), np.full(above.size, np.inf)
    siblings: list[tuple[int, int, float, float, float]] = []
    for k in range(switches.ids.size):
        hours = float(switches.switch_h[k])
        ways = _way(above, int(switches.a[k])), _way(above, int(switches.b[k]))
        spares = float(switches.spare_b_kw[k]), float(switches.spare_a_kw[k])  # of the other end
        shared = set(ways[0]) & set(ways[1])
        tops: list[int] = []
        for way, spare in zip(ways, spares, strict=True):
            apart = [c for c in way if c not in shared]
            for c in apart:
                if load[c] > spare:
                    break  # the other way cannot carry this much, still less what lies higher
                line_h[c] = min(line_h[c], hours)
                if above[c] >= 0 and above[c] not in shared:
                    node_h[c] = min(node_h[c], hours)
            tops += apart[-1:]
        if len(tops) == 2 and shared:
            siblings.append((tops[0], tops[1], hours, *spares))
    changed = True
    while changed:
        changed = False
        for a, b, hours, spare_b, spare_a in siblings:
            for here, there, spare in ((a, b, spare_b), (b, a, spare_a)):
                later = max(hours, node_h[there])
                if later < node_h[here] and load[here] <= spare:
                    node_h[here], changed = later, True
    return line_h, node_h

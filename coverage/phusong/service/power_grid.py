"""The power grid: tree, switches, faults."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.array_types import Floats, Ints, Texts
from phusong.compute.kernels import nb

__all__ = ["NORMAL_SWITCH_H", "PowerGraph", "SitesOnGrid", "Switches", "power_graph", "tour"]


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


_ONE = np.uint64(1)


def tour(above: Ints) -> tuple[Ints, Ints]:
    """Return a numbering of the tree in which all below a node follow it, and how many they are, itself included.

    Parameters
    ----------
    above : ndarray of int, shape (n,)
        Node above each; -1 at a source.

    Examples
    --------
    >>> [v.tolist() for v in tour(np.array([-1, 0, 0, 1]))]
    [[0, 1, 3, 2], [4, 2, 1, 1]]
    """
    first, size = _tour(np.asarray(above, np.int64))
    return np.asarray(first), np.asarray(size)


class SitesOnGrid(NamedTuple):
    """Sites that the grid feeds, laid out so that all that hang on a fault are found at once.

    Parameters
    ----------
    above, first, size, node_at : ndarray of int, shape (n_nodes,)
        The tree: node above each, its number in the tour, how many hang on it; and the node of each number.
    site, node : ndarray of int, shape (n,)
        Sites in the order of the tour, and their nodes.
    autonomy_h : ndarray, shape (n,)
        Their batteries.
    site_lo, site_hi : ndarray of int, shape (n_nodes,)
        First of the sites that hang on each node, and the one after the last.
    touched : ndarray of bool, shape (n_nodes,)
        Whether an open line ends at a node or somewhere below.
    tie_a, tie_b : ndarray of int, shape (n_ties,)
        Ends of the open lines.
    tie_h, spare_a_kw, spare_b_kw : ndarray, shape (n_ties,)
        Hours until each is closed, and what it can carry from either end.
    own_load_kw : ndarray, shape (n_nodes,)
        Load of each node itself.
    """

    above: Ints
    first: Ints
    size: Ints
    node_at: Ints
    site: Ints
    node: Ints
    autonomy_h: Floats
    site_lo: Ints
    site_hi: Ints
    touched: npt.NDArray[np.bool_]
    tie_a: Ints
    tie_b: Ints
    tie_h: Floats
    spare_a_kw: Floats
    spare_b_kw: Floats
    own_load_kw: Floats

    @classmethod
    def of(cls, grid: PowerGraph, site: Ints, node: Ints, autonomy_h: Floats) -> "SitesOnGrid":
        """Return sites on a grid.

        Parameters
        ----------
        grid : PowerGraph
            Tree and open lines.
        site, node, autonomy_h : ndarray, shape (n,)
            Sites on the grid, their nodes, their batteries.
        """
        first, size = tour(grid.above)
        order = np.lexsort((site, first[node]))
        at = first[node][order]
        ties = grid.switches
        touched = np.zeros(grid.above.size, bool)
        for end in (ties.a, ties.b):
            for k in end.tolist():
                up = k
                while up >= 0 and not touched[up]:
                    touched[up], up = True, int(grid.above[up])
        lo, hi = np.searchsorted(at, first), np.searchsorted(at, first + size)
        return cls(
            grid.above, first, size, np.argsort(first), site[order], node[order], autonomy_h[order], lo, hi, touched,
            ties.a, ties.b, ties.switch_h, ties.spare_a_kw, ties.spare_b_kw, _own_load(grid),
        )  # fmt: skip

    def darken(
        self, off: npt.NDArray[np.uint64], indptr: Ints, thing: npt.NDArray[np.int32], age_h: Floats
    ) -> None:
        """Set the bits of the sites left dark for longer than their autonomy.

        Parameters
        ----------
        off : ndarray of uint64, shape (n_words, n_sites)
            Bits are added.
        indptr, thing, age_h : ndarray
            From :func:`phusong.service.outage_states.events` over the nodes, the lines above them, then the open lines: what is
            down in each of the 64 n_words states, and since when.

        Notes
        -----
        A site's outage is as old as the oldest fault between it and its source that still lasts. Where a chain of
        open lines reaches it from live nodes, it ends when the slowest of them is closed.
        """
        _darken(off, indptr, thing, age_h, self)


def _own_load(grid: PowerGraph) -> Floats:
    own = grid.load_kw.copy()
    fed = grid.above >= 0
    np.subtract.at(own, grid.above[fed], grid.load_kw[fed])
    return own


@nb.njit(cache=True)
def _tour(above):  # type: ignore[no-untyped-def]
    n = above.size
    head, following = np.full(n + 1, -1), np.full(n, -1)
    for k in range(n - 1, -1, -1):
        up = above[k] if above[k] >= 0 else n
        following[k], head[up] = head[up], k
    first, size = np.full(n, -1), np.ones(n, np.int64)
    stack, depth, at = np.empty(n + 1, np.int64), 0, 0
    root = head[n]
    order = np.empty(n, np.int64)
    while root >= 0:
        stack[0], depth = root, 1
        while depth > 0:
            depth -= 1
            k = stack[depth]
            order[at] = k
            first[k], at = at, at + 1
            # children pushed in reverse, so that the lowest comes first
            begin = depth
            child = head[k]
            while child >= 0:
                stack[depth] = child
                depth += 1
                child = following[child]
            stack[begin:depth] = stack[begin:depth][::-1].copy()
        root = following[root]
    for j in range(at - 1, -1, -1):
        k = order[j]
        if above[k] >= 0:
            size[above[k]] += size[k]
    return first, size


@nb.njit(cache=True, nogil=True)
def _darken(off, indptr, thing, age_h, fed):  # type: ignore[no-untyped-def]
    above, first, size, node_at, touched, own_load = (
        fed.above, fed.first, fed.size, fed.node_at, fed.touched, fed.own_load_kw,
    )  # fmt: skip
    site, node, autonomy_h, site_lo, site_hi = fed.site, fed.node, fed.autonomy_h, fed.site_lo, fed.site_hi
    tie_a, tie_b, tie_h, spare_a, spare_b = fed.tie_a, fed.tie_b, fed.tie_h, fed.spare_a_kw, fed.spare_b_kw
    n = above.size
    since = np.zeros(n)  # 0: lit
    until = np.full(n, np.inf)
    broken, cut = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    tie_down = np.zeros(tie_a.size, np.bool_)
    stack, piece = np.empty(n, np.int64), np.empty(n, np.int64)
    seen = np.zeros(n, np.bool_)
    for w in range(off.shape[0]):
        for b in range(64):
            state = w * 64 + b
            lo, hi = indptr[state], indptr[state + 1]
            bit = _ONE << np.uint64(b)
            rescue = False
            for e in range(lo, hi):
                t = thing[e]
                if t < 2 * n and touched[t % n]:
                    rescue = True
            if not rescue:
                for e in range(lo, hi):
                    if thing[e] >= 2 * n:
                        continue
                    k = thing[e] % n
                    for s in range(site_lo[k], site_hi[k]):
                        if age_h[e] > autonomy_h[s]:
                            off[w, site[s]] |= bit
                continue
            for e in range(lo, hi):
                t = thing[e]
                if t >= 2 * n:
                    tie_down[t - 2 * n] = True
                    continue
                k = t % n
                if t < n:
                    broken[k] = True
                else:
                    cut[k] = True
                for j in range(first[k], first[k] + size[k]):
                    since[node_at[j]] = max(since[node_at[j]], age_h[e])
            changed = True
            while changed:
                changed = False
                for j in range(tie_a.size):
                    if tie_down[j]:
                        continue
                    for way in range(2):
                        u, v = (tie_a[j], tie_b[j]) if way == 0 else (tie_b[j], tie_a[j])
                        spare = spare_a[j] if way == 0 else spare_b[j]
                        if broken[u] or broken[v] or since[v] == 0.0:
                            continue
                        if since[u] > 0.0 and until[u] == np.inf:
                            continue
                        when = max(tie_h[j], until[u] if since[u] > 0.0 else 0.0)
                        if when >= until[v]:
                            continue
                        # the piece of the tree round v that hangs together
                        depth, found, load = 1, 0, 0.0
                        stack[0] = v
                        seen[v] = True
                        while depth > 0:
                            depth -= 1
                            k = stack[depth]
                            piece[found] = k
                            found += 1
                            load += own_load[k]
                            up = above[k]
                            if up >= 0 and not cut[k] and not broken[up] and not seen[up] and since[up] > 0.0:
                                seen[up] = True
                                stack[depth] = up
                                depth += 1
                            child = first[k] + 1
                            while child < first[k] + size[k]:
                                c = node_at[child]
                                if not cut[c] and not broken[c] and not seen[c]:
                                    seen[c] = True
                                    stack[depth] = c
                                    depth += 1
                                child += size[c]
                        for q in range(found):
                            seen[piece[q]] = False
                            if load <= spare:
                                until[piece[q]] = min(until[piece[q]], when)
                        changed = changed or load <= spare
            for e in range(lo, hi):
                t = thing[e]
                if t >= 2 * n:
                    tie_down[t - 2 * n] = False
                    continue
                k = t % n
                for s in range(site_lo[k], site_hi[k]):
                    at = node[s]
                    if since[at] > autonomy_h[s] and since[at] < until[at]:
                        off[w, site[s]] |= bit
            for e in range(lo, hi):
                t = thing[e]
                if t >= 2 * n:
                    continue
                k = t % n
                broken[k] = False
                cut[k] = False
                for j in range(first[k], first[k] + size[k]):
                    since[node_at[j]] = 0.0
                    until[node_at[j]] = np.inf

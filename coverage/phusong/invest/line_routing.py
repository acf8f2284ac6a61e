"""Least-cost routes over the ground, shared segments.

Every terminal takes the cheapest way over the ground to the network that stands. The ways run together into a forest;
where two meet, or a terminal stands, a segment ends. So a segment is needed by all terminals behind it and by nobody
else, and however many plans ask for it, it is bought once (the shortest-path heuristic for Steiner trees; it costs at
most as many times the best tree as there are terminals behind a root, and much less where ways run together early).

What can never pay is cut first. A terminal has another way of being served, at a known cost. The most that a segment can
save is what all terminals behind it would otherwise pay, less what they pay for the segments behind it. Where that is no
more than the segment costs, any plan that uses it is no better than one in which they all take their other way.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from phusong.compute.array_types import Bools, Floats, Ints
from phusong.invest.unit_costs import slope_multiplier
from phusong.region import Grid

__all__ = ["WINDING", "GroundNet", "Routes", "ground_net", "shared_routes", "slope_deg"]


WINDING = (
    1.2  # a line along tracks is longer than the way over the squares (assumed; 1.3 over straight lines)
)
_MOST_SQUARES = 1_000_000
_SQUARE_M = 500.0


@dataclass(frozen=True)
class GroundNet:
    """Squares of ground, and what a line from each to its neighbours is worth in kilometres of flat ground.

    Parameters
    ----------
    grid : Grid
        The squares.
    ways : csr_matrix, shape (n_squares, n_squares)
        Kilometres of flat ground of equal cost, winding included.
    """

    grid: Grid
    ways: csr_matrix

    def square(self, east_m: npt.ArrayLike, north_m: npt.ArrayLike) -> Ints:
        """Return the square that each point lies in; the nearest one for points off the grid."""
        row, col = self.grid.rowcol(east_m, north_m)
        row, col = np.clip(row, 0, self.grid.height - 1), np.clip(col, 0, self.grid.width - 1)
        return np.asarray(row * self.grid.width + col, np.int64)


def ground_net(elevation: npt.NDArray[np.float32], grid: Grid) -> GroundNet:
    """Return the ways over the ground.

    Parameters
    ----------
    elevation : ndarray, on the grid
        Heights; NaN is sea, over which no line is laid. [m]
    grid : Grid
        Where they lie.

    Notes
    -----
    A way to one of the eight neighbours costs its length times the multiplier of its slope: the steeper of the slope
    along it and half the slope of the ground it crosses, since a line may contour but must be carried there.
    """
    step = max(round(_SQUARE_M / grid.cell_m), int(np.ceil(np.sqrt(grid.size / _MOST_SQUARES))), 1)
    rows, cols = -(-grid.height // step), -(-grid.width // step)
    pad = ((0, rows * step - grid.height), (0, cols * step - grid.width))
    blocks = np.pad(elevation.astype(np.float64), pad, mode="edge").reshape(rows, step, cols, step)
    land = np.isfinite(blocks)
    count = land.sum(axis=(1, 3))
    height = np.where(land, blocks, 0.0).sum(axis=(1, 3)) / np.maximum(count, 1)
    size_m = grid.cell_m * step
    coarse = Grid(grid.crs, grid.west_m, grid.north_m, size_m, rows, cols)
    sideways = slope_deg(height, size_m) / 2.0
    number = np.arange(rows * cols).reshape(rows, cols)
    ends: list[tuple[Ints, Ints, Floats]] = []
    for dr, dc in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = (slice(0, rows - dr), slice(max(-dc, 0), cols - max(dc, 0)))
        there = (slice(dr, rows), slice(max(dc, 0), cols - max(-dc, 0)))
        length = size_m * float(np.hypot(dr, dc))
        along = np.degrees(np.arctan(np.abs(height[here] - height[there]) / length))
        slope = np.maximum(along, np.maximum(sideways[here], sideways[there]))
        km = length / 1000.0 * WINDING * slope_multiplier(slope)
        dry = (count[here] > 0) & (count[there] > 0)
        ends.append((number[here][dry], number[there][dry], km[dry]))
    a, b, km = (np.concatenate([e[k] for e in ends]) for k in range(3))
    n = rows * cols
    ways = csr_matrix((np.r_[km, km], (np.r_[a, b], np.r_[b, a])), shape=(n, n))
    return GroundNet(coarse, ways)


def slope_deg(height_m: npt.ArrayLike, cell_m: float) -> Floats:
    """Return the slope of the ground. [degrees]"""
    heights = np.asarray(height_m, np.float64)
    if min(heights.shape) < 2:
        return np.zeros(heights.shape)
    down, across = np.gradient(np.nan_to_num(heights, nan=0.0), cell_m)
    return np.asarray(np.degrees(np.arctan(np.hypot(down, across))), np.float64)


@dataclass(frozen=True)
class Routes:
    """Routes of terminals to a network that stands.

    Parameters
    ----------
    segment_km : ndarray, shape (n_segments,)
        Kilometres of flat ground of equal cost.
    segment_east_m, segment_north_m : ndarray, shape (n_segments,)
        The end of each segment that is nearer to the network.
    needs : tuple of ndarray, one for each terminal
        Segments from the terminal to the network; empty where the route does not pay or there is none.
    drop_km : ndarray, shape (n_terminals,)
        What each terminal pays alone besides, to the nearest square of the ground; infinite without a route.
    source : ndarray of int, shape (n_terminals,)
        Which node of the network it ends at; -1 without a route.
    cut : int
        Terminals whose route could never pay.
    """

    segment_km: Floats
    segment_east_m: Floats
    segment_north_m: Floats
    needs: tuple[Ints, ...]
    drop_km: Floats
    source: Ints
    cut: int

    @property
    def feasible(self) -> Bools:
        """Terminals with a route."""
        return np.asarray(self.source >= 0)


def shared_routes(
    net: GroundNet,
    terminals_xy: Floats,
    network_xy: Floats,
    *,
    other_way_km: Floats,
    end_km: float = 0.0,
    longest_km: float = 100.0,
) -> Routes:
    """Return the routes of terminals to the nearest of some nodes, in segments that are paid once.

    Parameters
    ----------
    net : GroundNet
        The ground.
    terminals_xy, network_xy : ndarray, shape (n, 2) and (m, 2)
        Easting and northing of what is to be joined, and of what stands. [m]
    other_way_km : ndarray, shape (n,)
        What a terminal's other way of being served costs, in kilometres of flat ground; infinite: it has none.
    end_km : float
        What a terminal pays for its own equipment at the end of the line, in the same measure.
    longest_km : float
        No route is longer.
    """
    n = len(terminals_xy)
    if n == 0 or len(network_xy) == 0:
        return _none(n)
    at, roots = net.square(*terminals_xy.T), net.square(*network_xy.T)
    nearest_root = _root_in_square(net, roots, network_xy)
    distance, above, _ = dijkstra(
        net.ways, indices=np.unique(roots), min_only=True, return_predecessors=True, limit=longest_km
    )
    reached = np.isfinite(distance[at])
    # one more square on each side is laid from the site to the middle of its square
    drop = np.where(reached, _to_middle_km(net, at, terminals_xy), np.inf)
    here = np.isin(at, roots)
    source_of = _sources(above, at, reached, nearest_root)
    same = here & reached
    gap = terminals_xy[same] - network_xy[source_of[same]]
    drop[same] = np.maximum(np.hypot(gap[:, 0], gap[:, 1]) / 1000.0 * WINDING, 0.05)
    live = reached & (drop + end_km < other_way_km)
    while True:
        segments = _segments(distance, above.astype(np.int64), at, live)
        pays = _worth(
            segments, at, live, np.where(live, other_way_km - np.where(live, drop, 0.0) - end_km, 0.0)
        )
        if pays[live].all():
            break
        live &= pays
    east, north = net.grid.centres(*np.divmod(segments.upper, net.grid.width))
    nothing = np.empty(0, np.int64)
    needs = tuple(segments.way(int(at[k])) if live[k] else nothing for k in range(n))
    return Routes(
        segments.km,
        east,
        north,
        needs,
        np.where(live, drop, np.inf),
        np.where(live, source_of, -1),
        int((reached & ~live).sum()),
    )


@dataclass(frozen=True)
class _Segments:
    """A forest of segments: each named by its lower square; `over` is the segment that it hands on to."""

    lower: Ints
    upper: Ints
    km: Floats
    over: Ints

    def way(self, square: int) -> Ints:
        """Return the segments from a square with a terminal to the network."""
        at = int(np.searchsorted(self.lower, square))
        if at >= self.lower.size or self.lower[at] != square:
            return np.empty(0, np.int64)  # it stands in a square of the network
        out = []
        while at >= 0:
            out.append(at)
            at = int(self.over[at])
        return np.array(out, np.int64)


def _segments(distance: Floats, above: Ints, at: Ints, live: Bools) -> _Segments:
    """Return the forest of the live terminals' ways, cut where ways meet and where terminals stand."""
    behind: dict[int, int] = {}  # square of a way → used squares right behind it
    stops = sorted(set(at[live].tolist()))
    for start in stops:
        k, fresh = start, start not in behind
        behind.setdefault(k, 0)
        while fresh and above[k] >= 0:
            up = int(above[k])
            fresh = up not in behind
            behind[up] = behind.get(up, 0) + 1
            k = up
    ends = set(stops) | {k for k, ways in behind.items() if ways > 1 or above[k] < 0}
    lower = np.array(sorted(k for k in ends if above[k] >= 0), np.int64)
    upper = np.empty(lower.size, np.int64)
    for i, k in enumerate(lower.tolist()):
        up = int(above[k])
        while up not in ends:
            up = int(above[up])
        upper[i] = up
    place = {int(k): i for i, k in enumerate(lower)}
    over = np.array([place.get(int(u), -1) for u in upper], np.int64)
    return _Segments(lower, upper, distance[lower] - distance[upper], over)


def _worth(segments: _Segments, at: Ints, live: Bools, saved: Floats) -> Bools:
    """Return for each terminal whether every segment of its way could pay for itself."""
    n = segments.lower.size
    place = {int(k): i for i, k in enumerate(segments.lower)}
    first = np.array([place.get(int(k), -1) for k in at], np.int64)
    behind = live & (first >= 0)
    worth = np.bincount(first[behind], np.maximum(saved[behind], 0.0), n).astype(np.float64)
    depth = np.zeros(n, np.int64)
    for i in range(n):
        j = int(segments.over[i])
        while j >= 0:
            depth[i] += 1
            j = int(segments.over[j])
    good = np.ones(n, bool)
    # from the leaves up: a segment hands on what is left when it is paid
    for i in np.argsort(-depth, kind="stable"):
        left = worth[i] - segments.km[i]
        good[i] = left > 0.0
        if good[i] and segments.over[i] >= 0:
            worth[segments.over[i]] += left
    for i in np.argsort(depth, kind="stable"):
        if segments.over[i] >= 0:
            good[i] &= good[segments.over[i]]
    return np.asarray(live & np.where(first >= 0, good[first] if n else True, True))


def _root_in_square(net: GroundNet, roots: Ints, network_xy: Floats) -> dict[int, int]:
    """Return for each square of the network the node nearest to its middle."""
    far = _to_middle_km(net, roots, network_xy)
    return {int(roots[k]): int(k) for k in np.argsort(-far, kind="stable")}


def _to_middle_km(net: GroundNet, square: Ints, xy: Floats) -> Floats:
    east, north = net.grid.centres(*np.divmod(square, net.grid.width))
    return np.asarray(np.hypot(xy[:, 0] - east, xy[:, 1] - north) / 1000.0 * WINDING, np.float64)


def _sources(above: npt.NDArray[np.int32], at: Ints, reached: Bools, root: dict[int, int]) -> Ints:
    out = np.full(at.size, -1, np.int64)
    for k in np.flatnonzero(reached):
        square = int(at[k])
        while above[square] >= 0:
            square = int(above[square])
        out[k] = root[square]
    return out


def _none(n: int) -> Routes:
    empty = np.empty(0)
    nothing = np.empty(0, np.int64)
    return Routes(empty, empty, empty, (nothing,) * n, np.full(n, np.inf), np.full(n, -1, np.int64), 0)

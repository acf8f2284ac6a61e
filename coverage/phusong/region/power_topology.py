"""Topology of drawn lines: noding, trees, inferred sources."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

from phusong.compute.array_types import Floats, Ints

__all__ = [
    "BEFORE",
    "CONNECTION",
    "DRAWN",
    "INFERRED",
    "SNAP_M",
    "Branches",
    "LineNetwork",
    "Tree",
    "branches_near",
    "line_network",
    "shortest_tree",
    "simple_lines",
]

Lines = npt.NDArray[Any]

SNAP_M = 30.0
"""Ends this near to another line meet it: about the width of a pylon and the error of drawing. [m]"""


@dataclass(frozen=True)
class Branches:
    """Places on lines where something else is to be joined.

    Parameters
    ----------
    thing, line : ndarray of int, shape (n,)
        Which of the things; which line.
    along_m : ndarray of float64, shape (n,)
        Distance from the line's start.
    apart_m : ndarray of float64, shape (n,)
        Distance between the thing and the line.
    """

    thing: Ints
    line: Ints
    along_m: Floats
    apart_m: Floats


@dataclass(frozen=True)
class LineNetwork:
    """A graph of lines.

    Parameters
    ----------
    east_m, north_m : ndarray of float64, shape (n,)
        Vertices. [m]
    first, second : ndarray of int, shape (m,)
        Vertices of each edge.
    length_m : ndarray of float64, shape (m,)
        Along the line.
    line : ndarray of int, shape (m,)
        Line that each edge is part of.
    of_branch : ndarray of int, shape (k,)
        Vertex of each branch given.
    """

    east_m: Floats
    north_m: Floats
    first: Ints
    second: Ints
    length_m: Floats
    line: Ints
    of_branch: Ints


def simple_lines(shapes: Lines) -> tuple[Lines, Ints]:
    """Return the single lines of lines and multi-lines that have a length, and which shape each is part of."""
    parts, of = shapely.get_parts(shapely.force_2d(shapes), return_index=True)
    good = (shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING) & (shapely.length(parts) > 0)
    return parts[good], of[good].astype(np.int64)


def branches_near(lines: Lines, points: npt.NDArray[Any], reach_m: float, *, nearest_only: bool) -> Branches:
    """Return where points are to be joined to lines within reach.

    Parameters
    ----------
    lines, points : ndarray of geometries
        In one CRS in metres.
    reach_m : float
        Farthest a point may lie from a line.
    nearest_only : bool
        Whether a point joins only the nearest line, or each within reach.
    """
    tree = shapely.STRtree(lines)
    if nearest_only:
        thing, line = tree.query_nearest(points, max_distance=reach_m, all_matches=False)
    else:
        thing, line = tree.query(points, predicate="dwithin", distance=reach_m)
    along = shapely.line_locate_point(lines[line], points[thing])
    apart = shapely.distance(lines[line], points[thing])
    return Branches(thing.astype(np.int64), line.astype(np.int64), along, apart)


def line_network(lines: Lines, branches: Branches | None = None, *, snap_m: float = SNAP_M) -> LineNetwork:
    """Return the graph of lines.

    Parameters
    ----------
    lines : ndarray of LineString, shape (n,)
        From :func:`simple_lines`. [m]
    branches : Branches, optional
        Places that are to become vertices.
    snap_m : float
        How near an end must be to another end or line to meet it.
    """
    n = len(lines)
    length = shapely.length(lines)
    ends = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    # where an end meets another line: that line is cut there
    tees = branches_near(lines, ends, snap_m, nearest_only=False)
    foreign = tees.thing % max(n, 1) != tees.line
    shared_line, shared_at = _shared_vertices(lines)
    given = branches if branches is not None else Branches(*(np.zeros(0, np.int64),) * 2, *(np.zeros(0),) * 2)
    line = np.r_[np.arange(n), np.arange(n), tees.line[foreign], shared_line, given.line]
    along = np.r_[np.zeros(n), length, tees.along_m[foreign], shared_at, given.along_m]
    place = shapely.line_interpolate_point(lines[line], along)
    xy = np.c_[shapely.get_x(place), shapely.get_y(place)]
    pairs = cKDTree(xy).query_pairs(snap_m, output_type="ndarray")
    # places strung along one line stay apart, unless they are one place
    same = line[pairs[:, 0]] == line[pairs[:, 1]]
    close = np.abs(along[pairs[:, 0]] - along[pairs[:, 1]]) <= 1.0
    pairs = pairs[~same | close]
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (len(xy), len(xy)))
    count, vertex = connected_components(graph, directed=False)
    size = np.bincount(vertex, minlength=count)
    east = np.bincount(vertex, xy[:, 0], count) / size
    north = np.bincount(vertex, xy[:, 1], count) / size
    cuts = pd.DataFrame({"line": line, "along": along, "vertex": vertex}).sort_values(
        ["line", "along", "vertex"], ignore_index=True
    )
    follows = (cuts["line"] == cuts["line"].shift(-1)).to_numpy()
    first, second = (
        cuts["vertex"].to_numpy()[follows],
        cuts["vertex"].shift(-1).to_numpy()[follows].astype(np.int64),
    )
    long = (cuts["along"].shift(-1) - cuts["along"]).to_numpy()[follows]
    real = first != second
    return LineNetwork(
        east, north, first[real].astype(np.int64), second[real], long[real],
        cuts["line"].to_numpy(np.int64)[follows][real], vertex[len(vertex) - given.line.size :].astype(np.int64),
    )  # fmt: skip


def _shared_vertices(lines: Lines) -> tuple[Ints, Floats]:
    """Return inner vertices that lie on several lines: where the drawer crossed them on purpose."""
    xy, of = shapely.get_coordinates(lines, return_index=True)
    frame = pd.DataFrame({"x": np.round(xy[:, 0], 1), "y": np.round(xy[:, 1], 1), "line": of})
    many = frame.groupby(["x", "y"])["line"].transform("nunique").to_numpy() > 1
    line = of[many].astype(np.int64)
    return line, shapely.line_locate_point(lines[line], shapely.points(xy[many]))


DRAWN, CONNECTION, BEFORE, INFERRED = 0, 1, 2, 3
"""Kinds of edges: a drawn line, the short way from a node to one, a line that was there before, and a modelled join that
an inferred source needs."""


@dataclass(frozen=True)
class Tree:
    """How power reaches each vertex.

    Parameters
    ----------
    cost : ndarray of float64, shape (n,)
        From the source; infinite where none reaches.
    before, chosen : ndarray of int, shape (n,)
        The vertex and the edge that feed each; -1: none.
    pure : ndarray of bool, shape (n,)
        Whether it is fed by drawn lines and connections alone.
    """

    cost: Floats
    before: Ints
    chosen: Ints
    pure: npt.NDArray[np.bool_]


def shortest_tree(edges: pd.DataFrame, offset: Mapping[int, float], total: int) -> Tree:
    """Return the tree of least cost.

    Parameters
    ----------
    edges : DataFrame
        first, second, cost, what, low, high (the two ends sorted), sorted by low, high and cost; spare: whether a
        cheaper one joins the same two; one_way: whether power goes from first to second only.
    offset : mapping of int to float
        Sources, and how much farther than it is each counts.
    total : int
        Number of vertices.
    """
    cost, before = _tree(edges[~edges["spare"]], offset, total)
    chosen = _chosen(edges, before, total)
    return Tree(cost, before, chosen, _fed_by_real(edges, before, chosen, cost, offset))


def _tree(edges: pd.DataFrame, offset: Mapping[int, float], total: int) -> tuple[Floats, Ints]:
    """Return each vertex's cost and the one that feeds it (-1: none); a vertex beyond the last stands for all sources."""
    ends, far = np.array(list(offset), np.int64), np.array(list(offset.values()))
    both = edges[~edges["one_way"]]
    graph = coo_matrix(
        (
            np.r_[edges["cost"].to_numpy(), both["cost"].to_numpy(), far + 1e-6],
            (
                np.r_[edges["first"].to_numpy(), both["second"].to_numpy(), np.full(ends.size, total)],
                np.r_[edges["second"].to_numpy(), both["first"].to_numpy(), ends],
            ),
        ),
        (total + 1, total + 1),
    ).tocsr()
    costs, feeders = dijkstra(graph, indices=np.array([total]), return_predecessors=True)
    cost, before = costs[0], feeders[0]
    return cost[:total], np.where(before[:total] == total, -1, np.maximum(before[:total], -1)).astype(
        np.int64
    )


def _chosen(edges: pd.DataFrame, before: Ints, total: int) -> Ints:
    """Return the edge that feeds each vertex; -1: none."""
    key = edges["low"].to_numpy(np.int64) * total + edges["high"].to_numpy(np.int64)
    vertex = np.arange(total)
    upper = np.maximum(before, 0)
    wanted = np.minimum(vertex, upper) * total + np.maximum(vertex, upper)
    at = np.searchsorted(key, wanted)  # edges are sorted by low, high
    at = np.minimum(at, max(len(key) - 1, 0))
    return np.where((before >= 0) & (key[at] == wanted), at, -1) if len(key) else np.full(total, -1)


def _fed_by_real(
    edges: pd.DataFrame, before: Ints, chosen: Ints, cost: Floats, offset: Mapping[int, float]
) -> npt.NDArray[np.bool_]:
    """Return which vertices are fed from a source by drawn lines and connections alone."""
    what = edges["what"].to_numpy()
    pure = np.zeros(before.size, bool)
    pure[list(offset)] = True
    for v in np.argsort(cost, kind="stable").tolist():
        if chosen[v] >= 0:
            pure[v] = pure[before[v]] and what[chosen[v]] in (DRAWN, CONNECTION)
    return pure

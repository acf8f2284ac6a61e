"""The cheapest tree from several sources over lines of several kinds."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

__all__ = ["BEFORE", "CONNECTION", "DRAWN", "INFERRED", "Tree", "shortest_tree"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

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

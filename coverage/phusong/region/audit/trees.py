"""Trees given as parents: who hangs on whom, who reaches a root, what a node carries. Works on broken trees too."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components

__all__ = ["below", "first_parents", "on_cycle", "positions", "reached", "sums_below"]

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def positions(wanted: "pd.Series[str]", keys: "pd.Series[str]") -> Ints:
    """Return where each wanted key stands among the keys: its first place, -1 where there is none.

    Examples
    --------
    >>> positions(pd.Series(["b", "", "a"]), pd.Series(["a", "b", "a"])).tolist()
    [1, -1, 0]
    """
    known = pd.Series(np.arange(len(keys)), index=keys.to_numpy(object))
    known = known[~known.index.duplicated(keep="first")]
    found = known.reindex(wanted.to_numpy(object)).fillna(-1).to_numpy(np.int64)
    return np.where((wanted == "").to_numpy(bool), -1, found)


def first_parents(n: int, child: Ints, parent: Ints) -> Ints:
    """Return the first parent of each of ``n`` nodes, -1 without one; nodes on a cycle lose theirs.

    Parameters
    ----------
    n : int
        Number of nodes.
    child, parent : ndarray of int
        Edges; those with an end of -1 are left out.
    """
    known = (child >= 0) & (parent >= 0)
    out = np.full(n, -1, np.int64)
    # written from the back, so that the first edge of a child stands
    out[child[known][::-1]] = parent[known][::-1]
    out[on_cycle(n, np.arange(n), out)] = -1
    return out


def on_cycle(n: int, child: Ints, parent: Ints) -> Flags:
    """Return which nodes lie on a cycle of the edges, one to itself included."""
    known = (child >= 0) & (parent >= 0)
    a, b = child[known], parent[known]
    if n == 0:
        return np.zeros(0, bool)
    graph = coo_matrix((np.ones(a.size, np.int8), (a, b)), (n, n)).tocsr()
    _, part = connected_components(graph, directed=True, connection="strong")
    found = np.bincount(part, minlength=n)[part] > 1
    found[a[a == b]] = True
    return np.asarray(found)


def reached(n: int, child: Ints, parent: Ints, roots: Flags) -> Flags:
    """Return which nodes have a way up the edges to a root; roots have."""
    known = (child >= 0) & (parent >= 0)
    start = np.flatnonzero(roots)
    # one node above all roots, so that a single search finds what hangs on any of them
    down = np.r_[parent[known], np.full(start.size, n)], np.r_[child[known], start]
    graph = coo_matrix((np.ones(down[0].size, np.int8), down), (n + 1, n + 1)).tocsr()
    order = breadth_first_order(graph, n, directed=True, return_predecessors=False)
    found = np.zeros(n + 1, bool)
    found[order] = True
    return found[:n]


def below(parent: Ints, flags: Flags) -> Flags:
    """Return the flagged nodes and all that hang on them.

    Parameters
    ----------
    parent : ndarray of int
        Without cycles, as :func:`first_parents` gives it.
    flags : ndarray of bool
        One a node.
    """
    out = flags.copy()
    has = parent >= 0
    while True:
        wider = out.copy()
        wider[has] |= out[parent[has]]
        if np.array_equal(wider, out):
            return out
        out = wider


def sums_below(parent: Ints, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return for each node the sum of its own value and those of all that hang on it.

    Examples
    --------
    >>> sums_below(np.array([-1, 0, 1]), np.array([1.0, 2.0, 4.0])).tolist()
    [7.0, 6.0, 4.0]
    """
    total = values.astype(np.float64)
    above = parent.copy()
    while (above >= 0).any():
        has = above >= 0
        total += np.bincount(above[has], values[has], minlength=parent.size)
        above[has] = parent[above[has]]
    return np.asarray(total)

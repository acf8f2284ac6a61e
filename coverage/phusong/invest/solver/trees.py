"""Which parts stand between each element and its candidates: one small tree of parts per element.

Candidates that share parts are written as paths, most shared part first; paths with the same beginning share it.
An element is served through one of the paths to it, so no more of it is served than flows through its tree when
every part passes what is bought of it. That is tighter than candidate by candidate: half a fibre route carries
half of one element, however many sites at its end would serve it (the strong form of two-level location models).
"""

from dataclasses import dataclass

import numpy as np

from phusong.invest.solver.lists import Int32s, Int64s
from phusong.invest.solver.problem import Problem
from phusong.kernel_cache import nb

__all__ = ["Trees", "trees"]


@dataclass(frozen=True)
class Trees:
    """Nodes of all elements' trees, element after element, parents before children.

    Parameters
    ----------
    starts : ndarray of int64, shape (n_elements + 1,)
        Where each element's nodes begin.
    part : ndarray of int32
        Part at each node.
    up : ndarray of int32
        How many nodes back the parent is; 0 at the top.
    """

    starts: Int64s
    part: Int32s
    up: Int32s


def trees(problem: Problem) -> Trees:
    """Return the tree of parts of every element."""
    users = np.diff(problem.user_starts)
    candidate = np.repeat(np.arange(problem.n_candidates), np.diff(problem.need_starts))
    order = np.lexsort((problem.need, -users[problem.need], candidate))
    path = problem.need[order].tolist()
    starts = problem.need_starts.tolist()
    paths = [tuple(path[starts[b] : starts[b + 1]]) for b in range(problem.n_candidates)]
    part: list[int] = []
    parent: list[int] = []
    end = np.empty(problem.n_candidates, np.int32)
    above: list[int] = []
    last: tuple[int, ...] = ()
    for b in sorted(range(len(paths)), key=paths.__getitem__):
        here = paths[b]
        same = 0
        while same < min(len(last), len(here)) and last[same] == here[same]:
            same += 1
        del above[same:]
        for r in here[same:]:
            parent.append(above[-1] if above else -1)
            above.append(len(part))
            part.append(r)
        end[b] = above[-1]
        last = here
    parts, parents = np.array(part, np.int32), np.array(parent, np.int32)
    sizes, _, _ = _grow(problem.chain_starts, problem.chain, end, parts, parents, True)
    tree_starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    _, node_part, up = _grow(tree_starts, problem.chain, end, parts, parents, False, problem.chain_starts)
    return Trees(tree_starts, node_part, up)


@nb.njit(cache=True)
def _grow(tree_starts, chain, end, part, parent, counting, chain_starts=None):  # type: ignore[no-untyped-def]
    starts = tree_starts if counting else chain_starts
    n = starts.size - 1
    room = 0 if counting else tree_starts[n]
    sizes = np.zeros(n, np.int64)
    out_part = np.empty(room, np.int32)
    out_up = np.empty(room, np.int32)
    ends = np.full(part.size, -1, np.int64)
    held = np.full(part.size, -1, np.int64)
    place = np.zeros(part.size, np.int64)
    nodes = np.empty(part.size, np.int64)
    for e in range(n):
        for k in range(starts[e], starts[e + 1]):
            ends[end[chain[k]]] = e
        size = 0
        for k in range(starts[e], starts[e + 1]):
            node = end[chain[k]]
            above = parent[node]
            while above >= 0 and ends[above] != e:
                above = parent[above]
            if above >= 0:
                # a candidate higher up serves the element already with fewer parts
                continue
            while node >= 0 and held[node] != e:
                held[node] = e
                nodes[size] = node
                size += 1
                node = parent[node]
        sizes[e] = size
        if counting:
            continue
        found = np.sort(nodes[:size])
        for i in range(size):
            place[found[i]] = i
            at = tree_starts[e] + i
            out_part[at] = part[found[i]]
            above = parent[found[i]]
            out_up[at] = i - place[above] if above >= 0 else 0
    return sizes, out_part, out_up

"""Reduced problem.

Candidates that share parts are written as paths, most shared part first; paths with the same beginning share it.
An element is served through one of the paths to it, so no more of it is served than flows through its tree when
every part passes what is bought of it. That is tighter than candidate by candidate: half a fibre route carries
half of one element, however many sites at its end would serve it (the strong form of two-level location models).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from phusong.compute.array_types import Bools, Floats, Int32s, Ints
from phusong.compute.arrays import distinct, merge_equal, turned
from phusong.compute.kernels import nb
from phusong.invest.plan_book import PlanModel

__all__ = ["CoverageProblem", "Trees", "reduced", "trees"]


@dataclass(frozen=True)
class CoverageProblem:
    """Candidates, what they need and whom they serve, as packed lists.

    Parameters
    ----------
    cost : ndarray, shape (n_parts,)
        Cost of each part: remedies that always go together, above 0. [million USD]
    need_starts, need : ndarray
        Parts that each candidate needs; `user_starts`, `user` the same the other way round.
    cover_starts, cover : ndarray
        Elements that each candidate serves; `chain_starts`, `chain` the same the other way round.
    weights : ndarray, shape (n_elements,)
        People, above 0.
    free_people : float
        People served by what costs nothing.
    bundle_candidate : ndarray of int32, shape (n_bundles,)
        Candidate of each bundle of the model; -1 for what costs nothing, -2 for what serves nobody more.
    """

    cost: Floats
    need_starts: Ints
    need: Int32s
    user_starts: Ints
    user: Int32s
    cover_starts: Ints
    cover: Int32s
    chain_starts: Ints
    chain: Int32s
    weights: Floats
    free_people: float
    bundle_candidate: Int32s

    @property
    def n_candidates(self) -> int:
        """Number of candidates."""
        return self.need_starts.size - 1

    @property
    def candidate_cost(self) -> Floats:
        """Cost of each candidate bought alone. [million USD]"""
        return np.add.reduceat(np.r_[self.cost[self.need], 0.0], self.need_starts[:-1])[: self.n_candidates]

    @property
    def alone(self) -> Floats:
        """People each candidate serves if it is the only one."""
        return _sums(self.cover_starts, self.cover, self.weights)  # type: ignore[no-any-return]

    @property
    def shares(self) -> bool:
        """Whether any part is needed by more than one candidate."""
        return bool(np.diff(self.user_starts).max(initial=0) > 1)

    def restricted(self, kept: Ints) -> "CoverageProblem":
        """Return the problem of some candidates alone; what only others serve is left out."""
        need_starts, need = _rows(self.need_starts, self.need, kept)
        covers = _rows(self.cover_starts, self.cover, kept)
        candidates = np.arange(kept.size, dtype=np.int32)
        return _problem(self.cost, (need_starts, need), covers, self.weights, 0.0, candidates)

    def people(self, chosen: Bools) -> float:
        """Return the people that candidates serve, without those served for nothing."""
        return _people(chosen, self.cover_starts, self.cover, self.weights)  # type: ignore[no-any-return]

    def complete(self, bought: Bools) -> Bools:
        """Return the candidates whose parts are all bought."""
        missing = np.add.reduceat(np.r_[~bought[self.need], False], self.need_starts[:-1], dtype=np.int64)
        return np.asarray(missing[: self.n_candidates] == 0)

    def parts(self, chosen: Bools) -> Bools:
        """Return the parts that candidates need."""
        bought = np.zeros(self.cost.size, bool)
        bought[_rows(self.need_starts, self.need, np.flatnonzero(chosen))[1]] = True
        return bought


def reduced(model: PlanModel) -> CoverageProblem:
    """Return the model with equal remedies, bundles and elements merged and free gains taken.

    Remedies needed by the same bundles are one part; bundles that need the same parts are one candidate; elements
    served by the same candidates are one element. None of it changes the value of any plan.
    """
    needs, covers = _canonical(model.needs), _canonical(model.covers)
    user_starts, user = turned(*_lists(needs), needs.shape[1])
    _, _, cost, part_of = merge_equal(user_starts, user.copy(), model.remedy_cost_musd)
    candidate, need_starts, need = _candidates(needs, part_of)
    n_candidates = need_starts.size - 1
    cover_starts, cover = _lists(covers)
    if not np.array_equal(candidate, np.arange(candidate.size)):
        free = np.asarray(((candidate < 0).astype(np.float64) @ covers) > 0).ravel()
        paid = candidate >= 0
        join = csr_matrix(
            (np.ones(int(paid.sum()), np.int8), (candidate[paid], np.flatnonzero(paid))),
            (n_candidates, candidate.size),
        )
        joined = _canonical(csr_matrix(join @ covers))
        cover_starts, cover = _lists(joined)
        weights = np.where(free, 0.0, model.weights)
        free_people = float(model.weights[free].sum())
    else:
        weights, free_people = model.weights, 0.0
    return _problem(cost, (need_starts, need), (cover_starts, cover), weights, free_people, candidate)


def _problem(
    cost: Floats,
    needs: tuple[Ints, Int32s],
    covers: tuple[Ints, Int32s],
    weights: Floats,
    free_people: float,
    bundle_candidate: Int32s,
) -> CoverageProblem:
    """Return the problem of candidates by what they need and serve, with elements of equal chains merged."""
    n_candidates = needs[0].size - 1
    chain_starts, chain = turned(*covers, weights.size)
    chain_starts, chain, weights, _ = merge_equal(chain_starts, chain, weights)
    return CoverageProblem(
        cost,
        *needs,
        *turned(*needs, cost.size),
        *turned(chain_starts, chain, n_candidates),
        chain_starts,
        chain,
        weights,
        free_people,
        bundle_candidate,
    )


def _canonical(matrix: csr_matrix) -> csr_matrix:
    """Return the matrix with sorted rows, no entry twice and no stored zero."""
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    if matrix.data.size and not matrix.data.all():
        matrix = matrix.copy()
        matrix.eliminate_zeros()
    return matrix


def _rows(starts: Ints, entries: Int32s, rows: Ints) -> tuple[Ints, Int32s]:
    """Return some rows' lists, packed anew."""
    sizes = np.diff(starts)[rows]
    new = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return new, entries[np.arange(new[-1]) + np.repeat(starts[rows] - new[:-1], sizes)]


@nb.njit(cache=True)
def _sums(starts, entries, weights):  # type: ignore[no-untyped-def]
    total = np.zeros(starts.size - 1)
    for row in range(starts.size - 1):
        for k in range(starts[row], starts[row + 1]):
            total[row] += weights[entries[k]]
    return total


@nb.njit(cache=True)
def _people(chosen, cover_starts, cover, weights):  # type: ignore[no-untyped-def]
    served = np.zeros(weights.size, np.bool_)
    for b in range(chosen.size):
        if chosen[b]:
            for i in range(cover_starts[b], cover_starts[b + 1]):
                served[cover[i]] = True
    people = 0.0
    for e in range(weights.size):
        if served[e]:
            people += weights[e]
    return people


def _lists(matrix: csr_matrix) -> tuple[Ints, Int32s]:
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32, copy=False)


def _candidates(needs: csr_matrix, part_of: Int32s) -> tuple[Int32s, Ints, Int32s]:
    """Return each bundle's candidate (-1: costs nothing) and the parts each candidate needs."""
    parts = part_of[needs.indices]
    row = np.repeat(np.arange(needs.shape[0]), np.diff(needs.indptr))
    kept = parts >= 0
    pairs = distinct(row[kept].astype(np.int64) * max(int(part_of.size), 1) + parts[kept])
    row, parts = np.divmod(pairs, max(int(part_of.size), 1))
    starts = np.searchsorted(row, np.arange(needs.shape[0] + 1)).astype(np.int64)
    new_starts, need, _, candidate = merge_equal(starts, parts.astype(np.int32), np.ones(needs.shape[0]))
    return candidate, new_starts, need


class Trees(NamedTuple):
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

    starts: Ints
    part: Int32s
    up: Int32s


def trees(problem: CoverageProblem) -> Trees:
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

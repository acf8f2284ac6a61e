"""Unique values, nearest points, ragged rows (CSR)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import cKDTree

from phusong.compute.array_types import Floats, Int32s, Ints
from phusong.compute.kernels import nb

__all__ = ["RaggedRows", "containing", "distinct", "members", "merge_equal", "nearest", "rows_of", "turned"]


def distinct(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the distinct values of a flat array, ascending."""
    ordered = np.sort(values, axis=None)
    return np.asarray(ordered[np.r_[True, ordered[1:] != ordered[:-1]][: ordered.size]])


def nearest(among: npt.ArrayLike, points: npt.ArrayLike, k: int = 1) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return distance and position of the nearest of some places to each point.

    Parameters
    ----------
    among, points : array_like, shape (n, 2) and (m, 2)
        Easting and northing. [m]
    k : int
        How many; with 1 the results have shape (m,), else (m, k).
    """
    distance, index = cKDTree(np.asarray(among, np.float64)).query(np.asarray(points, np.float64), k=k)
    return np.asarray(distance, np.float64), np.asarray(index, np.int64)


def containing(areas: Sequence[shapely.Geometry], points: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the position of the area that each point lies in, of several that touch it the first.

    Parameters
    ----------
    areas : sequence of geometry
        Polygons; empty ones hold nothing.
    points : array_like, shape (m, 2)
        Easting and northing. [m]

    Returns
    -------
    ndarray of int, shape (m,)
        The nearest area for a point in none; -1 where there is no area at all.

    Examples
    --------
    >>> containing([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], [[1.5, 0.5], [9.0, 0.5], [1.0, 0.5]]).tolist()
    [1, 1, 0]
    """
    at = np.atleast_1d(
        np.asarray(shapely.points(np.asarray(points, np.float64).reshape(-1, 2)), dtype=object)
    )
    out = np.full(at.size, -1, np.int64)
    tree = shapely.STRtree(areas)
    point, area = tree.query(at, predicate="intersects")
    # of areas that share a border the first: written last
    order = np.argsort(-area, kind="stable")
    out[point[order]] = area[order]
    lost = np.flatnonzero(out < 0)
    if lost.size and len(tree):
        point, area = tree.query_nearest(at[lost], all_matches=False)
        out[lost[point]] = area
    return out


class RaggedRows(NamedTuple):
    """Items by key; compiled code reads it too.

    Parameters
    ----------
    start : ndarray of int, shape (n_keys + 1,)
        Where the items of each key begin.
    item : ndarray of int
        Items, ascending within a key.
    """

    start: Ints
    item: Ints

    def of(self, key: int) -> Ints:
        """Return the items of one key."""
        return self.item[self.start[key] : self.start[key + 1]]


def rows_of(key: npt.NDArray[np.integer], n_keys: int) -> RaggedRows:
    """Return for each key the positions where it stands; keys below 0 are left out.

    Parameters
    ----------
    key : ndarray of int
        Key of each position.
    n_keys : int
        Number of keys.

    Examples
    --------
    >>> rows_of(np.array([1, 0, 1, -1]), 2).of(1).tolist()
    [0, 2]
    """
    order = np.argsort(key, kind="stable")
    start = np.searchsorted(np.asarray(key)[order], np.arange(n_keys + 1))
    return RaggedRows(start.astype(np.int64), order.astype(np.int64))


def members(rows: RaggedRows, keys: Ints) -> Ints:
    """Return the items of several keys, key after key.

    Examples
    --------
    >>> members(rows_of(np.array([1, 0, 1]), 2), np.array([1, 0])).tolist()
    [0, 2, 1]
    """
    counts = rows.start[keys + 1] - rows.start[keys]
    ends = np.cumsum(counts)
    total = int(ends[-1]) if ends.size else 0
    shift = np.repeat(rows.start[keys] - (ends - counts), counts)
    return np.asarray(rows.item[shift + np.arange(total)], np.int64)


_SEED = 7  # of the marks: any will do, the lists themselves are compared too


def turned(starts: Ints, entries: Int32s, n_columns: int) -> tuple[Ints, Int32s]:
    """Return, for every column, the rows that hold it, ascending."""
    return _turned(starts, entries, n_columns)  # type: ignore[no-any-return]


def merge_equal(starts: Ints, entries: Int32s, weights: Floats) -> tuple[Ints, Int32s, Floats, Int32s]:
    """Return rows with different lists, their summed weights and, for each old row, the new one.

    Rows that are empty or weigh nothing are left out (their new row is -1). The order is that of first appearance.

    Parameters
    ----------
    starts : ndarray of int64, shape (n_rows + 1,)
        Where each row's list begins.
    entries : ndarray of int32
        The lists, each ascending; overwritten, so that no second copy of a large matrix is held.
    weights : ndarray, shape (n_rows,)
        What is added up.
    """
    n_marks = int(entries.max()) + 1 if entries.size else 1
    marks = np.random.default_rng(_SEED).integers(1, 2**63 - 1, n_marks, dtype=np.uint64)
    new_starts, new_weights, group, size = _merge(starts, entries, weights, marks)
    return new_starts, entries[:size], new_weights, group


@nb.njit(cache=True)
def _turned(starts, entries, n_columns):  # type: ignore[no-untyped-def]
    out_starts = np.zeros(n_columns + 1, np.int64)
    for k in range(entries.size):
        out_starts[entries[k] + 1] += 1
    for c in range(n_columns):
        out_starts[c + 1] += out_starts[c]
    at = out_starts[:-1].copy()
    out = np.empty(entries.size, np.int32)
    for row in range(starts.size - 1):
        for k in range(starts[row], starts[row + 1]):
            c = entries[k]
            out[at[c]] = row
            at[c] += 1
    return out_starts, out


@nb.njit(cache=True)
def _merge(starts, entries, weights, marks):  # type: ignore[no-untyped-def]
    n = starts.size - 1
    room = 16
    while room < 2 * n:
        room *= 2
    table = np.full(room, -1, np.int32)
    out_starts = np.zeros(n + 1, np.int64)
    out_weights = np.zeros(n)
    key = np.zeros(n, np.uint64)
    group = np.full(n, -1, np.int32)
    found = 0
    size = 0
    for row in range(n):
        low, high = starts[row], starts[row + 1]
        if high == low or weights[row] <= 0.0:
            continue
        mark = np.uint64(0)
        for k in range(low, high):
            mark += marks[entries[k]]
        at = np.int64((mark ^ (mark >> np.uint64(29))) & np.uint64(room - 1))
        while True:
            other = table[at]
            if other < 0:
                break
            if key[other] == mark and out_starts[other + 1] - out_starts[other] == high - low:
                same = True
                shift = low - out_starts[other]
                for k in range(out_starts[other], out_starts[other + 1]):
                    if entries[k] != entries[k + shift]:
                        same = False
                        break
                if same:
                    break
            at = (at + 1) & (room - 1)
        if table[at] < 0:
            table[at] = found
            key[found] = mark
            # a row moves towards the front only, so what is still to be read is never overwritten
            for k in range(low, high):
                entries[size] = entries[k]
                size += 1
            found += 1
            out_starts[found] = size
        group[row] = table[at]
        out_weights[table[at]] += weights[row]
    return out_starts[: found + 1].copy(), out_weights[:found].copy(), group, size

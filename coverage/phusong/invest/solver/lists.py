"""Lists of numbers per row, packed one after the other: turned around, and equal rows merged."""

import numpy as np
import numpy.typing as npt

from phusong.kernel_cache import nb

__all__ = ["merge_equal", "turned"]

Floats = npt.NDArray[np.float64]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]

_SEED = 7  # of the marks: any will do, the lists themselves are compared too


def turned(starts: Int64s, entries: Int32s, n_columns: int) -> tuple[Int64s, Int32s]:
    """Return, for every column, the rows that hold it, ascending."""
    return _turned(starts, entries, n_columns)  # type: ignore[no-any-return]


def merge_equal(starts: Int64s, entries: Int32s, weights: Floats) -> tuple[Int64s, Int32s, Floats, Int32s]:
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

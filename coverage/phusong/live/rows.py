"""Rows of unequal length in two arrays: which items belong to each key."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Rows", "members", "rows_of"]

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Items by key.

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


def rows_of(key: npt.NDArray[np.integer], n_keys: int) -> Rows:
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
    return Rows(start.astype(np.int64), order.astype(np.int64))


def members(rows: Rows, keys: Ints) -> Ints:
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

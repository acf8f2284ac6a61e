"""Whole people from shares, so that every total is kept exactly."""

import numpy as np
import numpy.typing as npt

__all__ = ["apportioned"]


def apportioned(weights: npt.ArrayLike, total: int) -> npt.NDArray[np.int64]:
    """Return whole numbers in proportion to weights that sum to a total exactly (largest remainders).

    Parameters
    ----------
    weights : array_like of float, shape (n,)
        Not negative, some of them above 0.
    total : int
        The sum wanted.

    Examples
    --------
    >>> apportioned([1.0, 1.0, 1.0], 10).tolist()
    [4, 3, 3]
    """
    share: npt.NDArray[np.float64] = np.asarray(weights, np.float64)
    exact = share / share.sum() * total
    low: npt.NDArray[np.int64] = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - low), kind="stable")
    left = int(total) - int(low.sum())
    low[order[:left]] += 1
    return low

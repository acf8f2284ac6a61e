"""Nearest neighbours in the plane."""

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

__all__ = ["nearest"]

Floats = npt.NDArray[np.float64]


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

"""Nearest neighbours in the plane, and the area that a point lies in."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import cKDTree

__all__ = ["containing", "nearest"]

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

"""Dasymetric mapping of population, and people apportioned."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pyproj import Transformer

from phusong.io.raster import open_raster
from phusong.region import Grid

__all__ = ["apportioned", "blocks_of", "finer_people"]

Floats = npt.NDArray[np.float64]

_COARSE = 2.0  # a raster of less than twice the grid's squares says by itself where people live


def finer_people(people: Floats, pattern: npt.ArrayLike, block_px: int) -> Floats:
    """Return people moved within blocks of squares to where a finer pattern has them; each block keeps its sum.

    A pixel of a kilometre spread evenly would leave no village: signal and masts are a matter of villages.

    Parameters
    ----------
    people : ndarray, on the grid
        People by a coarse count, spread evenly.
    pattern : array_like, on the grid
        People by a finer model.
    block_px : int
        Squares along a coarse pixel's side. A block without anybody by the pattern stays even.
    """
    if block_px < _COARSE:
        return people
    rows, cols = (-(-n // block_px) for n in people.shape)
    block = (np.arange(people.shape[0]) // block_px)[:, None] * cols + (
        np.arange(people.shape[1]) // block_px
    )[None, :]
    fine = np.asarray(pattern, np.float64)
    total, known = (np.bincount(block.ravel(), v.ravel(), rows * cols)[block] for v in (people, fine))
    share = np.divide(fine, known, out=np.zeros_like(fine), where=known > 0)
    return np.asarray(np.where(known > 0, total * share, people))


def blocks_of(paths: Iterable[Path], grid: Grid) -> int:
    """Return how many of the grid's squares lie along the side of the rasters' pixels, at least 1."""
    sides = []
    west, south, east, north = grid.bounds
    middle = (west + east) / 2.0, (south + north) / 2.0
    for path in paths:
        with open_raster(path) as source:
            x, y = Transformer.from_crs(grid.crs, source.crs, always_xy=True).transform(*middle)
            back = Transformer.from_crs(source.crs, grid.crs, always_xy=True)
            a, b = back.transform(x, y), back.transform(x + source.res[0], y)
            sides.append(float(np.hypot(b[0] - a[0], b[1] - a[1])))
    return max(1, round(min(sides) / grid.cell_m)) if sides else 1


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

"""Ground to lay lines over: a coarse net of ways between neighbouring squares, dearer where it is steep."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from phusong.invest.cost_figures import slope_multiplier
from phusong.region.grid import Grid

__all__ = ["WINDING", "GroundNet", "ground_net", "slope_deg"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WINDING = (
    1.2  # a line along tracks is longer than the way over the squares (assumed; 1.3 over straight lines)
)
_MOST_SQUARES = 1_000_000
_SQUARE_M = 500.0


@dataclass(frozen=True)
class GroundNet:
    """Squares of ground, and what a line from each to its neighbours is worth in kilometres of flat ground.

    Parameters
    ----------
    grid : Grid
        The squares.
    ways : csr_matrix, shape (n_squares, n_squares)
        Kilometres of flat ground of equal cost, winding included.
    """

    grid: Grid
    ways: csr_matrix

    def square(self, east_m: npt.ArrayLike, north_m: npt.ArrayLike) -> Ints:
        """Return the square that each point lies in; the nearest one for points off the grid."""
        row, col = self.grid.rowcol(east_m, north_m)
        row, col = np.clip(row, 0, self.grid.height - 1), np.clip(col, 0, self.grid.width - 1)
        return np.asarray(row * self.grid.width + col, np.int64)


def ground_net(elevation: npt.NDArray[np.float32], grid: Grid) -> GroundNet:
    """Return the ways over the ground.

    Parameters
    ----------
    elevation : ndarray, on the grid
        Heights; NaN is sea, over which no line is laid. [m]
    grid : Grid
        Where they lie.

    Notes
    -----
    A way to one of the eight neighbours costs its length times the multiplier of its slope: the steeper of the slope
    along it and half the slope of the ground it crosses, since a line may contour but must be carried there.
    """
    step = max(round(_SQUARE_M / grid.cell_m), int(np.ceil(np.sqrt(grid.size / _MOST_SQUARES))), 1)
    rows, cols = -(-grid.height // step), -(-grid.width // step)
    pad = ((0, rows * step - grid.height), (0, cols * step - grid.width))
    blocks = np.pad(elevation.astype(np.float64), pad, mode="edge").reshape(rows, step, cols, step)
    land = np.isfinite(blocks)
    count = land.sum(axis=(1, 3))
    height = np.where(land, blocks, 0.0).sum(axis=(1, 3)) / np.maximum(count, 1)
    size_m = grid.cell_m * step
    coarse = Grid(grid.crs, grid.west_m, grid.north_m, size_m, rows, cols)
    sideways = slope_deg(height, size_m) / 2.0
    number = np.arange(rows * cols).reshape(rows, cols)
    ends: list[tuple[Ints, Ints, Floats]] = []
    for dr, dc in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here = (slice(0, rows - dr), slice(max(-dc, 0), cols - max(dc, 0)))
        there = (slice(dr, rows), slice(max(dc, 0), cols - max(-dc, 0)))
        length = size_m * float(np.hypot(dr, dc))
        along = np.degrees(np.arctan(np.abs(height[here] - height[there]) / length))
        slope = np.maximum(along, np.maximum(sideways[here], sideways[there]))
        km = length / 1000.0 * WINDING * slope_multiplier(slope)
        dry = (count[here] > 0) & (count[there] > 0)
        ends.append((number[here][dry], number[there][dry], km[dry]))
    a, b, km = (np.concatenate([e[k] for e in ends]) for k in range(3))
    n = rows * cols
    ways = csr_matrix((np.r_[km, km], (np.r_[a, b], np.r_[b, a])), shape=(n, n))
    return GroundNet(coarse, ways)


def slope_deg(height_m: npt.ArrayLike, cell_m: float) -> Floats:
    """Return the slope of the ground. [degrees]"""
    heights = np.asarray(height_m, np.float64)
    if min(heights.shape) < 2:
        return np.zeros(heights.shape)
    down, across = np.gradient(np.nan_to_num(heights, nan=0.0), cell_m)
    return np.asarray(np.degrees(np.arctan(np.hypot(down, across))), np.float64)

"""Rasters in larger squares, so that no peak points at a mast."""

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["coarse_classes", "coarse_levels"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def coarse_levels(levels: npt.NDArray[np.float32], land: Flags, side: int) -> npt.NDArray[np.float32]:
    """Return the mean level of each block on its land; none where less than half of the land hears anything.

    Parameters
    ----------
    levels : (height, width) float32
        NaN where nothing is heard. [dBm]
    land : (height, width) bool
        Pixels that are shown.
    side : int
        Pixels along a block.
    """
    heard = np.isfinite(levels)
    total = _block_sums(np.where(heard, levels, 0.0).astype(np.float64), side)
    count = _block_sums(heard.astype(np.float64), side)
    ground = _block_sums((land | heard).astype(np.float64), side)
    mean = np.divide(
        total, count, out=np.full(total.shape, np.nan), where=(count > 0) & (2 * count >= ground)
    )
    spread = _spread(mean, levels.shape, side)
    return np.where(land | heard, spread, np.nan).astype(np.float32)


def coarse_classes(classes: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """Return the most frequent class of each block on its land; the lower one of two as frequent.

    Parameters
    ----------
    classes : (height, width) uint8
        0 off the land.
    side : int
        Pixels along a block.
    """
    kinds = np.unique(classes[classes > 0])
    if kinds.size == 0:
        return classes.copy()
    counts = np.stack([_block_sums((classes == k).astype(np.float64), side) for k in kinds])
    most = kinds[counts.argmax(axis=0)]
    return np.where(classes > 0, _spread(most, classes.shape, side), 0).astype(np.uint8)


def _block_sums(values: Floats, side: int) -> Floats:
    rows, cols = values.shape
    padded = np.pad(values, ((0, -rows % side), (0, -cols % side)))
    blocks = padded.reshape(padded.shape[0] // side, side, padded.shape[1] // side, side)
    return np.asarray(blocks.sum(axis=(1, 3)))


def _spread(blocks: npt.NDArray[Any], shape: tuple[int, ...], side: int) -> npt.NDArray[Any]:
    return np.kron(blocks, np.ones((side, side), blocks.dtype))[: shape[0], : shape[1]]

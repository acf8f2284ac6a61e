"""The lowest and the highest ground round a place, without looking at every pixel again."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Relief"]

Singles = npt.NDArray[np.float32]

_BLOCK_PX = 16


@dataclass(frozen=True)
class Relief:
    """Lowest and highest ground of blocks of pixels.

    Parameters
    ----------
    lowest_m, highest_m : ndarray of float32
        By block. [m]
    """

    lowest_m: Singles
    highest_m: Singles

    @classmethod
    def of(cls, ground: Singles) -> "Relief":
        """Return the relief of a ground without gaps."""
        pad = [(0, -n % _BLOCK_PX) for n in ground.shape]
        whole = np.pad(ground, pad, mode="edge")
        rows, cols = (n // _BLOCK_PX for n in whole.shape)
        blocks = whole.reshape(rows, _BLOCK_PX, cols, _BLOCK_PX)
        return cls(blocks.min(axis=(1, 3)), blocks.max(axis=(1, 3)))

    def within(self, row: float, col: float, radius_px: float) -> tuple[float, float]:
        """Return bounds of the ground of all blocks that a square round a place touches. [m]"""
        part = []
        for at, size in zip((row, col), self.lowest_m.shape, strict=True):
            first = min(max(int((at - radius_px) // _BLOCK_PX), 0), size - 1)
            last = min(max(int((at + radius_px) // _BLOCK_PX), first), size - 1)
            part.append(slice(first, last + 1))
        where = tuple(part)
        return float(self.lowest_m[where].min()), float(self.highest_m[where].max())

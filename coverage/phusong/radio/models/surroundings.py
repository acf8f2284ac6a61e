"""What stands round a receiver, as models that know no heights tell it apart."""

import numpy as np
import numpy.typing as npt

from phusong.radio.models.base import Mast
from phusong.radio.okumura_hata import Environment

__all__ = ["ENVIRONMENTS", "environment_of", "window_of"]

Singles = npt.NDArray[np.float32]

# open ground, houses and gardens, closed rows of houses
ENVIRONMENTS: tuple[Environment, ...] = ("rural", "suburban", "urban")
_SUBURBAN_M, _URBAN_M = 2.0, 6.0


def environment_of(cover_m: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the place in :data:`ENVIRONMENTS` by the height of what stands round a receiver. [m]

    Below 2 m rural, from 6 m urban, suburban between. Woods count as towns: the models measured none, and a phone
    under trees is as shaded as one between houses.
    """
    return np.asarray(np.digitize(np.asarray(cover_m), [_SUBURBAN_M, _URBAN_M]), np.int64)


def window_of(values: Singles, mast: Mast, cell_m: float, outside: float = np.nan) -> Singles:
    """Return the part of a raster that a mast's window covers; `outside` off the raster."""
    radius = mast.radius_px(cell_m)
    top, left = round(mast.row_f) - radius, round(mast.col_f) - radius
    out = np.full((2 * radius + 1, 2 * radius + 1), outside, np.float32)
    r0, r1 = max(top, 0), min(top + out.shape[0], values.shape[0])
    c0, c1 = max(left, 0), min(left + out.shape[1], values.shape[1])
    if r0 < r1 and c0 < c1:
        out[r0 - top : r1 - top, c0 - left : c1 - left] = values[r0:r1, c0:c1]
    return out

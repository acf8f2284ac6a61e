"""Modelled land cover: towns, settled land, forest where nobody lives and the ground is steep."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.ndimage import binary_dilation, uniform_filter

from phusong.region.grid import Grid

__all__ = ["FOREST", "OPEN", "SETTLED", "TOWN", "model_landcover"]

OPEN, SETTLED, TOWN, FOREST = 0, 1, 2, 3

_ROUGH_M = 22.0  # standard deviation of the ground within about a kilometre: flatter land is farmed
_FIELDS_M = 300.0  # fields reach this far round the houses


def model_landcover(
    grid: Grid,
    *,
    elevation: npt.NDArray[np.float32],
    demand: pd.DataFrame,
    urban_class: npt.NDArray[np.uint8],
) -> npt.NDArray[np.uint8]:
    """Return the clutter class of each pixel (codes of geodata/clutter.csv).

    Parameters
    ----------
    grid : Grid
        The pixels.
    elevation : ndarray, on the grid
        Ground heights. [m]
    demand : DataFrame
        Layer `demand`.
    urban_class : ndarray of uint8, on the grid
        Degree of urbanisation.
    """
    size = max(3, int(1500.0 / grid.cell_m) | 1)
    heights = elevation.astype(np.float64)
    mean = uniform_filter(heights, size, mode="nearest")
    rough = np.sqrt(np.maximum(uniform_filter(heights**2, size, mode="nearest") - mean**2, 0.0)) > _ROUGH_M
    people = np.zeros(grid.shape)
    people[demand["row"], demand["col"]] = demand["population"]
    lived = people / grid.pixel_km2 >= 20.0
    around = round(_FIELDS_M / grid.cell_m)
    if around:
        lived = binary_dilation(lived, iterations=around)
    out = np.where(rough & ~lived, FOREST, SETTLED).astype(np.uint8)
    out[(urban_class >= 22) & (urban_class < 255)] = TOWN
    return out

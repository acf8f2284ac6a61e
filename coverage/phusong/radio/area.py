"""Loss over an area round one transmitter."""

import math
import warnings

import numpy as np
import numpy.typing as npt
from affine import Affine

from phusong.compute.array_types import Singles
from phusong.errors import InputError, Problem, nearest_name, refuse
from phusong.radio.models import MODELS, Conditions, Mast, Model, Terrain
from phusong.radio.ranges import checked
from phusong.radio.terrain_profile import as_ground
from phusong.region.terrain_check import as_heights, ground_problems, transform_problems

__all__ = ["RangeWarning", "area_loss", "as_terrain", "find_model", "window_place"]


_INLAND_EVERYWHERE = np.full((1, 1), 4, np.int8)


class RangeWarning(UserWarning):
    """A model's formula is carried on, or a value held, beyond what its source states."""


@checked("radio.model")
def find_model(name: str) -> Model:
    """Return a propagation model by its name.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in MODELS:
        known = ", ".join(MODELS)
        raise InputError(
            Problem(
                "radio.model",
                f"is no propagation model{nearest_name(name, MODELS)}; known: {known}",
                value=name,
            )
        )
    return MODELS[name]


@checked("terrain", gaps=("elevation", "clutter_m"))
def as_terrain(
    elevation: npt.ArrayLike,
    cell_m: float,
    *,
    clutter_m: npt.ArrayLike | None = None,
    zone: npt.ArrayLike | None = None,
) -> Terrain:
    """Return heights as the models read them: gaps at sea level, cover on top where there is any.

    Parameters
    ----------
    elevation, clutter_m : array_like, shape (height, width)
        Ground, and the height of what stands on it. [m]
    cell_m : float
        Pixel side.
    zone : array_like of int, same shape
        1 sea, 3 coastal land, 4 inland; all inland when left out.

    Raises
    ------
    InputError
        Listing heights that no place on Earth has, voids that are no sea, and covers or zones that fit no ground.
    """
    heights, cover, zones = _layers(elevation, clutter_m, zone)
    refuse(ground_problems(heights, "elevation", clutter_m=cover, zone=zones))
    return _terrain(heights, cover, zones, cell_m)


def _layers(
    elevation: npt.ArrayLike, clutter_m: npt.ArrayLike | None, zone: npt.ArrayLike | None
) -> tuple[Singles, Singles | None, npt.NDArray[np.generic] | None]:
    heights = as_heights(elevation, "elevation")
    cover = None if clutter_m is None else _on_ground(clutter_m, heights.shape)
    return heights, cover, None if zone is None else np.asarray(zone)


def _terrain(
    heights: Singles, cover: Singles | None, zones: npt.NDArray[np.generic] | None, cell_m: float
) -> Terrain:
    ground = as_ground(heights)
    surface = ground if cover is None or not cover.any() else ground + as_ground(cover)
    if zones is None:
        return Terrain(ground, surface, _INLAND_EVERYWHERE, cell_m)
    return Terrain(ground, surface, np.ascontiguousarray(zones, np.int8), cell_m)


def _on_ground(clutter_m: npt.ArrayLike, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Return cover as heights; one number stands for every pixel."""
    one = np.ndim(clutter_m) == 0
    return as_heights(np.broadcast_to(np.asarray(clutter_m), shape) if one else clutter_m, "clutter_m")


def window_place(mast: Mast, cell_m: float) -> tuple[int, int]:
    """Return the row and column of the first pixel of a mast's window."""
    radius = mast.radius_px(cell_m)
    return round(mast.row_f) - radius, round(mast.col_f) - radius


@checked("area_loss", gaps=("elevation", "clutter_m"))
def area_loss(
    elevation: npt.ArrayLike,
    transform: Affine,
    tx_xy: tuple[float, float],
    *,
    model: str = "bullington",
    radius_m: float,
    frequency_ghz: float = 0.9,
    tx_height_m: float = 30.0,
    rx_height_m: float = 1.5,
    clutter_m: npt.ArrayLike | None = None,
    zone: npt.ArrayLike | None = None,
    conditions: Conditions | None = None,
) -> npt.NDArray[np.float64]:
    """Return the basic transmission loss from one transmitter to every pixel. [dB]

    Parameters
    ----------
    elevation : array_like, shape (height, width)
        Ground heights on square, north-up pixels, from -500 to 9,000. [m] NaN is sea where `zone` says so; without
        zones, where the gap reaches the rim of the raster and meets ground of 30 m or less. Other gaps are refused.
    transform : affine.Affine
        From (column, row) to (easting, northing), in metres: square pixels, not rotated. [m]
    tx_xy : tuple of float
        Easting and northing of the transmitter, on the raster. [m]
    model : str
        A name of :data:`phusong.radio.models.MODELS`.
    radius_m : float
        Pixels farther away are NaN.
    frequency_ghz, tx_height_m, rx_height_m : float
        Frequency and heights above ground.
    clutter_m, zone : array_like, optional
        Height of what stands on the ground [m], and 1 sea, 3 coastal land, 4 inland.
    conditions : Conditions, optional
        Shares of time and of locations, and the air; medians in Viet Nam's air when left out.

    Returns
    -------
    ndarray, shape (height, width)

    Raises
    ------
    InputError
        For an unknown model, or listing every value outside the model's range, pixels that are not square, north-up
        and in metres, and heights that cannot be.

    Warns
    -----
    RangeWarning
        Where a value lies beyond what the model's source states and the formula is carried on.
    """
    chosen = find_model(model)
    ends = {"frequency_ghz": frequency_ghz, "tx_height_m": tx_height_m, "rx_height_m": rx_height_m}
    heights, cover, zones = _layers(elevation, clutter_m, zone)
    refuse(
        [
            *chosen.range.problems("area_loss", radius_m=radius_m, **ends),
            *transform_problems(transform, "area_loss"),
            *_place_problems(tx_xy, transform, heights.shape),
            *ground_problems(heights, "elevation", clutter_m=cover, zone=zones),
        ]
    )
    terrain = _terrain(heights, cover, zones, float(transform.a))
    for told in chosen.notices(frequency_ghz, tx_height_m, rx_height_m, radius_m=radius_m):
        warnings.warn(told, RangeWarning, stacklevel=3)
    east, north = tx_xy
    mast = Mast(
        (north - transform.f) / transform.e - 0.5,
        (east - transform.c) / transform.a - 0.5,
        tx_height_m,
        rx_height_m,
        min(radius_m, math.hypot(*heights.shape) * terrain.cell_m),  # no window wider than the raster
    )
    height, width = heights.shape
    window = chosen.window(terrain, mast, np.array([frequency_ghz]), conditions or Conditions())[0]
    top, left = window_place(mast, terrain.cell_m)
    out = np.full((height, width), np.nan)
    r0, r1 = max(top, 0), min(top + window.shape[0], height)
    c0, c1 = max(left, 0), min(left + window.shape[1], width)
    if r0 < r1 and c0 < c1:
        out[r0:r1, c0:c1] = window[r0 - top : r1 - top, c0 - left : c1 - left]
    return out


def _place_problems(tx_xy: tuple[float, float], transform: Affine, shape: tuple[int, ...]) -> list[Problem]:
    """Return why a transmitter does not stand on the raster."""
    east, north = (float(v) for v in tx_xy)
    if not (math.isfinite(east) and math.isfinite(north)):
        return [Problem("area_loss", "must be two finite numbers", column="tx_xy", value=tx_xy)]
    if not (transform.a > 0.0 and transform.e < 0.0):
        return []  # told of the transform itself
    col, row = (east - transform.c) / transform.a, (north - transform.f) / transform.e
    if 0.0 <= row <= shape[0] and 0.0 <= col <= shape[1]:
        return []
    return [Problem("area_loss", "lies off the raster", column="tx_xy", value=tx_xy)]

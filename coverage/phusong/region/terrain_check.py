"""Terrain check: heights that some place on Earth has, on square pixels in metres."""

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from affine import Affine
from pyproj import CRS
from pyproj.exceptions import CRSError
from scipy.ndimage import binary_dilation, find_objects, label

from phusong.errors import InputError, Problem, and_more, refuse

__all__ = [
    "HIGHEST_M",
    "LOWEST_M",
    "as_heights",
    "crs_problems",
    "empty_problems",
    "ground_problems",
    "refuse_pixels",
    "transform_problems",
]

LOWEST_M, HIGHEST_M = -500.0, 9000.0
"""Lowest and highest ground: the shore of the Dead Sea lies at -430 m, Mount Everest is 8,849 m high."""

_SHORE_M = 30.0  # a gap whose rim lies higher everywhere is no sea
_MOST_COVER_M = 400.0  # what stands on the ground
# the finest models of whole countries have pixels of 1 m (USGS 3DEP), the coarsest of the Earth an arc minute or 1.9 km
# (ETOPO): what is finer is in kilometres or degrees
_LEAST_PIXEL_M, _MOST_PIXEL_M = 1.0, 10_000.0
_ZONES = (1, 3, 4)
_SEA = 1
_SQUARE = 1e-6  # relative difference of the sides


def as_heights(values: npt.ArrayLike, where: str) -> npt.NDArray[np.float32]:
    """Return heights as float32; masked pixels are NaN.

    Raises
    ------
    InputError
        If they are no numbers on rows and columns.
    """
    refused = InputError(Problem(where, "must be real numbers in rows and columns of equal length"))
    try:
        given = np.asarray(values) if not isinstance(values, np.ma.MaskedArray) else _unmasked(values)
    except (TypeError, ValueError):
        raise refused from None
    if given.dtype.kind not in "fiu":
        raise refused
    # a number too large for float32 turns infinite and is told as such
    with np.errstate(over="ignore"):
        heights = given.astype(np.float32, copy=False)
    if heights.ndim != 2 or heights.size == 0:
        raise InputError(
            Problem(where, "must be numbers in rows and columns", value=f"shape {heights.shape}")
        )
    return heights


def _unmasked(values: "np.ma.MaskedArray[Any, Any]") -> npt.NDArray[np.float32]:
    return np.asarray(np.ma.filled(values.astype(np.float32), np.nan), np.float32)


def ground_problems(
    heights: npt.NDArray[np.float32],
    where: str,
    *,
    clutter_m: npt.NDArray[np.float32] | None = None,
    zone: npt.NDArray[np.generic] | None = None,
) -> Iterator[Problem]:
    """Yield what is wrong with ground, what stands on it, and its zones.

    NaN is the sea: where the zones say so or, without zones, where the gap reaches the rim of the raster and meets
    low ground there. Any other gap is a void that somebody has to fill, and a raster without any height holds no ground.

    Parameters
    ----------
    heights : ndarray of float32, shape (height, width)
        Ground. [m]
    where : str
        What it is called.
    clutter_m : ndarray of float32, same shape, optional
        Height of what stands on it.
    zone : ndarray of int, same shape or (1, 1), optional
        1 sea, 3 coastal land, 4 inland.
    """
    low, high = _extremes(heights)
    if low < LOWEST_M or high > HIGHEST_M:
        wrong = ~((heights >= LOWEST_M) & (heights <= HIGHEST_M)) & ~np.isnan(heights)
        row, col = (int(at[0]) for at in np.nonzero(wrong))
        yield Problem(
            where,
            f"in row {row}, column {col}{and_more(int(wrong.sum()) - 1, 'pixel')} is no height on Earth "
            f"({LOWEST_M:g} to {HIGHEST_M:g} m); declare nodata and fill it, check the unit",
            value=f"{float(heights[row, col]):g}",
        )
    if zone is not None and not np.isin(zone, _ZONES).all():
        yield Problem(where, "must be 1 (sea), 3 (coastal land) or 4 (inland)", column="zone")
    elif zone is not None and zone.shape not in (heights.shape, (1, 1)):
        yield Problem(
            where, f"must have the shape of the ground, {heights.shape}", column="zone", value=zone.shape
        )
    elif np.isnan(low):
        yield from _void_problems(heights, where, zone)
    if clutter_m is not None:
        if clutter_m.shape != heights.shape:
            told = f"must have the shape of the ground, {heights.shape}"
            yield Problem(where, told, column="clutter_m", value=clutter_m.shape)
        elif not ((clutter_m >= 0.0) & (clutter_m <= _MOST_COVER_M)).all():
            told = f"must be from 0 to {_MOST_COVER_M:g} m on every pixel (0 where nothing stands)"
            yield Problem(where, told, column="clutter_m")


def _extremes(heights: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Return the lowest and highest height; the lowest is NaN if there is a gap and no height is out of bounds."""
    low, high = float(heights.min()), float(heights.max())
    if not math.isnan(low):
        return low, high
    known = heights[~np.isnan(heights)]
    if known.size == 0:
        return math.nan, math.nan
    low, high = float(known.min()), float(known.max())
    return (low if low < LOWEST_M else math.nan), high


def empty_problems(heights: npt.NDArray[np.float32], where: str) -> list[Problem]:
    """Return why a raster without one known height holds no ground; nothing where it has one."""
    if not np.isnan(heights).all():
        return []
    told = (
        "pixels have no height, which is all of them: an empty download, or a wrong value for no data? "
        "Open sea is told by a zone of 1"
    )
    return [Problem(where, told, value=f"{heights.size:,}")]


def _void_problems(
    heights: npt.NDArray[np.float32], where: str, zone: npt.NDArray[np.generic] | None
) -> Iterator[Problem]:
    if zone is None and np.isnan(heights).all():
        yield from empty_problems(heights, where)
        return
    gap = np.isnan(heights)
    mend = "fill it (phusong region build does), or name it sea by a zone of 1"
    if zone is not None:
        dry = gap & (np.broadcast_to(zone, heights.shape) != _SEA)
        if dry.any():
            row, col = (int(at[0]) for at in np.nonzero(dry))
            told = f"pixels on land have no height, the first in row {row}, column {col}: {mend}"
            yield Problem(where, told, value=f"{int(dry.sum()):,}")
        return
    patches, _ = label(gap, structure=np.ones((3, 3), int))
    inland, first = 0, (0, 0)
    for k, box in enumerate(find_objects(patches), start=1):
        rows, cols = (slice(max(s.start - 1, 0), s.stop + 1) for s in box)
        here = patches[rows, cols] == k
        rim = heights[rows, cols][binary_dilation(here, np.ones((3, 3), bool)) & ~gap[rows, cols]]
        enclosed = (
            box[0].start > 0
            and box[1].start > 0
            and box[0].stop < gap.shape[0]
            and box[1].stop < gap.shape[1]
        )
        if rim.size and (enclosed or float(rim.min()) > _SHORE_M):
            row, col = (int(at[0]) for at in np.nonzero(patches == k)) if inland == 0 else first
            inland, first = inland + int(here.sum()), (row, col)
    if inland:
        told = f"pixels inland have no height, the first in row {first[0]}, column {first[1]}: {mend}"
        yield Problem(where, told, value=f"{inland:,}")


def transform_problems(transform: Affine, where: str) -> Iterator[Problem]:
    """Yield what keeps a transform from being that of square, north-up pixels in metres."""
    numbers = [float(v) for v in transform[:6]]
    if not all(math.isfinite(v) for v in numbers):
        yield Problem(where, "must be finite numbers", column="transform", value=numbers)
        return
    width, turn, _, shear, height, _ = numbers
    if turn != 0.0 or shear != 0.0:
        yield Problem(
            where, "is rotated: warp the raster to north-up pixels", column="transform", value=numbers
        )
    elif width <= 0.0 or height >= 0.0:
        yield Problem(
            where,
            "must run east and south (a above 0, e below 0): flip the raster",
            column="transform",
            value=numbers,
        )
    elif abs(width + height) > _SQUARE * width:
        told = "must have square pixels: warp the raster to one side in metres"
        yield Problem(where, told, column="transform", value=f"{width:g} by {-height:g}")
    else:
        yield from _side_problems(width, where)


def _side_problems(side: float, where: str) -> Iterator[Problem]:
    if not side >= _LEAST_PIXEL_M:
        told = (
            f"is too small a pixel for metres ({_LEAST_PIXEL_M:g} m at least): is the transform in kilometres or degrees? "
            "Give it in metres; warp a raster in degrees to a projected CRS in metres"
        )
        yield Problem(where, told, column="transform", value=side)
    elif not side <= _MOST_PIXEL_M:
        told = f"is too large a pixel ({_MOST_PIXEL_M:,.0f} m at most): is the transform in metres?"
        yield Problem(where, told, column="transform", value=side)


@cache
def crs_problems(crs: str, where: str) -> tuple[Problem, ...]:
    """Return what keeps a CRS from being projected, in metres."""
    try:
        held = CRS.from_user_input(crs)
    except CRSError:
        return (Problem(where, "is no CRS", column="crs", value=crs),)
    if held.is_geographic or any(axis.unit_name not in ("metre", "meter") for axis in held.axis_info[:2]):
        told = "must be projected, in metres, e.g. EPSG:32648"
        return (Problem(where, told, column="crs", value=crs),)
    return ()


def refuse_pixels(crs: str, cell_m: float, where: str) -> None:
    """Raise where a grid is not in metres.

    Raises
    ------
    InputError
        Naming CRS or pixel.
    """
    refuse([*crs_problems(crs, where), *_side_problems(cell_m, where)])

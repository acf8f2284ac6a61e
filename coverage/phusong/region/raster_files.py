"""The rasters of a region's folder, read whole and within their limits, or refused."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from pyproj import CRS
from pyproj.exceptions import CRSError

from phusong.errors import InputError, Problem, refuse
from phusong.region.facts import table
from phusong.region.grid import Grid
from phusong.region.raster_meaning import Meaning, Quantity, meaning_of
from phusong.region.raster_opening import MOST_PIXELS
from phusong.region.schema import RASTERS

__all__ = ["read_classes", "read_heights"]

_SAME_PLACE = 1e-3  # of a pixel: what rounding in a header may move it


def read_heights(path: Path, crs: str) -> tuple[npt.NDArray[np.float32], Grid]:
    """Return ground heights and the grid they lie on.

    Parameters
    ----------
    path : Path
        elevation.tif.
    crs : str
        CRS of the region.

    Raises
    ------
    InputError
        If it is missing, broken, rotated, in another CRS, or holds heights that are none.
    """
    if not path.is_file():
        raise InputError(Problem(path.name, "is missing: ground heights on the region's grid"))
    heights, grid = _read(path, crs, "height")
    values = heights.astype(np.float32)
    holes = int((~np.isfinite(values)).sum())
    found = [Problem(path.name, f"has no height in {holes} pixels; {_FILLED}")] if holes else []
    refuse([*found, *_beyond_limits(values, "elevation", path.name)])
    return values, grid


def read_classes(path: Path, grid: Grid) -> npt.NDArray[np.uint8]:
    """Return the clutter classes of a grid; open ground everywhere where there is no such file.

    Parameters
    ----------
    path : Path
        clutter.tif.
    grid : Grid
        Of elevation.tif, which it must share.

    Raises
    ------
    InputError
        If it is broken, lies on another grid, or holds codes that geodata/clutter.csv does not.
    """
    if not path.is_file():
        return np.zeros(grid.shape, np.uint8)
    classes, place = _read(path, grid.crs, "class")
    if classes.shape != grid.shape:
        raise InputError(Problem(path.name, f"has {classes.shape} pixels; elevation.tif has {grid.shape}"))
    moved = max(
        abs(place.west_m - grid.west_m), abs(place.north_m - grid.north_m), abs(place.cell_m - grid.cell_m)
    )
    if moved > _SAME_PLACE * grid.cell_m:
        raise InputError(
            Problem(path.name, "lies on another grid than elevation.tif; resample it onto that one")
        )
    known = table("clutter")["class"].to_numpy(np.int64)
    strange = np.unique(classes[~np.isin(classes, known)])[:10]
    if strange.size:
        told = f"holds classes that geodata/clutter.csv does not ({', '.join(f'{c:g}' for c in strange)})"
        raise InputError(
            Problem(path.name, f"{told}; build the region anew with --clutter and --clutter-legend")
        )
    return classes.astype(np.uint8)


def _read(path: Path, crs: str, quantity: Quantity) -> tuple[npt.NDArray[Any], Grid]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a raster without a place is refused below
            # by this driver alone: another would follow what the file names, over the network too
            with rasterio.open(path, driver="GTiff") as source:
                refuse(_too_large(source, path.name))
                meaning = _understood(source, path.name, quantity)
                values = source.read(meaning.band, masked=True)
                t, known = source.transform, source.crs
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - a broken file makes GDAL's binding raise anything
        told = f"is no readable GeoTIFF, or is cut off ({' '.join(str(error).split())[:120]})"
        raise InputError(Problem(path.name, told)) from None
    refuse(_misplaced(t, known, path.name, crs))
    plain = values.filled(np.nan) if np.issubdtype(values.dtype, np.floating) else values.data
    if np.ma.is_masked(values) and not np.issubdtype(values.dtype, np.floating):
        plain = values.astype(np.float64).filled(np.nan)
    plain = meaning.applied(plain)
    return np.asarray(plain), Grid(crs or known.to_string(), t.c, t.f, t.a, values.shape[0], values.shape[1])


def _understood(source: Any, where: str, quantity: Quantity) -> Meaning:  # noqa: ANN401 - rasterio carries no types
    meaning = meaning_of(source, where, quantity)
    if isinstance(meaning, list):
        raise InputError(meaning)
    return meaning


def _too_large(source: Any, where: str) -> list[Problem]:  # noqa: ANN401 - rasterio carries no types
    if source.width * source.height <= MOST_PIXELS:
        return []
    told = f"states {source.width:,} × {source.height:,} pixels; at most {MOST_PIXELS:,} are read: use a coarser grid"
    return [Problem(where, told)]


def _misplaced(t: Any, known: Any, where: str, crs: str) -> list[Problem]:  # noqa: ANN401 - rasterio carries no types
    if known is None:
        return [Problem(where, f"has no CRS; expected {crs}")]
    if not (t.a > 0 > t.e) or abs(t.a + t.e) > _SAME_PLACE * t.a or t.b or t.d:
        return [Problem(where, "must have square, north-up pixels; warp it, e.g. with gdalwarp")]
    try:
        same = not crs or CRS.from_user_input(crs) == CRS.from_wkt(known.to_wkt())
    except CRSError:
        return []  # the region's own CRS is refused where it stands
    return (
        []
        if same
        else [Problem(where, f"is in {known.to_string()[:60]}, the region in {crs}; warp it to that one")]
    )


def _beyond_limits(values: npt.NDArray[np.float32], name: str, where: str) -> list[Problem]:
    raster = RASTERS[name]
    bad = np.isfinite(values) & ((values < raster.least) | (values > raster.most))
    if not bad.any():
        return []
    row, col = (int(k) for k in np.argwhere(bad)[0])
    told = (
        f"is no {raster.meaning} ({raster.least:g} to {raster.most:g} {raster.unit}) in {int(bad.sum())} pixels, first in "
        f"row {row + 1}, column {col + 1}; does it stand for no data? {_FILLED}"
    )
    return [Problem(where, told, value=f"{values[row, col]:g}")]


_FILLED = "build the region anew with --elevation, which fills what is missing"

"""Rasters of other people onto the region's grid: heights in tiles, people, land cover."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import rasterio
from rasterio.warp import Resampling, reproject, transform_bounds
from rasterio.windows import Window, from_bounds
from scipy.ndimage import distance_transform_edt

from phusong.bounded import MOST_LIST_BYTES, read_bytes
from phusong.errors import InputError, Problem, refuse
from phusong.region.facts import table
from phusong.region.grid import Grid
from phusong.region.raster_opening import RASTER_ERRORS, open_raster

__all__ = ["Heights", "read_elevation", "read_landcover", "read_people"]

Floats = npt.NDArray[np.float64]

_TILES = (".tif", ".tiff", ".hgt", ".vrt", ".dt0", ".dt1", ".dt2")
_LOWEST_M, _HIGHEST_M = -500.0, 9000.0
_PICTURE_BANDS = 3
_STRIP_ROWS = 512
_STRIP_PIXELS = 64_000_000


@dataclass(frozen=True)
class Heights:
    """Heights on a grid, and what had to be filled in.

    Parameters
    ----------
    elevation : ndarray of float32, on the grid
        Ground. [m]
    tiles : int
        Files that overlap the grid.
    void_share : float
        Share of the grid without a height, filled from the nearest known one.
    void_far_m : float
        Farthest that a filled pixel lies from a known height.
    """

    elevation: npt.NDArray[np.float32]
    tiles: int
    void_share: float
    void_far_m: float

    def report(self) -> str:
        """Return what was read and filled, for people."""
        files = f"{self.tiles} file{'s' if self.tiles != 1 else ''}"
        if self.void_share == 0.0:
            return f"{files}, no voids"
        return f"{files}; {self.void_share:.2%} void, filled from up to {self.void_far_m:.0f} m away"


def read_elevation(source: Path | Sequence[Path], grid: Grid) -> Heights:
    """Return heights on the grid from GeoTIFFs, SRTM .hgt files, a virtual mosaic, or a folder of such tiles.

    Copernicus GLO-30 and SRTM come as tiles of a degree: give the folder. Voids, and heights no place on Earth has,
    are filled from the nearest known height and reported.

    Raises
    ------
    InputError
        Naming every file that cannot be read, or if none overlaps the grid.
    """
    out = np.full(grid.shape, np.nan)
    used = 0
    problems: list[Problem] = []
    for path in _tiles(source):
        try:
            tile = _warp(path, grid, Resampling.bilinear, must_overlap=False, least=_LOWEST_M)
        except InputError as error:
            problems += error.problems
            continue
        if tile is None:
            continue
        tile[(tile < _LOWEST_M) | (tile > _HIGHEST_M)] = np.nan
        fresh = np.isnan(out) & np.isfinite(tile)
        out[fresh] = tile[fresh]
        used += int(np.isfinite(tile).any())
    refuse(problems)
    missing = ~np.isfinite(out)
    if missing.all():
        raise _elsewhere(source)
    far = 0.0
    if missing.any():
        distance, near = distance_transform_edt(missing, return_indices=True)
        out = out[tuple(near)]
        far = float(distance.max()) * grid.cell_m
    return Heights(out.astype(np.float32), used, float(missing.mean()), far)


def read_people(source: Path | Sequence[Path], grid: Grid) -> Floats:
    """Return people per grid square of GeoTIFFs of people per pixel, in any CRS; the sum inside the grid is kept.

    Several files are tiles of one map: they are added up.

    Raises
    ------
    InputError
        Naming every file that cannot be read or holds negative people, or if all lie elsewhere.
    """
    total = np.zeros(grid.shape)
    used = 0
    problems: list[Problem] = []
    for path in _tiles(source):
        try:
            people = _warp(path, grid, Resampling.sum, must_overlap=False, least=0.0)
        except InputError as error:
            problems += error.problems
            continue
        if people is None:
            continue
        if (people < 0).any():
            told = "holds negative people; is its nodata value declared?"
            problems.append(Problem(path.name, told, value=f"{np.nanmin(people):g}"))
            continue
        used += int(np.isfinite(people).any())
        total += np.nan_to_num(people)
    refuse(problems)
    if not used:
        raise _elsewhere(source)
    return total


def read_landcover(
    source: Path | Sequence[Path], grid: Grid, legend: Path | None = None
) -> npt.NDArray[np.uint8]:
    """Return the clutter class of each pixel from land cover in one GeoTIFF or a folder of tiles.

    Parameters
    ----------
    source : Path or sequence of Path
        Class codes; ESA WorldCover's unless a legend says otherwise.
    grid : Grid
        Where to.
    legend : Path, optional
        CSV with columns ``code, class``: clutter class (geodata/clutter.csv) of each code in the raster.

    Raises
    ------
    InputError
        Naming every code that the legend does not know.
    """
    names = table("worldcover") if legend is None else _read_legend(legend)
    known = set(table("clutter")["class"].astype(int))
    wrong = [
        Problem(
            legend.name if legend else "worldcover.csv", f"must be one of {sorted(known)}", row=k + 1, column="class",
            value=v,
        )
        for k, v in enumerate(names["class"].astype(int))
        if v not in known
    ]  # fmt: skip
    refuse(wrong)
    codes = np.full(grid.shape, np.nan)
    for path in _tiles(source):
        tile = _warp(path, grid, Resampling.mode, must_overlap=False)
        if tile is not None:
            codes = np.where(np.isnan(codes), tile, codes)
    if np.isnan(codes).all():
        raise _elsewhere(source)
    to_class = dict(zip(names["code"].astype(int), names["class"].astype(int), strict=True))
    found = np.unique(codes[np.isfinite(codes)]).astype(int)
    refuse(
        Problem(
            _name(source), f"holds a code that the legend does not have ({sorted(to_class)})", value=int(code)
        )
        for code in found
        if code not in to_class
    )
    out = np.zeros(grid.shape, np.uint8)
    for code in found:
        out[codes == code] = to_class[int(code)]
    return out


def _read_legend(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(Problem(path.name, "does not exist"))
    try:
        names = pd.read_csv(BytesIO(read_bytes(path, MOST_LIST_BYTES)))
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(Problem(path.name, f"is no readable CSV ({str(error)[:100]})")) from None
    missing = [c for c in ("code", "class") if c not in names.columns]
    refuse(Problem(path.name, "is missing", column=c) for c in missing)
    for column in ("code", "class"):
        numbers = pd.to_numeric(names[column], errors="coerce")
        refuse(
            Problem(
                path.name,
                "must be a whole number",
                row=int(k) + 1,
                column=column,
                value=names[column].iloc[k],
            )
            for k in np.flatnonzero(numbers.isna().to_numpy())
        )
    return names


def _tiles(source: Path | Sequence[Path]) -> Sequence[Path]:
    if not isinstance(source, Path):
        return [tile for one in source for tile in _tiles(one)]
    if source.is_dir():
        found = sorted(p for p in source.rglob("*") if p.suffix.lower() in _TILES and p.is_file())
        if not found:
            raise InputError(Problem(source.name, f"holds no tiles ({', '.join(_TILES)})"))
        return found
    if not source.is_file():
        raise InputError(Problem(source.name, "does not exist"))
    return [source]


def _warp(
    path: Path, grid: Grid, how: Resampling, *, must_overlap: bool = True, least: float | None = None
) -> npt.NDArray[np.float64] | None:
    """Return the raster on the grid, NaN where it says nothing; None where it lies elsewhere."""
    if not path.is_file():
        raise InputError(Problem(path.name, "does not exist"))
    out = np.full(grid.shape, np.nan)
    try:
        with open_raster(path) as source:
            if source.crs is None:
                raise InputError(
                    Problem(path.name, f"has no CRS; say which one it is in (the region uses {grid.crs})")
                )
            if not _overlaps(source, grid):
                if must_overlap:
                    raise _elsewhere(path)
                return None
            refuse(_unusable(source, grid, path.name, least))
            reproject(
                rasterio.band(source, 1),
                out,
                dst_transform=grid.transform,
                dst_crs=grid.crs,
                dst_nodata=np.nan,
                resampling=how,
            )
    except RASTER_ERRORS as error:
        told = f"is no readable raster, or is cut off ({' '.join(str(error).split())[:120]})"
        raise InputError(Problem(path.name, told)) from None
    if must_overlap and not np.isfinite(out).any():
        raise _elsewhere(path)
    return out


def _overlaps(source: rasterio.DatasetReader, grid: Grid) -> bool:
    """Whether the file's bounds, in the grid's CRS, touch the grid; said to if they cannot be transformed."""
    west, south, east, north = grid.bounds
    try:
        left, bottom, right, top = transform_bounds(source.crs, grid.crs, *source.bounds)
    except rasterio.errors.RasterioError:
        return True
    if not np.isfinite([left, bottom, right, top]).all():
        return True
    return bool(left < east and right > west and bottom < north and top > south)


def _unusable(source: Any, grid: Grid, where: str, least: float | None) -> list[Problem]:  # noqa: ANN401
    """Return why a raster cannot be used as it is: a picture, rotated, or its missing pixels look like values."""
    if source.transform.b or source.transform.d:
        return [Problem(where, "is rotated; warp it so that north is up, e.g. with gdalwarp FILE NEW")]
    if source.count >= _PICTURE_BANDS and source.dtypes[0] == "uint8":
        return [Problem(where, f"is a picture of {source.count} bands; give the raster of values itself")]
    if least is None or source.nodata is not None or np.dtype(source.dtypes[0]).kind == "u":
        return []
    low = _lowest(source, grid)
    if low is None or low >= least:
        return []
    told = f"stands in it as a value, and it declares no nodata; declare it, e.g. with gdal_edit.py -a_nodata {low:g} FILE"
    return [Problem(where, told, value=f"{low:g}")]


def _lowest(source: Any, grid: Grid) -> float | None:  # noqa: ANN401
    """Return the lowest value where the raster overlaps the grid, read in strips; None where it has none."""
    try:
        bounds = transform_bounds(grid.crs, source.crs, *grid.bounds, densify_pts=21)
        (top, bottom), (left, right) = from_bounds(*bounds, transform=source.transform).toranges()
    except rasterio.errors.RasterioError:
        top, bottom, left, right = 0, source.height, 0, source.width
    top, bottom = max(int(np.floor(top)) - 1, 0), min(int(np.ceil(bottom)) + 1, source.height)
    left, right = max(int(np.floor(left)) - 1, 0), min(int(np.ceil(right)) + 1, source.width)
    low = None
    # a raster may be as wide as it likes: a strip is as high as fits
    height = max(1, min(_STRIP_ROWS, _STRIP_PIXELS // max(right - left, 1)))
    for row in range(top, bottom, height):
        strip = Window(left, row, max(right - left, 0), min(height, bottom - row))
        values = source.read(1, window=strip)
        values = values[np.isfinite(values)]
        if values.size:
            low = float(values.min()) if low is None else min(low, float(values.min()))
    return low


def _name(source: Path | Sequence[Path]) -> str:
    return source.name if isinstance(source, Path) else ", ".join(p.name for p in source[:3])


def _elsewhere(source: Path | Sequence[Path]) -> InputError:
    return InputError(
        Problem(
            _name(source), "does not overlap the region; are its coordinates swapped, or is it another place?"
        )
    )

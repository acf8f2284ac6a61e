"""Rasters of other people onto the region's grid: heights in tiles, people, land cover."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import rasterio
from rasterio.warp import Resampling, reproject, transform_bounds
from scipy.ndimage import distance_transform_edt

from phusong.errors import InputError, Problem, refuse
from phusong.region.facts import table
from phusong.region.grid import Grid

__all__ = ["Heights", "read_elevation", "read_landcover", "read_people"]

Floats = npt.NDArray[np.float64]

_TILES = (".tif", ".tiff", ".hgt", ".vrt", ".dt0", ".dt1", ".dt2")
_LOWEST_M, _HIGHEST_M = -500.0, 9000.0


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


def read_elevation(source: Path, grid: Grid) -> Heights:
    """Return heights on the grid from a GeoTIFF, an SRTM .hgt, a virtual mosaic, or a folder of such tiles.

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
            tile = _warp(path, grid, Resampling.bilinear, must_overlap=False)
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


def read_people(path: Path, grid: Grid) -> Floats:
    """Return people per grid square of a GeoTIFF of people per pixel; the sum inside the grid is kept.

    Raises
    ------
    InputError
        If the file cannot be read, lies elsewhere or holds negative people.
    """
    people = _warp(path, grid, Resampling.sum)
    if people is None:
        raise _elsewhere(path)
    if (people < 0).any():
        raise InputError(
            Problem(
                path.name,
                "holds negative people; is its nodata value declared?",
                value=f"{np.nanmin(people):g}",
            )
        )
    return np.nan_to_num(people).astype(np.float64)


def read_landcover(source: Path, grid: Grid, legend: Path | None = None) -> npt.NDArray[np.uint8]:
    """Return the clutter class of each pixel from land cover in one GeoTIFF or a folder of tiles.

    Parameters
    ----------
    source : Path
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
            source.name, f"holds a code that the legend does not have ({sorted(to_class)})", value=int(code)
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
        names = pd.read_csv(path)
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


def _tiles(source: Path) -> Sequence[Path]:
    if source.is_dir():
        found = sorted(p for p in source.rglob("*") if p.suffix.lower() in _TILES)
        if not found:
            raise InputError(Problem(source.name, f"holds no tiles ({', '.join(_TILES)})"))
        return found
    if not source.is_file():
        raise InputError(Problem(source.name, "does not exist"))
    return [source]


def _warp(
    path: Path, grid: Grid, how: Resampling, *, must_overlap: bool = True
) -> npt.NDArray[np.float64] | None:
    """Return the raster on the grid, NaN where it says nothing; None where it lies elsewhere."""
    if not path.is_file():
        raise InputError(Problem(path.name, "does not exist"))
    out = np.full(grid.shape, np.nan)
    try:
        with rasterio.open(path) as source:
            if source.crs is None:
                raise InputError(
                    Problem(path.name, f"has no CRS; say which one it is in (the region uses {grid.crs})")
                )
            if not _overlaps(source, grid):
                if must_overlap:
                    raise _elsewhere(path)
                return None
            reproject(
                rasterio.band(source, 1),
                out,
                dst_transform=grid.transform,
                dst_crs=grid.crs,
                dst_nodata=np.nan,
                resampling=how,
            )
    except rasterio.errors.RasterioError as error:
        raise InputError(Problem(path.name, f"is no readable raster ({str(error)[:120]})")) from None
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


def _elsewhere(path: Path) -> InputError:
    return InputError(
        Problem(
            path.name, "does not overlap the region; are its coordinates swapped, or is it another place?"
        )
    )

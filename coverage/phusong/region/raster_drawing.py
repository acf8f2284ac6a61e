"""Rasters of other people drawn onto a grid: each file over its own part of the grid, strip by strip, by a crew."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.transform import Affine
from rasterio.warp import Resampling, reproject, transform, transform_bounds
from rasterio.windows import Window, from_bounds

from phusong.engine.crew import Crew
from phusong.errors import InputError, Problem, refuse
from phusong.region.grid import Grid
from phusong.region.raster_meaning import Meaning, Quantity, meaning_of
from phusong.region.raster_opening import RASTER_ERRORS, open_raster

__all__ = ["Drawn", "drawn"]

Floats = npt.NDArray[np.float64]

_PICTURE_BANDS = 3
_STRIP_ROWS = 512
_STRIP_PIXELS = 64_000_000
_DRAWN_PIXELS = 1_000_000  # of a strip that is drawn: a fifth of a second and more
_MARGIN_PX = 2  # bounds bend when they are transformed
_MESH = 33  # points along a side of the grid, to see which lie in a file


@dataclass(frozen=True)
class Drawn:
    """A part of a file, on the grid.

    Parameters
    ----------
    path : Path
        The file.
    at : tuple of slice
        Rows and columns of the grid.
    data : ndarray of float64, shape of `at`
        NaN where the file says nothing.
    told : str
        What was done to the file's numbers, for people.
    """

    path: Path
    at: tuple[slice, slice]
    data: Floats
    told: str = ""


@dataclass(frozen=True)
class _Asked:
    grid: Grid
    how: Resampling
    quantity: Quantity
    least: float | None
    band: int | None
    unit: str


@dataclass(frozen=True)
class _Part:
    path: Path
    at: tuple[slice, slice]
    meaning: Meaning


def drawn(
    paths: Sequence[Path],
    grid: Grid,
    how: Resampling,
    crew: Crew,
    *,
    quantity: Quantity,
    least: float | None = None,
    band: int | None = None,
    unit: str = "",
) -> Iterator[Drawn]:
    """Yield what files hold on a grid, in their order and from north to south; nothing of those that lie elsewhere.

    The strips are the same whoever draws them, and so are the values.

    Parameters
    ----------
    paths : sequence of Path
        Rasters, in any CRS.
    grid : Grid
        Where to.
    how : Resampling
        What becomes of several pixels in a square, or of several squares in a pixel.
    crew : Crew
        Who draws.
    quantity : {"height", "people", "class"}
        What the numbers are; scale, offset and unit of the file are applied.
    least : float, optional
        A value below it in a file that declares no nodata is taken for undeclared nodata.

    band : int, optional
        Of files that have several.
    unit : str
        Of the values, where the files' own tag is missing or wrong.

    Raises
    ------
    InputError
        Naming every file that cannot be read or used, before anything is yielded; or every one that is cut off, after the rest.
    """
    asked = _Asked(grid, how, quantity, least, band, unit)
    parts: list[_Part] = []
    problems: list[Problem] = []
    for found in crew.run(_looked_at, asked, paths, together=1):
        if isinstance(found, _Part):
            parts.append(found)
        else:
            problems += found
    refuse(problems)
    strips = [strip for part in parts for strip in _strips(part)]
    for strip, data in zip(strips, crew.run(_draw, asked, strips, together=1), strict=True):
        if isinstance(data, list):
            problems += data
        else:
            yield Drawn(strip.path, strip.at, data, strip.meaning.told)
    refuse(dict.fromkeys(problems))


def _looked_at(asked: _Asked, path: Path) -> _Part | list[Problem]:
    """Return the part of the grid that a file covers, or what is wrong with it; nothing wrong: it lies elsewhere."""
    if not path.is_file():
        return [Problem(path.name, "does not exist")]
    try:
        with open_raster(path) as source:
            if source.crs is None:
                told = f"has no CRS; say which one it is in (the region uses {asked.grid.crs})"
                return [Problem(path.name, told)]
            at = _covered(source, asked.grid)
            if at is None:
                return []
            meaning = meaning_of(source, path.name, asked.quantity, band=asked.band, unit=asked.unit)
            wrong = _unusable(source, asked, path.name, meaning)
            return wrong if wrong or isinstance(meaning, list) else _Part(path, at, meaning)
    except InputError as error:
        return list(error.problems)
    except RASTER_ERRORS as error:
        return [_broken(path, error)]


def _strips(part: _Part) -> Iterator[_Part]:
    rows, cols = part.at
    height = max(1, _DRAWN_PIXELS // (cols.stop - cols.start))
    for row in range(rows.start, rows.stop, height):
        yield _Part(part.path, (slice(row, min(row + height, rows.stop)), cols), part.meaning)


def _draw(asked: _Asked, part: _Part) -> Floats | list[Problem]:
    rows, cols = part.at
    out = np.full((rows.stop - rows.start, cols.stop - cols.start), np.nan)
    try:
        with open_raster(part.path) as source:
            reproject(
                rasterio.band(source, part.meaning.band),
                out,
                dst_transform=asked.grid.transform * Affine.translation(cols.start, rows.start),
                dst_crs=asked.grid.crs,
                dst_nodata=np.nan,
                resampling=asked.how,
                src_nodata=_nodata(source, part.meaning.band),
                src_alpha=part.meaning.alpha,
            )
    except InputError as error:
        return list(error.problems)
    except RASTER_ERRORS as error:
        return [_broken(part.path, error)]
    return np.asarray(part.meaning.applied(out), np.float64)


def _nodata(source: Any, band: int) -> float | None:  # noqa: ANN401 - rasterio carries no types
    """Return what stands for no data in a band; None where its type cannot hold the value that is declared."""
    value = source.nodatavals[band - 1]
    kind = np.dtype(source.dtypes[band - 1])
    if value is None or kind.kind not in "iu":
        return None if value is None else float(value)
    limits = np.iinfo(kind)
    return float(value) if limits.min <= value <= limits.max else None


def _broken(path: Path, error: Exception) -> Problem:
    told = f"is no readable raster, or is cut off ({' '.join(str(error).split())[:120]})"
    return Problem(path.name, told)


def _covered(source: Any, grid: Grid) -> tuple[slice, slice] | None:  # noqa: ANN401 - rasterio carries no types
    """Return rows and columns of the grid that a file may cover.

    Where its bounds lie in the grid's CRS says it of a small file; of one that reaches farther than that CRS does, the
    squares that lie in it do. All of the grid where neither can be told.
    """
    found = []
    try:
        left, bottom, right, top = transform_bounds(source.crs, grid.crs, *source.bounds, densify_pts=21)
        row, col = np.linspace(0, grid.height, _MESH), np.linspace(0, grid.width, _MESH)
        x, y = (
            np.reshape(v, (_MESH, _MESH))
            for v in transform(
                grid.crs, source.crs,
                np.tile(grid.west_m + col * grid.cell_m, _MESH),
                np.repeat(grid.north_m - row * grid.cell_m, _MESH),
            )
        )  # fmt: skip
    except rasterio.errors.RasterioError:
        return slice(0, grid.height), slice(0, grid.width)
    if np.isfinite([left, bottom, right, top]).all():
        found.append(
            (
                (grid.north_m - top) / grid.cell_m, (grid.north_m - bottom) / grid.cell_m,
                (left - grid.west_m) / grid.cell_m, (right - grid.west_m) / grid.cell_m,
            )
        )  # fmt: skip
    west, south, east, north = source.bounds
    inside = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    if inside.any():
        high, wide = row[1], col[1]
        rows, cols = row[inside.any(axis=1)], col[inside.any(axis=0)]
        found.append((rows[0] - high, rows[-1] + high, cols[0] - wide, cols[-1] + wide))
    spans = [
        (_within(first_row, last_row, grid.height), _within(first_col, last_col, grid.width))
        for first_row, last_row, first_col, last_col in found
        if first_row < grid.height and last_row > 0 and first_col < grid.width and last_col > 0
    ]
    if not spans:
        return None
    rows_of, cols_of = zip(*spans, strict=True)
    return _both(rows_of), _both(cols_of)


def _within(first: float, last: float, n: int) -> slice:
    return slice(
        max(int(np.floor(max(first, 0.0))) - _MARGIN_PX, 0), min(int(np.ceil(min(last, n))) + _MARGIN_PX, n)
    )


def _both(spans: Sequence[slice]) -> slice:
    return slice(min(s.start for s in spans), max(s.stop for s in spans))


def _unusable(
    source: Any,  # noqa: ANN401 - rasterio carries no types
    asked: _Asked,
    where: str,
    meaning: Meaning | list[Problem],
) -> list[Problem]:
    """Return why a raster cannot be used as it is: a picture, rotated, or its missing pixels look like values."""
    if source.transform.b or source.transform.d:
        return [Problem(where, "is rotated; warp it so that north is up, e.g. with gdalwarp FILE NEW")]
    if asked.band is None and source.count >= _PICTURE_BANDS and source.dtypes[0] == "uint8":
        return [Problem(where, f"is a picture of {source.count} bands; give the raster of values itself")]
    if isinstance(meaning, list):
        return meaning
    if asked.how is Resampling.sum and meaning.offset:
        told = "states an offset, with which sums over pixels cannot be made; write plain numbers, e.g. with gdal_translate -unscale"
        return [Problem(where, told, value=f"{meaning.offset:g}")]
    return _undeclared(source, asked, where, meaning)


def _undeclared(source: Any, asked: _Asked, where: str, meaning: Meaning) -> list[Problem]:  # noqa: ANN401
    """Return that a value below every sensible one stands in a file that declares no nodata, if it does."""
    kind = np.dtype(source.dtypes[meaning.band - 1]).kind
    if asked.least is None or _nodata(source, meaning.band) is not None or kind == "u":
        return []
    low = _lowest(source, asked.grid, meaning.band)
    if low is None or low * meaning.scale + meaning.offset >= asked.least:
        return []
    told = f"stands in it as a value, and it declares no nodata; declare it, e.g. with gdal_edit.py -a_nodata {low:g} FILE"
    return [Problem(where, told, value=f"{low:g}")]


def _lowest(source: Any, grid: Grid, band: int) -> float | None:  # noqa: ANN401
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
        values = source.read(band, window=strip)
        values = values[np.isfinite(values)]
        if values.size:
            low = float(values.min()) if low is None else min(low, float(values.min()))
    return low

"""Rasters warped onto the grid."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import rasterio
from rasterio.transform import Affine
from rasterio.warp import Resampling, reproject, transform, transform_bounds
from rasterio.windows import Window, from_bounds
from scipy.ndimage import distance_transform_edt

from phusong.compute.array_types import Floats
from phusong.compute.executor import Executor, Threads
from phusong.errors import InputError, Problem, in_digits, refuse
from phusong.io.limits import MOST_LIST_BYTES, read_bytes
from phusong.io.raster import RASTER_ERRORS, open_raster
from phusong.io.resources import table
from phusong.region import Grid
from phusong.region.read.raster_meaning import UNITS, Quantity, RasterMeaning, meaning_of, unit_factor
from phusong.region.terrain_check import HIGHEST_M, LOWEST_M

__all__ = [
    "Drawn",
    "Heights",
    "Landcover",
    "PeopleRaster",
    "RasterLimits",
    "people_of_squares",
    "read_elevation",
    "read_landcover",
    "read_people",
    "warped",
]


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
    meaning: RasterMeaning


def warped(
    paths: Sequence[Path],
    grid: Grid,
    how: Resampling,
    executor: Executor,
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
    executor : Executor
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
    for found in executor.run(_looked_at, asked, paths, together=1):
        if isinstance(found, _Part):
            parts.append(found)
        else:
            problems += found
    refuse(problems)
    strips = [strip for part in parts for strip in _strips(part)]
    for strip, data in zip(strips, executor.run(_draw, asked, strips, together=1), strict=True):
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
    meaning: RasterMeaning | list[Problem],
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


def _undeclared(source: Any, asked: _Asked, where: str, meaning: RasterMeaning) -> list[Problem]:  # noqa: ANN401
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


_TILES = (".tif", ".tiff", ".hgt", ".vrt", ".dt0", ".dt1", ".dt2")
_FEW_PIXELS = 16
_FLAT_M = 20.0  # a delta may be one height in whole metres, hills never are
_HILLS_M = 50.0
_LEAST_HILLS = 0.1
_FACTORS = (
    ("metres", 1.0), ("decimetres", 10.0), ("feet", 1.0 / 0.3048), ("centimetres", 100.0), ("millimetres", 1000.0),
    ("kilometres", 0.001), ("metres divided by ten", 0.1), ("metres taken for feet", 0.3048),
)  # fmt: skip
_NEAR_FACTOR = (
    0.4  # of a natural logarithm: two models of one region differ by less, feet from metres by three times it
)
_HOLE_M = 2000.0  # half the width of a hole that is land without people
_ALONE = Threads(1)


@dataclass(frozen=True)
class RasterLimits:
    """How far a raster of other people may fall short, and what the user says of its numbers.

    Parameters
    ----------
    least_covered : float
        Share of the region that it must cover, of the people for a raster of people; the rest keeps the former layer.
    fill_m : float
        How far a void of heights is filled from the nearest known height; farther off the former layer stays. [m]
    most_scaled : float
        By how much people may have to be multiplied, or divided, to become the region's.
    band : int, optional
        Of a raster of several.
    unit : str
        Of its values, where its own tag is missing or wrong.
    """

    least_covered: float = 0.5
    fill_m: float = 2000.0
    most_scaled: float = 2.0
    band: int | None = None
    unit: str = ""

    def problems(self) -> list[Problem]:
        """Return what is wrong with them, as options of the command line."""
        found = []
        for option, value, least, most in (
            ("--least-covered", self.least_covered, 0.0, 1.0),
            ("--fill-m", self.fill_m, 0.0, 100_000.0),
            ("--most-scaled", self.most_scaled, 1.0, 1e9),
        ):
            if not least <= value <= most:  # also what is no number
                told = f"is not from {least:g} to {most:g}"
                found.append(Problem("limits", told, column=option, value=f"{value:g}"))
        if self.band is not None and self.band < 1:
            found.append(Problem("limits", "is no band: they count from 1", column="--band", value=self.band))
        if unit_factor(self.unit, "height") is None and unit_factor(self.unit, "people") is None:
            known = ", ".join(dict.fromkeys([*UNITS["height"], *UNITS["people"]]))
            told = f"is no unit that is read ({known})"
            found.append(Problem("limits", told, column="--unit", value=self.unit))
        return found


_USUAL = RasterLimits()


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
    kept_share : float
        Share of the grid that kept its former heights, farther off than is filled.
    told : str
        What was done to the numbers: scale, unit.
    """

    elevation: npt.NDArray[np.float32]
    tiles: int
    void_share: float
    void_far_m: float
    kept_share: float = 0.0
    told: str = ""

    @property
    def known_share(self) -> float:
        """Share of the grid whose heights the files hold."""
        return 1.0 - self.void_share - self.kept_share

    def report(self) -> str:
        """Return what was read and filled, for people."""
        files = f"{self.tiles} file{'s' if self.tiles != 1 else ''}"
        parts = [self.told] if self.told else []
        if self.void_share:
            parts.append(f"{self.void_share:.2%} void, filled from up to {self.void_far_m:.0f} m away")
        if self.kept_share:
            parts.append(f"{self.kept_share:.2%} not covered: it keeps the heights of before")
        return "; ".join([files, *parts]) if parts else f"{files}, no voids"


def read_elevation(
    source: Path | Sequence[Path],
    grid: Grid,
    *,
    former: npt.ArrayLike | None = None,
    limits: RasterLimits = _USUAL,
    executor: Executor = _ALONE,
) -> Heights:
    """Return heights on the grid from GeoTIFFs, SRTM .hgt files, a virtual mosaic, or a folder of such tiles.

    Copernicus GLO-30 and SRTM come as tiles of a degree: give the folder. Scale, offset and unit that a file states
    are applied. Voids, and heights no place on Earth has, are filled from the nearest known height up to
    `limits.fill_m` away and reported; farther off the former heights stay.

    Parameters
    ----------
    source : Path or sequence of Path
        Files, or folders of them.
    grid : Grid
        Where to.
    former : array_like, on the grid, optional
        Heights of before: what the files do not cover keeps them, and files in another unit are told by them. Without
        them a grid that is not covered is refused. [m]
    limits : RasterLimits
        How much may be missing.
    executor : Executor
        Who draws the tiles.

    Raises
    ------
    InputError
        Naming every file that cannot be read, or if none overlaps the grid, too little of it is covered, or the
        heights are all alike or look like another unit.
    """
    out = np.full(grid.shape, np.nan)
    used, told = set(), dict[str, None]()
    overlapping = False
    for part in warped(
        _tiles(source), grid, Resampling.bilinear, executor, quantity="height", least=LOWEST_M, band=limits.band,
        unit=limits.unit,
    ):  # fmt: skip
        overlapping = True
        height, here = part.data, out[part.at]
        height[(height < LOWEST_M) | (height > HIGHEST_M)] = np.nan
        fresh = np.isnan(here) & np.isfinite(height)
        here[fresh] = height[fresh]
        if np.isfinite(height).any():
            used.add(part.path)
            if part.told:
                told[part.told] = None
    missing = ~np.isfinite(out)
    if missing.all() and overlapping:
        told_void = (
            "has no height in the region: every pixel there is without a value, or is no height on Earth"
        )
        raise InputError(
            Problem(_name(source), f"{told_void}. Is it an empty download, or its nodata a wrong one?")
        )
    if missing.all():
        raise _elsewhere(source)
    before = None if former is None else np.asarray(former, np.float64)
    refuse(_no_heights(out, before, _name(source), unit_said=bool(limits.unit)))
    far = 0.0
    kept = np.zeros(grid.shape, bool)
    if missing.any():
        distance, near = distance_transform_edt(missing, return_indices=True)
        kept = distance * grid.cell_m > limits.fill_m
        refuse(_too_little(1.0 - float(kept.mean()), float(kept.max()), before, _name(source), limits))
        out = out[tuple(near)]
        if before is not None:
            out[kept] = before[kept]
        far = float(distance[~kept].max()) * grid.cell_m
    void = float(missing.mean() - kept.mean())
    return Heights(out.astype(np.float32), len(used), void, far, float(kept.mean()), "; ".join(told))


def _too_little(
    covered: float, any_left: float, before: Floats | None, where: str, limits: RasterLimits
) -> list[Problem]:
    """Return why heights that cover this share of a grid are refused, if they are."""
    if any_left and before is None:
        told = f"covers {covered:.1%} of the grid, and there are no other heights for the rest: add the tiles that are missing"
        return [Problem(where, told)]
    if covered < limits.least_covered:
        told = (
            f"covers {covered:.1%} of the region, voids up to {limits.fill_m:,.0f} m filled, and at least "
            f"{limits.least_covered:.0%} are needed: add the tiles that are missing, or let the rest keep the former "
            f"heights with --least-covered {_below(covered)}"
        )
        return [Problem(where, told)]
    return []


def _no_heights(found: Floats, before: Floats | None, where: str, *, unit_said: bool) -> list[Problem]:
    """Return why numbers are no heights in metres: all alike, or by a factor of units off the former ones."""
    known = np.isfinite(found)
    here = found[known]
    if here.size < _FEW_PIXELS:
        return []
    flat = float(here.max() - here.min()) == 0.0
    if flat and (before is None or float(np.ptp(before[known])) > _FLAT_M):
        hilly = (
            "" if before is None else f"; by the former layer they differ by {np.ptp(before[known]):,.0f} m"
        )
        told = f"is the height of every pixel{hilly}: is it a mask, or an empty download?"
        return [Problem(where, told, value=f"{here[0]:g}")]
    if unit_said or before is None:
        return []
    mine = known & (before > _HILLS_M)
    if mine.mean() < _LEAST_HILLS or float(np.ptp(before[mine])) < _HILLS_M:
        return []  # on flat ground a unit cannot be told from the weather of two models
    ratio = float(np.median(found[mine]) / np.median(before[mine]))
    name, factor = min(_FACTORS, key=lambda f: abs(np.log(max(ratio, 1e-9) / f[1])))
    if factor == 1.0 or abs(np.log(max(ratio, 1e-9) / factor)) > _NEAR_FACTOR:
        return []
    told = (
        f"times the former heights are its median ones: they look like {name}. Say the unit with `phusong region import --unit` (--unit m where "
        "they are metres and the former layer is wrong)"
    )
    return [Problem(where, told, value=in_digits(ratio, 3))]


def _below(share: float) -> str:
    return f"{np.floor(share * 100.0) / 100.0:g}"


@dataclass(frozen=True)
class PeopleRaster:
    """People per square, and where their raster says anything.

    Parameters
    ----------
    people : ndarray of float64, on the grid
        Nobody where it says nothing.
    covered : ndarray of bool, on the grid
        Where the files have pixels; a hole that is less than four kilometres wide counts as land without people, as
        maps of settled pixels alone have it.
    told : str
        What was done to the numbers: scale, unit.
    """

    people: Floats
    covered: npt.NDArray[np.bool_]
    told: str = ""


def read_people(
    source: Path | Sequence[Path], grid: Grid, *, limits: RasterLimits = _USUAL, executor: Executor = _ALONE
) -> PeopleRaster:
    """Return people per grid square of GeoTIFFs of people per pixel, in any CRS; the sum inside the grid is kept.

    Several files are tiles of one map: they are added up. The executor draws the tiles.

    Raises
    ------
    InputError
        Naming every file that cannot be read or holds negative people, or if all lie elsewhere.
    """
    total = np.zeros(grid.shape)
    there = np.zeros(grid.shape, bool)
    lowest: dict[str, float] = {}
    told = dict[str, None]()
    for part in warped(
        _tiles(source), grid, Resampling.sum, executor, quantity="people", least=0.0, band=limits.band, unit=limits.unit
    ):  # fmt: skip
        known = np.isfinite(part.data)
        there[part.at] |= known
        low = float(part.data[known].min(initial=0.0))
        if low < 0:
            lowest[part.path.name] = min(low, lowest.get(part.path.name, 0.0))
        total[part.at] += np.where(known, part.data, 0.0)
        if part.told:
            told[part.told] = None
    negative = "holds negative people; is its nodata value declared?"
    refuse(Problem(name, negative, value=f"{low:g}") for name, low in lowest.items())
    if not there.any():
        raise _elsewhere(source)
    return PeopleRaster(total, _without_holes(there, grid.cell_m), "; ".join(told))


def people_of_squares(people: Floats, grid: Grid) -> PeopleRaster:
    """Return people counted by areas, which cover what lies between those with people."""
    return PeopleRaster(people, _without_holes(people > 0, grid.cell_m) if people.any() else people > 0)


def _without_holes(there: npt.NDArray[np.bool_], cell_m: float) -> npt.NDArray[np.bool_]:
    """Return where something is known, with narrow holes closed; its outer border stays where it is."""
    if there.all():
        return there
    reach = _HOLE_M / cell_m
    wide = distance_transform_edt(~there) <= reach
    return there | (wide if wide.all() else distance_transform_edt(wide) > reach)


@dataclass(frozen=True)
class Landcover:
    """Clutter classes on a grid, and the share of it that the files cover; the rest is as before."""

    clutter: npt.NDArray[np.uint8]
    covered: float


def read_landcover(
    source: Path | Sequence[Path],
    grid: Grid,
    legend: Path | None = None,
    *,
    former: npt.NDArray[np.uint8] | None = None,
    limits: RasterLimits = _USUAL,
    executor: Executor = _ALONE,
) -> Landcover:
    """Return the clutter class of each pixel from land cover in one GeoTIFF or a folder of tiles.

    Parameters
    ----------
    source : Path or sequence of Path
        Class codes; ESA WorldCover's unless a legend says otherwise.
    grid : Grid
        Where to.
    legend : Path, optional
        CSV with columns ``code, class``: clutter class (geodata/clutter.csv) of each code in the raster.
    former : ndarray of uint8, on the grid, optional
        Classes of before, which stay where the files say nothing; open ground where left out.
    limits : RasterLimits
        How much may be missing.
    executor : Executor
        Who draws the tiles.

    Raises
    ------
    InputError
        Naming every code that the legend does not know, or if too little of the grid is covered.
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
    for part in warped(_tiles(source), grid, Resampling.mode, executor, quantity="class", band=limits.band):
        here = codes[part.at]
        codes[part.at] = np.where(np.isnan(here), part.data, here)
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
    covered = float(np.isfinite(codes).mean())
    if covered < limits.least_covered:
        told = (
            f"covers {covered:.1%} of the region, and at least {limits.least_covered:.0%} are needed: add the tiles that "
            f"are missing, or let the rest keep the former classes with --least-covered {_below(covered)}"
        )
        raise InputError(Problem(_name(source), told))
    out = np.zeros(grid.shape, np.uint8) if former is None else former.copy()
    for code in found:
        out[codes == code] = to_class[int(code)]
    return Landcover(out, covered)


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


def _name(source: Path | Sequence[Path]) -> str:
    return source.name if isinstance(source, Path) else ", ".join(p.name for p in source[:3])


def _elsewhere(source: Path | Sequence[Path]) -> InputError:
    return InputError(
        Problem(
            _name(source), "does not overlap the region; are its coordinates swapped, or is it another place?"
        )
    )

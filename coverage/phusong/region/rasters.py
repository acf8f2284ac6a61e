"""Rasters of other people onto the region's grid: heights in tiles, people, land cover."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from rasterio.warp import Resampling
from scipy.ndimage import distance_transform_edt

from phusong.bounded import MOST_LIST_BYTES, read_bytes
from phusong.engine.crew import Crew, Threads
from phusong.errors import InputError, Problem, refuse
from phusong.region.facts import table
from phusong.region.grid import Grid
from phusong.region.ground_check import HIGHEST_M, LOWEST_M
from phusong.region.raster_drawing import drawn
from phusong.region.raster_meaning import UNITS, unit_factor

__all__ = [
    "Heights",
    "Landcover",
    "Limits",
    "People",
    "people_of_squares",
    "read_elevation",
    "read_landcover",
    "read_people",
]

Floats = npt.NDArray[np.float64]

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
class Limits:
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


_USUAL = Limits()


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
    limits: Limits = _USUAL,
    crew: Crew = _ALONE,
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
    limits : Limits
        How much may be missing.
    crew : Crew
        Who draws the tiles.

    Raises
    ------
    InputError
        Naming every file that cannot be read, or if none overlaps the grid, too little of it is covered, or the
        heights are all alike or look like another unit.
    """
    out = np.full(grid.shape, np.nan)
    used, told = set(), dict[str, None]()
    for part in drawn(
        _tiles(source), grid, Resampling.bilinear, crew, quantity="height", least=LOWEST_M, band=limits.band,
        unit=limits.unit,
    ):  # fmt: skip
        height, here = part.data, out[part.at]
        height[(height < LOWEST_M) | (height > HIGHEST_M)] = np.nan
        fresh = np.isnan(here) & np.isfinite(height)
        here[fresh] = height[fresh]
        if np.isfinite(height).any():
            used.add(part.path)
            if part.told:
                told[part.told] = None
    missing = ~np.isfinite(out)
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
    covered: float, any_left: float, before: Floats | None, where: str, limits: Limits
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
    return [Problem(where, told, value=f"{ratio:.3g}")]


def _below(share: float) -> str:
    return f"{np.floor(share * 100.0) / 100.0:g}"


@dataclass(frozen=True)
class People:
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
    source: Path | Sequence[Path], grid: Grid, *, limits: Limits = _USUAL, crew: Crew = _ALONE
) -> People:
    """Return people per grid square of GeoTIFFs of people per pixel, in any CRS; the sum inside the grid is kept.

    Several files are tiles of one map: they are added up. The crew draws the tiles.

    Raises
    ------
    InputError
        Naming every file that cannot be read or holds negative people, or if all lie elsewhere.
    """
    total = np.zeros(grid.shape)
    there = np.zeros(grid.shape, bool)
    lowest: dict[str, float] = {}
    told = dict[str, None]()
    for part in drawn(
        _tiles(source), grid, Resampling.sum, crew, quantity="people", least=0.0, band=limits.band, unit=limits.unit
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
    return People(total, _without_holes(there, grid.cell_m), "; ".join(told))


def people_of_squares(people: Floats, grid: Grid) -> People:
    """Return people counted by areas, which cover what lies between those with people."""
    return People(people, _without_holes(people > 0, grid.cell_m) if people.any() else people > 0)


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
    limits: Limits = _USUAL,
    crew: Crew = _ALONE,
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
    limits : Limits
        How much may be missing.
    crew : Crew
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
    for part in drawn(_tiles(source), grid, Resampling.mode, crew, quantity="class", band=limits.band):
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

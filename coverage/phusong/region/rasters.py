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

__all__ = ["Heights", "read_elevation", "read_landcover", "read_people"]

Floats = npt.NDArray[np.float64]

_TILES = (".tif", ".tiff", ".hgt", ".vrt", ".dt0", ".dt1", ".dt2")
_ALONE = Threads(1)


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


def read_elevation(source: Path | Sequence[Path], grid: Grid, *, crew: Crew = _ALONE) -> Heights:
    """Return heights on the grid from GeoTIFFs, SRTM .hgt files, a virtual mosaic, or a folder of such tiles.

    Copernicus GLO-30 and SRTM come as tiles of a degree: give the folder. Voids, and heights no place on Earth has,
    are filled from the nearest known height and reported. The crew draws the tiles.

    Raises
    ------
    InputError
        Naming every file that cannot be read, or if none overlaps the grid.
    """
    out = np.full(grid.shape, np.nan)
    used = set()
    for part in drawn(_tiles(source), grid, Resampling.bilinear, crew, least=LOWEST_M):
        height, here = part.data, out[part.at]
        height[(height < LOWEST_M) | (height > HIGHEST_M)] = np.nan
        fresh = np.isnan(here) & np.isfinite(height)
        here[fresh] = height[fresh]
        if np.isfinite(height).any():
            used.add(part.path)
    missing = ~np.isfinite(out)
    if missing.all():
        raise _elsewhere(source)
    far = 0.0
    if missing.any():
        distance, near = distance_transform_edt(missing, return_indices=True)
        out = out[tuple(near)]
        far = float(distance.max()) * grid.cell_m
    return Heights(out.astype(np.float32), len(used), float(missing.mean()), far)


def read_people(source: Path | Sequence[Path], grid: Grid, *, crew: Crew = _ALONE) -> Floats:
    """Return people per grid square of GeoTIFFs of people per pixel, in any CRS; the sum inside the grid is kept.

    Several files are tiles of one map: they are added up. The crew draws the tiles.

    Raises
    ------
    InputError
        Naming every file that cannot be read or holds negative people, or if all lie elsewhere.
    """
    total = np.zeros(grid.shape)
    used = False
    lowest: dict[str, float] = {}
    for part in drawn(_tiles(source), grid, Resampling.sum, crew, least=0.0):
        known = np.isfinite(part.data)
        used |= bool(known.any())
        low = float(part.data[known].min(initial=0.0))
        if low < 0:
            lowest[part.path.name] = min(low, lowest.get(part.path.name, 0.0))
        total[part.at] += np.where(known, part.data, 0.0)
    told = "holds negative people; is its nodata value declared?"
    refuse(Problem(name, told, value=f"{low:g}") for name, low in lowest.items())
    if not used:
        raise _elsewhere(source)
    return total


def read_landcover(
    source: Path | Sequence[Path], grid: Grid, legend: Path | None = None, *, crew: Crew = _ALONE
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
    crew : Crew
        Who draws the tiles.

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
    for part in drawn(_tiles(source), grid, Resampling.mode, crew):
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


def _name(source: Path | Sequence[Path]) -> str:
    return source.name if isinstance(source, Path) else ", ".join(p.name for p in source[:3])


def _elsewhere(source: Path | Sequence[Path]) -> InputError:
    return InputError(
        Problem(
            _name(source), "does not overlap the region; are its coordinates swapped, or is it another place?"
        )
    )

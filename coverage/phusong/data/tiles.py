"""Which tiles of a tiled source cover a bounding box."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from rasterio.warp import transform_bounds

from phusong.errors import InputError, Problem
from phusong.region.raster_opening import RASTER_ERRORS, open_raster

__all__ = ["SCHEMES", "Bounds", "Tile", "parse_bounds", "region_bounds", "tiles_of"]

MOST_TILES = 400
"""More than all of Viet Nam in tiles of one degree; a box beyond that is a slip."""

_GHSL_WEST_DEG, _GHSL_NORTH_DEG = -180.0079, 89.0996  # corner of the 3 arc-second product, R2023A


@dataclass(frozen=True)
class Bounds:
    """A box in degrees (WGS 84).

    Parameters
    ----------
    west_deg, south_deg, east_deg, north_deg : float
        Its sides; west lies below east, south below north.

    Raises
    ------
    InputError
        If the sides are no box on the globe.
    """

    west_deg: float
    south_deg: float
    east_deg: float
    north_deg: float

    def __post_init__(self) -> None:
        sides = (self.west_deg, self.south_deg, self.east_deg, self.north_deg)
        if not (
            all(math.isfinite(s) for s in sides)
            and -180 <= self.west_deg < self.east_deg <= 180
            and -90 <= self.south_deg < self.north_deg <= 90
        ):
            raise InputError(
                Problem(
                    "bbox",
                    "is no box W,S,E,N in degrees with W < E and S < N, e.g. 104.5,21.5,106,23.5",
                    value=",".join(f"{s:g}" for s in sides),
                )
            )


@dataclass(frozen=True)
class Tile:
    """What is filled into a source's address: ``{tile}`` and, where folders go by latitude, ``{band}``."""

    tile: str
    band: str = ""


def parse_bounds(text: str) -> Bounds:
    """Return the box written as ``W,S,E,N``.

    Raises
    ------
    InputError
        If it is no such box.

    Examples
    --------
    >>> parse_bounds("104.5, 21.5, 106, 23.5").north_deg
    23.5
    """
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            Problem("bbox", "must be four numbers W,S,E,N in degrees, e.g. 104.5,21.5,106,23.5", value=text)
        ) from None
    return Bounds(west, south, east, north)


def region_bounds(folder: Path) -> Bounds:
    """Return the box around a region folder, read from its heights.

    Raises
    ------
    InputError
        If the folder holds no elevation.tif with a CRS.
    """
    path = folder / "elevation.tif"
    if not path.is_file():
        raise InputError(Problem(str(path), "is missing; give a region folder, or --bbox W,S,E,N"))
    try:
        with open_raster(path) as raster:
            if raster.crs is None:
                raise InputError(Problem(str(path), "has no CRS; give --bbox W,S,E,N instead"))
            return Bounds(*transform_bounds(raster.crs, "EPSG:4326", *raster.bounds))
    except RASTER_ERRORS as error:
        raise InputError(
            Problem(str(path), f"cannot be read ({error}); give a region folder, or --bbox W,S,E,N")
        ) from None


def tiles_of(scheme: str, bounds: Bounds) -> tuple[Tile, ...]:
    """Return the tiles that overlap a box, from south-west to north-east.

    Parameters
    ----------
    scheme : str
        One of :data:`SCHEMES`.
    bounds : Bounds
        The box.

    Raises
    ------
    InputError
        If the box asks for more than 400 tiles, which no region needs.

    Examples
    --------
    >>> [t.tile for t in tiles_of("worldcover_3deg", Bounds(104.5, 21.5, 106.0, 23.5))]
    ['N21E102', 'N21E105']
    """
    name, step_deg, west_deg, south_deg = SCHEMES[scheme]
    columns = _covering(bounds.west_deg - west_deg, bounds.east_deg - west_deg, step_deg)
    rows = _covering(bounds.south_deg - south_deg, bounds.north_deg - south_deg, step_deg)
    if len(columns) * len(rows) > MOST_TILES:
        raise InputError(
            Problem(
                "bbox",
                f"asks for {len(columns) * len(rows):,} tiles, more than {MOST_TILES}; give a smaller box",
            )
        )
    return tuple(_named(name, rows, columns, step_deg, west_deg, south_deg))


def _named(
    name: "Callable[[float, float], Tile]",
    rows: range,
    columns: range,
    step_deg: float,
    west_deg: float,
    south_deg: float,
) -> Iterator[Tile]:
    for row in rows:
        for column in columns:
            yield name(south_deg + row * step_deg, west_deg + column * step_deg)


def _covering(least: float, most: float, step: float) -> range:
    """Return the indices of the steps that overlap an interval; one that only touches is left out."""
    return range(math.floor(least / step), math.ceil(most / step))


def _corner(south_deg: float, west_deg: float) -> tuple[str, str]:
    south, west = round(south_deg), round(west_deg)
    return f"{'N' if south >= 0 else 'S'}{abs(south):02d}", f"{'E' if west >= 0 else 'W'}{abs(west):03d}"


def _hgt(south_deg: float, west_deg: float) -> Tile:
    latitude, longitude = _corner(south_deg, west_deg)
    return Tile(latitude + longitude, band=latitude)


def _copernicus(south_deg: float, west_deg: float) -> Tile:
    latitude, longitude = _corner(south_deg, west_deg)
    return Tile(f"{latitude}_00_{longitude}_00")


def _srtm(south_deg: float, west_deg: float) -> Tile:
    return Tile(f"{round((west_deg + 180) / 5) + 1:02d}_{round((60 - south_deg) / 5):02d}")


def _ghsl(south_deg: float, west_deg: float) -> Tile:
    row = round((_GHSL_NORTH_DEG - south_deg) / 10)
    return Tile(f"R{row}_C{round((west_deg - _GHSL_WEST_DEG) / 10) + 1}")


SCHEMES: Mapping[str, tuple[Callable[[float, float], Tile], float, float, float]] = MappingProxyType(
    {
        "copernicus_1deg": (_copernicus, 1.0, -180.0, -90.0),
        "hgt_1deg": (_hgt, 1.0, -180.0, -90.0),
        "worldcover_3deg": (_hgt, 3.0, -180.0, -90.0),
        "srtm_5deg": (_srtm, 5.0, -180.0, -90.0),
        "ghsl_10deg": (_ghsl, 10.0, _GHSL_WEST_DEG, _GHSL_NORTH_DEG - 190.0),
    }
)
"""Name of a tile from its south-west corner, its side, and the corner the grid counts from. [degrees]"""

"""Elevation, land cover, population."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS, Transformer

from phusong.compute.array_types import Floats
from phusong.errors import InputError, Notice, Problem, refuse, unused_notices
from phusong.io.archive import unpacked_files
from phusong.region import Grid
from phusong.region.folder import Region, Source
from phusong.region.importers.base import Imported, Options, names_of
from phusong.region.read.encoding import fold
from phusong.region.read.geometry import read_part
from phusong.region.read.raster import (
    PeopleRaster,
    people_of_squares,
    read_elevation,
    read_landcover,
    read_people,
)
from phusong.region.relink import blocks_of, finer_people

__all__ = [
    "import_elevation",
    "import_ghs_pop",
    "import_kontur",
    "import_worldcover",
    "import_worldpop",
    "people_of_shapes",
]

_GROUND_RASTERS = (".tif", ".tiff", ".hgt", ".vrt", ".dt0", ".dt1", ".dt2")


def import_elevation(region: Region, files: Sequence[Path], options: Options) -> Imported:
    """Return layer `elevation` of GeoTIFF or .hgt tiles, alone, in folders or packed; errors of `read_elevation`."""
    with unpacked_files(files, _GROUND_RASTERS) as tiles:
        heights = read_elevation(
            tiles, region.grid, former=region.elevation, limits=options.limits, executor=options.executor
        )
    where = names_of(files)
    notes = f"given by the user: {heights.report()}"
    source = Source(
        "elevation", "measured", options.source or where, options.licence, options.as_of, notes, heights.known_share
    )  # fmt: skip
    told = heights.known_share < 1.0 or heights.told
    notices = [Notice(where, heights.report(), "elevation")] if told else []
    return Imported({"elevation": heights.elevation}, (source,), tuple(notices))


def import_worldcover(region: Region, files: Sequence[Path], options: Options) -> Imported:
    """Return layer `clutter` of ESA WorldCover tiles; errors of `read_landcover`."""
    with unpacked_files(files, (".tif", ".tiff", ".vrt")) as tiles:
        found = read_landcover(
            tiles, region.grid, former=region.clutter, limits=options.limits, executor=options.executor
        )
    notes = "classes by geodata/worldcover.csv, the commonest in each square"
    notices = []
    if found.covered < 1.0:
        told = f"covers {found.covered:.2%} of the region; the rest keeps the classes of before"
        notices.append(Notice(names_of(files), told, "clutter"))
        notes += f"; {told}"
    source = Source(
        "clutter", "measured", options.source or f"ESA WorldCover ({names_of(files)})", options.licence or "CC BY 4.0",
        options.as_of, notes, found.covered,
    )  # fmt: skip
    return Imported({"clutter": found.clutter}, (source,), tuple(notices))


_PEOPLE_RASTERS = (".tif", ".tiff", ".vrt")
_PEOPLE = ("population", "pop", "people", "dan_so")
_NUMBERS = ("h3", "fid", "id")
_CHUNK = 20_000  # shapes cut at once
_SHOWN = 20


def import_worldpop(region: Region, files: Sequence[Path], options: Options) -> Imported:
    """Return the people per pixel of WorldPop GeoTIFFs; errors of `read_people`."""
    return _of_rasters(region, files, options, "WorldPop", "CC BY 4.0")


def import_ghs_pop(region: Region, files: Sequence[Path], options: Options) -> Imported:
    """Return the people per pixel of GHS-POP tiles, in degrees or Mollweide; errors of `read_people`."""
    return _of_rasters(region, files, options, "GHS-POP, Joint Research Centre", "CC BY 4.0")


def import_kontur(region: Region, files: Sequence[Path], options: Options) -> Imported:
    """Return the people per pixel of Kontur's hexagons: each shared out over the squares it covers, by area.

    Raises
    ------
    InputError
        Naming everything wrong: no people column, negative people, no CRS, shapes that are no areas.
    """
    people = np.zeros(region.grid.shape)
    told: list[Notice] = []
    with unpacked_files(files, (".gpkg", ".geojson", ".shp")) as found:
        for path in found:
            there, unused = _of_hexagons(path, region.grid, options.crs)
            people += there
            told += unused
    whole = _imported(
        people_of_squares(people, region.grid), files, options, "Kontur Population", "CC BY 4.0"
    )
    return replace(whole, notices=(*told, *whole.notices))


def people_of_shapes(shapes: Any, people: npt.ArrayLike, grid: Grid) -> Floats:  # noqa: ANN401
    """Return people per grid square of areas in the grid's CRS; what lies inside the grid is kept.

    Parameters
    ----------
    shapes : ndarray of polygons, shape (n,)
        Areas. [m]
    people : array_like of float, shape (n,)
        People in each.
    grid : Grid
        Where to.
    """
    given = np.asarray(people, np.float64)
    out = np.zeros(grid.size)
    for start in range(0, len(shapes), _CHUNK):
        part, many = shapes[start : start + _CHUNK], given[start : start + _CHUNK]
        west, south, east, north = shapely.bounds(part).T
        top, left = grid.rowcol(west, north)
        bottom, right = grid.rowcol(east, south)
        # an area as large as the world is looked at inside the grid only
        top, left = np.maximum(top, 0), np.maximum(left, 0)
        bottom, right = np.minimum(bottom, grid.height - 1), np.minimum(right, grid.width - 1)
        high, wide = np.maximum(bottom - top + 1, 0), np.maximum(right - left + 1, 0)
        shape = np.repeat(np.arange(len(part)), high * wide)
        within = np.arange(shape.size) - np.repeat(np.cumsum(high * wide) - high * wide, high * wide)
        row, col = top[shape] + within // wide[shape], left[shape] + within % wide[shape]
        inside = grid.inside(row, col)
        shape, row, col = shape[inside], row[inside], col[inside]
        x, y = grid.west_m + col * grid.cell_m, grid.north_m - row * grid.cell_m
        squares = shapely.box(x, y - grid.cell_m, x + grid.cell_m, y)
        shared = shapely.area(shapely.intersection(part[shape], squares))
        area = shapely.area(part)
        out += np.bincount(row * grid.width + col, shared / area[shape] * many[shape], grid.size)
    return out.reshape(grid.shape)


def _of_rasters(region: Region, files: Sequence[Path], options: Options, name: str, licence: str) -> Imported:
    with unpacked_files(files, _PEOPLE_RASTERS) as tiles:
        found = read_people(tiles, region.grid, limits=options.limits, executor=options.executor)
        block_px = blocks_of(tiles, region.grid)
    known = np.zeros(region.grid.shape)
    known[region.demand["row"], region.demand["col"]] = region.demand["population"]
    people = replace(found, people=finer_people(found.people, known, block_px))
    return _imported(people, files, options, name, licence)


def _imported(
    people: PeopleRaster, files: Sequence[Path], options: Options, name: str, licence: str
) -> Imported:
    where = names_of(files)
    if not people.people.sum() > 0:
        told = "has nobody in the region: every pixel there is 0 or without a value. Is it a mask, or an empty download?"
        raise InputError(Problem(where, told))
    source = Source(
        "demand", "modelled", options.source or f"{name} ({where})", options.licence or licence, options.as_of,
        "pattern of the raster; within a pixel coarser than the grid, as the people that were here before",
    )  # fmt: skip
    notices = (Notice(where, people.told, "population"),) if people.told else ()
    return Imported({"people": people}, (source,), notices)


def _pairs(to_grid: Transformer) -> Callable[[Floats], Floats]:
    return lambda xy: np.column_stack(to_grid.transform(xy[:, 0], xy[:, 1]))


def _of_hexagons(path: Path, grid: Grid, crs: str) -> tuple[Floats, list[Notice]]:
    """Return the people of each grid square, and which columns of the file nobody reads."""
    part = read_part(path, grid, _PEOPLE, crs=crs)
    frame, column, own = part.frame, part.column, part.crs
    if not column:
        raise InputError(Problem(path.name, f"has no column of people ({', '.join(_PEOPLE)})"))
    shapes = np.asarray(frame.geometry.to_numpy(), dtype=object)
    people = np.asarray(frame[column], np.float64)
    kinds = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
    area = np.isin(shapely.get_type_id(shapes), kinds) & ~shapely.is_empty(shapes) & shapely.is_valid(shapes)
    refuse(
        [
            *(
                Problem(path.name, "is no valid area", int(i) + 1, "geometry")
                for i in np.flatnonzero(~area)[:_SHOWN]
            ),
            *(
                Problem(path.name, "is no number of people from 0 up", int(i) + 1, column, people[i])
                for i in np.flatnonzero(~((people >= 0) & np.isfinite(people)))[:_SHOWN]
            ),
        ]
    )
    shapes = shapely.force_2d(shapes)
    if CRS.from_user_input(own) != CRS.from_user_input(grid.crs):
        to_grid = Transformer.from_crs(own, grid.crs, always_xy=True)
        shapes = shapely.transform(shapes, _pairs(to_grid))
        lost = np.flatnonzero(~np.isfinite(shapely.bounds(shapes)).all(axis=1))
        told = f"lies where {grid.crs} has no place; are longitude and latitude swapped?"
        refuse([Problem(path.name, told, int(i) + 1, "geometry") for i in lost[:_SHOWN]])
    # a hexagon's own number stands in every such file and says nothing of people
    others = [name for name in part.others if fold(name) not in _NUMBERS]
    mend = f"people were read from column {column}; where another holds them, name that one population"
    return people_of_shapes(shapes, people, grid), unused_notices(others, "people", path.name, mend=mend)

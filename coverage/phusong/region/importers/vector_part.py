"""The part of a large vector file that lies where a region is, read without reading the rest."""

import sqlite3
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio
from pyproj import Transformer

from phusong.bounded import read_bytes
from phusong.errors import InputError, Problem, refuse
from phusong.region.grid import Grid
from phusong.region.names import fold
from phusong.region.vector_files import check_geopackage, check_shapefile, geojson_for_gdal

__all__ = ["Part", "read_part"]

_SQLITE = b"SQLite format 3\x00"
_LARGE_PAGE = 65_536


@dataclass(frozen=True)
class Part:
    """Rows of a file that overlap an area, with one column of theirs.

    Parameters
    ----------
    frame : GeoDataFrame
        In the file's CRS, not empty.
    column : str
        The column found; empty: none.
    crs : str
        The file's CRS.
    others : tuple of str
        Further columns of the file, which were not read.
    """

    frame: gpd.GeoDataFrame
    column: str
    crs: str
    others: tuple[str, ...] = ()


def read_part(path: Path, grid: Grid, wanted: Iterable[str], *, crs: str = "", margin_m: float = 0.0) -> Part:
    """Return the rows of a vector file that overlap a grid.

    Parameters
    ----------
    path : Path
        GeoPackage, Shapefile, GeoJSON.
    grid : Grid
        Where.
    wanted : iterable of str
        Names of the column to read besides the shapes; the first that the file has, in any spelling.
    crs : str
        The file's CRS, where it states none.
    margin_m : float
        How far beyond the grid.

    Raises
    ------
    InputError
        If it cannot be read whole, has no CRS or shapes, or does not overlap.
    """
    refuse(_cut_off(path))
    source = _source(path)
    west, south, east, north = grid.bounds
    try:
        info = pyogrio.read_info(source)
        own = info["crs"] or crs
        names = {fold(n): str(n) for n in info["fields"]}
        column = next((names[fold(n)] for n in wanted if fold(n) in names), "")
        if own:
            to_own = Transformer.from_crs(grid.crs, own, always_xy=True)
            box = to_own.transform_bounds(
                west - margin_m, south - margin_m, east + margin_m, north + margin_m, densify_pts=21
            )
            frame = pyogrio.read_dataframe(source, columns=[column] if column else [], bbox=box)
            bounds = (
                pyogrio.read_info(source, force_total_bounds=True)["total_bounds"] if frame.empty else None
            )
    except Exception as error:  # noqa: BLE001 - a broken file makes GDAL's reader raise anything
        told = f"cannot be read, or is cut off: {' '.join(str(error).split())[:150]}"
        raise InputError(Problem(path.name, told)) from None
    if not own:
        raise InputError(Problem(path.name, "has no CRS; say which one with --crs, e.g. EPSG:4326"))
    if not isinstance(frame, gpd.GeoDataFrame):
        told = "holds no shapes; give them as GeoPackage, Shapefile or GeoJSON"
        raise InputError(Problem(path.name, told))
    if frame.empty:
        raise InputError(Problem(path.name, _elsewhere(bounds, box)))
    others = tuple(str(n) for n in info["fields"] if str(n) != column)
    return Part(frame if frame.crs is not None else frame.set_crs(own), column, str(own), others)


def _source(path: Path) -> Path | bytes:
    """Return what GDAL is given: what its ending says, or nothing at all."""
    ending = path.suffix.lower()
    if ending in {".geojson", ".json"}:
        return geojson_for_gdal(read_bytes(path), path.name)
    try:
        if ending == ".gpkg":
            check_geopackage(path, every_page=False)
        else:
            check_shapefile(path)
    except (OSError, sqlite3.Error) as error:
        told = f"cannot be read, or is cut off: {' '.join(str(error).split())[:150]}"
        raise InputError(Problem(path.name, told)) from None
    return path


def _elsewhere(bounds: Sequence[float] | None, box: Sequence[float]) -> str:
    if bounds is not None:
        left, bottom, right, top = bounds
        if bottom <= box[2] and top >= box[0] and left <= box[3] and right >= box[1]:
            return "has longitude and latitude (or east and north) swapped: exchange them"
    return "does not overlap the region: is it another place, or another CRS than it states?"


def _cut_off(path: Path) -> list[Problem]:
    """Return whether a file is shorter than its header says; a reader would give the part that is there."""
    if not path.is_file():
        return [Problem(path.name, "does not exist")]
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(100)
    kind: dict[str, Any] = {".gpkg": _sqlite_bytes, ".shp": _shapefile_bytes}
    stated = kind.get(path.suffix.lower(), lambda _: None)(head)
    if stated is None or stated <= size:
        return []
    return [Problem(path.name, f"is cut off: it states {stated} bytes and has {size}; get it again")]


def _sqlite_bytes(head: bytes) -> int | None:
    if len(head) < 100 or head[:16] != _SQLITE:
        return None
    page, count = struct.unpack(">H", head[16:18])[0], struct.unpack(">I", head[28:32])[0]
    return int(count) * (_LARGE_PAGE if page == 1 else int(page))


def _shapefile_bytes(head: bytes) -> int | None:
    return 2 * int(struct.unpack(">i", head[24:28])[0]) if len(head) == 100 else None

"""Geometries and vector files, guarded.

GDAL chooses its driver by content: a file named .gpkg or .geojson may be a virtual one that reads any other file of the
machine, or fetches one. What begins as a SQLite data base or a shapefile does, or holds no ``<``, cannot be taken for one.
"""

import re
import sqlite3
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyogrio
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from phusong.errors import InputError, Notice, Problem, plural, refuse
from phusong.io.limits import read_bytes
from phusong.region import Grid
from phusong.region.read.coordinates import area_of, place_problems
from phusong.region.read.encoding import fold
from phusong.region.read.values import first_rows
from phusong.region.schema import SCHEMAS

__all__ = [
    "VectorPart",
    "check_geopackage",
    "check_shapefile",
    "from_wkt",
    "geojson_for_gdal",
    "read_part",
    "shaped",
]

Shapes = npt.NDArray[np.object_]


def shaped(
    frame: Any,  # noqa: ANN401
    layer: str,
    where: str,
    crs: str,
    *,
    own_crs: str = "",
    mend: bool = False,
) -> tuple[Any, list[Problem], list[Notice]]:
    """Return a frame whose geometries a layer can use, as far as that needs no guess.

    Heights of 3D geometries are left out; a point stands for an area where the layer has points; with `mend`,
    polygons that cross themselves are cut where they do. What cannot be used stays, and the schema refuses it.

    Parameters
    ----------
    frame : GeoDataFrame
        As read.
    layer, where, crs : str
        Which layer; the file's name; the region's CRS.
    own_crs : str
        CRS of the file, where it states none.
    mend : bool
        Whether invalid polygons are mended.
    """
    notices: list[Notice] = []
    out = frame if frame.geometry.name == "geometry" else frame.rename_geometry("geometry")
    extra = [c for c in out.columns if c != "geometry" and isinstance(out[c].dtype, gpd.array.GeometryDtype)]
    if extra:
        out = out.drop(columns=extra)
        notices.append(Notice(where, f"further geometries were left out ({', '.join(map(str, extra))})"))
    source, told_crs = _crs_meant(out, own_crs, where)
    notices += told_crs
    if not source:
        told = (
            "has no CRS; say which one it is in with --crs EPSG:…, or under "
            f"[{layer}.file] crs in columns.toml (the region uses {crs})"
        )
        return out, [Problem(where, told)], notices
    try:
        Transformer.from_crs(source, crs, always_xy=True)
    except ProjError:
        told = f"states a CRS that cannot be brought to the region's {crs}; is its .prj file damaged?"
        return out, [Problem(where, told, value=str(CRS.from_user_input(source).name))], notices
    shapes: Shapes = np.asarray(out.geometry.to_numpy(), dtype=object)
    high = shapely.has_z(shapes)
    if high.any():
        shapes = shapely.force_2d(shapes)
        notices.append(Notice(where, "heights of 3D geometries were left out", "geometry", int(high.sum())))
    problems = _off(shapes, source, where, crs)
    shapes, changed = _of_the_layers_type(shapes, layer, where)
    notices += changed
    if mend:
        shapes, changed = _mended(shapes, where)
        notices += changed
    series = gpd.GeoSeries(shapes, index=out.index, crs=source)
    if CRS.from_user_input(source) != CRS.from_user_input(crs):
        # what has been refused must not be moved: it may lie where the projection has no answer
        usable = series.where(~_rows(problems, len(series)))
        series = usable.to_crs(crs)
        notices.append(Notice(where, f"places were brought from {CRS.from_user_input(source).name} to {crs}"))
    plain = pd.DataFrame(out.drop(columns=["geometry"]))
    return gpd.GeoDataFrame(plain, geometry=series, crs=crs), problems, notices


_DEGREES = 360.0


def _crs_meant(frame: Any, own_crs: str, where: str) -> tuple[Any, list[Notice]]:  # noqa: ANN401
    """Return the CRS of a table: its own, or what the user says where it has none or its numbers cannot be of it."""
    if frame.crs is None or not own_crs:
        return frame.crs if frame.crs is not None else own_crs, []
    stated, said = CRS.from_user_input(frame.crs), CRS.from_user_input(own_crs)
    if stated == said:
        return frame.crs, []
    # GeoJSON and KML are in degrees by definition, whatever was written into them
    bounds = np.asarray(frame.total_bounds, np.float64)
    if stated.is_geographic and said.is_projected and bool((np.abs(bounds) > _DEGREES).any()):
        return own_crs, [Notice(where, f"holds no degrees, so it was read in {own_crs}, as was said")]
    return frame.crs, [Notice(where, f"states its own CRS, {stated.name}, which was used, not {own_crs}")]


def from_wkt(frame: pd.DataFrame, where: str, crs: str) -> tuple[Any, list[Problem]]:
    """Return a table whose column ``geometry`` of text (WKT) became geometries, and the rows that are no WKT."""
    text = frame["geometry"]
    empty = text.isna().to_numpy(bool) | (text.astype("str").str.strip() == "").to_numpy(bool)
    raw = [v if isinstance(v, str) and not e else None for v, e in zip(text, empty, strict=True)]
    shapes = shapely.from_wkt(np.array(raw, dtype=object), on_invalid="ignore")
    bad = ~empty & shapely.is_missing(shapes)
    told = "is no geometry in text (WKT); save the file as GeoPackage, or give longitude and latitude"
    problems = first_rows(bad, text, where, "geometry", told)
    return gpd.GeoDataFrame(frame.drop(columns=["geometry"]), geometry=shapes, crs=crs), problems


def _rows(problems: list[Problem], n: int) -> npt.NDArray[np.bool_]:
    told = np.zeros(n, bool)
    told[[p.row - 1 for p in problems if p.row is not None]] = True
    return told


def _off(shapes: Shapes, source: Any, where: str, crs: str) -> list[Problem]:  # noqa: ANN401
    """Return which geometries lie where the region's CRS cannot be used, by the middle of their bounds."""
    bounds = shapely.bounds(shapes)
    x, y = (bounds[:, 0] + bounds[:, 2]) / 2, (bounds[:, 1] + bounds[:, 3]) / 2
    known = np.isfinite(x) & np.isfinite(y)
    stated = CRS.from_user_input(source)
    if stated.is_geographic:
        return place_problems(x, y, where, area_of(crs))
    middle = gpd.GeoSeries(gpd.points_from_xy(np.where(known, x, 0.0), np.where(known, y, 0.0)), crs=stated)
    degrees = middle.to_crs("EPSG:4326")
    lon, lat = degrees.x.to_numpy(np.float64), degrees.y.to_numpy(np.float64)
    beyond = known & ~(np.isfinite(lon) & np.isfinite(lat))
    # a place the projection cannot undo lies nowhere: it is told with the others that lie off
    lon, lat = np.where(beyond, 0.0, lon), np.where(beyond, 0.0, lat)
    return place_problems(np.where(known, lon, np.nan), np.where(known, lat, np.nan), where, area_of(crs))


def _of_the_layers_type(shapes: Shapes, layer: str, where: str) -> tuple[Shapes, list[Notice]]:
    types = SCHEMAS[layer].columns["geometry"].checks[-1].statistics["types"]
    if types != ("Point",):
        return shapes, []
    kind = shapely.get_type_id(shapes)
    single = (kind == shapely.GeometryType.MULTIPOINT) & (shapely.get_num_geometries(shapes) == 1)
    areas = np.isin(
        kind, [shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON]
    ) & shapely.is_valid(shapes)
    areas &= ~shapely.is_empty(shapes)
    out = shapes.copy()
    out[single] = shapely.get_geometry(shapes[single], 0)
    out[areas] = shapely.point_on_surface(shapes[areas])
    told = "a point inside stands for each area: this layer has points"
    return out, [Notice(where, told, "geometry", int(areas.sum()))] if areas.any() else []


def _mended(shapes: Shapes, where: str) -> tuple[Shapes, list[Notice]]:
    # what lies nowhere cannot be mended, and is refused
    broken = (
        ~shapely.is_missing(shapes) & ~shapely.is_valid(shapes) & np.isfinite(shapely.bounds(shapes)).all(1)
    )
    if not broken.any():
        return shapes, []
    out = shapes.copy()
    out[broken] = [_only_areas(s) for s in shapely.make_valid(shapes[broken])]
    rows = ", ".join(str(i + 1) for i in np.flatnonzero(broken)[:20])
    told = f"shapes that crossed themselves were cut where they did (row {rows})"
    return out, [Notice(where, told, "geometry", int(broken.sum()))]


def _only_areas(mended: Any) -> Any:  # noqa: ANN401
    """Return the areas of a mended polygon; the lines and points that mending leaves behind enclose nobody."""
    parts = [p for p in shapely.get_parts(shapely.get_parts(mended)) if p.geom_type == "Polygon"]
    return shapely.union_all(parts) if parts else mended


_SHP_HEADER_BYTES = 100
_DBF_HEADER_BYTES = 32
_SHP_MAGIC = struct.pack(">i", 9994)
_UTF8_MARK = b"\xef\xbb\xbf"

_VIRTUAL = re.compile(
    r"\s*CREATE\s+VIRTUAL\s+TABLE\b(?!.*\bUSING\s+\"?(rtree|fts[345])\b)", re.IGNORECASE | re.DOTALL
)
_GENERATED = re.compile(r"\bGENERATED\s+ALWAYS\b|\bAS\s*\(", re.IGNORECASE)


def geojson_for_gdal(data: bytes, where: str) -> bytes:
    """Return JSON that means the same and can be taken for nothing else.

    Parameters
    ----------
    data : bytes
        The file.
    where : str
        Its name.

    Raises
    ------
    InputError
        If it does not begin as JSON does.
    """
    plain = data.removeprefix(_UTF8_MARK)
    if plain[:1000].lstrip()[:1] != b"{":
        raise InputError(Problem(where, "is no GeoJSON: it does not begin with {"))
    # in JSON this sign stands in text alone, where it may be written so
    return plain.replace(b"<", b"\\u003c")


def check_geopackage(path: Path, *, every_page: bool = True) -> None:
    """Refuse a database that computes, that is shorter than it says, or whose pages contradict each other.

    Parameters
    ----------
    path : Path
        The file.
    every_page : bool
        Whether every page is looked at, which takes its time in a file of gigabytes.

    Raises
    ------
    InputError
        If it is refused; what SQLite raises over a broken file passes through.
    """
    with path.open("rb") as file:
        head = file.read(100)
    if head[:16] != b"SQLite format 3\x00":
        raise InputError(Problem(path.name, "is no GeoPackage (no SQLite data base)"))
    uri = f"file:{path.resolve().as_posix().replace('?', '%3f').replace('#', '%23')}?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        _plain_tables(connection, path.name)
        answer = "ok"
        if every_page:
            answer = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    finally:
        connection.close()
    if answer != "ok":
        raise InputError(Problem(path.name, f"is a broken GeoPackage, or is cut off: {answer[:100]}"))


def _plain_tables(connection: sqlite3.Connection, where: str) -> None:
    """Refuse what computes rather than holds: a view may never end, a virtual table may read another file."""
    computing = [
        (name, kind)
        for name, kind, sql in connection.execute("SELECT name, type, sql FROM sqlite_master")
        if kind == "view" or _VIRTUAL.match(str(sql)) or (kind == "table" and _GENERATED.search(str(sql)))
    ]
    if computing:
        raise InputError(
            [
                Problem(
                    where,
                    "is no plain table but a view, virtual or generated; export it as a table",
                    value=name,
                )
                for name, _ in computing[:20]
            ]
        )


def check_shapefile(path: Path) -> None:
    """Refuse what is no shapefile, or one whose parts are missing or shorter than they say.

    Raises
    ------
    InputError
        If it is refused.
    """
    with path.open("rb") as file:
        if file.read(4) != _SHP_MAGIC:
            raise InputError(Problem(path.name, "is no shapefile"))
    beside = {p.suffix.lower(): p for p in path.parent.iterdir() if p.stem == path.stem}
    missing = [e for e in (".shx", ".dbf") if e not in beside]
    if missing:
        raise InputError(
            Problem(path.name, f"lacks its {' and '.join(missing)} file; give all parts of the shapefile")
        )
    problems = []
    for ending in (".shp", ".shx"):
        head = _head(beside[ending], _SHP_HEADER_BYTES) if ending in beside else b""
        stated = 2 * struct.unpack(">i", head[24:28])[0] if len(head) == _SHP_HEADER_BYTES else -1
        if stated != beside[ending].stat().st_size:
            problems.append(Problem(beside[ending].name, f"is cut off: it states {stated} bytes"))
    head = _head(beside[".dbf"], _DBF_HEADER_BYTES)
    if len(head) < _DBF_HEADER_BYTES:
        problems.append(Problem(beside[".dbf"].name, "is cut off"))
    else:
        rows, start, width = struct.unpack("<IHH", head[4:12])
        if beside[".dbf"].stat().st_size < start + rows * width:
            problems.append(
                Problem(beside[".dbf"].name, f"is cut off: it states {plural(rows, 'row')} of {width} bytes")
            )
        shapes = (beside[".shx"].stat().st_size - _SHP_HEADER_BYTES) // 8
        if rows != shapes:
            problems.append(
                Problem(path.name, f"has {plural(shapes, 'shape')}, but its .dbf has {plural(rows, 'row')}")
            )
    if problems:
        raise InputError(problems)


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


_SQLITE = b"SQLite format 3\x00"
_LARGE_PAGE = 65_536


@dataclass(frozen=True)
class VectorPart:
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


def read_part(
    path: Path, grid: Grid, wanted: Iterable[str], *, crs: str = "", margin_m: float = 0.0
) -> VectorPart:
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
    return VectorPart(frame if frame.crs is not None else frame.set_crs(own), column, str(own), others)


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

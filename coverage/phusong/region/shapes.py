"""Geometries as a layer wants them: in the region's CRS, flat, of the layer's type; mended only when asked."""

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from phusong.errors import Problem
from phusong.region.coordinates import area_of, place_problems
from phusong.region.notices import Notice
from phusong.region.schema import SCHEMAS
from phusong.region.values import first_rows

__all__ = ["from_wkt", "shaped"]

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
    source = out.crs if out.crs is not None else own_crs
    if not source:
        told = f"has no CRS; say which one it is in, under [{layer}.file] crs in columns.toml (the region uses {crs})"
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

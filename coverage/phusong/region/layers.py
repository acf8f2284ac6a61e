"""Reading one layer from a user's file, with every problem of the file named at once."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyogrio
from pyproj import CRS

from phusong.errors import InputError, Problem, refuse
from phusong.region.schema import GEOMETRY_LAYERS, LAYERS
from phusong.region.validation import schema_problems, table_problems
from phusong.region.values import typed

__all__ = ["read_table", "table_problems"]

_LON = ("longitude", "lon", "lng", "x_lon")
_LAT = ("latitude", "lat", "y_lat")
_EAST = ("east_m", "easting", "x")
_NORTH = ("north_m", "northing", "y")


def read_table(path: Path, layer: str, *, crs: str) -> Any:  # noqa: ANN401 - a frame with or without geometry
    """Return one layer from a Parquet, GeoPackage, GeoJSON, Shapefile or CSV file, checked.

    Parameters
    ----------
    path : Path
        The file. A CSV with places has `longitude` and `latitude` in degrees (or `lon`, `lat`), or `east_m` and
        `north_m` in the region's CRS.
    layer : str
        A layer of the data dictionary.
    crs : str
        CRS of the region, to which places are brought.

    Raises
    ------
    InputError
        Naming file, row, column and value of everything wrong.
    """
    frame = _open(path, layer)
    problems: list[Problem] = []
    if layer in GEOMETRY_LAYERS:
        frame = _with_geometry(frame, path.name, crs, problems)
    frame, wrong, _ = typed(frame, layer, path.name)
    placed = {p.row for p in problems}
    by_schema = schema_problems(frame, path.name, layer)
    refuse([*problems, *wrong, *(p for p in by_schema if p.column != "geometry" or p.row not in placed)])
    return frame


def _open(path: Path, layer: str) -> Any:  # noqa: ANN401
    if not path.is_file():
        raise InputError(Problem(path.name, "does not exist"))
    ending = path.suffix.lower()
    try:
        if ending == ".csv":
            text = {c.name: str for c in LAYERS[layer] if c.kind == "text"}
            return pd.read_csv(
                path,
                dtype=text,
                keep_default_na=False,
                na_values={c.name: ["", "NaN", "nan", "NA"] for c in LAYERS[layer] if c.kind != "text"},
            )
        if ending == ".parquet":
            return gpd.read_parquet(path) if layer in GEOMETRY_LAYERS else pd.read_parquet(path)
        if ending in {".gpkg", ".geojson", ".json", ".shp"}:
            return gpd.read_file(path)
    except (
        ValueError,
        OSError,
        UnicodeDecodeError,
        pyogrio.errors.DataSourceError,
        pd.errors.ParserError,
    ) as error:
        raise InputError(Problem(path.name, f"cannot be read as {ending[1:]}: {str(error)[:200]}")) from None
    raise InputError(
        Problem(path.name, "is of an unknown kind; expected .csv, .parquet, .gpkg, .geojson or .shp")
    )


def _with_geometry(frame: Any, where: str, crs: str, problems: list[Problem]) -> Any:  # noqa: ANN401
    if isinstance(frame, gpd.GeoDataFrame):
        if frame.crs is None:
            problems.append(Problem(where, f"has no CRS; say which one it is in (the region uses {crs})"))
            return frame
        return frame.to_crs(crs) if CRS.from_user_input(frame.crs) != CRS.from_user_input(crs) else frame
    lower = {str(c).lower(): c for c in frame.columns}
    lon, lat = _first(lower, _LON), _first(lower, _LAT)
    if lon is not None and lat is not None:
        x, y = _numbers(frame[lon], where, lon, problems), _numbers(frame[lat], where, lat, problems)
        _degree_problems(x, y, where, str(lon), str(lat), crs, problems)
        points = gpd.GeoSeries(gpd.points_from_xy(x, y), crs="EPSG:4326").to_crs(crs)
        return gpd.GeoDataFrame(frame.drop(columns=[lon, lat]), geometry=points, crs=crs)
    east, north = _first(lower, _EAST), _first(lower, _NORTH)
    if east is None or north is None:
        problems.append(
            Problem(
                where, "has no places: add columns longitude and latitude (degrees), or east_m and north_m"
            )
        )
        return frame
    x, y = _numbers(frame[east], where, east, problems), _numbers(frame[north], where, north, problems)
    return gpd.GeoDataFrame(frame.drop(columns=[east, north]), geometry=gpd.points_from_xy(x, y), crs=crs)


def _first(lower: dict[str, Any], names: Iterable[str]) -> Any:  # noqa: ANN401
    return next((lower[n] for n in names if n in lower), None)


def _numbers(
    values: "pd.Series[Any]", where: str, column: str, problems: list[Problem]
) -> npt.NDArray[np.float64]:
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64)
    for i in np.flatnonzero(~np.isfinite(numbers)):
        problems.append(Problem(where, "is no number", row=int(i) + 1, column=column, value=values.iloc[i]))
    return numbers


def _degree_problems(
    lon: npt.NDArray[np.float64],
    lat: npt.NDArray[np.float64],
    where: str,
    lon_name: str,
    lat_name: str,
    crs: str,
    problems: list[Problem],
) -> None:
    area = CRS.from_user_input(crs).area_of_use
    for i in range(lon.size):
        if not (np.isfinite(lon[i]) and np.isfinite(lat[i])):
            continue
        swapped = abs(lat[i]) > 90
        if area is not None and not swapped:
            inside = area.west - 6 <= lon[i] <= area.east + 6
            turned = area.west - 6 <= lat[i] <= area.east + 6
            swapped = turned and not inside
        if swapped:
            problems.append(
                Problem(
                    where,
                    f"is no latitude here: {lat_name} and {lon_name} look swapped (latitude {lat[i]:g}, longitude {lon[i]:g})",
                    row=i + 1,
                    column=lat_name,
                    value=lat[i],
                )
            )
        elif abs(lon[i]) > 180:
            problems.append(
                Problem(where, "is no longitude (-180 to 180)", row=i + 1, column=lon_name, value=lon[i])
            )

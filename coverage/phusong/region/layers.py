"""Reading one layer from a user's file, with every problem of the file named at once."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyogrio
from pyproj import CRS

from phusong.errors import InputError, Problem, nearest_name, refuse
from phusong.region.schema import GEOMETRY_LAYERS, LAYERS, Column

__all__ = ["read_table", "table_problems"]

_LON = ("longitude", "lon", "lng", "x_lon")
_LAT = ("latitude", "lat", "y_lat")
_EAST = ("east_m", "easting", "x")
_NORTH = ("north_m", "northing", "y")
_SHOWN = 20  # of one problem in one column; the rest is counted


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
    frame = _typed(frame, path.name, LAYERS[layer], problems)
    problems += table_problems(frame, path.name, layer)
    refuse(_shortened(problems))
    return frame


def table_problems(frame: pd.DataFrame, where: str, layer: str) -> list[Problem]:
    """Return what is wrong with the values of a layer: keys, limits, words, geometry."""
    problems: list[Problem] = []
    key = LAYERS[layer][0].name
    if key in frame.columns:
        keys = frame[key].astype(str)
        for i in np.flatnonzero(keys.duplicated(keep="first").to_numpy()):
            first = int(np.flatnonzero((keys == keys.iloc[i]).to_numpy())[0]) + 1
            problems.append(
                Problem(
                    where,
                    f"is a duplicate of row {first}; keys must differ",
                    row=int(i) + 1,
                    column=key,
                    value=keys.iloc[i],
                )
            )
        for i in np.flatnonzero((keys.str.strip() == "").to_numpy()):
            problems.append(Problem(where, "is empty; every row needs a key", row=int(i) + 1, column=key))
    for column in LAYERS[layer]:
        if column.name in frame.columns:
            problems += _column_problems(frame[column.name], where, column)
    if layer in GEOMETRY_LAYERS and "geometry" in frame.columns:
        shapes = gpd.GeoSeries(frame["geometry"])
        bad = shapes.isna() | shapes.is_empty
        problems += [
            Problem(where, "has no geometry", row=int(i) + 1, column="geometry")
            for i in np.flatnonzero(bad.to_numpy())
        ]
        broken = ~bad & (shapes.geom_type != "Point") & ~shapes.is_valid
        problems += [
            Problem(
                where,
                "is no valid shape (it crosses itself); mend it, e.g. with make valid in QGIS",
                row=int(i) + 1,
                column="geometry",
            )
            for i in np.flatnonzero(broken.to_numpy())
        ]
    return problems


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


def _typed(frame: Any, where: str, columns: Sequence[Column], problems: list[Problem]) -> Any:  # noqa: ANN401
    out = frame.copy()
    for column in columns:
        name = column.name
        if name not in out.columns:
            if column.default is None:
                problems.append(
                    Problem(
                        where,
                        f"is missing ({column.meaning}){nearest_name(name, [str(c) for c in out.columns])}",
                        column=name,
                    )
                )
            else:
                out[name] = column.default
            continue
        if column.kind == "text":
            out[name] = out[name].fillna("").astype(str)
        elif column.kind == "flag":
            out[name] = _flags(out[name], where, name, problems)
        else:
            numbers = pd.to_numeric(out[name], errors="coerce")
            filled = numbers if column.default is None else numbers.where(~out[name].isna(), column.default)
            for i in np.flatnonzero(~np.isfinite(filled.to_numpy(np.float64))):
                problems.append(
                    Problem(
                        where,
                        f"is no number ({column.meaning})",
                        row=int(i) + 1,
                        column=name,
                        value=out[name].iloc[i],
                    )
                )
            whole = filled.fillna(0)
            out[name] = (
                whole.round().astype(np.int64)
                if column.kind == "whole" and np.isfinite(whole).all()
                else filled.astype(np.float64)
            )
    return out


def _flags(values: "pd.Series[Any]", where: str, name: str, problems: list[Problem]) -> "pd.Series[bool]":
    words = {
        "true": True,
        "1": True,
        "yes": True,
        "1.0": True,
        "false": False,
        "0": False,
        "no": False,
        "0.0": False,
        "": True,
        "nan": True,
    }
    text = values.astype(str).str.strip().str.lower()
    for i in np.flatnonzero(~text.isin(words).to_numpy()):
        problems.append(
            Problem(where, "must be true or false", row=int(i) + 1, column=name, value=values.iloc[i])
        )
    return text.map(words).fillna(value=False).astype(bool)


def _column_problems(values: "pd.Series[Any]", where: str, column: Column) -> list[Problem]:
    problems: list[Problem] = []
    if column.among:
        for i in np.flatnonzero(~values.isin(column.among).to_numpy()):
            allowed = ", ".join(w or "(empty)" for w in column.among)
            hint = nearest_name(str(values.iloc[i]), [w for w in column.among if w])
            problems.append(
                Problem(
                    where,
                    f"is not one of {allowed}{hint}",
                    row=int(i) + 1,
                    column=column.name,
                    value=values.iloc[i],
                )
            )
    if column.kind in {"number", "whole"}:
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64)
        if column.least is not None:
            for i in np.flatnonzero(numbers < column.least):
                word = "is negative" if numbers[i] < 0 <= column.least else f"is below {column.least:g}"
                problems.append(
                    Problem(
                        where,
                        f"{word} ({column.meaning})",
                        row=int(i) + 1,
                        column=column.name,
                        value=f"{numbers[i]:g}",
                    )
                )
        if column.most is not None:
            for i in np.flatnonzero(numbers > column.most):
                problems.append(
                    Problem(
                        where,
                        f"is above {column.most:g} ({column.meaning})",
                        row=int(i) + 1,
                        column=column.name,
                        value=f"{numbers[i]:g}",
                    )
                )
    return problems


def _shortened(problems: list[Problem]) -> list[Problem]:
    """Return at most a screenful of the same problem in one column, and the count of the rest."""
    shown: dict[tuple[str, str | None, str], int] = {}
    out = []
    for problem in problems:
        kind = (problem.where, problem.column, problem.what[:24])
        shown[kind] = shown.get(kind, 0) + 1
        if shown[kind] <= _SHOWN:
            out.append(problem)
    out += [
        Problem(where, f"and {count - _SHOWN} more rows with this problem", column=column)
        for (where, column, _), count in shown.items()
        if count > _SHOWN
    ]
    return out

"""File formats of a result, each written so that the same content gives the same bytes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyogrio
import rasterio.shutil
import shapely
from rasterio.io import MemoryFile

from phusong.errors import InputError, Problem
from phusong.io.limits import in_one_piece, safe_text
from phusong.io.raster import MOST_PIXELS, open_raster
from phusong.io.text import round_digits
from phusong.region import Grid
from phusong.result.schema import as_words

__all__ = [
    "GIS_FILES",
    "NODATA_DBM",
    "csv_text",
    "json_text",
    "read_raster",
    "safe_cell",
    "write_cog",
    "write_csv",
    "write_geopackage",
    "write_json",
    "write_parquet",
]

GIS_FILES = ("gis.gpkg", "communes.qml", "access.qml", "rsrp.qml")
"""What :func:`phusong.report.gis.write_gis` leaves in a folder."""

NODATA_DBM = -9999.0
"""Value of RSRP where nothing was computed."""

_FIXED_DATE = "2025-07-01T00:00:00.000Z"
_LEAST_BLOCK = 128
_DIGITS = 10
_DECIMALS = (
    (("_per_musd",), 1), (("_musd", "_musd_year"), 6), (("_mvnd",), 1), (("_people", "_m"), 0), (("rank_p05", "rank_p95"), 1), (("_share", "_factor"), 4),
    (("_probability",), 4), (("availability", "load"), 6), (("_km", "_h"), 3),
)  # fmt: skip


def safe_cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; numbers stay numbers.

    Examples
    --------
    >>> safe_cell("=1+1"), safe_cell(-4.5), safe_cell("Nà Hang")
    ("'=1+1", -4.5, 'Nà Hang')
    """
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        value = ";".join(as_words(value))
    return safe_text(value) if isinstance(value, str) else value


def csv_text(frame: pd.DataFrame) -> str:
    """Return a table as CSV text, with lists joined by ``;`` and formulas made harmless."""
    cells = {
        str(safe_cell(str(c))): [safe_cell(v) for v in _rounded(frame[c]).tolist()] for c in frame.columns
    }
    return pd.DataFrame(cells).to_csv(index=False, lineterminator="\n")


def _rounded(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return a column with the decimals that its unit can mean: whole people and metres, single dollars, thousandths."""
    name = str(column.name)
    if not isinstance(column.dtype, np.dtype) or column.dtype.kind != "f":
        return column
    decimals = next((d for ends, d in _DECIMALS if name.endswith(ends)), None)
    if name.startswith("people"):
        decimals = 0 if not name.endswith("_per_musd") else 1
    if (
        decimals is None
    ):  # no unit that says: digits enough for any measurement, without noise of the arithmetic
        return pd.Series(
            round_digits(column.to_numpy(np.float64), _DIGITS), index=column.index, name=column.name
        )
    return column.round(decimals)


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV; the byte-order mark makes spreadsheets read Vietnamese letters."""
    path.write_text(csv_text(frame), encoding="utf-8-sig", newline="")


def json_text(value: object) -> str:
    """Return JSON with sorted keys; values that are not finite become null."""
    return json.dumps(_plain(value), ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)


def write_json(value: object, path: Path) -> None:
    """Write JSON with sorted keys; values that are not finite become null."""
    path.write_text(json_text(value) + "\n", encoding="utf-8", newline="\n")


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as Parquet without its index; one with geometry as GeoParquet."""
    in_one_piece(frame.reset_index(drop=True)).to_parquet(path, index=False, compression="zstd")


def write_geopackage(frame: gpd.GeoDataFrame, path: Path, *, layer: str) -> None:
    """Write a table with geometry as GeoPackage, dated a fixed day so that bytes repeat."""
    flat = frame.reset_index(drop=True).copy()
    for name in flat.columns:
        if name != flat.geometry.name and flat[name].map(lambda v: isinstance(v, (list, np.ndarray))).any():
            flat[name] = [";".join(as_words(v)) for v in flat[name]]
    shapes = flat.geometry
    # a place that is withheld has no coordinates, and nothing there to be made valid
    placed = np.isfinite(shapely.bounds(shapes.to_numpy())).all(axis=1)
    flat[flat.geometry.name] = shapes.where(placed, None).make_valid()
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _FIXED_DATE})
    try:
        flat.to_file(path, layer=layer, driver="GPKG", engine="pyogrio")
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def write_cog(
    raster: npt.NDArray[Any],
    grid: Grid,
    path: Path,
    *,
    nodata: float,
    unit: str = "",
    nearest: bool = False,
    colours: Mapping[int, tuple[int, int, int, int]] | None = None,
) -> None:
    """Write a raster as cloud-optimised GeoTIFF with its CRS, overviews and, for classes, a colour table.

    Parameters
    ----------
    raster : (height, width) array
        Values on the grid.
    nodata : float
        Value of pixels without data.
    unit : str
        Unit of the values, kept in the file.
    nearest : bool
        Whether overviews repeat values instead of averaging them, as classes and keys must be.
    colours : mapping of int to (red, green, blue, alpha), optional
        Colour of each class; overviews then repeat classes.
    """
    profile = {
        "driver": "GTiff", "height": grid.height, "width": grid.width, "count": 1, "dtype": raster.dtype,
        "crs": grid.crs, "transform": grid.transform, "nodata": nodata,
    }  # fmt: skip
    # small blocks still give overviews to a single commune
    block = 512 if min(grid.shape) > 2 * 512 else _LEAST_BLOCK
    with MemoryFile() as memory:
        with memory.open(**profile) as dataset:
            dataset.write(raster, 1)
            if colours is not None:
                dataset.write_colormap(1, dict(colours))
            if unit:
                dataset.units = (unit,)
        with memory.open() as dataset:
            rasterio.shutil.copy(
                dataset,
                path,
                driver="COG",
                compress="DEFLATE",
                predictor="NO" if raster.dtype == np.uint8 else "YES",
                blocksize=block,
                overviews="IGNORE_EXISTING",
                overview_resampling="NEAREST" if nearest or colours is not None else "AVERAGE",
            )


def read_raster(path: Path, dtype: npt.DTypeLike) -> tuple[npt.NDArray[Any], Grid]:
    """Return the one band of a raster that we wrote and its grid.

    Raises
    ------
    InputError
        If it states more pixels than are read, another type, several bands, or pixels that are not square.
    """
    with open_raster(path) as dataset:
        if dataset.width * dataset.height > MOST_PIXELS:
            told = f"states {dataset.width:,} × {dataset.height:,} pixels; at most {MOST_PIXELS:,} are read"
            raise InputError(Problem(path.name, told))
        if dataset.count != 1 or np.dtype(dataset.dtypes[0]) != np.dtype(dtype):
            told = f"holds {dataset.count} bands of {dataset.dtypes[0]}; expected one of {np.dtype(dtype)}"
            raise InputError(Problem(path.name, told))
        at = dataset.transform
        if dataset.crs is None or at.b or at.d or at.a != -at.e:
            raise InputError(Problem(path.name, "has no CRS, or pixels that are not square and north-up"))
        crs = dataset.crs.to_authority()
        grid = Grid(
            ":".join(crs) if crs else dataset.crs.to_wkt(),
            float(at.c),
            float(at.f),
            float(at.a),
            int(dataset.height),
            int(dataset.width),
        )
        return dataset.read(1), grid


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, pd.DataFrame):
        return [_plain(row) for row in value.to_dict("records")]
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value

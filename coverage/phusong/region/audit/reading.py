"""Reading a layer whatever state it is in: rows are kept, and what a value failed to be is remembered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from pyproj import CRS
from pyproj.exceptions import CRSError
from shapely.errors import ShapelyError

from phusong.errors import InputError
from phusong.region.grid import Grid
from phusong.region.opening import open_table
from phusong.region.raster_meaning import meaning_of
from phusong.region.raster_opening import MOST_PIXELS, RASTER_ERRORS, open_raster
from phusong.region.schema import GEOMETRY_LAYERS, LAYERS

__all__ = ["ENDINGS", "Sheet", "read_raster", "read_sheet", "same_crs", "sheet_of"]

ENDINGS = ("parquet", "gpkg", "geojson", "csv")
"""Endings of a layer's file, in the order in which they are looked for."""

_PLACES = (
    (("longitude", "lon", "lng", "x_lon"), ("latitude", "lat", "y_lat"), "EPSG:4326"),
    (("east_m", "easting", "x"), ("north_m", "northing", "y"), ""),
)
_TRUE, _FALSE = ("true", "1", "yes", "1.0"), ("false", "0", "no", "0.0")
_NOTHING = ("", "nan", "na", "none", "null", "<na>")

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Sheet:
    """One table as found.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        Columns of the data dictionary, typed; a value that is missing or no number is NaN, or empty text.
    columns : tuple of str
        Columns that the file itself has.
    unread : mapping of str to ndarray of bool
        By column: rows whose value is there but is not what the column holds.
    ending : str
        Of the file; empty in memory.
    crs : str or None
        As the file states it; empty when it states none, None when it needs none.
    """

    frame: Any
    columns: tuple[str, ...]
    unread: Mapping[str, Flags] = field(default_factory=dict)
    ending: str = ""
    crs: str | None = None

    @property
    def raw_keys(self) -> "pd.Series[Any]":
        """The first column of the layer: its key."""
        keys: pd.Series[Any] = self.frame.iloc[:, 0]
        return keys


def read_sheet(folder: Path, layer: str, *, crs: str) -> Sheet | None:
    """Return a layer of a folder, or None where there is no file or none that can be opened."""
    for ending in ENDINGS:
        path = folder / f"{layer}.{ending}"
        if path.is_file():
            try:
                return sheet_of(open_table(path, layer).frame, layer, crs=crs, ending=ending)
            except (InputError, ValueError, OSError, KeyError, TypeError, ShapelyError):
                return None
    return None


def sheet_of(frame: pd.DataFrame, layer: str, *, crs: str, ending: str = "") -> Sheet:
    """Return a table typed by the data dictionary, in the region's CRS, nothing refused.

    Parameters
    ----------
    frame : DataFrame
        As read.
    layer, crs, ending : str
        Which layer, the region's CRS, and the ending of the file.
    """
    columns = tuple(str(c) for c in frame.columns)
    plain = frame.reset_index(drop=True)
    out: dict[str, Any] = {}
    unread: dict[str, Flags] = {}
    for column in LAYERS[layer]:
        name = column.name
        raw = plain[name] if name in plain else pd.Series([None] * len(plain), dtype=object)
        raw = raw.iloc[:, 0] if isinstance(raw, pd.DataFrame) else raw
        if column.kind == "text":
            out[name] = raw.astype(str).str.strip().where(~raw.isna(), "")
        elif column.kind == "flag":
            words = raw.astype(str).str.strip().str.casefold()
            out[name] = words.isin(_TRUE) | (~words.isin(_FALSE) & bool(column.default))
            unread[name] = ~(words.isin((*_TRUE, *_FALSE, *_NOTHING)) | raw.isna()).to_numpy(bool)
        else:
            numbers = pd.to_numeric(raw, errors="coerce").astype(np.float64)
            out[name] = numbers.where(np.isfinite(numbers))
            unread[name] = _no_number(raw, out[name])
    table: Any = pd.DataFrame(out, index=plain.index)
    stated: str | None = None
    if layer in GEOMETRY_LAYERS:
        shapes, stated = _shapes(plain, crs)
        table = gpd.GeoDataFrame(table, geometry=shapes, crs=crs)
    return Sheet(table, columns, unread, ending, stated)


def read_raster(
    path: Path,
) -> tuple[npt.NDArray[Any], tuple[str, str, tuple[int, int]], Grid] | None:
    """Return a raster, how it is stored and where its pixels are; None where it cannot be opened.

    Pixels without data are NaN in a raster of decimals.
    """
    if not path.is_file():
        return None
    try:
        with open_raster(path) as source:
            if source.width * source.height > MOST_PIXELS:
                return None
            meaning = meaning_of(source, path.name, "height" if path.stem == "elevation" else "class")
            if isinstance(meaning, list):
                return None
            values = source.read(meaning.band, masked=True)
            t, known = source.transform, source.crs
    except (InputError, *RASTER_ERRORS):
        return None
    filled = values.filled(np.nan) if np.issubdtype(values.dtype, np.floating) else np.asarray(values.data)
    filled = meaning.applied(filled)
    crs = known.to_string() if known is not None else ""
    grid = Grid(crs, float(t.c), float(t.f), float(abs(t.a)), filled.shape[0], filled.shape[1])
    return filled, ("tif", crs, (filled.shape[0], filled.shape[1])), grid


def _no_number(raw: "pd.Series[Any]", numbers: "pd.Series[float]") -> Flags:
    """Return where something stands that is no number; an empty cell is missing, not wrong."""
    lost = numbers.isna()
    if not lost.any():
        return np.zeros(len(raw), bool)
    nothing = raw.isna() | raw.astype(str).str.strip().str.casefold().isin(_NOTHING)
    return np.asarray((lost & ~nothing).to_numpy(bool))


def _shapes(frame: pd.DataFrame, crs: str) -> tuple[Any, str | None]:
    """Return the places of a table in the region's CRS, and the CRS that the file states."""
    if isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None:
        shapes = frame.geometry
        if shapes.crs is None:
            return gpd.GeoSeries(shapes.to_numpy(), crs=crs), ""
        stated = str(shapes.crs.to_string())
        return (shapes.to_crs(crs) if CRS(shapes.crs) != CRS(crs) else shapes), stated
    lower = {str(c).casefold(): c for c in frame.columns}
    for east_names, north_names, own in _PLACES:
        east = next((lower[n] for n in east_names if n in lower), None)
        north = next((lower[n] for n in north_names if n in lower), None)
        if east is not None and north is not None:
            x, y = (pd.to_numeric(frame[c], errors="coerce").to_numpy(np.float64) for c in (east, north))
            known = np.isfinite(x) & np.isfinite(y)
            if own:
                known &= (np.abs(y) <= 90) & (np.abs(x) <= 360)
            points = gpd.GeoSeries(gpd.points_from_xy(x, y), crs=own or crs)
            points = points.where(pd.Series(known, index=points.index))
            # degrees beside a table are the usual way, and need no CRS of their own
            return (points.to_crs(crs) if own else points), None
    return gpd.GeoSeries([None] * len(frame), crs=crs), None


def same_crs(a: str, b: str) -> bool:
    """Return whether two CRS are one and the same."""
    try:
        return bool(CRS.from_user_input(a) == CRS.from_user_input(b))
    except CRSError:
        return False

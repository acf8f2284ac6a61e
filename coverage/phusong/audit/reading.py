"""A region read whatever state it is in."""

import re
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

from phusong.compute.array_types import Bools
from phusong.errors import InputError, Problem
from phusong.io.limits import toml_tree
from phusong.io.raster import MOST_PIXELS, RASTER_ERRORS, open_raster
from phusong.region import Grid
from phusong.region.folder import Region, Source
from phusong.region.read.raster_meaning import meaning_of
from phusong.region.read.table import open_table
from phusong.region.schema import GEOMETRY_LAYERS, LAYERS
from phusong.region.validate import check_region

__all__ = [
    "ENDINGS",
    "RASTERS",
    "Evidence",
    "Refusal",
    "TableAsFound",
    "gather",
    "raster_as_found",
    "read_sheet",
    "same_crs",
    "sheet_of",
]

ENDINGS = ("parquet", "gpkg", "geojson", "csv")
"""Endings of a layer's file, in the order in which they are looked for."""

_PLACES = (
    (("longitude", "lon", "lng", "x_lon"), ("latitude", "lat", "y_lat"), "EPSG:4326"),
    (("east_m", "easting", "x"), ("north_m", "northing", "y"), ""),
)
_TRUE, _FALSE = ("true", "1", "yes", "1.0"), ("false", "0", "no", "0.0")
_NOTHING = ("", "nan", "na", "none", "null", "<na>")


@dataclass(frozen=True)
class TableAsFound:
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
    unread: Mapping[str, Bools] = field(default_factory=dict)
    ending: str = ""
    crs: str | None = None

    @property
    def raw_keys(self) -> "pd.Series[Any]":
        """The first column of the layer: its key."""
        keys: pd.Series[Any] = self.frame.iloc[:, 0]
        return keys


def read_sheet(folder: Path, layer: str, *, crs: str) -> TableAsFound | None:
    """Return a layer of a folder, or None where there is no file or none that can be opened."""
    for ending in ENDINGS:
        path = folder / f"{layer}.{ending}"
        if path.is_file():
            try:
                return sheet_of(open_table(path, layer).frame, layer, crs=crs, ending=ending)
            except (InputError, ValueError, OSError, KeyError, TypeError, ShapelyError):
                return None
    return None


def sheet_of(frame: pd.DataFrame, layer: str, *, crs: str, ending: str = "") -> TableAsFound:
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
    unread: dict[str, Bools] = {}
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
    return TableAsFound(table, columns, unread, ending, stated)


def raster_as_found(
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


def _no_number(raw: "pd.Series[Any]", numbers: "pd.Series[float]") -> Bools:
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


RASTERS = ("elevation", "clutter")
_FALLBACK_CRS = "EPSG:32648"  # most of the country; said in the records when it had to be used
_KINDS = ("measured", "official", "modelled", "assumed")
_REST = re.compile(r"^and \d+ more")


@dataclass(frozen=True)
class Refusal:
    """Something that ``Region.read`` refuses.

    Parameters
    ----------
    layer : str
        The layer it is about; ``region`` when it is about none.
    problem : Problem
        As the reader says it.
    """

    layer: str
    problem: Problem


@dataclass(frozen=True)
class Evidence:
    """What an audit looks at.

    Parameters
    ----------
    name, crs : str
        Of the region.
    grid : Grid or None
        Pixels of the elevation, where it can be read.
    sheets : mapping of str to Sheet
        Tables that could be read.
    rasters : mapping of str to ndarray
        Rasters that could be read.
    raster_files : mapping of str to (ending, CRS, shape)
        How each raster is stored.
    sources : mapping of str to Source
        What region.toml says of each layer; a layer it does not name is assumed.
    givers : mapping of str to str
        Who gives each layer: its owner, else its source.
    owners : mapping of str to str
        Organisation that region.toml says owns a layer.
    refusals : tuple of Refusal
        Everything that ``Region.read`` refuses.
    stray : mapping of str to str
        Files named like a layer that is otherwise missing, and their ending.
    """

    name: str
    crs: str
    grid: Grid | None
    sheets: Mapping[str, TableAsFound]
    rasters: Mapping[str, npt.NDArray[Any]]
    raster_files: Mapping[str, tuple[str, str, tuple[int, int]]]
    sources: Mapping[str, Source]
    givers: Mapping[str, str]
    owners: Mapping[str, str] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    stray: Mapping[str, str] = field(default_factory=dict)

    def source(self, layer: str) -> Source:
        """Return what is said of a layer; assumed when nothing is said or its kind is no known word."""
        found = self.sources.get(layer, Source(layer, "assumed", ""))
        return found if found.kind in _KINDS else Source(layer, "assumed", found.source, found.licence)

    def table(self, layer: str) -> Any:  # noqa: ANN401 - a frame with or without geometry
        """Return the rows of a layer, or an empty frame with its columns where it could not be read."""
        if layer in self.sheets:
            return self.sheets[layer].frame
        return sheet_of(pd.DataFrame(), layer, crs=self.crs).frame

    def has(self, *layers: str) -> bool:
        """Return whether all of these layers could be read and have rows or pixels."""
        return all(
            (name in self.rasters and self.rasters[name].size > 0)
            or (name in self.sheets and len(self.sheets[name].frame) > 0)
            for name in layers
        )


def gather(region: Region | str | Path) -> Evidence:
    """Return everything that can be seen of a region, without refusing any of it.

    Parameters
    ----------
    region : Region, str or Path
        In memory, or a folder with region.toml.

    Raises
    ------
    InputError
        If a path is no region folder.
    """
    return _from_memory(region) if isinstance(region, Region) else _from_folder(Path(region))


def _from_memory(region: Region) -> Evidence:
    sheets = {name: sheet_of(getattr(region, name), name, crs=region.grid.crs) for name in LAYERS}
    rasters = {name: np.asarray(getattr(region, name)) for name in RASTERS}
    try:
        problems = check_region(region)
    except Exception as error:  # noqa: BLE001 - an audit reports what stops the checks, whatever it is
        problems = [Problem("region", f"cannot be checked: {error}")]
    return Evidence(
        name=region.name,
        crs=region.grid.crs,
        grid=region.grid,
        sheets=sheets,
        rasters=rasters,
        raster_files={n: ("", region.grid.crs, (r.shape[0], r.shape[1])) for n, r in rasters.items()},
        sources={s.layer: s for s in region.sources},
        givers={s.layer: s.source for s in region.sources},
        refusals=_refusals(problems),
    )


def _from_folder(folder: Path) -> Evidence:
    if not folder.is_dir():
        raise InputError(Problem(str(folder), "is no folder; a region is a folder with region.toml"))
    if not (folder / "region.toml").is_file():
        raise InputError(Problem(folder.name, "holds no region.toml, so it is no region"))
    tree = _description(folder / "region.toml")
    head = tree["region"]
    problems = _strict(folder)
    rasters, files, grid = {}, {}, None
    for name in RASTERS:
        found = raster_as_found(folder / f"{name}.tif")
        if found is not None:
            rasters[name], files[name], place = found
            grid = place if name == "elevation" else grid
    crs = _usable_crs(str(head.get("crs", "")), files, problems)
    if grid is not None:
        grid = Grid(crs, grid.west_m, grid.north_m, grid.cell_m, grid.height, grid.width)
    sheets = {}
    for name in LAYERS:
        sheet = read_sheet(folder, name, crs=crs)
        if sheet is not None:
            sheets[name] = sheet
    entries = {str(k): v for k, v in tree["layers"].items() if isinstance(v, dict)}
    return Evidence(
        name=str(head.get("name", folder.name)),
        crs=crs,
        grid=grid,
        sheets=sheets,
        rasters=rasters,
        raster_files=files,
        sources={k: _source(k, v) for k, v in entries.items()},
        givers={k: str(v.get("owner") or v.get("source") or "") for k, v in entries.items()},
        owners={k: str(v["owner"]) for k, v in entries.items() if v.get("owner")},
        refusals=_refusals(problems),
        stray=_stray(folder, {*sheets, *rasters}),
    )


def _description(path: Path) -> dict[str, dict[str, Any]]:
    # a broken region.toml is refused by the strict reader, and so becomes a record
    try:
        tree = toml_tree(path)
    except InputError:
        tree = {}
    return {k: v if isinstance(v := tree.get(k), dict) else {} for k in ("region", "layers")}


def _source(layer: str, entry: Mapping[str, Any]) -> Source:
    kind, source, licence, as_of, notes = (
        str(entry.get(w, "")) for w in ("kind", "source", "licence", "as_of", "notes")
    )
    share = entry.get("share", 1.0)
    usable = isinstance(share, int | float) and 0.0 <= share <= 1.0
    return Source(layer, kind, source, licence, as_of, notes, float(share) if usable else 1.0)


def _strict(folder: Path) -> list[Problem]:
    """Return what the reader that plans are made with says of the folder."""
    try:
        Region.read(folder)
    except InputError as error:
        return list(error.problems)
    except Exception as error:  # noqa: BLE001 - an audit reports what stops the reader, whatever it is
        return [Problem(folder.name, f"cannot be read: {type(error).__name__}: {str(error)[:200]}")]
    return []


def _usable_crs(
    stated: str, files: Mapping[str, tuple[str, str, tuple[int, int]]], problems: list[Problem]
) -> str:
    for crs in (stated, *(f[1] for f in files.values())):
        try:
            if crs and CRS.from_user_input(crs).is_projected:
                return crs
        except CRSError:
            continue
    problems.append(
        Problem(
            "region.toml",
            f"names no projected CRS; places were read as {_FALLBACK_CRS} for this audit",
            column="region.crs",
            value=stated,
        )
    )
    return _FALLBACK_CRS


def _refusals(problems: list[Problem]) -> tuple[Refusal, ...]:
    known = {*LAYERS, *RASTERS}
    found = []
    for problem in problems:
        if _REST.match(problem.what):
            continue  # the rows it counts are records of their own
        stem = Path(problem.where).stem
        named = re.match(r"has no (\w+)\.", problem.what)
        layer = stem if stem in known else named[1] if named and named[1] in known else "region"
        found.append(Refusal(layer, problem))
    return tuple(found)


def _stray(folder: Path, found: set[str]) -> dict[str, str]:
    missing = {*LAYERS, *RASTERS} - found
    paths = sorted(p for p in folder.iterdir() if p.is_file() and p.stem in missing)
    return {p.stem: p.suffix.lower().lstrip(".") for p in paths}

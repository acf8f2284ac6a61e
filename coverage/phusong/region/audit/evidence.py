"""A region as it lies there, good or bad: every layer that can be read at all, and what could not be."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyproj import CRS
from pyproj.exceptions import CRSError

from phusong.bounded import toml_tree
from phusong.errors import InputError, Problem
from phusong.region.audit.reading import Sheet, read_raster, read_sheet, sheet_of
from phusong.region.check import check_region
from phusong.region.grid import Grid
from phusong.region.schema import LAYERS
from phusong.region.store import Region, Source

__all__ = ["RASTERS", "Evidence", "Refusal", "gather"]

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
    sheets: Mapping[str, Sheet]
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
        found = read_raster(folder / f"{name}.tif")
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

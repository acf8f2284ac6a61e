"""Region: RegionData that reads and writes its folder."""

import hashlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import rasterio
import tomli_w
from pyproj import CRS
from pyproj.exceptions import CRSError

from phusong.errors import InputError, Notice, Problem, in_digits, plural, refuse
from phusong.io.atomic import whole_folder
from phusong.io.html import card, html_table
from phusong.io.limits import MOST_LIST_BYTES, read_bytes, toml_tree
from phusong.io.raster import MOST_PIXELS
from phusong.io.resources import table
from phusong.region import Grid
from phusong.region.antennas import AntennaPattern, antenna_text, read_antennas
from phusong.region.read.columns import RECORD_LAYERS, counted_kinds, kinds_of, said_kinds
from phusong.region.read.raster_meaning import Quantity, RasterMeaning, meaning_of
from phusong.region.read.table import plain_cells, safe_cells, write_table
from phusong.region.read.values import as_in_a_file, completed
from phusong.region.schema import GEOMETRY_LAYERS, KINDS, LAYERS, RASTERS, TABLE_LAYERS

if TYPE_CHECKING:
    from phusong.region.read.table import Reading

__all__ = ["Region", "Source", "read_classes", "read_heights"]

_SAME_PLACE = 1e-3  # of a pixel: what rounding in a header may move it


def read_heights(path: Path, crs: str) -> tuple[npt.NDArray[np.float32], Grid]:
    """Return ground heights and the grid they lie on.

    Parameters
    ----------
    path : Path
        elevation.tif.
    crs : str
        CRS of the region.

    Raises
    ------
    InputError
        If it is missing, broken, rotated, in another CRS, or holds heights that are none.
    """
    if not path.is_file():
        raise InputError(Problem(path.name, "is missing: ground heights on the region's grid"))
    heights, grid = _read_raster(path, crs, "height")
    values = heights.astype(np.float32)
    holes = int((~np.isfinite(values)).sum())
    of_all = " (all of them)" if holes == values.size else ""
    told = f"has no height in {plural(holes, 'pixel')}{of_all}; {_FILLED}"
    found = [Problem(path.name, told)] if holes else []
    refuse([*found, *_beyond_limits(values, "elevation", path.name)])
    return values, grid


def read_classes(path: Path, grid: Grid) -> npt.NDArray[np.uint8]:
    """Return the clutter classes of a grid; open ground everywhere where there is no such file.

    Parameters
    ----------
    path : Path
        clutter.tif.
    grid : Grid
        Of elevation.tif, which it must share.

    Raises
    ------
    InputError
        If it is broken, lies on another grid, or holds codes that geodata/clutter.csv does not.
    """
    if not path.is_file():
        return np.zeros(grid.shape, np.uint8)
    classes, place = _read_raster(path, grid.crs, "class")
    if classes.shape != grid.shape:
        raise InputError(Problem(path.name, f"has {classes.shape} pixels; elevation.tif has {grid.shape}"))
    moved = max(
        abs(place.west_m - grid.west_m), abs(place.north_m - grid.north_m), abs(place.cell_m - grid.cell_m)
    )
    if moved > _SAME_PLACE * grid.cell_m:
        raise InputError(
            Problem(path.name, "lies on another grid than elevation.tif; resample it onto that one")
        )
    known = table("clutter")["class"].to_numpy(np.int64)
    strange = np.unique(classes[~np.isin(classes, known)])[:10]
    if strange.size:
        told = f"holds classes that geodata/clutter.csv does not ({', '.join(f'{c:g}' for c in strange)})"
        raise InputError(
            Problem(path.name, f"{told}; build the region anew with --clutter and --clutter-legend")
        )
    return classes.astype(np.uint8)


def _read_raster(path: Path, crs: str, quantity: Quantity) -> tuple[npt.NDArray[Any], Grid]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a raster without a place is refused below
            # by this driver alone: another would follow what the file names, over the network too
            with rasterio.open(path, driver="GTiff") as source:
                refuse(_too_large(source, path.name))
                meaning = _understood(source, path.name, quantity)
                values = source.read(meaning.band, masked=True)
                t, known = source.transform, source.crs
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - a broken file makes GDAL's binding raise anything
        told = f"is no readable GeoTIFF, or is cut off ({' '.join(str(error).split())[:120]})"
        raise InputError(Problem(path.name, told)) from None
    refuse(_misplaced(t, known, path.name, crs))
    plain = values.filled(np.nan) if np.issubdtype(values.dtype, np.floating) else values.data
    if np.ma.is_masked(values) and not np.issubdtype(values.dtype, np.floating):
        plain = values.astype(np.float64).filled(np.nan)
    plain = meaning.applied(plain)
    return np.asarray(plain), Grid(crs or known.to_string(), t.c, t.f, t.a, values.shape[0], values.shape[1])


def _understood(source: Any, where: str, quantity: Quantity) -> RasterMeaning:  # noqa: ANN401 - rasterio carries no types
    meaning = meaning_of(source, where, quantity)
    if isinstance(meaning, list):
        raise InputError(meaning)
    return meaning


def _too_large(source: Any, where: str) -> list[Problem]:  # noqa: ANN401 - rasterio carries no types
    if source.width * source.height <= MOST_PIXELS:
        return []
    told = f"states {source.width:,} × {source.height:,} pixels; at most {MOST_PIXELS:,} are read: use a coarser grid"
    return [Problem(where, told)]


def _misplaced(t: Any, known: Any, where: str, crs: str) -> list[Problem]:  # noqa: ANN401 - rasterio carries no types
    if known is None:
        return [Problem(where, f"has no CRS; expected {crs}")]
    if not (t.a > 0 > t.e) or abs(t.a + t.e) > _SAME_PLACE * t.a or t.b or t.d:
        return [Problem(where, "must have square, north-up pixels; warp it, e.g. with gdalwarp")]
    try:
        same = not crs or CRS.from_user_input(crs) == CRS.from_wkt(known.to_wkt())
    except CRSError:
        return []  # the region's own CRS is refused where it stands
    return (
        []
        if same
        else [Problem(where, f"is in {known.to_string()[:60]}, the region in {crs}; warp it to that one")]
    )


def _beyond_limits(values: npt.NDArray[np.float32], name: str, where: str) -> list[Problem]:
    raster = RASTERS[name]
    bad = np.isfinite(values) & ((values < raster.least) | (values > raster.most))
    if not bad.any():
        return []
    row, col = (int(k) for k in np.argwhere(bad)[0])
    told = (
        f"is no {raster.meaning} ({raster.least:g} to {raster.most:g} {raster.unit}) in {plural(int(bad.sum()), 'pixel')}, first in "
        f"row {row + 1}, column {col + 1}; does it stand for no data? {_FILLED}"
    )
    return [Problem(where, told, value=f"{values[row, col]:g}")]


_FILLED = "build the region anew with --elevation, which fills what is missing"


LEFT_OUT = "left-out"
"""Folder of a region with the rows of imported lists that could not be used."""


_DECIDING = {"sites": ("power_source",)}
"""Columns without which a region's own table is refused, although a list may be imported without them."""


@dataclass(frozen=True)
class Source:
    """Where a layer comes from.

    Parameters
    ----------
    layer : str
        Name of the layer.
    kind : str
        ``measured``, ``official``, ``modelled`` or ``assumed``.
        Records that say their own (``record_kind``) are of that.
    source, licence, as_of, notes : str
        For people.
    share : float
        Share of a raster's pixels that are of this kind; the others were filled in and are modelled.
    """

    layer: str
    kind: str
    source: str
    licence: str = ""
    as_of: str = ""
    notes: str = ""
    share: float = 1.0


@dataclass(frozen=True)
class Region:
    """What is there: every layer of one area on one grid.

    Tables follow the data dictionary; `elevation` (m) and `clutter` (class codes
    of geodata/clutter.csv) lie on `grid`. `repairs` lists what was mended in the
    sources and why. `antennas` holds measured patterns by file name. `left_out` holds,
    by layer, the rows of imported lists that could not be used. `notices` tells what reading the folder itself
    converted or filled in; a region that phusong wrote has none.
    """

    name: str
    grid: Grid
    communes: gpd.GeoDataFrame
    demand: pd.DataFrame
    settlements: gpd.GeoDataFrame
    sites: gpd.GeoDataFrame
    cells: pd.DataFrame
    power_nodes: gpd.GeoDataFrame
    power_lines: pd.DataFrame
    links: pd.DataFrame
    operators: pd.DataFrame
    facilities: gpd.GeoDataFrame
    elevation: npt.NDArray[np.float32]
    clutter: npt.NDArray[np.uint8]
    sources: tuple[Source, ...]
    repairs: pd.DataFrame = field(default_factory=pd.DataFrame)
    antennas: Mapping[str, AntennaPattern] = field(default_factory=dict)
    left_out: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()

    def __post_init__(self) -> None:
        # whoever made the tables, every column of the dictionary is there
        for layer in (*GEOMETRY_LAYERS, *TABLE_LAYERS):
            object.__setattr__(self, layer, completed(getattr(self, layer), layer))
        for layer in GEOMETRY_LAYERS:
            object.__setattr__(self, layer, as_in_a_file(getattr(self, layer)))

    @classmethod
    def read(cls, path: str | Path) -> "Region":
        """Return the region in a folder, checked.

        Raises
        ------
        InputError
            Listing everything that is missing or wrong.
        """
        from phusong.region.validate import check_region  # noqa: PLC0415 - checks know the region's type

        region = _read(cls, Path(path))
        refuse(check_region(region))
        return region

    def write(self, path: str | Path) -> Path:
        """Write the folder in one piece; an older region there is replaced, any other folder refused."""
        target = Path(path)
        with whole_folder(target, kind="a region", is_ours=_is_region) as folder:
            _write(self, folder)
        return target

    def source_of(self, layer: str) -> Source:
        """Return where a layer comes from; ``assumed`` when nothing is said."""
        return next((s for s in self.sources if s.layer == layer), Source(layer, "assumed", "not stated"))

    def record_kinds(self, layer: str) -> npt.NDArray[np.str_]:
        """Return how each record of a table came to be: its own word, else its layer's."""
        return kinds_of(getattr(self, layer), self.source_of(layer).kind)

    def kind_counts(self, layer: str) -> Mapping[str, int]:
        """Return how many records of a table are of each kind, best first; nothing of a raster."""
        return counted_kinds(self.record_kinds(layer)) if layer in LAYERS else {}

    def kind_said(self, layer: str) -> str:
        """Return how a layer came to be, for people: one word, or counts where its records or pixels differ."""
        source = self.source_of(layer)
        if layer in RECORD_LAYERS:
            counts = self.kind_counts(layer)
            return next(iter(counts), source.kind) if len(counts) < 2 else said_kinds(counts)
        if source.share < 1.0:
            return f"{source.kind}; {_percent(1.0 - source.share)} of the pixels modelled"
        return source.kind

    def _repr_html_(self) -> str:
        layers = [
            (
                s.layer,
                f"{len(getattr(self, s.layer)):,}" if s.layer in LAYERS else "raster",
                self.kind_said(s.layer),
                s.as_of,
                s.source,
            )
            for s in self.sources
        ]
        side = f"{self.grid.width} × {self.grid.height} pixels of {self.grid.cell_m:g} m, {self.grid.crs}"
        people = f"{int(self.communes['population'].sum()):,}"
        rows = [("communes", f"{len(self.communes):,}"), ("people", people), ("grid", side)]
        table = html_table(["layer", "rows", "kind", "as of", "source"], layers)
        return card(f"Region {self.name}", rows, parts=[table])

    def digests(self) -> Mapping[str, str]:
        """Return a SHA-256 per layer, over its values only: the same content gives the same digest."""
        out = {}
        for name in (*GEOMETRY_LAYERS, *TABLE_LAYERS):
            out[name] = _table_digest(getattr(self, name))
        for name in ("elevation", "clutter"):
            out[name] = hashlib.sha256(np.ascontiguousarray(getattr(self, name)).tobytes()).hexdigest()
        for name, pattern in sorted(self.antennas.items()):
            out[f"antennas/{name}"] = hashlib.sha256(antenna_text(pattern).encode()).hexdigest()
        return out


def _percent(share: float) -> str:
    return f"{in_digits(100.0 * share, 2)} %"


def _is_region(folder: Path) -> bool:
    return (folder / "region.toml").is_file()


def _table_digest(table: pd.DataFrame) -> str:
    digest = hashlib.sha256()
    for name in sorted(table.columns):
        digest.update(str(name).encode())
        values = table[name]
        if name == "geometry":
            for part in gpd.GeoSeries(values).to_wkb():
                digest.update(part if part is not None else b"-")
        else:
            # as plain objects: an Arrow column hands its values out one by one
            digest.update("\x1f".join(values.astype(str).to_numpy(object)).encode())
    return digest.hexdigest()


def _write(region: Region, folder: Path) -> None:
    for name in LAYERS:
        write_table(getattr(region, name), folder / f"{name}.parquet", name)
    if len(region.repairs.columns):
        region.repairs.to_csv(folder / "repairs.csv", index=False)
    if region.left_out:
        (folder / LEFT_OUT).mkdir()
    for name, rows in region.left_out.items():
        safe_cells(rows).to_csv(folder / LEFT_OUT / f"{name}.csv", index=False, lineterminator="\n")
    if region.antennas:
        (folder / "antennas").mkdir()
    for name, pattern in region.antennas.items():
        (folder / "antennas" / name).write_text(antenna_text(pattern), encoding="utf-8")
    for name, values, nodata in (
        ("elevation", region.elevation, float("nan")),
        ("clutter", region.clutter, None),
    ):
        profile = {
            "driver": "GTiff",
            "dtype": values.dtype.name,
            "count": 1,
            "height": region.grid.height,
            "width": region.grid.width,
            "crs": region.grid.crs,
            "transform": region.grid.transform,
            "nodata": nodata,
            "tiled": True,
            "compress": "deflate",
        }
        with rasterio.open(folder / f"{name}.tif", "w", **profile) as out:
            out.write(values, 1)
    tree: dict[str, Any] = {
        "region": {"name": region.name, "crs": region.grid.crs, "cell_m": region.grid.cell_m},
        "layers": {
            s.layer: {
                f.name: getattr(s, f.name)
                for f in fields(s)
                # a whole raster of one kind needs no share
                if f.name != "layer" and (f.name != "share" or s.share < 1.0)
            }
            for s in region.sources
        },
    }
    (folder / "region.toml").write_text(tomli_w.dumps(tree), encoding="utf-8")


def _read(cls: type[Region], folder: Path) -> Region:
    if not folder.is_dir():
        raise InputError(
            Problem(str(folder), "is no folder; a region is a folder with region.toml and its layers")
        )
    if not (folder / "region.toml").is_file():
        raise InputError(Problem(folder.name, "holds no region.toml, so it is no region"))
    tree = toml_tree(folder / "region.toml")
    refuse(_no_tables(tree))
    head = tree.get("region", {})
    crs = str(head.get("crs", ""))
    problems = _crs_problems(crs)
    layers: dict[str, Any] = {}
    changed: list[tuple[str, Notice]] = []
    stored, wrong = _from_postgis(tree, folder, crs)
    problems += wrong
    for name in (*GEOMETRY_LAYERS, *TABLE_LAYERS):
        try:
            read = stored[name] if name in stored else _read_layer(folder, name, crs)
            if read is None:
                continue  # its problems are told already
            problems += _undecided(name, read)
            layers[name] = read.frame
            changed += [(name, notice) for notice in read.notices]
        except InputError as error:
            problems += error.problems
    rasters: dict[str, Any] = {}
    try:
        rasters["elevation"], rasters["grid"] = read_heights(folder / "elevation.tif", crs)
        rasters["clutter"] = read_classes(folder / "clutter.tif", rasters["grid"])
    except InputError as error:
        problems += error.problems
    antennas: Mapping[str, AntennaPattern] = {}
    try:
        antennas = read_antennas(folder / "antennas")
    except InputError as error:
        problems += error.problems
    refuse(problems)
    sources = tuple(
        Source(
            str(name),
            **{k: str(entry.get(k, "")) for k in ("kind", "source", "licence", "as_of", "notes")},
            share=entry.get("share", 1.0),
        )
        for name, entry in tree.get("layers", {}).items()
    )
    bad = [
        Problem(
            "region.toml", "is no share from 0 to 1", column=f"layers.{s.layer}.share", value=str(s.share)
        )
        for s in sources
        if isinstance(s.share, bool) or not isinstance(s.share, int | float) or not 0.0 <= s.share <= 1.0
    ]
    bad += [
        Problem(
            "region.toml", f"is not one of {', '.join(KINDS)}", column=f"layers.{s.layer}.kind", value=s.kind
        )
        for s in sources
        if s.kind not in KINDS
    ]
    refuse(bad)
    return cls(
        name=str(head.get("name", folder.name)),
        sources=sources,
        repairs=_with_notices(_repairs(folder / "repairs.csv"), changed),
        antennas=antennas,
        left_out=_left_out(folder / LEFT_OUT),
        notices=tuple(notice for _, notice in changed),
        **rasters,
        **layers,
    )


def _undecided(layer: str, read: "Reading") -> list[Problem]:
    """Return the columns that a region's own table must have, whatever an import would take in their place."""
    columns = {c.name: c for c in LAYERS[layer]}
    return [
        Problem(
            layer,
            f"is missing ({columns[name].meaning}: {', '.join(columns[name].among)}): a run cannot tell who goes dark; write "
            f"the column, or take the list in with `phusong region import`, which says what it fills in",
            column=name,
        )
        for name in _DECIDING.get(layer, ())
        if name in read.absent
    ]


def _no_tables(tree: Mapping[str, Any]) -> list[Problem]:
    layers = tree.get("layers", {})
    named = {"region": tree.get("region", {}), "layers": layers}
    named |= {f"layers.{k}": v for k, v in layers.items()} if isinstance(layers, dict) else {}
    return [
        Problem("region.toml", "must be a table", column=name)
        for name, held in named.items()
        if not isinstance(held, dict)
    ]


def _repairs(path: Path) -> pd.DataFrame:
    if not path.exists():
        return pd.DataFrame()
    try:
        return pd.read_csv(BytesIO(read_bytes(path, MOST_LIST_BYTES)), dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:
        told = f"cannot be read as CSV ({' '.join(str(error).split())[:100]}); delete it, or restore it"
        raise InputError(Problem(path.name, told)) from None


def _left_out(folder: Path) -> Mapping[str, pd.DataFrame]:
    found = {}
    for name in LAYERS:
        rows = _repairs(folder / f"{name}.csv")
        if len(rows.columns):
            found[name] = rows.apply(plain_cells)
    return found


def _crs_problems(crs: str) -> list[Problem]:
    if not crs:
        return [
            Problem(
                "region.toml", 'has no crs; write e.g. crs = "EPSG:32648" under [region]', column="region.crs"
            )
        ]
    try:
        projected = CRS.from_user_input(crs).is_projected
    except CRSError:
        return [
            Problem("region.toml", "is no known coordinate reference system", column="region.crs", value=crs)
        ]
    if not projected:
        return [
            Problem(
                "region.toml",
                "is in degrees; a region needs a projected CRS in metres",
                column="region.crs",
                value=crs,
            )
        ]
    return []


def _with_notices(repairs: pd.DataFrame, changed: list[tuple[str, Notice]]) -> pd.DataFrame:
    """Return the repairs of a region with what its readers converted now: nothing, once it has been written."""
    rows = [{"layer": name, "column": n.column or "", "reason": str(n)} for name, n in changed]
    if not rows:
        return repairs
    return pd.concat([repairs, pd.DataFrame(rows, dtype="str")], ignore_index=True).fillna("")


def _from_postgis(
    tree: Mapping[str, Any], folder: Path, crs: str
) -> "tuple[Mapping[str, Reading | None], list[Problem]]":
    from phusong.region.postgis import layers_from_postgis  # noqa: PLC0415 - it knows the readers, as below

    return layers_from_postgis(tree, folder, crs)


def _read_layer(folder: Path, name: str, crs: str) -> "Reading":
    from phusong.region.read.table import read_layer  # noqa: PLC0415 - readers know the schema, not the store

    for ending in ("parquet", "gpkg", "geojson", "csv"):
        path = folder / f"{name}.{ending}"
        if path.is_file():
            return read_layer(path, name, crs=crs)
    raise InputError(Problem(folder.name, f"has no {name}.parquet, .gpkg, .geojson or .csv"))

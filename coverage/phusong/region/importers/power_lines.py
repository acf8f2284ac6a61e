"""Drawn or predicted power lines (gridfinder, OpenStreetMap, a utility's map), joined to the region's power nodes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Transformer
from rasterio.windows import Window, from_bounds

from phusong.compute.array_types import Floats
from phusong.errors import InputError, Notice, Problem, refuse, unused_notices
from phusong.io.archive import unpacked_files
from phusong.io.raster import RASTER_ERRORS, open_raster
from phusong.region.folder import Region, Source
from phusong.region.importers.base import Imported, Options, Repair, names_of
from phusong.region.power_merge import REASONS, GridJoin, join_lines, kilovolts
from phusong.region.read.geometry import read_part, shaped

__all__ = ["import_gridfinder", "import_power_lines", "joined_layers", "raster_lines"]


_ENDINGS = (".gpkg", ".geojson", ".json", ".shp", ".tif", ".tiff")
_VOLTAGES = ("voltage_kv", "voltage", "voltage_class", "dien_ap", "cap_dien_ap", "voltage_kV")
_MARGIN_M = 5000.0
_MOST_PIXELS = 3_000_000
_MOST_ROWS = 500


def import_gridfinder(region: Region, files: Sequence[Path], options: Options) -> Imported:
    """Return layers `power_nodes` and `power_lines` with gridfinder's lines; errors of :func:`import_power_lines`."""
    return _imported(
        region, files, options, "gridfinder", "CC BY 4.0", "predicted from lights at night and roads"
    )


def import_power_lines(region: Region, files: Sequence[Path], options: Options) -> Imported:
    """Return layers `power_nodes` and `power_lines` with the lines of files, as one tree over the region's nodes.

    Parameters
    ----------
    region : Region
        Its power nodes, and its lines where the files have none.
    files : sequence of Path
        GeoPackage, GeoJSON (.gz), Shapefile (.zip) of lines, with their voltage where known; or GeoTIFF of pixels that a line
        crosses (above 0).
    options : Options
        See :class:`Options`.

    Raises
    ------
    InputError
        Naming everything wrong: no CRS, no line in the region, swapped coordinates, shapes that are no lines.
    """
    return _imported(region, files, options, "lines", "", "as drawn")


def joined_layers(
    region: Region, join: GridJoin, where: str, source: str, licence: str, as_of: str, how: str
) -> Imported:
    """Return joined power layers with their sources, and a repair for each source of lines that was inferred."""
    own = join.lines["origin"].isin(["before", *_origins(region)])
    km = float(join.lines["length_km"][own].sum())
    notes = f"{how}: {'; '.join(join.report())}; {km:,.0f} km as before ({region.source_of('power_lines').source}); faults and repair times assumed"
    # a tree of both kinds is called by the weaker
    sources = (
        Source(
            "power_nodes",
            "modelled",
            f"{region.source_of('power_nodes').source}; {source}",
            licence,
            as_of,
            "junctions where drawn lines branch; the other nodes as before",
        ),
        Source("power_lines", "modelled", source, licence, as_of, notes),
    )
    rows = tuple(
        Repair(
            "power_lines",
            f"the source of drawn lines was inferred from {REASONS[reason]}",
            f"{east_m:.0f},{north_m:.0f}",
            "",
            "geometry",
            f"{km:.3f} km",
            "modelled source",
        )
        for east_m, north_m, km, reason in join.inferred.head(_MOST_ROWS).to_numpy().tolist()
    )
    notices = tuple(Notice(where, part, "geometry") for part in join.report())
    lines = _said(join.lines, region, "power_lines", "line_id")
    drawn = (lines["record_kind"] == "").to_numpy(bool)
    # what somebody drew is measured; a prediction and the joins between are a model's
    real = drawn & ~lines["origin"].isin(["connection", "inferred", "gridfinder"]).to_numpy(bool)
    lines = lines.assign(
        record_kind=np.where(real, "measured", np.where(drawn, "modelled", lines["record_kind"]))
    )
    nodes = _said(join.nodes, region, "power_nodes", "node_id")
    return Imported({"power_nodes": nodes, "power_lines": lines}, sources, notices, rows)


def _said(table: Any, region: Region, layer: str, key: str) -> Any:  # noqa: ANN401 - with or without geometry
    """Return a table whose rows of before say what they were; new ones say nothing yet."""
    before = getattr(region, layer)
    was = dict(zip(before[key].astype(str), region.record_kinds(layer).tolist(), strict=True))
    own = table["record_kind"].fillna("") if "record_kind" in table.columns else [""] * len(table)
    kinds = [was.get(str(k), str(o)) for k, o in zip(table[key], own, strict=True)]
    return table.assign(record_kind=kinds)


def raster_lines(path: Path, region: Region) -> npt.NDArray[Any]:
    """Return lines between neighbouring pixels above 0, in the region's CRS.

    Diagonal neighbours are joined only where no pixel beside both would join them.
    """
    try:
        with open_raster(path) as source:
            if source.crs is None:
                raise InputError(
                    Problem(path.name, "has no CRS; say which one it is in, e.g. with gdal_edit.py -a_srs")
                )
            if source.transform.b or source.transform.d:
                raise InputError(
                    Problem(path.name, "is rotated; warp it so that north is up, e.g. with gdalwarp FILE NEW")
                )
            window = _window(source, region)
            values = source.read(1, window=window, masked=True)
            on = np.ma.filled(values > 0, fill_value=False)
            transform, crs = source.window_transform(window), source.crs
    except RASTER_ERRORS as error:
        told = f"is no readable raster, or is cut off ({' '.join(str(error).split())[:120]})"
        raise InputError(Problem(path.name, told)) from None
    if on.sum() > min(_MOST_PIXELS, max(1000, on.size // 2)):
        told = f"has lines in {int(on.sum())} of {on.size} pixels: expected a raster that is 0 off the lines"
        raise InputError(Problem(path.name, told))
    pairs = []
    for dr, dc in ((0, 1), (1, 0), (1, 1), (1, -1)):
        a = _shifted(on, 0, 0, dr, dc) & _shifted(on, dr, dc, dr, dc)
        if dr and dc:
            a &= ~(_shifted(on, dr, 0, dr, dc) | _shifted(on, 0, dc, dr, dc))
        row, col = np.nonzero(a)
        col = col + max(-dc, 0)
        pairs.append(np.c_[row, col, row + dr, col + dc])
    cells = np.concatenate(pairs)
    x, u = (transform.c + transform.a * (cells[:, k] + 0.5) for k in (1, 3))
    y, v = (transform.f + transform.e * (cells[:, k] + 0.5) for k in (0, 2))
    to_grid = Transformer.from_crs(crs, region.grid.crs, always_xy=True)
    (x, y), (u, v) = to_grid.transform(x, y), to_grid.transform(u, v)
    return np.asarray(shapely.linestrings(np.stack([np.c_[x, y], np.c_[u, v]], axis=1)), dtype=object)


def _shifted(on: npt.NDArray[np.bool_], r: int, c: int, dr: int, dc: int) -> npt.NDArray[np.bool_]:
    """Return the pixels at (r, c) from each pixel whose neighbour at (dr, dc) is on the raster."""
    high, wide = on.shape
    left = max(-dc, 0)
    return on[r : high - dr + r, left + c : wide - max(dc, 0) + c]


def _window(source: Any, region: Region) -> Window:  # noqa: ANN401
    west, south, east, north = region.grid.bounds
    to_own = Transformer.from_crs(region.grid.crs, source.crs, always_xy=True)
    box = to_own.transform_bounds(
        west - _MARGIN_M, south - _MARGIN_M, east + _MARGIN_M, north + _MARGIN_M, densify_pts=21
    )
    (top, bottom), (left, right) = from_bounds(*box, transform=source.transform).toranges()
    top, bottom = max(int(np.floor(top)), 0), min(int(np.ceil(bottom)), source.height)
    left, right = max(int(np.floor(left)), 0), min(int(np.ceil(right)), source.width)
    if top >= bottom or left >= right:
        raise InputError(
            Problem(Path(source.name).name, "does not overlap the region; are its coordinates swapped?")
        )
    return Window(left, top, right - left, bottom - top)


def _imported(
    region: Region, files: Sequence[Path], options: Options, origin: str, licence: str, how: str
) -> Imported:
    shapes: list[npt.NDArray[Any]] = []
    volts: list[Floats] = []
    told: list[Notice] = []
    problems: list[Problem] = []
    with unpacked_files(files, _ENDINGS) as found:
        for path in found:
            try:
                if path.suffix.lower() in {".tif", ".tiff"}:
                    lines = raster_lines(path, region)
                    kv = np.zeros(len(lines))
                else:
                    lines, kv, notices = _vector_lines(path, region, options.crs)
                    told += notices
            except InputError as error:
                problems += error.problems
                continue
            shapes.append(lines)
            volts.append(kv)
    refuse(problems)
    drawn, kv = np.concatenate(shapes), np.concatenate(volts)
    where = names_of(files)
    if not drawn.size:
        raise InputError(Problem(where, "has no power line in the region"))
    join = join_lines(region.power_nodes, region.power_lines, drawn, kv, origin)
    name = options.source or (f"gridfinder ({where})" if origin == "gridfinder" else where)
    made = joined_layers(region, join, where, name, options.licence or licence, options.as_of, how)
    return replace(made, notices=(*told, *made.notices))


def _vector_lines(
    path: Path, region: Region, crs: str
) -> tuple[npt.NDArray[Any], Floats, tuple[Notice, ...]]:
    """Return lines near the region in its CRS, their voltage, and what of the file was changed or not used.

    A large file is read only where the region lies.
    """
    part = read_part(path, region.grid, _VOLTAGES, crs=crs, margin_m=_MARGIN_M)
    frame, wrong, notices = shaped(part.frame, "communes", path.name, region.grid.crs, own_crs=crs)
    refuse(wrong)
    shapes = np.asarray(frame.geometry.to_numpy(), dtype=object)
    kinds = (shapely.GeometryType.LINESTRING, shapely.GeometryType.MULTILINESTRING)
    bad = ~np.isin(shapely.get_type_id(shapes), kinds)
    refuse(
        Problem(path.name, "is no line (it is missing, a point or an area)", int(i) + 1, "geometry")
        for i in np.flatnonzero(bad)[:20]
    )
    volts = [kilovolts(v) for v in frame[part.column]] if part.column else np.zeros(len(frame))
    mend = (
        f"the voltage was read from column {part.column}"
        if part.column
        else f"where one holds the voltage, name it {_VOLTAGES[0]}"
    )
    notices += unused_notices(part.others, "power lines", path.name, mend=mend)
    return shapes, np.asarray(volts, np.float64), tuple(notices)


def _origins(region: Region) -> list[str]:
    return (
        sorted(set(region.power_lines["origin"].astype(str)))
        if "origin" in region.power_lines.columns
        else []
    )

"""Commune boundaries."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from phusong.errors import InputError, Notice, Problem, plural, refuse, unused_notices
from phusong.region.folder import Region, Source
from phusong.region.importers.base import Imported, Options, conversion_repairs, names_of
from phusong.region.read.columns import ColumnMap, stamped
from phusong.region.read.encoding import fold
from phusong.region.read.geometry import shaped
from phusong.region.read.headings import headings_of
from phusong.region.read.table import open_table, table_of
from phusong.region.schema import LAYERS
from phusong.region.vietnam.old_units import Join, join_communes

__all__ = ["BorderFit", "border_fit", "import_boundaries"]

_HAIRLINE_M = 200.0  # a gap narrower than this lies between neighbours; a wider one is land of somebody else
_LEAST_M2 = 1.0


@dataclass(frozen=True)
class BorderFit:
    """Gaps and overlaps between areas.

    Parameters
    ----------
    gap_km2, overlap_km2 : float
        Ground between neighbours that belongs to none, and that belongs to two.
    gaps : int
        Number of gaps.
    overlaps : DataFrame
        first, second (positions), area_km2: every pair that overlaps, the largest first.
    """

    gap_km2: float
    overlap_km2: float
    gaps: int
    overlaps: pd.DataFrame

    def report(self) -> str:
        """Return what was found, for people."""
        return (
            f"{plural(self.gaps, 'gap')} ({self.gap_km2:.2f} km²) and {plural(len(self.overlaps), 'overlap')} ({self.overlap_km2:.2f} km²) "
            "between neighbours"
        )


def border_fit(areas: npt.NDArray[Any]) -> BorderFit:
    """Return the gaps and overlaps between areas in a CRS in metres.

    Parameters
    ----------
    areas : ndarray of polygons, shape (n,)
        Valid areas. [m]

    Notes
    -----
    A gap is what is enclosed when every area is widened by half a hairline and the whole narrowed again; holes of the
    union count too when they are that narrow.
    """
    tree = shapely.STRtree(areas)
    first, second = tree.query(areas, predicate="intersects")
    keep = first < second
    first, second = first[keep], second[keep]
    shared = shapely.area(shapely.intersection(areas[first], areas[second]))
    real = shared > _LEAST_M2
    pairs = pd.DataFrame({"first": first[real], "second": second[real], "area_km2": shared[real] / 1e6})
    pairs = pairs.sort_values(
        ["area_km2", "first", "second"], ascending=[False, True, True], ignore_index=True
    )
    whole = shapely.union_all(areas)
    # mitred joins keep the corners of the outline where they are
    closed = whole.buffer(_HAIRLINE_M / 2, join_style="mitre").buffer(-_HAIRLINE_M / 2, join_style="mitre")
    gaps = shapely.get_parts(shapely.difference(closed, whole))
    gaps = gaps[shapely.area(gaps) > _LEAST_M2]
    # a bay of the outline is closed by the widening too, but touches one area only
    neighbours = [len(tree.query(g.buffer(1.0), predicate="intersects")) for g in gaps]
    between = np.array(neighbours, np.int64) > 1
    return BorderFit(
        float(shapely.area(gaps[between]).sum()) / 1e6,
        float(pairs["area_km2"].sum()),
        int(between.sum()),
        pairs,
    )


_CODES = ("commune_code", *headings_of("communes", "commune_code"))
_NAMES = ("name", *headings_of("communes", "name"))
_DISTRICTS = ("district", "ten_huyen", "huyen", "adm2_vi", "name_2", "adm2_en")
_PROVINCES = ("province", *headings_of("communes", "province"))
_PEOPLE = ("population", *headings_of("communes", "population"))
_AREAS = ("area_km2", *headings_of("communes", "area_km2"))
_KINDS = ("kind", *headings_of("communes", "kind"))


def import_boundaries(region: Region, files: Sequence[Path], options: Options) -> Imported:
    """Return layer `communes` with the boundaries of files, by commune of the region.

    Rows join by code, else by name within their province, else as old units, which are put together to today's
    communes. Communes of the region that no file has keep their shape, cut where the new ones lie. The layer's frame
    carries in its attributes whether the files state people (`people_given`).

    Raises
    ------
    InputError
        Naming rows that cannot be used: no geometry, twice the same commune, code and name that disagree, names that
        fit several communes; or if nothing joins.
    """
    by = options.map_of("communes")
    where = names_of(files)
    frames: list[Any] = []
    notices: list[Notice] = []
    problems: list[Problem] = []
    for path in files:
        try:
            frame, changed = _shapes(path, region, by, options.crs)
            frames.append(frame)
            notices += changed
        except InputError as error:
            problems += error.problems
    refuse(problems)
    frame = pd.concat(frames, ignore_index=True)
    join = _joined(frame, region, where, by)
    refuse(join.problems)
    notices += join.notices
    mine = np.flatnonzero(join.codes != "")
    if not mine.size:
        raise InputError(Problem(where, _nothing(frame, region), column="commune_code"))
    table = frame.iloc[mine].assign(commune_code=join.codes[mine], row=mine + 1)
    is_old = bool(np.isin(join.how, ["old code", "old name"]).any())
    if not is_old:
        refuse(_twice(table, where))
    table = _dissolved(table) if is_old else table.drop_duplicates("commune_code")
    communes, kept = _layer(region, table, where)
    fit = border_fit(np.asarray(communes.geometry.to_numpy(), dtype=object))
    notices.append(Notice(where, fit.report(), "geometry"))
    if kept:
        told = f"not in the file; they keep their former shapes ({', '.join(kept[:10])})"
        notices.append(Notice(where, told, "commune_code", len(kept)))
    given = bool(communes.attrs["people_given"])
    notes = (
        f"{len(communes) - len(kept)} of {plural(len(communes), 'commune')} from the file; {fit.report()}; "
        + ("people per commune as the file states" if given else "people of each province as before")
    )
    if is_old:
        notes += "; put together from old units, divided ones given whole to the part that holds most of them"
    source = Source("communes", "official", options.source or where, options.licence, options.as_of, notes)
    return Imported(
        {"communes": communes}, (source,), tuple(notices), conversion_repairs("communes", join.conversions)
    )


def _shapes(path: Path, region: Region, by: ColumnMap, crs: str) -> tuple[Any, list[Notice]]:
    """Return a file's table with areas in the region's CRS; invalid ones cut where they cross themselves."""
    names = [*_CODES, *_NAMES, *by.columns.values()]
    opened = open_table(
        path,
        "communes",
        encoding=by.file.encoding,
        delimiter=by.file.delimiter,
        table=by.file.table,
        known=names,
    )
    frame = opened.frame
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        told = "holds no shapes; give boundaries as GeoPackage, Shapefile or GeoJSON"
        raise InputError(Problem(path.name, told))
    if frame.empty:
        raise InputError(Problem(path.name, "is empty"))
    frame, problems, notices = shaped(
        frame, "communes", path.name, region.grid.crs, own_crs=by.file.crs or crs, mend=True
    )
    refuse(problems)
    shapes = np.asarray(frame.geometry.to_numpy(), dtype=object)
    kinds = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
    bad = ~np.isin(shapely.get_type_id(shapes), kinds) | shapely.is_empty(shapes)
    refuse(
        Problem(path.name, "is no area: it is missing, empty, a point or a line", int(i) + 1, "geometry")
        for i in np.flatnonzero(bad)[:20]
    )
    read = {
        *_CODES,
        *_NAMES,
        *_DISTRICTS,
        *_PROVINCES,
        *_PEOPLE,
        *_AREAS,
        *_KINDS,
        *map(fold, by.columns.values()),
        "geometry",
    }
    unused = [str(c) for c in frame.columns if fold(c) not in read]
    notices += unused_notices(unused, "communes", path.name)
    return frame, [*opened.notices, *notices]


def _joined(frame: Any, region: Region, where: str, by: ColumnMap) -> Join:  # noqa: ANN401
    def found(ours: str, theirs: Sequence[str]) -> list[str] | None:
        names = {fold(c): c for c in frame.columns if c != "geometry"}
        wanted = by.columns.get(ours) or next((names[n] for n in theirs if n in names), None)
        if wanted is None or wanted not in frame.columns:
            return None
        return [_text(v) for v in frame[wanted]]

    codes, names = found("commune_code", _CODES), found("name", _NAMES)
    if codes is None and names is None:
        told = f"has no column of codes ({', '.join(_CODES[:5])}) nor of names ({', '.join(_NAMES[:5])})"
        raise InputError(Problem(where, told + "; name them in a file for --columns"))
    if codes is not None:
        # codes with letters (GADM, OCHA) hold the official digits behind the country's letters, or are others' own
        codes = [c[-5:] if c[:2].upper() == "VN" and c[-5:].isdigit() else c for c in codes]
    kinds = found("kind", _KINDS)
    words = {"xa": "commune", "phuong": "ward", "dac_khu": "special_zone"}
    middle = gpd.GeoSeries(shapely.point_on_surface(frame.geometry.to_numpy()), crs=region.grid.crs).to_crs(
        "EPSG:4326"
    )
    return join_communes(
        region.communes, where, codes=codes, names=names, provinces=found("province", _PROVINCES),
        districts=found("district", _DISTRICTS),
        kinds=None if kinds is None else [words.get(fold(k), "") for k in kinds],
        places=(middle.x.to_numpy(), middle.y.to_numpy()),
    )  # fmt: skip


def _text(value: object) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _nothing(frame: Any, region: Region) -> str:  # noqa: ANN401
    west, south, east, north = region.grid.bounds
    left, bottom, right, top = frame.total_bounds
    if left > east or right < west or bottom > north or top < south:
        return "does not overlap the region: is it another place, or are its coordinates swapped?"
    return "has no commune of the region, by code nor by name; name its columns in a file for --columns"


def _twice(table: Any, where: str) -> list[Problem]:  # noqa: ANN401
    again = table["commune_code"].duplicated(keep="first")
    first = table.drop_duplicates("commune_code").set_index("commune_code")["row"]
    return [
        Problem(
            where, f"stands in row {first[code]} too; one shape a commune", int(row), "commune_code", code
        )
        for row, code in zip(table["row"][again], table["commune_code"][again], strict=True)
    ]


def _dissolved(table: Any) -> Any:  # noqa: ANN401
    """Return today's communes put together from old units; their people are added up where stated."""
    sums = {fold(c): c for c in table.columns if fold(c) in (*_PEOPLE, *_AREAS)}
    shapes = table[["commune_code", "geometry"]].dissolve("commune_code")
    out = shapes.reset_index()
    for column in sums.values():
        numbers = pd.to_numeric(table[column], errors="coerce")
        out[column] = (
            numbers.groupby(table["commune_code"].to_numpy()).sum().reindex(out["commune_code"]).to_numpy()
        )
    return out


def _layer(region: Region, table: Any, where: str) -> tuple[gpd.GeoDataFrame, list[str]]:  # noqa: ANN401
    """Return the region's communes with the shapes, people and areas of the table, and the names of those not in it."""
    mine = table.set_index("commune_code")
    communes = stamped(region.communes, region.record_kinds("communes"))
    codes = communes["commune_code"].to_numpy(str)
    has = np.isin(codes, mine.index.to_numpy(str))
    shapes = np.asarray(communes.geometry.to_numpy(), dtype=object).copy()
    shapes[has] = np.asarray(mine.geometry.reindex(codes[has]).to_numpy(), dtype=object)
    kept = communes["name"].to_numpy(str)[~has].tolist()
    if kept:
        taken = shapely.union_all(shapes[has])
        left = shapely.difference(shapes[~has], taken)
        # what is covered whole keeps a shape, else the commune would be nowhere
        shapes[~has] = np.where(shapely.is_empty(left), shapes[~has], left)
        shapes[~has] = [_areas(s) for s in shapes[~has]]
    communes["record_kind"] = np.where(has, "", communes["record_kind"])
    numbers = _numbers(mine, where)
    if "population" in numbers:
        people = numbers["population"].reindex(codes)
        communes["population"] = np.where(has, people.fillna(0), communes["population"]).astype(np.int64)
    communes = communes.set_geometry(gpd.GeoSeries(shapes, index=communes.index, crs=region.grid.crs))
    square = np.round(shapely.area(shapes) / 1e6, 3)
    area = (
        numbers["area_km2"].reindex(codes).to_numpy()
        if "area_km2" in numbers
        else np.full(len(codes), np.nan)
    )
    communes["area_km2"] = np.where(has & (area > 0), area, np.where(has, square, communes["area_km2"]))
    communes["area_shape_km2"] = square
    out = table_of(communes, where, "communes", crs=region.grid.crs).frame
    out.attrs["people_given"] = "population" in numbers
    return out, kept


def _areas(shape: Any) -> Any:  # noqa: ANN401
    parts = [p for p in shapely.get_parts(shape) if p.geom_type == "Polygon"]
    return shapely.MultiPolygon(parts) if len(parts) > 1 else parts[0] if parts else shape


def _numbers(table: Any, where: str) -> dict[str, "pd.Series[float]"]:  # noqa: ANN401
    """Return stated people and areas by commune; a column that is there must hold numbers throughout."""
    out: dict[str, pd.Series[float]] = {}
    problems = []
    columns = {fold(c): c for c in table.columns}
    limits = {c.name: c for c in LAYERS["communes"]}
    for ours, theirs in (("population", _PEOPLE), ("area_km2", _AREAS)):
        name = next((columns[t] for t in theirs if t in columns), None)
        if name is None:
            continue
        values = pd.to_numeric(table[name], errors="coerce")
        bad = ~(np.isfinite(values) & (values >= 0)) if ours == "population" else values < 0
        for code in table.index[bad.to_numpy(bool)][:20]:
            told = f"is no number from 0 up ({limits[ours].meaning}, commune {code})"
            problems.append(Problem(where, told, column=str(name), value=table[name][code]))
        out[ours] = values
    refuse(problems)
    if "population" in out and not out["population"].sum() > 0:
        del out["population"]
    return out

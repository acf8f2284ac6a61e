"""What hangs on communes and people when either is replaced: every total kept, every person in one commune."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from rasterio.features import rasterize

from phusong.errors import InputError, Problem
from phusong.region.apportion import apportioned
from phusong.region.grid import Grid
from phusong.region.notices import Notice
from phusong.region.store import Region

__all__ = ["Rejoined", "Totals", "codes_of_places", "commune_rows", "with_communes", "with_people"]

Floats = npt.NDArray[np.float64]
Totals = Literal["province", "commune"]

_STAY_M = 100.0  # a place this near to the commune it names belongs there: published borders are simplified by half as much
_NEAR_M = 5000.0  # a place this far from every commune lies elsewhere
_MARGIN_M = 3000.0


@dataclass(frozen=True)
class Rejoined:
    """A region, and what was changed so that its layers join again."""

    region: Region
    notices: tuple[Notice, ...] = ()


def commune_rows(grid: Grid, communes: gpd.GeoDataFrame) -> npt.NDArray[np.int32]:
    """Return the row of the commune in which each pixel's centre lies; -1 where there is none."""
    shapes = [(g, i) for i, g in enumerate(communes.geometry)]
    found = rasterize(shapes, out_shape=grid.shape, transform=grid.transform, fill=-1, dtype="int32")
    return np.asarray(found, np.int32)


def with_people(region: Region, people: Floats, where: str, *, totals: Totals = "province") -> Rejoined:
    """Return the region with people where a raster has them, in the numbers that the communes state.

    Parameters
    ----------
    region : Region
        Its communes' `population` gives the totals.
    people : ndarray of float64, on the grid
        The pattern: people per pixel by another count.
    where : str
        The file's name, for problems and notices.
    totals : {"province", "commune"}
        Whether each province's or each commune's total is kept.

    Raises
    ------
    InputError
        If the raster has nobody in a province that has people.
    """
    at = commune_rows(region.grid, region.communes)
    communes = region.communes
    stated = communes["population"].to_numpy(np.int64)
    if totals == "commune":
        whole, notices = _by_commune(region, people, at, stated, where)
    else:
        whole, notices = _by_province(region, people, at, stated, where)
    return Rejoined(_peopled(region, whole, at), tuple(notices))


def with_communes(region: Region, communes: gpd.GeoDataFrame, where: str, *, people_given: bool) -> Rejoined:
    """Return the region with other communes; people, settlements and facilities go to the commune they lie in.

    Parameters
    ----------
    region : Region
        The region.
    communes : GeoDataFrame
        Layer `communes` in the region's CRS, with `population` where `people_given`.
    where : str
        The file's name, for notices.
    people_given : bool
        Whether `population` is to be kept; otherwise each province keeps the people it had.
    """
    before = region.communes.groupby("province_code")["population"].sum()
    grown, notices = _grown(region, communes, where)
    at = commune_rows(grown.grid, communes)
    row, col = grown.demand["row"].to_numpy(np.int64), grown.demand["col"].to_numpy(np.int64)
    people = np.zeros(grown.grid.shape)
    np.add.at(people, (row, col), grown.demand["population"].to_numpy(np.float64))
    lost = float(people[at < 0].sum())
    if lost:
        notices.append(
            Notice(
                where,
                f"{lost:,.0f} people stood outside the new boundaries; the others of their province stand for them",
            )
        )
    settled, told = _placed_in(grown.settlements, communes, "settlements", where)
    notices += told
    served, told = _placed_in(grown.facilities, communes, "facilities", where)
    notices += told
    named = replace(grown, communes=communes, settlements=settled, facilities=served)
    if people_given:
        whole, told = _by_commune(named, people, at, communes["population"].to_numpy(np.int64), where)
    else:
        share = communes["province_code"].map(before).fillna(0).to_numpy(np.int64)
        first = ~communes["province_code"].duplicated().to_numpy()
        whole, told = _by_province(named, people, at, np.where(first, share, 0), where)
    return Rejoined(_peopled(named, whole, at), (*notices, *told))


def codes_of_places(
    points: gpd.GeoSeries, codes: npt.NDArray[Any], communes: gpd.GeoDataFrame
) -> npt.NDArray[np.str_]:
    """Return the commune of each place: the one it names when it lies there, else the one it lies in or near.

    Parameters
    ----------
    points : GeoSeries of points, shape (n,)
        In the communes' CRS.
    codes : ndarray of str, shape (n,)
        Communes that the places name; empty: none.
    communes : GeoDataFrame
        Layer `communes`.

    Returns
    -------
    ndarray of str, shape (n,)
        Empty where a place lies farther than 5 km from every commune.
    """
    places = np.asarray(points.to_numpy(), dtype=object)
    shapes = np.asarray(communes.geometry.to_numpy(), dtype=object)
    known = communes["commune_code"].to_numpy(str)
    position = {c: i for i, c in enumerate(known)}
    named = np.array([position.get(str(c), -1) for c in codes], np.int64)
    out = np.full(places.size, "", dtype="<U5")
    own = np.flatnonzero(named >= 0)
    near = shapely.dwithin(places[own], shapes[named[own]], _STAY_M)
    out[own[near]] = known[named[own[near]]]
    open_ = np.flatnonzero(out == "")
    tree = shapely.STRtree(shapes)
    which, commune = tree.query(places[open_], predicate="intersects")
    out[open_[which]] = known[commune]
    open_ = np.flatnonzero(out == "")
    if open_.size:
        (which, commune), _ = tree.query_nearest(
            places[open_], max_distance=_NEAR_M, return_distance=True, all_matches=False
        )
        out[open_[which]] = known[commune]
    return out


def _placed_in(
    places: gpd.GeoDataFrame, communes: gpd.GeoDataFrame, layer: str, where: str
) -> tuple[gpd.GeoDataFrame, list[Notice]]:
    codes = codes_of_places(places.geometry, places["commune_code"].to_numpy(str), communes)
    moved = (codes != places["commune_code"].to_numpy(str)) & (codes != "")
    notices = []
    if moved.any():
        notices.append(
            Notice(
                where, f"{layer} went to the commune that they lie in now", "commune_code", int(moved.sum())
            )
        )
    off = codes == ""
    if off.any():
        notices.append(
            Notice(
                where, f"{layer} that lie outside the new communes were left out", "geometry", int(off.sum())
            )
        )
    out = places.assign(commune_code=codes)[~off].reset_index(drop=True)
    return out, notices


def _grown(region: Region, communes: gpd.GeoDataFrame, where: str) -> tuple[Region, list[Notice]]:
    """Return the region on a grid that holds the communes; ground beyond the old grid is like the nearest known."""
    grid = region.grid
    west, south, east, north = communes.total_bounds
    old_west, old_south, old_east, old_north = grid.bounds
    more = [
        max(0, int(np.ceil(d / grid.cell_m)))
        for d in (
            old_west - west + _MARGIN_M, old_south - south + _MARGIN_M, east + _MARGIN_M - old_east,
            north + _MARGIN_M - old_north,
        )
    ]  # fmt: skip
    inside = west >= old_west and south >= old_south and east <= old_east and north <= old_north
    if inside or not any(more):
        return region, []
    left, below, right, above = more
    size = Grid(
        grid.crs, grid.west_m - left * grid.cell_m, grid.north_m + above * grid.cell_m, grid.cell_m,
        grid.height + above + below, grid.width + left + right,
    )  # fmt: skip
    pad = ((above, below), (left, right))
    row, col = region.demand["row"] + above, region.demand["col"] + left
    demand = region.demand.assign(row=row, col=col, cell_id=_cell_ids(row.to_numpy(), col.to_numpy()))
    out = replace(
        region, grid=size, demand=demand, elevation=np.pad(region.elevation, pad, mode="edge"),
        clutter=np.pad(region.clutter, pad, mode="edge"),
    )  # fmt: skip
    told = (
        f"boundaries reach beyond the grid: it grew by {left + right} columns and {above + below} rows, "
        "where heights and land cover repeat its edge; import them again"
    )
    return out, [Notice(where, told, "elevation, clutter")]


def _by_province(
    region: Region, people: Floats, at: npt.NDArray[np.int32], stated: npt.NDArray[np.int64], where: str
) -> tuple[npt.NDArray[np.int64], list[Notice]]:
    codes = region.communes["province_code"].to_numpy(str)
    names = region.communes["province"].to_numpy(str)
    whole = np.zeros(region.grid.shape, np.int64)
    notices = []
    for code in np.unique(codes):
        total = int(stated[codes == code].sum())
        mine = (at >= 0) & (codes[np.maximum(at, 0)] == code) & (people > 0)
        if not mine.any():
            if total == 0:
                continue
            raise InputError(Problem(where, f"has no people in province {code}"))
        there = float(people[mine].sum())
        whole[mine] = apportioned(people[mine], total)
        told = (
            f"province {code} {names[codes == code][0]}: {there:,.0f} people by the file, {total:,} by the region; "
            f"multiplied by {total / there:.3f}"
        )
        notices.append(Notice(where, told, "population"))
    return whole, notices


def _by_commune(
    region: Region, people: Floats, at: npt.NDArray[np.int32], stated: npt.NDArray[np.int64], where: str
) -> tuple[npt.NDArray[np.int64], list[Notice]]:
    whole = np.zeros(region.grid.shape, np.int64)
    flat, weight = whole.ravel(), people.ravel()
    order = np.argsort(at.ravel(), kind="stable")
    starts = np.searchsorted(at.ravel()[order], np.arange(len(stated) + 1))
    empty: list[str] = []
    factors = []
    names = region.communes["name"].to_numpy(str)
    for i, total in enumerate(stated.tolist()):
        pixels = order[starts[i] : starts[i + 1]]
        if total == 0:
            continue
        if pixels.size == 0:
            # smaller than a pixel: all its people stand at its middle
            inside = region.communes.geometry.iloc[i].representative_point()
            row, col = region.grid.rowcol(inside.x, inside.y)
            pixels = np.array([int(row) * region.grid.width + int(col)])
            at.ravel()[pixels] = i
        there = weight[pixels]
        if not there.sum() > 0:
            empty.append(names[i])
            there = np.ones(pixels.size)
        else:
            factors.append(total / there.sum())
        flat[pixels] = apportioned(there, total)
    notices = []
    if factors:
        low, mid, high = np.percentile(factors, [5, 50, 95])
        told = f"people were brought to each commune's stated number: multiplied by {mid:.2f} (median; 5 to 95 %: {low:.2f} to {high:.2f})"
        notices.append(Notice(where, told, "population", len(factors)))
    if empty:
        told = f"communes without anybody in the pattern got their people evenly ({', '.join(empty[:10])})"
        notices.append(Notice(where, told, "population", len(empty)))
    return whole, notices


def _peopled(region: Region, whole: npt.NDArray[np.int64], at: npt.NDArray[np.int32]) -> Region:
    row, col = np.nonzero(whole)
    codes = region.communes["commune_code"].to_numpy(str)
    demand = pd.DataFrame(
        {
            "cell_id": _cell_ids(row, col),
            "commune_code": codes[at[row, col]],
            "population": whole[row, col],
            "row": row,
            "col": col,
        }
    )
    sums = demand.groupby("commune_code")["population"].sum()
    communes = region.communes.assign(population=sums.reindex(codes).fillna(0).astype(np.int64).to_numpy())
    return replace(region, demand=demand, communes=communes)


def _cell_ids(row: npt.NDArray[Any], col: npt.NDArray[Any]) -> Sequence[str]:
    return [f"r{r:05d}c{c:05d}" for r, c in zip(row.tolist(), col.tolist(), strict=True)]

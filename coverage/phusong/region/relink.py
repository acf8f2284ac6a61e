"""Layers that hang on a replaced one, linked to it again: places to communes, sites to power nodes, cells and links to sites."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import Transformer
from rasterio.features import rasterize

from phusong.compute.array_types import Floats
from phusong.compute.arrays import nearest
from phusong.errors import InputError, Notice, Problem, and_more, in_digits, plural, refuse
from phusong.io.raster import open_raster
from phusong.region import Grid, Repair
from phusong.region.folder import Region, Source
from phusong.region.operators import NOBODY, Owned, operator_names, owner_cells, said_problems
from phusong.region.read.columns import stamped
from phusong.region.read.raster import PeopleRaster, RasterLimits
from phusong.region.read.values import completed

__all__ = [
    "Rejoined",
    "Totals",
    "apportioned",
    "blocks_of",
    "codes_of_places",
    "commune_rows",
    "finer_people",
    "with_communes",
    "with_network",
    "with_people",
    "with_power",
]

Totals = Literal["province", "commune"]

_STAY_M = 100.0  # a place this near to the commune it names belongs there: published borders are simplified by half as much
_NEAR_M = 5000.0  # a place this far from every commune lies elsewhere
_MARGIN_M = 3000.0
_WHOLE = 0.995  # of a commune's people: what is missing beyond it is told
_SLIP = 0.35  # of a natural logarithm


@dataclass(frozen=True)
class Rejoined:
    """A region, and what was changed so that its layers join again."""

    region: Region
    notices: tuple[Notice, ...] = ()
    repairs: tuple[Repair, ...] = ()


def commune_rows(grid: Grid, communes: gpd.GeoDataFrame) -> npt.NDArray[np.int32]:
    """Return the row of the commune in which each pixel's centre lies; -1 where there is none."""
    shapes = [(g, i) for i, g in enumerate(communes.geometry)]
    found = rasterize(shapes, out_shape=grid.shape, transform=grid.transform, fill=-1, dtype="int32")
    return np.asarray(found, np.int32)


def with_people(
    region: Region,
    people: PeopleRaster,
    where: str,
    *,
    totals: Totals = "province",
    limits: RasterLimits | None = None,
) -> Rejoined:
    """Return the region with people where a raster has them, in the numbers that the communes state.

    Where the raster has no pixels the people of before stay.

    Parameters
    ----------
    region : Region
        Its communes' `population` gives the totals.
    people : PeopleRaster
        The pattern: people per pixel by another count.
    where : str
        The file's name, for problems and notices.
    totals : {"province", "commune"}
        Whether each province's or each commune's total is kept.
    limits : RasterLimits, optional
        How much the raster must cover, and by how much its numbers may be multiplied.

    Raises
    ------
    InputError
        If the raster has nobody in a province that has people, covers too little, or its sums are of another order
        than the region's people.
    """
    asked = limits or RasterLimits()
    at = commune_rows(region.grid, region.communes)
    stated = region.communes["population"].to_numpy(np.int64)
    former = np.zeros(region.grid.shape, np.int64)
    np.add.at(
        former,
        (region.demand["row"].to_numpy(), region.demand["col"].to_numpy()),
        region.demand["population"],
    )
    share = _covered_share(at, former, people.covered, len(stated))
    repairs, notices = _coverage(region, share, where)
    inside = at >= 0
    mine = float(former[inside & people.covered].sum() / max(float(former[inside].sum()), 1.0))
    if former[inside].any() and mine < asked.least_covered:
        told = (
            f"covers the places of {mine:.1%} of the region's people, and at least {asked.least_covered:.0%} are needed"
            f" ({_worst(region, share)}): add the files that are missing, or let the rest keep the people of before with "
            f"--least-covered {np.floor(mine * 100.0) / 100.0:g}"
        )
        raise InputError(Problem(where, told))
    before = _Before(np.where(people.covered, 0, former), former, people.covered, asked)
    pattern = np.where(people.covered, people.people, 0.0)
    rejoin = _by_commune if totals == "commune" else _by_province
    whole, told_ = rejoin(region, pattern, at, stated, where, before)
    return Rejoined(_peopled(region, whole, at), (*notices, *told_), repairs)


@dataclass(frozen=True)
class _Before:
    """People of before: those that stay, all of them, where they may go, and the limits of what is put in their place."""

    kept: npt.NDArray[np.int64]
    former: npt.NDArray[np.int64]
    covered: npt.NDArray[np.bool_]
    limits: RasterLimits


def _covered_share(
    at: npt.NDArray[np.int32], former: npt.NDArray[np.int64], covered: npt.NDArray[np.bool_], n: int
) -> Floats:
    """Return the share of each commune that a raster covers: of its people, of its squares where it has none."""
    inside = at >= 0
    row, weight = at[inside], former[inside].astype(np.float64)
    weight = np.where(np.bincount(row, weight, n)[row] > 0, weight, 1.0)
    whole = np.bincount(row, weight, n)
    return np.where(whole > 0, np.bincount(row, weight * covered[inside], n) / np.maximum(whole, 1.0), 1.0)


def _coverage(region: Region, share: Floats, where: str) -> tuple[tuple[Repair, ...], list[Notice]]:
    """Return a row of the repairs for each commune that is covered in part, and a notice that names the worst."""
    part = np.flatnonzero(share < _WHOLE)
    if not part.size:
        return (), []
    codes, names = (region.communes[c].to_numpy(str) for c in ("commune_code", "name"))
    rows = tuple(
        Repair(
            "demand", f"{where} covers the places of {share[i]:.1%} of its people; the others stay where they were",
            codes[i], names[i], "population", "1", f"{share[i]:.4f}",
        )
        for i in part.tolist()
    )  # fmt: skip
    whose = (
        "commune is covered in part and keeps the rest of its"
        if part.size == 1
        else "communes are covered in part and keep the rest of their"
    )
    told = f"{whose} people ({_worst(region, share)}); repairs.csv has each"
    return rows, [Notice(where, told, "commune_code", int(part.size))]


def _worst(region: Region, share: Floats) -> str:
    """Return the communes of which least is covered, for people."""
    names = region.communes["name"].to_numpy(str)
    order = [i for i in np.argsort(share, kind="stable").tolist() if share[i] < _WHOLE]
    return ", ".join(f"{names[i]} {share[i]:.0%}" for i in order[:6]) + and_more(len(order) - 6)


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
        f"boundaries reach beyond the grid: it grew by {plural(left + right, 'column')} and {plural(above + below, 'row')}, "
        "where heights and land cover repeat its edge; import them again"
    )
    return out, [Notice(where, told, "elevation, clutter")]


def _by_province(
    region: Region, people: Floats, at: npt.NDArray[np.int32], stated: npt.NDArray[np.int64], where: str,
    before: _Before | None = None,
) -> tuple[npt.NDArray[np.int64], list[Notice]]:  # fmt: skip
    codes = region.communes["province_code"].to_numpy(str)
    names = region.communes["province"].to_numpy(str)
    whole = np.zeros(region.grid.shape, np.int64)
    notices: list[Notice] = []
    problems: list[Problem] = []
    for code in np.unique(codes):
        total = int(stated[codes == code].sum())
        province = (at >= 0) & (codes[np.maximum(at, 0)] == code)
        mine = province & (people > 0)
        if before is not None:
            stay = int(before.kept[province].sum())
            if not mine.any() and stay and total - stay < before.limits.least_covered * total:
                whole[province] = before.former[province]
                continue  # what of it is covered is land without people, by the raster
            whole[province] = before.kept[province]
            total = max(total - stay, 0)
        if not mine.any():
            if total == 0:
                continue
            problems.append(Problem(where, f"has no people in province {code}"))
            continue
        there = float(people[mine].sum())
        factor = total / there
        named = f"{code} {names[codes == code][0]}".strip()
        if before is not None:
            problems += _off(factor, there, total, named, where, before.limits)
        whole[mine] += apportioned(people[mine], total)
        told = (
            f"province {named}: {there:,.0f} people by the file, {total:,} by the region; "
            f"multiplied by {in_digits(factor, 4)}"
        )
        notices.append(Notice(where, told, "population"))
    refuse(problems)
    return whole, notices


def _off(
    factor: float, there: float, total: int, named: str, where: str, limits: RasterLimits
) -> list[Problem]:
    """Return why sums that need this factor are refused, if they are, with the slip that it looks like."""
    if total == 0 or 1.0 / limits.most_scaled <= factor <= limits.most_scaled:
        return []
    slips = (
        (1000.0, "thousands of people; import it with --unit thousands"),
        (100.0, "shares in per cent"), (0.01, "people by square kilometre in pixels of a hectare, or hundredfold"),
        (0.001, "a thousandfold"),
    )  # fmt: skip
    slip = next((s for f, s in slips if abs(np.log(factor / f)) < _SLIP), "")
    told = (
        f"would have to be multiplied by {in_digits(factor, 4)} in province {named} ({there:,.0f} people by the file, {total:,} by the "
        f"region), more than {in_digits(limits.most_scaled, 6)} times or less than 1/{in_digits(limits.most_scaled, 6)}: "
        + (f"it looks like {slip}; " if slip else "")
        + "is it people by area (multiply each pixel by its area first), a share or another year? If the pattern is "
        f"right all the same, say --most-scaled {np.ceil(max(factor, 1.0 / factor)):.0f}"
    )
    return [Problem(where, told)]


def _by_commune(
    region: Region, people: Floats, at: npt.NDArray[np.int32], stated: npt.NDArray[np.int64], where: str,
    before: _Before | None = None,
) -> tuple[npt.NDArray[np.int64], list[Notice]]:  # fmt: skip
    whole = np.zeros(region.grid.shape, np.int64)
    if before is not None:
        whole[at >= 0] = before.kept[at >= 0]
        _refuse_off(people, at, stated, where, before)
    flat, weight = whole.ravel(), people.ravel()
    order = np.argsort(at.ravel(), kind="stable")
    starts = np.searchsorted(at.ravel()[order], np.arange(len(stated) + 1))
    empty: list[str] = []
    factors = []
    names = region.communes["name"].to_numpy(str)
    for i, stated_people in enumerate(stated.tolist()):
        pixels = order[starts[i] : starts[i + 1]]
        total = max(stated_people - int(flat[pixels].sum()), 0)
        if total == 0:
            continue
        if before is not None and pixels.size and not before.covered.ravel()[pixels].all():
            open_ = pixels[before.covered.ravel()[pixels]]
            if not weight[open_].any():
                flat[pixels] += apportioned(np.maximum(before.former.ravel()[pixels], 1e-9), total)
                continue
            pixels = open_
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
        flat[pixels] += apportioned(there, total)
    notices = []
    if factors:
        low, mid, high = np.percentile(factors, [5, 50, 95])
        told = f"people were brought to each commune's stated number: multiplied by {mid:.2f} (median; 5 to 95 %: {low:.2f} to {high:.2f})"
        notices.append(Notice(where, told, "population", len(factors)))
    if empty:
        told = f"communes without anybody in the pattern got their people evenly ({', '.join(empty[:10])})"
        notices.append(Notice(where, told, "population", len(empty)))
    return whole, notices


def _refuse_off(
    people: Floats, at: npt.NDArray[np.int32], stated: npt.NDArray[np.int64], where: str, before: _Before
) -> None:
    there = float(people[at >= 0].sum())
    total = max(int(stated.sum()) - int(before.kept[at >= 0].sum()), 0)
    if there > 0:
        refuse(_off(total / there, there, total, "of all communes", where, before.limits))


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


_COARSE = 2.0  # a raster of less than twice the grid's squares says by itself where people live


def finer_people(people: Floats, pattern: npt.ArrayLike, block_px: int) -> Floats:
    """Return people moved within blocks of squares to where a finer pattern has them; each block keeps its sum.

    A pixel of a kilometre spread evenly would leave no village: signal and masts are a matter of villages.

    Parameters
    ----------
    people : ndarray, on the grid
        People by a coarse count, spread evenly.
    pattern : array_like, on the grid
        People by a finer model.
    block_px : int
        Squares along a coarse pixel's side. A block without anybody by the pattern stays even.
    """
    if block_px < _COARSE:
        return people
    rows, cols = (-(-n // block_px) for n in people.shape)
    block = (np.arange(people.shape[0]) // block_px)[:, None] * cols + (
        np.arange(people.shape[1]) // block_px
    )[None, :]
    fine = np.asarray(pattern, np.float64)
    total, known = (np.bincount(block.ravel(), v.ravel(), rows * cols)[block] for v in (people, fine))
    share = np.divide(fine, known, out=np.zeros_like(fine), where=known > 0)
    return np.asarray(np.where(known > 0, total * share, people))


def blocks_of(paths: Iterable[Path], grid: Grid) -> int:
    """Return how many of the grid's squares lie along the side of the rasters' pixels, at least 1."""
    sides = []
    west, south, east, north = grid.bounds
    middle = (west + east) / 2.0, (south + north) / 2.0
    for path in paths:
        with open_raster(path) as source:
            x, y = Transformer.from_crs(grid.crs, source.crs, always_xy=True).transform(*middle)
            back = Transformer.from_crs(source.crs, grid.crs, always_xy=True)
            a, b = back.transform(x, y), back.transform(x + source.res[0], y)
            sides.append(float(np.hypot(b[0] - a[0], b[1] - a[1])))
    return max(1, round(min(sides) / grid.cell_m)) if sides else 1


def apportioned(weights: npt.ArrayLike, total: int) -> npt.NDArray[np.int64]:
    """Return whole numbers in proportion to weights that sum to a total exactly (largest remainders).

    Parameters
    ----------
    weights : array_like of float, shape (n,)
        Not negative, some of them above 0.
    total : int
        The sum wanted.

    Examples
    --------
    >>> apportioned([1.0, 1.0, 1.0], 10).tolist()
    [4, 3, 3]
    """
    share: npt.NDArray[np.float64] = np.asarray(weights, np.float64)
    exact = share / share.sum() * total
    low: npt.NDArray[np.int64] = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - low), kind="stable")
    left = int(total) - int(low.sum())
    low[order[:left]] += 1
    return low


def with_power(region: Region, nodes: gpd.GeoDataFrame | None, lines: pd.DataFrame | None) -> Region:
    """Return the region with other power nodes or lines; sites of nodes that are gone go to the nearest one.

    With nodes alone, the lines between nodes that stayed are kept.

    Raises
    ------
    InputError
        If there is no node left for sites that hang on one.
    """
    new_nodes = region.power_nodes if nodes is None else nodes
    new_lines = region.power_lines if lines is None else lines
    if nodes is not None and lines is None:
        known = set(nodes["node_id"])
        new_lines = new_lines[new_lines["from_id"].isin(known) & new_lines["to_id"].isin(known)]
    sites = region.sites.copy()
    lost = ~sites["power_node_id"].isin(set(new_nodes["node_id"]) | {""}).to_numpy()
    if lost.any():
        if new_nodes.empty:
            told = f"holds no node, but {plural(int(lost.sum()), 'site')} {'hangs' if lost.sum() == 1 else 'hang'} on the grid; give the nodes that feed them"
            raise InputError(Problem("power_nodes", told))
        sites.loc[lost, "power_node_id"] = _nearest_node(sites[lost], new_nodes)
    return replace(region, power_nodes=new_nodes, power_lines=new_lines, sites=sites)


def with_network(
    region: Region,
    sites: Any | None,  # noqa: ANN401
    cells: Any | None,  # noqa: ANN401
    links: Any | None,  # noqa: ANN401
    *,
    operators: Mapping[str, str] | None = None,
    where: str = "sites",
) -> Rejoined:
    """Return the region with other sites, cells or links, and what was replaced, kept and added.

    New sites keep the exchanges, when they bring none of their own, and hang on the nearest transformer; without
    links they get fibre to the nearest exchange. Without cells, measured cells of sites that are still there stay, and
    every other mast gets three sectors of its owner's network, which are assumed.

    Parameters
    ----------
    region : Region
        The region.
    sites : GeoDataFrame or None
        Layer `sites`.
    cells, links : DataFrame or None
        Layers of these names.
    operators : mapping of str to str, optional
        Owner = operator whose cells its masts carry, or ``none``.
    where : str
        The file's name.

    Raises
    ------
    InputError
        Naming owners that are no operators, where their masts have no cells.
    """
    said = operators or {}
    notices: list[Notice] = []
    new_sites, new_cells, new_links, sources = region.sites, region.cells, region.links, region.sources
    if sites is not None:
        given, told = _with_operators(sites, region.operators, said, where)
        notices += told
        new_sites = _with_exchanges(region, given)
        bare = (new_sites["power_node_id"] == "") & new_sites["power_source"].isin(["grid", "grid_battery"])
        if bare.any() and len(region.power_nodes):
            new_sites.loc[bare, "power_node_id"] = _nearest_node(new_sites[bare], region.power_nodes)
        if links is None:
            new_sites, new_links = _hang(new_sites)
            sources = _assumed(sources, "links", "fibre to the nearest exchange")
        if cells is None:
            kept = _measured_cells(region, new_sites)
            without = new_sites[~new_sites["site_id"].isin(set(kept["site_id"]))]
            owned = owner_cells(without, region.operators, said, where)
            added = stamped(owned.cells, "assumed")
            new_cells = pd.concat([kept, added], ignore_index=True) if len(kept) else added
            notices += [*owned.notices, *_counted(region.cells, kept, owned, where)]
            if not len(kept):
                sources = _assumed(sources, "cells", "three sectors of 900 MHz for each site's owner")
    new_cells = new_cells if cells is None else cells
    new_links = new_links if links is None else links
    if cells is not None and sites is not None and cells is not region.cells:
        told_cells = f"{_replaced(len(region.cells))} replaced by {len(cells):,} of the file"
        notices.append(Notice(where, told_cells, "cells"))
    out = replace(region, sites=new_sites, cells=new_cells, links=new_links, sources=sources)
    return Rejoined(out, tuple(notices))


def _with_operators(
    sites: Any,  # noqa: ANN401
    operators: pd.DataFrame,
    said: Mapping[str, str],
    where: str,
) -> tuple[Any, list[Notice]]:
    """Return sites whose owners go by the operators' names where they are operators, or companies behind them."""
    refuse(said_problems(said, operators["operator"].astype(str), where))
    names = operator_names(operators, said)
    owner = sites["owner"].astype(str)
    meant = {o: names.of(o) for o in owner.unique()}
    change = {o: m for o, m in meant.items() if m not in {"", NOBODY, o}}
    if not change:
        return sites, []
    told = [
        Notice(where, f"owner {theirs} was read as {ours}", "owner", int((owner == theirs).sum()))
        for theirs, ours in change.items()
    ]
    return sites.assign(owner=owner.replace(change)), told


def _measured_cells(region: Region, sites: Any) -> pd.DataFrame:  # noqa: ANN401
    """Return cells that somebody delivered for sites that are still there: nothing that is assumed takes their place."""
    kinds = region.record_kinds("cells")
    keep = region.cells["site_id"].isin(set(sites["site_id"])).to_numpy() & np.isin(
        kinds, ["measured", "official"]
    )
    return pd.DataFrame(stamped(region.cells, kinds)[keep]).reset_index(drop=True)


def _replaced(count: int) -> str:
    return f"{plural(count, 'cell')} of the region {'was' if count == 1 else 'were'}"


def _counted(before: pd.DataFrame, kept: pd.DataFrame, owned: Owned, where: str) -> list[Notice]:
    by = owned.cells["operator"].value_counts()
    whose = ", ".join(f"{name} {count}" for name, count in sorted(by.items()))
    told = (
        f"{_replaced(len(before) - len(kept))} replaced by {plural(len(owned.cells), 'assumed one')}"
        f"{f' ({whose})' if whose else ''}: the file has none of its own"
    )
    one = len(kept) == 1
    stay = f"; {plural(len(kept), 'measured cell')} stay{'s' if one else ''}" if len(kept) else ""
    bare = (
        f"; {plural(owned.bare, 'mast')} stand{'s' if owned.bare == 1 else ''} without cells"
        if owned.bare
        else ""
    )
    return [Notice(where, told + stay + bare, "cells")]


def _with_exchanges(region: Region, given: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    sites, given = region.sites, completed(given, "sites")
    # what stays of the former layer stays what it was, whatever the new list is
    known = stamped(sites, region.record_kinds("sites"))
    exchanges = known[(sites["structure"] == "exchange") & ~sites["site_id"].isin(given["site_id"])]
    keep = exchanges if not (given["structure"] == "exchange").any() else exchanges.iloc[:0]
    both = pd.concat([keep, given], ignore_index=True)
    for name in set(given.columns) - set(keep.columns):  # a column of the source that exchanges have not
        if pd.api.types.is_numeric_dtype(given[name].dtype):
            both[name] = both[name].fillna(0).astype(given[name].dtype)
    return gpd.GeoDataFrame(both, geometry="geometry", crs=region.grid.crs)


def _assumed(sources: tuple[Source, ...], layer: str, note: str) -> tuple[Source, ...]:
    return (
        *(s for s in sources if s.layer != layer),
        Source(layer, "assumed", "derived from the user's sites", "", "", note),
    )


def _nearest_node(sites: gpd.GeoDataFrame, nodes: gpd.GeoDataFrame) -> npt.NDArray[np.str_]:
    # a site takes its supply from a transformer, not from a tower of the transmission grid
    low = nodes[nodes["kind"] == "transformer"]
    among = low if len(low) else nodes
    _, near = nearest(np.c_[among.geometry.x, among.geometry.y], np.c_[sites.geometry.x, sites.geometry.y])
    return np.asarray(among["node_id"].to_numpy(str)[near])


def _hang(sites: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Give sites that name no backhaul a fibre to the nearest exchange."""
    out = sites.copy()
    root = (out["structure"] == "exchange").to_numpy()
    xy = np.c_[out.geometry.x, out.geometry.y]
    ids = out["site_id"].to_numpy(str)
    loose = ~root & (out["backhaul_parent_id"] == "").to_numpy()
    far = np.zeros(len(out))
    if root.any() and loose.any():
        distance, near = nearest(xy[root], xy[loose])
        out.loc[loose, "backhaul_parent_id"] = ids[root][near]
        far[loose] = distance / 1000.0
    child = np.flatnonzero(~root & (out["backhaul_parent_id"] != "").to_numpy())
    links = pd.DataFrame(
        {
            "link_id": np.char.add("l", ids[child]),
            "from_id": ids[child],
            "to_id": out["backhaul_parent_id"].to_numpy(str)[child],
            "medium": "fibre",
            "capacity_mbps": 2000.0,
            "owner": out["owner"].to_numpy(str)[child],
            "availability": np.round(np.maximum(0.9999 - 0.00003 * far[child], 0.9), 6),
        }
    )
    return out, links

"""Commune polygons as an area-matched power diagram of the new and old units' points.

Seeds are the points of the communes and of the old units merged into them, which are the better evidence of
where a commune lies. A power diagram is a Voronoi diagram whose cells grow with a weight; weights are tuned so
that each commune's area approaches plain^0.8 · stated^0.2. Areas are not forced: the stated ones carry errors.
Units of neighbouring provinces are seeds too, so that the province's outline is the border between their cells;
the country's outline (Natural Earth 1:10m) cuts the rest.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import Transformer
from scipy.spatial import ConvexHull, cKDTree

from phusong.compute.array_types import Floats
from phusong.region.vietnam.units import Units

__all__ = ["Shapes", "commune_shapes", "power_cells"]


_REACH_M = 40_000.0  # seeds this far outside the chosen provinces still shape their border
_ROUNDS = 6
_STATED_SHARE = 0.2
_ASIDE_M = 300.0
_ISLAND_KM = 1.0  # a point this far outside the outline stands on an island the outline leaves out


@dataclass(frozen=True)
class Shapes:
    """Polygons of the chosen provinces, in the region's CRS.

    Parameters
    ----------
    communes : GeoDataFrame
        The communes with `area_shape_km2` and their polygon.
    old : GeoDataFrame
        The old units of these communes with the polygon of their own seed and `east_m`, `north_m`.
    residuals : DataFrame
        commune_code, name, area_km2 (stated), area_shape_km2, ratio.
    """

    communes: gpd.GeoDataFrame
    old: gpd.GeoDataFrame
    residuals: pd.DataFrame


def commune_shapes(
    units: Units, province_codes: tuple[str, ...], *, crs: str, outline: shapely.Geometry
) -> Shapes:
    """Return the polygons of all communes of some provinces.

    Parameters
    ----------
    units : Units
        Mended units of the whole country.
    province_codes : tuple of str
        Provinces to return.
    crs : str
        Projected CRS in metres.
    outline : shapely geometry
        Land of the country, in degrees.
    """
    seeds, outline_m = _seeds(units, province_codes, crs, outline)
    commune = pd.Categorical(seeds["commune_code"])
    code = np.asarray(commune.codes, np.int64)
    stated = units.communes.set_index("commune_code")["area_km2"].reindex(commune.categories).to_numpy()
    trusted = (
        units.communes.set_index("commune_code")["area_trusted"].reindex(commune.categories).to_numpy(bool)
    )
    xy = seeds[["east_m", "north_m"]].to_numpy(np.float64)
    weight = np.zeros(len(seeds))
    # a seed keeps its own place while its weight differs from another's by less than their distance squared
    most = 0.45 * _nearest_stranger_m(xy, code) ** 2
    cells = _clip(power_cells(xy, weight), outline_m)
    plain = np.bincount(code, shapely.area(cells), len(commune.categories)) / 1e6
    usual = np.median((plain / np.maximum(stated, 0.1))[trusted & (plain > 0)])
    target = np.where(trusted, plain ** (1 - _STATED_SHARE) * (stated * usual) ** _STATED_SHARE, plain)
    target = np.clip(target, 0.6 * plain, 1.6 * plain)
    for _ in range(_ROUNDS):
        now = np.bincount(code, shapely.area(cells), len(commune.categories)) / 1e6
        # on a square lattice the area of a cell grows by 2 m² per m² of weight: a damped Newton step
        weight += 0.3 * (target - now)[code] * 1e6 / np.bincount(code)[code]
        weight = np.clip(weight, -most, most)
        cells = _clip(power_cells(xy, weight), outline_m)
    return _assemble(units, seeds, cells, province_codes, crs)


def power_cells(xy: Floats, weight: Floats) -> npt.NDArray[np.object_]:
    """Return the power diagram's cells as polygons; empty where a seed is overpowered.

    Parameters
    ----------
    xy : ndarray, shape (n, 2)
        Seeds. [m]
    weight : ndarray, shape (n,)
        A place belongs to the seed of least squared distance minus weight. [m²]

    Notes
    -----
    The lower convex hull of (x, y, x² + y² - w) is the dual (regular) triangulation; the cell's corners are the
    radical centres of the triangles round its seed (Aurenhammer, SIAM J. Comput. 16, 1987).
    """
    middle = xy.mean(axis=0)
    p = xy - middle
    far = 3.0 * max(float(np.abs(p).max()), 1.0)
    ring = far * np.array([[1, 0], [0.5, 0.9], [-0.5, 0.9], [-1, 0], [-0.5, -0.9], [0.5, -0.9]])
    points = np.vstack([p, ring])
    w = np.r_[weight, np.zeros(len(ring))]
    lifted = np.c_[points, (points**2).sum(axis=1) - w]
    hull = ConvexHull(lifted)
    lower = hull.simplices[hull.equations[:, 2] < -1e-12]
    a, b, c = lifted[lower[:, 0]], lifted[lower[:, 1]], lifted[lower[:, 2]]
    u, v = b - a, c - a
    det = 2.0 * (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])
    x = (u[:, 2] * v[:, 1] - v[:, 2] * u[:, 1]) / det
    y = (u[:, 0] * v[:, 2] - v[:, 0] * u[:, 2]) / det
    seed = lower.ravel()
    corner = np.repeat(np.c_[x, y], 3, axis=0)
    # corners of a convex cell in the order of their angle round the cell's middle
    order = np.argsort(seed, kind="stable")
    seed, corner = seed[order], corner[order]
    starts = np.searchsorted(seed, np.arange(len(xy) + 1))
    cells = np.full(len(xy), shapely.Polygon(), object)
    for i in range(len(xy)):
        ring_points = corner[starts[i] : starts[i + 1]]
        if len(ring_points) >= 3:
            off = ring_points - ring_points.mean(axis=0)
            turn = np.argsort(np.arctan2(off[:, 1], off[:, 0]), kind="stable")
            cells[i] = shapely.Polygon(ring_points[turn] + middle)
    return cells


def _nearest_stranger_m(xy: Floats, code: npt.NDArray[np.int64]) -> Floats:
    """Return how far each seed is from the nearest seed of another commune. [m]"""
    distance, near = (np.asarray(v) for v in cKDTree(xy).query(xy, k=min(12, len(xy))))
    strange = code[near] != code[:, None]
    first = np.where(strange.any(axis=1), np.argmax(strange, axis=1), near.shape[1] - 1)
    return np.asarray(distance[np.arange(len(xy)), first], np.float64)


def _seeds(
    units: Units, province_codes: tuple[str, ...], crs: str, outline: shapely.Geometry
) -> tuple[pd.DataFrame, shapely.Geometry]:
    to_metres = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    old = units.old.assign(is_old=True)[["old_code", "commune_code", "province_code", "lon", "lat", "is_old"]]
    new = units.communes.assign(is_old=False, old_code="")[
        ["old_code", "commune_code", "province_code", "lon", "lat", "is_old", "area_km2"]
    ]
    seeds = pd.concat([new, old], ignore_index=True)
    seeds["east_m"], seeds["north_m"] = to_metres.transform(seeds["lon"].to_numpy(), seeds["lat"].to_numpy())
    # of a commune's seeds in one place only the first can have a cell: the old unit tells more than the new
    seeds["place"] = seeds["east_m"].round(-1).astype(str) + "/" + seeds["north_m"].round(-1).astype(str)
    seeds = seeds.sort_values(["is_old", "old_code", "commune_code"], ascending=[False, True, True])
    seeds = seeds.drop_duplicates(["place", "commune_code"])
    # seeds of different communes in one place stand side by side, so that neither loses its ground
    seeds["east_m"] += _ASIDE_M * seeds.groupby("place").cumcount()
    mine = seeds["province_code"].isin(province_codes)
    west, south = seeds.loc[mine, ["east_m", "north_m"]].min() - _REACH_M
    east, north = seeds.loc[mine, ["east_m", "north_m"]].max() + _REACH_M
    near = seeds["east_m"].between(west, east) & seeds["north_m"].between(south, north)
    seeds = seeds[near].reset_index(drop=True)
    window = shapely.box(west, south, east, north)
    # cut in degrees first: projecting far islands into this zone would bend the outline
    land = shapely.transform(outline, lambda lonlat: np.c_[to_metres.transform(*lonlat.T)])
    land = shapely.intersection(shapely.make_valid(land), window)
    shapely.prepare(land)
    islands = seeds[~seeds["is_old"]]
    points = np.asarray(shapely.points(islands["east_m"], islands["north_m"]), object)
    out = shapely.distance(land, points) > _ISLAND_KM * 1000.0
    radius = np.sqrt(islands["area_km2"].clip(0.2, 600.0) / np.pi) * 1000.0
    discs = shapely.buffer(points[out], radius[out])
    return seeds, shapely.union_all([land, *discs])


def _clip(cells: npt.NDArray[np.object_], land: shapely.Geometry) -> npt.NDArray[np.object_]:
    shapely.prepare(land)
    cut = ~shapely.contains_properly(land, cells) & ~shapely.is_empty(cells)
    out = cells.copy()
    out[cut] = shapely.intersection(land, cells[cut])
    return out


def _assemble(
    units: Units,
    seeds: pd.DataFrame,
    cells: npt.NDArray[np.object_],
    province_codes: tuple[str, ...],
    crs: str,
) -> Shapes:
    mine = seeds["province_code"].isin(province_codes).to_numpy()
    table = gpd.GeoDataFrame(seeds[mine].reset_index(drop=True), geometry=cells[mine], crs=crs)
    dissolved = table.dissolve("commune_code", sort=True)["geometry"]
    communes = units.communes[units.communes["province_code"].isin(province_codes)]
    geometry = shapely.make_valid(
        shapely.set_precision(dissolved.reindex(communes["commune_code"]).to_numpy(), 0.1)
    )
    communes = gpd.GeoDataFrame(communes.reset_index(drop=True), geometry=_polygons(geometry), crs=crs)
    communes["area_shape_km2"] = communes.geometry.area / 1e6
    residuals = pd.DataFrame(communes[["commune_code", "name", "area_km2", "area_shape_km2"]])
    residuals["ratio"] = residuals["area_shape_km2"] / residuals["area_km2"]
    # keep a unit whose own seed lost its cell: it has people, though no ground of its own
    old = table[~shapely.is_empty(table.geometry.to_numpy())].copy()
    old = old.merge(units.old[["old_code", "name", "kind"]], on="old_code", how="left")
    return Shapes(communes, old, residuals)


def _polygons(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Return the polygonal part of each shape: making valid may leave stray lines."""
    out = []
    for shape in shapes:
        parts = [g for g in shapely.get_parts(shape) if g.geom_type in {"Polygon", "MultiPolygon"}]
        out.append(shapely.union_all(parts) if len(parts) != 1 else parts[0])
    return np.array(out, object)

"""Modelled power: substations in the towns, feeders along the settlements, a transformer for each village."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.ndimage import map_coordinates
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from phusong.compute.array_types import Floats, Ints
from phusong.compute.arrays import nearest
from phusong.io.resources import assumption
from phusong.region import Grid

__all__ = ["Electricity", "connect_sites", "model_electricity"]


_PEOPLE_PER_SUBSTATION = 45_000.0
_NEIGHBOURS = 8
_DETOUR = 1.25  # lines follow roads
_CLIMB_KM = 0.012  # kilometres of level line that a metre of climb costs: feeders keep to valleys
_OFF_GRID_KM = 1.7  # small villages this far from their unit's centre had no line built to them
_OFF_GRID_PEOPLE = 320
_SITE_REACH_KM = 2.0  # a mast farther from every transformer makes its own power


@dataclass(frozen=True)
class Electricity:
    """Layers `power_nodes` and `power_lines`, and which villages have a transformer."""

    nodes: gpd.GeoDataFrame
    lines: pd.DataFrame
    on_grid: npt.NDArray[np.bool_]


def model_electricity(
    grid: Grid, *, villages: gpd.GeoDataFrame, elevation: npt.NDArray[np.float32], remote: Ints
) -> Electricity:
    """Return a modelled grid: substation → feeder → transformer trees along the settlements.

    Parameters
    ----------
    grid : Grid
        The pixels.
    villages : GeoDataFrame
        Layer `settlements`; its centres carry the feeders.
    elevation : ndarray, on the grid
        Ground heights: lines avoid climbs. [m]
    remote : ndarray of int, shape (n_villages,)
        Remoteness class of each village's commune.
    """
    xy = np.c_[villages.geometry.x, villages.geometry.y]
    people = villages["population"].to_numpy(np.float64)
    centre = np.flatnonzero((villages["kind"] == "centre").to_numpy())
    if centre.size == 0:
        centre = np.array([int(np.argmax(people))])
    stations = _substations(xy[centre], _people_near(xy, people, xy[centre]))
    above_centre, feeder_km = _feeders(grid, xy[centre], stations, elevation)
    distance, near = nearest(xy[centre], xy)
    small = people < _OFF_GRID_PEOPLE
    on_grid = ~((distance / 1000.0 > _OFF_GRID_KM) & small & (remote >= 2) & (_spin(len(villages)) < 0.5))
    on_grid[centre] = True
    served = np.flatnonzero(on_grid)
    # node order: substations (one a chosen centre), junctions (every centre), transformers (every village served)
    n_s, n_j = stations.size, centre.size
    kinds = np.r_[np.full(n_s, "substation"), np.full(n_j, "junction"), np.full(served.size, "transformer")]
    ids = np.r_[_names("ss", n_s), _names("fj", n_j), _names("tr", served.size)]
    place = np.vstack([xy[centre][stations] + [120.0, 80.0], xy[centre], xy[served] + [40.0, -40.0]])
    saifi, caidi = assumption("node_saifi"), assumption("node_caidi_h")
    weak = np.r_[np.zeros(n_s), np.zeros(n_j), 1.0 + 0.5 * remote[served]]
    load_kw = np.r_[
        _people_near(xy, people, xy[centre][stations]) * 0.35, np.zeros(n_j), people[served] * 0.35 + 50.0
    ]
    nodes = gpd.GeoDataFrame(
        {
            "node_id": ids,
            "kind": kinds,
            "capacity_kw": np.round(load_kw, 0),
            "saifi": np.round(np.where(kinds == "substation", 0.3, saifi * weak), 3),
            "caidi_h": np.where(kinds == "substation", 1.5, caidi),
        },
        geometry=gpd.points_from_xy(place[:, 0], place[:, 1]),
        crs=grid.crs,
    )
    station_of = np.full(n_j, -1, np.int64)
    station_of[stations] = np.arange(n_s)
    upper = np.where(
        above_centre >= 0, ids[n_s + np.maximum(above_centre, 0)], ids[np.maximum(station_of, 0)]
    )
    lines = pd.DataFrame(
        {
            "from_id": np.r_[upper, ids[n_s + near[served]]],
            "to_id": ids[n_s:],
            "length_km": np.round(np.r_[feeder_km, distance[served] / 1000.0 * _DETOUR + 0.05], 3),
        }
    )
    lines.insert(0, "line_id", _names("pl", len(lines)))
    faults, repair = assumption("line_faults_km_year"), assumption("line_repair_h")
    lower_class = np.r_[remote[centre], remote[served]]
    lines["failures_per_km_year"] = np.round(faults * np.array([0.35, 0.7, 1.0, 1.3])[lower_class], 4)
    lines["repair_h"] = np.round(repair * np.array([0.4, 0.7, 1.0, 1.4])[lower_class], 2)
    return Electricity(nodes, lines, on_grid)


def connect_sites(
    sites: gpd.GeoDataFrame, electricity: Electricity, *, remote: Ints, seed: int
) -> gpd.GeoDataFrame:
    """Return the sites on their nearest transformer, or on power of their own where there is none near."""
    rng = np.random.default_rng([seed, 3])
    nodes = electricity.nodes[electricity.nodes["kind"] == "transformer"]
    distance, near = nearest(
        np.c_[nodes.geometry.x, nodes.geometry.y], np.c_[sites.geometry.x, sites.geometry.y]
    )
    off = distance / 1000.0 > _SITE_REACH_KM
    draw = rng.random(len(sites))
    bare = (remote >= 2) & (draw < 0.04) & ~off  # mains and no battery worth the name
    solar_hours = rng.choice([24.0, 48.0, 72.0], len(sites))
    out = sites.copy()
    exchange = (sites["structure"] == "exchange").to_numpy()
    off &= ~exchange
    bare &= ~exchange
    source = np.select(
        [off & (draw < 0.5), off & (draw < 0.85), off, bare],
        ["solar", "hybrid", "diesel", "grid"],
        "grid_battery",
    )
    out["power_source"] = source
    out["power_node_id"] = np.where(off, "", nodes["node_id"].to_numpy(str)[near])
    hours = np.select(
        [source == "solar", source == "hybrid", source == "diesel", source == "grid"],
        [solar_hours, 48.0, 12.0, 0.0],
        sites["autonomy_h"],
    )
    out["autonomy_h"] = hours
    return out


def _names(prefix: str, n: int) -> npt.NDArray[np.str_]:
    return np.array([f"{prefix}{i:06d}" for i in range(n)], str)


def _spin(n: int) -> Floats:
    return np.asarray((np.arange(n) * 0.6180339887498949) % 1.0, np.float64)


def _people_near(xy: Floats, people: Floats, centres: Floats) -> Floats:
    _, near = nearest(centres, xy)
    return np.bincount(near, people, len(centres)).astype(np.float64)


def _substations(centres: Floats, people: Floats) -> Ints:
    """Choose centres for substations: the most people first, none within 9 km of another."""
    count = max(1, int(np.ceil(people.sum() / _PEOPLE_PER_SUBSTATION)))
    chosen: list[int] = []
    for i in np.lexsort((np.arange(people.size), -people)):
        if len(chosen) >= count:
            break
        if not chosen or np.hypot(*(centres[chosen] - centres[i]).T).min() > 9000.0:
            chosen.append(int(i))
    return np.sort(np.array(chosen, np.int64))


def _feeders(
    grid: Grid, centres: Floats, stations: Ints, elevation: npt.NDArray[np.float32]
) -> tuple[Ints, Floats]:
    """Return for each centre the one above it on its feeder (-1: a substation) and the line's length. [km]"""
    n = len(centres)
    k = min(_NEIGHBOURS + 1, n)
    distance, near = nearest(centres, centres, k=k)
    distance, near = distance.reshape(n, k)[:, 1:], near.reshape(n, k)[:, 1:]
    a, b = np.repeat(np.arange(n), k - 1), near.ravel()
    km = distance.ravel() / 1000.0
    cost = km + _CLIMB_KM * _climb_m(grid, elevation, centres[a], centres[b])
    far, which = nearest(centres[stations], centres)
    graph = coo_matrix(
        (np.r_[cost, 3.0 * far / 1000.0 + 1e-6], (np.r_[a, np.arange(n)], np.r_[b, stations[which]])), (n, n)
    ).tocsr()
    _, before, _ = dijkstra(graph, directed=False, indices=stations, min_only=True, return_predecessors=True)
    above = np.where(np.isin(np.arange(n), stations), -1, before).astype(np.int64)
    length = np.where(above >= 0, np.hypot(*(centres - centres[np.maximum(above, 0)]).T) / 1000.0, 0.15)
    return above, length * _DETOUR


def _climb_m(grid: Grid, elevation: npt.NDArray[np.float32], a: Floats, b: Floats) -> Floats:
    """Return the height that straight lines climb above the higher of their ends. [m]"""
    steps = np.linspace(0.0, 1.0, 9)
    east = a[:, :1] + (b - a)[:, :1] * steps
    north = a[:, 1:] + (b - a)[:, 1:] * steps
    row = (grid.north_m - north) / grid.cell_m - 0.5
    col = (east - grid.west_m) / grid.cell_m - 0.5
    heights = map_coordinates(elevation, np.stack([row, col]), order=1, mode="nearest")
    return np.asarray(
        np.maximum(heights.max(axis=1) - np.maximum(heights[:, 0], heights[:, -1]), 0.0), np.float64
    )

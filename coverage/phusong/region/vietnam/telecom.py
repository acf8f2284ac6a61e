"""Modelled sites, cells and backhaul.

Each operator, the largest first, walks over the places where people live, the densest first, and builds where
none of its stations is within reach and enough people would be. Sometimes it takes a slot on another's mast
instead. Reach shrinks with density, so that a station serves a stated number of subscribers.

Masts stand where `masts` has operators build them; exchanges stand in the towns, and `backhaul` hangs the masts on
them. The assumptions are one table (geodata/network_model.csv), the same for the whole country.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.ndimage import gaussian_filter
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from phusong.compute.array_types import Floats, Ints
from phusong.compute.arrays import nearest
from phusong.compute.kernels import nb
from phusong.io.resources import assumption
from phusong.region import Grid

__all__ = [
    "Masts",
    "Telecom",
    "build_masts",
    "exchanges",
    "hang_on_exchanges",
    "model_telecom",
    "on_high_ground",
    "places_to_build",
]


_SNAP_M = 600.0  # a mast takes the highest ground this near
_DENSE_PEOPLE_KM2 = 700.0  # from here on every square is a place to build, not only the villages


@dataclass(frozen=True)
class Masts:
    """Masts as arrays, one element a mast.

    Parameters
    ----------
    east_m, north_m : ndarray
        Where it stands. [m]
    density : ndarray
        People around its place. [1/km²]
    remote : ndarray of int
        How remote its commune is, 0 to 3.
    owner : ndarray of int
        Row of its operator.
    tenants : ndarray of int
        Bit mask of the operators with cells there.
    locked : ndarray of bool
        Whether nobody else may come.
    """

    east_m: Floats
    north_m: Floats
    density: Floats
    remote: Ints
    owner: Ints
    tenants: Ints
    locked: npt.NDArray[np.bool_]


def places_to_build(
    grid: Grid,
    villages: gpd.GeoDataFrame,
    demand: pd.DataFrame,
    density: Floats,
    operators: pd.DataFrame,
    rng: np.random.Generator,
) -> tuple[Floats, Floats, Floats, npt.NDArray[np.bool_]]:
    """Return where operators may build, the densest first, and whether it is a village too small to pay.

    Places are the villages on the grid, and every square of a town.

    Parameters
    ----------
    grid : Grid
        The pixels.
    villages : GeoDataFrame
        Layer `settlements` with `on_grid`.
    demand : DataFrame
        Layer `demand`.
    density : ndarray, on the grid
        Smoothed. [people/km²]
    operators : DataFrame
        Layer `operators`.
    rng : Generator
        Strews the places of a large square.

    Returns
    -------
    tuple of ndarray
        Easting [m], northing [m], density [people/km²], and whether it is too small.
    """
    villages = villages[villages["on_grid"].to_numpy(bool)]  # operators wait for the power line
    ve, vn = villages.geometry.x.to_numpy(), villages.geometry.y.to_numpy()
    vr, vc = grid.rowcol(ve, vn)
    at = density[demand["row"], demand["col"]]
    town = demand[at >= _DENSE_PEOPLE_KM2]
    te, tn = grid.centres(town["row"], town["col"])
    leader = float(operators["share"].max())
    per = assumption("subscribers_per_station")
    # a large square may need several stations: as many places, strewn over it
    times = np.ceil(town["population"].to_numpy() * leader / per).clip(1, 60).astype(np.int64)
    te, tn = np.repeat(te, times), np.repeat(tn, times)
    strewn = np.repeat(times > 1, times)
    te = te + strewn * rng.uniform(-0.5, 0.5, te.size) * grid.cell_m
    tn = tn + strewn * rng.uniform(-0.5, 0.5, tn.size) * grid.cell_m
    east, north = np.r_[ve, te], np.r_[vn, tn]
    dense = np.r_[density[vr, vc], np.repeat(at[at >= _DENSE_PEOPLE_KM2], times)]
    few = villages["population"].to_numpy(np.float64) < assumption("least_village_people")
    small = np.r_[few, np.zeros(te.size, bool)]
    order = np.lexsort((east, -dense))
    return east[order], north[order], dense[order], small[order]


def build_masts(
    east: Floats,
    north: Floats,
    density: Floats,
    remote: Ints,
    too_small: npt.NDArray[np.bool_],
    operators: pd.DataFrame,
    rng: np.random.Generator,
) -> Masts:
    """Return the masts that the operators build, one operator after the other.

    Parameters
    ----------
    east, north : ndarray, shape (places,)
        The places, in the order in which they are walked over. [m]
    density : ndarray, shape (places,)
        [people/km²]
    remote : ndarray of int, shape (places,)
        How remote the commune is, 0 to 3.
    too_small : ndarray of bool, shape (places,)
        Where nobody builds.
    operators : DataFrame
        Layer `operators`.
    rng : Generator
        Draws tenancies, distances between rivals and locks.
    """
    reach_max = (
        np.array([1.2] + [assumption(f"reach_{k}_km") for k in ("rural", "remote", "very_remote")]) * 1000.0
    )
    per = assumption("subscribers_per_station")
    tenancy, locked_share = assumption("tenancy"), assumption("locked")
    mast_e, mast_n = np.empty(0), np.empty(0)
    place = np.empty(0, np.int64)
    owner, tenants = np.empty(0, np.int64), np.empty(0, np.int64)
    locked = np.empty(0, bool)
    ranked = operators.assign(code=np.arange(len(operators))).sort_values(
        "share", ascending=False, kind="stable"
    )
    leader = float(ranked["share"].iloc[0])
    names, shares = ranked["operator"].astype(str).tolist(), ranked["share"].astype(float).tolist()
    for code, name, share in zip(ranked["code"].astype(int).tolist(), names, shares, strict=True):
        spacing = np.sqrt(per / (np.pi * np.maximum(density, 1.0) * share)) * 1000.0
        farthest = reach_max[remote] * (leader / share) ** 0.2
        reach = np.clip(1.3 * spacing, 180.0, farthest)
        inside = density * np.pi * (np.minimum(reach, 2000.0) / 1000.0) ** 2
        wanted = (inside >= assumption(f"least_people_{name}")) & ~too_small
        chance = rng.random(east.size)
        built = np.flatnonzero(_cover(east, north, reach, wanted))
        slot = np.full(built.size, -1, np.int64)
        if mast_e.size:
            distance, near = nearest(np.c_[mast_e, mast_n], np.c_[east[built], north[built]])
            ok = (distance < 0.6 * reach[built]) & ~locked[near]
            ok &= (chance[built] < tenancy) & ((tenants[near] >> code) & 1 == 0)
            slot[ok] = near[ok]
        taken = np.unique(slot[slot >= 0])
        tenants[taken] |= 1 << code
        own = built[slot < 0]
        # its own mast stands some way off the others', as masts of rivals do
        aside = rng.normal(0.0, np.minimum(0.08 * reach[own], 120.0), (2, own.size))
        mast_e, mast_n = np.r_[mast_e, east[own] + aside[0]], np.r_[mast_n, north[own] + aside[1]]
        place = np.r_[place, own]
        owner = np.r_[owner, np.full(own.size, code)]
        tenants = np.r_[tenants, np.full(own.size, 1 << code)]
        locked = np.r_[locked, rng.random(own.size) < locked_share]
    return Masts(mast_e, mast_n, density[place], remote[place], owner, tenants, locked)


@nb.njit(cache=True)
def _cover(east, north, reach, wanted):  # type: ignore[no-untyped-def]
    """Mark places in order when wanted and no marked place lies within their reach (buckets of 2 km)."""
    n = east.size
    out = np.zeros(n, np.bool_)
    if n == 0:
        return out
    size = 2000.0
    west, south = east.min(), north.min()
    wide = int((east.max() - west) / size) + 1
    high = int((north.max() - south) / size) + 1
    head = np.full(wide * high, -1, np.int64)
    following = np.full(n, -1, np.int64)
    for i in range(n):
        if not wanted[i]:
            continue
        bx, by = int((east[i] - west) / size), int((north[i] - south) / size)
        span = int(np.ceil(reach[i] / size))
        free = True
        for y in range(max(by - span, 0), min(by + span, high - 1) + 1):
            for x in range(max(bx - span, 0), min(bx + span, wide - 1) + 1):
                j = head[y * wide + x]
                while j >= 0 and free:
                    if (east[i] - east[j]) ** 2 + (north[i] - north[j]) ** 2 < reach[i] ** 2:
                        free = False
                    j = following[j]
        if free:
            out[i] = True
            following[i] = head[by * wide + bx]
            head[by * wide + bx] = i
    return out


def on_high_ground(
    grid: Grid, masts: Masts, commune_row: npt.NDArray[np.int32], elevation: npt.NDArray[np.float32]
) -> tuple[Floats, Floats]:
    """Return easting and northing [m] of masts, outside towns moved to the highest ground nearby.

    Parameters
    ----------
    grid : Grid
        The pixels.
    masts : Masts
        With their places.
    commune_row : ndarray of int32, on the grid
        Row of the commune of each pixel, -1 outside.
    elevation : ndarray, on the grid
        Ground heights. [m]
    """
    reach = int(_SNAP_M / grid.cell_m)
    east, north = masts.east_m.copy(), masts.north_m.copy()
    if reach == 0:
        return east, north
    row, col = grid.rowcol(east, north)
    row, col = np.clip(row, reach, grid.height - 1 - reach), np.clip(col, reach, grid.width - 1 - reach)
    span = np.arange(-reach, reach + 1)
    windows = elevation[row[:, None, None] + span[None, :, None], col[:, None, None] + span[None, None, :]]
    inside = (
        commune_row[row[:, None, None] + span[None, :, None], col[:, None, None] + span[None, None, :]] >= 0
    )
    best = np.where(inside, windows, -1e9).reshape(row.size, -1).argmax(axis=1)
    r, c = row + span[best // span.size], col + span[best % span.size]
    move = (masts.density < _DENSE_PEOPLE_KM2) & inside.any(axis=(1, 2))
    e, n = grid.centres(r, c)
    # two masts on one knoll stand a few metres apart
    shift = np.arange(row.size) % 9
    east[move] = (e + 15.0 * (shift // 3 - 1))[move]
    north[move] = (n + 15.0 * (shift % 3 - 1))[move]
    return east, north


_NEIGHBOURS = 10


def exchanges(grid: Grid, communes: gpd.GeoDataFrame, villages: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return an exchange for every 60,000 people, in the centres of the most populous communes.

    Parameters
    ----------
    grid : Grid
        Carries the CRS.
    communes : GeoDataFrame
        Layer `communes`.
    villages : GeoDataFrame
        Layer `settlements`, in whose centres they stand.
    """
    centre = villages[villages["kind"] == "centre"]
    by = centre.sort_values(["population", "settlement_id"], ascending=[False, True]).drop_duplicates(
        "commune_code"
    )
    by = by.set_index("commune_code").reindex(communes["commune_code"])
    people = communes["population"].to_numpy(np.float64)
    points = np.array(
        [
            p if p is not None else g.representative_point()
            for p, g in zip(by.geometry, communes.geometry, strict=True)
        ],
        object,
    )
    # about one exchange per 60,000 people, in the most populous communes, and one at least
    count = int(np.clip(np.ceil(people.sum() / 60_000.0), 1, len(communes)))
    rank = np.lexsort((communes["commune_code"].to_numpy(str), -people))[:count]
    rank = np.sort(rank)
    n = rank.size
    return gpd.GeoDataFrame(
        {
            "site_id": [f"x{i:04d}" for i in range(n)],
            "owner": "vinaphone",
            "structure": "exchange",
            "height_m": 10.0,
            "shareable": False,
            "lock_reason": "technical",
            "spare_slots": 0,
            "power_source": "grid_battery",
            "power_node_id": "",
            "autonomy_h": 96.0,
            "backhaul_parent_id": "",
            "commissioned": 2010,
            "status": "active",
            "class": 0,
        },
        geometry=points[rank],
        crs=grid.crs,
    )


def hang_on_exchanges(
    sites: gpd.GeoDataFrame, rng: np.random.Generator
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Return the sites with their parents, and the links: fibre where it is near, microwave across the mountains.

    A shortest-path tree that prefers short hops leads to the exchanges.

    Parameters
    ----------
    sites : GeoDataFrame
        Exchanges and masts, with `class`: how remote, 0 to 3.
    rng : Generator
        Draws the medium of remote links.
    """
    n = len(sites)
    xy = np.c_[sites.geometry.x, sites.geometry.y]
    root = (sites["structure"] == "exchange").to_numpy()
    remote = sites["class"].to_numpy(np.int64)
    distance, near = nearest(xy, xy, k=min(_NEIGHBOURS + 1, n))
    distance, near = distance.reshape(n, -1)[:, 1:], near.reshape(n, -1)[:, 1:]
    child = np.repeat(np.arange(n), distance.shape[1])
    # a long hop costs more than its length, and each hop something: trees of few, short hops
    cost = (distance.ravel() / 1000.0) ** 1.4 + 1.5
    ex = np.flatnonzero(root)
    far, which = nearest(xy[ex], xy)
    graph = coo_matrix(
        (
            np.r_[cost, (far / 1000.0) ** 1.4 + 4.0],
            (np.r_[child, np.arange(n)], np.r_[near.ravel(), ex[which]]),
        ),
        (n, n),
    ).tocsr()
    _, before, _ = dijkstra(graph, directed=False, indices=ex, min_only=True, return_predecessors=True)
    parent = np.where(root, -1, before)
    hop_km = np.where(parent >= 0, np.hypot(*(xy - xy[np.maximum(parent, 0)]).T) / 1000.0, 0.0)
    draw = rng.random(n)
    microwave = (remote >= 2) & (draw < 0.45) & (hop_km > 0.4) | (hop_km > 12.0)
    satellite = (remote >= 2) & (draw > 0.985) | (hop_km > 45.0)
    bare = (remote >= 2) & (draw > 0.978) & ~satellite  # mast built, line never finished
    bare &= ~np.isin(np.arange(n), parent)  # nothing hangs on it
    medium = np.select([satellite, microwave], ["satellite", "microwave"], "fibre")
    parent = np.where(bare, -1, np.where(satellite, ex[which], parent))
    # a kilometre of rural fibre is down a quarter of an hour a year; hops fade and their radios fail
    lost = np.select([satellite, microwave], [0.0025, 0.00035 + 0.00002 * hop_km], 0.0001 + 0.00003 * hop_km)
    capacity = np.select([satellite, microwave], [30.0, 400.0], 2000.0)
    ids = sites["site_id"].to_numpy(str)
    out = sites.copy()
    out["backhaul_parent_id"] = np.where(parent >= 0, ids[np.maximum(parent, 0)], "")
    on = np.flatnonzero(parent >= 0)
    links = pd.DataFrame(
        {
            "link_id": np.char.add("l", ids[on]),
            "from_id": ids[on],
            "to_id": ids[parent[on]],
            "medium": medium[on],
            "capacity_mbps": capacity[on],
            "owner": sites["owner"].to_numpy(str)[on],
            "availability": np.round(1.0 - lost[on], 6),
        }
    )
    return out, links


_LOCKS = ("structural", "contract", "technical", "security", "legal", "unknown")
_LOCK_SHARES = (0.34, 0.30, 0.14, 0.10, 0.05, 0.07)
_BLOCK_M = 5000.0
_WAITING_PEOPLE_KM2 = 250.0
_SECOND_CARRIER_KM2 = 350.0


@dataclass(frozen=True)
class Telecom:
    """Layers `sites`, `cells` and `links`; sites not yet joined to power."""

    sites: gpd.GeoDataFrame
    cells: pd.DataFrame
    links: pd.DataFrame


def model_telecom(
    grid: Grid,
    *,
    communes: gpd.GeoDataFrame,
    villages: gpd.GeoDataFrame,
    demand: pd.DataFrame,
    commune_row: npt.NDArray[np.int32],
    elevation: npt.NDArray[np.float32],
    operators: pd.DataFrame,
    seed: int,
) -> Telecom:
    """Return modelled sites, cells and links.

    Parameters
    ----------
    grid : Grid
        The pixels.
    communes : GeoDataFrame
        With `remote`.
    villages : GeoDataFrame
        Layer `settlements` with `on_grid`.
    demand : DataFrame
        Layer `demand`.
    commune_row : ndarray of int32, on the grid
        Row of the commune of each pixel.
    elevation : ndarray, on the grid
        Ground heights. [m]
    operators : DataFrame
        Layer `operators`.
    seed : int
        Seed.
    """
    rng = np.random.default_rng([seed, 2])
    people = np.zeros(grid.shape)
    people[demand["row"], demand["col"]] = demand["population"]
    density = gaussian_filter(people, max(700.0 / grid.cell_m, 0.5), truncate=3.0) / grid.pixel_km2
    remote_of = np.r_[communes["remote"].to_numpy(np.int64), 0]
    place_e, place_n, place_d, small = places_to_build(grid, villages, demand, density, operators, rng)
    row, col = grid.rowcol(place_e, place_n)
    remote = remote_of[commune_row[np.clip(row, 0, grid.height - 1), np.clip(col, 0, grid.width - 1)]]
    # whole valleys wait, not single villages: blocks of a few kilometres that no operator has come to yet
    block = np.floor(place_e / _BLOCK_M).astype(np.int64) * 7919 + np.floor(place_n / _BLOCK_M).astype(
        np.int64
    )
    names, inverse = np.unique(block, return_inverse=True)
    waiting = (rng.random(names.size) < assumption("valleys_waiting"))[inverse]
    skip = (remote >= 2) & (small | (waiting & (place_d < _WAITING_PEOPLE_KM2)))
    masts = build_masts(place_e, place_n, place_d, remote, skip, operators, rng)
    sites = _site_table(grid, masts, commune_row, elevation, operators, rng)
    towns = exchanges(grid, communes, villages)
    sites = gpd.GeoDataFrame(pd.concat([towns, sites], ignore_index=True), geometry="geometry", crs=grid.crs)
    cells = _cell_table(sites, masts, operators, len(towns))
    sites, links = hang_on_exchanges(sites, rng)
    return Telecom(sites.drop(columns="class"), cells, links)


def _site_table(
    grid: Grid,
    masts: Masts,
    commune_row: npt.NDArray[np.int32],
    elevation: npt.NDArray[np.float32],
    operators: pd.DataFrame,
    rng: np.random.Generator,
) -> gpd.GeoDataFrame:
    n = masts.east_m.size
    east, north = on_high_ground(grid, masts, commune_row, elevation)
    names = operators["operator"].to_numpy(str)
    urban = masts.density >= 2000.0
    height = np.where(urban, rng.choice([21.0, 24.0, 27.0], n), rng.choice([30.0, 36.0, 42.0, 45.0], n))
    lock = np.where(masts.locked, rng.choice(_LOCKS, n, p=_LOCK_SHARES), "")
    tenants = np.array([int(t).bit_count() for t in masts.tenants], np.int64)
    return gpd.GeoDataFrame(
        {
            "site_id": [f"s{i:06d}" for i in range(n)],
            "owner": names[masts.owner],
            "structure": np.where(urban, np.where(rng.random(n) < 0.7, "rooftop", "pole"), "tower"),
            "height_m": height,
            "shareable": ~masts.locked,
            "lock_reason": lock,
            "spare_slots": np.where(masts.locked, 0, np.maximum(rng.integers(1, 4, n) - tenants + 1, 0)),
            "power_source": "grid_battery",
            "power_node_id": "",
            "autonomy_h": rng.choice([1.0, 2.0, 4.0, 6.0, 8.0], n, p=[0.12, 0.2, 0.38, 0.2, 0.1]),
            "backhaul_parent_id": "",
            "commissioned": rng.choice([2012, 2015, 2017, 2019, 2021, 2023], n),
            "status": "active",
            "class": masts.remote,
        },
        geometry=gpd.points_from_xy(east, north),
        crs=grid.crs,
    )


def _cell_table(sites: gpd.GeoDataFrame, masts: Masts, operators: pd.DataFrame, first: int) -> pd.DataFrame:
    """Give each tenant three sectors of 900 MHz, and of 1800 MHz where people are many."""
    names = operators["operator"].to_numpy(str)
    ids = sites["site_id"].to_numpy(str)[first:]
    heights = sites["height_m"].to_numpy(np.float64)[first:]
    capacity = masts.density >= _SECOND_CARRIER_KM2
    start = (np.arange(ids.size) * 37) % 120
    rows = []
    for code, name in enumerate(names):
        on = np.flatnonzero((masts.tenants >> code) & 1)
        for band, width, eirp, which in ((900, 10.0, 60.0, on), (1800, 20.0, 62.0, on[capacity[on]])):
            drop = np.where(masts.owner[which] == code, 1.0, 5.0)  # guests hang lower
            common = {
                "site_id": ids[which],
                "operator": name,
                "technology": "4G",
                "band_mhz": float(band),
                "bandwidth_mhz": width,
                "eirp_dbm": eirp,
                "antenna_height_m": heights[which] - drop,
                "beamwidth_deg": 65.0,
                "tilt_deg": np.where(capacity[which], 5.0, 2.0),
                "guests": "",
            }
            for sector in range(3):
                sectors = pd.DataFrame(
                    {"cell_id": np.char.add(ids[which], f"/{name}/{band}/{sector}"), **common}
                )
                sectors["azimuth_deg"] = (start[which] + 120.0 * sector) % 360.0
                rows.append(sectors)
    return pd.concat(rows, ignore_index=True).sort_values("cell_id", ignore_index=True)

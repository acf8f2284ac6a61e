"""Modelled backhaul: exchanges in the towns, and every mast on one of them by short hops."""

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from phusong.region.grid import Grid
from phusong.region.near import nearest

__all__ = ["exchanges", "hang_on_exchanges"]

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

"""Modelled telecom: sites, cells and links, where operators would build them for the people there are.

Masts stand where `masts` has operators build them; exchanges stand in the towns, and `backhaul` hangs the masts on
them. The assumptions are one table (geodata/network_model.csv), the same for the whole country.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.ndimage import gaussian_filter

from phusong.region.facts import assumption
from phusong.region.grid import Grid
from phusong.region.vietnam.backhaul import exchanges, hang_on_exchanges
from phusong.region.vietnam.masts import Masts, build_masts, on_high_ground, places_to_build

__all__ = ["Telecom", "model_telecom"]

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

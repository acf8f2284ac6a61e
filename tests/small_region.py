"""Small networks that several rooms test with, and the scripts that try a whole run."""

import geopandas as gpd
import numpy as np
import pandas as pd

from phusong.region import Grid
from phusong.region.folder import Region, Source

CRS = "EPSG:32648"


def small_region(*, seed: int = 1, sites: int = 12, cell_m: float = 500.0) -> Region:
    """Return a made-up region of four communes, two operators, an exchange and a power tree."""
    from shapely import box

    rng = np.random.default_rng(seed)
    grid = Grid.around((500_000, 2_400_000, 520_000, 2_420_000), crs=CRS, cell_m=cell_m)
    half = 10_000
    corners = [(500_000 + half * (k % 2), 2_400_000 + half * (k // 2)) for k in range(4)]
    codes = [f"0000{k + 1}" for k in range(4)]
    row, col = (v.ravel() for v in np.indices(grid.shape))
    east, north = grid.centres(row, col)
    at = ((east >= 510_000) + 2 * (north >= 2_410_000)).astype(int)
    people = rng.integers(0, 30, row.size)
    keep = people > 4
    demand = pd.DataFrame(
        {
            "cell_id": [f"r{r:05d}c{c:05d}" for r, c in zip(row[keep], col[keep], strict=True)],
            "commune_code": np.array(codes)[at[keep]],
            "population": people[keep],
            "row": row[keep],
            "col": col[keep],
        }
    )
    communes = gpd.GeoDataFrame(
        {
            "commune_code": codes,
            "name": ["Minh Tân", "Thái Sơn", "Yên Phú", "Hùng Đức"],
            "province_code": "08",
            "province": "Tuyên Quang",
            "kind": "commune",
            "area_km2": 100.0,
            "population": demand.groupby("commune_code")["population"].sum().reindex(codes).to_numpy(),
            "remote": [1, 2, 2, 3],
        },
        geometry=[box(x, y, x + half, y + half) for x, y in corners],
        crs=CRS,
    )
    n = sites
    x, y = rng.uniform(501_000, 519_000, n), rng.uniform(2_401_000, 2_419_000, n)
    ids = ["x0", *(f"s{k:02d}" for k in range(1, n))]
    locked = rng.random(n) < 0.4
    table = gpd.GeoDataFrame(
        {
            "site_id": ids,
            "owner": np.where(np.arange(n) % 3 == 0, "blue", "red"),
            "structure": ["exchange", *["tower"] * (n - 1)],
            "height_m": 35.0,
            "shareable": ~locked,
            "lock_reason": np.where(locked, "contract", ""),
            "spare_slots": 1,
            "power_source": "grid_battery",
            "power_node_id": [f"t{k % 4}" for k in range(n)],
            "autonomy_h": rng.choice([0.0, 4.0, 24.0], n),
            "backhaul_parent_id": ["", *["x0"] * (n - 1)],
            "commissioned": 2018,
            "status": "active",
        },
        geometry=gpd.points_from_xy(x, y),
        crs=CRS,
    )
    cells = pd.DataFrame(
        {
            "cell_id": [f"{i}/0" for i in ids[1:]],
            "site_id": ids[1:],
            "operator": table["owner"].to_numpy()[1:],
            "technology": "4G",
            "band_mhz": 900.0,
            "bandwidth_mhz": 10.0,
            "eirp_dbm": 52.0,
            "antenna_height_m": 30.0,
            "azimuth_deg": 0.0,
            "beamwidth_deg": 360.0,
            "tilt_deg": 2.0,
            "guests": "",
        }
    )
    nodes = gpd.GeoDataFrame(
        {
            "node_id": ["ss", "t0", "t1", "t2", "t3"],
            "kind": ["substation", *["transformer"] * 4],
            "capacity_kw": 500.0,
            "saifi": [0.5, 3.0, 3.0, 6.0, 9.0],
            "caidi_h": [1.0, 1.0, 1.0, 2.0, 4.0],
        },
        geometry=gpd.points_from_xy(
            [510_000, 505_000, 515_000, 505_000, 515_000],
            [2_410_000, 2_405_000, 2_405_000, 2_415_000, 2_415_000],
        ),
        crs=CRS,
    )
    lines = pd.DataFrame(
        {
            "line_id": [f"p{k}" for k in range(4)],
            "from_id": ["ss", "ss", "t0", "t1"],
            "to_id": ["t0", "t1", "t2", "t3"],
            "length_km": [10.0, 12.0, 15.0, 20.0],
            "failures_per_km_year": 0.05,
            "repair_h": 5.0,
        }
    )
    links = pd.DataFrame(
        {
            "link_id": [f"l{k}" for k in range(1, n)],
            "from_id": ids[1:],
            "to_id": "x0",
            "medium": "fibre",
            "capacity_mbps": 1000.0,
            "owner": "red",
            "availability": 0.9998,
        }
    )
    villages = gpd.GeoDataFrame(
        {
            "settlement_id": [f"v{k}" for k in range(4)],
            "name": ["Bản Một", "Bản Hai", "Bản Ba", "Bản Bốn"],
            "kind": "centre",
            "commune_code": codes,
            "population": 100,
            "modelled": False,
            "on_grid": True,
        },
        geometry=[communes.geometry.iloc[k].centroid for k in range(4)],
        crs=CRS,
    )
    facilities = gpd.GeoDataFrame(
        {"facility_id": [f"f{k}" for k in range(4)], "kind": "school", "commune_code": codes},
        geometry=villages.geometry,
        crs=CRS,
    )
    ground = 100.0 + 80.0 * np.sin(row / 6.0) * np.cos(col / 5.0)
    layers = (
        "communes",
        "demand",
        "settlements",
        "sites",
        "cells",
        "power_nodes",
        "power_lines",
        "links",
        "operators",
        "facilities",
        "elevation",
        "clutter",
    )
    return Region(
        name="Thử nghiệm",
        grid=grid,
        communes=communes,
        demand=demand,
        settlements=villages,
        sites=table,
        cells=cells,
        power_nodes=nodes,
        power_lines=lines,
        links=links,
        operators=pd.DataFrame({"operator": ["red", "blue"], "name": ["Red", "Blue"], "share": [0.6, 0.4]}),
        facilities=facilities,
        elevation=ground.reshape(grid.shape).astype(np.float32),
        clutter=np.ones(grid.shape, np.uint8),
        sources=tuple(Source(layer, "modelled", "made up for tests") for layer in layers),
    )

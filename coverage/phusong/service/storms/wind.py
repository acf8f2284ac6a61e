"""The winds of a storm: pressure and gradient wind round its centre, asymmetry, inflow, and gusts near the ground."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from phusong.kernel_cache import nb
from phusong.region.facts import table

__all__ = [
    "assumed", "coriolis", "gradient_at",
    "gradient_wind", "gust_share", "holland_b", "inflow_deg", "pressure_hpa", "terrain_share",
    "translation_share",
]  # fmt: skip

Floats = npt.NDArray[np.float64]

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

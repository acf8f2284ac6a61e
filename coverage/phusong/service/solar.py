"""Sites on the sun: an hourly balance of panels, battery and load through made-up years of a station's weather."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, ndtr

from phusong.kernel_cache import nb
from phusong.service.climate import MONTH_DAYS, climate

__all__ = [
    "AUTONOMY_H",
    "OVERSIZE",
    "PERFORMANCE",
    "WEATHER_YEARS",
    "Weather",
    "array_kwp",
    "dark_hours",
    "shortage_h",
    "weather",
]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

PERFORMANCE = 0.75  # of panels: heat, dust, wiring, controller and battery losses (assumed)
OVERSIZE = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0)
"""Yield of the panels in the dullest month over the load, for which shortages are tabled."""
AUTONOMY_H = (0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 24.0, 36.0, 48.0, 72.0, 96.0, 120.0, 168.0, 240.0)
"""Battery over load, for which shortages are tabled. [h]"""
WEATHER_YEARS = 20
_ANGSTROM_A, _ANGSTROM_B = 0.25, 0.5  # FAO-56, equation 35: sunshine to radiation
_PERSISTENCE = 0.55  # of a day's cloudiness into the next: dull spells of winter last (assumed)
_SPREAD = 1.6  # of the beta law of a day's sunshine: most days are nearly clear or nearly overcast (assumed)
_DAYS = 365


@dataclass(frozen=True)
class Weather:
    """Hours of some years at one station.

    Parameters
    ----------
    yield_kwh_kwp : ndarray, shape (hours,)
        What one kilowatt of panels delivers in each hour, losses taken off.
    dullest_kwh_kwp_day : float
        Mean yield of a day in the dullest month, by the monthly table.
    """

    yield_kwh_kwp: Floats
    dullest_kwh_kwp_day: float


@cache
def weather(station: int, seed: int = 0, years: int = WEATHER_YEARS) -> Weather:
    """Return seeded hours of weather whose monthly sunshine follows the station's table.

    Parameters
    ----------
    station : int
        Position in :func:`phusong.service.climate.climate`.
    seed : int
        The same seed gives the same hours.
    years : int
        Of 365 days.

    References
    ----------
    Allen et al., FAO Irrigation and Drainage Paper 56 (1998), equations 21, 25, 28, 34 and 35.
    """
    stations = climate()
    latitude = float(np.radians(stations.latitude_deg[station]))
    month = np.repeat(np.arange(12), MONTH_DAYS)
    outside, daylight, shape = _sun(latitude)
    long_month = np.bincount(month, daylight)
    share = np.clip(stations.sun_hours[station] / long_month, 0.02, 0.98)
    rng = np.random.default_rng([seed, station, 51])
    n = years * _DAYS
    noise = rng.standard_normal(n) * np.sqrt(1.0 - _PERSISTENCE**2)
    noise[0] = rng.standard_normal()
    mean = np.tile(share[month], years)
    sunny = betaincinv(_SPREAD * mean, _SPREAD * (1.0 - mean), ndtr(_persist(noise, _PERSISTENCE)))
    # the draw is made to keep the table's mean of each month over the years
    drawn = np.bincount(np.tile(month, years), sunny, 12) / (MONTH_DAYS * years)
    sunny = np.clip(sunny * np.tile((share / np.maximum(drawn, 1e-6))[month], years), 0.0, 1.0)
    daily = np.tile(outside, years) * (_ANGSTROM_A + _ANGSTROM_B * sunny) * PERFORMANCE
    hourly = daily[:, None] * np.tile(shape, (years, 1))
    table = np.bincount(month, outside * (_ANGSTROM_A + _ANGSTROM_B * share[month])) / MONTH_DAYS
    return Weather(np.ascontiguousarray(hourly.ravel()), float(table.min() * PERFORMANCE))


def array_kwp(oversize: npt.ArrayLike, load_kw: npt.ArrayLike, dullest_kwh_kwp_day: npt.ArrayLike) -> Floats:
    """Return the panels whose yield in the dullest month is so many times the load. [kWp]"""
    return np.asarray(np.asarray(oversize) * 24.0 * np.asarray(load_kw) / np.asarray(dullest_kwh_kwp_day))


def dark_hours(there: Weather, *, oversize: float, autonomy_h: float) -> Bools:
    """Return in which hours the site is short of power.

    Parameters
    ----------
    there : Weather
        Of the station.
    oversize : float
        Yield of the panels in the dullest month over the load.
    autonomy_h : float
        Hours of load in the full battery.

    Notes
    -----
    The load takes what there is, so a larger battery or more panels hold at least as much at every hour, and
    are dark in none in which the smaller are not.
    """
    panels = oversize * 24.0 / there.dullest_kwh_kwp_day
    return np.asarray(_balance(there.yield_kwh_kwp, panels, max(autonomy_h, 0.0)))


@cache
def shortage_h(station: int, seed: int = 0) -> Floats:
    """Return the hours a year short of power, shape (len(OVERSIZE), len(AUTONOMY_H)), at one station."""
    there = weather(station, seed)
    hours = there.yield_kwh_kwp.size / (_DAYS * 24.0)
    dark = [
        [
            dark_hours(there, oversize=o, autonomy_h=t).sum() / hours * (8760.0 / (_DAYS * 24.0))
            for t in AUTONOMY_H
        ]
        for o in OVERSIZE
    ]
    return np.asarray(dark, np.float64)


def _sun(latitude: float) -> tuple[Floats, Floats, Floats]:
    """Return extraterrestrial radiation [kWh/m2/day], length of day [h] and its spread over the hours."""
    day = np.arange(1, _DAYS + 1)
    tilt = 0.409 * np.sin(2.0 * np.pi * day / 365.0 - 1.39)
    near = 1.0 + 0.033 * np.cos(2.0 * np.pi * day / 365.0)
    dusk = np.arccos(np.clip(-np.tan(latitude) * np.tan(tilt), -1.0, 1.0))
    up, across = np.sin(latitude) * np.sin(tilt), np.cos(latitude) * np.cos(tilt)
    outside = 24.0 * 1.367 / np.pi * near * (dusk * up + across * np.sin(dusk))
    hour = (np.arange(24) + 0.5 - 12.0) * np.pi / 12.0
    height = np.maximum(up[:, None] + across[:, None] * np.cos(hour), 0.0)
    return outside, 24.0 / np.pi * dusk, height / height.sum(axis=1, keepdims=True)


@nb.njit(cache=True)
def _persist(noise, persistence):  # type: ignore[no-untyped-def]
    out = np.empty_like(noise)
    out[0] = noise[0]
    for k in range(1, noise.size):
        out[k] = persistence * out[k - 1] + noise[k]
    return out


@nb.njit(cache=True)
def _balance(yields, panels, battery):  # type: ignore[no-untyped-def]
    dark = np.zeros(yields.size, np.bool_)
    held = battery
    for k in range(yields.size):
        left = held + yields[k] * panels - 1.0
        if left < -1e-12:
            dark[k] = True
        held = min(max(left, 0.0), battery)
    return dark

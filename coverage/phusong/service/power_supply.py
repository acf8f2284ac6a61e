"""Power sources of a site: solar, diesel, hybrid, climate."""

from dataclasses import dataclass
from functools import cache

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import betaincinv, ndtr

from phusong.compute.array_types import Bools, Floats, Ints
from phusong.compute.kernels import nb
from phusong.io.resources import HOURS_YEAR, table

__all__ = [
    "AUTONOMY_H",
    "MONTH_DAYS",
    "OVERSIZE",
    "PERFORMANCE",
    "POWER_SOURCES",
    "REFUEL_DELAY_H",
    "RESERVE",
    "SITE_KW",
    "SOURCE_CODE",
    "TANK_H",
    "USUAL_OVERSIZE",
    "WEATHER_YEARS",
    "Climate",
    "OwnGeneration",
    "PowerSource",
    "Weather",
    "array_kwp",
    "climate",
    "dark_hours",
    "late_fuel",
    "shortage_h",
    "site_supply",
    "weather",
]


TANK_H = 240.0  # 250 litres at about a litre an hour (assumed)
RESERVE = 0.3  # of the tank: fuel is ordered when it falls below (assumed)
REFUEL_DELAY_H = 24.0  # from the order to the fuel on the hill, mean (assumed)


def late_fuel(
    tank_h: npt.ArrayLike, delay_h: npt.ArrayLike, *, reserve: float = RESERVE
) -> tuple[Floats, Floats]:
    """Return how often a year the tank runs dry, and for how long on average. [1/year], [h]

    Parameters
    ----------
    tank_h : array_like
        Hours that a full tank lasts.
    delay_h : array_like
        Mean time from order to delivery.
    reserve : float
        Share of the tank at which fuel is ordered.

    Notes
    -----
    A cycle burns the tank down to the reserve and waits for the delivery, whose delay is exponential: the set
    stops with probability exp(-reserve/delay), and being memoryless the wait that is left is again the mean
    delay. A battery of T hours takes off what is shorter, as for any supply: rate · delay · exp(-T/delay).
    """
    tank, delay = np.asarray(tank_h, np.float64), np.maximum(np.asarray(delay_h, np.float64), 1e-6)
    held = reserve * tank
    cycles = HOURS_YEAR / np.maximum(tank - held + delay, 1e-6)
    return np.asarray(cycles * np.exp(-held / delay)), np.broadcast_to(delay, cycles.shape).copy()


MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@dataclass(frozen=True)
class Climate:
    """Monthly means of some stations, geodata/climate_months.csv.

    Parameters
    ----------
    stations : tuple of str
        Names.
    latitude_deg, longitude_deg : ndarray, shape (n,)
        Where they stand.
    sun_hours, rain_mm, temperature_c : ndarray, shape (n, 12)
        Bright sunshine and rain of the month, mean air temperature.
    """

    stations: tuple[str, ...]
    latitude_deg: Floats
    longitude_deg: Floats
    sun_hours: Floats
    rain_mm: Floats
    temperature_c: Floats

    def nearest(self, latitude_deg: npt.ArrayLike, longitude_deg: npt.ArrayLike) -> Ints:
        """Return the position of the station nearest to each place, on the sphere."""
        lat, lon = np.radians(np.asarray(latitude_deg, float)), np.radians(np.asarray(longitude_deg, float))
        there, east = np.radians(self.latitude_deg), np.radians(self.longitude_deg)
        half = np.sin((lat[..., None] - there) / 2.0) ** 2
        half += np.cos(lat[..., None]) * np.cos(there) * np.sin((lon[..., None] - east) / 2.0) ** 2
        return np.asarray(np.argmin(half, axis=-1), np.int64)


@cache
def climate() -> Climate:
    """Return the shipped stations."""
    rows = table("climate_months")
    names = tuple(str(n) for n in dict.fromkeys(rows["station"]))
    months = rows.sort_values(["station", "month"], kind="stable").set_index("station")

    def monthly(column: str) -> Floats:
        return np.array([months.loc[[n], column].to_numpy(np.float64) for n in names])

    return Climate(
        names,
        monthly("latitude_deg")[:, 0],
        monthly("longitude_deg")[:, 0],
        monthly("sun_hours"),
        monthly("rain_mm"),
        monthly("temperature_c"),
    )


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
        Position in :func:`phusong.service.power_supply.climate`.
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
            dark_hours(there, oversize=o, autonomy_h=t).sum() / hours * (HOURS_YEAR / (_DAYS * 24.0))
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


SITE_KW = 1.5  # mean load of a rural site with two operators (assumed)
USUAL_OVERSIZE = 1.25  # panels planned to yield a quarter more than the load in the dullest month (assumed)


@dataclass(frozen=True)
class PowerSource:
    """How a kind of supply fails.

    Parameters
    ----------
    name : str
        Word of the `power_source` column.
    on_grid : bool
        Whether failures of the grid reach the site.
    spells_year, spell_h : float
        Faults a year of the site's own equipment, and their mean length before autonomy is counted.
    sun : float
        Share of the hours in which panels and battery are short that the site is off.
    fuel : bool
        Whether the site is off when fuel comes late.
    """

    name: str
    on_grid: bool
    spells_year: float
    spell_h: float
    sun: float = 0.0
    fuel: bool = False


# Equipment faults are assumed, from the ranges of operators' reports: rectifiers on the grid, controllers and
# inverters far from the road off it, engines. A hybrid's engine does not answer in 3.5 % of the hours it is
# called: 3 % start failures and 4 faults a year of 12 h.
POWER_SOURCES = (
    PowerSource("grid", on_grid=True, spells_year=0.3, spell_h=6.0),
    PowerSource("grid_battery", on_grid=True, spells_year=0.3, spell_h=6.0),
    PowerSource("solar", on_grid=False, spells_year=0.5, spell_h=24.0, sun=1.0),
    PowerSource("hybrid", on_grid=False, spells_year=0.5, spell_h=24.0, sun=0.035),
    PowerSource("diesel", on_grid=False, spells_year=4.0, spell_h=12.0, fuel=True),
    PowerSource("none", on_grid=False, spells_year=1.0, spell_h=HOURS_YEAR),
)
SOURCE_CODE = {source.name: code for code, source in enumerate(POWER_SOURCES)}


@dataclass(frozen=True)
class OwnGeneration:
    """What the sites' own panels and tanks would do, whatever their supply is today.

    Parameters
    ----------
    station : ndarray of int, shape (n_sites,)
        Weather station, a position in `stations`.
    stations : tuple of int
        Positions in :func:`phusong.service.power_supply.climate` of those in use.
    oversize : ndarray, shape (n_sites,)
        Yield of the panels in the dullest month over the load.
    late_year, late_h : ndarray, shape (n_sites,)
        How often fuel comes late, and for how long.
    shortage_h : ndarray, shape (n_stations, len(OVERSIZE), len(AUTONOMY_H))
        Hours a year that panels and battery are short.
    """

    station: Ints
    stations: tuple[int, ...]
    oversize: Floats
    late_year: Floats
    late_h: Floats
    shortage_h: Floats


def site_supply(sites: gpd.GeoDataFrame) -> OwnGeneration:
    """Return what each site's own supply does, by the station nearest to it.

    Parameters
    ----------
    sites : GeoDataFrame
        Layer of the region. `pv_kwp`, `load_kw`, `tank_h` and `refuel_delay_h` are used where given and
        above 0; else panels by the rule of `USUAL_OVERSIZE`, `SITE_KW`, and the usual tank and delay.
    """
    place = sites.geometry.to_crs("EPSG:4326")
    near = climate().nearest(place.y.to_numpy(np.float64), place.x.to_numpy(np.float64))
    stations, station = np.unique(near, return_inverse=True)
    dullest = np.array([weather(int(s)).dullest_kwh_kwp_day for s in stations])
    load = stated(sites, "load_kw", SITE_KW)
    kwp = stated(sites, "pv_kwp", 0.0)
    oversize = np.where(kwp > 0.0, kwp * dullest[station] / (24.0 * load), USUAL_OVERSIZE)
    late_year, late_h = late_fuel(
        stated(sites, "tank_h", TANK_H), stated(sites, "refuel_delay_h", REFUEL_DELAY_H)
    )
    return OwnGeneration(
        np.asarray(station, np.int64),
        tuple(int(s) for s in stations),
        oversize,
        late_year,
        late_h,
        np.stack([shortage_h(int(s)) for s in stations]) if stations.size else shortage_h(0)[None],
    )


def stated(frame: pd.DataFrame, column: str, usual: float) -> Floats:
    """Return a column where it is given and above 0, else the usual value."""
    if column not in frame.columns:
        return np.full(len(frame), usual)
    given = pd.to_numeric(frame[column], errors="coerce").fillna(0.0).to_numpy(np.float64)
    return np.asarray(np.where(given > 0.0, given, usual))

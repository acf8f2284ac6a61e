"""What sites draw and burn: kilowatt-hours, litres and panels, sized so that the availability is really met."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from phusong.invest.cost_figures import energy_figure
from phusong.invest.costs import Cost, Costs
from phusong.service.network import POWER_SOURCES
from phusong.service.solar import AUTONOMY_H, OVERSIZE, array_kwp, shortage_h, weather
from phusong.service.supply import SITE_KW, SOURCE_CODE

__all__ = [
    "Solar",
    "cheapest_solar",
    "generator_cost",
    "generator_litres_year",
    "grid_cost",
    "grid_kwh_year",
    "solar_cost",
    "solar_sizes",
]

Floats = npt.NDArray[np.float64]

_SET_KW_PER_LOAD = 2.0  # a generator is twice the mean load: it starts the air conditioner too (assumed)


@dataclass(frozen=True)
class Solar:
    """Panels and battery of a site on the sun.

    Parameters
    ----------
    oversize : float
        Yield of the panels in the dullest month over the load.
    kwp, autonomy_h, battery_kwh : float
        Panels, and the battery in hours of load and in kilowatt-hours.
    hours_lost : float
        A year, by the hourly balance of some years of weather, equipment faults included.
    """

    oversize: float
    kwp: float
    autonomy_h: float
    battery_kwh: float
    hours_lost: float


def grid_kwh_year(load_kw: float = SITE_KW) -> float:
    """Return what a site draws from the grid in a year. [kWh]"""
    return load_kw * 8760.0


def generator_litres_year(hours_year: float, load_kw: float = SITE_KW) -> float:
    """Return what a generator burns that runs so many hours a year at a site's load, its test runs included. [l]

    References
    ----------
    Skarstein and Uhlen, Wind Engineering 13 (1989): a straight line over the load, from what it burns idling.
    """
    an_hour = (
        energy_figure("fuel_idle")[1] * _SET_KW_PER_LOAD * load_kw + energy_figure("fuel_load")[1] * load_kw
    )
    return (hours_year + energy_figure("test_run")[1]) * an_hour


@lru_cache(maxsize=256)
def solar_sizes(station: int, load_kw: float = SITE_KW) -> tuple[Solar, ...]:
    """Return every size of panels and battery of the tabled ones, with the hours it leaves the site dark.

    Parameters
    ----------
    station : int
        Weather station (position in :func:`phusong.service.climate.climate`).
    load_kw : float
        Mean load.
    """
    dark = shortage_h(station)
    own = POWER_SOURCES[SOURCE_CODE["solar"]]
    dullest = weather(station).dullest_kwh_kwp_day
    out = []
    for i, oversize in enumerate(OVERSIZE):
        kwp = float(array_kwp(oversize, load_kw, dullest))
        for j, hours in enumerate(AUTONOMY_H):
            lost = float(dark[i, j]) + own.spells_year * own.spell_h * float(np.exp(-hours / own.spell_h))
            out.append(Solar(oversize, kwp, hours, hours * load_kw, lost))
    return tuple(out)


def solar_cost(costs: Costs, size: Solar) -> Cost:
    """Return the cost of panels and battery."""
    return costs.of(pv=size.kwp, battery=size.battery_kwh)


def cheapest_solar(
    costs: Costs, station: int, hours_allowed: float, load_kw: float = SITE_KW
) -> Solar | None:
    """Return the cheapest panels and battery that lose no more hours a year than allowed, or None."""
    return next((s for s in _cheapest_first(costs, station, load_kw) if s.hours_lost <= hours_allowed), None)


@lru_cache(maxsize=1024)
def _cheapest_first(costs: Costs, station: int, load_kw: float) -> tuple[Solar, ...]:
    sizes = solar_sizes(station, load_kw)
    return tuple(sorted(sizes, key=lambda s: (solar_cost(costs, s).npv_musd, s.autonomy_h)))


def grid_cost(costs: Costs, *, battery_kwh: float, load_kw: float = SITE_KW) -> Cost:
    """Return the cost of a site's connection at a line: transformer, battery, and what it draws."""
    return costs.of(transformer=1.0, battery=battery_kwh) + costs.energy(kwh_year=grid_kwh_year(load_kw))


def generator_cost(costs: Costs, hours_year: float, load_kw: float = SITE_KW) -> Cost:
    """Return the cost of a stand-by set that runs so many hours a year."""
    size_kw = _SET_KW_PER_LOAD * load_kw
    return costs.of(diesel_set=size_kw, diesel_service=1.0) + costs.energy(
        litres_year=generator_litres_year(hours_year, load_kw)
    )

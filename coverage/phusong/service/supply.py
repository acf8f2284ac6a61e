"""How each kind of supply fails by itself, and what a site's own panels, tank and battery make of it."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.service.climate import climate
from phusong.service.diesel import REFUEL_DELAY_H, TANK_H, late_fuel
from phusong.service.solar import shortage_h, weather

__all__ = [
    "POWER_SOURCES",
    "SITE_KW",
    "SOURCE_CODE",
    "USUAL_OVERSIZE",
    "PowerSource",
    "Supply",
    "site_supply",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

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
    PowerSource("none", on_grid=False, spells_year=1.0, spell_h=8760.0),
)
SOURCE_CODE = {source.name: code for code, source in enumerate(POWER_SOURCES)}


@dataclass(frozen=True)
class Supply:
    """What the sites' own panels and tanks would do, whatever their supply is today.

    Parameters
    ----------
    station : ndarray of int, shape (n_sites,)
        Weather station, a position in `stations`.
    stations : tuple of int
        Positions in :func:`phusong.service.climate.climate` of those in use.
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


def site_supply(sites: gpd.GeoDataFrame) -> Supply:
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
    return Supply(
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

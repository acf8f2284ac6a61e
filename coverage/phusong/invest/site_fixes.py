"""What can be mended at one standing site: each power and backhaul remedy with its price and what it leaves."""

from dataclasses import dataclass, replace

import numpy as np

from phusong.invest.costs import Cost, Costs
from phusong.invest.energy import (
    cheapest_solar,
    generator_cost,
    generator_litres_year,
    grid_cost,
    grid_kwh_year,
    solar_cost,
)
from phusong.invest.feeds import (
    FIBRE_LOST,
    FIBRE_LOST_KM,
    FIBRE_MBPS,
    MICROWAVE_MBPS,
    SATELLITE_LOST,
    SATELLITE_MBPS,
    Terrain,
    node_hours,
)
from phusong.invest.remedy import Remedy, Works
from phusong.invest.situation import Situation
from phusong.region.near import nearest
from phusong.service.solar import array_kwp, weather
from phusong.service.supply import SITE_KW, SOURCE_CODE

__all__ = ["Fix", "PowerFix", "SiteFixes"]

_BATTERY_H, _TANK_H, _GRID_BATTERY_H = 24.0, 48.0, 8.0
_SOLAR_HOURS_LOST = 6.5  # a year, that a supply on the sun may take of itself
_DETOUR = 1.3  # of a line over the straight distance


@dataclass(frozen=True)
class Fix:
    """One remedy at one site.

    Parameters
    ----------
    kind : str
        Kind of remedy.
    site : int
        Site index.
    cost : Cost
        What it costs.
    works : Works
        What it changes.
    """

    kind: str
    site: int
    cost: Cost
    works: Works

    def remedy(self, situation: Situation) -> Remedy:
        """Return it as a remedy."""
        k = self.site
        name, east, north = situation.network.site_ids[k], situation.site_east_m[k], situation.site_north_m[k]
        return Remedy(self.kind, str(name), self.cost, float(east), float(north), self.works)


@dataclass(frozen=True)
class PowerFix:
    """A power remedy, and the supply that it leaves.

    Parameters
    ----------
    fix : Fix
        The remedy.
    source : int
        Index into `POWER_SOURCES` afterwards.
    autonomy_h : float
        Battery or tank. [h]
    oversize : float
        Panels afterwards, as yield in the dullest month over the load; 0: as they are.
    """

    fix: Fix
    source: int
    autonomy_h: float
    oversize: float = 0.0


class SiteFixes:
    """Prices the remedies of standing sites, each once.

    Parameters
    ----------
    terrain : Terrain
        The network today, the ground, and what works cost on it.
    """

    def __init__(self, terrain: Terrain) -> None:
        self._terrain = terrain
        self._s = s = terrain.situation
        net = s.network
        self._xy = np.c_[s.site_east_m, s.site_north_m]
        self._power: dict[tuple[str, int], PowerFix | None] = {}
        self._link: dict[tuple[str, int, int], Fix] = {}
        nodes = np.c_[s.node_east_m, s.node_north_m]
        self.near_node = np.full(net.n_sites, -1, np.int64)
        self._node_km = np.full(net.n_sites, np.inf)
        self._outage_h = np.zeros(net.n_sites)  # of the grid, which a stand-by set bridges
        if len(nodes):
            far, self.near_node = nearest(nodes, self._xy)
            self._node_km = far / 1000.0
            self._outage_h = np.where(net.node >= 0, node_hours(net, 0.0)[net.node], 0.0)

    def power(self, kind: str, site: int, code: int) -> PowerFix | None:
        """Return a power remedy at a site whose supply is `code` today; None where it would change nothing."""
        if (kind, site) not in self._power:
            self._power[kind, site] = self._power_fix(kind, site, code)
        return self._power[kind, site]

    def link(self, kind: str, site: int, end: int, *, hop_lost: float) -> Fix:
        """Return a link from a site to another; `hop_lost` is the share of the year that a microwave hop loses."""
        if (kind, site, end) not in self._link:
            self._link[kind, site, end] = self._link_fix(kind, site, end, hop_lost)
        return self._link[kind, site, end]

    def _power_fix(self, kind: str, site: int, code: int) -> PowerFix | None:
        name = str(self._s.network.site_ids[site])
        costs = self._costs_at(site)
        off_grid = code >= SOURCE_CODE["solar"]
        if kind == "battery_backup":
            kwh = SITE_KW * _BATTERY_H
            works = Works(name, autonomy_h=_BATTERY_H, battery_kwh=kwh)
            return PowerFix(Fix(kind, site, costs.of(battery=kwh), works), code, _BATTERY_H)
        if kind == "solar_backup":
            return self._solar_fix(site, name, costs)
        if kind == "extend_grid":
            return self._grid_fix(site, name, costs) if off_grid else None
        if off_grid and code != SOURCE_CODE["solar"]:
            return None  # a second engine beside the first, or an engine alone: panels serve better
        hours = float(self._s.stability.own_power_h[site] if off_grid else self._outage_h[site])
        source = "hybrid" if off_grid else ""
        works = Works(name, power_source=source, autonomy_h=_TANK_H, litres_year=generator_litres_year(hours))
        after = SOURCE_CODE["hybrid"] if off_grid else code
        return PowerFix(Fix(kind, site, generator_cost(costs, hours), works), after, _TANK_H)

    def _grid_fix(self, site: int, name: str, costs: Costs) -> PowerFix | None:
        near = int(self.near_node[site])
        if near < 0:
            return None
        km = float(self._node_km[site]) * _DETOUR
        kwh = SITE_KW * _GRID_BATTERY_H
        works = Works(
            name, to_id=str(self._s.network.node_ids[near]), power_source="grid_battery",
            autonomy_h=_GRID_BATTERY_H, battery_kwh=kwh, km=km, kwh_year=grid_kwh_year(),
        )  # fmt: skip
        cost = costs.of(mv_line=km) + grid_cost(costs, battery_kwh=kwh)
        return PowerFix(Fix("extend_grid", site, cost, works), SOURCE_CODE["grid_battery"], _GRID_BATTERY_H)

    def _solar_fix(self, site: int, name: str, costs: Costs) -> PowerFix | None:
        net = self._s.network
        climate = net.stations[int(net.station[site])]
        size = cheapest_solar(costs, climate, _SOLAR_HOURS_LOST)
        if size is None:
            return None
        # panels that stand already are kept
        on_sun = int(net.source[site]) in {SOURCE_CODE["solar"], SOURCE_CODE["hybrid"]}
        standing = float(net.oversize[site]) if on_sun else 0.0
        dullest = weather(climate).dullest_kwh_kwp_day
        standing_kwp = float(array_kwp(standing, SITE_KW, dullest))
        works = Works(
            name, power_source="solar", autonomy_h=size.autonomy_h, pv_kwp=max(size.kwp, standing_kwp),
            battery_kwh=size.battery_kwh,
        )  # fmt: skip
        cost = solar_cost(costs, replace(size, kwp=max(size.kwp - standing_kwp, 0.0)))
        fix = Fix("solar_backup", site, cost, works)
        return PowerFix(fix, SOURCE_CODE["solar"], size.autonomy_h, max(size.oversize, standing))

    def _link_fix(self, kind: str, site: int, end: int, hop_lost: float) -> Fix:
        costs = self._costs_at(site)
        km = float(np.hypot(*(self._xy[site] - self._xy[end]))) / 1000.0
        if kind == "satellite_link":
            cost, lost, mbps = costs.of(satellite=1.0, satellite_opex=1.0), SATELLITE_LOST, SATELLITE_MBPS
        elif kind == "microwave_link":
            cost, lost, mbps = costs.of(microwave=1.0, microwave_opex=1.0), hop_lost, MICROWAVE_MBPS
        else:
            km = max(km, 0.1) * _DETOUR
            cost, lost, mbps = costs.of(fibre=km, fibre_end=2.0), FIBRE_LOST + FIBRE_LOST_KM * km, FIBRE_MBPS
        names = self._s.network.site_ids
        works = Works(
            str(names[site]), to_id=str(names[end]), medium=kind.removesuffix("_link"), capacity_mbps=mbps,
            availability=1.0 - lost, km=km,
        )  # fmt: skip
        return Fix(kind, site, cost, works)

    def _costs_at(self, site: int) -> Costs:
        s = self._s
        return self._terrain.costs_at(
            float(s.site_east_m[site]), float(s.site_north_m[site]), int(s.network.remote[site])
        )

"""How an unstable site becomes stable: the cheapest power and backhaul remedies along its chain to the core."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from phusong.invest.costs import Cost, Costs
from phusong.invest.situation import Situation
from phusong.region.near import nearest
from phusong.service.network import POWER_SOURCES, Network
from phusong.service.power import site_stability

__all__ = ["Fix", "FixBook", "link_cost", "power_cost"]

_CODE = {source.name: code for code, source in enumerate(POWER_SOURCES)}
_AUTONOMY_H = {"battery_backup": 24.0, "solar_backup": 72.0, "diesel_backup": 48.0}
_SITE_KW = 1.5  # mean load of a rural site with two operators
_SUN_HOURS = 3.8  # peak sun hours a day in the north in the poor months
_DETOUR = 1.3
_SATELLITE_LOST = 0.001  # a low-orbit terminal; older ones are worse
_HOP_KM = 30.0
_MOST_REMEDIES = 5


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
    """

    kind: str
    site: int
    cost: Cost

    def key(self, network: Network) -> str:
        """Return the remedy's id."""
        return f"{self.kind}@{network.site_ids[self.site]}"


def power_cost(costs: Costs, kind: str, *, line_km: float = 0.0) -> Cost:
    """Return the cost of a power remedy at one site; `line_km` for `extend_grid`."""
    if kind == "battery_backup":
        return costs.of(battery=_SITE_KW * _AUTONOMY_H[kind])
    if kind == "solar_backup":
        return costs.of(pv=_SITE_KW * 24.0 / _SUN_HOURS, battery=_SITE_KW * _AUTONOMY_H[kind] * 0.6)
    if kind == "diesel_backup":
        return costs.of(diesel_set=2.0 * _SITE_KW, diesel_run=1.0)
    return costs.of(mv_line=line_km * _DETOUR, transformer=1.0, battery=_SITE_KW * 8.0)


def link_cost(costs: Costs, kind: str, *, km: float) -> Cost:
    """Return the cost of a backhaul remedy over a straight distance."""
    if kind == "fibre_link":
        return costs.of(fibre=max(km, 0.1) * _DETOUR, fibre_end=2.0)
    if kind == "microwave_link":
        return costs.of(microwave=1.0, microwave_opex=1.0)
    return costs.of(satellite=1.0, satellite_opex=1.0)


class FixBook:
    """Finds the remedies that make sites stable, and remembers what each costs.

    Parameters
    ----------
    situation : Situation
        The network today.
    costs : Costs
        The catalogue.
    """

    def __init__(self, situation: Situation, costs: Costs) -> None:
        self._s = situation
        self._costs = costs
        net = situation.network
        self._xy = np.c_[situation.site_east_m, situation.site_north_m]
        exchange = np.flatnonzero(net.is_exchange)
        self._exchange = exchange
        far, which = (
            nearest(self._xy[exchange], self._xy)
            if exchange.size
            else (np.full(net.n_sites, np.inf), np.full(net.n_sites, -1))
        )
        self._exchange_km = far / 1000.0
        self._nearest_exchange = exchange[which] if exchange.size else which
        stable = situation.stability.hours_lost <= 0.6 * situation.hours_allowed
        self._anchor = np.flatnonzero(stable)
        nodes = np.c_[situation.node_east_m, situation.node_north_m]
        if len(nodes):
            far, self._near_node = nearest(nodes, self._xy)
            self._node_km = far / 1000.0
        else:
            self._near_node = np.full(net.n_sites, -1)
            self._node_km = np.full(net.n_sites, np.inf)

    def variants(self, site: int) -> list[tuple[Fix, ...]]:
        """Return sets of remedies that make a site stable, one for each way of doing it, none dominated."""
        found: dict[frozenset[tuple[str, int]], tuple[Fix, ...]] = {}
        for power in ("battery_backup", "solar_backup", "diesel_backup", "extend_grid"):
            for link in ("fibre_link", "microwave_link", "satellite_link"):
                fixes = self._repair(site, power, link)
                if fixes:
                    found.setdefault(frozenset((f.kind, f.site) for f in fixes), fixes)
        kept = sorted(found.values(), key=lambda fixes: (sum(f.cost.npv_musd for f in fixes), len(fixes)))
        sets = [frozenset((f.kind, f.site) for f in fixes) for fixes in kept]
        # a set that contains a cheaper one serves nobody more
        return [f for i, f in enumerate(kept) if not any(sets[j] < sets[i] for j in range(i))][:6]

    def _repair(self, site: int, power: str, link: str) -> tuple[Fix, ...]:
        """Add the remedy that saves most hours per cost until the site is stable; nothing if that fails."""
        net = self._s.network
        taken: list[Fix] = []
        one = np.array([site])
        hours = float(site_stability(net, one).hours_lost[0])
        while hours > self._s.hours_allowed:
            if len(taken) == _MOST_REMEDIES:
                return ()
            best: tuple[float, Fix, Network, float] | None = None
            for fix, apply in self._offers(net, site, power, link, {(f.kind, f.site) for f in taken}):
                changed = apply(net)
                after = float(site_stability(changed, one).hours_lost[0])
                worth = (hours - after) / max(fix.cost.npv_musd, 1e-6)
                if after < hours - 0.05 and (best is None or worth > best[0]):
                    best = (worth, fix, changed, after)
            if best is None:
                return ()
            taken.append(best[1])
            net, hours = best[2], best[3]
        return tuple(taken)

    def _offers(
        self, net: Network, site: int, power: str, link: str, taken: set[tuple[str, int]]
    ) -> list[tuple[Fix, Callable[[Network], Network]]]:
        offers: list[tuple[Fix, Callable[[Network], Network]]] = []
        at, steps = site, 0
        while at >= 0 and not net.is_exchange[at] and steps < 12:
            if (power, at) not in taken:
                offers += self._power_offer(at, power)
            if (link, at) not in taken:
                offers += self._link_offer(net, at, link)
            at, steps = int(net.parent[at]), steps + 1
        return offers

    def _power_offer(self, site: int, kind: str) -> list[tuple[Fix, Callable[[Network], Network]]]:
        net = self._s.network
        off_grid = net.source[site] >= _CODE["solar"]
        if kind == "extend_grid":
            if not off_grid or self._near_node[site] < 0:
                return []
            cost = power_cost(self._costs, kind, line_km=float(self._node_km[site]))
            node, grid_code = int(self._near_node[site]), _CODE["grid_battery"]
            return [(Fix(kind, site, cost), lambda n: _powered(n, site, grid_code, node, 8.0))]
        cost = power_cost(self._costs, kind)
        code = int(net.source[site])
        if kind == "solar_backup" and off_grid:
            code = _CODE["solar"]
        if kind == "diesel_backup" and off_grid:
            code = _CODE["hybrid"]
        hours = _AUTONOMY_H[kind]
        return [(Fix(kind, site, cost), lambda n: _powered(n, site, code, int(n.node[site]), hours))]

    def _link_offer(
        self, net: Network, site: int, kind: str
    ) -> list[tuple[Fix, Callable[[Network], Network]]]:
        parent = int(net.parent[site])
        exchange = int(self._nearest_exchange[site])
        if kind == "satellite_link":
            if exchange < 0:
                return []
            cost = link_cost(self._costs, kind, km=0.0)
            return [(Fix(kind, site, cost), lambda n: _linked(n, site, exchange, _SATELLITE_LOST, 100.0))]
        to, km = parent, 0.0
        if to < 0 or kind == "microwave_link":
            to, km = self._anchor_of(site)
        if to < 0:
            return []
        km = float(np.hypot(*(self._xy[site] - self._xy[to]))) / 1000.0
        if kind == "microwave_link":
            if km > _HOP_KM or not _clear(self._s, self._xy[site], self._xy[to]):
                return []
            cost = link_cost(self._costs, kind, km=km)
            return [(Fix(kind, site, cost), lambda n: _linked(n, site, to, 0.0003 + 0.00001 * km, 400.0))]
        cost = link_cost(self._costs, kind, km=km)
        return [(Fix(kind, site, cost), lambda n: _linked(n, site, to, 0.0001 + 0.00001 * km, 2000.0))]

    def _anchor_of(self, site: int) -> tuple[int, float]:
        """Return the nearest stable site to hang a new link on, and its distance. [km]"""
        others = self._anchor[self._anchor != site]
        if not others.size:
            return -1, np.inf
        off = np.hypot(*(self._xy[others] - self._xy[site]).T)
        i = int(np.argmin(off))
        return int(others[i]), float(off[i]) / 1000.0

    def new_site(self, east_m: float, north_m: float) -> Mapping[str, tuple[str, Cost]] | None:
        """Return the cheapest power and backhaul that make a new site stable, or None."""
        place = np.array([[east_m, north_m]])
        nodes = np.c_[self._s.node_east_m, self._s.node_north_m]
        line_km = float(nearest(nodes, place)[0][0]) / 1000.0 if len(nodes) else np.inf
        powers = {
            "solar_backup": power_cost(self._costs, "solar_backup"),
            "extend_grid": power_cost(self._costs, "extend_grid", line_km=line_km),
        }
        power = min(powers, key=lambda k: powers[k].npv_musd)
        if not self._anchor.size:
            return None
        off = np.hypot(*(self._xy[self._anchor] - place).T) / 1000.0
        order = np.argsort(off, kind="stable")[:12]
        links = {
            "satellite_link": link_cost(self._costs, "satellite_link", km=0.0),
            "fibre_link": link_cost(self._costs, "fibre_link", km=float(off[order[0]])),
        }
        if any(off[i] <= _HOP_KM and _clear(self._s, place[0], self._xy[self._anchor[i]]) for i in order):
            links["microwave_link"] = link_cost(self._costs, "microwave_link", km=float(off[order[0]]))
        link = min(links, key=lambda k: links[k].npv_musd)
        return {"power": (power, powers[power]), "link": (link, links[link])}


def _powered(net: Network, site: int, source: int, node: int, autonomy_h: float) -> Network:
    kind, at, hours = net.source.copy(), net.node.copy(), net.autonomy_h.copy()
    kind[site], at[site], hours[site] = source, node, max(autonomy_h, hours[site])
    return replace(net, source=kind, node=at, autonomy_h=hours)


def _linked(net: Network, site: int, parent: int, lost: float, mbps: float) -> Network:
    up, gone, capacity = net.parent.copy(), net.link_unavailability.copy(), net.link_capacity_mbps.copy()
    up[site], gone[site], capacity[site] = parent, lost, max(mbps, capacity[site])
    return replace(net, parent=up, link_unavailability=gone, link_capacity_mbps=capacity)


def _clear(situation: Situation, a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> bool:
    """Return whether the straight line between two masts of 30 m clears the ground and the Earth's bulge."""
    km = float(np.hypot(*(a - b))) / 1000.0
    steps = np.linspace(0.0, 1.0, max(5, int(km * 4)))
    line = a + (b - a) * steps[:, None]
    row, col = situation.grid.rowcol(line[:, 0], line[:, 1])
    inside = situation.grid.inside(row, col)
    ground = situation.elevation[
        np.clip(row, 0, situation.grid.height - 1), np.clip(col, 0, situation.grid.width - 1)
    ]
    bulge = (steps * km) * ((1.0 - steps) * km) * 500.0 / 8495.0
    height = (ground[0] + 30.0) * (1.0 - steps) + (ground[-1] + 30.0) * steps
    return bool(np.all(~inside[1:-1] | (height[1:-1] > ground[1:-1] + bulge[1:-1])))

"""How an unstable site becomes stable: the cheapest power and backhaul remedies along its chain to the core."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from phusong.invest.costs import Cost, Costs
from phusong.invest.situation import Situation
from phusong.region.near import nearest
from phusong.service.network import POWER_SOURCES, Network
from phusong.service.power import site_stability

__all__ = ["Fix", "FixBook", "link_cost", "power_cost"]

Ints = npt.NDArray[np.int64]

_LONGEST_CHAIN = 12
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
        self._nearest_exchange = np.full(net.n_sites, -1)
        if exchange.size:
            self._nearest_exchange = exchange[nearest(self._xy[exchange], self._xy)[1]]
        # new links hang on sites that are well inside the target themselves
        self._anchors = np.flatnonzero(situation.stability.hours_lost <= 0.6 * situation.hours_allowed)
        self._anchor_tree = cKDTree(self._xy[self._anchors]) if self._anchors.size else None
        self._anchor = self._anchors_of_sites()
        nodes = np.c_[situation.node_east_m, situation.node_north_m]
        self._node_tree = cKDTree(nodes) if len(nodes) else None
        self._near_node = np.full(net.n_sites, -1)
        self._node_km = np.full(net.n_sites, np.inf)
        if len(nodes):
            far, self._near_node = nearest(nodes, self._xy)
            self._node_km = far / 1000.0

    def variants(self, site: int) -> list[tuple[Fix, ...]]:
        """Return sets of remedies that make a site stable, one for each way of doing it, none dominated."""
        view = self._around(site)
        found: dict[frozenset[tuple[str, int]], tuple[Fix, ...]] = {}
        for power in ("battery_backup", "solar_backup", "diesel_backup", "extend_grid"):
            for link in ("fibre_link", "microwave_link", "satellite_link"):
                fixes = self._repair(view, power, link)
                if fixes:
                    found.setdefault(frozenset((f.kind, f.site) for f in fixes), fixes)
        kept = sorted(found.values(), key=lambda fixes: (sum(f.cost.npv_musd for f in fixes), len(fixes)))
        sets = [frozenset((f.kind, f.site) for f in fixes) for fixes in kept]
        # a set that contains a cheaper one serves nobody more
        return [f for i, f in enumerate(kept) if not any(sets[j] < sets[i] for j in range(i))][:6]

    def new_site(self, east_m: float, north_m: float) -> Mapping[str, tuple[str, Cost]] | None:
        """Return the cheapest power and backhaul that make a new site stable, or None."""
        if self._anchor_tree is None:
            return None
        place = np.array([east_m, north_m])
        powers = {"solar_backup": power_cost(self._costs, "solar_backup")}
        if self._node_tree is not None:
            line_km = float(self._node_tree.query(place)[0]) / 1000.0
            powers["extend_grid"] = power_cost(self._costs, "extend_grid", line_km=line_km)
        power = min(powers, key=lambda k: powers[k].npv_musd)
        off, near = self._anchor_tree.query(place, k=min(12, self._anchors.size))
        off, near = np.atleast_1d(off) / 1000.0, np.atleast_1d(near)
        links = {
            "satellite_link": link_cost(self._costs, "satellite_link", km=0.0),
            "fibre_link": link_cost(self._costs, "fibre_link", km=float(off[0])),
        }
        hop = (
            km <= _HOP_KM and _clear(self._s, place, self._xy[self._anchors[i]])
            for km, i in zip(off, near, strict=True)
        )
        if any(hop):
            links["microwave_link"] = link_cost(self._costs, "microwave_link", km=float(off[0]))
        link = min(links, key=lambda k: links[k].npv_musd)
        return {"power": (power, powers[power]), "link": (link, links[link])}

    def _anchors_of_sites(self) -> Ints:
        """Return for each site the nearest other site that a new link can hang on; -1 when there is none."""
        n = self._s.network.n_sites
        if self._anchors.size < 2:
            return np.full(n, -1)
        _, near = nearest(self._xy[self._anchors], self._xy, k=2)
        first, second = self._anchors[near[:, 0]], self._anchors[near[:, 1]]
        return np.asarray(np.where(first == np.arange(n), second, first), np.int64)

    def _chain(self, site: int) -> list[int]:
        net = self._s.network
        out = [site]
        while not net.is_exchange[out[-1]] and net.parent[out[-1]] >= 0 and len(out) < _LONGEST_CHAIN:
            out.append(int(net.parent[out[-1]]))
        return out

    def _around(self, site: int) -> "_View":
        """Return the small part of the network that any fix of this site can touch."""
        net = self._s.network
        chain = self._chain(site)
        sites = set(chain)
        for k in chain:
            for end in (int(self._anchor[k]), int(self._nearest_exchange[k])):
                if end >= 0:
                    sites.update(self._chain(end))
        kept = np.array(sorted(sites), np.int64)
        nodes: set[int] = set()
        for k in kept.tolist():
            for start in (int(net.node[k]), int(self._near_node[k])):
                at = start
                while at >= 0 and at not in nodes:
                    nodes.add(at)
                    at = int(net.node_above[at])
        below = np.array(sorted(nodes), np.int64)
        n_all = net.node_above.size
        both = np.r_[below, n_all + below]
        site_at = {int(g): i for i, g in enumerate(kept)}
        node_at = {int(g): i for i, g in enumerate(below)}
        small = replace(
            net,
            parent=_renumber(net.parent[kept], site_at),
            is_exchange=net.is_exchange[kept],
            link_unavailability=net.link_unavailability[kept],
            link_capacity_mbps=net.link_capacity_mbps[kept],
            node=_renumber(net.node[kept], node_at),
            source=net.source[kept],
            autonomy_h=net.autonomy_h[kept],
            node_above=_renumber(net.node_above[below], node_at),
            fault_rate=net.fault_rate[both],
            fault_h=net.fault_h[both],
            rescue_line_h=net.rescue_line_h[below],
            rescue_node_h=net.rescue_node_h[below],
            station=net.station[kept],
            oversize=net.oversize[kept],
            late_year=net.late_year[kept],
            late_h=net.late_h[kept],
        )
        return _View(small, kept, site_at, node_at, site_at[site])

    def _repair(self, view: "_View", power: str, link: str) -> tuple[Fix, ...]:
        """Add the remedy that saves most hours per cost until the site is stable; nothing if that fails."""
        net = view.network
        taken: list[Fix] = []
        one = np.array([view.site])
        hours = float(site_stability(net, one).hours_lost[0])
        while hours > self._s.hours_allowed:
            if len(taken) == _MOST_REMEDIES:
                return ()
            best: tuple[float, Fix, Network, float] | None = None
            for fix, apply in self._offers(net, view, power, link, {(f.kind, f.site) for f in taken}):
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
        self, net: Network, view: "_View", power: str, link: str, taken: set[tuple[str, int]]
    ) -> list[tuple[Fix, Callable[[Network], Network]]]:
        offers: list[tuple[Fix, Callable[[Network], Network]]] = []
        at, steps = view.site, 0
        while at >= 0 and not net.is_exchange[at] and steps < _LONGEST_CHAIN:
            site = int(view.sites[at])
            if (power, site) not in taken:
                offers += self._power_offer(view, at, power)
            if (link, site) not in taken:
                offers += self._link_offer(net, view, at, link)
            at, steps = int(net.parent[at]), steps + 1
        return offers

    def _power_offer(
        self, view: "_View", at: int, kind: str
    ) -> list[tuple[Fix, Callable[[Network], Network]]]:
        site = int(view.sites[at])
        code = int(view.network.source[at])
        off_grid = code >= _CODE["solar"]
        if kind == "extend_grid":
            node = view.node_at.get(int(self._near_node[site]), -1)
            if not off_grid or node < 0:
                return []
            cost = power_cost(self._costs, kind, line_km=float(self._node_km[site]))
            grid_code = _CODE["grid_battery"]
            return [(Fix(kind, site, cost), lambda n: _powered(n, at, grid_code, node, 8.0))]
        if off_grid and kind != "battery_backup":
            code = _CODE["solar"] if kind == "solar_backup" else _CODE["hybrid"]
        hours = _AUTONOMY_H[kind]
        cost = power_cost(self._costs, kind)
        return [(Fix(kind, site, cost), lambda n: _powered(n, at, code, int(n.node[at]), hours))]

    def _link_offer(
        self, net: Network, view: "_View", at: int, kind: str
    ) -> list[tuple[Fix, Callable[[Network], Network]]]:
        site = int(view.sites[at])
        if kind == "satellite_link":
            end = int(self._nearest_exchange[site])
            lost, mbps = _SATELLITE_LOST, 100.0
        else:
            parent = int(net.parent[at])
            end = int(view.sites[parent]) if parent >= 0 and kind == "fibre_link" else int(self._anchor[site])
            lost, mbps = 0.0, 0.0
        to = view.site_at.get(end, -1)
        if to < 0 or to == at:
            return []
        km = float(np.hypot(*(self._xy[site] - self._xy[end]))) / 1000.0
        if kind == "microwave_link":
            if km > _HOP_KM or not _clear(self._s, self._xy[site], self._xy[end]):
                return []
            lost, mbps = 0.0003 + 0.00001 * km, 400.0
        elif kind == "fibre_link":
            lost, mbps = 0.0001 + 0.00001 * km, 2000.0
        cost = link_cost(self._costs, kind, km=km)
        return [(Fix(kind, site, cost), lambda n: _linked(n, at, to, lost, mbps))]


@dataclass(frozen=True)
class _View:
    """A small network round one site: its sites' and nodes' numbers in the whole, and back."""

    network: Network
    sites: Ints
    site_at: dict[int, int]
    node_at: dict[int, int]
    site: int


def _renumber(numbers: Ints, at: dict[int, int]) -> Ints:
    return np.array([at.get(int(k), -1) for k in numbers], np.int64)


def _powered(net: Network, site: int, source: int, node: int, autonomy_h: float) -> Network:
    return net.with_supply(site, source=source, node=node, autonomy_h=autonomy_h)


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

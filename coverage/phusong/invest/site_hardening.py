"""Cheapest power and link remedies of a standing site.

Along the site's chain to the core, the remedy that saves most hours per cost is added until the site is off for no
longer than allowed. Each site of the chain may get one remedy of the power kind and one of the link kind in hand.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from phusong.compute.array_types import Floats, Ints
from phusong.compute.arrays import nearest
from phusong.compute.kernels import nb
from phusong.invest.context import Baseline
from phusong.invest.costs import Cost, Costs
from phusong.invest.line_of_sight import LONGEST_HOP_KM, hop_is_free, hop_lost, zone_shares
from phusong.invest.new_site_supply import (
    ANCHOR_MAST_M,
    FIBRE_LOST,
    FIBRE_LOST_KM,
    FIBRE_MBPS,
    MICROWAVE_MBPS,
    SATELLITE_LOST,
    SATELLITE_MBPS,
    BuildGround,
    cheapest_solar,
    generator_cost,
    generator_litres_year,
    grid_cost,
    grid_kwh_year,
    node_hours,
    solar_cost,
)
from phusong.invest.remedy import Remedy, Works
from phusong.service.availability import SiteChains, SiteFeeds, hours_lost_at, stability_arrays
from phusong.service.network import Network
from phusong.service.power_supply import SITE_KW, SOURCE_CODE, USUAL_OVERSIZE, array_kwp, weather

__all__ = [
    "LONGEST_CHAIN",
    "Hardening",
    "HardeningBook",
    "LinkChoices",
    "PowerChoices",
    "PowerFix",
    "SiteFixes",
    "repairs",
]


LONGEST_CHAIN = 12
_MOST_REMEDIES = 5
_LEAST_SAVED_H = 0.05


class PowerChoices(NamedTuple):
    """What each kind of power remedy would cost and leave at each site, shape (n_kinds, n_sites) each.

    Parameters
    ----------
    cost_musd : ndarray
        Infinite where the kind is not on offer.
    source, node : ndarray of int
        Index into `POWER_SOURCES` and power node afterwards.
    autonomy_h, oversize : ndarray
        At least this afterwards; panels of 0 stay as they are.
    """

    cost_musd: Floats
    source: Ints
    node: Ints
    autonomy_h: Floats
    oversize: Floats

    @classmethod
    def none(cls, kinds: int, sites: int) -> "PowerChoices":
        """Return no offers."""
        shape = (kinds, sites)
        return cls(
            np.full(shape, np.inf),
            np.zeros(shape, np.int64),
            np.full(shape, -1),
            np.zeros(shape),
            np.zeros(shape),
        )


class LinkChoices(NamedTuple):
    """What each kind of link would cost and lose at each site, shape (n_kinds, n_sites) each.

    Parameters
    ----------
    cost_musd : ndarray
        Infinite where the kind is not on offer.
    parent : ndarray of int
        Site at the other end.
    unavailability : ndarray
        Share of the year that the link is down.
    """

    cost_musd: Floats
    parent: Ints
    unavailability: Floats

    @classmethod
    def none(cls, kinds: int, sites: int) -> "LinkChoices":
        """Return no offers."""
        shape = (kinds, sites)
        return cls(np.full(shape, np.inf), np.full(shape, -1), np.zeros(shape))


def repairs(
    network: Network, site: int, power: PowerChoices, link: LinkChoices, *, hours_allowed: float
) -> Ints:
    """Return the remedies that make a site stable, for each kind of power with each kind of link.

    Parameters
    ----------
    network : Network
        A small one: the site, all that its chain to the core can lead over, and what feeds them.
    site : int
        Its index there.
    power, link : PowerChoices, LinkChoices
        What can be done at each of its sites.
    hours_allowed : float
        Hours a year that a stable site may be off.

    Returns
    -------
    ndarray of int, shape (n_power_kinds · n_link_kinds, 5)
        In the order of choosing: index of the site for a power remedy, n_sites + index for a link, -1 for no further
        one. A row without any is a pair of kinds that does not suffice, or a site that is stable as it is.
    """
    return np.asarray(_repairs(site, hours_allowed, stability_arrays(network), power, link))


@nb.njit(cache=True)
def _copied(sites):  # type: ignore[no-untyped-def]
    """Return sites whose works can be changed in place; what no work changes is shared."""
    s = sites.supply
    supply = SiteFeeds(
        s.source.copy(),
        s.autonomy_h.copy(),
        s.station,
        s.oversize.copy(),
        s.late_year,
        s.late_h,
        s.shortage_h,
    )
    return SiteChains(
        sites.parent.copy(),
        sites.is_exchange,
        sites.link_unavailability.copy(),
        sites.node.copy(),
        sites.grid,
        supply,
    )


@nb.njit(cache=True)
def _repairs(site, allowed, today, power, link):  # type: ignore[no-untyped-def]
    n = today.parent.size
    n_links = link.cost_musd.shape[0]
    out = np.full((power.cost_musd.shape[0] * n_links, _MOST_REMEDIES), -1, np.int64)
    for row in range(out.shape[0]):
        p, q = row // n_links, row % n_links
        sites = _copied(today)
        parent, is_exchange, link_lost, node, _, supply = sites
        source, autonomy, oversize = supply.source, supply.autonomy_h, supply.oversize
        taken = np.zeros(2 * n, np.bool_)
        many = 0
        hours = hours_lost_at(site, sites)
        while hours > allowed:
            best, best_worth, best_hours = -1, 0.0, 0.0
            if many < _MOST_REMEDIES:
                at, steps = site, 0
                while at >= 0 and not is_exchange[at] and steps < LONGEST_CHAIN:
                    up = parent[at]
                    for choice in (at, n + at):
                        cost = power.cost_musd[p, at] if choice < n else link.cost_musd[q, at]
                        if taken[choice] or not np.isfinite(cost):
                            continue
                        was = (source[at], node[at], autonomy[at], oversize[at], parent[at], link_lost[at])
                        _carry_out(choice, p, q, sites, power, link)
                        then = hours_lost_at(site, sites)
                        source[at], node[at], autonomy[at], oversize[at], parent[at], link_lost[at] = was
                        worth = (hours - then) / max(cost, 1e-6)
                        if then < hours - _LEAST_SAVED_H and (best < 0 or worth > best_worth):
                            best, best_worth, best_hours = choice, worth, then
                    at, steps = up, steps + 1
            if best < 0:
                many = 0
                break
            _carry_out(best, p, q, sites, power, link)
            taken[best] = True
            out[row, many] = best
            many += 1
            hours = best_hours
        out[row, many:] = -1
    return out


@nb.njit(cache=True)
def _carry_out(choice, p, q, sites, power, link):  # type: ignore[no-untyped-def]
    parent, link_lost, supply = sites.parent, sites.link_unavailability, sites.supply
    at = choice % parent.size
    if choice >= parent.size:
        # a link to where the old one leads stands beside it: the hop is down only while both are
        beside = link_lost[at] if parent[at] == link.parent[q, at] else 1.0
        parent[at], link_lost[at] = link.parent[q, at], beside * link.unavailability[q, at]
        return
    supply.source[at], sites.node[at] = power.source[p, at], power.node[p, at]
    supply.autonomy_h[at] = max(power.autonomy_h[p, at], supply.autonomy_h[at])
    panels = power.oversize[p, at]
    supply.oversize[at] = panels if panels > 0.0 else max(USUAL_OVERSIZE, supply.oversize[at])


_BATTERY_H, _TANK_H, _GRID_BATTERY_H = 24.0, 48.0, 8.0
_SOLAR_HOURS_LOST = 6.5  # a year, that a supply on the sun may take of itself
_DETOUR = 1.3  # of a line over the straight distance


@dataclass(frozen=True)
class Hardening:
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

    def remedy(self, baseline: Baseline) -> Remedy:
        """Return it as a remedy."""
        k = self.site
        name, east, north = baseline.network.site_ids[k], baseline.site_east_m[k], baseline.site_north_m[k]
        return Remedy(self.kind, str(name), self.cost, float(east), float(north), self.works)


@dataclass(frozen=True)
class PowerFix:
    """A power remedy, and the supply that it leaves.

    Parameters
    ----------
    fix : Hardening
        The remedy.
    source : int
        Index into `POWER_SOURCES` afterwards.
    autonomy_h : float
        Battery or tank. [h]
    oversize : float
        Panels afterwards, as yield in the dullest month over the load; 0: as they are.
    """

    fix: Hardening
    source: int
    autonomy_h: float
    oversize: float = 0.0


class SiteFixes:
    """Prices the remedies of standing sites, each once.

    Parameters
    ----------
    terrain : BuildGround
        The network today, the ground, and what works cost on it.
    """

    def __init__(self, terrain: BuildGround) -> None:
        self._terrain = terrain
        self._s = s = terrain.baseline
        net = s.network
        self._xy = s.site_xy_m
        self._power: dict[tuple[str, int], PowerFix | None] = {}
        self._link: dict[tuple[str, int, int], Hardening] = {}
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

    def link(self, kind: str, site: int, end: int, *, hop_lost: float) -> Hardening:
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
            return PowerFix(Hardening(kind, site, costs.of(battery=kwh), works), code, _BATTERY_H)
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
        return PowerFix(Hardening(kind, site, generator_cost(costs, hours), works), after, _TANK_H)

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
        return PowerFix(
            Hardening("extend_grid", site, cost, works), SOURCE_CODE["grid_battery"], _GRID_BATTERY_H
        )

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
        fix = Hardening("solar_backup", site, cost, works)
        return PowerFix(fix, SOURCE_CODE["solar"], size.autonomy_h, max(size.oversize, standing))

    def _link_fix(self, kind: str, site: int, end: int, hop_lost: float) -> Hardening:
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
        return Hardening(kind, site, cost, works)

    def _costs_at(self, site: int) -> Costs:
        s = self._s
        return self._terrain.costs_at(
            float(s.site_east_m[site]), float(s.site_north_m[site]), int(s.network.remote[site])
        )


_POWER_KINDS = ("battery_backup", "solar_backup", "diesel_backup", "extend_grid")
_LINK_KINDS = ("fibre_link", "microwave_link", "satellite_link")
_HOPS_TRIED = 12


class HardeningBook:
    """Finds the remedies that make sites stable, and remembers what each costs.

    Parameters
    ----------
    terrain : BuildGround
        The network today, the ground, and what works cost on it.
    """

    def __init__(self, terrain: BuildGround) -> None:
        baseline = terrain.baseline
        self._s = baseline
        self._allows = terrain.allows
        self._fixes = SiteFixes(terrain)
        net = baseline.network
        self._xy = baseline.site_xy_m
        exchange = np.flatnonzero(net.is_exchange)
        self._nearest_exchange = np.full(net.n_sites, -1)
        if exchange.size:
            self._nearest_exchange = exchange[nearest(self._xy[exchange], self._xy)[1]]
        # new links hang on sites that are well inside the target themselves
        self._anchors = np.flatnonzero(baseline.stability.hours_lost <= 0.6 * baseline.hours_allowed)
        self._anchor = self._anchors_of_sites()
        self._hop, self._hop_lost = self._hops()

    def variants(self, site: int) -> list[tuple[Hardening, ...]]:
        """Return sets of remedies that make a site stable, one for each way of doing it, none dominated."""
        view = self._around(site)
        power, link = self._power_choices(view), self._link_choices(view)
        rows = repairs(view.network, view.site, power, link, hours_allowed=self._s.hours_allowed)
        found: dict[frozenset[tuple[str, int]], tuple[Hardening, ...]] = {}
        for row, choices in enumerate(rows):
            kinds = _POWER_KINDS[row // len(_LINK_KINDS)], _LINK_KINDS[row % len(_LINK_KINDS)]
            fixes = tuple(self._fix(view, int(k), *kinds) for k in choices[choices >= 0])
            if fixes:
                found.setdefault(frozenset((f.kind, f.site) for f in fixes), fixes)
        kept = sorted(found.values(), key=lambda fixes: (sum(f.cost.npv_musd for f in fixes), len(fixes)))
        sets = [frozenset((f.kind, f.site) for f in fixes) for fixes in kept]
        # a set that contains a cheaper one serves nobody more
        return [f for i, f in enumerate(kept) if not any(sets[j] < sets[i] for j in range(i))][:6]

    def _anchors_of_sites(self) -> Ints:
        """Return for each site the nearest other site that a new link can hang on; -1 when there is none."""
        n = self._s.network.n_sites
        if self._anchors.size < 2:
            return np.full(n, -1)
        _, near = nearest(self._xy[self._anchors], self._xy, k=2)
        first, second = self._anchors[near[:, 0]], self._anchors[near[:, 1]]
        return np.asarray(np.where(first == np.arange(n), second, first), np.int64)

    def _hops(self) -> tuple[Ints, Floats]:
        """Return for each site the nearest anchor over a free hop (-1: none), and the share of the year it loses."""
        s, n = self._s, self._s.network.n_sites
        end, loss = np.full(n, -1, np.int64), np.zeros(n)
        if self._anchors.size < 2:
            return end, loss
        many = min(_HOPS_TRIED, self._anchors.size)
        far, near = nearest(self._xy[self._anchors], self._xy, k=many)
        a, b = np.repeat(np.arange(n), many), self._anchors[near.ravel()]
        km = far.ravel() / 1000.0
        at = np.flatnonzero((a != b) & (km <= LONGEST_HOP_KM))
        share = zone_shares(
            s.elevation,
            s.grid,
            self._xy[a[at]],
            self._xy[b[at]],
            from_height_m=ANCHOR_MAST_M,
            to_height_m=ANCHOR_MAST_M,
        )
        at = at[hop_is_free(share, km[at])]
        at = at[np.unique(a[at], return_index=True)[1]]
        end[a[at]] = b[at]
        climate = np.asarray(s.network.stations, np.int64)[s.network.station[a[at]]]
        loss[a[at]] = hop_lost(km[at], climate)
        return end, loss

    def _chain(self, site: int) -> list[int]:
        net = self._s.network
        out = [site]
        while not net.is_exchange[out[-1]] and net.parent[out[-1]] >= 0 and len(out) < LONGEST_CHAIN:
            out.append(int(net.parent[out[-1]]))
        return out

    def _around(self, site: int) -> "_View":
        """Return the small part of the network that any fix of this site can touch."""
        net = self._s.network
        chain = self._chain(site)
        sites = set(chain)
        for k in chain:
            for end in (int(self._anchor[k]), int(self._hop[k]), int(self._nearest_exchange[k])):
                if end >= 0:
                    sites.update(self._chain(end))
        kept = np.array(sorted(sites), np.int64)
        nodes: set[int] = set()
        for k in kept.tolist():
            for start in (int(net.node[k]), int(self._fixes.near_node[k])):
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

    def _power_choices(self, view: "_View") -> PowerChoices:
        out = PowerChoices.none(len(_POWER_KINDS), view.sites.size)
        for at in np.flatnonzero(~view.network.is_exchange).tolist():
            node = view.node_at.get(int(self._fixes.near_node[view.sites[at]]), -1)
            for p, kind in enumerate(_POWER_KINDS):
                found = self._fixes.power(kind, int(view.sites[at]), int(view.network.source[at]))
                if found is None or (kind == "extend_grid" and node < 0) or not self._allows(kind):
                    continue
                out.cost_musd[p, at] = found.fix.cost.npv_musd
                out.source[p, at] = found.source
                out.node[p, at] = node if kind == "extend_grid" else view.network.node[at]
                out.autonomy_h[p, at], out.oversize[p, at] = found.autonomy_h, found.oversize
        return out

    def _link_choices(self, view: "_View") -> LinkChoices:
        out = LinkChoices.none(len(_LINK_KINDS), view.sites.size)
        for at in np.flatnonzero(~view.network.is_exchange).tolist():
            for q, kind in enumerate(_LINK_KINDS):
                to = view.site_at.get(self._end(view, at, kind), -1)
                if to < 0 or to == at or not self._allows(kind):
                    continue
                fix = self._link(view, at, kind)
                out.cost_musd[q, at], out.parent[q, at] = fix.cost.npv_musd, to
                out.unavailability[q, at] = 1.0 - fix.works.availability
        return out

    def _end(self, view: "_View", at: int, kind: str) -> int:
        """Return the site at the other end of a new link; -1 where there is none."""
        site = int(view.sites[at])
        if kind == "satellite_link":
            return int(self._nearest_exchange[site])
        if kind == "microwave_link":
            return int(self._hop[site])
        parent = int(view.network.parent[at])
        return int(view.sites[parent]) if parent >= 0 else int(self._anchor[site])

    def _link(self, view: "_View", at: int, kind: str) -> Hardening:
        site = int(view.sites[at])
        return self._fixes.link(kind, site, self._end(view, at, kind), hop_lost=float(self._hop_lost[site]))

    def _fix(self, view: "_View", choice: int, power: str, link: str) -> Hardening:
        """Return the remedy behind a number that :func:`repairs` gave."""
        at = choice % view.sites.size
        if choice >= view.sites.size:
            return self._link(view, at, link)
        found = self._fixes.power(power, int(view.sites[at]), int(view.network.source[at]))
        assert found is not None  # noqa: S101 - only what is on offer is chosen
        return found.fix


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

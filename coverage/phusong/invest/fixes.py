"""How an unstable site becomes stable: the cheapest power and backhaul remedies along its chain to the core."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from phusong.invest.feeds import ANCHOR_MAST_M, Terrain
from phusong.invest.hops import LONGEST_HOP_KM, hop_is_free, hop_lost, zone_shares
from phusong.invest.repairs import LONGEST_CHAIN, LinkChoices, PowerChoices, repairs
from phusong.invest.site_fixes import Fix, SiteFixes
from phusong.region.near import nearest
from phusong.service.network import Network

__all__ = ["Fix", "FixBook"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_POWER_KINDS = ("battery_backup", "solar_backup", "diesel_backup", "extend_grid")
_LINK_KINDS = ("fibre_link", "microwave_link", "satellite_link")
_HOPS_TRIED = 12


class FixBook:
    """Finds the remedies that make sites stable, and remembers what each costs.

    Parameters
    ----------
    terrain : Terrain
        The network today, the ground, and what works cost on it.
    """

    def __init__(self, terrain: Terrain) -> None:
        situation = terrain.situation
        self._s = situation
        self._allows = terrain.allows
        self._fixes = SiteFixes(terrain)
        net = situation.network
        self._xy = np.c_[situation.site_east_m, situation.site_north_m]
        exchange = np.flatnonzero(net.is_exchange)
        self._nearest_exchange = np.full(net.n_sites, -1)
        if exchange.size:
            self._nearest_exchange = exchange[nearest(self._xy[exchange], self._xy)[1]]
        # new links hang on sites that are well inside the target themselves
        self._anchors = np.flatnonzero(situation.stability.hours_lost <= 0.6 * situation.hours_allowed)
        self._anchor = self._anchors_of_sites()
        self._hop, self._hop_lost = self._hops()

    def variants(self, site: int) -> list[tuple[Fix, ...]]:
        """Return sets of remedies that make a site stable, one for each way of doing it, none dominated."""
        view = self._around(site)
        power, link = self._power_choices(view), self._link_choices(view)
        rows = repairs(view.network, view.site, power, link, hours_allowed=self._s.hours_allowed)
        found: dict[frozenset[tuple[str, int]], tuple[Fix, ...]] = {}
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

    def _link(self, view: "_View", at: int, kind: str) -> Fix:
        site = int(view.sites[at])
        return self._fixes.link(kind, site, self._end(view, at, kind), hop_lost=float(self._hop_lost[site]))

    def _fix(self, view: "_View", choice: int, power: str, link: str) -> Fix:
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

"""Rings and meshes in closed form: every site hangs on what all its ways share, and little on the rest."""

from dataclasses import replace
from itertools import pairwise

import networkx as nx
import numpy as np

from phusong.io.resources import HOURS_YEAR
from phusong.service.availability import own_supply_h
from phusong.service.backhaul import Place, dominators
from phusong.service.network import POWER_SOURCES, Network

__all__ = ["has_rings", "protected", "with_rings"]


_ON_GRID = np.array([s.on_grid for s in POWER_SOURCES])


def has_rings(network: Network) -> bool:
    """Return whether any link is another than one between a site and its backhaul parent."""
    a, b = network.links.a, network.links.b
    return bool(((network.parent[a] != b) & (network.parent[b] != a)).any())


def protected(network: Network) -> Network:
    """Return the network with what its rings protect, see :func:`with_rings`; as it is where no links go round."""
    return with_rings(network) if has_rings(network) else network


def with_rings(network: Network) -> Network:
    """Return the network hung on its links instead of the parents given: rings protect.

    Parameters
    ----------
    network : Network
        Sites with `links`.

    Returns
    -------
    Network
        `parent` is the nearest site that every way to the core passes (the exchange on its best way, where
        the ways part at the core), `link_unavailability` what is lost between: the links that all ways share,
        and both of two separate ways down at once. The second holds what takes both ways by one fault, a feeder
        that feeds sites on both, and the product of the rest. Hours are never too few: a fault that also
        darkens the site itself is counted for both.
    """
    # a second link between the same ends protects that hop alone: the hop stays one place that ways may share
    links = network.links.by_hop()
    above = dominators(links, network.is_exchange)
    ways = _Ways(replace(network, links=links))
    parent = np.full(network.n_sites, -1, np.int64)
    lost = np.zeros(network.n_sites)
    for site in range(network.n_sites):
        if network.is_exchange[site] or site not in above:
            continue
        at: Place = site
        end: Place
        while True:
            up = above[at]
            if not isinstance(at, tuple) and not isinstance(up, tuple):
                end, hours = ways.both_lost(at, up)
                lost[site] += hours / HOURS_YEAR
            elif isinstance(at, tuple):
                lost[site] += float(links.unavailability[at[1]])
                end = ways.exchange_beyond(at[1]) if up == -1 else up
            else:
                end = -1
            if not isinstance(up, tuple):
                parent[site] = end
                break
            at = up
    return replace(network, parent=parent, link_unavailability=np.minimum(lost, 1.0))


class _Ways:
    """Two separate ways between places of the backhaul, and the hours in which both are down."""

    def __init__(self, network: Network) -> None:
        self._net = network
        self._own_h = own_supply_h(network)
        links = network.links
        graph: nx.Graph[int] = nx.Graph()
        graph.add_edges_from(((-1, int(k)) for k in np.flatnonzero(network.is_exchange)), lost=0.0, link=-1)
        # in the order of their losses, which decides between ways that lose the same
        for k in np.argsort(-links.unavailability, kind="stable").tolist():
            a, b = int(links.a[k]), int(links.b[k])
            graph.add_edge(a, b, lost=float(links.unavailability[k]) + 1e-9, link=k)
        self._graph = graph

    def exchange_beyond(self, link: int) -> int:
        """Return the exchange at the end of a link."""
        ends = int(self._net.links.a[link]), int(self._net.links.b[link])
        return next((k for k in ends if self._net.is_exchange[k]), -1)

    def both_lost(self, site: int, up: int) -> tuple[int, float]:
        """Return where the best way ends, and the hours a year in which two separate ways are both down."""
        first = nx.shortest_path(self._graph, site, up, weight="lost")
        end = next((k for k in first if self._net.is_exchange[k]), up) if up == -1 else up
        # a way of one hop has no inner site to avoid: the hop itself must not be its own second way
        rest = nx.restricted_view(self._graph, first[1:-1], [tuple(first)] if len(first) == 2 else [])
        try:
            second = nx.shortest_path(rest, site, up, weight="lost")
        except nx.NetworkXNoPath:
            # the best way blocks every other: take any two separate ones
            first, second = list(nx.node_disjoint_paths(self._graph, site, up))[:2]
        faults = [self._faults(way) for way in (first, second)]
        shared = faults[0].keys() & faults[1].keys()
        both = sum(self._hours(e, max(faults[0][e], faults[1][e])) for e in sorted(shared))
        alone = [self._way_h(w) + sum(self._hours(e, t) for e, t in f.items() if e not in shared)
                 for w, f in zip((first, second), faults, strict=True)]  # fmt: skip
        return end, both + min(alone[0], HOURS_YEAR) * min(alone[1], HOURS_YEAR) / HOURS_YEAR

    def _way_h(self, way: list[int]) -> float:
        inner = [k for k in way[1:-1] if k != -1]
        wires = [self._graph.edges[pair]["link"] for pair in pairwise(way)]
        lost = sum(float(self._net.links.unavailability[k]) for k in wires if k >= 0)
        dark = [HOURS_YEAR for k in inner if _ON_GRID[self._net.source[k]] and self._net.node[k] < 0]
        return lost * HOURS_YEAR + float(self._own_h[inner].sum()) + sum(dark)

    def _faults(self, way: list[int]) -> dict[int, float]:
        """Return the elements of the grid that feed the sites inside a way, with the least battery on each."""
        net, n = self._net, self._net.node_above.size
        found: dict[int, float] = {}
        for k in way[1:-1]:
            if k == -1 or not _ON_GRID[net.source[k]]:
                continue
            at = int(net.node[k])
            while at >= 0:
                for element in (at, n + at):
                    if net.fault_rate[element] > 0.0:
                        found[element] = min(found.get(element, np.inf), float(net.autonomy_h[k]))
                at = int(net.node_above[at])
        return found

    def _hours(self, element: int, battery_h: float) -> float:
        mean = float(self._net.fault_h[element])
        return float(self._net.fault_rate[element]) * mean * float(np.exp(-battery_h / mean))

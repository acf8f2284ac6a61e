"""How many hours a year a site is off, and what takes it down: power and backhaul with common causes.

For one node with exponential repair times of mean CAIDI, a site whose autonomy is T loses
SAIFI·CAIDI·exp(-T/CAIDI) hours a year (design, section 5). A site is also off when any site or link between it
and the core is off. A failed line darkens every site of that chain it feeds, at the same time, so it is
counted once, with the least autonomy among them, not once per site.
"""

from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt

from phusong.service.network import POWER_SOURCES, Network

__all__ = ["HOURS_YEAR", "Stability", "site_stability"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

HOURS_YEAR = 8760.0
_LONGEST_CHAIN = 64


@dataclass(frozen=True)
class Stability:
    """Hours a year that each site is off, by cause.

    Parameters
    ----------
    own_power_h, chain_power_h, link_h : ndarray, shape (n_sites,)
        Lost to the supply of the site itself, to the supply of the sites between it and the core, and to
        the links. They add up to `hours_lost`.
    connected : ndarray of bool, shape (n_sites,)
        Whether the backhaul reaches an exchange at all.
    """

    own_power_h: Floats
    chain_power_h: Floats
    link_h: Floats
    connected: npt.NDArray[np.bool_]

    @property
    def hours_lost(self) -> Floats:
        """Hours a year without service, at most all of them."""
        total = self.own_power_h + self.chain_power_h + self.link_h
        return np.asarray(np.where(self.connected, np.minimum(total, HOURS_YEAR), HOURS_YEAR))

    @property
    def availability(self) -> Floats:
        """Share of the year with service."""
        return np.asarray(1.0 - self.hours_lost / HOURS_YEAR)

    def bottleneck(self) -> npt.NDArray[np.str_]:
        """Return what takes most hours of each site: power, upstream power, backhaul, or no backhaul."""
        causes = np.array(["power", "upstream power", "backhaul"])
        worst = causes[np.argmax([self.own_power_h, self.chain_power_h, self.link_h], axis=0)]
        return np.asarray(np.where(self.connected, worst, "no backhaul"))


def site_stability(network: Network, sites: Ints | None = None) -> Stability:
    """Return the hours lost of each site (or of the given ones), by cause.

    Parameters
    ----------
    network : Network
        Sites, power tree and backhaul tree.
    sites : ndarray of int, optional
        Site indices; all when left out.
    """
    chosen = np.arange(network.n_sites) if sites is None else np.asarray(sites, np.int64)
    own, chain, link, connected = _chains(
        chosen,
        network.parent,
        network.is_exchange,
        network.link_unavailability,
        network.node,
        network.source,
        network.autonomy_h,
        network.node_above,
        network.fault_rate,
        network.fault_h,
        np.array([s.on_grid for s in POWER_SOURCES]),
        np.array([s.spells_year for s in POWER_SOURCES]),
        np.array([s.spell_h for s in POWER_SOURCES]),
    )
    return Stability(own, chain, link, connected)


@nb.njit(cache=True)
def _chains(  # type: ignore[no-untyped-def]
    chosen,
    parent,
    is_exchange,
    link_unavailability,
    node,
    source,
    autonomy_h,
    node_above,
    fault_rate,
    fault_h,
    on_grid,
    spells_year,
    spell_h,
):
    n_nodes = node_above.size
    own = np.zeros(chosen.size)
    chain = np.zeros(chosen.size)
    link = np.zeros(chosen.size)
    connected = np.zeros(chosen.size, np.bool_)
    least_h = np.full(2 * n_nodes, -1.0)  # least autonomy seen of each power element of the chain in hand
    touched = np.empty(2 * n_nodes, np.int64)
    for k in range(chosen.size):
        first = chosen[k]
        n_touched = 0
        site = first
        steps = 0
        reached = False
        while steps < _LONGEST_CHAIN:
            kind = source[site]
            lost = spells_year[kind] * spell_h[kind] * np.exp(-autonomy_h[site] / spell_h[kind])
            if on_grid[kind] and node[site] < 0:
                lost = 8760.0  # says it is on the grid, but no grid reaches it
            if site == first:
                own[k] += lost
            else:
                chain[k] += lost
            if on_grid[kind]:
                at = node[site]
                hops = 0
                while at >= 0 and hops <= n_nodes:
                    for element in (at, n_nodes + at):
                        if fault_rate[element] > 0.0:
                            if least_h[element] < 0.0:
                                touched[n_touched] = element
                                n_touched += 1
                                least_h[element] = autonomy_h[site]
                                hours = fault_rate[element] * fault_h[element]
                                hours *= np.exp(-autonomy_h[site] / fault_h[element])
                                if site == first:
                                    own[k] += hours
                                else:
                                    chain[k] += hours
                            elif autonomy_h[site] < least_h[element]:
                                more = np.exp(-autonomy_h[site] / fault_h[element])
                                more -= np.exp(-least_h[element] / fault_h[element])
                                chain[k] += fault_rate[element] * fault_h[element] * more
                                least_h[element] = autonomy_h[site]
                    at = node_above[at]
                    hops += 1
            if is_exchange[site]:
                reached = True
                break
            if parent[site] < 0:
                break
            link[k] += link_unavailability[site] * 8760.0
            site = parent[site]
            steps += 1
        connected[k] = reached
        for t in range(n_touched):
            least_h[touched[t]] = -1.0
    return own, chain, link, connected

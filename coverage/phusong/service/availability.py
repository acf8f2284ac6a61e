"""Hours a site is off, by cause, chains and rings.

For one node with exponential repair times of mean CAIDI, a site whose autonomy is T loses
SAIFI·CAIDI·exp(-T/CAIDI) hours a year (design, section 5); where an open line feeds it again after s hours,
SAIFI·CAIDI·(exp(-T/CAIDI) - exp(-s/CAIDI)). A site is also off when any site or link between it and the core is
off. A failed line darkens every site of that chain it feeds, at the same time, so it is counted once, with the
least autonomy among them, not once per site. Faults that overlap are counted twice: hours are never too few.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.array_types import Floats, Ints
from phusong.compute.kernels import nb
from phusong.io.resources import HOURS_YEAR
from phusong.service.allocation import Reception
from phusong.service.capacity import CLOSED
from phusong.service.network import POWER_SOURCES, Network
from phusong.service.power_supply import AUTONOMY_H, OVERSIZE

__all__ = [
    "PowerTree",
    "SiteChains",
    "SiteFeeds",
    "Stability",
    "asset_causes",
    "blame",
    "hours_lost_at",
    "own_supply_h",
    "people_by_site",
    "site_stability",
    "stability_arrays",
]


_LONGEST_CHAIN = 64
_ON_GRID = np.array([s.on_grid for s in POWER_SOURCES])
_SPELLS_YEAR = np.array([s.spells_year for s in POWER_SOURCES])
_SPELL_H = np.array([s.spell_h for s in POWER_SOURCES])
_SUN = np.array([s.sun for s in POWER_SOURCES])
_FUEL = np.array([s.fuel for s in POWER_SOURCES])
_OVERSIZE, _AUTONOMY_H = np.array(OVERSIZE), np.array(AUTONOMY_H)


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
    return Stability(*_chains(chosen, stability_arrays(network)))


def blame(network: Network, people: Ints) -> tuple[Floats, Floats, Floats]:
    """Return the person-hours a year that each power element, each site's supply and each site's link take.

    Parameters
    ----------
    network : Network
        Sites, power tree and backhaul tree.
    people : ndarray of int, shape (n_sites,)
        Who relies on each site.

    Returns
    -------
    tuple of ndarray
        Shapes (2 n_nodes,), (n_sites,), (n_sites,). They sum to the hours lost by each site, at most a year,
        times its people; what two sites of a chain share is laid where it is counted, once.
    """
    weight = np.asarray(people, np.float64)
    stability = site_stability(network)
    causes = stability.own_power_h + stability.chain_power_h + stability.link_h
    weight = weight * np.minimum(1.0, HOURS_YEAR / np.maximum(causes, 1e-9))
    grid, site, link = (np.zeros(n) for n in (network.fault_rate.size, network.n_sites, network.n_sites))
    _chains(np.arange(network.n_sites), stability_arrays(network), _Blame(weight, grid, site, link))
    return grid, site, link


def own_supply_h(network: Network) -> Floats:
    """Return the hours a year that each site's own equipment, panels or tank leave it without power."""
    return np.asarray(_own_hours(_supply_arrays(network)))


class SiteFeeds(NamedTuple):
    """What feeds each site, shape (n_sites,) each but for the last.

    Parameters
    ----------
    source : int array
        Index into `POWER_SOURCES`.
    autonomy_h : float array
        Battery or tank. [h]
    station : int array
        Weather station, a row of `shortage_h`.
    oversize : float array
        Panels, as yield in the dullest month over the load.
    late_year, late_h : float array
        Late deliveries of fuel a year, and their mean length. [h]
    shortage_h : float array, shape (n_stations, n_oversizes, n_autonomies)
        Hours a year without sun enough.
    """

    source: Ints
    autonomy_h: Floats
    station: Ints
    oversize: Floats
    late_year: Floats
    late_h: Floats
    shortage_h: Floats


class PowerTree(NamedTuple):
    """The grid.

    Parameters
    ----------
    above : int array, shape (n_nodes,)
        Node that feeds each; -1 at a source.
    rate, hours : float array, shape (2 n_nodes,)
        Faults a year and mean repair of the nodes, then of the lines above them.
    rescue_line_h, rescue_node_h : float array, shape (n_nodes,)
        As in :class:`phusong.service.power_grid.PowerGraph`.
    """

    above: Ints
    rate: Floats
    hours: Floats
    rescue_line_h: Floats
    rescue_node_h: Floats


class SiteChains(NamedTuple):
    """What decides how long sites are off.

    Parameters
    ----------
    parent : int array, shape (n_sites,)
        Next site towards the core; negative: none.
    is_exchange : bool array, shape (n_sites,)
        Whether the core begins there.
    link_unavailability : float array, shape (n_sites,)
        Share of the year that the link to the parent is down.
    node : int array, shape (n_sites,)
        Power node of each site; negative: none.
    grid, supply : PowerTree, Supply
        What feeds the nodes, and the sites.
    """

    parent: Ints
    is_exchange: npt.NDArray[np.bool_]
    link_unavailability: Floats
    node: Ints
    grid: PowerTree
    supply: SiteFeeds


class _Blame(NamedTuple):
    """Weight of each chosen site, and what its hours are added to: power elements, sites, links."""

    weight: Floats
    power: Floats
    site: Floats
    link: Floats


def _supply_arrays(network: Network) -> SiteFeeds:
    return SiteFeeds(
        network.source,
        network.autonomy_h,
        network.station,
        network.oversize,
        network.late_year,
        network.late_h,
        network.shortage_h,
    )


def stability_arrays(network: Network) -> SiteChains:
    """Return what decides how long sites are off."""
    grid = PowerTree(
        network.node_above, network.fault_rate, network.fault_h, network.rescue_line_h, network.rescue_node_h
    )
    return SiteChains(
        network.parent,
        network.is_exchange,
        network.link_unavailability,
        network.node,
        grid,
        _supply_arrays(network),
    )


@nb.njit(cache=True)
def _own_lost(kind, autonomy, station, oversize, late_year, late_h, shortage_h):  # type: ignore[no-untyped-def]
    lost = _SPELLS_YEAR[kind] * _SPELL_H[kind] * np.exp(-autonomy / _SPELL_H[kind])
    if _SPELL_H[kind] >= HOURS_YEAR:
        return HOURS_YEAR  # no supply at all: a battery that nothing charges is soon empty
    if _FUEL[kind]:
        lost += late_year * late_h * np.exp(-autonomy / late_h)
    if _SUN[kind] > 0.0:
        lost += _SUN[kind] * _between(shortage_h[station], oversize, autonomy)
    return lost


@nb.njit(cache=True)
def _between(table, oversize, autonomy):  # type: ignore[no-untyped-def]
    r, u = _step(_OVERSIZE, oversize)
    c, v = _step(_AUTONOMY_H, autonomy)
    upper = table[r, c] * (1.0 - v) + table[r, c + 1] * v
    lower = table[r + 1, c] * (1.0 - v) + table[r + 1, c + 1] * v
    return upper * (1.0 - u) + lower * u


@nb.njit(cache=True)
def _step(marks, value):  # type: ignore[no-untyped-def]
    k = 0
    while k < marks.size - 2 and value >= marks[k + 1]:
        k += 1
    return k, min(max((value - marks[k]) / (marks[k + 1] - marks[k]), 0.0), 1.0)


@nb.njit(cache=True)
def _own_hours(supply):  # type: ignore[no-untyped-def]
    source, autonomy_h, station, oversize, late_year, late_h, shortage_h = supply
    out = np.empty(source.size)
    for s in range(out.size):
        out[s] = _own_lost(
            source[s], autonomy_h[s], station[s], oversize[s], late_year[s], late_h[s], shortage_h
        )
    return out


@nb.njit(cache=True)
def _span(rate, hours, least, rescue):  # type: ignore[no-untyped-def]
    # hours a year in which faults are older than the autonomy and younger than the rescue
    if rescue <= least:
        return 0.0
    return rate * hours * (np.exp(-least / hours) - np.exp(-rescue / hours))


@nb.njit(cache=True)
def _chains(chosen, sites, blame=None):  # type: ignore[no-untyped-def]
    parent, is_exchange, link_unavailability, node, grid, supply = sites
    source, autonomy_h, station, oversize, late_year, late_h, shortage_h = supply
    node_above, fault_rate, fault_h, rescue_line_h, rescue_node_h = grid
    n_nodes = node_above.size
    own = np.zeros(chosen.size)
    chain = np.zeros(chosen.size)
    link = np.zeros(chosen.size)
    connected = np.zeros(chosen.size, np.bool_)
    # least autonomy and latest rescue seen of each power element of the chain in hand
    least_h = np.full(2 * n_nodes, -1.0)
    latest_h = np.zeros(2 * n_nodes)
    touched = np.empty(2 * n_nodes, np.int64)
    for k in range(chosen.size):
        first = chosen[k]
        n_touched = 0
        site = first
        steps = 0
        reached = False
        while steps < _LONGEST_CHAIN:
            kind = source[site]
            lost = _own_lost(
                kind,
                autonomy_h[site],
                station[site],
                oversize[site],
                late_year[site],
                late_h[site],
                shortage_h,
            )
            if _ON_GRID[kind] and node[site] < 0:
                lost = HOURS_YEAR  # says it is on the grid, but no grid reaches it
            if blame is not None:
                blame.site[site] += blame.weight[k] * lost
            if site == first:
                own[k] += lost
            else:
                chain[k] += lost
            if _ON_GRID[kind]:
                at = node[site]
                below = -1
                hops = 0
                while at >= 0 and hops <= n_nodes:
                    for part in range(2):
                        element = at + part * n_nodes
                        if fault_rate[element] <= 0.0:
                            continue
                        if part == 1:
                            rescue = rescue_line_h[at]
                        elif below >= 0:
                            rescue = rescue_node_h[below]
                        else:
                            rescue = np.inf
                        rate, mean = fault_rate[element], fault_h[element]
                        if least_h[element] < 0.0:
                            touched[n_touched] = element
                            n_touched += 1
                            least_h[element], latest_h[element] = autonomy_h[site], rescue
                            hours = _span(rate, mean, autonomy_h[site], rescue)
                        else:
                            before = _span(rate, mean, least_h[element], latest_h[element])
                            least_h[element] = min(least_h[element], autonomy_h[site])
                            latest_h[element] = max(latest_h[element], rescue)
                            hours = _span(rate, mean, least_h[element], latest_h[element]) - before
                        if blame is not None:
                            blame.power[element] += blame.weight[k] * hours
                        if site == first:
                            own[k] += hours
                        else:
                            chain[k] += hours
                    below = at
                    at = node_above[at]
                    hops += 1
            if is_exchange[site]:
                reached = True
                break
            if parent[site] < 0:
                break
            link[k] += link_unavailability[site] * HOURS_YEAR
            if blame is not None:
                blame.link[site] += blame.weight[k] * link_unavailability[site] * HOURS_YEAR
            site = parent[site]
            steps += 1
        connected[k] = reached
        for t in range(n_touched):
            least_h[touched[t]] = -1.0
    return own, chain, link, connected


@nb.njit(cache=True)
def hours_lost_at(site, sites):  # type: ignore[no-untyped-def]
    """Return the hours a year that one site is off, for compiled callers; sites as of :func:`stability_arrays`."""
    own, chain, link, connected = _chains(np.array([site]), sites)
    return min(own[0] + chain[0] + link[0], HOURS_YEAR) if connected[0] else HOURS_YEAR


def people_by_site(
    reception: Reception, *, weights: Ints, tier: npt.NDArray[np.int8], network: Network, stability: Stability
) -> Ints:
    """Return how many people rely on each site: the steadiest one they may use, the strongest of equals.

    Parameters
    ----------
    reception : Reception
        Stations heard at each demand cell, strongest first.
    weights : ndarray of int, shape (n_cells, n_operators)
        People.
    tier : ndarray, shape (n_stations, n_operators)
        From :func:`phusong.service.capacity.tiers`.
    network, stability : Network, Stability
        Of the sites.
    """
    steadiest = _steadiest(
        reception.cell,
        reception.station,
        network.station_site,
        stability.hours_lost,
        tier < CLOSED,
        reception.n_cells,
    )
    on = steadiest >= 0
    people = np.zeros(network.n_sites, np.int64)
    np.add.at(people, steadiest[on], weights[on])
    return people


@nb.njit(cache=True)
def _steadiest(cell, station, station_site, hours_lost, may, n_cells):  # type: ignore[no-untyped-def]
    """Return the site that loses the fewest hours of those each element may use, the first heard of equals; -1: none."""
    found = np.full((n_cells, may.shape[1]), -1, np.int64)
    for k in range(cell.size):
        site = station_site[station[k]]
        for o in range(may.shape[1]):
            best = found[cell[k], o]
            if may[station[k], o] and (best < 0 or hours_lost[site] < hours_lost[best]):
                found[cell[k], o] = site
    return found


def asset_causes(network: Network, stability: Stability, people: Ints) -> pd.DataFrame:
    """Return the assets by the hours that their failures take from people, most first.

    Parameters
    ----------
    network, stability : Network, Stability
        Of the sites.
    people : ndarray of int, shape (n_sites,)
        Who relies on each site.

    Returns
    -------
    DataFrame
        kind (power node, power line, site supply, backhaul, no backhaul), asset (its id; of supply and backhaul
        the site's), person_hours_year, share of them all, cumulative_share. Person-hours sum to those lost:
        hours of each site times who relies on it.
    """
    grid, site, link = blame(network, np.where(stability.connected, people, 0))
    n = network.node_ids.size
    none = np.where(stability.connected, 0.0, people * HOURS_YEAR)
    parts = (
        ("power node", network.node_ids, grid[:n]),
        ("power line", network.grid.line_ids, grid[n:]),
        ("site supply", network.site_ids, site),
        ("backhaul", network.site_ids, link),
        ("no backhaul", network.site_ids, none),
    )
    table = pd.concat(
        [
            pd.DataFrame(
                {
                    "kind": kind,
                    "asset": ids[hours > 0.0].astype(object),
                    "person_hours_year": hours[hours > 0.0],
                }
            )
            for kind, ids, hours in parts
        ],
        ignore_index=True,
    )
    table = table.sort_values(["person_hours_year", "kind", "asset"], ascending=[False, True, True])
    total = max(float(table["person_hours_year"].sum()), 1e-12)
    table["share"] = table["person_hours_year"] / total
    table["cumulative_share"] = table["share"].cumsum()
    return table.reset_index(drop=True)

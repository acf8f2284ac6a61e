"""The search for remedies that make one site stable: every way of power with every way of backhaul, compiled.

Along the site's chain to the core, the remedy that saves most hours per cost is added until the site is off for no
longer than allowed. Each site of the chain may get one remedy of the power kind and one of the link kind in hand.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.kernel_cache import nb
from phusong.service.network import Network
from phusong.service.power import hours_lost_at, stability_arrays
from phusong.service.supply import USUAL_OVERSIZE

__all__ = ["LONGEST_CHAIN", "LinkChoices", "PowerChoices", "repairs"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LONGEST_CHAIN = 12
_MOST_REMEDIES = 5
_LEAST_SAVED_H = 0.05


@dataclass(frozen=True)
class PowerChoices:
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


@dataclass(frozen=True)
class LinkChoices:
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
    return np.asarray(
        _repairs(
            site, hours_allowed, *stability_arrays(network),
            power.cost_musd, power.source, power.node, power.autonomy_h, power.oversize,
            link.cost_musd, link.parent, link.unavailability,
        )
    )  # fmt: skip


@nb.njit(cache=True)
def _repairs(  # type: ignore[no-untyped-def]
    site, allowed, parent_0, is_exchange, link_lost_0, node_0, node_above, fault_rate, fault_h, rescue_line_h,
    rescue_node_h, source_0, autonomy_0, station, oversize_0, late_year, late_h, shortage_h,
    power_cost, power_source, power_node, power_autonomy, power_oversize, link_cost, link_parent, link_unavailability,
):  # fmt: skip
    n = parent_0.size
    n_links = link_cost.shape[0]
    power = power_source, power_node, power_autonomy, power_oversize
    link = link_parent, link_unavailability
    out = np.full((power_cost.shape[0] * n_links, _MOST_REMEDIES), -1, np.int64)
    for row in range(out.shape[0]):
        p, q = row // n_links, row % n_links
        parent, link_lost, node = parent_0.copy(), link_lost_0.copy(), node_0.copy()
        source, autonomy, oversize = source_0.copy(), autonomy_0.copy(), oversize_0.copy()
        # what is tried changes these in place
        net = (
            parent, is_exchange, link_lost, node, node_above, fault_rate, fault_h, rescue_line_h, rescue_node_h, source,
            autonomy, station, oversize, late_year, late_h, shortage_h,
        )  # fmt: skip
        state = source, node, autonomy, oversize, parent, link_lost
        taken = np.zeros(2 * n, np.bool_)
        many = 0
        hours = hours_lost_at(site, *net)
        while hours > allowed:
            best, best_worth, best_hours = -1, 0.0, 0.0
            if many < _MOST_REMEDIES:
                at, steps = site, 0
                while at >= 0 and not is_exchange[at] and steps < LONGEST_CHAIN:
                    up = parent[at]
                    for choice in (at, n + at):
                        cost = power_cost[p, at] if choice < n else link_cost[q, at]
                        if taken[choice] or not np.isfinite(cost):
                            continue
                        was = (source[at], node[at], autonomy[at], oversize[at], parent[at], link_lost[at])
                        _carry_out(choice, p, q, state, power, link)
                        then = hours_lost_at(site, *net)
                        source[at], node[at], autonomy[at], oversize[at], parent[at], link_lost[at] = was
                        worth = (hours - then) / max(cost, 1e-6)
                        if then < hours - _LEAST_SAVED_H and (best < 0 or worth > best_worth):
                            best, best_worth, best_hours = choice, worth, then
                    at, steps = up, steps + 1
            if best < 0:
                many = 0
                break
            _carry_out(best, p, q, state, power, link)
            taken[best] = True
            out[row, many] = best
            many += 1
            hours = best_hours
        out[row, many:] = -1
    return out


@nb.njit(cache=True)
def _carry_out(choice, p, q, state, power, link):  # type: ignore[no-untyped-def]
    source, node, autonomy, oversize, parent, link_lost = state
    at = choice % source.size
    if choice >= source.size:
        # a link to where the old one leads stands beside it: the hop is down only while both are
        beside = link_lost[at] if parent[at] == link[0][q, at] else 1.0
        parent[at], link_lost[at] = link[0][q, at], beside * link[1][q, at]
        return
    source[at], node[at] = power[0][p, at], power[1][p, at]
    autonomy[at] = max(power[2][p, at], autonomy[at])
    panels = power[3][p, at]
    oversize[at] = panels if panels > 0.0 else max(USUAL_OVERSIZE, oversize[at])

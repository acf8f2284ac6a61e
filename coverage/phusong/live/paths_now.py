"""Which sites reach the core now, and how wide their way is: only the part of the backhaul round a change is looked at."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from phusong.kernel_cache import nb
from phusong.live.rows import members
from phusong.live.standing import Standing
from phusong.service.backhaul import Links, widest_mbps
from phusong.service.network import Network

__all__ = ["Ways", "all_ways", "mend_ways"]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Ways:
    """The ways to the core.

    Parameters
    ----------
    reached : ndarray of bool, shape (n_sites,)
        Whether a way over live links and sites leads to an exchange.
    mbps : ndarray, shape (n_sites,)
        Its narrowest link, on the widest such way; 0 without one.
    """

    reached: Bools
    mbps: Floats


def all_ways(network: Network, link_up: Bools, site_on: Bools) -> Ways:
    """Return the ways of every site at once.

    Parameters
    ----------
    network : Network
        Sites and links.
    link_up : ndarray of bool, shape (n_links,)
        Links that work.
    site_on : ndarray of bool, shape (n_sites,)
        Sites that pass traffic on.
    """
    links = network.links
    live = link_up & site_on[links.a] & site_on[links.b]
    core = network.is_exchange & site_on
    kept = Links(links.ids[live], links.medium[live], links.a[live], links.b[live], links.unavailability[live],
                 links.capacity_mbps[live])  # fmt: skip
    wide = replace(kept, capacity_mbps=np.maximum(kept.capacity_mbps, 0.0))
    return Ways(kept.hops(core) >= 0, widest_mbps(wide, core))


def mend_ways(ways: Ways, standing: Standing, link_up: Bools, site_on: Bools, sites: Ints) -> Ints:
    """Bring the ways round some sites up to date in place; return the sites whose way has changed, ascending.

    Parameters
    ----------
    ways : Ways
        Changed where they differ.
    standing : Standing
        Sites, links, and the parts of the backhaul that exchanges bound.
    link_up, site_on : ndarray of bool
        As for :func:`all_ways`.
    sites : ndarray of int
        Sites that have gone on or off, and the ends of links that have.
    """
    network = standing.network
    changed = [np.zeros(0, np.int64)]
    for group in np.unique(members(standing.groups_of_site, sites)).tolist():
        inside = standing.sites_of_group.of(group)
        wires = standing.links_of_group.of(group)
        links = network.links
        order = wires[np.argsort(-links.capacity_mbps[wires], kind="stable")]
        reached, mbps = _part(
            inside, order, links.a, links.b, links.capacity_mbps, link_up, site_on, network.is_exchange
        )
        differs = (reached != ways.reached[inside]) | (mbps != ways.mbps[inside])
        ways.reached[inside[differs]] = reached[differs]
        ways.mbps[inside[differs]] = mbps[differs]
        changed.append(inside[differs])
    return np.unique(np.concatenate(changed))


@nb.njit(cache=True)
def _part(inside, order, a, b, capacity, link_up, site_on, is_exchange):  # type: ignore[no-untyped-def]
    """Join sites by the widest links first: a site's way is as wide as the link that first joins it to an exchange."""
    n = inside.size
    head, last, following = np.arange(n), np.arange(n), np.full(n, -1)
    size = np.ones(n, np.int64)
    reached, mbps = np.zeros(n, np.bool_), np.zeros(n)
    for k in range(n):
        if is_exchange[inside[k]] and site_on[inside[k]]:
            reached[k], mbps[k] = True, np.inf
    for at in range(order.size):
        link = order[at]
        if not (link_up[link] and site_on[a[link]] and site_on[b[link]]):
            continue
        x, y = head[np.searchsorted(inside, a[link])], head[np.searchsorted(inside, b[link])]
        if x == y:
            continue
        if reached[x] != reached[y]:
            k = y if reached[x] else x
            while k >= 0:
                reached[k], mbps[k] = True, max(capacity[link], 0.0)
                k = following[k]
        if size[x] < size[y]:
            x, y = y, x
        k = y
        while k >= 0:
            head[k] = x
            k = following[k]
        following[last[x]], last[x] = y, last[y]
        size[x] += size[y]
    return reached, mbps

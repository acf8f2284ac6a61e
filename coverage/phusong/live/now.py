"""What is so now, worked out from nothing but what stands and what has happened: the full recompute."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from phusong.access.gaps import classify
from phusong.access.heard_sites import heard_sites
from phusong.live.areas import Sums, sums_of
from phusong.live.happened import NEVER, Happened
from phusong.live.paths_now import Ways, all_ways
from phusong.live.places_taken import Taken
from phusong.live.standing import Standing
from phusong.service.allocation import allocate
from phusong.service.capacity import CLOSED, people_in, tiers, use_network
from phusong.service.reception import Reception

__all__ = [
    "Now",
    "battery_ms",
    "claims",
    "everything_now",
    "spent_batteries",
    "stations_on",
    "steady_share",
    "taken_now",
]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Tiers = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Now:
    """Everything that follows; the arrays are changed in place by :class:`phusong.live.increment.Live`.

    `site_on` (has power and is not down), `ways`, `ever_reached` (has a way to the core when nothing is down), `tier`
    in force; per station `station_on`, `available` (share of the year; 0 while cut off), `load`, `rate_hours`; per
    element `heard` (of its cell), `usable`, `stable`, `best` availability, `accepted` people and their `rate`; per
    site `behind` (people who hear it, may not use it and are not served) and `tenants` (operators whose people may
    use it); per commune `sums`.
    """

    site_on: Bools
    ways: Ways
    ever_reached: Bools
    tier: Tiers
    station_on: Bools
    available: Floats
    station_people: Ints
    load: Floats
    rate_hours: Floats
    heard: Bools
    usable: Bools
    stable: Bools
    best: npt.NDArray[np.float32]
    accepted: Ints
    rate: npt.NDArray[np.float32]
    behind: Ints
    tenants: Ints
    sums: Sums


def everything_now(standing: Standing, happened: Happened) -> Now:
    """Return what is so now, by the same functions as a run and over the whole region.

    Parameters
    ----------
    standing : Standing
        What stands.
    happened : Happened
        What has happened.
    """
    network, reception = standing.network, standing.reception
    site_on = ~happened.site_down & ~spent_batteries(standing, happened)
    everything = np.ones(network.n_sites, bool), np.ones(network.links.ids.size, bool)
    ever = all_ways(network, everything[1], everything[0]).reached
    ways = all_ways(network, happened.link_up, site_on)
    granted = standing.opened(happened.opened)
    tier = tiers(granted, standing.rights_of(granted))
    on = stations_on(standing, happened, site_on)
    available = steady_share(standing, ways.reached, ever, np.arange(network.n_stations))
    heard = on[reception.station]
    live = Reception(
        reception.cell[heard], reception.station[heard], reception.rsrp_dbm[heard], reception.sinr_ddb[heard],
        reception.n_cells,
    )  # fmt: skip
    usage = use_network(
        live,
        weights=standing.weights,
        tier=tier,
        availability=available,
        availability_target=standing.availability_target,
        bandwidth_mhz=network.station_bandwidth_mhz,
        station_site=network.station_site,
        site_mbps=ways.mbps,
        demand=standing.demand,
    )
    access = classify(usage, standing.weights)
    by_site = heard_sites(live, station_site=network.station_site, n_sites=network.n_sites, tier=tier)
    unserved = standing.weights - access.served
    behind = by_site.people(unserved, may_use=False).sum(axis=1).astype(np.int64)
    in_use = ~standing.planned | happened.commissioned
    may = np.zeros((network.n_sites, tier.shape[1]), bool)
    for o in range(tier.shape[1]):
        stands = (tier[:, o] < CLOSED) & in_use[network.station_site]
        may[network.station_site[stands], o] = True
    elements: dict[str, Any] = {
        "heard": usage.heard[:, 0],
        "usable": usage.usable,
        "stable": usage.stable,
        "best": usage.availability,
        "accepted": usage.accepted,
        "rate": usage.rate_hours,
    }
    sites: dict[str, Any] = {"behind": behind, "tenants": may.sum(axis=1).astype(np.int64)}
    return Now(
        site_on=site_on,
        ways=ways,
        ever_reached=ever,
        tier=tier,
        station_on=on,
        available=np.where(on, available, 0.0),
        station_people=usage.station_people,
        load=np.where(on, usage.station_load, 0.0),
        rate_hours=np.where(on, usage.station_rate_hours, 0.0),
        sums=sums_of(
            standing,
            np.arange(standing.places.commune_codes.size),
            in_use=in_use,
            shut=~granted.shareable,
            **elements,
            **sites,
        ),
        **elements,
        **sites,
    )


def taken_now(standing: Standing, now: Now) -> Taken:
    """Return the places taken: the start from which changes go on."""
    site_room = people_in(now.ways.mbps, standing.demand)
    every = np.arange(standing.network.n_stations)
    taken = allocate(
        standing.reception,
        weights=standing.weights,
        tier=claims(standing, now.tier, now.station_on, now.available, every),
        station_room=standing.station_room,
        station_site=standing.network.station_site.astype(np.int64),
        site_room=site_room,
    )
    people = np.bincount(standing.reception.station, taken.sum(axis=1), every.size).astype(np.int64)
    at_site = np.bincount(standing.network.station_site, people, site_room.size).astype(np.int64)
    return Taken(taken, people, at_site)


def spent_batteries(
    standing: Standing, happened: Happened, sites: Ints | slice = slice(None), *, at_ms: int | None = None
) -> Bools:
    """Return which sites (of some) stand without grid for as long as their battery lasts, and on no other supply.

    Parameters
    ----------
    standing : Standing
        Sites and their batteries.
    happened : Happened
        Which nodes are dark, and since when.
    sites : ndarray of int, optional
        All when left out.
    at_ms : int, optional
        The clock's time when left out; a later one if nothing happens until then.
    """
    network = standing.network
    when = happened.clock_ms if at_ms is None else at_ms
    since = happened.dark_since_ms[np.maximum(network.node[sites], 0)]
    dark = standing.on_grid[sites] & (since != NEVER)
    return np.asarray(dark & (when >= since + battery_ms(standing, sites)) & ~happened.own_supply[sites])


def battery_ms(standing: Standing, sites: Ints | slice = slice(None)) -> Ints:
    """Return how long sites (of some) stand without the grid. [ms]"""
    return np.asarray(np.round(standing.network.autonomy_h[sites] * 3_600_000.0), np.int64)


def stations_on(
    standing: Standing, happened: Happened, site_on: Bools, stations: Ints | slice = slice(None)
) -> Bools:
    """Return which stations (of some) are on the air."""
    site = standing.network.station_site[stations]
    return np.asarray(site_on[site] & (~standing.planned | happened.commissioned)[site])


def steady_share(standing: Standing, reached: Bools, ever_reached: Bools, stations: Ints) -> Floats:
    """Return the share of the year that some stations work; nothing while they have lost their way to the core."""
    site = standing.network.station_site[stations]
    cut = ever_reached[site] & ~reached[site]
    return np.asarray(np.where(cut, 0.0, standing.availability[site]))


def claims(standing: Standing, tier: Tiers, on: Bools, available: Floats, stations: Ints) -> Tiers:
    """Return in which turn people may claim room at some stations; negative: never."""
    steady = on[stations] & (available[stations] >= standing.availability_target)
    return np.where((tier[stations] < CLOSED) & steady[:, None], tier[stations], -1).astype(np.int8)

"""Made-up networks that are as a country's: their stations' room, and how many stations people hear."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from benchmark_service import nation

from phusong.access.gaps import Access, classify, split_by_operator
from phusong.service.allocation import Reception
from phusong.service.availability import site_stability
from phusong.service.capacity import Demand, busy_hour_mbps, tiers, use_network
from phusong.service.network import Network
from phusong.service.sharing import grant_rights

__all__ = ["NO_LIMIT_S", "PAIRS_OF_A_CELL", "heard", "made_network", "use_of"]

NO_LIMIT_S = 36_000.0
"""For the solver, which ends by its work and not by the clock."""

PAIRS_OF_A_CELL = 142
"""Stations heard on a pixel where people live, in the mean of the modelled country."""

_PEOPLE_OF_A_SITE = 1_100  # as in the modelled country
_MHZ = 150.0  # of a site: room for nearly all
_LEVELS = 501  # steps of 0.1 dB from -60 dBm downwards


def made_network(sites: int) -> Network:
    """Return a made-up network, a station a site, operators by their shares."""
    network = nation(sites)
    operator = np.random.default_rng(4).choice(len(network.operators), sites, p=network.shares)
    return replace(
        network,
        station_bandwidth_mhz=np.full(sites, _MHZ),
        station_operator=operator.astype(network.station_operator.dtype),
    )


def use_of(network: Network, cells: int, pairs: int) -> tuple[Callable[[str], Access], int]:
    """Return what tells, under a policy, who is served and why others are not; and how many pairs there are."""
    reception = heard(cells, network.n_sites, pairs)
    rng = np.random.default_rng(5)
    people = rng.multinomial(_PEOPLE_OF_A_SITE * network.n_sites, np.full(cells, 1.0 / cells))
    weights = split_by_operator(people, network.shares)
    stable = site_stability(network).availability[network.station_site]
    demand = Demand(busy_hour_mbps(take_up=0.6, gb_month=8.0, busy_hour_share=0.06))

    def work(policy: str) -> Access:
        usage = use_network(
            reception, weights=weights, tier=tiers(network, grant_rights(network, policy)), availability=stable,
            availability_target=0.998, bandwidth_mhz=network.station_bandwidth_mhz,
            station_site=network.station_site, site_mbps=network.link_capacity_mbps, demand=demand,
        )  # fmt: skip
        return classify(usage, weights)

    return work, int(reception.cell.size)


def heard(cells: int, stations: int, pairs: int, *, seed: int = 2) -> Reception:
    """Return a made-up reception, already in its order: level by level, so that nothing of this size is sorted."""
    rng = np.random.default_rng(seed)
    home = rng.integers(0, stations, cells)
    chance = pairs / (cells * _LEVELS)
    parts = []
    for step in range(_LEVELS):
        cell = np.flatnonzero(rng.random(cells) < chance).astype(np.int32)
        # another station at each level: no pair comes twice
        parts.append((cell, ((home[cell] + step) % stations).astype(np.int32)))
    sizes = np.array([cell.size for cell, _ in parts])
    level_ddbm = np.repeat(-600 - np.arange(_LEVELS), sizes).astype(np.int16)
    return Reception(
        np.concatenate([cell for cell, _ in parts]), np.concatenate([station for _, station in parts]),
        level_ddbm.astype(np.float32) / np.float32(10.0), (level_ddbm + np.int16(1050)), cells,
    )  # fmt: skip

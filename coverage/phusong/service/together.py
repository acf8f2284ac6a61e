"""Elements that several sites serve together: off only when all their sites are, as sampled states show it.

The best single site's availability is a lower bound. Two sites on other feeders are seldom off at once; two on one
feeder often are. Sampled states tell the two apart.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from phusong.engine.crew import Crew
from phusong.service.allocation import allocate
from phusong.service.capacity import CLOSED, Demand, Usage, cell_throughput
from phusong.service.network import Network
from phusong.service.reception import Reception
from phusong.service.states import States, elements_of_pairs, hours_off

__all__ = ["Together", "element_hours_off", "serve_together"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_HOURS = 8760.0


@dataclass(frozen=True)
class Together:
    """What each element gets from all its sites.

    Parameters
    ----------
    usage : Usage
        With the people whom no single site serves stably but all together do, where there was room left.
    hours_off : ndarray, shape (n_cells, n_operators)
        Hours a year in which none of the sites that they may use works.
    gained : int
        People found room for beyond those whom one stable site serves.
    """

    usage: Usage
    hours_off: Floats
    gained: int


def element_hours_off(
    states: States,
    reception: Reception,
    tier: npt.NDArray[np.int8],
    network: Network,
    *,
    crew: Crew | None = None,
) -> Floats:
    """Return the hours a year in which no site that an element may use works, shape (n_cells, n_operators).

    Parameters
    ----------
    states : States
        Of the sites.
    reception : Reception
        Stations heard at each demand cell.
    tier : ndarray, shape (n_stations, n_operators)
        Rights, see :func:`phusong.service.capacity.tiers`.
    network : Network
        Sites of the stations.
    crew : Crew, optional
        Who computes; this thread alone when left out.
    """
    n_ops = tier.shape[1]
    pair, operator = np.nonzero(tier[reception.station] < CLOSED)
    element = reception.cell[pair].astype(np.int64) * n_ops + operator
    site = network.station_site[reception.station[pair]]
    rows = elements_of_pairs(element, site, reception.n_cells * n_ops)
    return hours_off(states, *rows, crew=crew).reshape(reception.n_cells, n_ops)


def serve_together(
    usage: Usage,
    states: States,
    *,
    reception: Reception,
    weights: Ints,
    tier: npt.NDArray[np.int8],
    network: Network,
    availability_target: float,
    demand: Demand,
    crew: Crew | None = None,
) -> Together:
    """Let elements whose sites are stable only together ask for the room that is left.

    Parameters
    ----------
    usage : Usage
        Of elements with one stable site: they keep what they have.
    states : States
        Of the sites.
    reception, weights, tier, network, availability_target, demand
        As for :func:`phusong.service.capacity.use_network`.
    crew : Crew, optional
        Who computes; this thread alone when left out.
    """
    off = element_hours_off(states, reception, tier, network, crew=crew)
    shared = np.maximum(1.0 - off / _HOURS, 0.0)
    # states are sampled: where the closed form of the best site promises more, it is kept
    availability = np.where(usage.usable, np.maximum(shared, usage.availability), 0.0).astype(np.float32)
    joined = usage.usable & ~usage.stable & (shared >= availability_target)
    site, mbps = network.station_site, demand.mbps_per_person
    cell_mbps = cell_throughput(reception, weights.sum(axis=1), network.station_bandwidth_mhz)
    at_site = np.bincount(site, usage.station_people, network.n_sites).astype(np.int64)
    most = np.floor(network.link_capacity_mbps * demand.max_load / max(mbps, 1e-12))
    left = np.where(np.isfinite(most), np.minimum(most, 2.0**40), 2.0**40).astype(np.int64) - at_site
    claim = np.where(tier < CLOSED, tier, -1).astype(np.int8)
    taken = allocate(
        reception,
        weights=np.where(joined, weights, 0).astype(np.int64),
        tier=claim,
        station_room=usage.station_room,
        station_site=site.astype(np.int64),
        site_room=np.maximum(left, 0),
    )
    by_pair = taken.sum(axis=1)
    more = np.bincount(reception.station, by_pair, network.n_stations).astype(np.int64)
    guests = np.zeros(network.n_stations, np.int64)
    extra = np.zeros_like(usage.accepted)
    for o in range(weights.shape[1]):
        mine = taken[:, o]
        extra[:, o] = np.bincount(reception.cell, mine, reception.n_cells)
        at = np.bincount(reception.station, mine, network.n_stations).astype(np.int64)
        guests += np.where(tier[:, o] == 0, 0, at)
    people = usage.station_people + more
    with np.errstate(divide="ignore", invalid="ignore"):
        radio = np.where(cell_mbps > 0.0, people * mbps / cell_mbps, 0.0)
        path = np.where(network.link_capacity_mbps > 0.0, (at_site + np.bincount(site, more, network.n_sites)) * mbps
                        / network.link_capacity_mbps, 0.0)  # fmt: skip
    changed = replace(
        usage,
        stable=usage.stable | joined,
        availability=availability,
        accepted=usage.accepted + extra,
        station_people=people,
        station_guests=usage.station_guests + guests,
        station_load=np.maximum(radio, path[site]),
        station_room=np.maximum(usage.station_room - more, 0),
    )
    return Together(changed, off, int(extra.sum()))

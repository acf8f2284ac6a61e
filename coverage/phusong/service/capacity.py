"""Busy-hour demand against capacity.

A station holds as many people as its cell throughput carries in the busy hour: bandwidth times the spectral efficiency
that people who hear it get, harmonic mean, since each asks for the same rate. Its site's link to the core holds as many
as its capacity carries. People ask stations of their own operator first, then those opened to them by agreement, then
those they roam on; within each, the strongest signal first; where that leaves somebody out, others move over
(:mod:`phusong.service.allocation`). So more of anything never serves fewer, and guests never push out a host's people.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from phusong.compute.array_types import Bools, Floats, Ints
from phusong.radio.link_budget import spectral_efficiency
from phusong.service.allocation import Reception, allocate
from phusong.service.network import Network
from phusong.service.sharing import Rights

__all__ = [
    "CLOSED",
    "Demand",
    "Usage",
    "busy_hour_mbps",
    "busy_hours_with_rate",
    "busy_stations",
    "cell_throughput",
    "grown",
    "people_in",
    "tiers",
    "use_network",
]


_DAYS_MONTH = 365.25 / 12.0
_MBIT_GB = 8000.0
_LEAST_SPREAD = 1e-6  # below it every busy hour is the mean one


def busy_hour_mbps(*, take_up: float, gb_month: float, busy_hour_share: float) -> float:
    """Return the mean busy-hour traffic of one inhabitant. [Mbit/s]

    Parameters
    ----------
    take_up : float
        Share of inhabitants who use mobile internet.
    gb_month : float
        Traffic of one user. [GB a month]
    busy_hour_share : float
        Share of a day's traffic that falls into its busiest hour.

    Examples
    --------
    >>> round(busy_hour_mbps(take_up=0.5, gb_month=10.0, busy_hour_share=0.07), 5)
    0.02555
    """
    mbit_day = take_up * gb_month * _MBIT_GB / _DAYS_MONTH
    return mbit_day * busy_hour_share / 3600.0


def grown(mbps: float, *, growth_year: float, years: float) -> float:
    """Return traffic after some years of growth. [Mbit/s]

    Examples
    --------
    >>> round(grown(0.02, growth_year=0.2, years=5), 4)
    0.0498
    """
    return float(mbps * (1.0 + growth_year) ** years)


def busy_hours_with_rate(load: Floats, peak_mbps: Floats, *, target_mbps: float, spread: float) -> Floats:
    """Return the share of busy hours in which a user who asks for data gets the target rate.

    Parameters
    ----------
    load : ndarray
        Mean busy-hour share of the resources in use.
    peak_mbps : ndarray
        Rate of one user alone. [Mbit/s]
    target_mbps : float
        Rate that a user wants. [Mbit/s]
    spread : float
        Standard deviation of the logarithm of a busy hour's load about its mean, over the year.

    Notes
    -----
    Users share a cell as a processor-sharing queue: at load ρ one gets peak · (1 - ρ) on average, so the target is
    met while ρ ≤ 1 - target / peak. Loads of busy hours are lognormal with the given mean.

    References
    ----------
    Kleinrock, Queueing Systems II (1976), section 4.4 (processor sharing).
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        most = 1.0 - target_mbps / peak_mbps
        margin = np.log(most) - np.log(load) + spread**2 / 2.0
    reachable = most > 0.0
    calm = reachable & (load <= 0.0)
    inside = np.where(reachable & ~calm, margin, 0.0)
    share = ndtr(inside / spread) if spread > _LEAST_SPREAD else (inside >= 0).astype(np.float64)
    return np.asarray(np.where(calm, 1.0, np.where(reachable, share, 0.0)), np.float64)


CLOSED = 3  # the tier of a station that an operator's subscribers may not use
_MOST_PEOPLE = 2**40  # room where nothing limits it
_LEAST_MBPS = 1e-9  # people who ask for less ask for nothing
_SECTORS = 3.0  # a phone is in one sector of a station at a time


@dataclass(frozen=True)
class Demand:
    """What people ask of the network in the busy hour.

    Parameters
    ----------
    mbps_per_person : float
        Mean busy-hour traffic of one inhabitant. [Mbit/s]
    max_load : float
        Highest share of the resources in use.
    target_mbps : float
        Rate that an active user wants. [Mbit/s]
    spread : float
        Spread of busy hours' loads over the year (sigma of the logarithm).
    """

    mbps_per_person: float
    max_load: float = 0.8
    target_mbps: float = 4.0
    spread: float = 0.35


@dataclass(frozen=True)
class Usage:
    """What every element (demand cell × operator) gets.

    Parameters
    ----------
    heard, usable, stable : ndarray of bool, shape (n_cells, n_operators)
        Whether any station at all is heard there, one that the operator's subscribers may use, and one of
        those that is stable.
    availability : ndarray, shape (n_cells, n_operators)
        Best availability among the usable stations; 0 when there is none.
    accepted : ndarray of int, shape (n_cells, n_operators)
        People who find room on a stable station.
    rate_hours : ndarray, shape (n_cells, n_operators)
        Share of busy hours in which they get the target rate, mean over those accepted; 0 where nobody is.
    station_people, station_guests : ndarray of int, shape (n_stations,)
        People accepted by each station, and those of them who are other operators' subscribers.
    station_load : ndarray, shape (n_stations,)
        Share of its resources, or of its site's link, that they use in the busy hour.
    station_room : ndarray of int, shape (n_stations,)
        People that would still find room there.
    station_rate_hours : ndarray, shape (n_stations,)
        Share of busy hours in which its users get the target rate.
    """

    heard: Bools
    usable: Bools
    stable: Bools
    availability: npt.NDArray[np.float32]
    accepted: Ints
    rate_hours: npt.NDArray[np.float32]
    station_people: Ints
    station_guests: Ints
    station_load: Floats
    station_room: Ints
    station_rate_hours: Floats


def tiers(network: Network, rights: Rights) -> npt.NDArray[np.int8]:
    """Return in which turn each operator's subscribers may ask each station.

    Parameters
    ----------
    network : Network
        Stations with operators and guests.
    rights : Rights
        What the policy and agreements in force grant.

    Returns
    -------
    ndarray of int8, shape (n_stations, n_operators)
        0 own or guest, 1 by agreement, 2 by roaming, `CLOSED` not at all.
    """
    operator = np.arange(len(network.operators))
    own = network.station_operator[:, None] == operator[None, :]
    guest = (network.station_guests[:, None] >> operator[None, :]) & 1 == 1
    tier = np.full(own.shape, CLOSED, np.int8)
    tier[rights.roamed] = 2
    tier[rights.agreed] = 1
    tier[own | guest] = 0
    return tier


def cell_throughput(reception: Reception, people: Ints, bandwidth_mhz: Floats) -> Floats:
    """Return what each station carries when all who hear it ask for the same rate. [Mbit/s]

    Parameters
    ----------
    reception : Reception
        Who hears it, and how well.
    people : ndarray of int, shape (n_cells,)
        People of every operator.
    bandwidth_mhz : ndarray, shape (n_stations,)
        Downlink bandwidth summed over sectors and carriers.

    Notes
    -----
    It counts all who could ask, whatever the policy, so that no policy changes what a station can carry.
    """
    efficiency = spectral_efficiency(reception.sinr_ddb / 10.0)
    heard = (efficiency > 0.0) & (people[reception.cell] > 0)
    station, weight = reception.station[heard], people[reception.cell[heard]].astype(np.float64)
    n = bandwidth_mhz.size
    total = np.bincount(station, weight, n)
    time = np.bincount(station, weight / efficiency[heard], n)
    best = float(spectral_efficiency(100.0))
    mean = np.divide(total, time, out=np.full(n, best), where=time > 0)
    return np.asarray(np.maximum(bandwidth_mhz, 0.0) * mean)


def use_network(
    reception: Reception,
    *,
    weights: Ints,
    tier: npt.NDArray[np.int8],
    availability: Floats,
    availability_target: float,
    bandwidth_mhz: Floats,
    station_site: Ints,
    site_mbps: Floats,
    demand: Demand,
) -> Usage:
    """Let every element ask its stations, own first and strongest first.

    Parameters
    ----------
    reception : Reception
        Stations heard at each demand cell.
    weights : ndarray of int, shape (n_cells, n_operators)
        People.
    tier : ndarray, shape (n_stations, n_operators)
        From :func:`tiers`.
    availability : ndarray, shape (n_stations,)
        Share of the year that a station works.
    availability_target : float
        Least availability of a stable station.
    bandwidth_mhz : ndarray, shape (n_stations,)
        Downlink bandwidth summed over sectors and carriers.
    station_site : ndarray of int, shape (n_stations,)
        Site of each station.
    site_mbps : ndarray, shape (n_sites,)
        Capacity of the path from each site to the core.
    demand : Demand
        What people ask in the busy hour.
    """
    n_stations, n_ops = tier.shape
    weights = weights.astype(np.int64)
    steady = availability >= availability_target
    usable, stable, best = _reach(reception, tier, availability, steady)
    cell_mbps = cell_throughput(reception, weights.sum(axis=1), bandwidth_mhz)
    station_room = people_in(cell_mbps, demand)
    site_room = people_in(site_mbps, demand)
    claim = np.where((tier < CLOSED) & steady[:, None], tier, -1).astype(np.int8)
    taken = allocate(
        reception,
        weights=weights,
        tier=claim,
        station_room=station_room,
        station_site=station_site.astype(np.int64),
        site_room=site_room,
    )
    by_pair = taken.sum(axis=1)
    people = np.bincount(reception.station, by_pair, n_stations).astype(np.int64)
    own = np.zeros(n_stations, np.int64)
    accepted = np.zeros(weights.shape, np.int64)
    for o in range(n_ops):
        mine = taken[:, o]
        accepted[:, o] = np.bincount(reception.cell, mine, reception.n_cells)
        at = np.bincount(reception.station, mine, n_stations).astype(np.int64)
        own += np.where(tier[:, o] == 0, at, 0)
    at_site = np.bincount(station_site, people, site_mbps.size).astype(np.int64)
    load, hours = busy_stations(people, at_site[station_site], cell_mbps, site_mbps[station_site], demand)
    free = np.minimum(station_room - people, (site_room - at_site)[station_site])
    rate = np.zeros(weights.shape)
    for o in range(n_ops):
        rate[:, o] = np.bincount(reception.cell, taken[:, o] * hours[reception.station], reception.n_cells)
    heard = np.zeros(reception.n_cells, bool)
    heard[reception.cell] = True
    return Usage(
        heard=np.repeat(heard[:, None], n_ops, axis=1),
        usable=usable,
        stable=stable,
        availability=best,
        accepted=accepted,
        rate_hours=_ratio(rate, accepted.astype(np.float64)).astype(np.float32),
        station_people=people,
        station_guests=people - own,
        station_load=load,
        station_room=np.maximum(free, 0),
        station_rate_hours=hours,
    )


def _reach(
    reception: Reception, tier: npt.NDArray[np.int8], availability: Floats, steady: Bools
) -> tuple[Bools, Bools, npt.NDArray[np.float32]]:
    shape = (reception.n_cells, tier.shape[1])
    usable, stable = np.zeros(shape, bool), np.zeros(shape, bool)
    best = np.zeros(shape, np.float32)
    for o in range(shape[1]):
        may = tier[reception.station, o] < CLOSED
        cell, station = reception.cell[may], reception.station[may]
        usable[cell, o] = True
        stable[cell[steady[station]], o] = True
        np.maximum.at(best[:, o], cell, availability[station].astype(np.float32))
    return usable, stable, best


def busy_stations(
    people: Ints, at_site: Ints, cell_mbps: Floats, path_mbps: Floats, demand: Demand
) -> tuple[Floats, Floats]:
    """Return the load of stations in the busy hour, and the share of busy hours in which users get the target rate.

    Parameters
    ----------
    people, at_site : ndarray of int, shape (n,)
        Whom each station serves, and whom all stations of its site serve.
    cell_mbps, path_mbps : ndarray, shape (n,)
        What the station carries, and its site's path to the core.
    demand : Demand
        What people ask.
    """
    mbps = demand.mbps_per_person
    load = np.maximum(_ratio(people * mbps, cell_mbps), _ratio(at_site * mbps, path_mbps))
    peak = np.minimum(cell_mbps / _SECTORS, path_mbps)
    return load, busy_hours_with_rate(load, peak, target_mbps=demand.target_mbps, spread=demand.spread)


def people_in(mbps: Floats, demand: Demand) -> Ints:
    """Return how many people find room on what carries so much in the busy hour; parameters as above."""
    if demand.mbps_per_person <= _LEAST_MBPS:
        return np.full(mbps.size, _MOST_PEOPLE, np.int64)
    people = np.floor(np.maximum(mbps, 0.0) * demand.max_load / demand.mbps_per_person + 1e-9)
    return np.minimum(people, _MOST_PEOPLE).astype(np.int64)


def _ratio(part: npt.NDArray[np.floating], whole: Floats) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0), np.float64)

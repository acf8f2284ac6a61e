"""Who finds room: busy-hour demand against what stations and their backhaul can carry.

People ask the stations they may use and that are stable: those of their own operator first, then those opened
to them by agreement, then those they roam on; within each, the strongest signal first. A station takes people
until its radio or its path to the core reaches the highest load. More tiers are only ever asked after the
earlier ones, so a policy that opens more never serves fewer.
"""

from dataclasses import dataclass

import numba as nb
import numpy as np
import numpy.typing as npt

from phusong.radio.throughput import spectral_efficiency
from phusong.service.network import Network
from phusong.service.reception import Reception

__all__ = ["CLOSED", "Usage", "tiers", "use_network"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

CLOSED = 3  # the tier of a station that an operator's subscribers may not use
_TIERS = 3
_LEAST_DDB, _MOST_DDB = -600, 1200  # the table's range of SINR [tenths of a dB]


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
    station_people : ndarray, shape (n_stations,)
        People accepted by each station.
    station_load : ndarray, shape (n_stations,)
        Share of its resources they use in the busy hour.
    """

    heard: Bools
    usable: Bools
    stable: Bools
    availability: npt.NDArray[np.float32]
    accepted: npt.NDArray[np.int64]
    station_people: npt.NDArray[np.int64]
    station_load: Floats


def tiers(network: Network, opened: Bools, roamed: Bools) -> npt.NDArray[np.int8]:
    """Return in which round each operator's subscribers may ask each station.

    Parameters
    ----------
    network : Network
        Stations with operators and guests.
    opened, roamed : ndarray of bool, shape (n_sites,)
        Sites open to others by agreement, and sites on which others may roam.

    Returns
    -------
    ndarray of int8, shape (n_stations, n_operators)
        0 own or guest, 1 by agreement, 2 by roaming, `CLOSED` not at all.
    """
    operator = np.arange(len(network.operators))
    own = network.station_operator[:, None] == operator[None, :]
    guest = (network.station_guests[:, None] >> operator[None, :]) & 1 == 1
    site = network.station_site
    tier = np.full(own.shape, CLOSED, np.int8)
    tier[roamed[site]] = 2
    tier[opened[site]] = 1
    tier[own | guest] = 0
    return tier


def use_network(
    reception: Reception,
    *,
    weights: npt.NDArray[np.int64],
    tier: npt.NDArray[np.int8],
    availability: Floats,
    availability_target: float,
    bandwidth_mhz: Floats,
    backhaul_mbps: Floats,
    mbps_per_person: float,
    max_load: float,
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
    bandwidth_mhz, backhaul_mbps : ndarray, shape (n_stations,)
        Downlink bandwidth summed over sectors and carriers, and capacity of the path to the core.
    mbps_per_person, max_load : float
        Busy-hour demand and the highest load.
    """
    n_stations = availability.size
    # integer tenths of a dB: one table instead of a logarithm per pair
    grades = np.arange(_LEAST_DDB, _MOST_DDB + 1) / 10.0
    person_mhz = mbps_per_person / spectral_efficiency(grades)
    room_mhz = np.maximum(bandwidth_mhz * max_load, 0.0)
    room_mbps = np.maximum(backhaul_mbps * max_load, 0.0)
    heard, usable, stable, best, left, people, used = _ask(
        reception.cell,
        reception.station,
        np.clip(reception.sinr_ddb.astype(np.int64), _LEAST_DDB, _MOST_DDB) - _LEAST_DDB,
        weights.astype(np.int64),
        tier,
        availability,
        availability_target,
        person_mhz,
        room_mhz,
        room_mbps,
        mbps_per_person,
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        radio = np.where(bandwidth_mhz > 0, used / bandwidth_mhz, 0.0)
        path = np.where(backhaul_mbps > 0, people * mbps_per_person / backhaul_mbps, 0.0)
    assert people.size == n_stations  # noqa: S101 - the kernel's contract
    return Usage(
        heard=np.repeat(heard[:, None], weights.shape[1], axis=1),
        usable=usable,
        stable=stable,
        availability=best,
        accepted=weights - left,
        station_people=people,
        station_load=np.asarray(np.maximum(radio, path)),
    )


@nb.njit(cache=True)
def _ask(  # type: ignore[no-untyped-def]
    cell,
    station,
    level,
    weights,
    tier,
    availability,
    target,
    person_mhz,
    room_mhz,
    room_mbps,
    person_mbps,
):
    n_cells, n_operators = weights.shape
    left = weights.copy()
    heard = np.zeros(n_cells, np.bool_)
    usable = np.zeros((n_cells, n_operators), np.bool_)
    stable = np.zeros((n_cells, n_operators), np.bool_)
    best = np.zeros((n_cells, n_operators), np.float32)
    people = np.zeros(room_mhz.size, np.int64)
    used = np.zeros(room_mhz.size)
    for k in range(cell.size):
        c, s = cell[k], station[k]
        heard[c] = True
        for o in range(n_operators):
            if tier[s, o] < _TIERS:
                usable[c, o] = True
                best[c, o] = max(best[c, o], availability[s])
                if availability[s] >= target:
                    stable[c, o] = True
    for turn in range(_TIERS):
        for k in range(cell.size):
            c, s = cell[k], station[k]
            if availability[s] < target:
                continue
            for o in range(n_operators):
                if left[c, o] == 0 or tier[s, o] != turn:
                    continue
                want = left[c, o]
                each = person_mhz[level[k]]
                if each > 0.0:
                    want = min(want, int((room_mhz[s] - used[s]) / each))
                if person_mbps > 0.0:
                    want = min(want, int(room_mbps[s] / person_mbps) - people[s])
                if want <= 0:
                    continue
                left[c, o] -= want
                people[s] += want
                used[s] += want * each
    return heard, usable, stable, best, left, people, used

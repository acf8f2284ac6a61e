"""Incremental reallocation: only people whose choice a change can reach ask for room again.

People meet where a station or a site's link is full: there, one more pushes another on. Where there is room to
spare nobody minds the others. So the outcome of :func:`phusong.service.allocation.allocate` falls into independent
parts, joined by what is full. A change makes the people who hear the changed stations ask again, with everybody whom
full stations and links join to them; where a station fills up by it, those who may claim it join in, and the part asks
once more. What comes out is the outcome of everybody asking anew, to the last person (docs/events.md gives the proof).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from phusong.compute.array_types import Bools, Ints
from phusong.compute.arrays import RaggedRows
from phusong.compute.kernels import nb
from phusong.live.state import StaticNetwork
from phusong.service.allocation import Reception, allocate

__all__ = ["Asked", "Taken", "ask_again"]

Claims = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Taken:
    """Places taken; changed in place.

    Parameters
    ----------
    by_pair : ndarray of int32, shape (n_pairs, n_operators)
        People whom each heard station takes at each demand cell.
    at_station, at_site : ndarray of int
        Their sums.
    """

    by_pair: npt.NDArray[np.int32]
    at_station: Ints
    at_site: Ints


@dataclass(frozen=True)
class Asked:
    """The part that asked again.

    Parameters
    ----------
    cells : ndarray of int, shape (n,)
        Demand cells with people who asked again, ascending.
    accepted : ndarray of int, shape (n, n_operators)
        People there who have found room, whether they asked again or kept what they had.
    stations : ndarray of int
        Stations whose number of people has changed, ascending.
    """

    cells: Ints
    accepted: Ints
    stations: Ints


def ask_again(
    taken: Taken,
    static: StaticNetwork,
    *,
    claim: Claims,
    site_room: Ints,
    old_site_room: Ints,
    changed: Ints,
) -> Asked:
    """Let the people round changed stations ask again; `taken` is changed in place.

    Parameters
    ----------
    taken : Taken
        Places taken before the change.
    static : StaticNetwork
        Who hears what, and the room of stations.
    claim : ndarray of int8, shape (n_stations, n_operators)
        Turn of each operator's people at each station after the change; negative: none.
    site_room, old_site_room : ndarray of int, shape (n_sites,)
        Room on the sites' ways to the core after the change and before; they differ at sites of changed stations only.
    changed : ndarray of int
        Stations whose claims have changed, or whose site's room has: all stations of every such site.
    """
    reception, weights = static.reception, static.weights
    n_ops = weights.shape[1]
    site_of = static.network.station_site.astype(np.int64)
    heard = _Heard(
        reception.cell, reception.station, site_of, static.pairs_of_cell, static.pairs_of_station,
        static.stations_of_site,
    )  # fmt: skip
    room = static.station_room
    filling = _Filling(
        room, site_room, old_site_room, taken.at_station, taken.at_site, np.zeros(room.size, np.bool_),
        np.zeros(site_room.size, np.bool_),
    )  # fmt: skip
    inside = np.zeros(weights.size, np.bool_)
    queue = _elements_of(changed, heard, weights, inside)
    asking = queue
    while True:
        asking = np.concatenate([asking, _join(queue, heard, weights, claim, filling, inside)])
        part = _Part(asking, static, claim, site_of, site_room, taken)
        stations, sites = part.filled(room, site_room)
        filling.full_station[stations] = True
        filling.full_site[sites] = True
        queue = _claimants(stations, sites, heard, weights, claim, inside)
        if queue.size == 0:
            break
        asking = np.concatenate([asking, queue])
    return part.settle(taken, n_ops)


class _Heard(NamedTuple):
    """Who hears what.

    Parameters
    ----------
    cell, station : int32 array, shape (n_pairs,)
        Demand cell and station of each pair.
    site_of : int array, shape (n_stations,)
        Site of each station.
    of_cell, of_station, of_site : RaggedRows
        Pairs of each demand cell and of each station, stations of each site.
    """

    cell: npt.NDArray[np.int32]
    station: npt.NDArray[np.int32]
    site_of: Ints
    of_cell: RaggedRows
    of_station: RaggedRows
    of_site: RaggedRows


class _Filling(NamedTuple):
    """How full stations and sites are.

    Parameters
    ----------
    station_room, site_room, old_site_room : int array
        Room of the stations, and on the sites' ways to the core after the change and before.
    at_station, at_site : int array
        People there.
    full_station, full_site : bool array
        Those that the part which asks again has filled.
    """

    station_room: Ints
    site_room: Ints
    old_site_room: Ints
    at_station: Ints
    at_site: Ints
    full_station: Bools
    full_site: Bools


class _Part:
    """The elements that ask again, as a small problem of their own."""

    def __init__(
        self,
        asking: Ints,
        static: StaticNetwork,
        claim: Claims,
        site_of: Ints,
        site_room: Ints,
        taken: Taken,
    ) -> None:
        n_ops = claim.shape[1]
        reception = static.reception
        self.elements = np.sort(asking)
        self.cells = np.unique(self.elements // n_ops)
        rows = static.pairs_of_cell
        counts = rows.start[self.cells + 1] - rows.start[self.cells]
        at = (
            np.repeat(rows.start[self.cells] - np.r_[0, np.cumsum(counts)[:-1]], counts)
            if counts.size
            else counts
        )
        pairs = np.sort(rows.item[at + np.arange(int(counts.sum()))])
        self.pairs = pairs
        cell, station = reception.cell[pairs].astype(np.int64), reception.station[pairs].astype(np.int64)
        self.at_cell = np.searchsorted(self.cells, cell)
        # people who do not ask again keep what they have, and no room is theirs to ask for
        weights = np.zeros((self.cells.size, n_ops), np.int64)
        row, op = np.searchsorted(self.cells, self.elements // n_ops), self.elements % n_ops
        weights[row, op] = static.weights[self.cells[row], op]
        self.asks = weights > 0
        self.old = np.where(self.asks[self.at_cell], taken.by_pair[pairs], 0)
        self.stations, self.at_station = np.unique(station, return_inverse=True)
        self.sites, site = np.unique(site_of[self.stations], return_inverse=True)
        self.site = site
        part = Reception(
            self.at_cell.astype(np.int32), self.at_station.astype(np.int32), reception.rsrp_dbm[pairs],
            reception.sinr_ddb[pairs], self.cells.size,
        )  # fmt: skip
        self.new = allocate(
            part,
            weights=weights,
            tier=claim[self.stations],
            station_room=static.station_room[self.stations],
            station_site=site.astype(np.int64),
            site_room=site_room[self.sites],
        )
        change = (self.new - self.old).sum(axis=1)
        self.change = np.bincount(self.at_station, change, self.stations.size).astype(np.int64)
        self.people = taken.at_station[self.stations] + self.change
        at_site = np.bincount(site, self.change, self.sites.size).astype(np.int64)
        self.at_site = taken.at_site[self.sites] + at_site

    def filled(self, station_room: Ints, site_room: Ints) -> tuple[Ints, Ints]:
        """Return the stations and sites with no room to spare, this part and the rest of the people together."""
        room, way = station_room[self.stations], site_room[self.sites]
        return (
            self.stations[(room > 0) & (self.people >= room)],
            self.sites[(way > 0) & (self.at_site >= way)],
        )

    def settle(self, taken: Taken, n_ops: int) -> Asked:
        """Write what came out."""
        kept = taken.by_pair[self.pairs]
        taken.by_pair[self.pairs] = np.where(self.asks[self.at_cell], self.new, kept)
        taken.at_station[self.stations] = self.people
        taken.at_site[self.sites] = self.at_site
        accepted = np.zeros((self.cells.size, n_ops), np.int64)
        for o in range(n_ops):
            accepted[:, o] = np.bincount(self.at_cell, taken.by_pair[self.pairs, o], self.cells.size)
        return Asked(self.cells, accepted, self.stations[self.change != 0])


@nb.njit(cache=True)
def _elements_of(stations, heard, weights, inside):  # type: ignore[no-untyped-def]
    """Return the elements with people in hearing of some stations that are not inside yet, and mark them."""
    start, item = heard.of_station
    n_ops = weights.shape[1]
    out = [np.int64(0) for _ in range(0)]
    for s in stations:
        for at in range(start[s], start[s + 1]):
            c = heard.cell[item[at]]
            for o in range(n_ops):
                if weights[c, o] > 0 and not inside[c * n_ops + o]:
                    inside[c * n_ops + o] = True
                    out.append(np.int64(c * n_ops + o))
    return np.array(out, np.int64)


@nb.njit(cache=True)
def _flood(s, heard, weights, claim, inside, out):  # type: ignore[no-untyped-def]
    start, item = heard.of_station
    n_ops = weights.shape[1]
    for at in range(start[s], start[s + 1]):
        c = heard.cell[item[at]]
        for o in range(n_ops):
            if claim[s, o] >= 0 and weights[c, o] > 0 and not inside[c * n_ops + o]:
                inside[c * n_ops + o] = True
                out.append(np.int64(c * n_ops + o))


@nb.njit(cache=True)
def _claimants(stations, sites, heard, weights, claim, inside):  # type: ignore[no-untyped-def]
    """Return the elements outside that may claim some stations, or stations of some sites, and mark them inside."""
    out = [np.int64(0) for _ in range(0)]
    for s in stations:
        _flood(s, heard, weights, claim, inside, out)
    start, item = heard.of_site
    for site in sites:
        for at in range(start[site], start[site + 1]):
            _flood(item[at], heard, weights, claim, inside, out)
    return np.array(out, np.int64)


@nb.njit(cache=True)
def _join(queue, heard, weights, claim, filling, inside):  # type: ignore[no-untyped-def]
    """Return the elements that full stations and links join to those of the queue, and mark them inside."""
    station_room, site_room, old_site_room, at_station, at_site, full_station, full_site = filling
    of_cell, of_site = heard.of_cell, heard.of_site
    n_ops = weights.shape[1]
    out = [np.int64(0) for _ in range(0)]
    seen = set([np.int64(-1)])  # noqa: C405 - numba knows no set displays of one type yet
    seen_site = set([np.int64(-1)])  # noqa: C405
    next_ = 0
    while next_ < queue.size + len(out):
        e = queue[next_] if next_ < queue.size else out[next_ - queue.size]
        next_ += 1
        c, o = e // n_ops, e % n_ops
        for k in range(of_cell.start[c], of_cell.start[c + 1]):
            s = np.int64(heard.station[of_cell.item[k]])
            if claim[s, o] < 0 or s in seen:
                continue
            site = heard.site_of[s]
            seen.add(s)
            full = full_station[s] or (station_room[s] > 0 and at_station[s] >= station_room[s])
            if full:
                _flood(s, heard, weights, claim, inside, out)
            if site in seen_site:
                continue
            seen_site.add(site)
            before = old_site_room[site] > 0 and at_site[site] >= old_site_room[site]
            if full_site[site] or before or (site_room[site] > 0 and at_site[site] >= site_room[site]):
                for at in range(of_site.start[site], of_site.start[site + 1]):
                    _flood(of_site.item[at], heard, weights, claim, inside, out)
    return np.array(out, np.int64)

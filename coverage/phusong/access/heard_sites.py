"""Whom each site could serve: people who hear it, by whether they may use it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.kernel_cache import nb
from phusong.service.capacity import CLOSED
from phusong.service.reception import Reception

__all__ = ["HeardSites", "heard_sites"]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class HeardSites:
    """Pairs of site and demand cell where any station of the site is heard.

    Parameters
    ----------
    site, cell : ndarray of int, shape (n,)
        The pairs, each once, by site and then cell.
    may_use : ndarray of bool, shape (n, n_operators)
        Whether an operator's people may use at least one station heard there of that site.
    n_sites, n_cells : int
        Sizes.
    """

    site: Ints
    cell: Ints
    may_use: Bools
    n_sites: int
    n_cells: int

    def people(self, counts: Ints, *, may_use: bool) -> Ints:
        """Return per site and operator the people who hear it and may use it, or may not.

        Parameters
        ----------
        counts : ndarray of int, shape (n_cells, n_operators)
            People to count.
        may_use : bool
            Which of the two.

        Returns
        -------
        ndarray of int, shape (n_sites, n_operators)
        """
        out = np.zeros((self.n_sites, counts.shape[1]), np.int64)
        _add_people(out, self.site, self.cell, self.may_use, counts, may_use)
        return out

    def choices(self, *, may_use: bool, among: Bools | None = None) -> Ints:
        """Return per element how many sites (of some) it hears and may use, or may not."""
        kept = np.ones(self.n_sites, bool) if among is None else among
        out = np.zeros((self.n_cells, self.may_use.shape[1]), np.int64)
        _count_sites(out, self.site, self.cell, self.may_use, kept, may_use)
        return out


def heard_sites(
    reception: Reception, *, station_site: Ints, n_sites: int, tier: npt.NDArray[np.int8]
) -> HeardSites:
    """Return which sites are heard where, and by whom they may be used.

    Parameters
    ----------
    reception : Reception
        Stations heard at each demand cell.
    station_site : ndarray of int, shape (n_stations,)
        Site of each station.
    n_sites : int
        Number of sites.
    tier : ndarray, shape (n_stations, n_operators)
        In which turn each operator's people may use each station.
    """
    order = _in_order(reception.cell, np.arange(reception.cell.size), reception.n_cells)
    of = station_site[reception.station]
    order = _in_order(of, order, n_sites)
    site, cell, may = _pairs(of, reception.cell, reception.station, order, tier < CLOSED)
    return HeardSites(site, cell, may, n_sites, reception.n_cells)


@nb.njit(cache=True)
def _in_order(key, order, n_keys):  # type: ignore[no-untyped-def]
    """Return an order by key, equal ones as they were: counted, since sorting tens of millions takes ten times as long."""
    start = np.zeros(n_keys + 1, np.int64)
    for k in range(key.size):
        start[key[k] + 1] += 1
    for n in range(n_keys):
        start[n + 1] += start[n]
    out = np.empty(key.size, np.int64)
    for k in order:
        out[start[key[k]]] = k
        start[key[k]] += 1
    return out


@nb.njit(cache=True)
def _pairs(of, cell, station, order, open_to):  # type: ignore[no-untyped-def]
    n = 0
    for i in range(order.size):
        a, b = order[i - 1], order[i]
        if i == 0 or of[a] != of[b] or cell[a] != cell[b]:
            n += 1
    sites, cells = np.empty(n, np.int64), np.empty(n, np.int64)
    may = np.zeros((n, open_to.shape[1]), np.bool_)
    at = -1
    for i in range(order.size):
        a, b = order[i - 1], order[i]
        if i == 0 or of[a] != of[b] or cell[a] != cell[b]:
            at += 1
            sites[at], cells[at] = of[b], cell[b]
        for o in range(open_to.shape[1]):
            may[at, o] |= open_to[station[b], o]
    return sites, cells, may


@nb.njit(cache=True)
def _add_people(out, site, cell, may, counts, wanted):  # type: ignore[no-untyped-def]
    for k in range(site.size):
        for o in range(counts.shape[1]):
            if may[k, o] == wanted:
                out[site[k], o] += counts[cell[k], o]


@nb.njit(cache=True)
def _count_sites(out, site, cell, may, kept, wanted):  # type: ignore[no-untyped-def]
    for k in range(site.size):
        if kept[site[k]]:
            for o in range(may.shape[1]):
                if may[k, o] == wanted:
                    out[cell[k], o] += 1

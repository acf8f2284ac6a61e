"""Locked sites: people who hear them and would be served if their owner opened them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.array_types import Bools, Ints
from phusong.compute.kernels import nb
from phusong.service.allocation import Reception
from phusong.service.capacity import CLOSED
from phusong.service.network import Network

__all__ = ["NO_AGREEMENT", "HeardSites", "heard_sites", "lock_reasons", "locked_sites", "people_behind_locks"]


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


NO_AGREEMENT = "no agreement"  # the site is not locked, but the policy in force opens it to nobody


def lock_reasons(network: Network) -> npt.NDArray[np.str_]:
    """Return why each site is closed to others: its lock, or that nobody agreed to open it."""
    given = network.lock_reason
    unnamed = np.where(network.shareable, NO_AGREEMENT, "unknown")
    return np.where(given == "", unnamed, given).astype(str)


def locked_sites(
    heard: HeardSites, network: Network, *, unserved: Ints, locked_out: Ints, stable: Bools, room: Ints
) -> pd.DataFrame:
    """Return every site with people behind it who may not use it and are not served otherwise.

    Parameters
    ----------
    heard : HeardSites
        Who hears which site, under the policy in force.
    network : Network
        The sites.
    unserved, locked_out : ndarray of int, shape (n_cells, n_operators)
        People not served, and those of them who hear nothing that they may use.
    stable : ndarray of bool, shape (n_sites,)
        Whether the site works enough of the year.
    room : ndarray of int, shape (n_sites,)
        People who would still find room on its stations.

    Returns
    -------
    DataFrame
        `site` (its index), `site_id`, `owner`, `lock_reason`, `remote`, `stable`, `people_behind` (who hear it,
        may not use it and are not served), `people_locked_out` (those of them who hear nothing they may use), `people_only_here` (who hear no other closed site), `room_people`, and `behind_OPERATOR`; most
        people first.
    """
    behind = heard.people(unserved, may_use=False)
    alone = heard.choices(may_use=False) == 1
    only = heard.people(np.where(alone, unserved, 0), may_use=False).sum(axis=1)
    names = np.array([*network.operators, "no operator"])
    table = pd.DataFrame(
        {
            "site": np.arange(network.n_sites),
            "site_id": network.site_ids,
            "owner": names[network.owner],
            "lock_reason": lock_reasons(network),
            "remote": network.remote,
            "stable": stable,
            "people_behind": behind.sum(axis=1),
            "people_locked_out": heard.people(locked_out, may_use=False).sum(axis=1),
            "people_only_here": only,
            "room_people": room,
            **{f"behind_{o}": behind[:, k] for k, o in enumerate(network.operators)},
        }
    )
    table = table[table["people_behind"] > 0]
    return table.sort_values(["people_behind", "site_id"], ascending=[False, True], ignore_index=True)


def people_behind_locks(
    heard: HeardSites, network: Network, unserved: Ints, locked_out: Ints
) -> pd.DataFrame:
    """Return per lock reason the sites and the people behind them, each person counted once within a reason.

    Returns
    -------
    DataFrame
        `lock_reason`, `sites`, `people_behind`, `people_locked_out`; then one row `any lock` and one `any reason` (with no agreement).
    """
    reasons = lock_reasons(network)
    behind = heard.people(unserved, may_use=False).sum(axis=1) > 0
    groups = {str(r): reasons == r for r in np.unique(reasons[behind])}
    groups["any lock"] = reasons != NO_AGREEMENT
    groups["any reason"] = np.ones(network.n_sites, bool)
    rows = []
    for name, chosen in groups.items():
        reached = heard.choices(may_use=False, among=chosen) > 0
        rows.append(
            {
                "lock_reason": name,
                "sites": int((chosen & behind).sum()),
                "people_behind": int(unserved[reached].sum()),
                "people_locked_out": int(locked_out[reached].sum()),
            }
        )
    return pd.DataFrame(rows, columns=["lock_reason", "sites", "people_behind", "people_locked_out"])

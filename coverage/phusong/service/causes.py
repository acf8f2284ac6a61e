"""Which assets cost people the most hours: every hour lost by everybody, laid at the door of what failed."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.kernel_cache import nb
from phusong.service.capacity import CLOSED
from phusong.service.network import Network
from phusong.service.power import HOURS_YEAR, Stability, blame
from phusong.service.reception import Reception

__all__ = ["asset_causes", "people_by_site"]

Ints = npt.NDArray[np.int64]


def people_by_site(
    reception: Reception, *, weights: Ints, tier: npt.NDArray[np.int8], network: Network, stability: Stability
) -> Ints:
    """Return how many people rely on each site: the steadiest one they may use, the strongest of equals.

    Parameters
    ----------
    reception : Reception
        Stations heard at each demand cell, strongest first.
    weights : ndarray of int, shape (n_cells, n_operators)
        People.
    tier : ndarray, shape (n_stations, n_operators)
        From :func:`phusong.service.capacity.tiers`.
    network, stability : Network, Stability
        Of the sites.
    """
    steadiest = _steadiest(
        reception.cell,
        reception.station,
        network.station_site,
        stability.hours_lost,
        tier < CLOSED,
        reception.n_cells,
    )
    on = steadiest >= 0
    people = np.zeros(network.n_sites, np.int64)
    np.add.at(people, steadiest[on], weights[on])
    return people


@nb.njit(cache=True)
def _steadiest(cell, station, station_site, hours_lost, may, n_cells):  # type: ignore[no-untyped-def]
    """Return the site that loses the fewest hours of those each element may use, the first heard of equals; -1: none."""
    found = np.full((n_cells, may.shape[1]), -1, np.int64)
    for k in range(cell.size):
        site = station_site[station[k]]
        for o in range(may.shape[1]):
            best = found[cell[k], o]
            if may[station[k], o] and (best < 0 or hours_lost[site] < hours_lost[best]):
                found[cell[k], o] = site
    return found


def asset_causes(network: Network, stability: Stability, people: Ints) -> pd.DataFrame:
    """Return the assets by the hours that their failures take from people, most first.

    Parameters
    ----------
    network, stability : Network, Stability
        Of the sites.
    people : ndarray of int, shape (n_sites,)
        Who relies on each site.

    Returns
    -------
    DataFrame
        kind (power node, power line, site supply, backhaul, no backhaul), asset (its id; of supply and backhaul
        the site's), person_hours_year, share of them all, cumulative_share. Person-hours sum to those lost:
        hours of each site times who relies on it.
    """
    grid, site, link = blame(network, np.where(stability.connected, people, 0))
    n = network.node_ids.size
    none = np.where(stability.connected, 0.0, people * HOURS_YEAR)
    parts = (
        ("power node", network.node_ids, grid[:n]),
        ("power line", network.grid.line_ids, grid[n:]),
        ("site supply", network.site_ids, site),
        ("backhaul", network.site_ids, link),
        ("no backhaul", network.site_ids, none),
    )
    table = pd.concat(
        [
            pd.DataFrame(
                {
                    "kind": kind,
                    "asset": ids[hours > 0.0].astype(object),
                    "person_hours_year": hours[hours > 0.0],
                }
            )
            for kind, ids, hours in parts
        ],
        ignore_index=True,
    )
    table = table.sort_values(["person_hours_year", "kind", "asset"], ascending=[False, True, True])
    total = max(float(table["person_hours_year"].sum()), 1e-12)
    table["share"] = table["person_hours_year"] / total
    table["cumulative_share"] = table["share"].cumsum()
    return table.reset_index(drop=True)

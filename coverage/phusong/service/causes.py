"""Which assets cost people the most hours: every hour lost by everybody, laid at the door of what failed."""

import numpy as np
import numpy.typing as npt
import pandas as pd

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
    site = network.station_site[reception.station]
    lost = stability.hours_lost[site]
    rank = np.lexsort((np.arange(site.size), lost, reception.cell))
    people = np.zeros(network.n_sites, np.int64)
    for o in range(weights.shape[1]):
        may = rank[tier[reception.station[rank], o] < CLOSED]
        cells, first = np.unique(reception.cell[may], return_index=True)
        np.add.at(people, site[may[first]], weights[cells, o])
    return people


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

"""What a run says about power and backhaul: which assets cost hours, what a cut isolates, which hops are free."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.region.store import Region
from phusong.service.backhaul import backhaul_cuts
from phusong.service.causes import asset_causes, people_by_site
from phusong.service.microwave import check_hops
from phusong.service.network import Network
from phusong.service.power import Stability
from phusong.service.reception import Reception

__all__ = ["checked_links", "network_tables"]

Ints = npt.NDArray[np.int64]


def network_tables(
    region: Region,
    network: Network,
    stability: Stability,
    reception: Reception,
    tier: npt.NDArray[np.int8],
    weights: Ints,
) -> dict[str, pd.DataFrame]:
    """Return the tables `causes`, `cuts` and `hops` of a result; parameters are the stages' own."""
    people = people_by_site(reception, weights=weights, tier=tier, network=network, stability=stability)
    return {
        "causes": asset_causes(network, stability, people),
        "cuts": backhaul_cuts(network.links, network.is_exchange, network.site_ids, people),
        "hops": check_hops(region.links, region.sites, elevation=region.elevation, grid=region.grid),
    }


def checked_links(region: Region) -> Region:
    """Return the region with microwave links no better than terrain and rain let them be.

    A hop without line of sight carries nothing; any other is down at least as long as rain takes its margin.
    """
    hops = check_hops(region.links, region.sites, elevation=region.elevation, grid=region.grid)
    best = np.where(hops["line_of_sight"], 1.0 - hops["rain_unavailability"], 0.0)
    limit = (
        region.links["link_id"].map(pd.Series(best, index=hops["link_id"])).fillna(1.0).to_numpy(np.float64)
    )
    stated = region.links["availability"].to_numpy(np.float64)
    return replace(region, links=region.links.assign(availability=np.minimum(stated, limit)))

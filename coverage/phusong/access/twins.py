"""Built alone beside one that could be shared: structures of different owners within reach of each other."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from phusong.service.network import Network

__all__ = ["isolated_builds"]

Floats = npt.NDArray[np.float64]


def isolated_builds(
    network: Network, site_xy_m: Floats, *, standing: npt.NDArray[np.bool_], within_m: float
) -> pd.DataFrame:
    """Return the sites that stand within reach of another owner's structure which could carry them too.

    Parameters
    ----------
    network : Network
        Sites with owners, locks and free antenna positions.
    site_xy_m : ndarray, shape (n_sites, 2)
        Easting and northing. [m]
    standing : ndarray of bool, shape (n_sites,)
        Sites that count (active or planned).
    within_m : float
        How near. [m]

    Returns
    -------
    DataFrame
        `site_id`, `site` (its index), `owner`, `operators`, `twin_id`, `twin_owner`, `distance_m`, `twin_spare_slots`,
        `remote`: the nearest shareable twin of each site, nearest pairs first.

    Notes
    -----
    A twin is unlocked, has a free antenna position, belongs to another owner and carries none of the site's operators.
    """
    names = np.array([*network.operators, "no operator"])
    on_site = np.zeros(network.n_sites, np.int64)
    np.bitwise_or.at(on_site, network.station_site, 1 << network.station_operator)
    can_host = np.flatnonzero(standing & ~network.is_exchange & network.shareable & (network.spare_slots > 0))
    rows = []
    if can_host.size:
        tree = cKDTree(site_xy_m[can_host])
        for k in np.flatnonzero(standing & ~network.is_exchange & (on_site > 0)):
            near = can_host[tree.query_ball_point(site_xy_m[k], within_m)]
            near = near[
                (near != k) & (network.owner[near] != network.owner[k]) & ((on_site[near] & on_site[k]) == 0)
            ]
            if not near.size:
                continue
            far = np.hypot(*(site_xy_m[near] - site_xy_m[k]).T)
            best = int(np.lexsort((near, far))[0])
            tenants = [o for c, o in enumerate(network.operators) if on_site[k] >> c & 1]
            rows.append(
                {
                    "site_id": str(network.site_ids[k]),
                    "site": int(k),
                    "owner": str(names[network.owner[k]]),
                    "operators": ";".join(tenants),
                    "twin_id": str(network.site_ids[near[best]]),
                    "twin_owner": str(names[network.owner[near[best]]]),
                    "distance_m": float(far[best]),
                    "twin_spare_slots": int(network.spare_slots[near[best]]),
                    "remote": int(network.remote[k]),
                }
            )
    columns = [
        "site_id",
        "site",
        "owner",
        "operators",
        "twin_id",
        "twin_owner",
        "distance_m",
        "twin_spare_slots",
        "remote",
    ]
    return pd.DataFrame(rows, columns=columns).sort_values(["distance_m", "site_id"], ignore_index=True)

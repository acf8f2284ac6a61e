"""Built and cannot be shared: sites that reach more people than they may serve, why, and how many stand behind."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.access.heard_sites import HeardSites
from phusong.service.network import Network

__all__ = ["NO_AGREEMENT", "lock_reasons", "locked_sites", "people_behind_locks"]

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

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

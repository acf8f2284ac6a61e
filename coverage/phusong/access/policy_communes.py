"""Who is served in each commune under each sharing policy."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.access.gaps import Access

__all__ = ["policy_communes"]


def policy_communes(
    found: Mapping[str, Access], cell_commune: npt.NDArray[np.int64], codes: npt.NDArray[np.str_]
) -> pd.DataFrame:
    """Return policy, commune_code and people_served, one row a policy and commune, policies in the order given.

    Parameters
    ----------
    found : mapping of str to Access
        Who is served under each policy, by its name.
    cell_commune : ndarray of int, shape (n_cells,)
        Row of the commune of each demand cell.
    codes : ndarray of str, shape (n_communes,)
        Codes of the communes.
    """
    rows = [
        pd.DataFrame(
            {
                "policy": policy,
                "commune_code": codes,
                "people_served": np.rint(
                    np.bincount(cell_commune, access.served.sum(axis=1), codes.size)
                ).astype(np.int64),
            }
        )
        for policy, access in found.items()
    ]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()

"""Where works stand: the site and the commune of each remedy, and of what an option buys together.

Works and the people they serve are two places. A battery at a hub stands in the hub's commune and serves the people of
every site behind it, in whichever communes they live.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from phusong.invest.drawer import Drawer
from phusong.invest.remedy import WORKS_COLUMNS
from phusong.invest.situation import Situation
from phusong.region.near import containing, nearest

__all__ = ["joined", "main_works", "works_communes", "works_of_bundles"]

Ints = npt.NDArray[np.int64]

_MASTS = frozenset({"build_site", "use_structure"})
_BETWEEN = ";"


def works_communes(
    situation: Situation, remedies: pd.DataFrame, areas: Sequence[shapely.Geometry] | None
) -> Ints:
    """Return the row of the commune in which each remedy stands; -1 where nobody knows any commune.

    Parameters
    ----------
    situation : Situation
        The people, whose communes stand for the ground where no areas are given.
    remedies : DataFrame
        east_m, north_m.
    areas : sequence of geometry, optional
        The communes, in the order of the situation's.
    """
    places = remedies[["east_m", "north_m"]].to_numpy(np.float64)
    if areas is not None:
        return containing(areas, places)
    if not situation.cell_pixel.size:
        return np.full(len(places), -1, np.int64)
    people = np.column_stack(situation.grid.centres(*np.divmod(situation.cell_pixel, situation.grid.width)))
    return situation.cell_commune[nearest(people, places)[1]]


def works_of_bundles(draw: Drawer, remedies: pd.DataFrame) -> pd.DataFrame:
    """Return where the works of each bundle stand, as ``WORKS_COLUMNS``.

    Parameters
    ----------
    draw : Drawer
        With its bundles and the sites over which each serves.
    remedies : DataFrame
        kind, site_id, commune_code, east_m, north_m.
    """
    kind, site = remedies["kind"].astype(str).tolist(), remedies["site_id"].astype(str).tolist()
    commune = remedies["commune_code"].astype(str).tolist()
    east, north = (remedies[c].to_numpy(np.float64) for c in ("east_m", "north_m"))
    rows = []
    for needs, served_over in zip(draw.needs, draw.sites, strict=True):
        works = needs.tolist()
        at = list(dict.fromkeys(site[k] for k in works if site[k]))
        main = main_works(works, kind, site)
        rows.append(
            (
                joined(at),
                joined(commune[k] for k in works if commune[k]),
                joined(s for s in served_over if s not in at),
                site[main],
                commune[main],
                east[main],
                north[main],
            )
        )
    return pd.DataFrame(rows, columns=list(WORKS_COLUMNS))


def main_works(works: Sequence[int], kinds: Sequence[str], sites: Sequence[str]) -> int:
    """Return which of some remedies tells best where they stand: the first mast, else the first at a site."""
    # a segment of a line that several sites share stands at no site
    at_site = next((k for k in works if sites[k]), works[0])
    return next((k for k in works if kinds[k] in _MASTS), at_site)


def joined(names: Iterable[str]) -> str:
    """Return names as one cell of a table: each once, in the order in which they first come."""
    return _BETWEEN.join(dict.fromkeys(names))

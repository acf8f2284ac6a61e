"""Whom each site could serve: people who hear it, by whether they may use it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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
        chosen = self.may_use if may_use else ~self.may_use
        out = np.zeros((self.n_sites, counts.shape[1]), np.int64)
        for o in range(counts.shape[1]):
            on = chosen[:, o]
            out[:, o] = np.bincount(self.site[on], counts[self.cell[on], o], self.n_sites)
        return out

    def choices(self, *, may_use: bool, among: Bools | None = None) -> Ints:
        """Return per element how many sites (of some) it hears and may use, or may not."""
        chosen = self.may_use if may_use else ~self.may_use
        kept = np.ones(self.site.size, bool) if among is None else among[self.site]
        out = np.zeros((self.n_cells, chosen.shape[1]), np.int64)
        for o in range(chosen.shape[1]):
            out[:, o] = np.bincount(self.cell[chosen[:, o] & kept], minlength=self.n_cells)
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
    code = station_site[reception.station].astype(np.int64) * reception.n_cells + reception.cell
    pairs, at = np.unique(code, return_inverse=True)
    may = np.zeros((pairs.size, tier.shape[1]), bool)
    for o in range(tier.shape[1]):
        may[at[tier[reception.station, o] < CLOSED], o] = True
    return HeardSites(
        pairs // max(reception.n_cells, 1), pairs % max(reception.n_cells, 1), may, n_sites, reception.n_cells
    )

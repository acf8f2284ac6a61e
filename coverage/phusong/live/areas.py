"""What is counted in every commune: people by gap part, hours, villages, locks, tenants."""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from phusong.access.gaps import classify
from phusong.live.rows import Rows, members
from phusong.live.standing import Standing
from phusong.service.capacity import Usage

__all__ = ["Sums", "added", "sums_of"]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_HOURS_YEAR = 8760.0


@dataclass(frozen=True)
class Sums:
    """Sums over areas, arrays of shape (n,).

    People by what they get (`population`, `people_served`, the four gaps); `with_signal` people who may use a
    working station and the `lost_hours` a year that they lose together; `good_hours`, people served times the share
    of busy hours in which they get the target rate; `villages` and those `dark`; `locked_sites` with people behind
    them and `people_behind` (once a site); `sites` in use, `shared` ones, and their `tenants`.
    """

    population: Ints
    people_served: Ints
    gap_no_signal: Ints
    gap_locked: Ints
    gap_unstable: Ints
    gap_congested: Ints
    with_signal: Ints
    lost_hours: Floats
    good_hours: Floats
    villages: Ints
    dark: Ints
    locked_sites: Ints
    people_behind: Ints
    sites: Ints
    shared: Ints
    tenants: Ints

    def put(self, rows: Ints, other: "Sums") -> None:
        """Write the sums of some areas in place."""
        for f in fields(self):
            getattr(self, f.name)[rows] = getattr(other, f.name)


def added(sums: Sums, group: Ints, n: int) -> Sums:
    """Return the sums over groups of areas, such as communes of a province; groups below 0 are left out."""
    kept = group >= 0
    return Sums(
        **{
            f.name: np.bincount(group[kept], getattr(sums, f.name)[kept], n).astype(
                getattr(sums, f.name).dtype
            )
            for f in fields(sums)
        }
    )


def sums_of(
    standing: Standing,
    communes: Ints,
    *,
    in_use: Bools,
    shut: Bools,
    heard: Bools,
    usable: Bools,
    stable: Bools,
    best: npt.NDArray[np.float32],
    accepted: Ints,
    rate: npt.NDArray[np.float32],
    behind: Ints,
    tenants: Ints,
) -> Sums:
    """Return the sums of some communes.

    Parameters
    ----------
    standing : Standing
        What lies where.
    communes : ndarray of int
        Rows of the communes.
    in_use : ndarray of bool, shape (n_sites,)
        Sites that are not waiting to be commissioned.
    shut : ndarray of bool, shape (n_sites,)
        Sites that are locked.
    heard, usable, stable, best, accepted, rate, behind, tenants : ndarray
        As in :class:`phusong.live.now.Now`.
    """
    n = communes.size
    cells, cell_at = _inside(standing.cells_of_commune, communes)
    weights = standing.weights[cells]
    part = Usage(
        heard=np.repeat(heard[cells, None], weights.shape[1], axis=1),
        usable=usable[cells],
        stable=stable[cells],
        availability=best[cells],
        accepted=accepted[cells],
        rate_hours=rate[cells],
        station_people=behind[:0],
        station_guests=behind[:0],
        station_load=np.zeros(0),
        station_room=behind[:0],
        station_rate_hours=np.zeros(0),
    )
    people = {
        name: np.bincount(cell_at, counts, n).astype(np.int64)
        for name, counts in classify(part, weights).by_cell().items()
    }
    working = np.where(best[cells] > 0, weights, 0)
    lost = (working * (1.0 - best[cells].astype(np.float64)) * _HOURS_YEAR).sum(axis=1)
    good = (accepted[cells] * rate[cells].astype(np.float64)).sum(axis=1)
    villages, village_at = _inside(standing.villages_of_commune, communes)
    silent = ~heard[standing.places.village_cell[villages]] if villages.size else np.zeros(0, bool)
    sites, site_at = _inside(standing.sites_of_commune, communes)
    # a lock that nobody waits behind is no lock to open; a site without one waits for an agreement instead
    locked = shut[sites] & (behind[sites] > 0)
    has_radio = in_use[sites] & (
        standing.stations_of_site.start[sites + 1] > standing.stations_of_site.start[sites]
    )
    return Sums(
        population=np.bincount(cell_at, weights.sum(axis=1), n).astype(np.int64),
        **people,
        with_signal=np.bincount(cell_at, working.sum(axis=1), n).astype(np.int64),
        lost_hours=np.bincount(cell_at, lost, n).astype(np.float64),
        good_hours=np.bincount(cell_at, good, n).astype(np.float64),
        villages=np.bincount(village_at, minlength=n).astype(np.int64),
        dark=np.bincount(village_at[silent], minlength=n).astype(np.int64),
        locked_sites=np.bincount(site_at[locked], minlength=n).astype(np.int64),
        people_behind=np.bincount(site_at[locked], behind[sites][locked], n).astype(np.int64),
        sites=np.bincount(site_at[has_radio], minlength=n).astype(np.int64),
        shared=np.bincount(site_at[has_radio & (tenants[sites] > 1)], minlength=n).astype(np.int64),
        tenants=np.bincount(site_at[has_radio], tenants[sites][has_radio], n).astype(np.int64),
    )


def _inside(rows: Rows, keys: Ints) -> tuple[Ints, Ints]:
    """Return the items of some keys, and for each its place among the keys."""
    return members(rows, keys), np.repeat(np.arange(keys.size), rows.start[keys + 1] - rows.start[keys])

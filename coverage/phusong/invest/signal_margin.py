"""How surely a bundle reaches each element: from which site, with how much signal to spare, and how unstable today.

The model of plans says only that a bundle serves an element. What could spoil that differs by the way: a signal that
turns out weaker than modelled, a site that proves stable without help, a fix that proves too weak.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from phusong.compute.array_types import Floats, Ints
from phusong.compute.arrays import RaggedRows, rows_of
from phusong.compute.kernels import nb
from phusong.invest.bundles import Offers
from phusong.invest.candidate_sites import Candidates
from phusong.invest.context import Baseline

__all__ = ["SignalMargin", "reach_of"]


@dataclass(frozen=True)
class SignalMargin:
    """One value for each entry of the covers (bundle by bundle, in the order of the sparse rows).

    Parameters
    ----------
    site : ndarray of int32, shape (n_entries,)
        Site that would serve the element: sites that stand first, then new ones; -1 where it cannot be told.
    margin_db : ndarray of float32, shape (n_entries,)
        Signal above the least that covers; infinite where it is not known. [dB]
    hours_lost : ndarray of float32, shape (n_entries,)
        Hours a year that the site is off today, where being off is what the bundle mends; infinite elsewhere. [h]
    hours_left : ndarray of float32, shape (n_bundles,)
        Hours a year that are left once the bundle is built; 0 where it is not known. [h]
    hours_allowed : float
        Hours a year that a stable site may be off. [h]
    n_sites : int
        Number of sites, new ones with them.
    """

    site: npt.NDArray[np.int32]
    margin_db: npt.NDArray[np.float32]
    hours_lost: npt.NDArray[np.float32]
    hours_left: npt.NDArray[np.float32]
    hours_allowed: float
    n_sites: int


def reach_of(
    offers: Offers,
    baseline: Baseline,
    candidates: Candidates,
    station_floor_dbm: Floats,
    new_margin_db: Sequence[npt.NDArray[np.float32]] | None = None,
) -> SignalMargin:
    """Return how surely each bundle reaches its elements.

    Parameters
    ----------
    offers : Offers
        Remedies and bundles. A column `hours_left` of the bundles is used where there is one.
    baseline : Baseline
        The network today.
    candidates : Candidates
        New sites.
    station_floor_dbm : ndarray, shape (n_stations,)
        Least level at which each station covers. [dBm]
    new_margin_db : sequence of ndarray, optional
        Signal to spare at each demand cell of each new site, aligned with ``candidates.cells``. [dB]

    Notes
    -----
    An element is taken to be served by the strongest station on the sites a bundle works at. Where the works stand
    upstream (a battery at a hub) it is the strongest station heard there at all.
    """
    model = offers.model
    net, heard = baseline.network, baseline.reception
    n_ops = baseline.weights.shape[1]
    # levels are kept in tenths, so one at the floor may seem to lie a little below
    margin = np.maximum(heard.rsrp_dbm - station_floor_dbm[heard.station], 0.0).astype(np.float32)
    n_stations = net.n_stations
    order = np.argsort(heard.station, kind="stable")
    indptr = np.searchsorted(heard.station[order], np.arange(n_stations + 1)).astype(np.int64)
    stations_of = rows_of(net.station_site, net.n_sites)
    best, best_site = np.full(heard.n_cells, np.inf, np.float32), np.full(heard.n_cells, -1, np.int32)
    # the first entry of a cell is its strongest
    cells, first = np.unique(heard.cell, return_index=True)
    best[cells], best_site[cells] = margin[first], net.station_site[heard.station[first]]
    works = _sites_of_bundles(offers, net.site_ids, candidates.ids)
    new_cells, new_margin = _flat(candidates.cells), _flat(new_margin_db or [])
    if new_margin.size != new_cells.size:
        new_margin = np.full(new_cells.size, np.inf)
    site, spare = _entries(
        works,
        RaggedRows(model.covers.indptr.astype(np.int64), model.covers.indices.astype(np.int64) // n_ops),
        stations_of,
        _Spare(indptr, heard.cell[order].astype(np.int64), margin[order]),
        _Spare(_offsets(candidates.cells), new_cells.astype(np.int64), new_margin.astype(np.float32)),
        best,
        best_site,
    )
    unstable = baseline.access.unstable.ravel()[model.covers.indices] > 0
    standing = (site >= 0) & (site < net.n_sites)
    hours = np.full(site.size, np.inf, np.float32)
    mends = unstable & standing
    hours[mends] = baseline.stability.hours_lost[site[mends]]
    # a site within its hours today is not what keeps these people from a stable service
    hours[hours <= baseline.hours_allowed] = np.inf
    left = np.zeros(model.n_bundles, np.float32)
    if "hours_left" in offers.bundles:
        left = np.nan_to_num(offers.bundles["hours_left"].to_numpy(np.float32))
    return SignalMargin(site, spare, hours, left, baseline.hours_allowed, net.n_sites + candidates.ids.size)


def _flat(parts: Sequence[npt.NDArray[np.generic]]) -> Floats:
    return np.concatenate(parts).astype(np.float64) if len(parts) else np.empty(0)


def _offsets(parts: Sequence[Ints]) -> Ints:
    return np.asarray(np.r_[0, np.cumsum([p.size for p in parts])], np.int64)


def _sites_of_bundles(
    offers: Offers, standing: npt.NDArray[np.str_], new: npt.NDArray[np.str_]
) -> RaggedRows:
    """Return the sites over which each bundle serves: its works' and those behind them; new sites come last."""
    at = {name: k for k, name in enumerate([*standing.tolist(), *new.tolist()])}
    of_remedy = [at.get(name, -1) for name in offers.remedies["site_id"].astype(str)]
    needs = offers.model.needs
    rows = []
    for b, behind in enumerate(offers.bundles["behind_site_ids"].astype(str)):
        sites = {of_remedy[k] for k in needs.indices[needs.indptr[b] : needs.indptr[b + 1]]}
        sites.update(at.get(name, -1) for name in behind.split(";"))
        rows.append(sorted(sites - {-1}))
    flat = np.array([k for row in rows for k in row], np.int64)
    return RaggedRows(np.r_[0, np.cumsum([len(r) for r in rows])].astype(np.int64), flat)


class _Spare(NamedTuple):
    """Signal to spare at demand cells, by station or new site.

    Parameters
    ----------
    start : int array, shape (n + 1,)
        Where the cells of each begin.
    cell : int array
        Demand cells.
    margin_db : float32 array
        Signal above the least that covers.
    """

    start: Ints
    cell: Ints
    margin_db: npt.NDArray[np.float32]


@nb.njit(cache=True)
def _entries(works, covers, stations_of, heard, new, best, best_site):  # type: ignore[no-untyped-def]
    work_ptr, work = works
    cover_ptr, cover_cell = covers
    of_site_ptr, of_site = stations_of
    heard_ptr, heard_cell, heard_margin = heard
    new_ptr, new_cell, new_margin = new
    n_standing = of_site_ptr.size - 1
    site = np.full(cover_cell.size, -1, np.int32)
    spare = np.full(cover_cell.size, np.inf, np.float32)
    here, here_site = np.empty(best.size, np.float32), np.empty(best.size, np.int32)
    seen = np.full(best.size, -1, np.int64)
    for b in range(cover_ptr.size - 1):
        for w in range(work_ptr[b], work_ptr[b + 1]):
            s = work[w]
            if s < n_standing:
                for t in range(of_site_ptr[s], of_site_ptr[s + 1]):
                    for j in range(heard_ptr[of_site[t]], heard_ptr[of_site[t] + 1]):
                        c = heard_cell[j]
                        if seen[c] != b or heard_margin[j] > here[c]:
                            seen[c], here[c], here_site[c] = b, heard_margin[j], s
            else:
                for j in range(new_ptr[s - n_standing], new_ptr[s - n_standing + 1]):
                    c = new_cell[j]
                    if seen[c] != b or new_margin[j] > here[c]:
                        seen[c], here[c], here_site[c] = b, new_margin[j], s
        for j in range(cover_ptr[b], cover_ptr[b + 1]):
            c = cover_cell[j]
            if seen[c] == b:
                site[j], spare[j] = here_site[c], here[c]
            else:
                site[j], spare[j] = best_site[c], best[c]
    return site, spare

"""What may turn out otherwise: costs, people, signal and outages of one sample of the future, drawn together."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix

from phusong.invest.plan_model import PlanModel
from phusong.invest.reach import Reach
from phusong.kernel_cache import nb

__all__ = ["Spread", "changed", "drawn", "kept_total"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_COMMON_SHARE = 0.5  # of the spread of costs is shared by all remedies of one kind


@dataclass(frozen=True)
class Spread:
    """How far things may turn out otherwise; zero for what is sure.

    Parameters
    ----------
    cost, people, outage : float
        Standard deviation of the logarithm of each remedy's cost, each commune's people, each site's hours lost.
    signal_db : float
        Standard deviation of the error common to all the places that one site reaches. [dB]
    """

    cost: float = 0.3
    people: float = 0.15
    signal_db: float = 3.0
    outage: float = 0.3


def changed(
    model: PlanModel,
    reach: Reach | None,
    *,
    cost: npt.ArrayLike = 1.0,
    people: npt.ArrayLike = 1.0,
    signal_db: npt.ArrayLike = 0.0,
    outage: npt.ArrayLike = 1.0,
) -> PlanModel:
    """Return what can be bought when things turn out otherwise.

    Parameters
    ----------
    model : PlanModel
        As modelled.
    reach : Reach or None
        How surely bundles reach elements; None: as surely as modelled, whatever the signal and the outages.
    cost : float or ndarray, shape (n_remedies,)
        Factor on costs.
    people : float or ndarray, shape (n_elements,)
        Factor on people.
    signal_db : float or ndarray, shape (n_sites,)
        Added to the signal of each site. A stronger one is not taken to reach further than modelled. [dB]
    outage : float or ndarray, shape (n_sites,)
        Factor on the hours that each site is off. Where that makes a site stable by itself nobody gains by mending it;
        where it leaves a mended one off too long neither.
    """
    covers = model.covers
    if reach is not None:
        indptr, indices = _kept(
            covers.indptr, covers.indices, reach.site, reach.margin_db, reach.hours_lost, reach.hours_left,
            reach.hours_allowed, _each(signal_db, reach.n_sites, 0.0), _each(outage, reach.n_sites, 1.0),
        )  # fmt: skip
        covers = csr_matrix((covers.data[: indices.size], indices, indptr), covers.shape)
    return PlanModel(
        model.remedy_cost_musd * np.asarray(cost, np.float64),
        model.needs,
        covers,
        model.weights * np.asarray(people, np.float64),
    )


def drawn(
    model: PlanModel,
    reach: Reach | None,
    kinds: pd.Series,
    commune_of_element: Ints,
    spread: Spread,
    *,
    unserved: Floats,
    samples: int,
    seed: int,
) -> Iterator[PlanModel]:
    """Give samples of what can be bought; each has its own seed, so that more of them do not change the first.

    Parameters
    ----------
    model, reach
        As modelled.
    kinds : Series of str, length n_remedies
        Kinds of the remedies: half of the spread of costs is common to a kind.
    commune_of_element : ndarray of int, shape (n_elements,)
        Row of the commune, whose people are uncertain as one.
    spread : Spread
        How far.
    unserved : ndarray, shape (n_communes,)
        People of each commune who are not served. How many live in which commune is uncertain; how many there are in
        all is registered, so the factors leave their sum as it is, and no plan ever serves more than there are.
    samples : int
        How many.
    seed : int
        Seed of the run.
    """
    _, kind_of = np.unique(kinds.to_numpy(str), return_inverse=True)
    n_kinds = int(kind_of.max(initial=-1)) + 1
    n_sites = reach.n_sites if reach is not None else 0
    for s in range(samples):
        rng = np.random.default_rng([seed, 9, s])
        common = rng.standard_normal(n_kinds)[kind_of] * np.sqrt(_COMMON_SHARE)
        own = rng.standard_normal(kind_of.size) * np.sqrt(1.0 - _COMMON_SHARE)
        people = kept_total(np.exp(spread.people * rng.standard_normal(unserved.size)), unserved)
        yield changed(
            model,
            reach,
            cost=np.exp(spread.cost * (common + own)),
            people=people[commune_of_element],
            signal_db=spread.signal_db * rng.standard_normal(n_sites),
            outage=np.exp(spread.outage * rng.standard_normal(n_sites)),
        )


def kept_total(factor: Floats, people: Floats) -> Floats:
    """Return factors on the people of communes that leave their sum as it is.

    Examples
    --------
    >>> kept_total(np.array([1.2, 0.9]), np.array([100.0, 100.0])).round(3).tolist()
    [1.143, 0.857]
    """
    total = float(factor @ people)
    return np.asarray(factor * (people.sum() / total) if total > 0 else factor, np.float64)


def _each(value: npt.ArrayLike, n: int, unknown: float) -> npt.NDArray[np.float32]:
    """Return one value a site, and one more for entries whose site cannot be told: as modelled."""
    return np.append(np.broadcast_to(np.asarray(value, np.float32), (n,)), np.float32(unknown))


@nb.njit(cache=True)
def _kept(indptr, indices, site, margin_db, hours_lost, hours_left, allowed, signal_db, outage):  # type: ignore[no-untyped-def]
    ends, out = np.empty_like(indptr), np.empty_like(indices)
    n = 0
    ends[0] = 0
    for b in range(indptr.size - 1):
        for j in range(indptr[b], indptr[b + 1]):
            s = site[j]
            still_off = hours_lost[j] * outage[s] > allowed
            mended = hours_left[b] > allowed or hours_left[b] * outage[s] <= allowed
            if margin_db[j] + signal_db[s] >= 0.0 and still_off and mended:
                out[n] = indices[j]
                n += 1
        ends[b + 1] = n
    return ends, out[:n].copy()

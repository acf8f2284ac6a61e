"""What serves whom from when: the year in which each bundle is complete, and each element first served."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.invest.plan_model import PlanModel

__all__ = ["NEVER", "Timeline", "timeline"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NEVER = 1 << 30
"""Year index of what is never there."""


@dataclass(frozen=True)
class Timeline:
    """When what is there.

    Parameters
    ----------
    bundle_year : ndarray of int, shape (n_bundles,)
        Year index in which the last of its remedies stands; ``NEVER`` if one is not bought.
    element_year, element_bundle : ndarray of int, shape (n_elements,)
        Year index from which each element is served, and by which bundle first; ``NEVER`` and -1.
    remedy_serves : ndarray of int, shape (n_remedies,)
        Year index in which the first bundle that needs the remedy is complete.
    """

    bundle_year: Ints
    element_year: Ints
    element_bundle: Ints
    remedy_serves: Ints


def timeline(model: PlanModel, year: Ints, order: Ints | None = None) -> Timeline:
    """Return when each bundle, element and remedy serves.

    Parameters
    ----------
    model : PlanModel
        Bundles, remedies, elements.
    year : ndarray of int, shape (n_remedies,)
        Year index in which each remedy is bought, ``NEVER`` where it is not.
    order : ndarray of int, optional
        Bundles by preference: of bundles complete in the same year, the first serves the people.
    """
    n_b, n_k = model.needs.shape
    owner = np.repeat(np.arange(n_b), np.diff(model.needs.indptr))
    bundle_year = np.full(n_b, NEVER, np.int64)
    if owner.size:
        last = np.full(n_b, -1, np.int64)
        np.maximum.at(last, owner, year[model.needs.indices])
        bundle_year = np.where(last >= 0, last, NEVER)
    rank = np.full(n_b, n_b, np.int64)
    if order is None:
        rank = np.arange(n_b)
    else:
        rank[order] = np.arange(order.size)
    element_year = np.full(model.weights.size, NEVER, np.int64)
    element_bundle = np.full(model.weights.size, -1, np.int64)
    done = np.flatnonzero(bundle_year < NEVER)
    # the last assignment wins, so the preferred bundle comes last
    for b in done[np.lexsort((rank[done], bundle_year[done]))][::-1].tolist():
        cells = model.covers.indices[model.covers.indptr[b] : model.covers.indptr[b + 1]]
        element_year[cells] = bundle_year[b]
        element_bundle[cells] = b
    serves = np.full(n_k, NEVER, np.int64)
    np.minimum.at(serves, model.needs.indices, bundle_year[owner])
    return Timeline(bundle_year, element_year, element_bundle, serves)

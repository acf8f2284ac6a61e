"""Multi-fund, multi-year program."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, vstack

from phusong.compute.array_types import Bools, Floats, Ints
from phusong.invest.plan_book import PlanModel

__all__ = [
    "NEVER",
    "BuildTimeline",
    "CommuneFacts",
    "Limit",
    "Program",
    "by_commune",
    "needed_gain",
    "timeline",
]


@dataclass(frozen=True)
class Limit:
    """One more row over the remedies: the sum of `amount` over those bought stays within `most`.

    Parameters
    ----------
    amount : ndarray, shape (n_remedies,)
        0 or more.
    most : float
        Right-hand side.
    """

    amount: Floats
    most: float


@dataclass(frozen=True)
class Program:
    """A choice of remedies, each with a fund and a year.

    Parameters
    ----------
    model : PlanModel
        Bundles, remedies, people; every element lies in one commune.
    value : ndarray, shape (n_elements,)
        What the plan maximises of each element served: people, or people by their priority.
    commune : ndarray of int, shape (n_elements,)
        Row of the commune of each element.
    need_people : ndarray, shape (n_communes,)
        People that the plan must gain in each commune, at least.
    available_musd : ndarray, shape (n_funds, n_years)
        Money that can pay works in each year.
    carry_over : ndarray of bool, shape (n_funds,)
        Whether what is left may be spent later.
    pays : ndarray of bool, shape (n_funds, n_remedies)
        Which fund may pay which remedy.
    crew_of, crew_most : ndarray of int, shapes (n_remedies,), (n_crews,)
        Crew that each remedy needs (-1: none), and most works of it a year.
    limits : tuple of Limit
        Further rows.
    cheapest : bool
        Whether the plan is the cheapest that meets the needs, not the one of most value.
    """

    model: PlanModel
    value: Floats
    commune: Ints
    need_people: Floats
    available_musd: Floats
    carry_over: Bools
    pays: Bools
    crew_of: Ints
    crew_most: Ints
    limits: tuple[Limit, ...] = ()
    cheapest: bool = False

    def __post_init__(self) -> None:
        # what costs nothing needs no fund's leave
        free = self.model.remedy_cost_musd <= 0
        if not self.pays[:, free].all():
            object.__setattr__(self, "pays", self.pays | free)

    @property
    def n_years(self) -> int:
        """Number of years of the plan."""
        return int(self.available_musd.shape[1])

    @property
    def allowed(self) -> Bools:
        """Remedies that some fund may pay, shape (n_remedies,)."""
        return np.asarray(self.pays.any(axis=0))

    def groups(self) -> tuple[Ints, Bools]:
        """Return the group of each remedy by who may pay it, and for each group which funds may."""
        which, group = np.unique(self.pays.T, axis=0, return_inverse=True)
        return group.ravel().astype(np.int64), which

    def gained(self, remedies: Bools) -> Floats:
        """Return the people a set of remedies serves in each commune."""
        served = self.model.served(remedies)
        return np.bincount(self.commune[served], self.model.weights[served], self.need_people.size).astype(
            np.float64
        )

    def short(self, remedies: Bools) -> Floats:
        """Return the people missing in each commune."""
        return np.maximum(self.need_people - self.gained(remedies), 0.0)

    def meets(self, remedies: Bools) -> bool:
        """Return whether every commune has what it needs."""
        return bool((self.short(remedies) <= 1e-6).all())

    def worth(self, remedies: Bools) -> float:
        """Return the value a set of remedies serves."""
        return float(self.value[self.model.served(remedies)].sum())

    def cost(self, remedies: Bools) -> float:
        """Return what a set of remedies costs. [million USD]"""
        return float(self.model.remedy_cost_musd[remedies].sum())

    def reachable(self) -> Floats:
        """Return the people of each commune whom all payable remedies together would serve."""
        return self.gained(self.allowed)

    def needing(self, need_people: Floats) -> "Program":
        """Return the program with other needs."""
        return replace(self, need_people=need_people)


def needed_gain(share: Floats, population: Floats, served: Floats, reachable: Floats) -> Floats:
    """Return the people to gain in each commune for a share served, as far as any option reaches.

    Parameters
    ----------
    share, population, served, reachable : ndarray, shape (n_communes,)
        Share wanted; people; people served today; people whom all remedies together would add.
    """
    wanted = np.ceil(share * population - 1e-9) - served
    return np.asarray(np.clip(wanted, 0.0, reachable), np.float64)


def by_commune(model: PlanModel, commune_of_element: Ints, value: Floats) -> tuple[PlanModel, Floats, Ints]:
    """Merge elements of one commune that the same bundles serve; return the model, values and communes.

    Parameters
    ----------
    model : PlanModel
        Elements as drawn.
    commune_of_element : ndarray of int, shape (n_elements,)
        Row of the commune.
    value : ndarray, shape (n_elements,)
        What is maximised.
    """
    columns = model.covers.tocsc()
    columns.sort_indices()
    groups: Mapping[tuple[int, bytes], int]
    groups, member = {}, np.full(model.weights.size, -1, np.int64)
    first: list[int] = []
    for e in np.flatnonzero((np.diff(columns.indptr) > 0) & ((model.weights > 0) | (value > 0))):
        key = (
            int(commune_of_element[e]),
            columns.indices[columns.indptr[e] : columns.indptr[e + 1]].tobytes(),
        )
        at = groups.get(key)
        if at is None:
            at = groups[key] = len(first)
            first.append(int(e))
        member[e] = at
    kept = member >= 0
    n = len(first)
    people = np.bincount(member[kept], model.weights[kept], n).astype(np.float64)
    worth = np.bincount(member[kept], value[kept], n).astype(np.float64)
    small = PlanModel(model.remedy_cost_musd, model.needs, model.covers[:, first].tocsr(), people)
    return small, worth, np.asarray(commune_of_element[first], np.int64)


def stack(rows: list[csr_matrix], n_columns: int) -> csr_matrix:
    """Return rows one below the other; an empty matrix of that width when there are none."""
    return vstack(rows, format="csr") if rows else csr_matrix((0, n_columns))


def group_rows(group: Ints, weight: Floats, n_groups: int) -> csr_matrix:
    """Return a matrix (n_groups, n) with each weight in its group's row; group -1 in none."""
    kept = np.flatnonzero(group >= 0)
    return csr_matrix((weight[kept], (group[kept], kept)), (n_groups, group.size))


@dataclass(frozen=True)
class CommuneFacts:
    """The communes, row by row.

    Parameters
    ----------
    codes, names : ndarray of str, shape (n,)
        Codes and names.
    remote : ndarray of int, shape (n,)
        Remoteness class, 0 to 3.
    population, served : ndarray, shape (n,)
        People, and people served today.
    """

    codes: npt.NDArray[np.str_]
    names: npt.NDArray[np.str_]
    remote: npt.NDArray[np.int64]
    population: npt.NDArray[np.float64]
    served: npt.NDArray[np.float64]


NEVER = 1 << 30
"""Year index of what is never there."""


@dataclass(frozen=True)
class BuildTimeline:
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


def timeline(model: PlanModel, year: Ints, order: Ints | None = None) -> BuildTimeline:
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
    return BuildTimeline(bundle_year, element_year, element_bundle, serves)

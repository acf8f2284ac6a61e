"""What a plan can be made of: incidence of bundles, remedies and people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix

from phusong.compute.array_types import Floats, Ints
from phusong.invest.remedy import WORKS_COLUMNS

if TYPE_CHECKING:
    from phusong.invest.bundles import Offers

__all__ = ["BOOK_TABLES", "PlanBook", "PlanModel", "incidence"]


@dataclass(frozen=True)
class PlanModel:
    """Bundles of remedies and the elements they serve.

    Parameters
    ----------
    remedy_cost_musd : ndarray, shape (n_remedies,)
        Net present cost of each remedy. [million USD]
    needs : csr_matrix, shape (n_bundles, n_remedies), 0 or 1
        Remedies that a bundle buys; a remedy shared by bundles is paid once.
    covers : csr_matrix, shape (n_bundles, n_elements), 0 or 1
        Elements that a bundle serves once all its remedies are there.
    weights : ndarray, shape (n_elements,)
        People.
    """

    remedy_cost_musd: Floats
    needs: csr_matrix
    covers: csr_matrix
    weights: Floats

    @property
    def n_bundles(self) -> int:
        """Number of bundles."""
        return int(self.needs.shape[0])

    def holds(self, remedies: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Return which bundles a set of remedies completes."""
        missing = np.asarray(self.needs @ (~remedies).astype(np.float64)).ravel()
        return np.asarray(missing == 0, bool)

    def served(self, remedies: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Return which elements a set of remedies serves."""
        missing = self.needs @ (~remedies).astype(np.float64)
        complete = np.asarray(missing).ravel() == 0
        return np.asarray((complete.astype(np.float64) @ self.covers) > 0).ravel()

    def people(self, remedies: npt.NDArray[np.bool_]) -> float:
        """Return the people a set of remedies serves."""
        return float(self.weights[self.served(remedies)].sum())


def incidence(rows: list[Ints], n_columns: int) -> csr_matrix:
    """Return a 0-1 matrix from the column numbers of each row."""
    counts = np.array([r.size for r in rows], np.int64)
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    indices = np.concatenate(rows).astype(np.int64) if rows else np.empty(0, np.int64)
    return csr_matrix((np.ones(indices.size), indices, indptr), (len(rows), n_columns))


BOOK_TABLES = ("remedies", "bundles", "people_groups", "bundle_groups")
"""Tables of a result folder that hold a book."""

_REMEDY_COLUMNS = (
    "remedy_id",
    "kind",
    "capex_musd",
    "opex_musd_year",
    "cost_musd",
    "site_id",
    "to_id",
    "commune_code",
    "east_m",
    "north_m",
)
_BUNDLE_COLUMNS = ("bundle_id", "kinds", "operators", "commune_code", *WORKS_COLUMNS)


@dataclass(frozen=True)
class PlanBook:
    """Remedies, bundles and whom they serve; people whom exactly the same bundles serve are one group a commune.

    Parameters
    ----------
    remedies : DataFrame
        remedy_id, kind, capex_musd, opex_musd_year, cost_musd, and where it stands: site_id, commune_code, east_m,
        north_m.
    bundles : DataFrame
        bundle_id, kinds, operators, commune_code (of most of the people), and where its works stand.
    model : PlanModel
        The same with groups of people as its elements.
    group_commune : ndarray of str, shape (n_groups,)
        Commune of each group.
    """

    remedies: pd.DataFrame
    bundles: pd.DataFrame
    model: PlanModel
    group_commune: npt.NDArray[np.str_]

    @classmethod
    def of_offers(
        cls, offers: "Offers", commune_of_element: Ints, commune_codes: npt.NDArray[np.str_]
    ) -> "PlanBook":
        """Return the book of everything that could be bought.

        Parameters
        ----------
        offers : Offers
            Remedies and bundles.
        commune_of_element : ndarray of int, shape (n_elements,)
            Row of the commune of each element.
        commune_codes : ndarray of str
            Codes of the communes.
        """
        covers, people, commune = _grouped(offers.model.covers, offers.model.weights, commune_of_element)
        model = PlanModel(offers.model.remedy_cost_musd, offers.model.needs, covers, people)
        return cls(
            offers.remedies[list(_REMEDY_COLUMNS)].reset_index(drop=True),
            offers.bundles[list(_BUNDLE_COLUMNS)].reset_index(drop=True),
            model,
            np.asarray(commune_codes, str)[commune],
        )

    @classmethod
    def of_tables(cls, tables: Mapping[str, pd.DataFrame]) -> "PlanBook":
        """Return the book that :meth:`tables` put into tables."""
        remedies, bundles = tables["remedies"], tables["bundles"]
        groups, pairs = tables["people_groups"], tables["bundle_groups"]
        number = {name: k for k, name in enumerate(remedies["remedy_id"].astype(str))}
        lists = [np.array([number[r] for r in text.split(";")], np.int64) for text in bundles["remedies"]]
        counts = np.bincount(pairs["bundle"].to_numpy(np.int64), minlength=len(bundles))
        covers = csr_matrix(
            (np.ones(len(pairs)), pairs["group"].to_numpy(np.int64), np.r_[0, np.cumsum(counts)]),
            (len(bundles), len(groups)),
        )
        model = PlanModel(
            remedies["cost_musd"].to_numpy(np.float64),
            incidence(lists, len(remedies)),
            covers,
            groups["people"].to_numpy(np.float64),
        )
        return cls(remedies, bundles, model, groups["commune_code"].to_numpy(str))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the book as the tables `remedies`, `bundles`, `people_groups` and `bundle_groups`."""
        ids = self.remedies["remedy_id"].to_numpy(str)
        needs, covers = self.model.needs, self.model.covers
        named = [";".join(ids[n]) for n in np.split(needs.indices, needs.indptr[1:-1])]
        bundles = self.bundles.assign(
            remedies=named[: self.model.n_bundles],
            cost_musd=np.asarray(needs @ self.model.remedy_cost_musd).ravel(),
            people_alone=np.rint(np.asarray(covers @ self.model.weights).ravel()).astype(np.int64),
        )
        of_bundle = np.repeat(np.arange(self.model.n_bundles, dtype=np.int32), np.diff(covers.indptr))
        return {
            "remedies": self.remedies,
            "bundles": bundles,
            "people_groups": pd.DataFrame(
                {"commune_code": self.group_commune, "people": self.model.weights.astype(np.int64)}
            ),
            "bundle_groups": pd.DataFrame({"bundle": of_bundle, "group": covers.indices.astype(np.int32)}),
        }

    def remedies_of(self, bundle: int) -> Ints:
        """Return the numbers of the remedies that a bundle needs."""
        needs = self.model.needs
        return np.asarray(needs.indices[needs.indptr[bundle] : needs.indptr[bundle + 1]], np.int64)

    def groups_of(self, bundle: int) -> Ints:
        """Return the numbers of the groups that a bundle serves."""
        covers = self.model.covers
        return np.asarray(covers.indices[covers.indptr[bundle] : covers.indptr[bundle + 1]], np.int64)


def _grouped(
    covers: csr_matrix, weights: npt.NDArray[np.float64], commune: Ints
) -> tuple[csr_matrix, npt.NDArray[np.float64], Ints]:
    """Merge elements of one commune served by the same bundles; drop those without people or bundles."""
    kept = np.flatnonzero((np.diff(covers.tocsc().indptr) > 0) & (weights > 0))
    columns = covers[:, kept].tocsc()
    # sums of random 64-bit marks tell sets of bundles apart: a clash is less likely than a bit error
    marks = np.random.default_rng(7).integers(1, 2**63 - 1, size=(covers.shape[0], 2), dtype=np.uint64)
    key = np.zeros((kept.size, 3), np.uint64)
    if kept.size:
        key[:, :2] = np.add.reduceat(marks[columns.indices], columns.indptr[:-1], axis=0)
    key[:, 2] = commune[kept].astype(np.uint64)
    _, first, group = np.unique(key, axis=0, return_index=True, return_inverse=True)
    # in the order of the ground, not of the marks: neighbours stand together, which packs well
    order = np.argsort(first, kind="stable")
    place = np.empty(order.size, np.int64)
    place[order] = np.arange(order.size)
    people = np.bincount(place[group.ravel()], weights[kept], order.size).astype(np.float64)
    chosen = first[order]
    merged = columns[:, chosen].tocsr()
    merged.sort_indices()
    return merged, people, commune[kept[chosen]]

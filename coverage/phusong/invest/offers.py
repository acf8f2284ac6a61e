"""Everything that could be bought: collected, described, and where the works stand.

Works and the people they serve are two places. A battery at a hub stands in the hub's commune and serves the people of
every site behind it, in whichever communes they live.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import csr_matrix

from phusong.compute.array_types import Ints
from phusong.compute.arrays import containing, distinct, nearest
from phusong.invest.context import Baseline
from phusong.invest.plan_book import PlanModel
from phusong.invest.remedy import WORK_COLUMNS, WORKS_COLUMNS, Remedy

__all__ = [
    "LEAST_PEOPLE",
    "OPERATORS_OFFERED",
    "REMEDY_COLUMNS",
    "BundleBuilder",
    "Offers",
    "elements_of",
    "joined",
    "main_works",
    "works_communes",
    "works_of_bundles",
]

REMEDY_COLUMNS = (
    "remedy_id", "kind", "capex_musd", "opex_musd_year", "cost_musd", "low_musd", "high_musd", "east_m", "north_m",
    *WORK_COLUMNS, "commune_code", "payers", "interim", "follows",
)  # fmt: skip


@dataclass(frozen=True)
class Offers:
    """Everything that could be bought.

    Parameters
    ----------
    remedies : DataFrame
        remedy_id, kind, capex_musd, opex_musd_year, cost_musd, low_musd, high_musd, east_m, north_m; what it changes
        (see :class:`phusong.invest.remedy.Works`); commune_code, where it stands; payers (``who:share`` joined by ``;``, shares of the
        whole cost, summing to 1); interim, whether it only bridges the time until the remedy named in `follows`.
    bundles : DataFrame
        bundle_id, kinds, operators, commune_code (of most of the people served), and where the works stand
        (:data:`phusong.invest.remedy.WORKS_COLUMNS`).
    model : PlanModel
        Which remedies each bundle needs and whom it serves. No bundle needs an interim remedy.
    stabilise_musd : mapping of int to float
        Least cost that makes an unstable site stable, where one was looked for. [million USD]
    bridges : csr_matrix, shape (n_remedies, n_elements), 0 or 1, optional
        Whom each interim remedy serves until its permanent one stands: never anybody whom that one does not serve too.
    counts : mapping
        Candidates and variants looked at, and how many proofs of dominance left out.
    """

    remedies: pd.DataFrame
    bundles: pd.DataFrame
    model: PlanModel
    stabilise_musd: Mapping[int, float] = field(default_factory=dict)
    bridges: csr_matrix | None = None
    counts: Mapping[str, int] = field(default_factory=dict)

    def only(self, keep: npt.NDArray[np.bool_]) -> "Offers":
        """Return the offers with some of the bundles left out; the remedies stay."""
        model = PlanModel(
            self.model.remedy_cost_musd,
            self.model.needs[keep].tocsr(),
            self.model.covers[keep].tocsr(),
            self.model.weights,
        )
        return replace(self, bundles=self.bundles[keep].reset_index(drop=True), model=model)


LEAST_PEOPLE = 15  # bundles that alone gain fewer are not drawn up
OPERATORS_OFFERED = 3  # the largest operators get offers of their own; the rest join shared ones


class BundleBuilder:
    """Collects remedies and bundles; a remedy is listed once however many bundles need it."""

    def __init__(self, baseline: Baseline, allowed: frozenset[str] | None = None) -> None:
        self.s = baseline
        self.allowed = allowed
        self.n_ops = baseline.weights.shape[1]
        self.left = baseline.unserved
        self.remedy: dict[str, int] = {}
        self.rows: list[dict[str, object]] = []
        self.bundles: list[dict[str, object]] = []
        self.sites: list[tuple[str, ...]] = []
        self.needs: list[Ints] = []
        self.covers: list[Ints] = []
        self.bridges: dict[int, Ints] = {}
        self._seen: dict[tuple[tuple[int, ...], int], int] = {}

    def buy(self, remedy: Remedy) -> int:
        """Return the number of a remedy, listing it when it is new; -1 for one that may not be bought."""
        if not self._may_buy(remedy.kind):
            return -1
        key = remedy.remedy_id
        if key not in self.remedy:
            self.remedy[key] = len(self.rows)
            self.rows.append(remedy.row())
        return self.remedy[key]

    def bridge(self, interim: Remedy, follows: str, elements: Ints) -> None:
        """List an interim remedy for people whom a permanent one will serve."""
        elements = elements[self.left.ravel()[elements] > 0]
        if not self._may_buy(interim.kind):
            return
        if follows not in self.remedy or int(self.left.ravel()[elements].sum()) < LEAST_PEOPLE:
            return
        known = interim.remedy_id in self.remedy
        at = self.buy(interim)
        if not known:
            self.rows[at] |= {"interim": True, "follows": follows}
            self.bridges[at] = distinct(elements)

    def offer(self, remedies: Sequence[int], elements: Ints, site: str) -> bool:
        """List a bundle, unless it gains too few; return whether it is listed.

        Parameters
        ----------
        remedies : sequence of int
            What it needs.
        elements : ndarray of int
            Whom it serves.
        site : str
            Site over which they are served; the works may stand elsewhere on its way to the core.
        """
        elements = elements[self.left.ravel()[elements] > 0]
        people = self.left.ravel()[elements]
        total = int(people.sum())
        if total < LEAST_PEOPLE or not remedies:
            return False
        if min(remedies) < 0:
            return False
        needs = distinct(np.asarray(remedies, np.int64))
        mark = (tuple(needs.tolist()), hash(elements.tobytes()))
        if mark in self._seen:
            known = self._seen[mark]
            self.sites[known] = tuple(dict.fromkeys((*self.sites[known], site)))
            return True
        self._seen[mark] = len(self.bundles)
        commune = np.bincount(self.s.cell_commune[elements // self.n_ops], people)
        operators = np.flatnonzero(np.bincount(elements % self.n_ops, people, self.n_ops) > 0)
        kinds = sorted({str(self.rows[k]["kind"]) for k in needs})
        self.bundles.append(
            {
                "kinds": ";".join(kinds),
                "operators": ";".join(self.s.network.operators[o] for o in operators),
                "commune_code": str(self.s.commune_codes[int(np.argmax(commune))]),
            }
        )
        self.sites.append((site,))
        self.needs.append(needs)
        self.covers.append(np.sort(elements))
        return True

    def _may_buy(self, kind: str) -> bool:
        return self.allowed is None or kind in self.allowed

    def merge(self) -> None:
        """Join bundles that buy the same remedies: a battery at a hub serves every site behind it at once."""
        groups: dict[tuple[int, ...], list[int]] = {}
        for k, needs in enumerate(self.needs):
            groups.setdefault(tuple(needs.tolist()), []).append(k)
        left = self.left.ravel()
        bundles, sites, needs_out, covers = [], [], [], []
        for members in groups.values():
            first = dict(self.bundles[members[0]])
            cells = distinct(np.concatenate([self.covers[k] for k in members]))
            if len(members) > 1:
                people = left[cells]
                commune = np.bincount(self.s.cell_commune[cells // self.n_ops], people)
                on = np.flatnonzero(np.bincount(cells % self.n_ops, people, self.n_ops) > 0)
                first["commune_code"] = str(self.s.commune_codes[int(np.argmax(commune))])
                first["operators"] = ";".join(self.s.network.operators[o] for o in on)
            bundles.append(first)
            sites.append(tuple(dict.fromkeys(s for k in members for s in self.sites[k])))
            needs_out.append(self.needs[members[0]])
            covers.append(cells)
        self.bundles, self.sites, self.needs, self.covers = bundles, sites, needs_out, covers


def elements_of(cells: Ints, operators: Ints, n_operators: int) -> Ints:
    """Return the elements of cells and operators, cell by cell."""
    return np.asarray((cells[:, None] * n_operators + operators[None, :]).ravel(), np.int64)


_MASTS = frozenset({"build_site", "use_structure"})
_BETWEEN = ";"


def works_communes(
    baseline: Baseline, remedies: pd.DataFrame, areas: Sequence[shapely.Geometry] | None
) -> Ints:
    """Return the row of the commune in which each remedy stands; -1 where nobody knows any commune.

    Parameters
    ----------
    baseline : Baseline
        The people, whose communes stand for the ground where no areas are given.
    remedies : DataFrame
        east_m, north_m.
    areas : sequence of geometry, optional
        The communes, in the order of the situation's.
    """
    places = remedies[["east_m", "north_m"]].to_numpy(np.float64)
    if areas is not None:
        return containing(areas, places)
    if not baseline.cell_pixel.size:
        return np.full(len(places), -1, np.int64)
    people = np.column_stack(baseline.grid.centres(*np.divmod(baseline.cell_pixel, baseline.grid.width)))
    return baseline.cell_commune[nearest(people, places)[1]]


def works_of_bundles(draw: BundleBuilder, remedies: pd.DataFrame) -> pd.DataFrame:
    """Return where the works of each bundle stand, as ``WORKS_COLUMNS``.

    Parameters
    ----------
    draw : BundleBuilder
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

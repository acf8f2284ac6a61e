"""Collects remedies and bundles: each remedy listed once, bundles that buy the same joined."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from phusong.distinct import distinct
from phusong.invest.remedy import Remedy
from phusong.invest.situation import Situation

__all__ = ["LEAST_PEOPLE", "OPERATORS_OFFERED", "Drawer", "elements_of"]

Ints = npt.NDArray[np.int64]

LEAST_PEOPLE = 15  # bundles that alone gain fewer are not drawn up
OPERATORS_OFFERED = 3  # the largest operators get offers of their own; the rest join shared ones


class Drawer:
    """Collects remedies and bundles; a remedy is listed once however many bundles need it."""

    def __init__(self, situation: Situation, allowed: frozenset[str] | None = None) -> None:
        self.s = situation
        self.allowed = allowed
        self.n_ops = situation.weights.shape[1]
        self.left = situation.unserved
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

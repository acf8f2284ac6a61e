"""Redundancy check of a plan: overlap, missing parts, sites that stand already, and what would go farther."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.array_types import Bools, Floats, Ints
from phusong.compute.arrays import nearest
from phusong.invest.offers import joined
from phusong.invest.plan_book import PlanBook

__all__ = ["REASONS", "WASTE_COLUMNS", "Structures", "wasted_money"]


WASTE_COLUMNS = (
    "remedy_id", "waste", "cost_musd", "saved_musd", "people", "instead", "reason", "with_musd", "instead_musd",
    "instead_kinds", "instead_site_ids", "own_people", "distance_m", "owner",
)  # fmt: skip
"""`waste`: incomplete, overlap, locked twin, standing site or shareable structure; `people`: whom it concerns; `reason`:
one of ``REASONS``, told with the columns after it where they hold something."""

REASONS = (
    "lacks others", "served already", "needed by none", "served by rest", "used by others", "twin", "structure near",
)  # fmt: skip
"""Why money is wasted: it waits for `instead` (which costs `instead_musd` and would serve `people`); everybody it could
serve is served; no option needs it; the rest of the plan serves its people; its use went with another remedy of this
list; `instead` (`instead_kinds` at `instead_site_ids`) serves `people` of its `own_people` for `instead_musd` where it
costs `with_musd` with power, link and radio; or the structure `instead` of `owner` stands `distance_m` away."""

_SAME_PEOPLE = 0.8  # another site must reach this share of a new site's people to count as its twin
_NEAR_M = 1000.0  # a structure this near could carry the same antennas
_NEW_SITE = "build_site"


@dataclass(frozen=True)
class Structures:
    """Structures that stand already.

    Parameters
    ----------
    site_id, owner : ndarray of str, shape (n_sites,)
        Names and owners.
    hosts : ndarray of bool, shape (n_sites,)
        Whether others may mount antennas and there is a free position.
    east_m, north_m : ndarray, shape (n_sites,)
        Places.
    """

    site_id: npt.NDArray[np.str_]
    owner: npt.NDArray[np.str_]
    hosts: Bools
    east_m: Floats
    north_m: Floats


def wasted_money(book: PlanBook, bought: Bools, structures: Structures | None = None) -> pd.DataFrame:
    """Return the remedies of a plan whose money serves nobody, or would go farther elsewhere.

    Parameters
    ----------
    book : PlanBook
        What there is to buy.
    bought : ndarray of bool, shape (n_remedies,)
        The plan.
    structures : Structures, optional
        Where structures stand; without them no shareable one is looked for.

    Returns
    -------
    DataFrame
        Columns `WASTE_COLUMNS`, one row a remedy and kind of waste, dearest first. `saved_musd` of the rows
        `incomplete` and `overlap` can be saved together without losing anybody; that of the others is what doing
        the same by other means saves.
    """
    state = _State(book, bought)
    rows = [*_incomplete(state), *_overlap(state), *_twins(state)]
    if structures is not None:
        rows += _shareable(state, structures)
    order = {name: k for k, name in enumerate(("incomplete", "overlap", "locked twin", "standing site"))}
    rows.sort(
        key=lambda r: (order.get(str(r["waste"]), 9), -float(str(r["saved_musd"])), str(r["remedy_id"]))
    )
    return pd.DataFrame(rows, columns=list(WASTE_COLUMNS))


class _State:
    """A plan while remedies are taken out of it: which bundles are complete, and how often each group is served."""

    def __init__(self, book: PlanBook, bought: Bools) -> None:
        self.book = book
        self.bought = bought.copy()
        model = book.model
        self.missing = np.asarray(model.needs @ (~bought).astype(np.float64)).ravel().astype(np.int64)
        self.times = (
            np.asarray((self.missing == 0).astype(np.float64) @ model.covers).ravel().astype(np.int64)
        )
        self.users = model.needs.tocsc()
        self.servers = model.covers.tocsc()
        self.cost = model.remedy_cost_musd
        self.people = model.weights
        self.ids = book.remedies["remedy_id"].to_numpy(str)
        self.bundle_ids = book.bundles["bundle_id"].to_numpy(str)

    def bundles_with(self, remedy: int) -> Ints:
        part = self.users.indices[self.users.indptr[remedy] : self.users.indptr[remedy + 1]]
        return np.asarray(part, np.int64)

    def complete_with(self, remedy: int) -> Ints:
        with_it = self.bundles_with(remedy)
        return np.asarray(with_it[self.missing[with_it] == 0], np.int64)

    def lost_without(self, remedy: int) -> Ints:
        """Return the groups that only bundles with this remedy serve."""
        mine = [self.book.groups_of(b) for b in self.complete_with(remedy).tolist()]
        if not mine:
            return np.empty(0, np.int64)
        groups, counts = np.unique(np.concatenate(mine), return_counts=True)
        return np.asarray(groups[self.times[groups] == counts], np.int64)

    def idle_without(self, remedy: int) -> Ints:
        """Return the other remedies that would be part of nothing complete any more."""
        gone = self.complete_with(remedy)
        fellows = np.unique(np.concatenate([self.book.remedies_of(b) for b in gone.tolist()]))
        left = [k for k in fellows.tolist() if k != remedy and np.isin(self.complete_with(k), gone).all()]
        return np.array(left, np.int64)

    def take_out(self, remedy: int) -> None:
        for b in self.complete_with(remedy).tolist():
            self.times[self.book.groups_of(b)] -= 1
        self.missing[self.bundles_with(remedy)] += 1
        self.bought[remedy] = False


def _row(
    state: _State, remedy: int, waste: str, saved: float, people: float, reason: str, **more: object
) -> dict[str, object]:
    return {
        "remedy_id": str(state.ids[remedy]),
        "waste": waste,
        "cost_musd": float(state.cost[remedy]),
        "saved_musd": saved,
        "people": round(people),
        "instead": "",
        "reason": reason,
        "with_musd": 0.0,
        "instead_musd": 0.0,
        "instead_kinds": "",
        "instead_site_ids": "",
        "own_people": 0,
        "distance_m": 0.0,
        "owner": "",
        **more,
    }


def _incomplete(state: _State) -> list[dict[str, object]]:
    """Remedies that are part of nothing complete: money that waits for its twin."""
    rows = []
    for k in np.flatnonzero(state.bought).tolist():
        if state.complete_with(k).size:
            continue
        best: tuple[float, float, float, Ints] | None = None
        for b in state.bundles_with(k).tolist():
            need = state.book.remedies_of(b)
            lacking = need[~state.bought[need]]
            groups = state.book.groups_of(b)
            gain = float(state.people[groups[state.times[groups] == 0]].sum())
            cost = float(state.cost[lacking].sum())
            worth = gain / max(cost, 1e-9)
            if gain > 0 and (best is None or worth > best[0]):
                best = (worth, gain, cost, lacking)
        if best is None:
            reason = "served already" if state.bundles_with(k).size else "needed by none"
            rows.append(_row(state, k, "incomplete", float(state.cost[k]), 0.0, reason))
            continue
        _, gain, cost, lacking = best
        names = joined(state.ids[lacking].tolist())
        rows.append(
            _row(
                state,
                k,
                "incomplete",
                float(state.cost[k]),
                gain,
                "lacks others",
                instead=names,
                instead_musd=cost,
            )
        )
    return rows


def _overlap(state: _State) -> list[dict[str, object]]:
    """Take out what loses nobody, the dearest first, until every remedy left serves somebody of its own."""
    rows = []
    order = np.argsort(-state.cost, kind="stable")
    useful = [k for k in order[state.bought[order]].tolist() if state.complete_with(k).size]
    for k in useful:
        complete = state.complete_with(k)
        if state.cost[k] <= 0 or state.lost_without(k).size:
            continue
        people = 0.0
        reason = "used by others"
        if complete.size:
            groups = np.unique(np.concatenate([state.book.groups_of(b) for b in complete.tolist()]))
            people = float(state.people[groups].sum())
            reason = "served by rest"
        state.take_out(k)
        rows.append(_row(state, k, "overlap", float(state.cost[k]), people, reason))
    return rows


def _twins(state: _State) -> list[dict[str, object]]:
    """New sites whose people a site that stands already could serve for less."""
    kinds = state.book.remedies["kind"].to_numpy(str)
    bundle_kinds = state.book.bundles["kinds"].astype(str).to_numpy()
    is_new = np.array([_NEW_SITE in words.split(";") for words in bundle_kinds], bool)
    where = state.book.bundles["works_site_ids"].astype(str).to_numpy()
    rows = []
    for k in np.flatnonzero(state.bought & (kinds == _NEW_SITE)).tolist():
        groups = state.lost_without(k)
        people = float(state.people[groups].sum())
        if not people:
            continue
        idle = state.idle_without(k)
        freed = float(state.cost[k] + state.cost[idle].sum())
        kept = state.bought.copy()
        kept[k] = False
        kept[idle] = False
        reach = np.zeros(is_new.size)
        for g in groups.tolist():
            reach[state.servers.indices[state.servers.indptr[g] : state.servers.indptr[g + 1]]] += (
                state.people[g]
            )
        best: tuple[float, int] | None = None
        for b in np.flatnonzero((reach >= _SAME_PEOPLE * people) & ~is_new).tolist():
            need = state.book.remedies_of(b)
            cost = float(state.cost[need[~kept[need]]].sum())
            if cost < freed and (best is None or cost < best[0]):
                best = (cost, b)
        if best is None:
            continue
        cost, b = best
        locked = any(word.startswith("open_") for word in bundle_kinds[b].split(";"))
        rows.append(
            _row(
                state,
                k,
                "locked twin" if locked else "standing site",
                freed - cost,
                float(reach[b]),
                "twin",
                instead=str(state.bundle_ids[b]),
                with_musd=freed,
                instead_musd=cost,
                instead_kinds=str(bundle_kinds[b]),
                instead_site_ids=str(where[b]),
                own_people=round(people),
            )
        )
    return rows


def _shareable(state: _State, structures: Structures) -> list[dict[str, object]]:
    """New masts beside a structure that others may use and that has a free position."""
    hosts = np.flatnonzero(structures.hosts)
    frame = state.book.remedies
    new = np.flatnonzero(state.bought & (frame["kind"].to_numpy(str) == _NEW_SITE))
    if not hosts.size or not new.size:
        return []
    standing = np.c_[structures.east_m[hosts], structures.north_m[hosts]]
    far, near = nearest(standing, frame[["east_m", "north_m"]].to_numpy(np.float64)[new])
    rows = []
    for k, distance, at in zip(new.tolist(), far.tolist(), hosts[near].tolist(), strict=True):
        if distance > _NEAR_M:
            continue
        people = float(state.people[state.lost_without(k)].sum())
        # what a mast costs is saved; whether the antennas reach as far from there is for a survey to say
        rows.append(
            _row(
                state,
                k,
                "shareable structure",
                float(state.cost[k]),
                people,
                "structure near",
                instead=str(structures.site_id[at]),
                distance_m=float(distance),
                owner=str(structures.owner[at]),
            )
        )
    return rows

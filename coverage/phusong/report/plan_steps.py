"""A plan in the order it is built: what each step costs, and whom it serves in which commune."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.invest.plan_book import BOOK_TABLES, PlanBook
from phusong.report.result import ResultData
from phusong.report.tables import GAP_PARTS

__all__ = ["PlanSteps", "book_of", "gained_by_commune", "plan_steps", "plan_years", "served_with_plan"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Texts = npt.NDArray[np.str_]


@dataclass(frozen=True)
class PlanSteps:
    """Remedies in the order of building, and groups of people by the step from which they are served.

    Parameters
    ----------
    remedy, kind : ndarray of str, shape (n_steps,)
        Id and kind of each remedy.
    year : ndarray of int, shape (n_steps,)
        When it is bought.
    cost_musd : ndarray of float, shape (n_steps,)
        Net present. [million USD]
    group_step : ndarray of int, shape (n_groups,)
        Step, from 0, with which a group is served.
    group_people : ndarray of float, shape (n_groups,)
        People of each group.
    group_commune : ndarray of str, shape (n_groups,)
        Their commune.
    exact : bool
        Whether the groups come from whom each bundle serves; otherwise each step's people stand in the commune
        where most of them live.
    """

    remedy: Texts
    kind: Texts
    year: Ints
    cost_musd: Floats
    group_step: Ints
    group_people: Floats
    group_commune: Texts
    exact: bool


def book_of(result: ResultData) -> PlanBook | None:
    """Return everything that could be bought in a result and whom it would serve, if the result holds it."""
    tables = {name: getattr(result, name) for name in BOOK_TABLES}
    return None if tables["remedies"].empty or tables["bundles"].empty else PlanBook.of_tables(tables)


def plan_steps(result: ResultData) -> PlanSteps:
    """Return the plan of a result in the order it is built: by year, then in the order of the table."""
    plan = result.plan.sort_values("year", kind="stable")
    remedy = plan["remedy_id"].to_numpy(str)
    first = np.array([name.split("@", 1)[0] for name in remedy], str) if remedy.size else np.empty(0, str)
    kind = plan["kind"].to_numpy(str) if "kind" in plan else first
    year, cost = plan["year"].to_numpy(np.int64), plan["cost_musd"].to_numpy(np.float64)
    book = book_of(result)
    if book is not None:
        step, people, commune = _of_book(book, remedy)
        return PlanSteps(remedy, kind, year, cost, step, people, commune, exact=True)
    lives = result.plan_line_communes
    if not lives.empty:
        step_of = {name: k for k, name in reversed(list(enumerate(remedy.tolist())))}
        lives = lives[lives["remedy_id"].astype(str).isin(step_of)]
        step = np.array([step_of[name] for name in lives["remedy_id"].astype(str)], np.int64)
        gained, code = lives["people_gained"].to_numpy(np.float64), lives["commune_code"].to_numpy(str)
        return PlanSteps(remedy, kind, year, cost, step, gained, code, exact=True)
    commune = plan["commune_code"].to_numpy(str) if "commune_code" in plan else np.full(remedy.size, "")
    people = plan["people_gained"].to_numpy(np.float64)
    # people whom a later bundle serves with what is bought already stand in no row of the plan, but in its sum
    whole = (result.summary.get("plan") or {}).get("people_gained")
    if whole and people.sum() > 0:
        people = people * (float(whole) / people.sum())
    return PlanSteps(remedy, kind, year, cost, np.arange(remedy.size), people, commune, exact=False)


def gained_by_commune(
    result: ResultData, *, until: int | None = None, steps: PlanSteps | None = None
) -> Floats:
    """Return how many more people of each commune the plan serves, in the order of ``result.communes``.

    Parameters
    ----------
    result : ResultData
        With its plan.
    until : int, optional
        Only what is bought up to this year.
    steps : PlanSteps, optional
        The plan's, if known already.

    Notes
    -----
    A commune gains at most the people not served there today.
    """
    codes = result.communes["commune_code"].astype(str)
    missing = result.communes[list(GAP_PARTS)].sum(axis=1).to_numpy(np.float64)
    if until is None and steps is None and not result.plan_communes.empty:
        told = result.plan_communes
        by_code = told.groupby(told["commune_code"].astype(str))["people_gained"].sum()
        return np.asarray(np.minimum(by_code.reindex(codes).fillna(0.0).to_numpy(np.float64), missing))
    steps = plan_steps(result) if steps is None else steps
    built = steps.remedy.size if until is None else int((steps.year <= until).sum())
    place = {code: k for k, code in enumerate(codes)}
    row = np.array([place.get(c, -1) for c in steps.group_commune], np.int64)
    use = (row >= 0) & (steps.group_step < built)
    gained = np.bincount(row[use], steps.group_people[use], len(codes))
    return np.asarray(np.minimum(gained, missing), np.float64)


def served_with_plan(
    result: ResultData, *, until: int | None = None, steps: PlanSteps | None = None
) -> Floats:
    """Return the people served in each commune once the plan is built; parameters as for the gain."""
    gained = gained_by_commune(result, until=until, steps=steps)
    return np.asarray(result.communes["people_served"].to_numpy(np.float64) + gained, np.float64)


def plan_years(result: ResultData) -> list[int]:
    """Return the years in which the plan buys something, first to last."""
    return sorted({int(year) for year in result.plan["year"]})


def _of_book(book: PlanBook, remedy: Texts) -> tuple[Ints, Floats, Texts]:
    never = remedy.size
    step_of = {name: k for k, name in reversed(list(enumerate(remedy.tolist())))}
    step = np.array([step_of.get(name, never) for name in book.remedies["remedy_id"].astype(str)], np.int64)
    needs, covers = book.model.needs, book.model.covers
    # a bundle is complete with the last of its remedies, a group is served with the first of its bundles
    complete = np.zeros(book.model.n_bundles, np.int64)
    filled = np.flatnonzero(np.diff(needs.indptr))
    if filled.size:
        complete[filled] = np.maximum.reduceat(step[needs.indices], needs.indptr[filled])
    bundle = np.repeat(np.arange(book.model.n_bundles), np.diff(covers.indptr))
    served = np.full(book.model.weights.size, never, np.int64)
    np.minimum.at(served, covers.indices, complete[bundle])
    use = served < never
    return served[use], book.model.weights[use], book.group_commune[use]

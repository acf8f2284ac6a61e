"""A plan line by line: which remedy is bought when and from which fund, and whom each line serves first."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.invest.plan_model import PlanModel
from phusong.invest.program.timeline import NEVER, Timeline, timeline
from phusong.invest.ranking import rank

__all__ = ["Lines", "evenly", "plan_lines"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Lines:
    """The lines of a plan, in the order in which they are bought.

    Parameters
    ----------
    remedy, bundle : ndarray of int, shape (n_lines,)
        The remedy, and the bundle that it is first bought for.
    year : ndarray of int, shape (n_lines,)
        Year index of the works.
    serves : ndarray of int, shape (n_lines,)
        Year index from which people are served by it; later than `year` when another remedy of every bundle is late.
    people : ndarray, shape (n_lines,)
        People whom the line is the last to wait for, or the first to pay for: they add up to the plan's people.
    waits_for : ndarray of int, shape (n_lines,)
        Remedy that it waits for, -1 where it waits for none.
    element_line : ndarray of int, shape (n_elements,)
        Line that each element is counted in; -1 where nobody is served.
    year_of : ndarray of int, shape (n_remedies,)
        Year index of each remedy, ``NEVER`` where it is not bought.
    when : Timeline
        When what serves.
    """

    remedy: Ints
    bundle: Ints
    year: Ints
    serves: Ints
    people: Floats
    waits_for: Ints
    element_line: Ints
    year_of: Ints
    when: Timeline


def evenly(model: PlanModel, remedies: Flags, budget_musd: float, years: int) -> Ints:
    """Return the year index of each remedy when the money comes evenly: bundles of best value first.

    Parameters
    ----------
    model : PlanModel
        What could be bought.
    remedies : ndarray of bool, shape (n_remedies,)
        What is bought.
    budget_musd, years
        Money in all, and over how many years it comes.
    """
    part, kept = _part(model, remedies)
    a_year = max(budget_musd / years, 1e-12)
    year = np.where(remedies, 0, NEVER).astype(np.int64)
    seen = np.zeros(remedies.size, bool)
    spent = 0.0
    ranking = rank(part)
    for place, b in enumerate(ranking.order.tolist()):
        spent += float(ranking.cost_musd[place])
        need = _needs(model, int(kept[b]))
        new = need[~seen[need]]
        seen[new] = True
        year[new] = min(int((spent - 1e-9) / a_year), years - 1)
    return year


def plan_lines(model: PlanModel, year: Ints) -> Lines:
    """Return the lines of a plan, each person counted in one of them.

    Parameters
    ----------
    model : PlanModel
        What could be bought.
    year : ndarray of int, shape (n_remedies,)
        Year index of each remedy, ``NEVER`` where it is not bought.
    """
    bought = year < NEVER
    part, kept = _part(model, bought)
    ranked = rank(part).order
    # what the ranking passes over may be complete before what it takes: it comes last within a year
    order = kept[np.concatenate([ranked, np.setdiff1d(np.arange(kept.size), ranked)])]
    when = timeline(model, year, order)
    # bundles in the order in which they are complete; the ranking within a year
    place = np.arange(order.size)
    order = order[np.lexsort((place, when.bundle_year[order]))]
    line_of = np.full(year.size, -1, np.int64)
    remedy: list[int] = []
    bundle: list[int] = []
    line_of_bundle = np.full(model.n_bundles, -1, np.int64)
    for b in order.tolist():
        need = _needs(model, b)
        new = need[line_of[need] < 0]
        line_of[new] = len(remedy) + np.arange(new.size)
        remedy += new.tolist()
        bundle += [b] * new.size
        # people stand in the first line bought for them, or, when all is there, in the last line they waited for
        line_of_bundle[b] = line_of[new[0]] if new.size else line_of[need].max(initial=-1)
    # what no bundle of the ranking needs is bought all the same
    alone = np.flatnonzero(bought & (line_of < 0))
    line_of[alone] = len(remedy) + np.arange(alone.size)
    remedy += alone.tolist()
    bundle += [_first_user(model, k) for k in alone.tolist()]
    at = np.array(remedy, np.int64)
    by_year = np.argsort(year[at], kind="stable")
    place_of = np.empty(at.size, np.int64)
    place_of[by_year] = np.arange(at.size)
    served = when.element_bundle >= 0
    element_line = np.full(model.weights.size, -1, np.int64)
    raw = line_of_bundle[when.element_bundle[served]]
    element_line[served] = np.where(raw >= 0, place_of[raw], -1)
    people = np.bincount(
        element_line[served & (element_line >= 0)],
        model.weights[served & (element_line >= 0)],
        at.size,
    ).astype(np.float64)
    at = at[by_year]
    owner = np.array(bundle, np.int64)[by_year]
    return Lines(
        at,
        owner,
        year[at],
        when.remedy_serves[at],
        people,
        _late_twins(model, at, year, when),
        element_line,
        year,
        when,
    )


def _part(model: PlanModel, remedies: Flags) -> tuple[PlanModel, Ints]:
    """Return the bundles that a set of remedies completes."""
    missing = np.asarray(model.needs @ (~remedies).astype(np.float64)).ravel()
    kept = np.flatnonzero(missing == 0)
    return (
        PlanModel(
            model.remedy_cost_musd,
            model.needs[kept].tocsr(),
            model.covers[kept].tocsr(),
            model.weights,
        ),
        kept,
    )


def _needs(model: PlanModel, bundle: int) -> Ints:
    found = model.needs.indices[model.needs.indptr[bundle] : model.needs.indptr[bundle + 1]]
    return found.astype(np.int64)


def _first_user(model: PlanModel, remedy: int) -> int:
    users = model.needs[:, [remedy]].nonzero()[0]
    return int(users[0]) if users.size else -1


def _late_twins(model: PlanModel, remedies: Ints, year: Ints, when: Timeline) -> Ints:
    """Return for each remedy that serves later than it is bought the remedy its first bundle waits for."""
    out = np.full(remedies.size, -1, np.int64)
    late = np.flatnonzero(when.remedy_serves[remedies] > year[remedies])
    if not late.size:
        return out
    columns = model.needs.tocsc()
    for i in late.tolist():
        k = int(remedies[i])
        users = columns.indices[columns.indptr[k] : columns.indptr[k + 1]]
        first = users[np.argmin(when.bundle_year[users])] if users.size else -1
        if first < 0 or when.bundle_year[first] == NEVER:
            continue
        need = _needs(model, int(first))
        out[i] = int(need[np.argmax(year[need])])
    return out

"""Plan lines, and the people gained by commune."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.array_types import Bools, Floats, Ints, Texts
from phusong.invest.plan_book import PlanModel
from phusong.invest.program import NEVER, BuildTimeline, timeline
from phusong.invest.ranking import rank

__all__ = [
    "Lines",
    "by_commune_table",
    "evenly",
    "largest_first",
    "option_gains",
    "plan_gains",
    "plan_line_gains",
    "plan_lines",
]


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
    when : BuildTimeline
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
    when: BuildTimeline


def evenly(model: PlanModel, remedies: Bools, budget_musd: float, years: int) -> Ints:
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


def _part(model: PlanModel, remedies: Bools) -> tuple[PlanModel, Ints]:
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


def _late_twins(model: PlanModel, remedies: Ints, year: Ints, when: BuildTimeline) -> Ints:
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


def option_gains(
    model: PlanModel, order: Ints, bundle_ids: Texts, commune_of_element: Ints, codes: Texts
) -> pd.DataFrame:
    """Return the people each ranked option serves beyond those above it, by commune.

    Parameters
    ----------
    model : PlanModel
        Bundles and whom they serve.
    order : ndarray of int, shape (k,)
        Bundles as ranked, best first.
    bundle_ids : ndarray of str, shape (n_bundles,)
        Their ids.
    commune_of_element : ndarray of int, shape (n_elements,)
        Row of the commune of each element.
    codes : ndarray of str
        Codes of the communes.

    Returns
    -------
    DataFrame
        bundle_id, commune_code, people_gained; options in their order, communes by people. Each person stands in one
        row, so the rows of an option sum to what it gains, and those of a commune to no more than who is unserved.
    """
    first = np.full(model.weights.size, -1, np.int64)
    covers = model.covers
    for place in range(order.size - 1, -1, -1):
        # the last to be written is the first in the ranking
        b = order[place]
        first[covers.indices[covers.indptr[b] : covers.indptr[b + 1]]] = place
    return by_commune_table(
        first, model.weights, commune_of_element, codes, {"bundle_id": np.asarray(bundle_ids, str)[order]}
    )


def plan_line_gains(
    lines: Lines,
    model: PlanModel,
    remedy_ids: Texts,
    commune_of_element: Ints,
    codes: Texts,
    first_year: int,
) -> pd.DataFrame:
    """Return the people counted in each line of a plan, by commune and by the year from which they are served.

    Returns
    -------
    DataFrame
        remedy_id, commune_code, year, people_gained; lines in the order of the plan.
    """
    counted = np.flatnonzero((lines.element_line >= 0) & (model.weights > 0))
    group = pd.DataFrame(
        {
            "line": lines.element_line[counted],
            "commune": commune_of_element[counted],
            "year": lines.when.element_year[counted] + first_year,
            "people_gained": model.weights[counted],
        }
    )
    out = group.groupby(["line", "year", "commune"], sort=True)["people_gained"].sum().reset_index()
    return pd.DataFrame(
        {
            "remedy_id": np.asarray(remedy_ids, str)[lines.remedy[out["line"].to_numpy(np.int64)]],
            "commune_code": np.asarray(codes, str)[out["commune"].to_numpy(np.int64)],
            "year": out["year"].to_numpy(np.int64),
            "people_gained": np.rint(out["people_gained"]).astype(np.int64),
        }
    )


def plan_gains(line_gains: pd.DataFrame) -> pd.DataFrame:
    """Return the people a plan serves by commune and year: commune_code, year, people_gained."""
    found = line_gains.groupby(["commune_code", "year"], sort=True)["people_gained"].sum().reset_index()
    return pd.DataFrame(found[["commune_code", "year", "people_gained"]])


def by_commune_table(
    group: Ints, weights: npt.NDArray[np.float64], commune: Ints, codes: Texts, names: dict[str, Texts]
) -> pd.DataFrame:
    """Return people by group and commune: the groups in order, most people first.

    Parameters
    ----------
    group : ndarray of int, shape (n_elements,)
        Group of each element; -1 for none.
    weights, commune : ndarray, shape (n_elements,)
        People, and row of their commune.
    codes : ndarray of str
        Codes of the communes.
    names : dict of str to ndarray
        Heading and names of the groups.
    """
    counted = np.flatnonzero((group >= 0) & (weights > 0))
    key = group[counted] * max(codes.size, 1) + commune[counted]
    pair, number = np.unique(key, return_inverse=True)
    people = np.rint(np.bincount(number.ravel(), weights[counted], pair.size)).astype(np.int64)
    of, at = np.divmod(pair, max(codes.size, 1))
    rows = np.lexsort((at, -people, of))
    return pd.DataFrame(
        {
            **{heading: values[of[rows]] for heading, values in names.items()},
            "commune_code": np.asarray(codes, str)[at[rows]],
            "people_gained": people[rows],
        }
    )


def largest_first(gains: pd.DataFrame, key: str) -> dict[str, str]:
    """Return for each option or line the communes that gain, most people first, as one cell."""
    if gains.empty:
        return {}
    sums = gains.groupby([key, "commune_code"], sort=True)["people_gained"].sum().reset_index()
    sums = sums.sort_values("people_gained", ascending=False, kind="stable")
    return {str(name): ";".join(rows) for name, rows in sums.groupby(key, sort=True)["commune_code"]}

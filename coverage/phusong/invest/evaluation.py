"""Evaluation of any plan: people, cost, distance from the bound, money wasted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.array_types import Bools
from phusong.errors import InputError, Problem, and_more, nearest_name, refuse
from phusong.invest.optimum import best_plan
from phusong.invest.plan_book import PlanBook, PlanModel
from phusong.invest.ranking import rank
from phusong.invest.redundancy import Structures, wasted_money
from phusong.io.limits import read_bytes
from phusong.region.read.coordinates import PLACE_ALIASES
from phusong.region.read.encoding import fold
from phusong.region.read.table import read_text_table

__all__ = ["Evaluation", "ProposedPlan", "bound_at", "evaluate", "read_plan"]

_NAMES = {
    "remedy_id": ("remedy_id", "remedy", "remedies"),
    "bundle_id": ("bundle_id", "bundle", "option", "option_id"),
    "year": ("year", "nam"),
    "fund": ("fund", "nguon_von"),
}
_YEARS = (1990, 2200)
_HEADINGS = 8  # columns named of a table without ids
_HINTED = 25  # looking for the nearest of tens of thousands of names takes a while


@dataclass(frozen=True)
class ProposedPlan:
    """Remedies somebody proposes to buy.

    Parameters
    ----------
    bought : ndarray of bool, shape (n_remedies,)
        Which.
    year : ndarray of int, shape (n_remedies,)
        When; 0 where the plan does not say.
    fund : ndarray of str, shape (n_remedies,)
        From which fund; empty where the plan does not say.
    """

    bought: npt.NDArray[np.bool_]
    year: npt.NDArray[np.int64]
    fund: npt.NDArray[np.str_]


def read_plan(plan: str | Path | pd.DataFrame | Iterable[str], book: PlanBook) -> ProposedPlan:
    """Return a plan from a CSV file, a table, or a list of ids.

    Parameters
    ----------
    plan : path, DataFrame or iterable of str
        Columns `remedy_id` or `bundle_id` (where a row has both, the remedy counts), and `year` and `fund` if known;
        others are left aside. Or the ids themselves, of remedies and of bundles.
    book : PlanBook
        What there is to buy.

    Raises
    ------
    InputError
        If the file cannot be read or names what is not in the book; every row is listed, with the nearest name.
    """
    if isinstance(plan, pd.DataFrame):
        return _read(plan.astype(object).where(plan.notna(), ""), "plan", book)
    if isinstance(plan, (str, Path)):
        path = Path(plan)
        data = read_bytes(path)
        known = [n for names in _NAMES.values() for n in names]
        frame = read_text_table(data, path.name, known=known, one_column=True).frame
        ids = _bare_ids(frame, book)
        return _read(frame, path.name, book) if ids is None else _read(_of_ids(ids, book), path.name, book)
    return _read(_of_ids([str(i) for i in plan], book), "plan", book)


def _bare_ids(frame: pd.DataFrame, book: PlanBook) -> list[str] | None:
    """Return the ids of a list that has no header: its first line is an id of the book."""
    if len(frame.columns) != 1:
        return None
    first = str(frame.columns[0])
    known = {*book.remedies["remedy_id"].astype(str), *book.bundles["bundle_id"].astype(str)}
    if not {part.strip().removeprefix("'") for part in first.split(";")} & known:
        return None
    # every part of a line is an id of its own
    return [
        part.strip() for line in (first, *frame.iloc[:, 0]) for part in str(line).split(";") if part.strip()
    ]


def _of_ids(ids: list[str], book: PlanBook) -> pd.DataFrame:
    """Return a list of ids of remedies and bundles as a table."""
    remedies = set(book.remedies["remedy_id"].astype(str))
    bundles = set(book.bundles["bundle_id"].astype(str))
    as_bundle = [i if i in bundles and i not in remedies else "" for i in ids]
    named = ["" if b else i for i, b in zip(ids, as_bundle, strict=True)]
    return pd.DataFrame({"remedy_id": named, "bundle_id": as_bundle}, dtype=object)


def _read(frame: pd.DataFrame, where: str, book: PlanBook) -> ProposedPlan:
    columns = _columns(frame, where)
    remedy = {name: k for k, name in enumerate(book.remedies["remedy_id"].astype(str))}
    bundle = {name: k for k, name in enumerate(book.bundles["bundle_id"].astype(str))}
    text = {c: [str(v).strip() for v in frame[name]] for c, name in columns.items()}
    n = len(frame)
    empty = [""] * n
    bought = np.zeros(len(remedy), bool)
    year = np.zeros(len(remedy), np.int64)
    fund = np.full(len(remedy), "", object)
    first_row: dict[tuple[str, str], int] = {}
    problems: list[Problem] = []
    rows = zip(*(text.get(c, empty) for c in ("remedy_id", "bundle_id", "year", "fund")), strict=True)
    for row, (by_remedy, by_bundle, when, source) in enumerate(rows, start=1):
        column = "remedy_id" if by_remedy else "bundle_id"
        listed = [part.strip() for part in (by_remedy or by_bundle).split(";") if part.strip()]
        if not listed:
            problems.append(Problem(where, "names neither a remedy nor a bundle", row=row))
        at = _year(when, where, row, columns.get("year", "year"), problems)
        known = remedy if by_remedy else bundle
        for given in listed:
            name = given if given in known else given.removeprefix("'")
            if name not in known:
                kind = "remedy" if by_remedy else "bundle"
                hint = nearest_name(name, known) if len(problems) < _HINTED else ""
                problems.append(
                    Problem(
                        where,
                        f"is no {kind} of this result{hint}",
                        row=row,
                        column=columns[column],
                        value=given,
                    )
                )
                continue
            before = first_row.setdefault((column, name), row)
            if before != row:
                problems.append(
                    Problem(where, f"stands twice (first in row {before}); buy it once", row=row,
                            column=columns[column], value=given)
                )  # fmt: skip
                continue
            for k in [remedy[name]] if by_remedy else book.remedies_of(bundle[name]).tolist():
                # a remedy that several bundles share is bought with the first of them
                if not bought[k] or (at and (not year[k] or at < year[k])):
                    year[k], fund[k] = at, source
                bought[k] = True
    if n == 0:
        problems.append(Problem(where, "has no rows; name at least one remedy or bundle"))
    refuse(problems)
    return ProposedPlan(bought, year, fund.astype(str))


def _columns(frame: pd.DataFrame, where: str) -> dict[str, str]:
    folded = {fold(c): str(c) for c in frame.columns}
    found = {
        target: next(folded[n] for n in names if n in folded)
        for target, names in _NAMES.items()
        if any(n in folded for n in names)
    }
    if "remedy_id" not in found and "bundle_id" not in found:
        raise InputError(Problem(where, _nameless(frame)))
    return found


def _nameless(frame: pd.DataFrame) -> str:
    """Return what a table without ids lacks, and where ids come from."""
    has = ", ".join(str(c) for c in frame.columns[:_HEADINGS])
    more = and_more(len(frame.columns) - _HEADINGS)
    folded = {fold(c) for c in frame.columns}
    placed = any(len(folded & {fold(n) for n in names}) > 0 for names in PLACE_ALIASES.values())
    lists = (
        "a list of places is not read yet: what stands where cannot be told from coordinates"
        if placed
        else "works by name or description are not read yet"
    )
    return (
        f"has neither a column remedy_id (single works) nor bundle_id (options): it has {has}{more}; {lists}. Take the ids from "
        f"the result folder, bundle_id from options.csv, remedy_id from plan.csv or tables/remedies.parquet (every work there is "
        f"to buy, with its site), and put them into a column of that name"
    )


def _year(text: str, where: str, row: int, column: str, problems: list[Problem]) -> int:
    if text in {"", "nan", "<NA>"}:
        return 0
    try:
        year = float(text)
    except ValueError:
        year = np.nan
    if not (year == np.floor(year) and _YEARS[0] <= year <= _YEARS[1]):
        told = f"is no year; write a whole number from {_YEARS[0]} to {_YEARS[1]}, or leave it empty"
        problems.append(Problem(where, told, row=row, column=column, value=text))
        return 0
    return int(year)


_SAVED_OUTRIGHT = ("incomplete", "overlap")


@dataclass(frozen=True)
class Evaluation:
    """What a plan does.

    Parameters
    ----------
    headline : mapping
        remedies, people_gained, cost_musd, people_per_musd; bound_people (no plan of that money serves more) and
        distance_share; ours_people and ours_cost_musd (our best for the same money) and share_of_ours; wasted_musd
        (money that serves nobody), avoidable_musd (saved by using what stands already).
    communes : DataFrame
        commune_code, people_gained, ours_people.
    options : DataFrame
        The bundles the plan completes, best value first: bundle_id, kinds, commune_code, operators, cost_musd,
        people_gained (marginal).
    waste : DataFrame
        See :func:`phusong.invest.redundancy.wasted_money`.
    years : DataFrame
        year, cost_musd, people_gained, idle_musd (money spent by then that serves nobody yet); empty when the plan
        names no years.
    """

    headline: Mapping[str, Any]
    communes: pd.DataFrame
    options: pd.DataFrame
    waste: pd.DataFrame
    years: pd.DataFrame


def bound_at(curve: pd.DataFrame, cost_musd: float) -> float:
    """Return what no plan of this cost can exceed, from a curve of bounds; infinite without one. [people]

    Parameters
    ----------
    curve : DataFrame
        budget_musd, bound_people at the corners of the bound, which is straight in between and level beyond.
    cost_musd : float
        Money spent.
    """
    if not {"budget_musd", "bound_people"} <= set(curve.columns):
        return float("inf")
    corners = curve[["budget_musd", "bound_people"]].dropna().sort_values("budget_musd", kind="stable")
    if corners.empty:
        return float("inf")
    money, people = corners["budget_musd"].to_numpy(np.float64), corners["bound_people"].to_numpy(np.float64)
    return float(np.interp(cost_musd, money, people))


def evaluate(
    book: PlanBook,
    plan: ProposedPlan,
    *,
    ours: Bools,
    curve: pd.DataFrame,
    structures: Structures | None = None,
    prove: bool = False,
    time_limit_s: float = 30.0,
) -> Evaluation:
    """Return what a plan does, beside the best we know for the same money.

    Parameters
    ----------
    book : PlanBook
        What there is to buy.
    plan : ProposedPlan
        The plan.
    ours : ndarray of bool, shape (n_remedies,)
        Our own plan.
    curve : DataFrame
        People against money with the bound, as a run gives it.
    structures : Structures, optional
        Where structures stand.
    prove : bool
        Look for the best plan and the tightest bound at exactly this cost; takes as long as in a run.
    time_limit_s : float
        For branch and bound, if asked for. [s]
    """
    model = book.model
    bought = plan.bought
    cost = float(model.remedy_cost_musd[bought].sum())
    served = model.served(bought)
    people = round(float(model.weights[served].sum()))
    bound = bound_at(curve, cost)
    best, best_people = _same_money(model, ours, cost)
    if prove:
        proof = best_plan(model, cost, time_limit_s=time_limit_s)
        bound = min(bound, proof.bound)
        if proof.people > best_people:
            best, best_people = proof.remedies, proof.people
    if people > best_people:
        best, best_people = bought, float(people)
    bound = max(bound, float(best_people))
    waste = wasted_money(book, bought, structures)
    outright = waste["waste"].isin(_SAVED_OUTRIGHT)
    twin = waste["waste"].isin(["locked twin", "standing site"])
    headline = {
        "remedies": int(bought.sum()),
        "people_gained": people,
        "cost_musd": cost,
        "people_per_musd": people / cost if cost > 0 else float("inf") if people else 0.0,
        "bound_people": bound,
        "distance_share": max(0.0, (bound - people) / bound) if 0 < bound < np.inf else 0.0,
        "ours_people": round(best_people),
        "ours_cost_musd": float(model.remedy_cost_musd[best].sum()),
        "share_of_ours": people / best_people if best_people > 0 else 1.0,
        "remedies_in_our_plan": int((bought & ours).sum()),
        "wasted_musd": float(waste.loc[outright, "saved_musd"].sum()),
        "avoidable_musd": float(waste.loc[twin, "saved_musd"].sum()),
    }
    return Evaluation(
        headline,
        _communes(book, served, model.served(best)),
        _options(book, bought),
        waste,
        _years(book, plan),
    )


def _same_money(model: PlanModel, ours: Bools, cost: float) -> tuple[Bools, float]:
    """Return the best plan known of at most this cost: along the ranking, or our own where it fits."""
    bought = np.zeros(model.remedy_cost_musd.size, bool)
    for b in rank(model, budget_musd=cost).order:
        bought[model.needs.indices[model.needs.indptr[b] : model.needs.indptr[b + 1]]] = True
    people = model.people(bought)
    if model.remedy_cost_musd[ours].sum() <= cost * (1 + 1e-12) and model.people(ours) >= people:
        return ours, model.people(ours)
    return bought, people


def _communes(book: PlanBook, served: Bools, ours: Bools) -> pd.DataFrame:
    people = book.model.weights
    frame = pd.DataFrame(
        {
            "commune_code": book.group_commune,
            "people_gained": np.where(served, people, 0.0),
            "ours_people": np.where(ours, people, 0.0),
        }
    )
    out = frame.groupby("commune_code", sort=True).sum().round().astype(np.int64).reset_index()
    out = out[(out["people_gained"] > 0) | (out["ours_people"] > 0)]
    return out.sort_values(["people_gained", "commune_code"], ascending=[False, True], ignore_index=True)


def _options(book: PlanBook, bought: Bools) -> pd.DataFrame:
    needs = book.model.needs
    inside = np.flatnonzero(np.asarray(needs @ (~bought).astype(np.float64)).ravel() == 0)
    part = PlanModel(
        book.model.remedy_cost_musd,
        needs[inside].tocsr(),
        book.model.covers[inside].tocsr(),
        book.model.weights,
    )
    ranking = rank(part)
    rows = book.bundles.iloc[inside[ranking.order]]
    out = rows[["bundle_id", "kinds", "commune_code", "operators"]].reset_index(drop=True)
    return out.assign(
        cost_musd=ranking.cost_musd, people_gained=np.rint(ranking.people_gained).astype(np.int64)
    )


def _years(book: PlanBook, plan: ProposedPlan) -> pd.DataFrame:
    model = book.model
    rows = []
    for year in np.unique(plan.year[plan.bought & (plan.year > 0)]).tolist():
        # what has no year is there from the first
        there = plan.bought & (plan.year <= year)
        complete = np.asarray(model.needs @ (~there).astype(np.float64)).ravel() == 0
        working = np.asarray(complete.astype(np.float64) @ model.needs).ravel() > 0
        rows.append(
            {
                "year": year,
                "cost_musd": float(model.remedy_cost_musd[there].sum()),
                "people_gained": round(model.people(there)),
                "idle_musd": float(model.remedy_cost_musd[there & ~working].sum()),
            }
        )
    return pd.DataFrame(rows, columns=["year", "cost_musd", "people_gained", "idle_musd"])

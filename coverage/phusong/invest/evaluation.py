"""Any plan in the terms of ours: whom it serves, what it costs, how far from the best, and the money it wastes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.invest.optimum import best_plan
from phusong.invest.plan_book import PlanBook
from phusong.invest.plan_file import ProposedPlan
from phusong.invest.plan_model import PlanModel
from phusong.invest.ranking import rank
from phusong.invest.waste import Structures, wasted_money

__all__ = ["Evaluation", "bound_at", "evaluate"]

Bools = npt.NDArray[np.bool_]

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
        See :func:`phusong.invest.waste.wasted_money`.
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

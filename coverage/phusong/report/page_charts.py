"""Numbers behind the charts of the report page; the page draws them in the reader's language and colours."""

from typing import Any

import numpy as np
import pandas as pd

from phusong.report.result import ResultData
from phusong.report.tables import GAP_PARTS
from phusong.report.text import finite

__all__ = ["cause_bars", "chart_data", "money_curve", "spending_bars", "swing_bars"]

_MOST_BARS = 12
_MOST_STEPS = 1500
_MARKED_OPTIONS = 300


def chart_data(result: ResultData) -> dict[str, Any]:
    """Return the numbers of every chart: ``curve``, ``causes``, ``spending`` and ``tornado``."""
    return {
        "curve": money_curve(result),
        "causes": cause_bars(result),
        "spending": spending_bars(result.plan),
        "tornado": swing_bars(result.tornado),
    }


def money_curve(result: ResultData) -> dict[str, Any]:
    """Return people gained against money: the ranked options one after another, and the certified bound.

    ``steps`` and ``bound`` are pairs of cost [million USD] and people; ``options`` are rank, cost and people once
    an option is built; ``budget`` is the plan's. Long curves are thinned, their ends kept.
    """
    curve = result.curve
    ranked = result.options.sort_values("rank", kind="stable")
    if {"cost_musd", "people"} <= set(curve.columns):
        steps = curve.dropna(subset=["cost_musd", "people"]).sort_values("cost_musd", kind="stable")
        pairs = steps[["cost_musd", "people"]].to_numpy(np.float64)
    else:
        pairs = ranked[["cumulative_cost_musd", "cumulative_people"]].to_numpy(np.float64)
    if len(pairs) > _MOST_STEPS:
        pairs = pairs[np.unique(np.linspace(0, len(pairs) - 1, _MOST_STEPS).astype(np.int64))]
    bound: list[list[float]] = []
    if {"budget_musd", "bound_people"} <= set(curve.columns):
        known = curve.dropna(subset=["budget_musd", "bound_people"]).sort_values("budget_musd", kind="stable")
        bound = known[["budget_musd", "bound_people"]].to_numpy(np.float64).round(4).tolist()
    best = ranked.head(_MARKED_OPTIONS)
    spots = zip(best["rank"], best["cumulative_cost_musd"], best["cumulative_people"], strict=True)
    return {
        "steps": [[0.0, 0.0], *pairs.round(4).tolist()] if len(pairs) else [],
        "bound": bound,
        "options": [[int(r), round(float(c), 4), float(p)] for r, c, p in spots],
        "budget": finite((result.summary.get("plan") or {}).get("budget_musd")),
    }


def cause_bars(result: ResultData) -> list[list[Any]]:
    """Return the communes with most people not served: place in the table, then people by cause; most first."""
    parts = result.communes[list(GAP_PARTS)].reset_index(drop=True)
    lost = parts.sum(axis=1)
    most = lost[lost > 0].sort_values(ascending=False, kind="stable").head(_MOST_BARS).index
    return [[int(i), *parts.loc[i].astype(float).round(1).tolist()] for i in most]


def swing_bars(tornado: pd.DataFrame) -> list[list[Any]]:
    """Return input, then the plan's people with it low, as modelled and high; widest swing first."""
    columns = ["input", "people_low", "people_base", "people_high"]
    if tornado.empty or not set(columns) <= set(tornado.columns):
        return []
    return [
        [str(row[0]), *map(float, row[1:])] for row in tornado[columns].itertuples(index=False, name=None)
    ]


def spending_bars(plan: pd.DataFrame) -> dict[str, Any]:
    """Return the plan's cost by year and fund [million USD] and the people whom each year adds."""
    if plan.empty:
        return {"years": [], "funds": [], "cost": [], "people": []}
    table = plan.pivot_table(index="fund", columns="year", values="cost_musd", aggfunc="sum", fill_value=0.0)
    table = table.sort_index()
    people = plan.groupby("year")["people_gained"].sum().reindex(table.columns)
    return {
        "years": [str(y) for y in table.columns],
        "funds": [str(f) for f in table.index],
        "cost": table.to_numpy(np.float64).round(4).tolist(),
        "people": people.to_numpy(np.float64).round(1).tolist(),
    }

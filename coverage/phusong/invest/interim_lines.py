"""Interim remedies worth their money while a plan is built: whom they serve until their permanent remedy stands."""

import numpy as np
import pandas as pd

from phusong.invest.program.timeline import NEVER
from phusong.invest.schedule import Scheduled

__all__ = ["interim_table"]

_COLUMNS = ["remedy_id", "kind", "follows", "from_year", "until_year", "cost_musd", "people", "people_years"]
_COLUMNS += ["people_years_per_musd", "commune_code"]


def interim_table(plan: Scheduled) -> pd.DataFrame:
    """Return the interim remedies that would bring people of the plan service earlier, best value first.

    They are not in the plan's money: they compete with nothing in it, and end when their permanent remedy stands
    (`until_year`). Of two that serve the same people the one of more people-years per million USD counts them.

    Parameters
    ----------
    plan : Scheduled
        The plan with its years.
    """
    offers, when = plan.offers, plan.lines.when
    if offers.bridges is None or "follows" not in offers.remedies:
        return pd.DataFrame(columns=_COLUMNS)
    remedies, weights = offers.remedies, offers.model.weights
    number = {name: k for k, name in enumerate(remedies["remedy_id"].astype(str))}
    cost = remedies["cost_musd"].to_numpy(np.float64)
    follows = remedies["follows"].astype(str).to_numpy()
    waiting = np.where((when.element_year > 0) & (when.element_year < NEVER), when.element_year, 0)
    offered = []
    for k in np.flatnonzero(remedies["interim"].to_numpy(bool)).tolist():
        until = int(plan.lines.year_of[number[follows[k]]]) if follows[k] in number else NEVER
        if not 0 < until < NEVER:
            continue
        on = offers.bridges.indices[offers.bridges.indptr[k] : offers.bridges.indptr[k + 1]]
        gain = float((weights[on] * np.minimum(waiting[on], until)).sum())
        if gain > 0:
            offered.append((gain / max(cost[k], 1e-12), k, until, on))
    offered.sort(key=lambda one: (-one[0], one[1]))
    left = waiting.copy()
    rows = []
    for _, k, until, on in offered:
        early = np.minimum(left[on], until)
        years = float((weights[on] * early).sum())
        if years <= 0:
            continue
        people = float(weights[on][early > 0].sum())
        left[on] = 0
        rows.append(
            {
                "remedy_id": remedies["remedy_id"].iloc[k],
                "kind": remedies["kind"].iloc[k],
                "follows": follows[k],
                "from_year": plan.first_year,
                "until_year": plan.first_year + until,
                "cost_musd": float(cost[k]),
                "people": round(people),
                "people_years": years,
                "people_years_per_musd": years / max(float(cost[k]), 1e-12),
                "commune_code": str(remedies["commune_code"].iloc[k]) if "commune_code" in remedies else "",
            }
        )
    return pd.DataFrame(rows, columns=_COLUMNS).sort_values(
        "people_years_per_musd", ascending=False, kind="stable", ignore_index=True
    )

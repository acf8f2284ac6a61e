"""What the headline hangs on: the plan's people and cost with one input low or high and all others as modelled."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.invest.bundles import Offers
from phusong.invest.carrying_out import carry_out, fixed_plan
from phusong.invest.plan_model import PlanModel
from phusong.invest.reach import Reach
from phusong.invest.samples import Spread, changed

__all__ = ["TORNADO_COLUMNS", "tornado"]

TORNADO_COLUMNS = (
    "input", "unit", "low", "base", "high", "people_low", "people_base", "people_high", "cost_low_musd",
    "cost_base_musd", "cost_high_musd", "swing_people",
)  # fmt: skip

_Z95 = 1.645  # one-sided 5 % of a normal distribution
_BUDGET_STEP = 0.1

_FAMILIES: Mapping[str, tuple[str, ...]] = {
    "masts": ("build_site",),
    "power": ("battery_backup", "solar_backup", "diesel_backup", "extend_grid", "feeder"),
    "links": ("fibre_link", "fibre_route", "microwave_link", "satellite_link"),
    "radios": ("add_radio",),
    "sharing": ("open_passive", "open_mocn", "open_roaming"),
}


def tornado(
    offers: Offers,
    best: npt.NDArray[np.bool_],
    *,
    budget_musd: float,
    spread: Spread,
    reach: Reach | None = None,
) -> pd.DataFrame:
    """Return the plan's people and cost at the low and high end of each input, widest swing first.

    Parameters
    ----------
    offers : Offers
        Remedies and bundles.
    best : ndarray of bool, shape (n_remedies,)
        The plan; it is not chosen anew, and what no longer fits the budget is passed over.
    budget_musd : float
        Money. [million USD]
    spread : Spread
        Low and high are the 5 and 95 % points of each input.
    reach : Reach, optional
        How surely bundles reach elements; without it neither signal nor outages are moved.

    Returns
    -------
    DataFrame
        Columns `TORNADO_COLUMNS`: the input's values (a factor, dB, or million USD), people served and money spent.
    """
    model = offers.model
    plan = fixed_plan("best plan", model, best)
    _, base_people, base_cost = carry_out(plan, model, budget_musd)
    # no input brings more people than there are without service
    everybody = float(model.weights.sum())
    rows = []
    for name, unit, base, ends in _inputs(offers, best, model, budget_musd, spread, reach):
        out: dict[str, Any] = {
            "input": name,
            "unit": unit,
            "base": base,
            "people_base": base_people,
            "cost_base_musd": base_cost,
        }
        for end, (value, moved, money) in zip(("low", "high"), ends, strict=True):
            _, people, cost = carry_out(plan, moved, money)
            out |= {end: value, f"people_{end}": min(people, everybody), f"cost_{end}_musd": cost}
        out["swing_people"] = abs(out["people_high"] - out["people_low"])
        rows.append(out)
    table = pd.DataFrame(rows, columns=list(TORNADO_COLUMNS))
    table = table.sort_values(["swing_people", "input"], ascending=[False, True], ignore_index=True)
    return table.round({c: 0 for c in TORNADO_COLUMNS if "people" in c})


def _inputs(
    offers: Offers,
    best: npt.NDArray[np.bool_],
    model: PlanModel,
    budget: float,
    spread: Spread,
    reach: Reach | None,
) -> Iterator[tuple[str, str, float, list[tuple[float, PlanModel, float]]]]:
    """Give name, unit, base value, and value, model and budget at either end of each input."""
    kinds = offers.remedies["kind"].to_numpy(str)
    if spread.cost > 0:
        low, high = np.exp(-_Z95 * spread.cost), np.exp(_Z95 * spread.cost)
        yield "all costs", "factor", 1.0, [(f, changed(model, None, cost=f), budget) for f in (low, high)]
        for family, members in _FAMILIES.items():
            mine = np.isin(kinds, members)
            if (mine & best).any():
                ends = [(f, changed(model, None, cost=np.where(mine, f, 1.0)), budget) for f in (low, high)]
                yield f"cost of {family}", "factor", 1.0, ends
    if spread.people > 0:
        low, high = np.exp(-_Z95 * spread.people), np.exp(_Z95 * spread.people)
        yield "people", "factor", 1.0, [(f, changed(model, None, people=f), budget) for f in (low, high)]
    if reach is not None and spread.signal_db > 0:
        step = _Z95 * spread.signal_db
        yield "signal", "dB", 0.0, [(d, changed(model, reach, signal_db=d), budget) for d in (-step, step)]
    if reach is not None and spread.outage > 0:
        low, high = np.exp(-_Z95 * spread.outage), np.exp(_Z95 * spread.outage)
        yield "outages", "factor", 1.0, [(f, changed(model, reach, outage=f), budget) for f in (low, high)]
    if budget > 0:
        moneys = (budget * (1.0 - _BUDGET_STEP), budget * (1.0 + _BUDGET_STEP))
        yield "budget", "million USD", budget, [(m, model, m) for m in moneys]

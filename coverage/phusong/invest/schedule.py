"""When each remedy of a plan is bought, and from which fund."""

import numpy as np
import pandas as pd

from phusong.invest.bundles import Offers
from phusong.invest.optimum import BestPlan
from phusong.invest.plan_model import PlanModel
from phusong.invest.portfolio_settings import PortfolioSettings
from phusong.invest.ranking import rank

__all__ = ["schedule"]

_FUNDS = {
    "extend_grid": "power utility",
    "open_passive": "operators",
    "open_mocn": "operators",
    "open_roaming": "operators",
    "add_radio": "operators",
}
_OTHER_FUND = "universal service fund"


def schedule(offers: Offers, best: BestPlan, settings: PortfolioSettings) -> pd.DataFrame:
    """Put the plan's remedies into years, the best value first, as the money comes."""
    inside = np.asarray(offers.model.needs @ (~best.remedies).astype(np.float64)).ravel() == 0
    keep = np.flatnonzero(inside)
    part = PlanModel(
        offers.model.remedy_cost_musd,
        offers.model.needs[keep].tocsr(),
        offers.model.covers[keep].tocsr(),
        offers.model.weights,
    )
    ranking = rank(part)
    a_year = max(settings.budget_musd / settings.years, 1e-12)
    rows = []
    bought = np.zeros(best.remedies.size, bool)
    spent = 0.0
    for place, bundle in enumerate(ranking.order):
        need = part.needs.indices[part.needs.indptr[bundle] : part.needs.indptr[bundle + 1]]
        new = [int(k) for k in need if not bought[k]]
        bought[need] = True
        gained = int(ranking.people_gained[place])
        source = offers.bundles.iloc[keep[bundle]]
        spent += float(ranking.cost_musd[place])
        year = settings.first_year + min(int((spent - 1e-9) / a_year), settings.years - 1)
        for n, k in enumerate(new):
            remedy = offers.remedies.iloc[k]
            rows.append(
                {
                    "remedy_id": remedy["remedy_id"],
                    "kind": remedy["kind"],
                    "year": year,
                    "fund": _FUNDS.get(str(remedy["kind"]), _OTHER_FUND),
                    "cost_musd": float(remedy["cost_musd"]),
                    "people_gained": gained if n == 0 else 0,
                    "bundle_id": source["bundle_id"],
                    "commune_code": source["commune_code"],
                }
            )
    columns = ["remedy_id", "kind", "year", "fund", "cost_musd", "people_gained", "bundle_id", "commune_code"]
    return pd.DataFrame(rows, columns=columns)

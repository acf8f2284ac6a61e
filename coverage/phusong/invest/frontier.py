"""People against money: along the ranking, and the line that no plan can cross."""

import numpy as np
import pandas as pd

from phusong.invest.optimum import BestPlan
from phusong.invest.ranking import Ranking

__all__ = ["frontier"]


def frontier(ranking: Ranking, best: BestPlan, budget_musd: float) -> pd.DataFrame:
    """Return people against money along the ranking, and the line that no plan of any budget can cross.

    The duals behind the bound of one budget bound every other: by the price of money in them.
    """
    cost = np.r_[0.0, np.cumsum(ranking.cost_musd)]
    points = pd.DataFrame({"cost_musd": cost, "people": np.r_[0.0, np.cumsum(ranking.people_gained)]})
    all_at = budget_musd + (best.closable - best.bound) / best.price if best.price > 0 else budget_musd
    budgets = np.array(sorted({0.0, budget_musd, all_at, max(float(cost[-1]), all_at)}))
    line = np.clip(best.bound + best.price * (budgets - budget_musd), 0.0, best.closable)
    bounds = pd.DataFrame({"budget_musd": budgets, "bound_people": line})
    return pd.concat([points, bounds], ignore_index=True)

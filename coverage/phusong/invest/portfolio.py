"""The ranked options, the plan, its certificate and the curve of people against money."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.invest.bundles import Offers
from phusong.invest.frontier import frontier
from phusong.invest.optimum import BestPlan, best_plan
from phusong.invest.options_table import options_table
from phusong.invest.plan_book import PlanBook
from phusong.invest.portfolio_settings import PortfolioSettings
from phusong.invest.ranking import rank
from phusong.invest.robustness import rank_range
from phusong.invest.schedule import schedule

__all__ = ["Portfolio", "PortfolioSettings", "choose"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Portfolio:
    """What to do.

    Parameters
    ----------
    options : DataFrame
        Ranked bundles (columns of the result's `options`).
    plan : DataFrame
        Remedies with year and fund (columns of the result's `plan`).
    curve : DataFrame
        cost_musd, people; budget_musd, bound_people.
    best : BestPlan
        The plan of this budget and the bound.
    tables : mapping of DataFrame
        Further tables of the result: all that could be bought, so that any plan can be evaluated.
    """

    options: pd.DataFrame
    plan: pd.DataFrame
    curve: pd.DataFrame
    best: BestPlan
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def choose(
    offers: Offers,
    settings: PortfolioSettings,
    *,
    commune_names: dict[str, str],
    parts: dict[str, Floats],
    commune_of_element: npt.NDArray[np.int64],
) -> Portfolio:
    """Rank the bundles, choose a plan within the budget, and bound what any plan could reach.

    Parameters
    ----------
    offers : Offers
        Remedies and bundles.
    settings : PortfolioSettings
        Budget, years, samples.
    commune_names : dict
        Name by commune code.
    parts : dict of ndarray, shape (n_elements,)
        People of each element by cause, for the reasons given.
    commune_of_element : ndarray of int, shape (n_elements,)
        Row of the commune, whose population is uncertain as one.
    """
    ranking = rank(offers.model)
    low, high = rank_range(offers, ranking, settings, commune_of_element)
    options = options_table(offers, ranking, low, high, commune_names, parts)
    best = best_plan(offers.model, settings.budget_musd, time_limit_s=settings.solver_seconds)
    plan = schedule(offers, best, settings)
    book = PlanBook.of_offers(offers, commune_of_element, np.array(list(commune_names), str))
    return Portfolio(options, plan, frontier(ranking, best, settings.budget_musd), best, book.tables())

"""The ranked options, the plan, its certificate and the curve of people against money."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.array_types import Floats
from phusong.invest.bundles import Offers
from phusong.invest.optimum import BestPlan, frontier
from phusong.invest.options_table import options_table
from phusong.invest.plan import Chosen, PortfolioSettings, chosen_plan
from phusong.invest.plan_book import PlanBook
from phusong.invest.plan_lines import option_gains
from phusong.invest.priorities import rank_by_value
from phusong.invest.program import CommuneFacts
from phusong.invest.program.solve import Certificate
from phusong.invest.signal_margin import SignalMargin
from phusong.invest.uncertainty import robustness, tornado

__all__ = ["Portfolio", "PortfolioSettings", "choose"]


_PROVEN = 1e-9  # gap that rounding alone leaves


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
        Further tables of the result: all that could be bought, so that any plan can be evaluated; the schedule,
        funds, milestones, what is late if a fund is, further plans.
    certificate, statements
        How good any plan under the same rules can be, and what has to be said of floors, targets and money: of each
        statement a `code` and its figures.
    samples : int
        In how many samples the plan was tried.
    """

    options: pd.DataFrame
    plan: pd.DataFrame
    curve: pd.DataFrame
    best: BestPlan
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    certificate: Certificate | None = None
    statements: tuple[Mapping[str, object], ...] = ()
    samples: int = 0

    @property
    def status(self) -> str:
        """How sure the plan is the best: `optimal` (proven), `bounded`, or `stopped` (the clock cut the search short)."""
        gap = self.best.gap if self.certificate is None else self.certificate.gap
        if gap <= _PROVEN:
            return "optimal"
        return "stopped" if self.best.stopped else "bounded"


def choose(
    offers: Offers,
    settings: PortfolioSettings,
    *,
    parts: dict[str, Floats],
    commune_of_element: npt.NDArray[np.int64],
    facts: CommuneFacts,
    value: Floats | None = None,
    reach: SignalMargin | None = None,
    facilities: Floats | None = None,
    tell: Callable[[float], None] = lambda _share: None,
) -> Portfolio:
    """Rank the bundles, choose a plan within the budget, and bound what any plan could reach.

    Parameters
    ----------
    offers : Offers
        Remedies and bundles.
    settings : PortfolioSettings
        Budget, years, samples.
    parts : dict of ndarray, shape (n_elements,)
        People of each element by cause (:data:`phusong.invest.options_table.CAUSES`), for the reasons given.
    commune_of_element : ndarray of int, shape (n_elements,)
        Row of the commune, whose population is uncertain as one.
    facts : CommuneFacts
        People of each commune, and who is served today.
    value : ndarray, shape (n_elements,), optional
        People by their priority, which order the options; people when left out.
    reach : SignalMargin, optional
        How surely bundles reach elements, so that signal and outages are sampled with the rest.
    facilities : ndarray, shape (n_elements,), optional
        Schools, clinics and offices that count as reached with each element.
    tell : callable
        Told about which share of the work is done.

    Raises
    ------
    InputError
        If a fund may pay for nothing on offer.
    """
    ranking = rank_by_value(offers.model, value)
    chosen: Chosen = chosen_plan(offers, settings, facts, commune_of_element, parts, value)
    best = chosen.best
    tell(0.6)
    sure = robustness(
        offers, ranking, best.remedies, commune_of_element, budget_musd=chosen.money_musd, samples=settings.samples,
        seed=settings.seed, spread=settings.spread, reach=reach, value=value,
    )  # fmt: skip
    tell(0.8)
    gains = option_gains(
        offers.model,
        ranking.order,
        offers.bundles["bundle_id"].to_numpy(str),
        commune_of_element,
        facts.codes,
    )
    options = options_table(
        offers,
        ranking,
        sure.rank_p05,
        sure.rank_p95,
        parts,
        gains=gains,
        facilities=facilities,
        value=value,
    ).assign(
        keep_probability=sure.keep_probability,
        in_cautious_plan=offers.model.holds(sure.cautious)[ranking.order],
    )
    tell(0.9)
    moved = tornado(offers, best.remedies, budget_musd=chosen.money_musd, spread=settings.spread, reach=reach)
    book = PlanBook.of_offers(offers, commune_of_element, facts.codes)
    return Portfolio(
        options,
        chosen.plan,
        frontier(ranking, best, chosen.money_musd, model=offers.model),
        best,
        {
            **book.tables(),
            **chosen.tables,
            "option_communes": gains,
            "robustness": sure.plans,
            "tornado": moved,
        },
        chosen.certificate,
        chosen.statements,
        settings.samples,
    )

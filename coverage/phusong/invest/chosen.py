"""The plan that is chosen, whatever was asked: within a budget, under rules, or the cheapest; with all its tables."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.invest.bundles import Offers
from phusong.invest.constrained import (
    Constrained,
    constrained_plan,
    plan_years,
    program_of,
    wanted_shares,
)
from phusong.invest.gains import plan_gains, plan_line_gains
from phusong.invest.interim_lines import interim_table
from phusong.invest.milestones import late_table, milestone_table
from phusong.invest.optimum import BestPlan, best_plan
from phusong.invest.plan_lines import evenly, plan_lines
from phusong.invest.plan_model import PlanModel
from phusong.invest.portfolio_settings import PortfolioSettings
from phusong.invest.program.alternatives import differing, shared_money
from phusong.invest.program.facts import CommuneFacts
from phusong.invest.program.program import Program
from phusong.invest.program.solve import Certificate, Guide, quick_plan
from phusong.invest.purses import NO_FUND, fund_names
from phusong.invest.schedule import Scheduled, fund_table, plan_table, schedule_table

__all__ = ["PLAN_TABLES", "Chosen", "chosen_plan"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_SAFETY = 10.0  # without rules the work done ends the search; the clock only stops what has gone astray

PLAN_TABLES = (
    "schedule", "funds", "milestones", "late", "interim", "alternatives", "plan_communes", "plan_line_communes",
)  # fmt: skip
"""Tables of a result that say how a plan is carried out."""

_ALTERNATIVES = [
    "plan",
    "people_gained",
    "cost_musd",
    "bound",
    "gap",
    "method",
    "differs",
    "meets",
    "remedies",
]


@dataclass(frozen=True)
class Chosen:
    """A plan and everything that is said of it.

    Parameters
    ----------
    best : BestPlan
        What is bought, in people, with the bound on people for the same money.
    plan : DataFrame
        The plan, see :func:`phusong.invest.schedule.plan_table`.
    tables : dict of DataFrame
        ``PLAN_TABLES``.
    certificate : Certificate
        Of what was asked for: people, value by priority, or cost.
    statements : tuple of mapping
        What has to be said beside the figures: a `code` and the figures it is said with.
    money_musd : float
        Money that the bound on people is for: the budget, all funds, or what the cheapest plan costs.
    """

    best: BestPlan
    plan: pd.DataFrame
    tables: dict[str, pd.DataFrame]
    certificate: Certificate
    statements: tuple[Mapping[str, object], ...]
    money_musd: float


def chosen_plan(
    offers: Offers,
    settings: PortfolioSettings,
    facts: CommuneFacts,
    commune_of_element: Ints,
    parts: dict[str, Floats],
    value: Floats | None,
) -> Chosen:
    """Return the plan that was asked for.

    Parameters
    ----------
    offers : Offers
        What could be bought.
    settings : PortfolioSettings
        Budget, years, rules.
    facts : CommuneFacts
        The communes.
    commune_of_element : ndarray of int, shape (n_elements,)
        Row of the commune.
    parts : dict of ndarray, shape (n_elements,)
        People by cause.
    value : ndarray, shape (n_elements,), or None
        People by priority; people when None.

    Raises
    ------
    InputError
        If a fund may pay for nothing on offer.
    """
    rules, model = settings.rules, offers.model
    seconds = _SAFETY * settings.solver_seconds
    measure = "people" if value is None else "value"
    worth = model.weights if value is None else value
    kinds = offers.remedies["kind"].to_numpy(str)
    program: Program | None = None
    said: tuple[Mapping[str, object], ...] = ()
    if rules.bind or rules.alternatives:
        program = program_of(offers, settings, facts, commune_of_element, worth)
    if program is not None and rules.bind:
        cheapest = program.cheapest
        money = float(program.available_musd.sum())
        free = None if cheapest else _free(model, program, worth, money, seconds)
        guide = None if free is None else Guide(free.bound, free.remedies, free.method)
        found = constrained_plan(program, settings, facts, measure=measure, guide=guide)
        program, certificate, said = found.program, found.certificate, found.statements
        year, fund = found.year, _funds(found, kinds, settings)
        cost = float(model.remedy_cost_musd[found.remedies].sum())
        money = cost if cheapest else money
        if not rules.funds and not rules.crews:
            year = evenly(model, found.remedies, money, plan_years(settings))
        if free is None or measure != "people":
            free = best_plan(model, money, time_limit_s=seconds)
        best = _in_people(free, model, found.remedies, certificate.method)
        if certificate.measure == "people":
            best = replace(best, bound=max(min(best.bound, certificate.bound), best.people))
    else:
        money = settings.budget_musd
        best = best_plan(model, money, time_limit_s=seconds)
        certificate = Certificate("people", best.people, best.bound, best.method)
        if value is not None:
            prior = best_plan(_valued(model, value), money, time_limit_s=seconds)
            certificate = Certificate("value", prior.people, prior.bound, prior.method)
            best = _in_people(best, model, prior.remedies, prior.method)
        year = evenly(model, best.remedies, money, settings.years)
        fund = np.full(kinds.size, NO_FUND)
    lines = plan_lines(model, year)
    gains = plan_line_gains(
        lines,
        model,
        offers.remedies["remedy_id"].to_numpy(str),
        commune_of_element,
        facts.codes,
        settings.first_year,
    )
    plan = Scheduled(
        offers,
        lines,
        fund[lines.remedy],
        rules,
        settings.first_year,
        plan_years(settings) if rules.bind else settings.years,
        dict(zip(facts.codes.tolist(), facts.names.tolist(), strict=True)),
        gains,
    )
    milestones = milestone_table(
        plan,
        model,
        facts,
        commune_of_element,
        target_share=wanted_shares(rules, facts.remote),
        parts=parts,
    )
    tables = {
        "schedule": schedule_table(plan),
        "funds": fund_table(plan),
        "milestones": milestones,
        "late": late_table(plan, model),
        "interim": interim_table(plan),
        "plan_communes": plan_gains(gains),
        "plan_line_communes": gains,
        "alternatives": _alternatives(offers, program, best, certificate, settings),
    }
    return Chosen(best, plan_table(plan), tables, certificate, said, money)


def _valued(model: PlanModel, value: Floats) -> PlanModel:
    return PlanModel(model.remedy_cost_musd, model.needs, model.covers, value)


def _free(model: PlanModel, program: Program, worth: Floats, money: float, seconds: float) -> BestPlan:
    """Return the best plan for all the money in one purse: no plan under the rules is better."""
    shut = np.asarray(model.needs @ (~program.allowed).astype(np.float64)).ravel() > 0
    # what no fund may pay is left out, or the bound would count it
    part = PlanModel(model.remedy_cost_musd, model.needs[~shut].tocsr(), model.covers[~shut].tocsr(), worth)
    return best_plan(part, money, time_limit_s=seconds)


def _in_people(free: BestPlan, model: PlanModel, remedies: Flags, method: str) -> BestPlan:
    """Return a plan beside the bound on people for its money."""
    people = model.people(remedies)
    cost = float(model.remedy_cost_musd[remedies].sum())
    return replace(
        free, remedies=remedies, people=people, bound=max(free.bound, people), cost_musd=cost, method=method
    )


def _funds(
    found: Constrained, kinds: npt.NDArray[np.str_], settings: PortfolioSettings
) -> npt.NDArray[np.str_]:
    names = fund_names(settings.rules)
    if not names.size:
        return np.full(kinds.size, NO_FUND)
    return np.asarray(np.append(names, "")[found.fund])


def _alternatives(
    offers: Offers,
    program: Program | None,
    best: BestPlan,
    certificate: Certificate,
    settings: PortfolioSettings,
) -> pd.DataFrame:
    """Return the chosen plan and further ones that spend the money otherwise, each with its distance from the bound."""
    rules = settings.rules
    if not rules.alternatives or program is None:
        return pd.DataFrame({c: [] for c in _ALTERNATIVES})
    ids = offers.remedies["remedy_id"].to_numpy(str)
    cost = program.model.remedy_cost_musd
    methods: list[str] = []

    def plan_of(asked: Program) -> Flags:
        found, method = quick_plan(asked, time_limit_s=settings.solver_seconds, seed=settings.seed)
        methods.append(method)
        return found

    further = differing(program, best.remedies, rules.alternatives, rules.alternatives_differ, plan_of)
    rows = []
    for i, plan in enumerate([best.remedies, *further]):
        got = program.cost(plan) if program.cheapest else program.worth(plan)
        # the bound of the chosen plan holds for every plan under the same rules
        one = Certificate(certificate.measure, got, certificate.bound, "")
        earlier = [best.remedies, *further][:i]
        common = [shared_money(cost, p, plan) / max(float(cost[p].sum()), 1e-12) for p in earlier]
        rows.append(
            {
                "plan": i,
                "people_gained": round(program.model.people(plan)),
                "cost_musd": program.cost(plan),
                "bound": certificate.bound,
                "gap": one.gap,
                "method": certificate.method if i == 0 else methods[i - 1],
                "differs": 1.0 - max(common, default=1.0) if i else 0.0,
                "meets": program.meets(plan),
                "remedies": ";".join(ids[plan]),
            }
        )
    return pd.DataFrame(rows, columns=_ALTERNATIVES)

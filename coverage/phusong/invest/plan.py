"""Selected plan: by budget, by funds and years, or by a target, with its certificate."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.array_types import Bools, Floats, Ints
from phusong.errors import refuse
from phusong.invest.bundles import Offers
from phusong.invest.optimum import BestPlan, best_plan
from phusong.invest.plan_book import PlanModel
from phusong.invest.plan_lines import evenly, plan_gains, plan_line_gains, plan_lines
from phusong.invest.program import NEVER, CommuneFacts, Program, by_commune, needed_gain
from phusong.invest.program.rules import NO_FUND, Rules, fund_names, unpayable_problems
from phusong.invest.program.solve import (
    Certificate,
    Effort,
    Guide,
    Solved,
    differing,
    nearest_met,
    quick_plan,
    shared_money,
    solve,
)
from phusong.invest.schedule import (
    Scheduled,
    fund_table,
    interim_table,
    late_table,
    milestone_table,
    plan_table,
    schedule_table,
)
from phusong.invest.uncertainty import Spread

__all__ = [
    "PLAN_TABLES",
    "Chosen",
    "Constrained",
    "PortfolioSettings",
    "chosen_plan",
    "constrained_plan",
    "plan_years",
    "program_of",
    "remedy_communes",
    "wanted_shares",
]


@dataclass(frozen=True)
class PortfolioSettings:
    """What the planner asked.

    Parameters
    ----------
    budget_musd : float
        Most that may be spent, net present.
    first_year, years : int
        When works begin, and over how many years the money comes evenly.
    samples, cost_spread, seed
        Samples of what may turn out otherwise, the spread of the logarithm of costs, and their seed.
    solver_seconds : float
        Time limit of branch and bound on small models. [s]
    people_spread, signal_sd_db, outage_spread : float
        Spread of the logarithm of communes' people, of sites' signal [dB], of the logarithm of sites' hours lost.
    rules : Rules
        Funds, crews, floors, target, further plans.
    """

    budget_musd: float
    first_year: int
    years: int
    samples: int
    cost_spread: float
    seed: int
    solver_seconds: float
    rules: Rules = field(default_factory=Rules)
    people_spread: float = 0.15
    signal_sd_db: float = 3.0
    outage_spread: float = 0.3

    @property
    def spread(self) -> Spread:
        """How far costs, people, signal and outages may turn out otherwise."""
        return Spread(self.cost_spread, self.people_spread, self.signal_sd_db, self.outage_spread)


_NAMED = 8  # communes named in a statement; the table milestones holds them all


@dataclass(frozen=True)
class Constrained:
    """A plan under rules.

    Parameters
    ----------
    program : Program
        What was solved, with the needs that are met.
    fund, year : ndarray of int, shape (n_remedies,)
        -1 and ``NEVER`` where nothing is bought; the fund by its place in the rules.
    certificate : Certificate
        How good any plan under the same rules can be.
    wanted : ndarray, shape (n_communes,)
        Share of the people of each commune that was asked for.
    statements : tuple of mapping
        What has to be said beside the figures: a `code` and the figures it is said with.
    """

    program: Program
    fund: Ints
    year: Ints
    certificate: Certificate
    wanted: Floats
    statements: tuple[Mapping[str, object], ...]

    @property
    def remedies(self) -> Bools:
        """Return what is bought."""
        return np.asarray(self.fund >= 0)


def plan_years(settings: PortfolioSettings) -> int:
    """Return over how many years the plan is built: to the target year where there is one."""
    rules = settings.rules
    if rules.target_share > 0 and rules.target_year is not None:
        return rules.target_year - settings.first_year + 1
    return settings.years


def wanted_shares(rules: Rules, remote: Ints) -> Floats:
    """Return the share of the people to be served in each commune; 0 where none is asked."""
    if rules.target_share > 0:
        return np.full(remote.size, rules.target_share)
    return np.asarray(rules.floor_share, np.float64)[np.clip(remote, 0, 3)]


def remedy_communes(offers: Offers, codes: npt.NDArray[np.str_]) -> Ints:
    """Return the row of the commune of each remedy: its own, or that of the first bundle which needs it."""
    row_of = {c: i for i, c in enumerate(codes.tolist())}
    bundle = np.array([row_of.get(c, 0) for c in offers.bundles["commune_code"].astype(str)], np.int64)
    needs = offers.model.needs
    owner = np.repeat(np.arange(needs.shape[0]), np.diff(needs.indptr))
    out = np.zeros(needs.shape[1], np.int64)
    # the last assignment wins: bundles from the last to the first
    out[needs.indices[::-1]] = bundle[owner[::-1]]
    if "commune_code" not in offers.remedies:
        return out
    own = offers.remedies["commune_code"].astype(str)
    return np.array([row_of.get(c, k) for c, k in zip(own, out.tolist(), strict=True)], np.int64)


def program_of(
    offers: Offers,
    settings: PortfolioSettings,
    facts: CommuneFacts,
    commune_of_element: Ints,
    value: Floats,
) -> Program:
    """Return the program of the offers under the rules, with no needs yet.

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
    value : ndarray, shape (n_elements,)
        What is maximised.

    Raises
    ------
    InputError
        If a fund may pay for nothing on offer.
    """
    rules, years = settings.rules, plan_years(settings)
    remote = facts.remote[remedy_communes(offers, facts.codes)]
    refuse(unpayable_problems(rules, offers.remedies, remote))
    model, worth, commune = by_commune(offers.model, commune_of_element, value)
    kind = offers.remedies["kind"].to_numpy(str)
    n = kind.size
    cheapest = rules.target_share > 0
    if rules.funds:
        money = np.array([f.available(rules.money, years) for f in rules.funds])
        carry = np.array([f.carry_over for f in rules.funds])
        pays = np.array(
            [
                (np.isin(kind, f.kinds) if f.kinds else np.ones(n, bool)) & np.isin(remote, f.classes)
                for f in rules.funds
            ]
        )
    else:
        # one budget, evenly over the years; for the cheapest plan, whatever all would cost. Where no crew binds, the
        # years are left for later: best value first, as the money comes
        whole = float(model.remedy_cost_musd.sum()) if cheapest else settings.budget_musd
        years = years if rules.crews else 1
        money = np.full((1, years), whole if cheapest else whole / years)
        carry, pays = np.array([True]), np.ones((1, n), bool)
    crews = sorted(rules.crews)
    crew_of = np.full(n, -1, np.int64)
    for c, name in enumerate(crews):
        crew_of[kind == name] = c
    return Program(
        model,
        worth,
        commune,
        np.zeros(facts.codes.size),
        money,
        carry,
        pays,
        crew_of,
        np.array([rules.crews[c] for c in crews], np.int64),
        cheapest=cheapest,
    )


def constrained_plan(
    program: Program,
    settings: PortfolioSettings,
    facts: CommuneFacts,
    *,
    measure: str = "people",
    guide: Guide | None = None,
) -> Constrained:
    """Return the plan of a program under floors or a target, and what has to be said about it.

    Parameters
    ----------
    program : Program
        From :func:`program_of`.
    settings : PortfolioSettings
        Budget, years, rules.
    facts : CommuneFacts
        The communes.
    measure : str
        What the value is: people, or value by priority.
    guide : Guide, optional
        The best plan for all the money without the rules, and its bound.
    """
    rules = settings.rules
    wanted = wanted_shares(rules, facts.remote)
    effort = Effort(settings.solver_seconds, settings.seed, measure, guide)
    said: list[Mapping[str, object]] = []
    if not (wanted > 0).any():
        solved = solve(program, effort)
        return _done(program, solved, wanted, said, settings)
    everything = program.gained(np.ones(program.model.remedy_cost_musd.size, bool))
    payable = program.reachable()
    said += _out_of_reach(wanted, facts, everything, payable)
    top = float(wanted.max())

    def need_of(level: float) -> Floats:
        # communes with less wanted keep their own share until the level falls below it
        return needed_gain(np.minimum(wanted, level), facts.population, facts.served, payable)

    solved, program, level = nearest_met(program, need_of, top, effort)
    if level < top:
        said.append(_not_met(wanted, top, level, proven=solved.impossible))
    return _done(program, solved, wanted, said, settings)


def _done(
    program: Program,
    solved: Solved,
    wanted: Floats,
    said: list[Mapping[str, object]],
    settings: PortfolioSettings,
) -> Constrained:
    year = np.where(solved.fund >= 0, solved.year, NEVER)
    rules = settings.rules
    if rules.funds:
        total = float(program.available_musd.sum())
        said.append({"code": "funds_hold", "funds_musd": total, "money": rules.money})
    elif program.cheapest:
        cost = program.cost(solved.remedies)
        over = cost > settings.budget_musd + 1e-9
        said.append(
            {
                "code": "cheapest_over" if over else "cheapest_within",
                "cost_musd": cost,
                "budget_musd": settings.budget_musd,
                "bound_musd": solved.certificate.bound,
            }
        )
    return Constrained(program, solved.fund, year, solved.certificate, wanted, tuple(said))


def _out_of_reach(
    wanted: Floats, facts: CommuneFacts, everything: Floats, payable: Floats
) -> list[Mapping[str, object]]:
    need = np.ceil(wanted * facts.population - 1e-9) - facts.served
    said: list[Mapping[str, object]] = []
    for gain, code in ((everything, "out_of_reach"), (payable, "out_of_pay")):
        short = need - gain
        if code == "out_of_pay":
            short = np.where(need - everything > 1e-6, 0.0, short)
        missing = np.flatnonzero(short > 1e-6)
        if not missing.size:
            continue
        share = (facts.served + gain) / np.maximum(facts.population, 1.0)
        worst = missing[np.lexsort((missing, share[missing]))][:_NAMED]
        said.append(
            {
                "code": code,
                "communes": int(missing.size),
                "of_communes": int(facts.codes.size),
                "worst": [
                    {"commune_code": str(facts.codes[c]), "share": float(share[c])} for c in worst.tolist()
                ],
            }
        )
    return said


def _not_met(wanted: Floats, top: float, level: float, *, proven: bool) -> dict[str, object]:
    every = bool(np.ptp(wanted) == 0)
    code = f"{'none_serves' if proven else 'none_found'}_{'every' if every else 'own'}"
    return {"code": code, "share": top, "level": level}


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


def _in_people(free: BestPlan, model: PlanModel, remedies: Bools, method: str) -> BestPlan:
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

    def plan_of(asked: Program) -> Bools:
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

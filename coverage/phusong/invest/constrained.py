"""The plan under rules: the program of the offers, solved, and what has to be said about floors, targets and money."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.errors import refuse
from phusong.invest.bundles import Offers
from phusong.invest.portfolio_settings import PortfolioSettings
from phusong.invest.program.facts import CommuneFacts
from phusong.invest.program.program import Program, by_commune, needed_gain
from phusong.invest.program.rules import Rules, unpayable_problems
from phusong.invest.program.solve import Certificate, Effort, Guide, Solved, nearest_met, solve
from phusong.invest.program.timeline import NEVER

__all__ = [
    "Constrained",
    "constrained_plan",
    "plan_years",
    "program_of",
    "remedy_communes",
    "wanted_shares",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

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
    def remedies(self) -> Flags:
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

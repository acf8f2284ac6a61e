"""Measures of comparison: equity (Gini), regret, chance to lead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from phusong.compute.array_types import Floats, Ints, Texts
from phusong.invest.plan_book import BOOK_TABLES, PlanBook
from phusong.invest.uncertainty import kept_total
from phusong.result.model import ResultData
from phusong.result.schema import GAP_PARTS

__all__ = [
    "PlanSteps",
    "Samples",
    "book_of",
    "gained_by_commune",
    "gini",
    "people_if",
    "plan_steps",
    "plan_years",
    "sample_people",
    "served_in_world",
    "served_with_plan",
    "worst_decile",
]


@dataclass(frozen=True)
class PlanSteps:
    """Remedies in the order of building, and groups of people by the step from which they are served.

    Parameters
    ----------
    remedy, kind : ndarray of str, shape (n_steps,)
        Id and kind of each remedy.
    year : ndarray of int, shape (n_steps,)
        When it is bought.
    cost_musd : ndarray of float, shape (n_steps,)
        Net present. [million USD]
    group_step : ndarray of int, shape (n_groups,)
        Step, from 0, with which a group is served.
    group_people : ndarray of float, shape (n_groups,)
        People of each group.
    group_commune : ndarray of str, shape (n_groups,)
        Their commune.
    exact : bool
        Whether the groups come from whom each bundle serves; otherwise each step's people stand in the commune
        where most of them live.
    """

    remedy: Texts
    kind: Texts
    year: Ints
    cost_musd: Floats
    group_step: Ints
    group_people: Floats
    group_commune: Texts
    exact: bool


def book_of(result: ResultData) -> PlanBook | None:
    """Return everything that could be bought in a result and whom it would serve, if the result holds it."""
    tables = {name: getattr(result, name) for name in BOOK_TABLES}
    return None if tables["remedies"].empty or tables["bundles"].empty else PlanBook.of_tables(tables)


def plan_steps(result: ResultData) -> PlanSteps:
    """Return the plan of a result in the order it is built: by year, then in the order of the table."""
    plan = result.plan.sort_values("year", kind="stable")
    remedy = plan["remedy_id"].to_numpy(str)
    first = np.array([name.split("@", 1)[0] for name in remedy], str) if remedy.size else np.empty(0, str)
    kind = plan["kind"].to_numpy(str) if "kind" in plan else first
    year, cost = plan["year"].to_numpy(np.int64), plan["cost_musd"].to_numpy(np.float64)
    book = book_of(result)
    if book is not None:
        step, people, commune = _of_book(book, remedy)
        return PlanSteps(remedy, kind, year, cost, step, people, commune, exact=True)
    lives = result.plan_line_communes
    if not lives.empty:
        step_of = {name: k for k, name in reversed(list(enumerate(remedy.tolist())))}
        lives = lives[lives["remedy_id"].astype(str).isin(step_of)]
        step = np.array([step_of[name] for name in lives["remedy_id"].astype(str)], np.int64)
        gained, code = lives["people_gained"].to_numpy(np.float64), lives["commune_code"].to_numpy(str)
        return PlanSteps(remedy, kind, year, cost, step, gained, code, exact=True)
    commune = plan["commune_code"].to_numpy(str) if "commune_code" in plan else np.full(remedy.size, "")
    people = plan["people_gained"].to_numpy(np.float64)
    # people whom a later bundle serves with what is bought already stand in no row of the plan, but in its sum
    whole = (result.summary.get("plan") or {}).get("people_gained")
    if whole and people.sum() > 0:
        people = people * (float(whole) / people.sum())
    return PlanSteps(remedy, kind, year, cost, np.arange(remedy.size), people, commune, exact=False)


def gained_by_commune(
    result: ResultData, *, until: int | None = None, steps: PlanSteps | None = None
) -> Floats:
    """Return how many more people of each commune the plan serves, in the order of ``result.communes``.

    Parameters
    ----------
    result : ResultData
        With its plan.
    until : int, optional
        Only what is bought up to this year.
    steps : PlanSteps, optional
        The plan's, if known already.

    Notes
    -----
    A commune gains at most the people not served there today.
    """
    codes = result.communes["commune_code"].astype(str)
    missing = result.communes[list(GAP_PARTS)].sum(axis=1).to_numpy(np.float64)
    if until is None and steps is None and not result.plan_communes.empty:
        told = result.plan_communes
        by_code = told.groupby(told["commune_code"].astype(str))["people_gained"].sum()
        return np.asarray(np.minimum(by_code.reindex(codes).fillna(0.0).to_numpy(np.float64), missing))
    steps = plan_steps(result) if steps is None else steps
    built = steps.remedy.size if until is None else int((steps.year <= until).sum())
    place = {code: k for k, code in enumerate(codes)}
    row = np.array([place.get(c, -1) for c in steps.group_commune], np.int64)
    use = (row >= 0) & (steps.group_step < built)
    gained = np.bincount(row[use], steps.group_people[use], len(codes))
    return np.asarray(np.minimum(gained, missing), np.float64)


def served_with_plan(
    result: ResultData, *, until: int | None = None, steps: PlanSteps | None = None
) -> Floats:
    """Return the people served in each commune once the plan is built; parameters as for the gain."""
    gained = gained_by_commune(result, until=until, steps=steps)
    return np.asarray(result.communes["people_served"].to_numpy(np.float64) + gained, np.float64)


def plan_years(result: ResultData) -> list[int]:
    """Return the years in which the plan buys something, first to last."""
    return sorted({int(year) for year in result.plan["year"]})


def _of_book(book: PlanBook, remedy: Texts) -> tuple[Ints, Floats, Texts]:
    never = remedy.size
    step_of = {name: k for k, name in reversed(list(enumerate(remedy.tolist())))}
    step = np.array([step_of.get(name, never) for name in book.remedies["remedy_id"].astype(str)], np.int64)
    needs, covers = book.model.needs, book.model.covers
    # a bundle is complete with the last of its remedies, a group is served with the first of its bundles
    complete = np.zeros(book.model.n_bundles, np.int64)
    filled = np.flatnonzero(np.diff(needs.indptr))
    if filled.size:
        complete[filled] = np.maximum.reduceat(step[needs.indices], needs.indptr[filled])
    bundle = np.repeat(np.arange(book.model.n_bundles), np.diff(covers.indptr))
    served = np.full(book.model.weights.size, never, np.int64)
    np.minimum.at(served, covers.indices, complete[bundle])
    use = served < never
    return served[use], book.model.weights[use], book.group_commune[use]


_COMMON_SHARE = 0.5  # of the spread of costs is shared by all remedies of one kind, as in the rank ranges
_PEOPLE_SPREAD = 0.15  # of the people of a commune about the register, as in the rank ranges


def gini(share: Floats, people: Floats) -> float:
    """Return the Gini coefficient of a share over communes weighted by their people: 0 equal, near 1 unequal.

    Parameters
    ----------
    share : ndarray, shape (n,)
        Of each commune's people who are served, 0 to 1.
    people : ndarray, shape (n,)
        Weights.

    Notes
    -----
    Half the mean absolute difference between two people drawn at random, over the mean: the area between the Lorenz
    curve and the diagonal, twice.

    Examples
    --------
    >>> gini(np.array([0.5, 0.5]), np.array([10.0, 30.0]))
    0.0
    >>> round(gini(np.array([0.0, 1.0]), np.array([10.0, 10.0])), 3)
    0.5
    """
    order = np.argsort(share, kind="stable")
    weight = people[order]
    value = weight * share[order]
    if weight.sum() <= 0 or value.sum() <= 0:
        return 0.0
    at = np.concatenate([[0.0], np.cumsum(weight) / weight.sum()])
    lorenz = np.concatenate([[0.0], np.cumsum(value) / value.sum()])
    return max(0.0, float(1.0 - np.sum(np.diff(at) * (lorenz[1:] + lorenz[:-1]))))


def worst_decile(share: Floats, people: Floats) -> float:
    """Return the share served among the tenth of the people who live in the communes with the lowest shares.

    Examples
    --------
    >>> worst_decile(np.array([0.2, 1.0]), np.array([5.0, 95.0]))
    0.6
    """
    order = np.argsort(share, kind="stable")
    tenth = people.sum() / 10
    if tenth <= 0:
        return 0.0
    before = np.concatenate([[0.0], np.cumsum(people[order])[:-1]])
    taken = np.clip(tenth - before, 0.0, people[order])
    return float((taken * share[order]).sum() / tenth)


@dataclass(frozen=True)
class Samples:
    """People served by each plan in each sample of costs and people, the same samples for all.

    Parameters
    ----------
    names : tuple of str
        The plans.
    people : ndarray of float, shape (n_samples, n_plans)
        Served once the plan is built, as far as its budget then goes.
    """

    names: tuple[str, ...]
    people: Floats

    def beats(self, a: int, b: int) -> float:
        """Return the share of samples in which plan a serves more people than plan b; a tie counts half."""
        first, second = self.people[:, a], self.people[:, b]
        return float((first > second).mean() + 0.5 * (first == second).mean())

    def regret(self) -> Floats:
        """Return how far each plan is behind the best of the same sample. [people]"""
        return np.asarray(self.people.max(axis=1, keepdims=True) - self.people, np.float64)


def people_if(
    steps: PlanSteps,
    budget_musd: float,
    served: Mapping[str, float],
    *,
    cost_factor: Floats | float = 1.0,
) -> float:
    """Return the people served once a plan is built, if costs are other than thought.

    Parameters
    ----------
    steps : PlanSteps
        The plan.
    budget_musd : float
        Money there is: the plan ends with the last step that it pays for.
    served : mapping of str to float
        People served without the plan in each commune.
    cost_factor : ndarray, shape (n_steps,), or float
        By which costs differ.
    """
    use = steps.group_step < _built(steps, budget_musd, cost_factor)
    return float(sum(served.values()) + steps.group_people[use].sum())


def _built(steps: PlanSteps, budget_musd: float, cost_factor: Floats | float) -> int:
    # a rounding error of the sum is no overrun
    spent = np.cumsum(steps.cost_musd * cost_factor)
    return int(np.searchsorted(spent, budget_musd * (1 + 1e-9), side="right"))


def sample_people(
    plans: Mapping[str, PlanSteps],
    budgets: Mapping[str, float],
    served: Mapping[str, Mapping[str, float]],
    population: Mapping[str, float],
    *,
    samples: int,
    seed: int,
    cost_spread: float,
) -> Samples:
    """Return the people served by each plan over common samples of costs and people.

    Parameters
    ----------
    plans, budgets, served : mapping by plan
        Steps; money there is [million USD]; people served today by commune.
    population : mapping of str to float
        People of each commune. How many live in which is uncertain, not how many there are in all.
    samples, seed : int
        How many, and of which seed.
    cost_spread : float
        Standard deviation of the logarithm of a remedy's cost; half its variance is common to a kind.

    Notes
    -----
    A remedy, a kind and a commune have the same factor in every plan, so that only what differs decides.
    """
    remedies = sorted({r for p in plans.values() for r in p.remedy.tolist()})
    kinds = sorted({k for p in plans.values() for k in p.kind.tolist()})
    communes = sorted({c for s in served.values() for c in s})
    out = np.empty((samples, len(plans)))
    place = {r: k for k, r in enumerate(remedies)}
    of_kind = {r: k for k, r in enumerate(kinds)}
    rows = {n: np.array([place[r] for r in p.remedy], np.int64) for n, p in plans.items()}
    kind_rows = {n: np.array([of_kind[r] for r in p.kind], np.int64) for n, p in plans.items()}
    commune = {c: k for k, c in enumerate(communes)}
    group_rows = {
        n: np.array([commune.get(c, -1) for c in p.group_commune], np.int64) for n, p in plans.items()
    }
    everybody = np.array([population.get(c, 0.0) for c in communes])
    today = {n: np.array([served[n].get(c, 0.0) for c in communes]) for n in plans}
    for k in range(samples):
        rng = np.random.default_rng([seed, 31, k])
        common = np.sqrt(_COMMON_SHARE) * rng.standard_normal(len(kinds))
        own = np.sqrt(1.0 - _COMMON_SHARE) * rng.standard_normal(len(remedies))
        factor = kept_total(np.exp(_PEOPLE_SPREAD * rng.standard_normal(len(communes))), everybody)
        # the last stands for people whose commune is not known
        people = np.append(factor, 1.0)
        for j, (name, steps) in enumerate(plans.items()):
            cost = np.exp(cost_spread * (common[kind_rows[name]] + own[rows[name]]))
            use = steps.group_step < _built(steps, budgets[name], cost)
            gained = (steps.group_people * people[group_rows[name]])[use].sum()
            # rounding alone may pass what all of them are
            out[k, j] = min(today[name] @ people[:-1] + gained, max(everybody.sum(), today[name].sum()))
    return Samples(tuple(plans), out)


def served_in_world(world: ResultData, plans: Sequence[ResultData]) -> list[tuple[float, int]] | None:
    """Return, if the world is as one result assumes, the people served by each plan and how many remedies it loses.

    Parameters
    ----------
    world : ResultData
        Whose assumptions hold.
    plans : sequence of ResultData
        Whose plans are built; a remedy that this world does not know (its site is open already, say) is left out.

    Returns
    -------
    list of (people, remedies left out), or None
        None if the result does not hold what there is to buy.
    """
    book = book_of(world)
    if book is None:
        return None
    base = float(world.communes["people_served"].sum())
    known = book.remedies["remedy_id"].astype(str)
    found = []
    for plan in plans:
        wanted = set(plan.plan["remedy_id"].astype(str))
        bought = known.isin(wanted).to_numpy()
        found.append((base + book.model.people(bought), len(wanted) - int(bought.sum())))
    return found

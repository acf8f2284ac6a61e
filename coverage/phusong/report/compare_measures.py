"""Measures that tell plans apart: equity, certainty, regret, and what they have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.invest.samples import kept_total
from phusong.report.plan_steps import PlanSteps, book_of
from phusong.report.result import ResultData

__all__ = ["Samples", "gini", "people_if", "sample_people", "served_in_world", "worst_decile"]

Floats = npt.NDArray[np.float64]

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

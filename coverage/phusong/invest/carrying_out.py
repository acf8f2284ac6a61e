"""A fixed plan carried out as things turn out: in its own order until the money is gone."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.invest.plan_model import PlanModel
from phusong.invest.ranking import rank
from phusong.kernel_cache import nb

__all__ = ["FixedPlan", "carry_out", "fixed_plan"]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class FixedPlan:
    """Remedies in the order in which they are bought.

    Parameters
    ----------
    name : str
        What the plan is called.
    remedies : ndarray of bool, shape (n_remedies,)
        What it buys.
    order : ndarray of int
        Bundles that it completes, best value first, then those that gain nobody.
    """

    name: str
    remedies: Bools
    order: Ints


def fixed_plan(name: str, model: PlanModel, remedies: Bools) -> FixedPlan:
    """Return a plan with its bundles in order of people per million, as modelled."""
    inside = np.flatnonzero(np.asarray(model.needs @ (~remedies).astype(np.float64)).ravel() == 0)
    part = PlanModel(
        model.remedy_cost_musd, model.needs[inside].tocsr(), model.covers[inside].tocsr(), model.weights
    )
    first = inside[rank(part).order]
    return FixedPlan(name, remedies, np.r_[first, np.setdiff1d(inside, first)].astype(np.int64))


def carry_out(plan: FixedPlan | Ints, model: PlanModel, budget_musd: float) -> tuple[Bools, float, float]:
    """Return what of a plan is bought, the people it serves, and what it costs. [people, million USD]

    Parameters
    ----------
    plan : FixedPlan or ndarray of int
        The plan, or bundles in the order in which they are bought.
    model : PlanModel
        What can be bought, as it turns out.
    budget_musd : float
        Bundles that no longer fit are passed over. [million USD]
    """
    order = plan.order if isinstance(plan, FixedPlan) else plan
    return _spend(  # type: ignore[no-any-return]  # a compiled function carries no types
        order,
        model.remedy_cost_musd,
        model.needs.indptr,
        model.needs.indices,
        model.covers.indptr,
        model.covers.indices,
        model.weights,
        budget_musd * (1.0 + 1e-9) + 1e-12,
    )


@nb.njit(cache=True)
def _spend(order, price, need_ptr, need, cover_ptr, cover, weights, budget):  # type: ignore[no-untyped-def]
    bought, served = np.zeros(price.size, np.bool_), np.zeros(weights.size, np.bool_)
    people = spent = 0.0
    # the second time round, what others bought may have completed a bundle that did not fit
    for again in range(2):
        for b in order:
            cost = 0.0
            for j in range(need_ptr[b], need_ptr[b + 1]):
                if not bought[need[j]]:
                    cost += price[need[j]]
            if spent + cost > budget or (again and cost > 0.0):
                continue
            spent += cost
            for j in range(need_ptr[b], need_ptr[b + 1]):
                bought[need[j]] = True
            for j in range(cover_ptr[b], cover_ptr[b + 1]):
                if not served[cover[j]]:
                    served[cover[j]] = True
                    people += weights[cover[j]]
    return bought, people, spent

"""The best plan for a budget, and a proof of how far from it one can be.

Merge what is equal, price the people (a bound), round the relaxed plan, improve by ruin and recreate, and end by
branch and bound whatever the prices leave open, where that is little. Every step stops after a number of
operations that depends on the model alone; the time limit only cuts short what would take longer.
"""

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from phusong.invest.plan_model import PlanModel
from phusong.invest.solver.lists import merge_equal, turned
from phusong.invest.solver.plan import solved
from phusong.invest.solver.problem import reduced

__all__ = ["BestPlan", "best_plan", "merge_elements"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BestPlan:
    """A plan and its certificate.

    Parameters
    ----------
    remedies : ndarray of bool, shape (n_remedies,)
        What to buy.
    people : float
        People it serves.
    bound : float
        No plan within the budget serves more.
    cost_musd : float
        What it costs.
    method : str
        How plan and bound were found.
    price : float
        People per further million USD in the relaxed bound.
    closable : float
        People that all bundles together serve.
    budget_musd, relaxed_bound : float
        The budget asked for, and its bound before branch and bound: `price` continues that one to other budgets.
    stopped : bool
        Whether the time limit cut the search short.
    """

    remedies: npt.NDArray[np.bool_]
    people: float
    bound: float
    cost_musd: float
    method: str
    price: float
    closable: float
    budget_musd: float = np.nan
    relaxed_bound: float = np.nan
    stopped: bool = False

    @property
    def gap(self) -> float:
        """Return how far the plan can be from the best, as a share of the bound."""
        return 0.0 if self.bound <= 0 else max(0.0, (self.bound - self.people) / self.bound)

    def bound_at(self, budget_musd: npt.ArrayLike) -> Floats:
        """Return people that no plan of another budget can exceed.

        Parameters
        ----------
        budget_musd : array_like
            Budgets, larger or smaller. [million USD]
        """
        other = np.asarray(budget_musd, np.float64)
        line = np.minimum(self.closable, self.relaxed_bound + self.price * (other - self.budget_musd))
        return np.where(other <= self.budget_musd, np.minimum(line, self.bound), line)


def merge_elements(covers: csr_matrix, weights: Floats) -> tuple[csr_matrix, Floats]:
    """Merge elements served by exactly the same bundles, adding their weights; drop those served by none."""
    n_bundles = covers.shape[0]
    starts, entries = turned(covers.indptr.astype(np.int64), covers.indices.astype(np.int32), covers.shape[1])
    starts, entries, merged, _ = merge_equal(starts, entries, np.asarray(weights, np.float64))
    starts, entries = turned(starts, entries, n_bundles)
    return csr_matrix((np.ones(entries.size), entries, starts), (n_bundles, merged.size)), merged


def best_plan(model: PlanModel, budget_musd: float, *, time_limit_s: float = 30.0) -> BestPlan:
    """Return a good plan within the budget and a bound on every plan.

    Parameters
    ----------
    model : PlanModel
        Bundles, remedies, elements.
    budget_musd : float
        Most that may be spent. [million USD]
    time_limit_s : float
        For everything. What depends on the model alone usually ends earlier; only where the limit cuts it short
        can another run give another plan. [s]
    """
    until = time.monotonic() + time_limit_s
    problem = reduced(model)
    answer = solved(problem, budget_musd, until=until)
    candidate = problem.bundle_candidate
    picked = np.append(answer.chosen, [False, False])[candidate]
    picked[_free(model, np.flatnonzero(candidate == -1))] = True
    bought = np.asarray((picked.astype(np.float64) @ model.needs) > 0).ravel()
    people = problem.free_people + problem.people(answer.chosen)
    bound = max(problem.free_people + answer.bound, people)
    return BestPlan(
        bought,
        people,
        bound,
        float(model.remedy_cost_musd[bought].sum()),
        answer.method,
        answer.price,
        problem.free_people + float(problem.weights.sum()),
        float(budget_musd),
        max(problem.free_people + answer.relaxed_bound, people),
        time.monotonic() >= until,
    )


def _free(model: PlanModel, bundles: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return, of bundles that cost nothing, those that serve somebody whom the ones before do not."""
    served = model.weights <= 0
    kept = []
    for b in bundles:
        cells = model.covers.indices[model.covers.indptr[b] : model.covers.indptr[b + 1]]
        if not served[cells].all():
            kept.append(b)
            served[cells] = True
    return np.array(kept, np.intp)

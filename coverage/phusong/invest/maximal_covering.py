"""Maximal covering location: which options cover most weight for a budget (Church and ReVelle, 1974)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, identity

from phusong.errors import InputError, Problem
from phusong.invest.optimum import best_plan
from phusong.invest.plan_model import PlanModel

__all__ = ["Choice", "max_coverage"]


@dataclass(frozen=True)
class Choice:
    """Options chosen, and how good the choice is.

    Parameters
    ----------
    chosen : ndarray of int
        Options, ascending.
    objective, bound : float
        Weight covered, and what no choice within the budget can exceed.
    cost : float
        Cost of the options chosen.
    method : str
        How choice and bound were found.
    """

    chosen: npt.NDArray[np.int64]
    objective: float
    bound: float
    cost: float
    method: str

    @property
    def gap(self) -> float:
        """Return how far the choice can be from the best, as a share of the bound."""
        return 0.0 if self.bound <= 0 else max(0.0, (self.bound - self.objective) / self.bound)


def max_coverage(
    covers: csr_matrix,
    weights: npt.ArrayLike,
    costs: npt.ArrayLike,
    budget: float,
    *,
    time_limit_s: float = 10.0,
) -> Choice:
    """Choose options that cover most weight within a budget.

    Parameters
    ----------
    covers : csr_matrix, shape (n_options, n_cells)
        Nonzero where an option covers a cell.
    weights : array_like, shape (n_cells,)
        Weight of each cell, 0 or more.
    costs : array_like, shape (n_options,)
        Cost of each option, 0 or more.
    budget : float
        Most that may be spent.
    time_limit_s : float
        For everything. [s]

    Raises
    ------
    InputError
        For shapes that do not agree, and weights, costs or a budget that are negative or no numbers.
    """
    matrix = csr_matrix(covers)
    weight, cost = np.asarray(weights, np.float64), np.asarray(costs, np.float64)
    problems = []
    for name, values, size in (("weights", weight, matrix.shape[1]), ("costs", cost, matrix.shape[0])):
        if values.shape != (size,):
            problems.append(
                Problem("max_coverage", f"must hold {size} numbers", column=name, value=values.shape)
            )
        elif not (np.isfinite(values) & (values >= 0)).all():
            problems.append(Problem("max_coverage", "must be numbers of 0 or more", column=name))
    if not budget >= 0:
        problems.append(Problem("max_coverage", "must be 0 or more", column="budget", value=budget))
    if problems:
        raise InputError(problems)
    model = PlanModel(cost, csr_matrix(identity(matrix.shape[0])), matrix, weight)
    best = best_plan(model, float(budget), time_limit_s=time_limit_s)
    return Choice(np.flatnonzero(best.remedies), best.people, best.bound, best.cost_musd, best.method)

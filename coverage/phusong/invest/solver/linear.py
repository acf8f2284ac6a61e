"""The linear relaxation with shared parts: candidate by part, as a bound and as fractions to round.

max Σ w_e z_e with z_e ≤ Σ a_b over candidates that serve e, a_b ≤ x_r for every part r that b needs,
Σ c_r x_r ≤ budget. The bound is recomputed from the duals, so that it holds whatever the solver's tolerance.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from ortools.pdlp import solvers_pb2
from ortools.pdlp.python import pdlp
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

from phusong.invest.solver.problem import Problem

__all__ = ["linear_relaxation"]

Floats = npt.NDArray[np.float64]

_SIMPLEX_NONZEROS = 200_000  # beyond, simplex takes minutes (measured: 86 s at 1 million, PDLP 5 s)


def linear_relaxation(problem: Problem, budget: float, *, seconds: float) -> tuple[float, float, Floats, str]:
    """Return a bound, people per million in it, the fraction of each part bought and the solver's name.

    Parameters
    ----------
    problem : Problem
        Candidates, parts and elements.
    budget : float
        Most that may be spent. [million USD]
    seconds : float
        A safety cap. [s]
    """
    rows, right = _rows(problem, budget)
    n_x, n_a = problem.cost.size, problem.n_candidates
    goal = np.r_[np.zeros(n_x + n_a), -problem.weights]
    small = rows.nnz <= _SIMPLEX_NONZEROS
    dual, x = _highs(goal, rows, right, seconds) if small else _pdlp(goal, rows, right, seconds)
    # any dual ≤ 0 of the rows gives a valid bound; recomputing it removes the solver's tolerance
    dual = np.minimum(dual, 0.0)
    reduced = goal - np.asarray(rows.T @ dual).ravel()
    bound = float(-(dual @ right + np.minimum(reduced, 0.0).sum()))
    return bound, float(-dual[-1]), np.clip(x[:n_x], 0.0, 1.0), "HiGHS" if small else "PDLP"


def _rows(problem: Problem, budget: float) -> tuple[csr_matrix, Floats]:
    """Return A and b of A·(x, a, z) ≤ b."""
    n_x, n_a, n_z = problem.cost.size, problem.n_candidates, problem.weights.size
    b = np.repeat(np.arange(n_a), np.diff(problem.need_starts))
    e = np.repeat(np.arange(n_z), np.diff(problem.chain_starts))
    k = np.arange(b.size)
    i = np.concatenate([k, k, b.size + np.arange(n_z), b.size + e, np.full(n_x, b.size + n_z)])
    j = np.concatenate(
        [n_x + b, problem.need, n_x + n_a + np.arange(n_z), n_x + problem.chain, np.arange(n_x)]
    )
    v = np.concatenate([np.ones(b.size), -np.ones(b.size), np.ones(n_z), -np.ones(e.size), problem.cost])
    rows = csr_matrix((v, (i, j)), (b.size + n_z + 1, n_x + n_a + n_z))
    return rows, np.r_[np.zeros(b.size + n_z), budget]


def _highs(goal: Floats, rows: csr_matrix, right: Floats, seconds: float) -> tuple[Floats, Floats]:
    solved: Any = linprog(  # type: ignore[call-overload]
        goal, A_ub=rows, b_ub=right, bounds=(0.0, 1.0), method="highs", options={"time_limit": seconds}
    )
    if solved.status != 0:
        return np.zeros(right.size), np.zeros(goal.size)
    return np.asarray(solved.ineqlin.marginals, np.float64), np.asarray(solved.x, np.float64)


def _pdlp(goal: Floats, rows: csr_matrix, right: Floats, seconds: float) -> tuple[Floats, Floats]:
    """Solve the relaxation by a first-order method: close to the optimum in seconds where simplex takes minutes."""
    program = pdlp.QuadraticProgram()
    program.objective_vector = goal
    program.constraint_matrix = rows.tocsc()
    program.constraint_lower_bounds = np.full(right.size, -np.inf)
    program.constraint_upper_bounds = right
    program.variable_lower_bounds = np.zeros(goal.size)
    program.variable_upper_bounds = np.ones(goal.size)
    settings = solvers_pb2.PrimalDualHybridGradientParams()
    settings.termination_criteria.simple_optimality_criteria.eps_optimal_relative = 1e-3
    settings.termination_criteria.simple_optimality_criteria.eps_optimal_absolute = 1e-3
    # iterations, not seconds, end it, so that a repeated run gives the same bytes
    settings.termination_criteria.iteration_limit = 20_000
    settings.termination_criteria.time_sec_limit = seconds
    settings.num_threads = 1
    result = pdlp.primal_dual_hybrid_gradient(program, settings)
    return np.asarray(result.dual_solution, np.float64), np.asarray(result.primal_solution, np.float64)

"""How far any plan can be from ours: the linear relaxation, its years summed, and a bound from its duals.

max Σ v_e z_e (or min Σ c_k x_k) with z_e ≤ Σ_b∋e a_b, a_b ≤ x_k for every remedy k that b needs, money by groups of
remedies that the same funds may pay: Σ_k∈g c_k x_k ≤ Σ_f u_gf, Σ_g u_gf ≤ all years' money of f; works of a crew
≤ all years' works; Σ_e∈c w_e z_e ≥ need of commune c. Every plan by years and funds is a point of it, so its optimum
bounds them all; recomputed from the duals, the bound holds whatever the solver's tolerance.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import csr_matrix, eye, hstack

from phusong.invest.program.program import Program, group_rows, stack

__all__ = ["Relaxed", "coverage_rows", "relax"]

Floats = npt.NDArray[np.float64]

_SIMPLEX_NONZEROS = 60_000  # beyond, the first-order method is quicker


@dataclass(frozen=True)
class Relaxed:
    """A relaxation solved.

    Parameters
    ----------
    bound : float
        No plan is worth more; or, of the cheapest plan, none costs less. [value, or million USD]
    fraction : ndarray, shape (n_remedies,)
        Remedies of the relaxed optimum, 0 to 1.
    solver : str
        What solved it.
    impossible : bool
        Whether the relaxation proves that no plan meets the needs.
    chain_price, served_price : ndarray
        Duals (0 or more) of a_b ≤ x_k, one for each remedy a bundle needs, and of z_e ≤ Σ a_b.
    """

    bound: float
    fraction: Floats
    solver: str
    impossible: bool = False
    chain_price: Floats = field(default_factory=lambda: np.empty(0))
    served_price: Floats = field(default_factory=lambda: np.empty(0))


def coverage_rows(program: Program) -> tuple[csr_matrix, csr_matrix, csr_matrix]:
    """Return the rows shared by every model over (x, a, z): a_b ≤ x_k; z_e ≤ Σ a_b; −Σ w_e z_e per commune in need."""
    needs, covers = program.model.needs, program.model.covers
    n_b, n_k = needs.shape
    n_e = covers.shape[1]
    entry = np.repeat(np.arange(n_b), np.diff(needs.indptr))
    at = np.arange(entry.size)
    ones = np.ones(entry.size)
    pick_b = csr_matrix((ones, (at, entry)), (entry.size, n_b))
    pick_k = csr_matrix((ones, (at, needs.indices)), (entry.size, n_k))
    chain = hstack([-pick_k, pick_b, csr_matrix((entry.size, n_e))], format="csr")
    served = hstack([csr_matrix((n_e, n_k)), -covers.T, eye(n_e)], format="csr")
    wanting = np.flatnonzero(program.need_people > 0)
    people = group_rows(program.commune, program.model.weights, program.need_people.size)[wanting]
    floors = hstack([csr_matrix((wanting.size, n_k + n_b)), -people], format="csr")
    return chain, served, floors


def relax(program: Program) -> Relaxed:
    """Return the relaxation's bound and its remedies.

    Parameters
    ----------
    program : Program
        What is to be decided.
    """
    model = program.model
    n_b, n_k = model.needs.shape
    n_e = model.weights.size
    if n_b == 0:
        return Relaxed(0.0, np.zeros(n_k), "nothing to choose from")
    group, payers = program.groups()
    total = program.available_musd.sum(axis=1)
    g_of, f_of = np.nonzero(payers)
    n_u = g_of.size
    n = n_k + n_b + n_e + n_u
    scale = max(float(total.max(initial=0.0)), 1e-9)
    chain, served, floors = coverage_rows(program)
    pad = n_b + n_e

    def over_remedies(rows: csr_matrix) -> csr_matrix:
        return csr_matrix(hstack([rows, csr_matrix((rows.shape[0], pad + n_u))], format="csr"))

    at = np.arange(n_u)
    size = np.minimum(total[f_of] / scale, 1.0)
    spend = group_rows(group, model.remedy_cost_musd / scale, payers.shape[0])
    paid = csr_matrix((-size, (g_of, at)), (payers.shape[0], n_u))
    purse = csr_matrix((np.ones(n_u), (f_of, at)), (total.size, n_u))
    crews = group_rows(program.crew_of, np.ones(n_k), program.crew_most.size)
    further = stack([csr_matrix(x.amount[None, :]) for x in program.limits], n_k)
    rows = stack(
        [
            *(hstack([r, csr_matrix((r.shape[0], n_u))], format="csr") for r in (chain, served, floors)),
            hstack([spend, csr_matrix((payers.shape[0], pad)), paid], format="csr"),
            hstack([csr_matrix((total.size, n_k + pad)), purse], format="csr"),
            over_remedies(crews),
            over_remedies(further),
        ],
        n,
    )
    need = program.need_people[program.need_people > 0]
    right = np.r_[
        np.zeros(chain.shape[0] + n_e),
        -need,
        np.zeros(payers.shape[0]),
        np.ones(total.size),
        program.crew_most * float(program.n_years),
        [x.most for x in program.limits],
    ]
    high = np.ones(n)
    high[:n_k] = program.allowed
    goal = np.zeros(n)
    if program.cheapest:
        goal[:n_k] = model.remedy_cost_musd
    else:
        goal[n_k + n_b : n_k + n_b + n_e] = -program.value
    chains = chain.shape[0]
    return _solve(
        goal, rows, right.astype(np.float64), high, n_k, (chains, chains + n_e), cheapest=program.cheapest
    )


def _solve(
    goal: Floats,
    rows: csr_matrix,
    right: Floats,
    high: Floats,
    n_k: int,
    ends: tuple[int, int],
    *,
    cheapest: bool,
) -> Relaxed:
    name = "HiGHS" if rows.nnz <= _SIMPLEX_NONZEROS else "PDLP, recomputed"
    impossible = False
    if rows.nnz <= _SIMPLEX_NONZEROS:
        solved: Any = linprog(  # type: ignore[call-overload]
            goal, A_ub=rows, b_ub=right, bounds=np.c_[np.zeros(goal.size), high], method="highs"
        )
        impossible = solved.status == 2
        known = solved.status == 0
        dual = np.asarray(solved.ineqlin.marginals, np.float64) if known else np.zeros(right.size)
        x = np.asarray(solved.x, np.float64) if known else np.zeros(goal.size)
    else:
        dual, x = _first_order(goal, rows, right, high)
    # any duals ≤ 0 give a valid bound: of min goal·x it is dual·right + Σ min(0, reduced)·high
    dual = np.minimum(dual, 0.0)
    reduced = goal - np.asarray(rows.T @ dual).ravel()
    least = float(dual @ right + np.minimum(reduced, 0.0) @ high)
    bound = max(least, 0.0) if cheapest else min(-least, float(-goal.sum()))
    chain, served = -dual[: ends[0]], -dual[ends[0] : ends[1]]
    return Relaxed(bound, np.clip(x[:n_k], 0.0, 1.0), name, impossible, chain, served)


def _first_order(goal: Floats, rows: csr_matrix, right: Floats, high: Floats) -> tuple[Floats, Floats]:
    from ortools.pdlp import solvers_pb2  # noqa: PLC0415
    from ortools.pdlp.python import pdlp  # noqa: PLC0415

    program = pdlp.QuadraticProgram()
    program.objective_vector = goal
    program.constraint_matrix = rows.tocsc()
    program.constraint_lower_bounds = np.full(right.size, -np.inf)
    program.constraint_upper_bounds = right
    program.variable_lower_bounds = np.zeros(goal.size)
    program.variable_upper_bounds = high
    settings = solvers_pb2.PrimalDualHybridGradientParams()
    settings.termination_criteria.simple_optimality_criteria.eps_optimal_relative = 1e-3
    settings.termination_criteria.simple_optimality_criteria.eps_optimal_absolute = 1e-3
    # iterations, not seconds, end it, so that a repeated run gives the same bytes
    settings.termination_criteria.iteration_limit = 5_000
    settings.num_threads = 1
    # measured on 14,362 bundles and a million covers: with presolve 45 s and a bound 0.8 % lower than without, 68 s
    settings.presolve_options.use_glop = True
    result = pdlp.primal_dual_hybrid_gradient(program, settings)
    return np.asarray(result.dual_solution, np.float64), np.asarray(result.primal_solution, np.float64)

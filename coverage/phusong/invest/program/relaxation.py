"""LP relaxation (PDLP) and duals.

max Σ v_e z_e (or min Σ c_k x_k) with z_e ≤ Σ_b∋e a_b, a_b ≤ x_k for every remedy k that b needs, money by groups of
remedies that the same funds may pay: Σ_k∈g c_k x_k ≤ Σ_f u_gf, Σ_g u_gf ≤ all years' money of f; works of a crew
≤ all years' works; Σ_e∈c w_e z_e ≥ need of commune c. Every plan by years and funds is a point of it, so its optimum
bounds them all; recomputed from the duals, the bound holds whatever the solver's tolerance.

The cost of each remedy is split among the communes whose people it helps to serve, in proportion to what the duals
of the relaxation pay for it there. Any plan that meets all needs meets each commune's, so with c_k = Σ_m c_km it
costs at least Σ_m min {Σ_k c_km x_k : x meets the need of commune m}: each a small program, solved by branch and
bound, whose bounds add up. All their remedies together meet every need.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csc_matrix, csr_matrix, eye, hstack, vstack

from phusong.compute.array_types import Bools, Floats, Ints
from phusong.invest.program import Program, group_rows, stack

__all__ = ["Parted", "Relaxed", "by_communes", "coverage_rows", "relax"]


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


_NODES = 200  # of branch and bound in each commune: nodes, not seconds, so that a repeated run gives the same bytes
_GAP = 2e-3


@dataclass(frozen=True)
class Parted:
    """What the communes one by one give.

    Parameters
    ----------
    bound : float
        No plan that meets the needs costs less. [million USD]
    remedies : ndarray of bool, shape (n_remedies,)
        All that the communes buy: it meets every need, where the money is there.
    method : str
        How the bound was found.
    """

    bound: float
    remedies: Bools
    method: str


def by_communes(program: Program, relaxed: Relaxed) -> Parted:
    """Return the sum of the communes' bounds, and their remedies together.

    Parameters
    ----------
    program : Program
        The cheapest plan that meets needs.
    relaxed : Relaxed
        Its relaxation, whose duals split the costs.
    """
    model = program.model
    owner = np.repeat(np.arange(model.n_bundles), np.diff(model.needs.indptr))
    split = _split(program, relaxed, owner)
    columns = model.covers.tocsc()
    bought = np.zeros(model.remedy_cost_musd.size, bool)
    bound = 0.0
    wanting = np.flatnonzero(program.need_people > 0)
    for m in wanting.tolist():
        elements = np.flatnonzero(program.commune == m)
        part = columns[:, elements].tocsr()
        bundles = np.flatnonzero(np.diff(part.indptr))
        least, remedies = _commune(program, part[bundles], bundles, elements, split[:, m], m)
        bound += least
        bought[remedies] = True
    words = f"branch and bound in each of {wanting.size} communes, costs split by the duals of the linear relaxation"
    return Parted(bound, bought, words)


def _split(program: Program, relaxed: Relaxed, owner: Ints) -> csc_matrix:
    """Return each remedy's cost by commune, as a matrix (n_remedies, n_communes)."""
    model = program.model
    n_k, n_m = model.remedy_cost_musd.size, program.need_people.size
    n_e = model.weights.size
    needed = program.need_people[program.commune] > 0
    # a little for everyone served keeps the split defined where the duals pay nothing
    price = relaxed.served_price + 1e-9 * model.weights
    to_commune = csr_matrix((np.where(needed, price, 0.0), (np.arange(n_e), program.commune)), (n_e, n_m))
    paid_at = model.covers @ to_commune
    total = np.asarray(paid_at.sum(axis=1)).ravel()
    paid_at = csr_matrix(paid_at.multiply(1.0 / np.where(total > 0, total, 1.0)[:, None]))
    pays = csr_matrix((relaxed.chain_price + 1e-12, (model.needs.indices, owner)), (n_k, model.n_bundles))
    share = pays @ paid_at
    whole = np.asarray(share.sum(axis=1)).ravel()
    factor = np.divide(model.remedy_cost_musd, whole, out=np.zeros(n_k), where=whole > 0)
    return csc_matrix(share.multiply(factor[:, None]))


def _commune(
    program: Program, part: csr_matrix, bundles: Ints, elements: Ints, cost_of: csc_matrix, m: int
) -> tuple[float, Ints]:
    """Return the least cost of one commune's need by its share of the costs, and the remedies bought for it."""
    model = program.model
    needs = model.needs[bundles]
    allowed = np.asarray(needs @ (~program.allowed).astype(np.float64)).ravel() == 0
    needs, part = needs[allowed].tocsr(), part[allowed].tocsr()
    used = np.unique(needs.indices)
    at = np.searchsorted(used, needs.indices)
    n_b, n_k, n_e = part.shape[0], used.size, elements.size
    entry = np.repeat(np.arange(n_b), np.diff(needs.indptr))
    row = np.arange(entry.size)
    one = np.ones(entry.size)
    chain = hstack(
        [
            -csr_matrix((one, (row, at)), (entry.size, n_k)),
            csr_matrix((one, (row, entry)), (entry.size, n_b)),
            csr_matrix((entry.size, n_e)),
        ]
    )
    served = hstack([csr_matrix((n_e, n_k)), -part.T, eye(n_e)])
    need = float(program.need_people[m])
    people = hstack([csr_matrix((1, n_k + n_b)), csr_matrix(-model.weights[elements][None, :])])
    cost = np.asarray(cost_of[used].todense()).ravel()
    goal = np.r_[cost, np.zeros(n_b + n_e)]
    solved = milp(
        goal,
        constraints=LinearConstraint(
            vstack([chain, served, people], format="csr"), -np.inf, np.r_[np.zeros(entry.size + n_e), -need]
        ),
        bounds=Bounds(0.0, 1.0),
        integrality=np.r_[np.ones(n_k), np.zeros(n_b + n_e)],
        options={"node_limit": _NODES, "mip_rel_gap": _GAP},
    )
    least = float(solved.mip_dual_bound) if solved.mip_dual_bound is not None else 0.0
    if solved.x is None:
        return max(least, 0.0), used
    return max(least, 0.0), used[np.asarray(solved.x[:n_k]) > 0.5]

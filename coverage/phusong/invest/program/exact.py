"""Small programs solved to the end by HiGHS: each remedy with its fund and year, bought once or not at all."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix, hstack

from phusong.invest.program.placing import overspent
from phusong.invest.program.program import Program, group_rows, stack
from phusong.invest.program.relaxation import coverage_rows

__all__ = ["Exact", "solve_exactly"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_MONEY_SCALE = 1e3  # HiGHS keeps rows to 1e-6: in thousands of USD that is a tenth of a cent
_TRIES = 3
# the work done ends the search, so that a slower machine finds the same plan; the clock only stops what has gone astray
_NODES = 20_000
_SAFETY = 10.0


@dataclass(frozen=True)
class Exact:
    """What branch and bound found.

    Parameters
    ----------
    fund, year : ndarray of int, shape (n_remedies,), or None
        The plan, -1 where nothing is bought; None when none was found.
    bound : float
        No plan is worth more; or, of the cheapest plan, none costs less.
    impossible : bool
        Whether it is proven that no plan obeys the rules.
    """

    fund: Ints | None
    year: Ints | None
    bound: float
    impossible: bool


def solve_exactly(program: Program, time_limit_s: float) -> Exact:
    """Return the best plan by funds and years, and the bound of branch and bound.

    Parameters
    ----------
    program : Program
        What is to be decided.
    time_limit_s : float
        Time that branch and bound may take on an ordinary machine; it is stopped after ten times as long. [s]
    """
    if program.model.n_bundles == 0:
        nothing = np.full(program.model.remedy_cost_musd.size, -1, np.int64)
        return Exact(nothing, nothing.copy(), 0.0, impossible=bool((program.need_people > 0).any()))
    bound: float | None = None
    asked = program
    for attempt in range(_TRIES):
        found = _solve(asked, time_limit_s)
        bound = found.bound if bound is None else bound
        if found.fund is None or found.year is None or not overspent(program, found.fund, found.year):
            return replace(found, bound=bound, impossible=found.impossible and attempt == 0)
        # the solver's tolerance overdrew a purse by a cent: keep a cent back and ask again
        keep = 10.0 ** (attempt - 6)
        asked = replace(program, available_musd=np.maximum(program.available_musd - keep, 0.0))
    return Exact(None, None, float(bound or 0.0), impossible=False)


def _solve(program: Program, time_limit_s: float) -> Exact:
    model = program.model
    cost = model.remedy_cost_musd
    n_b, n_k = model.needs.shape
    n_e = model.weights.size
    n_f, n_t = program.available_musd.shape
    # one column for each remedy, fund that may pay it, and year
    f_of, k_of = np.nonzero(program.pays)
    f_of, k_of = np.repeat(f_of, n_t), np.repeat(k_of, n_t)
    t_of = np.tile(np.arange(n_t), k_of.size // max(n_t, 1))
    n_y = k_of.size
    bought = csr_matrix((np.ones(n_y), (k_of, np.arange(n_y))), (n_k, n_y))
    rows, right = [], []
    for block in coverage_rows(program):
        rows.append(hstack([block[:, :n_k] @ bought, block[:, n_k:]], format="csr"))
    chain_rows = rows[0].shape[0] + rows[1].shape[0]
    right += [np.zeros(chain_rows), -program.need_people[program.need_people > 0]]
    pad = csr_matrix((0, n_b + n_e))

    def over_purchases(block: csr_matrix, most: Floats) -> None:
        rows.append(hstack([block, csr_matrix((block.shape[0], pad.shape[1]))], format="csr"))
        right.append(most)

    over_purchases(bought, np.ones(n_k))
    money = group_rows(f_of * n_t + t_of, cost[k_of] * _MONEY_SCALE, n_f * n_t)
    most = program.available_musd.ravel() * _MONEY_SCALE
    if program.carry_over.any():
        # with money carried over, what is spent up to a year stays within what came up to it
        sums = np.kron(np.eye(n_f), np.tri(n_t)) if n_f * n_t else np.zeros((0, 0))
        single = np.repeat(~program.carry_over, n_t)
        sums[single] = np.eye(n_f * n_t)[single]
        money, most = csr_matrix(sums) @ money, sums @ most
    over_purchases(money, most)
    crew = program.crew_of[k_of]
    crew_year = np.where(crew >= 0, crew * n_t + t_of, -1)
    over_purchases(
        group_rows(crew_year, np.ones(n_y), program.crew_most.size * n_t),
        np.repeat(program.crew_most, n_t).astype(np.float64),
    )
    for limit in program.limits:
        over_purchases(
            csr_matrix(limit.amount[k_of][None, :] * _MONEY_SCALE), np.array([limit.most * _MONEY_SCALE])
        )
    goal = np.zeros(n_y + n_b + n_e)
    if program.cheapest:
        goal[:n_y] = cost[k_of]
    else:
        goal[n_y + n_b :] = -program.value
    solved = milp(
        goal,
        constraints=LinearConstraint(stack(rows, goal.size), -np.inf, np.concatenate(right)),
        bounds=Bounds(0.0, 1.0),
        integrality=np.r_[np.ones(n_y), np.zeros(n_b + n_e)],
        options={"node_limit": _NODES, "time_limit": _SAFETY * time_limit_s, "mip_rel_gap": 1e-9},
    )
    least = solved.mip_dual_bound
    worst = 0.0 if program.cheapest else float(program.value.sum())
    bound = worst if least is None else float(least if program.cheapest else -least)
    if solved.x is None:
        return Exact(None, None, bound, impossible=solved.status == 2)
    taken = np.flatnonzero(np.asarray(solved.x[:n_y]) > 0.5)
    fund, year = np.full(n_k, -1, np.int64), np.full(n_k, -1, np.int64)
    fund[k_of[taken]], year[k_of[taken]] = f_of[taken], t_of[taken]
    return Exact(fund, year, bound, impossible=False)

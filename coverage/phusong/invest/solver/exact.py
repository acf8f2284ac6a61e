"""Branch and bound to the end, by HiGHS through OR-Tools' MathOpt: for small problems and for what is still open."""

import datetime as dt

import numpy as np
import numpy.typing as npt

from phusong.invest.solver.problem import Problem

__all__ = ["branched"]

Bools = npt.NDArray[np.bool_]
_EXACT = 1e-9  # relative gap at which a plan counts as the best


def branched(
    problem: Problem, start: Bools, budget: float, *, nodes: int, seconds: float
) -> tuple[Bools, float]:
    """Return the best plan found and a bound on every plan.

    max Σ w_e z_e with z_e ≤ Σ a_b over the candidates b that serve e, a_b ≤ x_r for each part r that b needs,
    Σ c_r x_r ≤ budget; x whole.

    Parameters
    ----------
    problem : Problem
        Candidates and elements, few of them.
    start : ndarray of bool, shape (n_candidates,)
        A plan within the budget: the first incumbent.
    budget : float
        Most that may be spent. [million USD]
    nodes : int
        Branches after which to stop: the same on every machine.
    seconds : float
        A safety cap. [s]
    """
    # a third of a second to load, and only what must be proved asks for it
    from ortools.math_opt import model_pb2  # noqa: PLC0415
    from ortools.math_opt.python import mathopt  # noqa: PLC0415

    n_x, n_a, n_z = problem.cost.size, problem.n_candidates, problem.weights.size
    width = np.diff(problem.need_starts)
    b = np.repeat(np.arange(n_a), width)
    e = np.repeat(np.arange(n_z), np.diff(problem.chain_starts))
    k = np.arange(b.size)
    rows = np.concatenate([k, k, b.size + np.arange(n_z), b.size + e, np.full(n_x, b.size + n_z)])
    columns = np.concatenate(
        [n_x + b, problem.need, n_x + n_a + np.arange(n_z), n_x + problem.chain, np.arange(n_x)]
    )
    values = np.concatenate([np.ones(b.size), -np.ones(b.size), np.ones(n_z), -np.ones(e.size), problem.cost])
    order = np.lexsort((columns, rows))
    n_rows, n_columns = b.size + n_z + 1, n_x + n_a + n_z
    proto = model_pb2.ModelProto()
    proto.variables.ids.extend(range(n_columns))
    proto.variables.lower_bounds.extend([0.0] * n_columns)
    proto.variables.upper_bounds.extend([1.0] * n_columns)
    proto.variables.integers.extend([True] * n_x + [False] * (n_a + n_z))
    proto.objective.maximize = True
    proto.objective.linear_coefficients.ids.extend(range(n_x + n_a, n_columns))
    proto.objective.linear_coefficients.values.extend(problem.weights.tolist())
    proto.linear_constraints.ids.extend(range(n_rows))
    proto.linear_constraints.lower_bounds.extend([-np.inf] * n_rows)
    proto.linear_constraints.upper_bounds.extend([0.0] * (n_rows - 1) + [budget])
    proto.linear_constraint_matrix.row_ids.extend(rows[order].tolist())
    proto.linear_constraint_matrix.column_ids.extend(columns[order].tolist())
    proto.linear_constraint_matrix.coefficients.extend(values[order].tolist())
    model = mathopt.Model.from_model_proto(proto)
    first = problem.parts(start)
    hint = mathopt.SolutionHint(variable_values={model.get_variable(r): float(first[r]) for r in range(n_x)})
    solved = mathopt.solve(
        model,
        mathopt.SolverType.HIGHS,
        params=mathopt.SolveParameters(
            time_limit=dt.timedelta(seconds=max(seconds, 0.01)),
            node_limit=nodes,
            relative_gap_tolerance=_EXACT,
            random_seed=1,
        ),
        model_params=mathopt.ModelSolveParameters(solution_hints=[hint]),
    )
    upper = float(solved.termination.objective_bounds.dual_bound)
    upper = min(float(problem.weights.sum()), upper * (1 + _EXACT))
    if not solved.has_primal_feasible_solution():
        return start.copy(), upper
    found = solved.variable_values([model.get_variable(r) for r in range(n_x)])
    plan = problem.complete(np.asarray(found) > 0.5)
    if problem.cost[problem.parts(plan)].sum() > budget * (1 + 1e-12) or problem.people(
        plan
    ) < problem.people(start):
        return start.copy(), upper
    return plan, upper

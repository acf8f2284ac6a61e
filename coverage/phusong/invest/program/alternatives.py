"""Further plans that spend the money otherwise: each keeps at most so much of the money of every plan before it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from phusong.invest.program.program import Limit, Program

__all__ = ["differing", "shared_money"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def shared_money(cost_musd: Floats, plan: Flags, other: Flags) -> float:
    """Return the money that two plans spend on the same remedies. [million USD]"""
    return float(cost_musd[plan & other].sum())


def differing(
    program: Program, first: Flags, count: int, differ: float, plan_of: Callable[[Program], Flags]
) -> list[Flags]:
    """Return further plans, each spending at least a share of every earlier plan's money otherwise.

    Parameters
    ----------
    program : Program
        What is to be decided.
    first : ndarray of bool, shape (n_remedies,)
        The plan that they differ from.
    count : int
        How many at most; fewer when nothing is left to buy otherwise.
    differ : float
        Least share, 0 to 1, of an earlier plan's money that is spent otherwise.
    plan_of : callable
        Solves a program.
    """
    cost = program.model.remedy_cost_musd
    plans: list[Flags] = []
    limits = list(program.limits)
    earlier = first
    for _ in range(count):
        spent = float(cost[earlier].sum())
        if spent <= 0:
            break
        limits.append(Limit(np.where(earlier, cost, 0.0), (1.0 - differ) * spent))
        plan = plan_of(replace(program, limits=tuple(limits)))
        if not plan.any():
            break
        plans.append(plan)
        earlier = plan
    return plans

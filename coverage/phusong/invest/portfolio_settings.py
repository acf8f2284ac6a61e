"""What the planner asked of a portfolio."""

from dataclasses import dataclass

from phusong.invest.program.rules import Rules

__all__ = ["PortfolioSettings"]


@dataclass(frozen=True)
class PortfolioSettings:
    """What the planner asked.

    Parameters
    ----------
    budget_musd : float
        Most that may be spent, net present.
    first_year, years : int
        When works begin, and over how many years the money comes evenly.
    samples, cost_spread, seed
        Samples behind the range of ranks, the spread of the logarithm of costs, and their seed.
    solver_seconds : float
        Time limit of branch and bound on small models. [s]
    rules : Rules
        Funds, crews, floors, target, further plans.
    """

    budget_musd: float
    first_year: int
    years: int
    samples: int
    cost_spread: float
    seed: int
    solver_seconds: float
    rules: Rules = Rules()

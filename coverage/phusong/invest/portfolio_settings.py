"""What the planner asked of a portfolio."""

from dataclasses import dataclass, field

from phusong.invest.program.rules import Rules
from phusong.invest.samples import Spread

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
        Samples of what may turn out otherwise, the spread of the logarithm of costs, and their seed.
    solver_seconds : float
        Time limit of branch and bound on small models. [s]
    people_spread, signal_sd_db, outage_spread : float
        Spread of the logarithm of communes' people, of sites' signal [dB], of the logarithm of sites' hours lost.
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
    rules: Rules = field(default_factory=Rules)
    people_spread: float = 0.15
    signal_sd_db: float = 3.0
    outage_spread: float = 0.3

    @property
    def spread(self) -> Spread:
        """How far costs, people, signal and outages may turn out otherwise."""
        return Spread(self.cost_spread, self.people_spread, self.signal_sd_db, self.outage_spread)

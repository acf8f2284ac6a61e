"""What remedies cost: a catalogue of unit costs, and their net present value over the horizon."""

from dataclasses import dataclass

import pandas as pd

from phusong.region.facts import table

__all__ = ["Cost", "Costs"]


@dataclass(frozen=True)
class Cost:
    """What one remedy costs.

    Parameters
    ----------
    capex_musd : float
        Spent when it is built. [million USD]
    opex_musd_year : float
        Spent every year after. [million USD a year]
    npv_musd : float
        Both over the horizon, with replacements, discounted. [million USD]
    """

    capex_musd: float
    opex_musd_year: float
    npv_musd: float

    def __add__(self, other: "Cost") -> "Cost":
        """Return the cost of both."""
        return Cost(
            self.capex_musd + other.capex_musd,
            self.opex_musd_year + other.opex_musd_year,
            self.npv_musd + other.npv_musd,
        )


class Costs:
    """Unit costs of geodata/costs.csv over a horizon.

    Parameters
    ----------
    horizon_years : int
        Years counted.
    discount_rate : float
        A year.
    factor : float
        Multiplies everything.
    catalogue : DataFrame, optional
        item, base [USD], unit, life_years; the shipped table when left out.
    """

    def __init__(
        self,
        *,
        horizon_years: int,
        discount_rate: float,
        factor: float = 1.0,
        catalogue: pd.DataFrame | None = None,
    ) -> None:
        rows = table("costs") if catalogue is None else catalogue
        self._base = dict(zip(rows["item"], rows["base"].astype(float), strict=True))
        self._life = dict(zip(rows["item"], rows["life_years"].astype(int), strict=True))
        self._horizon = horizon_years
        self._rate = discount_rate
        self._factor = factor

    def of(self, **amounts: float) -> Cost:
        """Return the cost of so many units of each item; items without a life are running costs.

        Capital is bought again whenever its life ends within the horizon. What outlives the horizon counts the
        straight-line remainder as residual value at its end.
        """
        capex = opex = present = 0.0
        for item, amount in amounts.items():
            usd = amount * self._base[item] * self._factor / 1e6
            life = self._life[item]
            if life == 0:
                opex += usd
                continue
            capex += usd
            bought = 0
            while bought < self._horizon:
                present += usd * self._discount(bought)
                bought += life
            left = (bought - self._horizon) / life
            present -= usd * left * self._discount(self._horizon)
        present += opex * sum(self._discount(year) for year in range(1, self._horizon + 1))
        return Cost(capex, opex, present)

    def _discount(self, year: int) -> float:
        return float((1.0 + self._rate) ** -year)

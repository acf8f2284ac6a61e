"""What remedies cost: unit costs of a catalogue where they are spent, and their present value over the horizon."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from phusong.invest.unit_costs import LEVELS, SCALES, Span, cost_catalogue, energy_figure, multiplier

__all__ = ["Cost", "Costs", "annuity", "written_off_present_value"]


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
        Both over the horizon, with replacements, taxes and residual value, discounted. [million USD]
    low_musd, high_musd : float
        The same by the low and the high column of the catalogue. [million USD]
    """

    capex_musd: float
    opex_musd_year: float
    npv_musd: float
    low_musd: float = 0.0
    high_musd: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        """Return the cost of both."""
        return Cost(
            self.capex_musd + other.capex_musd,
            self.opex_musd_year + other.opex_musd_year,
            self.npv_musd + other.npv_musd,
            self.low_musd + other.low_musd,
            self.high_musd + other.high_musd,
        )


def annuity(rate: float, years: float) -> float:
    """Return the present value of 1 a year at the ends of so many years.

    Examples
    --------
    >>> round(annuity(0.02, 10), 5)
    8.98259
    """
    return float(years) if rate == 0.0 else float((1.0 - (1.0 + rate) ** -years) / rate)


def written_off_present_value(
    *,
    capital: float,
    renewed: float,
    renewal_years: int,
    running_year: float,
    years: int,
    discount_rate: float,
) -> float:
    """Return the present value when capital is written off evenly over the period, as regulators report it.

    Parameters
    ----------
    capital, renewed, running_year : float
        Spent at first, the part of it that is bought again, and spent a year; any currency.
    renewal_years : int
        Life of what is bought again.
    years : int
        Period.
    discount_rate : float
        A year.

    References
    ----------
    ITU Connectivity Planning Platform, user guide, "Annualised cost" and "Present values": purchases at every whole
    renewal period, the last year included; an even part of all capital a year, discounted like running cost.
    """
    total = capital + renewed * (years // renewal_years)
    return (total / years + running_year) * annuity(discount_rate, years)


class Costs:
    """Unit costs over a horizon, at a place.

    Parameters
    ----------
    horizon_years : int
        Years counted.
    discount_rate : float
        A year.
    factor : float
        Multiplies everything.
    catalogue : DataFrame, optional
        item, low, base, high [USD], unit, life_years, scales; the shipped table when left out.
    tax_rate : float
        On everything bought, where nobody refunds it.
    residual : bool
        Whether what outlives the horizon counts the straight-line remainder of its value at the end.
    times : mapping, optional
        Multiplier of each word of `scales` as (low, base, high); all 1 when left out.
    """

    def __init__(
        self,
        *,
        horizon_years: int,
        discount_rate: float,
        factor: float = 1.0,
        catalogue: pd.DataFrame | None = None,
        tax_rate: float = 0.0,
        residual: bool = True,
        times: Mapping[str, Span] | None = None,
    ) -> None:
        self.horizon_years = horizon_years
        self.discount_rate = discount_rate
        self.factor = factor
        self._rows = cost_catalogue() if catalogue is None else catalogue
        self._tax = 1.0 + tax_rate
        self._residual = residual
        self._times: dict[str, Span] = dict.fromkeys(SCALES, (1.0, 1.0, 1.0)) | dict(times or {})
        self._places: dict[tuple[int, int], Costs] = {}
        self._unit = {
            str(row["item"]): self._unit_cost(row) for row in self._rows.fillna("").to_dict("records")
        }

    @property
    def catalogue(self) -> pd.DataFrame:
        """The unit costs in use."""
        return self._rows

    def of(self, **amounts: float) -> Cost:
        """Return the cost of so many units of each item; items without a life are running costs.

        Capital is bought again whenever its life ends within the horizon. What outlives the horizon counts the
        straight-line remainder as residual value at its end.
        """
        capex = opex = npv = low = high = 0.0
        for item, amount in amounts.items():
            unit = self._unit[item]
            capex += amount * unit.capex_musd
            opex += amount * unit.opex_musd_year
            npv += amount * unit.npv_musd
            low += amount * unit.low_musd
            high += amount * unit.high_musd
        return Cost(capex, opex, npv, low, high)

    def running(self, musd_year: float, years: float) -> float:
        """Return the present value of a running cost over some years. [million USD]"""
        return musd_year * annuity(self.discount_rate, years)

    def energy(self, *, kwh_year: float = 0.0, litres_year: float = 0.0) -> Cost:
        """Return the running cost of electricity from the grid and of diesel, carried to the place."""
        once = annuity(self.discount_rate, self.horizon_years) * self._tax * self.factor / 1e6
        price, litre, carried = (
            energy_figure("grid_tariff"),
            energy_figure("diesel_price"),
            self._times["fuel"],
        )
        year = [kwh_year * p + litres_year * q * c for p, q, c in zip(price, litre, carried, strict=True)]
        return Cost(
            0.0, year[1] * self._tax * self.factor / 1e6, year[1] * once, year[0] * once, year[2] * once
        )

    def at(self, *, slope_deg: float, remote: int) -> "Costs":
        """Return the costs on ground of this slope in a commune of this remoteness."""
        (steep, ground), (far, haul) = multiplier("ground", slope_deg), multiplier("haul", remote)
        if (steep, far) not in self._places:
            self._places[steep, far] = Costs(
                horizon_years=self.horizon_years,
                discount_rate=self.discount_rate,
                factor=self.factor,
                catalogue=self._rows,
                tax_rate=self._tax - 1.0,
                residual=self._residual,
                times={"ground": ground, "haul": haul, "fuel": multiplier("fuel", remote)[1]},
            )
        return self._places[steep, far]

    def _unit_cost(self, row: Mapping[Any, Any]) -> Cost:
        words = [w for w in str(row.get("scales", "")).split(";") if w]
        life = int(str(row["life_years"]))
        found = []
        for k, level in enumerate(LEVELS):
            usd = float(str(row.get(level, row["base"]))) * self.factor * self._tax / 1e6
            for word in words:
                usd *= self._times[word][k]
            found.append((usd, usd * self._present(life)))
        (_, low), (usd, npv), (_, high) = found
        return Cost(0.0, usd, npv, low, high) if life == 0 else Cost(usd, 0.0, npv, low, high)

    def _present(self, life: int) -> float:
        """Return the present value of one unit bought now and again, or paid every year."""
        if life == 0:
            return annuity(self.discount_rate, self.horizon_years)
        bought = np.arange(0, self.horizon_years, life)
        present = float(((1.0 + self.discount_rate) ** -bought.astype(np.float64)).sum())
        left = (bought.size * life - self.horizon_years) / life
        if self._residual:
            present -= left * (1.0 + self.discount_rate) ** -self.horizon_years
        return present

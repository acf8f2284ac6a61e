"""The KPIs that a watched region is measured by, as shipped in geodata/kpis.toml."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from phusong.io.resources import geodata_path
from phusong.live.recompute import Sums

__all__ = ["Figures", "Kpi", "kpis", "values"]

Floats = npt.NDArray[np.float64]

_HOUR_MS = 3_600_000.0
_CENTS_MUSD = 1e8


class Kpi(BaseModel):
    """One KPI as declared."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    name: str
    formula: str
    unit: str
    direction: str = Field(pattern="^(up|down)$")
    topic: str = Field(pattern="^(network|works|money)$")
    target: float | None = None
    target_date: date | None = None
    owner: str
    refresh_days: float = Field(gt=0)
    source: str
    sureness: str = Field(pattern="^[HML]$")

    @model_validator(mode="after")
    def _dated(self) -> "Kpi":
        if (self.target is None) != (self.target_date is None):
            raise ValueError("a target needs a date, and a date a target")
        return self

    def met(self, value: float) -> bool:
        """Return whether a value reaches the target."""
        if self.target is None or not np.isfinite(value):
            return False
        return value >= self.target if self.direction == "up" else value <= self.target


@dataclass(frozen=True)
class Figures:
    """What KPIs are computed from, by area.

    Parameters
    ----------
    sums : Sums
        Counts of each area.
    lost_people_ms : ndarray, shape (n,)
        People times milliseconds without the service they had before the first event.
    disbursed_cents, planned_musd : ndarray, shape (n,)
        Money; planned is not a number where no plan was given.
    """

    sums: Sums
    lost_people_ms: Floats
    disbursed_cents: Floats
    planned_musd: Floats


def _share(part: npt.NDArray[np.generic], whole: npt.NDArray[np.generic]) -> Floats:
    some = np.asarray(whole, np.float64)
    return np.asarray(
        np.divide(part, some, out=np.full(some.shape, np.nan), where=some > 0), np.float64
    )  # nothing to measure: no value


_VALUES: Mapping[str, Callable[[Figures], Floats]] = {
    "share_served": lambda f: _share(f.sums.people_served, f.sums.population),
    "no_signal_share": lambda f: _share(f.sums.gap_no_signal, f.sums.population),
    "villages_no_signal": lambda f: f.sums.dark.astype(np.float64),
    "hours_lost_year": lambda f: _share(f.sums.lost_hours, f.sums.with_signal),
    "hours_lost_told": lambda f: _share(f.lost_people_ms / _HOUR_MS, f.sums.population),
    "good_busy_hours": lambda f: _share(f.sums.good_hours, f.sums.people_served),
    "locked_sites": lambda f: f.sums.locked_sites.astype(np.float64),
    "people_behind_locks": lambda f: f.sums.people_behind.astype(np.float64),
    "shared_sites": lambda f: _share(f.sums.shared, f.sums.sites),
    "tenancy": lambda f: _share(f.sums.tenants, f.sums.sites),
    "money_planned": lambda f: f.planned_musd,
    "money_disbursed": lambda f: f.disbursed_cents / _CENTS_MUSD,
    "disbursed_share": lambda f: _share(f.disbursed_cents / _CENTS_MUSD, f.planned_musd),
}


@cache
def kpis() -> tuple[Kpi, ...]:
    """Return the catalogue, in the order of the file."""
    tree = tomllib.loads(geodata_path("kpis.toml").read_text(encoding="utf-8"))
    return tuple(Kpi.model_validate(entry) for entry in tree["kpi"])


def values(figures: Figures) -> dict[str, Floats]:
    """Return each KPI's value by area; not a number where there is nothing to measure."""
    return {kpi.key: _VALUES[kpi.key](figures) for kpi in kpis()}

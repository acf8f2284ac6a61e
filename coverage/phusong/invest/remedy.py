"""One remedy: what is bought, what it costs, and what it changes in the network; what opens a locked site."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from phusong.invest.costs import Cost, Costs
from phusong.io.resources import table

__all__ = ["REMEDIES", "WORKS_COLUMNS", "WORK_COLUMNS", "LockRemedy", "Remedy", "Works", "with_remedies"]


WORKS_COLUMNS = (
    "works_site_ids", "works_commune_codes", "behind_site_ids", "main_site_id", "main_commune_code", "east_m", "north_m",
)  # fmt: skip
"""Where the works of a bundle stand: sites and communes in the order of its remedies, the sites behind them over which
people are served too, and site, commune and place of its first mast, or of its first works at a site."""


@dataclass(frozen=True)
class Works:
    """What a remedy changes; empty words and zeros change nothing.

    Parameters
    ----------
    site_id, operator, to_id : str
        Site (or station, of an added carrier) that it is done at; whose radio; the site or power node at the other end.
    power_source : str
        Supply afterwards (word of the layer `sites`).
    autonomy_h, pv_kwp, battery_kwh : float
        Battery in hours of load and in kilowatt-hours, and panels.
    medium : str
        Of the link afterwards (word of the layer `links`).
    capacity_mbps, availability : float
        Of the link.
    km : float
        Length laid, in kilometres of flat ground of equal cost for segments of routes.
    kwh_year, litres_year : float
        Electricity drawn from the grid and diesel burnt.
    """

    site_id: str = ""
    operator: str = ""
    to_id: str = ""
    power_source: str = ""
    autonomy_h: float = 0.0
    pv_kwp: float = 0.0
    battery_kwh: float = 0.0
    medium: str = ""
    capacity_mbps: float = 0.0
    availability: float = 0.0
    km: float = 0.0
    kwh_year: float = 0.0
    litres_year: float = 0.0


WORK_COLUMNS = tuple(f.name for f in fields(Works))


@dataclass(frozen=True)
class Remedy:
    """One atomic investment.

    Parameters
    ----------
    kind, where : str
        Its id is ``kind@where``.
    cost : Cost
        What it costs.
    east_m, north_m : float
        Place.
    works : Works
        What it changes.
    """

    kind: str
    where: str
    cost: Cost
    east_m: float
    north_m: float
    works: Works = Works()

    @property
    def remedy_id(self) -> str:
        """Its id."""
        return f"{self.kind}@{self.where}"

    def row(self) -> dict[str, object]:
        """Return it as a row of the remedies table."""
        return {
            "remedy_id": self.remedy_id,
            "kind": self.kind,
            "capex_musd": self.cost.capex_musd,
            "opex_musd_year": self.cost.opex_musd_year,
            "cost_musd": self.cost.npv_musd,
            "low_musd": self.cost.low_musd,
            "high_musd": self.cost.high_musd,
            "east_m": self.east_m,
            "north_m": self.north_m,
            **vars(self.works),
        }


@dataclass(frozen=True)
class LockRemedy:
    """One way to deal with a locked site.

    Parameters
    ----------
    name, words : str
        Key of geodata/lock_remedies.csv, and what it is called.
    items : mapping of str to float
        Items of geodata/costs.csv that it buys, once.
    reaches : str
        `all` behind it as far as the host has room, `guests` who hang their own radio there, `anew` all through a new
        shared site, `nobody`.
    """

    name: str
    words: str
    items: Mapping[str, float]
    reaches: str


_SHARED_RADIO = {"open_mocn": 1.0, "open_mocn_opex": 1.0}
_GUEST = {"guest_radio": 1.0, "rent": 1.0}
_NEW_SITE = {
    "tower": 1.0, "installation": 1.0, "radio": 1.0, "site_opex": 1.0, "site_power": 1.0, "battery": 12.0,
    "microwave": 1.0, "microwave_opex": 1.0,
}  # fmt: skip
REMEDIES = (
    LockRemedy("reinforce", "reinforce", {"reinforce": 1.0}, "guests"),
    LockRemedy("more_power", "more power", {"more_power": 1.0}, "guests"),
    LockRemedy("contract", "contract or compensation", {"contract": 1.0, **_SHARED_RADIO}, "all"),
    LockRemedy("regulate", "regulate", {"regulate": 1.0, **_SHARED_RADIO}, "all"),
    LockRemedy("roam", "roam", {"open_roaming": 1.0, "open_roaming_opex": 1.0}, "all"),
    LockRemedy("neutral_host", "hand to a neutral host", {"neutral_host": 1.0, **_SHARED_RADIO}, "all"),
    LockRemedy("ring_fence", "ring-fence", {"ring_fence": 1.0}, "nobody"),
    LockRemedy("replace", "replace", _NEW_SITE, "anew"),
)


def with_remedies(
    sites: pd.DataFrame,
    costs: Costs,
    stabilise_musd: Mapping[int, float],
    feasible: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return locked sites with every remedy costed, and the one that serves most people per million USD.

    Parameters
    ----------
    sites : DataFrame
        From :func:`phusong.access.locked_sites.locked_sites`.
    costs : Costs
        The catalogue.
    stabilise_musd : mapping of int to float
        Least cost that makes an unstable site stable, by its index; it is added to every remedy that keeps the site.
    feasible : DataFrame, optional
        lock_reason, remedy, feasible (yes, if, no), condition; geodata/lock_remedies.csv when left out.

    Returns
    -------
    DataFrame
        With `stabilise_musd`; per remedy `cost_REMEDY_musd` and `people_REMEDY` (missing where the lock forbids it, or
        where the site cannot be made stable); `best_remedy`, `best_people`, `best_cost_musd`, `people_per_musd`; and
        `remedies` in words.
    """
    rules = (table("lock_remedies") if feasible is None else feasible).fillna("")
    allowed = {(r.lock_reason, r.remedy): (r.feasible, r.condition) for r in rules.itertuples()}
    fixed = {r.name: costs.of(**r.items).npv_musd for r in REMEDIES}
    guest = costs.of(**_GUEST).npv_musd
    operators = [c for c in sites.columns if c.startswith("behind_")]
    rows = []
    for site in sites.to_dict("records"):
        fix = 0.0 if site["stable"] else stabilise_musd.get(int(site["site"]), np.nan)
        row: dict[str, object] = {"stabilise_musd": fix}
        best: tuple[float, str, float, float] = (0.0, "", np.nan, np.nan)
        words = []
        for remedy in REMEDIES:
            verdict, condition = allowed.get((site["lock_reason"], remedy.name), ("no", ""))
            people, cost = _effect(remedy, site, operators, fixed[remedy.name], guest)
            if remedy.reaches in {"all", "guests"}:
                cost += fix
            if verdict == "no" or not np.isfinite(cost):
                people = cost = np.nan
            row |= {f"cost_{remedy.name}_musd": cost, f"people_{remedy.name}": people}
            if np.isfinite(cost):
                hint = f" if {condition}" if verdict == "if" else ""
                words.append(f"{remedy.words}{hint} ({people:,.0f} people, {cost:.3f} million USD)")
                if people > 0 and people / cost > best[0]:
                    best = (people / cost, remedy.name, people, cost)
        row |= {
            "best_remedy": best[1],
            "best_people": best[2],
            "best_cost_musd": best[3],
            "people_per_musd": best[0],
        }
        rows.append({**row, "remedies": "; ".join(words)})
    found = pd.DataFrame(rows, index=sites.index, columns=_columns())
    return pd.concat([sites.drop(columns="site"), found], axis=1)


def _columns() -> list[str]:
    each = [c for r in REMEDIES for c in (f"cost_{r.name}_musd", f"people_{r.name}")]
    best = ["best_remedy", "best_people", "best_cost_musd", "people_per_musd", "remedies"]
    return ["stabilise_musd", *each, *best]


def _effect(
    remedy: LockRemedy, site: Mapping[Any, Any], operators: list[str], fixed: float, guest: float
) -> tuple[float, float]:
    """Return whom a remedy serves and what it costs; guests join from the largest on while that pays."""
    behind = float(str(site["people_behind"]))
    if remedy.reaches == "nobody":
        return 0.0, fixed
    if remedy.reaches == "anew":
        return behind, fixed
    if remedy.reaches == "all":
        return min(behind, float(str(site["room_people"]))), fixed
    sizes = np.cumsum(sorted((float(str(site[o])) for o in operators), reverse=True))
    paid = fixed + guest * np.arange(1, sizes.size + 1)
    k = int(np.argmax(sizes / paid))
    return float(sizes[k]), float(paid[k])

"""One remedy: what is bought, what it costs, and what it changes in the network."""

from dataclasses import dataclass, fields

from phusong.invest.costs import Cost

__all__ = ["WORKS_COLUMNS", "WORK_COLUMNS", "Remedy", "Works"]

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

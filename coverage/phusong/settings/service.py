"""What counts as stable, and how much people ask of the network."""

from typing import Annotated, Literal

from pydantic import Field

from phusong.settings.table import NotNegative, Share, Table, Year

__all__ = ["ServiceSettings"]


class ServiceSettings(Table):
    """What counts as stable, and how much people ask of the network."""

    availability_target: Annotated[float, Field(ge=0.5, lt=1.0)] = Field(
        0.998, description="Share of the year that a stable site must work (0.998: 17.5 h lost a year)."
    )
    take_up: Share = Field(0.6, description="Share of inhabitants who use mobile internet (assumed).")
    gb_month: NotNegative = Field(8.0, description="Traffic of one of them (assumed). [GB a month]")
    busy_hour_share: Share = Field(
        0.06, description="Share of a day's traffic that falls into its busiest hour (assumed)."
    )
    busy_hour_mbps_per_person: NotNegative | None = Field(
        None,
        description="Mean busy-hour traffic of one inhabitant, instead of the three keys above. [Mbit/s]",
    )
    growth_year: Annotated[float, Field(ge=-0.9, le=5.0)] = Field(
        0.25, description="Growth of traffic a year, from `demand_year` to `year` (0.25: a quarter)."
    )
    demand_year: Year = Field(2026, description="Year for which the traffic above holds.")
    year: Year = Field(2026, description="Year that is evaluated: its traffic, and the agreements in force.")
    target_mbps: NotNegative = Field(
        4.0, description="Rate that an active user wants in the busy hour. [Mbit/s]"
    )
    busy_hour_spread: Annotated[float, Field(ge=0.0, le=2.0)] = Field(
        0.35, description="Spread (sigma of the logarithm) of busy hours' loads over the year (assumed)."
    )
    availability: Literal["best_site", "states"] = Field(
        "best_site",
        description="An element is as stable as its best site (closed form), or as all its sites together (states).",
    )
    states: Annotated[int, Field(ge=64, le=2**20)] = Field(
        16384, description="Sampled states of the year, a power of two: a state is 8760 h over their number."
    )
    hops: Literal["stated", "checked"] = Field(
        "stated",
        description="Microwave links work as stated, or at most as terrain (line of sight) and rain let them.",
    )
    max_load: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        0.8, description="Highest share of a station's resources in use before people count as congested."
    )

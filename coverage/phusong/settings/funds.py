"""Whose money pays for what, and whose people count for more."""

from typing import Annotated, Literal

from pydantic import Field

from phusong.settings.table import NotNegative, Policy, Table

__all__ = ["FundSettings", "WeightSettings"]

Class = Annotated[int, Field(ge=0, le=3)]


class FundSettings(Table):
    """Money by year, and what it may pay for."""

    name: str = Field(description="What the fund is called.")
    level: Literal["central", "provincial", "commune", "operator", "universal_service", "utility"] = Field(
        description="Whose money it is."
    )
    planned_musd: tuple[float, ...] = Field(
        description="Money planned by budget year, from `first_year`. [million USD]"
    )
    allocated_musd: tuple[float, ...] = Field((), description="Of it allocated, by year. [million USD]")
    disbursed_musd: tuple[float, ...] = Field((), description="Of it paid out, by year. [million USD]")
    kinds: tuple[str, ...] = Field(
        (), description="Kinds of remedies it may pay for (geodata/sectors.csv lists them); empty: all."
    )
    classes: tuple[Class, ...] = Field(
        (0, 1, 2, 3),
        description="Remoteness of the communes it may pay in: 0 urban, 1 rural, 2 remote, 3 very remote.",
    )
    policies: tuple[Policy, ...] = Field(
        (), description="Sharing policies under which it may pay; empty: all."
    )
    lag_years: Annotated[int, Field(ge=0, le=10)] = Field(
        0, description="Years from a budget year until works can be paid with it."
    )
    carry_over: bool = Field(default=False, description="Whether what is left may be spent in a later year.")
    accountable: str = Field(
        "", description="Who answers for the works it pays; empty: by the kind of remedy."
    )


class WeightSettings(Table):
    """What counts for more in the order of options; the figures stay people."""

    ethnic_minority: NotNegative = Field(
        1.0, description="People in communes flagged so count this many times."
    )
    border: NotNegative = Field(1.0, description="People in communes flagged so count this many times.")
    remote: tuple[NotNegative, ...] = Field(
        (1.0, 1.0, 1.0, 1.0),
        min_length=4,
        max_length=4,
        description="People count this many times, by the commune's remoteness class 0 to 3.",
    )
    school_people: NotNegative = Field(0.0, description="A school counts like so many people more.")
    clinic_people: NotNegative = Field(0.0, description="A clinic counts like so many people more.")
    commune_office_people: NotNegative = Field(
        0.0, description="A commune office counts like so many people more."
    )
    ethnic_minority_communes: tuple[str, ...] = Field((), description="Codes of ethnic-minority communes.")
    border_communes: tuple[str, ...] = Field((), description="Codes of border communes.")
    flags_path: str = Field(
        "", description="CSV with `commune_code`, `ethnic_minority`, `border` (0 or 1) instead of lists."
    )

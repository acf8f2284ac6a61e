"""Who may use whose site."""

from typing import Annotated

from pydantic import Field, model_validator

from phusong.settings.table import Policy, Table, Year

__all__ = ["AgreementSettings", "SharingSettings"]


class AgreementSettings(Table):
    """A policy among some operators, in some communes, for some years."""

    policy: Policy = Field(description="What they agree on.")
    classes: tuple[Annotated[int, Field(ge=0, le=3)], ...] = Field(
        (0, 1, 2, 3),
        min_length=1,
        description="Remoteness of the communes: 0 urban, 1 rural, 2 remote, 3 very remote.",
    )
    between: tuple[str, ...] = Field((), description="Operators that share with each other; empty: all.")
    first_year: Year = Field(1990, alias="from", description="First year in force.")
    until: Year = Field(2100, description="Last year in force.")

    @model_validator(mode="after")
    def _sensible(self) -> "AgreementSettings":
        if self.policy == "none":
            raise ValueError("an agreement on policy none grants nothing; leave it out")
        if len(set(self.between)) == 1 or len(set(self.between)) < len(self.between):
            raise ValueError("between must name two or more different operators, or none for all")
        if self.until < self.first_year:
            raise ValueError(f"until {self.until} lies before from {self.first_year}")
        return self


class SharingSettings(Table):
    """Who may use whose site."""

    policy: Policy = Field("none", description="Sharing policy in force everywhere.")
    agreements: tuple[AgreementSettings, ...] = Field(
        (), description="Beyond it, `[[sharing.agreements]]`: what some agree on, see below."
    )
    compare: tuple[Policy, ...] = Field(
        ("none", "passive", "mocn", "roaming"), description="Policies compared in the summary."
    )
    compare_plans: bool = Field(
        default=False, description="Spend the budget under each compared policy too (a plan each: slower)."
    )

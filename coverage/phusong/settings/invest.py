"""What may be bought, and how it is paid."""

from typing import Annotated, Literal

from pydantic import Field

from phusong.settings.funds import FundSettings, WeightSettings
from phusong.settings.table import NotNegative, Positive, Share, Table, Year

__all__ = ["InvestSettings"]


class InvestSettings(Table):
    """What may be bought, and how it is paid."""

    budget_musd: NotNegative = Field(10.0, description="Net present cost that may be spent. [million USD]")
    horizon_years: Annotated[int, Field(ge=1, le=40)] = Field(
        10, description="Years of running cost counted."
    )
    discount_rate: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(0.05, description="Discount rate a year.")
    first_year: Annotated[int, Field(ge=2000, le=2100)] = Field(2027, description="Year of the first works.")
    years: Annotated[int, Field(ge=1, le=20)] = Field(3, description="Years over which the plan is built.")
    vnd_per_usd: Positive = Field(26000.0, description="Exchange rate shown beside the figures.")
    only: Literal["all", "measured"] = Field(
        "all", description="Rank every option, or only those that rest on measured and official layers."
    )
    cost_factor: NotNegative = Field(1.0, description="Multiplies every cost: what if all is dearer?")
    costs_path: str = Field(
        "", description="Own table of unit costs (see docs/costs.md), laid over the shipped one line by line."
    )
    tax_rate: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        0.0, description="Taxes and duties on everything bought that nobody refunds."
    )
    residual_value: bool = Field(
        True, description="Whether what outlives the horizon counts its straight-line remainder at the end."
    )
    remedies: tuple[str, ...] = Field(
        (),
        description='Kinds of remedy that may be bought, e.g. `["battery_backup", "build_site"]`; `["all"]` for every kind. '
        "Left empty: every kind, but under the policy `none` nothing that shares (open_passive, open_mocn, open_roaming, "
        "roaming, use_structure).",
    )
    interim_years: Annotated[float, Field(ge=0.0, le=10.0)] = Field(
        2.0, description="Years that an interim remedy stands until the permanent one takes its place."
    )
    universal_service_share: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        0.0, description="Share of remedies in remote communes that the universal service fund pays."
    )
    floor_share: Share = Field(
        0.0, description="Least share of the people of every commune served after the plan."
    )
    floor_share_by_class: tuple[Share, ...] = Field(
        (), max_length=4, description="Instead, by the commune's remoteness class 0 to 3: four shares."
    )
    target_share: Share = Field(
        0.0,
        description="Ask for the cheapest plan that serves this share of every commune; the budget is not used.",
    )
    target_year: Year | None = Field(
        None, description="Year by whose end the target is reached; last year of the plan when left out."
    )
    funds: tuple[FundSettings, ...] = Field(
        (),
        description="Where the money comes from, `[[invest.funds]]`, see below; the budget is then not used.",
    )
    money: Literal["planned", "allocated", "disbursed"] = Field(
        "planned", description="Which money of the funds the plan may count on."
    )
    crews: dict[str, int] = Field(
        {}, description="Most works a year by kind of remedy, e.g. `crews = {build_site = 40}`."
    )
    weights: WeightSettings = WeightSettings()
    alternatives: Annotated[int, Field(ge=0, le=20)] = Field(
        0, description="Further plans that spend the money otherwise."
    )
    alternatives_differ: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        0.3,
        description="Share of the money of each earlier plan that a further plan spends otherwise, at least.",
    )
    samples: Annotated[int, Field(ge=0, le=2000)] = Field(
        40, description="Samples of costs and people behind the 5-95 % range of ranks."
    )
    cost_spread: Annotated[float, Field(ge=0.0, le=2.0)] = Field(
        0.3, description="Spread (sigma of the logarithm) of each cost in the samples."
    )
    people_spread: Annotated[float, Field(ge=0.0, le=2.0)] = Field(
        0.15, description="Spread (sigma of the logarithm) of each commune's people in the samples."
    )
    signal_sd_db: Annotated[float, Field(ge=0.0, le=20.0)] = Field(
        3.0,
        description="Standard deviation of the error of the signal common to a site, in the samples. [dB]",
    )
    outage_spread: Annotated[float, Field(ge=0.0, le=2.0)] = Field(
        0.3, description="Spread (sigma of the logarithm) of the hours each site is off, in the samples."
    )
    solver_seconds: Positive = Field(30.0, description="Time limit for the bound. [s]")

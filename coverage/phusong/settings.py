"""Every key of a scenario, one class a table."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "AccessSettings",
    "AgreementSettings",
    "FundSettings",
    "InvestSettings",
    "NotNegative",
    "Policy",
    "Positive",
    "RadioSettings",
    "RegionSettings",
    "ReportSettings",
    "ServiceSettings",
    "SettingsTable",
    "Share",
    "SharingSettings",
    "WeightSettings",
    "Year",
    "idle_redactions",
]

Policy = Literal["none", "passive", "passive_backhaul", "moran", "mocn", "roaming", "neutral_host", "srn"]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Year = Annotated[int, Field(ge=1990, le=2100)]


class SettingsTable(BaseModel):
    """A table whose keys are known, and which nobody changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _numbers_are_no_flags(cls, given: Any) -> Any:  # noqa: ANN401 - whatever a file holds
        if isinstance(given, Mapping):
            wrong = [
                f"{name}: {str(flag).lower()} is no number"
                for name, value in given.items()
                if name in cls.model_fields and _takes_no_flag(cls.model_fields[name].annotation)
                for flag in _flags_in(value)
            ]
            if wrong:
                raise ValueError("; ".join(wrong))
        return given


def _takes_no_flag(annotation: object) -> bool:
    told = repr(annotation)
    numbers = "float" in told or "int" in told or re.search(r"Literal\[-?\d", told) is not None
    return numbers and "bool" not in told


def _flags_in(value: object) -> Iterator[bool]:
    if isinstance(value, bool):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _flags_in(part)


class AccessSettings(SettingsTable):
    """Who counts."""

    facilities_within_m: Positive = Field(
        500.0, description="A facility is served when people within this distance are. [m]"
    )
    ready_within_m: Positive = Field(
        5000.0,
        description="A place has power or backhaul when a site that has it is heard, or this near. [m]",
    )
    twin_m: Positive = Field(
        300.0, description="Structures of different owners this near each other could be one. [m]"
    )


Class = Annotated[int, Field(ge=0, le=3)]


class FundSettings(SettingsTable):
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


class WeightSettings(SettingsTable):
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


class InvestSettings(SettingsTable):
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


class RadioSettings(SettingsTable):
    """How signal is computed and when a place counts as covered."""

    model: str = Field(
        "bullington",
        description="Propagation model: bullington, p1812, itm, ehata, hata, rma, rma_terrain, uma or free_space.",
    )
    service: Literal["data", "voice"] = Field(
        "data",
        description="What a phone wants; geodata/services.csv holds the least level of each technology.",
    )
    threshold_dbm: Annotated[float, Field(ge=-140.0, le=-60.0)] | None = Field(
        None, description="Least level (RSRP) that covers, instead of the service's. [dBm]"
    )
    least_rate_mbps: NotNegative = Field(
        0.0,
        description="Rate that one phone alone in a cell must reach at the edge; 0: the level alone decides.",
    )
    place: Literal["outdoor", "vehicle", "indoor_traditional", "indoor_efficient"] = Field(
        "outdoor",
        description="Where the phone is: in a car (TR 38.901) or a building (ITU-R P.2109) it hears less.",
    )
    location_probability: Annotated[float, Field(ge=0.5, lt=1.0)] = Field(
        0.75, description="Share of locations in a square that must reach the threshold."
    )
    shadowing_sd_db: NotNegative = Field(6.0, description="Standard deviation of shadowing in a square. [dB]")
    rx_height_m: Positive = Field(1.5, description="Height of the phone above ground. [m]")
    rx_losses_db: NotNegative = Field(4.0, description="Body and antenna losses of the phone. [dB]")
    rx_gain_dbi: Annotated[float, Field(ge=-20.0, le=40.0)] = Field(
        0.0, description="Antenna gain of the receiver. [dBi]"
    )
    noise_figure_db: NotNegative = Field(7.0, description="Noise figure of the receiver. [dB]")
    prach_format: Literal[0, 1, 2, 3] = Field(
        0, description="Random access preamble of the cells: none answers beyond 14.5, 77, 29.5 or 103 km."
    )
    max_radius_km: Positive | None = Field(
        None, description="Cell range set by the operator, where shorter than random access allows. [km]"
    )
    step_m: Annotated[float, Field(ge=10.0, le=5000.0)] | None = Field(
        None, description="Step along the ground; the region's grid square when left out. [m]"
    )
    time_percent: Annotated[float, Field(ge=1.0, le=50.0)] = Field(
        50.0, description="Share of the year for which the loss is not exceeded (p1812). [%]"
    )
    delta_n: Annotated[float, Field(ge=-150.0, le=150.0)] | None = Field(
        None,
        description="Fall of refractivity through the lowest km; by latitude when left out. [N-units/km]",
    )
    n0: Annotated[float, Field(ge=200.0, le=500.0)] | None = Field(
        None, description="Sea-level surface refractivity; by latitude when left out. [N-units]"
    )
    polarization: Literal["vertical", "horizontal"] = Field("vertical", description="Of the transmitters.")
    interference: Literal["margin", "sinr"] = Field(
        "margin", description="What other cells do to a cell's rate: a margin, or the power of each (sinr)."
    )
    interference_margin_db: NotNegative = Field(3.0, description="Rise of noise by other cells. [dB]")
    neighbour_load: Share = Field(
        0.5, description="Share of their resources that other cells use while a phone listens to its own."
    )
    n_servers: Annotated[int, Field(ge=1, le=8)] = Field(
        2, description="Strongest servers kept of each operator and technology on the map."
    )


class RegionSettings(SettingsTable):
    """Which region: a folder, or one built from public packages."""

    path: str = Field("", description="Region folder; empty: build from `provinces`.")
    provinces: tuple[str, ...] = Field(("Tuyên Quang",), description="Provinces to build, or `all`.")
    cell_m: Annotated[float, Field(ge=50.0, le=5000.0)] = Field(
        250.0, description="Side of a grid square. [m]"
    )


class ReportSettings(SettingsTable):
    """How the result is shown, and what may leave the house."""

    lang: Literal["en", "vi"] = Field(
        "en", description="Language in which report.html opens; both stand in it, with a switch."
    )
    redact: bool = Field(
        default=False, description="Coarsen the places of critical sites, show no small number of people."
    )
    redact_grid_m: Positive = Field(
        1000.0,
        description="Side of the squares to which places are rounded, raised to 1000 m times a power of two. [m]",
    )
    redact_withhold: bool = Field(default=False, description="Critical sites lose their place instead.")
    redact_structures: tuple[str, ...] = Field(("exchange",), description="Structures that are critical.")
    redact_owners: tuple[str, ...] = Field((), description="Owners all of whose sites are critical.")
    redact_sites: tuple[str, ...] = Field((), description="Further critical sites, by site_id.")
    redact_least_people: Annotated[int, Field(ge=0, le=100_000)] = Field(
        10,
        description="Least number of people shown, and the step of all others, raised to 5 times a power of two; 0 shows every count.",
    )


def idle_redactions(asked: ReportSettings) -> list[str]:
    """Return a warning where settings of what to hide are given and nothing is to be hidden.

    They do no harm in a scenario that is run for inside and with ``--redact`` for outside, so the run goes on.

    Examples
    --------
    >>> idle_redactions(ReportSettings(redact_owners=("red",)))[0][:55]
    'report.redact_owners is set, but report.redact is not: '
    >>> idle_redactions(ReportSettings(redact=True, redact_owners=("red",)))
    []
    """
    usual = ReportSettings()
    idle = [
        f"report.{name}"
        for name in ReportSettings.model_fields
        if name.startswith("redact_") and getattr(asked, name) != getattr(usual, name)
    ]
    if asked.redact or not idle:
        return []
    one = len(idle) == 1
    told = (
        f"{', '.join(idle)} {'is' if one else 'are'} set, but report.redact is not: this result hides nothing; write "
        f"redact = true under [report], or run with --redact, before it leaves the house"
    )
    return [told]


class ServiceSettings(SettingsTable):
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


class AgreementSettings(SettingsTable):
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


class SharingSettings(SettingsTable):
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

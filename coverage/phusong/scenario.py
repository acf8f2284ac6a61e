"""What is asked: the scenario, a checked tree of settings read from TOML.

Order of priority, lowest first: the defaults below, the files named by ``extends`` (oldest first), the
scenario file itself, then ``--set key=value`` overrides.
"""

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from phusong.errors import InputError, Problem, nearest_name
from phusong.resources import scenario_names, scenario_path

__all__ = [
    "AccessSettings",
    "AgreementSettings",
    "InvestSettings",
    "Policy",
    "RadioSettings",
    "RegionSettings",
    "ReportSettings",
    "Scenario",
    "ServiceSettings",
    "SharingSettings",
    "policy_label",
]

Policy = Literal["none", "passive", "passive_backhaul", "moran", "mocn", "roaming", "neutral_host", "srn"]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Year = Annotated[int, Field(ge=1990, le=2100)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class RegionSettings(_Table):
    """Which region: a folder, or one built from public packages."""

    path: str = Field("", description="Region folder; empty: build from `provinces`.")
    provinces: tuple[str, ...] = Field(("Tuyên Quang",), description="Provinces to build, or `all`.")
    cell_m: Annotated[float, Field(ge=50.0, le=5000.0)] = Field(
        250.0, description="Side of a grid square. [m]"
    )


class RadioSettings(_Table):
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


class ServiceSettings(_Table):
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


class AgreementSettings(_Table):
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


class SharingSettings(_Table):
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


class AccessSettings(_Table):
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


class InvestSettings(_Table):
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
    samples: Annotated[int, Field(ge=0, le=2000)] = Field(
        40, description="Samples of costs and people behind the 5-95 % range of ranks."
    )
    cost_spread: Annotated[float, Field(ge=0.0, le=2.0)] = Field(
        0.3, description="Spread (sigma of the logarithm) of each cost in the samples."
    )
    solver_seconds: Positive = Field(30.0, description="Time limit for the bound. [s]")


class ReportSettings(_Table):
    """What may leave the house."""

    redact: bool = Field(
        default=False, description="Coarsen the places of critical sites, show no small number of people."
    )
    redact_grid_m: Positive = Field(
        1000.0, description="Side of the squares to which places are rounded. [m]"
    )
    redact_withhold: bool = Field(default=False, description="Critical sites lose their place instead.")
    redact_structures: tuple[str, ...] = Field(("exchange",), description="Structures that are critical.")
    redact_owners: tuple[str, ...] = Field((), description="Owners all of whose sites are critical.")
    redact_sites: tuple[str, ...] = Field((), description="Further critical sites, by site_id.")
    redact_least_people: Annotated[int, Field(ge=0, le=100_000)] = Field(
        10, description="Least number of people shown, and the step of all others; 0 shows every count."
    )


class Scenario(_Table):
    """One question a planner asks."""

    title: str = Field("", description="One line for people.")
    seed: Annotated[int, Field(ge=0, lt=2**31)] = Field(
        2025, description="Seed of everything drawn at random."
    )
    region: RegionSettings = RegionSettings()
    radio: RadioSettings = RadioSettings()
    service: ServiceSettings = ServiceSettings()
    sharing: SharingSettings = SharingSettings()
    access: AccessSettings = AccessSettings()
    invest: InvestSettings = InvestSettings()
    report: ReportSettings = ReportSettings()

    @classmethod
    def read(cls, name_or_path: str | Path, overrides: Sequence[str] = ()) -> "Scenario":
        """Return the scenario of a shipped name or a TOML file.

        Parameters
        ----------
        name_or_path : str or Path
            A shipped name (``"default"``) or a file.
        overrides : sequence of str
            ``"key.path=value"`` each; the value is TOML, or plain text.

        Raises
        ------
        InputError
            If the file is missing or broken, or any key or value is not understood; all of them at once.
        """
        path = _locate(name_or_path)
        tree = _read_tree(path, seen=())
        for override in overrides:
            tree = _merge(tree, _override(override))
        return cls.from_tree(tree, where=path.name)

    @classmethod
    def from_tree(cls, tree: Mapping[str, Any], *, where: str = "scenario") -> "Scenario":
        """Return the scenario of a nested mapping.

        Raises
        ------
        InputError
            Listing every unknown key and every bad value.
        """
        try:
            return cls.model_validate(dict(tree))
        except ValidationError as error:
            raise InputError([_problem(e, where) for e in error.errors()]) from None

    def to_toml(self) -> str:
        """Return the whole resolved scenario as TOML."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True, by_alias=True))


def policy_label(sharing: SharingSettings) -> str:
    """Return what the policy in force is called beside others: its name, and that agreements join it."""
    return f"{sharing.policy} with agreements" if sharing.agreements else sharing.policy


def _locate(name_or_path: str | Path) -> Path:
    text = str(name_or_path)
    if text in scenario_names():
        return scenario_path(text)
    path = Path(name_or_path)
    if path.is_file():
        return path
    known = ", ".join(scenario_names())
    raise InputError(
        Problem(
            text,
            f"is no scenario file and no shipped scenario{nearest_name(text, scenario_names())}; shipped: {known}",
        )
    )


def _read_tree(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in seen:
        chain = " → ".join(p.name for p in (*seen, path))
        raise InputError(Problem(path.name, f"extends itself ({chain}); remove one `extends`"))
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(Problem(path.name, f"is not valid TOML: {error}")) from None
    except (UnicodeDecodeError, RecursionError, OSError) as error:
        raise InputError(
            Problem(path.name, f"cannot be read as a TOML text file ({type(error).__name__})")
        ) from None
    base = tree.pop("extends", None)
    if base is None:
        return tree
    if not isinstance(base, str):
        raise InputError(
            Problem(path.name, "must be the name or path of one scenario", column="extends", value=base)
        )
    beside = path.parent / base
    parent = beside if beside.is_file() else _locate(base)
    return _merge(_read_tree(parent, (*seen, path.resolve())), tree)


def _merge(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _merge(old, value) if both else value  # type: ignore[arg-type]
    return merged


def _override(text: str) -> dict[str, Any]:
    key, equals, value = text.partition("=")
    parts = [p.strip() for p in key.split(".")]
    if not equals or not all(parts):
        raise InputError(Problem("--set", "must read key=value, e.g. sharing.policy=mocn", value=text))
    try:
        parsed: Any = tomllib.loads(f"v = {value}")["v"]
    except (tomllib.TOMLDecodeError, RecursionError):
        parsed = value.strip()
    for part in reversed(parts):
        parsed = {part: parsed}
    return dict(parsed)


def _problem(error: Any, where: str) -> Problem:  # noqa: ANN401 - pydantic's error dictionaries
    location = [str(p) for p in error["loc"]]
    key = ".".join(location)
    if error["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        close = nearest_name(location[-1], known)
        whole = difflib.get_close_matches(key, _all_keys(), n=1)
        hint = close or (f" (did you mean {whole[0]}?)" if whole else f"; known here: {', '.join(known)}")
        return Problem(where, f"is no key of a scenario{hint}", column=key)
    value = error["input"]
    if error["type"] == "literal_error":
        allowed = [w.strip("'") for w in error["ctx"]["expected"].replace(" or ", ", ").split(", ")]
        return Problem(
            where,
            f"is not one of {', '.join(allowed)}{nearest_name(str(value), allowed)}",
            column=key,
            value=value,
        )
    return Problem(
        where, f"is not accepted: {error['msg'][:1].lower()}{error['msg'][1:]}", column=key, value=value
    )


def _known_keys(parents: Sequence[str]) -> list[str]:
    model: Any = Scenario
    for part in parents:
        if part.isdecimal():
            continue  # the place in a list of tables
        field = model.model_fields.get(part)
        if field is None:
            return []
        # a list of tables holds one model
        model = next((a for a in get_args(field.annotation) if isinstance(a, type)), field.annotation)
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _all_keys() -> list[str]:
    keys = []
    for name, field in Scenario.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += [f"{name}.{k}" for k in field.annotation.model_fields]
        else:
            keys.append(name)
    return keys

"""How the result is shown, and what may leave the house."""

from typing import Annotated, Literal

from pydantic import Field

from phusong.settings.table import Positive, Table

__all__ = ["ReportSettings"]


class ReportSettings(Table):
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

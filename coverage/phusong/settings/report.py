"""How the result is shown, and what may leave the house."""

from typing import Annotated, Literal

from pydantic import Field

from phusong.settings.table import Positive, Table

__all__ = ["ReportSettings", "idle_redactions"]


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

"""Who counts as served, and near what."""

from pydantic import Field

from phusong.settings.table import Positive, Table

__all__ = ["AccessSettings"]


class AccessSettings(Table):
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

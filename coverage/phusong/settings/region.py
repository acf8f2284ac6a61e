"""Which region is asked about."""

from typing import Annotated

from pydantic import Field

from phusong.settings.table import Table

__all__ = ["RegionSettings"]


class RegionSettings(Table):
    """Which region: a folder, or one built from public packages."""

    path: str = Field("", description="Region folder; empty: build from `provinces`.")
    provinces: tuple[str, ...] = Field(("Tuyên Quang",), description="Provinces to build, or `all`.")
    cell_m: Annotated[float, Field(ge=50.0, le=5000.0)] = Field(
        250.0, description="Side of a grid square. [m]"
    )

"""One table of a scenario, and the kinds of numbers in it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["NotNegative", "Policy", "Positive", "Share", "Table", "Year"]

Policy = Literal["none", "passive", "passive_backhaul", "moran", "mocn", "roaming", "neutral_host", "srn"]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Year = Annotated[int, Field(ge=1990, le=2100)]


class Table(BaseModel):
    """A table whose keys are known, and which nobody changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

"""One table of a scenario, and the kinds of numbers in it."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["NotNegative", "Policy", "Positive", "Share", "Table", "Year"]

Policy = Literal["none", "passive", "passive_backhaul", "moran", "mocn", "roaming", "neutral_host", "srn"]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Year = Annotated[int, Field(ge=1990, le=2100)]


class Table(BaseModel):
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
    return ("float" in told or "int" in told) and "bool" not in told


def _flags_in(value: object) -> Iterator[bool]:
    if isinstance(value, bool):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _flags_in(part)

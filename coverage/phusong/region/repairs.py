"""What was changed in a source, row by row: the rows of a region's repairs.csv."""

from dataclasses import dataclass

__all__ = ["Repair"]


@dataclass(frozen=True)
class Repair:
    """One row of a region's repairs: what was changed in the source, where and why."""

    layer: str
    reason: str
    key: str = ""
    name: str = ""
    column: str = ""
    old_value: str = ""
    new_value: str = ""

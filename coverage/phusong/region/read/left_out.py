"""Rows of a list that cannot be used: left out one by one, named in a file beside the region, as long as they are few."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from phusong.errors import InputError, Notice, Problem, plural
from phusong.region.read.privacy import holds_personal_data

__all__ = [
    "DEFAULT_SHARE",
    "LEFT_OUT_COLUMNS",
    "LeftRow",
    "few_enough",
    "left_notices",
    "left_table",
    "merged",
    "refuse_too_many",
    "row_problems",
]

DEFAULT_SHARE = 0.05
"""Share of a list's rows that may be left out because they cannot be used."""

LEFT_OUT_COLUMNS = ("file", "row", "column", "value", "why")
"""Columns of a file in left-out/."""

_ALWAYS_ONE_FROM = 10  # rows: one that cannot be used does not block a list as long as this
_LONGEST = 200  # characters of a value shown
_SHOWN = 3  # kinds of reason told in one notice


@dataclass(frozen=True)
class LeftRow:
    """A row that was left out.

    Parameters
    ----------
    file : str
        The file's name.
    row : int
        Counted from 1, the header not counted.
    column, value, why : str
        Which column's value could not be used, and why.
    """

    file: str
    row: int
    column: str
    value: str
    why: str


def few_enough(count: int, of: int, share: float) -> bool:
    """Return whether so many rows of a list may be left out.

    Examples
    --------
    >>> few_enough(1, 12, 0.05), few_enough(1, 9, 0.05), few_enough(50, 1000, 0.05), few_enough(1, 12, 0.0)
    (True, False, True, False)
    """
    return count <= max(int(share * of), 1 if share > 0 and of >= _ALWAYS_ONE_FROM else 0)


def row_problems(
    problems: Sequence[Problem], table: pd.DataFrame, rows: Sequence[int]
) -> tuple[dict[int, LeftRow], list[Problem]]:
    """Return what is wrong with single rows, by position in the table, and what is wrong with the file as a whole.

    Parameters
    ----------
    problems : sequence of Problem
        Their rows counted from 1 in the table.
    table : DataFrame
        Where a value is looked up that a problem does not carry.
    rows : sequence of int
        Number of each of the table's rows in the file.
    """
    found: dict[int, LeftRow] = {}
    whole: list[Problem] = []
    for problem in problems:
        places = [r - 1 for r in (problem.rows or ((problem.row,) if problem.row else ()))]
        if not places:
            whole.append(problem)
        for place in places:
            value = problem.value if problem.value is not None else _value(table, place, problem.column)
            why = problem.why or problem.what
            row = LeftRow(problem.where, int(rows[place]), problem.column or "", _shown(value), why)
            found.setdefault(place, row)
    return found, whole


def refuse_too_many(problems: Sequence[Problem], count: int, of: int, share: float, where: str) -> None:
    """Refuse a list of which more rows cannot be used than may be left out, with all its problems.

    Raises
    ------
    InputError
        If there are too many.
    """
    if few_enough(count, of, share):
        return
    told = (
        f"{count} of {of} rows cannot be used, more than may be left out ({share:.0%} of the rows, or one row of "
        f"{_ALWAYS_ONE_FROM} or more); mend them, or allow more with --left-out-share"
    )
    raise InputError([*problems, Problem(where, told)])


def left_notices(left: Sequence[LeftRow], layer: str) -> list[Notice]:
    """Return what an import says of the rows it left out: how many, why, and where they are listed."""
    out = []
    for file in dict.fromkeys(r.file for r in left):
        mine = [r for r in left if r.file == file]
        reasons = pd.Series([r.why for r in mine]).value_counts(sort=True)
        told = "; ".join(f"{why} ({n})" for why, n in reasons.head(_SHOWN).items())
        more = f"; {plural(len(reasons) - _SHOWN, 'more reason')}" if len(reasons) > _SHOWN else ""
        out.append(
            Notice(
                file,
                f"cannot be used and were left out, each with its reason in left-out/{layer}.csv: {told}{more}",
                rows=len(mine),
            )
        )
    return out


def left_table(left: Sequence[LeftRow]) -> pd.DataFrame:
    """Return left-out rows as a table, in the order of their files."""
    values = [(r.file, r.row, r.column, r.value, r.why) for r in left]
    frame = pd.DataFrame(values, columns=list(LEFT_OUT_COLUMNS))
    return frame.astype("str")


def merged(*parts: Mapping[str, Sequence[LeftRow]]) -> dict[str, tuple[LeftRow, ...]]:
    """Return left-out rows by layer, of several readings together."""
    out: dict[str, tuple[LeftRow, ...]] = {}
    for part in parts:
        for layer, rows in part.items():
            out[layer] = (*out.get(layer, ()), *rows)
    return out


def _value(table: pd.DataFrame, place: int, column: str | None) -> object:
    if column is None or column == "geometry" or column not in table.columns:
        return ""
    return table[column].iloc[place]


def _shown(value: object) -> str:
    missing = value is None or (isinstance(value, float) and value != value) or value is pd.NA  # noqa: PLR0124 - NaN
    text = "" if missing else str(value)
    # a row of notes below a list may hold a person's phone number
    return "(left out: personal data)" if holds_personal_data(text) else text[:_LONGEST]

"""What a reader changed in a user's data so that it could be used, as data to print and to keep."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

__all__ = ["Notice", "notice_table", "unused_notices"]

_NAMED = 200  # columns named in one notice


@dataclass(frozen=True)
class Notice:
    """One thing that was converted, filled, dropped or mended.

    Parameters
    ----------
    where : str
        The file, e.g. ``"sites.csv"``.
    what : str
        What was done, in words.
    column : str or None
        The column, as the file names it.
    rows : int or None
        How many rows it concerns; None: the file or column as a whole.
    first : tuple of int
        The first of these rows, counted from 1; empty where none is named.
    """

    where: str
    what: str
    column: str | None = None
    rows: int | None = None
    first: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Return ``file, column c: what (n rows: the first of them)``."""
        place = self.where if self.column is None else f"{self.where}, column {self.column}"
        many = "" if self.rows is None else f"{self.rows} {'row' if self.rows == 1 else 'rows'}"
        if self.first:
            more = ", …" if self.rows is not None and len(self.first) < self.rows else ""
            many += f"{': ' if many else 'rows '}{', '.join(map(str, self.first))}{more}"
        many = f" ({many})" if many else ""
        return f"{place}: {self.what}{many}"


def notice_table(notices: Iterable[Notice]) -> pd.DataFrame:
    """Return notices as a table of where, column, rows, what."""
    found = list(notices)
    return pd.DataFrame(
        {
            "where": pd.Series([n.where for n in found], dtype=str),
            "column": pd.Series([n.column or "" for n in found], dtype=str),
            "rows": pd.Series([-1 if n.rows is None else n.rows for n in found], dtype="int64"),
            "what": pd.Series([n.what for n in found], dtype=str),
        }
    )


def unused_notices(
    names: Sequence[str], about: str, where: str, *, mend: str = "where one does, name it in columns.toml"
) -> list[Notice]:
    """Return which columns of a file answer no question of what is read from it; nothing when there are none.

    Parameters
    ----------
    names : sequence of str
        The columns, as the file names them.
    about : str
        What is read, e.g. ``"layer sites"``.
    where : str
        The file's name.
    mend : str
        What to do where one of them does answer a question.
    """
    if not names:
        return []
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    return [Notice(where, f"not used, as they answer no question of {about}: {shown}; {mend}")]

"""What a reader changed in a user's data so that it could be used, as data to print and to keep."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

__all__ = ["Notice", "notice_table"]


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
    """

    where: str
    what: str
    column: str | None = None
    rows: int | None = None

    def __str__(self) -> str:
        """Return ``file, column c: what (n rows)``."""
        place = self.where if self.column is None else f"{self.where}, column {self.column}"
        many = "" if self.rows is None else f" ({self.rows} {'row' if self.rows == 1 else 'rows'})"
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

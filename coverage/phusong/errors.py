"""What phusong says when something it was given cannot be used."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

__all__ = ["InputError", "PhusongError", "Problem", "nearest_name", "refuse"]


_LONGEST_NAME = 200  # characters; names come from files
_LONGEST_WORDS = 4000


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input, in words that a planner can act on.

    Parameters
    ----------
    where : str
        The file, folder or argument, e.g. ``"sites.csv"``.
    what : str
        What is wrong and what was expected.
    row, column, value : optional
        The place inside the file (row counted from 1, the header not counted) and the value found there.
    rows : tuple of int
        Of a problem that sums up further rows: which ones.
    why : str
        Of the same: what is wrong with each of them.
    """

    where: str
    what: str
    row: int | None = None
    column: str | None = None
    value: object = None
    rows: tuple[int, ...] = ()
    why: str = ""

    def __str__(self) -> str:
        """Return ``file row n, column c: value … what``."""
        place = self.where
        if self.row is not None:
            place += f" row {self.row}"
        if self.column is not None:
            place += ("," if self.row is not None else "") + f" column {_short(self.column, _LONGEST_NAME)}"
        found = "" if self.value is None else f"{_text(self.value)[:80]!r} "
        return f"{place}: {found}{_short(self.what, _LONGEST_WORDS)}"


def _text(value: object) -> str:
    try:
        return str(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, a list thousands deep
        return f"a {type(value).__name__} too long to print"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


class PhusongError(Exception):
    """Every error that phusong raises on purpose."""


class InputError(PhusongError):
    """Something the user gave is wrong; carries every problem found, not just the first."""

    def __init__(self, problems: Problem | Sequence[Problem]) -> None:
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


def refuse(problems: Iterable[Problem]) -> None:
    """Raise :class:`InputError` with all the problems, or return when there is none.

    Raises
    ------
    InputError
        If ``problems`` is not empty.
    """
    found = list(problems)
    if found:
        raise InputError(found)


def nearest_name(name: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean …?)"`` for the known name closest to ``name``, or nothing.

    Examples
    --------
    >>> nearest_name("mocnn", ["none", "mocn", "roaming"])
    ' (did you mean mocn?)'
    """
    names = list(known)
    folded = {n.casefold(): n for n in names}
    close = get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
    return f" (did you mean {folded[close[0]]}?)" if close else ""

"""Problems that refuse, notices that tell."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches

__all__ = [
    "InputError",
    "Notice",
    "PhusongError",
    "Problem",
    "and_more",
    "in_digits",
    "nearest_name",
    "nearest_word",
    "plural",
    "refuse",
    "unused_notices",
]

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


def nearest_word(name: str, known: Iterable[str]) -> str:
    """Return the known name closest to ``name``; empty where none is close."""
    folded = {n.casefold(): n for n in known}
    close = get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.6)
    return folded[close[0]] if close else ""


def nearest_name(name: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean …?)"`` for the known name closest to ``name``, or nothing.

    Examples
    --------
    >>> nearest_name("mocnn", ["none", "mocn", "roaming"])
    ' (did you mean mocn?)'
    """
    close = nearest_word(name, known)
    return f" (did you mean {close}?)" if close else ""


def plural(count: int, one: str, many: str = "") -> str:
    """Return so many things in English; ``many`` is the plural where it is more than an s.

    Examples
    --------
    >>> plural(1, "site"), plural(1200, "site"), plural(0, "facility", "facilities")
    ('1 site', '1,200 sites', '0 facilities')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def and_more(count: int, noun: str = "") -> str:
    """Return `` and n more`` of what is not shown, or nothing where all is.

    Examples
    --------
    >>> and_more(0), and_more(3), and_more(1, "pixel")
    ('', ' and 3 more', ' and 1 more pixel')
    """
    if count <= 0:
        return ""
    return f" and {count:,} more" + (f" {noun}{'' if count == 1 else 's'}" if noun else "")


def in_digits(value: float, digits: int) -> str:
    """Return a number in so many digits that mean something, never with an exponent.

    Examples
    --------
    >>> in_digits(1000.0, 3), in_digits(0.00012345, 2), in_digits(99.96, 2)
    ('1,000', '0.00012', '100')
    """
    return format(Decimal(f"{value:.{digits}g}"), ",f") if math.isfinite(value) else str(value)


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
        many = "" if self.rows is None else plural(self.rows, "row")
        if self.first:
            more = ", …" if self.rows is not None and len(self.first) < self.rows else ""
            many += f"{': ' if many else 'rows '}{', '.join(map(str, self.first))}{more}"
        many = f" ({many})" if many else ""
        return f"{place}: {self.what}{many}"


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
    shown = ", ".join(names[:_NAMED]) + and_more(len(names) - _NAMED)
    return [Notice(where, f"not used, as they answer no question of {about}: {shown}; {mend}")]

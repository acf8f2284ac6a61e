"""Where a table begins in a sheet: titles above it, names of columns in one or two rows, notes and totals below it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from phusong.region.names import fold
from phusong.region.notices import Notice

__all__ = ["Sheet", "letters_of", "records_of"]

_LOOKED_AT = 60  # rows in which the names of columns are looked for
_FEW = 2  # filled cells of a title, a total or a signature
_WIDE = 4  # columns of a table in which so few are no record
_ENOUGH = 2  # known names that make a row the header
_UNIT_WORDS = 1


@dataclass(frozen=True)
class Sheet:
    """A table out of a sheet.

    Parameters
    ----------
    frame : DataFrame
        Its records, by the names of the columns.
    known : tuple of str
        The names that were expected, folded.
    first_row : int
        Number of the sheet's first record, counted from 1.
    notices : tuple of Notice
        What was left out above, between and below.
    """

    frame: pd.DataFrame
    known: tuple[str, ...]
    first_row: int
    notices: tuple[Notice, ...] = ()


def records_of(rows: Sequence[Sequence[object]], where: str, known: Iterable[str]) -> Sheet | None:
    """Return the records of a sheet, or None where no row names its columns.

    Parameters
    ----------
    rows : sequence of sequence
        Cells of the sheet, None where nothing stands; all rows of one length.
    where : str
        Its name, for notices.
    known : iterable of str
        Names expected among the columns.

    Examples
    --------
    >>> sheet = records_of([["LIST", None], ["Mã trạm", "Kinh độ"], ["A1", 105.2]], "x", ["ma_tram", "kinh_do"])
    >>> sheet.frame.to_dict("records")
    [{'Mã trạm': 'A1', 'Kinh độ': 105.2}]
    """
    names = {fold(k) for k in known}
    best: tuple[int, int, int] | None = None  # score, -row, rows of the header
    for at in range(min(len(rows), _LOOKED_AT)):
        for deep in (1, 2):
            if at + deep > len(rows):
                continue
            score = len(_found(_joined(rows[at : at + deep]), names))
            # a second row of names must add some, or it is a record
            if best is None or (score, -deep) > (best[0], -best[2]):
                best = (score, at, deep)
    if best is None or best[0] < min(_ENOUGH, max(1, len(rows[0]) if rows else 1)):
        return None
    score, at, deep = best
    header = _joined(rows[at : at + deep])
    if deep == 1 and at > 0:
        # a name that spans both rows stands in the upper one
        above = rows[at - 1]
        titles = sum(v is not None for v in above) < _FEW
        header = [n if n or titles else _text(v) for n, v in zip(header, above, strict=True)]
        header = _named_by_both(header, above, names)
    body = list(rows[at + deep :])
    width = sum(bool(h) for h in header)
    usable: list[tuple[int, Sequence[object]]] = []
    passed: list[tuple[int, Sequence[object]]] = []
    for number, row in enumerate(body):
        filled = sum(v is not None for v in row)
        if filled == 0:
            continue
        (usable if width < _WIDE or filled > _FEW else passed).append((number, row))
    notices = []
    if at > 0:
        told = f"names of columns were found in row {at + deep}: what stands above is no record"
        notices.append(Notice(where, told))
    if passed:
        told = f"rows with at most {_FEW} of {width} values (titles, totals, signatures) are no records and were left out"
        notices.append(Notice(where, told, rows=len(passed)))
    columns, more = _columns(header, [r for _, r in usable], where)
    data = {name: [row[k] for _, row in usable] for name, k in columns.items()}
    frame = pd.DataFrame(data, columns=list(columns))
    first = at + deep + (usable[0][0] if usable else 0) + 1
    return Sheet(frame, tuple(sorted(_found(header, names))), first, (*notices, *more))


def letters_of(number: int) -> str:
    """Return the letters of a column, counted from 0.

    Examples
    --------
    >>> letters_of(0), letters_of(27)
    ('A', 'AB')
    """
    out = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        out = chr(65 + rest) + out
    return out


def _joined(rows: Sequence[Sequence[object]]) -> list[str]:
    """Return the names of columns that stand in one row, or in two of which the lower divides the upper."""
    if len(rows) == 1:
        return [_text(v) for v in rows[0]]
    return [_text(low) or _text(high) for high, low in zip(*rows, strict=True)]


def _named_by_both(header: list[str], above: Sequence[object], names: set[str]) -> list[str]:
    """Return names to which the heading that spans several columns is put where they alone mean nothing."""
    out, group = [], ""
    for name, high in zip(header, above, strict=True):
        group = _text(high) or group
        both = f"{group} {name}".strip()
        out.append(both if name and fold(name) not in names and _known(both, names) else name)
    return out


def _known(name: str, names: set[str]) -> str:
    """Return the expected name that a heading is, with or without a unit behind it."""
    folded = fold(name)
    if folded in names:
        return folded
    stem = folded.rsplit("_", _UNIT_WORDS)[0]
    return stem if stem != folded and stem in names else ""


def _found(header: Iterable[str], names: set[str]) -> set[str]:
    return {known for h in header if h and (known := _known(h, names))}


def _text(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())


def _columns(
    header: Sequence[str], rows: Sequence[Sequence[object]], where: str
) -> tuple[dict[str, int], list[Notice]]:
    """Return the position of each column by its name; those without one by their letters."""
    out: dict[str, int] = {}
    notices = []
    for k, name in enumerate(header):
        if not name and not any(r[k] is not None for r in rows):
            continue
        unique = name or f"column {letters_of(k)}"
        if unique in out:
            again = f"{unique} ({letters_of(k)})"
            notices.append(
                Notice(where, f"stands twice among the names; the second is called {again}", unique)
            )
            unique = again
        out[unique] = k
    return out, notices

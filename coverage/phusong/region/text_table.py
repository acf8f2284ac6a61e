"""A table from delimited text as people save it: any delimiter, any encoding that can be told, no row lost silently."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import pandas as pd

from phusong.errors import InputError, Problem, refuse
from phusong.region.legacy_text import UnsureTextError, decode
from phusong.region.names import fold
from phusong.region.notices import Notice

__all__ = ["DELIMITERS", "MOST_COLUMNS", "TextTable", "read_text_table"]

DELIMITERS = (",", ";", "\t", "|")
"""Delimiters that are found out."""

MOST_COLUMNS = 10_000
"""Columns a table may have."""

_LONGEST_LINE = 4_000_000  # characters
_TRIED_LINES = 50  # read to find the delimiter
_CHUNK_ROWS = 50_000  # rows held as Python text at once
_SHOWN = 20


@dataclass(frozen=True)
class TextTable:
    """Columns of text, nothing interpreted, and what was converted."""

    frame: pd.DataFrame
    notices: tuple[Notice, ...] = ()


def read_text_table(
    data: bytes,
    where: str,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    skip_lines: int = 0,
    known: Iterable[str] = (),
    one_column: bool = False,
) -> TextTable:
    """Return a table of text from the bytes of a delimited file.

    Parameters
    ----------
    data : bytes
        The whole file.
    where : str
        Its name, for problems.
    encoding : str, optional
        See ``legacy_text.ENCODINGS``; found out when left out.
    delimiter : str, optional
        One character; found out when left out.
    skip_lines : int
        Lines above the header.
    known : iterable of str
        Names expected in the header, which help to find the delimiter.
    one_column : bool
        Whether a table of one column, in which no delimiter stands, is a table.

    Raises
    ------
    InputError
        If the text cannot be decoded, or rows do not have the header's number of values (all of them named).
    """
    notices: list[Notice] = []
    try:
        decoded = decode(data, encoding)
    except UnsureTextError as error:
        raise InputError(Problem(where, str(error))) from None
    if decoded.note:
        notices.append(Notice(where, decoded.note))
    text = decoded.text
    if "\x00" in text:
        raise InputError(Problem(where, "holds zero bytes, so it is no text; save it as CSV UTF-8"))
    text = _below_header(text, skip_lines)
    if text[:4].lower() == "sep=" and delimiter is None:  # what spreadsheets write to tell the delimiter
        hint, _, text = text.partition("\n")
        delimiter = hint.strip("\r\n")[4:5] or None
    if not text.strip():
        raise InputError(Problem(where, "is empty; expected a line of column names and rows below it"))
    mark = delimiter or _delimiter(text, where, known, one_column=one_column)
    if mark != "," and delimiter is None:
        notices.append(Notice(where, f"columns are separated by {_spoken(mark)}"))
    frame, cut = _table(text, mark, where)
    return TextTable(frame, (*notices, *cut))


def _below_header(text: str, skip_lines: int) -> str:
    for _ in range(skip_lines):
        _, _, text = text.partition("\n")
    return text


def _delimiter(text: str, where: str, known: Iterable[str], *, one_column: bool) -> str:
    """Return the delimiter with which the lines have equally many values and the header known names."""
    names = {fold(k) for k in known}
    best, best_score = "", (0.0, 0.0, 0.0)
    for mark in DELIMITERS:
        rows = list(islice(_tolerant_rows(text, mark), _TRIED_LINES))
        if not rows or len(rows[0]) < 2:
            continue
        width = len(rows[0])
        equal = sum(len(r) == width for r in rows) / len(rows)
        score = (float(sum(fold(c) in names for c in rows[0])), equal, float(width))
        if score > best_score:
            best, best_score = mark, score
    if not best and one_column:
        return ","
    if not best:
        raise InputError(
            Problem(
                where,
                "has one column only: no comma, semicolon, tab or | stands between names in its first line",
            )
        )
    return best


def _tolerant_rows(text: str, mark: str) -> Iterator[list[str]]:
    try:
        yield from (row for row in csv.reader(_lines(text), delimiter=mark) if row)
    except csv.Error:
        return


def _lines(text: str) -> Iterator[str]:
    for line in io.StringIO(text, newline=""):
        # a row is held whole before its values can be counted
        if len(line) > _LONGEST_LINE:
            raise csv.Error(f"a line is longer than {_LONGEST_LINE:,} characters")
        yield line


def _table(text: str, mark: str, where: str) -> tuple[pd.DataFrame, list[Notice]]:
    reader = csv.reader(_lines(text), delimiter=mark, strict=True)
    rows = (row for row in reader if row and (row[0].strip() or any(v.strip() for v in row)))
    problems: list[Problem] = []
    wrong = trailing = read = 0
    chunks: list[pd.DataFrame] = []
    try:
        header = [name.strip() for name in next(rows, [])]
        width = len(header)
        if width > MOST_COLUMNS:
            raise InputError(Problem(where, f"has {width:,} columns; at most {MOST_COLUMNS:,} are read"))
        while chunk := list(islice(rows, _CHUNK_ROWS)):
            for i, row in enumerate(chunk):
                if len(row) > width and not any(v.strip() for v in row[width:]):
                    del row[width:]
                    trailing += 1
                if len(row) != width:
                    wrong += 1
                    if wrong <= _SHOWN:
                        problems.append(_miscounted(row, width, where, read + i + 1))
                    chunk[i] = [""] * width
            read += len(chunk)
            chunks.append(pd.DataFrame(chunk, columns=range(width), dtype="str"))
    except csv.Error as error:
        refuse([*problems, _malformed(error, reader.line_num, where)])
    if wrong > _SHOWN:
        problems.append(Problem(where, f"and {wrong - _SHOWN} more rows with this problem"))
    empty = pd.DataFrame({k: pd.Series([], dtype="str") for k in range(width)})
    frame = pd.concat(chunks, ignore_index=True) if chunks else empty
    frame, notices = _named(frame, header, where, problems)
    refuse(problems)
    if trailing:
        notices.append(Notice(where, "delimiters behind the last column were ignored", rows=trailing))
    return frame, notices


def _miscounted(row: list[str], width: int, where: str, number: int) -> Problem:
    if len(row) < width:
        told = f"has {len(row)} values where the first line names {width} columns; is the file cut off here?"
    else:
        told = (
            f"has {len(row)} values where the first line names {width} columns; "
            "put text that holds the delimiter in double quotes"
        )
    return Problem(where, told, row=number)


def _malformed(error: csv.Error, line: int, where: str) -> Problem:
    if "unexpected end" in str(error):
        return Problem(where, "ends inside double quotes: a quote is not closed, or the file is cut off")
    return Problem(
        where, f"line {line} cannot be read ({error}); double a quote that stands inside quoted text"
    )


def _named(
    frame: pd.DataFrame, header: list[str], where: str, problems: list[Problem]
) -> tuple[pd.DataFrame, list[Notice]]:
    notices = []
    kept = [k for k, name in enumerate(header) if name]
    for k in sorted(set(range(len(header))) - set(kept)):
        if (frame[k].str.strip() != "").any():
            notices.append(Notice(where, f"column {k + 1} has no name and was left out"))
    out = frame[kept]
    out.columns = pd.Index([header[k] for k in kept], dtype="str")
    for name in out.columns[out.columns.duplicated()].unique():
        problems.append(
            Problem(where, "stands twice in the first line; names of columns must differ", column=name)
        )
    return out, notices


def _spoken(mark: str) -> str:
    return {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"}.get(mark, repr(mark))

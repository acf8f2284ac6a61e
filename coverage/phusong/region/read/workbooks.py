"""Tables out of workbooks (.xlsx) as offices keep them: titles, merged cells, several sheets, dates, numbers as text."""

import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pandas as pd
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring
from openpyxl import load_workbook

from phusong.errors import InputError, Notice, Problem
from phusong.region.read.encoding import fold
from phusong.region.read.headings import SheetTable, letters_of, records_of

__all__ = ["read_workbook"]

_MOST_BYTES = 1 << 30  # unpacked: a workbook of a million rows has less
_MOST_RATIO = 200  # of unpacked to packed bytes; real workbooks have about 10
_RATIO_FROM_BYTES = 50 << 20
_MOST_MEMBERS = 5000
_MOST_ROWS = 1_048_576
_MOST_COLUMNS = 2000
_MOST_CELLS = 50_000_000
_EMPTY_ROWS = 1000  # behind so many empty rows a sheet is over
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]{1,3}[0-9]{1,7}:[A-Z]{1,3}[0-9]{1,7})"')
_MOST_MERGED = 100_000
_DECLARED = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_STRICT = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"


def read_workbook(
    path: Path,
    wanted: str,
    known: Iterable[str],
    *,
    table: str = "",
    skip_lines: int = 0,
    mapped: Iterable[str] = (),
) -> tuple[pd.DataFrame, tuple[Notice, ...]]:
    """Return the table of a workbook, as text and numbers, and what was left out.

    Several sheets with the same names of columns are put together; of others the one is taken that has the most
    known names, and the rest is told.

    Parameters
    ----------
    path : Path
        The workbook.
    wanted : str
        Name of the sheet that is preferred: the layer's.
    known : iterable of str
        Names expected among the columns.
    table : str
        Name of the sheet, when the user says which.
    skip_lines : int
        Rows above the names of columns, when the user says how many.
    mapped : iterable of str
        The file's columns that columns.toml names; where they are all letters (A, B …), the sheet needs no names.

    Raises
    ------
    InputError
        If it is no workbook, is broken, too large or locked, or no sheet holds a table.
    """
    where = path.name
    try:
        _bounded(path)
        sheets = _sheets(path, table)
    except InputError:
        raise
    except DefusedXmlException:
        raise InputError(Problem(where, "declares entities, which no workbook does; save it anew")) from None
    except Exception as error:  # noqa: BLE001 - a broken workbook makes openpyxl raise anything
        told = f"is no readable workbook (.xlsx), or is cut off: {' '.join(str(error).split())[:150]}"
        raise InputError(Problem(where, told)) from None
    if not sheets:
        raise InputError(Problem(where, "holds no sheet with anything in it"))
    names = list(known)
    by_letters = [m for m in mapped if re.fullmatch(r"[A-Z]{1,3}", m)]
    found: dict[str, SheetTable] = {}
    for title, rows in sheets.items():
        sheet = _by_letters(rows[skip_lines:], where, by_letters) if by_letters else None
        sheet = sheet or records_of(rows[skip_lines:], where, names)
        if sheet is not None:
            found[title] = sheet
    if not found:
        shown = ", ".join(names[:6])
        told = (
            f"has no row of known names of columns ({shown} …) in its sheets {', '.join(list(sheets)[:10])}; name the "
            "columns in columns.toml, or a sheet without names by letters (A, B …)"
        )
        raise InputError(Problem(where, told))
    chosen, notices = _chosen(found, wanted, where)
    others = [t for t in sheets if t not in chosen]
    if others:
        notices.append(Notice(where, f"sheets that were not read: {', '.join(others[:20])}"))
    frames = [found[t].frame for t in chosen]
    notices += [n for t in chosen for n in found[t].notices]
    whole = pd.concat(frames, ignore_index=True)
    return whole.apply(_plain) if len(whole.columns) else whole, tuple(notices)


def _bounded(path: Path) -> None:
    """Refuse what unpacks to more than a workbook ever holds, is locked, or declares entities."""
    where = path.name
    with path.open("rb") as file:
        head = file.read(8)
    if head == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        told = "is an old workbook (.xls) or locked by a password; save it as .xlsx without one"
        raise InputError(Problem(where, told))
    if head[:2] != b"PK":
        raise InputError(Problem(where, "is no workbook (.xlsx): it does not begin as one"))
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        size = sum(m.file_size for m in members)
        packed = max(sum(m.compress_size for m in members), 1)
        if len(members) > _MOST_MEMBERS or size > _MOST_BYTES:
            told = f"unpacks to {size:,} bytes in {len(members):,} parts, more than is read of a workbook"
            raise InputError(Problem(where, told))
        if size > _RATIO_FROM_BYTES and size > _MOST_RATIO * packed:
            raise InputError(
                Problem(where, f"unpacks to {size // packed} times its size, as no real workbook does")
            )
        if any(m.flag_bits & 1 for m in members):
            raise InputError(Problem(where, "is locked by a password; save it without one"))
        left = _MOST_BYTES
        for member in members:
            if not member.filename.lower().endswith((".xml", ".rels")):
                continue
            with archive.open(member) as part:
                first = part.read(4096)
                if _DECLARED.search(first):
                    raise InputError(
                        Problem(where, "declares entities, which no workbook does; save it anew")
                    )
                # what the directory states of a size is not trusted
                held = len(first)
                while block := part.read(1 << 20):
                    held += len(block)
                    if held > min(left, member.file_size):
                        raise InputError(Problem(where, "holds more than it states; it was not read"))
                left -= held


def _sheets(path: Path, table: str) -> dict[str, list[list[object]]]:
    """Return the cells of every sheet that is shown, merged ones filled."""
    book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
    try:
        titles = [s.title for s in book.worksheets if getattr(s, "sheet_state", "visible") == "visible"]
        if table:
            chosen = [t for t in titles if t == table or fold(t) == fold(table)]
            if not chosen:
                told = f"has no sheet {table}; it has {', '.join(titles[:20])}"
                raise InputError(Problem(path.name, told))
            titles = chosen
        parts = _parts(path)
        out = {}
        for title in titles:
            rows = _rows(book[title], path.name)
            if rows:
                out[title] = _filled(rows, _merged(path, parts.get(title, "")))
        return out
    finally:
        book.close()


def _rows(sheet: Any, where: str) -> list[list[object]]:  # noqa: ANN401 - openpyxl's sheet
    # what a sheet states of its size is often wrong
    sheet.reset_dimensions()
    rows: list[list[object]] = []
    empty = cells = 0
    for number, row in enumerate(sheet.iter_rows(values_only=True, max_col=_MOST_COLUMNS)):
        if number >= _MOST_ROWS or cells > _MOST_CELLS:
            raise InputError(
                Problem(where, f"has more than {_MOST_ROWS:,} rows in sheet {sheet.title}; split it")
            )
        values = [_cell(v) for v in row]
        while values and values[-1] is None:
            values.pop()
        empty = 0 if values else empty + 1
        if empty > _EMPTY_ROWS:
            break
        cells += len(values)
        rows.append(values)
    while rows and not rows[-1]:
        rows.pop()
    width = max((len(r) for r in rows), default=0)
    return [r + [None] * (width - len(r)) for r in rows]


def _cell(value: object) -> object:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, str) and value.startswith("#") and value.rstrip("!?/A0").isupper():
        return None  # the error of a formula: #N/A, #REF!
    return value


def _parts(path: Path) -> dict[str, str]:
    """Return the part of the archive that holds each sheet."""
    with zipfile.ZipFile(path) as archive:
        try:
            book = fromstring(archive.read("xl/workbook.xml"))
            links = fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        except (KeyError, ParseError):
            return {}
    targets = {str(r.get("Id")): str(r.get("Target")) for r in links}
    out = {}
    for sheet in [*book.iter(f"{_NS}sheet"), *book.iter(f"{_STRICT}sheet")]:
        target = targets.get(str(sheet.get(f"{_R}id")), "")
        out[str(sheet.get("name"))] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return out


def _merged(path: Path, part: str) -> list[str]:
    """Return the ranges of merged cells, which stand behind all rows of a sheet."""
    if not part:
        return []
    found: list[str] = []
    with zipfile.ZipFile(path) as archive:
        try:
            file = archive.open(part)
        except KeyError:
            return []
        with file:
            kept = b""
            while block := file.read(1 << 20):
                text = kept + block
                last = 0
                for match in _MERGED.finditer(text):
                    found.append(match[1].decode())
                    last = match.end()
                kept = text[max(last, len(text) - 200) :]
                if len(found) > _MOST_MERGED:
                    break
    return found


def _filled(rows: list[list[object]], ranges: Sequence[str]) -> list[list[object]]:
    """Return rows in which a value that spans several rows stands in each; across columns it stands once."""
    for text in ranges:
        start, _, end = text.partition(":")
        (top, left), (bottom, right) = _place(start), _place(end)
        if top >= len(rows) or left >= len(rows[0]) or right != left:
            continue
        value = rows[top][left]
        # beyond the header a merged name (of an operator, a commune) holds for each of its rows
        for r in range(top + 1, min(bottom, len(rows) - 1) + 1):
            if rows[r][left] is None:
                rows[r][left] = value
    return rows


def _place(cell: str) -> tuple[int, int]:
    letters = cell.rstrip("0123456789")
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return int(cell[len(letters) :]) - 1, column - 1


def _by_letters(rows: list[list[object]], where: str, letters: Sequence[str]) -> SheetTable | None:
    if not rows:
        return None
    names = [letters_of(k) for k in range(len(rows[0]))]
    if not set(letters) <= set(names):
        return None
    body = [r for r in rows if any(v is not None for v in r)]
    frame = pd.DataFrame(body, columns=names)
    return SheetTable(
        frame,
        tuple(sorted(letters)),
        1,
        (Notice(where, "columns are called by their letters, as columns.toml says"),),
    )


def _chosen(found: dict[str, SheetTable], wanted: str, where: str) -> tuple[list[str], list[Notice]]:
    named = [t for t in found if fold(t) == fold(wanted)]
    if named:
        return named[:1], []
    most = max(len(s.known) for s in found.values())
    best = next(t for t, s in found.items() if len(s.known) == most)
    alike = [t for t, s in found.items() if s.known == found[best].known]
    if len(alike) > 1:
        return alike, [
            Notice(where, f"sheets with the same columns were put together: {', '.join(alike[:20])}")
        ]
    return [best], [] if len(found) == 1 else [
        Notice(where, f"sheet {best} was read: it has the most known columns")
    ]


def _plain(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return a column of numbers as numbers and any other as text, so that each is read as a file of text would be."""
    there = values.dropna()
    numeric = there.map(lambda v: isinstance(v, int | float) and not isinstance(v, bool))
    if len(there) and numeric.all():
        return pd.to_numeric(
            values.astype(object).where(values.notna(), float("nan")), errors="coerce"
        ).astype("float64")
    return values.map(_as_text).astype("str")


def _as_text(value: object) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        text = repr(value)
        # a number with three decimals shall not look like thousands
        return f"{text}0" if re.fullmatch(r"-?\d{1,3}\.\d{3}", text) else text
    return str(value)

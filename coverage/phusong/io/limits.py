"""Size and depth limits for untrusted files."""

import json
import re
import stat
import tomllib
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from phusong.errors import InputError, Problem

__all__ = [
    "ESCAPED_FORMULA",
    "FORMULA",
    "MOST_LIST_BYTES",
    "MOST_TABLE_BYTES",
    "MOST_TOML_BYTES",
    "check_parquet",
    "in_one_piece",
    "json_tree",
    "plain_text",
    "read_bytes",
    "safe_text",
    "toml_tree",
    "toml_value",
]

MOST_TABLE_BYTES = 2 * 1024**3
"""Longest text table, JSON or journal that is held in memory."""

MOST_TOML_BYTES = 1_000_000
"""Longest TOML file."""

MOST_LIST_BYTES = 100_000_000
"""Longest list beside a region: repairs, a legend, communes to be favoured."""

_MOST_JSON_BYTES = 100_000_000
_DEEPEST = 32  # tables within tables; ours go four deep
_PART = r"""(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s.=\[\]{},#"']+)"""
_LONG_KEY = re.compile(rf"(?:\.[ \t]*{_PART}[ \t]*){{{_DEEPEST + 1},}}")


def read_bytes(path: Path, most: int = MOST_TABLE_BYTES) -> bytes:
    """Return a file's bytes.

    Parameters
    ----------
    path : Path
        The file.
    most : int
        Longest that is read. [bytes]

    Raises
    ------
    InputError
        If it cannot be read, or is longer.
    """
    try:
        held = path.stat()
        # a pipe would be waited for, a device never ends
        if not stat.S_ISREG(held.st_mode):
            raise InputError(Problem(path.name, "is no ordinary file"))
        size = held.st_size
        with path.open("rb") as file:
            # what is asked for is set aside, whatever there is: so the size, and a byte to see it grow
            data = file.read(size + 1) if size <= most else None
    except OSError as error:
        raise InputError(Problem(path.name, f"cannot be read ({error.strerror or error})")) from None
    if data is None or len(data) > most:
        raise InputError(
            Problem(path.name, f"is longer than {most:,} bytes, the most that is read of such a file")
        )
    return data


def json_tree(path: Path, most: int = _MOST_JSON_BYTES) -> Any:  # noqa: ANN401 - JSON holds any value
    """Return the value of a JSON file.

    Raises
    ------
    InputError
        If it cannot be read, is no JSON in UTF-8, or is longer or deeper than any of ours.
    """
    try:
        tree = json.loads(read_bytes(path, most).decode("utf-8-sig"))
    except RecursionError:
        raise InputError(Problem(path.name, f"goes deeper than {_DEEPEST} tables within tables")) from None
    except ValueError as error:
        raise InputError(Problem(path.name, f"cannot be read as JSON: {str(error)[:200]}")) from None
    if isinstance(tree, (dict, list)):
        _refuse_depth(tree, path.name)
    return tree


def toml_tree(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Raises
    ------
    InputError
        If it cannot be read, is no TOML in UTF-8, or is longer or deeper than any of ours.
    """
    data = read_bytes(path, MOST_TOML_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        told = f"is not UTF-8 text (byte {error.start + 1}); save it as UTF-8"
        raise InputError(Problem(path.name, told)) from None
    return toml_value(text, path.name)


def toml_value(text: str, where: str) -> dict[str, Any]:
    """Return the tables of TOML text; errors as of :func:`toml_tree`."""
    # of a key with thousands of parts the parser keeps every beginning: refused before it is asked
    if _LONG_KEY.search(text):
        raise InputError(Problem(where, f"holds a key of more than {_DEEPEST} parts"))
    try:
        tree = tomllib.loads(text)
    except RecursionError:
        raise InputError(Problem(where, f"goes deeper than {_DEEPEST} tables within tables")) from None
    except ValueError as error:  # of TOML, and of a number with thousands of digits
        raise InputError(Problem(where, f"is not valid TOML: {str(error)[:200]}")) from None
    _refuse_depth(tree, where)
    return tree


def _refuse_depth(tree: object, where: str) -> None:
    """Walk level by level: whatever comes later (merging, printing) may then call itself."""
    level: list[object] = [tree]
    for _ in range(_DEEPEST):
        inner = [v for held in level for v in (held.values() if isinstance(held, dict) else held)]  # type: ignore[attr-defined]  # a level holds dicts and lists only
        if any(isinstance(v, int) and abs(v) >= 2**63 for v in inner):
            raise InputError(Problem(where, "holds a whole number beyond 64 bits"))
        level = [v for v in inner if isinstance(v, (dict, list))]
        if not level:
            return
    raise InputError(Problem(where, f"goes deeper than {_DEEPEST} tables within tables"))


F = TypeVar("F", bound=pd.DataFrame)

_MOST_BYTES = 2 * 1024**3
_MOST_CELLS = 1_000_000_000
_MOST_COLUMNS = 10_000
_ROWS_AT_ONCE = 1024


def check_parquet(path: Path, *, most: int = _MOST_BYTES, plain: bool = True) -> None:
    """Refuse a Parquet file that unpacks to more than is read, or holds types that only code could rebuild.

    Parameters
    ----------
    path : Path
        The file.
    most : int
        Unpacked. [bytes]
    plain : bool
        Whether columns of other types than numbers, text, and true or false are refused too.

    Raises
    ------
    InputError
        If it is refused; what Arrow raises over a broken file passes through.

    Notes
    -----
    Repeated values are packed once, whatever they repeat: the sizes that a file states do not bound what it unpacks to,
    so text is counted a few rows at a time.
    """
    with pq.ParquetFile(path) as file:
        stated = file.metadata
        schema = file.schema_arrow
        groups = [stated.row_group(k) for k in range(stated.num_row_groups)]
        if (
            sum(g.total_byte_size for g in groups) > most
            or len(schema) > _MOST_COLUMNS
            or stated.num_rows * max(1, len(schema)) > _MOST_CELLS
        ):
            raise InputError(
                Problem(path.name, f"unpacks to more than {most:,} bytes or {_MOST_CELLS:,} values")
            )
        odd = [f.name for f in schema if plain and not _plain(f.type)]
        if odd:
            told = f"holds columns of a type that is not read ({', '.join(odd[:5])}); expected numbers, text, true or false"
            raise InputError(Problem(path.name, told))
        wide = [f.name for f in schema if not pa.types.is_primitive(f.type)]
        held = 0
        for batch in file.iter_batches(_ROWS_AT_ONCE, columns=wide) if wide else ():
            held += sum(_unpacked(column).nbytes for column in batch.columns)
            if held > most:
                raise InputError(Problem(path.name, f"unpacks to more than {most:,} bytes"))


def _unpacked(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _plain(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return not pa.types.is_nested(kind.value_type) and _plain(kind.value_type)
    return not isinstance(kind, pa.BaseExtensionType) and (
        pa.types.is_primitive(kind)
        or pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_null(kind)
        or pa.types.is_boolean(kind)
    )


def in_one_piece(frame: F) -> F:
    """Return a frame whose text lies in one piece: where Arrow's pieces end, pages of a file end too.

    A column that was read back, or put together, is in pieces; one just computed is not.
    """
    pieces = {
        str(name): pd.Series(frame[name].to_numpy(object), frame.index, dtype=frame[name].dtype)
        for name in frame.columns
        if isinstance(frame[name].dtype, pd.StringDtype) and _pieces(frame[name]) > 1
    }
    return frame.assign(**pieces) if pieces else frame


def _pieces(values: "pd.Series[str]") -> int:
    found = values.array.__arrow_array__() if hasattr(values.array, "__arrow_array__") else None
    return found.num_chunks if isinstance(found, pa.ChunkedArray) else 1


# spaces before it do not stop a spreadsheet; apostrophes count so that the way back is exact
FORMULA = re.compile(r"^(?=[' ]*[=+\-@\t\r])")
"""Where an apostrophe is put: before text that a spreadsheet would run, or that already went this way."""

ESCAPED_FORMULA = re.compile(r"^'(?=[' ]*[=+\-@\t\r])")
"""The apostrophe that was put there."""


def safe_text(text: str) -> str:
    """Return text with an apostrophe before it where a spreadsheet would run it as a formula.

    Examples
    --------
    >>> safe_text("=1+1"), safe_text(" @x"), safe_text("Nà Hang")
    ("'=1+1", "' @x", 'Nà Hang')
    """
    return FORMULA.sub("'", text)


def plain_text(text: str) -> str:
    """Return text without the apostrophe that :func:`safe_text` put before it.

    Examples
    --------
    >>> plain_text("'=1+1"), plain_text("Nà Hang")
    ('=1+1', 'Nà Hang')
    """
    return ESCAPED_FORMULA.sub("", text)

"""Files of other people, read only as far as such a file is ever long or deep."""

import json
import re
import stat
import tomllib
from pathlib import Path
from typing import Any

from phusong.errors import InputError, Problem

__all__ = [
    "MOST_LIST_BYTES",
    "MOST_TABLE_BYTES",
    "MOST_TOML_BYTES",
    "json_tree",
    "read_bytes",
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

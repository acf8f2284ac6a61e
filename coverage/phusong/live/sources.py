"""Where events come from: a file that may grow, a stream, or a folder in which files appear by rename."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from phusong.errors import InputError, Problem
from phusong.live.events import LONGEST_LINE
from phusong.live.session import Line, Session

__all__ = ["Waiting", "batches"]

_POLL_S = 0.25
_BATCH = 200  # lines
_ENDINGS = (".jsonl", ".json", ".ndjson")


class Waiting(Problem):
    """A last line without an end: it is neither taken nor rejected until the rest of it comes."""


def batches(events: str, session: Session, *, follow: bool) -> Iterator[list[Line] | Waiting]:
    """Yield the lines that have come, some at a time; then what waits for its end.

    Parameters
    ----------
    events : str
        A file, a folder, or ``-`` for the standard input.
    session : Session
        Knows what has been read already.
    follow : bool
        Whether to wait for more at the end, until interrupted.

    Raises
    ------
    InputError
        If there is no such file or folder.
    """
    if events == "-":
        yield from _stream(sys.stdin.buffer)
        return
    place = Path(events)
    if not place.exists():
        raise InputError(Problem(events, "is no file or folder of events, and not - for the standard input"))
    while True:
        waiting: list[Waiting] = []
        for path in _files(place):
            for found in _file(path, session, whole=place.is_dir()):
                if isinstance(found, Waiting):
                    waiting.append(found)
                else:
                    yield found
        if not follow:
            yield from waiting
            return
        time.sleep(_POLL_S)


def _files(place: Path) -> list[Path]:
    if not place.is_dir():
        return [place]
    # names that begin with a dot are files not yet renamed
    return sorted(
        p for p in place.iterdir() if p.suffix in _ENDINGS and not p.name.startswith(".") and p.is_file()
    )


def _file(path: Path, session: Session, *, whole: bool) -> Iterator[list[Line] | Waiting]:
    end, number = session.reads.get(path.name, (0, 0))
    size = path.stat().st_size
    if size < end:
        raise InputError(
            Problem(
                path.name,
                f"has become shorter ({size:,} bytes) than what was read of it ({end:,}); "
                "append to it, or give further events a file of another name",
            )
        )
    lines: list[Line] = []
    with path.open("rb") as file:
        file.seek(end)
        while text := file.readline(LONGEST_LINE * 4):
            passed, ended = _rest_of(file, text)
            # a growing file: the rest of the line is still to come, unless it is whole without a line end
            if not (whole or ended or _is_whole(text)):
                if lines:
                    yield lines
                yield _waits(path.name, number + 1, len(text) + passed)
                return
            end += len(text) + passed
            number += 1
            lines += _line(path.name, number, end, text)
            if len(lines) >= _BATCH:
                yield lines
                lines = []
    if lines:
        yield lines


def _rest_of(file: BinaryIO, text: bytes) -> tuple[int, bool]:
    """Pass over what is left of a line too long to be an event; return its bytes, and whether the line has ended."""
    passed = 0
    while len(text) == LONGEST_LINE * 4 and not text.endswith(b"\n"):
        text = file.readline(LONGEST_LINE * 4)
        passed += len(text)
    return passed, text.endswith(b"\n")


def _stream(stream: BinaryIO) -> Iterator[list[Line] | Waiting]:
    end = number = 0
    while text := stream.readline(LONGEST_LINE * 4):
        if not text.endswith(b"\n") and not _is_whole(text):
            more = stream.readline(1)
            if not more:
                yield _waits("-", number + 1, len(text))
                return
            text += more + stream.readline(LONGEST_LINE * 4)
        end += len(text)
        number += 1
        if lines := _line("-", number, end, text):
            yield lines


def _line(source: str, number: int, end: int, text: bytes) -> list[Line]:
    stripped = text.strip(b" \t\r\n")
    return [Line(source, number, end, stripped)] if stripped else []


def _is_whole(text: bytes) -> bool:
    import json  # noqa: PLC0415 - asked of a last line only

    try:
        # an object that has closed is no beginning of a longer one
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return not text.strip()


def _waits(source: str, number: int, size: int) -> Waiting:
    return Waiting(
        source,
        f"is cut in mid-line after {size:,} bytes: no line end has come; it changes nothing until it is complete",
        row=number,
        column="line",
    )

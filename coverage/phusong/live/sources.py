"""Where events come from: a file that may grow, a stream, or a folder of files; several are merged by time."""

import heapq
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from phusong.errors import InputError, Problem
from phusong.live.events import LONGEST_LINE, Event, LineError, parse
from phusong.live.reads import FilesRead, mark_of

__all__ = ["Line", "Renewed", "Waiting", "batches"]

_POLL_S = 0.25
_BATCH = 200  # lines
_BLOCK_BYTES = 1 << 18  # read of a file at a time: of many files none is kept open
_ENDINGS = (".jsonl", ".json", ".ndjson")
_HEAD = 4096  # bytes


@dataclass(frozen=True)
class Line:
    """A line of a source.

    Parameters
    ----------
    source : str
        Name of the file, or ``-``.
    file : int
        Number of the file among those met, see :class:`phusong.live.reads.FilesRead`.
    number : int
        Counted from 1.
    end : int
        Bytes of the file up to its end.
    mark : str
        Of the file at its end.
    text : bytes
        Without its line end.
    """

    source: str
    file: int
    number: int
    end: int
    mark: str
    text: bytes

    @cached_property
    def said(self) -> Event | LineError:
        """The event, or what is wrong with the line."""
        try:
            return parse(self.text)
        except LineError as error:
            return error


class Waiting(Problem):
    """A last line without an end: it is neither taken nor rejected until the rest of it comes."""


class Renewed(Problem):
    """A file of a known name that says something else than what was read of it: read as a new one."""


def batches(events: str, files: FilesRead, *, follow: bool) -> Iterator[list[Line] | Waiting | Renewed]:
    """Yield the lines that have come, some at a time, those of several files by the time they tell; then what waits.

    Parameters
    ----------
    events : str
        A file, a folder, or ``-`` for the standard input.
    files : FilesRead
        What has been read already; whoever takes a line notes it there before asking for more.
    follow : bool
        Whether to wait for more at the end, until interrupted.

    Raises
    ------
    InputError
        If there is no such file or folder.
    """
    if events == "-":
        yield from _stream(sys.stdin.buffer, files.begin())
        return
    place = Path(events)
    if not place.exists():
        raise InputError(Problem(events, "is no file or folder of events, and not - for the standard input"))
    told: set[str] = set()
    while True:
        waiting: list[Waiting] = []
        for found in _merged(place, files):
            if isinstance(found, Waiting):
                waiting.append(found)
            else:
                yield found
        for cut in waiting:
            if not follow or str(cut) not in told:
                yield cut
        told = {str(cut) for cut in waiting} | told
        if not follow:
            return
        time.sleep(_POLL_S)


def _files(place: Path) -> list[Path]:
    if not place.is_dir():
        return [place]
    # names that begin with a dot are files not yet renamed
    return sorted(
        p for p in place.iterdir() if p.suffix in _ENDINGS and not p.name.startswith(".") and p.is_file()
    )


def _merged(place: Path, files: FilesRead) -> Iterator[list[Line] | Waiting | Renewed]:
    """Yield the new lines of every file, the earliest told first."""
    paths = [p for p in _files(place) if _kept(p)]
    news = [p for p in paths if files.changed(p)]
    if not news:
        return
    known = files.known(paths)
    begun = files.begin()
    readers: list[Iterator[Line | Waiting]] = []
    for path in news:
        key = known.get(path)
        if key is None:
            before = files.was_read_as(path.name)
            if before is not None and path.stat().st_size:
                yield Renewed(
                    path.name,
                    f"does not say what was read of a file of this name before ({before.number:,} lines, {before.end:,} "
                    "bytes): rotated, replaced or cut off; read from its beginning as a new file",
                )
            key, begun = begun, begun + 1
        readers.append(_lines(path, files, key))
    heads: list[tuple[int, int, Line]] = []
    rest: list[Waiting] = []

    def advance(k: int) -> None:
        found = next(readers[k], None)
        if isinstance(found, Waiting):
            rest.append(found)
        elif found is not None:
            # what is no event keeps nothing waiting
            when = found.said.time_ms if isinstance(found.said, Event) else -1
            heapq.heappush(heads, (when, k, found))

    for k in range(len(readers)):
        advance(k)
    lines: list[Line] = []
    while heads:
        _, k, line = heapq.heappop(heads)
        lines.append(line)
        if len(lines) >= _BATCH:
            yield lines
            lines = []
        advance(k)
    if lines:
        yield lines
    yield from rest


def _kept(path: Path) -> bool:
    try:
        path.stat()
    except FileNotFoundError:  # moved away since it was listed
        return False
    return True


def _lines(path: Path, files: FilesRead, key: int) -> Iterator[Line | Waiting]:
    """Yield the lines of a file behind what was read of it, then a last one that waits for its end."""
    read = files.reads.get(key)
    end, number = (read.end, read.number) if read else (0, 0)
    while True:
        block: list[Line] = []
        waits: Waiting | None = None
        begin = end
        with path.open("rb") as file:
            head = file.read(_HEAD)
            file.seek(max(end - _HEAD, 0))
            tail = file.read(end - max(end - _HEAD, 0))
            while end - begin < _BLOCK_BYTES and (text := file.readline(LONGEST_LINE * 4)):
                passed, ended = _rest_of(file, text)
                # the rest of a line that has no end is still to come, unless it is whole as it is
                if not (ended or _is_whole(text)):
                    waits = _waits(path.name, number + 1, len(text) + passed)
                    break
                end += len(text) + passed
                number += 1
                tail = (tail + text)[-_HEAD:] if not passed else _before(file, end)
                if stripped := text.strip(b" \t\r\n"):
                    block.append(Line(path.name, key, number, end, mark_of(head, tail, end), stripped))
            done = waits is not None or end - begin < _BLOCK_BYTES
        yield from block
        if waits:
            yield waits
        if done:
            return


def _before(file: BinaryIO, end: int) -> bytes:
    at = file.tell()
    file.seek(max(end - _HEAD, 0))
    tail = file.read(end - max(end - _HEAD, 0))
    file.seek(at, os.SEEK_SET)
    return tail


def _rest_of(file: BinaryIO, text: bytes) -> tuple[int, bool]:
    """Pass over what is left of a line too long to be an event; return its bytes, and whether the line has ended."""
    passed = 0
    while len(text) == LONGEST_LINE * 4 and not text.endswith(b"\n"):
        text = file.readline(LONGEST_LINE * 4)
        passed += len(text)
    return passed, text.endswith(b"\n")


def _stream(stream: BinaryIO, key: int) -> Iterator[list[Line] | Waiting]:
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
        if stripped := text.strip(b" \t\r\n"):
            yield [Line("-", key, number, end, "", stripped)]


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

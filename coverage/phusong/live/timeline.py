"""Event sources, merged by time."""

import hashlib
import heapq
import os
import sys
import time
from bisect import insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from phusong.errors import InputError, Problem, plural
from phusong.live.events import LONGEST_LINE, Event, LineError, parse
from phusong.live.incremental import Touched
from phusong.live.resolver import Register
from phusong.live.state import NEVER

__all__ = [
    "SILENT_MS",
    "WINDOW_MS",
    "Entry",
    "FilesRead",
    "Line",
    "Read",
    "Renewed",
    "Timeline",
    "Waiting",
    "batches",
    "mark_of",
]

_MARKED = 4096  # bytes at the beginning, and as many before the place read to


@dataclass(frozen=True)
class Read:
    """How far a file has been read.

    Parameters
    ----------
    name : str
        Of the file, without its folder.
    end : int
        Bytes read.
    number : int
        Lines read.
    mark : str
        Of :func:`mark_of` there: a file that says something else is another file.
    """

    name: str
    end: int
    number: int
    mark: str


def mark_of(head: bytes, tail: bytes, end: int) -> str:
    """Return a digest of what a file says at its beginning and just before a place.

    Parameters
    ----------
    head, tail : bytes
        The first bytes of the file up to the place and the last ones before it; what is beyond 4,096 is left out.
    end : int
        The place. [bytes]
    """
    digest = hashlib.blake2b(digest_size=12)
    for part in (str(end).encode(), head[: min(_MARKED, end)], tail[-min(_MARKED, end) :] if end else b""):
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.hexdigest()


def _marked(file: BinaryIO, end: int) -> str:
    file.seek(0)
    head = file.read(min(_MARKED, end))
    file.seek(max(end - _MARKED, 0))
    return mark_of(head, file.read(end - max(end - _MARKED, 0)), end)


@dataclass
class FilesRead:
    """The files of a watch, by the order in which each was first met.

    Parameters
    ----------
    reads : dict of int to Read
        How far each has been read.
    """

    reads: dict[int, Read] = field(default_factory=dict)
    _seen: dict[str, tuple[int, ...]] = field(default_factory=dict, repr=False)

    def begin(self) -> int:
        """Return the number of a file that has not been met yet."""
        return max(self.reads, default=0) + 1

    def note(self, key: int, read: Read) -> None:
        """Write down how far a file has been read."""
        self.reads[key] = read

    def changed(self, path: Path) -> bool:
        """Return whether a file may hold anything new since this was last asked; its lines must be read then."""
        found = path.stat()
        now = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        if self._seen.get(path.name) == now:
            return False
        self._seen[path.name] = now
        return True

    def known(self, paths: list[Path]) -> dict[Path, int]:
        """Return which of the files continue one that was read before, under the same name or, renamed, another.

        Parameters
        ----------
        paths : list of Path
            Files that are there. What is left out of the answer is a new file, even under a name that was read before.
        """
        found: dict[Path, int] = {}
        for path in paths:
            mine = [k for k, r in self.reads.items() if r.name == path.name]
            # of several files that bore the name the latest goes first
            if mine and self._continues(path, self.reads[max(mine)]):
                found[path] = max(mine)
        for path in paths:
            if path not in found:
                free = sorted(self.reads.keys() - found.values(), reverse=True)
                same = next((k for k in free if self._continues(path, self.reads[k])), None)
                if same is not None:
                    found[path] = same
        return found

    def was_read_as(self, name: str) -> Read | None:
        """Return how far the latest file of a name has been read."""
        mine = [k for k, r in self.reads.items() if r.name == name]
        return self.reads[max(mine)] if mine else None

    def to_tree(self) -> dict[str, list[Any]]:
        """Return everything as nested lists and text."""
        return {str(k): [r.name, r.end, r.number, r.mark] for k, r in self.reads.items()}

    @classmethod
    def from_tree(cls, tree: Mapping[str, list[Any]]) -> "FilesRead":
        """Return what :meth:`to_tree` gave."""
        return cls({int(k): Read(str(a), int(b), int(c), str(d)) for k, (a, b, c, d) in tree.items()})

    def _continues(self, path: Path, read: Read) -> bool:
        # of nothing read there is nothing to know it by; a stream is no file
        if read.end == 0 or read.name == "-":
            return False
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < read.end:
                return False
            return _marked(file, read.end) == read.mark


WINDOW_MS = 3_600_000
SILENT_MS = 86_400_000  # a source so far behind the newest keeps nobody waiting


@dataclass(order=True)
class Entry:
    """An event that may still be preceded by others.

    Parameters
    ----------
    time_ms : int
        When it happened.
    event_id : str
        Decides between events of one time.
    arrival : int
        Number of its line among all lines read.
    event : Event
        What happened.
    reason : str
        Why it cannot be so after what came before; empty when it can.
    touched : Touched or None
        What it changed.
    """

    time_ms: int
    event_id: str
    arrival: int = field(compare=False)
    event: Event = field(compare=False)
    reason: str = field(default="", compare=False)
    touched: Touched | None = field(default=None, compare=False)


class Timeline:
    """The present of a region, and what of it is settled.

    Whatever the order in which lines come, the present is that of applying the events by time (by id at one time). Two
    registers are kept: the settled one, and the present one, which is the settled one and the events that are pending.
    An event before the last one has the pending events applied anew upon the settled register.

    Parameters
    ----------
    settled : Register
        Everything up to `settled_ms`. Owned from now on.
    window_ms : int
        How far behind the newest that its own source has told a line may come.
    latest_ms : mapping of str to int, optional
        Newest time that each source has told.
    settled_ms : int
        Events before it are late.
    pending : list of Entry, optional
        Events since.
    """

    def __init__(
        self,
        settled: Register,
        *,
        window_ms: int = WINDOW_MS,
        latest_ms: Mapping[str, int] | None = None,
        settled_ms: int = NEVER,
        pending: list[Entry] | None = None,
    ) -> None:
        self.window_ms = window_ms
        self.latest_ms = dict(latest_ms or {})
        self.settled_ms = settled_ms
        self.pending = sorted(pending or [])
        self._settled = settled
        self.present = settled.copy()
        self._applied = 0  # of the pending ones, from the first
        self._out_of_order = False
        self.catch_up()

    @property
    def settled(self) -> Register:
        """The register of everything that no line can change any more."""
        return self._settled

    def late(self, event: Event) -> str:
        """Return why an event comes too late, or nothing."""
        if event.time_ms >= self.settled_ms:
            return ""
        behind = (self.settled_ms - event.time_ms) / 1000.0
        return (
            f"comes too late by {behind:,.3f} s: its source and the others have gone on by more than the reorder window of "
            f"{self.window_ms / 60_000:g} minutes"
        )

    def admit(self, entry: Entry, source: str) -> None:
        """Put an event that is not late in its place; :meth:`catch_up` lets it happen."""
        self._out_of_order |= bool(self._applied) and entry < self.pending[self._applied - 1]
        insort(self.pending, entry)
        self.latest_ms[source] = max(self.latest_ms.get(source, NEVER), entry.time_ms)
        newest = max(self.latest_ms.values())
        # a source that has fallen silent holds back nobody
        slowest = min(t for t in self.latest_ms.values() if t >= newest - SILENT_MS)
        self.settled_ms = max(self.settled_ms, slowest - self.window_ms)

    def catch_up(self) -> tuple[list[Entry], list[Entry]]:
        """Let happen what has been admitted.

        Returns
        -------
        changed : list of Entry
            Those that are now so and could not be so before, or the other way round.
        done : list of Entry
            Those that are settled now, in order.
        """
        changed: list[Entry] = []
        if self._out_of_order:
            self.present, self._applied, self._out_of_order = self._settled.copy(), 0, False
        for entry in self.pending[self._applied :]:
            before = entry.reason, entry.touched is not None
            _happen(self.present, entry)
            if before not in {("", False), (entry.reason, entry.touched is not None)}:
                changed.append(entry)
        done = [e for e in self.pending if e.time_ms < self.settled_ms]
        for entry in done:
            if not entry.reason:
                self._settled.apply(entry.event)
        self.pending = self.pending[len(done) :]
        self._applied = len(self.pending)
        return changed, done


def _happen(register: Register, entry: Entry) -> None:
    entry.reason = register.refusal(entry.event) or ""
    entry.touched = None if entry.reason else register.apply(entry.event)


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
        Number of the file among those met, see :class:`phusong.live.timeline.FilesRead`.
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
                    f"does not say what was read of a file of this name before ({plural(before.number, 'line')}, {before.end:,} "
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

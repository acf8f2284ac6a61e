"""Watch session: journal, events, KPIs."""

import hashlib
import json
import os
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from phusong.errors import InputError, Problem, plural
from phusong.io.atomic import write_whole
from phusong.io.limits import read_bytes
from phusong.live.events import Event, LineError, parse
from phusong.live.incremental import Touched
from phusong.live.resolver import Register
from phusong.live.state import NEVER, StaticNetwork, from_tree, static_digest, to_tree
from phusong.live.timeline import WINDOW_MS, Entry, FilesRead, Line, Read, Timeline

__all__ = ["Fate", "Journal", "LineOutcome", "Session", "example_events", "first_record", "journal_records"]


def example_events(static: StaticNetwork) -> Iterator[str]:
    """Yield lines that name things of the region: an outage and its repair, a cut, an opened lock, money, a mistake.

    Parameters
    ----------
    static : StaticNetwork
        The region; of each kind the one that most people depend on is taken.
    """
    network, reception = static.network, static.reception
    people = np.bincount(
        network.station_site[reception.station], static.weights.sum(axis=1)[reception.cell], network.n_sites
    )
    radio = people * ~network.is_exchange * ~static.planned
    site = str(network.site_ids[np.argmax(radio)])
    below = np.bincount(network.node[static.on_grid], radio[static.on_grid], network.node_ids.size)
    told: list[tuple[str, str, str, dict[str, object]]] = [
        ("08:00:00", "site_down", site, {}),
        ("08:25:00", "site_up", site, {"note": "rectifier changed"}),
    ]
    if static.lines.ids.size:
        line = str(static.lines.ids[np.argmax(below[static.lines.b])])
        told += [
            ("09:00:00", "line_down", line, {}),
            ("13:30:00", "clock", "", {}),
            ("15:00:00", "line_up", line, {}),
        ]
    if network.links.ids.size:
        link = str(network.links.ids[np.argmax(np.maximum(radio[network.links.a], radio[network.links.b]))])
        told += [("15:10:00", "link_down", link, {}), ("16:10:00", "link_up", link, {})]
    locked = radio * ~network.shareable
    if locked.any():
        told.append(("17:00:00", "lock_opened", str(network.site_ids[np.argmax(locked)]), {}))
    if static.planned.any():
        told.append(("17:10:00", "site_commissioned", str(network.site_ids[np.argmax(static.planned)]), {}))
    commune = str(static.places.commune_codes[0])
    told.append(
        ("17:30:00", "money_disbursed", commune, {"fund": "universal service fund", "amount_musd": 0.25})
    )
    told.append(("17:45:00", "site_down", "no-such-site", {}))
    for number, (hour, kind, subject, payload) in enumerate(told, start=1):
        event = {"version": 1, "id": f"example-{number}", "time": f"2026-03-02T{hour}+07:00", "kind": kind}
        if subject:
            event["subject"] = subject
        if payload:
            event["payload"] = payload
        yield json.dumps(event, ensure_ascii=False)


_LONGEST_FIRST = 65_536  # bytes


@dataclass(frozen=True)
class Tail:
    """A journal as read.

    Parameters
    ----------
    records : list of dict
        Records after the place from which it was read.
    end : int
        Bytes up to the end of the last whole record.
    torn : int
        Bytes behind it: a record that was being written when the writer died.
    """

    records: list[dict[str, Any]]
    end: int
    torn: int


def journal_records(path: Path, start: int = 0) -> Tail:
    """Return the records of a journal from some byte on.

    Raises
    ------
    InputError
        If a record other than the last is damaged, or the journal is shorter than `start`.
    """
    data = read_bytes(path) if path.is_file() else b""
    if len(data) < start:
        raise InputError(
            Problem(
                path.name,
                f"is shorter ({len(data):,} bytes) than the snapshot says ({start:,}); restore it from a copy",
            )
        )
    out: list[dict[str, Any]] = []
    end = start
    for line in _lines(data[start:]):
        record = _decode(line)
        last = end + len(line) >= len(data)
        if record is None:
            if last:
                break
            raise InputError(
                Problem(
                    path.name,
                    f"is damaged at byte {end:,}: its checksum does not fit; restore it from a copy",
                )
            )
        out.append(record)
        end += len(line)
    return Tail(out, end, len(data) - end)


def first_record(path: Path) -> dict[str, Any]:
    """Return the first record of a journal; nothing where it is torn or damaged."""
    with path.open("rb") as file:
        return _decode(file.readline(_LONGEST_FIRST)) or {}


class Journal:
    """Appends records; what a torn end left is cut off first.

    Parameters
    ----------
    path : Path
        The file.
    end : int
        Bytes to keep.
    """

    def __init__(self, path: Path, end: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # no buffer of ours: what is appended outlives the process, however it ends
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        os.ftruncate(self._file, end)
        os.lseek(self._file, end, os.SEEK_SET)
        self.end = end

    def append(self, record: dict[str, Any]) -> None:
        """Write a record; it is safe from a power cut after :meth:`sync` only."""
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
        line = b"%08x %b\n" % (zlib.crc32(text), text)
        self.end += len(line)
        while line:
            line = line[os.write(self._file, line) :]

    def sync(self) -> None:
        """Bring every record to the disk."""
        os.fsync(self._file)

    def close(self) -> None:
        """Bring every record to the disk and let the file go."""
        self.sync()
        os.close(self._file)


def _lines(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        end = data.find(b"\n", at) + 1 or len(data)
        yield data[at:end]
        at = end


def _decode(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n") or line[8:9] != b" ":
        return None
    text = line[9:-1]
    try:
        if int(line[:8], 16) != zlib.crc32(text):
            return None
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


_FORMAT = 2
_SNAPSHOT_EVERY = 500  # records
_NOTHING_READ: Mapping[str, Any] = {
    "journal_bytes": 0, "arrivals": 0, "applied": 0, "ids": {}, "reads": {}, "window_ms": WINDOW_MS, "latest_ms": {},
    "settled_ms": NEVER, "pending": [], "told": [],
}  # fmt: skip


class Fate(StrEnum):
    """What becomes of a line."""

    applied = "applied"
    repeated = "repeated"
    late = "late"
    rejected = "rejected"


@dataclass(frozen=True)
class LineOutcome:
    """What became of a line.

    Parameters
    ----------
    source : str
        Name of its file, or ``-``.
    number : int
        Of the line.
    fate : Fate
        What became of it. What is not settled may still change with an earlier event.
    event : Event or None
        The event, where it is applied.
    reason : str
        Why it changes nothing; empty when applied.
    event_id : str
        Its id as far as it could be read.
    touched : Touched or None
        What it changed.
    seconds : float
        From the line to the present being current again.
    revised : bool
        Whether it was told otherwise before: an earlier event has come since.
    """

    source: str
    number: int
    fate: Fate
    event: Event | None
    reason: str
    event_id: str
    touched: Touched | None
    seconds: float
    revised: bool = False


@dataclass(frozen=True)
class _Told:
    """A line that changes nothing, and why."""

    fate: Fate
    source: str
    number: int
    event_id: str
    reason: str
    text: str

    def as_line(self) -> bytes:
        tree = {"source": self.source, "line": self.number, "id": self.event_id, "fate": self.fate.value}
        return (
            json.dumps(tree | {"reason": self.reason, "text": self.text}, ensure_ascii=False).encode() + b"\n"
        )


class Session:
    """Reads a folder's state, or begins one.

    Parameters
    ----------
    static : StaticNetwork
        What stands before any event.
    folder : Path
        Where journal.jsonl, snapshot.json, rejected.jsonl and lines.json are kept.
    planned_musd : mapping of str to float, optional
        Money planned by commune_code. [million USD]
    window_ms : int
        How far behind the newest that its own source has told a line may come. [ms]

    Raises
    ------
    InputError
        If the folder's state belongs to another region or scenario, was written by an earlier phusong, or is damaged.

    Attributes
    ----------
    files : FilesRead
        What has been read of each file.
    notices : list of str
        What a restart has to tell: records replayed, a torn end dropped.
    """

    def __init__(
        self,
        static: StaticNetwork,
        folder: Path,
        planned_musd: Mapping[str, float] | None = None,
        *,
        window_ms: int = WINDOW_MS,
    ) -> None:
        self._standing, self._folder = static, folder
        self._digest = static_digest(static)
        self.notices: list[str] = []
        path = folder / "journal.jsonl"
        if path.is_file() and (first := first_record(path)):
            _refuse_older(path, first.get("format", 1))
        found = self._snapshot()
        tree = _NOTHING_READ if found is None else found
        tail = journal_records(path, int(tree["journal_bytes"]))
        happened = None if found is None else from_tree(static, tree["happened"])
        # pending: source, line and text
        self._said = {int(n): (str(s), int(k), str(text)) for n, s, k, text in tree["pending"]}
        self._place = {n: (s, k) for n, (s, k, _) in self._said.items()}
        self._ids = {str(k): str(v) for k, v in tree["ids"].items()}
        self._told = {
            int(n): _Told(Fate(fate), str(s), int(k), str(i), str(why), str(text))
            for n, fate, s, k, i, why, text in tree["told"]
        }
        self.files = FilesRead.from_tree(tree["reads"])
        self._arrivals, self._settled_count = int(tree["arrivals"]), int(tree["applied"])
        self._timeline = Timeline(
            Register(static, happened, planned_musd),
            window_ms=int(tree["window_ms"]),
            latest_ms=tree["latest_ms"],
            settled_ms=int(tree["settled_ms"]),
            pending=[_entry(n, text) for n, (_, _, text) in self._said.items()],
        )
        self._replay(tail)
        self._journal = Journal(path, tail.end)
        if tail.end == 0:
            self._journal.append({"format": _FORMAT, "standing": self._digest, "window_ms": window_ms})
        elif window_ms != self._timeline.window_ms:
            self._journal.append({"window_ms": window_ms})
        self._timeline.window_ms = window_ms
        self._since_snapshot = len(tail.records)
        self._write_told()

    @property
    def register(self) -> Register:
        """The present."""
        return self._timeline.present

    @property
    def counts(self) -> Mapping[Fate, int]:
        """Lines read since the beginning by what became of them; they add up to all that were read."""
        pending = sum(not e.reason for e in self._timeline.pending)
        out = dict.fromkeys(Fate, 0)
        for told in self._told.values():
            out[told.fate] += 1
        out[Fate.applied] = self._settled_count + pending
        return out

    @property
    def accepted(self) -> int:
        """Events accepted since the beginning."""
        return self.counts[Fate.applied]

    @property
    def rejected(self) -> int:
        """Lines that changed nothing, for whatever reason, since the beginning."""
        return len(self._told)

    @property
    def unsettled(self) -> int:
        """Events that an earlier one may still come before."""
        return len(self._timeline.pending)

    @property
    def window_min(self) -> float:
        """How far behind the newest of its own source a line may come. [minutes]"""
        return self._timeline.window_ms / 60_000

    def take(self, lines: Sequence[Line]) -> list[LineOutcome]:
        """Decide on lines, write the decisions down, and let the events happen.

        Parameters
        ----------
        lines : sequence of Line
            In the order in which they came.

        Returns
        -------
        list of LineOutcome
            Of each line; then of earlier lines about which these have changed the decision.
        """
        start = time.perf_counter()
        first = self._arrivals
        for line in lines:
            self._journal.append(self._decide(line))
            self._since_snapshot += 1
        entries = {e.arrival: e for e in self._timeline.pending}
        changed, done = self._happen()
        entries |= {e.arrival: e for e in (*self._timeline.pending, *done)}
        seconds = (time.perf_counter() - start) / max(len(lines), 1)
        now = [
            self._outcome(
                line.source, line.number, number=first + k, entry=entries.get(first + k), seconds=seconds
            )
            for k, line in enumerate(lines)
        ]
        earlier = [
            self._outcome(*self._place[e.arrival], number=e.arrival, entry=e, seconds=seconds, revised=True)
            for e in changed
            if e.arrival < first
        ]
        self._place = {e.arrival: self._place[e.arrival] for e in self._timeline.pending}
        return now + earlier

    def sync(self) -> None:
        """Bring decisions to the disk: before anything that follows from them is shown."""
        self._journal.sync()
        self._write_told()
        if self._since_snapshot >= _SNAPSHOT_EVERY:
            self.snapshot()

    def snapshot(self) -> None:
        """Write the state whole, so that a restart replays only what comes after."""
        self._journal.sync()
        line = self._timeline
        tree = {
            "format": _FORMAT,
            "standing": self._digest,
            "journal_bytes": self._journal.end,
            "arrivals": self._arrivals,
            "applied": self._settled_count,
            "ids": dict(sorted(self._ids.items())),
            "reads": self.files.to_tree(),
            "window_ms": line.window_ms,
            "latest_ms": dict(sorted(line.latest_ms.items())),
            "settled_ms": line.settled_ms,
            "pending": [[e.arrival, *self._said[e.arrival]] for e in line.pending],
            "told": [
                [n, t.fate.value, t.source, t.number, t.event_id, t.reason, t.text]
                for n, t in sorted(self._told.items())
            ],
            "happened": to_tree(self._standing, line.settled.happened),
        }
        write_whole(self._folder / "snapshot.json", json.dumps(tree, ensure_ascii=False).encode())
        self._since_snapshot = 0

    def close(self) -> None:
        """Write the state and let the files go."""
        self.sync()
        self.snapshot()
        self._journal.close()

    def _replay(self, tail: Tail) -> None:
        for record in tail.records:
            if record.get("standing", self._digest) != self._digest:
                raise _other(self._folder)
            if "window_ms" in record:
                self._timeline.window_ms = int(record["window_ms"])
            else:
                self._note(record)
        self._happen()
        self._place = {e.arrival: self._place[e.arrival] for e in self._timeline.pending}
        replayed = sum("window_ms" not in r for r in tail.records)
        if replayed:
            self.notices.append(f"{plural(replayed, 'record')} of the journal replayed after the snapshot")
        if tail.torn:
            self.notices.append(
                f"a torn end of {tail.torn:,} bytes was dropped from journal.jsonl; its line is read again"
            )

    def _decide(self, line: Line) -> dict[str, Any]:
        """Return the decision on a line as a record, and take note of it."""
        said = line.said
        fate, reason, event_id = None, "", ""
        if isinstance(said, LineError):
            fate, reason, event_id = Fate.rejected, said.reason, said.event_id
        else:
            event_id = said.id
            before = self._ids.get(said.id)
            if before == _short(said):
                fate, reason = Fate.repeated, f"id {said.id!r} has happened already, word for word"
            elif before is not None:
                fate, reason = Fate.rejected, f"id {said.id!r} has happened already, and said something else"
            elif unknown := self.register.unknown(said):
                fate, reason = Fate.rejected, unknown
            elif late := self._timeline.late(said):
                fate, reason = Fate.late, late
        record: dict[str, Any] = {"source": line.source, "file": line.file, "line": line.number, "end": line.end,
                                  "mark": line.mark, "text": line.text.decode("utf-8", errors="backslashreplace")}  # fmt: skip
        if fate is not None:
            record |= {"fate": fate.value, "reason": reason, "id": event_id}
        self._note(record)
        return record

    def _note(self, record: dict[str, Any]) -> None:
        """Take a decision into the state; the event happens with the next :meth:`_happen`."""
        number, self._arrivals = self._arrivals, self._arrivals + 1
        source, line, text = record["source"], record["line"], record["text"]
        self.files.note(record["file"], Read(source, record["end"], line, record["mark"]))
        if "fate" in record:
            self._told[number] = _Told(
                Fate(record["fate"]), source, line, record["id"], record["reason"], text
            )
            return
        entry = _entry(number, text)
        self._said[number], self._place[number] = (source, line, text), (source, line)
        self._ids[entry.event_id] = _short(entry.event)
        self._timeline.admit(entry, entry.event.source or source)

    def _happen(self) -> tuple[list[Entry], list[Entry]]:
        changed, done = self._timeline.catch_up()
        for entry in (*self._timeline.pending, *done):
            source, line, text = self._said[entry.arrival]
            self._told.pop(entry.arrival, None)
            if entry.reason:
                told = _Told(Fate.rejected, source, line, entry.event_id, entry.reason, text)
                self._told[entry.arrival] = told
        for entry in done:
            self._settled_count += not entry.reason
            del self._said[entry.arrival]
        return changed, done

    def _outcome(
        self,
        source: str,
        line: int,
        *,
        number: int,
        entry: Entry | None,
        seconds: float,
        revised: bool = False,
    ) -> LineOutcome:
        told = self._told.get(number)
        if told is not None:
            return LineOutcome(
                source, line, told.fate, None, told.reason, told.event_id, None, seconds, revised
            )
        event, touched = (None, None) if entry is None else (entry.event, entry.touched)
        name = "" if event is None else event.id
        return LineOutcome(source, line, Fate.applied, event, "", name, touched, seconds, revised)

    def _write_told(self) -> None:
        # the file follows from the journal and is made anew in case a kill came between the two
        lines = [told.as_line() for _, told in sorted(self._told.items())]
        write_whole(self._folder / "rejected.jsonl", b"".join(lines))
        counts = {fate.value: n for fate, n in self.counts.items()}
        tree = {
            "read": self._arrivals, **counts, "unsettled": self.unsettled,
            "window_min": self.window_min,
        }  # fmt: skip
        write_whole(self._folder / "lines.json", (json.dumps(tree, indent=1) + "\n").encode())

    def _snapshot(self) -> dict[str, Any] | None:
        path = self._folder / "snapshot.json"
        if not path.is_file():
            return None
        try:
            tree: dict[str, Any] = json.loads(read_bytes(path))
            found = tree["format"], tree["standing"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise InputError(
                Problem(path.name, "is no snapshot of a watch; delete it, the journal makes it anew")
            ) from None
        if found[0] != _FORMAT:
            raise _older(path, found[0])
        if found[1] != self._digest:
            raise _other(self._folder)
        return tree


def _entry(number: int, text: str) -> Entry:
    event = parse(text.encode())
    return Entry(event.time_ms, event.id, number, event)


def _short(event: Event) -> str:
    return hashlib.blake2b(event.content.encode(), digest_size=8).hexdigest()


def _refuse_older(path: Path, found: object) -> None:
    if found != _FORMAT:
        raise _older(path, found)


def _older(path: Path, found: object) -> InputError:
    return InputError(
        Problem(
            path.name,
            f"is of format {found}; this phusong reads {_FORMAT}: name another --out and give it the events from the first on",
        )
    )


def _other(folder: Path) -> InputError:
    return InputError(
        Problem(str(folder), "holds the state of another region or scenario; name another --out")
    )

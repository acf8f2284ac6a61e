"""A watch: lines in, decisions to the journal, the present kept current; a restart goes on where a kill stopped it."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phusong.bounded import read_bytes
from phusong.errors import InputError, Problem
from phusong.live.events import Event, LineError, parse
from phusong.live.increment import Touched
from phusong.live.journal import Journal, records
from phusong.live.register import Register
from phusong.live.snapshot import from_tree, standing_digest, to_tree
from phusong.live.standing import Standing
from phusong.whole_file import write_whole

__all__ = ["Line", "Outcome", "Session"]

_FORMAT = 1
_SNAPSHOT_EVERY = 500  # records


@dataclass(frozen=True)
class Line:
    """A line of a source.

    Parameters
    ----------
    source : str
        Name of the file, or ``-``.
    number : int
        Counted from 1.
    end : int
        Bytes of the source up to its end.
    text : bytes
        Without its line end.
    """

    source: str
    number: int
    end: int
    text: bytes


@dataclass(frozen=True)
class Outcome:
    """What became of a line.

    Parameters
    ----------
    line : Line
        The line.
    event : Event or None
        The event, where it was one and was accepted.
    reason : str
        Why it changed nothing; empty when accepted.
    event_id : str
        Its id as far as it could be read.
    touched : Touched or None
        What it changed.
    seconds : float
        From the line to the present being current again.
    """

    line: Line
    event: Event | None
    reason: str
    event_id: str
    touched: Touched | None
    seconds: float


class Session:
    """Reads a folder's state, or begins one.

    Parameters
    ----------
    standing : Standing
        What stands before any event.
    folder : Path
        Where journal.jsonl, snapshot.json and rejected.jsonl are kept.
    planned_musd : mapping of str to float, optional
        Money planned by commune_code. [million USD]

    Raises
    ------
    InputError
        If the folder's state belongs to another region or scenario, or is damaged.

    Attributes
    ----------
    notices : list of str
        What a restart has to tell: records replayed, a torn end dropped.
    """

    def __init__(
        self, standing: Standing, folder: Path, planned_musd: Mapping[str, float] | None = None
    ) -> None:
        self._standing, self._folder = standing, folder
        self._digest = standing_digest(standing)
        self.notices: list[str] = []
        snapshot = self._snapshot()
        happened = from_tree(standing, snapshot["happened"]) if snapshot else None
        self._ids: set[str] = set(snapshot["ids"]) if snapshot else set()
        self.reads: dict[str, tuple[int, int]] = (
            {k: (int(a), int(b)) for k, (a, b) in snapshot["reads"].items()} if snapshot else {}
        )
        self.register = Register(standing, happened, planned_musd)
        path = folder / "journal.jsonl"
        tail = records(path, int(snapshot["journal_bytes"]) if snapshot else 0)
        for record in tail.records:
            self._replay(record)
        replayed = sum("standing" not in r for r in tail.records)
        if replayed:
            self.notices.append(f"{replayed:,} records of the journal replayed after the snapshot")
        if tail.torn:
            self.notices.append(
                f"a torn end of {tail.torn:,} bytes was dropped from {path.name}; its line is read again"
            )
        self._journal = Journal(path, tail.end)
        if tail.end == 0:
            self._journal.append({"standing": self._digest})
        self._since_snapshot = len(tail.records)
        # rejected lines are the journal's; their file is made anew in case a kill came between the two
        told = [r for r in records(path).records if "reason" in r]
        self._rejected = b"".join(_rejected(r) for r in told)
        write_whole(folder / "rejected.jsonl", self._rejected)

    @property
    def accepted(self) -> int:
        """Events accepted since the beginning."""
        return len(self._ids)

    @property
    def rejected(self) -> int:
        """Lines rejected since the beginning."""
        return self._rejected.count(b"\n")

    def take(self, line: Line) -> Outcome:
        """Decide on a line, write the decision down, and let the event happen."""
        start = time.perf_counter()
        event: Event | None = None
        event_id = ""
        try:
            event = parse(line.text)
            event_id = event.id
            reason = self._twice(event) or self.register.refusal(event) or ""
        except LineError as error:
            reason, event_id = error.reason, error.event_id
        record: dict[str, Any] = {"source": line.source, "line": line.number, "end": line.end}
        if event is None or reason:
            text = line.text.decode("utf-8", errors="backslashreplace")
            record |= {"id": event_id, "reason": reason, "text": text}
            self._rejected += _rejected(record)
        else:
            record["event"] = event.model_dump(mode="json")
        self._journal.append(record)
        self._since_snapshot += 1
        touched = self._happen(record)
        seconds = time.perf_counter() - start
        return Outcome(line, None if reason else event, reason, event_id, touched, seconds)

    def sync(self) -> None:
        """Bring decisions to the disk: before anything that follows from them is shown."""
        self._journal.sync()
        write_whole(self._folder / "rejected.jsonl", self._rejected)
        if self._since_snapshot >= _SNAPSHOT_EVERY:
            self.snapshot()

    def snapshot(self) -> None:
        """Write the state whole, so that a restart replays only what comes after."""
        self._journal.sync()
        tree = {
            "format": _FORMAT,
            "standing": self._digest,
            "journal_bytes": self._journal.end,
            "ids": sorted(self._ids),
            "reads": self.reads,
            "happened": to_tree(self._standing, self.register.happened),
        }
        write_whole(self._folder / "snapshot.json", json.dumps(tree, ensure_ascii=False).encode())
        self._since_snapshot = 0

    def close(self) -> None:
        """Write the state and let the files go."""
        self.sync()
        self.snapshot()
        self._journal.close()

    def _twice(self, event: Event) -> str:
        return f"id {event.id!r} has happened already" if event.id in self._ids else ""

    def _happen(self, record: dict[str, Any]) -> Touched | None:
        self.reads[record["source"]] = (record["end"], record["line"])
        if "event" not in record:
            return None
        event = Event.model_validate(record["event"])
        self._ids.add(event.id)
        return self.register.apply(event)

    def _replay(self, record: dict[str, Any]) -> None:
        if "standing" not in record:
            self._happen(record)
        elif record["standing"] != self._digest:
            raise _other(self._folder)

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
            raise InputError(Problem(path.name, f"is of format {found[0]}; this phusong reads {_FORMAT}"))
        if found[1] != self._digest:
            raise _other(self._folder)
        return tree


def _other(folder: Path) -> InputError:
    return InputError(
        Problem(str(folder), "holds the state of another region or scenario; name another --out")
    )


def _rejected(record: dict[str, Any]) -> bytes:
    told = {k: record[k] for k in ("source", "line", "id", "reason", "text")}
    return json.dumps(told, ensure_ascii=False).encode() + b"\n"

"""The half-fetched file beside a download: kept, resumed, and written by one process at a time."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from phusong.data.address import shown

__all__ = ["BusyError", "Part", "alone"]


class BusyError(Exception):
    """Another process is fetching the same file."""


@dataclass(frozen=True)
class Part:
    """The half-fetched file, and what the server said of it: only the same version is added to.

    Parameters
    ----------
    path : Path
        The file; beside it stands a note of the address and of the version.
    """

    path: Path

    @property
    def note(self) -> Path:
        """Where the note is."""
        return self.path.with_name(self.path.name + ".json")

    def have(self) -> int:
        """Return how many bytes are here."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def validator(self, url: str) -> str:
        """Return what tells the version of the bytes that are here; empty where nobody knows."""
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ""
        known = isinstance(note, dict) and note.get("url") == shown(url)
        return str(note.get("validator", "")) if known else ""

    def begin(self, url: str, validator: str) -> None:
        """Begin anew with a version."""
        self.path.unlink(missing_ok=True)
        self.note.write_text(json.dumps({"url": shown(url), "validator": validator}), encoding="utf-8")

    def drop(self) -> None:
        """Forget everything."""
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


@contextmanager
def alone(part: Path) -> Iterator[None]:
    """Keep two processes from writing the same half-fetched file, where the system can.

    Raises
    ------
    BusyError
        If another one is at it.
    """
    try:
        import fcntl  # noqa: PLC0415 - not on Windows
    except ImportError:
        yield
        return
    guard = part.with_name(part.name + ".lock")
    with guard.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # the one before may have removed the file between opening and locking
            ours = guard.stat().st_ino == os.fstat(held.fileno()).st_ino
        except OSError:
            ours = False
        if not ours:
            raise BusyError
        try:
            yield
        finally:
            guard.unlink(missing_ok=True)

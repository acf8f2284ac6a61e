"""What was decided, line by line: an append-only journal that survives a kill, and what a torn end leaves."""

import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phusong.bounded import read_bytes
from phusong.errors import InputError, Problem

__all__ = ["Journal", "first_record", "records"]


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


def records(path: Path, start: int = 0) -> Tail:
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

"""What has been read of each file of events: a file is known by what it says, not by its name."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

__all__ = ["FilesRead", "Read", "mark_of"]

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

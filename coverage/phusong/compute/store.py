"""Content-addressed store: a folder that keeps what was computed under the fingerprint of its inputs.

Any number of runs may use it at once: a value appears by renaming, whole or not at all; what is damaged is known by
its checksum, and is computed again. A value is never changed, so two runs that write the same one do no harm.
"""

import contextlib
import hashlib
import json
import os
import platform
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Store", "StoreUse"]

_SUM_BYTES = 32
_TMP = ".part-"


@dataclass
class StoreUse:
    """What a run asked of a store.

    Parameters
    ----------
    found, written, damaged : int
        Values read, values added, values whose checksum was wrong (they were removed).
    refused : str
        Why nothing more could be written; empty while all is well.
    """

    found: int = 0
    written: int = 0
    damaged: int = 0
    refused: str = ""


@dataclass(frozen=True)
class Store:
    """Values by key, on disk.

    Parameters
    ----------
    folder : Path
        Made when the first value is written.
    most_bytes : int
        :meth:`trim` removes the values used longest ago until the rest is smaller.
    use : StoreUse
        Counts, for those who ask what a run did.
    """

    folder: Path
    most_bytes: int = 8 * 2**30
    use: StoreUse = field(default_factory=StoreUse)

    def has(self, key: str) -> bool:
        """Return whether a value is there (it may still prove damaged)."""
        try:
            return self._path(key).is_file()
        except OSError:
            return False  # a folder that others own

    def get(self, key: str) -> bytes | None:
        """Return the value, or None if it is not there or damaged; a damaged one is removed."""
        path = self._path(key)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        if (
            len(data) < _SUM_BYTES
            or hashlib.blake2b(data[_SUM_BYTES:], digest_size=_SUM_BYTES).digest() != data[:_SUM_BYTES]
        ):
            self.use.damaged += 1
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            return None
        self.use.found += 1
        with contextlib.suppress(OSError):  # a folder that others own can still be read
            os.utime(path)  # when it was last of use
        return data[_SUM_BYTES:]

    def put(self, key: str, data: bytes) -> bool:
        """Keep a value and return whether it is kept; a full or read-only disk ends keeping, never the run."""
        if self.use.refused:
            return False
        try:
            self._write(self._path(key), hashlib.blake2b(data, digest_size=_SUM_BYTES).digest() + data)
        except OSError as error:
            self.use.refused = error.strerror or type(error).__name__
            return False
        self.use.written += 1
        return True

    def record(self, name: str) -> dict[str, Any]:
        """Return what was noted under a name; empty if nothing was, or it cannot be read."""
        try:
            found = json.loads(self._record_path(name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def note(self, name: str, facts: dict[str, Any]) -> None:
        """Note facts under a name, in place of those noted before."""
        if self.use.refused:
            return
        try:
            self._write(self._record_path(name), json.dumps(facts, sort_keys=True).encode())
        except OSError as error:
            self.use.refused = error.strerror or type(error).__name__

    def trim(self) -> int:
        """Remove what killed runs left half-written, and the values used longest ago until the rest fits.

        Returns
        -------
        int
            Bytes of the values removed.
        """
        found = []
        with contextlib.suppress(OSError):  # a folder that cannot be looked into
            for path in self.folder.glob(f"*/{_ours()}*"):
                if not _lives(path.name.removeprefix(_ours()).partition("-")[0]):
                    path.unlink(missing_ok=True)
            for path in self.folder.glob("??/*"):
                with contextlib.suppress(OSError):  # another run was quicker
                    facts = path.stat()
                    found.append((facts.st_mtime_ns, str(path), facts.st_size))
        total = sum(size for _, _, size in found)
        removed = 0
        for _, path_text, size in sorted(found):
            if total - removed <= self.most_bytes:
                break
            with contextlib.suppress(OSError):  # a disk that takes no changes
                Path(path_text).unlink(missing_ok=True)
                removed += size
        return removed

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key[2:]

    def _record_path(self, name: str) -> Path:
        return self.folder / "records" / f"{hashlib.blake2b(name.encode(), digest_size=16).hexdigest()}.json"

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # the name says who is writing, so that what a killed run left is known
        handle, draft = tempfile.mkstemp(prefix=f"{_ours()}{os.getpid()}-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(draft).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(draft).unlink(missing_ok=True)
            raise


def _ours() -> str:
    """Return how names of files that this machine is writing begin."""
    host = hashlib.blake2b(platform.node().encode(), digest_size=4).hexdigest()
    return f"{_TMP}{host}-"


def _lives(pid: str) -> bool:
    """Return whether a process runs; one that cannot be asked does."""
    if os.name == "nt":
        return True  # there signal 0 is no question
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (OSError, ValueError, OverflowError):
        return True
    return True

"""The lock file: the SHA-256 of every file as it was first fetched, so that a change is seen."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from phusong.errors import InputError, Problem

__all__ = ["Lock"]

_VERSION = 1


@dataclass(frozen=True)
class Lock:
    """What was fetched, by ``source/file``.

    Parameters
    ----------
    path : Path
        The file; it need not exist.
    files : mapping
        ``sha256``, ``bytes`` and ``url`` of each file.
    """

    path: Path
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def read(cls, path: Path) -> "Lock":
        """Return the lock in a file, or an empty one when there is none.

        Raises
        ------
        InputError
            If the file is there and is no lock.
        """
        if not path.exists():
            return cls(path)
        try:
            tree = json.loads(path.read_text(encoding="utf-8"))
            files = {str(k): {**v, "sha256": str(v["sha256"])} for k, v in tree["files"].items()}
            version = tree["version"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(
                Problem(str(path), f"is no lock file of fetched data ({error}); move it away to start anew")
            ) from None
        if version != _VERSION:
            raise InputError(Problem(str(path), f"is of version {version}, not {_VERSION}; move it away"))
        return cls(path, MappingProxyType(files))

    def sha256(self, key: str) -> str:
        """Return the digest of a file as it was first fetched; empty when it never was."""
        return str(self.files[key]["sha256"]) if key in self.files else ""

    def with_file(self, key: str, sha256: str, size: int, url: str) -> "Lock":
        """Return a lock that knows one file more."""
        entry = {"sha256": sha256, "bytes": size, "url": url}
        return Lock(self.path, MappingProxyType({**self.files, key: entry}))

    def write(self) -> None:
        """Write the file in one piece, the same bytes for the same content."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        tree = {"version": _VERSION, "files": {k: dict(v) for k, v in self.files.items()}}
        work = self.path.with_name(f".{self.path.name}.part")
        work.write_text(
            json.dumps(tree, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        work.replace(self.path)

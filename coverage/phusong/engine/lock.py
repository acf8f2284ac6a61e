"""One run at a time in one folder."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from phusong.errors import InputError, Problem
from phusong.whole_file import checked_place

__all__ = ["alone_in"]


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold a folder for this run; the lock lies in the user's cache and ends with the process, however it ends.

    Raises
    ------
    InputError
        If another run on this machine holds it, or nothing can be written there.
    """
    place = checked_place(folder)
    mark = hashlib.blake2b(str(place).encode(), digest_size=16).hexdigest()
    locks = user_cache_path("phusong") / "locks"
    try:
        locks.mkdir(parents=True, exist_ok=True)
        lock = FileLock(locks / f"{mark}.lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(
            Problem(str(folder), "is being written by another run; wait for it, or name another folder")
        ) from None
    except (OSError, NotImplementedError):
        # nowhere to put a lock: a read-only home is no reason not to run
        yield
        return
    try:
        yield
    finally:
        lock.release()

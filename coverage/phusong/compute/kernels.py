"""Where compiled kernels are kept, and that none is ever used that does not fit the sources or is damaged.

Numba asks only whether the file a kernel stands in has changed; a kernel that calls another file's, or took a constant
from it, would go on running the old one after an update. So the folder's name, and the stamp by which a kernel is known
to be fresh, are a digest of every file that a kernel may have taken something from.

Numba also trusts what it finds there, and fails where nothing can be written. Here every file ends with its checksum,
what is damaged is compiled again, and a disk that takes nothing only costs the time to compile.

Every module with kernels takes ``nb`` from here, so that all this holds before the first kernel is declared, and so that
a command that computes nothing never loads Numba.
"""

import contextlib
import hashlib
import io
import os
import shutil
import time
from collections.abc import Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import numba as nb
from numba.core import caching
from platformdirs import user_cache_path

from phusong.compute.sources import own_sources

__all__ = ["nb", "use_kernel_cache"]

_PACKAGE = Path(__file__).resolve().parent.parent
_OLD_S = 30 * 86_400.0
_SIGN = b"phusong-checksum:"
_SUM_BYTES = 20


def use_kernel_cache() -> Path | None:
    """Tell Numba where to keep what it compiles, and return the folder; None where the user or the disk decides."""
    mark = own_sources().kernel_fingerprint()
    _guard(mark)
    if os.environ.get("NUMBA_CACHE_DIR"):
        return None
    folder = user_cache_path("phusong") / f"kernels-{mark[:16]}"
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            _clear_old(folder.parent)
        folder.touch()
    except OSError:
        return None  # no place to write: Numba looks beside the sources, or compiles each time
    nb.config.CACHE_DIR = str(folder)
    return folder


def _clear_old(place: Path) -> None:
    for folder in place.glob("kernels-*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > _OLD_S:
                shutil.rmtree(folder, ignore_errors=True)


class _CheckedFile(caching.IndexDataCacheFile):  # type: ignore[misc] # numba carries no types
    """Numba's files of a kernel, each with its checksum behind what numba reads; plain ones are read as well."""

    def load(self, key: object) -> Any:  # noqa: ANN401 - numba's own
        """Return what is kept under a key; None, and the kernel is compiled, where it is not there or damaged."""
        try:
            name = self._load_index().get(key)
            return None if name is None else self._load_data(name)
        except Exception:  # noqa: BLE001 - damaged bytes raise whatever pickle and its classes raise
            return None

    def save(self, key: object, data: object) -> None:
        """Keep a kernel, if the disk takes it."""
        for _ in range(2):
            try:
                super().save(key, data)
            except OSError:
                return
            except Exception:  # noqa: BLE001 - a damaged index, as above
                with contextlib.suppress(OSError):
                    Path(self._index_path).unlink(missing_ok=True)
            else:
                return

    def _load_index(self) -> Any:  # noqa: ANN401
        return super()._load_index() if _is_whole(self._index_path) else {}

    def _load_data(self, name: str) -> Any:  # noqa: ANN401
        return super()._load_data(name) if _is_whole(self._data_path(name)) else None

    @contextlib.contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[io.BytesIO]:
        held = io.BytesIO()
        yield held
        body = held.getvalue()
        with super()._open_for_write(filepath) as file:
            file.write(body + _SIGN + hashlib.blake2b(body, digest_size=_SUM_BYTES).digest())


def _is_whole(path: str) -> bool:
    """Return whether a file is as it was written, as far as its end says."""
    try:
        held = Path(path).read_bytes()
    except OSError:
        return True  # not there: numba knows what to do
    body, sign, total = (
        held[: -_SUM_BYTES - len(_SIGN)],
        held[-_SUM_BYTES - len(_SIGN) : -_SUM_BYTES],
        held[-_SUM_BYTES:],
    )
    return sign != _SIGN or hashlib.blake2b(body, digest_size=_SUM_BYTES).digest() == total


class _Nowhere(caching._SourceFileBackedLocatorMixin, caching._CacheLocator):  # type: ignore[misc] # noqa: SLF001 - numba offers no other way
    """The place of kernels where no folder can be written: they are compiled each time."""

    def __init__(self, py_func: Any, py_file: str) -> None:  # noqa: ANN401
        self._py_file = py_file
        self._lineno = py_func.__code__.co_firstlineno

    def get_cache_path(self) -> str:
        """Return a path at which nothing can be."""
        return str(Path(os.devnull) / "kernels")

    def ensure_cache_path(self) -> None:
        """Do nothing: the place is not needed."""

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> "_Nowhere":  # noqa: ANN401
        """Return the place of a function."""
        return cls(py_func, py_file)


@contextlib.contextmanager
def _compiling_instead(_cache: object) -> Iterator[None]:
    """Go on where a kept kernel cannot be read or a new one not be written."""
    with contextlib.suppress(OSError):
        yield


def _guard(mark: str) -> None:
    """Make Numba check what it reads, go on where it cannot write, and know our kernels by the digest of all sources."""
    if caching.IndexDataCacheFile is _CheckedFile:
        return
    caching.IndexDataCacheFile = _CheckedFile
    caching.Cache._guard_against_spurious_io_errors = _compiling_instead  # noqa: SLF001
    caching.CacheImpl._locator_classes = [*caching.CacheImpl._locator_classes, _Nowhere]  # noqa: SLF001
    plain = caching._SourceFileBackedLocatorMixin.get_source_stamp  # noqa: SLF001

    @wraps(plain)
    def stamp(locator: Any) -> object:  # noqa: ANN401
        found = plain(locator)
        ours = Path(locator._py_file).resolve().is_relative_to(_PACKAGE)  # noqa: SLF001
        return (found, mark) if ours else found

    caching._SourceFileBackedLocatorMixin.get_source_stamp = stamp  # noqa: SLF001


use_kernel_cache()

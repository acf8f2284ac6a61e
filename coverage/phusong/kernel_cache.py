"""Where compiled kernels are kept: one folder for each state of the sources.

Numba asks only whether the file a kernel stands in has changed; a kernel that calls another file's would go on running
the other's old code after an update. So the folder's name is a digest of every file with a kernel in it.
"""

import hashlib
import os
import shutil
import time
from pathlib import Path

import numba
from platformdirs import user_cache_path

__all__ = ["use_kernel_cache"]

_PACKAGE = Path(__file__).resolve().parent
_OLD_S = 30 * 86_400.0


def use_kernel_cache() -> Path | None:
    """Tell Numba where to keep what it compiles, and return the folder; None where the user or the disk decides."""
    if os.environ.get("NUMBA_CACHE_DIR"):
        return None
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(_PACKAGE.rglob("*.py")):
        source = path.read_bytes()
        if b"njit" in source:
            digest.update(path.relative_to(_PACKAGE).as_posix().encode())
            digest.update(source)
    folder = user_cache_path("phusong") / f"kernels-{digest.hexdigest()[:16]}"
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            _clear_old(folder.parent)
        folder.touch()
    except OSError:
        return None  # no place to write: Numba looks beside the sources, or compiles each time
    numba.config.CACHE_DIR = str(folder)
    return folder


def _clear_old(place: Path) -> None:
    for folder in place.glob("kernels-*"):
        if time.time() - folder.stat().st_mtime > _OLD_S:
            shutil.rmtree(folder, ignore_errors=True)

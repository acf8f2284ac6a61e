"""Compiled kernels live in a folder of the sources' digest, unless the user or the disk decides otherwise."""

import importlib
import os
import subprocess
import sys

import numba
import pytest
from numba.core import caching

from phusong.compute.sources import own_sources
from phusong.radio import simd

ASK = "from phusong.compute.kernels import nb; print(nb.config.CACHE_DIR)"


def cache_dir(**environment: str) -> str:
    known = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", ASK], env={**known, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_folder_is_named_by_the_sources_and_stays(tmp_path):
    first, again = cache_dir(XDG_CACHE_HOME=str(tmp_path)), cache_dir(XDG_CACHE_HOME=str(tmp_path))
    assert first == again
    assert "kernels-" in first
    assert os.path.isdir(first)  # noqa: PTH112 - a printed path


def test_the_user_s_own_folder_wins(tmp_path):
    assert cache_dir(NUMBA_CACHE_DIR=str(tmp_path)) == str(tmp_path)


def test_no_place_to_write_is_no_error(tmp_path):
    (tmp_path / "file").write_text("")
    assert "kernels-" not in cache_dir(XDG_CACHE_HOME=str(tmp_path / "file"))


KERNEL = """
from numba import njit
from own.constants import STEP

@njit(cache=True)
def steps(x):
    return x * STEP
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Return what loads a small kernel of another package anew and uses it, and where it is kept."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "__init__.py").write_text("")
    (tmp_path / "own" / "constants.py").write_text("STEP = 3.0\n")
    (tmp_path / "own" / "kernel.py").write_text(KERNEL)
    kept = tmp_path / "kept"
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(kept))
    monkeypatch.syspath_prepend(tmp_path)

    def use() -> str:
        for name in [n for n in sys.modules if n.partition(".")[0] == "own"]:
            monkeypatch.delitem(sys.modules, name)
        steps = importlib.import_module("own.kernel").steps
        assert steps(2.0) == 6.0
        return "kept" if steps.stats.cache_hits else "compiled"

    return use, kept


def flipped(held: bytes) -> bytes:
    middle = len(held) // 2
    return held[:middle] + bytes([held[middle] ^ 16]) + held[middle + 1 :]


DAMAGES = {
    "cut": lambda held: held[: len(held) // 2],
    "empty": lambda _held: b"",
    "garbage": lambda _held: b"no pickle at all",
    "a bit": flipped,
}


def test_a_damaged_or_missing_kernel_is_compiled_again(own):
    use, kept = own
    assert use() == "compiled"
    assert use() == "kept"
    for ending in ("nbi", "nbc"):
        for name, damage in DAMAGES.items():
            (path,) = kept.rglob(f"*steps*.{ending}")
            path.write_bytes(damage(path.read_bytes()))
            assert use() == "compiled", (ending, name)
            assert use() == "kept", (ending, name)
        path.unlink()
        assert use() == "compiled", ending
        (path,) = kept.rglob(f"*steps*.{ending}")
        path.unlink()
        path.mkdir()  # what cannot even be read
        assert use() == "compiled", ending
        path.rmdir()
        use()


def test_where_no_kernel_can_be_kept_it_is_compiled_each_time(own, tmp_path, monkeypatch):
    use, _ = own
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "own" / "__pycache__").write_text("in the way")
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "file" / "kept"))
    monkeypatch.setattr(caching.UserWideCacheLocator, "get_cache_path", lambda _self: str(tmp_path / "file"))
    monkeypatch.setattr(
        caching.UserWideCacheLocator, "ensure_cache_path", lambda _self: (tmp_path / "file").mkdir()
    )
    assert use() == "compiled"
    assert use() == "compiled"


@pytest.mark.parametrize(
    "trouble", [OSError(28, "No space left on device"), PermissionError(13, "Permission denied")]
)
def test_a_disk_that_takes_no_kernel_costs_only_time(own, monkeypatch, trouble):
    use, kept = own

    def refuse(*_arguments, **_named):
        raise trouble

    with monkeypatch.context() as patch:
        patch.setattr(caching.IndexDataCacheFile, "_open_for_write", refuse)
        assert use() == "compiled"
        assert use() == "compiled"
    with monkeypatch.context() as patch:
        patch.setattr(caching.InTreeCacheLocator, "ensure_cache_path", refuse)
        patch.setattr(caching.UserProvidedCacheLocator, "ensure_cache_path", refuse)
        assert use() == "compiled"
    assert not list(kept.rglob("*.tmp*"))
    assert use() in {"compiled", "kept"}


def test_a_kernel_of_ours_is_fresh_only_for_the_sources_it_was_made_of():
    kernel = next(v for v in vars(simd).values() if hasattr(v, "py_func"))
    stamp = caching.UserProvidedCacheLocator(kernel.py_func, simd.__file__).get_source_stamp()
    assert stamp[1] == own_sources().kernel_fingerprint()
    other = caching.UserProvidedCacheLocator(pytest.approx, pytest.__file__)
    assert own_sources().kernel_fingerprint() not in str(other.get_source_stamp())

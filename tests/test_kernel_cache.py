"""Compiled kernels live in a folder of the sources' digest, unless the user or the disk decides otherwise."""

import os
import subprocess
import sys

import pytest

ASK = "import phusong, numba; print(numba.config.CACHE_DIR)"


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
USE = """
import sys
import numba, phusong
from own.kernel import steps
assert steps(2.0) == float(sys.argv[1]), steps(2.0)
print(sum(steps.stats.cache_hits.values()), len(steps.stats.cache_misses))
"""


@pytest.fixture
def own(tmp_path):
    """Return what runs a small kernel of another package in a process of its own, and where it is kept."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "__init__.py").write_text("")
    (tmp_path / "own" / "constants.py").write_text("STEP = 3.0\n")
    (tmp_path / "own" / "kernel.py").write_text(KERNEL)
    kept = tmp_path / "kept"

    def use(expected: float = 6.0, **environment: str) -> str:
        known = {**os.environ, "PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(kept), **environment}
        done = subprocess.run(
            [sys.executable, "-c", USE, str(expected)], env=known, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

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
    assert use() == "0 1"
    assert use() == "1 0"
    for ending in ("nbi", "nbc"):
        for name, damage in DAMAGES.items():
            (path,) = kept.rglob(f"steps*.{ending}")
            path.write_bytes(damage(path.read_bytes()))
            assert use() == "0 1", (ending, name)
            assert use() == "1 0", (ending, name)
        path.unlink()
        assert use() == "0 1", ending
        (path,) = kept.rglob(f"steps*.{ending}")
        path.unlink()
        path.mkdir()  # what cannot even be read
        assert use() == "0 1", ending
        path.rmdir()
        use()


def test_where_no_kernel_can_be_kept_it_is_compiled_each_time(own, tmp_path):
    use, kept = own
    kept.write_text("in the way")
    (tmp_path / "own" / "__pycache__").write_text("in the way")
    (tmp_path / "home").write_text("in the way")
    nowhere = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "home")}
    assert use(**nowhere) == "0 1"
    assert use(**nowhere) == "0 1"


def test_a_kernel_of_ours_is_fresh_only_for_the_sources_it_was_made_of():
    from phusong.engine.sources import own_sources
    from phusong.radio.fastmath import __file__ as ours

    code = (
        "import phusong, sys\nfrom numba.core.caching import UserProvidedCacheLocator as L\n"
        "from phusong.radio import fastmath\n"
        "kernel = next(v for v in vars(fastmath).values() if hasattr(v, 'py_func'))\n"
        "print(L(kernel.py_func, fastmath.__file__).get_source_stamp()[1])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == own_sources().kernel_fingerprint(), ours

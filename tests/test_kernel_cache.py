"""Compiled kernels live in a folder of the sources' digest, unless the user or the disk decides otherwise."""

import os
import subprocess
import sys

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

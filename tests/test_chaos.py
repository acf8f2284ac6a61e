"""Runs survive what befalls them: a short seed of scripts/chaos/chaos.py, and a longer one for those who have the time."""

import subprocess
import sys
from pathlib import Path

import pytest

CHAOS = Path(__file__).resolve().parents[1] / "scripts" / "chaos" / "chaos.py"


def chaos(*asked: str) -> str:
    ended = subprocess.run([sys.executable, CHAOS, *asked], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_a_run_killed_at_a_random_moment_is_done_again_alike():
    assert "run killed" in chaos("--quick", "--rounds", "1", "--seed", "4", "--only", "run killed")


@pytest.mark.slow
def test_every_fault_once_leaves_nothing_half_written_and_the_same_bytes():
    assert "store removed" in chaos("--minutes", "20", "--rounds", "14", "--seed", "7")


@pytest.mark.slow
def test_a_broken_promise_is_found(tmp_path, monkeypatch):
    # a program that takes a damaged value for a sound one must not pass
    broken = tmp_path / "sitecustomize.py"
    broken.write_text(
        "import hashlib, os, sys\n"
        "if 'phusong' in ' '.join(sys.orig_argv) and '--resume' in sys.orig_argv:\n"
        "    import pathlib\n"
        "    real = pathlib.Path.write_text\n"
        "    def write_text(self, text, *more, **how):\n"
        "        return real(self, text + ' ' if self.name == 'summary.json' else text, *more, **how)\n"
        "    pathlib.Path.write_text = write_text\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    ended = subprocess.run(
        [sys.executable, CHAOS, "--quick", "--rounds", "1", "--seed", "1", "--only", "read-only folder"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "other bytes" in ended.stderr

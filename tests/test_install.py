"""The package as it is installed: imports from the root, shipped files found from a wheel."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from phusong.resources import scenario_names
from phusong.scenario import Scenario

ROOT = Path(__file__).resolve().parents[1]


def test_numba_and_phusong_import_from_the_root_in_a_fresh_interpreter():
    # a folder named coverage on the path hides coverage.py's absence from numba: see pyproject.toml
    done = subprocess.run(
        [sys.executable, "-c", "import numba, phusong"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_scenarios_and_tables_are_found_from_a_wheel_outside_the_checkout(tmp_path):
    build = "from hatchling.build import build_wheel; print(build_wheel(__import__('sys').argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    wheel = next(tmp_path.glob("*.whl"))
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    ask = (
        "import sys; sys.path.insert(0, sys.argv[1]); import phusong, phusong.region.facts as f; "
        "assert phusong.__file__.startswith(sys.argv[1]), phusong.__file__; "
        "print(phusong.Scenario.read('mocn').sharing.policy, len(f.table('provinces')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask, str(site)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["mocn", "34"]


@pytest.mark.parametrize("name", scenario_names())
def test_every_shipped_scenario_reads_and_writes_back_the_same(name, tmp_path):
    asked = Scenario.read(name)
    (tmp_path / "again.toml").write_text(asked.to_toml(), encoding="utf-8")
    assert Scenario.read(tmp_path / "again.toml") == asked


COPIED = sorted(p for p in (ROOT / "scripts").glob("*.py") if not p.name.startswith("benchmark_"))


@pytest.mark.parametrize("script", COPIED, ids=lambda p: p.stem)
def test_scripts_to_copy_are_short_and_use_the_public_names_only(script):
    text = script.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 60
    assert "from phusong" not in text

"""The package as it is installed: imports from the root, shipped files found from a wheel."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from phusong.io.resources import scenario_names
from phusong.scenario import Scenario

ROOT = Path(__file__).resolve().parents[1]


def test_numba_and_phusong_import_from_the_root_in_a_fresh_interpreter():
    # a folder named coverage on the path hides coverage.py's absence from numba: see pyproject.toml
    done = subprocess.run(
        [sys.executable, "-c", "import numba, phusong.radio"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


BUILD = (
    "import sys; from hatchling.build import build_sdist, build_wheel; "
    "build_sdist(sys.argv[1]); build_wheel(sys.argv[1])"
)


PARTS = (
    "coverage", "scenarios", "geodata", "scripts", "pyproject.toml", "README.md", "LICENSE", "docs", "CHANGELOG.md",
    ".gitignore",
)  # fmt: skip


def built(source, folder):
    env = os.environ | {"SOURCE_DATE_EPOCH": "1700000000"}
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)],
        cwd=source,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    # a still copy: the checkout may be edited while the tests run
    folder = tmp_path_factory.mktemp("source")
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (ROOT / name).exists():
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def made(source, tmp_path_factory):
    return built(source, tmp_path_factory.mktemp("made"))


def test_two_builds_give_the_same_bytes(source, made, tmp_path):
    again = built(source, tmp_path)
    names = sorted(path.name for path in made.iterdir())
    assert len(names) == 2
    for name in names:
        assert (made / name).read_bytes() == (again / name).read_bytes(), name


def test_the_wheel_holds_every_file_of_the_package_and_the_notices(source, made):
    with zipfile.ZipFile(next(made.glob("*.whl"))) as archive:
        held = set(archive.namelist())
    package = source / "coverage"
    for path in package.rglob("*"):
        if path.is_file():
            assert path.relative_to(package).as_posix() in held
    for folder in ("scenarios", "geodata"):
        for path in (source / folder).rglob("*"):
            if path.is_file():
                assert f"phusong/shipped/{path.relative_to(source).as_posix()}" in held
    assert {"LICENSE", "NOTICE"} <= {Path(name).name for name in held if ".dist-info/licenses/" in name}


def test_the_notice_names_the_libraries_that_the_page_carries():
    notice = (ROOT / "docs" / "NOTICE").read_text(encoding="utf-8")
    assert "MapLibre GL JS" in notice
    assert "plotly.js" in notice


def test_scenarios_and_tables_are_found_from_a_wheel_outside_the_checkout(made, tmp_path):
    site = tmp_path / "site"
    with zipfile.ZipFile(next(made.glob("*.whl"))) as archive:
        archive.extractall(site)
    ask = (
        "import sys; sys.path.insert(0, sys.argv[1]); import phusong, phusong.io.resources as f; "
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


COPIED = sorted((ROOT / "scripts").glob("*.py"))


@pytest.mark.parametrize("script", COPIED, ids=lambda p: p.stem)
def test_scripts_to_copy_are_short_and_use_the_public_names_only(script):
    text = script.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 60
    assert "from phusong" not in text

"""What is given out: one version everywhere, a changelog of it, bounds and a list of parts that are held to their words."""

import re
import subprocess
import sys
import tomllib
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def release():
    loader = SourceFileLoader("release", str(ROOT / "scripts" / "release"))
    module = module_from_spec(spec_from_loader("release", loader))
    loader.exec_module(module)
    return module


def test_the_command_says_the_version_of_pyproject():
    done = subprocess.run(
        [sys.executable, "-m", "phusong", "--version"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    # another one: the checkout's version changed after it was installed; `scripts/setup test` installs it anew
    assert done.stdout == f"phusong {project()['version']}\n"


def test_the_changelog_begins_with_the_version_of_pyproject_and_says_something_of_it():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    heading, _, body = sections[0].partition("\n")
    assert heading.split()[0] == project()["version"]
    assert re.search(r"^- \S", body, re.MULTILINE)
    versions = [tuple(map(int, s.split()[0].split("."))) for s in sections]
    assert versions == sorted(set(versions), reverse=True)


def test_every_requirement_has_a_lower_bound(release):
    listed = release.requirements(ROOT / "pyproject.toml")
    assert len(listed) == len(project()["dependencies"])
    assert all(bound[0].isdigit() for _, bound in listed)


def test_the_quick_tests_of_a_release_are_there_and_touch_every_package(release):
    files = {name.split("::")[0] for name in release.QUICK_TESTS}
    assert all((ROOT / name).exists() for name in files)
    packages = {p.name for p in (ROOT / "tests").iterdir() if any(p.glob("test_*.py"))}
    # `security` asks how code is written, not what libraries do
    assert packages - {Path(name).parts[1] for name in files} == {"security"}


def test_a_bound_that_cannot_be_had_is_named(release, tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["numpy>=2.0", "Some_Thing>=1.5,<2"]\n'
    )
    (tmp_path / "pins.txt").write_text("numpy==2.0.0\nsome-thing==1.5\n")
    release.require_bounds(tmp_path / "pyproject.toml", tmp_path / "pins.txt")
    (tmp_path / "pins.txt").write_text("numpy==2.0.0\nsome-thing==1.6\n")
    with pytest.raises(SystemExit, match=r"Some_Thing: the oldest that fits is 1\.6, not 1\.5"):
        release.require_bounds(tmp_path / "pyproject.toml", tmp_path / "pins.txt")


def test_a_list_of_parts_lacks_no_licence_no_version_and_no_requirement(release):
    mit = [{"license": {"id": "MIT"}}]
    whole = {
        "components": [{"name": "partd", "version": "1"}, {"name": "a-b", "version": "1", "licenses": mit}]
    }
    release.complete(whole, ["A_b"])
    assert whole["components"][0]["licenses"][0]["license"]["id"] == "BSD-3-Clause"
    with pytest.raises(SystemExit) as ended:
        release.complete({"components": [{"name": "unheard"}]}, ["numpy"])
    for word in ("unheard: no licence", "unheard: no version", "numpy: is required"):
        assert word in str(ended.value)


def test_the_wheel_is_built_by_two_kinds_of_users_from_a_commit(release, tmp_path, capsys):
    if not (ROOT / ".git").exists():
        pytest.skip("no git repository here")
    release.build("HEAD", tmp_path)
    assert capsys.readouterr().out.count("twice the same") == 2
    assert len(list(tmp_path.iterdir())) == 3

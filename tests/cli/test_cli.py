"""The command line as a stranger meets it: help, errors, exit codes, nothing left behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from small_region import small_region

ROOT = Path(__file__).resolve().parents[2]


def call(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200", "TERM": "dumb"}
    return subprocess.run(
        [sys.executable, "-m", "phusong", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd or ROOT,
        env=environment,
        check=False,
    )


@pytest.mark.parametrize(
    "command", [[], ["run"], ["region", "build"], ["region", "check"], ["explain"], ["compare"], ["map"]]
)
def test_every_command_has_help_with_an_example(command):
    done = call(*command, "--help")
    assert done.returncode == 0
    assert not command or "Example" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "nowhere.toml"], ["nowhere.toml", "default"]),
        (
            ["run", "default", "--set", "sharing.policy=mocnn"],
            ["sharing.policy", "mocnn", "did you mean mocn"],
        ),
        (["run", "default", "--set", "shairng.policy=none"], ["shairng", "sharing"]),
        (["run", "default", "--set", "invest.budget_musd=-1"], ["invest.budget_musd", "-1"]),
        (["run", "default", "--set", "seed=many"], ["seed", "many"]),
        (["run", "default", "--set", 'region.provinces=["Tuyen Quong"]'], ["Tuyên Quang"]),
        (["region", "build", "vietnam", "--province", "Atlantis"], ["Atlantis"]),
        (["region", "build", "laos"], ["laos", "vietnam"]),
    ],
)
def test_bad_input_exits_2_and_leaves_nothing(tmp_path, arguments, words):
    done = call(*arguments, "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
    assert not list(tmp_path.iterdir())


def test_run_explain_and_compare_work_together(tmp_path):
    small_region().write(tmp_path / "region")
    common = ["--set", f"region.path={tmp_path / 'region'}", "--set", "invest.samples=2"]
    for policy in ("none", "mocn"):
        done = call(
            "run", "default", *common, "--set", f"sharing.policy={policy}", "--out", str(tmp_path / policy)
        )
        assert done.returncode == 0, done.stderr
        assert "report.html" in done.stdout
        assert "Stages:" in done.stdout
    assert "people" in call("explain", str(tmp_path / "none"), "1").stdout
    assert "Minh Tân" in call("explain", str(tmp_path / "none"), "00001").stdout
    assert call("explain", str(tmp_path / "none"), "zzz").returncode == 2
    done = call("compare", str(tmp_path / "none"), str(tmp_path / "mocn"), "--out", str(tmp_path / "c.html"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "c.html").read_text(encoding="utf-8").startswith("<!")
    assert "gap.png\n" in call("map", str(tmp_path / "none"), "gap").stdout
    assert call("region", "check", str(tmp_path / "region")).returncode == 0
    assert call("region", "info", str(tmp_path / "region")).returncode == 0
    for script in ("coverage_maps.py", "compare_plans.py"):
        arguments = (
            [tmp_path / "none", tmp_path / "m.png"]
            if script == "coverage_maps.py"
            else [tmp_path / "none", tmp_path / "mocn"]
        )
        done = subprocess.run(
            [sys.executable, str(ROOT / "scripts" / script), *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def test_a_folder_of_others_is_never_replaced(tmp_path):
    small_region().write(tmp_path / "region")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    done = call(
        "run",
        "default",
        "--set",
        f"region.path={tmp_path / 'region'}",
        "--set",
        "invest.samples=0",
        "--out",
        str(tmp_path / "mine"),
    )
    assert done.returncode == 2
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"

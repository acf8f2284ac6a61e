"""Disks that are full, places that cannot be, readers that left, kernels that are damaged: told, and never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import phusong
from phusong.compute.kernels import nb
from phusong.compute.store import Store
from phusong.errors import InputError
from phusong.io.atomic import checked_place, write_whole
from phusong.report.folder import check_place
from small_region import small_region

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
QUICK = ("invest.samples=2", "invest.solver_seconds=1", "invest.budget_musd=0.3", "sharing.compare=['none']")


@pytest.fixture(scope="module")
def region_path(tmp_path_factory) -> Path:
    return small_region(cell_m=1000.0).write(tmp_path_factory.mktemp("region") / "region")


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "phusong", *map(str, arguments)]


def run_command(region: Path, *arguments: object) -> list[str]:
    sets = [part for setting in (*QUICK, f"region.path={region}") for part in ("--set", setting)]
    return command("run", "default", *sets, *arguments)


def done(asked: list[str], **more: object) -> subprocess.CompletedProcess[str]:
    found = subprocess.run(
        asked, text=True, check=False, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    )
    assert "Traceback" not in (found.stdout or "") + (found.stderr or "")
    return found


@needs_full
def test_a_run_whose_words_find_no_room_writes_its_result_and_says_so(region_path, tmp_path):
    with FULL.open("w") as full:
        found = done(run_command(region_path, "--no-keep", "--out", tmp_path / "out"), stdout=full)
    assert found.returncode == 1
    assert "standard output takes no more (No space left on device)" in found.stderr
    assert phusong.Result.read(tmp_path / "out").summary["people"] > 0


@needs_full
def test_errors_that_find_no_room_change_no_exit_code(tmp_path):
    with FULL.open("w") as full:
        assert done(command("audit", tmp_path / "none"), stdout=full, stderr=full).returncode == 2


def test_a_reader_that_leaves_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    found = done(command("run", "--help"), stdout=writing)
    os.close(writing)
    assert (found.returncode, found.stderr) == (0, "")


def test_closed_streams_are_no_error():
    line = f"exec {sys.executable} -m phusong --version >&- 2>&-"
    assert subprocess.run(["sh", "-c", line], check=False).returncode == 0


BAD_NAMES = (
    "two\nlines",
    "bell\x07",
    "esc\x1b[2J",
    "tab\there",
    "c1\x9b",
    "line\u2028end",
    "latin\udce9",
    "x" * 300,
)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_nothing_can_show_is_refused_before_anything_is_written(tmp_path, name):
    for asked in (checked_place, check_place, lambda path: write_whole(path, b"x")):
        with pytest.raises(InputError) as told:
            asked(tmp_path / name / "out")
        assert "\n" not in str(told.value.problems[0])
    assert not list(tmp_path.iterdir())


def test_links_in_a_circle_are_refused(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for place in (tmp_path / "a", tmp_path / "a" / "out"):
        for asked in (checked_place, check_place, lambda path: write_whole(path, b"x")):
            with pytest.raises(InputError, match="symbolic link"):
                asked(place)
    (tmp_path / "later").symlink_to("real")
    assert checked_place(tmp_path / "later" / "out") == tmp_path.resolve() / "real" / "out"


def test_the_command_line_refuses_such_places_with_2(region_path, tmp_path):
    (tmp_path / "a").symlink_to("a")
    for place in (tmp_path / "two\nlines", tmp_path / "a"):
        found = done(run_command(region_path, "--out", place))
        assert (found.returncode, found.stdout) == (2, "")
        assert "name another place" in found.stderr or "choose another name" in found.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only the super-user mounts")
def test_a_full_cache_disk_costs_time_alone(region_path, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", cache], capture_output=True, check=False
    ).returncode:
        pytest.skip("mounts are not allowed here")
    try:
        (cache / "fill").write_bytes(bytes(230_000))
        # kernels of the machine's own cache: what is tried here is the store
        environment = {
            **os.environ,
            "XDG_CACHE_HOME": str(cache),
            "NUMBA_CACHE_DIR": str(nb.config.CACHE_DIR),
        }
        found = done(run_command(region_path, "--out", tmp_path / "out"), env=environment)
    finally:
        subprocess.run(["umount", cache], check=True)
    assert found.returncode == 0
    assert "takes no more (No space left on device)" in found.stderr
    assert phusong.Result.read(tmp_path / "out").summary["people"] > 0


def test_a_store_that_cannot_be_looked_into_is_no_store(tmp_path, monkeypatch):
    def denied(*_arguments, **_named):
        raise PermissionError(13, "Permission denied")

    store = Store(tmp_path, most_bytes=0)
    store.put("ab" + "0" * 38, b"value")
    for name in ("is_file", "read_bytes", "unlink", "glob", "mkdir"):
        monkeypatch.setattr(Path, name, denied)
    assert not store.has("ab" + "0" * 38)
    assert store.get("ab" + "0" * 38) is None
    assert store.trim() == 0
    assert not store.put("cd" + "0" * 38, b"value")
    assert store.use.refused == "Permission denied"

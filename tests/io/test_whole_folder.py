"""A folder is whole or as it was; text of spreadsheets comes back as it went."""

import errno
import os
import re
import resource
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.errors import InputError
from phusong.io.atomic import try_place, whole_folder
from phusong.io.limits import plain_text, safe_text
from phusong.region.read.table import plain_cells, safe_cells
from phusong.result.files import safe_cell


def write(out, text, *, fail=False):
    ours, kept = (lambda p: (p / "sign").is_file()), (lambda name: name.startswith("note"))
    with whole_folder(out, kind="a test", is_ours=ours, kept=kept) as folder:
        (folder / "sign").write_text(text)
        if fail:
            raise KeyboardInterrupt


def test_an_earlier_folder_is_replaced_and_what_others_put_there_is_kept(tmp_path):
    out = tmp_path / "deep" / "out"
    write(out, "first")
    (out / "notes.txt").write_text("mine")
    (out / "stale").write_text("old")
    write(out, "second")
    assert {p.name: p.read_text() for p in out.iterdir()} == {"sign": "second", "notes.txt": "mine"}
    assert [p.name for p in out.parent.iterdir()] == ["out"]


def test_an_interrupted_write_leaves_the_earlier_folder_and_nothing_else(tmp_path):
    write(tmp_path / "out", "first")
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "out", "second", fail=True)
    assert (tmp_path / "out" / "sign").read_text() == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_folders_and_files_of_others_are_refused_and_left(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    for place in (tmp_path, tmp_path / "mine.txt", tmp_path / "mine.txt" / "below"):
        with pytest.raises(InputError):
            write(place, "x")
    assert (tmp_path / "mine.txt").read_text() == "keep"


def killed_while_writing(out, *, replacing: bool) -> None:
    """Leave what a writer leaves that is killed before, or in the middle of, putting the new folder in its place."""
    draft = out.parent / f".{out.name}.draft-dead"
    (draft / "new").mkdir(parents=True)
    (draft / "new" / "sign").write_text("half")
    (draft / "writing").touch()
    if replacing:
        out.rename(draft / "old")


@pytest.mark.parametrize("replacing", [False, True])
def test_what_a_killed_writer_left_is_put_right(tmp_path, replacing):
    out = tmp_path / "out"
    write(out, "first")
    (out / "notes.txt").write_text("mine")
    killed_while_writing(out, replacing=replacing)
    try_place(out, kind="a test", is_ours=lambda p: (p / "sign").is_file())
    assert {p.name: p.read_text() for p in out.iterdir()} == {"sign": "first", "notes.txt": "mine"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_what_another_is_writing_is_left_alone(tmp_path):
    with whole_folder(tmp_path / "out", kind="a test", is_ours=lambda p: (p / "sign").is_file()) as slow:
        (slow / "sign").write_text("slow")
        write(tmp_path / "out", "quick")
    assert (tmp_path / "out" / "sign").read_text() == "slow"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EMFILE])
def test_a_full_disk_is_told_and_the_earlier_folder_stays(tmp_path, number):
    write(tmp_path / "out", "first")
    with (
        pytest.raises(InputError, match="as it was"),
        whole_folder(tmp_path / "out", kind="a test", is_ours=lambda p: (p / "sign").is_file()),
    ):
        raise RuntimeError("a library's own words") from OSError(number, os.strerror(number))
    assert (tmp_path / "out" / "sign").read_text() == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_so_few_files_that_a_library_fails_is_told_as_that(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(list(Path("/dev/fd").iterdir()))

    def write_with_few_files():
        with whole_folder(tmp_path / "out", kind="a test", is_ours=Path.is_dir):
            resource.setrlimit(resource.RLIMIT_NOFILE, (used + 6, before[1]))
            raise RuntimeError("unable to open database file")

    try:
        with pytest.raises(InputError, match="open files"):
            write_with_few_files()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@given(st.text("'=+-@\t\r aB", max_size=8))
@settings(max_examples=200, database=None)
def test_text_is_disarmed_and_comes_back_the_same_everywhere(text):
    safe = safe_text(text)
    assert not re.match(r" *[=+\-@\t\r]", safe)
    assert plain_text(safe) == text
    assert safe_cell(text) == safe
    frame = safe_cells(pd.DataFrame({"a": pd.Series([text], dtype="str")}))
    assert frame["a"].tolist() == [safe]
    assert plain_cells(frame["a"]).tolist() == [text]

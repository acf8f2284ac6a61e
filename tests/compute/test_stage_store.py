"""The store: whole or not at all, never wrong, never larger than allowed, and never the reason a run fails."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phusong.compute.store import Store, _ours

KEY = "ab" + "0" * 38


def key(k: int) -> str:
    return f"{k:040x}"[::-1]


@given(data=st.binary(max_size=100))
def test_what_is_put_is_got(tmp_path_factory, data):
    store = Store(tmp_path_factory.mktemp("store"))
    assert store.get(KEY) is None
    assert store.put(KEY, data)
    assert store.has(KEY)
    assert store.get(KEY) == data


@given(
    data=st.binary(min_size=1, max_size=60), at=st.integers(0, 200), bit=st.integers(0, 7), cut=st.booleans()
)
def test_a_damaged_value_is_never_returned(tmp_path_factory, data, at, bit, cut):
    store = Store(tmp_path_factory.mktemp("store"))
    store.put(KEY, data)
    (path,) = store.folder.glob("??/*")
    held = bytearray(path.read_bytes())
    held = held[: at % len(held)] if cut else held
    if not cut:
        held[at % len(held)] ^= 1 << bit
    path.write_bytes(held)
    assert store.get(KEY) is None
    assert store.use.damaged == 1
    assert not store.has(KEY)


def test_the_values_used_longest_ago_go_first(tmp_path):
    store = Store(tmp_path, most_bytes=3 * (100 + 32))
    for k in range(5):
        store.put(key(k), bytes(100))
        (path,) = tmp_path.glob(f"{key(k)[:2]}/{key(k)[2:]}")
        os.utime(path, (k, k))
    store.get(key(0))  # of use just now
    assert store.trim() == 2 * 132
    assert [k for k in range(5) if store.has(key(k))] == [0, 3, 4]


def test_many_runs_may_write_at_once(tmp_path):
    def use(worker: int) -> bool:
        store = Store(tmp_path, most_bytes=2000)
        good = True
        for k in range(30):
            store.put(key(k), bytes([k]) * 50)
            found = store.get(key((k * 7 + worker) % 30))
            good &= found is None or found == bytes([found[0]]) * 50
            if k % 10 == 9:
                store.trim()
        return good and store.use.damaged == 0

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(use, range(6)))
    assert not list(tmp_path.rglob(".part-*"))


def test_a_folder_that_cannot_be_written_ends_keeping_not_the_run(tmp_path):
    (tmp_path / "file").write_text("in the way")
    store = Store(tmp_path / "file" / "store")
    assert not store.put(KEY, b"x")
    assert store.use.refused
    assert store.get(KEY) is None
    store.note("stage", {"a": "b"})
    assert store.record("stage") == {}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch):
    real = os.fdopen
    monkeypatch.setattr(
        os,
        "fdopen",
        lambda handle, mode: (os.close(handle), real(os.open("/dev/full", os.O_WRONLY), mode))[1],
    )
    store = Store(tmp_path)
    assert not store.put(KEY, b"x")
    assert "space" in store.use.refused
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_what_is_noted_is_found_and_nonsense_is_nothing(tmp_path):
    store = Store(tmp_path)
    store.note("a/../b", {"x": "1"})
    assert store.record("a/../b") == {"x": "1"}
    (path,) = (tmp_path / "records").iterdir()
    path.write_text("[1")
    assert store.record("a/../b") == {}


def test_what_a_killed_run_left_half_written_goes_and_what_is_being_written_stays(tmp_path):
    store = Store(tmp_path)
    store.put("ab" + "0" * 38, b"value")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (kept,) = tmp_path.glob("??/*")
    for pid in (ended.pid, os.getpid()):
        kept.with_name(f"{_ours()}{pid}-x").write_bytes(b"half")
    store.trim()
    assert sorted(p.name for p in kept.parent.iterdir()) == sorted([kept.name, f"{_ours()}{os.getpid()}-x"])

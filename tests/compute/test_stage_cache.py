"""Stages are done once for what they read, and say why they are done again."""

from dataclasses import dataclass

import numpy as np

from phusong.compute.cache import StageCache
from phusong.compute.store import Store


@dataclass(frozen=True)
class Out:
    values: np.ndarray


def run(folder, cost: float = 1.0, people: int = 3, *, store: bool = True) -> tuple[StageCache, Out, int]:
    calls = []

    def make() -> Out:
        calls.append(1)
        return Out(np.full(people, cost))

    stage_cache = StageCache(Store(folder) if store else None)
    out = stage_cache.stage("invest", make, {"costs": cost, "people": people}, (Out,), by=())
    return stage_cache, out, len(calls)


def test_a_stage_runs_again_only_for_what_it_reads(tmp_path):
    assert run(tmp_path)[0].notes[0].why == "first time"
    again, out, calls = run(tmp_path)
    assert (calls, again.notes[0].kept) == (0, True)
    assert (out.values == 1.0).all()
    other, out, calls = run(tmp_path, cost=2.0)
    assert (calls, other.notes[0].why) == (1, "changed: costs")
    assert (out.values == 2.0).all()
    assert run(tmp_path)[2] == 0  # what was before is still there


def test_what_is_damaged_runs_again_and_says_so(tmp_path):
    run(tmp_path)
    (path,) = tmp_path.glob("??/*")
    path.write_bytes(path.read_bytes()[:-1])
    stage_cache, _, calls = run(tmp_path)
    assert calls == 1
    assert "damaged" in stage_cache.notes[0].why


def test_what_was_removed_runs_again_and_says_so(tmp_path):
    run(tmp_path)
    (path,) = tmp_path.glob("??/*")
    path.unlink()
    assert "make room" in run(tmp_path)[0].notes[0].why


def test_without_a_store_everything_runs(tmp_path):
    stage_cache, _, calls = run(tmp_path, store=False)
    assert calls == 1
    assert not stage_cache.notes[0].kept
    assert not list(tmp_path.iterdir())


def test_an_outcome_of_an_unexpected_type_is_given_and_said_to_be_unkept(tmp_path):
    for _ in range(2):
        stage_cache = StageCache(Store(tmp_path))
        out = stage_cache.stage("invest", lambda: Out(np.ones(2)), {"costs": 1.0}, (), by=())
        assert (out.values == 1.0).all()
        assert not stage_cache.notes[0].kept
        assert "cannot be kept: it holds a Out, which is not expected" in stage_cache.notes[0].why

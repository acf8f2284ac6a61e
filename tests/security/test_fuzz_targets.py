"""A short, repeatable dose of scripts/chaos/fuzz.py for every target; the long one runs by hand or at night."""

import importlib.util
import sys
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "chaos" / "fuzz.py"
DOSE = {"scenario": 150, "region": 6, "result": 6, "plan": 150, "events": 200, "importer": 40, "storm": 60, "costs": 60, "flags": 150, "journal": 200, "columns": 200,
        "antenna": 200}  # fmt: skip


@pytest.fixture(scope="module")
def fuzz():
    sys.path.insert(0, str(SCRIPT.parent))
    spec = importlib.util.spec_from_file_location("phusong_fuzz", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]
    sys.path.remove(str(SCRIPT.parent))


@pytest.fixture(scope="module")
def made(fuzz, tmp_path_factory):
    """Give each target and its folder, made once."""
    found = {}

    def of(name):
        if name not in found:
            place = tmp_path_factory.mktemp(name)
            (place / "work").mkdir()
            found[name] = (fuzz.TARGETS[name](place), place / "work")
        return found[name]

    return of


def test_every_target_has_a_dose(fuzz):
    assert set(DOSE) == set(fuzz.TARGETS)


@pytest.mark.parametrize(
    "name", ["scenario", "region", "result", "plan", "events", "storm", "columns", "antenna"]
)
def test_good_files_are_understood(name, fuzz, made):
    target, folder = made(name)
    assert all(fuzz.hold(target, data, folder) for data in target.good[:3])


@pytest.mark.parametrize("name", DOSE)
def test_changed_files_give_a_result_or_a_usable_error(name, fuzz, made):
    target, folder = made(name)
    rest = islice(fuzz.inputs(target, seed=2025), len(target.good), len(target.good) + DOSE[name])
    for data in rest:
        fuzz.hold(target, data, folder)


@pytest.mark.parametrize("name", [n for n in DOSE if n not in {"region", "result"}])
def test_any_bytes_give_a_result_or_a_usable_error(name, fuzz, made):
    target, folder = made(name)

    @settings(
        max_examples=25, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), derandomize=True,
    )  # fmt: skip
    @given(
        st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda t: t.encode("utf-8", "replace")))
    )
    def holds(data):
        fuzz.hold(target, data, folder)

    holds()


def test_a_broken_promise_is_seen(fuzz, tmp_path):
    def writes_beside(path):
        (path.parent.parent / "elsewhere").write_text("x", encoding="utf-8")

    def crashes(_path):
        raise KeyError("x")

    (tmp_path / "work").mkdir()
    for use in (writes_beside, crashes):
        with pytest.raises(fuzz.PromiseBrokenError):
            fuzz.hold(fuzz.Target("x", [b""], use), b"x", tmp_path / "work")


def test_the_same_seed_gives_the_same_inputs(fuzz, made):
    target, _ = made("scenario")
    first, second = (list(islice(fuzz.inputs(target, seed=3), 60)) for _ in range(2))
    assert first == second

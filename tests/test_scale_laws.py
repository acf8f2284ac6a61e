"""The laws of scripts/benchmarks/benchmark_scale.py: what grew is told from what did not, and what is unsure says so."""

import importlib
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts" / "benchmarks"
SIZES = [round(100 * 10 ** (k / 3)) for k in range(7)]


def _loaded(name):
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def laws():
    yield _loaded("benchmark_scale_laws")
    del sys.modules["benchmark_scale_laws"]


@settings(max_examples=40)
@given(
    exponent=st.floats(0.5, 2.0),
    share=st.floats(0.0, 0.9),
    scale=st.floats(1e-3, 1e3),
)
def test_a_fixed_part_and_an_exponent_are_found_again(laws, exponent, share, scale):
    # the fixed part as a share of the growing part at the smallest size
    values = [scale * (share * SIZES[0] ** exponent + n**exponent) for n in SIZES]
    law = laws.fit(SIZES, values)
    assert law.exponent == pytest.approx(exponent, abs=0.02)
    assert law.low <= law.exponent <= law.high
    assert law.miss < 0.02
    assert law(SIZES[-1]) == pytest.approx(values[-1], rel=0.02)


def test_the_interval_holds_the_true_exponent_about_as_often_as_it_says(laws):
    rng = np.random.default_rng(1)
    held = 0
    for noise in rng.normal(1.0, 0.03, (120, len(SIZES))):
        law = laws.fit(SIZES, [(0.2 + 1e-3 * n) * e for n, e in zip(SIZES, noise, strict=True)])
        held += law.low <= 1.0 <= law.high
    assert 0.88 <= held / 120 <= 1.0


def test_a_constant_is_not_said_to_grow(laws):
    noise = np.random.default_rng(3).uniform(0.98, 1.02, len(SIZES))
    assert not laws.fit(SIZES, list(5.0 * noise)).known


def test_growth_hidden_by_a_fixed_part_is_not_a_law(laws):
    assert not laws.fit(SIZES, [100.0 + 1e-3 * n for n in SIZES]).known


@settings(max_examples=25)
@given(factor=st.floats(1e-3, 1e3))
def test_the_exponent_does_not_depend_on_the_unit(laws, factor):
    values = [0.3 + 0.01 * n**1.2 for n in SIZES]
    one, other = laws.fit(SIZES, values), laws.fit(SIZES, [factor * v for v in values])
    assert one.exponent == other.exponent
    assert (one.low, one.high) == (other.low, other.high)


@pytest.mark.parametrize(
    ("sizes", "values"),
    [([1, 2, 3], [1.0, 2.0, 3.0]), ([1, 2, 3, 4], [1.0, 2.0, 0.0, 4.0]), ([1, 2, 3, 4, 5], [1.0, 2.0, 3.0, 4.0])],
    ids=["too few", "nothing measured", "a size without a measurement"],
)  # fmt: skip
def test_what_cannot_be_fitted_is_refused(laws, sizes, values):
    with pytest.raises(ValueError, match=r"measurements"):
        laws.fit(sizes, values)


def test_memory_below_the_noise_gives_no_law(laws):
    points = [{"size": n, "cpu_s": [1e-3 * n], "mib": 1.0} for n in SIZES]
    spent, memory = laws.laws_of({"points": points})
    assert spent.known
    assert memory is None


def test_the_page_is_what_the_script_writes_of_the_measurement(monkeypatch, tmp_path):
    docs = SCRIPTS.parents[1] / "docs"
    monkeypatch.syspath_prepend(str(SCRIPTS))
    before = set(sys.modules)
    page = importlib.import_module("benchmark_scale_page")
    found = json.loads((docs / "scale.json").read_text(encoding="utf-8"))
    copy = tmp_path / "scale.md"
    copy.write_text((docs / "scale.md").read_text(encoding="utf-8"), encoding="utf-8")
    page.write_page(copy, found)
    for name in set(sys.modules) - before:
        if name.startswith("benchmark_"):
            del sys.modules[name]
    assert copy.read_text(encoding="utf-8") == (docs / "scale.md").read_text(encoding="utf-8")

"""Okumura-Hata and COST 231 against ns-3's figures."""

import csv

import numpy as np
import pytest

from phusong.errors import InputError
from phusong.radio.models import MODELS
from phusong.radio.models.empirical import okumura_hata_loss as loss
from reference_cases import REFERENCE, needs_reference

FILE = REFERENCE / "validation" / "radio" / "hata" / "okumura_hata_ns3.csv"
CASES = list(csv.DictReader(FILE.read_text("utf-8").splitlines())) if FILE.is_file() else []
NS3_FORGETS_DB = 4.97  # the constant of a(h_m) in large cities, in its COST 231 branch alone


@needs_reference
@pytest.mark.parametrize("case", CASES, ids=[f"{c['f_mhz']}-{c['env']}-{c['city']}" for c in CASES])
def test_the_values_of_ns3(case):
    got = loss(
        float(case["d_m"]),
        frequency_mhz=float(case["f_mhz"]),
        base_height_m=float(case["hb_m"]),
        mobile_height_m=float(case["hm_m"]),
        environment={"open": "rural"}.get(case["env"], case["env"]),
        city=case["city"],
    )
    published = float(case["loss_db"])
    if float(case["f_mhz"]) > 1500 and case["city"] == "large":
        # two large cities cannot be 2 dB better than a small one: COST 231 adds 3 dB for them
        published += NS3_FORGETS_DB
    assert float(got) == pytest.approx(published, abs=0.1)


def test_both_formulas_nearly_meet_at_1500_mhz_and_loss_grows_with_distance_and_frequency():
    common = {"base_height_m": 30.0, "mobile_height_m": 1.5}
    below, above = (float(loss(3000.0, frequency_mhz=f, **common)) for f in (1500.0, 1500.001))
    assert above == pytest.approx(below + 1.33, abs=0.01)
    assert (np.diff(loss(np.geomspace(100, 20_000, 50), frequency_mhz=900, **common)) > 0).all()
    by_band = [float(loss(3000.0, frequency_mhz=f, **common)) for f in (450, 900, 1800, 2100)]
    assert (np.diff(by_band) > 0).all()


@pytest.mark.parametrize("city", ["small", "large"])
def test_towns_lose_most_and_open_land_least(city):
    common = {"frequency_mhz": 1800.0, "base_height_m": 40.0, "mobile_height_m": 1.5, "city": city}
    losses = [float(loss(4000.0, environment=name, **common)) for name in ("rural", "suburban", "urban")]
    assert losses == sorted(losses)


def test_what_the_formula_does_not_know_is_refused_together():
    with pytest.raises(InputError) as found:
        loss(
            [100.0, 0.0],
            frequency_mhz=3500,
            base_height_m=0,
            mobile_height_m=1.5,
            environment="open",
            city="big",
        )
    assert {p.column for p in found.value.problems} == {
        "distance_m", "frequency_mhz", "base_height_m", "environment", "city",
    }  # fmt: skip


def test_the_model_says_its_range():
    assert MODELS["hata"].holds(2.1)
    assert not MODELS["hata"].holds(2.6)

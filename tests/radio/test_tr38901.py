"""TR 38.901 against spot values published elsewhere, and by its own limits."""

import csv

import numpy as np
import pytest

from phusong.errors import InputError
from phusong.radio import tr38901
from phusong.radio.models.tr38901 import rural_macro_loss, urban_macro_loss
from reference_cases import REFERENCE, needs_reference

FOLDER = REFERENCE / "validation" / "radio" / "tr38901"


@needs_reference
def test_spot_values_of_another_implementation():
    checked = 0
    with (FOLDER / "spot.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            got = tr38901.loss(
                row["scenario"],
                distance_m=float(row["d2d_m"]),
                frequency_ghz=float(row["f_ghz"]),
                bs_height_m=float(row["h_bs_m"]),
                ut_height_m=float(row["h_ut_m"]),
                los=row["los"] == "1",
            )
            assert float(got) == pytest.approx(float(row["loss_db"]), abs=1e-3), row
            checked += 1
    assert checked > 5


@pytest.mark.parametrize("scenario", list(tr38901.SCENARIOS))
def test_blocked_is_never_better_than_clear_and_loss_grows(scenario):
    d = np.linspace(20, 5000, 200)
    common = {"distance_m": d, "frequency_ghz": 0.9, "bs_height_m": 30.0, "ut_height_m": 1.5}
    clear, blocked = tr38901.loss(scenario, los=True, **common), tr38901.loss(scenario, los=False, **common)
    assert (blocked >= clear).all()
    assert (np.diff(clear) > -0.3).all()
    p = tr38901.los_probability(scenario, distance_m=d)
    assert ((p >= 0) & (p <= 1)).all()
    assert (np.diff(p) <= 1e-12).all()


@pytest.mark.parametrize("scenario", list(tr38901.SCENARIOS))
def test_the_mean_lies_between_both_states_and_grows_with_distance(scenario):
    d = np.geomspace(10, 20_000, 300)
    common = {"distance_m": d, "frequency_ghz": 2.1, "bs_height_m": 25.0, "ut_height_m": 1.5}
    clear, blocked = tr38901.loss(scenario, los=True, **common), tr38901.loss(scenario, los=False, **common)
    mean = tr38901.mean_loss(scenario, **common)
    assert (mean >= clear - 1e-9).all()
    assert (mean <= blocked + 1e-9).all()
    assert (np.diff(mean) > 0).all()
    assert mean[0] == pytest.approx(clear[0])
    assert mean[-1] == pytest.approx(blocked[-1], abs=0.3)


def test_rma_beyond_its_breakpoint_goes_on_from_the_loss_at_that_distance():
    """PL2 = PL1(d_BP) + 40 log(d_3D / d_BP), d_BP = 2π·35·1.5·0.7 GHz/c = 769.69 m; by hand with h = 5 m."""
    at_break = 20 * np.log10(40 * np.pi * 769.690 * 0.7 / 3) + 0.03 * 5**1.72 * np.log10(769.690)
    at_break += -0.044 * 5**1.72 + 0.002 * np.log10(5) * 769.690
    slant = np.hypot(2000.0, 33.5)
    loss = tr38901.loss(
        "RMa", distance_m=2000.0, frequency_ghz=0.7, bs_height_m=35.0, ut_height_m=1.5, los=True
    )
    assert float(loss) == pytest.approx(at_break + 40 * np.log10(slant / 769.690), abs=1e-4)


def test_tall_terminals_see_farther_in_uma():
    d = np.geomspace(20, 5000, 50)
    low, high = (tr38901.los_probability("UMa", distance_m=d, ut_height_m=h) for h in (13.0, 22.5))
    assert (high >= low).all()
    assert high[-20] > 1.5 * low[-20]


@pytest.mark.parametrize("name", ["rma", "uma"])
def test_models_hold_heights_to_the_tables_range(name):
    """Base stations from 10 m (RMa to 150), terminals RMa 1 to 10 m and UMa 1.5 to 22.5 m; distances from 10 m."""
    model = {"rma": rural_macro_loss, "uma": urban_macro_loss}[name]
    low, least = (model([5000.0], frequency_ghz=0.9, tx_height_m=h, rx_height_m=1.5) for h in (3.0, 10.0))
    assert low == pytest.approx(least, abs=1e-3)
    deep, top = (model([5000.0], frequency_ghz=0.9, tx_height_m=30, rx_height_m=h) for h in (0.2, 1.5))
    assert deep == pytest.approx(top, abs=2.0)
    assert np.isfinite(model([0.5], frequency_ghz=0.9, tx_height_m=500.0, rx_height_m=80.0)).all()


def test_arguments_that_are_not_positive_are_refused_together():
    with pytest.raises(InputError) as found:
        tr38901.loss("UMi", distance_m=[10, 0], frequency_ghz=-1, bs_height_m=np.nan, ut_height_m=0, los=True)
    assert {p.column for p in found.value.problems} == {
        "distance_m", "frequency_ghz", "bs_height_m", "ut_height_m",
    }  # fmt: skip


def test_wrong_scenario_suggests():
    with pytest.raises(InputError, match="RMa"):
        tr38901.loss("Rma", distance_m=10, frequency_ghz=1, bs_height_m=30, ut_height_m=1.5, los=True)

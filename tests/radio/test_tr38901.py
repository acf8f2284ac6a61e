"""TR 38.901 against spot values published elsewhere, and by its own limits."""

import csv

import numpy as np
import pytest

from phusong.errors import InputError
from phusong.radio import tr38901
from small_region import REFERENCE, needs_reference

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


def test_wrong_scenario_suggests():
    with pytest.raises(InputError, match="RMa"):
        tr38901.loss("Rma", distance_m=10, frequency_ghz=1, bs_height_m=30, ut_height_m=1.5, los=True)

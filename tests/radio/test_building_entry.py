"""Loss into buildings: the median's formula, and what a probability promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.errors import InputError
from phusong.radio.link_budget import building_entry_loss_db

KINDS = ("traditional", "thermally_efficient")
# table 1 of P.2109-2: medians of both distributions at 1 GHz, where every logarithm is 0
AT_1_GHZ = {"traditional": (12.64, 9.1), "thermally_efficient": (28.19, 27.8)}


@pytest.mark.parametrize("building", KINDS)
def test_the_median_at_1_ghz_is_the_power_sum_of_the_tables_medians(building):
    first, second = AT_1_GHZ[building]
    whole = 10 * np.log10(10 ** (first / 10) + 10 ** (second / 10) + 10**-0.3)
    assert building_entry_loss_db(1.0, probability=0.5, building=building) == pytest.approx(whole, abs=1e-9)


def test_medians_at_a_phones_bands():
    """By hand from equations (1) to (9): log f = -0.15490 at 0.7 GHz, 0.54407 at 3.5 GHz."""
    cases = {(0.7, "traditional"): 14.10, (3.5, "traditional"): 15.72, (0.7, "thermally_efficient"): 31.57,
             (3.5, "thermally_efficient"): 30.89}  # fmt: skip
    for (ghz, building), db in cases.items():
        assert float(building_entry_loss_db(ghz, probability=0.5, building=building)) == pytest.approx(
            db, abs=0.02
        )


@settings(deadline=None, max_examples=80)
@given(st.floats(0.08, 100.0), st.floats(-90.0, 90.0), st.sampled_from(KINDS))
def test_more_buildings_never_lose_less_and_a_steeper_path_never_less(ghz, tilt, building):
    p = np.array([0.001, 0.05, 0.3, 0.5, 0.7, 0.95, 0.999])
    by_share = building_entry_loss_db(ghz, probability=p, building=building, elevation_deg=tilt)
    assert (np.diff(by_share) >= 0).all()
    assert (by_share >= -3.0).all()
    level = building_entry_loss_db(ghz, probability=p, building=building)
    assert (by_share >= level - 1e-9).all()
    mirrored = building_entry_loss_db(ghz, probability=p, building=building, elevation_deg=-tilt)
    assert mirrored == pytest.approx(by_share)


@pytest.mark.parametrize("ghz", [0.1, 0.7, 3.5, 30.0])
def test_an_insulated_building_lets_less_in(ghz):
    old, new = (building_entry_loss_db(ghz, probability=0.5, building=kind) for kind in KINDS)
    assert new > old + 5.0


def test_arguments_broadcast():
    out = building_entry_loss_db([[0.7], [3.5]], probability=[0.1, 0.5, 0.9])
    assert out.shape == (2, 3)


def test_limits_are_said_together():
    with pytest.raises(InputError) as found:
        building_entry_loss_db(0.01, probability=1.0, elevation_deg=100.0)
    assert {p.column for p in found.value.problems} == {"frequency_ghz", "probability", "elevation_deg"}
    with pytest.raises(InputError, match="traditional"):
        building_entry_loss_db(1.0, probability=0.5, building="hut")

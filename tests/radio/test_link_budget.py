"""The link budget: tables of 3GPP, places, services, rates; more loss never covers more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phusong.radio.link_budget import (
    LinkBudget,
    cell_range_m,
    eirp_per_resource_element_dbm,
    least_sinr_db,
    location_margin_db,
    location_probability,
    noise_dbm,
    radius_of_interest_m,
    rate_mbps,
    reach_m,
    reference_power_dbm,
    resource_blocks,
    spectral_efficiency,
)


def test_resource_blocks_and_reference_power_follow_the_tables():
    assert [resource_blocks(b) for b in (1.4, 5.0, 10.0, 20.0)] == [6, 25, 50, 100]
    assert resource_blocks(100.0, "5G") == 273
    assert resource_blocks(20.0, "5G", 15) == 106
    assert eirp_per_resource_element_dbm(60.0, 10.0) == pytest.approx(60 - 10 * np.log10(600))
    assert reference_power_dbm(60.0, 100.0, "5G", 3700.0) == pytest.approx(60 - 10 * np.log10(12 * 273))
    assert reference_power_dbm(60.0, 5.0, "3G", 2100.0) == 50.0
    assert reference_power_dbm(60.0, 0.2, "2G", 900.0) == 60.0


def test_noise_stands_in_the_bandwidth_of_what_is_measured():
    assert noise_dbm("4G", 1800.0, 7.0) == pytest.approx(-125.24, abs=0.01)
    assert noise_dbm("5G", 3700.0, 7.0) == pytest.approx(-122.23, abs=0.01)
    assert noise_dbm("2G", 900.0, 7.0) == pytest.approx(-113.99, abs=0.01)


@pytest.mark.parametrize(("prach", "km"), [(0, 14.53), (1, 77.34), (2, 29.53), (3, 102.6)])
def test_cell_range_is_what_the_preamble_leaves_time_for(prach, km):
    assert cell_range_m(prach) / 1000 == pytest.approx(km, abs=0.1)


def test_the_margin_makes_the_share_of_places():
    assert location_probability(-110.0, -110.0, 6.0) == pytest.approx(0.5)
    assert location_probability(-110.0 + location_margin_db(0.75, 6.0), -110.0, 6.0) == pytest.approx(0.75)
    assert location_probability(-110.0, -110.0, 0.0) == 1.0


def test_indoors_takes_the_median_of_p2109_and_spreads_wider():
    outdoor, indoor = LinkBudget({"4G": -110.0}), LinkBudget({"4G": -110.0}, place="indoor_traditional")
    assert indoor.losses_db(0.9) - outdoor.losses_db(0.9) == pytest.approx(14.1, abs=0.6)
    assert indoor.spread_db(0.9) > outdoor.spread_db(0.9)
    efficient = LinkBudget({"4G": -110.0}, place="indoor_efficient")
    assert efficient.losses_db(0.9) > indoor.losses_db(0.9) + 10


@given(
    place=st.sampled_from(["outdoor", "vehicle", "indoor_traditional", "indoor_efficient"]),
    losses=st.floats(0, 20),
    gain=st.floats(-5, 20),
    rate=st.floats(0, 30),
    share=st.floats(0.5, 0.99),
)
def test_more_wanted_never_needs_less(place, losses, gain, rate, share):
    def budget(**changed):
        asked = {
            "rx_losses_db": losses,
            "rx_gain_dbi": gain,
            "least_rate_mbps": rate,
            "location_probability": share,
        }
        return LinkBudget({"4G": -110.0}, place=place, **(asked | changed))

    b = budget()
    assert b.floor_dbm("4G", 900.0, 10.0) <= budget(least_rate_mbps=rate + 1).floor_dbm("4G", 900.0, 10.0)
    assert b.floor_dbm("4G", 900.0, 10.0) <= budget(location_probability=0.995).floor_dbm("4G", 900.0, 10.0)
    assert b.losses_db(0.9) <= budget(rx_losses_db=losses + 1).losses_db(0.9)
    assert b.losses_db(0.9) >= budget(rx_gain_dbi=gain + 1).losses_db(0.9)


def test_a_technology_without_the_service_covers_nothing():
    assert LinkBudget({"4G": -110.0}).needed_dbm("2G", 900.0, 0.2) == float("inf")


@given(rate=st.floats(0.1, 32.0))
def test_the_least_sinr_gives_the_rate(rate):
    sinr = least_sinr_db(rate, 10.0, "4G", 900.0)
    assert float(rate_mbps(sinr, 10.0, "4G", 900.0)) >= rate - 1e-6
    if sinr > -10:
        assert float(rate_mbps(sinr - 0.1, 10.0, "4G", 900.0)) < rate


def test_rate_grows_with_sinr_up_to_its_ceiling():
    sinr = np.arange(-30.0, 60.0)
    for technology, most in (("4G", 4.4), ("5G", 7.40625)):
        rate = spectral_efficiency(sinr, technology)
        assert (np.diff(rate) >= 0).all()
        assert rate.max() == pytest.approx(0.75 * most)
    assert least_sinr_db(100.0, 10.0, "4G", 900.0) == float("inf")
    assert spectral_efficiency(30.0, "2G") == 0.0
    assert rate_mbps(60.0, 100.0, "5G", 3700.0) == pytest.approx(100 * 0.75 * 0.75 * 7.40625)


def test_beyond_the_radius_of_interest_free_space_is_too_weak():
    radius = radius_of_interest_m(
        30.0, -100.0, 0.9, tx_above_lowest_m=50, rx_above_lowest_m=20, earth_km=8495.0
    )
    clear = reach_m(30.0, -100.0, 0.9)
    horizon = np.sqrt(2000 * 8495.0) * (np.sqrt(50) + np.sqrt(20))
    assert radius == pytest.approx(max(min(clear, horizon), clear / 10 ** (6 / 20)))

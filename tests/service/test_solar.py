"""Solar and diesel supplies: the weather keeps the table's means, more battery, panels or fuel are never worse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.service.power_supply import (
    AUTONOMY_H,
    OVERSIZE,
    PERFORMANCE,
    WEATHER_YEARS,
    Weather,
    array_kwp,
    climate,
    dark_hours,
    late_fuel,
    shortage_h,
    weather,
)

NORTH = climate().stations.index("Tuyên Quang")
SOUTH = climate().stations.index("Cần Thơ")


def test_weather_is_the_same_for_the_same_seed_and_another_for_another():
    first, again = weather(NORTH, 7, 2), weather.__wrapped__(NORTH, 7, 2)
    assert np.array_equal(first.yield_kwh_kwp, again.yield_kwh_kwp)
    assert not np.array_equal(first.yield_kwh_kwp, weather(NORTH, 8, 2).yield_kwh_kwp)


def test_monthly_yield_follows_the_table_of_sunshine():
    there = weather(SOUTH)
    by_day = there.yield_kwh_kwp.reshape(WEATHER_YEARS, 365, 24).sum(axis=2)
    september = by_day[:, 243:273].mean()  # the dullest month of Cần Thơ
    assert september == pytest.approx(there.dullest_kwh_kwp_day, rel=0.05)
    assert by_day[:, 59:90].mean() > september  # March is the brightest


def test_no_panel_works_at_night():
    assert weather(NORTH).yield_kwh_kwp.reshape(-1, 24)[:, [0, 1, 2, 3, 21, 22, 23]].max() == 0.0


def test_dull_days_come_in_spells():
    by_day = weather(NORTH).yield_kwh_kwp.reshape(-1, 24).sum(axis=1)
    winter = by_day.reshape(WEATHER_YEARS, 365)[:, :59]
    assert np.corrcoef(winter[:, :-1].ravel(), winter[:, 1:].ravel())[0, 1] > 0.3


def test_a_constant_sun_leaves_a_battery_that_bridges_the_night_never_dark():
    half = np.tile(np.r_[np.zeros(12), np.full(12, 1.0 / 12.0)], 10)  # one kWh a day and kWp, by day only
    there = Weather(half, 1.0)
    assert not dark_hours(there, oversize=1.0, autonomy_h=12.0).any()
    # with a battery of ten hours the last two hours of each night are dark
    assert dark_hours(there, oversize=1.5, autonomy_h=10.0).sum() == 2 * 10
    assert dark_hours(there, oversize=1.5, autonomy_h=0.0).sum() == 12 * 10


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from([NORTH, SOUTH]),
    st.floats(0.2, 3.0),
    st.floats(0.0, 2.0),
    st.floats(0.0, 200.0),
    st.floats(0.0, 100.0),
)
def test_more_panels_or_battery_are_dark_in_no_further_hour(station, panels, more, battery, longer):
    there = weather(station, 0, 2)
    small = dark_hours(there, oversize=panels, autonomy_h=battery)
    large = dark_hours(there, oversize=panels + more, autonomy_h=battery + longer)
    assert not (large & ~small).any()


def test_the_table_of_shortages_falls_with_panels_and_battery():
    hours = shortage_h(NORTH)
    assert hours.shape == (len(OVERSIZE), len(AUTONOMY_H))
    assert (np.diff(hours, axis=0) <= 0.0).all()
    assert (np.diff(hours, axis=1) <= 0.0).all()
    assert 4000.0 < hours[-1, 0] < 5500.0  # without a battery every night is dark


def test_the_north_needs_more_panels_than_the_south():
    kwp = [float(array_kwp(1.25, 0.5, weather(s).dullest_kwh_kwp_day)) for s in (NORTH, SOUTH)]
    assert kwp[0] > 1.5 * kwp[1]
    assert kwp[1] == pytest.approx(1.25 * 24 * 0.5 / (PERFORMANCE * 4.8), rel=0.1)


def test_fuel_ordered_with_more_in_the_tank_or_sooner_there_runs_dry_less():
    rate, hours = late_fuel([240.0, 480.0, 240.0], [24.0, 24.0, 12.0])
    lost = rate * hours
    assert lost[1] < lost[0]
    assert lost[2] < lost[0]
    # by hand: a cycle of 168 h to the reserve and 24 h of waiting, dry with probability exp(-3)
    assert rate[0] == pytest.approx(8760.0 / 192.0 * np.exp(-3.0))
    assert hours[0] == 24.0

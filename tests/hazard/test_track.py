"""Tracks: the shipped one, and every way in which a user's table can be wrong."""

import numpy as np
import pandas as pd
import pytest

from phusong.errors import InputError
from phusong.hazard.track import read_track, storm_names, track_of

GOOD = {
    "time": ["2024-09-07T00:00Z", "2024-09-07T06:00Z"],
    "latitude_deg": [20.0, 21.0],
    "longitude_deg": [108.0, 107.0],
    "central_hpa": [950.0, 960.0],
    "max_wind_ms": [50.0, 45.0],
}


def test_every_shipped_storm_is_read_and_says_where_it_comes_from():
    for name in storm_names():
        track = read_track(name)
        assert (np.diff(track.hour) > 0).all()
        assert (track.central_hpa < track.environment_hpa).all()
        assert track.source


def test_yagi_comes_ashore_at_hai_phong_about_one_in_the_afternoon():
    track = read_track("yagi_2024")
    hour = (np.datetime64("2024-09-07T06:00") - track.start) / np.timedelta64(1, "h")
    assert np.interp(hour, track.hour, track.latitude_deg) == pytest.approx(20.9, abs=0.1)
    assert np.interp(hour, track.hour, track.longitude_deg) == pytest.approx(107.1, abs=0.2)
    assert 45.0 <= np.interp(hour, track.hour, track.max_wind_ms) <= 50.0


def test_positions_between_are_on_the_line_and_those_given_stay():
    track = track_of(pd.DataFrame(GOOD), "x").every(0.7)
    assert {0.0, 6.0} <= set(track.hour)
    assert np.interp(3.0, track.hour, track.latitude_deg) == pytest.approx(20.5)


def test_a_missing_radius_follows_pressure_and_latitude():
    with_gap = track_of(pd.DataFrame({**GOOD, "rmw_km": ["", "30"]}), "x")
    assert with_gap.rmw_km[0] == pytest.approx(np.exp(3.015 - 6.291e-5 * 60.0**2 + 0.0337 * 20.0))
    assert with_gap.rmw_km[1] == 30.0


def test_velocity_is_distance_over_time():
    track = track_of(pd.DataFrame({**GOOD, "longitude_deg": [107.0, 107.0]}), "x")
    east, north = track.velocity_ms()
    assert north == pytest.approx(np.full(2, np.radians(1.0) * 6371e3 / 21600.0))
    assert east == pytest.approx(np.zeros(2))


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("time", ["yesterday", "2024-09-07T06:00Z"], ["row 1, column time", "yesterday"]),
        ("time", ["2024-09-07T06:00Z", "2024-09-07T00:00Z"], ["row 2, column time", "must rise"]),
        ("time", ["2024-09-07T06:00Z", "2204-09-07T12:00Z"], ["row 2, column time", "is the year right"]),
        ("latitude_deg", [95.0, 21.0], ["row 1, column latitude_deg", "-60 and 60"]),
        ("longitude_deg", [108.0, 140.0], ["row 1, column latitude_deg", "m/s"]),
        ("central_hpa", [1012.0, 960.0], ["row 1, column central_hpa", "1010"]),
        ("max_wind_ms", ["strong", -1.0], ["row 1, column max_wind_ms", "'strong' is no number", "row 2"]),
        ("max_wind_ms", [np.nan, 40.0], ["row 1, column max_wind_ms", "is no number"]),
    ],
)
def test_a_bad_value_is_named(column, value, words):
    with pytest.raises(InputError) as error:
        track_of(pd.DataFrame({**GOOD, column: value}), "x", where="storm.csv")
    for word in ["storm.csv", *words]:
        assert word in str(error.value)


def test_every_problem_is_told_at_once():
    bad = pd.DataFrame({**GOOD, "latitude_deg": ["a", 95.0], "central_hpa": [200.0, 960.0]})
    with pytest.raises(InputError) as error:
        track_of(bad, "x")
    assert len(error.value.problems) == 3


def test_missing_columns_and_short_tables_are_told():
    with pytest.raises(InputError, match="central_hpa"):
        track_of(pd.DataFrame(GOOD).drop(columns=["central_hpa", "time"]), "x")
    with pytest.raises(InputError, match="fewer than two"):
        track_of(pd.DataFrame(GOOD).head(1), "x")
    with pytest.raises(InputError, match="did you mean yagi_2024"):
        read_track("yagi2024")

"""Places from columns: degrees in every writing, metres; swapped, mixed and huge ones refused by row."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.region.read.coordinates import degrees_of, placed

CRS = "EPSG:32648"


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("21°01'42\"N", 21.028333),
        ("21° 01' 42.5'' N", 21.028472),
        ("N21°01′42″", 21.028333),
        ("21 01 42", 21.028333),
        ("21:30:00", 21.5),
        ("21d30m", 21.5),
        ("21°30,5'", 21.508333),
        ("-21°30'", -21.5),
        ("21°S", -21.0),
        ("21.0285°N", 21.0285),
        ("21.0285", 21.0285),
    ],
)
def test_each_writing_of_degrees_is_read(text, degrees):
    values, problems, _ = degrees_of(pd.Series([text], name="lat"), "x", limit=90, east=False)
    assert problems == []
    assert values == pytest.approx([degrees], abs=1e-6)


@pytest.mark.parametrize(
    "text", ["21°61'", "21°01'60\"", "abc", "21°01'42\"Q", "-21°N", "21.5°30'", "215130N", ""]
)
def test_what_is_no_angle_is_refused(text):
    _, problems, _ = degrees_of(pd.Series([text], name="lat"), "x", limit=90, east=False)
    assert [p.row for p in problems] == [1]


@settings(max_examples=40, database=None)
@given(st.integers(0, 89), st.integers(0, 59), st.integers(0, 5999), st.sampled_from("NS"))
def test_minutes_and_seconds_add_up(deg, minute, hundredths, letter):
    text = f"{deg}°{minute:02d}'{hundredths / 100:05.2f}\"{letter}"
    values, problems, _ = degrees_of(pd.Series([text], name="lat"), "x", limit=90, east=False)
    assert problems == []
    sign = 1 if letter == "N" else -1
    assert values[0] == pytest.approx(sign * (deg + minute / 60 + hundredths / 360_000), abs=1e-9)


def test_vietnamese_letters_are_directions():
    frame, problems, notices = placed(
        pd.DataFrame({"Kinh độ": ["105°30'Đ"], "Vĩ độ": ["22°30'B"]}), "x.csv", CRS
    )
    assert problems == []
    place = gpd.GeoSeries(frame.geometry).to_crs("EPSG:4326")
    assert (place.x[0], place.y[0]) == pytest.approx((105.5, 22.5), abs=1e-6)
    assert len(notices) == 2


def told(columns: dict[str, list[str]]) -> str:
    frame, problems, _ = placed(pd.DataFrame(columns), "x.csv", CRS)
    assert frame.geometry.isna().any()
    return "\n".join(str(p) for p in problems)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"lon": ["22.1"], "lat": ["105.2"]}, ("row 1", "swapped", "exchange")),
        ({"lon": ["21°01'N"], "lat": ["105°E"]}, ("row 1", "swapped")),
        ({"lon": ["105.2", "585000"], "lat": ["22.1", "2440000"]}, ("row 2", "metres", "--crs EPSG:")),
        ({"x": ["505000", "105.2"], "y": ["2400000", "22.1"]}, ("row 2", "degrees")),
    ],
)
def test_places_in_doubt_are_refused_by_row(columns, words):
    text = told(columns)
    for word in words:
        assert word in text, text


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"lon": ["10"], "lat": ["20"]}, ("row 1", "outside")),
        ({"x": ["2400000"], "y": ["505000"]}, ("row 1", "swapped", "VN-2000")),
        ({"x": ["9e12"], "y": ["-9e12"]}, ("row 1", "outside")),
    ],
)
def test_places_elsewhere_are_refused_by_row(columns, words):
    _, problems, _ = placed(pd.DataFrame(columns), "x.csv", CRS)
    text = "\n".join(str(p) for p in problems)
    for word in words:
        assert word in text, text


def test_metres_of_another_crs_are_brought_over():
    frame, problems, notices = placed(
        pd.DataFrame({"x": ["505000"], "y": ["2300000"]}), "x.csv", CRS, "EPSG:3405"
    )
    assert problems == []
    assert np.hypot(frame.geometry.x[0] - 505_000, frame.geometry.y[0] - 2_300_000) < 500
    assert "EPSG:3405" in str(notices[0])


def test_the_whole_country_lies_where_its_zone_may_be_used():
    corners = {
        "longitude": ["102.14", "109.46", "114.45", "111.62"],
        "latitude": ["22.4", "12.65", "9.71", "16.52"],
    }
    frame, problems, _ = placed(pd.DataFrame(corners), "communes.csv", "EPSG:32648")
    assert problems == []
    assert len(frame) == 4

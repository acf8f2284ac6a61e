"""The wind field: Holland's profile against what it promises, and gusts against those measured in Yagi."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.hazard.track import Track, read_track
from phusong.hazard.wind_field import (
    Versions,
    draw_versions,
    gradient_wind,
    gust_share,
    holland_b,
    inflow_deg,
    lattice_over,
    pressure_hpa,
    strongest_wind,
    terrain_share,
)
from phusong.io.resources import table
from small_region import small_region

few = settings(deadline=None, max_examples=30)
winds, radii, latitudes = st.floats(12.0, 90.0), st.floats(8.0, 120.0), st.floats(-45.0, 45.0)
AS_GIVEN = Versions(np.zeros(1), np.zeros(1), np.ones(1), np.ones(1))


def still_storm(wind_ms=50.0, *, latitude=20.0, east_ms=0.0):
    hour = np.array([0.0, 6.0])
    east = np.degrees(east_ms * hour * 3600.0 / 6371e3 / np.cos(np.radians(latitude)))
    return Track("made up", "test", np.datetime64("2024-09-07"), hour, np.full(2, latitude), 107.0 + east,
                 np.full(2, 950.0), np.full(2, 1010.0), np.full(2, wind_ms), np.full(2, 40.0))  # fmt: skip


@few
@given(winds, radii, latitudes, st.floats(5.0, 120.0))
def test_the_wind_at_the_radius_is_the_strongest_and_falls_off_on_both_sides(wind, radius, latitude, deficit):
    b = float(holland_b(wind, deficit, radius, latitude))
    assert 0.8 <= b <= 2.5
    how = {"max_gradient_ms": wind, "rmw_km": radius, "b": b, "latitude_deg": latitude}
    assert float(gradient_wind(np.array(radius), **how)) == pytest.approx(wind, rel=1e-12)
    # without the Earth's turning the top of the profile is at the radius exactly
    flat = {**how, "latitude_deg": 0.0}
    r = np.linspace(1.0, 500.0, 500)
    v = gradient_wind(r, **flat)
    assert v.max() <= wind * (1 + 1e-12)
    assert (np.diff(v[r <= radius]) >= -1e-9).all()
    assert (np.diff(v[r >= radius]) <= 1e-9).all()
    # with it the top lies a little inside: outside the wind falls all the same
    assert (np.diff(gradient_wind(r[r >= radius], **how)) <= 1e-9).all()


@few
@given(winds, radii, st.floats(5.0, 120.0))
def test_pressure_rises_from_the_centre_to_the_surroundings_and_balances_the_wind(wind, radius, deficit):
    b = float(holland_b(wind, deficit, radius, 0.0))
    central, outside = 1010.0 - deficit, 1010.0
    r = np.linspace(0.2 * radius, 8.0 * radius, 400)
    how = {"central_hpa": central, "environment_hpa": outside, "rmw_km": radius, "b": b}
    p = pressure_hpa(r, **how)
    assert (np.diff(p) >= 0.0).all()
    assert float(pressure_hpa(np.array([0.0]), **how)[0]) == central
    assert float(pressure_hpa(np.array([1e7]), **how)[0]) == pytest.approx(outside, abs=0.5)
    assert float(pressure_hpa(np.array([radius]), **how)[0]) == pytest.approx(central + deficit / np.e)
    if 0.8 < b < 2.5:
        # cyclostrophic balance: V² = r/ρ dp/dr
        step = 1e-3
        slope = (pressure_hpa(r + step, **how) - pressure_hpa(r - step, **how)) / (2 * step) * 0.1  # Pa/m
        v = gradient_wind(r, max_gradient_ms=wind, rmw_km=radius, b=b, latitude_deg=0.0)
        assert np.sqrt(r * 1000.0 / 1.15 * slope) == pytest.approx(v, rel=1e-4, abs=1e-3)


def test_cyclone_tracy_has_the_shape_that_holland_read_off():
    # Holland (1980), section 4: Tracy at Darwin, centre 950 hPa, outside 1004, R 8 km, B about 1.5: 47 m/s or so
    v = np.sqrt(1.5 * 5400.0 / (1.15 * np.e))
    assert float(holland_b(v, 54.0, 8.0, 0.0)) == pytest.approx(1.5)
    assert 45.0 <= v <= 55.0


def test_a_still_storm_is_round_and_as_strong_as_its_track():
    turn = np.radians(np.arange(0, 360, 30))
    lat = 20.0 + np.degrees(40.0 / 6371.0) * np.cos(turn)
    lon = 107.0 + np.degrees(40.0 / 6371.0) * np.sin(turn) / np.cos(np.radians(20.0))
    found = strongest_wind(still_storm(), lat, lon, AS_GIVEN)[:, 0]
    assert found == pytest.approx(np.full(12, 0.93 * 50.0), rel=2e-3)


def test_a_storm_that_moves_is_stronger_on_its_right_and_no_stronger_than_its_track():
    track = still_storm(east_ms=8.0)
    lat = np.array([20.0 - 0.36, 20.0 + 0.36])  # to the right and to the left of a way to the east
    right, left = strongest_wind(track, lat, np.full(2, 107.5), AS_GIVEN)[:, 0]
    assert right > left + 3.0
    everywhere = np.meshgrid(np.linspace(19, 21, 60), np.linspace(106, 109.5, 60))
    top = strongest_wind(track, *(v.ravel() for v in everywhere), AS_GIVEN).max()
    assert top <= 0.93 * 50.0 * 1.03
    assert top == pytest.approx(0.93 * 50.0, rel=0.05)


def test_south_of_the_equator_the_strong_side_is_the_left():
    track = still_storm(latitude=-20.0, east_ms=8.0)
    left, right = strongest_wind(track, np.array([-19.64, -20.36]), np.full(2, 107.5), AS_GIVEN)[:, 0]
    assert left > right + 3.0


@settings(deadline=None, max_examples=20)
@given(st.floats(1.0, 1.6), st.floats(19.0, 22.0), st.floats(105.0, 109.0))
def test_a_stronger_version_is_nowhere_weaker(factor, lat, lon):
    both = Versions(np.zeros(2), np.zeros(2), np.array([1.0, factor]), np.ones(2))
    weak, strong = strongest_wind(still_storm(), np.array([lat]), np.array([lon]), both)[0]
    assert strong >= weak


def test_the_first_versions_do_not_depend_on_how_many_there_are():
    few, many = draw_versions(3, 7), draw_versions(50, 7)
    assert (few.wind == many.wind[:3]).all()
    assert (few.east_km == many.east_km[:3]).all()


def test_rough_ground_slows_the_mean_and_stirs_the_gusts():
    z0 = np.array([0.003, 0.01, 0.05, 0.3, 1.0])
    assert (np.diff(terrain_share(z0)) < 0).all()
    assert (np.diff(gust_share(z0)) > 0).all()
    assert (np.diff(terrain_share(z0) * gust_share(z0)) < 0).all()
    assert inflow_deg(np.array([0.0, 1.0, 1.2, 3.0])).tolist() == pytest.approx([0.0, 10.0, 25.0, 25.0])


def test_a_lattice_gives_back_what_is_linear():
    grid = small_region().grid
    rng = np.random.default_rng(1)
    x, y = rng.uniform(500_000, 520_000, 50), rng.uniform(2_400_000, 2_420_000, 50)
    lattice = lattice_over(grid, x, y, rmw_km=30.0)
    east, north = (v.ravel() for v in np.meshgrid(lattice.east_m, lattice.north_m))
    assert lattice.at(x, y) @ (2.0 * east - north) == pytest.approx(2.0 * x - y)


def test_gusts_of_yagi_are_those_measured_to_within_two_fifths_and_a_seventh_on_average():
    measured = table("storm_gusts")
    place = (measured[c].to_numpy(float) for c in ("latitude_deg", "longitude_deg"))
    sea = strongest_wind(read_track("yagi_2024"), *place, AS_GIVEN)[:, 0]
    # most stations stand among fields and villages: between open country and the edge of a village
    model = sea * terrain_share(0.15) * gust_share(0.15)
    middle = (measured["gust_least_ms"] + measured["gust_most_ms"]).to_numpy(float) / 2.0
    ratio = model / middle
    assert (np.abs(ratio - 1.0) < 0.4).all()
    assert abs(ratio.mean() - 1.0) < 1.0 / 7.0

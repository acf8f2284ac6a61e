"""ITM against NTIA's own cases and against itmlogic, which somebody else wrote."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.errors import InputError
from phusong.radio.models.itm import area_mode, point_to_point
from reference_cases import REFERENCE, needs_reference

FOLDER = REFERENCE / "validation" / "radio"


def rows(path):
    with path.open(encoding="utf-8") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def profiles(path):
    with path.open(encoding="utf-8") as file:
        numbers = [np.array([float(x) for x in line.split(",") if x.strip()]) for line in file]
    return [(p[2 : int(p[0]) + 3], float(p[1])) for p in numbers if p.size]


@needs_reference
def test_ntias_point_to_point_cases():
    cases = rows(FOLDER / "itm_ntia" / "p2p.csv")
    assert len(cases) == 5
    for case, (h, step) in zip(cases, profiles(FOLDER / "itm_ntia" / "pfls.csv"), strict=True):
        loss = point_to_point(
            h,
            step,
            frequency_mhz=case["f__mhz"],
            tx_height_m=case["h_tx__meter"],
            rx_height_m=case["h_rx__meter"],
            horizontal=case["pol"] == 0,
            climate=int(case["climate"]),
            n0=case["N_0"],
            permittivity=case["epsilon"],
            conductivity_s_m=case["sigma"],
            time_percent=case["time"],
            location_percent=case["location"],
            situation_percent=case["situation"],
            variability=int(case["mdvar"]),
        )
        assert loss == pytest.approx(case["A__db"], abs=0.0051)


@needs_reference
def test_the_quantiles_of_huffords_example():
    ((h, step),) = profiles(FOLDER / "itm_qkpfl" / "qkpfl_profile.csv")
    cases = rows(FOLDER / "itm_qkpfl" / "qkpfl_expected.csv")
    assert len(cases) == 30
    for case in cases:
        loss = point_to_point(
            h,
            step,
            frequency_mhz=case["f_mhz"],
            tx_height_m=case["h_tx_m"],
            rx_height_m=case["h_rx_m"],
            horizontal=True,
            climate=5,
            n0=314.0,
            time_percent=case["reliability_pct"],
            situation_percent=case["confidence_pct"],
            variability=12,
        )
        assert loss == pytest.approx(case["loss_db"], abs=0.15)


SITING = ("random", "careful", "very careful")


@needs_reference
def test_ntias_area_cases():
    cases = rows(FOLDER / "itm_ntia" / "area.csv")
    assert len(cases) == 5
    for case in cases:
        loss = area_mode(
            case["d__km"],
            delta_h_m=case["delta_h__meter"],
            frequency_mhz=case["f__mhz"],
            tx_height_m=case["h_tx__meter"],
            rx_height_m=case["h_rx__meter"],
            siting=(SITING[int(case["tx_siting_criteria"])], SITING[int(case["rx_siting_criteria"])]),
            horizontal=case["pol"] == 0,
            climate=int(case["climate"]),
            n0=case["N_0"],
            permittivity=case["epsilon"],
            conductivity_s_m=case["sigma"],
            time_percent=case["time"],
            location_percent=case["location"],
            situation_percent=case["situation"],
            variability=int(case["mdvar"]),
        )
        assert loss == pytest.approx(case["A__db"], abs=0.05)


ANTENNAS = {"frequency_mhz": 900.0, "tx_height_m": 30.0, "rx_height_m": 1.5}


@settings(deadline=None, max_examples=60)
@given(
    st.floats(0.0, 800.0), st.floats(25.0, 15_000.0), st.floats(0.5, 500.0), st.sampled_from(SITING),
    st.integers(1, 7), st.sampled_from([0, 1, 2, 3, 12, 23, 33]),
)  # fmt: skip
def test_any_area_has_a_finite_loss_that_more_time_never_lessens(delta_h, mhz, mast, siting, climate, mode):
    common = {
        "delta_h_m": delta_h, "frequency_mhz": mhz, "tx_height_m": mast, "rx_height_m": 1.5,
        "siting": (siting, "random"), "climate": climate, "variability": mode,
    }  # fmt: skip
    for km in (0.01, 1.0, 30.0, 400.0):
        by_time = [area_mode(km, **common, time_percent=p) for p in (1, 50, 99)]
        assert np.isfinite(by_time).all()
        assert (np.diff(by_time) >= -1e-6).all()


def test_a_well_chosen_site_never_loses_more_and_a_median_area_grows_with_distance():
    by_siting = [area_mode(20.0, delta_h_m=90.0, **ANTENNAS, siting=("random", s)) for s in SITING]
    assert (np.diff(by_siting) <= 0).all()
    by_distance = [area_mode(km, delta_h_m=90.0, **ANTENNAS) for km in np.geomspace(1, 500, 60)]
    assert (np.diff(by_distance) > 0).all()


def test_on_flat_land_area_and_profile_are_one():
    """With the same roughness and the antennas' own heights; only the constant for known paths differs (0.5 dB)."""
    for km in (5.0, 20.0, 60.0):
        area = area_mode(km, delta_h_m=0.0, **ANTENNAS)
        path = point_to_point(np.zeros(101), km * 10.0, **ANTENNAS)
        assert area == pytest.approx(path, abs=0.5)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10_000), st.integers(2, 200), st.sampled_from([1.0, 40.0, 700.0]), st.floats(25.0, 6000.0)
)
def test_any_finite_profile_has_a_finite_loss(seed, n, relief_m, mhz):
    h = np.cumsum(np.random.default_rng(seed).normal(0, relief_m / np.sqrt(n), n))
    h -= min(h.min(), 0.0)
    assert np.isfinite(point_to_point(h, 100.0, frequency_mhz=mhz, tx_height_m=30, rx_height_m=1.5))


def test_bad_arguments_are_refused_together():
    with pytest.raises(InputError) as found:
        point_to_point([0.0], -1.0, frequency_mhz=5, tx_height_m=30, rx_height_m=1.5, climate=9)
    assert {p.column for p in found.value.problems} == {"height_m", "step_m", "frequency_mhz", "climate"}
    with pytest.raises(InputError) as found:
        area_mode(0.0, delta_h_m=-1.0, frequency_mhz=5, tx_height_m=30, rx_height_m=1.5)
    assert {p.column for p in found.value.problems} == {"distance_km", "delta_h_m", "frequency_mhz"}
    with pytest.raises(InputError, match="siting"):
        area_mode(1.0, delta_h_m=1.0, **ANTENNAS, siting=("random", "lucky"))
    with pytest.raises(InputError, match="both ends"):
        area_mode(1.0, delta_h_m=1.0, **ANTENNAS, siting=("random",))


def test_thousands_of_profiles_at_low_frequencies_with_low_antennas_have_a_loss():
    """A horizon a few metres away, vertically polarised: where NTIA's own code takes the logarithm of less than 0."""
    rng = np.random.default_rng(3)
    steep = 0
    for _ in range(12_000):
        n, relief_m = int(rng.integers(2, 120)), float(rng.choice([5.0, 150.0, 400.0, 1000.0]))
        h = (
            np.cumsum(rng.normal(0.0, relief_m / np.sqrt(n), n))
            if rng.random() < 0.5
            else rng.uniform(0, relief_m, n)
        )
        loss = point_to_point(
            h - h.min() + rng.uniform(0.0, 1000.0),
            float(rng.choice([1.0, 2.0, 10.0, 90.0])),
            frequency_mhz=float(rng.uniform(20.0, 100.0)),
            tx_height_m=float(rng.uniform(0.5, 60.0)),
            rx_height_m=float(rng.uniform(0.5, 3.0)),
            horizontal=bool(rng.integers(2)),
        )
        assert 0.0 < loss < 400.0
        steep += loss > 150.0
    assert steep > 100  # not free space where the reference's comparison with no number would leave it


def test_a_ground_beyond_the_references_error_codes_is_refused():
    with pytest.raises(InputError, match="150 to 400"):
        point_to_point(
            np.full(50, 8800.0), 100.0, frequency_mhz=900, tx_height_m=30, rx_height_m=1.5, n0=350.0
        )
    with pytest.raises(InputError, match="permittivity"):
        point_to_point(
            np.zeros(50), 100.0, frequency_mhz=20, tx_height_m=30, rx_height_m=1.5, permittivity=1.0,
            conductivity_s_m=5.0, horizontal=True,
        )  # fmt: skip

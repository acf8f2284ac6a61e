"""P.1812: the published cases, its own properties, and the area kernel held equal to it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from p1812_cases import FOLDER, cases

from phusong.errors import InputError
from phusong.radio.p1812 import basic_loss, height_share, location_sd_db, loss_breakdown
from phusong.radio.p1812.geometry import Ray
from phusong.radio.p1812.kernel import Air, Antennas, Zones, loss_along, workspace
from phusong.radio.p1812.mechanisms import inverse_normal
from phusong.radio.p1812.tables import by_distance
from phusong.radio.terrain_profile import APPROACH, NOTHING_M, Receivers
from reference_cases import needs_reference

AIR = {"delta_n": 52.1, "n0": 374.0, "latitude_deg": 21.0}


@needs_reference
def test_every_published_case_to_a_millionth_of_a_db():
    worst, tried = 0.0, 0
    for case in cases():
        loss = basic_loss(**case.arguments)
        worst = max(worst, abs(loss - case.loss_db))
        tried += 1
    assert tried >= 30, f"no cases in {FOLDER}"
    assert worst < 1e-6


def hills(seed: int, n: int, relief_m: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, relief_m / np.sqrt(n + 1), n)
    return 200.0 + np.concatenate([[0.0], np.cumsum(steps) if seed % 3 else rng.normal(0, relief_m, n)])


paths = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 100_000),
        "n": st.integers(1, 150),
        "step_km": st.sampled_from([0.03, 0.1, 0.25, 0.7]),
        "relief_m": st.sampled_from([0.3, 5.0, 60.0, 900.0]),
        "frequency_ghz": st.floats(0.03, 6.0),
        "tx_height_m": st.floats(1.0, 200.0),
        "rx_height_m": st.floats(1.0, 30.0),
    }
)


def profile(path: dict) -> tuple[np.ndarray, np.ndarray]:
    h = hills(path["seed"], path["n"], path["relief_m"])
    d = np.arange(path["n"] + 1) * path["step_km"]
    return np.append(d, d[-1] + 0.9 * path["step_km"]), np.append(h, h[-1] + 1.0)


def radio(path: dict) -> dict:
    return {k: path[k] for k in ("frequency_ghz", "tx_height_m", "rx_height_m")} | AIR


@settings(deadline=None, max_examples=200)
@given(
    paths,
    st.sampled_from([1.0, 3.7, 10.0, 30.0, 50.0]),
    st.floats(1.0, 99.0),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["inland", "coast", "sea"]),
    st.booleans(),
)
def test_the_area_kernel_equals_the_reference(path, time, where, covered, horizontal, ground, own_points):
    d, h = profile(path)
    n, step = path["n"], path["step_km"]
    after, own = n, 0
    if own_points:  # the last points before the receiver are its own, whole steps from it
        px = n + 0.9
        after, own = max(int(px - APPROACH - 0.5), 0), min(APPROACH, n)
        x = np.r_[np.arange(after + 1), px - np.arange(own, 0, -1), px] * step
        d, h = x, np.r_[h[: after + 1], h[n - own + 1 : n + 1] + 0.3, h[-1]]
    rng = np.random.default_rng(path["seed"])
    cover = np.r_[0, rng.choice([0, 8, 15], d.size - 2) * covered, 0]
    zone = np.full(d.size, 4)
    if ground != "inland":
        turns = np.sort(rng.integers(0, d.size + 1, 3))
        zone = np.array([(4, 3, 1, 3)[int((k >= turns).sum())] for k in range(d.size)])
    coast = 0.5 if ground == "sea" else 500.0
    tail_h, tail_g = np.full((2, APPROACH, 1), NOTHING_M)
    tail_zone = np.full((APPROACH, 1), 4)
    for t in range(own):
        tail_h[t], tail_g[t], tail_zone[t] = h[-2 - t], (h + cover)[-2 - t], zone[-2 - t]
    place = np.array([0])
    ray = Ray(
        h[:-1], (h + cover)[:-1], tail_h, tail_g, covered, after, step, h[0],
        Receivers(d[-1:] / step, place, place, np.array([after])), h[-1:], 1,
    )  # fmt: skip
    antennas = Antennas(path["tx_height_m"], path["rx_height_m"], coast, coast, horizontal)
    air = Air(time, -inverse_normal(where / 100) * 6.0, AIR["delta_n"], AIR["n0"], AIR["latitude_deg"])
    out = np.empty((1, 1))
    loss_along(
        ray, Zones(zone[:-1], zone[-1:], tail_zone), ground == "inland", antennas, np.array([path["frequency_ghz"]]),
        air, by_distance(d[-1] + 1, time, AIR["latitude_deg"]), workspace(n + 2), out,
    )  # fmt: skip
    reference = basic_loss(
        d, h, cover, **radio(path), polarization="h" if horizontal else "v", time_percent=time,
        location_percent=where, location_sd_db=6.0, zone=zone, tx_coast_km=coast, rx_coast_km=coast,
    )  # fmt: skip
    assert out[0, 0] == pytest.approx(reference, abs=1e-6)


@settings(deadline=None, max_examples=60)
@given(paths, st.floats(1.0, 50.0))
def test_any_finite_profile_has_a_finite_loss_and_its_reverse_the_same(path, time):
    d, h = profile(path)
    ahead = loss_breakdown(d, h, **radio(path), time_percent=time)
    turned = radio(path) | {"tx_height_m": path["rx_height_m"], "rx_height_m": path["tx_height_m"]}
    back = loss_breakdown(d[-1] - d[::-1], h[::-1], **turned, time_percent=time)
    assert np.isfinite(ahead.loss_db)
    assert ahead.diffraction_median_db == pytest.approx(back.diffraction_median_db, abs=1e-6)
    assert ahead.loss_db == pytest.approx(back.loss_db, abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(paths)
def test_more_places_never_lose_less_and_more_time_never_less(path):
    d, h = profile(path)
    by_place = [
        basic_loss(d, h, **radio(path), location_percent=p, location_sd_db=6.0) for p in (1, 30, 50, 80, 99)
    ]
    assert (np.diff(by_place) >= -1e-9).all()
    free = loss_breakdown(d, h, **radio(path)).free_space_db
    assert by_place[2] >= free - 1e-9


def test_higher_antennas_on_flat_land_never_lose_more():
    d, h = np.linspace(0, 20, 201), np.zeros(201)
    losses = [
        basic_loss(d, h, frequency_ghz=0.9, tx_height_m=t, rx_height_m=1.5, **AIR)
        for t in (5, 10, 30, 60, 150)
    ]
    assert (np.diff(losses) < 0).all()


@pytest.mark.parametrize(
    ("d", "h"),
    [([0.0, 5.0], [0.0, 0.0]), ([0, 0.5, 1.0], [0, 0, 0]), ([0, 1e-3], [10, 10])],
    ids=["two points", "flat sea", "one metre away"],
)
def test_degenerate_profiles_have_an_answer(d, h):
    zone = 1 if len(d) == 3 else 4
    loss = basic_loss(d, h, frequency_ghz=0.9, tx_height_m=30, rx_height_m=1.5, zone=zone, **AIR)
    assert 20 < loss < 160


def test_bad_arguments_are_refused_together():
    with pytest.raises(InputError) as found:
        basic_loss(
            [0, 1, 2], [0, 0, 0], frequency_ghz=9.0, tx_height_m=30, rx_height_m=1.5, time_percent=80, zone=2,
            **AIR,
        )  # fmt: skip
    assert {p.column for p in found.value.problems} == {"frequency_ghz", "time_percent", "zone"}
    with pytest.raises(InputError, match="rise"):
        basic_loss([0, 2, 1], [0, 0, 0], frequency_ghz=0.9, tx_height_m=30, rx_height_m=1.5, **AIR)
    with pytest.raises(InputError, match="polarization"):
        basic_loss([0, 1], [0, 0], frequency_ghz=1, tx_height_m=30, rx_height_m=2, polarization="x", **AIR)


def test_location_spread_shrinks_above_the_clutter():
    assert location_sd_db(0.9, 250.0) == pytest.approx((0.52 + 0.024 * 0.9) * 250.0**0.28)
    assert height_share(1.5, 15.0) == 1.0
    assert height_share(20.0, 15.0) == 0.5
    assert height_share(30.0, 15.0) == 0.0

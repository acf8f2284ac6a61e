"""The area kernel against a plain Bullington, written from the recommendation, and against free space."""

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.cbook import get_sample_data

from phusong.errors import InputError
from phusong.radio import area_loss
from phusong.radio.models import MODELS, Conditions, Mast, Profile, Terrain
from phusong.radio.terrain_profile import (
    APPROACH,
    EFFECTIVE_EARTH_KM,
    NOTHING_M,
    Fan,
    Receivers,
    fan_slopes,
    foot,
    nu_along,
    receivers,
    trace,
    workspace,
)


def knife_db(nu: float) -> float:
    return 6.9 + 20 * np.log10(np.sqrt((nu - 0.1) ** 2 + 1) + nu - 0.1) if nu > -0.78 else 0.0


def bullington_db(d: np.ndarray, g: np.ndarray, h_ts: float, rx_m: float, f_ghz: float) -> float:
    """P.526-15, 4.5.1, point by point: every intermediate point looked at, no hull."""
    n = d.size - 1
    if n < 2:
        return 0.0
    c, lam, dist, h_rs = 500.0 / EFFECTIVE_EARTH_KM, 0.299792458 / f_ghz, d[n], g[n] + rx_m
    di, gi = d[1:n], g[1:n]
    stim = ((gi + c * di * (dist - di) - h_ts) / di).max()
    str_ = (h_rs - h_ts) / dist
    if stim < str_:
        clear = gi + c * di * (dist - di) - (h_ts * (dist - di) + h_rs * di) / dist
        nu = (clear * np.sqrt(0.002 * dist / (lam * di * (dist - di)))).max()
    else:
        srim = ((gi + c * di * (dist - di) - h_rs) / (dist - di)).max()
        db = (h_rs - h_ts + srim * dist) / (stim + srim)
        nu = (h_ts + stim * db - (h_ts * (dist - db) + h_rs * db) / dist) * np.sqrt(
            0.002 * dist / (lam * db * (dist - db))
        )
    luc = knife_db(nu)
    return luc + (1 - np.exp(-luc / 6)) * (10 + 0.02 * dist)


@settings(deadline=None, max_examples=80)
@given(
    st.integers(0, 10_000),
    st.integers(3, 60),
    st.sampled_from([0.5, 5.0, 60.0, 500.0]),
    st.sampled_from([0.4, 0.9, 3.5]),
    st.booleans(),
)
def test_hull_tangents_equal_the_plain_construction(seed, n, relief_m, f_ghz, own_points):
    rng = np.random.default_rng(seed)
    d = np.arange(n + 1) * 0.25
    g = np.abs(np.cumsum(rng.normal(0, relief_m / 8, n + 1)))
    at = np.arange(1, n + 1)
    # receivers on the ray, seen over the ray's points alone, or over points of their own for the last steps
    tail, after = np.full((APPROACH, n), NOTHING_M), at - 1
    if own_points:
        after = np.maximum(at - 1 - APPROACH, 0)
        for t in range(APPROACH):
            tail[t, t + 1 :] = rng.uniform(g.min(), g.max() + 1.0, n)[t + 1 :]
    out, rx = np.zeros(n), Receivers(at * 1.0, at, at, after)
    nu_along(g, n, 0.25, g[0] + 30.0, rx, g[1:] + 1.5, tail, n, EFFECTIVE_EARTH_KM, workspace(n + 2), out)
    for i in range(1, n + 1):
        seen = g[: i + 1].copy()
        if own_points:
            near = np.arange(min(APPROACH, i - 1))
            seen[i - 1 - near] = tail[near, i - 1]
        luc = knife_db(out[i - 1] / np.sqrt(0.299792458 / f_ghz))
        loss = luc + (1 - np.exp(-luc / 6)) * (10 + 0.02 * d[i])
        assert loss == pytest.approx(bullington_db(d[: i + 1], seen, g[0] + 30.0, 1.5, f_ghz), abs=1e-7)


@pytest.mark.parametrize("rays_per_pixel", [1.03, 1.15])
@pytest.mark.parametrize(("row", "col"), [(30.0, 30.0), (30.3, 29.6), (29.51, 30.49), (3.2, 55.8)])
def test_every_pixel_in_reach_belongs_to_one_ray(row, col, rays_per_pixel):
    ground, radius = np.zeros((61, 61), np.float32), 24
    fan = Fan(row, col, radius, 24.0, fan_slopes(radius, rays_per_pixel))
    asked = np.zeros(ground.shape, int)
    h, rx = np.empty(radius + 2), receivers(radius + 2)
    for side in range(4):
        for ray in range(fan.slopes.size):
            _, m = trace(side, ray, fan, ground, h, rx)
            assert (np.diff(rx.px[:m]) > 0).all()
            np.add.at(asked, (rx.row[:m], rx.col[:m]), 1)
    rows, cols = np.mgrid[0:61, 0:61]
    away = np.hypot(rows - row, cols - col)
    inside = (away <= 24.0) & (np.abs(rows - round(row)) <= 24) & (np.abs(cols - round(col)) <= 24)
    inside[round(row), round(col)] = False
    assert (asked == inside).all()


@pytest.mark.parametrize(("model", "count"), [("bullington", 2000), ("p1812", 400)])
def test_a_window_is_as_near_to_a_profile_for_every_receiver_as_promised(model, count):
    with get_sample_data("jacksboro_fault_dem.npz") as file:
        ground = np.asarray(file["elevation"], np.float32)
    mast, cell_m, air = Mast(172.3, 201.8, 30.0, 1.5, 14_000.0), 90.0, Conditions()
    terrain = Terrain(ground, ground, np.full((1, 1), 4, np.int8), cell_m)
    window = MODELS[model].window(terrain, mast, np.array([0.9]), air)[0]
    rows, cols = np.nonzero(np.isfinite(window))
    chosen = np.random.default_rng(1).choice(rows.size, count, replace=False)
    swept, exact = window[rows[chosen], cols[chosen]], []
    radius = window.shape[0] // 2
    for row, col in zip(rows[chosen] + 172 - radius, cols[chosen] + 202 - radius, strict=True):
        away = np.hypot(row - mast.row_f, col - mast.col_f)
        share = np.linspace(0.0, 1.0, max(int(np.ceil(away)), 2) + 1)
        at = zip(
            mast.row_f + share * (row - mast.row_f), mast.col_f + share * (col - mast.col_f), strict=True
        )
        heights = np.array([foot(ground, r, c) for r, c in at])
        profile = Profile(share * away * cell_m / 1000, heights, heights * 0.0, np.full(share.size, 4))
        exact.append(MODELS[model].path(profile, 0.9, 30.0, 1.5, air))
    off = swept - np.array(exact)
    assert np.sqrt(np.mean(off**2)) < 1.1
    assert np.median(np.abs(off)) < 0.1
    assert abs(off.mean()) < 0.05
    assert np.mean((swept < 140) == (np.array(exact) < 140)) >= 0.99


def flat(size: int = 61, cell_m: float = 250.0) -> tuple[np.ndarray, Affine, tuple[float, float]]:
    transform = Affine(cell_m, 0, 500_000, 0, -cell_m, 2_400_000)
    middle = (500_000 + (size // 2 + 0.5) * cell_m, 2_400_000 - (size // 2 + 0.5) * cell_m)
    return np.zeros((size, size), np.float32), transform, middle


def test_free_space_is_the_textbook_formula():
    ground, transform, middle = flat()
    loss = area_loss(
        ground, transform, middle, model="free_space", radius_m=6000, frequency_ghz=0.9, tx_height_m=1.5
    )
    assert loss[30, 30 + 8] == pytest.approx(92.45 + 20 * np.log10(0.9) + 20 * np.log10(2.0), abs=0.06)
    assert np.isnan(loss[0, 0])


@pytest.mark.filterwarnings("ignore::phusong.radio.area.RangeWarning")
@pytest.mark.parametrize("model", list(MODELS))
def test_every_model_never_beats_free_space_and_grows_with_distance_on_flat_ground(model):
    ground, transform, middle = flat()
    kwargs = {"radius_m": 7000, "frequency_ghz": 0.9, "tx_height_m": 40.0}
    loss = area_loss(ground, transform, middle, model=model, **kwargs)
    free = area_loss(ground, transform, middle, model="free_space", **kwargs)
    # ITM knows the distance along the ground, not the slant path, and medians a little above free space
    near, slack_db = (3, 0.5) if model == "itm" else (0, 1e-4)
    far = np.hypot(*np.mgrid[-30:31, -30:31]) >= near
    assert (loss[np.isfinite(loss) & far] >= free[np.isfinite(loss) & far] - slack_db).all()
    east = loss[30, 31:55]
    assert (np.diff(east[np.isfinite(east)]) >= -1e-6).all()


def test_a_ridge_casts_a_shadow_and_only_behind_it():
    ground, transform, middle = flat()
    open_loss = area_loss(ground, transform, middle, radius_m=7000)
    ridge = ground.copy()
    ridge[:, 40] = 150.0
    loss = area_loss(ridge, transform, middle, radius_m=7000)
    assert (loss[30, 42:50] > open_loss[30, 42:50] + 10).all()
    assert loss[30, 10:29] == pytest.approx(open_loss[30, 10:29])


def test_wrong_arguments_are_refused_together():
    ground, transform, middle = flat(11)
    with pytest.raises(InputError, match="bullington"):
        area_loss(ground, transform, middle, model="bulington", radius_m=100)
    with pytest.raises(InputError) as found:
        area_loss(ground, transform, middle, radius_m=-1, frequency_ghz=0)
    assert len(found.value.problems) == 2

"""What breaks and when it works again: curves, draws, crews and generators."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from phusong.errors import InputError
from phusong.hazard.damage import ExposedAssets, curves, expose, failures, fragility
from phusong.hazard.impact import generator_h, mended_h, repair_order
from phusong.hazard.wind_field import common_random_numbers
from phusong.io.resources import table
from phusong.service.network import Network
from service_network import network_of
from small_region import small_region


def places_of(net: Network) -> ExposedAssets:
    r = small_region()
    return ExposedAssets(
        r.grid, r.clutter, r.sites.geometry.x.to_numpy(float), r.sites.geometry.y.to_numpy(float),
        r.sites["structure"].to_numpy(str), r.power_nodes.geometry.x.to_numpy(float),
        r.power_nodes.geometry.y.to_numpy(float), r.power_nodes["kind"].to_numpy(str),
    )  # fmt: skip


LINE_KM = np.array([0.0, 10.0, 12.0, 15.0, 20.0])


def exposed(net=None, line_km=LINE_KM):
    net = net or network_of()
    return expose(net, places_of(net), line_km, rmw_km=30.0, seed=1)


def wind(exposure, ms, n=64):
    return np.full((exposure.lattice.latitude_deg.size, n), ms)


@pytest.mark.parametrize("asset", list(curves()))
def test_one_in_two_breaks_at_the_median_and_more_in_stronger_gusts(asset):
    curve = fragility(asset)
    one = replace(curve, count=1.0)
    assert float(one.probability(np.array(curve.median_gust_ms))) == pytest.approx(0.5)
    gust = np.linspace(0.0, 120.0, 100)
    p = curve.probability(gust, 3.0)
    assert p[0] == 0.0
    assert (np.diff(p) >= 0.0).all()
    assert (p >= curve.probability(gust, 1.0)).all()
    assert float(one.probability(np.array(40.0))) == pytest.approx(
        ndtr(np.log(40.0 / curve.median_gust_ms) / curve.dispersion)
    )


def test_every_curve_has_a_source_and_says_how_sure_it_is():
    rows = table("fragility")
    assert (rows["source"].str.len() > 10).all()
    assert set(rows["sureness"]) <= {"H", "M", "L"}
    with pytest.raises(InputError, match="did you mean tower"):
        fragility("towr")


def test_a_line_breaks_as_often_as_its_kilometres_by_themselves():
    # one line of 10 km without the other parts, in 6,400 samples: 1 - (1 - p)^km for conductors and poles
    exposure = exposed()
    thing = 5 + 1  # the line above node 1
    samples = np.arange(6400)
    gust_share = np.asarray((exposure.gust @ wind(exposure, 1.0, 1))[:, 0])
    broken, _ = failures(exposure, wind(exposure, 28.0, samples.size), samples)
    parts = np.flatnonzero(exposure.part_thing == thing)
    stands = 0.0
    for part, name in zip(parts, ("mv_line", "mv_pole"), strict=True):
        row = exposure.units[[part]].tocoo()
        curve = fragility(name)
        stands += float((row.data * curve.count * curve.log_survival(28.0 * gust_share[row.coords[1]])).sum())
    assert exposure.units[[parts[0]]].sum() == pytest.approx(10.0)
    assert broken[thing].mean() == pytest.approx(1.0 - np.exp(stands), abs=0.02)


@settings(deadline=None, max_examples=15)
@given(st.floats(10.0, 60.0), st.floats(1.0, 1.5))
def test_stronger_wind_breaks_what_weaker_breaks_and_more(ms, factor):
    exposure = exposed()
    weak, _ = failures(exposure, wind(exposure, ms), np.arange(64))
    strong, _ = failures(exposure, wind(exposure, ms * factor), np.arange(64))
    assert (strong | ~weak).all()


def test_calm_breaks_nothing_and_another_link_changes_no_other_luck():
    net = network_of()
    assert not failures(exposed(net), wind(exposed(net), 0.0), np.arange(64))[0].any()
    more = network_of(links=[("s01", "s02", 0.999)])
    plain, extra = exposed(net), exposed(more)
    a, _ = failures(plain, wind(plain, 40.0), np.arange(64))
    b, _ = failures(extra, wind(extra, 40.0), np.arange(64))
    assert (a == b[: a.shape[0]]).all()
    assert b.shape[0] == a.shape[0] + 1


def test_luck_is_even_and_the_samples_have_their_own():
    keys = np.arange(1, 2001, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    drawn = common_random_numbers(keys, np.arange(64))
    assert drawn.mean() == pytest.approx(0.5, abs=0.01)
    assert np.corrcoef(drawn[:, 0], drawn[:, 1])[0, 1] == pytest.approx(0.0, abs=0.08)


@given(st.lists(st.floats(0.5, 30.0), min_size=1, max_size=20), st.integers(1, 25), st.floats(0.0, 12.0))
def test_crews_do_all_the_work_and_more_crews_finish_no_later(work, crews, start):
    n = len(work)
    broken, hours = np.ones((n, 1), bool), np.array(work)[:, None]
    how = {"order": np.arange(n), "pool": np.zeros(n, np.int64), "start_h": start}
    done = mended_h(broken, hours, crews=np.array([crews]), **how)[:, 0]
    assert (done >= start + np.array(work) - 1e-9).all()
    last = done.max() - start
    assert last >= sum(work) / crews - 1e-9
    assert last <= sum(work) / crews + max(work) + 1e-9
    if crews == 1:
        assert last == pytest.approx(sum(work))
    if crews >= n:
        assert done == pytest.approx(start + np.array(work))
    assert (mended_h(broken, hours, crews=np.array([crews + 1]), **how)[:, 0] <= done + 1e-9).all()


def test_crews_go_first_where_most_hangs_on_a_fault_and_stay_in_their_province():
    load = np.array([1.0, 9.0, 5.0])
    assert repair_order(load).tolist() == [1, 2, 0]
    broken = np.ones((4, 1), bool)
    work = np.full((4, 1), 2.0)
    done = mended_h(broken, work, np.arange(4), np.array([0, 0, 0, 1]), np.array([1, 1]), start_h=1.0)
    assert done[:, 0].tolist() == [3.0, 5.0, 7.0, 3.0]


def test_half_the_dark_sites_get_a_generator_at_the_median_hour_half_of_them():
    ids = np.array([f"s{k}" for k in range(500)])
    hours = generator_h(ids, np.arange(64), 3)
    assert np.isfinite(hours).mean() == pytest.approx(0.5, abs=0.01)
    assert np.median(hours[np.isfinite(hours)]) == pytest.approx(24.0, rel=0.03)

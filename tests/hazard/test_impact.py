"""Who is without service after a storm: sums, order, batteries, plans, threads."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_damage import LINE_KM, places_of

from phusong.compute.executor import Threads
from phusong.hazard.damage import expose
from phusong.hazard.impact import Crews, repair_order, served_by, storm_impact
from phusong.service.allocation import Reception
from service_network import network_of

HOURS = (0.0, 4.0, 8.0, 24.0, 72.0, 2000.0)
CREWS = Crews(repair_order(np.ones(10)), np.zeros(10, np.int64), np.array([2]))


def heard(net, seed=1, cells=40):
    rng = np.random.default_rng(seed)
    cell, station = np.nonzero(rng.random((cells, net.n_stations)) < 0.2)
    return Reception(
        cell.astype(np.int32), station.astype(np.int32), np.full(cell.size, -80.0, np.float32),
        np.full(cell.size, 100, np.int16), cells,
    )  # fmt: skip


def world(net, seed=1, *, tier=None):
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 50, (40, 2))
    rights = (
        np.where(net.station_operator[:, None] == np.arange(2), 0, 3).astype(np.int8)
        if tier is None
        else tier
    )
    return served_by(net, heard(net, seed), rights, weights, rng.integers(0, 4, 40), 4), weights


def hit_by(net, ms, *, seed=1, n=64, executor=None, tier=None, hours=HOURS):
    served, _ = world(net, seed, tier=tier)
    exposure = expose(net, places_of(net), LINE_KM, rmw_km=30.0, seed=1)
    wind = np.full((exposure.lattice.latitude_deg.size, -(-n // 64) * 64), ms)
    return storm_impact(
        net, served, exposure, wind, CREWS, hours=hours, n_samples=n, seed=1, executor=executor
    )


storms = st.floats(25.0, 70.0)
seeds = st.integers(0, 50)
few = settings(deadline=None, max_examples=8)


@few
@given(seeds, storms)
def test_causes_sum_to_those_cut_off_and_nobody_is_counted_twice(seed, ms):
    net = network_of(seed=seed)
    impact = hit_by(net, ms, seed=seed)
    _, weights = world(net, seed)
    cut_off = impact.people - impact.before[None, :, None]
    assert (impact.by_cause.sum(axis=1) == cut_off).all()
    assert (cut_off >= 0).all()
    assert (impact.people.sum(axis=1) <= weights.sum()).all()
    assert (impact.off[:, 0].sum(axis=1) <= net.n_sites).all()
    assert (impact.hit[0].sum(axis=0) >= impact.off[:, 0].sum(axis=1).max(axis=0)).all()
    assert (impact.hit[1:].sum(axis=0).sum(axis=0) >= 0).all()


@few
@given(seeds, storms, st.floats(1.0, 1.4))
def test_a_stronger_storm_never_cuts_off_fewer_before_repairs_begin(seed, ms, factor):
    net = network_of(seed=seed)
    weak, strong = (hit_by(net, v, seed=seed, hours=(0.0, 2.0)) for v in (ms, ms * factor))
    assert (strong.people >= weak.people).all()


@few
@given(seeds, storms, st.floats(0.0, 60.0))
def test_longer_batteries_never_cut_off_more_in_any_sample(seed, ms, hours):
    net = network_of(seed=seed)
    longer = net.with_autonomy(np.arange(net.n_sites), hours)
    assert (hit_by(longer, ms, seed=seed).people <= hit_by(net, ms, seed=seed).people).all()


@few
@given(seeds, storms)
def test_a_further_link_or_right_never_cuts_off_more(seed, ms):
    today = hit_by(network_of(seed=seed), ms, seed=seed)
    ring = hit_by(network_of(seed=seed, links=[("s01", "s02", 1.0), ("s03", "s04", 1.0)]), ms, seed=seed)
    assert (ring.people <= today.people).all()
    net = network_of(seed=seed)
    everybody = hit_by(net, ms, seed=seed, tier=np.zeros((net.n_stations, 2), np.int8))
    assert (everybody.people <= today.people).all()


def test_in_a_calm_and_after_all_repairs_only_those_are_without_who_always_are():
    net = network_of()
    calm = hit_by(net, 1.0)
    assert (calm.people == calm.before[None, :, None]).all()
    assert calm.hit.sum() == 0
    hard = hit_by(net, 60.0)
    assert hard.people[0].sum() > calm.people[0].sum()
    assert (hard.people[-1] == hard.before[:, None]).all()


def test_one_site_lives_on_its_battery_and_then_off_it():
    # no mast, no link and no repair within reach: only the feeder fails, at a gust that fells lines alone
    net = network_of()
    net = replace(net, autonomy_h=np.full(net.n_sites, 6.0))
    impact = hit_by(net, 45.0, hours=(0.0, 5.9, 6.0))
    power = impact.off[:, 0, 1].mean(axis=-1)
    assert power[0] == power[1] == 0.0
    assert power[2] > 1.0


def test_the_result_depends_neither_on_threads_nor_on_how_many_samples_follow():
    net = network_of()
    one, two = hit_by(net, 45.0, n=130), hit_by(net, 45.0, n=130, executor=Threads(2))
    assert (one.people == two.people).all()
    assert (one.off == two.off).all()
    assert (hit_by(net, 45.0, n=70).people == one.people[..., :70]).all()


def test_a_fallen_mast_is_a_tower_lost_and_its_people_with_it():
    net = network_of()
    impact = hit_by(net, 200.0, hours=(0.0,))
    assert impact.off[0, 0, 0].mean() == pytest.approx(net.n_sites - 1, abs=0.5)  # all but the exchange
    assert impact.off[0, 0, 1:].sum() <= 64

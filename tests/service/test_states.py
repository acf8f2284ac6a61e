"""Sampled states against closed formulas and exact availability; the same bits for any threads; never worse for more."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.compute.executor import Threads
from phusong.errors import InputError
from phusong.service.availability import site_stability
from phusong.service.outage_states import (
    draw_into,
    elements_of_pairs,
    events,
    hours_off,
    ones,
    pack_bits,
    sample_states,
    stream_keys,
)
from phusong.service.power_supply import POWER_SOURCES, SOURCE_CODE
from service_network import network_of

FINE = 1 << 16
NAMES = ["ss", "t0", "t1", "t2", "t3"]


def lone_site(*, rate, hours, autonomy_h, node=1):
    """One exchange on t0 or below, fed by ss; only the grid fails."""
    net = network_of(sites=1)
    n = net.n_sites
    quiet = np.zeros(net.fault_rate.size)
    mean = np.ones(net.fault_h.size)
    for element, (r, h) in enumerate(zip(rate, hours, strict=True)):
        quiet[element], mean[element] = r, h
    return replace(
        net, fault_rate=quiet, fault_h=mean, autonomy_h=np.full(n, autonomy_h), node=np.full(n, node),
        source=np.full(n, SOURCE_CODE["grid"]),
    )  # fmt: skip


def grid_hours(net, n_states=FINE):
    """Hours lost to the grid alone: the rectifier's own faults are known in closed form."""
    lost = 8760.0 * (1.0 - sample_states(net, n_states=n_states).power_availability)
    own = (
        POWER_SOURCES[0].spells_year
        * POWER_SOURCES[0].spell_h
        * np.exp(-net.autonomy_h / POWER_SOURCES[0].spell_h)
    )
    return lost - own


@pytest.mark.parametrize("autonomy_h", [0.0, 2.0, 9.0])
def test_one_feeder_one_battery_one_site_lose_saifi_caidi_exp(autonomy_h):
    net = lone_site(rate=[0, 12.0], hours=[1, 5.0], autonomy_h=autonomy_h)
    assert grid_hours(net)[0] == pytest.approx(12.0 * 5.0 * np.exp(-autonomy_h / 5.0), abs=0.5)


def test_elements_in_series_are_up_by_the_product():
    # unavailabilities large enough that the sum would be well off
    net = lone_site(rate=[200.0, 300.0, 0, 0, 0, 0, 100.0], hours=[4.0, 3.0, 1, 1, 1, 1, 8.0], autonomy_h=0.0)
    up = (1 - 800 / 8760) * (1 - 900 / 8760) * (1 - 800 / 8760)
    own = 1 - POWER_SOURCES[0].spells_year * POWER_SOURCES[0].spell_h / 8760
    assert sample_states(net, n_states=FINE).power_availability[0] == pytest.approx(up * own, abs=0.004)


def test_two_sites_in_parallel_are_off_by_the_product():
    net = network_of(sites=3)
    n = net.n_sites
    net = replace(
        net, is_exchange=np.ones(n, bool), node=np.arange(n) + 1, autonomy_h=np.zeros(n), fault_rate=np.zeros(10),
        source=np.full(n, SOURCE_CODE["grid"]),
    )  # fmt: skip
    net.fault_rate[[1, 2]] = 500.0
    net.fault_h[[1, 2]] = 3.0
    indptr, site = elements_of_pairs(np.zeros(2, np.int64), np.array([0, 1]), 1)
    off = hours_off(sample_states(net, n_states=FINE), indptr, site)[0]
    one = 1500.0 / 8760.0
    assert off == pytest.approx(8760.0 * one * one, rel=0.1)


def test_two_sites_on_one_feeder_are_off_together():
    net = lone_site(rate=[0, 500.0], hours=[1, 3.0], autonomy_h=0.0)
    states = sample_states(net, n_states=4096)
    indptr, site = elements_of_pairs(np.zeros(2, np.int64), np.array([0, 1]), 1)
    alone = 8760.0 * (1.0 - states.availability[0])
    assert hours_off(states, indptr, site)[0] == pytest.approx(alone, rel=0.02)


def test_hours_agree_with_the_closed_form_on_a_whole_network():
    net = network_of(seed=3)
    lost = 8760.0 * (1.0 - sample_states(net, n_states=FINE).availability)
    closed = site_stability(net).hours_lost
    assert lost == pytest.approx(closed, abs=2.0)
    assert lost.mean() == pytest.approx(closed.mean(), rel=0.03)


@pytest.mark.parametrize("kind", ["solar", "hybrid", "diesel", "none"])
def test_supplies_off_the_grid_agree_with_the_closed_form(kind):
    net = network_of(power_source=kind, power_node_id="", autonomy_h=20.0)
    lost = 8760.0 * (1.0 - sample_states(net, n_states=FINE).power_availability)
    closed = site_stability(net).own_power_h
    assert lost[1] == pytest.approx(closed[1], rel=0.1, abs=1.0)


def test_solar_sites_of_one_sky_are_dark_in_the_same_hours():
    net = network_of(power_source="solar", power_node_id="", autonomy_h=6.0)
    quiet = sample_states(net, n_states=4096).powered
    both = sum(ones(w) for w in quiet[:, 1] & quiet[:, 2])
    assert both == pytest.approx(sum(ones(w) for w in quiet[:, 1]), rel=0.01)


def test_a_switch_shortens_outages_as_in_closed_form():
    net = network_of(ties=[("t0", "t1", 1.5), ("t2", "t3", 2.5)], autonomy_h=0.25)
    lost = 8760.0 * (1.0 - sample_states(net, n_states=FINE).power_availability)
    # the closed form counts overlapping faults twice and knows nothing of faults of the open lines
    assert lost == pytest.approx(site_stability(net).own_power_h, abs=0.7)


def test_the_same_seed_gives_the_same_bits_for_any_number_of_threads():
    net = network_of(seed=2, ties=[("t2", "t3", 0.5)])
    one, four = (sample_states(net, n_states=2048, seed=5, executor=Threads(w)) for w in (1, 4))
    assert np.array_equal(one.live, four.live)
    assert np.array_equal(one.powered, four.powered)
    assert not np.array_equal(one.live, sample_states(net, n_states=2048, seed=6).live)
    indptr, site = elements_of_pairs(np.arange(30) // 3, np.arange(30) % 12, 10)
    assert np.array_equal(hours_off(one, indptr, site), hours_off(four, indptr, site, executor=Threads(4)))


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 20), st.floats(0.0, 60.0), st.sampled_from(["grid_battery", "solar", "diesel", "hybrid"])
)
def test_longer_autonomy_is_on_in_every_state_in_which_shorter_is(seed, more, kind):
    off_grid = {} if kind == "grid_battery" else {"power_node_id": ""}
    net = network_of(seed=seed, power_source=kind, **off_grid)
    short = sample_states(net, n_states=256, seed=seed)
    long = sample_states(replace(net, autonomy_h=net.autonomy_h + more), n_states=256, seed=seed)
    assert not (short.live & ~long.live).any()


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.floats(0.0, 9.0)), max_size=3),
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.floats(0.9, 1.0)), max_size=4),
    st.integers(0, 9),
)
def test_an_added_line_or_link_is_never_off_in_a_further_state(ties, links, seed):
    names = ["x0", *(f"s{k:02d}" for k in range(1, 12))]
    ties = [(NAMES[a], NAMES[b], h) for a, b, h in ties if a != b]
    links = [(names[a], names[b], up) for a, b, up in links if a != b]
    before = sample_states(network_of(seed=seed), n_states=256).live
    after = sample_states(network_of(seed=seed, ties=ties, links=links), n_states=256).live
    assert not (before & ~after).any()


def test_an_element_no_site_covers_is_off_all_year():
    indptr, site = elements_of_pairs(np.array([1]), np.array([0]), 3)
    off = hours_off(sample_states(network_of(), n_states=64), indptr, site)
    assert off[[0, 2]].tolist() == [8760.0, 8760.0]


def test_pairs_are_kept_once_and_in_rows():
    indptr, site = elements_of_pairs(np.array([1, 0, 1, 1]), np.array([2, 5, 2, 0]), 3)
    assert indptr.tolist() == [0, 1, 3, 3]
    assert site.tolist() == [5, 0, 2]


@pytest.mark.parametrize("bad", [0, 63, 96, 1000, 1 << 21])
def test_a_number_of_states_that_fits_no_words_is_refused(bad):
    with pytest.raises(InputError, match="power of two"):
        sample_states(network_of(), n_states=bad)


def test_bits_are_packed_lowest_first_and_counted():
    states = np.zeros(128, bool)
    states[[0, 63, 65]] = True
    words = pack_bits(states)
    assert words.tolist() == [1 | 1 << 63, 2]
    assert [ones(w) for w in words] == [2, 1]


@given(st.floats(0.0, 1.0), st.integers(0, 1000))
def test_a_draw_holds_the_share_to_within_one_state(share, number):
    row = np.zeros(16, np.uint64)
    draw_into(row, stream_keys(np.array([f"e{number}"]), "x", 1)[0], share)
    assert abs(sum(ones(w) for w in row) - 1024 * share) <= 1.0


def test_ages_of_faults_follow_the_exponential_law():
    keys = stream_keys(np.array([f"e{k}" for k in range(400)]), "x", 0)
    indptr, thing, age = events(keys, np.full(400, 0.05), np.full(400, 5.0), 1024)
    assert indptr[-1] == thing.size == pytest.approx(400 * 51.2, rel=0.01)
    assert age.mean() == pytest.approx(5.0, rel=0.03)
    assert (age > 7.0).mean() == pytest.approx(np.exp(-1.4), rel=0.03)

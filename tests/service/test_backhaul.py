"""Backhaul as a graph: rings survive any one cut, cuts isolate who hangs on them, the narrowest link counts."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.service.availability import site_stability
from phusong.service.backhaul import Links, backhaul_cuts, widest_mbps
from phusong.service.outage_states import sample_states
from phusong.service.power_supply import SOURCE_CODE
from service_network import network_of


def links(pairs, mbps=None):
    n = len(pairs)
    return Links(
        np.array([f"k{i}" for i in range(n)]), np.full(n, "fibre"),
        np.array([a for a, _ in pairs]), np.array([b for _, b in pairs]),
        np.full(n, 0.001), np.array(mbps or [1000.0] * n, float),
    )  # fmt: skip


def ring(n, down=0.01):
    """x0 ─ s01 ─ … ─ x0; nothing fails but links, each equally often."""
    pairs = [(k, (k + 1) % n) for k in range(n)]
    net = network_of(sites=n)
    m = net.n_sites
    wires = replace(links(pairs), unavailability=np.full(n, down))
    return replace(
        net, links=wires, source=np.full(m, SOURCE_CODE["grid_battery"]), autonomy_h=np.full(m, 1e5),
        fault_rate=np.zeros(10), parent=np.r_[-1, np.arange(m - 1)],
    )  # fmt: skip


@pytest.mark.parametrize("cut", range(5))
def test_a_ring_survives_any_one_cut(cut):
    net = ring(5)
    down = np.zeros(5)
    down[cut] = 1.0
    live = sample_states(replace(net, links=replace(net.links, unavailability=down)), n_states=64)
    assert live.availability.tolist() == [1.0] * 5


def test_two_cuts_of_a_ring_isolate_what_lies_between():
    net = ring(5)
    down = np.array([0.0, 1.0, 0.0, 1.0, 0.0])  # 1 ─ 2 and 3 ─ 4 are cut
    live = sample_states(replace(net, links=replace(net.links, unavailability=down)), n_states=64)
    assert live.availability.tolist() == [1.0, 1.0, 0.0, 0.0, 1.0]


def test_a_site_of_a_ring_is_up_by_the_exact_availability_of_two_ways():
    from phusong.service.rings import with_rings

    net = ring(5, down=0.05)
    # site 2: two links one way, three the other
    exact = 1.0 - (1.0 - 0.95**2) * (1.0 - 0.95**3)
    assert sample_states(net, n_states=1 << 16).availability[2] == pytest.approx(exact, abs=0.002)
    closed = site_stability(with_rings(net)).availability[2]
    assert closed == pytest.approx(1.0 - 0.10 * 0.15, abs=1e-6)  # the union bound of each way
    assert closed <= exact


def test_a_feeder_under_both_ways_of_a_ring_is_counted():
    from phusong.service.rings import with_rings

    net = ring(5, down=0.0)
    dark = replace(
        net, autonomy_h=np.r_[1e5, 2.0, 1e5, 2.0, 2.0], node=np.full(5, 1), fault_h=np.full(10, 4.0)
    )
    dark.fault_rate[1] = 10.0
    expected = 10.0 * 4.0 * np.exp(-2.0 / 4.0)
    own = 2 * 0.3 * 6 * np.exp(-2 / 6) * (0.3 * 6 * np.exp(-2 / 6)) / 8760
    assert site_stability(with_rings(dark)).hours_lost[2] == pytest.approx(expected + own, rel=1e-3)
    sampled = 8760.0 * (1.0 - sample_states(dark, n_states=1 << 16).availability[2])
    assert sampled == pytest.approx(expected, abs=0.5)


def test_links_beyond_the_tree_protect_in_the_closed_form_too():
    plain, ringed = network_of(), network_of(links=[("s01", "s02", 0.9998)])
    before, after = site_stability(plain), site_stability(ringed)
    assert after.link_h[1] < before.link_h[1]
    assert after.link_h[3] == pytest.approx(before.link_h[3])
    assert ringed.parent[[1, 2, 3]].tolist() == [0, 0, 0]


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 9),
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.floats(0.9, 1.0)), max_size=5),
)
def test_the_closed_form_of_rings_never_promises_more_than_states_show(seed, pairs):
    names = ["x0", *(f"s{k:02d}" for k in range(1, 12))]
    net = network_of(seed=seed, links=[(names[a], names[b], up) for a, b, up in pairs if a != b])
    lost = 8760.0 * (1.0 - sample_states(net, n_states=1 << 14).availability)
    assert (lost <= site_stability(net).hours_lost + 4.0).all()


def test_a_cut_isolates_the_sites_and_people_behind_it():
    #  0 ─ 1 ─ 2 ─ 3 and a ring 1 ─ 4 ─ 5 ─ 1
    wires = links([(0, 1), (1, 2), (2, 3), (1, 4), (4, 5), (5, 1)])
    core = np.array([True, *[False] * 5])
    found = backhaul_cuts(wires, core, np.array(list("abcdef")), np.array([0, 10, 20, 30, 40, 50]))
    rows = {(r.kind, r.id): (r.sites_isolated, r.people_isolated) for r in found.itertuples()}
    assert rows == {
        ("site", "a"): (5, 150), ("link", "k0"): (5, 150), ("site", "b"): (4, 140),
        ("link", "k1"): (2, 50), ("site", "c"): (1, 30), ("link", "k2"): (1, 30),
    }  # fmt: skip
    assert found["people_isolated"].is_monotonic_decreasing


def test_two_exchanges_leave_no_single_cut():
    wires = links([(0, 1), (1, 2)])
    found = backhaul_cuts(wires, np.array([True, False, True]), np.array(list("abc")), np.array([0, 5, 0]))
    assert len(found) == 0


def test_the_narrowest_link_of_the_widest_way_counts():
    wires = links([(0, 1), (1, 2), (0, 2), (2, 3), (4, 5), (0, 1)], [100.0, 50.0, 20.0, 80.0, 10.0, 400.0])
    core = np.array([True, *[False] * 5])
    assert widest_mbps(wires, core).tolist() == [np.inf, 400.0, 50.0, 50.0, 0.0, 0.0]
    assert widest_mbps(links([]), np.zeros(2, bool)).tolist() == [0.0, 0.0]


def test_without_an_exchange_nothing_is_live():
    net = network_of()
    none = replace(net, is_exchange=np.zeros(net.n_sites, bool))
    assert sample_states(none, n_states=64).availability.max() == 0.0
    assert len(backhaul_cuts(net.links, none.is_exchange, net.site_ids, np.ones(net.n_sites, int))) == 0

"""A second link between the same ends: the hop is down only while both are, in closed form and in states."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from phusong.invest.site_hardening import LinkChoices, PowerChoices, repairs
from phusong.service.availability import site_stability
from phusong.service.backhaul import Links
from phusong.service.network import hung_on_links
from phusong.service.outage_states import sample_states
from phusong.service.power_supply import SOURCE_CODE
from phusong.service.rings import protected
from service_network import network_of

QUICKLY = (Phase.explicit, Phase.generate)


def wired(wires, parent):
    """Return a network in which nothing fails but links (from, to, share of the year down); site 0 is the exchange."""
    n = len(parent)
    a, b, lost = (np.array(c) for c in zip(*wires, strict=True))
    links = Links(
        np.array([f"k{k}" for k in range(a.size)]), np.full(a.size, "fibre"), a, b, lost.astype(float),
        np.full(a.size, 1000.0),
    )  # fmt: skip
    net = network_of(sites=n)
    bare = replace(
        net, links=links, source=np.full(n, SOURCE_CODE["grid_battery"]), autonomy_h=np.full(n, 1e5),
        fault_rate=np.zeros_like(net.fault_rate), parent=np.array(parent),
    )  # fmt: skip
    return protected(hung_on_links(bare))


def shown(net):
    return 1.0 - sample_states(net, n_states=1 << 16).availability


def test_a_protected_hop_of_a_tree_loses_the_product_by_hand():
    net = wired([(1, 0, 0.1), (0, 1, 0.2), (1, 0, 0.3), (2, 1, 0.05)], [-1, 0, 1])
    assert net.link_unavailability.tolist() == pytest.approx([0.0, 0.006, 0.05])
    assert (1.0 - site_stability(net).availability).tolist() == pytest.approx([0.0, 0.006, 0.056])
    assert shown(net) == pytest.approx([0.0, 0.006, 1 - 0.994 * 0.95], abs=0.003)


def test_a_protected_hop_of_a_ring_loses_the_product_by_hand():
    # 0 ═ 1 ─ 2 ─ 0: from 1, both links of its hop and one of the two others must be down
    net = wired([(1, 0, 0.3), (1, 0, 0.4), (1, 2, 0.1), (2, 0, 0.2)], [-1, 0, 0])
    lost = 1.0 - site_stability(net).availability
    assert lost[1] == pytest.approx(0.3 * 0.4 * (0.1 + 0.2), rel=1e-6)
    assert lost[2] == pytest.approx(0.2 * (0.1 + 0.12), rel=1e-6)
    assert (shown(net) <= lost + 0.003).all()
    assert shown(net)[1] == pytest.approx(0.12 * (1 - 0.9 * 0.8), abs=0.003)


def test_a_protected_hop_behind_a_ring_adds_its_product():
    net = wired([(1, 0, 0.1), (1, 2, 0.1), (2, 0, 0.1), (3, 2, 0.2), (2, 3, 0.25)], [-1, 0, 0, 2])
    lost = 1.0 - site_stability(net).availability
    assert lost[3] == pytest.approx(0.1 * 0.2 + 0.2 * 0.25, rel=1e-6)
    assert shown(net)[3] == pytest.approx(0.1 * (1 - 0.81) + 0.05, abs=0.004)


wires = st.tuples(st.integers(0, 4), st.integers(0, 4), st.floats(0.01, 0.3)).filter(lambda w: w[0] != w[1])


@settings(deadline=None, max_examples=20, phases=QUICKLY)
@given(st.lists(wires, max_size=8))
def test_the_closed_form_with_parallel_links_never_promises_more_than_states_show(more):
    tree = [(k, k - 1, 0.05) for k in range(1, 5)]
    net = wired([*tree, *more], [-1, 0, 1, 2, 3])
    closed = 1.0 - site_stability(net).availability
    assert (shown(net) <= closed + 0.004).all()


@settings(deadline=None, max_examples=10, phases=QUICKLY)
@given(st.lists(st.lists(st.floats(0.01, 0.3), min_size=1, max_size=3), min_size=1, max_size=4))
def test_on_a_chain_closed_form_and_states_agree(hops):
    net = wired(
        [(k, k + 1, lost) for k, each in enumerate(hops) for lost in each], list(range(-1, len(hops)))
    )
    by_hop = np.array([0.0, *(np.prod(each) for each in hops)])
    assert 1.0 - site_stability(net).availability == pytest.approx(
        np.minimum(np.cumsum(by_hop), 1.0), abs=1e-9
    )
    assert shown(net) == pytest.approx(1.0 - np.cumprod(1.0 - by_hop), abs=0.006)


def test_a_link_that_stands_twice_in_the_table_of_a_region_helps():
    plain = network_of()
    parent = str(plain.site_ids[plain.parent[1]])
    again = network_of(links=[("s01", parent, 0.9)])
    assert site_stability(again).link_h[1] == pytest.approx(0.1 * site_stability(plain).link_h[1])


def test_the_remedy_of_a_second_link_to_the_same_site_leaves_the_first():
    net = wired([(1, 0, 0.03)], [-1, 0])
    link = LinkChoices.none(1, 2)
    link.cost_musd[0, 1], link.parent[0, 1], link.unavailability[0, 1] = 1.0, 0, 0.01
    # either link alone is down for 87.6 h a year and more, both at once for 2.6 h
    for allowed, suffices in ((10.0, True), (2.0, False)):
        rows = repairs(net, 1, PowerChoices.none(1, 2), link, hours_allowed=allowed)
        assert (rows[0, 0] == 2 + 1) == suffices

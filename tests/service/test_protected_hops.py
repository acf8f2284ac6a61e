"""A second link between the same ends: the hop is down only while both are, in closed form, in states and live."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.invest.repairs import LinkChoices, PowerChoices, repairs
from phusong.service.power import site_stability
from phusong.service.rings import with_rings
from phusong.service.states import sample_states
from phusong.service.supply import SOURCE_CODE
from service_network import network_of


def steady(net):
    """Return the network with links that fail and nothing else."""
    n = net.n_sites
    return replace(
        net, source=np.full(n, SOURCE_CODE["grid_battery"]), autonomy_h=np.full(n, 1e5),
        fault_rate=np.zeros_like(net.fault_rate),
    )  # fmt: skip


def tree(*second):
    """x0 ─ s01 ─ s02 ─ s03; every first link is down 0.05 of the year."""
    parent = np.array(["", "x0", "s01", "s02"])
    net = network_of(sites=4, links=second, backhaul_parent_id=parent)
    return steady(net)


def hops(net, lost):
    return replace(net, links=replace(net.links, unavailability=np.asarray(lost)))


def between(net, a, b):
    names = [("x0", *(f"s{k:02d}" for k in range(1, 12))).index(n) for n in (a, b)]
    return np.flatnonzero(np.isin(net.links.a, names) & np.isin(net.links.b, names))


def test_a_protected_hop_of_a_tree_loses_the_product_by_hand():
    plain, both = tree(), tree(("s01", "x0", 0.9), ("s01", "x0", 0.8))
    lost = plain.link_unavailability[1]
    assert lost > 0.0
    assert both.link_unavailability[1] == pytest.approx(lost * 0.1 * 0.2, rel=1e-12)
    assert (both.link_unavailability[2:] == plain.link_unavailability[2:]).all()
    assert (both.parent == plain.parent).all()


def test_a_protected_hop_of_a_ring_loses_the_product_by_hand():
    net = network_of(sites=4, links=[("s01", "s02", 0.95), ("s02", "x0", 0.9), ("s02", "x0", 0.8)],
                     backhaul_parent_id=np.array(["", "x0", "x0", "s02"]))  # fmt: skip
    first = {k: float(net.links.unavailability[between(net, *k)[0]]) for k in (("s01", "x0"), ("s02", "x0"))}
    assert len(between(net, "s02", "x0")) == 3
    straight = first["s02", "x0"] * 0.1 * 0.2
    round_ = first["s01", "x0"] + 0.05
    assert steady(net).link_unavailability[2] == pytest.approx(straight * round_, rel=1e-3, abs=1e-9)


def test_a_single_way_of_several_protected_hops_adds_their_products():
    # a ring elsewhere makes the network a mesh; s03 hangs on s02 by two links and stays its child
    net = network_of(sites=4, links=[("s01", "s02", 0.95), ("s03", "s02", 0.9)],
                     backhaul_parent_id=np.array(["", "x0", "x0", "s02"]))  # fmt: skip
    first = float(net.links.unavailability[between(net, "s03", "s02")].max())
    assert net.parent[3] == 2
    assert net.link_unavailability[3] == pytest.approx(
        np.prod(net.links.unavailability[between(net, "s03", "s02")])
    )
    assert net.link_unavailability[3] < first


@settings(deadline=None, max_examples=15)
@given(
    st.integers(0, 9),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.floats(0.5, 0.95)), max_size=7),
)
def test_the_closed_form_with_parallel_links_is_what_states_show(seed, pairs):
    names = ["x0", "s01", "s02", "s03", "s04"]
    more = [(names[a], names[b], up) for a, b, up in pairs if a != b]
    net = steady(network_of(seed=seed, sites=5, links=[*more, *more]))
    lost = 1.0 - sample_states(net, n_states=1 << 14).availability
    closed = 1.0 - site_stability(net).availability
    assert (lost <= closed + 0.015).all()


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 9), st.lists(st.floats(0.5, 0.95), min_size=1, max_size=3))
def test_on_a_tree_closed_form_and_states_agree(seed, ups):
    net = tree(*(("x0", "s01", up) for up in ups), ("s02", "s01", 0.9))
    rng = np.random.default_rng(seed)
    lost = np.where(net.links.unavailability < 0.04, rng.uniform(0.01, 0.05), net.links.unavailability)
    region = hops(net, lost)
    loss = np.zeros(4)
    for child, up in ((1, 0), (2, 1), (3, 2)):
        wires = (np.minimum(region.links.a, region.links.b) == up) & (
            np.maximum(region.links.a, region.links.b) == child
        )
        loss[child] = np.prod(lost[wires])
    exact = np.cumprod(1.0 - loss)
    shown = sample_states(region, n_states=1 << 16).availability
    assert shown == pytest.approx(exact, abs=0.01)
    from phusong.service.network import _loss_up

    closed = site_stability(
        replace(region, link_unavailability=_loss_up(region.parent, region.links))
    ).availability
    assert closed == pytest.approx(1.0 - np.cumsum(loss), abs=1e-9)
    assert closed == pytest.approx(site_stability(with_rings(region)).availability, abs=1e-9)


def test_a_link_more_never_loses_hours_and_its_own_copy_helps():
    plain = network_of()
    parent = plain.parent[1]
    name = str(plain.site_ids[parent])
    again = network_of(links=[("s01", name, 0.9)])
    assert site_stability(again).link_h[1] == pytest.approx(0.1 * site_stability(plain).link_h[1])


def test_the_remedy_of_a_second_link_to_the_same_site_leaves_the_first():
    net = steady(network_of(sites=3, backhaul_parent_id=np.array(["", "x0", "s01"])))
    net = replace(net, link_unavailability=np.array([0.0, 0.03, 0.0]))
    link = LinkChoices.none(1, 3)
    link.cost_musd[0, 1], link.parent[0, 1], link.unavailability[0, 1] = 1.0, 0, 0.01
    # either link alone leaves 87.6 h and more; both together 2.6 h
    rows = repairs(net, 1, PowerChoices.none(1, 3), link, hours_allowed=10.0)
    assert rows[0].tolist()[:2] == [3 + 1, -1]

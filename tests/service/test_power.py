"""Hours lost: the closed form for one node, common causes counted once, more power never worse."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.region.schema import LAYERS
from phusong.service.availability import site_stability
from phusong.service.network import POWER_SOURCES, Network, build_network
from small_region import small_region


def network(seed: int = 1) -> Network:
    r = small_region(seed=seed)
    return build_network(
        sites=r.sites, cells=r.cells, operators=r.operators, links=r.links, power_nodes=r.power_nodes,
        power_lines=r.power_lines, site_remote=np.ones(len(r.sites), np.int64),
    )  # fmt: skip


def test_one_node_loses_saifi_caidi_exp_minus_autonomy_over_caidi():
    net = network()
    n = net.n_sites
    alone = replace(
        net, is_exchange=np.ones(n, bool), parent=np.full(n, -1), node=np.full(n, 4), autonomy_h=np.full(n, 6.0),
        node_above=np.full(5, -1), source=np.full(n, 1),
    )  # fmt: skip
    # node t3: 9 interruptions a year of 4 h; the line above it is element 9; own rectifier 0.3 × 6 h
    rate, hours = alone.fault_rate.copy(), alone.fault_h.copy()
    rate[5:] = 0.0
    lost = site_stability(replace(alone, fault_rate=rate, fault_h=hours)).hours_lost
    expected = 9.0 * 4.0 * np.exp(-6.0 / 4.0) + 0.3 * 6.0 * np.exp(-1.0)
    assert lost == pytest.approx(np.full(n, expected), rel=1e-12)


def test_a_line_above_two_sites_of_one_chain_is_counted_once():
    net = network()
    n = net.n_sites
    chain = replace(
        net, parent=np.array([-1, 0, 1, *[0] * (n - 3)]), node=np.full(n, 3), autonomy_h=np.zeros(n)
    )
    chain.autonomy_h[0] = 1e6
    quiet = np.zeros(n)
    lost = site_stability(replace(chain, link_unavailability=quiet)).hours_lost
    # the second site hangs on the first, on the same transformer: only its rectifier is added
    assert lost[2] - lost[1] == pytest.approx(0.3 * 6.0)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 50), st.integers(1, 11), st.floats(0.0, 100.0))
def test_more_autonomy_never_loses_more_hours(seed, site, more_h):
    net = network(seed % 5)
    longer = net.with_autonomy(np.array([site]), float(net.autonomy_h[site]) + more_h)
    assert (site_stability(longer).hours_lost <= site_stability(net).hours_lost + 1e-9).all()


def test_a_site_without_backhaul_is_off_all_year():
    net = network()
    cut = replace(net, parent=np.full(net.n_sites, -1))
    lost = site_stability(cut)
    assert (lost.hours_lost[1:] == 8760.0).all()
    assert (lost.bottleneck()[1:] == "no backhaul").all()


def test_causes_add_up():
    found = site_stability(network())
    parts = found.own_power_h + found.chain_power_h + found.link_h
    assert found.hours_lost == pytest.approx(parts)


def test_the_words_of_the_layer_are_the_sources_that_the_model_knows():
    words = {c.name: c for c in LAYERS["sites"]}["power_source"].among
    assert tuple(words) == tuple(source.name for source in POWER_SOURCES)

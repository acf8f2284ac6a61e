"""Several sites serve together: independent ones more steadily than the best, those on one feeder no better."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.access.gaps import classify
from phusong.service.allocation import Reception
from phusong.service.availability import site_stability
from phusong.service.capacity import Demand, use_network
from phusong.service.outage_states import element_hours_off, sample_states, serve_together
from phusong.service.power_supply import SOURCE_CODE
from service_network import network_of

TARGET = 0.998


def heard(pairs, n_cells):
    cell, station = (np.array(v, np.int32) for v in zip(*pairs, strict=True))
    n = cell.size
    return Reception(
        cell, station, np.linspace(-80, -100, n, dtype=np.float32), np.full(n, 100, np.int16), n_cells
    )


def both_ways(net, reception, weights, *, mbps=0.01, n_states=1 << 14):
    tier = np.zeros((net.n_stations, 2), np.int8)
    demand = Demand(mbps_per_person=mbps)
    stability = site_stability(net)
    alone = use_network(
        reception, weights=weights, tier=tier, availability=stability.availability[net.station_site],
        availability_target=TARGET, bandwidth_mhz=net.station_bandwidth_mhz, station_site=net.station_site,
        site_mbps=net.link_capacity_mbps, demand=demand,
    )  # fmt: skip
    found = serve_together(
        alone, sample_states(net, n_states=n_states), reception=reception, weights=weights, tier=tier, network=net,
        availability_target=TARGET, demand=demand,
    )  # fmt: skip
    return alone, found


def shaky(nodes):
    """Every site 60 h a year without power, by a fault of its own transformer; nothing else fails."""
    net = network_of()
    n = net.n_sites
    rate = np.zeros(10)
    rate[1:5] = 20.0
    return replace(
        net, node=np.resize(nodes, n), fault_rate=rate, fault_h=np.full(10, 3.0), autonomy_h=np.r_[1e5, np.zeros(n - 1)],
        link_unavailability=np.zeros(n), links=replace(net.links, unavailability=np.zeros(net.links.ids.size)),
        source=np.full(n, SOURCE_CODE["grid"]), node_above=np.full(5, -1), grid=replace(net.grid, above=np.full(5, -1)),
    )  # fmt: skip


def test_two_sites_on_two_feeders_serve_whom_neither_serves_alone():
    net = shaky([1, 2])
    alone, found = both_ways(net, heard([(0, 0), (0, 1)], 1), np.array([[40, 10]]))
    assert alone.accepted.sum() == 0
    assert found.usage.accepted.tolist() == [[40, 10]]
    assert found.gained == 50
    assert found.hours_off[0, 0] < 3.0
    parts = classify(found.usage, np.array([[40, 10]])).by_cell()
    assert parts["people_served"].tolist() == [50]
    assert sum(p.sum() for p in parts.values()) == 50


def test_two_sites_on_one_feeder_are_no_better_than_one():
    net = shaky([1])
    _, found = both_ways(net, heard([(0, 0), (0, 1)], 1), np.array([[40, 10]]))
    assert found.gained == 0
    assert found.hours_off[0, 0] == pytest.approx(60.0, abs=2.5)


def test_what_is_full_stays_full():
    net = shaky([1, 2])
    weights = np.array([[40_000, 0]])
    alone, found = both_ways(net, heard([(0, 0), (0, 1)], 1), weights, mbps=0.05)
    room = int(alone.station_room[:2].sum())
    assert 0 < found.gained == room < 40_000
    assert found.usage.station_room[:2].sum() == 0


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_together_never_serves_fewer_and_parts_sum_to_the_people(data):
    net = network_of(seed=data.draw(st.integers(0, 9)))
    pairs = data.draw(
        st.lists(
            st.tuples(st.integers(0, 7), st.integers(0, net.n_stations - 1)),
            min_size=1,
            max_size=40,
            unique=True,
        )
    )
    weights = np.array(
        data.draw(st.lists(st.lists(st.integers(0, 900), min_size=2, max_size=2), min_size=8, max_size=8))
    )
    alone, found = both_ways(net, heard(pairs, 8), weights, mbps=0.05, n_states=1024)
    assert (found.usage.accepted >= alone.accepted).all()
    assert (found.usage.accepted <= weights).all()
    assert found.gained == found.usage.accepted.sum() - alone.accepted.sum()
    access = classify(found.usage, weights)
    total = access.served + access.no_signal + access.locked + access.unstable + access.congested
    assert total.tolist() == weights.tolist()
    assert (found.usage.availability >= alone.availability).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 9), st.integers(1, 11), st.floats(0.0, 60.0))
def test_more_battery_at_any_site_never_loses_an_element_more_hours(seed, site, more_h):
    net = network_of(seed=seed)
    reception = heard([(k % 6, k) for k in range(net.n_stations)], 6)
    tier = np.zeros((net.n_stations, 2), np.int8)
    longer = net.with_autonomy(np.array([site]), float(net.autonomy_h[site]) + more_h)
    before, after = (
        element_hours_off(sample_states(n, n_states=512), reception, tier, net) for n in (net, longer)
    )
    assert (after <= before).all()

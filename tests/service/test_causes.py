"""Who is to blame: person-hours sum to what is lost, and the asset that fails is the one named."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.service.allocation import Reception
from phusong.service.availability import asset_causes, people_by_site, site_stability
from service_network import network_of


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 30), st.lists(st.integers(0, 5000), min_size=12, max_size=12), st.booleans())
def test_person_hours_sum_to_hours_lost_times_people(seed, people, cut):
    net = network_of(seed=seed, ties=[("t0", "t1", 1.0)])
    if cut:
        net = replace(net, parent=np.where(np.arange(12) == 5, -1, net.parent))
    stability, people = site_stability(net), np.array(people)
    table = asset_causes(net, stability, people)
    assert table["person_hours_year"].sum() == pytest.approx((stability.hours_lost * people).sum())
    assert table["person_hours_year"].is_monotonic_decreasing
    if people.sum():
        assert table["cumulative_share"].iloc[-1] == pytest.approx(1.0)


def test_the_line_that_fails_most_is_named_first():
    net = network_of(autonomy_h=0.0)
    net.fault_rate[5 + 3] = 40.0  # the line above t2, which feeds every fourth site
    table = asset_causes(net, site_stability(net), np.full(12, 100))
    assert table.loc[0, ["kind", "asset"]].tolist() == ["power line", "p2"]


def test_a_site_without_backhaul_is_its_own_cause():
    net = network_of()
    net = replace(net, parent=np.where(np.arange(12) == 7, -1, net.parent))
    table = asset_causes(net, site_stability(net), np.where(np.arange(12) == 7, 10, 0))
    assert table[["kind", "asset", "person_hours_year"]].to_numpy().tolist() == [
        ["no backhaul", "s07", 87600.0]
    ]


def test_people_rely_on_the_steadiest_site_they_may_use():
    net = network_of()
    lost = site_stability(net).hours_lost
    station = np.array([0, 1, 2])
    at = net.station_site[station]
    heard = Reception(
        np.zeros(3, np.int32), station.astype(np.int32), np.zeros(3, np.float32), np.zeros(3, np.int16), 1
    )
    tier = np.zeros((net.n_stations, 2), np.int8)
    tier[0, 1] = 3  # the second operator may not use the first station
    people = people_by_site(
        heard, weights=np.array([[7, 5]]), tier=tier, network=net, stability=site_stability(net)
    )
    best, second = at[np.argmin(lost[at])], at[1:][np.argmin(lost[at[1:]])]
    expected = np.zeros(12, np.int64)
    expected[best] += 7
    expected[second] += 5
    assert people.tolist() == expected.tolist()

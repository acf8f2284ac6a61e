"""The five gap parts: exact sums, and policies that never serve fewer."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.access.elements import split_by_operator
from phusong.access.gaps import classify
from phusong.service.capacity import tiers, use_network
from phusong.service.reception import Reception


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=60), st.integers(1, 5))
def test_people_are_split_whole_and_near_the_shares(people, operators):
    shares = np.arange(1, operators + 1, dtype=float)
    split = split_by_operator(np.array(people), shares / shares.sum())
    assert (split.sum(axis=1) == people).all()
    assert np.abs(split.sum(axis=0) - sum(people) * shares / shares.sum()).max() <= 6


def random_reception(rng: np.random.Generator, cells: int, stations: int) -> Reception:
    heard = rng.random((cells, stations)) < 0.3
    c, s = np.nonzero(heard)
    level = np.round(rng.uniform(-110, -60, c.size), 1).astype(np.float32)
    order = np.lexsort((s, c, -level))
    return Reception(c[order].astype(np.int32), s[order].astype(np.int32), level[order], cells)


class _Net:
    operators = ("a", "b", "c")


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.floats(0.0, 0.2))
def test_parts_sum_and_sharing_more_never_serves_fewer(seed, demand):
    rng = np.random.default_rng(seed)
    cells, stations = 40, 12
    reception = random_reception(rng, cells, stations)
    weights = rng.integers(0, 90, (cells, 3))
    net = _Net()
    net.station_operator = rng.integers(0, 3, stations)
    net.station_guests = np.zeros(stations, np.int64)
    net.station_site = np.arange(stations)
    unlocked = rng.random(stations) < 0.5
    nobody, everybody = np.zeros(stations, bool), np.ones(stations, bool)
    served = []
    for opened, roamed in ((nobody, nobody), (unlocked, nobody), (unlocked, everybody)):
        usage = use_network(
            reception, weights=weights, tier=tiers(net, opened, roamed), availability=rng.choice([0.99, 0.9999], stations) * 0 + 0.999,
            availability_target=0.998, bandwidth_mhz=np.full(stations, 10.0), backhaul_mbps=np.full(stations, 100.0),
            mbps_per_person=demand, max_load=0.8, interference_margin_db=3.0,
        )  # fmt: skip
        access = classify(usage, weights)
        parts = access.served + access.no_signal + access.locked + access.unstable + access.congested
        assert (parts == weights).all()
        assert all((p >= 0).all() for p in (access.served, access.congested))
        assert (usage.station_load <= 0.8 + 1e-9).all()
        served.append(access.people_served)
    assert served == sorted(served)

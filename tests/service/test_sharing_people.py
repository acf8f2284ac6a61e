"""What sharing does to people, over random regions: the promises that hold for every policy."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_power import network

from phusong.access.gaps import classify
from phusong.service.allocation import Reception
from phusong.service.capacity import (
    Demand,
    Usage,
    busy_hour_mbps,
    busy_hours_with_rate,
    grown,
    tiers,
    use_network,
)
from phusong.service.network import Network
from phusong.service.sharing import POLICIES, Agreement, grant_rights

OPERATORS = ("red", "blue", "green")
LOCKS = ("", "", "", "contract", "structural", "security", "legal")


class World:
    """A random network with what is heard where."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        net = network(seed % 4)
        n, n_st, cells = net.n_sites, 2 * net.n_sites, 30
        lock = rng.choice(LOCKS, n)
        self.net: Network = replace(
            net, operators=OPERATORS, shares=np.array([0.5, 0.3, 0.2]), owner=rng.integers(-1, 3, n),
            lock_reason=lock, shareable=(lock == "") & (rng.random(n) < 0.9), spare_slots=rng.integers(0, 3, n),
            remote=rng.integers(0, 4, n), station_site=np.repeat(np.arange(n), 2),
            station_operator=rng.integers(0, 3, n_st), station_guests=np.zeros(n_st, np.int64),
            station_bandwidth_mhz=rng.choice([0.5, 2.0, 10.0], n_st),
            station_ids=np.array([f"k{k}" for k in range(n_st)]),
        )  # fmt: skip
        cell, station = np.nonzero(rng.random((cells, n_st)) < 0.2)
        level = np.round(rng.uniform(-110, -60, cell.size), 1).astype(np.float32)
        order = np.lexsort((station, cell, -level))
        self.heard = Reception(
            cell[order].astype(np.int32), station[order].astype(np.int32), level[order],
            np.round(10 * (level[order] + 105)).astype(np.int16), cells,
        )  # fmt: skip
        self.weights = rng.integers(0, 60, (cells, 3))
        self.availability = rng.choice([0.99, 0.9999], n_st)
        self.site_mbps = rng.choice([1.0, 5.0, np.inf], n)

    def use(self, policy: str, agreements=(), *, year: int = 2026, mbps: float = 0.05, **changes) -> Usage:
        rights = grant_rights(self.net, policy, agreements, year)
        given_ = {
            "availability": self.availability, "bandwidth_mhz": self.net.station_bandwidth_mhz,
            "site_mbps": self.site_mbps, **changes,
        }  # fmt: skip
        return use_network(
            self.heard, weights=self.weights, tier=tiers(self.net, rights), availability_target=0.998,
            station_site=self.net.station_site, demand=Demand(mbps), **given_,
        )  # fmt: skip

    def served(self, *args, **kwargs) -> int:
        return int(self.use(*args, **kwargs).accepted.sum())


seeds = st.integers(0, 100_000)
policies = st.sampled_from(list(POLICIES))
slow = settings(deadline=None, max_examples=60)


@slow
@given(seeds, policies, st.floats(0.0, 0.5))
def test_parts_sum_and_nothing_is_overfull(seed, policy, mbps):
    world = World(seed)
    usage = world.use(policy, mbps=mbps)
    parts = classify(usage, world.weights)
    total = parts.served + parts.no_signal + parts.locked + parts.unstable + parts.congested
    assert (total == world.weights).all()
    assert min(p.min() for p in (parts.served, parts.congested)) >= 0
    assert (usage.station_load <= 0.8 + 1e-9).all()
    assert usage.station_people.sum() == usage.accepted.sum()
    assert (usage.station_guests <= usage.station_people).all()
    assert ((usage.rate_hours >= 0) & (usage.rate_hours <= 1 + 1e-6)).all()


@slow
@given(seeds, st.floats(0.0, 0.5))
def test_more_sharing_never_serves_fewer(seed, mbps):
    world = World(seed)
    chain = [
        world.served(p, mbps=mbps)
        for p in ("none", "passive", "passive_backhaul", "moran", "mocn", "roaming")
    ]
    assert chain == sorted(chain)
    assert chain[0] == chain[2]
    rural = [world.served(p, mbps=mbps) for p in ("none", "neutral_host", "srn")]
    assert rural == sorted(rural)


@slow
@given(seeds, policies, st.floats(0.0, 0.5))
def test_nobody_loses_their_place_to_a_guest(seed, policy, mbps):
    world = World(seed)
    assert (world.use(policy, mbps=mbps).accepted >= world.use("none", mbps=mbps).accepted).all()


@slow
@given(
    seeds, policies.filter(lambda p: p != "none"), st.sets(st.integers(0, 3), min_size=1),
    st.sets(st.sampled_from(OPERATORS), min_size=2), st.floats(0.0, 0.5),
)  # fmt: skip
def test_a_limited_agreement_serves_between_none_and_the_nationwide_policy(
    seed, policy, classes, between, mbps
):
    world = World(seed)
    terms = [Agreement(policy, tuple(classes), tuple(between))]
    none, some, all_ = (
        world.served("none", mbps=mbps), world.served("none", terms, mbps=mbps), world.served(policy, mbps=mbps)
    )  # fmt: skip
    assert none <= some <= all_
    everywhere = [Agreement(policy)]
    assert world.served("none", everywhere, mbps=mbps) == all_
    assert world.served("none", [Agreement(policy, last_year=2025)], mbps=mbps) == none


@slow
@given(seeds, policies)
def test_more_room_power_or_backhaul_never_serves_fewer(seed, policy):
    world = World(seed)
    now = world.served(policy, mbps=0.2)
    rng = np.random.default_rng(seed)
    wider = world.net.station_bandwidth_mhz * rng.choice([1.0, 3.0], world.net.n_stations)
    assert world.served(policy, mbps=0.2, bandwidth_mhz=wider) >= now
    assert (
        world.served(policy, mbps=0.2, site_mbps=world.site_mbps + rng.choice([0.0, 9.0], world.net.n_sites))
        >= now
    )
    steadier = np.where(rng.random(world.net.n_stations) < 0.3, 0.9999, world.availability)
    assert world.served(policy, mbps=0.2, availability=steadier) >= now
    assert world.served(policy, mbps=0.3) <= now


@settings(deadline=None, max_examples=40)
@given(seeds, policies)
def test_as_many_find_room_as_the_maximum_flow(seed, policy):
    world = World(seed)
    mbps = 0.3
    usage = world.use(policy, mbps=mbps)
    tier = tiers(world.net, grant_rights(world.net, policy))
    graph = nx.DiGraph()
    cap = usage.station_people + usage.station_room
    site = world.net.station_site
    site_cap = np.floor(np.minimum(world.site_mbps, 1e9) * 0.8 / mbps + 1e-9).astype(int)
    own_cap = np.floor(
        _mbps(world) * 0.8 / mbps + 1e-9
    ).astype(int)  # fmt: skip
    assert (cap <= own_cap).all()
    for c, s in zip(world.heard.cell.tolist(), world.heard.station.tolist(), strict=True):
        for o in range(3):
            if tier[s, o] < 3 and world.availability[s] >= 0.998:
                graph.add_edge("people", ("e", c, o), capacity=int(world.weights[c, o]))
                graph.add_edge(("e", c, o), ("s", s), capacity=int(world.weights[c, o]))
    for s in range(world.net.n_stations):
        graph.add_edge(("s", s), ("site", int(site[s])), capacity=int(own_cap[s]))
    for k in range(world.net.n_sites):
        graph.add_edge(("site", k), "core", capacity=int(site_cap[k]))
    graph.add_node("people")
    assert usage.accepted.sum() == nx.maximum_flow_value(graph, "people", "core")


def _mbps(world: World) -> np.ndarray:
    from phusong.service.capacity import cell_throughput

    return cell_throughput(world.heard, world.weights.sum(axis=1), world.net.station_bandwidth_mhz)


def test_traffic_by_the_formula():
    # 0.5 of people, 10 GB a month of 30.4375 days, 7 % in the busy hour: 0.02556 Mbit/s
    assert busy_hour_mbps(take_up=0.5, gb_month=10.0, busy_hour_share=0.07) == pytest.approx(
        0.5 * 10 * 8000 / 30.4375 * 0.07 / 3600
    )
    assert grown(0.02, growth_year=0.25, years=3) == pytest.approx(0.02 * 1.25**3)
    assert grown(0.02, growth_year=0.25, years=0) == 0.02


@given(
    st.floats(0.0, 2.0), st.floats(0.1, 200.0), st.floats(0.0, 50.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0)
)
def test_busy_hours_fall_with_load_and_target(load, peak, target, spread, more):
    def share(load_, target_):
        return float(
            busy_hours_with_rate(np.array([load_]), np.array([peak]), target_mbps=target_, spread=spread)[0]
        )

    assert 0.0 <= share(load, target) <= 1.0
    assert share(load + more, target) <= share(load, target) + 1e-12
    assert share(load, target + more) <= share(load, target) + 1e-12


def test_a_lone_user_gets_the_target_always_or_never():
    both = busy_hours_with_rate(np.zeros(2), np.array([10.0, 3.0]), target_mbps=4.0, spread=0.3)
    assert both.tolist() == [1.0, 0.0]

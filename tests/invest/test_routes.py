"""Shared routes: paid once, never cheaper than the ground allows, cut only where they cannot pay."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import dijkstra

from phusong.invest.line_of_sight import zone_shares
from phusong.invest.line_routing import ground_net, shared_routes
from phusong.radio.path import profile_between
from phusong.region import Grid
from phusong.service.microwave import clearance_share, usual_band_ghz

GRID = Grid("EPSG:32648", 500_000.0, 2_410_000.0, 500.0, 20, 20)


def hills(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 400, GRID.shape).astype(np.float32)


def places(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.column_stack([rng.uniform(500_000, 510_000, n), rng.uniform(2_400_000, 2_410_000, n)])


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_each_route_is_the_shortest_and_segments_are_shared(seed):
    rng = np.random.default_rng(seed)
    net = ground_net(hills(seed), GRID)
    ends, roots = places(rng, 6), places(rng, 2)
    found = shared_routes(net, ends, roots, other_way_km=np.full(6, np.inf))
    shortest = dijkstra(net.ways, indices=np.unique(net.square(*roots.T)), min_only=True)
    for k in range(6):
        assert found.feasible[k]
        way = found.segment_km[found.needs[k]].sum()
        assert way == pytest.approx(shortest[net.square(*ends[[k]].T)[0]])
    used = np.unique(np.concatenate(found.needs))
    assert used.size == found.segment_km.size


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_cutting_routes_never_makes_the_best_plan_dearer(seed):
    rng = np.random.default_rng(seed)
    net = ground_net(hills(seed), GRID)
    ends, roots, other = places(rng, 5), places(rng, 1), rng.uniform(0.5, 9.0, 5)
    whole = shared_routes(net, ends, roots, other_way_km=np.full(5, np.inf))
    cut = shared_routes(net, ends, roots, other_way_km=other)

    def cheapest(routes):
        def cost(by_line):
            drops = routes.drop_km[list(by_line)].sum() if any(by_line) else 0.0
            segments = {int(i) for k in np.flatnonzero(by_line) for i in routes.needs[k]}
            return drops + routes.segment_km[sorted(segments)].sum() + other[~by_line].sum()

        plans = (np.array(p, bool) for p in product([False, True], repeat=5))
        return min(cost(p) for p in plans if routes.feasible[p].all())

    assert cheapest(cut) == pytest.approx(cheapest(whole))


def test_nothing_to_join_and_nothing_to_join_to_give_no_routes():
    net = ground_net(hills(1), GRID)
    nobody = np.empty((0, 2))
    assert (
        shared_routes(net, nobody, places(np.random.default_rng(1), 2), other_way_km=np.empty(0)).needs == ()
    )
    none = shared_routes(net, places(np.random.default_rng(1), 2), nobody, other_way_km=np.ones(2))
    assert not none.feasible.any()


def test_no_line_is_laid_through_the_sea():
    ground = hills(2)
    ground[:, 10] = np.nan
    net = ground_net(ground, GRID)
    west, east = np.array([[501_000.0, 2_405_000.0]]), np.array([[509_000.0, 2_405_000.0]])
    assert not shared_routes(net, west, east, other_way_km=np.array([np.inf])).feasible.any()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_hops_agree_with_the_check_of_one_profile(seed):
    rng = np.random.default_rng(seed)
    ground = hills(seed)
    a, b = (
        places(rng, 1) * 0.98 + np.array([10_100.0, 48_100.0]),
        places(rng, 1) * 0.98 + np.array([10_100.0, 48_100.0]),
    )
    km = float(np.hypot(*(a - b)[0])) / 1000.0
    if km < 1.0:
        return
    fast = zone_shares(ground, GRID, a, b, from_height_m=42.0, to_height_m=30.0)[0]
    path = profile_between(ground, GRID, tuple(a[0]), tuple(b[0]))
    slow, _ = clearance_share(
        path.distance_km, path.ground_m, from_height_m=42.0, to_height_m=30.0,
        frequency_ghz=float(usual_band_ghz(km)),
    )  # fmt: skip
    assert fast == pytest.approx(slow, rel=1e-4, abs=1e-3)

"""What is so now, by touching only what changes, is what a full recompute says: to the byte, after every event."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_world import HOUR_MS, differences, possible, world

from phusong.access.communes import commune_table
from phusong.access.gaps import classify
from phusong.live.incremental import Live
from phusong.live.recompute import everything_now, spent_batteries
from phusong.live.state import NEVER, from_tree, to_tree
from phusong.service.capacity import use_network
from phusong.service.sharing import POLICIES

seeds = st.integers(0, 100_000)
loads = st.sampled_from([0.02, 0.1, 0.3, 1.0])


def walk_on(live: Live, rng: np.random.Generator, clock: int) -> int:
    clock += int(rng.choice([0, HOUR_MS // 2, 3 * HOUR_MS]))
    live.at(clock)
    options = possible(live)
    kind, subject = options[rng.integers(len(options))]
    getattr(live, kind)(subject)
    return clock


def walk(live: Live, rng: np.random.Generator, steps: int) -> int:
    clock = 1_000_000
    live.at(clock)
    for _ in range(steps):
        clock = walk_on(live, rng, clock)
    return clock


@settings(deadline=None, max_examples=8)
@given(seeds, st.sampled_from(list(POLICIES)), loads)
def test_after_any_events_the_present_is_a_full_recompute(seed, policy, mbps):
    live = Live(world(seed, policy, mbps=mbps))
    assert differences(live) == []
    rng = np.random.default_rng(seed)
    clock = 1_000_000
    for _ in range(6):
        clock = max(clock, walk_on(live, rng, clock))
        assert differences(live) == []


@settings(deadline=None, max_examples=4)
@given(seeds, loads)
def test_undoing_every_event_gives_the_beginning_again(seed, mbps):
    live = Live(world(seed, mbps=mbps))
    first = live.now.accepted.tobytes(), live.now.sums.gap_unstable.tobytes()
    undo = {"site_down": "site_up", "line_down": "line_up", "link_down": "link_up"}
    rng = np.random.default_rng(seed)
    live.at(0)
    done = []
    for _ in range(6):
        options = [(k, s) for k, s in possible(live) if k in undo]
        done.append(options[rng.integers(len(options))])
        getattr(live, done[-1][0])(done[-1][1])
    for kind, subject in reversed(done):
        getattr(live, undo[kind])(subject)
    ties = live.happened.closed == live.static.lines.closed
    assert ties.all()
    assert (live.now.accepted.tobytes(), live.now.sums.gap_unstable.tobytes()) == first


@settings(deadline=None, max_examples=4)
@given(seeds, loads)
def test_state_written_and_read_is_the_same_state(seed, mbps):
    static = world(seed, "mocn", mbps=mbps)
    live = Live(static)
    clock = walk(live, np.random.default_rng(seed), 8)
    again = Live(static, from_tree(static, to_tree(static, live.happened)))
    live.at(clock + 5 * HOUR_MS)
    again.at(clock + 5 * HOUR_MS)
    assert to_tree(static, again.happened) == to_tree(static, live.happened)
    assert differences(again) == []
    assert again.now.accepted.tobytes() == live.now.accepted.tobytes()


def test_before_any_event_people_are_those_of_a_run():
    static = world(3, "roaming")
    active = ~static.planned
    live = Live(static)
    on = active[static.network.station_site][static.reception.station]
    heard = replace(
        static.reception,
        **{k: getattr(static.reception, k)[on] for k in ("cell", "station", "rsrp_dbm", "sinr_ddb")},
    )
    usage = use_network(
        heard, weights=static.weights, tier=live.now.tier,
        availability=static.availability[static.network.station_site],
        availability_target=static.availability_target,
        bandwidth_mhz=static.network.station_bandwidth_mhz, station_site=static.network.station_site,
        site_mbps=live.now.ways.mbps, demand=static.demand,
    )  # fmt: skip
    import pandas as pd

    codes = static.places.commune_codes
    frame = pd.DataFrame({"commune_code": codes, "area_km2": 1.0, "remote": 1})
    table = commune_table(
        frame, commune_of_cell=static.places.cell_commune, access=classify(usage, static.weights),
        weights=static.weights,
    )  # fmt: skip
    for name in (
        "population",
        "people_served",
        "gap_no_signal",
        "gap_locked",
        "gap_unstable",
        "gap_congested",
    ):
        assert (table[name].to_numpy() == getattr(live.now.sums, name)).all(), name


def test_a_battery_carries_its_site_for_as_long_as_it_lasts_and_no_longer():
    static = world(1)
    feeding = next(
        k for k in range(static.lines.ids.size)
        if static.lines.closed[k] and static.sites_of_node.of(int(static.lines.b[k])).size
    )  # fmt: skip
    live = Live(static)
    live.at(0)
    live.line_down(feeding)
    dark = np.flatnonzero(live.happened.dark_since_ms != NEVER)
    sites = np.concatenate([static.sites_of_node.of(int(k)) for k in dark])
    assert sites.size
    for site in sites.tolist():
        lasts = round(static.network.autonomy_h[site] * HOUR_MS)
        live.happened.clock_ms = max(live.happened.clock_ms, 0)
        other = Live(static)
        other.at(0)
        other.line_down(feeding)
        if lasts > 0:
            other.at(lasts - 1)
            assert other.now.site_on[site]
        other.at(max(lasts, 0))
        assert not other.now.site_on[site]
        assert spent_batteries(static, other.happened, np.array([site]))[0]
        other.site_up(site)
        assert other.now.site_on[site]
        assert differences(other) == []


def test_people_joined_by_full_stations_ask_again_too(monkeypatch):
    """The check of the checks: without that step the present is wrong, and the comparison sees it."""
    from phusong.live import reallocation

    nobody = np.zeros(0, np.int64)
    monkeypatch.setattr(reallocation, "_join", lambda *_: nobody)
    monkeypatch.setattr(reallocation, "_claimants", lambda *_: nobody)
    wrong = 0
    for seed in range(6):
        live = Live(world(seed, "roaming", mbps=1.0))
        walk(live, np.random.default_rng(seed), 3)
        wrong += bool(differences(live))
    assert wrong > 0


def test_one_of_two_links_of_a_hop_may_fail_live():
    static = world(5)
    links = static.network.links
    pairs = np.c_[np.minimum(links.a, links.b), np.maximum(links.a, links.b)]
    live = Live(static)
    live.at(0)
    for k in range(links.ids.size):
        same = np.flatnonzero((pairs == pairs[k]).all(axis=1))
        live.link_down(k)
        if same.size > 1:
            other = same[same != k][0]
            assert live.now.ways.reached[links.a[other]] == live.now.ways.reached[links.b[other]]
        assert differences(live) == []
        live.link_up(k)


@pytest.mark.slow
@pytest.mark.parametrize("policy", list(POLICIES))
def test_long_sequences_stay_a_full_recompute(policy):
    for seed in range(10):
        live = Live(world(seed, policy, mbps=0.3))
        walk(live, np.random.default_rng(seed), 60)
        assert differences(live) == []
        assert everything_now(live.static, live.happened).behind.min() >= 0

"""What a planner may rely on, over random regions and for every policy: more of anything never serves fewer.

From batteries, feeders and links through rights and room to people: the whole of `service`, not its parts alone.
`test_sharing_people` holds the same of room and rights, `tests/invest` of money.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_sharing_people import OPERATORS, World

from phusong.access.gaps import classify
from phusong.service.availability import site_stability
from phusong.service.capacity import Demand, tiers, use_network
from phusong.service.outage_states import sample_states, serve_together
from phusong.service.sharing import POLICIES, Agreement, grant_rights

TARGET = 0.998
DEMAND = Demand(0.1)
every_policy = pytest.mark.parametrize("policy", list(POLICIES))
some = settings(deadline=None, max_examples=5)
seeds = st.integers(0, 100_000)


def region(seed):
    """A random world whose sites fail as their batteries, feeders and links let them."""
    world = World(seed)
    rng = np.random.default_rng([seed, 1])
    net = world.net
    # shaky enough that about half the sites miss the target
    world.net = replace(
        net, autonomy_h=np.where(net.is_exchange, net.autonomy_h, rng.choice([0.0, 2.0, 12.0, 48.0], net.n_sites)),
        fault_rate=net.fault_rate * rng.choice([0.5, 1.0, 3.0], net.fault_rate.size),
        link_unavailability=net.link_unavailability * rng.choice([1.0, 5.0], net.n_sites),
    )  # fmt: skip
    return world


def usage_of(world, policy, *, net=None, heard=None, agreements=(), shared_states=False):
    net, heard = net or world.net, heard or world.heard
    tier = tiers(net, grant_rights(net, policy, agreements))
    stability = site_stability(net)
    usage = use_network(
        heard, weights=world.weights, tier=tier, availability=stability.availability[net.station_site],
        availability_target=TARGET, bandwidth_mhz=net.station_bandwidth_mhz, station_site=net.station_site,
        site_mbps=world.site_mbps, demand=DEMAND,
    )  # fmt: skip
    if not shared_states:
        return usage
    return serve_together(
        usage, sample_states(net, n_states=4096, seed=1), reception=heard, weights=world.weights, tier=tier,
        network=replace(net, link_capacity_mbps=world.site_mbps), availability_target=TARGET, demand=DEMAND,
    ).usage  # fmt: skip


def served(*args, **kwargs):
    return int(usage_of(*args, **kwargs).accepted.sum())


@every_policy
@some
@given(seed=seeds, shared_states=st.booleans())
def test_gap_parts_sum_to_the_population_exactly(policy, seed, shared_states):
    world = region(seed)
    parts = classify(usage_of(world, policy, shared_states=shared_states), world.weights)
    five = (parts.served, parts.no_signal, parts.locked, parts.unstable, parts.congested)
    assert (sum(five) == world.weights).all()
    assert all((p >= 0).all() for p in five)


@every_policy
@some
@given(seed=seeds, more_h=st.floats(0.1, 100.0))
def test_longer_batteries_never_serve_fewer(policy, seed, more_h):
    world = region(seed)
    some_sites = np.random.default_rng(seed).random(world.net.n_sites) < 0.5
    longer = replace(world.net, autonomy_h=world.net.autonomy_h + more_h * some_sites)
    assert served(world, policy, net=longer) >= served(world, policy)


@every_policy
@some
@given(seed=seeds, share=st.floats(0.0, 1.0), quicker=st.floats(0.3, 1.0))
def test_rarer_faults_and_quicker_repairs_never_serve_fewer(policy, seed, share, quicker):
    world = region(seed)
    net = world.net
    better = replace(
        net, fault_rate=net.fault_rate * share, fault_h=np.maximum(net.fault_h * quicker, 1e-6),
        link_unavailability=net.link_unavailability * share,
    )  # fmt: skip
    assert served(world, policy, net=better) >= served(world, policy)


@every_policy
@some
@given(seed=seeds, site=st.integers(1, 11))
def test_one_more_site_never_serves_fewer(policy, seed, site):
    world = region(seed)
    kept = world.net.station_site[world.heard.station] != site
    without = replace(
        world.heard, cell=world.heard.cell[kept], station=world.heard.station[kept],
        rsrp_dbm=world.heard.rsrp_dbm[kept], sinr_ddb=world.heard.sinr_ddb[kept],
    )  # fmt: skip
    assert served(world, policy) >= served(world, policy, heard=without)


@every_policy
@some
@given(
    seed=seeds, added=st.sampled_from([p for p in POLICIES if p != "none"]),
    between=st.sets(st.sampled_from(OPERATORS), min_size=2),
    classes=st.sets(st.integers(0, 3), min_size=1),
)  # fmt: skip
def test_a_further_agreement_never_serves_fewer(policy, seed, added, between, classes):
    world = region(seed)
    terms = [Agreement(added, tuple(sorted(classes)), tuple(sorted(between)))]
    assert served(world, policy, agreements=terms) >= served(world, policy)


@every_policy
@some
@given(seed=seeds)
def test_every_policy_serves_at_least_those_served_without_sharing(policy, seed):
    world = region(seed)
    assert (usage_of(world, policy).accepted >= usage_of(world, "none").accepted).all()


@every_policy
@some
@given(seed=seeds)
def test_sites_counted_together_never_serve_fewer_than_each_by_itself(policy, seed):
    world = region(seed)
    assert (usage_of(world, policy, shared_states=True).accepted >= usage_of(world, policy).accepted).all()

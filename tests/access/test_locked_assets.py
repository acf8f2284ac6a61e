"""Sites that reach people who may not use them: whom, why, and what would open them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.access.gaps import classify
from phusong.access.locked_sites import (
    NO_AGREEMENT,
    HeardSites,
    heard_sites,
    locked_sites,
    people_behind_locks,
)
from phusong.invest.costs import Costs
from phusong.invest.remedy import REMEDIES, with_remedies
from phusong.io.resources import table
from phusong.service.allocation import Reception
from phusong.service.availability import site_stability
from phusong.service.capacity import CLOSED, Demand, tiers, use_network
from phusong.service.network import build_network
from phusong.service.sharing import POLICIES, grant_rights
from small_region import small_region

LOCKS = ("", "", "contract", "structural", "security", "legal", "technical", "unknown")


class World:
    """A small network with random locks, and random people who hear it."""

    def __init__(self, seed: int, policy: str) -> None:
        rng = np.random.default_rng(seed)
        r = small_region(seed=seed % 3)
        net = build_network(
            sites=r.sites, cells=r.cells, operators=r.operators, links=r.links, power_nodes=r.power_nodes,
            power_lines=r.power_lines, site_remote=rng.integers(0, 4, len(r.sites)),
        )  # fmt: skip
        lock = rng.choice(LOCKS, net.n_sites)
        self.net = replace(net, lock_reason=lock, shareable=lock == "")
        cell, station = np.nonzero(rng.random((40, net.n_stations)) < 0.25)
        level = np.round(rng.uniform(-110, -60, cell.size), 1).astype(np.float32)
        order = np.lexsort((station, cell, -level))
        self.reception = Reception(
            cell[order].astype(np.int32), station[order].astype(np.int32), level[order],
            np.full(cell.size, 120, np.int16), 40,
        )  # fmt: skip
        self.weights = rng.integers(0, 50, (40, 2))
        self.stability = site_stability(self.net)
        self.tier = tiers(self.net, grant_rights(self.net, policy))
        usage = use_network(
            self.reception, weights=self.weights, tier=self.tier,
            availability=self.stability.availability[net.station_site], availability_target=0.998,
            bandwidth_mhz=net.station_bandwidth_mhz, station_site=net.station_site,
            site_mbps=self.net.link_capacity_mbps, demand=Demand(0.02),
        )  # fmt: skip
        self.access = classify(usage, self.weights)
        self.unserved = self.weights - self.access.served
        self.heard: HeardSites = heard_sites(
            self.reception, station_site=net.station_site, n_sites=net.n_sites, tier=self.tier
        )
        self.table = locked_sites(
            self.heard, self.net, unserved=self.unserved, locked_out=self.access.locked,
            stable=self.stability.hours_lost <= 17.52, room=np.full(net.n_sites, 100),
        )  # fmt: skip


worlds = st.builds(World, st.integers(0, 10_000), st.sampled_from(list(POLICIES)))
quick = settings(deadline=None, max_examples=40)


@quick
@given(worlds)
def test_people_behind_a_lock_are_people_who_hear_it(world):
    for row in world.table.to_dict("records"):
        stations = np.flatnonzero(world.net.station_site == row["site"])
        cells = np.unique(world.reception.cell[np.isin(world.reception.station, stations)])
        assert row["people_behind"] <= world.unserved[cells].sum()
        assert row["people_locked_out"] <= row["people_behind"]
        assert row["people_only_here"] <= row["people_behind"]
        assert sum(row[f"behind_{o}"] for o in world.net.operators) == row["people_behind"]
        closed = (world.tier[stations] == CLOSED).any(axis=0)
        assert all(row[f"behind_{o}"] == 0 for k, o in enumerate(world.net.operators) if not closed[k])


@quick
@given(worlds)
def test_everybody_locked_out_stands_behind_some_closed_site(world):
    sums = people_behind_locks(world.heard, world.net, world.unserved, world.access.locked)
    sums = sums.set_index("lock_reason")
    assert sums.loc["any reason", "people_locked_out"] == world.access.locked.sum()
    assert (sums["people_locked_out"] <= sums["people_behind"]).all()
    assert sums.loc["any reason", "sites"] == len(world.table)
    single = sums.drop(["any lock", "any reason"])
    assert (single["people_behind"] <= sums.loc["any reason", "people_behind"]).all()
    assert single["people_behind"].sum() >= sums.loc["any reason", "people_behind"]
    assert single["sites"].sum() == sums.loc["any reason", "sites"]


@quick
@given(st.integers(0, 10_000))
def test_an_open_site_is_no_locked_asset(seed):
    world = World(seed, "mocn")
    assert not (world.table["lock_reason"] == NO_AGREEMENT).any()
    none = World(seed, "none").table
    assert set(none["site_id"]) >= set(world.table["site_id"])


@pytest.fixture
def costs() -> Costs:
    return Costs(horizon_years=10, discount_rate=0.05)


def test_every_lock_and_remedy_has_a_rule_and_every_rule_a_remedy():
    rules = table("lock_remedies")
    names = {r.name for r in REMEDIES}
    for reason in (*(x for x in LOCKS if x), NO_AGREEMENT):
        assert set(rules[rules["lock_reason"] == reason]["remedy"]) == names, reason
    assert rules["feasible"].isin(["yes", "if", "no"]).all()
    assert (rules["condition"].str.len() > 0)[rules["feasible"] != "yes"].all()


def test_security_leaves_only_ring_fence_and_replace(costs):
    world = World(4, "none")
    net = replace(world.net, lock_reason=np.full(world.net.n_sites, "security"))
    sites = locked_sites(
        world.heard, net, unserved=world.unserved, locked_out=world.access.locked,
        stable=np.ones(net.n_sites, bool), room=np.full(net.n_sites, 100),
    )  # fmt: skip
    found = with_remedies(sites, costs, {})
    allowed = {r.name for r in REMEDIES if found[f"cost_{r.name}_musd"].notna().any()}
    assert allowed == {"ring_fence", "replace"}
    assert (found["best_remedy"] == "replace").all()
    assert (found["people_ring_fence"] == 0).all()


@quick
@given(worlds)
def test_the_best_remedy_is_allowed_and_none_serves_more_per_million(world):
    catalogue = Costs(horizon_years=10, discount_rate=0.05)
    found = with_remedies(world.table, catalogue, dict.fromkeys(range(world.net.n_sites), 0.02))
    for row in found.to_dict("records"):
        ratios = {
            r.name: row[f"people_{r.name}"] / row[f"cost_{r.name}_musd"]
            for r in REMEDIES
            if pd.notna(row[f"cost_{r.name}_musd"])
        }
        assert all(row[f"people_{r}"] <= row["people_behind"] for r in ratios)
        best = max(ratios.values(), default=0.0)
        assert row["people_per_musd"] == pytest.approx(best)
        if row["best_remedy"]:
            assert ratios[row["best_remedy"]] == pytest.approx(best)
        fix = 0.0 if row["stable"] else 0.02
        assert row["stabilise_musd"] == fix


def test_a_site_that_nobody_can_make_stable_is_only_replaced(costs):
    world = World(1, "none")
    shaky = world.table.assign(stable=False, lock_reason="contract")
    found = with_remedies(shaky, costs, {})
    assert found["cost_contract_musd"].isna().all()
    assert (found["best_remedy"] == "replace").all()


def test_a_remedy_costs_what_its_items_cost(costs):
    world = World(2, "none")
    found = with_remedies(world.table.assign(stable=True, lock_reason="contract"), costs, {})
    expected = costs.of(contract=1.0, open_mocn=1.0, open_mocn_opex=1.0).npv_musd
    assert found["cost_contract_musd"].to_numpy() == pytest.approx(expected)

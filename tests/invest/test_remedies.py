"""What is offered really helps: plans carried out on a small region serve whom they promise."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import shapely
from carried_out import carry_out, kept_promise
from hypothesis import given, settings
from hypothesis import strategies as st

import phusong.stages.service as way
from phusong.access.gaps import classify
from phusong.access.network_state import NetworkState
from phusong.errors import InputError
from phusong.invest.bundles import OfferTerms, bridged, make_offers
from phusong.invest.candidate_sites import KINDS, find_candidates, undominated, within_room
from phusong.invest.costs import Costs
from phusong.invest.offers import BundleBuilder, works_of_bundles
from phusong.invest.program.rules import SHARING_KINDS
from phusong.invest.remedy import Remedy, Works
from phusong.radio.footprints import footprints
from phusong.scenario import Scenario
from phusong.service.availability import site_stability
from phusong.service.capacity import tiers
from phusong.stages.invest import allowed_remedies, baseline_of
from phusong.stages.radio import populated, radio_setup, standing_sites
from small_region import small_region

COSTS = Costs(horizon_years=10, discount_rate=0.05)


def computed(region, asked):
    """Return the situation of a region, as the pipeline computes it."""
    scene, radio = radio_setup(asked.radio, region)
    heard = footprints(region.cells, standing_sites(region), scene, radio, keep=populated(region))
    there = way.network_heard(asked, region, radio, heard)
    network, stability = there.network, site_stability(there.network)
    rights = way.rights_under(asked, network, asked.sharing.policy)
    tier = tiers(network, rights)
    usage = way.use_of(asked, there, stability, tier, None)
    state = NetworkState(
        network,
        stability,
        there.reception,
        there.weights,
        rights,
        tier,
        usage,
        classify(usage, there.weights),
    )
    return baseline_of(asked, region, there.ground, state), scene, radio


@cache
def world(seed):
    region = small_region(seed=seed, sites=7)
    # weak cells, so that some hear nobody
    region = replace(region, cells=region.cells.assign(eirp_dbm=38.0))
    asked = Scenario.read("default")
    baseline, scene, radio = computed(region, asked)
    candidates = find_candidates(baseline, scene, radio, region)
    return (
        region,
        asked,
        baseline,
        candidates,
        make_offers(baseline, COSTS, candidates, OfferTerms("passive")),
    )


@pytest.mark.parametrize("seed", [1, 4])
def test_candidates_say_what_they_stand_on(seed):
    _, _, _, candidates, offers = world(seed)
    assert candidates.ids.size
    assert {k for words in candidates.kind for k in words.split(";")} <= set(KINDS)
    assert (
        offers.counts["kept"]
        + offers.counts["dominated"]
        + offers.counts["cannot_be_fed"]
        + offers.counts["gain_too_few"]
        == offers.counts["candidates"]
    )


@pytest.mark.parametrize("seed", [1, 4])
def test_a_plan_carried_out_serves_as_many_as_it_promised(seed):
    region, asked, baseline, _, offers = world(seed)
    rng = np.random.default_rng(seed)
    for _ in range(3):
        chosen = rng.choice(offers.model.n_bundles, 4, replace=False)
        # one way of power and one link a site: a plan that buys two has to say which it uses
        bought = np.asarray(offers.model.needs[_one_a_site(offers, chosen)].sum(axis=0)).ravel() > 0
        after, _, _ = computed(carry_out(region, offers, bought), asked)
        promise = kept_promise(offers, bought, baseline.access.served, after.access.served)
        assert promise.promised > 0
        # every station of this region is full: neighbours take room on a new one, and leave room elsewhere
        assert promise.kept + promise.others >= promise.promised
        assert promise.share > 0.85
        # signal, rights and stability are as promised for every single one; only room is taken by somebody else
        people = np.where(offers.model.served(bought), offers.model.weights, 0.0).reshape(after.weights.shape)
        for part in (after.access.no_signal, after.access.locked, after.access.unstable):
            assert part[people > 0].sum() == 0


def _one_a_site(offers, chosen):
    seen, kept = set(), []
    for b in chosen:
        where = (offers.bundles["behind_site_ids"].iloc[b] or offers.bundles["works_site_ids"].iloc[b]).split(
            ";"
        )[0]
        if where not in seen:
            kept.append(b)
            seen.add(where)
    return kept


@pytest.mark.parametrize("seed", [1, 4])
def test_remedies_are_listed_once_and_say_who_pays(seed):
    *_, offers = world(seed)
    table = offers.remedies
    assert table["remedy_id"].is_unique
    for cell in table["payers"]:
        assert sum(float(part.rpartition(":")[2]) for part in cell.split(";")) == pytest.approx(1.0, abs=1e-5)
    assert (table["low_musd"] <= table["cost_musd"] + 1e-12).all()
    assert (table["cost_musd"] <= table["high_musd"] + 1e-12).all()


@pytest.mark.parametrize("seed", [1, 4])
def test_interim_remedies_are_in_no_bundle_and_count_nobody_twice(seed):
    *_, offers = world(seed)
    interim = offers.remedies["interim"].to_numpy(bool)
    assert interim.any()
    needed = np.asarray(offers.model.needs.sum(axis=0)).ravel() > 0
    assert not (needed & interim).any()
    assert set(offers.remedies["follows"][interim]) <= set(offers.remedies["remedy_id"][~interim])
    everything = ~interim
    people = bridged(offers, everything, np.flatnonzero(interim).tolist())
    assert people.sum() <= offers.model.people(everything)
    nothing = np.zeros(interim.size, bool)
    assert bridged(offers, nothing, np.flatnonzero(interim).tolist()).sum() == 0


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 100_000))
def test_leaving_out_dominated_candidates_never_costs_people(seed):
    rng = np.random.default_rng(seed)
    n, m = 7, 9
    covers = rng.random((n, m)) < 0.4
    price = rng.integers(1, 5, n).astype(float)
    weights = rng.integers(1, 20, m)
    keep = undominated(
        tuple(np.flatnonzero(row) for row in covers), m, np.ones(n, bool), lambda a, b: price[b] - price[a]
    )

    def best(rows, budget):
        top = 0
        for mask in range(2**rows.size):
            pick = rows[[bool(mask >> i & 1) for i in range(rows.size)]]
            if price[pick].sum() <= budget:
                top = max(top, int(weights[covers[pick].any(axis=0)].sum()))
        return top

    for budget in (2.0, 5.0):
        assert best(np.flatnonzero(keep), budget) == best(np.arange(n), budget)


@given(st.lists(st.integers(0, 30), max_size=12), st.integers(0, 60))
def test_whoever_is_taken_finds_room(people, room):
    people = np.array(people, np.int64)
    taken = within_room(np.arange(people.size), people, room)
    assert people[taken].sum() <= room or taken.size == people.size
    assert people[taken].sum() <= max(room, 0) or people.sum() <= room


def test_sites_served_over_works_elsewhere_stand_behind_them_and_the_works_at_their_own_place():
    _, _, baseline, _, _ = world(1)
    draw = BundleBuilder(baseline)
    hub, first, second = baseline.network.site_ids[1:4].tolist()
    east, north = float(baseline.site_east_m[1]), float(baseline.site_north_m[1])
    battery = draw.buy(Remedy("battery_backup", hub, COSTS.of(battery=1.0), east, north, Works(hub)))
    left = np.flatnonzero(baseline.unserved.ravel() > 0)
    halves = np.array_split(left, 3)
    # a hub's battery serves the sites behind it, each found by itself; then they are one bundle
    for site, people in zip((first, second, hub), halves, strict=True):
        assert draw.offer([battery], people, site)
    assert draw.offer([battery], halves[0], second)
    draw.merge()
    remedies = pd.DataFrame(draw.rows).assign(commune_code="00002")
    found = works_of_bundles(draw, remedies).to_dict("records")
    assert len(found) == 1
    assert found[0]["works_site_ids"] == hub
    assert found[0]["works_commune_codes"] == found[0]["main_commune_code"] == "00002"
    assert found[0]["behind_site_ids"].split(";") == [first, second]
    assert (found[0]["east_m"], found[0]["north_m"]) == (east, north)


@pytest.mark.parametrize("seed", [1, 4])
def test_works_stand_at_their_site_and_in_the_commune_round_it(seed):
    region, _, baseline, candidates, _ = world(seed)
    areas = region.communes.geometry.tolist()
    offers = make_offers(baseline, COSTS, candidates, OfferTerms("passive"), areas=areas)
    table = offers.remedies.set_index("remedy_id")
    codes = region.communes["commune_code"].tolist()
    for row in table.to_dict("records"):
        point = shapely.Point(row["east_m"], row["north_m"])
        assert areas[codes.index(row["commune_code"])].distance(point) == 0
    ids, needs = offers.remedies["remedy_id"].to_numpy(str), offers.model.needs
    for b, row in enumerate(offers.bundles.to_dict("records")):
        mine = [table.loc[r] for r in ids[needs.indices[needs.indptr[b] : needs.indptr[b + 1]]]]
        assert row["works_site_ids"].split(";") == list(
            dict.fromkeys(m["site_id"] for m in mine if m["site_id"])
        )
        assert row["works_commune_codes"].split(";") == list(dict.fromkeys(m["commune_code"] for m in mine))
        main = [m for m in mine if m["site_id"] == row["main_site_id"]]
        assert any((m["east_m"], m["north_m"]) == (row["east_m"], row["north_m"]) for m in main)


@pytest.mark.parametrize(
    "allowed",
    [{"battery_backup", "diesel_backup"}, {"build_site", "add_radio", "solar_backup", "microwave_link"}],
)
def test_only_what_may_be_bought_is_offered(allowed):
    _, _, baseline, candidates, everything = world(4)
    offers = make_offers(baseline, COSTS, candidates, OfferTerms("none", remedies=frozenset(allowed)))
    assert set(offers.remedies["kind"]) <= allowed
    assert 0 < offers.model.n_bundles < everything.model.n_bundles


def test_without_sharing_nothing_is_bought_that_shares_unless_it_is_listed():
    none = Scenario.from_tree({"sharing": {"policy": "none"}})
    assert not allowed_remedies(none) & SHARING_KINDS
    assert allowed_remedies(none, "mocn") >= SHARING_KINDS
    listed = Scenario.from_tree({"invest": {"remedies": ["open_mocn", "extend_grid"]}})
    assert allowed_remedies(listed) == {"open_mocn", "extend_grid", "feeder"}
    assert allowed_remedies(Scenario.from_tree({"invest": {"remedies": ["all"]}})) >= SHARING_KINDS
    with pytest.raises(InputError, match="battery_backup"):
        allowed_remedies(Scenario.from_tree({"invest": {"remedies": ["batery_backup", "nothing"]}}))

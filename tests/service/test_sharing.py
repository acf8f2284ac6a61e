"""Who may use what, who pays what."""

from dataclasses import replace

import numpy as np
import pytest
from test_power import network

from phusong.errors import InputError
from phusong.service.capacity import CLOSED, tiers
from phusong.service.sharing import POLICIES, Agreement, grant_rights, operator_cost, released_radios
from reference_cases import needs_reference

PITAL_BASELINE_USD = 1_945_938.0  # ten new rural 4G sites with microwave, ten years (shared/facts.md)


def site_costs(years: int = 2) -> dict[str, float]:
    opex = sum(1.05**-y for y in range(years))
    once = {"equipment": 40_000.0, "site_build": 30_000.0, "installation": 30_000.0}
    yearly = {"site_rental": 2_000.0, "operation": 7_400.0, "power": 2_200.0}
    return {k: 1.15 * v for k, v in (once | {k: v * opex for k, v in yearly.items()}).items()}


def test_savings_are_those_of_the_published_rural_site():
    # pobis: three networks, one new rural 4G site, two years
    items = site_costs()
    base = operator_cost("none", items, 3)
    assert base - operator_cost("passive_backhaul", items, 3) == pytest.approx(48_993.45, abs=1.0)
    assert base - operator_cost("moran", items, 3) == pytest.approx(94_029.37, abs=1.0)


@pytest.mark.parametrize("networks", [2, 3, 4])
def test_a_shared_rural_network_saves_all_but_one_part_in_so_many(networks):
    # pytal: -50.0, -66.7, -75.0 % for 2, 3, 4 operators: everything is divided
    items = site_costs(10) | {"backhaul": 20_000.0, "spectrum": 5_000.0, "core": 9_000.0}
    saving = 1.0 - operator_cost("srn", items, networks) / operator_cost("none", items, networks)
    assert saving == pytest.approx({2: 0.5, 3: 2 / 3, 4: 0.75}[networks], abs=5e-4)


@pytest.mark.parametrize(
    ("policy", "published"),
    [("passive", {2: 0.098, 3: 0.130, 4: 0.147}), ("moran", {2: 0.460, 3: 0.613, 4: 0.690})],
)
def test_savings_grow_with_networks_as_published(policy, published):
    """The share of cost that pytal's strategies divide is not published; with it, all three figures follow.

    From the saving of three networks the divided share is s = saving / (1 - 1/3); the cost of that share is put
    into one item the policy divides, the rest into one that no such policy divides.
    """
    divided = published[3] / (1.0 - 1.0 / 3.0)
    items = {"site_build": divided * PITAL_BASELINE_USD, "core": (1.0 - divided) * PITAL_BASELINE_USD}
    for networks, saving in published.items():
        paid = operator_cost(policy, items, networks)
        assert 1.0 - paid / PITAL_BASELINE_USD == pytest.approx(saving, abs=1.1e-3)  # all published to 0.1 %


def test_sharing_more_never_costs_an_operator_more():
    items = site_costs() | {"backhaul": 20_000.0, "spectrum": 5_000.0, "core": 9_000.0}
    paid = [
        operator_cost(p, items, 3) for p in ("none", "passive", "passive_backhaul", "moran", "mocn", "srn")
    ]
    assert paid == sorted(paid, reverse=True)


@pytest.mark.parametrize(
    ("items", "networks", "word"),
    [({"towr": 1.0}, 3, "towr"), ({"power": -1.0}, 3, "power"), ({}, 0, "networks")],
)
def test_wrong_costs_are_refused_by_name(items, networks, word):
    with pytest.raises(InputError, match=word):
        operator_cost("none", items, networks)


def test_an_unknown_policy_suggests_the_nearest():
    with pytest.raises(InputError, match="mocn"):
        grant_rights(network(), "mocm")


def test_wrong_agreements_are_refused_all_at_once():
    wrong = [Agreement("mocn", between=("red", "bleu")), Agreement("mocn", classes=(7,)),
             Agreement("mocn", between=("red",)), Agreement("mocn", first_year=2030, last_year=2029)]  # fmt: skip
    with pytest.raises(InputError) as told:
        grant_rights(network(), "none", wrong)
    assert len(told.value.problems) == 4
    assert "blue" in str(told.value)


def test_tiers_only_open_as_policies_open():
    net = network()
    closed = [
        int((tiers(net, grant_rights(net, p)) == CLOSED).sum())
        for p in ("none", "passive", "moran", "mocn", "roaming")
    ]
    assert closed == sorted(closed, reverse=True)
    assert closed[-1] == 0


@pytest.mark.parametrize("policy", list(POLICIES))
def test_locked_by_security_opens_to_nobody(policy):
    net = network()
    n = net.n_sites
    net = replace(net, lock_reason=np.full(n, "security"), shareable=np.zeros(n, bool), remote=np.full(n, 3))
    rights = grant_rights(net, policy)
    for granted in (rights.agreed, rights.roamed, rights.hosted, rights.pooled):
        assert not granted.any()


@pytest.mark.parametrize("policy", ["passive", "passive_backhaul", "moran"])
def test_a_full_tower_takes_no_guest(policy):
    net = network()
    full = replace(net, spare_slots=np.zeros(net.n_sites, np.int64))
    rights = grant_rights(full, policy)
    assert not rights.hosted.any()
    assert not rights.agreed.any()
    assert grant_rights(net, policy).hosted.any()


@pytest.mark.parametrize("policy", ["passive", "passive_backhaul"])
def test_passive_sharing_opens_no_radio(policy):
    rights = grant_rights(network(), policy)
    assert not rights.agreed.any()
    assert not rights.roamed.any()


@pytest.mark.parametrize("policy", ["neutral_host", "srn"])
def test_the_rural_policies_leave_towns_alone(policy):
    net = network()
    town = replace(net, remote=np.zeros(net.n_sites, np.int64))
    assert not grant_rights(town, policy).agreed.any()
    far = grant_rights(replace(net, remote=np.full(net.n_sites, 3)), policy)
    assert far.agreed.any()
    assert far.new_sites_open.tolist() == [False, False, True, True]


def test_one_radio_a_site_stays_and_the_others_are_released():
    net = network()
    doubled = replace(
        net, remote=np.full(net.n_sites, 3), shareable=np.ones(net.n_sites, bool),
        lock_reason=np.full(net.n_sites, "", dtype="U8"),
        station_site=np.r_[net.station_site, net.station_site], station_operator=np.r_[net.station_operator, 1 - net.station_operator],
        station_ids=np.r_[net.station_ids, np.char.add(net.station_ids, "+")], station_guests=np.tile(net.station_guests, 2),
    )  # fmt: skip
    freed = released_radios(doubled, grant_rights(doubled, "srn"))
    assert (freed == (np.bincount(net.station_site, minlength=net.n_sites) > 0)).all()
    assert released_radios(net, grant_rights(net, "mocn")).sum() == 0


def test_an_agreement_holds_only_in_its_years():
    net = network()
    terms = [Agreement("mocn", first_year=2027, last_year=2029)]
    granted = [bool(grant_rights(net, "none", terms, year).agreed.any()) for year in (2026, 2027, 2029, 2030)]
    assert granted == [False, True, True, False]


def test_a_pair_lets_no_third_operator_in():
    net = network()
    three = replace(net, operators=("red", "blue", "green"), shares=np.array([0.5, 0.3, 0.2]))
    rights = grant_rights(three, "none", [Agreement("mocn", between=("red", "green"))])
    assert rights.agreed[:, 2].any()
    assert not rights.agreed[:, 1].any()
    assert not rights.agreed[three.station_operator == 1].any()
    assert not rights.agreed[three.owner[three.station_site] == 1].any()


def test_a_class_opens_no_other_commune():
    net = network()
    mixed = replace(net, remote=np.arange(net.n_sites) % 4)
    rights = grant_rights(mixed, "none", [Agreement("roaming", classes=(3,))])
    assert not rights.roamed[mixed.remote[mixed.station_site] != 3].any()


@needs_reference
def test_the_published_figures_are_those_of_the_reference_folder():
    from reference_cases import REFERENCE

    text = (REFERENCE / "facts.md").read_text(encoding="utf-8")
    for figure in ("1,945,938", "−13.0", "−61.3", "−66.7", "−9.8 / −46.0 / −50.0", "−14.7 / −69.0 / −75.0"):
        assert figure in text

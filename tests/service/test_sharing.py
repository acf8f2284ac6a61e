"""Who may use what, who pays what."""

from dataclasses import replace

import numpy as np
import pytest
from test_power import network

from phusong.errors import InputError
from phusong.service.capacity import CLOSED, tiers
from phusong.service.sharing import POLICIES, opened_sites, operator_cost, roamed_sites


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
        opened_sites(network(), "mocm")


def test_tiers_only_open_as_policies_open():
    net = network()
    closed = [
        int((tiers(net, opened_sites(net, p), roamed_sites(net, p)) == CLOSED).sum())
        for p in ("none", "passive", "moran", "mocn", "roaming")
    ]
    assert closed == sorted(closed, reverse=True)
    assert closed[-1] == 0


@pytest.mark.parametrize("policy", list(POLICIES))
def test_locked_by_security_opens_to_nobody(policy):
    net = network()
    n = net.n_sites
    net = replace(net, lock_reason=np.full(n, "security"), shareable=np.zeros(n, bool))
    assert not opened_sites(net, policy).any()

"""The compiled search of repairs against the same rule written plainly, with whole networks."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.invest.site_hardening import LinkChoices, PowerChoices, repairs
from phusong.service.availability import site_stability
from phusong.service.network import Network
from service_network import network_of


def choices(net: Network, rng: np.random.Generator) -> tuple[PowerChoices, LinkChoices]:
    n, kinds = net.n_sites, (2, 2)
    price = [np.where(rng.random((k, n)) < 0.7, rng.uniform(0.001, 0.1, (k, n)), np.inf) for k in kinds]
    power = PowerChoices(
        price[0], rng.choice([1, 3], (2, n)), rng.integers(-1, net.node_above.size, (2, n)),
        rng.uniform(0.0, 48.0, (2, n)), rng.choice([0.0, 1.6, 2.5], (2, n)),
    )  # fmt: skip
    # the first site is an exchange: a link to it makes no ring
    return power, LinkChoices(price[1], np.zeros((2, n), np.int64), rng.uniform(0.0, 0.01, (2, n)))


def changed(
    net: Network, power: PowerChoices, link: LinkChoices, row: tuple[int, int], choice: int
) -> Network:
    """Return a network after one remedy, as the network itself changes."""
    p, q = row
    at = choice % net.n_sites
    if choice >= net.n_sites:
        parent, lost = net.parent.copy(), net.link_unavailability.copy()
        # a link to where the old one leads stands beside it
        beside = lost[at] if parent[at] == link.parent[q, at] else 1.0
        parent[at], lost[at] = link.parent[q, at], beside * link.unavailability[q, at]
        return replace(net, parent=parent, link_unavailability=lost)
    after = net.with_supply(
        at,
        source=int(power.source[p, at]),
        node=int(power.node[p, at]),
        autonomy_h=float(power.autonomy_h[p, at]),
    )
    if power.oversize[p, at] > 0.0:
        panels = after.oversize.copy()
        panels[at] = power.oversize[p, at]
        after = replace(after, oversize=panels)
    return after


def plainly(net, power, link, row, site, allowed) -> list[int]:
    """Return the remedies by the rule as it is told: the most hours for the money, until it is enough."""
    taken: list[int] = []

    def hours(of: Network) -> float:
        return float(site_stability(of, np.array([site])).hours_lost[0])

    while hours(net) > allowed:
        best = None
        chain, at = [], site
        while at >= 0 and not net.is_exchange[at] and len(chain) < 12:
            chain.append(at)
            at = int(net.parent[at])
        for k in chain if len(taken) < 5 else []:
            for choice, cost in (
                (k, power.cost_musd[row[0], k]),
                (net.n_sites + k, link.cost_musd[row[1], k]),
            ):
                saved = hours(net) - hours(changed(net, power, link, row, choice))
                if choice in taken or np.isinf(cost) or saved <= 0.05:
                    continue
                if best is None or saved / cost > best[0]:
                    best = saved / cost, choice
        if best is None:
            return []
        taken.append(best[1])
        net = changed(net, power, link, row, best[1])
    return taken


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), allowed=st.sampled_from([10.0, 40.0, 80.0]))
def test_repairs_are_those_of_the_rule_written_plainly(seed, allowed):
    rng = np.random.default_rng(seed)
    net = network_of(seed=seed % 7, sites=8)
    power, link = choices(net, rng)
    site = int(rng.integers(net.n_sites))
    found = repairs(net, site, power, link, hours_allowed=allowed)
    for row, chosen in enumerate(found):
        assert chosen[chosen >= 0].tolist() == plainly(net, power, link, (row // 2, row % 2), site, allowed)

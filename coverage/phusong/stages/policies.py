"""Sharing policies compared: the network's state under each, what a plan adds, and a row of figures for each."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from phusong.access.gaps import classify
from phusong.access.network_state import NetworkState
from phusong.compute.cache import StageCache, StageNote
from phusong.compute.executor import Executor
from phusong.compute.serialize import fingerprint
from phusong.invest.context import Baseline
from phusong.invest.cost_sharing import ITEM_OF_KIND
from phusong.invest.costs import Costs
from phusong.invest.portfolio import Portfolio
from phusong.radio.jobs import RadioPlan, Scene
from phusong.region.folder import Region
from phusong.scenario import Scenario, policy_label
from phusong.service.availability import Stability
from phusong.service.capacity import Usage, tiers
from phusong.service.outage_states import States
from phusong.service.policies import POLICIES
from phusong.service.sharing import operator_cost, released_radios
from phusong.stages.invest import baseline_of, costs_of, invest
from phusong.stages.service import NetworkHeard, rights_under, use_of

__all__ = [
    "Investment",
    "gains_over_none",
    "invest_by_policy",
    "planned_row",
    "policy_row",
    "state_by_policy",
]

Share = Callable[[float], None]

_NEW_SITE = {
    "site_build": {"tower": 1.0}, "installation": {"installation": 1.0}, "equipment": {"radio": 1.0},
    "operation": {"site_opex": 1.0}, "power": {"site_power": 1.0}, "backhaul": {"microwave": 1.0, "microwave_opex": 1.0},
}  # fmt: skip


def policy_row(policy: str, state: NetworkState, costs: Costs) -> dict[str, Any]:
    """Return what a policy does to people and to running cost, before any plan.

    Returns
    -------
    dict
        `policy`, people served and by gap part; `guests` (people served by another operator's radio);
        `sites_opened` (where guests are served) and `policy_cost_musd`, what opening them costs, net present;
        `radios_released` and `saved_musd_year`; `new_site_operator_musd`, what each of all networks pays for a new
        rural site with microwave when what the policy shares is divided among them. [million USD, net present]
    """
    network, rights, usage = state.network, state.rights, state.usage
    released = int(released_radios(network, rights).sum())
    items = {name: costs.of(**amounts).npv_musd for name, amounts in _NEW_SITE.items()}
    base = policy.split(maxsplit=1)[0]
    used = (usage.station_guests > 0) & (rights.granted_by != "")
    pairs = sorted(
        set(zip(network.station_site[used].tolist(), rights.granted_by[used].tolist(), strict=True))
    )
    opening_musd = cache(lambda name: costs.of(**POLICIES[name].opening).npv_musd)
    return {
        "policy": policy,
        **{name: int(people.sum()) for name, people in state.access.by_cell().items()},
        "guests": int(usage.station_guests.sum()),
        "sites_opened": len({site for site, _ in pairs}),
        "policy_cost_musd": float(sum(opening_musd(name) for _, name in pairs)),
        "radios_released": released,
        "saved_musd_year": costs.of(radio_opex=float(released)).opex_musd_year,
        "new_site_operator_musd": operator_cost(base, items, len(network.operators)),
    }


def planned_row(row: Mapping[str, Any], portfolio: Portfolio, networks: int) -> dict[str, Any]:
    """Return a policy's row with what the budget buys under it.

    Returns
    -------
    dict
        And `people_served_with_plan`, `plan_people_gained`, `plan_cost_musd`, `plan_people_per_musd`,
        `plan_operator_musd` (each network's part when what the policy shares is divided).
    """
    plan = portfolio.plan
    items: dict[str, float] = {}
    for kind, cost in zip(plan["kind"].astype(str), plan["cost_musd"].astype(float), strict=True):
        items[ITEM_OF_KIND[kind]] = items.get(ITEM_OF_KIND[kind], 0.0) + cost
    gained, cost = round(portfolio.best.people), portfolio.best.cost_musd
    return {
        **row,
        "people_served_with_plan": int(row["people_served"]) + gained,
        "plan_people_gained": gained,
        "plan_cost_musd": cost,
        "plan_people_per_musd": gained / cost if cost > 0 else 0.0,
        "plan_operator_musd": operator_cost(str(row["policy"]).split()[0], items, networks),
    }


def gains_over_none(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the policies' rows with what each gains over no sharing, per million USD.

    Returns
    -------
    list of dict
        With `people_gained` and `people_per_musd` (of opening sites), and where there are plans
        `people_gained_with_plan` and `people_per_musd_with_plan` (of opening sites and the plan together). Missing where
        no sharing was not compared, or nothing is spent.
    """
    alone = next((row["people_served"] for row in rows if row["policy"] == "none"), None)
    out = []
    for row in rows:
        gained = np.nan if alone is None else float(row["people_served"] - alone)
        found = {**row, "people_gained": gained, "people_per_musd": _per(gained, row["policy_cost_musd"])}
        if "plan_cost_musd" in row:
            more = gained + row["plan_people_gained"]
            found["people_gained_with_plan"] = more
            found["people_per_musd_with_plan"] = _per(more, row["policy_cost_musd"] + row["plan_cost_musd"])
        out.append(found)
    return out


def _per(people: float, musd: float) -> float:
    return people / musd if musd > 0 else float("nan")


def state_by_policy(
    asked: Scenario,
    there: NetworkHeard,
    stability: Stability,
    states: States | None,
    *,
    stage_cache: StageCache,
    executor: Executor,
    tell: Share,
) -> dict[str, NetworkState]:
    """Return the network's state under each policy that the scenario compares; that in force comes last.

    Policies that let the same people use the same stations are computed once.
    """
    network = there.network
    reads: dict[str, object] = {
        "network": network,
        "hours lost": stability,
        "who hears what": there.reception,
        "people": there.weights,
        "sampled states": states,
        "service settings": asked.service.model_dump(mode="json"),
    }
    if stage_cache.store is not None:
        # once for all policies: a country's lists take a second each time
        reads = {name: fingerprint(value) for name, value in reads.items()}
    known: dict[str, tuple[str, Usage]] = {}
    compared = _compared(asked)
    out = {}
    for done, (policy, agreed) in enumerate(compared.items()):
        tell(done / len(compared))
        start = time.perf_counter()
        rights = rights_under(asked, network, policy, agreed=agreed)
        tier = tiers(network, rights)
        mark = fingerprint(tier)
        if mark in known:
            other, usage = known[mark]
            why = f"the same people may use the same stations as under {other}"
            stage_cache.notes.append(StageNote(f"access, {policy}", True, why, time.perf_counter() - start))
        else:
            usage = stage_cache.stage(
                f"access, {policy}",
                lambda tier=tier: use_of(asked, there, stability, tier, states, executor),  # type: ignore[misc]
                reads | {"who may use what": mark},
                (Usage,),
                by=(use_of,),
            )
            known[mark] = policy, usage
        access = classify(usage, there.weights)
        out[policy] = NetworkState(
            network, stability, there.reception, there.weights, rights, tier, usage, access
        )
    return out


@dataclass(frozen=True)
class Investment:
    """What to do, and how the policies compare.

    Parameters
    ----------
    baseline : Baseline
        What investing started from, under the policy in force.
    portfolio : Portfolio
        Options, plan and how sure they are, under the policy in force.
    stabilise_musd : mapping of int to float
        Least cost of making each unstable site stable. [million USD, net present]
    policies : list of dict
        A row of figures for each policy, in the scenario's order.
    """

    baseline: Baseline
    portfolio: Portfolio
    stabilise_musd: Mapping[int, float]
    policies: list[dict[str, Any]]


def invest_by_policy(
    asked: Scenario,
    region: Region,
    there: NetworkHeard,
    states: Mapping[str, NetworkState],
    scene: Scene,
    radio: RadioPlan,
    *,
    stage_cache: StageCache,
    executor: Executor,
    part: Callable[..., Share],
) -> Investment:
    """Return what to do under the policy in force, and under the others where their plans are compared."""
    *others, in_force = states
    costs, networks = costs_of(asked), len(there.network.operators)
    rows = {policy: policy_row(policy, state, costs) for policy, state in states.items()}
    planned = [in_force, *others] if asked.sharing.compare_plans else [in_force]
    found = {}
    for done, policy in enumerate(planned):
        baseline = baseline_of(asked, region, there.ground, states[policy])
        tell = part(done / len(planned), (done + 1) / len(planned))
        known = None if policy == in_force else policy
        portfolio, stabilise_musd = invest(
            asked, baseline, scene, radio, region, stage_cache, executor, policy=known, tell=tell
        )
        found[policy] = baseline, portfolio, stabilise_musd
    if asked.sharing.compare_plans:
        rows = {policy: planned_row(row, found[policy][1], networks) for policy, row in rows.items()}
    listed = [*asked.sharing.compare, in_force]
    ordered = [rows[policy] for policy in sorted(rows, key=listed.index)]
    return Investment(*found[in_force], gains_over_none(ordered))


def _compared(asked: Scenario) -> dict[str, bool]:
    """Return the policies to compare, each with whether the agreements join it; the one in force comes last."""
    own = asked.sharing.policy
    names = [p for p in dict.fromkeys((*asked.sharing.compare, own)) if p != own or asked.sharing.agreements]
    return {**dict.fromkeys(names, False), policy_label(asked.sharing): True}

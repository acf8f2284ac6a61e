"""The access stage: who is served under each policy, kept until something that it reads changes."""

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from phusong.engine.crew import Crew
from phusong.engine.fingerprint import fingerprint
from phusong.engine.keeping import Keeper, StageNote
from phusong.scenario import Scenario
from phusong.service.capacity import Usage, tiers
from phusong.service.power import Stability
from phusong.service.sharing import Rights
from phusong.service.states import States
from phusong.service_setup import NetworkHeard, use_of

__all__ = ["usage_by_policy"]


def usage_by_policy(
    asked: Scenario,
    there: NetworkHeard,
    stability: Stability,
    states: States | None,
    keeper: Keeper,
    crew: Crew,
) -> Callable[[str, Rights], tuple[Usage, npt.NDArray[np.int8]]]:
    """Return a function that gives, for a policy and its rights, how people use the network and in which round.

    Policies that let the same people use the same stations are computed once.
    """
    reads: dict[str, object] = {
        "network": there.network,
        "hours lost": stability,
        "who hears what": there.reception,
        "people": there.weights,
        "sampled states": states,
        "service settings": asked.service.model_dump(mode="json"),
    }
    if keeper.store is not None:
        # once for all policies: a country's lists take a second each time
        reads = {name: fingerprint(value) for name, value in reads.items()}
    known: dict[str, tuple[str, Usage]] = {}

    def used(policy: str, rights: Rights) -> tuple[Usage, npt.NDArray[np.int8]]:
        start = time.perf_counter()
        tier = tiers(there.network, rights)
        mark = fingerprint(tier)
        if mark in known:
            other, usage = known[mark]
            why = f"the same people may use the same stations as under {other}"
            keeper.notes.append(StageNote(f"access, {policy}", True, why, time.perf_counter() - start))
            return usage, tier
        usage = keeper.stage(
            f"access, {policy}",
            lambda: use_of(
                asked, there.network, stability, there.reception, there.weights, rights, states, crew
            )[0],
            reads | {"who may use what": mark},
            (Usage,),
            by=(use_of,),
        )
        known[mark] = policy, usage
        return usage, tier

    return used

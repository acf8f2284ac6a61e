"""Who may use whose site under a sharing policy, and what one operator pays."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from phusong.errors import InputError, Problem, nearest_name
from phusong.service.network import Network

__all__ = ["POLICIES", "opened_sites", "operator_cost", "roamed_sites"]

Bools = npt.NDArray[np.bool_]

_REMOTE_FROM = 2  # remoteness class from which the rural policies apply

# items whose cost the networks divide, by policy: passive sharing divides the structure, MORAN adds the radio
# with its energy and upkeep, MOCN adds spectrum, a shared rural network the core too
_PASSIVE = frozenset({"site_build", "installation", "site_rental"})
_BACKHAUL = frozenset({"backhaul"})
_RADIO = frozenset({"equipment", "operation", "power"})
_SPECTRUM = frozenset({"spectrum"})
_CORE = frozenset({"core"})
_ITEMS = _PASSIVE | _BACKHAUL | _RADIO | _SPECTRUM | _CORE
POLICIES: Mapping[str, frozenset[str]] = {
    "none": frozenset(),
    "passive": _PASSIVE,
    "passive_backhaul": _PASSIVE | _BACKHAUL,
    "moran": _PASSIVE | _BACKHAUL | _RADIO,
    "mocn": _PASSIVE | _BACKHAUL | _RADIO | _SPECTRUM,
    "roaming": _PASSIVE | _BACKHAUL | _RADIO | _SPECTRUM,
    "neutral_host": _PASSIVE | _BACKHAUL | _RADIO,
    "srn": _PASSIVE | _BACKHAUL | _RADIO | _SPECTRUM | _CORE,
}


def opened_sites(network: Network, policy: str) -> Bools:
    """Return the sites whose radio other operators' subscribers may use, by agreement.

    Parameters
    ----------
    network : Network
        Sites with their locks, spare slots and remoteness.
    policy : str
        A sharing policy.

    Returns
    -------
    ndarray of bool, shape (n_sites,)
        `none`, `passive` and `passive_backhaul` open no radio. `moran` needs a free slot for the guest's
        carrier; `mocn` and `roaming` need only that the site is not locked. `neutral_host` and `srn` act in
        remote communes: the first lifts contract and legal locks there, the second all but security.
    """
    _check(policy)
    free = network.shareable
    far = network.remote >= _REMOTE_FROM
    if policy == "moran":
        return np.asarray(free & (network.spare_slots > 0))
    if policy in {"mocn", "roaming"}:
        return np.asarray(free)
    if policy == "neutral_host":
        return np.asarray(far & (free | np.isin(network.lock_reason, ["contract", "legal", "unknown"])))
    if policy == "srn":
        return np.asarray(far & (network.lock_reason != "security"))
    return np.zeros(network.n_sites, bool)


def roamed_sites(network: Network, policy: str) -> Bools:
    """Return the sites that subscribers of any operator may roam on, locked or not.

    National roaming needs no room on the tower and no contract on it: only the host's core lets guests in.
    """
    _check(policy)
    return np.full(network.n_sites, policy == "roaming")


def operator_cost(policy: str, items: Mapping[str, float], networks: int) -> float:
    """Return what one operator pays: cost / networks for what is shared, the whole for what is not.

    Parameters
    ----------
    policy : str
        A sharing policy.
    items : mapping of str to float
        Cost of `site_build`, `installation`, `site_rental`, `backhaul`, `equipment`, `operation`, `power`,
        `spectrum`, `core` (any of them), in any one currency.
    networks : int
        Operators that share.

    Raises
    ------
    InputError
        For an unknown policy or item, a negative cost, or less than one network.

    References
    ----------
    Osoro and Oughton, IEEE Access 10 (2022), on infrastructure sharing strategies.
    """
    _check(policy)
    problems = [
        Problem("operator_cost", f"is no cost item{nearest_name(name, _ITEMS)}", column=name)
        for name in items
        if name not in _ITEMS
    ]
    problems += [
        Problem("operator_cost", "must be 0 or more", column=name, value=cost)
        for name, cost in items.items()
        if not cost >= 0
    ]
    if networks < 1:
        problems.append(Problem("operator_cost", "must be 1 or more", column="networks", value=networks))
    if problems:
        raise InputError(problems)
    shared = POLICIES[policy]
    return sum(cost / networks if name in shared else cost for name, cost in items.items())


def _check(policy: str) -> None:
    if policy not in POLICIES:
        raise InputError(
            Problem("sharing.policy", f"is no policy{nearest_name(policy, POLICIES)}", value=policy)
        )

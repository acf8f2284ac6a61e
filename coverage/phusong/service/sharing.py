"""Who may use whose site under a sharing policy and agreements, and what one operator pays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.compute.array_types import Bools, Ints
from phusong.errors import InputError, Problem, nearest_name, refuse
from phusong.service.network import Network
from phusong.service.policies import ITEMS, POLICIES

__all__ = [
    "CLASSES",
    "POLICIES",
    "Agreement",
    "Rights",
    "check_agreements",
    "grant_rights",
    "operator_cost",
    "released_radios",
]


CLASSES = (0, 1, 2, 3)  # remoteness: urban, rural, remote, very remote


@dataclass(frozen=True)
class Agreement:
    """A policy among some operators, in some communes, for some years.

    Parameters
    ----------
    policy : str
        What they agree on.
    classes : tuple of int
        Remoteness classes of the communes where it holds; all when left out.
    between : tuple of str
        Operators that share with each other; all when left out.
    first_year, last_year : int
        Years in which it holds, both included.
    """

    policy: str
    classes: tuple[int, ...] = CLASSES
    between: tuple[str, ...] = ()
    first_year: int = 0
    last_year: int = 9999

    def holds_in(self, year: int) -> bool:
        """Return whether it is in force in a year."""
        return self.first_year <= year <= self.last_year


@dataclass(frozen=True)
class Rights:
    """What operators may do at each other's sites.

    Parameters
    ----------
    agreed, roamed : ndarray of bool, shape (n_stations, n_operators)
        Whether an operator's subscribers may use a station by agreement, and by roaming after everybody else.
    hosted : ndarray of bool, shape (n_sites, n_operators)
        Whether an operator may hang its own radio there without opening the site first.
    pooled : ndarray of bool, shape (n_stations,)
        Stations that one shared radio takes the place of.
    new_sites_open : ndarray of bool, shape (4,)
        Remoteness classes in which a new site serves every operator without a further contract.
    granted_by : ndarray of str, shape (n_stations,)
        The policy that first let others use each station; empty where none did.
    """

    agreed: Bools
    roamed: Bools
    hosted: Bools
    pooled: Bools
    new_sites_open: Bools
    granted_by: npt.NDArray[np.str_]


def grant_rights(
    network: Network, policy: str, agreements: Sequence[Agreement] = (), year: int = 2026
) -> Rights:
    """Return what operators may do at each other's sites: the policy everywhere, and every agreement in force.

    Parameters
    ----------
    network : Network
        Sites with locks, spare slots and remoteness; stations with operators.
    policy : str
        Sharing policy in force nationwide.
    agreements : sequence of Agreement
        What some operators agreed on beyond it; rights add up.
    year : int
        Agreements that do not hold in this year grant nothing.

    Raises
    ------
    InputError
        For a policy, operator or class that is not known; all of them at once.

    Notes
    -----
    An agreement binds the operator of the station and the owner of the site, where the owner is an operator: no
    operator can let others onto a tower that belongs to one outside the agreement.
    """
    check_agreements(network.operators, (Agreement(policy), *agreements))
    n_ops = len(network.operators)
    agreed = np.zeros((network.n_stations, n_ops), bool)
    roamed, hosted = agreed.copy(), np.zeros((network.n_sites, n_ops), bool)
    pooled, open_new = np.zeros(network.n_stations, bool), np.zeros(len(CLASSES), bool)
    by = np.full(network.n_stations, "", "U16")
    for agreement in (Agreement(policy), *(a for a in agreements if a.holds_in(year))):
        rule, member = POLICIES[agreement.policy], _members(network, agreement)
        here = np.isin(network.remote, agreement.classes) & _owner_in(network, member)
        station = here[network.station_site] & member[network.station_operator]
        agreed |= _pairs(rule.opens(network)[network.station_site] & station, member)
        roamed |= _pairs(rule.roams(network)[network.station_site] & station, member)
        by[(by == "") & (agreed | roamed).any(axis=1)] = rule.name
        hosted |= _pairs(rule.hosts(network) & here, member)
        pooled |= rule.pools(network)[network.station_site] & station
        if member.all():
            open_new[[c for c in rule.new_sites_open if c in agreement.classes]] = True
    return Rights(agreed, roamed, hosted, pooled, open_new, by)


def check_agreements(operators: Sequence[str], agreements: Sequence[Agreement]) -> None:
    """Raise where an agreement names a policy, operator, class or span of years that makes no sense.

    Raises
    ------
    InputError
        With every problem of every agreement.
    """
    refuse(p for a in agreements for p in _problems(operators, a))


def released_radios(network: Network, rights: Rights) -> Ints:
    """Return how many radios each site can switch off because one pooled radio serves in their place.

    Returns
    -------
    ndarray of int, shape (n_sites,)
    """
    pooled = np.bincount(network.station_site[rights.pooled], minlength=network.n_sites)
    return np.asarray(np.maximum(pooled - 1, 0), np.int64)


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
    problems = _unknown(policy, "sharing.policy")
    problems += [
        Problem("operator_cost", f"is no cost item{nearest_name(name, ITEMS)}", column=name)
        for name in items
        if name not in ITEMS
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
    shared = POLICIES[policy].divides
    return sum(cost / networks if name in shared else cost for name, cost in items.items())


def _pairs(place: Bools, member: Bools) -> Bools:
    return np.asarray(place[:, None] & member[None, :])


def _members(network: Network, agreement: Agreement) -> Bools:
    if not agreement.between:
        return np.ones(len(network.operators), bool)
    return np.isin(network.operators, agreement.between)


def _owner_in(network: Network, member: Bools) -> Bools:
    # towers of others than operators are open to whoever agrees with their tenants
    return np.asarray((network.owner < 0) | member[np.maximum(network.owner, 0)])


def _problems(operators: Sequence[str], agreement: Agreement) -> list[Problem]:
    found = _unknown(agreement.policy, "sharing.policy")
    found += [
        Problem(
            "sharing.agreements",
            f"is no operator of the region{nearest_name(name, operators)}; there are {', '.join(operators)}",
            column="between",
            value=name,
        )
        for name in agreement.between
        if name not in operators
    ]
    found += [
        Problem("sharing.agreements", "is no remoteness class (0 to 3)", column="classes", value=c)
        for c in agreement.classes
        if c not in CLASSES
    ]
    if len(set(agreement.between)) == 1:
        found.append(
            Problem(
                "sharing.agreements",
                "must name two operators or more",
                column="between",
                value=agreement.between[0],
            )
        )
    if agreement.first_year > agreement.last_year:
        found.append(
            Problem(
                "sharing.agreements",
                "must not end before it begins",
                column="until",
                value=agreement.last_year,
            )
        )
    return found


def _unknown(policy: str, where: str) -> list[Problem]:
    if policy in POLICIES:
        return []
    return [Problem(where, f"is no policy{nearest_name(policy, POLICIES)}", value=policy)]

"""What a sharing policy is: which cost it divides, whose radio and which towers it opens, what it pools."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.service.network import Network

__all__ = [
    "BACKHAUL", "CORE", "ITEMS", "PASSIVE", "RADIO", "REMOTE_FROM", "SPECTRUM", "Policy", "has_room", "no_site",
    "remote", "unlocked",
]  # fmt: skip

Bools = npt.NDArray[np.bool_]

REMOTE_FROM = 2  # remoteness class from which the rural policies apply

PASSIVE = frozenset({"site_build", "installation", "site_rental"})
BACKHAUL = frozenset({"backhaul"})
RADIO = frozenset({"equipment", "operation", "power"})
SPECTRUM = frozenset({"spectrum"})
CORE = frozenset({"core"})
ITEMS = PASSIVE | BACKHAUL | RADIO | SPECTRUM | CORE
"""Items of cost that networks may divide."""


def no_site(network: Network) -> Bools:
    """Return no site."""
    return np.zeros(network.n_sites, bool)


def unlocked(network: Network) -> Bools:
    """Return the sites that no lock closes."""
    return np.asarray(network.shareable)


def has_room(network: Network) -> Bools:
    """Return the unlocked sites with a free antenna position: structure and slots carry one guest more."""
    return np.asarray(network.shareable & (network.spare_slots > 0))


def remote(network: Network) -> Bools:
    """Return the sites in communes where the rural policies apply."""
    return np.asarray(network.remote >= REMOTE_FROM)


@dataclass(frozen=True)
class Policy:
    """One way of sharing; every policy answers the same questions about every site.

    Parameters
    ----------
    name : str
        As in `sharing.policy`.
    divides : frozenset of str
        Items of cost that the networks divide.
    opens : callable
        Sites whose radio other operators' subscribers may use by agreement, in the owner's turn.
    roams : callable
        Sites that they may use by roaming, after everybody else.
    hosts : callable
        Sites on which another operator may hang its own radio without opening the site first.
    pools : callable
        Sites at which one radio takes the place of all, and the others are released.
    new_sites_open : tuple of int
        Remoteness classes in which a new site serves every operator without a further contract.
    """

    name: str
    divides: frozenset[str]
    opens: Callable[[Network], Bools] = no_site
    roams: Callable[[Network], Bools] = no_site
    hosts: Callable[[Network], Bools] = no_site
    pools: Callable[[Network], Bools] = no_site
    new_sites_open: tuple[int, ...] = ()

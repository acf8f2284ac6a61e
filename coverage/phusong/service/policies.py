"""The eight sharing policies, one table: which cost each divides, whose radio and which towers it opens, what it pools."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from phusong.compute.array_types import Bools
from phusong.service.network import Network

__all__ = ["ITEMS", "POLICIES", "REMOTE_FROM", "Policy", "has_room", "no_site", "remote", "unlocked"]


REMOTE_FROM = 2  # remoteness class from which the rural policies apply

PASSIVE = frozenset({"site_build", "installation", "site_rental"})
BACKHAUL = frozenset({"backhaul"})
RADIO = frozenset({"equipment", "operation", "power"})
SPECTRUM = frozenset({"spectrum"})
CORE = frozenset({"core"})
ITEMS = PASSIVE | BACKHAUL | RADIO | SPECTRUM | CORE
"""Items of cost that networks may divide."""


_CONTRACT = {"open_mocn": 1.0, "open_mocn_opex": 1.0}


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
    opening : mapping of str to float
        Unit costs of letting guests in on one site: contracts, software, settlement; a carrier where spectrum stays
        apart.
    """

    name: str
    divides: frozenset[str]
    opens: Callable[[Network], Bools] = no_site
    roams: Callable[[Network], Bools] = no_site
    hosts: Callable[[Network], Bools] = no_site
    pools: Callable[[Network], Bools] = no_site
    new_sites_open: tuple[int, ...] = ()
    opening: Mapping[str, float] = field(default_factory=dict)


NONE = Policy("none", frozenset())
"""No sharing: every operator builds, pays and uses its own."""

PASSIVE_SHARING = Policy("passive", PASSIVE, hosts=has_room)
"""Passive sharing: structure, civil works and rent are divided; a guest hangs its own radio there.

By itself it serves nobody more: the guest's radio is equipment that somebody buys."""

PASSIVE_BACKHAUL = Policy("passive_backhaul", PASSIVE | BACKHAUL, hosts=has_room)
"""Passive sharing with the link to the core: as passive, and the backhaul is divided too."""

MORAN = Policy(
    "moran",
    PASSIVE | BACKHAUL | RADIO,
    opens=has_room,
    hosts=has_room,
    opening={**_CONTRACT, "carrier": 1.0},
)
"""MORAN: one radio with a carrier of each operator; the guest's carrier needs a free antenna position."""

MOCN = Policy(
    "mocn",
    PASSIVE | BACKHAUL | RADIO | SPECTRUM,
    opens=unlocked,
    hosts=has_room,
    new_sites_open=(0, 1, 2, 3),
    opening=_CONTRACT,
)
"""MOCN: one radio and its spectrum for all; guests share the host's capacity and need no room on the tower."""


def _anywhere(network: Network) -> npt.NDArray[np.bool_]:
    return np.asarray(network.lock_reason != "security")


ROAMING = Policy(
    "roaming",
    PASSIVE | BACKHAUL | RADIO | SPECTRUM,
    opens=unlocked,
    roams=_anywhere,
    hosts=has_room,
    new_sites_open=(0, 1, 2, 3),
    opening={"open_roaming": 1.0, "open_roaming_opex": 1.0},
)
"""National roaming: guests use any host's radio after its own people; only security keeps them out.

It needs no room on the tower and no contract on it: the host's core lets guests in, and they share its capacity."""

_FALL = ("contract", "legal", "unknown")


def _taken_over(network: Network) -> npt.NDArray[np.bool_]:
    return np.asarray(remote(network) & (network.shareable | np.isin(network.lock_reason, _FALL)))


NEUTRAL_HOST = Policy(
    "neutral_host",
    PASSIVE | BACKHAUL | RADIO,
    opens=_taken_over,
    pools=_taken_over,
    new_sites_open=(2, 3),
    opening={**_CONTRACT, "neutral_host": 1.0},
)
"""Neutral host: a third party runs the remote sites for all; ownership moves, so contract and legal locks fall.

Operators keep their spectrum; one radio carries the carriers of all, and the duplicates are released."""


def _rural(network: Network) -> npt.NDArray[np.bool_]:
    return np.asarray(remote(network) & (network.lock_reason != "security"))


SRN = Policy(
    "srn",
    ITEMS,
    opens=_rural,
    pools=_rural,
    new_sites_open=(2, 3),
    opening={**_CONTRACT, "neutral_host": 1.0},
)
"""Shared rural network: in remote communes one network of one radio a site, with pooled spectrum and core.

The radio that stays carries the pooled carriers of all it replaces, so coverage and capacity stay; every lock but
security falls, since the network is nobody's own."""

POLICIES: Mapping[str, Policy] = {
    p.name: p for p in (NONE, PASSIVE_SHARING, PASSIVE_BACKHAUL, MORAN, MOCN, ROAMING, NEUTRAL_HOST, SRN)
}

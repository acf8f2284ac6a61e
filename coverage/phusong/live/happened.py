"""What has happened so far: the part of the state that no recomputation could find again."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from phusong.live.standing import Standing

__all__ = ["NEVER", "Happened", "Point", "nothing_yet"]

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Area = tuple[str, str]  # "commune", "province" or "region", and its code
Point = tuple[int, float]  # time [ms], value

NEVER = -1


@dataclass
class Happened:
    """Events folded together. Times are milliseconds since 1970, UTC.

    Parameters
    ----------
    clock_ms, began_ms : int
        Time of the latest and of the first event; `NEVER` before it.
    site_down, commissioned, opened, own_supply : ndarray of bool, shape (n_sites,)
        Sites reported down; commissioned; unlocked; and up although their line and battery are gone.
    closed : ndarray of bool, shape (n_lines,)
        Power lines that carry.
    link_up : ndarray of bool, shape (n_links,)
        Links that work.
    dark_since_ms : ndarray of int, shape (n_nodes,)
        When each node lost its source; `NEVER` while it has one.
    served_first : ndarray of int, shape (n_communes,)
        People served before the first event.
    lost_people_ms, lost_until_ms : ndarray of int, shape (n_communes,)
        People times milliseconds without the service they had before the first event, and up to when they are counted.
    money_usd : dict
        US cents by area and fund.
    told_ms : dict
        When an event last told of each area and topic (network, works, money).
    works : dict
        Values of each KPI of an area after each commissioning, opened lock or payment.
    """

    clock_ms: int
    began_ms: int
    site_down: Bools
    commissioned: Bools
    opened: Bools
    own_supply: Bools
    closed: Bools
    link_up: Bools
    dark_since_ms: Ints
    served_first: Ints
    lost_people_ms: Ints
    lost_until_ms: Ints
    money_cents: dict[tuple[Area, str], int] = field(default_factory=dict)
    told_ms: dict[tuple[Area, str], int] = field(default_factory=dict)
    works: dict[tuple[Area, str], list[Point]] = field(default_factory=dict)


def nothing_yet(standing: Standing) -> Happened:
    """Return the state before any event."""
    n, n_communes = standing.network.n_sites, standing.places.commune_codes.size
    no_site = np.zeros(n, bool)
    return Happened(
        clock_ms=NEVER,
        began_ms=NEVER,
        site_down=no_site,
        commissioned=no_site.copy(),
        opened=no_site.copy(),
        own_supply=no_site.copy(),
        closed=standing.lines.closed.copy(),
        link_up=np.ones(standing.network.links.ids.size, bool),
        dark_since_ms=np.full(standing.network.node_ids.size, NEVER, np.int64),
        served_first=np.zeros(n_communes, np.int64),
        lost_people_ms=np.zeros(n_communes, np.int64),
        lost_until_ms=np.zeros(n_communes, np.int64),
    )

"""The network as a plan would leave it: longer batteries, other supplies, further links, sites opened."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.array_types import Floats
from phusong.compute.arrays import nearest
from phusong.errors import InputError, Problem, plural
from phusong.service.availability import Stability
from phusong.service.backhaul import Links
from phusong.service.network import Network
from phusong.service.power_supply import SOURCE_CODE

__all__ = ["PlannedNetwork", "planned_network"]


# as long as the remedies of phusong.invest.site_hardening last
_AUTONOMY_H = {"battery_backup": 24.0, "solar_backup": 72.0, "diesel_backup": 48.0, "extend_grid": 8.0}
_MEDIUM = {"fibre_link": "fibre", "microwave_link": "microwave", "satellite_link": "satellite"}
_LOST = {"fibre_link": 0.0002, "microwave_link": 0.0005, "satellite_link": 0.001}
_MBPS = {"fibre_link": 2000.0, "microwave_link": 400.0, "satellite_link": 100.0}
_OPENS = {"open_mocn": 1, "open_roaming": 2}
_STEADY_SHARE = 0.6  # a new link hangs on a site that loses less than this share of the hours allowed


@dataclass(frozen=True)
class PlannedNetwork:
    """A network with a plan carried out.

    Parameters
    ----------
    network : Network
        With its supplies and links.
    tier : ndarray, shape (n_stations, n_operators)
        Rights, with the sites that the plan opens.
    done, left_out : mapping of str to int
        Remedies that were applied and those that were not, by kind.
    """

    network: Network
    tier: npt.NDArray[np.int8]
    done: Mapping[str, int]
    left_out: Mapping[str, int]


def planned_network(
    network: Network,
    tier: npt.NDArray[np.int8],
    plan: pd.DataFrame,
    *,
    stability: Stability,
    hours_allowed: float,
    site_xy_m: Floats,
    node_xy_m: Floats,
) -> PlannedNetwork:
    """Return the network as a plan would leave it.

    Parameters
    ----------
    network : Network
        Today's.
    tier : ndarray, shape (n_stations, n_operators)
        Rights today.
    plan : DataFrame
        `remedy_id` of each remedy: kind@site.
    stability : Stability
        Of the sites today: new links hang on steady ones.
    hours_allowed : float
        Hours a year that a stable site may be off.
    site_xy_m, node_xy_m : ndarray, shapes (n_sites, 2), (n_nodes, 2)
        Places.

    Raises
    ------
    InputError
        If most of the plan's sites are not of this network.

    Notes
    -----
    A new link stands beside the old one. New sites, and radios on them, are left out: they would have to be swept.
    Further carriers change nothing, since loads are not looked at here.
    """
    if "remedy_id" not in plan.columns:
        raise InputError(Problem("plan", "is missing: a plan names its remedies", column="remedy_id"))
    site_of = {str(name): k for k, name in enumerate(network.site_ids.tolist())}
    operator_of = {name: k for k, name in enumerate(network.operators)}
    net, rights = network, tier.copy()
    wires: list[tuple[str, str, int, int]] = []
    done: Counter[str] = Counter()
    left: Counter[str] = Counter()
    strange = 0
    ends = _Ends(network, stability, hours_allowed, site_xy_m)
    for remedy in plan["remedy_id"].astype(str).tolist():
        kind, _, place = remedy.partition("@")
        name, _, operator = place.partition("/")
        site = site_of.get(name, -1)
        strange += site < 0 and not name.startswith("n")
        if site < 0:
            left[kind] += 1
            continue
        if kind in _AUTONOMY_H:
            net = _powered(net, site, kind, node_xy_m, site_xy_m)
        elif kind in _MEDIUM:
            end = ends.of(site, kind)
            if end < 0:
                left[kind] += 1
                continue
            wires.append((remedy, kind, site, end))
        elif kind in _OPENS:
            at = network.station_site == site
            rights[at] = np.minimum(rights[at], _OPENS[kind])
        elif kind == "add_radio" and operator in operator_of:
            at = network.station_site == site
            rights[at, operator_of[operator]] = np.minimum(rights[at, operator_of[operator]], 1)
        elif kind != "open_passive":
            left[kind] += 1
            continue
        done[kind] += 1
    if strange * 2 > len(plan):
        raise InputError(
            Problem(
                "--plan",
                f"names {plural(strange, 'site')} outside this region, out of {plural(len(plan), 'remedy', 'remedies')}: is the plan of another?",
            )
        )
    return PlannedNetwork(replace(net, links=_with(net.links, wires)), rights, dict(done), dict(left))


def _powered(net: Network, site: int, kind: str, node_xy_m: Floats, site_xy_m: Floats) -> Network:
    code, node = int(net.source[site]), int(net.node[site])
    off_grid = code >= SOURCE_CODE["solar"]
    if kind == "extend_grid":
        if not off_grid or not len(node_xy_m):
            return net
        code, node = SOURCE_CODE["grid_battery"], int(nearest(node_xy_m, site_xy_m[[site]])[1][0])
    elif off_grid and kind != "battery_backup":
        code = SOURCE_CODE["solar" if kind == "solar_backup" else "hybrid"]
    return net.with_supply(site, source=code, node=node, autonomy_h=_AUTONOMY_H[kind])


class _Ends:
    """Where a new link from a site goes."""

    def __init__(self, network: Network, stability: Stability, hours_allowed: float, xy: Floats) -> None:
        self._net, self._xy = network, xy
        self._steady = np.flatnonzero(stability.hours_lost <= _STEADY_SHARE * hours_allowed)
        self._exchange = np.flatnonzero(network.is_exchange)

    def of(self, site: int, kind: str) -> int:
        parent = int(self._net.parent[site])
        if kind == "fibre_link" and parent >= 0:
            return parent
        among = self._exchange if kind == "satellite_link" else self._steady[self._steady != site]
        if among.size == 0:
            return -1
        return int(among[nearest(self._xy[among], self._xy[[site]])[1][0]])


def _with(links: Links, wires: list[tuple[str, str, int, int]]) -> Links:
    if not wires:
        return links
    names, kinds, a, b = zip(*wires, strict=True)
    return Links(
        np.r_[links.ids.astype(object), np.array(names, object)].astype(str),
        np.r_[links.medium.astype(object), [_MEDIUM[k] for k in kinds]].astype(str),
        np.r_[links.a, np.array(a, np.int64)],
        np.r_[links.b, np.array(b, np.int64)],
        np.r_[links.unavailability, [_LOST[k] for k in kinds]],
        np.r_[links.capacity_mbps, [_MBPS[k] for k in kinds]],
    )

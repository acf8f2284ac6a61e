"""Signal, power and backhaul at once; stranded assets; redundant builds."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from phusong.access.locked_sites import HeardSites
from phusong.compute.array_types import Bools, Floats, Ints
from phusong.io.resources import HOURS_YEAR
from phusong.service.availability import Stability
from phusong.service.network import Network

__all__ = ["Requirements", "isolated_builds", "readiness_by_commune", "requirements", "stranded_sites"]


@dataclass(frozen=True)
class Requirements:
    """What each site has of what service needs.

    Parameters
    ----------
    radio : ndarray of bool, shape (n_sites,)
        Active cells stand on it.
    power, backhaul : ndarray of bool, shape (n_sites,)
        Its own supply, and its way to the core with the supplies along it, each fail no longer than a stable site may.
    no_power, no_backhaul : ndarray of bool, shape (n_sites,)
        There is none at all.
    upstream : ndarray of bool, shape (n_sites,)
        The supplies along its way to the core lose more hours than the links.
    """

    radio: Bools
    power: Bools
    backhaul: Bools
    no_power: Bools
    no_backhaul: Bools
    upstream: Bools

    @property
    def complete(self) -> Bools:
        """Whether a site has all three."""
        return np.asarray(self.radio & self.power & self.backhaul)


def requirements(network: Network, stability: Stability, *, hours_allowed: float) -> Requirements:
    """Return what each site has of radio, power and backhaul.

    Parameters
    ----------
    network : Network
        Sites and stations.
    stability : Stability
        Hours lost by cause.
    hours_allowed : float
        Hours a year that a stable site may be off. [h]
    """
    radio = np.bincount(network.station_site, minlength=network.n_sites) > 0
    path_h = stability.chain_power_h + stability.link_h
    return Requirements(
        radio=radio,
        power=np.asarray(stability.own_power_h <= hours_allowed),
        backhaul=np.asarray(stability.connected & (path_h <= hours_allowed)),
        no_power=np.asarray(stability.own_power_h >= HOURS_YEAR),
        no_backhaul=~np.asarray(stability.connected),
        upstream=np.asarray(stability.connected & (stability.chain_power_h > stability.link_h)),
    )


def readiness_by_commune(
    commune_codes: npt.NDArray[np.str_],
    cell_commune: Ints,
    *,
    weights: Ints,
    usable: Bools,
    stable: Bools,
    heard: HeardSites,
    has: Requirements,
    cell_xy_m: Floats,
    site_xy_m: Floats,
    within_m: float,
) -> pd.DataFrame:
    """Return per commune the share of people who have signal, power, backhaul, and all three at once.

    Parameters
    ----------
    commune_codes : ndarray of str
        Codes, by row.
    cell_commune : ndarray of int, shape (n_cells,)
        Row of the commune of each demand cell.
    weights : ndarray of int, shape (n_cells, n_operators)
        People.
    usable, stable : ndarray of bool, shape (n_cells, n_operators)
        Whether people hear a station that they may use, and one of those that works enough of the year.
    heard : HeardSites
        Who hears which site.
    has : Requirements
        What each site has.
    cell_xy_m, site_xy_m : ndarray, shape (n, 2)
        Easting and northing. [m]
    within_m : float
        A place without signal has power or backhaul when a site that has it stands this near. [m]

    Returns
    -------
    DataFrame
        `commune_code`, `population`, `ready_share`, `has_signal`, `has_power`, `has_backhaul` (shares of people; ready
        is never more than the least of the three), `mean_of_three`, `ready_people`.

    Notes
    -----
    Ready means one station that has everything at once, not three averages: power at one site and backhaul at
    another serve nobody.
    """
    n = commune_codes.size
    people = weights.sum(axis=1)
    columns = {
        "population": people,
        "ready_people": (weights * stable).sum(axis=1),
        "signal": (weights * usable).sum(axis=1),
    }
    for name, ok in (("power", has.power), ("backhaul", has.backhaul)):
        near = np.zeros(people.size, bool)
        near[heard.cell[ok[heard.site]]] = True
        sites = site_xy_m[ok]
        if len(sites) and people.size:
            far, _ = cKDTree(sites).query(cell_xy_m, distance_upper_bound=within_m)
            near |= np.isfinite(far)
        # people with a stable station have its power and its backhaul, wherever it stands
        columns[name] = np.where(near, people, columns["ready_people"])
    sums = {k: np.bincount(cell_commune, v, n) for k, v in columns.items()}
    whole = np.maximum(sums["population"], 1.0)
    out = pd.DataFrame({"commune_code": commune_codes, "population": sums["population"].astype(np.int64)})
    out["ready_people"] = sums["ready_people"].astype(np.int64)
    out["ready_share"] = np.where(sums["population"] > 0, sums["ready_people"] / whole, 1.0)
    for name in ("signal", "power", "backhaul"):
        out[f"has_{name}"] = np.where(sums["population"] > 0, sums[name] / whole, 1.0)
    out["mean_of_three"] = out[["has_signal", "has_power", "has_backhaul"]].mean(axis=1)
    return out


def stranded_sites(
    network: Network, has: Requirements, status: npt.NDArray[np.str_], *, waiting: Ints, value_musd: Floats
) -> pd.DataFrame:
    """Return every site whose value lies idle because it lacks radio, power or backhaul.

    Parameters
    ----------
    network : Network
        The sites.
    has : Requirements
        What each has.
    status : ndarray of str, shape (n_sites,)
        `active`, `planned` or `retired`.
    waiting : ndarray of int, shape (n_sites,)
        People who hear it, may use it and are not served.
    value_musd : ndarray, shape (n_sites,)
        What it would cost to build again. [million USD]

    Returns
    -------
    DataFrame
        `asset_id`, `site` (its index), `kind` (site, structure, planned site), `missing` (radio, power, power upstream: the
        supplies along its way to the core, backhaul: the links), `grade` (absent, or below target), `people_waiting`, `value_musd`; the dearest first among those that lack something altogether.
    """
    active = status == "active"
    planned = status == "planned"
    names = np.array(["radio", "power", "power upstream", "backhaul"])
    lacks = np.c_[
        ~has.radio & active, ~has.power, ~has.backhaul & has.upstream, ~has.backhaul & ~has.upstream
    ]
    absent = np.c_[~has.radio & active, has.no_power, has.no_backhaul]
    idle = (active | planned) & lacks.any(axis=1) & ~network.is_exchange
    rows = [
        {
            "asset_id": str(network.site_ids[k]),
            "site": int(k),
            "kind": "planned site" if planned[k] else "site" if has.radio[k] else "structure",
            "missing": ";".join(names[lacks[k]]),
            "grade": "absent" if absent[k].any() else "below target",
            "people_waiting": int(waiting[k]),
            "value_musd": float(value_musd[k]),
        }
        for k in np.flatnonzero(idle)
    ]
    columns = ["asset_id", "site", "kind", "missing", "grade", "people_waiting", "value_musd"]
    found = pd.DataFrame(rows, columns=columns)
    return found.sort_values(
        ["grade", "people_waiting", "value_musd", "asset_id"],
        ascending=[True, False, False, True],
        ignore_index=True,
    )


def isolated_builds(
    network: Network, site_xy_m: Floats, *, standing: npt.NDArray[np.bool_], within_m: float
) -> pd.DataFrame:
    """Return the sites that stand within reach of another owner's structure which could carry them too.

    Parameters
    ----------
    network : Network
        Sites with owners, locks and free antenna positions.
    site_xy_m : ndarray, shape (n_sites, 2)
        Easting and northing. [m]
    standing : ndarray of bool, shape (n_sites,)
        Sites that count (active or planned).
    within_m : float
        How near. [m]

    Returns
    -------
    DataFrame
        `site_id`, `site` (its index), `owner`, `operators`, `twin_id`, `twin_owner`, `distance_m`, `twin_spare_slots`,
        `remote`: the nearest shareable twin of each site, nearest pairs first.

    Notes
    -----
    A twin is unlocked, has a free antenna position, belongs to another owner and carries none of the site's operators.
    """
    names = np.array([*network.operators, "no operator"])
    on_site = np.zeros(network.n_sites, np.int64)
    np.bitwise_or.at(on_site, network.station_site, 1 << network.station_operator)
    can_host = np.flatnonzero(standing & ~network.is_exchange & network.shareable & (network.spare_slots > 0))
    rows = []
    if can_host.size:
        tree = cKDTree(site_xy_m[can_host])
        for k in np.flatnonzero(standing & ~network.is_exchange & (on_site > 0)):
            near = can_host[tree.query_ball_point(site_xy_m[k], within_m)]
            near = near[
                (near != k) & (network.owner[near] != network.owner[k]) & ((on_site[near] & on_site[k]) == 0)
            ]
            if not near.size:
                continue
            far = np.hypot(*(site_xy_m[near] - site_xy_m[k]).T)
            best = int(np.lexsort((near, far))[0])
            tenants = [o for c, o in enumerate(network.operators) if on_site[k] >> c & 1]
            rows.append(
                {
                    "site_id": str(network.site_ids[k]),
                    "site": int(k),
                    "owner": str(names[network.owner[k]]),
                    "operators": ";".join(tenants),
                    "twin_id": str(network.site_ids[near[best]]),
                    "twin_owner": str(names[network.owner[near[best]]]),
                    "distance_m": float(far[best]),
                    "twin_spare_slots": int(network.spare_slots[near[best]]),
                    "remote": int(network.remote[k]),
                }
            )
    columns = [
        "site_id",
        "site",
        "owner",
        "operators",
        "twin_id",
        "twin_owner",
        "distance_m",
        "twin_spare_slots",
        "remote",
    ]
    return pd.DataFrame(rows, columns=columns).sort_values(["distance_m", "site_id"], ignore_index=True)

"""Full recompute, and the KPIs of what it finds."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from phusong.access.gaps import classify
from phusong.access.locked_sites import heard_sites
from phusong.compute.array_types import Bools, Floats, Ints
from phusong.compute.arrays import RaggedRows, members
from phusong.compute.kernels import nb
from phusong.io.resources import HOURS_YEAR, geodata_path
from phusong.live.reallocation import Taken
from phusong.live.state import NEVER, Happened, StaticNetwork
from phusong.service.allocation import Reception, allocate
from phusong.service.backhaul import Links, widest_mbps
from phusong.service.capacity import CLOSED, Usage, people_in, tiers, use_network
from phusong.service.network import Network

__all__ = [
    "Figures",
    "Kpi",
    "Now",
    "Sums",
    "Ways",
    "added",
    "all_ways",
    "battery_ms",
    "claims",
    "everything_now",
    "kpis",
    "mend_ways",
    "spent_batteries",
    "stations_on",
    "steady_share",
    "sums_of",
    "taken_now",
    "values",
]


@dataclass(frozen=True)
class Sums:
    """Sums over areas, arrays of shape (n,).

    People by what they get (`population`, `people_served`, the four gaps); `with_signal` people who may use a
    working station and the `lost_hours` a year that they lose together; `good_hours`, people served times the share
    of busy hours in which they get the target rate; `villages` and those `dark`; `locked_sites` with people behind
    them and `people_behind` (once a site); `sites` in use, `shared` ones, and their `tenants`.
    """

    population: Ints
    people_served: Ints
    gap_no_signal: Ints
    gap_locked: Ints
    gap_unstable: Ints
    gap_congested: Ints
    with_signal: Ints
    lost_hours: Floats
    good_hours: Floats
    villages: Ints
    dark: Ints
    locked_sites: Ints
    people_behind: Ints
    sites: Ints
    shared: Ints
    tenants: Ints

    def put(self, rows: Ints, other: "Sums") -> None:
        """Write the sums of some areas in place."""
        for f in fields(self):
            getattr(self, f.name)[rows] = getattr(other, f.name)


def added(sums: Sums, group: Ints, n: int) -> Sums:
    """Return the sums over groups of areas, such as communes of a province; groups below 0 are left out."""
    kept = group >= 0
    return Sums(
        **{
            f.name: np.bincount(group[kept], getattr(sums, f.name)[kept], n).astype(
                getattr(sums, f.name).dtype
            )
            for f in fields(sums)
        }
    )


def sums_of(
    static: StaticNetwork,
    communes: Ints,
    *,
    in_use: Bools,
    shut: Bools,
    heard: Bools,
    usable: Bools,
    stable: Bools,
    best: npt.NDArray[np.float32],
    accepted: Ints,
    rate: npt.NDArray[np.float32],
    behind: Ints,
    tenants: Ints,
) -> Sums:
    """Return the sums of some communes.

    Parameters
    ----------
    static : StaticNetwork
        What lies where.
    communes : ndarray of int
        Rows of the communes.
    in_use : ndarray of bool, shape (n_sites,)
        Sites that are not waiting to be commissioned.
    shut : ndarray of bool, shape (n_sites,)
        Sites that are locked.
    heard, usable, stable, best, accepted, rate, behind, tenants : ndarray
        As in :class:`phusong.live.recompute.Now`.
    """
    n = communes.size
    cells, cell_at = _inside(static.cells_of_commune, communes)
    weights = static.weights[cells]
    part = Usage(
        heard=np.repeat(heard[cells, None], weights.shape[1], axis=1),
        usable=usable[cells],
        stable=stable[cells],
        availability=best[cells],
        accepted=accepted[cells],
        rate_hours=rate[cells],
        station_people=behind[:0],
        station_guests=behind[:0],
        station_load=np.zeros(0),
        station_room=behind[:0],
        station_rate_hours=np.zeros(0),
    )
    people = {
        name: np.bincount(cell_at, counts, n).astype(np.int64)
        for name, counts in classify(part, weights).by_cell().items()
    }
    working = np.where(best[cells] > 0, weights, 0)
    lost = (working * (1.0 - best[cells].astype(np.float64)) * HOURS_YEAR).sum(axis=1)
    good = (accepted[cells] * rate[cells].astype(np.float64)).sum(axis=1)
    villages, village_at = _inside(static.villages_of_commune, communes)
    silent = ~heard[static.places.village_cell[villages]] if villages.size else np.zeros(0, bool)
    sites, site_at = _inside(static.sites_of_commune, communes)
    # a lock that nobody waits behind is no lock to open; a site without one waits for an agreement instead
    locked = shut[sites] & (behind[sites] > 0)
    has_radio = in_use[sites] & (
        static.stations_of_site.start[sites + 1] > static.stations_of_site.start[sites]
    )
    return Sums(
        population=np.bincount(cell_at, weights.sum(axis=1), n).astype(np.int64),
        **people,
        with_signal=np.bincount(cell_at, working.sum(axis=1), n).astype(np.int64),
        lost_hours=np.bincount(cell_at, lost, n).astype(np.float64),
        good_hours=np.bincount(cell_at, good, n).astype(np.float64),
        villages=np.bincount(village_at, minlength=n).astype(np.int64),
        dark=np.bincount(village_at[silent], minlength=n).astype(np.int64),
        locked_sites=np.bincount(site_at[locked], minlength=n).astype(np.int64),
        people_behind=np.bincount(site_at[locked], behind[sites][locked], n).astype(np.int64),
        sites=np.bincount(site_at[has_radio], minlength=n).astype(np.int64),
        shared=np.bincount(site_at[has_radio & (tenants[sites] > 1)], minlength=n).astype(np.int64),
        tenants=np.bincount(site_at[has_radio], tenants[sites][has_radio], n).astype(np.int64),
    )


def _inside(rows: RaggedRows, keys: Ints) -> tuple[Ints, Ints]:
    """Return the items of some keys, and for each its place among the keys."""
    return members(rows, keys), np.repeat(np.arange(keys.size), rows.start[keys + 1] - rows.start[keys])


@dataclass(frozen=True)
class Ways:
    """The ways to the core.

    Parameters
    ----------
    reached : ndarray of bool, shape (n_sites,)
        Whether a way over live links and sites leads to an exchange.
    mbps : ndarray, shape (n_sites,)
        Its narrowest link, on the widest such way; 0 without one.
    """

    reached: Bools
    mbps: Floats


def all_ways(network: Network, link_up: Bools, site_on: Bools) -> Ways:
    """Return the ways of every site at once.

    Parameters
    ----------
    network : Network
        Sites and links.
    link_up : ndarray of bool, shape (n_links,)
        Links that work.
    site_on : ndarray of bool, shape (n_sites,)
        Sites that pass traffic on.
    """
    links = network.links
    live = link_up & site_on[links.a] & site_on[links.b]
    core = network.is_exchange & site_on
    kept = Links(links.ids[live], links.medium[live], links.a[live], links.b[live], links.unavailability[live],
                 links.capacity_mbps[live])  # fmt: skip
    wide = replace(kept, capacity_mbps=np.maximum(kept.capacity_mbps, 0.0))
    return Ways(kept.hops(core) >= 0, widest_mbps(wide, core))


def mend_ways(ways: Ways, static: StaticNetwork, link_up: Bools, site_on: Bools, sites: Ints) -> Ints:
    """Bring the ways round some sites up to date in place; return the sites whose way has changed, ascending.

    Parameters
    ----------
    ways : Ways
        Changed where they differ.
    static : StaticNetwork
        Sites, links, and the parts of the backhaul that exchanges bound.
    link_up, site_on : ndarray of bool
        As for :func:`all_ways`.
    sites : ndarray of int
        Sites that have gone on or off, and the ends of links that have.
    """
    network = static.network
    changed = [np.zeros(0, np.int64)]
    for group in np.unique(members(static.groups_of_site, sites)).tolist():
        inside = static.sites_of_group.of(group)
        wires = static.links_of_group.of(group)
        links = network.links
        order = wires[np.argsort(-links.capacity_mbps[wires], kind="stable")]
        reached, mbps = _part(
            inside, order, links.a, links.b, links.capacity_mbps, link_up, site_on, network.is_exchange
        )
        differs = (reached != ways.reached[inside]) | (mbps != ways.mbps[inside])
        ways.reached[inside[differs]] = reached[differs]
        ways.mbps[inside[differs]] = mbps[differs]
        changed.append(inside[differs])
    return np.unique(np.concatenate(changed))


@nb.njit(cache=True)
def _part(inside, order, a, b, capacity, link_up, site_on, is_exchange):  # type: ignore[no-untyped-def]
    """Join sites by the widest links first: a site's way is as wide as the link that first joins it to an exchange."""
    n = inside.size
    head, last, following = np.arange(n), np.arange(n), np.full(n, -1)
    size = np.ones(n, np.int64)
    reached, mbps = np.zeros(n, np.bool_), np.zeros(n)
    for k in range(n):
        if is_exchange[inside[k]] and site_on[inside[k]]:
            reached[k], mbps[k] = True, np.inf
    for at in range(order.size):
        link = order[at]
        if not (link_up[link] and site_on[a[link]] and site_on[b[link]]):
            continue
        x, y = head[np.searchsorted(inside, a[link])], head[np.searchsorted(inside, b[link])]
        if x == y:
            continue
        if reached[x] != reached[y]:
            k = y if reached[x] else x
            while k >= 0:
                reached[k], mbps[k] = True, max(capacity[link], 0.0)
                k = following[k]
        if size[x] < size[y]:
            x, y = y, x
        k = y
        while k >= 0:
            head[k] = x
            k = following[k]
        following[last[x]], last[x] = y, last[y]
        size[x] += size[y]
    return reached, mbps


Tiers = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Now:
    """Everything that follows; the arrays are changed in place by :class:`phusong.live.incremental.Live`.

    `site_on` (has power and is not down), `ways`, `ever_reached` (has a way to the core when nothing is down), `tier`
    in force; per station `station_on`, `available` (share of the year; 0 while cut off), `load`, `rate_hours`; per
    element `heard` (of its cell), `usable`, `stable`, `best` availability, `accepted` people and their `rate`; per
    site `behind` (people who hear it, may not use it and are not served) and `tenants` (operators whose people may
    use it); per commune `sums`.
    """

    site_on: Bools
    ways: Ways
    ever_reached: Bools
    tier: Tiers
    station_on: Bools
    available: Floats
    station_people: Ints
    load: Floats
    rate_hours: Floats
    heard: Bools
    usable: Bools
    stable: Bools
    best: npt.NDArray[np.float32]
    accepted: Ints
    rate: npt.NDArray[np.float32]
    behind: Ints
    tenants: Ints
    sums: Sums


def everything_now(static: StaticNetwork, happened: Happened) -> Now:
    """Return what is so now, by the same functions as a run and over the whole region.

    Parameters
    ----------
    static : StaticNetwork
        What stands.
    happened : Happened
        What has happened.
    """
    network, reception = static.network, static.reception
    site_on = ~happened.site_down & ~spent_batteries(static, happened)
    everything = np.ones(network.n_sites, bool), np.ones(network.links.ids.size, bool)
    ever = all_ways(network, everything[1], everything[0]).reached
    ways = all_ways(network, happened.link_up, site_on)
    granted = static.opened(happened.opened)
    tier = tiers(granted, static.rights_of(granted))
    on = stations_on(static, happened, site_on)
    available = steady_share(static, ways.reached, ever, np.arange(network.n_stations))
    heard = on[reception.station]
    live = Reception(
        reception.cell[heard], reception.station[heard], reception.rsrp_dbm[heard], reception.sinr_ddb[heard],
        reception.n_cells,
    )  # fmt: skip
    usage = use_network(
        live,
        weights=static.weights,
        tier=tier,
        availability=available,
        availability_target=static.availability_target,
        bandwidth_mhz=network.station_bandwidth_mhz,
        station_site=network.station_site,
        site_mbps=ways.mbps,
        demand=static.demand,
    )
    access = classify(usage, static.weights)
    by_site = heard_sites(live, station_site=network.station_site, n_sites=network.n_sites, tier=tier)
    unserved = static.weights - access.served
    behind = by_site.people(unserved, may_use=False).sum(axis=1).astype(np.int64)
    in_use = ~static.planned | happened.commissioned
    may = np.zeros((network.n_sites, tier.shape[1]), bool)
    for o in range(tier.shape[1]):
        stands = (tier[:, o] < CLOSED) & in_use[network.station_site]
        may[network.station_site[stands], o] = True
    elements: dict[str, Any] = {
        "heard": usage.heard[:, 0],
        "usable": usage.usable,
        "stable": usage.stable,
        "best": usage.availability,
        "accepted": usage.accepted,
        "rate": usage.rate_hours,
    }
    sites: dict[str, Any] = {"behind": behind, "tenants": may.sum(axis=1).astype(np.int64)}
    return Now(
        site_on=site_on,
        ways=ways,
        ever_reached=ever,
        tier=tier,
        station_on=on,
        available=np.where(on, available, 0.0),
        station_people=usage.station_people,
        load=np.where(on, usage.station_load, 0.0),
        rate_hours=np.where(on, usage.station_rate_hours, 0.0),
        sums=sums_of(
            static,
            np.arange(static.places.commune_codes.size),
            in_use=in_use,
            shut=~granted.shareable,
            **elements,
            **sites,
        ),
        **elements,
        **sites,
    )


def taken_now(static: StaticNetwork, now: Now) -> Taken:
    """Return the places taken: the start from which changes go on."""
    site_room = people_in(now.ways.mbps, static.demand)
    every = np.arange(static.network.n_stations)
    taken = allocate(
        static.reception,
        weights=static.weights,
        tier=claims(static, now.tier, now.station_on, now.available, every),
        station_room=static.station_room,
        station_site=static.network.station_site.astype(np.int64),
        site_room=site_room,
    )
    people = np.bincount(static.reception.station, taken.sum(axis=1), every.size).astype(np.int64)
    at_site = np.bincount(static.network.station_site, people, site_room.size).astype(np.int64)
    return Taken(taken, people, at_site)


def spent_batteries(
    static: StaticNetwork,
    happened: Happened,
    sites: Ints | slice = slice(None),
    *,
    at_ms: int | None = None,
) -> Bools:
    """Return which sites (of some) stand without grid for as long as their battery lasts, and on no other supply.

    Parameters
    ----------
    static : StaticNetwork
        Sites and their batteries.
    happened : Happened
        Which nodes are dark, and since when.
    sites : ndarray of int, optional
        All when left out.
    at_ms : int, optional
        The clock's time when left out; a later one if nothing happens until then.
    """
    network = static.network
    when = happened.clock_ms if at_ms is None else at_ms
    since = happened.dark_since_ms[np.maximum(network.node[sites], 0)]
    dark = static.on_grid[sites] & (since != NEVER)
    return np.asarray(dark & (when >= since + battery_ms(static, sites)) & ~happened.own_supply[sites])


def battery_ms(static: StaticNetwork, sites: Ints | slice = slice(None)) -> Ints:
    """Return how long sites (of some) stand without the grid. [ms]"""
    return np.asarray(np.round(static.network.autonomy_h[sites] * 3_600_000.0), np.int64)


def stations_on(
    static: StaticNetwork, happened: Happened, site_on: Bools, stations: Ints | slice = slice(None)
) -> Bools:
    """Return which stations (of some) are on the air."""
    site = static.network.station_site[stations]
    return np.asarray(site_on[site] & (~static.planned | happened.commissioned)[site])


def steady_share(static: StaticNetwork, reached: Bools, ever_reached: Bools, stations: Ints) -> Floats:
    """Return the share of the year that some stations work; nothing while they have lost their way to the core."""
    site = static.network.station_site[stations]
    cut = ever_reached[site] & ~reached[site]
    return np.asarray(np.where(cut, 0.0, static.availability[site]))


def claims(static: StaticNetwork, tier: Tiers, on: Bools, available: Floats, stations: Ints) -> Tiers:
    """Return in which turn people may claim room at some stations; negative: never."""
    steady = on[stations] & (available[stations] >= static.availability_target)
    return np.where((tier[stations] < CLOSED) & steady[:, None], tier[stations], -1).astype(np.int8)


_HOUR_MS = 3_600_000.0
_CENTS_MUSD = 1e8


class Kpi(BaseModel):
    """One KPI as declared."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    name: str
    formula: str
    unit: str
    direction: str = Field(pattern="^(up|down)$")
    topic: str = Field(pattern="^(network|works|money)$")
    target: float | None = None
    target_date: date | None = None
    owner: str
    refresh_days: float = Field(gt=0)
    source: str
    sureness: str = Field(pattern="^[HML]$")

    @model_validator(mode="after")
    def _dated(self) -> "Kpi":
        if (self.target is None) != (self.target_date is None):
            raise ValueError("a target needs a date, and a date a target")
        return self

    def met(self, value: float) -> bool:
        """Return whether a value reaches the target."""
        if self.target is None or not np.isfinite(value):
            return False
        return value >= self.target if self.direction == "up" else value <= self.target


@dataclass(frozen=True)
class Figures:
    """What KPIs are computed from, by area.

    Parameters
    ----------
    sums : Sums
        Counts of each area.
    lost_people_ms : ndarray, shape (n,)
        People times milliseconds without the service they had before the first event.
    disbursed_cents, planned_musd : ndarray, shape (n,)
        Money; planned is not a number where no plan was given.
    """

    sums: Sums
    lost_people_ms: Floats
    disbursed_cents: Floats
    planned_musd: Floats


def _share(part: npt.NDArray[np.generic], whole: npt.NDArray[np.generic]) -> Floats:
    some = np.asarray(whole, np.float64)
    return np.asarray(
        np.divide(part, some, out=np.full(some.shape, np.nan), where=some > 0), np.float64
    )  # nothing to measure: no value


_VALUES: Mapping[str, Callable[[Figures], Floats]] = {
    "share_served": lambda f: _share(f.sums.people_served, f.sums.population),
    "no_signal_share": lambda f: _share(f.sums.gap_no_signal, f.sums.population),
    "villages_no_signal": lambda f: f.sums.dark.astype(np.float64),
    "hours_lost_year": lambda f: _share(f.sums.lost_hours, f.sums.with_signal),
    "hours_lost_told": lambda f: _share(f.lost_people_ms / _HOUR_MS, f.sums.population),
    "good_busy_hours": lambda f: _share(f.sums.good_hours, f.sums.people_served),
    "locked_sites": lambda f: f.sums.locked_sites.astype(np.float64),
    "people_behind_locks": lambda f: f.sums.people_behind.astype(np.float64),
    "shared_sites": lambda f: _share(f.sums.shared, f.sums.sites),
    "tenancy": lambda f: _share(f.sums.tenants, f.sums.sites),
    "money_planned": lambda f: f.planned_musd,
    "money_disbursed": lambda f: f.disbursed_cents / _CENTS_MUSD,
    "disbursed_share": lambda f: _share(f.disbursed_cents / _CENTS_MUSD, f.planned_musd),
}


@cache
def kpis() -> tuple[Kpi, ...]:
    """Return the catalogue, in the order of the file."""
    tree = tomllib.loads(geodata_path("kpis.toml").read_text(encoding="utf-8"))
    return tuple(Kpi.model_validate(entry) for entry in tree["kpi"])


def values(figures: Figures) -> dict[str, Floats]:
    """Return each KPI's value by area; not a number where there is nothing to measure."""
    return {kpi.key: _VALUES[kpi.key](figures) for kpi in kpis()}

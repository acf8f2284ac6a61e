"""Power and backhaul options of new sites.

A new site works when its supply, its link and the site it hangs on together lose no more hours than allowed. Sites to
hang on are those that leave enough of the allowance for a link and a supply; what they leave decides how large the
battery and the panels must be.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from phusong.compute.array_types import Floats, Ints
from phusong.compute.arrays import nearest
from phusong.invest.candidate_sites import MAST_M
from phusong.invest.context import Baseline
from phusong.invest.costs import Cost, Costs
from phusong.invest.line_of_sight import LONGEST_HOP_KM, hop_is_free, hop_lost, zone_shares
from phusong.invest.line_routing import GroundNet, Routes, ground_net, shared_routes, slope_deg
from phusong.invest.remedy import Remedy, Works
from phusong.invest.unit_costs import energy_figure
from phusong.io.resources import HOURS_YEAR
from phusong.service.availability import site_stability
from phusong.service.network import POWER_SOURCES, Network
from phusong.service.power_supply import (
    AUTONOMY_H,
    OVERSIZE,
    SITE_KW,
    SOURCE_CODE,
    array_kwp,
    shortage_h,
    weather,
)

__all__ = [
    "BuildGround",
    "Solar",
    "SupplyOption",
    "cheapest_solar",
    "generator_cost",
    "generator_litres_year",
    "grid_cost",
    "grid_kwh_year",
    "new_site_feeds",
    "node_hours",
    "solar_cost",
    "solar_sizes",
    "terrain_of",
]


_SET_KW_PER_LOAD = 2.0  # a generator is twice the mean load: it starts the air conditioner too (assumed)


@dataclass(frozen=True)
class Solar:
    """Panels and battery of a site on the sun.

    Parameters
    ----------
    oversize : float
        Yield of the panels in the dullest month over the load.
    kwp, autonomy_h, battery_kwh : float
        Panels, and the battery in hours of load and in kilowatt-hours.
    hours_lost : float
        A year, by the hourly balance of some years of weather, equipment faults included.
    """

    oversize: float
    kwp: float
    autonomy_h: float
    battery_kwh: float
    hours_lost: float


def grid_kwh_year(load_kw: float = SITE_KW) -> float:
    """Return what a site draws from the grid in a year. [kWh]"""
    return load_kw * HOURS_YEAR


def generator_litres_year(hours_year: float, load_kw: float = SITE_KW) -> float:
    """Return what a generator burns that runs so many hours a year at a site's load, its test runs included. [l]

    References
    ----------
    Skarstein and Uhlen, Wind Engineering 13 (1989): a straight line over the load, from what it burns idling.
    """
    an_hour = (
        energy_figure("fuel_idle")[1] * _SET_KW_PER_LOAD * load_kw + energy_figure("fuel_load")[1] * load_kw
    )
    return (hours_year + energy_figure("test_run")[1]) * an_hour


@lru_cache(maxsize=256)
def solar_sizes(station: int, load_kw: float = SITE_KW) -> tuple[Solar, ...]:
    """Return every size of panels and battery of the tabled ones, with the hours it leaves the site dark.

    Parameters
    ----------
    station : int
        Weather station (position in :func:`phusong.service.power_supply.climate`).
    load_kw : float
        Mean load.
    """
    dark = shortage_h(station)
    own = POWER_SOURCES[SOURCE_CODE["solar"]]
    dullest = weather(station).dullest_kwh_kwp_day
    out = []
    for i, oversize in enumerate(OVERSIZE):
        kwp = float(array_kwp(oversize, load_kw, dullest))
        for j, hours in enumerate(AUTONOMY_H):
            lost = float(dark[i, j]) + own.spells_year * own.spell_h * float(np.exp(-hours / own.spell_h))
            out.append(Solar(oversize, kwp, hours, hours * load_kw, lost))
    return tuple(out)


def solar_cost(costs: Costs, size: Solar) -> Cost:
    """Return the cost of panels and battery."""
    return costs.of(pv=size.kwp, battery=size.battery_kwh)


def cheapest_solar(
    costs: Costs, station: int, hours_allowed: float, load_kw: float = SITE_KW
) -> Solar | None:
    """Return the cheapest panels and battery that lose no more hours a year than allowed, or None."""
    return next((s for s in _cheapest_first(costs, station, load_kw) if s.hours_lost <= hours_allowed), None)


@lru_cache(maxsize=1024)
def _cheapest_first(costs: Costs, station: int, load_kw: float) -> tuple[Solar, ...]:
    sizes = solar_sizes(station, load_kw)
    return tuple(sorted(sizes, key=lambda s: (solar_cost(costs, s).npv_musd, s.autonomy_h)))


def grid_cost(costs: Costs, *, battery_kwh: float, load_kw: float = SITE_KW) -> Cost:
    """Return the cost of a site's connection at a line: transformer, battery, and what it draws."""
    return costs.of(transformer=1.0, battery=battery_kwh) + costs.energy(kwh_year=grid_kwh_year(load_kw))


def generator_cost(costs: Costs, hours_year: float, load_kw: float = SITE_KW) -> Cost:
    """Return the cost of a stand-by set that runs so many hours a year."""
    size_kw = _SET_KW_PER_LOAD * load_kw
    return costs.of(diesel_set=size_kw, diesel_service=1.0) + costs.energy(
        litres_year=generator_litres_year(hours_year, load_kw)
    )


BATTERY_H = (4.0, 8.0, 16.0, 24.0, 48.0)
FIBRE_LOST, FIBRE_LOST_KM = 0.0001, 0.00001  # share of the year, and more by the kilometre (assumed)
SATELLITE_LOST = 0.001  # a low-orbit terminal; older ones are worse (assumed)
SATELLITE_MBPS, MICROWAVE_MBPS, FIBRE_MBPS = 100.0, 400.0, 2000.0
LINE_FAULTS_KM_YEAR, LINE_REPAIR_H = 0.03, 5.0  # of a new feeder: as geodata/network_model.csv
ANCHOR_MAST_M = 30.0
_HOPS_TRIED = 12
_SUPPLY_H = 6.5  # hours that a well-made supply of its own loses: what is left to it at the least
_SPARE = 0.98  # of the allowance: rounding must not undo a promise


@dataclass(frozen=True)
class BuildGround:
    """What decides the price of works at a place.

    Parameters
    ----------
    net : GroundNet
        Ways over the ground.
    slope_deg : ndarray, on the grid
        Slope of the ground.
    costs : Costs
        The catalogue on flat ground near a town.
    baseline : Baseline
        Where and for whom.
    allowed : frozenset of str, optional
        Kinds of remedy that may be bought; all when left out.
    """

    net: GroundNet
    slope_deg: Floats
    costs: Costs
    baseline: Baseline
    allowed: frozenset[str] | None = None
    _known: dict[tuple[int, int, int], Costs] = field(default_factory=dict, repr=False)

    def allows(self, kind: str) -> bool:
        """Return whether a kind of remedy may be bought."""
        return self.allowed is None or kind in self.allowed

    def costs_at(self, east_m: float, north_m: float, remote: int) -> Costs:
        """Return the costs at a place."""
        grid = self.baseline.grid
        row, col = grid.rowcol(east_m, north_m)
        r, c = min(max(int(row), 0), grid.height - 1), min(max(int(col), 0), grid.width - 1)
        key = (r, c, remote)
        if key not in self._known:
            self._known[key] = self.costs.at(slope_deg=float(self.slope_deg[r, c]), remote=remote)
        return self._known[key]


@dataclass(frozen=True)
class SupplyOption:
    """One way of giving a new site power, or a link.

    Parameters
    ----------
    own : Remedy
        What is done at the site.
    shared : ndarray of int
        Segments of routes that it needs besides.
    least_musd, most_musd : float
        Its cost when others pay for all segments that anybody else needs, and alone.
    """

    own: Remedy
    shared: Ints
    least_musd: float
    most_musd: float


@dataclass(frozen=True)
class Feeds:
    """Every way for every site.

    Parameters
    ----------
    power, link : tuple of tuple of SupplyOption
        By site; empty where there is none.
    feeder, fibre : tuple of Remedy
        Segments that `shared` counts in.
    cut : dict
        Routes that could never pay.
    feeder_users, fibre_users : ndarray of int
        Sites whose routes run over each segment.
    """

    power: tuple[tuple[SupplyOption, ...], ...]
    link: tuple[tuple[SupplyOption, ...], ...]
    feeder: tuple[Remedy, ...]
    fibre: tuple[Remedy, ...]
    cut: dict[str, int]
    feeder_users: Ints
    fibre_users: Ints

    def alone(self) -> Floats:
        """Return what feeding each site costs alone, the cheapest way; infinite where it cannot be fed. [million USD]"""
        return np.array(
            [
                sum(min((f.most_musd for f in way), default=np.inf) for way in both)
                for both in zip(self.power, self.link, strict=True)
            ],
            np.float64,
        )

    def dearer_by(self, a: int, b: int) -> float:
        """Return what feeding site b in place of a costs more at the most, whatever way a is fed. [million USD]

        Segments that a's way paid stay paid; segments of a's way that nobody else could need are saved.
        """
        power = _dearer(self.power[a], self.power[b], self.feeder, self.feeder_users)
        return power + _dearer(self.link[a], self.link[b], self.fibre, self.fibre_users)


def terrain_of(baseline: Baseline, costs: Costs) -> BuildGround:
    """Return the ground of a situation with the costs on it."""
    slope = slope_deg(baseline.elevation, baseline.grid.cell_m)
    return BuildGround(ground_net(baseline.elevation, baseline.grid), slope, costs, baseline)


def node_hours(network: Network, autonomy_h: float) -> Floats:
    """Return the hours a year that a site with a battery of so many hours loses on each power node."""
    n = network.node_above.size
    none = np.zeros(n)
    each = replace(
        network,
        parent=np.full(n, -1, np.int64),
        is_exchange=np.ones(n, bool),
        link_unavailability=none,
        node=np.arange(n),
        source=np.full(n, SOURCE_CODE["grid_battery"], np.int64),
        autonomy_h=np.full(n, autonomy_h),
        station=np.zeros(n, np.int64),
        oversize=np.ones(n),
        late_year=none,
        late_h=np.ones(n),
    )
    return site_stability(each, np.arange(n)).own_power_h


def new_site_feeds(
    terrain: BuildGround, ids: Sequence[str], east_m: Floats, north_m: Floats, remote: Ints
) -> Feeds:
    """Return how each new site can be fed, dominated variants left out.

    Parameters
    ----------
    terrain : BuildGround
        The ground and what works cost on it.
    ids : sequence of str
        Names of the sites.
    east_m, north_m : ndarray, shape (n,)
        Places.
    remote : ndarray of int, shape (n,)
        Remoteness class of each.
    """
    s = terrain.baseline
    xy = np.column_stack([east_m, north_m])
    here = [terrain.costs_at(e, n, int(r)) for e, n, r in zip(east_m, north_m, remote, strict=True)]
    near_site = nearest(s.site_xy_m, xy)[1] if s.network.n_sites else np.zeros(0, np.int64)
    station = np.asarray(s.network.stations, np.int64)[s.network.station[near_site]]
    links, fibre, link_cut = _links(terrain, ids, xy, here, station)
    # what the worst of a site's links leaves decides the size of its supply
    left = np.array([min((h for _, h in way), default=0.0) for way in links])
    left = np.floor(2.0 * left) / 2.0  # by half hours, so that few sizes occur
    plain = tuple(tuple(f for f, _ in way) for way in links)
    power, feeder, power_cut = _powers(terrain, ids, xy, here, station, left)
    users = [
        np.bincount(
            np.concatenate([f.shared for way in ways for f in way] or [np.empty(0, np.int64)]), minlength=n
        )
        for ways, n in ((power, len(feeder)), (plain, len(fibre)))
    ]
    return Feeds(power, plain, feeder, fibre, {"routes_cut": link_cut + power_cut}, *users)


def _links(
    terrain: BuildGround, ids: Sequence[str], xy: Floats, here: list[Costs], station: Ints
) -> tuple[list[list[tuple[SupplyOption, float]]], tuple[Remedy, ...], int]:
    """Return for each site its links with the hours that each leaves to the supply; and the segments of fibre."""
    s = terrain.baseline
    net, hours = s.network, s.stability.hours_lost
    allowed = _SPARE * s.hours_allowed
    site_xy = s.site_xy_m
    out: list[list[tuple[SupplyOption, float]]] = [[] for _ in ids]
    anchors = np.flatnonzero(hours + FIBRE_LOST * HOURS_YEAR + _SUPPLY_H <= allowed)
    # by satellite: an exchange is at the other end
    exchanges = np.flatnonzero(net.is_exchange & (hours + SATELLITE_LOST * HOURS_YEAR + 4.0 <= allowed))
    other = np.full(len(ids), np.inf)
    if exchanges.size and terrain.allows("satellite_link"):
        end = exchanges[nearest(site_xy[exchanges], xy)[1]]
        for k, name in enumerate(ids):
            cost = here[k].of(satellite=1.0, satellite_opex=1.0)
            works = Works(
                name, to_id=str(net.site_ids[end[k]]), medium="satellite", capacity_mbps=SATELLITE_MBPS,
                availability=1.0 - SATELLITE_LOST,
            )  # fmt: skip
            feed = _feed(Remedy("satellite_link", name, cost, *_place(xy, k), works))
            out[k].append((feed, allowed - float(hours[end[k]]) - SATELLITE_LOST * HOURS_YEAR))
            other[k] = cost.npv_musd
    if not anchors.size:
        return out, (), 0
    hops = _hops(s, xy, anchors, station) if terrain.allows("microwave_link") else []
    for k, end_site, km, lost in hops:
        cost = here[k].of(microwave=1.0, microwave_opex=1.0)
        works = Works(
            ids[k], to_id=str(net.site_ids[end_site]), medium="microwave", capacity_mbps=MICROWAVE_MBPS,
            availability=1.0 - lost, km=km,
        )  # fmt: skip
        feed = _feed(Remedy("microwave_link", ids[k], cost, *_place(xy, k), works))
        out[k].append((feed, allowed - float(hours[end_site]) - lost * HOURS_YEAR))
        other[k] = min(other[k], cost.npv_musd)
    if not terrain.allows("fibre_link"):
        return [_best([f for f in way if f[1] >= 4.0]) for way in out], (), 0
    km_musd = terrain.costs.of(fibre=1.0).npv_musd
    ends = terrain.costs.of(fibre_end=2.0)
    routes = shared_routes(
        terrain.net, xy, site_xy[anchors], other_way_km=other / max(km_musd, 1e-12),
        end_km=ends.npv_musd / max(km_musd, 1e-12),
    )  # fmt: skip
    segments = _segments("fibre_route", routes, terrain.costs, "fibre")
    users = _users(routes)
    for k in np.flatnonzero(routes.feasible).tolist():
        end_site = int(anchors[routes.source[k]])
        km = float(routes.drop_km[k] + routes.segment_km[routes.needs[k]].sum())
        lost = FIBRE_LOST + FIBRE_LOST_KM * km
        works = Works(
            ids[k], to_id=str(net.site_ids[end_site]), medium="fibre", capacity_mbps=FIBRE_MBPS,
            availability=1.0 - lost, km=float(routes.drop_km[k]),
        )  # fmt: skip
        own = Remedy(
            "fibre_link", ids[k], here[k].of(fibre=float(routes.drop_km[k])) + ends, *_place(xy, k), works
        )
        left = allowed - float(hours[end_site]) - lost * HOURS_YEAR
        if left >= _SUPPLY_H:
            out[k].append((_feed(own, routes.needs[k], segments, users), left))
    return [_best([f for f in way if f[1] >= 4.0]) for way in out], segments, routes.cut


def _hops(s: Baseline, xy: Floats, anchors: Ints, station: Ints) -> list[tuple[int, int, float, float]]:
    """Return for each site the nearest anchor over a free hop that leaves enough hours: site, anchor, km, share lost."""
    site_xy = s.site_xy_m
    many = min(_HOPS_TRIED, anchors.size)
    far, near = nearest(site_xy[anchors], xy, k=many)
    a = np.repeat(np.arange(len(xy)), many)
    b, km = anchors[near.ravel()], far.ravel() / 1000.0
    lost = hop_lost(km, station[a])
    good = km <= LONGEST_HOP_KM
    good &= s.stability.hours_lost[b] + lost * HOURS_YEAR + _SUPPLY_H <= _SPARE * s.hours_allowed
    at = np.flatnonzero(good)
    share = zone_shares(
        s.elevation, s.grid, xy[a[at]], site_xy[b[at]], from_height_m=MAST_M, to_height_m=ANCHOR_MAST_M
    )
    at = at[hop_is_free(share, km[at])]
    first = np.r_[True, np.diff(a[at]) > 0] if at.size else np.zeros(0, bool)
    return [(int(a[i]), int(b[i]), float(km[i]), float(lost[i])) for i in at[first]]


def _powers(
    terrain: BuildGround, ids: Sequence[str], xy: Floats, here: list[Costs], station: Ints, left: Floats
) -> tuple[tuple[tuple[SupplyOption, ...], ...], tuple[Remedy, ...], int]:
    s = terrain.baseline
    net = s.network
    out: list[list[SupplyOption]] = [[] for _ in ids]
    other = np.full(len(ids), np.inf)
    for k, name in enumerate(ids):
        sunny = left[k] > 0.0 and terrain.allows("solar_backup")
        size = cheapest_solar(here[k], int(station[k]), float(left[k])) if sunny else None
        if size is None:
            continue
        works = Works(
            name,
            power_source="solar",
            autonomy_h=size.autonomy_h,
            pv_kwp=size.kwp,
            battery_kwh=size.battery_kwh,
        )
        out[k].append(_feed(Remedy("solar_backup", name, solar_cost(here[k], size), *_place(xy, k), works)))
        other[k] = out[k][0].most_musd
    nodes = np.c_[s.node_east_m, s.node_north_m]
    if not len(nodes) or not terrain.allows("extend_grid"):
        return tuple(map(tuple, out)), (), 0
    km_musd = terrain.costs.of(mv_line=1.0).npv_musd
    least = grid_cost(terrain.costs, battery_kwh=SITE_KW * BATTERY_H[0]).npv_musd
    routes = shared_routes(
        terrain.net, xy, nodes, other_way_km=other / max(km_musd, 1e-12), end_km=least / max(km_musd, 1e-12)
    )
    segments = _segments("feeder", routes, terrain.costs, "mv_line")
    users = _users(routes)
    hours = {t: node_hours(net, t) for t in BATTERY_H}
    for k in np.flatnonzero(routes.feasible).tolist():
        km = float(routes.drop_km[k] + routes.segment_km[routes.needs[k]].sum())
        battery = _battery(hours, int(routes.source[k]), km, float(left[k]))
        if battery is None:
            continue
        kwh = SITE_KW * battery
        works = Works(
            ids[k], to_id=str(net.node_ids[routes.source[k]]), power_source="grid_battery", autonomy_h=battery,
            battery_kwh=kwh, km=float(routes.drop_km[k]), kwh_year=grid_kwh_year(),
        )  # fmt: skip
        cost = here[k].of(mv_line=float(routes.drop_km[k])) + grid_cost(here[k], battery_kwh=kwh)
        own = Remedy("extend_grid", ids[k], cost, *_place(xy, k), works)
        out[k].append(_feed(own, routes.needs[k], segments, users))
    return tuple(tuple(_cheaper(way)) for way in out), segments, routes.cut


def _place(xy: Floats, k: int) -> tuple[float, float]:
    return float(xy[k, 0]), float(xy[k, 1])


def _battery(hours: dict[float, Floats], node: int, line_km: float, left: float) -> float | None:
    """Return the smallest battery that keeps a site at the end of a new line within what is left to it."""
    for battery, lost in hours.items():
        line = LINE_FAULTS_KM_YEAR * line_km * LINE_REPAIR_H * float(np.exp(-battery / LINE_REPAIR_H))
        if lost[node] + line <= left:
            return battery
    return None


def _segments(kind: str, routes: Routes, costs: Costs, item: str) -> tuple[Remedy, ...]:
    return tuple(
        Remedy(
            kind, f"{i:05d}", costs.of(**{item: float(km)}), float(east), float(north), Works(km=float(km))
        )
        for i, (km, east, north) in enumerate(
            zip(routes.segment_km, routes.segment_east_m, routes.segment_north_m, strict=True)
        )
    )


def _users(routes: Routes) -> Ints:
    used = np.concatenate(routes.needs) if routes.needs else np.empty(0, np.int64)
    return np.bincount(used, minlength=routes.segment_km.size)


def _feed(
    own: Remedy, shared: Ints | None = None, segments: Sequence[Remedy] = (), users: Ints | None = None
) -> SupplyOption:
    cost = own.cost.npv_musd
    if shared is None or users is None or not shared.size:
        return SupplyOption(own, np.empty(0, np.int64), cost, cost)
    each = np.array([segments[i].cost.npv_musd for i in shared])
    return SupplyOption(own, shared, cost + float(each[users[shared] == 1].sum()), cost + float(each.sum()))


def _dearer(
    own: Sequence[SupplyOption], others: Sequence[SupplyOption], segments: Sequence[Remedy], users: Ints
) -> float:
    worst = -np.inf
    for v in own:
        mine = set(v.shared.tolist())
        best = np.inf
        for w in others:
            theirs = set(w.shared.tolist())
            more = sum(segments[i].cost.npv_musd for i in theirs - mine)
            saved = sum(segments[i].cost.npv_musd for i in mine - theirs if users[i] == 1)
            best = min(best, w.own.cost.npv_musd + more - v.own.cost.npv_musd - saved)
        worst = max(worst, best)
    return worst


def _cheaper(ways: Sequence[SupplyOption]) -> list[SupplyOption]:
    """Leave out ways that cost, even with all shared segments paid by others, more than another does alone."""
    best = min((f.most_musd for f in ways), default=np.inf)
    chosen = min(ways, key=lambda f: f.most_musd, default=None)
    return [f for f in ways if f is chosen or f.least_musd < best]


def _best(ways: list[tuple[SupplyOption, float]]) -> list[tuple[SupplyOption, float]]:
    kept = _cheaper([f for f, _ in ways])
    return [w for w in ways if any(w[0] is f for f in kept)]

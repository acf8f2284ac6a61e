"""Bundles of every kind, interim ones too.

An interim remedy serves only people whom its permanent one will serve, so nobody is counted twice: it brings them
service some years earlier. No bundle needs one, and no plan can end with one alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import shapely

from phusong.compute.array_types import Bools, Floats, Ints
from phusong.compute.arrays import distinct
from phusong.invest.candidate_sites import Candidates, undominated, within_room
from phusong.invest.context import Baseline
from phusong.invest.cost_sharing import payers, payers_text
from phusong.invest.costs import Cost, Costs
from phusong.invest.new_site_supply import (
    SATELLITE_LOST,
    SATELLITE_MBPS,
    BuildGround,
    Feeds,
    SupplyOption,
    generator_cost,
    generator_litres_year,
    new_site_feeds,
    terrain_of,
)
from phusong.invest.offers import (
    LEAST_PEOPLE,
    OPERATORS_OFFERED,
    REMEDY_COLUMNS,
    BundleBuilder,
    Offers,
    elements_of,
    works_communes,
    works_of_bundles,
)
from phusong.invest.plan_book import PlanModel, incidence
from phusong.invest.remedy import Remedy, Works
from phusong.invest.site_hardening import Hardening, HardeningBook
from phusong.io.resources import HOURS_YEAR
from phusong.service.capacity import CLOSED

__all__ = [
    "Interim",
    "OfferTerms",
    "Offers",
    "add_new_sites",
    "add_site_remedies",
    "bridged",
    "interim_of_new_site",
    "interim_of_site",
    "make_offers",
]


_HALL_M = 400.0  # reach of Wi-Fi and of a walk to the hall (assumed)
_MOBILE_M = 2000.0  # of a mobile cell on a mast of 15 m, in sight (assumed)
_MOBILE_LIFE, _TERMINAL_LIFE = 10.0, 5.0


@dataclass(frozen=True)
class Interim:
    """A remedy for some years.

    Parameters
    ----------
    remedy : Remedy
        What is bought.
    follows : str
        Id of the permanent remedy that takes its place.
    elements : ndarray of int
        Whom it serves until then.
    """

    remedy: Remedy
    follows: str
    elements: Ints


def interim_of_new_site(
    terrain: BuildGround,
    name: str,
    follows: str,
    place: tuple[float, float],
    remote: int,
    cells: Ints,
    people: Ints,
    years: float,
) -> list[Interim]:
    """Return what may serve the people of a new site until it stands: a hall terminal, a mobile cell.

    Parameters
    ----------
    terrain : BuildGround
        The ground and what works cost on it.
    name, follows : str
        Of the site, and the permanent remedy that takes its place.
    place : tuple of float
        Easting and northing of the site. [m]
    remote : int
        Remoteness class.
    cells, people : ndarray of int
        Demand cells in reach, and people without service in each.
    years : float
        How long it stands.
    """
    s = terrain.baseline
    costs = terrain.costs_at(*place, remote)
    east, north = s.grid.centres(*np.divmod(s.cell_pixel[cells], s.grid.width))
    everyone = np.arange(s.weights.shape[1])
    top = int(np.argmax(people))
    hall = (float(east[top]), float(north[top]))
    near = np.hypot(east - hall[0], north - hall[1]) <= _HALL_M
    link = {"medium": "satellite", "capacity_mbps": SATELLITE_MBPS, "availability": 1.0 - SATELLITE_LOST}
    terminal = _for_years(costs, costs.of(hall_terminal=1.0, hall_terminal_opex=1.0), years, _TERMINAL_LIFE)
    out = [
        Interim(
            Remedy("satellite_terminal", name, terminal, *hall, Works(name, **link)),  # type: ignore[arg-type] # words and numbers by name
            follows,
            elements_of(cells[near], everyone, everyone.size),
        )
    ]
    close = np.hypot(east - place[0], north - place[1]) <= _MOBILE_M
    if close.any():
        parts = costs.of(mobile_bts=1.0, satellite=1.0, satellite_opex=1.0, generator_hire=1.0)
        parts += costs.energy(litres_year=generator_litres_year(HOURS_YEAR))
        cost = _for_years(costs, parts, years, _MOBILE_LIFE) + costs.of(mobile_bts_move=1.0)
        works = Works(name, power_source="diesel", litres_year=generator_litres_year(HOURS_YEAR), **link)  # type: ignore[arg-type] # as above
        out.append(
            Interim(
                Remedy("mobile_bts", name, cost, *place, works),
                follows,
                elements_of(cells[close], everyone, everyone.size),
            )
        )
    return out


def interim_of_site(
    terrain: BuildGround, site: int, kind: str, follows: str, elements: Ints, years: float
) -> Interim:
    """Return what may serve the people of a standing site until it is mended or opened: `generator` or `roaming`."""
    s = terrain.baseline
    name = str(s.network.site_ids[site])
    place = float(s.site_east_m[site]), float(s.site_north_m[site])
    costs = terrain.costs_at(*place, int(s.network.remote[site]))
    if kind == "roaming":
        cost = _for_years(costs, costs.of(open_roaming=1.0, open_roaming_opex=1.0), years, years)
        return Interim(Remedy(kind, name, cost, *place, Works(name)), follows, elements)
    hours = float(s.stability.own_power_h[site])
    parts = generator_cost(costs, hours) + costs.of(generator_hire=1.0)
    works = Works(name, autonomy_h=48.0, litres_year=generator_litres_year(hours))
    return Interim(
        Remedy(kind, name, _for_years(costs, parts, years, _MOBILE_LIFE), *place, works), follows, elements
    )


def bridged(offers: Offers, bought: Bools, interim: Sequence[int]) -> Floats:
    """Return the people each interim remedy serves early in a plan, nobody twice.

    Parameters
    ----------
    offers : Offers
        What there is to buy.
    bought : ndarray of bool, shape (n_remedies,)
        The plan, permanent remedies only.
    interim : sequence of int
        Interim remedies, in the order in which they begin; of two that serve the same people the first counts.

    Returns
    -------
    ndarray, shape (len(interim),)
        Only people whom the plan serves in the end, and only while their permanent remedy is in the plan.
    """
    served = offers.model.served(bought)
    position = {r: k for k, r in enumerate(offers.remedies["remedy_id"])}
    follows = offers.remedies["follows"].to_numpy(str)
    out = np.zeros(len(interim))
    if offers.bridges is None:
        return out
    left = served.copy()
    for i, k in enumerate(interim):
        if not bought[position[follows[k]]]:
            continue
        on = offers.bridges.indices[offers.bridges.indptr[k] : offers.bridges.indptr[k + 1]]
        fresh = on[left[on]]
        left[fresh] = False
        out[i] = float(offers.model.weights[fresh].sum())
    return out


def _for_years(costs: Costs, whole: Cost, years: float, life: float) -> Cost:
    """Return the cost of what is used for some years and then goes to another place: its wear and its running cost."""
    worn = min(years / life, 1.0)
    kept = whole.capex_musd * (1.0 - worn) * (1.0 + costs.discount_rate) ** -years
    base = whole.capex_musd - kept
    # low and high move with the base, in the proportion of the whole
    running = costs.running(whole.opex_musd_year, years)
    now = base + running
    times = now / max(whole.npv_musd, 1e-12)
    return Cost(whole.capex_musd, whole.opex_musd_year, now, whole.low_musd * times, whole.high_musd * times)


def add_new_sites(
    build: BundleBuilder, terrain: BuildGround, candidates: Candidates, interim_years: float
) -> dict[str, int]:
    """List remedies and bundles of new sites; return how many were looked at and why the others were left out."""
    s = build.s
    counts = dict(candidates.counts) | {"candidates": candidates.ids.size}
    people = np.array([int(build.left[c].sum()) for c in candidates.cells], np.int64)
    helpful = candidates.only(people >= LEAST_PEOPLE)
    commune = _communes(build, helpful)
    feeds, masts = _costed(terrain, helpful, commune)
    fed = np.isfinite(feeds.alone())
    open_to_all = s.rights.new_sites_open[s.commune_remote[commune]] if commune.size else np.zeros(0, bool)
    room = helpful.room_people >= people[people >= LEAST_PEOPLE]
    keep = fed.copy()
    for shared in (False, True):
        group = np.flatnonzero(fed & (open_to_all == shared))
        # a site whose rules bind it to one operator takes the place of none that all may use
        cells = tuple(helpful.cells[k] for k in group)

        def dearer(a: int, b: int, group: Ints = group) -> float:
            i, j = int(group[a]), int(group[b])
            return float(masts[j] - masts[i]) + feeds.dearer_by(i, j)

        keep[group] = undominated(cells, s.cell_pixel.size, room[group], dearer)
    counts |= {
        "gain_too_few": int((people < LEAST_PEOPLE).sum()),
        "cannot_be_fed": int((~fed).sum()),
        "dominated": int((fed & ~keep).sum()),
        **feeds.cut,
    }
    # the routes of those left out no longer share anything
    left = helpful.only(keep)
    where = commune[keep]
    feeds, _ = _costed(terrain, left, where)
    for k in range(left.ids.size):
        _add_site(build, terrain, left, feeds, k, int(where[k]), bool(open_to_all[keep][k]), interim_years)
    return counts | {"kept": left.ids.size}


def _communes(build: BundleBuilder, candidates: Candidates) -> Ints:
    """Return the commune of most of the people that each candidate reaches: its rules hold."""
    s = build.s
    return np.array(
        [
            int(np.argmax(np.bincount(s.cell_commune[c], build.left[c].sum(axis=1).astype(np.float64))))
            for c in candidates.cells
        ],
        np.int64,
    )


def _costed(terrain: BuildGround, candidates: Candidates, commune: Ints) -> tuple[Feeds, Floats]:
    remote = terrain.baseline.commune_remote[commune] if commune.size else np.empty(0, np.int64)
    feeds = new_site_feeds(terrain, candidates.ids.tolist(), candidates.east_m, candidates.north_m, remote)
    masts = [_mast(terrain, candidates, k, int(remote[k])).cost.npv_musd for k in range(candidates.ids.size)]
    return feeds, np.array(masts, np.float64)


def _mast(terrain: BuildGround, candidates: Candidates, k: int, remote: int) -> Remedy:
    """Return what carries the antennas: a new mast, or a structure that stands."""
    name, place = str(candidates.ids[k]), (float(candidates.east_m[k]), float(candidates.north_m[k]))
    costs: Costs = terrain.costs_at(*place, remote)
    standing = int(candidates.structure[k])
    if standing >= 0 and terrain.allows("use_structure"):
        host = str(terrain.baseline.network.site_ids[standing])
        cost = costs.of(open_passive=1.0, rent=1.0)
        return Remedy("use_structure", name, cost, *place, Works(name, to_id=host))
    cost = costs.of(tower=1.0, installation=1.0, site_opex=1.0)
    return Remedy("build_site", name, cost, *place, Works(name))


def _add_site(
    build: BundleBuilder,
    terrain: BuildGround,
    candidates: Candidates,
    feeds: Feeds,
    k: int,
    commune: int,
    open_to_all: bool,  # noqa: FBT001
    interim_years: float,
) -> None:
    s = build.s
    name, cells = str(candidates.ids[k]), candidates.cells[k]
    remote = int(s.commune_remote[commune])
    mast = _mast(terrain, candidates, k, remote)
    place = mast.east_m, mast.north_m
    costs = terrain.costs_at(*place, remote)
    everyone = np.arange(build.n_ops)
    ranked = np.argsort(-s.network.shares, kind="stable")[:OPERATORS_OFFERED]
    radios = {
        int(o): Remedy(
            "add_radio", f"{name}/{s.network.operators[o]}", costs.of(radio=1.0), *place,
            Works(name, operator=str(s.network.operators[o])),
        )
        for o in ranked
    }  # fmt: skip
    sets: list[tuple[list[Remedy], Ints]] = []
    if not open_to_all:
        sets += [([radio], elements_of(cells, np.array([o]), build.n_ops)) for o, radio in radios.items()]
    shared = [radios[int(ranked[0])]]
    if not open_to_all:
        # left out where sharing may not be bought: the builder lists no such bundle
        cost = costs.of(open_mocn=1.0, open_mocn_opex=1.0)
        shared.append(Remedy("open_mocn", name, cost, *place, Works(name)))
    sets.append((shared, elements_of(cells, everyone, build.n_ops)))
    room = int(candidates.room_people[k])
    listed = False
    for power, link in _pairs(feeds.power[k], feeds.link[k]):
        base = [mast, power.own, link.own]
        base += [feeds.feeder[i] for i in power.shared] + [feeds.fibre[i] for i in link.shared]
        for radio, elements in sets:
            fit = within_room(elements, build.left.ravel()[elements], room)
            if int(build.left.ravel()[fit].sum()) >= LEAST_PEOPLE:
                listed |= build.offer([build.buy(r) for r in (*base, *radio)], fit, name)
    if listed:
        people = build.left[cells].sum(axis=1)
        for found in interim_of_new_site(
            terrain, name, mast.remedy_id, place, remote, cells, people, interim_years
        ):
            build.bridge(found.remedy, found.follows, found.elements)


def _pairs(
    power: tuple[SupplyOption, ...], link: tuple[SupplyOption, ...]
) -> list[tuple[SupplyOption, SupplyOption]]:
    """Return the ways of feeding a site that no other way always beats."""
    both = [(p, q) for p in power for q in link]
    best = min((p.most_musd + q.most_musd for p, q in both), default=np.inf)
    # of ways that nobody shares only the cheapest stays
    return [
        (p, q)
        for p, q in both
        if p.most_musd + q.most_musd <= best
        or (p.shared.size + q.shared.size and p.least_musd + q.least_musd < best)
    ]


_BUSY = 0.5  # share of a station's room in use from which a further carrier is looked at
_NO_MOCN = frozenset({"security", "legal"})
_NO_GUESTS = frozenset({"security", "legal", "technical"})


def add_site_remedies(
    build: BundleBuilder, terrain: BuildGround, book: HardeningBook, interim_years: float
) -> dict[int, tuple[Hardening, ...]]:
    """List remedies and bundles of standing sites; return the cheapest way to make each unstable site stable."""
    cells_of = _cells_of_stations(build.s)
    cheapest = _stabilise(build, terrain, book, cells_of, interim_years)
    _open(build, terrain, cells_of, cheapest, interim_years)
    _widen(build, terrain, cells_of)
    return cheapest


def _cells_of_stations(baseline: Baseline) -> list[Ints]:
    """Return the cells that hear each station, strongest first."""
    reception = baseline.reception
    order = np.argsort(reception.station, kind="stable")
    bounds = np.searchsorted(reception.station[order], np.arange(baseline.network.n_stations + 1))
    cells = reception.cell[order].astype(np.int64)
    return [cells[bounds[k] : bounds[k + 1]] for k in range(baseline.network.n_stations)]


def _stations_by_site(baseline: Baseline) -> dict[int, list[int]]:
    by_site: dict[int, list[int]] = {}
    for station, site in enumerate(baseline.network.station_site.tolist()):
        by_site.setdefault(site, []).append(station)
    return by_site


def _with_room(build: BundleBuilder, elements: Ints, stations: Sequence[int]) -> Ints:
    """Return the elements that find room on some stations, the strongest first."""
    room = build.s.usage.station_room
    return within_room(elements, build.left.ravel()[elements], int(sum(int(room[k]) for k in stations)))


def _stabilise(
    build: BundleBuilder,
    terrain: BuildGround,
    book: HardeningBook,
    cells_of: list[Ints],
    interim_years: float,
) -> dict[int, tuple[Hardening, ...]]:
    """Offer to make each unstable site stable, where people may use it but hear nothing stable."""
    s = build.s
    unstable, locked = s.access.unstable > 0, s.access.locked > 0
    cheapest: dict[int, tuple[Hardening, ...]] = {}
    shaky = s.stability.hours_lost > s.hours_allowed
    for site, stations in _stations_by_site(s).items():
        if not shaky[site]:
            continue
        gain = []
        could = 0
        for station in stations:
            cells = cells_of[station]
            users = np.flatnonzero(s.tier[station] < CLOSED)
            c, o = np.nonzero(unstable[cells][:, users])
            gain.append(_with_room(build, cells[c] * build.n_ops + users[o], [station]))
            could += int((build.left[cells] * locked[cells]).sum())
        elements = distinct(np.concatenate(gain))
        people = int(build.left.ravel()[elements].sum())
        if people < LEAST_PEOPLE and could < LEAST_PEOPLE:
            continue
        variants = book.variants(site)
        if not variants:
            continue
        cheapest[site] = variants[0]
        for fixes in variants:
            build.offer(_buy_hardenings(build, fixes), elements, str(s.network.site_ids[site]))
        _bridge_by_generator(build, terrain, site, variants, elements, interim_years)
    return cheapest


def _bridge_by_generator(
    build: BundleBuilder,
    terrain: BuildGround,
    site: int,
    variants: Sequence[tuple[Hardening, ...]],
    elements: Ints,
    years: float,
) -> None:
    """A hired set bridges the time where a set alone would do and something better is to come."""
    alone = any(len(v) == 1 and v[0].kind == "diesel_backup" and v[0].site == site for v in variants)
    better = [
        f
        for v in variants
        if len(v) == 1
        for f in v
        if f.site == site and f.kind in {"battery_backup", "solar_backup"}
    ]
    if alone and better:
        follows = better[0].remedy(build.s).remedy_id
        found = interim_of_site(terrain, site, "generator", follows, elements, years)
        build.bridge(found.remedy, found.follows, found.elements)


def _buy_hardenings(build: BundleBuilder, fixes: Sequence[Hardening]) -> list[int]:
    return [build.buy(f.remedy(build.s)) for f in fixes]


def _open(
    build: BundleBuilder,
    terrain: BuildGround,
    cells_of: list[Ints],
    cheapest: dict[int, tuple[Hardening, ...]],
    interim_years: float,
) -> None:
    """Offer to open sites to people who hear only what they may not use: passively, by MOCN, by roaming."""
    s, net = build.s, build.s.network
    locked = s.access.locked > 0
    shaky = s.stability.hours_lost > s.hours_allowed
    ranked = np.argsort(-net.shares, kind="stable")[:OPERATORS_OFFERED]
    for site, stations in _stations_by_site(s).items():
        cells = _in_turn([cells_of[k] for k in stations])
        c, o = np.nonzero(locked[cells])
        elements = cells[c] * build.n_ops + o
        if int(build.left.ravel()[elements].sum()) < LEAST_PEOPLE:
            continue
        if shaky[site] and site not in cheapest:
            continue
        base = _buy_hardenings(build, cheapest[site]) if shaky[site] else []
        name, reason = str(net.site_ids[site]), str(net.lock_reason[site])
        costs = terrain.costs_at(
            float(s.site_east_m[site]), float(s.site_north_m[site]), int(net.remote[site])
        )
        fit = _with_room(build, elements, stations)
        if reason not in _NO_MOCN:
            shared = _at_site(s, site, "open_mocn", name, costs.of(open_mocn=1.0, open_mocn_opex=1.0))
            build.offer([*base, build.buy(shared)], fit, name)
        if reason != "security":
            cost = costs.of(open_roaming=1.0, open_roaming_opex=1.0)
            build.offer([*base, build.buy(_at_site(s, site, "open_roaming", name, cost))], fit, name)
        if reason in _NO_GUESTS:
            continue
        for operator in ranked:
            mine = elements[o == operator]
            if int(build.left.ravel()[mine].sum()) < LEAST_PEOPLE:
                continue
            who = str(net.operators[operator])
            guest = _at_site(s, site, "add_radio", f"{name}/{who}", costs.of(guest_radio=1.0, rent=1.0), who)
            needed = [*base, build.buy(guest)]
            if not s.rights.hosted[site, operator]:
                weak = 1.0 if reason == "structural" or net.spare_slots[site] == 0 else 0.0
                needed.append(
                    build.buy(
                        _at_site(s, site, "open_passive", name, costs.of(open_passive=1.0, reinforce=weak))
                    )
                )
            build.offer(needed, mine, name)
            if not shaky[site]:
                found = interim_of_site(terrain, site, "roaming", guest.remedy_id, mine, interim_years)
                build.bridge(found.remedy, found.follows, found.elements)


def _widen(build: BundleBuilder, terrain: BuildGround, cells_of: list[Ints]) -> None:
    """Offer one more carrier to stations that turn people away."""
    s = build.s
    congested = s.access.congested > 0
    for station in np.flatnonzero(s.usage.station_load > _BUSY):
        cells = cells_of[station]
        users = np.flatnonzero(s.tier[station] < CLOSED)
        c, o = np.nonzero(congested[cells][:, users])
        if not c.size:
            continue
        site = int(s.network.station_site[station])
        name = str(s.network.station_ids[station])
        who = str(s.network.operators[s.network.station_operator[station]])
        place = float(s.site_east_m[site]), float(s.site_north_m[site])
        costs = terrain.costs_at(*place, int(s.network.remote[site]))
        works = Works(str(s.network.site_ids[site]), operator=who)
        carrier = Remedy("add_radio", name, costs.of(carrier=1.0), *place, works)
        build.offer([build.buy(carrier)], cells[c] * build.n_ops + users[o], str(s.network.site_ids[site]))


def _at_site(s: Baseline, site: int, kind: str, where: str, cost: Cost, operator: str = "") -> Remedy:
    place = float(s.site_east_m[site]), float(s.site_north_m[site])
    return Remedy(kind, where, cost, *place, Works(str(s.network.site_ids[site]), operator=operator))


def _in_turn(cells: Sequence[Ints]) -> Ints:
    """Return the cells of several stations once each, in the order in which they first come."""
    every = np.concatenate(cells)
    return every[np.sort(np.unique(every, return_index=True)[1])]


_REMOTE_FROM = 2  # remoteness class from which the universal service fund pays its part


@dataclass(frozen=True)
class OfferTerms:
    """On which terms things are offered.

    Parameters
    ----------
    policy : str
        Sharing policy in force: it decides who pays.
    universal_service_share : float
        Part of remedies in remote communes that the universal service fund pays.
    interim_years : float
        How long an interim remedy stands.
    remedies : frozenset of str, optional
        Kinds that may be bought; all when left out.
    """

    policy: str = "none"
    universal_service_share: float = 0.0
    interim_years: float = 2.0
    remedies: frozenset[str] | None = None


def make_offers(
    baseline: Baseline,
    costs: Costs,
    candidates: Candidates,
    terms: OfferTerms | None = None,
    *,
    areas: Sequence[shapely.Geometry] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Offers:
    """Return every remedy that can help somebody, and the bundles to choose from.

    Parameters
    ----------
    baseline : Baseline
        The network as it serves today, and who is left without.
    costs : Costs
        The catalogue.
    candidates : Candidates
        New sites and what they would reach.
    terms : OfferTerms, optional
        Who pays, and how long interim remedies stand.
    areas : sequence of geometry, optional
        The communes, in the order of the situation's: works stand in one of them, and its remoteness says who pays.
        Without them works stand in the commune of the people nearest to them.
    progress : callable, optional
        Told the name of each step.
    """
    say = progress or (lambda _step: None)
    asked = terms or OfferTerms()
    build = BundleBuilder(baseline, asked.remedies)
    terrain = replace(terrain_of(baseline, costs), allowed=asked.remedies)
    book = HardeningBook(terrain)
    say("standing sites")
    cheapest = add_site_remedies(build, terrain, book, asked.interim_years)
    say("new sites")
    counts = add_new_sites(build, terrain, candidates, asked.interim_years)
    build.merge()
    remedies = _remedies_table(build, baseline, asked, areas)
    people = pd.DataFrame(build.bundles, columns=["kinds", "operators", "commune_code"])
    bundles = pd.concat([people, works_of_bundles(build, remedies)], axis=1)
    bundles.insert(0, "bundle_id", [f"b{i:05d}" for i in range(len(bundles))])
    model = PlanModel(
        remedies["cost_musd"].to_numpy(np.float64),
        incidence(build.needs, len(remedies)),
        incidence(build.covers, baseline.weights.size),
        build.left.ravel().astype(np.float64),
    )
    nobody = np.empty(0, np.int64)
    bridges = incidence([build.bridges.get(k, nobody) for k in range(len(remedies))], baseline.weights.size)
    fixes = {site: sum(f.cost.npv_musd for f in found) for site, found in cheapest.items()}
    return Offers(remedies, bundles, model, fixes, bridges, counts)


def _remedies_table(
    build: BundleBuilder, baseline: Baseline, terms: OfferTerms, areas: Sequence[shapely.Geometry] | None
) -> pd.DataFrame:
    table = pd.DataFrame(
        build.rows, columns=[c for c in REMEDY_COLUMNS if c not in {"commune_code", "payers"}]
    )
    table["interim"] = table["interim"].eq(True)
    table["follows"] = table["follows"].fillna("")
    commune = works_communes(baseline, table, areas)
    table["commune_code"] = np.append(baseline.commune_codes, "")[commune]
    table["payers"] = _payers(table, commune, baseline, terms)
    return table[list(REMEDY_COLUMNS)]


def _payers(table: pd.DataFrame, commune: Ints, baseline: Baseline, terms: OfferTerms) -> list[str]:
    net = baseline.network
    largest = net.operators[int(np.argmax(net.shares))]
    owner = {
        str(s): net.operators[o] for s, o in zip(net.site_ids, net.owner.tolist(), strict=True) if o >= 0
    }
    remote = np.append(baseline.commune_remote, 0)[commune] >= _REMOTE_FROM
    known: dict[tuple[str, str, bool], str] = {}
    out = []
    for kind, operator, site, far in zip(
        table["kind"], table["operator"], table["site_id"], remote, strict=True
    ):
        builder = operator or owner.get(site, largest)
        key = (kind, builder, bool(far))
        if key not in known:
            share = terms.universal_service_share if far else 0.0
            known[key] = payers_text(
                payers(kind, terms.policy.split()[0], net.operators, builder, fund_share=share)
            )
        out.append(known[key])
    return out

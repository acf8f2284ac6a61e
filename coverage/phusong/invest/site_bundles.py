"""What can be done at sites that stand: make them stable, open them to others, widen them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from phusong.distinct import distinct
from phusong.invest.costs import Cost
from phusong.invest.drawer import LEAST_PEOPLE, OPERATORS_OFFERED, Drawer
from phusong.invest.feeds import Terrain
from phusong.invest.fixes import FixBook
from phusong.invest.interim import interim_of_site
from phusong.invest.new_sites import within_room
from phusong.invest.remedy import Remedy, Works
from phusong.invest.site_fixes import Fix
from phusong.invest.situation import Situation
from phusong.service.capacity import CLOSED

__all__ = ["draw_site_remedies"]

Ints = npt.NDArray[np.int64]

_BUSY = 0.5  # share of a station's room in use from which a further carrier is looked at
_NO_MOCN = frozenset({"security", "legal"})
_NO_GUESTS = frozenset({"security", "legal", "technical"})


def draw_site_remedies(
    draw: Drawer, terrain: Terrain, book: FixBook, interim_years: float
) -> dict[int, tuple[Fix, ...]]:
    """List remedies and bundles of standing sites; return the cheapest way to make each unstable site stable."""
    cells_of = _cells_of_stations(draw.s)
    cheapest = _stabilise(draw, terrain, book, cells_of, interim_years)
    _open(draw, terrain, cells_of, cheapest, interim_years)
    _widen(draw, terrain, cells_of)
    return cheapest


def _cells_of_stations(situation: Situation) -> list[Ints]:
    """Return the cells that hear each station, strongest first."""
    reception = situation.reception
    order = np.argsort(reception.station, kind="stable")
    bounds = np.searchsorted(reception.station[order], np.arange(situation.network.n_stations + 1))
    cells = reception.cell[order].astype(np.int64)
    return [cells[bounds[k] : bounds[k + 1]] for k in range(situation.network.n_stations)]


def _stations_by_site(situation: Situation) -> dict[int, list[int]]:
    by_site: dict[int, list[int]] = {}
    for station, site in enumerate(situation.network.station_site.tolist()):
        by_site.setdefault(site, []).append(station)
    return by_site


def _with_room(draw: Drawer, elements: Ints, stations: Sequence[int]) -> Ints:
    """Return the elements that find room on some stations, the strongest first."""
    room = draw.s.station_room
    if room is None:
        return elements
    return within_room(elements, draw.left.ravel()[elements], int(sum(int(room[k]) for k in stations)))


def _stabilise(
    draw: Drawer, terrain: Terrain, book: FixBook, cells_of: list[Ints], interim_years: float
) -> dict[int, tuple[Fix, ...]]:
    """Offer to make each unstable site stable, where people may use it but hear nothing stable."""
    s = draw.s
    unstable, locked = s.access.unstable > 0, s.access.locked > 0
    cheapest: dict[int, tuple[Fix, ...]] = {}
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
            gain.append(_with_room(draw, cells[c] * draw.n_ops + users[o], [station]))
            could += int((draw.left[cells] * locked[cells]).sum())
        elements = distinct(np.concatenate(gain))
        people = int(draw.left.ravel()[elements].sum())
        if people < LEAST_PEOPLE and could < LEAST_PEOPLE:
            continue
        variants = book.variants(site)
        if not variants:
            continue
        cheapest[site] = variants[0]
        for fixes in variants:
            draw.offer(_buy_fixes(draw, fixes), elements, str(s.network.site_ids[site]))
        _bridge_by_generator(draw, terrain, site, variants, elements, interim_years)
    return cheapest


def _bridge_by_generator(
    draw: Drawer,
    terrain: Terrain,
    site: int,
    variants: Sequence[tuple[Fix, ...]],
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
        follows = better[0].remedy(draw.s).remedy_id
        found = interim_of_site(terrain, site, "generator", follows, elements, years)
        draw.bridge(found.remedy, found.follows, found.elements)


def _buy_fixes(draw: Drawer, fixes: Sequence[Fix]) -> list[int]:
    return [draw.buy(f.remedy(draw.s)) for f in fixes]


def _open(
    draw: Drawer,
    terrain: Terrain,
    cells_of: list[Ints],
    cheapest: dict[int, tuple[Fix, ...]],
    interim_years: float,
) -> None:
    """Offer to open sites to people who hear only what they may not use: passively, by MOCN, by roaming."""
    s, net = draw.s, draw.s.network
    locked = s.access.locked > 0
    shaky = s.stability.hours_lost > s.hours_allowed
    ranked = np.argsort(-net.shares, kind="stable")[:OPERATORS_OFFERED]
    for site, stations in _stations_by_site(s).items():
        cells = _in_turn([cells_of[k] for k in stations])
        c, o = np.nonzero(locked[cells])
        elements = cells[c] * draw.n_ops + o
        if int(draw.left.ravel()[elements].sum()) < LEAST_PEOPLE:
            continue
        if shaky[site] and site not in cheapest:
            continue
        base = _buy_fixes(draw, cheapest[site]) if shaky[site] else []
        name, reason = str(net.site_ids[site]), str(net.lock_reason[site])
        costs = terrain.costs_at(
            float(s.site_east_m[site]), float(s.site_north_m[site]), int(net.remote[site])
        )
        fit = _with_room(draw, elements, stations)
        if reason not in _NO_MOCN:
            shared = _at_site(s, site, "open_mocn", name, costs.of(open_mocn=1.0, open_mocn_opex=1.0))
            draw.offer([*base, draw.buy(shared)], fit, name)
        if reason != "security":
            cost = costs.of(open_roaming=1.0, open_roaming_opex=1.0)
            draw.offer([*base, draw.buy(_at_site(s, site, "open_roaming", name, cost))], fit, name)
        if reason in _NO_GUESTS:
            continue
        for operator in ranked:
            mine = elements[o == operator]
            if int(draw.left.ravel()[mine].sum()) < LEAST_PEOPLE:
                continue
            who = str(net.operators[operator])
            guest = _at_site(s, site, "add_radio", f"{name}/{who}", costs.of(guest_radio=1.0, rent=1.0), who)
            needed = [*base, draw.buy(guest)]
            if not s.rights.hosted[site, operator]:
                weak = 1.0 if reason == "structural" or net.spare_slots[site] == 0 else 0.0
                needed.append(
                    draw.buy(
                        _at_site(s, site, "open_passive", name, costs.of(open_passive=1.0, reinforce=weak))
                    )
                )
            draw.offer(needed, mine, name)
            if not shaky[site]:
                found = interim_of_site(terrain, site, "roaming", guest.remedy_id, mine, interim_years)
                draw.bridge(found.remedy, found.follows, found.elements)


def _widen(draw: Drawer, terrain: Terrain, cells_of: list[Ints]) -> None:
    """Offer one more carrier to stations that turn people away."""
    s = draw.s
    congested = s.access.congested > 0
    for station in np.flatnonzero(s.station_load > _BUSY):
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
        draw.offer([draw.buy(carrier)], cells[c] * draw.n_ops + users[o], str(s.network.site_ids[site]))


def _at_site(s: Situation, site: int, kind: str, where: str, cost: Cost, operator: str = "") -> Remedy:
    place = float(s.site_east_m[site]), float(s.site_north_m[site])
    return Remedy(kind, where, cost, *place, Works(str(s.network.site_ids[site]), operator=operator))


def _in_turn(cells: Sequence[Ints]) -> Ints:
    """Return the cells of several stations once each, in the order in which they first come."""
    every = np.concatenate(cells)
    return every[np.sort(np.unique(every, return_index=True)[1])]

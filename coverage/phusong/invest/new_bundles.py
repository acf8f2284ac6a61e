"""Bundles of new sites: a mast with power and a way to the core, and the radio of one operator or of all by MOCN."""

import numpy as np
import numpy.typing as npt

from phusong.invest.costs import Costs
from phusong.invest.drawer import LEAST_PEOPLE, OPERATORS_OFFERED, Drawer, elements_of
from phusong.invest.feeds import Feed, Feeds, Terrain, new_site_feeds
from phusong.invest.interim import interim_of_new_site
from phusong.invest.new_sites import Candidates, undominated, within_room
from phusong.invest.remedy import Remedy, Works

__all__ = ["draw_new_sites"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def draw_new_sites(
    draw: Drawer, terrain: Terrain, candidates: Candidates, interim_years: float
) -> dict[str, int]:
    """List remedies and bundles of new sites; return how many were looked at and why the others were left out."""
    s = draw.s
    counts = dict(candidates.counts) | {"candidates": candidates.ids.size}
    people = np.array([int(draw.left[c].sum()) for c in candidates.cells], np.int64)
    helpful = candidates.only(people >= LEAST_PEOPLE)
    commune = _communes(draw, helpful)
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
        _draw_site(draw, terrain, left, feeds, k, int(where[k]), bool(open_to_all[keep][k]), interim_years)
    return counts | {"kept": left.ids.size}


def _communes(draw: Drawer, candidates: Candidates) -> Ints:
    """Return the commune of most of the people that each candidate reaches: its rules hold."""
    s = draw.s
    return np.array(
        [
            int(np.argmax(np.bincount(s.cell_commune[c], draw.left[c].sum(axis=1).astype(np.float64))))
            for c in candidates.cells
        ],
        np.int64,
    )


def _costed(terrain: Terrain, candidates: Candidates, commune: Ints) -> tuple[Feeds, Floats]:
    remote = terrain.situation.commune_remote[commune] if commune.size else np.empty(0, np.int64)
    feeds = new_site_feeds(terrain, candidates.ids.tolist(), candidates.east_m, candidates.north_m, remote)
    masts = [_mast(terrain, candidates, k, int(remote[k])).cost.npv_musd for k in range(candidates.ids.size)]
    return feeds, np.array(masts, np.float64)


def _mast(terrain: Terrain, candidates: Candidates, k: int, remote: int) -> Remedy:
    """Return what carries the antennas: a new mast, or a structure that stands."""
    name, place = str(candidates.ids[k]), (float(candidates.east_m[k]), float(candidates.north_m[k]))
    costs: Costs = terrain.costs_at(*place, remote)
    standing = int(candidates.structure[k])
    if standing >= 0 and terrain.allows("use_structure"):
        host = str(terrain.situation.network.site_ids[standing])
        cost = costs.of(open_passive=1.0, rent=1.0)
        return Remedy("use_structure", name, cost, *place, Works(name, to_id=host))
    cost = costs.of(tower=1.0, installation=1.0, site_opex=1.0)
    return Remedy("build_site", name, cost, *place, Works(name))


def _draw_site(
    draw: Drawer,
    terrain: Terrain,
    candidates: Candidates,
    feeds: Feeds,
    k: int,
    commune: int,
    open_to_all: bool,  # noqa: FBT001
    interim_years: float,
) -> None:
    s = draw.s
    name, cells = str(candidates.ids[k]), candidates.cells[k]
    remote = int(s.commune_remote[commune])
    mast = _mast(terrain, candidates, k, remote)
    place = mast.east_m, mast.north_m
    costs = terrain.costs_at(*place, remote)
    everyone = np.arange(draw.n_ops)
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
        sets += [([radio], elements_of(cells, np.array([o]), draw.n_ops)) for o, radio in radios.items()]
    shared = [radios[int(ranked[0])]]
    if not open_to_all:
        # left out where sharing may not be bought: the Drawer lists no such bundle
        cost = costs.of(open_mocn=1.0, open_mocn_opex=1.0)
        shared.append(Remedy("open_mocn", name, cost, *place, Works(name)))
    sets.append((shared, elements_of(cells, everyone, draw.n_ops)))
    room = int(candidates.room_people[k])
    listed = False
    for power, link in _pairs(feeds.power[k], feeds.link[k]):
        base = [mast, power.own, link.own]
        base += [feeds.feeder[i] for i in power.shared] + [feeds.fibre[i] for i in link.shared]
        for radio, elements in sets:
            fit = within_room(elements, draw.left.ravel()[elements], room)
            if int(draw.left.ravel()[fit].sum()) >= LEAST_PEOPLE:
                listed |= draw.offer([draw.buy(r) for r in (*base, *radio)], fit, name)
    if listed:
        people = draw.left[cells].sum(axis=1)
        for found in interim_of_new_site(
            terrain, name, mast.remedy_id, place, remote, cells, people, interim_years
        ):
            draw.bridge(found.remedy, found.follows, found.elements)


def _pairs(power: tuple[Feed, ...], link: tuple[Feed, ...]) -> list[tuple[Feed, Feed]]:
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

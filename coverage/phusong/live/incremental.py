"""Incremental update: what one event changes is computed anew, nothing else."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from phusong.compute.array_types import Bools, Ints
from phusong.compute.arrays import members
from phusong.compute.kernels import nb
from phusong.live.reallocation import Taken, ask_again
from phusong.live.recompute import (
    Now,
    battery_ms,
    claims,
    everything_now,
    mend_ways,
    spent_batteries,
    stations_on,
    steady_share,
    sums_of,
    taken_now,
)
from phusong.live.state import NEVER, Happened, PowerLines, StaticNetwork, nothing_yet
from phusong.service.capacity import CLOSED, busy_stations, people_in

__all__ = [
    "Live",
    "Touched",
    "count_behind_kernel",
    "dark_nodes",
    "darkened",
    "look_kernel",
    "rate_kernel",
    "relit",
    "together",
]


@nb.njit(cache=True)
def look_kernel(  # type: ignore[no-untyped-def]
    cells, start, pair, station, on, tier, available, target, heard, usable, stable, best
):
    """Say anew what some cells hear, may use and find stable, and their best availability."""
    n_ops = tier.shape[1]
    for c in cells:
        heard[c] = False
        for o in range(n_ops):
            usable[c, o], stable[c, o], best[c, o] = False, False, np.float32(0.0)
        for at in range(start[c], start[c + 1]):
            s = station[pair[at]]
            if not on[s]:
                continue
            heard[c] = True
            for o in range(n_ops):
                if tier[s, o] >= CLOSED:
                    continue
                usable[c, o] = True
                stable[c, o] |= available[s] >= target
                best[c, o] = max(best[c, o], np.float32(available[s]))


@nb.njit(cache=True)
def count_behind_kernel(  # type: ignore[no-untyped-def]
    cells, sign, start, pair, station, site_of, on, tier, weights, accepted, behind
):
    """Add the unserved people of some cells, times a sign, behind each site heard there that they may not use; return those sites."""
    n_ops = tier.shape[1]
    touched = [np.int64(0) for _ in range(0)]
    for c in cells:
        waiting = np.int64(0)
        for o in range(n_ops):
            waiting += weights[c, o] - accepted[c, o]
        if waiting == 0:
            continue
        lo, hi = start[c], start[c + 1]
        for at in range(lo, hi):
            s = station[pair[at]]
            if not on[s]:
                continue
            site = site_of[s]
            first = True
            for before in range(lo, at):
                t = station[pair[before]]
                if on[t] and site_of[t] == site:
                    first = False
                    break
            if not first:
                continue
            people = np.int64(0)
            for o in range(n_ops):
                may = False
                for later in range(at, hi):
                    t = station[pair[later]]
                    if on[t] and site_of[t] == site and tier[t, o] < CLOSED:
                        may = True
                        break
                if not may:
                    people += weights[c, o] - accepted[c, o]
            if people > 0:
                behind[site] += sign * people
                touched.append(site)
    return np.array(touched, np.int64)


@nb.njit(cache=True)
def rate_kernel(cells, start, pair, station, taken, hours, accepted, rate):  # type: ignore[no-untyped-def]
    """Write the share of busy hours with the target rate, mean over the people accepted at some cells."""
    n_ops = taken.shape[1]
    for c in cells:
        for o in range(n_ops):
            total = 0.0
            for at in range(start[c], start[c + 1]):
                k = pair[at]
                total += taken[k, o] * hours[station[k]]
            rate[c, o] = np.float32(total / accepted[c, o]) if accepted[c, o] > 0 else np.float32(0.0)


def dark_nodes(lines: PowerLines, closed: Bools) -> Bools:
    """Return which nodes no source reaches over closed lines, all of the grid at once.

    Parameters
    ----------
    lines : PowerLines
        Of the grid.
    closed : ndarray of bool, shape (n_lines,)
        Lines that carry.
    """
    n = lines.is_source.size
    a, b = lines.a[closed], lines.b[closed]
    _, piece = connected_components(csr_matrix((np.ones(a.size), (a, b)), shape=(n, n)), directed=False)
    fed = np.zeros(n, bool)
    fed[piece[lines.is_source]] = True
    return np.asarray(~fed[piece])


def darkened(lines: PowerLines, closed: Bools, dark: Bools, line: int) -> Ints:
    """Return the nodes that lose their source as a line opens (`closed` says so already), ascending."""
    gone = [_unfed(int(end), *_grid(lines), closed, lines.is_source, dark) for end in _ends(lines, line)]
    return np.unique(np.concatenate(gone))


def relit(lines: PowerLines, closed: Bools, dark: Bools, line: int) -> Ints:
    """Return the nodes that find a source as a line closes (`closed` says so already), ascending."""
    a, b = _ends(lines, line)
    if dark[a] == dark[b]:
        return np.zeros(0, np.int64)
    start = a if dark[a] else b
    nowhere = np.zeros_like(lines.is_source)
    return np.unique(_unfed(start, *_grid(lines), closed, nowhere, ~dark))


def _ends(lines: PowerLines, line: int) -> tuple[int, int]:
    return int(lines.a[line]), int(lines.b[line])


def _grid(lines: PowerLines) -> tuple[Ints, Ints, Ints, Ints]:
    return lines.at.start, lines.at.item, lines.a, lines.b


@nb.njit(cache=True)
def _unfed(node, start, line_at, a, b, closed, is_source, skip):  # type: ignore[no-untyped-def]
    """Return what hangs together with a node, beyond what is skipped; nothing as soon as a source is met."""
    found = nb.typed.List.empty_list(nb.int64)
    if skip[node] or is_source[node]:
        return np.empty(0, np.int64)
    seen = {np.int64(node)}
    stack = [np.int64(node)]
    while len(stack) > 0:
        k = stack.pop()
        found.append(k)
        for at in range(start[k], start[k + 1]):
            line = line_at[at]
            if not closed[line]:
                continue
            to = b[line] if a[line] == k else a[line]
            if to in seen or skip[to]:
                continue
            if is_source[to]:
                return np.empty(0, np.int64)
            seen.add(to)
            stack.append(to)
    out = np.empty(len(found), np.int64)
    for n in range(out.size):
        out[n] = found[n]
    return out


_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Touched:
    """What an event changed.

    Parameters
    ----------
    sites : ndarray of int
        Sites whose power, way to the core, rights or service changed, ascending.
    cells : int
        Demand cells looked at.
    communes : ndarray of int
        Communes whose sums were brought up to date, ascending.
    """

    sites: Ints
    cells: int
    communes: Ints


class Live:
    """A region as it is now.

    Parameters
    ----------
    static : StaticNetwork
        What stands before any event.
    happened : Happened, optional
        What has happened already; nothing when left out. Owned from now on.
    """

    def __init__(self, static: StaticNetwork, happened: Happened | None = None) -> None:
        self.static = static
        self.happened = happened or nothing_yet(static)
        self.now: Now = everything_now(static, self.happened)
        self._taken: Taken = taken_now(static, self.now)
        every = np.arange(static.network.n_stations)
        self._claim = claims(static, self.now.tier, self.now.station_on, self.now.available, every)
        self._site_room = people_in(self.now.ways.mbps, static.demand)
        self._adrift = dark_nodes(static.lines, static.lines.closed)
        self._dark = self.happened.dark_since_ms != NEVER
        if happened is None:
            self.happened.served_first[:] = self.now.sums.people_served
        waiting = np.flatnonzero(static.on_grid & self._dark[np.maximum(static.network.node, 0)])
        self._batteries: list[tuple[int, int]] = []
        self._run_on_batteries(waiting[self._lasts_until(waiting) > self.happened.clock_ms])
        self._warm_up()

    def at(self, time_ms: int) -> Touched:
        """Let time pass: batteries run down, each at its own hour.

        Parameters
        ----------
        time_ms : int
            Not before the clock.
        """
        happened = self.happened
        if happened.began_ms == NEVER:
            happened.began_ms = time_ms
            happened.lost_until_ms[:] = time_ms
        done = []
        while self._batteries and self._batteries[0][0] <= time_ms:
            due = self._batteries[0][0]
            waiting = []
            while self._batteries and self._batteries[0][0] == due:
                waiting.append(heapq.heappop(self._batteries)[1])
            sites = np.unique(waiting).astype(np.int64)
            # a line that came back in time leaves an hour that means nothing
            sites = sites[self._dark[self.static.network.node[sites]] & (self._lasts_until(sites) == due)]
            if sites.size:
                happened.clock_ms = due
                done.append(self._change(sites))
        happened.clock_ms = time_ms
        return together(done)

    def site_down(self, site: int) -> Touched:
        """Take a site off the air."""
        self.happened.site_down[site] = True
        self.happened.own_supply[site] = False
        return self._change(np.array([site]))

    def site_up(self, site: int) -> Touched:
        """Put a site on the air; where its line and battery are gone it must have another supply."""
        self.happened.site_down[site] = False
        one = np.array([site])
        self.happened.own_supply[site] = bool(spent_batteries(self.static, self.happened, one)[0])
        return self._change(one)

    def line_down(self, line: int) -> Touched:
        """Open a power line: what hangs on it alone is dark, and its sites run on their batteries."""
        happened, static = self.happened, self.static
        happened.closed[line] = False
        nodes = darkened(static.lines, happened.closed, self._dark | self._adrift, line)
        happened.dark_since_ms[nodes] = happened.clock_ms
        self._dark[nodes] = True
        self._run_on_batteries(members(static.sites_of_node, nodes))
        return self.at(happened.clock_ms)

    def line_up(self, line: int) -> Touched:
        """Close a power line; a normally open one feeds what it reaches."""
        happened, static = self.happened, self.static
        happened.closed[line] = True
        nodes = relit(static.lines, happened.closed, self._dark, line)
        happened.dark_since_ms[nodes] = NEVER
        self._dark[nodes] = False
        sites = np.sort(members(static.sites_of_node, nodes))
        happened.own_supply[sites] = False
        return self._change(sites)

    def link_down(self, link: int) -> Touched:
        """Cut a link of the backhaul."""
        return self._link(link, up=False)

    def link_up(self, link: int) -> Touched:
        """Mend a link of the backhaul."""
        return self._link(link, up=True)

    def site_commissioned(self, site: int) -> Touched:
        """Put a planned site into use."""
        self.happened.commissioned[site] = True
        return self._change(np.array([site]))

    def lock_opened(self, site: int) -> Touched:
        """Open a locked site to whom the policy in force lets in."""
        self.happened.opened[site] = True
        return self._change(np.array([site]))

    def _warm_up(self) -> None:
        """Compile what the first event would wait for, by asking again where nothing has changed."""
        static, now, happened = self.static, self.now, self.happened
        first = _NONE if static.network.n_sites == 0 else np.zeros(1, np.int64)
        mend_ways(now.ways, static, happened.link_up, now.site_on, first)
        stations = members(static.stations_of_site, first)
        ask_again(
            self._taken, static, claim=self._claim, site_room=self._site_room, old_site_room=self._site_room,
            changed=stations,
        )  # fmt: skip
        self._look(_NONE)
        self._count_behind(_NONE, 1)
        self._rate(_NONE, _NONE)
        if static.lines.ids.size:
            darkened(static.lines, happened.closed, np.ones_like(self._dark), 0)

    def _link(self, link: int, *, up: bool) -> Touched:
        self.happened.link_up[link] = up
        links = self.static.network.links
        return self._change(_NONE, ends=np.array([links.a[link], links.b[link]]))

    def _lasts_until(self, sites: Ints) -> Ints:
        since = self.happened.dark_since_ms[self.static.network.node[sites]]
        return np.asarray(since + battery_ms(self.static, sites))

    def _run_on_batteries(self, sites: Ints) -> None:
        for when, site in zip(self._lasts_until(sites).tolist(), sites.tolist(), strict=True):
            heapq.heappush(self._batteries, (when, site))

    def _change(self, sites: Ints, *, ends: Ints = _NONE) -> Touched:
        """Bring everything up to date that hangs on some sites, and on links between some ends."""
        static, happened, now = self.static, self.happened, self.now
        on = ~happened.site_down[sites] & ~spent_batteries(static, happened, sites)
        flipped = sites[on != now.site_on[sites]]
        now.site_on[sites] = on
        moved = _NONE
        room_before = self._site_room
        if flipped.size or ends.size:
            round_ = np.r_[flipped, ends]
            moved = mend_ways(now.ways, static, happened.link_up, now.site_on, round_)
            if moved.size:
                room_before = self._site_room.copy()
                self._site_room[moved] = people_in(now.ways.mbps[moved], static.demand)
        changed = np.union1d(sites, moved)
        stations = members(static.stations_of_site, changed)
        station_on = stations_on(static, happened, now.site_on, stations)
        share = np.where(station_on, steady_share(static, now.ways.reached, now.ever_reached, stations), 0.0)
        site = static.network.station_site[stations]
        tier = np.where(
            happened.opened[site][:, None], static.tier_open[stations], static.tier_locked[stations]
        )
        other = (
            (station_on != now.station_on[stations])
            | (share != now.available[stations])
            | (tier != now.tier[stations]).any(axis=1)
        )
        # a site counts as a whole: its stations share its way to the core
        changed = np.union1d(moved, site[other])
        kept = np.isin(site, changed)
        stations, station_on, share, tier = stations[kept], station_on[kept], share[kept], tier[kept]
        looked = np.union1d(changed, sites)
        if stations.size == 0:
            self._count_tenants(looked)
            return self._settle(looked, _NONE, looked)
        steady = station_on & (share >= static.availability_target)
        self._claim[stations] = np.where((tier < CLOSED) & steady[:, None], tier, -1)
        asked = ask_again(
            self._taken,
            static,
            claim=self._claim,
            site_room=self._site_room,
            old_site_room=room_before,
            changed=stations,
        )
        hearing = np.unique(static.reception.cell[members(static.pairs_of_station, stations)]).astype(
            np.int64
        )
        cells = np.union1d(hearing, asked.cells)
        behind = [self._count_behind(cells, -1)]
        now.station_on[stations], now.available[stations], now.tier[stations] = station_on, share, tier
        self._look(hearing)
        now.accepted[asked.cells] = asked.accepted
        now.station_people[asked.stations] = self._taken.at_station[asked.stations]
        behind.append(self._count_behind(cells, 1))
        rated = self._rate(asked.cells, np.union1d(changed, static.network.station_site[asked.stations]))
        self._count_tenants(looked)
        return self._settle(looked, np.union1d(cells, rated), np.union1d(looked, np.concatenate(behind)))

    def _look(self, cells: Ints) -> None:
        """Say anew what some cells hear and may use."""
        now, static = self.now, self.static
        rows = static.pairs_of_cell
        look_kernel(
            cells, rows.start, rows.item, static.reception.station, now.station_on, now.tier, now.available,
            static.availability_target, now.heard, now.usable, now.stable, now.best,
        )  # fmt: skip

    def _count_behind(self, cells: Ints, sign: int) -> Ints:
        """Add (or take away) the unserved people of some cells behind the sites that they may not use."""
        now, static = self.now, self.static
        rows = static.pairs_of_cell
        touched = count_behind_kernel(
            cells, sign, rows.start, rows.item, static.reception.station,
            static.network.station_site.astype(np.int64), now.station_on, now.tier, static.weights,
            now.accepted, now.behind,
        )  # fmt: skip
        return np.unique(touched)

    def _rate(self, cells: Ints, sites: Ints) -> Ints:
        """Bring load and rates at some sites up to date; return the cells whose people's rate was looked at."""
        now, static, taken = self.now, self.static, self._taken
        stations = members(static.stations_of_site, sites)
        site = static.network.station_site[stations]
        load, hours = busy_stations(
            taken.at_station[stations], taken.at_site[site], static.cell_mbps[stations], now.ways.mbps[site],
            static.demand,
        )  # fmt: skip
        on = now.station_on[stations]
        hours = np.where(on, hours, 0.0)
        other = stations[hours != now.rate_hours[stations]]
        now.load[stations], now.rate_hours[stations] = np.where(on, load, 0.0), hours
        pairs = members(static.pairs_of_station, other)
        using = pairs[(taken.by_pair[pairs] > 0).any(axis=1)]
        rated = np.union1d(cells, static.reception.cell[using]).astype(np.int64)
        rows = static.pairs_of_cell
        rate_kernel(
            rated, rows.start, rows.item, static.reception.station, taken.by_pair, now.rate_hours,
            now.accepted, now.rate,
        )  # fmt: skip
        return rated

    def _count_tenants(self, sites: Ints) -> None:
        static, now = self.static, self.now
        in_use = ~static.planned | self.happened.commissioned
        for site in sites.tolist():
            stations = static.stations_of_site.of(site)
            may = (now.tier[stations] < CLOSED).any(axis=0) & in_use[site]
            now.tenants[site] = int(may.sum())

    def _settle(self, sites: Ints, cells: Ints, counted: Ints) -> Touched:
        """Bring the sums of the communes of some cells and sites up to date."""
        static, now, places = self.static, self.now, self.static.places
        villages = places.village_commune[members(static.villages_of_cell, cells)]
        communes = np.unique(np.r_[places.cell_commune[cells], places.site_commune[counted], villages])
        communes = communes[communes >= 0]
        if communes.size == 0:
            return Touched(sites, cells.size, communes)
        happened = self.happened
        happened.lost_people_ms[communes] = self.lost_people_ms()[communes]
        happened.lost_until_ms[communes] = happened.clock_ms
        sums = sums_of(
            static,
            communes,
            in_use=~static.planned | happened.commissioned,
            shut=~static.network.shareable & ~happened.opened,
            heard=now.heard,
            usable=now.usable,
            stable=now.stable,
            best=now.best,
            accepted=now.accepted,
            rate=now.rate,
            behind=now.behind,
            tenants=now.tenants,
        )
        now.sums.put(communes, sums)
        return Touched(sites, cells.size, communes)

    def lost_people_ms(self) -> Ints:
        """Return per commune people times milliseconds without the service they had before the first event."""
        happened = self.happened
        missing = np.maximum(happened.served_first - self.now.sums.people_served, 0)
        since = happened.clock_ms - happened.lost_until_ms
        return np.asarray(happened.lost_people_ms + missing * since, np.int64)


def together(parts: list[Touched]) -> Touched:
    """Return what several changes changed.

    Parameters
    ----------
    parts : list of Touched
        One after another.
    """
    if not parts:
        return Touched(_NONE, 0, _NONE)
    pick: Callable[[str], Ints] = lambda name: np.unique(np.concatenate([getattr(p, name) for p in parts]))  # noqa: E731
    return Touched(pick("sites"), sum(p.cells for p in parts), pick("communes"))

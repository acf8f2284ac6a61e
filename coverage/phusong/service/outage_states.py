"""Sampled states of the year as bits.

A state is an instant: every fault that lasts then is down with the age it has. Faults of the grid, spells of
dull weather and sites that others hang on are common causes, so two sites that cover one element are off
together as often as they really are. States are bits, 64 to a word.

The best single site's availability is a lower bound. Two sites on other feeders are seldom off at once; two on one
feeder often are. Sampled states tell the two apart.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.array_types import Floats, Ints
from phusong.compute.executor import Executor, Threads, pieces
from phusong.compute.kernels import nb
from phusong.errors import Problem, refuse
from phusong.io.resources import HOURS_YEAR
from phusong.service.allocation import Reception, allocate
from phusong.service.capacity import CLOSED, Demand, Usage, cell_throughput
from phusong.service.network import POWER_SOURCES, Network
from phusong.service.power_grid import SitesOnGrid
from phusong.service.power_supply import AUTONOMY_H, dark_hours, weather

__all__ = [
    "States",
    "Together",
    "draw_into",
    "element_hours_off",
    "elements_of_pairs",
    "events",
    "hours_off",
    "mixed",
    "ones",
    "pack_bits",
    "reach",
    "sample_states",
    "serve_together",
    "stream_keys",
    "uniform",
]

Words = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S11 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(11)
_ONE = np.uint64(1)
_C1, _C2, _C4 = (np.uint64(c) for c in (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F))
_SUM, _U1, _U2, _U4, _U56 = (np.uint64(c) for c in (0x0101010101010101, 1, 2, 4, 56))


def stream_keys(ids: npt.NDArray[np.str_], what: str, seed: int) -> Words:
    """Return a key a thing, by its id: another thing added or taken away changes no other's states.

    Parameters
    ----------
    ids : ndarray of str, shape (n,)
        Things.
    what : str
        What is drawn for them.
    seed : int
        Of the run.
    """
    if ids.size == 0:
        return np.zeros(0, np.uint64)
    named = pd.util.hash_array(ids.astype(object), categorize=False)
    salt = pd.util.hash_array(np.array([f"{what}/{seed}"], object), categorize=False)
    return np.asarray(named ^ salt[0], np.uint64)


def pack_bits(states: npt.NDArray[np.bool_]) -> Words:
    """Return states as words, the first in the lowest bit; their number is a multiple of 64.

    Examples
    --------
    >>> pack_bits(np.arange(64) == 3)
    array([8], dtype=uint64)
    """
    return np.packbits(states, bitorder="little").view("<u8").astype(np.uint64)


@nb.njit(cache=True, nogil=True)
def ones(word):  # type: ignore[no-untyped-def]
    """Return how many bits of a word are set."""
    word = word - ((word >> _U1) & _C1)
    word = (word & _C2) + ((word >> _U2) & _C2)
    word = (word + (word >> _U4)) & _C4
    return np.int64((word * _SUM) >> _U56)


@nb.njit(cache=True, nogil=True)
def mixed(key):  # type: ignore[no-untyped-def]
    """Return a word whose bits all depend on all bits of the key: one step of splitmix64."""
    z = key + _GOLDEN
    z = (z ^ (z >> _S30)) * _M1
    z = (z ^ (z >> _S27)) * _M2
    return z ^ (z >> _S31)


@nb.njit(cache=True, nogil=True)
def uniform(key, k):  # type: ignore[no-untyped-def]
    """Return the k-th number of a stream, in (0, 1): the splitmix64 generator by counter."""
    z = mixed(key + np.uint64(k) * _GOLDEN)
    return (np.float64(z >> _S11) + 0.5) * (1.0 / 9007199254740992.0)


@nb.njit(cache=True, nogil=True)
def _walk(key, share, n):  # type: ignore[no-untyped-def]
    # as many states as the share asks for, to within one, spread by an odd step from a random start: each
    # state is hit with probability `share`, independently between streams, and a larger share keeps the hits
    count = min(np.int64(n * share + uniform(key, 0)), n)
    start = np.int64(uniform(key, 1) * n)
    step = np.int64(uniform(key, 2) * (n // 2)) * 2 + 1
    return count, start, step


@nb.njit(cache=True, nogil=True)
def draw_into(row, key, share):  # type: ignore[no-untyped-def]
    """Set the bits of one thing that fails in this share of the states.

    Parameters
    ----------
    row : ndarray of uint64, shape (n_words,)
        Bits are added; the number of states is a power of two.
    key : uint64
        Of its stream.
    share : float
        0 to 1. A larger share sets the bits of a smaller one and more.
    """
    n = row.size * 64
    count, start, step = _walk(key, share, n)
    for j in range(count):
        state = (start + j * step) & (n - 1)
        row[state >> 6] |= _ONE << np.uint64(state & 63)


@nb.njit(cache=True, nogil=True)
def events(keys, share, mean_h, n_states):  # type: ignore[no-untyped-def]
    """Return what is down in which state, and since when: (state, thing, age_h), in order of state.

    Parameters
    ----------
    keys : ndarray of uint64, shape (n,)
        Streams.
    share, mean_h : ndarray, shape (n,)
        Share of time that each thing is down, and mean length of a repair, exponential. Seen at an instant, the
        age of a fault that lasts has the same law.
    n_states : int
        A power of two.
    """
    counts = np.zeros(n_states + 1, np.int64)
    for e in range(keys.size):
        if share[e] > 0.0:
            count, start, step = _walk(keys[e], share[e], n_states)
            for j in range(count):
                counts[((start + j * step) & (n_states - 1)) + 1] += 1
    indptr = np.cumsum(counts)
    at = indptr[:-1].copy()
    thing, age = np.empty(indptr[-1], np.int32), np.empty(indptr[-1])
    for e in range(keys.size):
        if share[e] > 0.0:
            count, start, step = _walk(keys[e], share[e], n_states)
            shift = uniform(keys[e], 3)
            for j in range(count):
                state = (start + j * step) & (n_states - 1)
                # ages at evenly spread quantiles: the share that outlasts a battery is exact to within one
                age[at[state]] = -mean_h[e] * np.log((j + shift) / count)
                thing[at[state]] = e
                at[state] += 1
    return indptr, thing, age


_MOST_STATES = 1 << 20
_WORTH_MERGING = 64  # words: from here counting costs more than finding sets that are alike
_LINK_NS, _FAULT_NS, _READ_NS = 10.0, 50.0, 2.0  # of a word
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


@dataclass(frozen=True)
class States:
    """What works at each sampled instant.

    Parameters
    ----------
    powered, live : ndarray of uint64, shape (n_words, n_sites)
        Bit b of word w: whether the site has power in state 64 w + b; and whether it also reaches an exchange
        over links and sites that work.
    """

    powered: Words
    live: Words

    @property
    def n_states(self) -> int:
        """Number of states."""
        return int(self.live.shape[0]) * 64

    @property
    def availability(self) -> Floats:
        """Share of the states in which each site works."""
        return np.asarray(_count(self.live) / self.n_states)

    @property
    def power_availability(self) -> Floats:
        """Share of the states in which each site has power."""
        return np.asarray(_count(self.powered) / self.n_states)


def sample_states(
    network: Network, *, n_states: int = 1024, seed: int = 0, executor: Executor | None = None
) -> States:
    """Return sampled states of the network's power and backhaul.

    Parameters
    ----------
    network : Network
        Sites, grid and links.
    n_states : int
        A power of two from 64: more states, finer hours (8760 / `n_states` each).
    seed : int
        The same seed gives the same bits, whoever computes.
    executor : Executor, optional
        Who computes; this thread alone when left out.

    Raises
    ------
    InputError
        If `n_states` is no such number.
    """
    fits = 64 <= n_states <= _MOST_STATES and n_states & (n_states - 1) == 0
    refuse(
        []
        if fits
        else [Problem("service.states", f"must be a power of two from 64 to {_MOST_STATES}", value=n_states)]
    )
    n_words = n_states // 64
    off = np.zeros((n_words, network.n_sites), np.uint64)
    _own_supplies(off, network, n_states, seed)
    on_grid = np.array([s.on_grid for s in POWER_SOURCES])[network.source]
    fed = np.flatnonzero(on_grid & (network.node >= 0))
    off[:, np.flatnonzero(on_grid & (network.node < 0))] = _ALL
    grid = network.grid
    lines = np.r_[grid.line_ids, grid.switches.ids].astype(str)
    keys = np.r_[stream_keys(grid.node_ids, "node", seed), stream_keys(lines, "line", seed)]
    rate = np.r_[network.fault_rate, grid.switches.rate]
    hours = np.r_[network.fault_h, grid.switches.repair_h]
    faults = events(keys, np.minimum(rate * hours / HOURS_YEAR, 1.0), hours, n_states)
    links = network.links
    order = links.from_the_core(network.is_exchange)
    down = np.zeros((links.ids.size, n_words), np.uint64)
    _draw_all(down, stream_keys(links.ids, "link", seed), links.unavailability)
    sites = SitesOnGrid.of(grid, fed, network.node[fed], network.autonomy_h[fed])
    shared = _Ways(sites, links.a[order], links.b[order], network.is_exchange)
    up = np.ascontiguousarray(~down[order].T)
    live = np.empty_like(off)
    cut = pieces(n_words, cost_ns=_cost_ns(network, faults[0]))
    jobs = (_Instants.of(off, faults, up, words) for words in cut.spans)
    done = (executor or Threads(1)).run(_working, shared, jobs, together=cut.together)
    for words, (dark, reached) in zip(cut.spans, done, strict=True):
        off[words], live[words] = dark, reached
    return States(~off, live)


def elements_of_pairs(
    element: Ints, site: Ints, n_elements: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Return the sites of each element in rows, (indptr, site), every pair once.

    Parameters
    ----------
    element, site : ndarray of int, shape (n,)
        Pairs in any order.
    n_elements : int
        Number of rows.
    """
    indptr = np.zeros(n_elements + 1, np.int64)
    np.cumsum(np.bincount(element, minlength=n_elements), out=indptr[1:])
    rows, size = _rows(indptr, np.asarray(element, np.int64), np.asarray(site, np.int32))
    kept = np.arange(rows.size) < np.repeat(indptr[:-1] + size, np.diff(indptr))
    np.cumsum(size, out=indptr[1:])
    return indptr, rows[kept]


def hours_off(
    states: States, indptr: Ints, site: npt.NDArray[np.int32], *, executor: Executor | None = None
) -> Floats:
    """Return the hours a year in which none of an element's sites works, shape (n_elements,).

    Parameters
    ----------
    states : States
        Of the sites.
    indptr, site : ndarray
        From :func:`elements_of_pairs`. An element without a site is off all year.
    executor : Executor, optional
        Who computes; this thread alone when left out.
    """
    alike = np.arange(indptr.size - 1)
    if (
        states.live.shape[0] >= _WORTH_MERGING
    ):  # neighbours often have the same sites: each set is counted once
        alike, _ = pd.factorize(_marks(indptr, site))
    first = np.empty(int(alike.max(initial=-1)) + 1, np.int64)
    first[alike[::-1]] = np.arange(alike.size)[::-1]
    live = np.ascontiguousarray(states.live)
    cost_ns = _READ_NS * live.shape[0] * site.size / max(indptr.size - 1, 1)
    # fewer elements than sites would wait for the sites' words more than they read them
    cut = pieces(first.size, cost_ns=cost_ns, least=2 * live.shape[1])
    jobs = (_Rows.of(indptr, site, first[part]) for part in cut.spans)
    parts = list((executor or Threads(1)).run(_lost, live, jobs, together=cut.together))
    lost = np.concatenate(parts) if parts else np.zeros(0, np.int64)
    return np.asarray(lost[alike] * (HOURS_YEAR / states.n_states))


@dataclass(frozen=True)
class _Ways:
    """Over which ways sites have power and reach an exchange: what all instants share."""

    sites: SitesOnGrid
    a: Ints
    b: Ints
    is_exchange: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Instants:
    """What is down in some words of instants: supplies, things of the grid with their ages, links."""

    off: Words
    indptr: Ints
    thing: npt.NDArray[np.int32]
    age_h: Floats
    up: Words

    @classmethod
    def of(
        cls, off: Words, faults: tuple[Ints, npt.NDArray[np.int32], Floats], up: Words, words: slice
    ) -> "_Instants":
        indptr, thing, age_h = faults
        states = indptr[words.start * 64 : words.stop * 64 + 1]
        here = slice(int(states[0]), int(states[-1]))
        return cls(off[words], states - states[0], thing[here], age_h[here], up[words])


def _cost_ns(network: Network, indptr: Ints) -> float:
    """Return roughly what a word of instants takes: links are walked once, faults find what hangs on them."""
    return _LINK_NS * network.links.ids.size + _FAULT_NS * 64.0 * float(indptr[-1]) / (indptr.size - 1)


def _working(shared: _Ways, job: _Instants) -> tuple[Words, Words]:
    """Return which sites have no power, and which reach an exchange."""
    off = job.off.copy()
    shared.sites.darken(off, job.indptr, job.thing, job.age_h)
    live = np.zeros_like(off)
    reach(live, off, job.up, shared.a, shared.b, shared.is_exchange)
    return off, live


@dataclass(frozen=True)
class _Rows:
    """Some elements, and the rows of sites among which theirs are."""

    indptr: Ints
    site: npt.NDArray[np.int32]
    element: Ints

    @classmethod
    def of(cls, indptr: Ints, site: npt.NDArray[np.int32], element: Ints) -> "_Rows":
        low, high = int(element[0]), int(element[-1]) + 1  # they rise
        rows = indptr[low : high + 1]
        return cls(rows - rows[0], site[rows[0] : rows[-1]], element - low)


def _lost(live: Words, job: _Rows) -> Ints:
    out = np.zeros(job.element.size, np.int64)
    _none_live(live, job.indptr, job.site, job.element, out)
    return out


def _own_supplies(off: Words, network: Network, n_states: int, seed: int) -> None:
    rows = np.zeros((network.n_sites, n_states // 64), np.uint64)
    kind, battery = network.source, np.maximum(network.autonomy_h, 0.0)
    spells, length, sun, fuel = (
        np.array([getattr(s, name) for s in POWER_SOURCES], np.float64)[kind]
        for name in ("spells_year", "spell_h", "sun", "fuel")
    )
    faulty = np.where(length >= HOURS_YEAR, 1.0, spells * length / HOURS_YEAR * np.exp(-battery / length))
    _draw_all(rows, stream_keys(network.site_ids, "equipment", seed), faulty)
    late = fuel * network.late_year * network.late_h / HOURS_YEAR * np.exp(-battery / network.late_h)
    _draw_all(rows, stream_keys(network.site_ids, "fuel", seed), late)
    sunny = np.flatnonzero(sun > 0.0)
    if sunny.size:
        unanswered = np.zeros((sunny.size, rows.shape[1]), np.uint64)
        _draw_all(unanswered, stream_keys(network.site_ids[sunny], "engine", seed), sun[sunny])
        rows[sunny] |= unanswered & _dark(network, sunny, n_states, seed)
    off |= rows.T


def _dark(network: Network, sites: Ints, n_states: int, seed: int) -> Words:
    """Return when panels and battery are short: every site of a weather station sees the same sky."""
    alike = np.stack([network.station[sites], network.oversize[sites], network.autonomy_h[sites]], axis=1)
    kinds, which = np.unique(alike, axis=0, return_inverse=True)
    rng = np.random.default_rng([seed, 52])
    out = np.zeros((len(kinds), n_states // 64), np.uint64)
    instant = (rng.permutation(n_states) + rng.random(n_states)) / n_states
    for k, (station, oversize, autonomy) in enumerate(kinds.tolist()):
        there = weather(network.stations[int(station)])
        dark = dark_hours(there, oversize=oversize, autonomy_h=min(autonomy, AUTONOMY_H[-1]))
        out[k] = pack_bits(dark[(instant * dark.size).astype(np.int64)])
    return out[which.ravel()]


@nb.njit(cache=True, nogil=True)
def _draw_all(rows, keys, share):  # type: ignore[no-untyped-def]
    for k in range(keys.size):
        if share[k] > 0.0:
            draw_into(rows[k], keys[k], share[k])


@nb.njit(cache=True, nogil=True)
def reach(live, off, up, a, b, is_exchange):  # type: ignore[no-untyped-def]
    """Set the bits of the sites that reach an exchange over links that are up and sites that are not off.

    Parameters
    ----------
    live : ndarray of uint64, shape (n_words, n_sites)
        All 0; filled in.
    off : ndarray of uint64, shape (n_words, n_sites)
        Sites that do not work.
    up : ndarray of uint64, shape (n_words, n_links)
        Links that work, in the order of `a` and `b`: from the core outwards is quickest.
    a, b : ndarray of int, shape (n_links,)
        Their ends.
    is_exchange : ndarray of bool, shape (n_sites,)
        Where the core begins.
    """
    none = np.uint64(0)
    for w in range(live.shape[0]):
        for s in range(is_exchange.size):
            live[w, s] = ~off[w, s] if is_exchange[s] else none
        changed = True
        while changed:  # one pass for a tree, since links come in order from the core; rings take a few
            changed = False
            for k in range(a.size):
                both = up[w, k] & (live[w, a[k]] | live[w, b[k]])
                at_a = both & ~off[w, a[k]] & ~live[w, a[k]]
                at_b = both & ~off[w, b[k]] & ~live[w, b[k]]
                if at_a | at_b:
                    live[w, a[k]] |= at_a
                    live[w, b[k]] |= at_b
                    changed = True


@nb.njit(cache=True, nogil=True)
def _rows(indptr, element, site):  # type: ignore[no-untyped-def]
    # rows are short: each site is put into its place among those already there
    out = np.empty(site.size, np.int32)
    size = np.zeros(indptr.size - 1, np.int64)
    for k in range(site.size):
        first = indptr[element[k]]
        last = first + size[element[k]]
        at = last
        while at > first and out[at - 1] > site[k]:
            at -= 1
        if at > first and out[at - 1] == site[k]:
            continue
        for j in range(last, at, -1):
            out[j] = out[j - 1]
        out[at] = site[k]
        size[element[k]] += 1
    return out, size


@nb.njit(cache=True, nogil=True)
def _marks(indptr, site):  # type: ignore[no-untyped-def]
    # 64 bits of a set of sites, whatever their order: two sets of a million share one once in 37 million runs
    out = np.zeros(indptr.size - 1, np.uint64)
    for e in range(out.size):
        for k in range(indptr[e], indptr[e + 1]):
            out[e] += mixed(np.uint64(site[k]))
    return out


@nb.njit(cache=True, nogil=True)
def _none_live(live, indptr, site, element, lost):  # type: ignore[no-untyped-def]
    # a word of all elements in hand before the next: the sites' words of one plane stay in the cache
    for w in range(live.shape[0]):
        plane = live[w]
        for u in range(element.size):
            some = np.uint64(0)
            for k in range(indptr[element[u]], indptr[element[u] + 1]):
                some |= plane[site[k]]
            lost[u] += 64 - ones(some)


@nb.njit(cache=True)
def _count(words):  # type: ignore[no-untyped-def]
    out = np.zeros(words.shape[1], np.int64)
    for w in range(words.shape[0]):
        for s in range(words.shape[1]):
            out[s] += ones(words[w, s])
    return out


@dataclass(frozen=True)
class Together:
    """What each element gets from all its sites.

    Parameters
    ----------
    usage : Usage
        With the people whom no single site serves stably but all together do, where there was room left.
    hours_off : ndarray, shape (n_cells, n_operators)
        Hours a year in which none of the sites that they may use works.
    gained : int
        People found room for beyond those whom one stable site serves.
    """

    usage: Usage
    hours_off: Floats
    gained: int


def element_hours_off(
    states: States,
    reception: Reception,
    tier: npt.NDArray[np.int8],
    network: Network,
    *,
    executor: Executor | None = None,
) -> Floats:
    """Return the hours a year in which no site that an element may use works, shape (n_cells, n_operators).

    Parameters
    ----------
    states : States
        Of the sites.
    reception : Reception
        Stations heard at each demand cell.
    tier : ndarray, shape (n_stations, n_operators)
        Rights, see :func:`phusong.service.capacity.tiers`.
    network : Network
        Sites of the stations.
    executor : Executor, optional
        Who computes; this thread alone when left out.
    """
    n_ops = tier.shape[1]
    pair, operator = np.nonzero(tier[reception.station] < CLOSED)
    element = reception.cell[pair].astype(np.int64) * n_ops + operator
    site = network.station_site[reception.station[pair]]
    rows = elements_of_pairs(element, site, reception.n_cells * n_ops)
    return hours_off(states, *rows, executor=executor).reshape(reception.n_cells, n_ops)


def serve_together(
    usage: Usage,
    states: States,
    *,
    reception: Reception,
    weights: Ints,
    tier: npt.NDArray[np.int8],
    network: Network,
    availability_target: float,
    demand: Demand,
    executor: Executor | None = None,
) -> Together:
    """Let elements whose sites are stable only together ask for the room that is left.

    Parameters
    ----------
    usage : Usage
        Of elements with one stable site: they keep what they have.
    states : States
        Of the sites.
    reception, weights, tier, network, availability_target, demand
        As for :func:`phusong.service.capacity.use_network`.
    executor : Executor, optional
        Who computes; this thread alone when left out.
    """
    off = element_hours_off(states, reception, tier, network, executor=executor)
    shared = np.maximum(1.0 - off / HOURS_YEAR, 0.0)
    # states are sampled: where the closed form of the best site promises more, it is kept
    availability = np.where(usage.usable, np.maximum(shared, usage.availability), 0.0).astype(np.float32)
    joined = usage.usable & ~usage.stable & (shared >= availability_target)
    site, mbps = network.station_site, demand.mbps_per_person
    cell_mbps = cell_throughput(reception, weights.sum(axis=1), network.station_bandwidth_mhz)
    at_site = np.bincount(site, usage.station_people, network.n_sites).astype(np.int64)
    most = np.floor(network.link_capacity_mbps * demand.max_load / max(mbps, 1e-12))
    left = np.where(np.isfinite(most), np.minimum(most, 2.0**40), 2.0**40).astype(np.int64) - at_site
    claim = np.where(tier < CLOSED, tier, -1).astype(np.int8)
    taken = allocate(
        reception,
        weights=np.where(joined, weights, 0).astype(np.int64),
        tier=claim,
        station_room=usage.station_room,
        station_site=site.astype(np.int64),
        site_room=np.maximum(left, 0),
    )
    by_pair = taken.sum(axis=1)
    more = np.bincount(reception.station, by_pair, network.n_stations).astype(np.int64)
    guests = np.zeros(network.n_stations, np.int64)
    extra = np.zeros_like(usage.accepted)
    for o in range(weights.shape[1]):
        mine = taken[:, o]
        extra[:, o] = np.bincount(reception.cell, mine, reception.n_cells)
        at = np.bincount(reception.station, mine, network.n_stations).astype(np.int64)
        guests += np.where(tier[:, o] == 0, 0, at)
    people = usage.station_people + more
    with np.errstate(divide="ignore", invalid="ignore"):
        radio = np.where(cell_mbps > 0.0, people * mbps / cell_mbps, 0.0)
        path = np.where(network.link_capacity_mbps > 0.0, (at_site + np.bincount(site, more, network.n_sites)) * mbps
                        / network.link_capacity_mbps, 0.0)  # fmt: skip
    changed = replace(
        usage,
        stable=usage.stable | joined,
        availability=availability,
        accepted=usage.accepted + extra,
        station_people=people,
        station_guests=usage.station_guests + guests,
        station_load=np.maximum(radio, path[site]),
        station_room=np.maximum(usage.station_room - more, 0),
    )
    return Together(changed, off, int(extra.sum()))

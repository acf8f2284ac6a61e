"""Sampled states of the year: which sites work at each of many instants, and which elements none of theirs serves.

A state is an instant: every fault that lasts then is down with the age it has. Faults of the grid, spells of
dull weather and sites that others hang on are common causes, so two sites that cover one element are off
together as often as they really are. States are bits, 64 to a word.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.engine.crew import Crew, Threads
from phusong.engine.pieces import pieces
from phusong.errors import Problem, refuse
from phusong.kernel_cache import nb
from phusong.service.bits import draw_into, events, mixed, ones, pack, stream_keys
from phusong.service.network import POWER_SOURCES, Network
from phusong.service.outages import SitesOnGrid
from phusong.service.solar import AUTONOMY_H, dark_hours, weather

__all__ = ["States", "elements_of_pairs", "hours_off", "reach", "sample_states"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

_HOURS = 8760.0
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
    network: Network, *, n_states: int = 1024, seed: int = 0, crew: Crew | None = None
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
    crew : Crew, optional
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
    faults = events(keys, np.minimum(rate * hours / _HOURS, 1.0), hours, n_states)
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
    done = (crew or Threads(1)).run(_working, shared, jobs, together=cut.together)
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
    states: States, indptr: Ints, site: npt.NDArray[np.int32], *, crew: Crew | None = None
) -> Floats:
    """Return the hours a year in which none of an element's sites works, shape (n_elements,).

    Parameters
    ----------
    states : States
        Of the sites.
    indptr, site : ndarray
        From :func:`elements_of_pairs`. An element without a site is off all year.
    crew : Crew, optional
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
    parts = list((crew or Threads(1)).run(_lost, live, jobs, together=cut.together))
    lost = np.concatenate(parts) if parts else np.zeros(0, np.int64)
    return np.asarray(lost[alike] * (_HOURS / states.n_states))


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
    faulty = np.where(length >= _HOURS, 1.0, spells * length / _HOURS * np.exp(-battery / length))
    _draw_all(rows, stream_keys(network.site_ids, "equipment", seed), faulty)
    late = fuel * network.late_year * network.late_h / _HOURS * np.exp(-battery / network.late_h)
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
        out[k] = pack(dark[(instant * dark.size).astype(np.int64)])
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

"""Storm impact: who is cut off, for how long, and repair by crews."""

import heapq
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from phusong.compute.array_types import Bools, Floats, Ints
from phusong.compute.executor import Executor, Threads
from phusong.compute.kernels import nb
from phusong.hazard.damage import Exposure, failures
from phusong.hazard.wind_field import assumed, common_random_numbers, words
from phusong.service.allocation import Reception
from phusong.service.capacity import CLOSED
from phusong.service.network import POWER_SOURCES, Network
from phusong.service.outage_states import elements_of_pairs, ones, pack_bits, reach, stream_keys
from phusong.service.power_grid import SitesOnGrid

__all__ = [
    "CAUSES",
    "Crews",
    "Impact",
    "Served",
    "generator_h",
    "mended_h",
    "repair_order",
    "served_by",
    "storm_impact",
]


def repair_order(load_kw: Floats) -> Ints:
    """Return the things of the grid in the order in which crews take them: most load behind them first."""
    return np.argsort(-np.asarray(load_kw), kind="stable").astype(np.int64)


def mended_h(
    broken: Bools, work_h: Floats, order: Ints, pool: Ints, crews: Ints, *, start_h: float
) -> Floats:
    """Return the hours after the storm at which each fault is mended; 0 where nothing broke.

    Parameters
    ----------
    broken, work_h : ndarray, shape (n_things, n_samples)
        What broke, and hours of work of one crew.
    order : ndarray of int, shape (n_things,)
        In which crews take them.
    pool : ndarray of int, shape (n_things,)
        Whose crews mend each.
    crews : ndarray of int, shape (n_pools,)
        That work at the same time.
    start_h : float
        When they can begin.

    Notes
    -----
    List scheduling: the next fault goes to the crew that is free first. With one crew the last fault is mended
    after all the work; with as many crews as faults each after its own.
    """
    out = np.zeros(broken.shape)
    _schedule(out, broken, work_h, order, pool, np.maximum(np.asarray(crews, np.int64), 1), float(start_h))
    return out


def generator_h(site_ids: npt.NDArray[np.str_], samples: Ints, seed: int) -> Floats:
    """Return when a generator runs at each site, if it is dark: infinite where none comes, shape (n_sites, n)."""
    fate = common_random_numbers(stream_keys(site_ids, "storm generator", seed), samples)
    share = assumed("generator_share")
    # the lucky share, spread over the whole distribution of times again
    place = np.clip(fate / max(share, 1e-12), 1e-12, 1.0 - 1e-12)
    hours = assumed("generator_median_h") * np.exp(assumed("generator_dispersion") * ndtri(place))
    return np.asarray(np.where(fate < share, hours, np.inf))


@nb.njit(cache=True, nogil=True)
def _schedule(out, broken, work_h, order, pool, crews, start_h):  # type: ignore[no-untyped-def]
    for s in range(broken.shape[1]):
        for p in range(crews.size):
            free = [start_h for _ in range(crews[p])]
            for k in order:
                if pool[k] == p and broken[k, s]:
                    done = free[0] + work_h[k, s]
                    heapq.heapreplace(free, done)
                    out[k, s] = done


Words = npt.NDArray[np.uint64]

CAUSES = ("tower", "power", "backhaul")
_JUST_AFTER_H = 1e-6  # a battery of four hours is empty after four hours
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_ON_GRID = np.array([s.on_grid for s in POWER_SOURCES])
_DEAD = np.array([s.name == "none" for s in POWER_SOURCES])


@dataclass(frozen=True)
class Served:
    """Which sites could serve whom.

    Parameters
    ----------
    indptr, site : ndarray
        Sites that each group of people may use, in rows.
    people, commune : ndarray of int, shape (n_groups,)
        How many they are, and where.
    n_communes : int
        Number of communes.
    """

    indptr: Ints
    site: npt.NDArray[np.int32]
    people: Ints
    commune: Ints
    n_communes: int


@dataclass(frozen=True)
class Crews:
    """Who mends the grid.

    Parameters
    ----------
    order, pool : ndarray of int, shape (n_grid,)
        Order of the work, and whose crews do it.
    crews : ndarray of int, shape (n_pools,)
        Crews of each pool.
    """

    order: Ints
    pool: Ints
    crews: Ints


@dataclass(frozen=True)
class Impact:
    """What a storm does to service.

    Parameters
    ----------
    hours : tuple of float
        Hours after the strongest gust.
    before : ndarray of int, shape (n_communes,)
        People without service on a day without a storm: nothing they may use is connected.
    people : ndarray of int, shape (n_hours, n_communes, n_samples)
        People without service.
    by_cause : ndarray, shape (n_hours, n_causes, n_communes, n_samples)
        Those of them that the storm cut off, by the first cause that explains it: no mast of theirs stands; none
        that stands has power; none with power is connected.
    off : ndarray of int, shape (n_hours, n_groups, n_causes, n_samples)
        Sites that the storm put off (group 0), and stations by operator (group 1 and on), by cause.
    hit : ndarray of int, shape (n_groups, n_causes, n_samples)
        Those off at one of the hours or more.
    site_off : ndarray, shape (n_hours, n_sites)
        Share of the samples in which each site is off.
    """

    hours: tuple[float, ...]
    before: Ints
    people: Ints
    by_cause: Ints
    off: Ints
    hit: Ints
    site_off: Floats


def served_by(
    network: Network,
    reception: Reception,
    tier: npt.NDArray[np.int8],
    weights: Ints,
    cell_commune: Ints,
    n_communes: int,
) -> Served:
    """Return which sites could serve whom: all that hear and may use one, whatever its load.

    Parameters
    ----------
    network, reception : Network, Reception
        Stations and where they are heard.
    tier : ndarray, shape (n_stations, n_operators)
        Rights, see :func:`phusong.service.capacity.tiers`.
    weights : ndarray of int, shape (n_cells, n_operators)
        People.
    cell_commune : ndarray of int, shape (n_cells,)
        Row of the commune of each cell.
    n_communes : int
        Number of communes.
    """
    n_ops = tier.shape[1]
    pair, operator = np.nonzero(tier[reception.station] < CLOSED)
    element = reception.cell[pair].astype(np.int64) * n_ops + operator
    site = network.station_site[reception.station[pair]]
    indptr, rows = elements_of_pairs(element, site, reception.n_cells * n_ops)
    return Served(indptr, rows, weights.ravel(), np.repeat(cell_commune, n_ops), n_communes)


def storm_impact(
    network: Network,
    served: Served,
    exposure: Exposure,
    sea_wind_ms: Floats,
    crews: Crews,
    *,
    hours: tuple[float, ...],
    n_samples: int,
    seed: int,
    executor: Executor | None = None,
) -> Impact:
    """Return what a storm does to service.

    Parameters
    ----------
    network : Network
        Sites, grid and links.
    served : Served
        Who depends on which sites.
    exposure : Exposure
        What of this network stands in the wind.
    sea_wind_ms : ndarray, shape (n_points, n_words * 64)
        Strongest wind over open sea, sample by sample.
    crews : Crews
        Who mends the grid.
    hours : tuple of float
        Hours after the strongest gust at each place: the clock of each place starts when its worst is over.
    n_samples : int
        Samples that count; those that fill the last word do not.
    seed : int
        Of the run.
    executor : Executor, optional
        Who computes; this thread alone when left out. The result does not depend on it.
    """
    groups = np.vstack([np.ones(network.n_sites, np.int64), *_stations(network)])
    shared = _Storm.over(network, served, exposure, crews, groups, hours, seed)
    jobs = ((sea_wind_ms[:, k[0] : k[-1] + 1], k) for k in words(n_samples))
    found = list((executor or Threads(1)).run(_after, shared, jobs, together=1))
    people, causes, off, hit, sites = zip(*found, strict=True)
    without, by_cause, lost, hit_by_cause = (
        np.concatenate(p, axis=-1)[..., :n_samples] for p in (people, causes, off, hit)
    )
    alone = np.concatenate(sites, axis=-1)[..., :n_samples]
    before, calm = np.zeros((served.n_communes, 64), np.int64), shared.calm
    _tally(before, np.zeros((3, served.n_communes, 64), np.int64), calm, calm, calm, calm, served.indptr,
           served.site, served.people, served.commune)  # fmt: skip
    return Impact(hours, before[:, 0], without, by_cause, lost, hit_by_cause, alone.mean(axis=-1))


def _stations(network: Network) -> list[Ints]:
    return [
        np.bincount(network.station_site[network.station_operator == o], minlength=network.n_sites)
        for o in range(len(network.operators))
    ]


@dataclass(frozen=True)
class _Storm:
    """A storm on one network: what all its samples share.

    Parameters
    ----------
    site_ids, autonomy_h, is_exchange, up_a, up_b : ndarray
        Of the network's sites, and of its links in the order from the core.
    order : ndarray of int
        That order.
    never : ndarray of bool, shape (n_sites,)
        Sites without power on any day.
    fed : SitesOnGrid
        Those on the grid.
    served, exposure, crews, groups, hours, seed
        As for :func:`storm_impact`.
    calm : ndarray of uint64, shape (n_sites,)
        All bits of the sites that are connected on a day without a storm.
    """

    site_ids: npt.NDArray[np.str_]
    autonomy_h: Floats
    is_exchange: npt.NDArray[np.bool_]
    up_a: Ints
    up_b: Ints
    order: Ints
    never: Words
    fed: SitesOnGrid
    served: Served
    exposure: Exposure
    crews: Crews
    groups: Ints
    hours: tuple[float, ...]
    seed: int
    calm: Words

    @classmethod
    def over(
        cls,
        network: Network,
        served: Served,
        exposure: Exposure,
        crews: Crews,
        groups: Ints,
        hours: tuple[float, ...],
        seed: int,
    ) -> "_Storm":
        """Return a storm over a network."""
        on_grid = _ON_GRID[network.source]
        at = np.flatnonzero(on_grid & (network.node >= 0))
        never = np.where(_DEAD[network.source] | (on_grid & (network.node < 0)), _ALL, np.uint64(0))
        links, order = network.links, network.links.from_the_core(network.is_exchange)
        a, b = links.a[order], links.b[order]
        calm = _live(never, np.full(order.size, _ALL), a, b, network.is_exchange)
        fed = SitesOnGrid.of(network.grid, at, network.node[at], network.autonomy_h[at])
        return cls(
            network.site_ids, network.autonomy_h, network.is_exchange, a, b, order, never, fed, served, exposure, crews,
            groups, hours, seed, calm,
        )  # fmt: skip

    def at(self, hour: float, down: npt.NDArray[np.bool_], engine: Floats) -> tuple[Words, Words, Words]:
        """Return the sites whose mast is down, those without power, and those connected."""
        grid, masts, arrays, links = self.exposure.split(down)
        state, thing = np.nonzero(grid.T)
        indptr = np.searchsorted(state, np.arange(65)).astype(np.int64)
        dark = np.zeros((1, self.never.size), np.uint64)
        self.fed.darken(dark, indptr, thing.astype(np.int32), np.full(thing.size, hour + _JUST_AFTER_H))
        out = dark[0] & ~_bits(engine <= hour)
        # panels that lie on the ground charge no battery
        out |= _bits(arrays & (self.autonomy_h[:, None] < hour + _JUST_AFTER_H))
        out |= self.never
        fallen, up = _bits(masts), ~_bits(links)
        return fallen, out, _live(fallen | out, up[self.order], self.up_a, self.up_b, self.is_exchange)


def _live(off: Words, up: Words, a: Ints, b: Ints, is_exchange: npt.NDArray[np.bool_]) -> Words:
    live = np.zeros((1, off.size), np.uint64)
    reach(live, off[None], np.ascontiguousarray(up)[None], a, b, is_exchange)
    return np.asarray(live[0])


def _after(storm: _Storm, job: tuple[Floats, Ints]) -> tuple[Ints, Ints, Ints, Ints, npt.NDArray[np.bool_]]:
    """Return people by commune, by cause, assets off by cause, those hit, and sites off, for 64 samples."""
    wind, samples = job
    exposure, served, calm, hours = storm.exposure, storm.served, storm.calm, storm.hours
    broken, work = failures(exposure, wind, samples)
    n_grid, n_sites = exposure.n_grid, calm.size
    done = np.zeros(broken.shape)
    done[:n_grid] = mended_h(
        broken[:n_grid], work[:n_grid], storm.crews.order, storm.crews.pool, storm.crews.crews,
        start_h=assumed("start_h"),
    )  # fmt: skip
    done[n_grid:] = work[n_grid:] + assumed("start_h")
    engine = generator_h(storm.site_ids, samples, storm.seed)
    shape = len(hours), served.n_communes, 64
    people, causes = np.zeros(shape, np.int64), np.zeros((shape[0], 3, *shape[1:]), np.int64)
    off = np.zeros((shape[0], storm.groups.shape[0], 3, 64), np.int64)
    sites = np.zeros((shape[0], n_sites, 64), bool)
    ever = np.zeros((3, n_sites), np.uint64)
    for t, hour in enumerate(hours):
        fallen, dark, live = storm.at(hour, broken & (done > hour), engine)
        standing, powered = ~fallen, ~fallen & ~dark
        _tally(people[t], causes[t], calm, standing, powered, live, served.indptr, served.site, served.people,
               served.commune)  # fmt: skip
        lost = np.stack([calm & fallen, calm & ~fallen & dark, calm & powered & ~live])
        ever |= lost
        _count(off[t], lost, storm.groups)
        sites[t] = _unpack(~live)
    # each asset hit once: by the first of its causes
    ever[1] &= ~ever[0]
    ever[2] &= ~(ever[0] | ever[1])
    hit = np.zeros(off.shape[1:], np.int64)
    _count(hit, ever, storm.groups)
    return people, causes, off, hit, sites


def _bits(states: npt.NDArray[np.bool_]) -> Words:
    # rows of 64: one word each
    return pack_bits(states) if states.size else np.zeros(0, np.uint64)


def _unpack(word: Words) -> npt.NDArray[np.bool_]:
    return np.unpackbits(word[:, None].astype("<u8").view(np.uint8), axis=1, bitorder="little").astype(bool)


@nb.njit(cache=True, nogil=True)
def _tally(people, causes, calm, standing, powered, live, indptr, site, many, commune):  # type: ignore[no-untyped-def]
    one = np.uint64(1)
    for e in range(indptr.size - 1):
        if many[e] == 0:
            continue
        c = np.uint64(0)
        for k in range(indptr[e], indptr[e + 1]):
            c |= live[site[k]]
            if c == _ALL:  # most are served by one that nothing touches
                break
        c = ~c
        if c == 0:
            continue
        a = b = d = np.uint64(0)
        for k in range(indptr[e], indptr[e + 1]):
            s = site[k]
            a |= standing[s]
            b |= powered[s]
            d |= calm[s]
        at = commune[e]
        for bit in range(64):
            mark = one << np.uint64(bit)
            if c & mark:
                people[at, bit] += many[e]
                if d & mark:
                    cause = 2 if b & mark else 1 if a & mark else 0
                    causes[cause, at, bit] += many[e]


@nb.njit(cache=True, nogil=True)
def _count(out, lost, groups):  # type: ignore[no-untyped-def]
    one = np.uint64(1)
    for cause in range(lost.shape[0]):
        for s in range(lost.shape[1]):
            word = lost[cause, s]
            if ones(word) == 0:
                continue
            for bit in range(64):
                if word & (one << np.uint64(bit)):
                    for g in range(groups.shape[0]):
                        out[g, cause, bit] += groups[g, s]

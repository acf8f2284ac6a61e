"""Damage: fragility curves and sampled failures of exposed assets."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, diags_array
from scipy.special import log_ndtr, ndtri

from phusong.compute.array_types import Bools, Floats, Ints
from phusong.errors import InputError, Problem, nearest_name
from phusong.hazard.wind_field import (
    Lattice,
    assumed,
    common_random_numbers,
    gust_over_sea_wind,
    lattice_over,
)
from phusong.io.resources import table
from phusong.region import Grid
from phusong.service.backhaul import Links
from phusong.service.network import POWER_SOURCES, Network
from phusong.service.outage_states import stream_keys

__all__ = [
    "ExposedAssets",
    "Exposure",
    "Fragility",
    "curves",
    "expose",
    "failures",
    "fragility",
    "log_survival",
]


@dataclass(frozen=True)
class Fragility:
    """One row of geodata/fragility.csv.

    Parameters
    ----------
    asset : str
        Key.
    median_gust_ms, dispersion : float
        Gust (3 s, 10 m) at which one in two breaks, and the standard deviation of its logarithm.
    count : float
        Things that can break a unit (an asset, or a kilometre of it), times the share that stands in the wind.
    repair_median_h, repair_dispersion : float
        Time of one crew to mend it: lognormal.
    """

    asset: str
    median_gust_ms: float
    dispersion: float
    count: float
    repair_median_h: float
    repair_dispersion: float

    def probability(self, gust_ms: Floats, units: Floats | float = 1.0) -> Floats:
        """Return the probability that at least one of them breaks.

        Parameters
        ----------
        gust_ms : ndarray
            Strongest gust.
        units : ndarray or float
            Assets, or kilometres.
        """
        return np.asarray(-np.expm1(units * self.count * self.log_survival(gust_ms)))

    def log_survival(self, gust_ms: Floats) -> Floats:
        """Return the logarithm of the probability that one stands: ln(1 - Φ(ln(g/median)/dispersion))."""
        return log_survival(gust_ms, self.median_gust_ms, self.dispersion)


def log_survival(gust_ms: Floats, median_ms: Floats | float, dispersion: Floats | float) -> Floats:
    """Return ln(1 - Φ(ln(gust/median)/dispersion)); 0 without wind.

    Examples
    --------
    >>> np.exp(log_survival(np.array([0.0, 50.0]), 50.0, 0.3))
    array([1. , 0.5])
    """
    with np.errstate(divide="ignore"):
        z = np.log(np.asarray(gust_ms, np.float64) / median_ms) / dispersion
    return np.asarray(log_ndtr(-z))


@cache
def curves() -> dict[str, Fragility]:
    """Return every curve by the key of its asset."""
    rows = table("fragility")
    return {
        str(r["asset"]): Fragility(
            str(r["asset"]),
            float(r["median_gust_ms"]),
            float(r["dispersion"]),
            float(r["count_per_unit"]) * float(r["exposed_share"]),
            float(r["repair_median_h"]),
            float(r["repair_dispersion"]),
        )
        for r in rows.to_dict("records")
    }


def fragility(asset: str) -> Fragility:
    """Return the curve of one kind of asset.

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> float(fragility("tower").probability(np.array(72.0)).round(3))
    0.5
    """
    known = curves()
    if asset not in known:
        raise InputError(
            Problem("fragility.csv", f"has no such asset{nearest_name(asset, known)}", value=asset)
        )
    return known[asset]


_PIECE_KM = 2.0  # a line is looked at in pieces: gusts differ along it
_MASTS = ("tower", "mast", "rooftop", "pole")
_SUNNY = np.array([s.sun >= 1.0 for s in POWER_SOURCES])  # a hybrid has its engine


@dataclass(frozen=True)
class ExposedAssets:
    """Where the network stands, on the region's grid.

    Parameters
    ----------
    grid : Grid
        Of the region.
    clutter : ndarray of uint8, on the grid
        Land cover.
    site_east_m, site_north_m : ndarray, shape (n_sites,)
        Sites.
    structure : ndarray of str, shape (n_sites,)
        What carries the antennas.
    node_east_m, node_north_m : ndarray, shape (n_nodes,)
        Power nodes.
    node_kind : ndarray of str, shape (n_nodes,)
        What each is.
    """

    grid: Grid
    clutter: npt.NDArray[np.uint8]
    site_east_m: Floats
    site_north_m: Floats
    structure: npt.NDArray[np.str_]
    node_east_m: Floats
    node_north_m: Floats
    node_kind: npt.NDArray[np.str_]


@dataclass(frozen=True)
class Exposure:
    """Everything that can break, in parts of one curve each.

    Things are numbered through: power nodes, the lines above them, open lines, masts, solar arrays, links.

    Parameters
    ----------
    n_nodes, n_ties, n_sites, n_links : int
        How many there are of each.
    part_thing, part_curve : ndarray of int, shape (n_parts,)
        Thing that each part belongs to, and row of its curve.
    part_key : ndarray of uint64, shape (n_parts,)
        Its stream: the same asset has the same luck whatever else stands there.
    units : csr_array, shape (n_parts, n_pieces)
        Assets or kilometres of each part in each piece.
    gust : csr_array, shape (n_pieces, n_points)
        From the wind over open sea at the points of `lattice` to the gust at each piece.
    site_gust : csr_array, shape (n_sites, n_points)
        The same for the sites.
    lattice : Lattice
        Where winds are computed.
    """

    n_nodes: int
    n_ties: int
    n_sites: int
    n_links: int
    part_thing: Ints
    part_curve: Ints
    part_key: npt.NDArray[np.uint64]
    units: "csr_array[np.float64, tuple[int, int]]"
    gust: "csr_array[np.float64, tuple[int, int]]"
    site_gust: "csr_array[np.float64, tuple[int, int]]"
    lattice: Lattice

    @property
    def n_things(self) -> int:
        """Number of things."""
        return 2 * self.n_nodes + self.n_ties + 2 * self.n_sites + self.n_links

    @property
    def n_grid(self) -> int:
        """How many of them, the first ones, are of the power grid."""
        return 2 * self.n_nodes + self.n_ties

    def split(self, things: Bools) -> tuple[Bools, Bools, Bools, Bools]:
        """Return the rows of the grid, of masts, of solar arrays and of links."""
        cuts = np.cumsum([self.n_grid, self.n_sites, self.n_sites])
        grid, masts, arrays, links = np.split(things, cuts)
        return grid, masts, arrays, links


def expose(network: Network, places: ExposedAssets, line_km: Floats, *, rmw_km: float, seed: int) -> Exposure:
    """Return what of a network stands in the wind, and where.

    Parameters
    ----------
    network : Network
        Sites, grid and links.
    places : ExposedAssets
        Where they are.
    line_km : ndarray, shape (n_nodes + n_ties,)
        Length of the line above each node (0 at a source), then of the open lines.
    rmw_km : float
        Least radius of the strongest wind: the lattice is finer than it.
    seed : int
        Of the run.
    """
    grid, links = network.grid, network.links
    n, m, n_sites = grid.node_ids.size, grid.switches.ids.size, network.n_sites
    row_of = {name: k for k, name in enumerate(curves())}
    parts = _Parts(row_of)
    big = np.isin(places.node_kind, ("plant", "substation"))
    node_xy = np.c_[places.node_east_m, places.node_north_m]
    site_xy = np.c_[places.site_east_m, places.site_north_m]
    for k, name in ((big, "substation"), (~big, "transformer")):
        at = np.flatnonzero(k)
        parts.add(
            at,
            name,
            stream_keys(grid.node_ids[at], "storm node", seed),
            node_xy[at],
            node_xy[at],
            np.ones(at.size),
        )
    child = np.flatnonzero(grid.above >= 0)
    ends = np.r_[np.c_[grid.above[child], child], np.c_[grid.switches.a, grid.switches.b]].astype(np.int64)
    thing = np.r_[n + child, 2 * n + np.arange(m)]
    ids = np.r_[grid.line_ids[child], grid.switches.ids].astype(str)
    km = np.r_[line_km[child], line_km[n:]]
    high = big[ends[:, 0]] & big[ends[:, 1]]
    for chosen, names in ((high, ("hv_line",)), (~high, ("mv_line", "mv_pole"))):
        at = np.flatnonzero(chosen)
        for name in names:
            keys = stream_keys(ids[at], f"storm {name}", seed)
            parts.add(thing[at], name, keys, node_xy[ends[at, 0]], node_xy[ends[at, 1]], km[at])
    for name in _MASTS:
        at = np.flatnonzero((places.structure == name) & ~network.is_exchange)
        keys = stream_keys(network.site_ids[at], "storm mast", seed)
        parts.add(2 * n + m + at, name, keys, site_xy[at], site_xy[at], np.ones(at.size))
    at = np.flatnonzero(_SUNNY[network.source])
    keys = stream_keys(network.site_ids[at], "storm array", seed)
    parts.add(2 * n + m + n_sites + at, "solar_array", keys, site_xy[at], site_xy[at], np.ones(at.size))
    _add_links(parts, links, site_xy, 2 * n + m + 2 * n_sites, seed)
    return parts.exposure(places, rmw_km, site_xy, (n, m, n_sites, links.ids.size))


def failures(exposure: Exposure, sea_wind_ms: Floats, samples: Ints) -> tuple[Bools, Floats]:
    """Return what breaks in some samples, and how long one crew needs to mend it.

    Parameters
    ----------
    exposure : Exposure
        What stands in the wind.
    sea_wind_ms : ndarray, shape (n_points, n)
        Wind over open sea at the points of the lattice in these samples.
    samples : ndarray of int, shape (n,)
        Their numbers.

    Returns
    -------
    tuple of ndarray, shape (n_things, n)
        Whether it breaks, and hours of work. The stronger the gust, the more breaks: never less.
    """
    by_row = list(curves().values())
    median, spread, count, repair, repair_spread = (
        np.array([getattr(c, name) for c in by_row])
        for name in ("median_gust_ms", "dispersion", "count", "repair_median_h", "repair_dispersion")
    )
    curve = exposure.part_curve
    gust = np.asarray(exposure.gust @ sea_wind_ms)
    # a piece belongs to one part, so the curve of its part is its own
    piece_curve = curve[exposure.units.tocsc().indices]
    stands = log_survival(gust, median[piece_curve, None], spread[piece_curve, None])
    chance = -np.expm1(count[curve, None] * np.asarray(exposure.units @ stands))
    fate = common_random_numbers(exposure.part_key, samples)
    broken = fate < chance
    hours = np.zeros(broken.shape)
    part, column = np.nonzero(broken)
    work = ndtri(
        np.clip(
            common_random_numbers(exposure.part_key + np.uint64(0xA5A5), samples)[part, column],
            1e-12,
            1 - 1e-12,
        )
    )
    hours[part, column] = repair[curve[part]] * np.exp(repair_spread[curve[part]] * work)
    shape = (exposure.n_things, curve.size)
    gather = csr_array((np.ones(curve.size), (exposure.part_thing, np.arange(curve.size))), shape=shape)
    return np.asarray(gather @ broken.astype(np.float64) > 0.0), np.asarray(gather @ hours)


class _Parts:
    """Gathers parts and the pieces of each."""

    def __init__(self, row_of: dict[str, int]) -> None:
        self._row_of = row_of
        self._rows: list[tuple[Ints, Ints, npt.NDArray[np.uint64]]] = []
        self._pieces: list[tuple[Ints, Floats, Floats]] = []
        self._count = 0

    def add(
        self, thing: Ints, curve: str, key: npt.NDArray[np.uint64], a: Floats, b: Floats, units: Floats
    ) -> None:
        """Add things between two places with so many units spread evenly between them."""
        many = np.asarray(thing).size
        if many == 0:
            return
        km = np.hypot(*(b - a).T) / 1000.0
        cuts = np.maximum(1, np.ceil(km / _PIECE_KM)).astype(np.int64)
        part = np.repeat(np.arange(many), cuts)
        step = np.arange(part.size) - np.repeat(np.cumsum(cuts) - cuts, cuts)
        share = (step + 0.5) / cuts[part]
        self._pieces.append(
            (self._count + part, a[part] + (b - a)[part] * share[:, None], (units / cuts)[part])
        )
        self._rows.append((np.asarray(thing, np.int64), np.full(many, self._row_of[curve]), key))
        self._count += many

    def exposure(
        self, places: ExposedAssets, rmw_km: float, site_xy: Floats, sizes: tuple[int, int, int, int]
    ) -> Exposure:
        """Return what was gathered."""
        thing, curve, key = (np.concatenate(c) for c in zip(*self._rows, strict=True))
        part, xy, units = (np.concatenate(c) for c in zip(*self._pieces, strict=True))
        every = np.vstack([xy, site_xy])
        lattice = lattice_over(places.grid, every[:, 0], every[:, 1], rmw_km=rmw_km)
        share = gust_over_sea_wind(places.grid, places.clutter, every[:, 0], every[:, 1])
        gust = diags_array(share) @ lattice.at(every[:, 0], every[:, 1])
        rows = csr_array(gust)
        return Exposure(
            *sizes, thing, curve.astype(np.int64), key,
            csr_array((units, (part, np.arange(part.size))), shape=(self._count, part.size)),
            rows[: part.size], rows[part.size :], lattice,
        )  # fmt: skip


def _add_links(parts: _Parts, links: Links, site_xy: Floats, first: int, seed: int) -> None:
    a, b = site_xy[links.a], site_xy[links.b]
    km = np.hypot(*(b - a).T) / 1000.0
    for medium, curve in (
        ("fibre", "fibre_aerial"),
        ("microwave", "microwave_dish"),
        ("satellite", "satellite_dish"),
    ):
        at = np.flatnonzero(links.medium == medium)
        if medium == "fibre":
            keys = stream_keys(links.ids[at], "storm link", seed)
            parts.add(first + at, curve, keys, a[at], b[at], km[at] * assumed("detour"))
            continue
        # a satellite dish stands at the site; the far end is a gateway elsewhere
        for end, place in (("a", a), ("b", b))[: 1 if medium == "satellite" else 2]:
            keys = stream_keys(links.ids[at], f"storm link {end}", seed)
            parts.add(first + at, curve, keys, place[at], place[at], np.ones(at.size))

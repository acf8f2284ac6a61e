"""Static network and event state as arrays."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from phusong.compute.array_types import Bools, Floats, Ints, Texts
from phusong.compute.arrays import RaggedRows, rows_of
from phusong.service.allocation import Reception
from phusong.service.availability import site_stability
from phusong.service.capacity import Demand, cell_throughput, people_in, tiers
from phusong.service.network import POWER_SOURCES, Network
from phusong.service.sharing import Rights

__all__ = [
    "NEVER",
    "Happened",
    "PlaceIndex",
    "Point",
    "PowerLines",
    "StaticNetwork",
    "from_tree",
    "nothing_yet",
    "static_digest",
    "static_network",
    "to_tree",
]

Tiers = npt.NDArray[np.int8]

_ON_GRID = np.array([s.on_grid for s in POWER_SOURCES])


@dataclass(frozen=True)
class PlaceIndex:
    """Where people, sites and villages lie.

    Parameters
    ----------
    commune_codes, commune_names : ndarray of str, shape (n_communes,)
        Communes by row.
    province_codes, province_names : ndarray of str, shape (n_provinces,)
        Provinces by row.
    province : ndarray of int, shape (n_communes,)
        Province of each commune.
    cell_commune, site_commune, village_commune : ndarray of int
        Commune of each demand cell, site and village; -1 outside all.
    village_cell : ndarray of int, shape (n_villages,)
        Demand cell nearest to each village.
    as_of : str
        Date of the region's sites, for the age of what no event has told.
    """

    commune_codes: Texts
    commune_names: Texts
    province_codes: Texts
    province_names: Texts
    province: Ints
    cell_commune: Ints
    site_commune: Ints
    village_commune: Ints
    village_cell: Ints
    as_of: str = ""


@dataclass(frozen=True)
class PowerLines:
    """Every line of the grid: the closed ones by the node below them, then the normally open ones.

    Parameters
    ----------
    ids : ndarray of str, shape (n,)
        Lines.
    a, b : ndarray of int, shape (n,)
        Nodes at their ends; `a` is the nearer to the source.
    closed : ndarray of bool, shape (n,)
        Whether the line carries before any event.
    at : RaggedRows
        Lines at each node, the one that feeds it last.
    is_source : ndarray of bool, shape (n_nodes,)
        Nodes that nothing feeds.
    """

    ids: Texts
    a: Ints
    b: Ints
    closed: Bools
    at: RaggedRows
    is_source: Bools


@dataclass(frozen=True)
class StaticNetwork:
    """The arrays that events act on; nothing in it changes.

    `network` holds planned sites and their stations too (`planned`); `rights_of` gives the rights on a network whose
    locks have changed. `tier_locked` and `tier_open` say in which turn people may ask each station while its site is
    locked as the region says, and once the lock is opened. `availability` is the share of the year that each site
    works. `pairs_of_cell`, `pairs_of_station` index `reception`; `sites_of_node` the sites on the grid;
    `links_of_group` the links of each part of the backhaul that exchanges bound (`groups_of_site` names the parts that
    a site belongs to).
    """

    network: Network
    places: PlaceIndex
    reception: Reception
    weights: Ints
    availability: Floats
    availability_target: float
    demand: Demand
    rights_of: Callable[[Network], Rights]
    planned: Bools
    tier_locked: Tiers
    tier_open: Tiers
    cell_mbps: Floats
    station_room: Ints
    pairs_of_cell: RaggedRows
    pairs_of_station: RaggedRows
    stations_of_site: RaggedRows
    cells_of_commune: RaggedRows
    villages_of_cell: RaggedRows
    villages_of_commune: RaggedRows
    sites_of_commune: RaggedRows
    sites_of_node: RaggedRows
    lines: PowerLines
    groups_of_site: RaggedRows
    links_of_group: RaggedRows
    sites_of_group: RaggedRows

    @property
    def on_grid(self) -> Bools:
        """Whether a fault of the grid reaches each site."""
        return np.asarray(_ON_GRID[self.network.source] & (self.network.node >= 0))

    def opened(self, opened: Bools) -> Network:
        """Return the network with the locks of some sites opened."""
        return replace(
            self.network,
            shareable=self.network.shareable | opened,
            lock_reason=np.where(opened, "", self.network.lock_reason).astype(str),
        )


def static_network(
    *,
    network: Network,
    places: PlaceIndex,
    reception: Reception,
    weights: Ints,
    availability_target: float,
    demand: Demand,
    rights_of: Callable[[Network], Rights],
    planned: Bools,
) -> StaticNetwork:
    """Return what stands, indexed from every side.

    Parameters
    ----------
    network : Network
        Sites and stations, planned ones among them.
    places : PlaceIndex
        Where they lie.
    reception : Reception
        What is heard at every demand cell, planned stations among it.
    weights : ndarray of int, shape (n_cells, n_operators)
        People.
    availability_target : float
        Least availability of a stable site.
    demand : Demand
        What people ask in the busy hour.
    rights_of : callable
        Rights on a network, under the policy and agreements in force.
    planned : ndarray of bool, shape (n_sites,)
        Sites that are not on the air until they are commissioned.
    """
    n, n_stations, n_cells = network.n_sites, network.n_stations, reception.n_cells
    locked = tiers(network, rights_of(network))
    every = replace(
        network, shareable=np.ones(n, bool), lock_reason=np.full(n, "", network.lock_reason.dtype)
    )
    cell_mbps = cell_throughput(
        reception, weights.astype(np.int64).sum(axis=1), network.station_bandwidth_mhz
    )
    source = np.where(_ON_GRID[network.source], network.node, -1)
    groups, links, sites = _groups(network)
    n_communes = places.commune_codes.size
    return StaticNetwork(
        network=network,
        places=places,
        reception=reception,
        weights=weights.astype(np.int64),
        availability=site_stability(network).availability,
        availability_target=availability_target,
        demand=demand,
        rights_of=rights_of,
        planned=planned,
        tier_locked=locked,
        tier_open=tiers(every, rights_of(every)),
        cell_mbps=cell_mbps,
        station_room=people_in(cell_mbps, demand),
        pairs_of_cell=rows_of(reception.cell, n_cells),
        pairs_of_station=rows_of(reception.station, n_stations),
        stations_of_site=rows_of(network.station_site, n),
        cells_of_commune=rows_of(places.cell_commune, n_communes),
        villages_of_cell=rows_of(places.village_cell, n_cells),
        villages_of_commune=rows_of(places.village_commune, n_communes),
        sites_of_commune=rows_of(places.site_commune, n_communes),
        sites_of_node=rows_of(source, network.node_ids.size),
        lines=_lines(network),
        groups_of_site=groups,
        links_of_group=links,
        sites_of_group=sites,
    )


def _lines(network: Network) -> PowerLines:
    grid = network.grid
    fed, n_nodes = np.flatnonzero(grid.above >= 0), grid.above.size
    ties = grid.switches
    a, b = np.r_[grid.above[fed], ties.a], np.r_[fed, ties.b]
    number = np.arange(a.size)
    # a walk takes the last line of a node first: the one towards the source
    at = np.r_[a, ties.b, fed].astype(np.int64)
    line = np.r_[number, number[fed.size :], number[: fed.size]]
    rows = rows_of(at, n_nodes)
    return PowerLines(
        np.r_[grid.line_ids[fed], ties.ids].astype(str),
        a.astype(np.int64),
        b.astype(np.int64),
        number < fed.size,
        RaggedRows(rows.start, line[rows.item].astype(np.int64)),
        grid.above < 0,
    )


def _groups(network: Network) -> tuple[RaggedRows, RaggedRows, RaggedRows]:
    """Return the parts of the backhaul that hang together without an exchange, by site; their links; their sites."""
    n, links = network.n_sites, network.links
    inner = ~network.is_exchange
    plain = inner[links.a] & inner[links.b]
    graph = csr_matrix((np.ones(int(plain.sum())), (links.a[plain], links.b[plain])), shape=(n, n))
    _, label = connected_components(graph, directed=False)
    label = label.astype(np.int64)
    # a link between two exchanges is a part of its own: the label of its first end, which no other site has
    of_link = np.where(
        inner[links.a], label[links.a], np.where(inner[links.b], label[links.b], label[links.a])
    )
    sites = np.r_[np.flatnonzero(inner), links.a, links.b, np.flatnonzero(network.is_exchange)]
    group = np.r_[label[inner], of_link, of_link, label[network.is_exchange]]
    pairs = np.unique(np.c_[sites, group].astype(np.int64), axis=0)
    by_site, by_group = rows_of(pairs[:, 0], n), rows_of(pairs[:, 1], n)
    return (
        RaggedRows(by_site.start, pairs[by_site.item, 1]),
        rows_of(of_link, n),
        RaggedRows(by_group.start, pairs[by_group.item, 0]),
    )


Area = tuple[str, str]  # "commune", "province" or "region", and its code
Point = tuple[int, float]  # time [ms], value

NEVER = -1


@dataclass
class Happened:
    """Events folded together. Times are milliseconds since 1970, UTC.

    Parameters
    ----------
    clock_ms, began_ms : int
        Time of the latest and of the first event; `NEVER` before it.
    site_down, commissioned, opened, own_supply : ndarray of bool, shape (n_sites,)
        Sites reported down; commissioned; unlocked; and up although their line and battery are gone.
    closed : ndarray of bool, shape (n_lines,)
        Power lines that carry.
    link_up : ndarray of bool, shape (n_links,)
        Links that work.
    dark_since_ms : ndarray of int, shape (n_nodes,)
        When each node lost its source; `NEVER` while it has one.
    served_first : ndarray of int, shape (n_communes,)
        People served before the first event.
    lost_people_ms, lost_until_ms : ndarray of int, shape (n_communes,)
        People times milliseconds without the service they had before the first event, and up to when they are counted.
    money_usd : dict
        US cents by area and fund.
    told_ms : dict
        When an event last told of each area and topic (network, works, money).
    works : dict
        Values of each KPI of an area after each commissioning, opened lock or payment.
    """

    clock_ms: int
    began_ms: int
    site_down: Bools
    commissioned: Bools
    opened: Bools
    own_supply: Bools
    closed: Bools
    link_up: Bools
    dark_since_ms: Ints
    served_first: Ints
    lost_people_ms: Ints
    lost_until_ms: Ints
    money_cents: dict[tuple[Area, str], int] = field(default_factory=dict)
    told_ms: dict[tuple[Area, str], int] = field(default_factory=dict)
    works: dict[tuple[Area, str], list[Point]] = field(default_factory=dict)


def nothing_yet(static_network: StaticNetwork) -> Happened:
    """Return the state before any event."""
    n, n_communes = static_network.network.n_sites, static_network.places.commune_codes.size
    no_site = np.zeros(n, bool)
    return Happened(
        clock_ms=NEVER,
        began_ms=NEVER,
        site_down=no_site,
        commissioned=no_site.copy(),
        opened=no_site.copy(),
        own_supply=no_site.copy(),
        closed=static_network.lines.closed.copy(),
        link_up=np.ones(static_network.network.links.ids.size, bool),
        dark_since_ms=np.full(static_network.network.node_ids.size, NEVER, np.int64),
        served_first=np.zeros(n_communes, np.int64),
        lost_people_ms=np.zeros(n_communes, np.int64),
        lost_until_ms=np.zeros(n_communes, np.int64),
    )


_SITES = ("site_down", "commissioned", "opened", "own_supply")
_COMMUNES = ("served_first", "lost_people_ms", "lost_until_ms")


def static_digest(static_network: StaticNetwork) -> str:
    """Return a SHA-256 of what events act on: state of one region or scenario is never read onto another."""
    network, reception, places = static_network.network, static_network.reception, static_network.places
    digest = hashlib.sha256()
    for array in (
        network.site_ids, network.station_ids, static_network.lines.ids, network.links.ids, network.node_ids,
        places.commune_codes, places.cell_commune, places.village_cell, reception.cell, reception.station,
        reception.rsrp_dbm, reception.sinr_ddb, static_network.weights, static_network.availability, static_network.tier_locked,
        static_network.tier_open, static_network.station_room, network.autonomy_h, network.links.capacity_mbps, static_network.planned,
    ):  # fmt: skip
        digest.update(str((array.dtype.str, array.shape)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def to_tree(static_network: StaticNetwork, happened: Happened) -> dict[str, Any]:
    """Return what has happened as nested lists and text."""
    network, lines = static_network.network, static_network.lines
    dark = np.flatnonzero(happened.dark_since_ms != NEVER)
    return {
        "clock_ms": happened.clock_ms,
        "began_ms": happened.began_ms,
        **{name: network.site_ids[getattr(happened, name)].tolist() for name in _SITES},
        "lines_changed": lines.ids[happened.closed != lines.closed].tolist(),
        "links_down": network.links.ids[~happened.link_up].tolist(),
        "dark_since_ms": dict(
            zip(network.node_ids[dark].tolist(), happened.dark_since_ms[dark].tolist(), strict=True)
        ),
        **{name: getattr(happened, name).tolist() for name in _COMMUNES},
        "money_cents": [[*area, fund, cents] for (area, fund), cents in happened.money_cents.items()],
        "told_ms": [[*area, topic, when] for (area, topic), when in happened.told_ms.items()],
        "works": [[*area, kpi, points] for (area, kpi), points in happened.works.items()],
    }


def from_tree(static_network: StaticNetwork, tree: dict[str, Any]) -> Happened:
    """Return what has happened, from what :func:`to_tree` gave."""
    happened = nothing_yet(static_network)
    network, lines = static_network.network, static_network.lines
    happened.clock_ms, happened.began_ms = int(tree["clock_ms"]), int(tree["began_ms"])
    for name in _SITES:
        getattr(happened, name)[:] = _among(network.site_ids, tree[name])
    happened.closed ^= _among(lines.ids, tree["lines_changed"])
    happened.link_up &= ~_among(network.links.ids, tree["links_down"])
    position = {str(name): k for k, name in enumerate(network.node_ids)}
    for name, since in tree["dark_since_ms"].items():
        happened.dark_since_ms[position[name]] = since
    for name in _COMMUNES:
        getattr(happened, name)[:] = tree[name]
    happened.money_cents = {((a, b), fund): cents for a, b, fund, cents in tree["money_cents"]}
    happened.told_ms = {((a, b), topic): when for a, b, topic, when in tree["told_ms"]}
    happened.works = {((a, b), kpi): [(t, v) for t, v in points] for a, b, kpi, points in tree["works"]}
    return happened


def _among(ids: npt.NDArray[np.str_], names: list[str]) -> npt.NDArray[np.bool_]:
    return np.asarray(np.isin(ids, np.array(names, dtype=str)) if names else np.zeros(ids.size, bool))

"""The network as arrays: sites, stations, the power tree and the backhaul tree, indexed by position."""

from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd

from phusong.compute.array_types import Bools, Floats, Ints, Texts
from phusong.service.backhaul import Links, links_of, widest_mbps
from phusong.service.power_grid import PowerGraph, power_graph
from phusong.service.power_supply import (
    POWER_SOURCES,
    SITE_KW,
    SOURCE_CODE,
    USUAL_OVERSIZE,
    PowerSource,
    site_supply,
    stated,
)

__all__ = ["EXCHANGE_AUTONOMY_H", "POWER_SOURCES", "Network", "PowerSource", "build_network", "hung_on_links"]


EXCHANGE_AUTONOMY_H = 96.0  # exchanges keep batteries and a standing generator with fuel for days (assumed)


@dataclass(frozen=True)
class Network:
    """What works, for whom, before any policy is applied.

    Sites (n_sites): `site_ids`, `owner` (index into `operators`, -1 when the owner is no operator),
    `shareable`, `lock_reason`, `spare_slots`, `remote`, `parent` (site index of the backhaul parent, -1 none),
    `is_exchange`, `link_unavailability` (of the link to the parent) and `link_capacity_mbps` (of the widest way
    to the core: its narrowest link), `node` (index of
    the power node, -1 off the grid), `source` (index into `POWER_SOURCES`), `autonomy_h`.

    Stations (n_stations; one operator's cells on one site): `station_ids`, `station_site`,
    `station_operator`, `station_guests` (bit mask of operators), `station_bandwidth_mhz`.

    Power elements: node `k` is element `k`, the line above it element `n_nodes + k`; each has `fault_rate`
    (a year) and `fault_h` (mean repair); `node_above` is the tree (-1 at a source). `rescue_line_h` and
    `rescue_node_h` are the times after which open lines feed a node and all below it when the line above it, or
    the node above it, has failed (infinite: never). `grid` holds the lines behind them.

    Own supply (n_sites): `station` (row of `shortage_h`), `oversize`, `late_year`, `late_h`; see
    :class:`phusong.service.power_supply.Supply`, which `stations` and `shortage_h` are of too.
    """

    operators: tuple[str, ...]
    shares: Floats
    site_ids: Texts
    owner: Ints
    shareable: Bools
    lock_reason: Texts
    spare_slots: Ints
    remote: Ints
    parent: Ints
    is_exchange: Bools
    link_unavailability: Floats
    link_capacity_mbps: Floats
    node: Ints
    source: Ints
    autonomy_h: Floats
    station_ids: Texts
    station_site: Ints
    station_operator: Ints
    station_guests: Ints
    station_bandwidth_mhz: Floats
    node_ids: Texts
    node_above: Ints
    fault_rate: Floats
    fault_h: Floats
    rescue_line_h: Floats
    rescue_node_h: Floats
    station: Ints
    oversize: Floats
    late_year: Floats
    late_h: Floats
    stations: tuple[int, ...]
    shortage_h: Floats
    grid: PowerGraph
    links: Links

    @property
    def n_sites(self) -> int:
        """Number of sites."""
        return self.site_ids.size

    @property
    def n_stations(self) -> int:
        """Number of stations."""
        return self.station_ids.size

    def with_autonomy(self, site: Ints, autonomy_h: float) -> "Network":
        """Return the network with at least this autonomy at some sites. [h]"""
        longer = self.autonomy_h.copy()
        longer[site] = np.maximum(longer[site], autonomy_h)
        return replace(self, autonomy_h=longer)

    def with_supply(self, site: int, *, source: int, node: int, autonomy_h: float) -> "Network":
        """Return the network with another supply at one site: panels for it are of the usual size at least."""
        kind, at = self.source.copy(), self.node.copy()
        hours, panels = self.autonomy_h.copy(), self.oversize.copy()
        kind[site], at[site], hours[site] = source, node, max(autonomy_h, hours[site])
        panels[site] = max(USUAL_OVERSIZE, panels[site])
        return replace(self, source=kind, node=at, autonomy_h=hours, oversize=panels)


def build_network(
    *,
    sites: gpd.GeoDataFrame,
    cells: pd.DataFrame,
    operators: pd.DataFrame,
    links: pd.DataFrame,
    power_nodes: pd.DataFrame,
    power_lines: pd.DataFrame,
    site_remote: Ints,
) -> Network:
    """Return the arrays of a checked region's tables (see the data dictionary for their columns).

    Parameters
    ----------
    sites, cells, operators, links, power_nodes, power_lines : DataFrame
        Layers of the region; only active sites count.
    site_remote : ndarray, shape (n_sites,)
        Remoteness class of the commune that each site stands in.
    """
    names = tuple(str(o) for o in operators["operator"])
    code_of = {name: code for code, name in enumerate(names)}
    shares = operators["share"].to_numpy(np.float64)
    ids = sites["site_id"].to_numpy(str)
    active = (sites["status"] == "active").to_numpy()
    parent = _indices(sites["backhaul_parent_id"], ids)
    wires = links_of(ids, links)
    nodes = power_nodes["node_id"].to_numpy(str)
    node = _indices(sites["power_node_id"], nodes)
    fed = node >= 0
    load = np.bincount(node[fed], stated(sites, "load_kw", SITE_KW)[fed], nodes.size).astype(np.float64)
    grid = power_graph(power_nodes, power_lines, load)
    supply = site_supply(sites)
    source = sites["power_source"].map(SOURCE_CODE).to_numpy(np.int64)
    is_exchange = (sites["structure"] == "exchange").to_numpy()
    has_battery = ~sites["power_source"].isin(["grid", "none"]).to_numpy(bool)
    autonomy = np.where(has_battery, sites["autonomy_h"].to_numpy(np.float64), 0.0)
    stations = _stations(cells, ids, active, code_of)
    network = Network(
        operators=names,
        shares=shares / shares.sum(),
        site_ids=ids,
        owner=sites["owner"].map(code_of).fillna(-1).to_numpy(np.int64),
        shareable=(sites["shareable"].astype(bool) & (sites["lock_reason"] == "")).to_numpy(),
        lock_reason=sites["lock_reason"].to_numpy(str),
        spare_slots=sites["spare_slots"].to_numpy(np.int64),
        remote=np.asarray(site_remote, np.int64),
        parent=parent,
        is_exchange=is_exchange,
        link_unavailability=np.zeros(ids.size),
        link_capacity_mbps=widest_mbps(wires, is_exchange),
        node=node,
        source=source,
        autonomy_h=np.where(is_exchange, np.maximum(autonomy, EXCHANGE_AUTONOMY_H), autonomy),
        station_ids=stations["station"].to_numpy(str),
        station_site=stations["site"].to_numpy(np.int64),
        station_operator=stations["operator"].to_numpy(np.int64),
        station_guests=stations["guests"].to_numpy(np.int64),
        station_bandwidth_mhz=stations["bandwidth_mhz"].to_numpy(np.float64),
        node_ids=nodes,
        node_above=grid.above,
        fault_rate=grid.rate,
        fault_h=grid.hours,
        rescue_line_h=grid.rescue_line_h,
        rescue_node_h=grid.rescue_node_h,
        station=supply.station,
        oversize=supply.oversize,
        late_year=supply.late_year,
        late_h=supply.late_h,
        stations=supply.stations,
        shortage_h=supply.shortage_h,
        grid=grid,
        links=wires,
    )
    return hung_on_links(network)


def hung_on_links(network: Network) -> Network:
    """Return the network with what is lost between each site and its parent, as its links say.

    Parameters
    ----------
    network : Network
        With the backhaul parents given; where links go round, :func:`phusong.service.rings.with_rings` gives others.
    """
    return replace(network, link_unavailability=_loss_up(network.parent, network.links))


def _indices(keys: "pd.Series[str]", among: Texts) -> Ints:
    position = pd.Series(np.arange(among.size), index=among)
    return keys.map(position).fillna(-1).to_numpy(np.int64)


def _loss_up(parent: Ints, links: Links) -> Floats:
    # a link may be listed in either direction; a hop with several links is down only while all of them are
    hops = links.by_hop()
    lost = np.where(parent >= 0, 1.0, 0.0)
    for child, up in ((hops.a, hops.b), (hops.b, hops.a)):
        on = parent[child] == up
        lost[child[on]] = hops.unavailability[on]
    return lost


def _stations(cells: pd.DataFrame, ids: Texts, active: Bools, code_of: dict[str, int]) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "station": cells["site_id"].astype(str) + "/" + cells["operator"].astype(str),
            "site": _indices(cells["site_id"], ids),
            "operator": cells["operator"].map(code_of).fillna(-1).to_numpy(np.int64),
            "guests": [_guest_mask(text, code_of) for text in cells["guests"]],
            "bandwidth_mhz": cells["bandwidth_mhz"].to_numpy(np.float64),
        }
    )
    known = (table["site"] >= 0) & (table["operator"] >= 0)
    table = table[known]
    table = table[active[table["site"]]]
    return (
        table.groupby("station", sort=True)
        .agg(
            site=("site", "first"),
            operator=("operator", "first"),
            guests=("guests", lambda g: int(np.bitwise_or.reduce(g.to_numpy(np.int64)))),
            bandwidth_mhz=("bandwidth_mhz", "sum"),
        )
        .reset_index()
    )


def _guest_mask(text: str, code_of: dict[str, int]) -> int:
    if not text:
        return 0
    return sum(1 << code_of[name] for name in {t.strip() for t in text.split(";")} if name in code_of)

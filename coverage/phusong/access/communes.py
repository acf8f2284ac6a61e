"""Commune table: people by gap part, facilities, policies compared."""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from phusong.access.gaps import GAP_PARTS, Access
from phusong.compute.array_types import Floats, Ints
from phusong.io.resources import HOURS_YEAR

__all__ = ["CORE", "commune_graph", "commune_homes", "commune_table", "facilities_served", "policy_communes"]


def commune_table(
    communes: gpd.GeoDataFrame,
    *,
    commune_of_cell: npt.NDArray[np.int64],
    access: Access,
    weights: npt.NDArray[np.int64],
) -> gpd.GeoDataFrame:
    """Return the communes with their people by gap part.

    Parameters
    ----------
    communes : GeoDataFrame
        Layer `communes`.
    commune_of_cell : ndarray, shape (n_cells,)
        Row of the commune that each demand cell lies in.
    access : Access
        People of every element by what they get.
    weights : ndarray of int, shape (n_cells, n_operators)
        People.

    Returns
    -------
    GeoDataFrame
        `people_served` and the four gaps sum to `population`. `hours_lost_year` is the mean over people with a
        usable signal of the hours a year without it (8760 where nobody has one). `rank_remote` orders the
        communes from the most remote: class first, then the fewest people per km².
    """
    n = len(communes)
    out = communes.copy()
    for name, people in access.by_cell().items():
        out[name] = np.bincount(commune_of_cell, people, n).astype(np.int64)
    parts = out[["people_served", *GAP_PARTS]]
    out["population"] = parts.sum(axis=1).astype(np.int64)
    out["share_served"] = _share(out["people_served"], out["population"])
    with_signal = access.availability > 0
    people = np.where(with_signal, weights, 0)
    lost = (people * (1.0 - access.availability.astype(np.float64)) * HOURS_YEAR).sum(axis=1)
    total = np.bincount(commune_of_cell, people.sum(axis=1), n)
    hours = np.bincount(commune_of_cell, lost, n)
    out["hours_lost_year"] = np.where(total > 0, hours / np.maximum(total, 1), HOURS_YEAR)
    density = out["population"] / out["area_km2"].clip(lower=1e-6)
    order = np.lexsort(
        (out["commune_code"].to_numpy(str), density.to_numpy(), -out["remote"].to_numpy(np.int64))
    )
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(1, n + 1)
    out["rank_remote"] = rank
    return out


def facilities_served(
    facilities: gpd.GeoDataFrame,
    communes: gpd.GeoDataFrame,
    *,
    east_m: Floats,
    north_m: Floats,
    served_share: Floats,
    within_m: float,
) -> pd.DataFrame:
    """Return per commune how many facilities stand where most people are served.

    Parameters
    ----------
    facilities : GeoDataFrame
        Layer `facilities`.
    communes : GeoDataFrame
        Layer `communes`.
    east_m, north_m, served_share : ndarray, shape (n_cells,)
        Centres of the demand cells and the share of their people who are served.
    within_m : float
        A facility takes the nearest demand cell, at most this far away. [m]
    """
    codes = communes["commune_code"].to_numpy(str)
    counts = pd.DataFrame({"facilities": 0, "facilities_served": 0}, index=codes)
    if len(facilities) and east_m.size:
        points = np.c_[facilities.geometry.x, facilities.geometry.y]
        distance, nearest = cKDTree(np.c_[east_m, north_m]).query(points)
        served = (distance <= max(within_m, 1.0)) & (served_share[nearest] >= 0.5)
        by = facilities["commune_code"].to_numpy(str)
        counts["facilities"] = pd.Series(by).value_counts().reindex(codes, fill_value=0)
        counts["facilities_served"] = pd.Series(by[served]).value_counts().reindex(codes, fill_value=0)
    return counts.astype(np.int64).reset_index(names="commune_code")


def _share(part: "pd.Series[int]", whole: "pd.Series[int]") -> Floats:
    return np.asarray(np.where(whole > 0, part / whole.clip(lower=1), 1.0), np.float64)


def policy_communes(
    found: Mapping[str, Access], cell_commune: npt.NDArray[np.int64], codes: npt.NDArray[np.str_]
) -> pd.DataFrame:
    """Return policy, commune_code and people_served, one row a policy and commune, policies in the order given.

    Parameters
    ----------
    found : mapping of str to Access
        Who is served under each policy, by its name.
    cell_commune : ndarray of int, shape (n_cells,)
        Row of the commune of each demand cell.
    codes : ndarray of str, shape (n_communes,)
        Codes of the communes.
    """
    rows = [
        pd.DataFrame(
            {
                "policy": policy,
                "commune_code": codes,
                "people_served": np.rint(
                    np.bincount(cell_commune, access.served.sum(axis=1), codes.size)
                ).astype(np.int64),
            }
        )
        for policy, access in found.items()
    ]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()


CORE = -1  # the node of the graph that stands for all exchanges


def commune_graph(
    site_commune: Ints, is_exchange: npt.NDArray[np.bool_], a: Ints, b: Ints
) -> "nx.MultiGraph[Any]":
    """Return the communes and the core as a graph, one edge a link.

    Parameters
    ----------
    site_commune : ndarray of int, shape (n_sites,)
        Row of the commune that each site stands in; -1 outside all.
    is_exchange : ndarray of bool, shape (n_sites,)
        Sites of the core.
    a, b : ndarray of int, shape (n_links,)
        Sites at the ends of each link.

    Notes
    -----
    An exchange is the core, not its commune: a link to it is a link between commune and core. Links inside a commune
    join nothing. Two links between the same communes count as two, whether or not they share a duct or a mast.
    """
    graph: nx.MultiGraph[Any] = nx.MultiGraph()
    graph.add_node(CORE)
    graph.add_nodes_from(sorted({int(c) for c in site_commune if c >= 0}))
    node = np.where(is_exchange, CORE, site_commune)
    outside = (site_commune < 0) & ~is_exchange
    for k, (i, j) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        if not (outside[i] or outside[j]) and node[i] != node[j]:
            graph.add_edge(int(node[i]), int(node[j]), key=k)
    return graph


def commune_homes(graph: "nx.MultiGraph[Any]", people: Ints) -> pd.DataFrame:
    """Return per commune how it hangs on the core.

    Parameters
    ----------
    graph : MultiGraph
        From :func:`commune_graph`.
    people : ndarray of int, shape (n_communes,)
        Population of each commune.

    Returns
    -------
    DataFrame
        `links_out` (links that leave the commune), `neighbours`, `reaches_core`, `single_homed` (one link or one other
        commune carries all its ways to the core), `cut_point` (others lose the core with it), `communes_behind` and
        `people_behind` (those others), by row of the communes.
    """
    n = people.size
    out = pd.DataFrame(
        {
            "links_out": np.zeros(n, np.int64), "neighbours": np.zeros(n, np.int64), "reaches_core": False,
            "single_homed": False, "cut_point": False, "communes_behind": np.zeros(n, np.int64),
            "people_behind": np.zeros(n, np.int64),
        }
    )  # fmt: skip
    connected = nx.node_connected_component(graph, CORE)
    simple: nx.Graph[Any] = nx.Graph(graph)
    # within one block with the core no single other commune cuts off
    # the stubs say nodes where networkx yields sets of them
    found: Any = nx.biconnected_components(simple)
    blocks = [set(block) for block in found if CORE in block]
    two_ways = {node for block in blocks if len(block) > 2 for node in block}
    two_ways |= {node for node in simple.neighbors(CORE) if graph.number_of_edges(node, CORE) > 1}
    cuts = set(nx.articulation_points(simple)) - {CORE}
    for node in sorted(graph.nodes - {CORE}):
        out.loc[node, "links_out"] = graph.degree(node)
        out.loc[node, "neighbours"] = len(set(simple.neighbors(node)))
        out.loc[node, "reaches_core"] = node in connected
        out.loc[node, "single_homed"] = node in connected and node not in two_ways
        if node in cuts and node in connected:
            rest = simple.subgraph(connected - {node})
            lost = set(rest.nodes) - nx.node_connected_component(rest, CORE)
            out.loc[node, "cut_point"] = bool(lost)
            out.loc[node, "communes_behind"] = len(lost)
            out.loc[node, "people_behind"] = int(people[sorted(lost)].sum())
    return out

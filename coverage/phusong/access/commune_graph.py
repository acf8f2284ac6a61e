"""How communes hang together: links between them and to the core, who hangs on a single one, and what cuts them off."""

from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["CORE", "commune_graph", "commune_homes"]

Ints = npt.NDArray[np.int64]

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

"""Backhaul as a graph: trees, rings and anything between; what every site depends on, and what a cut isolates."""

from dataclasses import dataclass

import networkx as nx
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order, dijkstra, minimum_spanning_tree

from phusong.compute.array_types import Bools, Floats, Ints, Texts

__all__ = ["Links", "backhaul_cuts", "dominators", "links_of", "widest_mbps"]

Place = int | tuple[str, int]


@dataclass(frozen=True)
class Links:
    """Every link between two sites.

    Parameters
    ----------
    ids, medium : ndarray of str, shape (n,)
        Links.
    a, b : ndarray of int, shape (n,)
        Sites at their ends.
    unavailability, capacity_mbps : ndarray, shape (n,)
        Share of the year that each is down, and what it carries.
    """

    ids: Texts
    medium: Texts
    a: Ints
    b: Ints
    unavailability: Floats
    capacity_mbps: Floats

    def hops(self, is_exchange: Bools) -> Ints:
        """Return how many links lie between each site and the nearest exchange; -1 without a way."""
        n = is_exchange.size
        graph = csr_matrix((np.ones(self.a.size), (self.a, self.b)), shape=(n, n))
        core = np.flatnonzero(is_exchange)
        if core.size == 0:
            return np.full(n, -1)
        far = dijkstra(graph, directed=False, indices=core, unweighted=True, min_only=True)
        return np.asarray(np.where(np.isfinite(far), far, -1.0), np.int64)

    def from_the_core(self, is_exchange: Bools) -> Ints:
        """Return the links in order of their distance from the nearest exchange."""
        hops = self.hops(is_exchange)
        far = np.where(hops < 0, np.iinfo(np.int64).max, hops)
        return np.argsort(np.minimum(far[self.a], far[self.b]), kind="stable")

    def by_hop(self) -> "Links":
        """Return one link for each pair of ends: it is down only while all between them are, and as wide as the widest.

        Links between the same ends are taken to fail independently. The name and medium are those of the widest.
        """
        low, high = np.minimum(self.a, self.b), np.maximum(self.a, self.b)
        order = np.lexsort((np.arange(low.size), -self.capacity_mbps, high, low))
        first = np.r_[True, (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)][: order.size]
        start = np.flatnonzero(first)
        if start.size == order.size:
            return self
        kept = order[first]
        # in the order of the table, so that a network without parallel links is as it was
        back = np.argsort(kept, kind="stable")
        lost = np.multiply.reduceat(self.unavailability[order], start)
        return Links(
            self.ids[kept][back], self.medium[kept][back], self.a[kept][back], self.b[kept][back], lost[back],
            self.capacity_mbps[kept][back],
        )  # fmt: skip


def links_of(site_ids: Texts, links: pd.DataFrame) -> Links:
    """Return the links of a region whose two ends are sites.

    Parameters
    ----------
    site_ids : ndarray of str
        Sites.
    links : DataFrame
        Layer of the region.
    """
    position = pd.Series(np.arange(site_ids.size), index=site_ids)
    a, b = (links[c].map(position).fillna(-1).to_numpy(np.int64) for c in ("from_id", "to_id"))
    known = (a >= 0) & (b >= 0) & (a != b)
    return Links(
        links["link_id"].to_numpy(str)[known],
        links["medium"].to_numpy(str)[known],
        a[known],
        b[known],
        1.0 - links["availability"].to_numpy(np.float64)[known],
        links["capacity_mbps"].to_numpy(np.float64)[known],
    )


def widest_mbps(links: Links, is_exchange: Bools) -> Floats:
    """Return the capacity of the widest way from each site to an exchange: its narrowest link, at best.

    Parameters
    ----------
    links : Links
        Of the network.
    is_exchange : ndarray of bool, shape (n_sites,)
        Roots: unlimited. A site without a way gets 0.
    """
    # the widest ways are those of the maximum spanning forest, with the exchanges as one root
    n = is_exchange.size
    core = np.flatnonzero(is_exchange)
    a, b = (
        np.r_[np.minimum(links.a, links.b), core],
        np.r_[np.maximum(links.a, links.b), np.full(core.size, n)],
    )
    mbps = np.r_[links.capacity_mbps, np.full(core.size, np.inf)]
    order = np.lexsort((-mbps, b, a))
    kept = order[np.r_[True, np.diff(a[order] * (n + 1) + b[order]) != 0]] if order.size else order
    a, b, mbps = a[kept], b[kept], mbps[kept]
    rank = np.empty(mbps.size)
    rank[np.argsort(-mbps, kind="stable")] = np.arange(1.0, mbps.size + 1.0)
    forest = minimum_spanning_tree(csr_matrix((rank, (a, b)), shape=(n + 1, n + 1)))
    nodes, up = breadth_first_order(forest, n, directed=False)
    width = {frozenset(pair): w for *pair, w in zip(a.tolist(), b.tolist(), mbps.tolist(), strict=True)}
    out = np.zeros(n + 1)
    out[n] = np.inf
    for k in nodes[1:].tolist():
        out[k] = min(out[up[k]], width[frozenset((k, int(up[k])))])
    return out[:n]


def backhaul_cuts(links: Links, is_exchange: Bools, site_ids: Texts, people: Ints) -> pd.DataFrame:
    """Return every site and link whose loss isolates others, with the people behind it, most first.

    Parameters
    ----------
    links : Links
        Of the network.
    is_exchange : ndarray of bool, shape (n_sites,)
        Roots of the backhaul.
    site_ids : ndarray of str, shape (n_sites,)
        Names.
    people : ndarray of int, shape (n_sites,)
        Whom each site serves.

    Returns
    -------
    DataFrame
        kind (site, link), id, sites_isolated, people_isolated. The sites behind a cut site do not hold itself.
        Sites that no link joins to an exchange are isolated already and stand behind no cut.
    """
    below = nx.DiGraph((up, k) for k, up in dominators(links, is_exchange).items())
    if -1 not in below:
        return _cut_table([])
    behind: dict[Place, tuple[int, int]] = {}
    rows = []
    for k in nx.dfs_postorder_nodes(below, -1):
        parts = [(*behind[c], c) for c in below.successors(k)]
        sites = sum(n + (not isinstance(c, tuple)) for n, _, c in parts)
        many = sum(p + (0 if isinstance(c, tuple) else int(people[c])) for _, p, c in parts)
        behind[k] = sites, many
        if k != -1 and sites > 0:
            kind, name = ("link", links.ids[k[1]]) if isinstance(k, tuple) else ("site", site_ids[k])
            rows.append((kind, str(name), sites, many))
    return _cut_table(rows)


def dominators(links: Links, is_exchange: Bools) -> dict[Place, Place]:
    """Return for each site and link the nearest site or link that every way from the core to it passes.

    Parameters
    ----------
    links : Links
        Of the network.
    is_exchange : ndarray of bool, shape (n_sites,)
        Roots of the backhaul, all fed by the core, -1.

    Returns
    -------
    dict
        Sites are numbers, links are ("link", number). What no way reaches is left out.
    """
    graph: nx.DiGraph[Place] = nx.DiGraph()
    graph.add_edges_from((-1, int(k)) for k in np.flatnonzero(is_exchange))
    if -1 not in graph:
        return {}
    for k, (a, b) in enumerate(zip(links.a.tolist(), links.b.tolist(), strict=True)):
        # a link is a place of its own, so that one walk finds both kinds of cut
        graph.add_edges_from(((a, ("link", k)), (("link", k), a), (b, ("link", k)), (("link", k), b)))
    return {k: up for k, up in nx.immediate_dominators(graph, -1).items() if k != -1 and up is not None}


def _cut_table(rows: list[tuple[str, str, int, int]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["kind", "id", "sites_isolated", "people_isolated"])
    order = ["people_isolated", "sites_isolated", "kind", "id"]
    return table.sort_values(order, ascending=[False, False, True, True]).reset_index(drop=True)

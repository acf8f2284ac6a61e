"""What checks may ask of a region, broken or not.

An upper bound, stated as such: everybody who stands on the row, whether or not mending it changes what they get.
People are those of the demand cells. A commune's are its own; a demand cell's its own; those of a site the people
to whom it is the nearest active one within reach; of a cell, those of its site; of a link or a broken backhaul,
those of its site and of all that hang on it; of a power node or line, those of all sites it feeds; of a settlement
or facility, those to whom it is the nearest (of its kind). A layer that fails as a whole affects everybody.
Several records may share people: sums over records count them again, the figure of a check does not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components

from phusong.audit.reading import Evidence
from phusong.audit.rubric import Rubric
from phusong.compute.array_types import Bools, Floats, Ints
from phusong.compute.arrays import nearest
from phusong.region.read.columns import kinds_of
from phusong.region.vietnam.units import read_units

__all__ = [
    "DELIVERED",
    "METHOD",
    "NOBODY",
    "Case",
    "Check",
    "FailingRows",
    "Finding",
    "Whole",
    "below",
    "cells_touched",
    "codes_of_province",
    "first_parents",
    "official_communes",
    "on_cycle",
    "people_of_rows",
    "positions",
    "reached",
    "successor",
    "sums_below",
]


def positions(wanted: "pd.Series[str]", keys: "pd.Series[str]") -> Ints:
    """Return where each wanted key stands among the keys: its first place, -1 where there is none.

    Examples
    --------
    >>> positions(pd.Series(["b", "", "a"]), pd.Series(["a", "b", "a"])).tolist()
    [1, -1, 0]
    """
    known = pd.Series(np.arange(len(keys)), index=keys.to_numpy(object))
    known = known[~known.index.duplicated(keep="first")]
    found = known.reindex(wanted.to_numpy(object)).fillna(-1).to_numpy(np.int64)
    return np.where((wanted == "").to_numpy(bool), -1, found)


def first_parents(n: int, child: Ints, parent: Ints) -> Ints:
    """Return the first parent of each of ``n`` nodes, -1 without one; nodes on a cycle lose theirs.

    Parameters
    ----------
    n : int
        Number of nodes.
    child, parent : ndarray of int
        Edges; those with an end of -1 are left out.
    """
    known = (child >= 0) & (parent >= 0)
    out = np.full(n, -1, np.int64)
    # written from the back, so that the first edge of a child stands
    out[child[known][::-1]] = parent[known][::-1]
    out[on_cycle(n, np.arange(n), out)] = -1
    return out


def on_cycle(n: int, child: Ints, parent: Ints) -> Bools:
    """Return which nodes lie on a cycle of the edges, one to itself included."""
    known = (child >= 0) & (parent >= 0)
    a, b = child[known], parent[known]
    if n == 0:
        return np.zeros(0, bool)
    graph = coo_matrix((np.ones(a.size, np.int8), (a, b)), (n, n)).tocsr()
    _, part = connected_components(graph, directed=True, connection="strong")
    found = np.bincount(part, minlength=n)[part] > 1
    found[a[a == b]] = True
    return np.asarray(found)


def reached(n: int, child: Ints, parent: Ints, roots: Bools) -> Bools:
    """Return which nodes have a way up the edges to a root; roots have."""
    known = (child >= 0) & (parent >= 0)
    start = np.flatnonzero(roots)
    # one node above all roots, so that a single search finds what hangs on any of them
    down = np.r_[parent[known], np.full(start.size, n)], np.r_[child[known], start]
    graph = coo_matrix((np.ones(down[0].size, np.int8), down), (n + 1, n + 1)).tocsr()
    order = breadth_first_order(graph, n, directed=True, return_predecessors=False)
    found = np.zeros(n + 1, bool)
    found[order] = True
    return found[:n]


def below(parent: Ints, flags: Bools) -> Bools:
    """Return the flagged nodes and all that hang on them.

    Parameters
    ----------
    parent : ndarray of int
        Without cycles, as :func:`first_parents` gives it.
    flags : ndarray of bool
        One a node.
    """
    out = flags.copy()
    has = parent >= 0
    while True:
        wider = out.copy()
        wider[has] |= out[parent[has]]
        if np.array_equal(wider, out):
            return out
        out = wider


def sums_below(parent: Ints, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return for each node the sum of its own value and those of all that hang on it.

    Examples
    --------
    >>> sums_below(np.array([-1, 0, 1]), np.array([1.0, 2.0, 4.0])).tolist()
    [7.0, 6.0, 4.0]
    """
    total = values.astype(np.float64)
    above = parent.copy()
    while (above >= 0).any():
        has = above >= 0
        total += np.bincount(above[has], values[has], minlength=parent.size)
        above[has] = parent[above[has]]
    return np.asarray(total)


DELIVERED = ("measured", "official")
"""Kinds of records that somebody delivered; the others are a model's or a guess."""

NOBODY = "not stated"
"""Owner of what nobody is said to own."""


_OWNER_COLUMN = {"sites": "owner", "links": "owner", "cells": "operator"}
_UNKNOWN = ("", "unknown", "nan", "none")


@dataclass(frozen=True)
class Case:
    """What is audited, by which rubric, as of which day.

    Parameters
    ----------
    evidence : Evidence
        The region as it lies there.
    rubric : Rubric
        Thresholds and weights.
    as_of : date
        Day of the audit: ages are counted up to it.
    """

    evidence: Evidence
    rubric: Rubric
    as_of: date

    @cached_property
    def _kinds(self) -> dict[str, npt.NDArray[np.str_]]:
        return {}

    def table(self, layer: str) -> Any:  # noqa: ANN401 - a frame with or without geometry
        """Return the rows of a layer; an empty frame where there is none."""
        return self.evidence.table(layer)

    def shapes(self, layer: str) -> npt.NDArray[np.object_]:
        """Return the geometries of a layer; None where one is missing, empty or not finite."""
        found = np.asarray(self.table(layer).geometry.to_numpy(), dtype=object)
        bounds = shapely.bounds(found)
        usable = ~shapely.is_missing(found) & ~shapely.is_empty(found) & np.isfinite(bounds).all(axis=1)
        out = np.full(found.shape, None, dtype=object)
        out[usable] = found[usable]
        return out

    def xy(self, layer: str) -> Floats:
        """Return easting and northing of each row, of its middle where it is no point; NaN without a place. [m]"""
        if layer in {"demand", "cells", "links", "power_lines"}:
            return self._derived_xy(layer)
        if layer not in self.evidence.sheets or not hasattr(self.table(layer), "geometry"):
            return np.full((len(self.table(layer)), 2), np.nan)
        middle = shapely.centroid(shapely.make_valid(self.shapes(layer)))
        return np.asarray(np.c_[shapely.get_x(middle), shapely.get_y(middle)], np.float64)

    def _derived_xy(self, layer: str) -> Floats:
        frame = self.table(layer)
        if layer == "demand":
            return self.demand_xy
        if layer == "cells":
            return _take(self.xy("sites"), positions(frame["site_id"], self.table("sites")["site_id"]))
        ends, keys = ("sites", "site_id") if layer == "links" else ("power_nodes", "node_id")
        place = self.xy(ends)
        both = [_take(place, positions(frame[c], self.table(ends)[keys])) for c in ("from_id", "to_id")]
        middle = np.mean(both, axis=0)
        return np.where(np.isfinite(middle), middle, np.where(np.isfinite(both[0]), both[0], both[1]))

    @cached_property
    def borders(self) -> npt.NDArray[np.object_]:
        """Commune polygons made valid; an empty polygon where there is none."""
        shapes = shapely.make_valid(self.shapes("communes"))
        flat = np.isin(shapely.get_type_id(shapes), (3, 6, 7))
        out = np.full(shapes.shape, shapely.Polygon(), dtype=object)
        out[flat] = shapes[flat]
        return out

    @cached_property
    def commune_names(self) -> list[str]:
        """Names of the communes, the code where there is none."""
        frame = self.table("communes")
        return [n or c for n, c in zip(frame["name"], frame["commune_code"], strict=True)]

    @cached_property
    def province_of_commune(self) -> npt.NDArray[np.object_]:
        """Name of the province of each commune, its code where it has no name."""
        frame = self.table("communes")
        named = frame["province"].where(frame["province"] != "", frame["province_code"])
        return np.asarray(named.where(named != "", NOBODY), dtype=object)

    @cached_property
    def demand_xy(self) -> Floats:
        """Middles of the demand cells; of their commune where there is no grid. [m]"""
        frame, grid = self.table("demand"), self.evidence.grid
        row, col = frame["row"].to_numpy(np.float64), frame["col"].to_numpy(np.float64)
        known = np.isfinite(row) & np.isfinite(col)
        if grid is None:
            inner = shapely.point_on_surface(self.borders)
            place = np.c_[shapely.get_x(inner), shapely.get_y(inner)]
            return _take(place, positions(frame["commune_code"], self.table("communes")["commune_code"]))
        east, north = grid.centres(np.where(known, row, 0), np.where(known, col, 0))
        return np.where(known[:, None], np.c_[east, north], np.nan)

    def commune_at(self, xy: Floats) -> Ints:
        """Return the commune that holds each place, else the nearest within the region's margin, else -1."""
        out = np.full(len(xy), -1, np.int64)
        known = np.flatnonzero(np.isfinite(xy).all(axis=1))
        if known.size == 0 or self.borders.size == 0:
            return out
        tree = shapely.STRtree(self.borders)
        points = shapely.points(xy[known])
        at, which = tree.query(points, predicate="intersects")
        # where borders overlap, the first commune of the table
        order = np.lexsort((which, at))[::-1]
        out[known[at[order]]] = which[order]
        lost = known[out[known] < 0]
        if lost.size:
            at, which = tree.query_nearest(
                shapely.points(xy[lost]), max_distance=self.rubric.limits.region_margin_m, all_matches=False
            )
            out[lost[at]] = which
        return out

    def claimed(self, layer: str) -> Ints:
        """Return the commune that each row says it lies in, -1 where there is none of that code."""
        return positions(self.table(layer)["commune_code"], self.table("communes")["commune_code"])

    def commune_of(self, layer: str) -> Ints:
        """Return the commune of each row: as it says, else by its place; -1 where neither helps."""
        return self._communes[layer]

    @cached_property
    def _communes(self) -> dict[str, Ints]:
        found = {"communes": np.arange(len(self.table("communes")), dtype=np.int64)}
        for layer in ("sites", "power_nodes", "settlements", "facilities", "demand"):
            told = (
                self.claimed(layer)
                if "commune_code" in self.table(layer)
                else np.full(len(self.table(layer)), -1, np.int64)
            )
            lost = told < 0
            if lost.any():
                told[lost] = self.commune_at(self.xy(layer)[lost])
            found[layer] = told
        sites, nodes = self.table("sites")["site_id"], self.table("power_nodes")["node_id"]
        found["cells"] = _take(found["sites"], positions(self.table("cells")["site_id"], sites))
        found["links"] = _take(found["sites"], positions(self.table("links")["from_id"], sites))
        found["power_lines"] = _take(
            found["power_nodes"], positions(self.table("power_lines")["to_id"], nodes)
        )
        found["operators"] = np.full(len(self.table("operators")), -1, np.int64)
        return found

    def owner_of(self, layer: str) -> npt.NDArray[np.object_]:
        """Return who owns each row; whoever gives the layer, where it has no column that says so."""
        frame, column = self.table(layer), _OWNER_COLUMN.get(layer)
        if column is None:
            return np.full(len(frame), self.giver(layer), dtype=object)
        named = frame[column]
        return np.asarray(named.where(~named.str.casefold().isin(_UNKNOWN), NOBODY), dtype=object)

    def kinds(self, layer: str) -> npt.NDArray[np.str_]:
        """Return how each row of a layer came to be: measured, official, modelled or assumed."""
        if layer not in self._kinds:
            self._kinds[layer] = kinds_of(self.table(layer), self.evidence.source(layer).kind)
        return self._kinds[layer]

    def delivered(self, layer: str) -> Bools:
        """Return which rows somebody delivered, rather than a model; one value for a layer that is no table."""
        if layer not in self.evidence.sheets:
            return np.array([self.evidence.source(layer).kind in DELIVERED])
        return np.asarray(np.isin(self.kinds(layer), DELIVERED))

    def giver(self, layer: str) -> str:
        """Return who gives a layer: its owner or source in region.toml."""
        return self.evidence.givers.get(layer, "") or NOBODY

    @cached_property
    def cells(self) -> tuple[Floats, Floats, Ints]:
        """Where people are: place [m], people and commune of each demand cell; of each commune without demand."""
        layer = "demand" if self.evidence.has("demand") else "communes"
        people = np.nan_to_num(self.table(layer)["population"].to_numpy(np.float64), posinf=0.0)
        return self.xy(layer), np.maximum(people, 0.0), self.commune_of(layer)

    @cached_property
    def active_sites(self) -> Bools:
        """Sites that are on air."""
        return np.asarray(self.table("sites")["status"].isin(["active", ""]), bool)

    @cached_property
    def cell_site(self) -> Ints:
        """Nearest active site of each demand cell, -1 where none is within reach."""
        xy, _, _ = self.cells
        return nearest_of(xy, self.xy("sites"), self.active_sites, self.rubric.limits.site_reach_m)

    @cached_property
    def node_parent(self) -> Ints:
        """Node above each power node, -1 at a source or where the tree is broken."""
        lines, keys = self.table("power_lines"), self.table("power_nodes")["node_id"]
        return first_parents(len(keys), positions(lines["to_id"], keys), positions(lines["from_id"], keys))

    @cached_property
    def site_parent(self) -> Ints:
        """Site that the backhaul of each site goes to, -1 at an exchange or where it is broken."""
        child, parent = self.hops
        return first_parents(len(self.table("sites")), child, parent)

    @cached_property
    def hops(self) -> tuple[Ints, Ints]:
        """Steps of the backhaul as (site, site nearer to the core): each site's parent, and the links."""
        sites, links = self.table("sites"), self.table("links")
        keys = sites["site_id"]
        return (
            np.r_[np.arange(len(sites), dtype=np.int64), positions(links["from_id"], keys)],
            np.r_[positions(sites["backhaul_parent_id"], keys), positions(links["to_id"], keys)],
        )

    @cached_property
    def points(self) -> dict[str, Any]:
        """A point for each row of each layer, to draw records with; None without a place."""
        out = {}
        for layer in self.evidence.sheets:
            xy = self.xy(layer)
            known = np.isfinite(xy).all(axis=1)
            place = np.full(len(xy), None, dtype=object)
            place[known] = shapely.points(xy[known])
            out[layer] = gpd.GeoSeries(place, crs=self.evidence.crs)
        return out


def nearest_of(xy: Floats, among: Floats, usable: Bools, within_m: float) -> Ints:
    """Return which usable place is nearest to each point, -1 where none is within the distance."""
    out = np.full(len(xy), -1, np.int64)
    pool = np.flatnonzero(usable & np.isfinite(among).all(axis=1))
    known = np.flatnonzero(np.isfinite(xy).all(axis=1))
    if pool.size and known.size:
        distance, which = nearest(among[pool], xy[known])
        near = distance <= within_m
        out[known[near]] = pool[which[near]]
    return out


def _take(values: npt.NDArray[Any], at: Ints) -> npt.NDArray[Any]:
    """Return the rows of some positions; NaN, or -1 for whole numbers, where a position is -1."""
    lost = np.nan if np.issubdtype(values.dtype, np.floating) else -1
    if len(values) == 0:
        return np.full((at.size, *values.shape[1:]), lost, values.dtype)
    found = values[np.maximum(at, 0)]
    return np.where((at >= 0).reshape(-1, *[1] * (values.ndim - 1)), found, lost)


METHOD = " ".join(str(__doc__).split())
"""The method in words, for reports."""


_NETWORK = ("sites", "cells", "links", "power_nodes", "power_lines")


def cells_touched(case: Case, layer: str, bad: Bools, *, hanging: bool = False) -> Bools:
    """Return the demand cells whose answer reads one of the flagged rows.

    Parameters
    ----------
    case : Case
        The audit.
    layer : str
        Layer of the rows.
    bad : ndarray of bool
        One a row.
    hanging : bool
        For sites: also the people of the sites that hang on them by backhaul.
    """
    xy, _, commune = case.cells
    if layer == "communes":
        return _flagged(bad, commune)
    if layer == "demand":
        return bad if len(bad) == len(xy) else np.zeros(len(xy), bool)
    if layer in {"settlements", "facilities"}:
        return np.asarray(np.any([_flagged(bad, at) for at in _nearest_labels(case, layer)], axis=0))
    if layer in _NETWORK:
        return _flagged(_sites_touched(case, layer, bad, hanging=hanging), case.cell_site)
    return np.full(len(xy), bool(bad.any()))


def people_of_rows(case: Case, layer: str, *, hanging: bool = False) -> Floats:
    """Return for each row of a layer the people whose answer reads it; parameters as above."""
    _, people, commune = case.cells
    n = len(case.table(layer))
    if layer == "communes":
        return _summed(commune, people, n)
    if layer == "demand":
        return people if len(people) == n else np.zeros(n)
    if layer in {"settlements", "facilities"}:
        return np.asarray(np.sum([_summed(at, people, n) for at in _nearest_labels(case, layer)], axis=0))
    if layer in _NETWORK:
        return _network_people(case, layer, people, hanging=hanging)
    return np.full(n, people.sum())


def _network_people(case: Case, layer: str, people: Floats, *, hanging: bool) -> Floats:
    sites = case.table("sites")
    own = _summed(case.cell_site, people, len(sites))
    if layer == "sites":
        return sums_below(case.site_parent, own) if hanging else own
    if layer == "cells":
        return _at(own, positions(case.table(layer)["site_id"], sites["site_id"]))
    if layer == "links":
        carried = sums_below(case.site_parent, own)
        return _at(carried, positions(case.table(layer)["from_id"], sites["site_id"]))
    keys = case.table("power_nodes")["node_id"]
    fed = _summed(positions(sites["power_node_id"], keys), own, len(keys))
    carried = sums_below(case.node_parent, fed)
    return carried if layer == "power_nodes" else _at(carried, positions(case.table(layer)["to_id"], keys))


def _sites_touched(case: Case, layer: str, bad: Bools, *, hanging: bool) -> Bools:
    sites = case.table("sites")
    keys = sites["site_id"]
    if layer == "sites":
        return below(case.site_parent, bad) if hanging else bad
    if layer in {"cells", "links"}:
        column = "site_id" if layer == "cells" else "from_id"
        hit = _flagged_rows(positions(case.table(layer)[column], keys)[bad], len(sites))
        return below(case.site_parent, hit) if layer == "links" else hit
    nodes = case.table("power_nodes")["node_id"]
    dark = bad
    if layer == "power_lines":
        dark = _flagged_rows(positions(case.table(layer)["to_id"], nodes)[bad], len(nodes))
    return _flagged(below(case.node_parent, dark), positions(sites["power_node_id"], nodes))


def _nearest_labels(case: Case, layer: str) -> list[Ints]:
    """Return for each kind of facility, or once for settlements, the nearest row to each demand cell."""
    xy, _, _ = case.cells
    kinds = case.table(layer)["kind"].to_numpy(object) if layer == "facilities" else None
    places = case.xy(layer)
    pools = [np.ones(len(places), bool)] if kinds is None else [kinds == k for k in sorted(set(kinds))]
    found = [nearest_of(xy, places, pool, np.inf) for pool in pools]
    return found or [np.full(len(xy), -1, np.int64)]


def _flagged(flags: Bools, at: Ints) -> Bools:
    if flags.size == 0:
        return np.zeros(at.size, bool)
    return np.asarray(flags[np.maximum(at, 0)] & (at >= 0))


def _flagged_rows(at: Ints, n: int) -> Bools:
    out = np.zeros(n, bool)
    out[at[at >= 0]] = True
    return out


def _summed(label: Ints, values: Floats, n: int) -> Floats:
    known = label >= 0
    return np.bincount(label[known], values[known], minlength=n).astype(np.float64)[:n]


def _at(values: Floats, at: Ints) -> Floats:
    if values.size == 0:
        return np.zeros(at.size)
    return np.where(at >= 0, values[np.maximum(at, 0)], 0.0)


@cache
def official_communes() -> pd.DataFrame:
    """Return code, name, kind, province_code and province of all communes of today, by code."""
    columns = ["commune_code", "name", "kind", "province_code", "province"]
    return read_units().communes[columns].set_index("commune_code")


@cache
def codes_of_province(province_code: str) -> frozenset[str]:
    """Return the codes of all communes of a province."""
    known = official_communes()
    return frozenset(known.index[known["province_code"] == province_code])


@cache
def _successors() -> dict[str, str]:
    old = read_units().old
    return dict(zip(old["old_code"], old["commune_code"], strict=True))


def successor(old_code: str) -> str | None:
    """Return the code of the commune that an old unit became part of, None where it is no old code.

    Examples
    --------
    >>> successor("00001")
    '00097'
    """
    return _successors().get(old_code)


@dataclass(frozen=True)
class FailingRows:
    """Which rows of a layer fail a check.

    Parameters
    ----------
    bad : ndarray of bool
        Rows that count as failing.
    tell : callable
        Told the position of a failing row, says what is wrong with it.
    column : str
        The column it is about; empty: the row as a whole.
    told : ndarray of bool, optional
        Failing rows that become records; all of them when left out. A row that cannot be judged, because another
        check of the same principle already found what keeps it from being judged, fails here without a record.
    of : str
        Layer whose rows these are, when not the audited one (a commune that lacks a school).
    """

    bad: npt.NDArray[np.bool_]
    tell: Callable[[int], str]
    column: str = ""
    told: npt.NDArray[np.bool_] | None = None
    of: str = ""

    @property
    def records(self) -> npt.NDArray[np.int64]:
        """Positions of the rows that become records."""
        return np.flatnonzero(self.bad if self.told is None else self.told & self.bad)


@dataclass(frozen=True)
class Whole:
    """How far a layer as a whole fails a check.

    Parameters
    ----------
    share : float
        0 passes, 1 fails altogether.
    told : sequence of (key, detail)
        What to mend: a column, a file, the layer itself.
    """

    share: float
    told: Sequence[tuple[str, str]] = ()


Finding = FailingRows | Whole


@dataclass(frozen=True)
class Check:
    """One stated test of one principle.

    Parameters
    ----------
    name, principle : str
        Its name in records, and the principle it speaks for.
    layers : tuple of str
        Layers it is made on.
    says : str
        What holds when it passes.
    mend : str
        What to do about a record.
    find : callable
        Given the case and a layer, returns what it finds; a list where it has several parts that each count;
        None where the layer cannot be judged.
    below : bool
        Whether a failing site also affects the people of all sites that hang on it.
    absent : bool
        Whether it is made even where the layer is missing or empty.
    """

    name: str
    principle: str
    layers: tuple[str, ...]
    says: str
    mend: str
    find: Callable[[Case, str], Finding | list[FailingRows] | None]
    below: bool = False
    absent: bool = False

"""Cross-layer validation."""

from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.errors import Problem
from phusong.region.operators import share_problems
from phusong.region.read.table import table_problems
from phusong.region.read.values import first_rows
from phusong.region.schema import LAYERS, references

if TYPE_CHECKING:
    from phusong.region.folder import Region

__all__ = ["FAR_M", "check_region", "closed_lines", "power_problems"]

_SOURCES = ("plant", "substation")
_WITHOUT_BATTERY = ("grid", "none")


def closed_lines(power_lines: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return the lines that carry power in normal running.

    Parameters
    ----------
    power_lines : DataFrame
        Layer; without a column `normally_open`, all of them.
    """
    if "normally_open" not in power_lines.columns:
        return np.ones(len(power_lines), bool)
    return ~power_lines["normally_open"].to_numpy(bool)


def power_problems(region: "Region") -> list[Problem]:
    """Return what contradicts itself in the power layers: none when all is well.

    Parameters
    ----------
    region : Region
        The layers.
    """
    return [*_islands(region), *_batteries(region)]


def _islands(region: "Region") -> list[Problem]:
    """Return the islands that nothing feeds, and the nodes that feed others while nothing feeds them."""
    lines = region.power_lines[closed_lines(region.power_lines)]
    nodes = region.power_nodes
    names = nodes["node_id"].astype(str)
    fed = {*names[nodes["kind"].isin(_SOURCES).to_numpy(bool)]}
    row = {name: k for k, name in enumerate(names)}
    graph: nx.Graph[str] = nx.Graph()
    upper, lower = lines["from_id"].astype(str), lines["to_id"].astype(str)
    graph.add_edges_from(zip(upper, lower, strict=True))
    # one that hangs on open lines alone is dark in normal running; one without any line is taken to be fed by
    # something that the data do not show
    every = region.power_lines
    ends = {*every["from_id"].astype(str), *every["to_id"].astype(str)}
    graph.add_nodes_from(n for n in names if n in ends)
    problems, dark = [], set[str]()
    for island in nx.connected_components(graph):
        if fed.isdisjoint(island):
            first = min(island, key=lambda n: row.get(n, len(row)))
            dark |= island
            problems.append(
                _at_node(
                    f"is one of {len(island)} nodes joined by lines to no {' or '.join(_SOURCES)}: add the line "
                    "or the source that feeds them" if len(island) > 1 else
                    f"is joined to a {' or '.join(_SOURCES)} by open lines alone: mark the one that feeds it closed",
                    first, row,
                )
            )  # fmt: skip
    roots = {*upper} - {*lower} - fed - dark
    problems += [
        _at_node(
            f"feeds others, but nothing feeds it and it is no {' or '.join(_SOURCES)}: are from_id and to_id of its "
            "lines swapped?",
            name,
            row,
        )
        for name in sorted(roots, key=lambda n: row.get(n, len(row)))
    ]
    return sorted(problems, key=lambda p: p.row or 0)[:20]


def _at_node(what: str, name: str, row: dict[str, int]) -> Problem:
    place = row[name] + 1 if name in row else None
    return Problem("power_nodes", what, row=place, column="node_id", value=name)


def _batteries(region: "Region") -> list[Problem]:
    usual = next(c.default for c in LAYERS["sites"] if c.name == "autonomy_h")
    source, hours = region.sites["power_source"], region.sites["autonomy_h"].to_numpy(np.float64)
    # the usual hours are what a table without the column was given: they count as none here
    bare = source.isin(_WITHOUT_BATTERY).to_numpy(bool) & (hours > 0.0) & (hours != usual)
    return [
        Problem(
            "sites",
            f"is given to a site with power_source {source.iloc[i]!r}, which has no battery: make it 0, or the "
            "source grid_battery",
            row=int(i) + 1,
            column="autonomy_h",
            value=f"{hours[i]:g}",
        )
        for i in np.flatnonzero(bare)[:20]
    ]


FAR_M = 100_000.0
"""Sites may stand abroad of the communes, but not so far. [m]"""


def check_region(region: "Region") -> list[Problem]:
    """Return every problem of a region: keys, limits, references, trees, places; none when all is well.

    Parameters
    ----------
    region : Region
        The layers.
    """
    problems = [p for layer in LAYERS for p in table_problems(getattr(region, layer), layer, layer)]
    problems += [p for layer in LAYERS for p in _gaps(getattr(region, layer), layer)]
    if len(region.communes) == 0:
        return [*problems, Problem("communes", "is empty: a region needs at least one commune")]
    if int(region.demand["population"].sum()) <= 0:
        problems.append(
            Problem("demand", "holds no people: an empty province has nothing to plan", column="population")
        )
    problems += _references(region)
    problems += _places(region)
    problems += _trees(region)
    problems += power_problems(region)
    if not any(p.where == "operators" for p in problems):
        problems += share_problems(region.operators)
    return problems


def _gaps(frame: pd.DataFrame, layer: str) -> list[Problem]:
    """Return numbers that are none where reading a file would have taken the column's default: nothing fills them later."""
    problems = []
    for column in LAYERS[layer]:
        if column.name not in frame.columns or column.default is None:
            continue
        values = frame[column.name]
        if column.kind == "number" and pd.api.types.is_float_dtype(values.dtype):
            told = f"is no number ({column.meaning}); leave the column out and {column.default:g} is taken"
            problems += first_rows(values.isna().to_numpy(bool), values, layer, column.name, told)
    return problems


def _references(region: "Region") -> list[Problem]:
    problems = []
    for link in references():
        values = getattr(region, link.layer)[link.column.name].astype("str")
        known = {*getattr(region, link.to_layer)[link.to_column].astype(str)}
        if link.column.default == "":
            known.add("")
        if link.column.many:
            strange = values.map({v: _strangers(v, known) for v in values.unique()})
            missing, values = (strange != "").to_numpy(bool), strange
        else:
            missing = (
                pd.Index(list(known)).get_indexer(pd.Index(values)) < 0
            )  # isin is slow on long text columns
        problems += first_rows(
            missing, values, link.layer, link.column.name, f"does not exist in {link.to_layer}"
        )
    return problems


def _strangers(names: str, known: set[str]) -> str:
    return ";".join(n for n in (part.strip() for part in names.split(";")) if n not in known)


def _places(region: "Region") -> list[Problem]:
    grid = region.grid
    row, col = region.demand["row"].to_numpy(), region.demand["col"].to_numpy()
    problems = [
        Problem(
            "demand",
            f"lies off the grid of {grid.height} × {grid.width} squares",
            row=int(i) + 1,
            column="row/col",
            value=f"{row[i]}/{col[i]}",
        )
        for i in np.flatnonzero(~grid.inside(row, col))[:20]
    ]
    twice = pd.Series(row * grid.width + col).duplicated().to_numpy()
    problems += [
        Problem(
            "demand",
            "is listed twice: one row a square",
            row=int(i) + 1,
            column="row/col",
            value=f"{row[i]}/{col[i]}",
        )
        for i in np.flatnonzero(twice)[:20]
    ]
    west, south, east, north = grid.bounds
    x, y = region.sites.geometry.x.to_numpy(), region.sites.geometry.y.to_numpy()
    off = (x < west - FAR_M) | (x > east + FAR_M) | (y < south - FAR_M) | (y > north + FAR_M)
    problems += [
        Problem(
            "sites",
            "stands more than 100 km off the region; are latitude and longitude swapped?",
            row=int(i) + 1,
            column="geometry",
            value=f"{x[i]:.0f}, {y[i]:.0f}",
        )
        for i in np.flatnonzero(off)[:20]
    ]
    return problems


def _trees(region: "Region") -> list[Problem]:
    closed = closed_lines(region.power_lines)
    problems = _cycle(
        "power_lines",
        region.power_lines["from_id"].to_numpy(str)[closed],
        region.power_lines["to_id"].to_numpy(str)[closed],
        "the power tree",
    )
    fed = region.power_lines["to_id"].where(closed).duplicated().to_numpy() & closed
    problems += [
        Problem(
            "power_lines",
            "is fed by a second line; the power tree has one line above each node: mark the other normally_open",
            row=int(i) + 1,
            column="to_id",
            value=region.power_lines["to_id"].iloc[i],
        )
        for i in np.flatnonzero(fed)[:20]
    ]
    child = region.sites[region.sites["backhaul_parent_id"] != ""]
    problems += _cycle(
        "sites",
        child["backhaul_parent_id"].to_numpy(str),
        child["site_id"].to_numpy(str),
        "the backhaul tree",
    )
    return problems


def _cycle(where: str, upper: npt.NDArray[np.str_], lower: npt.NDArray[np.str_], what: str) -> list[Problem]:
    graph = nx.DiGraph(zip(upper.tolist(), lower.tolist(), strict=True))
    try:
        edges = nx.find_cycle(graph)
    except nx.NetworkXNoCycle:
        return []
    path = [str(edges[0][0]), *(str(e[1]) for e in edges)]
    text = " → ".join(path[:12]) + (" → …" if len(path) > 12 else "")
    return [
        Problem(
            where,
            f"closes a cycle in {what}: {text}; remove one of its lines",
            column="from_id",
            value=path[0],
        )
    ]

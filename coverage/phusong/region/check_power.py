"""What is wrong with a region's power: islands that nothing feeds, batteries that a supply does not have."""

from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.errors import Problem
from phusong.region.schema import LAYERS

if TYPE_CHECKING:
    from phusong.region.store import Region

__all__ = ["closed_lines", "power_problems"]

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

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
    graph: nx.Graph[str] = nx.Graph()
    lines = region.power_lines
    graph.add_edges_from(zip(lines["from_id"].astype(str), lines["to_id"].astype(str), strict=True))
    nodes = region.power_nodes
    fed = {*nodes["node_id"].astype(str)[nodes["kind"].isin(_SOURCES).to_numpy(bool)]}
    row = {name: k for k, name in enumerate(nodes["node_id"].astype(str))}
    problems = []
    # a node without any line is taken to be fed by something that the data do not show
    for island in nx.connected_components(graph):
        if fed.isdisjoint(island):
            first = min(island, key=lambda n: row.get(n, len(row)))
            problems.append(
                Problem(
                    "power_nodes",
                    f"is one of {len(island)} nodes joined by lines to no {' or '.join(_SOURCES)}: add the line "
                    "or the source that feeds them",
                    row=row[first] + 1 if first in row else None,
                    column="node_id",
                    value=first,
                )
            )
    return sorted(problems, key=lambda p: p.row or 0)[:20]


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

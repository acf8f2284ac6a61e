"""What hangs on sites and power when either is replaced: cells, links, and what feeds each site."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.arrays import nearest
from phusong.errors import InputError, Notice, Problem, plural, refuse
from phusong.region.folder import Region, Source
from phusong.region.operators import NOBODY, Owned, operator_names, owner_cells, said_problems
from phusong.region.read.columns import stamped
from phusong.region.read.values import completed
from phusong.region.relink_places import Rejoined

__all__ = ["with_network", "with_power"]


def with_power(region: Region, nodes: gpd.GeoDataFrame | None, lines: pd.DataFrame | None) -> Region:
    """Return the region with other power nodes or lines; sites of nodes that are gone go to the nearest one.

    With nodes alone, the lines between nodes that stayed are kept.

    Raises
    ------
    InputError
        If there is no node left for sites that hang on one.
    """
    new_nodes = region.power_nodes if nodes is None else nodes
    new_lines = region.power_lines if lines is None else lines
    if nodes is not None and lines is None:
        known = set(nodes["node_id"])
        new_lines = new_lines[new_lines["from_id"].isin(known) & new_lines["to_id"].isin(known)]
    sites = region.sites.copy()
    lost = ~sites["power_node_id"].isin(set(new_nodes["node_id"]) | {""}).to_numpy()
    if lost.any():
        if new_nodes.empty:
            told = f"holds no node, but {plural(int(lost.sum()), 'site')} {'hangs' if lost.sum() == 1 else 'hang'} on the grid; give the nodes that feed them"
            raise InputError(Problem("power_nodes", told))
        sites.loc[lost, "power_node_id"] = _nearest_node(sites[lost], new_nodes)
    return replace(region, power_nodes=new_nodes, power_lines=new_lines, sites=sites)


def with_network(
    region: Region,
    sites: Any | None,  # noqa: ANN401
    cells: Any | None,  # noqa: ANN401
    links: Any | None,  # noqa: ANN401
    *,
    operators: Mapping[str, str] | None = None,
    where: str = "sites",
) -> Rejoined:
    """Return the region with other sites, cells or links, and what was replaced, kept and added.

    New sites keep the exchanges, when they bring none of their own, and hang on the nearest transformer; without
    links they get fibre to the nearest exchange. Without cells, measured cells of sites that are still there stay, and
    every other mast gets three sectors of its owner's network, which are assumed.

    Parameters
    ----------
    region : Region
        The region.
    sites : GeoDataFrame or None
        Layer `sites`.
    cells, links : DataFrame or None
        Layers of these names.
    operators : mapping of str to str, optional
        Owner = operator whose cells its masts carry, or ``none``.
    where : str
        The file's name.

    Raises
    ------
    InputError
        Naming owners that are no operators, where their masts have no cells.
    """
    said = operators or {}
    notices: list[Notice] = []
    new_sites, new_cells, new_links, sources = region.sites, region.cells, region.links, region.sources
    if sites is not None:
        given, told = _with_operators(sites, region.operators, said, where)
        notices += told
        new_sites = _with_exchanges(region, given)
        bare = (new_sites["power_node_id"] == "") & new_sites["power_source"].isin(["grid", "grid_battery"])
        if bare.any() and len(region.power_nodes):
            new_sites.loc[bare, "power_node_id"] = _nearest_node(new_sites[bare], region.power_nodes)
        if links is None:
            new_sites, new_links = _hang(new_sites)
            sources = _assumed(sources, "links", "fibre to the nearest exchange")
        if cells is None:
            kept = _measured_cells(region, new_sites)
            without = new_sites[~new_sites["site_id"].isin(set(kept["site_id"]))]
            owned = owner_cells(without, region.operators, said, where)
            added = stamped(owned.cells, "assumed")
            new_cells = pd.concat([kept, added], ignore_index=True) if len(kept) else added
            notices += [*owned.notices, *_counted(region.cells, kept, owned, where)]
            if not len(kept):
                sources = _assumed(sources, "cells", "three sectors of 900 MHz for each site's owner")
    new_cells = new_cells if cells is None else cells
    new_links = new_links if links is None else links
    if cells is not None and sites is not None and cells is not region.cells:
        told_cells = f"{_replaced(len(region.cells))} replaced by {len(cells):,} of the file"
        notices.append(Notice(where, told_cells, "cells"))
    out = replace(region, sites=new_sites, cells=new_cells, links=new_links, sources=sources)
    return Rejoined(out, tuple(notices))


def _with_operators(
    sites: Any,  # noqa: ANN401
    operators: pd.DataFrame,
    said: Mapping[str, str],
    where: str,
) -> tuple[Any, list[Notice]]:
    """Return sites whose owners go by the operators' names where they are operators, or companies behind them."""
    refuse(said_problems(said, operators["operator"].astype(str), where))
    names = operator_names(operators, said)
    owner = sites["owner"].astype(str)
    meant = {o: names.of(o) for o in owner.unique()}
    change = {o: m for o, m in meant.items() if m not in {"", NOBODY, o}}
    if not change:
        return sites, []
    told = [
        Notice(where, f"owner {theirs} was read as {ours}", "owner", int((owner == theirs).sum()))
        for theirs, ours in change.items()
    ]
    return sites.assign(owner=owner.replace(change)), told


def _measured_cells(region: Region, sites: Any) -> pd.DataFrame:  # noqa: ANN401
    """Return cells that somebody delivered for sites that are still there: nothing that is assumed takes their place."""
    kinds = region.record_kinds("cells")
    keep = region.cells["site_id"].isin(set(sites["site_id"])).to_numpy() & np.isin(
        kinds, ["measured", "official"]
    )
    return pd.DataFrame(stamped(region.cells, kinds)[keep]).reset_index(drop=True)


def _replaced(count: int) -> str:
    return f"{plural(count, 'cell')} of the region {'was' if count == 1 else 'were'}"


def _counted(before: pd.DataFrame, kept: pd.DataFrame, owned: Owned, where: str) -> list[Notice]:
    by = owned.cells["operator"].value_counts()
    whose = ", ".join(f"{name} {count}" for name, count in sorted(by.items()))
    told = (
        f"{_replaced(len(before) - len(kept))} replaced by {plural(len(owned.cells), 'assumed one')}"
        f"{f' ({whose})' if whose else ''}: the file has none of its own"
    )
    one = len(kept) == 1
    stay = f"; {plural(len(kept), 'measured cell')} stay{'s' if one else ''}" if len(kept) else ""
    bare = (
        f"; {plural(owned.bare, 'mast')} stand{'s' if owned.bare == 1 else ''} without cells"
        if owned.bare
        else ""
    )
    return [Notice(where, told + stay + bare, "cells")]


def _with_exchanges(region: Region, given: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    sites, given = region.sites, completed(given, "sites")
    # what stays of the former layer stays what it was, whatever the new list is
    known = stamped(sites, region.record_kinds("sites"))
    exchanges = known[(sites["structure"] == "exchange") & ~sites["site_id"].isin(given["site_id"])]
    keep = exchanges if not (given["structure"] == "exchange").any() else exchanges.iloc[:0]
    both = pd.concat([keep, given], ignore_index=True)
    for name in set(given.columns) - set(keep.columns):  # a column of the source that exchanges have not
        if pd.api.types.is_numeric_dtype(given[name].dtype):
            both[name] = both[name].fillna(0).astype(given[name].dtype)
    return gpd.GeoDataFrame(both, geometry="geometry", crs=region.grid.crs)


def _assumed(sources: tuple[Source, ...], layer: str, note: str) -> tuple[Source, ...]:
    return (
        *(s for s in sources if s.layer != layer),
        Source(layer, "assumed", "derived from the user's sites", "", "", note),
    )


def _nearest_node(sites: gpd.GeoDataFrame, nodes: gpd.GeoDataFrame) -> npt.NDArray[np.str_]:
    # a site takes its supply from a transformer, not from a tower of the transmission grid
    low = nodes[nodes["kind"] == "transformer"]
    among = low if len(low) else nodes
    _, near = nearest(np.c_[among.geometry.x, among.geometry.y], np.c_[sites.geometry.x, sites.geometry.y])
    return np.asarray(among["node_id"].to_numpy(str)[near])


def _hang(sites: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Give sites that name no backhaul a fibre to the nearest exchange."""
    out = sites.copy()
    root = (out["structure"] == "exchange").to_numpy()
    xy = np.c_[out.geometry.x, out.geometry.y]
    ids = out["site_id"].to_numpy(str)
    loose = ~root & (out["backhaul_parent_id"] == "").to_numpy()
    far = np.zeros(len(out))
    if root.any() and loose.any():
        distance, near = nearest(xy[root], xy[loose])
        out.loc[loose, "backhaul_parent_id"] = ids[root][near]
        far[loose] = distance / 1000.0
    child = np.flatnonzero(~root & (out["backhaul_parent_id"] != "").to_numpy())
    links = pd.DataFrame(
        {
            "link_id": np.char.add("l", ids[child]),
            "from_id": ids[child],
            "to_id": out["backhaul_parent_id"].to_numpy(str)[child],
            "medium": "fibre",
            "capacity_mbps": 2000.0,
            "owner": out["owner"].to_numpy(str)[child],
            "availability": np.round(np.maximum(0.9999 - 0.00003 * far[child], 0.9), 6),
        }
    )
    return out, links

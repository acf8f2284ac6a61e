"""What hangs on sites and power when either is replaced: cells, links, and what feeds each site."""

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.errors import InputError, Problem
from phusong.region.near import nearest
from phusong.region.record_kinds import stamped
from phusong.region.store import Region, Source
from phusong.region.values import completed

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
            told = (
                f"holds no node, but {int(lost.sum())} sites hang on the grid; give the nodes that feed them"
            )
            raise InputError(Problem("power_nodes", told))
        sites.loc[lost, "power_node_id"] = _nearest_node(sites[lost], new_nodes)
    return replace(region, power_nodes=new_nodes, power_lines=new_lines, sites=sites)


def with_network(region: Region, sites: Any | None, cells: Any | None, links: Any | None) -> Region:  # noqa: ANN401
    """Return the region with other sites, cells or links.

    New sites keep the exchanges, when they bring none of their own, and hang on the nearest transformer; without
    links they get fibre to the nearest exchange, without cells three sectors for their owner, and both are assumed.

    Parameters
    ----------
    region : Region
        The region.
    sites : GeoDataFrame or None
        Layer `sites`.
    cells, links : DataFrame or None
        Layers of these names.
    """
    new_sites, new_cells, new_links, sources = region.sites, region.cells, region.links, region.sources
    if sites is not None:
        new_sites = _with_exchanges(region, sites)
        bare = (new_sites["power_node_id"] == "") & new_sites["power_source"].isin(["grid", "grid_battery"])
        if bare.any() and len(region.power_nodes):
            new_sites.loc[bare, "power_node_id"] = _nearest_node(new_sites[bare], region.power_nodes)
        if links is None:
            new_sites, new_links = _hang(new_sites)
            sources = _assumed(sources, "links", "fibre to the nearest exchange")
        if cells is None:
            new_cells = _default_cells(new_sites, region.operators)
            sources = _assumed(sources, "cells", "three sectors of 900 MHz for each site's owner")
    new_cells = new_cells if cells is None else cells
    new_links = new_links if links is None else links
    return replace(region, sites=new_sites, cells=new_cells, links=new_links, sources=sources)


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


def _default_cells(sites: gpd.GeoDataFrame, operators: pd.DataFrame) -> pd.DataFrame:
    masts = sites[sites["structure"] != "exchange"]
    known = set(operators["operator"])
    leader = str(operators.sort_values("share", ascending=False)["operator"].iloc[0])
    owner = np.array([o if o in known else leader for o in masts["owner"].astype(str).str.lower()], str)
    ids = masts["site_id"].to_numpy(str)
    frames = []
    for sector in range(3):
        frames.append(
            pd.DataFrame(
                {
                    "cell_id": np.char.add(ids, f"/{sector}"),
                    "site_id": ids,
                    "operator": owner,
                    "technology": "4G",
                    "band_mhz": 900.0,
                    "bandwidth_mhz": 10.0,
                    "eirp_dbm": 60.0,
                    "antenna_height_m": np.maximum(masts["height_m"].to_numpy(np.float64), 5.0),
                    "azimuth_deg": 120.0 * sector,
                    "beamwidth_deg": 65.0,
                    "tilt_deg": 2.0,
                    "guests": "",
                }
            )
        )
    return pd.concat(frames, ignore_index=True)

"""Replacing modelled layers by a user's files: heights, people, sites, power."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.errors import InputError, Problem, refuse
from phusong.region.layers import read_table
from phusong.region.near import nearest
from phusong.region.rasters import read_elevation, read_landcover, read_people
from phusong.region.store import Region, Source

__all__ = ["replace_layers"]


def replace_layers(
    region: Region,
    *,
    elevation: Path | None = None,
    population: Path | None = None,
    clutter: Path | None = None,
    clutter_legend: Path | None = None,
    sites: Path | None = None,
    cells: Path | None = None,
    power_nodes: Path | None = None,
    power_lines: Path | None = None,
    links: Path | None = None,
) -> Region:
    """Return the region with some layers taken from files; what hangs on them is rebuilt and says so.

    Parameters
    ----------
    region : Region
        The region.
    elevation, population : Path, optional
        Heights (GeoTIFF, .hgt, .vrt or a folder of tiles), and GeoTIFF of people per pixel (scaled to each
        commune's province total).
    clutter, clutter_legend : Path, optional
        Land cover (ESA WorldCover tiles, or any codes with a legend of ``code, class``).
    sites, cells, power_nodes, power_lines, links : Path, optional
        CSV, GeoPackage, GeoJSON, Shapefile or Parquet with the columns of the data dictionary.

    Raises
    ------
    InputError
        Naming everything wrong with all the files at once.
    """
    steps: list[Callable[[Region], Region]] = []
    if elevation is not None:
        steps.append(partial(_elevation, path=elevation))
    if clutter is not None:
        steps.append(partial(_landcover, path=clutter, legend=clutter_legend))
    if population is not None:
        steps.append(partial(_population, path=population))
    if power_nodes is not None or power_lines is not None:
        steps.append(partial(_power, paths=(power_nodes, power_lines)))
    if sites is not None or cells is not None or links is not None:
        steps.append(partial(_sites, paths=(sites, cells, links)))
    problems: list[Problem] = []
    out = region
    for step in steps:
        try:
            out = step(out)
        except InputError as error:
            problems += error.problems
    refuse(problems)
    return out


def _given(region: Region, layer: str, path: Path, note: str = "given by the user") -> tuple[Source, ...]:
    kept = tuple(s for s in region.sources if s.layer != layer)
    return (*kept, Source(layer, "measured", path.name, "", "", note))


def _assumed(sources: tuple[Source, ...], layer: str, note: str) -> tuple[Source, ...]:
    return (
        *(s for s in sources if s.layer != layer),
        Source(layer, "assumed", "derived from the user's sites", "", "", note),
    )


def _elevation(region: Region, path: Path) -> Region:
    heights = read_elevation(path, region.grid)
    sources = _given(region, "elevation", path, f"given by the user: {heights.report()}")
    return replace(region, elevation=heights.elevation, sources=sources)


def _landcover(region: Region, path: Path, legend: Path | None) -> Region:
    return replace(
        region, clutter=read_landcover(path, region.grid, legend), sources=_given(region, "clutter", path)
    )


def _population(region: Region, path: Path) -> Region:
    people = read_people(path, region.grid)
    from rasterio.features import rasterize  # noqa: PLC0415 - only here are polygons burnt

    shapes = [(g, i) for i, g in enumerate(region.communes.geometry)]
    at = rasterize(
        shapes, out_shape=region.grid.shape, transform=region.grid.transform, fill=-1, dtype="int32"
    )
    province = region.communes["province_code"].to_numpy(str)
    total = region.communes.groupby("province_code")["population"].sum()
    whole = np.zeros(region.grid.shape, np.int64)
    for code in np.unique(province):
        mine = (at >= 0) & (province[np.maximum(at, 0)] == code) & (people > 0)
        if not mine.any():
            raise InputError(Problem(path.name, f"has no people in province {code}"))
        scaled = people[mine] * (float(total[code]) / people[mine].sum())
        low = np.floor(scaled).astype(np.int64)
        order = np.argsort(-(scaled - low), kind="stable")
        low[order[: int(total[code]) - int(low.sum())]] += 1
        whole[mine] = low
    row, col = np.nonzero(whole)
    codes = region.communes["commune_code"].to_numpy(str)
    demand = pd.DataFrame(
        {
            "cell_id": [f"r{r:05d}c{c:05d}" for r, c in zip(row, col, strict=True)],
            "commune_code": codes[at[row, col]],
            "population": whole[row, col],
            "row": row,
            "col": col,
        }
    )
    communes = region.communes.copy()
    sums = demand.groupby("commune_code")["population"].sum()
    communes["population"] = sums.reindex(codes).fillna(0).astype(np.int64).to_numpy()
    sources = _given(region, "demand", path, "pattern of the user's raster, province totals kept")
    return replace(region, demand=demand, communes=communes, sources=sources)


def _power(region: Region, paths: tuple[Path | None, Path | None]) -> Region:
    nodes_path, lines_path = paths
    crs = region.grid.crs
    sources = region.sources
    nodes, lines = region.power_nodes, region.power_lines
    if nodes_path is not None:
        nodes = read_table(nodes_path, "power_nodes", crs=crs)
        sources = _given(replace(region, sources=sources), "power_nodes", nodes_path)
        if lines_path is None:
            known = set(nodes["node_id"])
            lines = lines[lines["from_id"].isin(known) & lines["to_id"].isin(known)]
    if lines_path is not None:
        lines = read_table(lines_path, "power_lines", crs=crs)
        sources = _given(replace(region, sources=sources), "power_lines", lines_path)
    sites = region.sites.copy()
    lost = ~sites["power_node_id"].isin(set(nodes["node_id"]) | {""}).to_numpy()
    if lost.any():
        sites.loc[lost, "power_node_id"] = _nearest_node(sites[lost], nodes)
    return replace(region, power_nodes=nodes, power_lines=lines, sites=sites, sources=sources)


def _nearest_node(sites: gpd.GeoDataFrame, nodes: gpd.GeoDataFrame) -> npt.NDArray[np.str_]:
    _, near = nearest(np.c_[nodes.geometry.x, nodes.geometry.y], np.c_[sites.geometry.x, sites.geometry.y])
    return np.asarray(nodes["node_id"].to_numpy(str)[near])


def _sites(region: Region, paths: tuple[Path | None, Path | None, Path | None]) -> Region:
    sites_path, cells_path, links_path = paths
    crs = region.grid.crs
    sources = region.sources
    sites, cells, links = region.sites, region.cells, region.links
    if sites_path is not None:
        given = read_table(sites_path, "sites", crs=crs)
        sources = _given(region, "sites", sites_path)
        exchanges = sites[(sites["structure"] == "exchange") & ~sites["site_id"].isin(given["site_id"])]
        keep = exchanges if not (given["structure"] == "exchange").any() else exchanges.iloc[:0]
        sites = gpd.GeoDataFrame(pd.concat([keep, given], ignore_index=True), geometry="geometry", crs=crs)
        bare = (sites["power_node_id"] == "") & sites["power_source"].isin(["grid", "grid_battery"])
        if bare.any():
            sites.loc[bare, "power_node_id"] = _nearest_node(sites[bare], region.power_nodes)
        if links_path is None:
            sites, links = _hang(sites)
            sources = _assumed(sources, "links", "fibre to the nearest exchange")
        if cells_path is None:
            cells = _default_cells(sites, region.operators)
            sources = _assumed(sources, "cells", "three sectors of 900 MHz for each site's owner")
    if cells_path is not None:
        cells = read_table(cells_path, "cells", crs=crs)
        sources = _given(replace(region, sources=sources), "cells", cells_path)
    if links_path is not None:
        links = read_table(links_path, "links", crs=crs)
        sources = _given(replace(region, sources=sources), "links", links_path)
    return replace(region, sites=sites, cells=cells, links=links, sources=sources)


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

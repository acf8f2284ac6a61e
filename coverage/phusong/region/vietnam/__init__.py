"""Build a region of Viet Nam."""

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import Transformer

from phusong.io.resources import table
from phusong.region import Grid
from phusong.region.folder import Region, Source
from phusong.region.vietnam.boundaries import Shapes, commune_shapes
from phusong.region.vietnam.names import find_provinces, province_names
from phusong.region.vietnam.population import place_people, remoteness
from phusong.region.vietnam.power_grid import connect_sites, model_electricity
from phusong.region.vietnam.telecom import model_telecom
from phusong.region.vietnam.terrain import model_landcover, model_terrain, read_atlas
from phusong.region.vietnam.units import REPAIR_COLUMNS, read_units

__all__ = ["build_vietnam"]

_MARGIN_M = 3000.0
_UNITS = "vietnamadminunits 1.0 (MIT)"


def build_vietnam(
    provinces: tuple[str, ...],
    *,
    cell_m: float = 250.0,
    seed: int = 2025,
    progress: Callable[[str], None] | None = None,
) -> Region:
    """Return a region of one, several or all provinces.

    Parameters
    ----------
    provinces : tuple of str
        Names (today's or before July 2025, with or without diacritics), codes, or ``all``.
    cell_m : float
        Side of a grid square. [m]
    seed : int
        Seed of everything modelled.
    progress : callable, optional
        Told the name of each step.

    Raises
    ------
    InputError
        For unknown provinces, all at once, with the nearest names.
    """
    say = progress or (lambda _step: None)
    codes = find_provinces(provinces)
    say("communes")
    units, atlas = read_units(), read_atlas()
    crs = _utm_zone(units.communes, codes)
    shapes = commune_shapes(units, codes, crs=crs, outline=atlas.outline)
    grid = Grid.around(tuple(shapes.communes.total_bounds), crs=crs, cell_m=cell_m, margin_m=_MARGIN_M)
    say("terrain")
    river_e, river_n = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*atlas.river_points.T)
    elevation = model_terrain(
        grid,
        lon_deg=atlas.lon_deg,
        lat_deg=atlas.lat_deg,
        height_m=atlas.height_m,
        valley_east_m=np.r_[shapes.old["east_m"].to_numpy(np.float64), river_e],
        valley_north_m=np.r_[shapes.old["north_m"].to_numpy(np.float64), river_n],
        seed=seed,
    )
    say("people")
    people = place_people(grid, communes=shapes.communes, old=shapes.old, elevation=elevation, seed=seed)
    communes = _commune_layer(shapes, people.demand)
    communes["remote"] = remoteness(communes, people, grid)
    operators = table("operators")[["operator", "name", "share"]]
    say("network")
    remote = communes.set_index("commune_code")["remote"]
    electricity = model_electricity(
        grid,
        villages=people.villages,
        elevation=elevation,
        remote=remote[people.villages["commune_code"]].to_numpy(np.int64),
    )
    settlements = people.villages.assign(on_grid=electricity.on_grid)
    telecom = model_telecom(
        grid,
        communes=communes,
        villages=settlements,
        demand=people.demand,
        commune_row=people.commune_row,
        elevation=elevation,
        operators=operators,
        seed=seed,
    )
    row, col = grid.rowcol(telecom.sites.geometry.x, telecom.sites.geometry.y)
    at = people.commune_row[np.clip(row, 0, grid.height - 1), np.clip(col, 0, grid.width - 1)]
    site_remote = np.where(at >= 0, communes["remote"].to_numpy(np.int64)[np.maximum(at, 0)], 1)
    sites = connect_sites(telecom.sites, electricity, remote=site_remote, seed=seed)
    names = province_names()
    return Region(
        name=", ".join(names[c] for c in codes) if len(codes) < len(names) else "Việt Nam",
        grid=grid,
        communes=communes.drop(columns=["area_trusted"]),
        demand=people.demand,
        settlements=settlements,
        sites=sites,
        cells=telecom.cells,
        power_nodes=electricity.nodes,
        power_lines=electricity.lines,
        links=telecom.links,
        operators=operators,
        facilities=_facilities(settlements),
        elevation=elevation,
        clutter=model_landcover(
            grid, elevation=elevation, demand=people.demand, urban_class=people.urban_class
        ),
        sources=_sources(),
        repairs=_repairs(units.repairs, shapes),
    )


def _utm_zone(communes: pd.DataFrame, codes: tuple[str, ...]) -> str:
    lon = communes.loc[communes["province_code"].isin(codes), "lon"].median()
    return "EPSG:32649" if lon >= 108.0 else "EPSG:32648"


def _commune_layer(shapes: Shapes, demand: pd.DataFrame) -> gpd.GeoDataFrame:
    out = shapes.communes.copy()
    people = demand.groupby("commune_code")["population"].sum()
    out["population"] = people.reindex(out["commune_code"]).fillna(0).astype(np.int64).to_numpy()
    columns = ["commune_code", "name", "province_code", "province", "kind", "area_km2", "area_shape_km2"]
    return out[[*columns, "population", "area_trusted", "geometry"]]


def _facilities(settlements: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Put a commune office, a clinic and a school at each old unit's centre: that is where they were built."""
    centre = settlements[settlements["kind"] == "centre"].sort_values("settlement_id")
    parts = []
    for kind in ("commune office", "clinic", "school"):
        part = centre[["commune_code", "geometry"]].copy()
        if kind == "commune office":
            biggest = centre.sort_values(["population", "settlement_id"], ascending=[False, True])
            part = biggest.drop_duplicates("commune_code")[["commune_code", "geometry"]].sort_values(
                "commune_code"
            )
        part.insert(0, "kind", kind)
        parts.append(part)
    out = pd.concat(parts, ignore_index=True)
    out.insert(0, "facility_id", [f"f{i:05d}" for i in range(len(out))])
    return gpd.GeoDataFrame(out, geometry="geometry", crs=settlements.crs)


def _repairs(repairs: pd.DataFrame, shapes: Shapes) -> pd.DataFrame:
    mine = set(shapes.communes["commune_code"]) | set(shapes.old["old_code"])
    kept = repairs[repairs["key"].isin(mine) | (repairs["new_value"] == "dropped")].copy()
    worst = shapes.residuals[(shapes.residuals["ratio"] > 1.5) | (shapes.residuals["ratio"] < 1 / 1.5)]
    rows = [
        (
            "commune",
            r.commune_code,
            r.name,
            "area_shape_km2",
            f"{r.area_km2:.1f}",
            f"{r.area_shape_km2:.1f}",
            f"its polygon has {r.ratio:.2f} times the stated area",
        )
        for r in worst.rename(columns={"name": "name"}).itertuples(index=False)
    ]
    return pd.concat([kept, pd.DataFrame(rows, columns=list(REPAIR_COLUMNS))], ignore_index=True)


def _sources() -> tuple[Source, ...]:
    modelled = "phusong's model on geodata/network_model.csv"
    people = "registered people of each province (geodata/provinces.csv), GHS-WUP-DEGURBA R2025A, old units"
    return (
        Source(
            "communes",
            "modelled",
            f"{_UNITS}; outline Natural Earth 1:10m",
            "MIT; public domain",
            "2025-07",
            "codes, names and kinds official; polygons a power diagram of the units' points",
        ),
        Source(
            "demand",
            "modelled",
            people,
            "CC BY 4.0 (DEGURBA)",
            "2025-07",
            "province totals official (registered, not resident people); their place modelled",
        ),
        Source(
            "settlements",
            "modelled",
            f"old units' points, {_UNITS}; villages modelled",
            "MIT",
            "2025-07",
            "the centres are real places; the other villages are drawn",
        ),
        Source(
            "sites",
            "modelled",
            modelled,
            "",
            "2026",
            "no public list of sites exists; replace by an operator's list or OpenCelliD",
        ),
        Source("cells", "modelled", modelled, "", "2026", "three sectors a station"),
        Source("links", "modelled", modelled, "", "2026", "shortest-path trees from the towns"),
        Source("power_nodes", "modelled", modelled, "", "2026", "a transformer a village"),
        Source("power_lines", "modelled", modelled, "", "2026", "feeders along settlements, avoiding climbs"),
        Source(
            "operators",
            "official",
            "ministry through the press",
            "",
            "2024",
            "shares of the smaller operators are of low sureness",
        ),
        Source(
            "facilities",
            "modelled",
            "old units' points",
            "MIT",
            "2025-07",
            "commune office, clinic and school at each old unit's centre",
        ),
        Source(
            "elevation",
            "modelled",
            "ETOPO 2022 at 5' with seeded fractal detail",
            "public domain",
            "2022",
            "ridges are like the real ones, not where the real ones are",
        ),
        Source(
            "clutter",
            "modelled",
            "degree of urbanisation (GHS-WUP-DEGURBA R2025A), people and terrain of this region",
            "CC BY 4.0 (DEGURBA)",
            "2025-07",
            "towns by degree of urbanisation, fields round houses, woods where nobody lives and the ground is rough",
        ),
    )

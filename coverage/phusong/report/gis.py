"""A result for GIS: one GeoPackage of styled layers, and the styles of the rasters beside it."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from phusong.report.choropleth import GAP_CLASSES, HOUR_CLASSES, Classes
from phusong.report.files import GIS_FILES, NODATA_DBM, write_cog, write_geopackage
from phusong.report.map_furniture import drawn_name
from phusong.report.maps import RSRP_EDGES_DBM, RSRP_HEX
from phusong.report.qgis_styles import (
    Symbol,
    categorized_qml,
    class_raster_qml,
    embed_styles,
    graduated_qml,
    stepped_raster_qml,
)
from phusong.report.result import ACCESS_CLASSES, ResultData
from phusong.report.tables import GAP_PARTS
from phusong.report.text import Text
from phusong.report.theme import (
    ACCESS_COLOURS,
    CLASS_HEX,
    GAP_HEX,
    GAP_LABELS,
    INK,
    OWNER_HEX,
    PAPER,
    SERVED_HEX,
)
from phusong.whole_folder import whole_folder

__all__ = [
    "rsrp_qml",
    "write_gis",
    "write_gis_folder",
    "write_rasters",
]

_NOT_SERVED = '100 * (1 - "people_served" / nullif("population", 0))'
_MOST_MARKS_LABELLED = 50


def write_gis(result: ResultData, folder: Path) -> list[Path]:
    """Write the layers of a result, styled, for QGIS and whatever reads GeoPackage.

    Parameters
    ----------
    result : ResultData
        What to write.
    folder : Path
        Existing; the rasters ``access.tif`` and ``rsrp.tif`` and ``communes.gpkg`` stand there, or will.

    Notes
    -----
    ``gis.gpkg`` has the layers communes, sites, options and, where known, settlements with their styles inside;
    ``*.qml`` are the styles of the file of the same name. Modelled layers say so in their description.
    """
    package = folder / "gis.gpkg"
    package.unlink(missing_ok=True)
    layers = _layers(result)
    styles = {
        "communes": _commune_styles(),
        "sites": _site_styles(layers["sites"]),
        "options": _option_styles(),
    }
    if "settlements" in layers:
        styles["settlements"] = _settlement_styles()
    for name, frame in layers.items():
        write_geopackage(frame, package, layer=name)
    embed_styles(package, styles)
    access = [(k, ACCESS_CLASSES[k].capitalize(), CLASS_HEX[k]) for k in range(1, len(ACCESS_CLASSES))]
    texts = {
        "communes.qml": next(iter(styles["communes"].values())),
        "access.qml": class_raster_qml(access),
        "rsrp.qml": rsrp_qml(),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return [folder / name for name in GIS_FILES]


def write_gis_folder(result: ResultData, folder: Path) -> None:
    """Write the layers and rasters of a result, styled, to a folder of their own; whole or not at all.

    Raises
    ------
    InputError
        If the folder holds something else.
    """
    with whole_folder(folder, kind="a GIS folder", is_ours=_is_gis_folder) as new:
        write_rasters(result, new)
        write_geopackage(result.communes, new / "communes.gpkg", layer="communes")
        write_gis(result, new)


def write_rasters(result: ResultData, folder: Path) -> None:
    """Write ``access.tif`` with its colour table and ``rsrp.tif`` in dBm, cloud-optimised."""
    write_cog(result.access_class, result.grid, folder / "access.tif", nodata=0, colours=ACCESS_COLOURS)
    rsrp = np.where(np.isnan(result.rsrp_dbm), np.float32(NODATA_DBM), result.rsrp_dbm)
    write_cog(rsrp.astype(np.float32), result.grid, folder / "rsrp.tif", nodata=NODATA_DBM, unit="dBm")


def rsrp_qml() -> str:
    """Return the style of a raster of RSRP in the classes of the printed map."""
    return stepped_raster_qml(RSRP_EDGES_DBM, RSRP_HEX, "dBm")


def _layers(result: ResultData) -> dict[str, gpd.GeoDataFrame]:
    layers = {"communes": result.communes, "sites": result.sites, "options": _option_points(result)}
    if result.settlements is not None:
        layers["settlements"] = result.settlements
    return layers


def _option_points(result: ResultData) -> gpd.GeoDataFrame:
    options = result.options
    if {"east_m", "north_m"} <= set(options.columns):
        places = gpd.points_from_xy(options["east_m"], options["north_m"])
    else:
        inner = result.communes.geometry.representative_point()
        inner.index = pd.Index(result.communes["commune_code"].astype(str))
        places = inner.reindex(options["commune_code"].astype(str)).to_numpy()
    return gpd.GeoDataFrame(options, geometry=places, crs=result.grid.crs)


def _commune_styles() -> Mapping[str, str]:
    causes = {part: (GAP_LABELS[part], Symbol("fill", GAP_HEX[part])) for part in GAP_PARTS}
    most = ", ".join(f'coalesce("{p}", 0)' for p in GAP_PARTS)
    whens = " ".join(f"WHEN \"{p}\" = max({most}) THEN '{p}'" for p in GAP_PARTS)
    main = f"CASE WHEN max({most}) <= 0 THEN 'served' {whens} END"
    return {
        "People not served [%]": _graduated(_NOT_SERVED, GAP_CLASSES, "%"),
        "Main cause": categorized_qml(
            main, {**causes, "": ("everybody served", Symbol("fill", "#f0f4f8"))}, name_field="name"
        ),
        "Hours without service": _graduated('"hours_lost_year"', HOUR_CLASSES, "h"),
        **{
            f"{GAP_LABELS[p]} [%]": _graduated(f'100 * "{p}" / nullif("population", 0)', GAP_CLASSES, "%")
            for p in GAP_PARTS
        },
    }


def _graduated(expression: str, classes: Classes, unit: str) -> str:
    return graduated_qml(
        expression,
        classes.edges,
        [Symbol("fill", colour) for colour in classes.colours],
        [f"{label} {unit}" for label in classes.labels(Text("en"))],
        name_field="name",
    )


def _site_styles(sites: gpd.GeoDataFrame) -> Mapping[str, str]:
    styles = {}
    if "owner" in sites:
        counts = sites["owner"].astype(str).value_counts().sort_index()
        names = list(counts.sort_values(ascending=False, kind="stable").index)[: len(OWNER_HEX) - 1]
        marks = {
            n: (drawn_name(n, 60), Symbol("marker", c, 1.6)) for n, c in zip(names, OWNER_HEX, strict=False)
        }
        styles["Owner"] = categorized_qml(
            "owner", {**marks, "": ("others", Symbol("marker", OWNER_HEX[-1], 1.6))}
        )
    edges = (0.0, 0.95, 0.99, 0.995, 0.998, 1.0)
    colours = ("#7a0403", "#d55e00", "#e69f00", "#9fc8e8", "#0072b2")
    styles["Availability"] = graduated_qml(
        "availability", edges, [Symbol("marker", c, 1.6) for c in colours],
        [f"{100 * a:g} to {100 * b:g} %" for a, b in pairwise(edges)],
    )  # fmt: skip
    return styles


def _option_styles() -> Mapping[str, str]:
    edges = (0.5, 10.5, 50.5, 200.5, 1e9)
    symbols = [
        Symbol("marker", c, s, PAPER)
        for c, s in zip((SERVED_HEX, "#3d8fc4", "#8abbdd", "#c9dfee"), (4.2, 3, 2, 1.2), strict=True)
    ]
    labels = ("rank 1 to 10", "11 to 50", "51 to 200", "below")
    rank = f'CASE WHEN "rank" <= {_MOST_MARKS_LABELLED} THEN "rank" END'
    return {"Rank": graduated_qml("rank", edges, symbols, labels, name_field=rank)}


def _settlement_styles() -> Mapping[str, str]:
    value = "CASE WHEN coalesce(\"white\", false) THEN 'white' WHEN coalesce(\"hollow\", false) THEN 'hollow' ELSE 'covered' END"
    marks = {
        "white": ("no signal", Symbol("marker", GAP_HEX["gap_no_signal"], 2.4, INK)),
        "hollow": ("partly covered", Symbol("marker", GAP_HEX["gap_unstable"], 2.0, INK)),
        "": ("covered", Symbol("marker", "#c9dfee", 1.0)),
    }
    return {"Signal": categorized_qml(value, marks)}


def _is_gis_folder(folder: Path) -> bool:
    # a result folder has the package too, and is never replaced by its layers alone
    return (folder / "gis.gpkg").is_file() and not (folder / "summary.json").exists()

"""GeoPackage and QGIS styles.

References
----------
QGIS 3.22 User Guide, "Saving and Loading Layer Properties" (styles in the data source); what is written was opened
with QGIS 3.22.
"""

import math
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from phusong.io.atomic import whole_folder
from phusong.io.text import Text
from phusong.report.map_sheet import drawn_name
from phusong.report.map_style import (
    ACCESS_COLOURS,
    CLASS_HEX,
    GAP_CLASSES,
    GAP_HEX,
    GAP_LABELS,
    HOUR_CLASSES,
    INK,
    MUTED,
    OWNER_HEX,
    PAPER,
    SERVED_HEX,
    Classes,
)
from phusong.report.maps import RSRP_EDGES_DBM, RSRP_HEX
from phusong.result.files import GIS_FILES, NODATA_DBM, write_cog, write_geopackage
from phusong.result.model import ACCESS_CLASSES, ResultData
from phusong.result.schema import GAP_PARTS

__all__ = [
    "Symbol",
    "categorized_qml",
    "embed_styles",
    "graduated_qml",
    "rsrp_qml",
    "stepped_raster_qml",
    "write_gis",
    "write_gis_folder",
    "write_rasters",
]

_QGIS = "3.22.16"
_FIXED_DATE = "2025-07-01T00:00:00.000Z"
# of an attribute in XML: a bare line break there would be read as a space
_ESCAPES = str.maketrans({
    "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#09;",
})  # fmt: skip


@dataclass(frozen=True)
class Symbol:
    """One symbol: a filled area or a mark.

    Parameters
    ----------
    kind : str
        ``fill`` or ``marker``.
    colour : str
        As hex.
    size_mm : float
        Of a mark. [mm]
    outline : str
        Colour of its edge, as hex.
    """

    kind: str
    colour: str
    size_mm: float = 2.0
    outline: str = MUTED


def graduated_qml(
    expression: str,
    edges: Sequence[float],
    symbols: Sequence[Symbol],
    labels: Sequence[str],
    *,
    name_field: str = "",
) -> str:
    """Return the style of a layer by classes of a figure.

    Parameters
    ----------
    expression : str
        Of QGIS, over the layer's fields.
    edges : sequence of float
        One more than the symbols.
    symbols, labels : sequence
        One a class, lowest first.
    name_field : str, optional
        Field or expression to label with.
    """
    ranges = list(zip(pairwise(edges), labels, strict=True))
    return _filled("layer", expression=expression, ranges=ranges, symbols=symbols, name_field=name_field)


def categorized_qml(
    expression: str, categories: Mapping[str, tuple[str, Symbol]], *, name_field: str = ""
) -> str:
    """Return the style of a layer by the value of an expression.

    Parameters
    ----------
    expression : str
        Of QGIS, over the layer's fields.
    categories : mapping of str to (label, Symbol)
        By value; the value ``""`` takes all others.
    name_field : str, optional
        Field or expression to label with.
    """
    listed = [(value, label) for value, (label, _) in categories.items()]
    symbols = [symbol for _, symbol in categories.values()]
    return _filled("layer", expression=expression, categories=listed, symbols=symbols, name_field=name_field)


def stepped_raster_qml(edges: Sequence[float], colours: Sequence[str], unit: str) -> str:
    """Return the style of a raster of figures cut into classes: one more colour than edges, lowest first."""
    labels = [f"below {edges[0]:g} {unit}", *(f"{a:g} to {b:g} {unit}" for a, b in pairwise(edges))]
    labels.append(f"{edges[-1]:g} {unit} and above")
    steps = list(zip([*edges, math.inf], colours, labels, strict=True))
    return _filled("raster", steps=steps, lowest=edges[0], highest=edges[-1])


def embed_styles(path: Path, styles: Mapping[str, Mapping[str, str]]) -> None:
    """Put styles into a GeoPackage; of each layer the first is the one QGIS opens it with.

    Parameters
    ----------
    path : Path
        A GeoPackage.
    styles : mapping of str to mapping of str to str
        By layer: QML by the style's name.
    """
    database = sqlite3.connect(path)
    try:
        with database:
            database.execute(
                "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT, f_table_catalog TEXT(256), "
                "f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256), "
                "styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, "
                "owner TEXT(30), ui TEXT(30), update_time DATETIME)"
            )
            # QGIS asks the table through GDAL, which finds only what the contents list
            database.execute(
                "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change, srs_id) "
                "VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?, 0)",
                (_FIXED_DATE,),
            )
            for layer, named in styles.items():
                column = database.execute(
                    "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (layer,)
                ).fetchone()
                for k, (name, qml) in enumerate(named.items()):
                    database.execute(
                        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, "
                        "f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, owner, "
                        "update_time) VALUES ('', '', ?, ?, ?, ?, '', ?, ?, '', ?)",
                        (layer, column[0], name[:30], qml, k == 0, name, _FIXED_DATE),
                    )
    finally:
        database.close()


def _filled(name: str, **values: Any) -> str:  # noqa: ANN401 - whatever the template shows
    return _TEMPLATES.get_template(f"{name}.qml.j2").render(version=_QGIS, ink=INK, paper=PAPER, **values)


def _rgba(colour: str) -> str:
    return ",".join(str(int(colour[k : k + 2], 16)) for k in (1, 3, 5)) + ",255"


_TEMPLATES = Environment(
    loader=PackageLoader("phusong.report", "."),
    autoescape=True,
    finalize=lambda value: Markup(str(value).translate(_ESCAPES)),  # noqa: S704 - escaped here
    undefined=StrictUndefined,
    trim_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATES.filters["rgba"] = _rgba

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
        "access.qml": _filled("raster", classes=access),
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

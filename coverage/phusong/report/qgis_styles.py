"""Styles that QGIS takes up by itself: as QML beside a raster, as a table inside a GeoPackage.

References
----------
QGIS 3.22 User Guide, "Saving and Loading Layer Properties" (styles in the data source); what is written was opened
with QGIS 3.22.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

from phusong.report.theme import INK, MUTED, PAPER

__all__ = [
    "Symbol",
    "categorized_qml",
    "class_raster_qml",
    "embed_styles",
    "graduated_qml",
    "stepped_raster_qml",
]

_QGIS = "3.22.16"
_HEAD = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
_FIXED_DATE = "2025-07-01T00:00:00.000Z"
_TYPES = {"fill": "SimpleFill", "marker": "SimpleMarker"}


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
    root = _root()
    renderer = ET.SubElement(
        root, "renderer-v2", type="graduatedSymbol", attr=expression, graduatedMethod="GraduatedColor",
        symbollevels="0", forceraster="0", enableorderby="0",
    )  # fmt: skip
    ranges = ET.SubElement(renderer, "ranges")
    for k, ((low, high), label) in enumerate(zip(pairwise(edges), labels, strict=True)):
        ET.SubElement(
            ranges,
            "range",
            lower=f"{low:.6f}",
            upper=f"{high:.6f}",
            symbol=str(k),
            label=label,
            render="true",
        )
    _add_symbols(renderer, symbols)
    return _text(root, name_field)


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
    root = _root()
    renderer = ET.SubElement(
        root, "renderer-v2", type="categorizedSymbol", attr=expression, symbollevels="0", forceraster="0",
        enableorderby="0",
    )  # fmt: skip
    listed = ET.SubElement(renderer, "categories")
    for k, (value, (label, _)) in enumerate(categories.items()):
        ET.SubElement(
            listed, "category", value=value, symbol=str(k), label=label, render="true", type="string"
        )
    _add_symbols(renderer, [symbol for _, symbol in categories.values()])
    return _text(root, name_field)


def class_raster_qml(classes: Iterable[tuple[int, str, str]]) -> str:
    """Return the style of a raster of classes: value, label and colour of each."""
    root = _root("AllStyleCategories")
    pipe = ET.SubElement(root, "pipe")
    renderer = ET.SubElement(pipe, "rasterrenderer", type="paletted", band="1", opacity="1", alphaBand="-1")
    palette = ET.SubElement(renderer, "colorPalette")
    for value, label, colour in classes:
        ET.SubElement(palette, "paletteEntry", value=str(value), color=colour, alpha="255", label=label)
    return _text(root, "")


def stepped_raster_qml(edges: Sequence[float], colours: Sequence[str], unit: str) -> str:
    """Return the style of a raster of figures cut into classes: one more colour than edges, lowest first."""
    root = _root("AllStyleCategories")
    pipe = ET.SubElement(root, "pipe")
    renderer = ET.SubElement(
        pipe, "rasterrenderer", type="singlebandpseudocolor", band="1", opacity="1", alphaBand="-1",
        classificationMin=f"{edges[0]:g}", classificationMax=f"{edges[-1]:g}",
    )  # fmt: skip
    shader = ET.SubElement(ET.SubElement(renderer, "rastershader"), "colorrampshader")
    shader.attrib.update(colorRampType="DISCRETE", classificationMode="1", clip="0")
    labels = [f"below {edges[0]:g} {unit}", *(f"{a:g} to {b:g} {unit}" for a, b in pairwise(edges))]
    uppers = [*(f"{e:g}" for e in edges), "inf"]
    for upper, colour, label in zip(
        uppers, colours, [*labels, f"{edges[-1]:g} {unit} and above"], strict=True
    ):
        ET.SubElement(shader, "item", value=upper, color=colour, alpha="255", label=label)
    return _text(root, "")


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


def _root(categories: str = "Symbology|Labeling") -> ET.Element:
    return ET.Element("qgis", version=_QGIS, styleCategories=categories)


def _add_symbols(renderer: ET.Element, symbols: Sequence[Symbol]) -> None:
    listed = ET.SubElement(renderer, "symbols")
    for k, symbol in enumerate(symbols):
        one = ET.SubElement(
            listed, "symbol", name=str(k), type=symbol.kind, alpha="1", clip_to_extent="1", force_rhr="0"
        )
        layer = ET.SubElement(
            one, "layer", {"class": _TYPES[symbol.kind], "pass": "0", "locked": "0", "enabled": "1"}
        )
        values = {
            "color": _rgba(symbol.colour), "style": "solid", "outline_color": _rgba(symbol.outline),
            "outline_style": "solid", "outline_width": "0.1", "outline_width_unit": "MM",
        }  # fmt: skip
        if symbol.kind == "marker":
            values |= {"name": "circle", "size": f"{symbol.size_mm:g}", "size_unit": "MM"}
        options = ET.SubElement(layer, "Option", type="Map")
        for name, value in values.items():
            ET.SubElement(options, "Option", name=name, value=value, type="QString")


def _text(root: ET.Element, name_field: str) -> str:
    if name_field:
        labeling = ET.SubElement(root, "labeling", type="simple")
        settings = ET.SubElement(labeling, "settings", calloutType="simple")
        plain = name_field.isidentifier()
        style = ET.SubElement(
            settings, "text-style", fieldName=name_field, isExpression="0" if plain else "1", fontSize="7",
            fontSizeUnit="Point", textColor=_rgba(INK), fontFamily="DejaVu Sans", textOpacity="1",
        )  # fmt: skip
        ET.SubElement(
            style,
            "text-buffer",
            bufferDraw="1",
            bufferSize="0.6",
            bufferSizeUnits="MM",
            bufferColor=_rgba(PAPER),
        )
        ET.SubElement(settings, "placement", placement="0", placementFlags="10", priority="5")
    ET.indent(root, " ")
    return _HEAD + ET.tostring(root, encoding="unicode") + "\n"


def _rgba(colour: str) -> str:
    return ",".join(str(int(colour[k : k + 2], 16)) for k in (1, 3, 5)) + ",255"

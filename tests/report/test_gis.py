"""Layers for GIS: QGIS finds a style for each, names stay text, and the bytes repeat."""

import sqlite3
from dataclasses import replace
from xml.etree import ElementTree as ET

import geopandas as gpd
import pytest
import rasterio

from phusong.errors import InputError
from phusong.report.gis import Symbol, categorized_qml, stepped_raster_qml, write_gis, write_gis_folder
from phusong.report.map_style import GAP_CLASSES
from phusong.result.files import GIS_FILES

HOSTILE = ("<script>alert(1)</script>", "=cmd()", "\u202eesrever", "x" * 300, "]]> & \"'")
# what QGIS itself creates when it saves a style into a GeoPackage
COLUMNS = ["id", "f_table_catalog", "f_table_schema", "f_table_name", "f_geometry_column", "styleName", "styleQML",
           "styleSLD", "useAsDefault", "description", "owner", "ui", "update_time"]  # fmt: skip


@pytest.fixture(scope="module")
def hostile(result):
    communes, sites = result.communes.copy(), result.sites.copy()
    communes.loc[communes.index[: len(HOSTILE)], "name"] = HOSTILE
    sites.loc[sites.index[: len(HOSTILE)], "owner"] = HOSTILE
    return replace(result, communes=communes, sites=sites)


@pytest.fixture(scope="module")
def folder(hostile, tmp_path_factory):
    place = tmp_path_factory.mktemp("gis")
    write_gis(hostile, place)
    return place


def parsed(text):
    return ET.fromstring(text)  # noqa: S314 - our own file


def styles(folder):
    database = sqlite3.connect(folder / "gis.gpkg")
    rows = database.execute(
        "SELECT f_table_name, f_geometry_column, styleName, styleQML, useAsDefault FROM layer_styles"
    ).fetchall()
    columns = [row[1] for row in database.execute("PRAGMA table_info(layer_styles)")]
    listed = dict(database.execute("SELECT table_name, data_type FROM gpkg_contents").fetchall())
    geometry = dict(database.execute("SELECT table_name, column_name FROM gpkg_geometry_columns").fetchall())
    database.close()
    return rows, columns, listed, geometry


def test_every_layer_has_exactly_one_style_to_open_with(folder):
    rows, columns, listed, geometry = styles(folder)
    assert columns == COLUMNS
    assert listed == {
        "communes": "features",
        "sites": "features",
        "options": "features",
        "layer_styles": "attributes",
    }
    for layer, column in geometry.items():
        assert sum(row[0] == layer and row[4] for row in rows) == 1
        assert {row[1] for row in rows if row[0] == layer} == {column}
    assert len({(row[0], row[2]) for row in rows}) == len(rows)


def test_styles_are_whole_and_use_columns_that_are_there(folder):
    for layer, _, name, qml, _ in styles(folder)[0]:
        root = parsed(qml)
        renderer = root.find("renderer-v2")
        symbols = {s.get("name") for s in renderer.iter("symbol")}
        used = {e.get("symbol") for tag in ("range", "category") for e in renderer.iter(tag)}
        assert used == symbols, (layer, name)
        columns = set(gpd.read_file(folder / "gis.gpkg", layer=layer, rows=1).columns)
        quoted = {part for k, part in enumerate(renderer.get("attr").split('"')) if k % 2}
        assert (quoted or {renderer.get("attr")}) <= columns, (layer, name)


def test_classes_are_those_of_the_printed_map(folder):
    first = parsed((folder / "communes.qml").read_text(encoding="utf-8"))
    uppers = [float(r.get("upper")) for r in first.iter("range")]
    assert uppers == list(GAP_CLASSES.edges[1:])


def test_names_stay_text_in_layers_and_styles(hostile, folder):
    names = gpd.read_file(folder / "gis.gpkg", layer="communes")["name"].tolist()
    assert set(HOSTILE) <= set(names)
    owners = next(parsed(row[3]) for row in styles(folder)[0] if row[2] == "Owner")
    values = {c.get("value") for c in owners.iter("category")}
    assert values <= {*HOSTILE, *hostile.sites["owner"], ""}


@pytest.mark.parametrize("text", [*HOSTILE, "two\nlines\r\n\tand a tab", "{{ 7 * 7 }}"])
def test_any_text_comes_back_from_a_style_as_it_went_in(text):
    style = parsed(categorized_qml(text, {text: (text, Symbol("fill", "#000000"))}, name_field=text))
    assert style.find("renderer-v2").get("attr") == text
    assert style.find(".//category").attrib == {
        "value": text,
        "label": text,
        "symbol": "0",
        "render": "true",
        "type": "string",
    }
    assert style.find(".//text-style").get("fieldName") == text


def test_steps_of_a_raster_have_one_more_colour_than_edges():
    shader = parsed(stepped_raster_qml((-1.0, 1.0), ("#000000", "#111111", "#222222"), "dB"))
    assert [i.get("value") for i in shader.iter("item")] == ["-1", "1", "inf"]


def test_a_folder_of_its_own_holds_rasters_and_repeats_to_the_byte(result, tmp_path):
    for name in ("a", "b"):
        write_gis_folder(result, tmp_path / name)
    files = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert files == sorted([*GIS_FILES, "access.tif", "communes.gpkg", "rsrp.tif"])
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    with rasterio.open(tmp_path / "a" / "access.tif") as dataset:
        assert dataset.colormap(1)[1] == (0xD5, 0x5E, 0x00, 255)


def test_a_result_folder_is_never_replaced_by_its_layers_alone(result, tmp_path):
    write_gis(result, tmp_path)
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(InputError, match="not a GIS folder"):
        write_gis_folder(result, tmp_path)
    assert (tmp_path / "summary.json").exists()

"""Layers from users' files: names and words as they write them, shapes as they draw them, every defect by row."""

import gzip
import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import LineString, MultiPoint, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from phusong.errors import InputError
from phusong.region.folder import Region
from phusong.region.read.columns import ColumnMap, FileFormat
from phusong.region.read.table import read_layer, read_table, table_of, write_table
from phusong.region.schema import LAYERS

CRS = "EPSG:32648"
BOWTIE = Polygon([(5e5, 24e5), (501e3, 2401e3), (501e3, 24e5), (5e5, 2401e3)])


def sites(*shapes: BaseGeometry | None, crs: str | None = CRS) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"site_id": [f"s{k}" for k in range(len(shapes))]}, geometry=list(shapes), crs=crs
    )


def communes(*shapes: BaseGeometry, **columns: object) -> gpd.GeoDataFrame:
    n = len(shapes)
    table = {"commune_code": [f"{k:05d}" for k in range(n)], "name": "x", "area_km2": 1.0} | columns
    return gpd.GeoDataFrame(table, geometry=list(shapes), crs=CRS)


def refused(frame: object, layer: str, **how: object) -> str:
    with pytest.raises(InputError) as found:
        table_of(frame, "file", layer, crs=CRS, **how)
    return str(found.value)


def test_other_projects_names_and_words_are_understood():
    giga = pd.DataFrame(
        {"wireless_site_id": ["g1"], "longitude": [105.2], "latitude": [22.5], "structure_height_meters": [42.0],
         "site_status": ["Operational"], "backup_power_hours": [8], "physical_infrastructure_provider": ["vnpt"]}
    )  # fmt: skip
    row = table_of(giga, "giga", "sites", crs=CRS).frame.iloc[0]
    assert (row["site_id"], row["height_m"], row["status"], row["autonomy_h"], row["owner"]) == (
        "g1", 42.0, "active", 8.0, "vnpt",
    )  # fmt: skip
    cells = pd.DataFrame(
        {"id": ["c"], "ict_id": ["g1"], "Nhà mạng": ["v"], "radio": ["LTE"], "azimuth": [120]}
    )
    row = table_of(cells, "cells", "cells", crs=CRS).frame.iloc[0]
    assert (row["cell_id"], row["site_id"], row["operator"], row["technology"], row["azimuth_deg"]) == (
        "c", "g1", "v", "4G", 120.0,
    )  # fmt: skip


def test_a_column_of_ours_is_never_taken_for_another():
    frame = pd.DataFrame({"id": ["wrong"], "site_id": ["right"], "lon": [105.2], "lat": [22.5]})
    read = table_of(frame, "x", "sites", crs=CRS).frame
    assert read["site_id"].tolist() == ["right"]
    assert read["id"].tolist() == ["wrong"]


def test_leading_zeros_come_back_and_are_said():
    frame = pd.DataFrame(
        {"cell_id": ["a", "b"], "commune_code": [4.0, 12345.0], "population": 1, "row": 0, "col": [0, 1]}
    )
    read = table_of(frame, "x", "demand", crs=CRS)
    assert read.frame["commune_code"].tolist() == ["00004", "12345"]
    assert any("leading zeros" in n.what and n.rows == 1 for n in read.notices)


def test_empty_values_get_the_default_and_are_said():
    frame = sites(Point(5e5, 24e5), Point(5e5, 24e5)).assign(height_m=[None, 50.0], status=["", "retired"])
    read = table_of(frame, "x", "sites", crs=CRS)
    assert read.frame["height_m"].tolist() == [30.0, 50.0]
    assert read.frame["status"].tolist() == ["active", "retired"]
    assert {n.column for n in read.notices} == {"height_m", "status"}


def test_heights_of_places_are_left_out_and_said():
    read = table_of(sites(Point(5e5, 24e5, 700.0)), "x", "sites", crs=CRS)
    assert not read.frame.geometry.has_z.any()
    assert "3D" in read.notices[0].what


@pytest.mark.parametrize("shape", [None, Point(), Point(np.nan, 1.0), MultiPoint()], ids=str)
def test_empty_places_are_refused_by_row(shape):
    assert "row 2, column geometry: has no geometry" in refused(sites(Point(5e5, 24e5), shape), "sites")


def test_an_area_is_a_point_where_points_are_wanted_and_a_line_is_refused():
    read = table_of(sites(box(5e5, 24e5, 501e3, 2401e3)), "x", "sites", crs=CRS)
    assert read.frame.geometry.iloc[0].within(box(5e5, 24e5, 501e3, 2401e3))
    assert "point inside" in read.notices[0].what
    assert "row 1, column geometry: is a LineString" in refused(
        sites(LineString([(5e5, 24e5), (51e4, 24e5)])), "sites"
    )
    assert "row 1, column geometry: is a Point" in refused(communes(Point(5e5, 24e5)), "communes")


def test_invalid_shapes_are_refused_by_row_or_mended_when_asked():
    frame = communes(box(5e5, 24e5, 501e3, 2401e3), BOWTIE)
    text = refused(frame, "communes")
    assert "row 2, column geometry: is no valid shape (Self-intersection" in text
    read = table_of(frame, "x", "communes", crs=CRS, mend_shapes=True)
    assert read.frame.geometry.is_valid.all()
    assert read.frame.geometry.area.iloc[1] == pytest.approx(5e5, rel=1e-9)
    assert any("row 2" in n.what for n in read.notices)


def test_duplicate_codes_name_both_rows():
    frame = communes(
        box(5e5, 24e5, 501e3, 2401e3), box(5e5, 24e5, 501e3, 2401e3), commune_code=["00001", "00001"]
    )
    assert "row 2, column commune_code: '00001' is a duplicate of row 1" in refused(frame, "communes")


def test_huge_and_mixed_coordinates_are_refused_by_row():
    degrees = sites(
        Point(105.2, 22.5), Point(505_000, 2_400_000), Point(22.5, 105.2), Point(1e300, 5), crs="EPSG:4326"
    )
    text = refused(degrees, "sites")
    assert "row 2" in text
    assert "row 4" in text
    assert "row 3" in text
    assert "swapped" in text
    assert "row 1" not in text
    assert "outside" in refused(sites(Point(5e5, 24e5), Point(1e15, -1e15)), "sites")


def test_a_file_without_crs_needs_one_to_be_said():
    frame = sites(Point(5e5, 24e5), crs=None)
    assert "has no CRS" in refused(frame, "sites")
    columns = ColumnMap(file=FileFormat(crs="EPSG:3405"))
    assert len(table_of(frame, "x", "sites", crs=CRS, columns=columns).frame) == 1


def test_places_of_a_layer_without_places_are_left_out(tmp_path):
    frame = gpd.GeoDataFrame(
        {"line_id": ["a"], "from_id": ["x"], "to_id": ["y"], "length_km": [3.0]},
        geometry=[LineString([(0, 0), (1, 1)])], crs=CRS,
    )  # fmt: skip
    frame.to_file(tmp_path / "power_lines.gpkg")
    read = read_layer(tmp_path / "power_lines.gpkg", "power_lines", crs=CRS)
    assert "geometry" not in read.frame.columns
    assert "places were left out" in read.notices[0].what


def test_geojson_in_degrees_alone_or_packed_is_the_same(tmp_path):
    tree = {"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"site_id": "A"}, "geometry": {"type": "Point", "coordinates": [105.2, 22.5]}}
    ]}  # fmt: skip
    (tmp_path / "s.geojson").write_text(json.dumps(tree))
    (tmp_path / "s.geojson.gz").write_bytes(gzip.compress(json.dumps(tree).encode()))
    one, two = (read_table(tmp_path / n, "sites", crs=CRS) for n in ("s.geojson", "s.geojson.gz"))
    assert one.equals(two)


def test_of_several_tables_in_a_geopackage_the_layers_is_read(tmp_path):
    write_table(sites(Point(5e5, 24e5)), tmp_path / "all.gpkg", "sites")
    import pyogrio

    pyogrio.write_dataframe(
        sites(Point(5e5, 24e5), Point(5e5, 24e5)), tmp_path / "all.gpkg", layer="other", append=True
    )
    assert len(read_table(tmp_path / "all.gpkg", "sites", crs=CRS)) == 1
    with pytest.raises(InputError, match=r"several tables.*other"):
        read_table(tmp_path / "all.gpkg", "facilities", crs=CRS)


@pytest.mark.parametrize("part", ["shx", "dbf"])
def test_a_shapefile_with_parts_missing_or_cut_is_refused(tmp_path, part):
    sites(Point(5e5, 24e5), Point(51e4, 24e5)).to_file(tmp_path / "s.shp")
    path = tmp_path / f"s.{part}"
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(InputError, match="cut off"):
        read_table(tmp_path / "s.shp", "sites", crs=CRS)
    path.unlink()
    with pytest.raises(InputError, match=f"lacks its .{part}"):
        read_table(tmp_path / "s.shp", "sites", crs=CRS)


@pytest.mark.parametrize("ending", ["parquet", "gpkg"])
@pytest.mark.parametrize("keep", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_cut_file_is_refused(tmp_path, region, ending, keep):
    path = write_table(region.sites, tmp_path / f"sites.{ending}", "sites")
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data))])
    with pytest.raises(InputError, match="sites"):
        read_table(path, "sites", crs=CRS)


def test_every_problem_of_a_file_comes_at_once(tmp_path):
    path = tmp_path / "sites.csv"
    path.write_text(
        "site_id,lon,lat,height_m,structure,Điện thoại\nA,105.2,22.5,-3,towr,1\nA,22.5,105.2,x,tower,2\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as found:
        read_table(path, "sites", crs=CRS)
    told = {(p.row, p.column) for p in found.value.problems}
    assert told == {(1, "height_m"), (1, "structure"), (2, "lat"), (2, "height_m"), (2, "site_id")}


def test_what_a_region_converts_on_reading_is_among_its_repairs(tmp_path, region):
    region.write(tmp_path / "r")
    (tmp_path / "r" / "sites.parquet").unlink()
    frame = region.sites.drop(columns="geometry").assign(
        east_m=[f"{v:.2f}".replace(".", ",") for v in region.sites.geometry.x],
        north_m=[f"{v:.2f}".replace(".", ",") for v in region.sites.geometry.y],
    )
    frame.to_csv(tmp_path / "r" / "sites.csv", sep=";", index=False)
    again = Region.read(tmp_path / "r")
    assert any("decimal commas" in r for r in again.repairs["reason"])
    assert set(again.repairs["layer"]) == {"sites"}
    again.write(tmp_path / "r2")
    assert len(Region.read(tmp_path / "r2").repairs) == len(again.repairs)


def test_frames_without_optional_columns_are_completed_by_a_region(region):
    assert all({c.name for c in LAYERS[n]} <= set(getattr(region, n).columns) for n in LAYERS)

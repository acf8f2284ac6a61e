"""Files of strangers that would have GDAL read another file, never end, or hold what no layer holds."""

import json
import os
import sqlite3

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely

from phusong.errors import InputError
from phusong.hazard.track import read_track
from phusong.invest.evaluation import read_plan
from phusong.invest.plan_book import PlanBook
from phusong.invest.priorities import read_flags
from phusong.invest.unit_costs import with_own_costs
from phusong.io.raster import open_raster
from phusong.live.session import journal_records
from phusong.region.folder import Region
from phusong.region.importers import Options
from phusong.region.importers.run import import_files
from phusong.region.read.privacy import personal_kind
from phusong.region.read.raster import RasterLimits
from phusong.region.read.table import open_table
from small_region import small_region

AREA = "POLYGON ((104.9 21.6, 105.3 21.6, 105.3 21.9, 104.9 21.9, 104.9 21.6))"
VIRTUAL = (
    "<OGRVRTDataSource><OGRVRTLayer name='secret'><SrcDataSource>{secret}</SrcDataSource><LayerSRS>EPSG:4326</LayerSRS>"
    "<GeometryField encoding='WKT' field='WKT'/><Field name='population' type='Real'/></OGRVRTLayer></OGRVRTDataSource>"
)


@pytest.fixture
def virtual(tmp_path):
    """Give the text of a virtual file that leads to another."""
    secret = tmp_path / "secret.csv"
    secret.write_text(f'population,WKT\n7,"{AREA}"\n', encoding="utf-8")
    return VIRTUAL.format(secret=secret)


@pytest.mark.parametrize("kind", ["kontur", "gridfinder", "lines", "boundaries"])
@pytest.mark.parametrize("ending", [".gpkg", ".geojson", ".shp"])
def test_a_virtual_file_by_another_name_is_refused_by_every_importer(kind, ending, virtual, tmp_path):
    path = tmp_path / f"theirs{ending}"
    path.write_text(virtual, encoding="utf-8")
    with pytest.raises(InputError, match=r"theirs"):
        import_files(small_region(), kind, [path], Options())


def features(note: str) -> str:
    """Return people on one area, with a text that begins where a reader looks for the kind of a file."""
    area = json.loads(shapely.to_geojson(shapely.from_wkt(AREA)))
    feature = {"type": "Feature", "properties": {"population": 5, "name": note}, "geometry": area}
    return json.dumps({"note": note, "type": "FeatureCollection", "features": [feature]})


def test_geojson_that_holds_a_virtual_file_is_read_as_geojson(virtual, tmp_path):
    path = tmp_path / "kontur.geojson"
    path.write_text(features(virtual), encoding="utf-8")
    frame = open_table(path, "settlements").frame
    assert frame["population"].tolist() == [5]
    assert frame["name"].tolist() == [virtual]  # the text itself is kept
    few = Options(limits=RasterLimits(most_scaled=1e6))  # five people stand for the whole region here
    read = import_files(small_region(), "kontur", [path], few)
    plain = tmp_path / "plain.geojson"
    plain.write_text(features("x"), encoding="utf-8")
    same = import_files(small_region(), "kontur", [plain], few)
    np.testing.assert_array_equal(read.region.demand["population"], same.region.demand["population"])


def test_a_data_base_with_an_endless_view_is_refused_by_importers(tmp_path):
    path = tmp_path / "kontur.gpkg"
    people = gpd.GeoDataFrame({"population": [5.0]}, geometry=[shapely.from_wkt(AREA)], crs="EPSG:4326")
    people.to_file(path, driver="GPKG", layer="a")
    with sqlite3.connect(path) as database:
        database.executescript(
            "ALTER TABLE a RENAME TO b; CREATE VIEW a AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"
            " SELECT x AS fid, x AS population, (SELECT geom FROM b) AS geom FROM c;"
            " UPDATE gpkg_geometry_columns SET table_name = 'a'; UPDATE gpkg_contents SET table_name = 'a';"
        )
    database.close()
    with pytest.raises(InputError, match=r"kontur.gpkg: .* is no plain table"):
        import_files(small_region(), "kontur", [path], Options())


def book() -> PlanBook:
    """Return a book of one remedy."""
    return PlanBook.of_tables(
        {
            "remedies": pd.DataFrame({"remedy_id": ["r"], "cost_musd": [1.0]}),
            "bundles": pd.DataFrame({"bundle_id": ["b"], "remedies": ["r"]}),
            "people_groups": pd.DataFrame({"commune_code": ["00001"], "people": [10]}),
            "bundle_groups": pd.DataFrame({"bundle": [0], "group": [0]}),
        }
    )


READERS = {
    "costs": lambda path: with_own_costs(path, vnd_per_usd=25_000.0),
    "plan": lambda path: read_plan(path, book()),
    "flags": lambda path: read_flags(path, np.array(["00001"])),
    "storm": read_track,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("what", ["pipe", "device", "endless", "folder", "absent"])
def test_what_is_no_plain_file_is_refused_at_once(name, what, tmp_path):
    path = tmp_path / "theirs.csv"
    if what == "pipe":
        os.mkfifo(path)
    elif what == "device":
        path.symlink_to("/dev/zero")
    elif what == "folder":
        path.mkdir()
    elif what == "endless":
        with path.open("wb") as file:
            file.truncate(10**12)  # sparse
    with pytest.raises(InputError, match=r"theirs"):
        READERS[name](path)


def test_repairs_and_rasters_of_a_region_are_plain_files(tmp_path):
    folder = small_region().write(tmp_path / "region")
    repairs = folder / "repairs.csv"
    with repairs.open("wb") as file:
        file.truncate(10**12)  # sparse
    with pytest.raises(InputError, match=r"repairs.csv"):
        Region.read(folder)
    repairs.unlink()
    os.mkfifo(repairs)
    with pytest.raises(InputError, match=r"repairs.csv"):
        Region.read(folder)
    for name in ("heights.tif", "heights.vrt"):
        os.mkfifo(tmp_path / name)
        with pytest.raises(InputError, match=r"heights"), open_raster(tmp_path / name):
            pass


def test_pipes_in_a_folder_of_tiles_are_passed_over(tmp_path):
    os.mkfifo(tmp_path / "tile.tif")
    with pytest.raises(InputError, match="holds no file of use"):
        import_files(small_region(), "worldpop", [tmp_path], Options())


def test_a_journal_without_end_is_refused(tmp_path):
    path = tmp_path / "journal.jsonl"
    with path.open("wb") as file:
        file.truncate(10**12)  # sparse
    with pytest.raises(InputError, match="longer than"):
        journal_records(path)


def test_a_raster_of_complex_numbers_is_refused_in_words(tmp_path):
    path = tmp_path / "cover.tif"
    place = {"crs": "EPSG:4326", "transform": rasterio.Affine(0.01, 0, 104.9, 0, -0.01, 22)}
    with rasterio.open(
        path, "w", driver="GTiff", count=1, width=40, height=40, dtype="complex64", **place
    ) as out:
        out.write(np.ones((40, 40), np.complex64), 1)
    for kind in ("worldcover", "worldpop", "elevation"):
        with pytest.raises(InputError, match=r"cover.tif: holds complex numbers"):
            import_files(small_region(), kind, [path], Options())


def test_a_long_text_without_an_address_is_searched_once():
    # tried from each of its letters to the last it would take hours
    assert personal_kind(pd.Series(["x" * 2_000_000]), "note") == ""
    assert personal_kind(pd.Series(["x" * 10_000 + " an.xa@vnpt.vn"]), "note") == "e-mail address"


def test_bytes_in_a_parquet_file_are_text_or_refused(tmp_path):
    path = tmp_path / "operators.parquet"
    pq.write_table(pa.table({"operator": [b"red"], "note": ["Đỏ".encode()]}), path)
    assert open_table(path, "operators").frame.to_dict("records") == [{"operator": "red", "note": "Đỏ"}]
    pq.write_table(pa.table({"operator": [b"\x80\x04"]}), path)
    with pytest.raises(InputError, match=r"operators.parquet: cannot be read"):
        open_table(path, "operators")

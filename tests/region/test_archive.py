"""Archives: one table out of them, nothing outside of them, no more than allowed."""

import zipfile
from pathlib import Path

import geopandas as gpd
import pytest
from shapely import Point

from phusong.errors import InputError
from phusong.io.archive import unpacked
from phusong.region.read.table import read_table

CRS = "EPSG:32648"
SITES = "site_id,lon,lat\nA,105.2,22.5\n"


def pack(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files.items():
            out.writestr(name, content)
    return path


def test_the_one_table_of_an_archive_is_read(tmp_path):
    path = pack(tmp_path / "a.zip", {"data/list.csv": SITES, "data/readme.md": "x"})
    assert read_table(path, "sites", crs=CRS)["site_id"].tolist() == ["A"]


def test_of_several_tables_the_layers_is_read(tmp_path):
    path = pack(tmp_path / "a.zip", {"cells.csv": "x,y\n1,2\n", "sites.csv": SITES})
    assert len(read_table(path, "sites", crs=CRS)) == 1
    with pytest.raises(InputError, match=r"one table.*cells\.csv, sites\.csv"):
        read_table(path, "links", crs=CRS)


def test_a_packed_shapefile_is_read_whole(tmp_path):
    frame = gpd.GeoDataFrame({"site_id": ["A", "B"]}, geometry=[Point(5e5, 24e5), Point(51e4, 24e5)], crs=CRS)
    frame.to_file(tmp_path / "s.shp")
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as out:
        for part in tmp_path.glob("s.*"):
            if part.suffix != ".zip":
                out.write(part, f"in/{part.name}")
    assert read_table(tmp_path / "s.zip", "sites", crs=CRS)["site_id"].tolist() == ["A", "B"]


@pytest.mark.parametrize(
    "name", ["../sites.csv", "/etc/sites.csv", "a/../../sites.csv", "..\\sites.csv", "C:\\sites.csv"]
)
def test_paths_that_lead_out_are_refused(tmp_path, name):
    path = pack(tmp_path / "a.zip", {name: SITES})
    with pytest.raises(InputError, match="leads out of the archive"):
        read_table(path, "sites", crs=CRS)
    assert [p.name for p in tmp_path.rglob("*.csv")] == []


def test_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("sites.csv")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match="holds a link"):
        read_table(tmp_path / "a.zip", "sites", crs=CRS)


def test_content_beyond_the_limit_is_refused(tmp_path):
    path = pack(tmp_path / "a.zip", {"sites.csv": "0" * 100_000})
    with pytest.raises(InputError, match="at most"), unpacked(path, most_bytes=10_000):
        pass


def test_content_beyond_what_the_directory_states_is_refused(tmp_path):
    path = pack(tmp_path / "a.zip", {"sites.csv": "0" * 100_000})
    data = bytearray(path.read_bytes())
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = (100).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(InputError), unpacked(path, most_bytes=10_000):
        pass


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_a_cut_archive_is_refused(tmp_path, keep):
    path = pack(tmp_path / "a.zip", {"sites.csv": SITES * 100})
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data))])
    with pytest.raises(InputError, match="cut off"):
        read_table(path, "sites", crs=CRS)


def test_a_changed_byte_in_an_archive_is_refused(tmp_path):
    path = pack(tmp_path / "a.zip", {"sites.csv": SITES * 100})
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(InputError):
        read_table(path, "sites", crs=CRS)

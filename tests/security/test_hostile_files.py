"""Files that are bombs, endless, deep, or lead elsewhere: refused in a sentence, before they cost memory or time."""

import gzip
import json
import pickle
import resource
import sqlite3
import struct
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from phusong.compute.serialize import PackingError, pack, unpack
from phusong.errors import InputError
from phusong.io.archive import unpacked, unpacked_files
from phusong.io.raster import open_raster
from phusong.live.events import LineError, parse
from phusong.radio.link_budget import pattern_tables
from phusong.region.antennas import read_antennas
from phusong.region.folder import Region, read_heights
from phusong.region.importers import Options
from phusong.region.importers.run import import_files
from phusong.region.postgis import relation_of
from phusong.region.read.columns import read_column_maps
from phusong.region.read.table import open_table, read_text_table, write_table
from phusong.scenario import Scenario
from small_region import CRS, small_region

LITTLE = 600 * 2**20  # what a refusal may take beside what is there already. [bytes]


@pytest.fixture(autouse=True)
def little_memory():
    """Let a test reserve little more address space than the process has: a bomb that goes off raises MemoryError."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    allow(LITTLE)
    yield
    resource.setrlimit(resource.RLIMIT_AS, limits)


def allow(more: int) -> None:
    now = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + more, resource.getrlimit(resource.RLIMIT_AS)[1]))


TOML = {
    "arrays within arrays": "a = " + "[" * 10_000 + "]" * 10_000,
    "tables within tables": "a = " + "{a=" * 10_000 + "1" + "}" * 10_000,
    "a dotted key": "a" + ".a" * 100_000 + " = 1",
    "a quoted dotted key": "a" + '."a b"' * 100_000 + " = 1",
    "a dotted heading": "[a" + ".a" * 10_000 + "]",
    "many long headings": "\n".join(f"[a{k}{'.a' * 400}]" for k in range(1000)),
    "a number of 5,000 digits": "seed = " + "9" * 5000,
    "a hexadecimal number": "seed = 0x" + "f" * 90_000,
    "a megabyte of key": '"' + "k" * 1_100_000 + '" = 1',
    "not UTF-8": "title = '\udcff'",
    "a zero byte": "title = '\0'",
}


@pytest.mark.parametrize("name", TOML)
def test_toml_bombs_are_refused_by_every_reader(name, tmp_path):
    path = tmp_path / "scenario.toml"
    path.write_bytes(TOML[name].encode("utf-8", "surrogateescape"))
    (tmp_path / "region.toml").write_bytes(path.read_bytes())
    for read in (Scenario.read, read_column_maps):
        with pytest.raises(InputError, match=r"scenario.toml"):
            read(path)
    with pytest.raises(InputError, match=r"region.toml"):
        Region.read(tmp_path)


def test_a_hundred_megabytes_of_toml_are_not_even_read(tmp_path):
    path = tmp_path / "scenario.toml"
    with path.open("wb") as file:
        file.truncate(10**11)  # sparse
    with pytest.raises(InputError, match="longer than"):
        Scenario.read(path)


@pytest.mark.parametrize("key", ["a" + ".a" * 50_000, "seed" + ".a" * 100, "region.path" + ".x" * 40])
def test_an_override_goes_no_deeper_than_settings_do(key):
    with pytest.raises(InputError, match="--set"):
        Scenario.read("default", [f"{key}=1"])


@pytest.mark.parametrize("value", ["0x" + "f" * 90_000, "[" * 10_000, "9" * 5000, "nan", "inf", "-inf"])
def test_an_override_of_any_value_is_refused_or_understood(value):
    with pytest.raises(InputError, match="seed"):
        Scenario.read("default", [f"seed={value}"])


@pytest.mark.parametrize(
    "base", ["../../etc/passwd", "/etc/passwd", "/dev/zero", "x\0.toml", "", "default.toml/../../x"]
)
def test_a_scenario_extends_scenarios_only(base, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(f"extends = {json.dumps(base)}", encoding="utf-8")
    with pytest.raises(InputError, match=r"mine.toml column extends"):
        Scenario.read(path)


def test_an_endless_row_of_scenarios_ends(tmp_path):
    for k in range(100):
        (tmp_path / f"s{k}.toml").write_text(f'extends = "s{k + 1}.toml"', encoding="utf-8")
    with pytest.raises(InputError, match="more than 20"):
        Scenario.read(tmp_path / "s0.toml")


def zipped(path: Path, name: str, data: bytes = b"a,b\n1,2\n", attribute: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        member = zipfile.ZipInfo(name)
        member.external_attr = attribute << 16
        member.compress_type = zipfile.ZIP_DEFLATED
        out.writestr(member, data)
    return path


@pytest.mark.parametrize(
    ("name", "attribute"),
    [("../sites.csv", 0), ("/etc/sites.csv", 0), ("a/../../sites.csv", 0), ("..\\sites.csv", 0), ("C:\\sites.csv", 0),
     ("sites.csv", 0o120777)],
)  # fmt: skip
def test_nothing_is_unpacked_out_of_its_folder(name, attribute, tmp_path):
    path = zipped(
        tmp_path / "in" / "sites.zip" if (tmp_path / "in").mkdir() is None else tmp_path,
        name,
        attribute=attribute,
    )
    with pytest.raises(InputError, match=r"leads out|link"), unpacked(path, "sites"):
        pass
    with pytest.raises(InputError, match=r"leads out|link"), unpacked_files([path], (".csv",)):
        pass
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["sites.zip"]


def test_a_zip_that_lies_about_its_size_is_stopped_where_it_should_end(tmp_path):
    path = zipped(tmp_path / "sites.zip", "sites.csv", b"0" * 3_000_000)
    data = path.read_bytes()
    true = struct.pack("<I", 3_000_000)
    path.write_bytes(data.replace(true, struct.pack("<I", 10)))
    with pytest.raises(InputError, match=r"sites.zip"), unpacked(path, "sites", most_bytes=1_000_000):
        pass


def test_a_gzip_bomb_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("phusong.region.read.table.MOST_TABLE_BYTES", 20_000_000)
    path = tmp_path / "sites.csv.gz"
    path.write_bytes(gzip.compress(b"0" * 50_000_000))
    with pytest.raises(InputError, match="holds more than"):
        open_table(path, "sites")


def test_a_gzip_file_takes_the_memory_of_what_it_holds(tmp_path):
    path = tmp_path / "sites.csv.gz"
    path.write_bytes(gzip.compress(b"site_id,owner\ns1,red\n"))
    assert len(open_table(path, "sites").frame) == 1


@pytest.mark.parametrize("text", [
    ",".join(f"c{k}" for k in range(1_000_000)) + "\n",
    "a,b\n" + "," * 5_000_000 + "\n",
    "a,b\n1," + "x" * 5_000_000 + "\n",
    'a,b\n1,"' + "x\n" * 2_000_000 + '"\n',
], ids=["columns", "values", "field", "lines of a field"])  # fmt: skip
def test_a_table_too_wide_is_refused(text):
    with pytest.raises(InputError, match=r"sites.csv"):
        read_text_table(text.encode(), "sites.csv", known=["a"])


def tiff_header(side: int) -> bytes:
    """Return a GeoTIFF that states side × side pixels in one strip and holds none of them."""
    entries = [(256, 4, 1, side), (257, 4, 1, side), (258, 3, 1, 32), (259, 3, 1, 1), (262, 3, 1, 1),
               (273, 4, 1, 0), (277, 3, 1, 1), (278, 4, 1, 1), (279, 4, 1, 0), (339, 3, 1, 3)]  # fmt: skip
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + b"\0\0\0\0"


@pytest.mark.parametrize("side", [100_000, 2**31 - 1])
def test_a_raster_is_refused_by_the_size_it_states(side, tmp_path):
    path = tmp_path / "elevation.tif"
    path.write_bytes(tiff_header(side))
    with pytest.raises(InputError, match=r"elevation.tif"):
        read_heights(path, CRS)
    with pytest.raises((InputError, OSError), match=r"pixels|tif|large|TIFF"), open_raster(path):
        pass


def test_a_sparse_raster_of_ten_gigapixels_is_refused_in_words(tmp_path):
    import rasterio

    path = tmp_path / "elevation.tif"
    profile = {"driver": "GTiff", "width": 100_000, "height": 100_000, "count": 1, "dtype": "float32", "tiled": True,
               "blockxsize": 4096, "blockysize": 4096, "SPARSE_OK": True, "crs": CRS}  # fmt: skip
    with rasterio.open(path, "w", transform=rasterio.Affine(100, 0, 0, 0, -100, 0), **profile):
        pass
    with pytest.raises(InputError, match=r"states 100,000 × 100,000 pixels; at most"):
        read_heights(path, CRS)
    with pytest.raises(InputError, match=r"states 100,000 × 100,000 pixels; at most"), open_raster(path):
        pass


VRT = """<VRTDataset rasterXSize="2" rasterYSize="2"><VRTRasterBand dataType="Byte" band="1"{more}><SimpleSource>
<SourceFilename relativeToVRT="0">{name}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"""


def test_a_tif_that_is_a_virtual_raster_is_no_tif(tmp_path):
    path = tmp_path / "elevation.tif"
    path.write_text(VRT.format(name="/vsicurl/http://127.0.0.1:9/x.tif", more=""), encoding="utf-8")
    with pytest.raises(InputError, match="no readable GeoTIFF"):
        read_heights(path, CRS)


@pytest.mark.parametrize(("name", "more"), [
    ("/vsicurl/http://127.0.0.1:9/x.tif", ""), ("&#47;vsicurl/http://127.0.0.1:9/x.tif", ""), ("/etc/passwd", ""),
    ("http://127.0.0.1:9/x.tif", ""), ("other.vrt", ""), ("<![CDATA[/vsicurl/x.tif]]>", ""), ("false.tif", ""),
    ("PG:host=127.0.0.1", ""), ("x.tif", ' subClass="VRTDerivedRasterBand"'), ("x.tif", ' subClass="VRTRawRasterBand"'),
])  # fmt: skip
def test_a_virtual_raster_leads_to_raster_files_only(name, more, tmp_path):
    path = tmp_path / "heights.vrt"
    path.write_text(VRT.format(name=name, more=more), encoding="utf-8")
    for other in ("other.vrt", "false.tif"):
        (tmp_path / other).write_text(VRT.format(name="/vsicurl/x.tif", more=""), encoding="utf-8")
    with pytest.raises(InputError, match=r"heights.vrt"), open_raster(path):
        pass


@pytest.mark.parametrize("sql", [
    "CREATE VIEW endless AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c",
    "CREATE TABLE g (a INT, b BLOB GENERATED ALWAYS AS (zeroblob(1000000000)))",
    """PRAGMA writable_schema=1; INSERT INTO sqlite_master VALUES ('table','v','v',0,
    'CREATE VIRTUAL TABLE v USING VirtualOGR(''/etc/passwd'')')""",
], ids=["view", "generated", "virtual"])  # fmt: skip
def test_a_geopackage_that_computes_is_refused(sql, tmp_path):
    path = write_table(small_region().sites, tmp_path / "sites.gpkg", "sites")
    with sqlite3.connect(path) as database:
        database.executescript(sql)
    database.close()
    with pytest.raises(InputError, match=r"sites.gpkg: .*plain table"):
        open_table(path, "sites")


def test_triggers_of_a_geopackage_never_fire(tmp_path):
    path = write_table(small_region().sites, tmp_path / "sites.gpkg", "sites")
    with sqlite3.connect(path) as database:
        database.executescript(
            "CREATE TABLE told (x); CREATE TRIGGER t AFTER INSERT ON sites BEGIN DELETE FROM sites; END"
        )
    database.close()
    before = path.read_bytes()
    assert len(open_table(path, "sites").frame) == len(small_region().sites)
    assert path.read_bytes() == before


EVENTS = {
    "deep": b"[" * 30_000,
    "deep objects": b'{"a":' * 10_000,
    "digits": b'{"id": ' + b"9" * 6000 + b"}",
    "version of digits": b'{"version": 1e400}',
    "nan": b'{"id": "1", "time": NaN}',
    "infinity": b'{"id": "1", "payload": {"amount_musd": -Infinity}}',
    "a thousand keys": json.dumps({f"k{k}": k for k in range(5000)}).encode(),
    "one key twice": ("{" + ",".join(f'"{k}":1' for k in range(6000)) + ',"5999":1}').encode(),
    "surrogates": b'{"id": "\\ud800"}',
    "long": b"x" * 70_000,
    "time": b'{"id":"1","time":"9999999999999999999999","kind":"clock"}',
    "seconds": b'{"id":"1","time":1e300,"kind":"clock"}',
}


@pytest.mark.parametrize("name", EVENTS)
def test_a_line_that_is_no_event_says_why(name):
    with pytest.raises(LineError) as told:
        parse(EVENTS[name])
    assert len(str(told.value)) > 8


class Payload:
    """What a pickle would run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_pickles_in_a_parquet_file_are_never_opened(tmp_path):
    mark = tmp_path / "ran"
    evil = pickle.dumps(Payload(mark))
    field = pa.field("x", pa.binary(), metadata={
        b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": evil,
    })  # fmt: skip
    about = json.dumps({
        "index_columns": ["x"], "column_indexes": [], "pandas_version": "2.2.0", "creator": {"library": "pyarrow"},
        "columns": [{"name": "x", "field_name": "x", "pandas_type": "object", "numpy_type": "os.system",
                     "metadata": {"class": "subprocess.Popen"}}],
    }).encode()  # fmt: skip
    table = pa.table({"x": [evil]}, schema=pa.schema([field], metadata={b"pandas": about}))
    path = tmp_path / "sites.parquet"
    pq.write_table(table, path)
    try:
        open_table(path, "sites")
    except InputError as error:
        assert "sites.parquet" in str(error)  # noqa: PT017 - either is right
    assert not mark.exists()


def test_a_value_of_the_store_is_never_a_pickle_or_another_type(tmp_path):
    with pytest.raises(PackingError):
        unpack(pickle.dumps(Payload(tmp_path / "ran")))
    packed = pack(small_region().grid)
    with pytest.raises(PackingError, match="not expected"):
        unpack(packed)
    assert not (tmp_path / "ran").exists()


def test_arrays_of_objects_are_refused_by_name():
    with pytest.raises(TypeError):
        pack(Payload(Path("x")))
    assert unpack(pack(np.array(["a", None], object))).tolist() == ["a", None]


def test_an_antenna_name_is_a_name_of_a_file_in_its_folder(tmp_path):
    folder = small_region().write(tmp_path / "region")
    (tmp_path / "outside.msi").write_text("NAME x\n", encoding="utf-8")
    region = Region.read(folder)
    cells = region.cells.assign(antenna_pattern="../outside.msi")
    with pytest.raises(InputError, match="antenna_pattern"):
        pattern_tables(cells["antenna_pattern"].tolist(), region.antennas)
    assert read_antennas(folder / "antennas") == {}


@pytest.mark.parametrize("text", ['x"; DROP TABLE sites; --', "x\0y", 'a"b', "sites; SELECT 1"])
def test_a_name_of_a_table_is_a_name_or_refused(text):
    with pytest.raises(InputError):
        relation_of(text, "region.toml")


@pytest.mark.parametrize(
    "toml",
    [
        "region = 5",
        "[region]\ncrs = 'EPSG:32648'\n[layers]\nsites = 5",
        "layers = 'x'",
        "[region]\ncrs = '+proj=utm +zone=48 +nadgrids=/etc/passwd'",
        "[region]\ncrs = '/etc/passwd'",
    ],
)
def test_a_region_file_of_other_shapes_is_refused(toml, tmp_path):
    folder = small_region().write(tmp_path / "region")
    (folder / "region.toml").write_text(toml, encoding="utf-8")
    (folder / "repairs.csv").write_bytes(b'"\0,,,\n1,2,3,4,5\n"')
    with pytest.raises(InputError, match=r"region.toml|tif|repairs.csv"):
        Region.read(folder)


def test_a_frame_of_the_journal_that_is_deep_is_damage(tmp_path):
    import zlib

    from phusong.live.session import journal_records

    text = b"[" * 100_000
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"%08x %b\n" % (zlib.crc32(text), text) * 2)
    with pytest.raises(InputError, match="damaged"):
        journal_records(path)


def test_a_line_of_events_that_never_ends_takes_no_memory(tmp_path):
    from phusong.live.timeline import FilesRead, Waiting, batches

    path = tmp_path / "events.jsonl"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)  # sparse: zeros, no line end
    allow(100 * 2**20)
    found = list(batches(str(path), FilesRead(), follow=False))
    assert len(found) == 1
    assert isinstance(found[0], Waiting)
    with path.open("ab") as file:
        file.write(b'\n{"id": "1"}\n')
    (lines,) = batches(str(path), FilesRead(), follow=False)
    assert [line.number for line in lines] == [1, 2]
    assert lines[1].end == path.stat().st_size


def test_text_frames_have_no_objects_but_text():
    frame = read_text_table(b"a,b\n__import__('os'),1\n", "x.csv", known=["a"]).frame
    assert isinstance(frame, pd.DataFrame)
    assert frame["a"].tolist() == ["__import__('os')"]


@pytest.mark.parametrize("corner", [[105.0, 9.9e300], [105.0, 91.0], [-180.0, -89.0]])
def test_people_on_areas_beyond_the_world_are_refused_or_elsewhere(corner, tmp_path):
    ring = [[104.9, 21.6], corner, [105.3, 21.9], [104.9, 21.6]]
    shape = {
        "type": "Feature",
        "properties": {"population": 5},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    path = tmp_path / "kontur.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [shape]}), encoding="utf-8")
    try:
        found = import_files(small_region(), "kontur", [path], Options())
    except InputError as error:
        assert "kontur.geojson" in str(error)  # noqa: PT017 - either is right
    else:
        assert found.region.demand["population"].sum() > 0

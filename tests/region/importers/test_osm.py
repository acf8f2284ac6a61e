"""OpenStreetMap extracts, written by osmium itself: what is of use is found, in the region, from whole files only."""

import geopandas as gpd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from phusong.errors import InputError
from phusong.region.importers import IMPORTERS, Options
from phusong.region.importers.osm import read_osm, roads_of
from phusong.region.replace import with_imported
from phusong.region.validate import check_region
from small_region import small_region

osmium = pytest.importorskip("osmium")
TO_DEGREES = Transformer.from_crs("EPSG:32648", "EPSG:4326", always_xy=True)


class Extract:
    """An extract in the making: things by their place in metres."""

    def __init__(self):
        self.nodes, self.ways, self.relations = [], [], []

    def node(self, east, north, **tags):
        self.nodes.append(
            (TO_DEGREES.transform(east, north), {k.replace("__", ":"): v for k, v in tags.items()})
        )
        return len(self.nodes)

    def way(self, points, *, closed=False, **tags):
        refs = [p if isinstance(p, int) else self.node(*p) for p in points]
        self.ways.append((refs + refs[:1] * closed, {k.replace("__", ":"): v for k, v in tags.items()}))
        return len(self.ways)

    def relation(self, way, **tags):
        self.relations.append((way, tags))

    def write(self, path):
        writer = osmium.SimpleWriter(str(path), overwrite=True)
        m = osmium.osm.mutable
        for i, (place, tags) in enumerate(self.nodes, 1):
            writer.add_node(m.Node(id=i, location=place, tags=tags))
        for i, (refs, tags) in enumerate(self.ways, 1):
            writer.add_way(m.Way(id=i, nodes=refs, tags=tags))
        for i, (way, tags) in enumerate(self.relations, 1):
            writer.add_relation(m.Relation(id=i, members=[("w", way, "outer")], tags=tags))
        writer.close()
        return path


def square(east, north, side=60.0):
    return [(east, north), (east + side, north), (east + side, north + side), (east, north + side)]


def extract():
    e = Extract()
    e.way(square(508_000, 2_410_000), closed=True, power="substation", voltage="110000;35000")
    start = e.node(508_030, 2_410_030)
    e.way([start, (511_000, 2_413_000), (515_000, 2_415_000)], power="line", voltage="35000")
    e.way([(501_000, 2_401_000), (502_000, 2_401_000)], power="minor_line")
    e.way([(518_000, 2_401_000), (519_000, 2_402_000)], power="line", voltage="110000", disused="yes")
    e.node(504_000, 2_404_000, amenity="school", name="Trường PTDTBT Minh Tân")
    e.way(square(506_000, 2_406_000), closed=True, amenity="school")
    ring = e.way(square(513_000, 2_403_000), closed=True)
    e.relation(ring, type="multipolygon", amenity="hospital")
    e.node(514_000, 2_414_000, office="government", name="UBND xã Hùng Đức")
    e.node(514_500, 2_414_000, amenity="restaurant")
    e.node(
        512_000, 2_408_000, man_made="tower", tower__type="communication", operator="Viettel", height="42 m"
    )
    e.node(512_000, 2_407_000, man_made="tower", tower__type="watchtower")
    e.node(900_000, 2_408_000, amenity="school")
    e.way([(505_000, 2_405_000), (506_000, 2_407_000)], highway="tertiary")
    e.way(square(505_500, 2_405_000), closed=True, building="yes")
    return e


def imported(region, path, **options):
    return IMPORTERS["osm"].read(region, [path], Options(**options))


def test_an_extract_makes_a_sound_region(region, tmp_path):
    found = imported(region, extract().write(tmp_path / "vn.osm.pbf"))
    assert set(found.layers) == {"power_nodes", "power_lines", "facilities"}
    kinds = found.layers["facilities"]["kind"].value_counts().to_dict()
    assert kinds == {"school": 2, "clinic": 1, "commune office": 1}
    out = with_imported(region, found).region
    assert check_region(out) == []
    assert out.source_of("facilities").kind == "measured"
    assert out.source_of("power_lines").licence == "ODbL 1.0"
    osm = out.power_lines[out.power_lines["origin"] == "osm"]
    assert set(osm["voltage_kv"]) == {35.0, 0.0}  # the lone minor line names none
    stations = out.power_nodes[out.power_nodes["kind"] == "substation"]["node_id"].tolist()
    # the modelled one near it stood for it; the lone minor line may have an inferred one
    assert {i for i in stations if i.startswith("osm")} == {"osm-w1"}
    assert "ss" not in stations
    assert any("km with an inferred (modelled) source" in str(n) for n in found.notices)


def test_each_facility_lies_in_its_commune(region, tmp_path):
    layer = imported(region, extract().write(tmp_path / "vn.osm.pbf")).layers["facilities"]
    shapes = region.communes.set_index("commune_code").geometry
    assert all(shapes[c].covers(p) for c, p in zip(layer["commune_code"], layer.geometry, strict=True))
    assert "osm-r1" in set(layer["facility_id"])  # the hospital drawn as a relation


def test_towers_and_roads_come_only_when_asked(region, tmp_path):
    path = extract().write(tmp_path / "vn.osm.pbf")
    assert any("--layer sites" in str(n) for n in imported(region, path).notices)
    found = imported(region, path, layers=("sites",))
    assert set(found.layers) == {"sites"}
    sites = found.layers["sites"]
    assert (sites["owner"].tolist(), sites["height_m"].tolist()) == (["Viettel"], [42.0])
    with pytest.raises(InputError, match='--operator "Viettel=OPERATOR"'):
        with_imported(region, found)
    assert check_region(with_imported(region, found, operators={"Viettel": "red"}).region) == []
    roads = roads_of(path, region)
    assert isinstance(roads, gpd.GeoDataFrame)
    assert roads["kind"].tolist() == ["tertiary"]
    assert roads.geometry.length.iloc[0] == pytest.approx(2236, rel=1e-3)


def test_only_what_is_asked_for_is_taken(region, tmp_path):
    path = extract().write(tmp_path / "vn.osm.pbf")
    assert set(imported(region, path, layers=("facilities",)).layers) == {"facilities"}


def test_ways_without_their_nodes_are_counted(region, tmp_path):
    e = extract()
    e.way([9_001, 9_002], power="line")
    found = imported(region, e.write(tmp_path / "vn.osm.pbf"))
    assert any("lack nodes" in str(n) and n.rows == 1 for n in found.notices)


def test_an_extract_of_another_place_is_refused(region, tmp_path):
    e = Extract()
    e.node(900_000, 2_408_000, amenity="school")
    with pytest.raises(InputError, match="nothing of use in the region"):
        imported(region, e.write(tmp_path / "far.osm.pbf"))


@pytest.mark.parametrize("keep", [0.3, 0.7, 0.99])
def test_a_file_cut_off_is_refused(region, tmp_path, keep):
    e = extract()
    for i in range(20_000):
        e.node(500_000 + i, 2_400_000 + i, amenity="bench", ref=str(i * i))
    path = e.write(tmp_path / "vn.osm.pbf")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(InputError, match=r"vn\.osm\.pbf.*cut off"):
        imported(region, path)


@pytest.mark.parametrize(
    ("name", "content"),
    [("vn.osm.pbf", b"\x00" * 100), ("vn.osm.pbf", b""), ("vn.zip", b"PK"), ("vn.osm", b"<osm")],
)
def test_other_files_are_refused(region, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        imported(region, tmp_path / name)
    with pytest.raises(InputError, match="does not exist"):
        imported(region, tmp_path / "none.osm.pbf")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_extracts_are_read_or_refused_never_a_traceback(tmp_path, data):
    source = tmp_path / "base.osm.pbf"
    if not source.exists():
        extract().write(source)
    base = bytearray(source.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(base) - 1))
        if data.draw(st.booleans()):
            base[at] = data.draw(st.integers(0, 255))
        else:
            del base[at : at + data.draw(st.integers(1, 30))]
        if not base:
            break
    path = tmp_path / "mutated.osm.pbf"
    path.write_bytes(bytes(base))
    try:
        read_osm(path, (104.0, 21.0, 106.0, 23.0))
    except InputError as error:
        assert "mutated.osm.pbf" in str(error)  # noqa: PT017 - it may as well be read


def test_the_same_extract_gives_the_same_layers(tmp_path):
    path = extract().write(tmp_path / "vn.osm.pbf")
    one, other = (imported(small_region(), path).layers for _ in range(2))
    assert all(one[k].equals(other[k]) for k in one)

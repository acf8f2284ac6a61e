"""Drawn power lines: joined at their ends, hung on the region's nodes as one tree, what reaches no source reported."""

import gzip
import itertools
import zipfile
from dataclasses import replace

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.transform import from_origin

from phusong.errors import InputError
from phusong.region.importers import IMPORTERS, Options
from phusong.region.power_merge import join_lines
from phusong.region.power_topology import line_network, simple_lines
from phusong.region.replace import with_imported
from phusong.region.validate import check_region
from reference_cases import REFERENCE, needs_reference
from small_region import CRS

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

# the small region: a substation in the middle, four transformers 5 km off each way
STATION, NORTH_EAST = (510_000, 2_410_000), (515_000, 2_415_000)


def line(*points):
    return shapely.LineString(points)


FEEDER = line(STATION, (512_000, 2_412_100), NORTH_EAST)
BRANCH = line((512_010, 2_412_100), (505_000, 2_415_010))
ISLAND = line((518_000, 2_401_000), (519_000, 2_401_000))


def frame(*shapes, voltage=None, crs=CRS):
    columns = {"voltage": voltage if voltage is not None else ["22000"] * len(shapes)}
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=crs)


def imported(region, path, kind="lines", **options):
    return IMPORTERS[kind].read(region, [path], Options(**options))


def joined(region, *shapes, **more):
    shapes = np.array(shapes, dtype=object)
    kv = np.full(len(shapes), 22.0)
    return join_lines(region.power_nodes, region.power_lines, shapes, kv, "map", **more)


def tree_of(lines):
    lines = lines[~lines["normally_open"]]
    return nx.DiGraph(zip(lines["from_id"], lines["to_id"], strict=True))


def test_a_real_feeder_takes_the_place_of_modelled_ones(region):
    found = joined(region, FEEDER, BRANCH)
    up = found.lines.set_index("to_id")
    assert (
        up.loc["t3", "origin"] == "connection"
    )  # it hangs on the feeder's end, not on a neighbour's modelled line
    assert up.loc["t2", "origin"] == "connection"
    path = nx.shortest_path(tree_of(found.lines), "ss", "t2")
    origins = {up.loc[b, "origin"] for _, b in itertools.pairwise(path)}
    assert origins == {"map", "connection"}
    assert found.transformers - found.moved == 2
    assert found.by_modelled_km == 0.0


def test_a_line_that_branches_off_in_mid_line_is_joined_there(region):
    found = joined(region, FEEDER, BRANCH)
    junction = found.nodes[~found.nodes["node_id"].isin(region.power_nodes["node_id"])]
    assert junction.geometry.distance(shapely.Point(512_000, 2_412_100)).min() < 15.0
    assert found.used_km == pytest.approx((FEEDER.length + BRANCH.length) / 1000, rel=0.01)


def test_pieces_that_reach_no_source_are_kept_with_a_labelled_one(region, tmp_path):
    frame(FEEDER, ISLAND, voltage=["22000", "220000"]).to_file(tmp_path / "lines.gpkg")
    found = imported(region, tmp_path / "lines.gpkg")
    assert any("1 km with an inferred (modelled) source" in str(n) for n in found.notices)
    assert any(r.new_value == "modelled source" and r.old_value == "1.000 km" for r in found.repairs)
    out = with_imported(region, found).region
    assert check_region(out) == []
    drawn = out.power_lines[out.power_lines["origin"] == "lines"]
    assert drawn["length_km"].sum() == pytest.approx((FEEDER.length + ISLAND.length) / 1000, rel=0.01)
    assert set(drawn["record_kind"]) == {"measured"}
    inferred = out.power_lines["origin"] == "inferred"
    assert set(out.power_lines.loc[inferred, "record_kind"]) == {"modelled"}
    sources = out.power_nodes[out.power_nodes["node_id"].str.fullmatch(r"g\d+s\d+")]
    assert set(sources["kind"]) == {"substation"}
    assert set(sources["record_kind"]) == {"modelled"}


def test_what_closes_a_loop_stands_open(region):
    other = line(STATION, (514_000, 2_411_000), NORTH_EAST)
    found = joined(region, FEEDER, other)
    tie = found.lines[found.lines["normally_open"]]
    assert tie["length_km"].sum() == pytest.approx(found.loop_km, abs=0.002)
    assert found.loop_km > 0
    whole = replace(region, power_nodes=found.nodes, power_lines=found.lines)
    assert check_region(whole) == []


def test_the_same_lines_given_again_change_nothing_but_their_names(region):
    once = joined(region, FEEDER, BRANCH)
    shapes = np.array([FEEDER, BRANCH], dtype=object)
    again = join_lines(once.nodes, once.lines, shapes, np.full(2, 22.0), "map")
    assert len(again.nodes) == len(once.nodes)
    assert again.lines["length_km"].sum() == pytest.approx(once.lines["length_km"].sum(), abs=0.01)
    third = join_lines(again.nodes, again.lines, shapes, np.full(2, 22.0), "map")
    assert check_region(replace(region, power_nodes=third.nodes, power_lines=third.lines)) == []


def test_high_voltage_feeds_stations_not_villages(region):
    shapes = np.array([FEEDER], dtype=object)
    found = join_lines(region.power_nodes, region.power_lines, shapes, np.array([110.0]), "map")
    assert found.transformers == 0
    assert (found.lines.loc[found.lines["origin"] == "map", "voltage_kv"] == 110.0).all()


def test_a_real_substation_takes_over_the_modelled_ones_near_it(region):
    nodes = region.power_nodes
    more = nodes.iloc[[0]].assign(node_id="osm-1")
    more = more.set_geometry(more.translate(xoff=4000.0))
    both = gpd.GeoDataFrame(pd.concat([nodes, more], ignore_index=True), crs=CRS)
    found = join_lines(
        both,
        region.power_lines,
        np.array([], dtype=object),
        np.array([]),
        "map",
        real_sources=frozenset({"osm-1"}),
    )
    kinds = found.nodes.set_index("node_id")["kind"]
    assert (kinds["ss"], kinds["osm-1"]) == ("junction", "substation")
    assert nx.descendants(tree_of(found.lines), "osm-1") == {"ss", "t0", "t1", "t2", "t3"}


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.integers(500, 520)] * 2, *[st.integers(2400, 2420)] * 2), min_size=1, max_size=25
    ),
    st.integers(0, 2),
)
def test_whatever_is_drawn_every_node_is_fed_once_and_no_line_is_lost(ends, kind):
    from small_region import small_region

    region = small_region()
    shapes = [line((a * 1000, c * 1000), (b * 1000 + 1, d * 1000)) for a, b, c, d in ends]
    found = join_lines(
        region.power_nodes,
        region.power_lines,
        np.array(shapes, dtype=object),
        np.full(len(shapes), (0.0, 22.0, 220.0)[kind]),
        "map",
    )
    tree = tree_of(found.lines)
    assert not found.lines.loc[~found.lines["normally_open"], "to_id"].duplicated().any()
    assert nx.is_directed_acyclic_graph(tree)
    sources = {i for i in found.nodes["node_id"] if i == "ss" or (i.startswith("g") and "s" in i)}
    fed = set().union(*(nx.descendants(tree, s) for s in sources if s in tree))
    assert fed >= {"t0", "t1", "t2", "t3"}
    whole = replace(region, power_nodes=found.nodes, power_lines=found.lines)
    assert check_region(whole) == []
    told = found.used_km + found.loop_km
    assert 0.0 <= found.inferred_km() <= found.used_km + 1e-6
    # what is drawn twice counts once
    assert told <= found.drawn_km + 0.001 * (1 + len(ends))
    of_map = found.lines.loc[found.lines["origin"] == "map"].groupby("normally_open")["length_km"].sum()
    assert of_map.get(False, 0.0) == pytest.approx(found.used_km, abs=0.002 * len(found.lines) + 1e-6)


@given(st.permutations(range(4)), st.booleans())
def test_the_order_and_direction_of_lines_do_not_matter(order, turned):
    shapes = [FEEDER, BRANCH, ISLAND, line(NORTH_EAST, (516_000, 2_416_000))]
    mine = [shapes[i].reverse() if turned else shapes[i] for i in order]
    one, _ = simple_lines(np.array(shapes, dtype=object))
    other, _ = simple_lines(np.array(mine, dtype=object))
    a, b = line_network(one), line_network(other)
    assert sorted(np.round(a.length_m, 3)) == sorted(np.round(b.length_m, 3))
    assert a.east_m.size == b.east_m.size


@pytest.mark.parametrize("name", ["grid.gpkg", "grid.geojson", "grid.geojson.gz", "grid.zip"])
def test_every_format_of_gridfinder_makes_a_sound_region(region, tmp_path, name):
    given_lines = (
        frame(FEEDER, BRANCH).drop(columns="voltage").assign(source="gridfinder").to_crs("EPSG:4326")
    )
    path = tmp_path / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(given_lines.to_json().encode()))
    elif name.endswith(".zip"):
        given_lines.to_file(tmp_path / "grid.shp")
        with zipfile.ZipFile(path, "w") as archive:
            for ending in ("shp", "shx", "dbf", "prj"):
                archive.write(tmp_path / f"grid.{ending}", f"grid.{ending}")
    else:
        given_lines.to_file(path)
    found = imported(region, path, "gridfinder")
    out = with_imported(region, found).region
    assert check_region(out) == []
    assert out.source_of("power_lines").kind == "modelled"
    assert out.source_of("power_lines").licence == "CC BY 4.0"
    assert "gridfinder" in set(out.power_lines["origin"])


def test_a_raster_of_predicted_lines_is_traced(region, tmp_path):
    on = np.zeros((80, 80), np.uint8)
    step = np.arange(40)
    on[39 - step[:21], 40 + step[:21]] = 1  # from the substation to the north-east, pixel by pixel
    path = tmp_path / "guess.tif"
    with rasterio.open(
        path, "w", driver="GTiff", dtype="uint8", count=1, height=80, width=80, crs=CRS,
        transform=from_origin(500_000, 2_420_000, 250, 250), nodata=255,
    ) as out:  # fmt: skip
        out.write(on, 1)
    found = imported(region, path, "gridfinder").layers["power_lines"]
    assert found.loc[found["origin"] == "gridfinder", "length_km"].sum() == pytest.approx(
        20 * 0.25 * np.sqrt(2), rel=0.01
    )


def swapped(f):
    degrees = f.to_crs("EPSG:4326")
    return degrees.set_geometry(
        gpd.GeoSeries(shapely.transform(degrees.geometry.to_numpy(), lambda xy: xy[:, ::-1]), crs="EPSG:4326")
    )


BAD = {
    "swapped coordinates": (lambda: swapped(frame(FEEDER)), ("swapped",)),
    "another place": (lambda: frame(FEEDER.buffer(0).boundary if False else shapely.transform(FEEDER, lambda xy: xy + 400_000.0)), ("does not overlap",)),
    "areas": (lambda: frame(FEEDER, FEEDER.buffer(50.0)), ("row 2", "no line")),
    "points": (lambda: frame(shapely.Point(STATION), FEEDER), ("row 1", "no line")),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_with_place_and_remedy(region, tmp_path, case):
    make, words = BAD[case]
    make().to_file(tmp_path / "lines.gpkg")
    with pytest.raises(InputError) as error:
        imported(region, tmp_path / "lines.gpkg")
    for word in ("lines.gpkg", *words):
        assert word in str(error.value), str(error.value)


def test_files_cut_off_or_without_crs_are_refused(region, tmp_path):
    frame(FEEDER).to_file(tmp_path / "lines.gpkg")
    whole = (tmp_path / "lines.gpkg").read_bytes()
    (tmp_path / "half.gpkg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"half\.gpkg: is cut off"):
        imported(region, tmp_path / "half.gpkg")
    frame(FEEDER).to_file(tmp_path / "bare.shp")
    (tmp_path / "bare.prj").unlink()
    with pytest.raises(InputError, match="no CRS"):
        imported(region, tmp_path / "bare.shp")
    assert "power_lines" in imported(region, tmp_path / "bare.shp", crs=CRS).layers
    (tmp_path / "x.gpkg").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"x\.gpkg"):
        imported(region, tmp_path / "x.gpkg")


def test_lines_with_heights_are_taken_flat(region, tmp_path):
    frame(shapely.force_3d(FEEDER, 900.0)).to_file(tmp_path / "lines.gpkg")
    assert "power_lines" in imported(region, tmp_path / "lines.gpkg").layers


@needs_reference
def test_the_published_lines_are_read_where_the_region_lies(region):
    path = REFERENCE / "data" / "power_lines_rebuilt_osm2025.geojson.gz"
    out = with_imported(region, imported(region, path)).region
    assert check_region(out) == []

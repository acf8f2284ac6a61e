"""Heights, powers and frequencies with their units written beside them."""

import json
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from phusong.errors import InputError
from phusong.region.importers import IMPORTERS, Options
from phusong.region.importers.run import import_files, options_of
from phusong.region.read.headings import UNITS
from phusong.region.read.table import read_layer
from phusong.region.read.values import measures_of, typed, unit_meant

CRS = "EPSG:32648"


def column(*texts):
    return pd.Series(list(texts), dtype="str")


def written(path, rows, head="site_id,longitude,latitude,height_m"):
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def heights(path, **how):
    return read_layer(path, "sites", crs=CRS, **how)


def listed(*texts):
    return [f'n{k},{105.05 + k / 1000:.3f},21.75,"{t}"' for k, t in enumerate(texts)]


@pytest.mark.parametrize(
    ("text", "own", "value"),
    [
        ("30m", "m", 30.0),
        ("30 m", "m", 30.0),
        ("30 mét", "m", 30.0),
        ("98 ft", "m", 29.8704),
        ("98 FEET", "m", 29.8704),
        ("30,5 m", "m", 30.5),
        ("0.03 km", "m", 30.0),
        ("900 MHz", "MHz", 900.0),
        ("900MHZ", "MHz", 900.0),
        ("2.1 GHz", "MHz", 2100.0),
        ("43 dBm", "dBm", 43.0),
        ("20 W", "dBm", 43.0103),
        ("120°", "°", 120.0),
        ("99,9 %", "share", 0.999),
        ("90 phút", "h", 1.5),
        ("1.200 người", "people", 1200.0),
    ],
)
def test_a_number_with_its_unit_is_read_in_ours(text, own, value):
    found = measures_of(column(text), own, whole=own == "people")
    assert found.numbers.number == pytest.approx([value], rel=1e-5)
    assert not (found.strange | found.bare | found.numbers.wrong).any()


@given(st.sampled_from(sorted(UNITS)), st.data(), st.floats(0.001, 9999.0).map(lambda v: round(v, 3)))
def test_every_unit_of_the_table_is_understood_beside_a_number(own, data, value):
    unit = data.draw(st.sampled_from([own, *UNITS[own]]))
    found = measures_of(column(f"{value} {unit}", f"{value}{unit}"), own)
    asked = value if unit == own else UNITS[own][unit](np.array([value]))[0]
    assert found.numbers.number == pytest.approx([asked] * 2)


def test_a_milliwatt_is_no_megawatt():
    assert unit_meant("MW", "dBm") == ""
    assert unit_meant("mw", "kW") == ""
    assert measures_of(column("5 MW", "1 W"), "dBm").strange.tolist() == [True, False]


def test_a_list_with_units_is_read_and_told(tmp_path):
    read = heights(written(tmp_path / "s.csv", listed("30m", "30 m", "98 ft", "30,5 m", "42")))
    assert read.frame["height_m"].tolist() == pytest.approx([30.0, 30.0, 29.8704, 30.5, 42.0])
    assert any("m in 3 rows, ft in 1 row" in str(n) for n in read.notices)


def test_a_unit_that_is_none_is_refused_by_row_and_left_out_where_rows_may_be(tmp_path):
    path = written(tmp_path / "s.csv", listed("30 m", "12 storeys", *["31 m"] * 30))
    with pytest.raises(InputError, match=r"row 2, column height_m: '12 storeys' has no unit of .*m, ft, km"):
        heights(path)
    read = heights(path, leave_out=0.1)
    assert [r.row for r in read.left] == [2]
    assert len(read.frame) == 31


def test_a_bare_number_beside_feet_is_in_doubt_unless_the_heading_says(tmp_path):
    head = "site_id,longitude,latitude,tower height"
    path = written(tmp_path / "s.csv", listed("30", *["98 ft"] * 30), head)
    with pytest.raises(InputError, match=r"row 1.*'30' has no unit, while others"):
        heights(path)
    assert heights(path, leave_out=0.1).left[0].row == 1
    said = heights(written(tmp_path / "t.csv", listed("100", "30 m"), head + " (ft)"))
    assert said.frame["height_m"].tolist() == pytest.approx([30.48, 30.0])


def test_cells_of_a_list_have_their_units_too(region, tmp_path):
    head = "site_id,longitude,latitude,operator,technology,frequency,antenna_height_m"
    rows = ["a,105.05,21.75,op,4G,1.8 GHz,98 ft", "b,105.06,21.75,op,4G,900 MHz,30 m"]
    operators = pd.DataFrame({"operator": ["op"], "name": ["Op"], "share": [1.0]})
    base = replace(region, operators=operators, sites=region.sites.assign(owner="op"),
                   cells=region.cells.assign(operator="op"), links=region.links.assign(owner="op"))  # fmt: skip
    found = import_files(base, "sites", [written(tmp_path / "s.csv", rows, head)], options_of("sites"))
    cells = found.region.cells.drop_duplicates("site_id").set_index("site_id")
    assert cells.loc[["a", "b"], "band_mhz"].tolist() == [1800.0, 900.0]
    assert cells.loc[["a", "b"], "antenna_height_m"].tolist() == pytest.approx([29.8704, 30.0])


def nodes_and_spans(folder, capacity):
    points = [("n1", 105.05, 21.75), ("n2", 105.1, 21.8)]
    gpd.GeoDataFrame(
        {"id": [p[0] for p in points]}, geometry=[shapely.Point(p[1:]) for p in points], crs="EPSG:4326"
    ).to_file(folder / "nodes.geojson")
    gpd.GeoDataFrame(
        {"id": ["s1"], "start": ["n1"], "end": ["n2"], "capacity": [capacity]},
        geometry=[shapely.LineString([p[1:] for p in points])], crs="EPSG:4326",
    ).to_file(folder / "spans.geojson")  # fmt: skip
    return [folder / "nodes.geojson", folder / "spans.geojson"]


def test_the_capacity_of_spans_is_read_with_its_unit_or_refused(region, tmp_path):
    for capacity, mbps in (("2.5 Gbps", 2500.0), ("622 Mbit/s", 622.0), ("10", 10_000.0)):
        found = IMPORTERS["fibre"].read(region, nodes_and_spans(tmp_path, capacity), Options())
        assert mbps in found.layers["links"]["capacity_mbps"].tolist()
    with pytest.raises(InputError, match="capacity: '2 pairs' is no capacity"):
        IMPORTERS["fibre"].read(region, nodes_and_spans(tmp_path, "2 pairs"), Options())


def geojson(path, points):
    rows = [
        {"type": "Feature", "properties": {"site_id": f"n{k}", "owner": "op"},
         "geometry": {"type": "Point", "coordinates": list(p)}} for k, p in enumerate(points)
    ]  # fmt: skip
    path.write_text(json.dumps({"type": "FeatureCollection", "features": rows}))
    return path


# two places in the small region, in its own metres
METRES = [(505_172.0, 2_405_089.0), (506_000.0, 2_405_500.0)]


def shapefile(path):
    frame = gpd.GeoDataFrame({"site_id": ["n0", "n1"], "owner": ["op", "op"]}, geometry=gpd.points_from_xy(*zip(*METRES, strict=True)))  # fmt: skip
    with pytest.warns(UserWarning, match="crs"):
        frame.to_file(path)
    return path


def metre_csv(path, head):
    return written(path, [f"n{k},{x},{y},op" for k, (x, y) in enumerate(METRES)], head)


def projected(folder):
    return {
        "shapefile": shapefile(folder / "s.shp"),
        "geojson": geojson(folder / "s.geojson", METRES),
        "degrees in the heading": metre_csv(folder / "lonlat.csv", "site_id,longitude,latitude,owner"),
    }


@pytest.mark.parametrize("kind", ["shapefile", "geojson", "degrees in the heading"])
def test_metres_without_a_crs_are_refused_with_the_option_that_mends_it_and_the_option_works(
    region, tmp_path, kind
):
    path = projected(tmp_path)[kind]
    with pytest.raises(InputError, match="--crs EPSG:"):
        import_files(region, "sites", [path], options_of("sites", operators=["op=none"]))
    found = import_files(region, "sites", [path], options_of("sites", crs=CRS, operators=["op=none"]))
    sites = found.region.sites.set_index("site_id")
    assert sites.geometry["n0"].x == pytest.approx(METRES[0][0], abs=0.2)


def test_metres_of_another_zone_are_refused_with_the_option(region, tmp_path):
    path = metre_csv(tmp_path / "s.csv", "site_id,east_m,north_m,owner")
    path.write_text(path.read_text().replace("505172.0", "805172.0").replace("506000.0", "806000.0"))
    with pytest.raises(InputError, match="--crs EPSG:"):
        import_files(region, "sites", [path], options_of("sites", operators=["op=none"]))


def test_a_crs_that_the_file_states_is_used_and_the_one_said_is_told(region, tmp_path):
    path = geojson(tmp_path / "s.geojson", [(105.05, 21.75), (105.06, 21.76)])
    found = import_files(region, "sites", [path], options_of("sites", crs="EPSG:9210", operators=["op=none"]))
    assert any("states its own CRS" in str(n) and "EPSG:9210" in str(n) for n in found.notices)


@pytest.mark.parametrize(
    ("cells", "years"),
    [([None, None], [2015, 2015]), (["2018-05-01", None], [2018, 2015]), (["2018", None], [2018, 2015])],
    ids=["no year at all", "a date and none", "a year and none"],
)
def test_a_year_may_be_missing_in_any_row(cells, years):
    table = pd.DataFrame({"site_id": ["a", "b"], "commissioned": pd.Series(cells, dtype=object)})
    read, problems, _ = typed(table, "sites", "here")
    assert problems == []
    assert list(read["commissioned"]) == years

"""The region builder on the real packages: names, units, shapes, people."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from phusong.errors import InputError
from phusong.io.resources import fact, table
from phusong.region.vietnam import build_vietnam
from phusong.region.vietnam.boundaries import commune_shapes, power_cells
from phusong.region.vietnam.names import find_provinces
from phusong.region.vietnam.terrain import read_atlas
from phusong.region.vietnam.units import read_units
from reference_cases import REFERENCE, needs_reference

PUBLISHED = REFERENCE / "data" / "communes_highland6_2025.geojson.gz"


@pytest.fixture(scope="module")
def units():
    return read_units()


@pytest.fixture(scope="module")
def built():
    return build_vietnam(("Cao Bằng",), cell_m=500.0, seed=3)


@pytest.fixture(scope="module")
def published() -> gpd.GeoDataFrame:
    frame = gpd.read_file(f"/vsigzip/{PUBLISHED}").to_crs("EPSG:32648")
    frame["geometry"] = frame.geometry.make_valid()
    return frame


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("tuyen quang", "08"),
        ("Hà Giang", "08"),
        ("Tỉnh Lào Cai", "15"),
        ("yen bai", "15"),
        ("HUẾ", "46"),
        ("Thành phố Hồ Chí Minh", "79"),
        ("08", "08"),
    ],
)
def test_names_are_understood_as_people_write_them(name, code):
    assert find_provinces([name]) == (code,)


def test_unknown_names_are_all_named_with_the_nearest():
    with pytest.raises(InputError) as found:
        find_provinces(["Tuyen Quong", "Atlantis"])
    text = str(found.value)
    assert len(found.value.problems) == 2
    assert "Tuyên Quang" in text
    assert "Atlantis" in text


def test_all_units_are_there(units):
    assert len(units.communes) == 3321
    assert units.communes["commune_code"].is_unique
    assert units.communes["kind"].value_counts().to_dict() == {
        "commune": 2621,
        "ward": 687,
        "special_zone": 13,
    }
    assert units.repairs["reason"].str.len().min() > 20
    assert len(find_provinces(["all"])) == 34


def test_facts_carry_source_and_sureness():
    for name in ("facts", "provinces", "operators", "costs", "network_model", "clutter"):
        rows = table(name)
        assert rows["source"].str.len().gt(0).all(), name
        assert rows["sureness"].isin(["H", "M", "L", "assumed"]).all(), name
    assert fact("coverage_people").value == 0.998
    assert int(table("provinces")["people_registered"].sum()) == 113_571_926


def test_power_cells_of_equal_weights_are_the_voronoi_cells():
    rng = np.random.default_rng(5)
    xy = rng.uniform(0, 10_000, (60, 2))
    cells = power_cells(xy, np.zeros(60))
    from shapely import Point

    for x, y in rng.uniform(2000, 8000, (200, 2)):
        nearest = int(np.argmin(np.hypot(*(xy - [x, y]).T)))
        assert cells[nearest].distance(Point(x, y)) < 1e-3


@needs_reference
def test_points_and_shapes_agree_with_published_polygons(units, published):
    right = total = 0.0
    outline = read_atlas().outline
    for code in sorted(set(published["province_code"].astype(str).str.zfill(2))):
        shapes = commune_shapes(units, (code,), crs="EPSG:32648", outline=outline).communes.set_index(
            "commune_code"
        )
        assert shapes.is_valid.all()
        mine = published[published["province_code"].astype(str).str.zfill(2) == code].set_index("code")
        right += sum(mine.geometry[k].intersection(shapes.geometry[k]).area for k in mine.index)
        total += float(mine.area.sum())
    assert right / total > 0.78


@needs_reference
def test_people_are_mostly_in_the_right_commune(built, published):
    mine = (
        published[published["province_code"].astype(str).str.zfill(2) == "04"]
        .set_index("code")["population"]
        .astype(float)
    )
    got = built.demand.groupby("commune_code")["population"].sum().reindex(mine.index).fillna(0)
    assert 0.5 * (mine / mine.sum() - got / got.sum()).abs().sum() < 0.16


def test_people_are_exact_and_stand_in_their_commune(built):
    assert int(built.demand["population"].sum()) == 573_119
    assert (built.demand["population"] > 0).all()
    east, north = built.grid.centres(built.demand["row"], built.demand["col"])
    points = gpd.GeoDataFrame(
        built.demand[["commune_code"]], geometry=gpd.points_from_xy(east, north), crs=built.grid.crs
    )
    joined = points.sjoin(built.communes[["commune_code", "geometry"]], how="left", predicate="within")
    assert (joined["commune_code_left"] == joined["commune_code_right"]).mean() > 0.999


def test_polygons_do_not_overlap_and_fill_the_province(built):
    assert built.communes.area.sum() == pytest.approx(built.communes.union_all().area, rel=1e-6)
    assert built.communes.area.sum() / 1e6 == pytest.approx(6700.4, rel=0.08)


def test_the_same_seed_gives_the_same_region(built):
    again = build_vietnam(("cao bang",), cell_m=500.0, seed=3)
    assert again.digests() == built.digests()
    other = build_vietnam(("cao bang",), cell_m=500.0, seed=4)
    assert other.digests()["sites"] != built.digests()["sites"]


def test_everything_modelled_says_so(built):
    kinds = {s.layer: s.kind for s in built.sources}
    assert kinds["sites"] == kinds["elevation"] == kinds["power_nodes"] == "modelled"
    assert set(kinds) >= {
        "communes",
        "demand",
        "sites",
        "cells",
        "links",
        "power_nodes",
        "power_lines",
        "elevation",
    }


def test_far_communes_have_fewer_sites_and_feeders_keep_low(built):
    row_of = built.communes.sjoin(built.sites[["site_id", "geometry"]], predicate="contains")
    counts = (
        row_of.groupby("commune_code").size().reindex(built.communes["commune_code"]).fillna(0).to_numpy()
    )
    density = counts / built.communes["area_km2"].to_numpy()
    remote = built.communes["remote"].to_numpy()
    assert density[remote >= 2].mean() < density[remote <= 1].mean()
    row, col = built.grid.rowcol(built.power_nodes.geometry.x, built.power_nodes.geometry.y)
    land = built.elevation[built.elevation > 0]
    assert np.median(built.elevation[row, col]) < np.median(land)


def test_special_zones_far_at_sea_keep_their_people():
    region = build_vietnam(("Khánh Hòa",), cell_m=1000.0, seed=1)
    people = region.demand.groupby("commune_code")["population"].sum()
    zones = region.communes[region.communes["kind"] == "special_zone"]
    assert len(zones) == 1
    assert (people.reindex(region.communes["commune_code"]).fillna(0) > 0).all()
    assert isinstance(people, pd.Series)

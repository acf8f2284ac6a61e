"""Commune boundaries: joined by code, by name or as old units; misfits measured; people, places and grid follow."""

import gzip
import zipfile
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phusong.errors import InputError
from phusong.region.importers import IMPORTERS, Options
from phusong.region.importers.boundaries import border_fit
from phusong.region.read.columns import ColumnMap
from phusong.region.replace import with_imported
from phusong.region.validate import check_region
from phusong.region.vietnam.old_units import successors
from reference_cases import REFERENCE, needs_reference
from small_region import CRS, small_region

SHIFT = 1500.0


def squares(region, *, shift=SHIFT, **columns):
    """Return the region's communes, their common borders moved east."""
    shapes = region.communes.geometry.translate(xoff=shift)
    base = {"code": region.communes["commune_code"], "ten": region.communes["name"]}
    return gpd.GeoDataFrame({**base, **columns}, geometry=shapes.to_numpy(), crs=CRS)


def imported(region, path, **options):
    return IMPORTERS["boundaries"].read(region, [path], Options(**options))


def write(frame, path):
    if path.name.endswith(".geojson.gz"):
        path.write_bytes(gzip.compress(frame.to_crs("EPSG:4326").to_json().encode()))
    elif path.suffix == ".zip":
        frame.to_file(path.with_suffix(".shp"))
        with zipfile.ZipFile(path, "w") as archive:
            for part in path.parent.glob(f"{path.stem}.*"):
                if part != path:
                    archive.write(part, f"ranh_gioi/{part.name}")
    else:
        frame.to_file(path)
    return path


@pytest.mark.parametrize("name", ["xa.gpkg", "xa.geojson", "xa.geojson.gz", "xa.shp", "xa.zip"])
def test_every_format_gives_the_same_communes(region, tmp_path, name):
    found = imported(region, write(squares(region), tmp_path / name)).layers["communes"]
    assert found["commune_code"].tolist() == region.communes["commune_code"].tolist()
    assert found.crs == CRS
    assert found.geometry.iloc[0].bounds == pytest.approx((501_500, 2_400_000, 511_500, 2_410_000), abs=0.5)
    assert found["area_km2"].to_numpy() == pytest.approx(100.0, abs=0.01)


def test_people_settlements_and_facilities_follow_and_nobody_is_lost(region, tmp_path):
    found = imported(region, write(squares(region), tmp_path / "xa.gpkg"))
    joined = with_imported(region, found).region
    assert check_region(joined) == []
    assert int(joined.demand["population"].sum()) == int(region.demand["population"].sum())
    by_commune = joined.demand.groupby("commune_code")["population"].sum()
    assert (
        by_commune.reindex(joined.communes["commune_code"]).tolist() == joined.communes["population"].tolist()
    )
    east, north = joined.grid.centres(joined.demand["row"], joined.demand["col"])
    shapes = joined.communes.set_index("commune_code").geometry.reindex(joined.demand["commune_code"])
    assert shapely.covers(shapes.to_numpy(), shapely.points(east, north)).all()
    assert joined.source_of("communes").kind == "official"


def test_stated_people_are_kept_to_the_person(region, tmp_path):
    people = [1000, 2000, 3000, 41]
    found = imported(region, write(squares(region, dan_so=people), tmp_path / "xa.gpkg"))
    joined = with_imported(region, found).region
    assert joined.communes["population"].tolist() == people
    assert joined.demand.groupby("commune_code")["population"].sum().tolist() == people
    assert "commune" in joined.source_of("demand").notes


def test_the_grid_grows_with_boundaries_beyond_it(region, tmp_path):
    found = imported(region, write(squares(region, shift=4000.0), tmp_path / "xa.gpkg"))
    joined = with_imported(region, found)
    assert joined.region.grid.bounds[2] >= 524_000
    assert joined.region.elevation.shape == joined.region.grid.shape
    assert any("grew" in str(n) for n in joined.notices)
    east, _ = joined.region.grid.centres(joined.region.demand["row"], joined.region.demand["col"])
    assert east.min() > 504_000


def test_names_join_whatever_their_spelling(region, tmp_path):
    names = ["xã Minh Tân", "THÁI SƠN", "Yen Phu", "X. Hùng Đức"]
    frame = squares(region, ten=names).drop(columns="code")
    found = imported(region, write(frame, tmp_path / "xa.gpkg"))
    assert len(found.layers["communes"]) == 4
    assert any("joined by name" in str(n) for n in found.notices)


def test_a_name_that_fits_two_communes_is_refused_and_a_code_helps(region, tmp_path):
    twins = replace(
        region, communes=region.communes.assign(name=["Tân Hòa", "Tân Hoà", "Yên Phú", "Hùng Đức"])
    )
    frame = squares(twins).drop(columns="code")
    with pytest.raises(InputError, match=r"row 1, column name.*fits several"):
        imported(twins, write(frame, tmp_path / "xa.gpkg"))
    assert len(imported(twins, write(squares(twins), tmp_path / "b.gpkg")).layers["communes"]) == 4


def test_communes_that_no_file_has_keep_their_shape_and_say_so(region, tmp_path):
    found = imported(region, write(squares(region, shift=0.0).iloc[:3], tmp_path / "xa.gpkg"))
    assert found.sources[0].kind == "official"
    assert found.layers["communes"]["record_kind"].tolist() == ["", "", "", "modelled"]
    assert any("keep their former shapes (Hùng Đức)" in str(n) for n in found.notices)
    assert found.layers["communes"].geometry.iloc[3].area == pytest.approx(1e8)


def test_a_columns_map_names_the_columns(region, tmp_path):
    frame = squares(region).rename(columns={"code": "MAXA_MOI"}).drop(columns="ten")
    path = write(frame, tmp_path / "xa.gpkg")
    with pytest.raises(InputError, match="no column of codes"):
        imported(region, path)
    by = ColumnMap(columns={"commune_code": "MAXA_MOI"})
    assert len(imported(region, path, columns={"communes": by}).layers["communes"]) == 4


def bowtie(region):
    frame = squares(region)
    shapes = frame.geometry.to_numpy().copy()
    shapes[0] = shapely.Polygon([(500e3, 2400e3), (510e3, 2410e3), (510e3, 2400e3), (500e3, 2410e3)])
    return frame.set_geometry(gpd.GeoSeries(shapes, crs=CRS))


def high(region):
    frame = squares(region)
    return frame.set_geometry(gpd.GeoSeries(shapely.force_3d(frame.geometry.to_numpy(), 7.0), crs=CRS))


def changed(region, shape):
    frame = squares(region)
    shapes = frame.geometry.to_numpy().copy()
    shapes[1] = shape
    return frame.set_geometry(gpd.GeoSeries(shapes, crs=CRS))


def test_shapes_that_cross_themselves_are_mended_and_3d_ones_made_flat(region, tmp_path):
    found = imported(region, write(bowtie(region), tmp_path / "a.gpkg"))
    assert found.layers["communes"].is_valid.all()
    assert any("crossed themselves" in str(n) for n in found.notices)
    found = imported(region, write(high(region), tmp_path / "b.gpkg"))
    assert not found.layers["communes"].has_z.any()


BAD = {
    "a code twice": (lambda r: squares(r, code=["00001", "00001", "00003", "00004"], ten=["Minh Tân"] * 2 + ["Yên Phú", "Hùng Đức"]), ("row 2", "stands in row 1")),
    "code and name that disagree": (lambda r: squares(r, ten=["Thái Sơn", "Thái Sơn", "Yên Phú", "Hùng Đức"]), ("row 1", "Minh Tân", "Thái Sơn")),
    "an empty shape": (lambda r: changed(r, shapely.Polygon()), ("row 2", "no area")),
    "no shape": (lambda r: changed(r, None), ("row 2", "no area")),
    "a point": (lambda r: changed(r, shapely.Point(505e3, 2405e3)), ("row 2", "no area")),
    "huge coordinates": (lambda r: changed(r, shapely.box(1e12, 1e12, 2e12, 2e12)), ("row 2",)),
    "swapped coordinates": (lambda r: squares(r).set_geometry(gpd.GeoSeries(shapely.transform(squares(r).to_crs("EPSG:4326").geometry.to_numpy(), lambda xy: xy[:, ::-1]), crs="EPSG:4326")), ("row 1",)),
    "people that are no number": (lambda r: squares(r, dan_so=["1", "x", "3", "4"]), ("dan_so", "'x'")),
    "negative people": (lambda r: squares(r, dan_so=[1, -2, 3, 4]), ("dan_so", "-2")),
    "another place": (lambda r: squares(r, shift=300e3, code=list("abcd"), ten=list("efgh")), ("does not overlap",)),
    "none of the region's": (lambda r: squares(r, code=list("abcd"), ten=list("efgh")), ("no commune of the region",)),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_with_place_and_remedy(region, tmp_path, case):
    make, words = BAD[case]
    with pytest.raises(InputError) as error:
        imported(region, write(make(region), tmp_path / "xa.gpkg"))
    for word in ("xa.gpkg", *words):
        assert word in str(error.value), str(error.value)


def test_files_without_crs_need_one_said(region, tmp_path):
    path = write(squares(region), tmp_path / "xa.shp")
    path.with_suffix(".prj").unlink()
    with pytest.raises(InputError, match="no CRS"):
        imported(region, path)
    assert len(imported(region, path, crs=CRS).layers["communes"]) == 4


def test_files_in_several_crs_are_brought_to_one(region, tmp_path):
    frame = squares(region)
    one = write(frame.iloc[:2], tmp_path / "a.gpkg")
    two = write(frame.iloc[2:].to_crs("EPSG:3405"), tmp_path / "b.gpkg")
    found = IMPORTERS["boundaries"].read(region, [one, two], Options()).layers["communes"]
    assert found["area_km2"].to_numpy() == pytest.approx(100.0, abs=0.05)


def test_archives_that_lead_out_and_files_cut_off_are_refused(region, tmp_path):
    path = tmp_path / "xa.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../outside.geojson", squares(region).to_json())
    with pytest.raises(InputError, match="leads out of the archive"):
        imported(region, path)
    assert not (tmp_path.parent / "outside.geojson").exists()
    whole = write(squares(region), tmp_path / "xa.gpkg").read_bytes()
    (tmp_path / "xa.gpkg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"xa\.gpkg"):
        imported(region, tmp_path / "xa.gpkg")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_boundaries_are_read_or_refused_never_a_traceback(tmp_path, data):
    region = small_region()
    base = bytearray(squares(region).to_crs("EPSG:4326").to_json().encode())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(base) - 1))
        if data.draw(st.booleans()):
            base[at] = data.draw(st.integers(32, 126))
        else:
            del base[at : at + data.draw(st.integers(1, 200))]
        if not base:
            break
    path = tmp_path / "xa.geojson"
    path.write_bytes(bytes(base))
    try:
        found = imported(region, path).layers["communes"]
    except InputError as error:
        assert "xa.geojson" in str(error)  # noqa: PT017 - it may as well be read
    else:
        assert found.is_valid.all()
        assert found["commune_code"].is_unique


@given(
    st.floats(1.0, 150.0), st.floats(-120.0, 120.0)
)  # fmt: skip
def test_gaps_and_overlaps_are_measured(gap, step):
    a, b = shapely.box(0, 0, 1000, 1000), shapely.box(1000 + step, 0, 2000, 1000)
    c = shapely.box(0, 1000 + gap, 1000, 2000)
    fit = border_fit(np.array([a, b, c], dtype=object))
    assert fit.overlap_km2 == pytest.approx(max(-step, 0.0) * 1000 / 1e6, abs=1e-5)
    assert len(fit.overlaps) == int(step < -0.001)
    assert fit.gap_km2 >= gap * 1000 / 1e6 * 0.98


def test_neighbours_that_fit_have_no_gap():
    fit = border_fit(
        np.array([shapely.box(x, y, x + 10, y + 10) for x in (0, 10) for y in (0, 10)], dtype=object)
    )
    assert (fit.gaps, fit.gap_km2, len(fit.overlaps)) == (0, 0.0, 0)


def test_old_units_are_put_together_to_todays_communes(region, tmp_path):
    units = successors()
    whole = units[
        ~units["codes"].str.contains(";") & (units["shared"] == 3) & (units["old_code"] != units["default"])
    ]
    pick = whole.groupby("default").filter(lambda g: len(g) == 2).iloc[:2]
    today = pick["default"].iloc[0]
    codes = [today, "00002", "00003", "00004"]
    towns = replace(region, communes=region.communes.assign(commune_code=codes))
    halves = [shapely.box(500e3, 2400e3, 505e3, 2410e3), shapely.box(505e3, 2400e3, 510e3, 2410e3)]
    frame = gpd.GeoDataFrame(
        {"ma_xa": pick["old_code"].to_numpy(), "dan_so": [300, 41]}, geometry=halves, crs=CRS
    )
    found = imported(towns, write(frame, tmp_path / "cu.gpkg"))
    mine = found.layers["communes"].set_index("commune_code").loc[today]
    assert mine["population"] == 341
    assert mine.geometry.area == pytest.approx(1e8)
    assert {r.key for r in found.repairs} == set(pick["old_code"])
    assert "old units" in found.sources[0].notes


@needs_reference
def test_the_published_communes_of_a_province_join_whole():
    path = REFERENCE / "data" / "communes_highland6_2025.geojson.gz"
    frame = gpd.read_file(gzip.decompress(path.read_bytes()))
    mine = frame[frame["province_code"] == "12"]
    base = small_region()
    communes = gpd.GeoDataFrame(
        {
            "commune_code": mine["code"].to_numpy(), "name": mine["name"].to_numpy(), "province_code": "12",
            "province": "Lai Châu", "kind": "commune", "area_km2": 1.0, "population": 1, "remote": 1,
        },
        geometry=mine.to_crs(CRS).geometry.to_numpy(), crs=CRS,
    )  # fmt: skip
    region = replace(base, communes=communes)
    found = imported(region, path)
    assert len(found.layers["communes"]) == 38
    assert found.sources[0].kind == "official"
    assert int(found.layers["communes"]["population"].sum()) == 512_601
    assert any("outside the region" in str(n) for n in found.notices)

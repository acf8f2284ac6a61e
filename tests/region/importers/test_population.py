"""People on the grid from WorldPop, GHS-POP in Mollweide and Kontur's hexagons: nobody lost, totals as the region states."""

import gzip
import re
import zipfile

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from rasterio.transform import from_origin

from phusong.errors import InputError
from phusong.region import Grid
from phusong.region.importers import IMPORTERS, Options
from phusong.region.importers.rasters import people_of_shapes
from phusong.region.read.raster import RasterLimits
from phusong.region.relink import apportioned
from phusong.region.replace import with_imported
from phusong.region.validate import check_region
from small_region import CRS, small_region

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def raster(path, values, transform, crs, nodata=-99999.0, dtype="float32"):
    profile = {
        "driver": "GTiff",
        "dtype": dtype,
        "count": 1,
        "height": values.shape[0],
        "width": values.shape[1],
    }
    with rasterio.open(path, "w", crs=crs, transform=transform, nodata=nodata, **profile) as out:
        out.write(values.astype(dtype), 1)
    return path


def imported(region, kind, *paths, **options):
    return IMPORTERS[kind].read(region, list(paths), Options(**options))


def inner_raster(path, crs, step, *, nodata, seed=3):
    """Write people well inside the small region, in any CRS, and return how many they are."""
    to_crs = Transformer.from_crs(CRS, crs, always_xy=True)
    west, south, east, north = to_crs.transform_bounds(500_000, 2_400_000, 520_000, 2_420_000)
    wide, high = int((east - west) / step) + 1, int((north - south) / step) + 1
    values = np.random.default_rng(seed).integers(0, 50, (high, wide)).astype(float)
    col, row = np.meshgrid(np.arange(wide), np.arange(high))
    x, y = Transformer.from_crs(crs, CRS, always_xy=True).transform(
        west + (col + 0.5) * step, north - (row + 0.5) * step
    )
    inside = (x > 502_000) & (x < 518_000) & (y > 2_402_000) & (y < 2_418_000)
    raster(path, np.where(inside, values, nodata), from_origin(west, north, step, step), crs, nodata)
    return float(values[inside].sum())


@pytest.mark.parametrize(
    ("kind", "crs", "step", "nodata"),
    [("worldpop", "EPSG:4326", 1 / 120, -99999.0), ("ghs_pop", "ESRI:54009", 100.0, -200.0), ("ghs_pop", "EPSG:4326", 1 / 1200, -200.0)],
    ids=["worldpop 1 km", "ghs-pop mollweide 100 m", "ghs-pop 3 arc-seconds"],
)  # fmt: skip
def test_people_inside_the_region_are_conserved(region, tmp_path, kind, crs, step, nodata):
    path = tmp_path / "people.tif"
    many = inner_raster(path, crs, step, nodata=nodata)
    people = imported(region, kind, path).layers["people"].people
    assert people.sum() == pytest.approx(many, rel=2e-3)


def test_the_regions_totals_are_kept_and_the_factor_is_said(region, tmp_path):
    path = tmp_path / "vnm.tif"
    inner_raster(path, "EPSG:4326", 1 / 120, nodata=-99999.0)
    total = int(region.demand["population"].sum())
    joined = with_imported(region, imported(region, "worldpop", path), limits=RasterLimits(most_scaled=1e6))
    assert int(joined.region.demand["population"].sum()) == total
    assert check_region(joined.region) == []
    source = joined.region.source_of("demand")
    assert source.kind == "modelled"
    by_file, by_region, factor = re.search(
        r"([\d,]+) people by the file, ([\d,]+) by the region; multiplied by ([\d.]+)", source.notes
    ).groups()
    there, wanted = (int(n.replace(",", "")) for n in (by_file, by_region))
    assert float(factor) == pytest.approx(wanted / there, rel=1e-3)
    assert wanted <= total  # the rim that the file does not cover keeps its people
    assert any("multiplied by" in r for r in joined.region.repairs["reason"])
    assert any("imported from WorldPop" in r for r in joined.region.repairs["reason"])


def test_each_communes_total_is_kept_when_asked(region, tmp_path):
    path = tmp_path / "vnm.tif"
    inner_raster(path, "EPSG:4326", 1 / 120, nodata=-99999.0)
    joined = with_imported(
        region, imported(region, "worldpop", path), totals="commune", limits=RasterLimits(most_scaled=1e6)
    )
    assert joined.region.communes["population"].tolist() == region.communes["population"].tolist()


def test_tiles_in_an_archive_add_up(region, tmp_path):
    whole = inner_raster(tmp_path / "a.tif", "ESRI:54009", 250.0, nodata=-200.0)
    again = inner_raster(tmp_path / "b.tif", "ESRI:54009", 250.0, nodata=-200.0, seed=4)
    with zipfile.ZipFile(tmp_path / "tiles.zip", "w") as archive:
        archive.write(tmp_path / "a.tif", "R7_C29/tile.tif")
        archive.write(tmp_path / "b.tif", "R7_C30/tile.tif")
        archive.writestr("readme.pdf", b"-")
    people = imported(region, "ghs_pop", tmp_path / "tiles.zip").layers["people"].people
    assert people.sum() == pytest.approx(whole + again, rel=2e-3)


def hexagons(radius=400.0, west=503_000.0, south=2_403_000.0, n=12):
    turn = np.radians(np.arange(6) * 60 + 30)
    shapes = []
    for k in range(n):
        for j in range(n):
            x = west + radius * np.sqrt(3) * (k + 0.5 * (j % 2))
            y = south + radius * 1.5 * j
            shapes.append(shapely.Polygon(np.c_[x + radius * np.cos(turn), y + radius * np.sin(turn)]))
    people = np.random.default_rng(5).integers(0, 200, len(shapes)).astype(float)
    frame = gpd.GeoDataFrame(
        {"h3": [f"88{k:013x}" for k in range(len(shapes))], "population": people}, geometry=shapes, crs=CRS
    )
    return frame.to_crs("EPSG:3857")


@pytest.mark.parametrize("packed", [False, True])
def test_hexagons_of_kontur_are_conserved_exactly(region, tmp_path, packed):
    frame = hexagons()
    path = tmp_path / "kontur_population_VN.gpkg"
    frame.to_file(path, layer="population")
    if packed:
        (tmp_path / "k.gpkg.gz").write_bytes(gzip.compress(path.read_bytes()))
        path = tmp_path / "k.gpkg.gz"
    people = imported(region, "kontur", path).layers["people"].people
    assert people.sum() == pytest.approx(frame["population"].sum(), rel=1e-9)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-500, 1400), st.floats(-500, 1400), st.floats(5, 900), st.floats(0, 1e4)),
        min_size=1,
        max_size=8,
    )
)
def test_areas_give_each_square_their_share(boxes):
    grid = Grid(CRS, 500_000.0, 2_401_000.0, 100.0, 10, 10)
    shapes = np.array(
        [shapely.box(500_000 + x, 2_400_000 + y, 500_000 + x + s, 2_400_000 + y + s) for x, y, s, _ in boxes],
        dtype=object,
    )
    many = np.array([p for *_, p in boxes])
    found = people_of_shapes(shapes, many, grid)
    whole = shapely.box(500_000, 2_400_000, 501_000, 2_401_000)
    share = shapely.area(shapely.intersection(shapes, whole)) / shapely.area(shapes)
    assert found.sum() == pytest.approx((share * many).sum(), rel=1e-6, abs=1e-6)


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=50).filter(lambda w: sum(w) > 0), st.integers(0, 10**9)
)
def test_apportioned_people_sum_to_the_total_and_stay_near_their_share(weights, total):
    found = apportioned(weights, total)
    assert found.sum() == total
    assert (found >= 0).all()
    exact = np.array(weights) / sum(weights) * total
    assert (np.abs(found - exact) < 1.0 + 1e-6 * total).all()


def tilted(path):
    values = np.ones((50, 50))
    return raster(
        path,
        values,
        Affine.translation(500_000, 2_420_000) * Affine.rotation(-10) * Affine.scale(300, -300),
        CRS,
    )


ORIGIN = from_origin(500_000, 2_420_000, 500, 500)
ONES = np.ones((40, 40))
BAD = {
    "nodata not declared": (lambda p: raster(p, np.where(np.eye(40) > 0, -99999, ONES), ORIGIN, CRS, None), ("-99999", "nodata", "gdal_edit.py")),
    "rotated": (tilted, ("rotated", "gdalwarp")),
    "no CRS": (lambda p: raster(p, ONES, ORIGIN, None), ("no CRS",)),
    "another place": (lambda p: raster(p, ONES, from_origin(700_000, 2_420_000, 500, 500), CRS), ("does not overlap",)),
    "swapped coordinates": (lambda p: raster(p, ONES, from_origin(21.9, 105.2, 0.01, 0.01), "EPSG:4326"), ("does not overlap",)),
    "no raster": (lambda p: p.write_bytes(b"people") and p, ("no readable raster",)),
    "nobody": (lambda p: raster(p, ONES * 0, ORIGIN, CRS), ("nobody",)),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_rasters_are_refused_with_place_and_remedy(region, tmp_path, case):
    make, words = BAD[case]
    path = tmp_path / "people.tif"
    make(path)
    with pytest.raises(InputError) as error:
        imported(region, "worldpop", path)
    for word in ("people.tif", *words):
        assert word in str(error.value), str(error.value)


def test_a_raster_cut_off_is_refused(region, tmp_path):
    path = tmp_path / "people.tif"
    raster(path, np.random.default_rng(1).random((400, 400)), from_origin(500_000, 2_420_000, 50, 50), CRS)
    path.write_bytes(path.read_bytes()[:200_000])
    with pytest.raises(InputError, match=r"people\.tif.*cut off"):
        imported(region, "worldpop", path)


def test_bad_hexagons_are_refused(region, tmp_path):
    frame = hexagons()
    frame.drop(columns="population").to_file(tmp_path / "a.gpkg")
    with pytest.raises(InputError, match="no column of people"):
        imported(region, "kontur", tmp_path / "a.gpkg")
    frame.assign(population=-1.0).to_file(tmp_path / "b.gpkg")
    with pytest.raises(InputError, match=r"b\.gpkg row 1, column population"):
        imported(region, "kontur", tmp_path / "b.gpkg")
    whole = (tmp_path / "b.gpkg").read_bytes()
    (tmp_path / "c.gpkg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"c\.gpkg: is cut off"):
        imported(region, "kontur", tmp_path / "c.gpkg")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("../z.gpkg", whole)
    with pytest.raises(InputError, match="leads out of the archive"):
        imported(region, "kontur", tmp_path / "z.zip")


def test_a_province_without_people_in_the_raster_is_named(tmp_path):
    region = small_region()
    path = raster(tmp_path / "p.tif", ONES * 0 + np.eye(40) * 0, ORIGIN, CRS)
    with pytest.raises(InputError, match="nobody"):
        imported(region, "worldpop", path)

"""Other people's rasters: tiles, voids, land cover, and files that are not what they say."""

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from phusong.errors import InputError
from phusong.region import Grid
from phusong.region.read import raster
from phusong.region.read.raster import RasterLimits, read_elevation, read_landcover, read_people

# two tiles of one degree meet at 105 E; the grid lies across the seam, UTM 48N
GRID = Grid("EPSG:32648", 480_000.0, 2_360_000.0, 250.0, 120, 160)
ANY = RasterLimits(least_covered=0.0)


def write(path, values, west, north, step, *, nodata=None, crs="EPSG:4326", driver="GTiff"):
    with rasterio.open(
        path, "w", driver=driver, height=values.shape[0], width=values.shape[1], count=1, dtype=values.dtype,
        crs=crs, transform=from_origin(west, north, step, step), nodata=nodata,
    ) as file:  # fmt: skip
        file.write(values, 1)


def slope(west: float, n: int = 601) -> np.ndarray:
    """Heights that rise by 100 m a degree eastwards and 50 m a degree northwards."""
    lon = west + np.arange(n) / (n - 1)
    lat = 22.0 - np.arange(n) / (n - 1)
    return (100 * (lon[None, :] - 104) + 50 * (lat[:, None] - 21)).astype(np.float32)


def expected() -> np.ndarray:
    from pyproj import Transformer

    col, row = np.meshgrid(np.arange(GRID.width), np.arange(GRID.height))
    east, north = GRID.centres(row, col)
    lon, lat = Transformer.from_crs(GRID.crs, "EPSG:4326", always_xy=True).transform(east, north)
    return 100 * (lon - 104) + 50 * (lat - 21)


def test_tiles_of_a_folder_make_one_surface_across_their_seam(tmp_path):
    for west in (104, 105):
        write(tmp_path / f"N21E{west}.tif", slope(west), west - 1 / 1200, 22 + 1 / 1200, 1 / 600)
    write(tmp_path / "elsewhere.tif", slope(10), 10.0, 22.0, 1 / 600)
    found = read_elevation(tmp_path, GRID)
    assert found.tiles == 2
    assert found.void_share == 0
    assert np.abs(found.elevation - expected()).max() < 0.2


def test_an_srtm_hgt_is_read_and_its_voids_are_filled_and_reported(tmp_path):
    heights = np.rint(slope(104, 1201)).astype(">i2")
    heights[560:620, 900:940] = -32768
    (tmp_path / "N21E104.hgt").write_bytes(heights.tobytes())
    grid = Grid("EPSG:32648", 460_000.0, 2_400_000.0, 250.0, 100, 140)
    found = read_elevation(tmp_path / "N21E104.hgt", grid)
    assert np.isfinite(found.elevation).all()
    assert 0 < found.void_share < 0.2
    assert found.void_far_m > 250
    assert "void, filled from up to" in found.report()
    assert 70 < found.elevation.min() <= found.elevation.max() < 155


def test_a_virtual_mosaic_reads_like_its_tiles(tmp_path):
    write(tmp_path / "a.tif", slope(104), 104 - 1 / 1200, 22 + 1 / 1200, 1 / 600)
    (tmp_path / "m.vrt").write_text(
        '<VRTDataset rasterXSize="601" rasterYSize="601"><SRS>EPSG:4326</SRS>'
        f"<GeoTransform>{104 - 1 / 1200}, {1 / 600}, 0, {22 + 1 / 1200}, 0, {-1 / 600}</GeoTransform>"
        '<VRTRasterBand dataType="Float32" band="1"><SimpleSource>'
        '<SourceFilename relativeToVRT="1">a.tif</SourceFilename><SourceBand>1</SourceBand>'
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )
    before = np.zeros(GRID.shape)
    tile, mosaic = (read_elevation(tmp_path / n, GRID, former=before) for n in ("a.tif", "m.vrt"))
    assert (tile.elevation == mosaic.elevation).all()


def test_land_cover_becomes_clutter_classes_and_unknown_codes_are_named(tmp_path):
    codes = np.full((400, 400), 10, np.uint8)
    codes[:, 200:] = 50
    write(tmp_path / "c.tif", codes, 104.5, 21.6, 1 / 400, nodata=0)
    found = read_landcover(tmp_path / "c.tif", GRID, limits=ANY).clutter
    assert set(np.unique(found)) == {2, 3}
    codes[0:200, :] = 77
    write(tmp_path / "c.tif", codes, 104.5, 21.6, 1 / 400, nodata=0)
    with pytest.raises(InputError, match="77"):
        read_landcover(tmp_path / "c.tif", GRID, limits=ANY)
    (tmp_path / "legend.csv").write_text("code,class\n10,3\n50,2\n77,9\n")
    with pytest.raises(InputError, match=r"legend\.csv row 3, column class"):
        read_landcover(tmp_path / "c.tif", GRID, tmp_path / "legend.csv")
    (tmp_path / "legend.csv").write_text("code,class\n10,3\n50,2\n77,1\n")
    assert 1 in read_landcover(tmp_path / "c.tif", GRID, tmp_path / "legend.csv", limits=ANY).clutter


def test_files_that_cannot_be_read_are_named_together(tmp_path):
    (tmp_path / "bad.tif").write_bytes(b"nothing")
    (tmp_path / "worse.hgt").write_bytes(b"short")
    with pytest.raises(InputError) as found:
        read_elevation(tmp_path, GRID)
    assert {p.where for p in found.value.problems} == {"bad.tif", "worse.hgt"}
    with pytest.raises(InputError, match="does not exist"):
        read_elevation(tmp_path / "none.tif", GRID)
    write(tmp_path / "far.tif", slope(10), 10.0, 22.0, 1 / 600)
    with pytest.raises(InputError, match="does not overlap"):
        read_elevation(tmp_path / "far.tif", GRID)


def people_file(path, *, west=104.6, north=21.55, n=700, step=1 / 1200, crs="EPSG:4326"):
    people = np.random.default_rng(5).gamma(0.2, 20.0, (n, n)).astype(np.float32)
    write(path, people, west, north, step, nodata=-99999.0, crs=crs)
    return people


def test_nobody_is_lost_or_counted_twice_between_strips(tmp_path, monkeypatch):
    # the file lies wholly inside the grid
    people = people_file(tmp_path / "p.tif", west=104.9, north=21.3, n=200)
    whole = read_people(tmp_path / "p.tif", GRID).people
    assert whole.sum() == pytest.approx(people.sum(), rel=1e-5)
    monkeypatch.setattr(raster, "_DRAWN_PIXELS", 500)
    strips = read_people(tmp_path / "p.tif", GRID).people
    assert np.abs(strips - whole).max() <= 1e-4 * whole.max()
    assert np.abs(strips.sum() - whole.sum()) <= 1e-6 * whole.sum()


@pytest.mark.parametrize("crs", ["EPSG:4326", "ESRI:54009"])
def test_a_map_of_the_world_reaches_the_grid_as_its_cutting_does(tmp_path, crs):
    from rasterio.warp import transform_bounds

    west, south, east, north = transform_bounds(GRID.crs, crs, *GRID.bounds)
    if crs == "EPSG:4326":
        left, top, step, shape = -180.0, 90.0, 0.05, (3600, 7200)
    else:
        left, top, step, shape = -18_000_000.0, 9_000_000.0, 5_000.0, (3600, 7200)
    values = np.zeros(shape, np.float32)
    rows = slice(int((top - north) / step) - 3, int((top - south) / step) + 4)
    cols = slice(int((west - left) / step) - 3, int((east - left) / step) + 4)
    values[rows, cols] = np.random.default_rng(2).uniform(1, 9, values[rows, cols].shape)
    write(tmp_path / "world.tif", values, left, top, step, crs=crs)
    write(
        tmp_path / "cut.tif",
        values[rows, cols],
        left + cols.start * step,
        top - rows.start * step,
        step,
        crs=crs,
    )
    world, cut = (read_people(tmp_path / f"{name}.tif", GRID).people for name in ("world", "cut"))
    assert world.sum() > 0
    assert np.abs(world - cut).max() <= 1e-3 * cut.max()


def test_a_tile_cut_off_in_the_middle_is_named(tmp_path):
    people_file(tmp_path / "p.tif")
    whole = (tmp_path / "p.tif").read_bytes()
    (tmp_path / "p.tif").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"p\.tif: .*cut off"):
        read_people(tmp_path / "p.tif", GRID)

"""Rasters of a region's folder: whole, in place, within limits, or refused."""

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, Phase, given, settings
from rasterio.transform import Affine, from_origin
from test_fuzz import damages

from phusong.errors import InputError
from phusong.region.folder import read_classes, read_heights

CRS = "EPSG:32648"
PLACE = from_origin(500_000, 2_420_000, 500, 500)


def write(path, values, *, crs=CRS, transform=PLACE, nodata=None):
    profile = {
        "driver": "GTiff",
        "count": 1,
        "dtype": values.dtype.name,
        "height": values.shape[0],
        "width": values.shape[1],
    }
    with rasterio.open(path, "w", crs=crs, transform=transform, nodata=nodata, **profile) as out:
        out.write(values, 1)
    return path


HEIGHTS = np.full((4, 5), 300.0, np.float32)


def holed(value):
    out = HEIGHTS.copy()
    out[1, 2] = value
    return out


@pytest.mark.parametrize(
    ("values", "how", "words"),
    [
        (HEIGHTS, {"crs": None}, "has no CRS"),
        (HEIGHTS, {"crs": "EPSG:32649"}, "is in EPSG:32649, the region in EPSG:32648"),
        (HEIGHTS, {"transform": PLACE @ Affine.rotation(10)}, "north-up"),
        (HEIGHTS, {"transform": Affine(500, 0, 5e5, 0, 500, 24e5)}, "north-up"),
        (HEIGHTS, {"transform": Affine(500, 0, 5e5, 0, -250, 24e5)}, "square"),
        (holed(-9999), {}, "'-9999' is no ground height.*row 2, column 3; does it stand for no data"),
        (holed(-9999), {"nodata": -9999}, "has no height in 1 pixel;"),
        (holed(np.nan), {}, "has no height in 1 pixel;"),
    ],
)
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_heights_that_are_none_are_refused(tmp_path, values, how, words):
    with pytest.raises(InputError, match=words):
        read_heights(write(tmp_path / "elevation.tif", values, **how), CRS)


def test_classes_lie_on_the_grid_of_the_heights_and_are_known(tmp_path):
    _, grid = read_heights(write(tmp_path / "elevation.tif", HEIGHTS), CRS)
    codes = np.ones((4, 5), np.int16)
    assert read_classes(write(tmp_path / "clutter.tif", codes), grid).dtype == np.uint8
    assert read_classes(tmp_path / "none.tif", grid).sum() == 0
    with pytest.raises(InputError, match="another grid"):
        read_classes(
            write(tmp_path / "c.tif", codes, transform=from_origin(500_250, 2_420_000, 500, 500)), grid
        )
    with pytest.raises(InputError, match="257"):
        read_classes(write(tmp_path / "c.tif", codes + np.int16(256)), grid)
    with pytest.raises(InputError, match=r"has \(3, 5\) pixels"):
        read_classes(write(tmp_path / "c.tif", codes[:3]), grid)


def test_a_damaged_raster_is_refused_or_keeps_its_size(tmp_path):
    path = write(tmp_path / "elevation.tif", np.full((40, 50), 300.0, np.float32))
    whole = path.read_bytes()

    @settings(
        max_examples=60,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(damages(whole))
    def holds(data):
        path.write_bytes(data)
        try:
            heights, grid = read_heights(path, CRS)
        except InputError:
            return
        assert heights.shape == grid.shape
        assert np.isfinite(heights).all()

    holds()

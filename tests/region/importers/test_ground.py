"""Heights and land cover of publishers, as they pack them."""

import gzip
import zipfile

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from phusong.errors import InputError
from phusong.region.importers import IMPORTERS, Options
from phusong.region.read.raster import RasterLimits
from phusong.region.replace import with_imported

# the small region lies at 105.0 to 105.2 east, 21.70 to 21.89 north: in tile N21E105
NAME = "N21E105"


def heights():
    rows, cols = np.indices((1201, 1201))
    return (300 + rows / 10 + cols / 20).astype(">i2")


def tile(path, values, dtype, nodata):
    with rasterio.open(
        path, "w", driver="GTiff", dtype=dtype, count=1, height=values.shape[0], width=values.shape[1], crs="EPSG:4326",
        transform=from_origin(105, 22, 1 / values.shape[1], 1 / values.shape[0]), nodata=nodata,
    ) as out:  # fmt: skip
        out.write(values.astype(dtype), 1)
    return path


def imported(region, kind, path):
    return IMPORTERS[kind].read(
        region, [path], Options(as_of="2000", licence="public domain", limits=RasterLimits(unit="m"))
    )


@pytest.mark.parametrize("kind", ["hgt", "hgt.gz", "zip", "folder"])
def test_tiles_are_read_as_publishers_pack_them(region, tmp_path, kind):
    data = heights().tobytes()
    if kind == "zip":
        path = tmp_path / "srtm.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{NAME}.hgt", data)
            archive.writestr("readme.txt", "-")
    elif kind == "hgt.gz":
        path = tmp_path / f"{NAME}.hgt.gz"
        path.write_bytes(gzip.compress(data))
    else:
        path = tmp_path / f"{NAME}.hgt"
        path.write_bytes(data)
        path = tmp_path if kind == "folder" else path
    found = imported(region, "elevation", path)
    out = with_imported(region, found).region
    assert 300 < out.elevation.min() < out.elevation.max() < 450
    source = out.source_of("elevation")
    assert (source.kind, source.as_of, source.licence) == ("measured", "2000", "public domain")


def test_land_cover_becomes_clutter(region, tmp_path):
    codes = np.full((1200, 1200), 10, np.uint8)
    codes[:, 120:] = 50
    found = imported(region, "worldcover", tile(tmp_path / "ESA_WorldCover.tif", codes, "uint8", 0))
    assert set(np.unique(found.layers["clutter"])) == {2, 3}
    assert found.sources[0].source.startswith("ESA WorldCover")


def test_sentinels_that_are_not_declared_and_pictures_are_refused(region, tmp_path):
    values = heights().astype("int16")
    values[200:260, 100:160] = -32768
    with pytest.raises(InputError, match=r"dem\.tif: '-32768' .*gdal_edit.py -a_nodata -32768"):
        imported(region, "elevation", tile(tmp_path / "dem.tif", values, "int16", None))
    assert imported(region, "elevation", tile(tmp_path / "dem.tif", values, "int16", -32768)).notices
    with rasterio.open(
        tmp_path / "map.tif", "w", driver="GTiff", dtype="uint8", count=3, height=9, width=9, crs="EPSG:4326",
        transform=from_origin(105, 22, 0.1, 0.1),
    ) as out:  # fmt: skip
        out.write(np.ones((3, 9, 9), np.uint8))
    with pytest.raises(InputError, match="picture of 3 bands"):
        imported(region, "elevation", tmp_path / "map.tif")


@pytest.mark.parametrize("value", [-9999.0, np.nan], ids=["declared", "not a number"])
def test_tiles_without_any_height_are_refused_as_such(region, tmp_path, value):
    path = tile(tmp_path / "dem.tif", np.full((1200, 1200), value), "float32", -9999.0)
    with pytest.raises(InputError, match=r"dem\.tif: has no height in the region"):
        imported(region, "elevation", path)


@pytest.mark.parametrize("name", ["../N21E105.hgt", "/etc/N21E105.hgt", "a\\..\\..\\N21E105.hgt"])
def test_archives_that_lead_out_are_refused(region, tmp_path, name):
    with zipfile.ZipFile(tmp_path / "srtm.zip", "w") as archive:
        archive.writestr(name, heights().tobytes())
    with pytest.raises(InputError, match=r"srtm\.zip.*leads out of the archive"):
        imported(region, "elevation", tmp_path / "srtm.zip")


def test_broken_archives_are_refused_together(region, tmp_path):
    packed = gzip.compress(heights().tobytes())
    (tmp_path / "N21E105.hgt.gz").write_bytes(packed[: len(packed) // 2])
    (tmp_path / "b.zip").write_bytes(b"PK\x03\x04nothing")
    files = [tmp_path / "N21E105.hgt.gz", tmp_path / "b.zip", tmp_path / "none.tif", tmp_path / "notes.docx"]
    files[3].write_bytes(b"-")
    with pytest.raises(InputError) as error:
        IMPORTERS["elevation"].read(region, files, Options())
    assert [p.where for p in error.value.problems] == [f.name for f in files]

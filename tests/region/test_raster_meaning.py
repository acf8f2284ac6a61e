"""Scale, offset, unit and bands of rasters, wherever one is read: applied, or refused by name."""

from dataclasses import replace

import numpy as np
import pytest
import rasterio

from phusong.errors import InputError
from phusong.region.folder import Region
from phusong.region.importers import IMPORTERS, Options
from phusong.region.read.raster import RasterLimits
from phusong.region.replace import with_imported
from small_region import small_region


def hills(region: Region) -> np.ndarray:
    row, col = np.indices(region.grid.shape)
    return (200.0 + 12.0 * row + 5.0 * col).astype(np.float32)


@pytest.fixture
def hilly() -> Region:
    region = small_region()
    return replace(region, elevation=hills(region))


def write(path, region, values, *, nodata=None, scale=1.0, offset=0.0, unit="", **more):
    values = values if values.ndim == 3 else values[None]
    with rasterio.open(
        path, "w", driver="GTiff", dtype=values.dtype.name, count=len(values), height=values.shape[1],
        width=values.shape[2], crs=region.grid.crs, transform=region.grid.transform, nodata=nodata, **more,
    ) as out:  # fmt: skip
        out.write(values)
        if scale != 1.0 or offset:
            out.scales, out.offsets = (scale,) * len(values), (offset,) * len(values)
        if unit:
            out.units = (unit,) * len(values)
    return path


def elevation(region, path, **limits):
    return IMPORTERS["elevation"].read(region, [path], Options(limits=RasterLimits(**limits)))


STORED = [
    ("decimetres by scale", lambda h: np.rint(h * 10).astype(np.int16), {"scale": 0.1}),
    (
        "scale and offset",
        lambda h: np.rint((h - 200) * 4).astype(np.uint16),
        {"scale": 0.25, "offset": 200.0},
    ),
    ("feet by unit", lambda h: (h / 0.3048).astype(np.float32), {"unit": "ft"}),
    ("metres by unit", lambda h: h, {"unit": "metre"}),
    ("centimetres by both", lambda h: np.rint(h * 100 / 2).astype(np.int32), {"scale": 2.0, "unit": "cm"}),
]


@pytest.mark.parametrize(("stored", "tags"), [s[1:] for s in STORED], ids=[s[0] for s in STORED])
def test_scale_offset_and_unit_are_applied_in_imports_and_in_folders(hilly, tmp_path, stored, tags):
    path = write(tmp_path / "dem.tif", hilly, stored(hilly.elevation), **tags)
    found = elevation(hilly, path).layers["elevation"]
    assert np.abs(found - hilly.elevation).max() < 0.2
    folder = hilly.write(tmp_path / "r")
    write(folder / "elevation.tif", hilly, stored(hilly.elevation), **tags)
    assert np.abs(Region.read(folder).elevation - hilly.elevation).max() < 0.2


@pytest.mark.parametrize("unit", ["degrees", "%", "K"])
def test_a_unit_that_is_no_height_is_refused_by_name(hilly, tmp_path, unit):
    path = write(tmp_path / "dem.tif", hilly, hilly.elevation, unit=unit)
    with pytest.raises(InputError, match=unit):
        elevation(hilly, path)
    folder = hilly.write(tmp_path / "r")
    write(folder / "elevation.tif", hilly, hilly.elevation, unit=unit)
    with pytest.raises(InputError, match=unit):
        Region.read(folder)


def test_of_several_bands_one_is_chosen_or_the_file_is_refused(hilly, tmp_path):
    bands = np.stack([hilly.elevation * 0 + 7, hilly.elevation, hilly.elevation * 0])
    path = write(tmp_path / "dem.tif", hilly, bands)
    with pytest.raises(InputError, match=r"3 bands.*--band"):
        elevation(hilly, path)
    assert np.abs(elevation(hilly, path, band=2).layers["elevation"] - hilly.elevation).max() < 0.01
    with pytest.raises(InputError, match="no band of it"):
        elevation(hilly, path, band=4)
    folder = hilly.write(tmp_path / "r")
    write(folder / "elevation.tif", hilly, bands)
    with pytest.raises(InputError, match="3 bands"):
        Region.read(folder)
    for kind in ("worldpop", "worldcover"):
        with pytest.raises(InputError, match="3 bands"):
            IMPORTERS[kind].read(hilly, [path], Options())


@pytest.mark.parametrize("kind", ["elevation", "worldpop", "worldcover", "gridfinder"])
def test_complex_numbers_are_refused(hilly, tmp_path, kind):
    path = write(tmp_path / "c.tif", hilly, hilly.elevation.astype(np.complex64))
    with pytest.raises(InputError, match="complex"):
        IMPORTERS[kind].read(hilly, [path], Options())
    folder = hilly.write(tmp_path / "r")
    write(folder / "elevation.tif", hilly, hilly.elevation.astype(np.complex64))
    with pytest.raises(InputError, match="complex"):
        Region.read(folder)


def test_nodata_that_the_type_cannot_hold_is_none(hilly, tmp_path):
    path = write(tmp_path / "dem.tif", hilly, hilly.elevation.astype(np.int16), unit="m")
    with rasterio.open(path, "r+") as out:
        out.update_tags(1, ns="", nodata="-99999")
    assert np.abs(elevation(hilly, path).layers["elevation"] - hilly.elevation).max() <= 1.0


def test_a_paletted_land_cover_is_read(hilly, tmp_path):
    path = write(tmp_path / "cover.tif", hilly, np.full(hilly.grid.shape, 10, np.uint8), nodata=0)
    with rasterio.open(path, "r+") as out:
        out.write_colormap(1, {10: (0, 100, 0, 255)})
    assert len(np.unique(IMPORTERS["worldcover"].read(hilly, [path], Options()).layers["clutter"])) == 1


@pytest.mark.parametrize(
    ("factor", "word"),
    [(10.0, "decimetres"), (1 / 0.3048, "feet"), (100.0, "centimetres"), (0.001, "kilometres")],
)
def test_heights_in_another_unit_are_named_by_the_former_ones(hilly, tmp_path, factor, word):
    values = (hilly.elevation * factor * 1.05).astype(np.float32)
    path = write(tmp_path / "dem.tif", hilly, np.minimum(values, 8_999.0))
    if factor == 100.0:
        path = write(tmp_path / "dem.tif", replace(hilly), values / 10)
        factor, word = 10.0, "decimetres"
    with pytest.raises(InputError, match=word):
        elevation(hilly, path)
    unit = {"decimetres": "dm", "feet": "ft", "kilometres": "km"}[word]
    found = elevation(hilly, path, unit=unit).layers["elevation"]
    assert np.median(found / hilly.elevation) == pytest.approx(1.05, rel=0.01)


def test_a_model_that_is_flat_where_hills_are_is_refused(hilly, tmp_path):
    path = write(tmp_path / "dem.tif", hilly, np.zeros(hilly.grid.shape, np.float32))
    with pytest.raises(InputError, match="height of every pixel"):
        elevation(hilly, path)


def test_voids_are_filled_a_stated_way_and_farther_off_the_former_heights_stay(hilly, tmp_path):
    values = hilly.elevation + 10
    values[:, 18:] = -9999.0
    path = write(tmp_path / "dem.tif", hilly, values, nodata=-9999.0)
    with pytest.raises(InputError, match=r"covers 4\d\.\d% of the region.*--least-covered"):
        elevation(hilly, path, fill_m=500.0)
    found = elevation(hilly, path, fill_m=500.0, least_covered=0.3)
    out = found.layers["elevation"]
    assert (out[:, 20:] == hilly.elevation[:, 20:]).all()
    assert np.allclose(out[:, :18], values[:, :18])
    source = found.sources[0]
    assert 0.3 < source.share < 0.46
    assert "keeps the heights of before" in found.notices[0].what


def test_land_cover_that_covers_a_part_keeps_the_rest(hilly, tmp_path):
    hilly = replace(hilly, clutter=np.full(hilly.grid.shape, 3, np.uint8))
    codes = np.full(hilly.grid.shape, 50, np.uint8)
    codes[:, 30:] = 0
    path = write(tmp_path / "cover.tif", hilly, codes, nodata=0)
    found = IMPORTERS["worldcover"].read(hilly, [path], Options())
    assert (found.layers["clutter"][:, 30:] == 3).all()
    assert found.sources[0].share == pytest.approx(30 / hilly.grid.width)
    codes[:, 10:] = 0
    path = write(tmp_path / "cover.tif", hilly, codes, nodata=0)
    with pytest.raises(InputError, match="covers"):
        IMPORTERS["worldcover"].read(hilly, [path], Options())


def people(region: Region, factor: float = 1.1) -> np.ndarray:
    out = np.zeros(region.grid.shape, np.float32)
    out[region.demand["row"], region.demand["col"]] = region.demand["population"].to_numpy() * factor
    return out


def joined(region, path, totals="province", **limits):
    options = Options(limits=RasterLimits(**limits))
    return with_imported(
        region, IMPORTERS["worldpop"].read(region, [path], options), totals=totals, limits=options.limits
    )


@pytest.mark.parametrize("totals", ["province", "commune"])
def test_where_a_raster_of_people_has_no_pixel_everybody_stays(region, tmp_path, totals):
    values = people(region)[:, ::-1].copy()  # another pattern
    values[:, 24:] = -99999.0
    path = write(tmp_path / "half.tif", region, values, nodata=-99999.0)
    found = joined(region, path, totals)
    out = found.region
    assert out.demand["population"].sum() == region.demand["population"].sum()
    east = region.demand["col"] >= 24
    before = region.demand[east].set_index("cell_id")["population"]
    after = out.demand[out.demand["col"] >= 24].set_index("cell_id")["population"]
    assert after.sort_index().equals(before[before > 0].sort_index())
    rows = out.repairs[out.repairs["reason"].str.contains("covers the places")]
    assert len(rows)
    assert any("covered in part" in n.what for n in found.notices)


def test_a_raster_of_a_small_part_is_refused_with_the_share_and_the_communes(region, tmp_path):
    values = people(region)
    values[:, 12:] = -99999.0
    path = write(tmp_path / "west.tif", region, values, nodata=-99999.0)
    with pytest.raises(
        InputError, match=r"covers the places of \d+\.\d% of the region's people.*Thái Sơn 0%"
    ):
        joined(region, path)
    assert joined(region, path, least_covered=0.1).region.communes["population"].min() > 0


@pytest.mark.parametrize(
    ("factor", "word"), [(0.001, "thousands"), (4.0, "by area"), (0.01, "per cent"), (0.2, "year")]
)
def test_sums_of_another_order_are_refused_with_the_factor(region, tmp_path, factor, word):
    path = write(tmp_path / "p.tif", region, people(region, factor))
    for totals in ("province", "commune"):
        with pytest.raises(InputError, match=word) as error:
            joined(region, path, totals)
        assert f"multiplied by {1 / factor:,.4f}".rstrip("0").rstrip(".") in str(error.value)
    assert joined(region, path, most_scaled=2000.0).region.demand["population"].sum()


def test_a_density_a_share_nobody_and_negative_people_are_refused(region, tmp_path):
    for unit, word in (("people/km2", "by area"), ("%", "share"), ("lux", "no unit")):
        path = write(tmp_path / "p.tif", region, people(region), unit=unit)
        with pytest.raises(InputError, match=word):
            joined(region, path)
    with pytest.raises(InputError, match="nobody in the region"):
        joined(region, write(tmp_path / "p.tif", region, people(region, 0.0)))
    with pytest.raises(InputError, match="nodata"):
        joined(region, write(tmp_path / "p.tif", region, people(region) - 5))
    told = joined(region, write(tmp_path / "p.tif", region, people(region) / 1000, unit="thousands"))
    assert told.region.demand["population"].sum() == region.demand["population"].sum()


def test_narrow_holes_are_land_without_people_and_wide_ones_keep_theirs(region, tmp_path):
    values = people(region)
    values[5:8, 5:8] = -99999.0  # a kilometre and a half
    values[20:36, 20:36] = -99999.0  # eight kilometres
    found = joined(region, write(tmp_path / "p.tif", region, values, nodata=-99999.0)).region
    here = people(found, 1.0)
    assert here[5:8, 5:8].sum() == 0
    # the corners of a wide hole are as near to known squares as a narrow one's middle
    assert (here[22:34, 22:34] == people(region, 1.0)[22:34, 22:34]).all()


@pytest.mark.parametrize(
    "limits", [{"least_covered": 1.5}, {"most_scaled": float("nan")}, {"band": 0}, {"unit": "furlong"}]
)
def test_limits_that_are_none_are_refused(limits):
    assert RasterLimits(**limits).problems()
    assert not RasterLimits().problems()

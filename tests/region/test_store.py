"""Region folders: written whole, read back the same, refused with every problem named."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from phusong.errors import InputError
from phusong.region.folder import Region
from phusong.region.read.table import read_table
from phusong.region.replace import replace_layers
from phusong.region.validate import check_region
from small_region import small_region

CRS = "EPSG:32648"


def test_a_region_written_and_read_is_the_same(region, tmp_path):
    region.write(tmp_path / "r")
    again = Region.read(tmp_path / "r")
    assert again.digests() == region.digests()
    assert again.grid == region.grid
    assert again.sources == region.sources


def test_a_folder_of_others_is_not_overwritten(region, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(InputError, match="not a region"):
        region.write(tmp_path / "mine")
    assert (tmp_path / "mine" / "notes.txt").read_text() == "keep"


def broken(change) -> str:
    region = small_region()
    return "\n".join(str(p) for p in check_region(change(region)))


def cell(frame: pd.DataFrame, row: int, column: str, value: object) -> pd.DataFrame:
    out = frame.copy()
    out[column] = out[column].astype(object)
    out.iloc[row, out.columns.get_loc(column)] = value
    return out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: replace(r, links=cell(r.links, 2, "to_id", "ghost")), ("links row 3", "to_id", "ghost")),
        (
            lambda r: replace(r, power_lines=cell(r.power_lines, 0, "from_id", "t2")),
            ("cycle", "power tree", "t2"),
        ),
        (
            lambda r: replace(r, sites=cell(r.sites, 4, "site_id", "s01")),
            ("sites row 5", "site_id", "s01", "duplicate"),
        ),
        (
            lambda r: replace(r, sites=cell(r.sites, 4, "height_m", -3.0)),
            ("sites row 5", "height_m", "-3", "negative"),
        ),
        (lambda r: replace(r, demand=r.demand.assign(population=0)), ("demand", "no people")),
        (
            lambda r: replace(r, cells=cell(r.cells, 0, "operator", "green")),
            ("cells row 1", "operator", "green"),
        ),
        (lambda r: replace(r, operators=r.operators.assign(share=0.6)), ("operators", "share", "sum to 1")),
        (
            lambda r: replace(r, demand=cell(r.demand, 0, "commune_code", "99999")),
            ("demand row 1", "99999", "communes"),
        ),
    ],
)
def test_each_contradiction_is_named(change, words):
    text = broken(change)
    for word in words:
        assert word in text, text


def test_a_sound_region_has_no_problems(region):
    assert check_region(region) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("site_id,longitude,latitude\nA,22.1,105.2\nB,105.2,22.1\n", ("sites.csv row 1", "swapped", "105.2")),
        ("site_id,longitude,latitude\nA,105.2,22.1\nA,105.3,22.2\n", ("sites.csv row 2", "duplicate", "'A'")),
        ("site_id,longitude,latitude,height_m\nA,105.2,22.1,-5\n", ("row 1", "height_m", "-5", "negative")),
        ("site_id,longitude,latitude,height_m\nA,105.2,22.1,tall\n", ("row 1", "height_m", "tall")),
        ("site_id,longitude,latitude\nA,NaN,22.1\n", ("row 1", "longitude", "NaN")),
        (
            "site_id,longitude,latitude,power_source\nA,105.2,22.1,sollar\n",
            ("power_source", "sollar", "did you mean solar"),
        ),
        ("site_id,height_m\nA,30\n", ("no places", "longitude")),
        ("name,longitude,latitude\nA,105.2,22.1\nA,105.3,22.2\n", ("site_id", "missing")),
    ],
)
def test_bad_tables_name_file_row_column_and_value(tmp_path, text, words):
    path = tmp_path / "sites.csv"
    path.write_text(text)
    with pytest.raises(InputError) as found:
        read_table(path, "sites", crs=CRS)
    for word in words:
        assert word in str(found.value), str(found.value)


def test_all_problems_of_a_file_come_at_once(tmp_path):
    path = tmp_path / "sites.csv"
    path.write_text(
        "site_id,longitude,latitude,height_m,structure\nA,105.2,22.1,-5,towr\nA,22.1,105.2,30,tower\n"
    )
    with pytest.raises(InputError) as found:
        read_table(path, "sites", crs=CRS)
    assert len(found.value.problems) == 4


def raster(path: Path, values: np.ndarray, crs: str | None) -> Path:
    from rasterio.transform import from_origin

    profile = {
        "driver": "GTiff",
        "dtype": "float32",
        "count": 1,
        "height": values.shape[0],
        "width": values.shape[1],
    }
    with rasterio.open(
        path, "w", crs=crs, transform=from_origin(499_000, 2_421_000, 1000, 1000), nodata=-9999, **profile
    ) as out:
        out.write(values.astype(np.float32), 1)
    return path


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_rasters_replace_layers_or_are_refused(region, tmp_path):
    heights = np.tile(80.0 + 10.0 * np.arange(22.0), (22, 1))  # rising to the east, one pixel unknown
    heights[5, 5] = -9999
    swapped = replace_layers(region, elevation=raster(tmp_path / "e.tif", heights, CRS))
    east_km = (np.arange(region.grid.shape[1]) + 0.5) * region.grid.cell_m / 1000
    assert swapped.elevation == pytest.approx(
        np.tile(85.0 + 10.0 * east_km, (region.grid.shape[0], 1)), abs=7.0
    )  # beside the void
    assert swapped.source_of("elevation").kind == "measured"
    people = np.arange(484.0).reshape(22, 22) * (22_951 / 96_600)  # about as many in all as the region has
    counted = replace_layers(region, population=raster(tmp_path / "p.tif", people, CRS))
    assert int(counted.demand["population"].sum()) == int(region.demand["population"].sum())
    with pytest.raises(InputError, match="no CRS"):
        replace_layers(region, elevation=raster(tmp_path / "n.tif", heights, None))
    (tmp_path / "bad.tif").write_text("not a tiff")
    with pytest.raises(InputError, match=r"bad\.tif"):
        replace_layers(region, elevation=tmp_path / "bad.tif")
    with pytest.raises(TypeError, match="no file can replace demand"):
        replace_layers(region, demand=tmp_path / "d.csv")


def test_a_users_sites_replace_the_modelled_ones_and_stay_joined(region, tmp_path):
    path = tmp_path / "sites.csv"
    path.write_text("site_id,east_m,north_m,owner\nA,505000,2405000,red\nB,515000,2415000,blue\n")
    out = replace_layers(region, sites=path)
    assert check_region(out) == []
    assert set(out.cells["site_id"]) == {"A", "B"}
    assert out.source_of("sites").kind == "measured"
    assert out.source_of("cells").kind == "assumed"


def test_shapes_in_memory_hold_no_more_than_shapes_of_a_file(region):
    rounded = shapely.set_precision(region.communes.geometry.to_numpy(), 0.1)
    built = replace(region, communes=region.communes.set_geometry(rounded, crs=region.communes.crs))
    assert (shapely.get_precision(built.communes.geometry.to_numpy()) == 0.0).all()
    assert (built.communes.geometry.to_wkb() == shapely.to_wkb(rounded)).all()

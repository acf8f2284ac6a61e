"""What is written reads back the same: every layer, through every kind of file that we write."""

import pandas as pd
import pytest
from geopandas.testing import assert_geodataframe_equal
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from layer_strategies import CRS, layers

from phusong.errors import InputError
from phusong.region.read.table import read_layer, safe_cells, table_problems, write_table
from phusong.region.schema import GEOMETRY_LAYERS, LAYERS


def same(found, wanted, layer):
    if layer in GEOMETRY_LAYERS:
        assert_geodataframe_equal(found, wanted, check_like=False, check_crs=True)
        assert (found.geometry.to_wkb() == wanted.geometry.to_wkb()).all()
    else:
        pd.testing.assert_frame_equal(found, wanted, check_exact=True)


@pytest.mark.parametrize("ending", ["parquet", "gpkg", "csv"])
@pytest.mark.parametrize("layer", LAYERS)
def test_what_is_written_reads_back_the_same(layer, ending, tmp_path_factory):
    folder = tmp_path_factory.mktemp(layer)

    @settings(
        max_examples=3,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def holds(data):
        # an empty GeoPackage table has no type of geometry to keep
        frame = data.draw(layers(layer, least_rows=int(ending == "gpkg")))
        assert table_problems(frame, layer, layer) == []
        path = write_table(frame, folder / f"{layer}.{ending}", layer)
        read = read_layer(path, layer, crs=CRS)
        same(read.frame, frame, layer)
        assert read.notices == ()

    holds()


def test_other_columns_stay_behind_ours(tmp_path):
    path = tmp_path / "operators.csv"
    path.write_text("note,operator,name,share\nb,red,Red,1.0\n")
    read = read_layer(path, "operators", crs=CRS).frame
    assert list(read.columns) == ["operator", "name", "share", "province_shares", "note"]


def test_an_unknown_ending_is_refused_and_nothing_written(tmp_path, region):
    with pytest.raises(InputError, match="not written"):
        write_table(region.sites, tmp_path / "sites.xlsx", "sites")
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=30, database=None)
@given(st.lists(st.text("'=+-@\t\rab", max_size=6), max_size=5))
def test_no_cell_of_text_starts_a_formula(texts):
    written = safe_cells(pd.DataFrame({"name": pd.Series(texts, dtype="str")}))["name"]
    assert not written.str.match(r"^[=+\-@\t\r]").any()

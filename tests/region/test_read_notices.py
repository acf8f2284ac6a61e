"""Whatever reading converts, fills in or does not use is told: by check, info and run, and by building from files."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from typer.testing import CliRunner

from phusong.cli import app
from phusong.errors import InputError
from phusong.io.progress import Stages
from phusong.pipeline import run
from phusong.region.folder import Region
from phusong.region.importers import IMPORTERS, Options
from phusong.region.read.table import table_of
from phusong.region.replace import replace_layers
from phusong.scenario import Scenario
from small_region import CRS

EMPTY_ROWS = [2, 4, 5, 6, 7, 9]


def with_holes(table):
    """Return a table whose autonomy is missing in some rows."""
    hours = table["autonomy_h"].astype(float).to_numpy().copy()
    hours[np.array(EMPTY_ROWS) - 1] = np.nan
    return table.assign(autonomy_h=hours)


def as_csv(table, path):
    plain = pd.DataFrame(table.drop(columns="geometry"))
    plain.assign(east_m=table.geometry.x, north_m=table.geometry.y).to_csv(path, index=False)


def holed(region, folder, ending) -> Path:
    """Return a region's folder whose sites lack numbers that have a default."""
    out = region.write(folder)
    sites = with_holes(region.sites)
    (out / "sites.parquet").unlink()
    path = out / f"sites.{ending}"
    if ending == "csv":
        as_csv(sites, path)
    elif ending == "parquet":
        sites.to_parquet(path)
    else:
        sites.to_file(path)
    return out


@pytest.mark.parametrize(("ending", "command"), [("csv", "check"), ("parquet", "info"), ("gpkg", "check")])
def test_an_empty_number_of_a_region_is_named_by_check_and_info(region, tmp_path, ending, command):
    folder = holed(region, tmp_path / "r", ending)
    told = f"sites.{ending}, column autonomy_h: nothing stood there: "
    said = CliRunner().invoke(app, ["region", command, str(folder)])
    assert said.exit_code == 0
    assert told in said.stderr
    assert "(6 rows: 2, 4, 5, 6, 7, …)" in said.stderr


def test_a_run_tells_empty_numbers_of_its_region_and_what_it_did_not_hide(region, tmp_path):
    folder = holed(region, tmp_path / "r", "csv")
    stages = Stages()
    settings = (f"region.path={folder}", "invest.samples=2", "invest.budget_musd=0.1")
    settings += ('report.redact_owners=["red"]',)
    run(Scenario.read("default", overrides=settings), stages=stages)
    assert any("sites.csv, column autonomy_h: nothing stood there" in told for told in stages.notices)
    assert any("report.redact_owners is set" in told for told in stages.notices)


def test_a_region_that_was_written_has_nothing_to_tell(region, tmp_path):
    read = Region.read(holed(region, tmp_path / "r", "csv"))
    assert read.repairs["reason"].str.contains("nothing stood there").sum() == 1
    assert Region.read(read.write(tmp_path / "again")).notices == ()


def test_rows_are_named_as_the_file_counts_them_when_others_are_left_out(region):
    sites = with_holes(region.sites)
    sites["height_m"] = sites["height_m"].astype(object)
    sites.loc[0, "height_m"] = "tall"
    read = table_of(sites, "sites", "sites", crs=CRS, leave_out=0.5)
    (told,) = [n for n in read.notices if n.column == "autonomy_h"]
    assert read.rows[0] == 2
    assert told.first == tuple(EMPTY_ROWS[:5])


def test_a_file_that_replaces_a_layer_tells_what_was_filled_in(region, tmp_path):
    as_csv(with_holes(region.sites).assign(mood="fine"), tmp_path / "sites.csv")
    nodes = region.power_nodes.assign(load_kw=np.nan)
    nodes.to_file(tmp_path / "nodes.gpkg")
    out = replace_layers(region, sites=tmp_path / "sites.csv", power_nodes=tmp_path / "nodes.gpkg")
    told = [str(n) for n in out.notices]
    assert any("sites.csv, column autonomy_h: nothing stood there" in t for t in told)
    assert any("not used" in t and "mood" in t for t in told)
    assert any("nodes.gpkg, column load_kw: nothing stood there" in t for t in told)
    rows = out.repairs[out.repairs["reason"].str.contains("nothing stood there")]
    assert set(zip(rows["layer"], rows["column"], strict=True)) == {
        ("sites", "autonomy_h"),
        ("power_nodes", "load_kw"),
    }


def test_owners_nobody_knows_can_be_said_when_a_layer_is_replaced(region, tmp_path):
    as_csv(region.sites.assign(owner="Công ty X"), tmp_path / "sites.csv")
    with pytest.raises(InputError, match=r"--operator"):
        replace_layers(region, sites=tmp_path / "sites.csv")
    out = replace_layers(region, sites=tmp_path / "sites.csv", operators={"Công ty X": "red"})
    assert set(out.cells["operator"]) == {"red"}


def test_an_operator_that_says_nothing_is_refused_by_build():
    said = CliRunner().invoke(
        app, ["region", "build", "vietnam", "--province", "Lai Châu", "--out", "x", "--operator", "VNPT"]
    )
    assert isinstance(said.exception, InputError) or said.exit_code == 2
    assert "OWNER=OPERATOR" in f"{said.exception} {said.output}"


@pytest.mark.parametrize("kind", ["lines", "gridfinder"])
@pytest.mark.parametrize("voltage", [True, False])
def test_columns_of_drawn_lines_that_nobody_reads_are_named(region, tmp_path, kind, voltage):
    feeder = shapely.LineString([(510_000, 2_410_000), (515_000, 2_415_000)])
    columns = {"laid": ["1998"], "owner": ["EVN"]} | ({"voltage": ["22000"]} if voltage else {})
    gpd.GeoDataFrame(columns, geometry=[feeder], crs=CRS).to_file(tmp_path / "l.gpkg")
    found = IMPORTERS[kind].read(region, [tmp_path / "l.gpkg"], Options())
    (told,) = [str(n) for n in found.notices if "answer no question" in n.what]
    assert "laid, owner" in told
    assert ("read from column voltage" if voltage else "name it voltage_kv") in told


def test_columns_of_hexagons_that_nobody_reads_are_named(region, tmp_path):
    square = shapely.box(503_000, 2_403_000, 504_000, 2_404_000)
    columns = {"h3": ["88"], "population": [50.0], "pop_2023": [70.0]}
    gpd.GeoDataFrame(columns, geometry=[square], crs=CRS).to_file(tmp_path / "k.gpkg")
    found = IMPORTERS["kontur"].read(region, [tmp_path / "k.gpkg"], Options())
    (told,) = [str(n) for n in found.notices if "answer no question" in n.what]
    assert "pop_2023" in told
    assert "h3" not in told

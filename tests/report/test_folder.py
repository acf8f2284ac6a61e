"""The result folder: whole, repeatable, never over somebody else's folder."""

import filecmp
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.errors import InputError, PhusongError
from phusong.report.folder import FILES, Result, is_result_folder
from phusong.result.files import csv_text, safe_cell, write_parquet

CHECK = Path(__file__).resolve().parents[2] / ".." / "shared" / "checks" / "result_folder"


@pytest.fixture(scope="module")
def folder(result, tmp_path_factory):
    out = tmp_path_factory.mktemp("results") / "demo"
    result.write(out)
    return out


def same_files(a: Path, b: Path) -> bool:
    names = sorted(str(p.relative_to(a)) for p in a.rglob("*") if p.is_file())
    others = sorted(str(p.relative_to(b)) for p in b.rglob("*") if p.is_file())
    return names == others and filecmp.cmpfiles(a, b, names, shallow=False)[0] == names


def test_every_file_of_the_contract_is_there_and_nothing_is_left_beside(folder):
    assert [f for f in FILES if not (folder / f).is_file()] == []
    assert len(list((folder / "maps").glob("*.png"))) == 6
    assert [p.name for p in folder.parent.iterdir()] == ["demo"]


@pytest.mark.skipif(not CHECK.is_file(), reason="the shared check is not beside this checkout")
def test_the_shared_check_finds_no_broken_promise(folder):
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run([str(CHECK), str(folder)], cwd=root, capture_output=True, text=True, check=False)
    assert run.stdout.startswith("0 promises broken"), run.stdout + run.stderr


def test_reading_gives_back_what_was_written(result, folder):
    back = Result.read(folder)
    np.testing.assert_array_equal(back.rsrp_dbm, result.rsrp_dbm)
    np.testing.assert_array_equal(back.access.classes, result.access_class)
    assert back.grid == result.grid
    pd.testing.assert_frame_equal(back.access.communes, result.communes)
    pd.testing.assert_frame_equal(back.options, result.options)
    assert back.provenance == result.provenance


def test_an_option_that_costs_nothing_leads_without_end_and_is_read_back(result, tmp_path):
    options = result.options.copy()
    endless = [
        "people_per_musd",
        "runner_up_per_musd",
        "rival_per_musd",
        "lead_share",
        "falls_at_cost_factor",
    ]
    options.loc[options.index[0], endless] = np.inf
    replace(result, options=options).write(tmp_path / "free")
    pd.testing.assert_frame_equal(Result.read(tmp_path / "free").options, options)


def test_an_earlier_result_is_replaced_and_foreign_files_in_it_are_kept(result, folder, tmp_path):
    out = shutil.copytree(folder, tmp_path / "demo")
    (out / "notes.txt").write_text("mine")
    (out / "access.tif.aux.xml").write_text("stale")
    replace(result, plan=result.plan.iloc[:0]).write(out)
    assert (out / "notes.txt").read_text() == "mine"
    assert not (out / "access.tif.aux.xml").exists()
    assert Result.read(out).plan.empty


def test_a_folder_of_others_is_never_replaced(result, tmp_path):
    (tmp_path / "thesis.doc").write_text("years of work")
    with pytest.raises(InputError, match="not a result folder"):
        result.write(tmp_path)
    assert (tmp_path / "thesis.doc").read_text() == "years of work"


def test_a_failure_half_way_leaves_the_earlier_result(result, folder, tmp_path):
    out = shutil.copytree(folder, tmp_path / "demo")
    broken = replace(result, summary={"title": object()})
    with pytest.raises(TypeError):
        broken.write(out)
    assert is_result_folder(out)
    assert [p.name for p in tmp_path.iterdir()] == ["demo"]


def test_a_folder_that_is_no_result_is_refused_with_all_that_is_missing(tmp_path):
    with pytest.raises(InputError) as caught:
        Result.read(tmp_path)
    assert len(caught.value.problems) == 9
    with pytest.raises(InputError, match="is not a folder"):
        Result.read(tmp_path / "absent")


def test_a_damaged_file_is_named(folder, tmp_path):
    out = shutil.copytree(folder, tmp_path / "demo")
    (out / "rsrp.tif").write_bytes(b"II*\x00 not a raster")
    with pytest.raises(InputError, match=r"rsrp\.tif"):
        Result.read(out)


def test_gap_parts_that_do_not_sum_are_refused(result):
    communes = result.communes.copy()
    communes.loc[3, "gap_locked"] += 1.0
    with pytest.raises(PhusongError, match="do not sum"):
        replace(result, communes=communes)


def test_a_missing_column_is_named(result):
    with pytest.raises(PhusongError, match="options lacks why"):
        replace(result, options=result.options.drop(columns="why"))


def test_rasters_have_overviews_nodata_and_the_classes_their_colours(folder):
    with rasterio.open(folder / "access.tif") as dataset:
        assert dataset.overviews(1)
        assert dataset.nodata == 0
        assert dataset.colormap(1)[5] == (0x56, 0xB4, 0xE9, 255)
    with rasterio.open(folder / "rsrp.tif") as dataset:
        assert dataset.units == ("dBm",)
        assert dataset.dtypes == ("float32",)


def test_the_geopackage_holds_the_communes(result, folder):
    frame = gpd.read_file(folder / "communes.gpkg")
    assert frame["commune_code"].tolist() == result.communes["commune_code"].tolist()
    assert frame.crs == result.communes.crs


def test_the_summary_is_plain_json_with_figures_per_policy_and_province(folder):
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert [p["policy"] for p in summary["policies"]] == ["none", "passive", "mocn", "roaming"]
    assert {p["province"] for p in summary["provinces"]} == {"Cao Bằng", "Tuyên Quang"}
    assert len(summary["provenance_digest"]) == 64


@pytest.mark.parametrize("text", ["=1+1", "+84", "-x", "@SUM(A1)", "\tx", "\rx", "  =1"])
def test_text_that_a_spreadsheet_would_compute_is_disarmed(text):
    assert safe_cell(text) == "'" + text


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(deadline=None)
def test_numbers_stay_numbers_in_csv(number):
    assert safe_cell(number) == number


def test_lists_and_formulas_in_csv():
    frame = pd.DataFrame({"kinds": [["=a", "b"]], "=head": [-1.5]})
    assert csv_text(frame) == "kinds,'=head\n'=a;b,-1.5\n"


def test_reading_and_writing_again_in_another_process_gives_the_same_bytes(folder, tmp_path):
    code = "import sys; from phusong.report.folder import Result; Result.read(sys.argv[1]).write(sys.argv[2])"
    other = tmp_path / "other"
    subprocess.run(
        [sys.executable, "-c", code, str(folder), str(other)], check=True, env={"PYTHONHASHSEED": "3"}
    )
    assert same_files(folder, other)


def test_text_in_pieces_is_written_as_the_same_bytes(tmp_path):
    long = pd.DataFrame({"remedies": [f"remedy {k};" * (1 + k % 9) for k in range(100_000)]})
    parts = pd.concat([long[:33_333], long[33_333:]], ignore_index=True)
    for name, frame in (("whole", long), ("parts", parts)):
        write_parquet(frame, tmp_path / name)
        frame.to_parquet(tmp_path / f"{name}.plain")
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "parts").read_bytes()
    # otherwise this tests nothing
    assert (tmp_path / "whole.plain").read_bytes() != (tmp_path / "parts.plain").read_bytes()

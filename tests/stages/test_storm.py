"""phusong stress from start to end: files, notes, plans, exit codes, nothing left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from phusong.compute.cache import StageCache
from phusong.compute.serialize import fingerprint
from phusong.compute.store import Store
from phusong.errors import InputError
from phusong.hazard.track import track_of
from phusong.pipeline import run_region
from phusong.report.storm import FILES, write_storm
from phusong.scenario import Scenario
from phusong.stages.storm import read_plan_remedies, stress
from small_region import small_region

ROOT = Path(__file__).resolve().parents[2]


def near_storm():
    """A storm that passes over the small region, strong enough to break things."""
    table = pd.DataFrame(
        {
            "time": ["2024-09-07T00:00Z", "2024-09-07T06:00Z", "2024-09-07T12:00Z"],
            "latitude_deg": [21.5, 21.75, 22.0],
            "longitude_deg": [106.2, 105.2, 104.2],
            "central_hpa": 940.0,
            "max_wind_ms": 62.0,
            "rmw_km": 30.0,
            "source": "made up for tests",
        }
    )
    return track_of(table, "made_up")


@pytest.fixture(scope="module")
def found():
    region = small_region()
    plan = pd.DataFrame({"remedy_id": [*(f"battery_backup@s{k:02d}" for k in range(1, 12)), "build_site@n00001",
                                       "open_mocn@s01", "satellite_link@s02"]})  # fmt: skip
    return stress(region, near_storm(), plan=plan, samples=70, seed=1)


def test_people_add_up_and_the_plan_never_leaves_more_without(found):
    people = small_region().communes["population"].sum()
    assert found.today.people.shape == (5, 4, 70)
    assert found.today.people.sum(axis=1).max() <= people
    assert found.today.people[1].sum() > 70 * found.today.before.sum()
    assert (found.planned.people <= found.today.people).all()
    assert found.planned.people.sum() < found.today.people.sum()
    assert dict(found.plan.done) == {"battery_backup": 11, "open_mocn": 1, "satellite_link": 1}
    assert dict(found.plan.left_out) == {"build_site": 1}


def test_the_folder_holds_what_it_says_and_the_same_bytes_again(found, tmp_path):
    write_storm(found, tmp_path / "a")
    names = {*FILES, "storm_map_with_plan.png"}
    first = {p.name: p.read_bytes() for p in (tmp_path / "a").iterdir()}
    assert set(first) == names
    write_storm(found, tmp_path / "a")  # replaces its own
    assert {p.name: p.read_bytes() for p in (tmp_path / "a").iterdir()} == first
    summary = json.loads((tmp_path / "a" / "storm_summary.json").read_text(encoding="utf-8"))
    assert summary["kind"] == "modelled"
    assert [row["hour"] for row in summary["today"]["hours"]] == [0, 4, 8, 24, 72]
    for row in summary["today"]["hours"]:
        assert row["people_without"]["p05"] <= row["people_without"]["mean"] + 1e-9
        assert sum(row["people_lost_by_cause"].values()) == pytest.approx(row["people_lost"]["mean"])
        assert sum(row["sites_off_by_cause"].values()) == pytest.approx(row["sites_off"]["mean"])
    assert any("Wind only" in note for note in summary["notes"])
    communes = gpd.read_parquet(tmp_path / "a" / "storm_communes.parquet")
    total = summary["today"]["hours"][1]["people_without"]["mean"]
    assert communes["people_without_4h_mean"].sum() == pytest.approx(total, abs=0.3)
    assert communes.crs == small_region().communes.crs
    text = pd.read_csv(tmp_path / "a" / "storm_communes.csv", dtype={"commune_code": str})
    assert text["name"].tolist() == communes["name"].tolist()
    with Image.open(tmp_path / "a" / "storm_map.png") as picture:
        assert picture.width > 1200
        assert len(set(np.asarray(picture.convert("RGB")).reshape(-1, 3)[::97].tobytes())) > 20


def test_a_folder_of_others_is_left_alone(found, tmp_path):
    (tmp_path / "thesis.txt").write_text("years")
    with pytest.raises(InputError, match="left as it is"):
        write_storm(found, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_storm_far_away_and_a_plan_of_elsewhere_are_refused(tmp_path):
    region = small_region()
    far = near_storm()
    away = pd.DataFrame({"time": ["2024-09-07T00:00Z", "2024-09-07T06:00Z"], "latitude_deg": [10.0, 10.5],
                         "longitude_deg": [130.0, 129.0], "central_hpa": 950.0, "max_wind_ms": 40.0})  # fmt: skip
    with pytest.raises(InputError, match="600 km"):
        stress(region, track_of(away, "away"), samples=1)
    with pytest.raises(InputError, match="plan of another"):
        stress(region, far, samples=1, plan=pd.DataFrame({"remedy_id": ["battery_backup@s999"]}))
    with pytest.raises(InputError, match="samples"):
        stress(region, far, samples=0)
    (tmp_path / "plan.csv").write_text("what,why\nx,y\n")
    with pytest.raises(InputError, match="remedy_id"):
        read_plan_remedies(tmp_path / "plan.csv")


def call(*arguments):
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200", "TERM": "dumb"}
    return subprocess.run([sys.executable, "-m", "phusong", *arguments], capture_output=True, text=True, cwd=ROOT,
                          env=environment, check=False)  # fmt: skip


def test_the_command_writes_a_folder_and_tells_what_comes_next(tmp_path):
    small_region().write(tmp_path / "region")
    done = call(
        "stress", str(tmp_path / "region"), "yagi_2024", "--samples", "5", "--out", str(tmp_path / "out")
    )
    assert done.returncode == 0, done.stderr
    assert "Wrote" in done.stdout
    assert "Next: phusong" in done.stdout
    assert (tmp_path / "out" / "storm_map.png").is_file()


def test_bad_input_exits_2_names_everything_and_writes_nothing(tmp_path):
    bad = "time,latitude_deg,longitude_deg,central_hpa,max_wind_ms\nnoon,95,108,950,50\n2024-09-07T06:00Z,21,107,960,x\n"
    (tmp_path / "storm.csv").write_text(bad)
    done = call("stress", str(tmp_path), str(tmp_path / "storm.csv"), "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    for word in ("noon", "latitude_deg", "max_wind_ms", "3 problems"):
        assert word in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_storm_after_a_run_computes_no_radio_and_finds_the_same(found, tmp_path):
    region, store = small_region(), Store(tmp_path / "store")
    run_region(
        Scenario.read("default", overrides=("invest.samples=0",)), region, stage_cache=StageCache(store)
    )
    stage_cache = StageCache(store)
    again = stress(region, near_storm(), samples=70, seed=1, stage_cache=stage_cache)
    assert [note.kept for note in stage_cache.notes] == [True]
    assert fingerprint(again.today) == fingerprint(found.today)

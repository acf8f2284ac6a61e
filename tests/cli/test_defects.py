"""A region whose power or backhaul contradicts itself: `phusong run` names every defect, exits with 2, writes nothing."""

import os
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from phusong.errors import InputError
from phusong.region.folder import Region
from small_region import small_region

ROOT = Path(__file__).resolve().parents[2]


def _set(layer, row, **values):
    def spoil(folder):
        path = folder / f"{layer}.parquet"
        read = gpd.read_parquet if layer in {"sites", "power_nodes"} else pd.read_parquet
        table = read(path)
        for column, value in values.items():
            table.loc[row, column] = value
        table.to_parquet(path)

    return spoil


DEFECTS = {
    "a cycle of lines": (_set("power_lines", 0, from_id="t2"), ["power_lines", "closes a cycle in the power tree"]),
    "two feeders": (_set("power_lines", 3, to_id="t2"), ["power_lines", "row 4", "second line", "normally_open"]),
    "a cycle of parents": (
        _set("sites", 1, backhaul_parent_id="s01"), ["sites", "cycle in the backhaul tree", "s01"],
    ),
    "an island": (
        _set("power_nodes", 0, kind="transformer"), ["power_nodes row 1", "'ss'", "no plant or substation"],
    ),
    "a negative rate of faults": (
        _set("power_lines", 0, failures_per_km_year=-0.1), ["row 1", "failures_per_km_year", "is negative"],
    ),
    "negative interruptions": (_set("power_nodes", 1, saifi=-3.0), ["row 2", "saifi", "is negative"]),
    "a negative repair": (_set("power_lines", 1, repair_h=-5.0), ["row 2", "repair_h", "is negative"]),
    "a negative length": (_set("power_lines", 1, length_km=-5.0), ["row 2", "length_km", "is negative"]),
    "a negative battery": (_set("sites", 2, autonomy_h=-1.0), ["sites.parquet row 3", "autonomy_h", "is negative"]),
    "autonomy without a battery": (
        _set("sites", 2, power_source="grid", autonomy_h=6.0), ["sites row 3", "autonomy_h", "no battery"],
    ),
    "availability above one": (_set("links", 0, availability=1.2), ["links.parquet row 1", "availability", "above 1"]),
    "a node of nowhere": (_set("power_lines", 0, from_id="zz"), ["power_lines", "from_id", "zz", "does not exist"]),
}  # fmt: skip


@pytest.mark.parametrize("name", list(DEFECTS))
def test_each_defect_is_named_with_its_place(tmp_path, name):
    small_region().write(tmp_path / "region")
    spoil, words = DEFECTS[name]
    spoil(tmp_path / "region")
    with pytest.raises(InputError) as error:
        Region.read(tmp_path / "region")
    for word in words:
        assert word in str(error.value)


def test_a_run_lists_all_of_them_exits_2_and_writes_nothing(tmp_path):
    small_region().write(tmp_path / "region")
    together = ("two feeders", "a cycle of parents", "an island", "autonomy without a battery")
    for name in together:
        DEFECTS[name][0](tmp_path / "region")
    done = subprocess.run(
        [sys.executable, "-m", "phusong", "run", "default", "--set", f"region.path={tmp_path / 'region'}",
         "--out", str(tmp_path / "out")],
        capture_output=True, text=True, cwd=ROOT, check=False, env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    for name in together:
        for word in DEFECTS[name][1]:
            assert word in done.stderr, done.stderr
    assert "nothing was written" in done.stderr
    assert not (tmp_path / "out").exists()

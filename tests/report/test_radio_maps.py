"""The maps of a radio sweep: styled names, right values, whole or not at all, the same bytes each time."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio

from phusong.errors import InputError
from phusong.radio.footprints import footprints
from phusong.report.radio import write_radio_maps
from phusong.scenario import Scenario
from phusong.stages.radio import populated, radio_setup, standing_sites
from small_region import small_region


def heard(operator: str = "red"):
    region = small_region()
    cells = region.cells.replace({"operator": {"red": operator}})
    scene, plan = radio_setup(Scenario.read("default").radio, region)
    return footprints(cells, standing_sites(region), scene, plan, keep=populated(region), n_servers=2)


def test_every_layer_has_levels_servers_sinr_and_rate(tmp_path):
    found = heard()
    write_radio_maps(found, {"cells": 3}, tmp_path / "sweep")
    stations = pd.read_csv(tmp_path / "sweep" / "stations.csv")
    assert list(stations["station"]) == list(found.station_ids)
    assert json.loads((tmp_path / "sweep" / "sweep.json").read_text())["cells"] == 3
    for k, layer in enumerate(found.servers.layers):
        place = tmp_path / "sweep" / f"{layer.operator}-{layer.technology}"
        with rasterio.open(place / "rsrp_1.tif") as file:
            level = np.where(file.read(1) == file.nodata, np.nan, file.read(1))
            assert file.units == ("dBm",)
            assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert np.array_equal(level, found.servers.server_dbm(k), equal_nan=True)
        with rasterio.open(place / "server_1.tif") as file:
            server = file.read(1)
        assert np.array_equal(server >= 0, np.isfinite(level))
        names = stations["operator"].to_numpy()[server[server >= 0]]
        assert set(names) <= {layer.operator}
        for name in ("rsrp_2", "server_2", "sinr", "rate"):
            assert (place / f"{name}.tif").is_file()
        # QGIS opens the rasters of figures with a style of their own
        assert {p.stem for p in place.glob("*.qml")} == {"rsrp_1", "rsrp_2", "sinr", "rate"}


def test_bytes_repeat_and_an_older_sweep_is_replaced(tmp_path):
    digests = []
    for _ in range(2):
        write_radio_maps(heard(), {"cells": 3}, tmp_path / "sweep")
        files = sorted(p for p in (tmp_path / "sweep").rglob("*") if p.is_file())
        digests.append([hashlib.sha256(p.read_bytes()).hexdigest() for p in files])
    assert digests[0] == digests[1]
    assert [p.name for p in tmp_path.iterdir()] == ["sweep"]


def test_a_folder_of_something_else_is_refused_and_kept(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="not a radio sweep"):
        write_radio_maps(heard(), {}, tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "keep"


@pytest.mark.parametrize("name", ["../../out", "a/b", "<script>", "=cmd()", "..", "Đỏ"])
def test_hostile_operator_names_stay_inside_the_folder(tmp_path, name):
    out = write_radio_maps(heard(name), {}, tmp_path / "deep" / "sweep")
    assert {p.name for p in Path(tmp_path).iterdir()} == {"deep"}
    assert {p.name for p in (tmp_path / "deep").iterdir()} == {"sweep"}
    assert len([p for p in out.iterdir() if p.is_dir()]) == 2
    with rasterio.open(next(out.glob("*/rate.tif"))) as file:
        assert file.count == 1

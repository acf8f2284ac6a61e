"""A region's own table that lacks what decides is refused by whatever reads it."""

import geopandas as gpd
import pytest

from phusong.errors import InputError
from phusong.pipeline import run
from phusong.region.folder import Region
from phusong.scenario import Scenario


def test_sites_without_a_supply_are_refused_by_check_and_run_alike(region, tmp_path):
    folder = region.write(tmp_path / "r")
    sites = gpd.read_parquet(folder / "sites.parquet")
    sites.drop(columns="power_source").to_parquet(folder / "sites.parquet")
    for read in (
        lambda: Region.read(folder),
        lambda: run(Scenario.read("default", overrides=(f"region.path={folder}",)), tmp_path / "out"),
    ):
        with pytest.raises(InputError, match=r"power_source.*grid_battery.*region import"):
            read()
    assert not (tmp_path / "out").exists()

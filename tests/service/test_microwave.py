"""Microwave hops: clearance over flat and hilly ground by hand, rain added, bands by length."""

import numpy as np
import pytest

from phusong.service.microwave import check_hops, clearance_share
from small_region import small_region


def hop(region, **changed):
    links = region.links.iloc[:2].assign(medium=["microwave", "fibre"], **changed)
    return check_hops(links, region.sites, elevation=region.elevation, grid=region.grid)


def test_clearance_in_the_middle_of_a_flat_hop_is_height_less_bulge_over_the_zone():
    d = np.linspace(0.0, 20.0, 401)
    share, at_km = clearance_share(d, np.zeros(401), from_height_m=40.0, to_height_m=40.0, frequency_ghz=7.0)
    bulge = 500.0 / 8495.0 * 100.0
    zone = 17.3 * np.sqrt(10.0 * 10.0 / (7.0 * 20.0))
    assert share == pytest.approx((40.0 - bulge) / zone, rel=2e-3)
    assert at_km == pytest.approx(10.0, abs=0.1)


def test_a_hill_above_the_ray_blocks_and_is_named_by_its_distance():
    d, ground = np.linspace(0.0, 10.0, 101), np.zeros(101)
    ground[30] = 80.0
    share, at_km = clearance_share(d, ground, from_height_m=30.0, to_height_m=30.0, frequency_ghz=15.0)
    assert share < 0.0
    assert at_km == pytest.approx(3.0)


def test_only_microwave_is_checked_and_rain_counted():
    region = small_region()
    found = hop(region)
    assert found["link_id"].tolist() == ["l1"]
    row = found.iloc[0]
    assert row["zone_free"] <= row["line_of_sight"]
    assert 60.0 < row["rain_mm_h"] < 110.0
    assert 0.0 <= row["rain_unavailability"] <= 0.01


def test_a_stated_band_and_margin_are_used():
    region = small_region()
    thin = hop(region, frequency_ghz=38.0, fade_margin_db=10.0).iloc[0]
    assert (thin["frequency_ghz"], thin["fade_margin_db"]) == (38.0, 10.0)
    assert (
        thin["rain_unavailability"]
        > hop(region, frequency_ghz=7.0, fade_margin_db=40.0).iloc[0]["rain_unavailability"]
    )


def test_a_hop_that_leaves_the_map_is_not_judged():
    region = small_region()
    region.sites.loc[1, "geometry"] = type(region.sites.geometry.iloc[0])(900_000.0, 2_400_000.0)
    found = hop(region).iloc[0]
    assert np.isnan(found["clearance_share"])
    assert found["line_of_sight"]


def test_a_region_without_microwave_has_no_hops():
    region = small_region()
    assert len(check_hops(region.links, region.sites, elevation=region.elevation, grid=region.grid)) == 0

"""Footprints: sparse, sorted, the same for any number of workers, never smaller with more power."""

import numpy as np
import pandas as pd
import pytest

from phusong.radio import footprints
from phusong.radio.link_budget import (
    eirp_per_resource_element_dbm,
    location_margin_db,
    location_probability,
    resource_blocks,
)
from small_region import small_region


def heard(more_db: float = 0.0, workers: int = 2, beam_deg: float = 360.0, floor_dbm: float = -106.0):
    r = small_region(cell_m=250.0)
    places = pd.DataFrame(
        {"site_id": r.sites["site_id"], "east_m": r.sites.geometry.x, "north_m": r.sites.geometry.y}
    )
    cells = r.cells.assign(eirp_dbm=r.cells["eirp_dbm"] + more_db, beamwidth_deg=beam_deg)
    return footprints(
        cells,
        places,
        r.elevation,
        r.grid,
        model="bullington",
        floor_dbm=floor_dbm,
        max_radius_m=15_000,
        workers=workers,
    )


def test_workers_change_nothing():
    one, three = heard(workers=1), heard(workers=3)
    assert (one.pixel == three.pixel).all()
    assert (one.rsrp_ddbm == three.rsrp_ddbm).all()


def test_entries_are_sorted_unique_and_above_the_floor():
    found = heard()
    assert (found.rsrp_ddbm >= -1060).all()
    assert list(found.station_ids) == sorted(found.station_ids)
    for k in range(found.station_ids.size):
        pixel, _ = found.of(k)
        assert (np.diff(pixel) > 0).all()


def test_more_power_never_shrinks_a_footprint():
    weak, strong = heard(), heard(more_db=6.0)
    for k in range(weak.station_ids.size):
        assert np.isin(weak.of(k)[0], strong.of(k)[0]).all()


def test_a_narrow_sector_never_beats_an_omni():
    omni, sector = heard().best_server()[0], heard(beam_deg=65.0).best_server()[0]
    both = np.isfinite(sector)
    assert (omni[both] >= sector[both] - 0.051).all()


def test_best_server_is_the_strongest_station():
    found = heard()
    rsrp, station = found.best_server()
    pixel = int(np.flatnonzero(station.ravel() >= 0)[100])
    levels = []
    for k in range(found.station_ids.size):
        p, level = found.of(k)
        levels += list(level[p == pixel] / 10.0)
    assert rsrp.ravel()[pixel] == pytest.approx(max(levels), abs=1e-4)


def test_link_budget_follows_the_tables():
    assert [resource_blocks(b) for b in (1.4, 5.0, 10.0, 20.0)] == [6, 25, 50, 100]
    assert resource_blocks(100.0, "5G") == 273
    assert eirp_per_resource_element_dbm(60.0, 10.0) == pytest.approx(60 - 10 * np.log10(600))
    assert location_probability(-110.0, -110.0, 6.0) == pytest.approx(0.5)
    assert location_probability(-110.0 + location_margin_db(0.75, 6.0), -110.0, 6.0) == pytest.approx(0.75)

"""Footprints: sparse, sorted, the same for any number of workers, never smaller with more power."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.compute.executor import Threads
from phusong.compute.store import Store
from phusong.errors import InputError
from phusong.radio.footprints import footprints
from phusong.radio.jobs import Carrier, RadioPlan, Scene
from phusong.radio.link_budget import LinkBudget, cell_range_m, noise_dbm
from phusong.radio.models import Conditions
from small_region import small_region

REGION = small_region(cell_m=250.0)
SCENE = Scene(REGION.grid, REGION.elevation)
BUDGET = LinkBudget({"4G": -110.0}, location_probability=0.75)
PLAN = RadioPlan("bullington", BUDGET, Conditions(), 15_000.0)
PLACES = pd.DataFrame(
    {
        "site_id": REGION.sites["site_id"],
        "east_m": REGION.sites.geometry.x,
        "north_m": REGION.sites.geometry.y,
    }
)


def heard(more_db: float = 0.0, beam_deg: float = 360.0, plan: RadioPlan = PLAN, cells=None, **asked):
    given_cells = REGION.cells if cells is None else cells
    table = given_cells.assign(eirp_dbm=given_cells["eirp_dbm"] + more_db, beamwidth_deg=beam_deg)
    return footprints(table, PLACES, SCENE, plan, **asked)


def same(a, b) -> bool:
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for name in ("station_ids", "indptr", "pixel", "rsrp_ddbm", "sinr_ddb")
    )


def same_maps(a, b) -> bool:
    return same(a, b) and all(
        np.array_equal(getattr(a.servers, name), getattr(b.servers, name))
        for name in ("level_ddbm", "station", "carrier_level_ddbm", "carrier_total_mw")
    )


def test_workers_change_nothing():
    one, three = (heard(executor=Threads(n), n_servers=2) for n in (1, 3))
    assert same_maps(one, three)


def test_a_store_changes_nothing_and_is_asked_again(tmp_path):
    plain = heard(n_servers=2)
    first, second = Store(tmp_path), Store(tmp_path)
    assert same_maps(plain, heard(n_servers=2, store=first))
    assert same_maps(plain, heard(n_servers=2, store=second))
    n_sites = REGION.cells["site_id"].nunique()
    assert (first.use.written, first.use.found) == (n_sites, 0)
    assert (second.use.written, second.use.found) == (0, n_sites)


def test_only_the_site_that_changed_is_swept_again(tmp_path):
    heard(store=Store(tmp_path))
    one = REGION.cells["site_id"].iloc[0]
    cells = REGION.cells.assign(
        eirp_dbm=REGION.cells["eirp_dbm"] - 3.0 * (REGION.cells["site_id"] == one).to_numpy()
    )
    store = Store(tmp_path)
    found = heard(cells=cells, store=store)
    assert store.use.written == 1
    assert same(found, heard(cells=cells))


def test_ground_that_a_site_cannot_see_is_not_read(tmp_path):
    plan = replace(PLAN, cell_range_m=1000.0)
    heard(plan=plan, store=Store(tmp_path))
    ground = REGION.elevation.copy()
    ground[0, 0] += 1.0
    store = Store(tmp_path)
    footprints(
        REGION.cells.assign(beamwidth_deg=360.0), PLACES, replace(SCENE, elevation=ground), plan, store=store
    )
    row, col = REGION.grid.rowcol(PLACES["east_m"], PLACES["north_m"])
    near = int(
        (np.maximum(row, col) < 1000.0 / REGION.grid.cell_m + 16 + 4).sum()
    )  # its block of the relief too
    assert store.use.written <= near < len(PLACES)


def test_what_is_damaged_in_the_store_is_swept_again(tmp_path):
    plain = heard(store=Store(tmp_path))
    damaged = sorted(tmp_path.glob("??/*"))
    for k, path in enumerate(damaged):
        data = bytearray(path.read_bytes())
        data[-1 - k % len(data)] ^= 1
        path.write_bytes(data[: len(data) - k % 3])
    store = Store(tmp_path)
    assert same(plain, heard(store=store))
    assert (store.use.damaged, store.use.written) == (len(damaged), len(damaged))


def test_entries_are_sorted_unique_and_above_the_floor():
    found = heard()
    assert (found.rsrp_ddbm >= np.ceil(BUDGET.floor_dbm("4G", 900.0, 10.0) * 10)).all()
    assert list(found.station_ids) == sorted(found.station_ids)
    for k in range(found.station_ids.size):
        pixel, _ = found.of(k)
        assert (np.diff(pixel) > 0).all()


def test_pixels_not_kept_have_no_entries_and_change_no_map():
    keep = np.zeros(REGION.grid.shape, bool)
    keep[REGION.demand["row"], REGION.demand["col"]] = True
    everywhere, here = heard(n_servers=2), heard(n_servers=2, keep=keep)
    on = keep.ravel()[everywhere.pixel]
    assert np.array_equal(everywhere.pixel[on], here.pixel)
    assert np.array_equal(everywhere.sinr_ddb[on], here.sinr_ddb)
    assert np.array_equal(everywhere.servers.level_ddbm, here.servers.level_ddbm)


def test_more_power_never_shrinks_a_footprint():
    weak, strong = heard(), heard(more_db=6.0)
    for k in range(weak.station_ids.size):
        assert np.isin(weak.of(k)[0], strong.of(k)[0]).all()


def test_a_narrow_sector_never_beats_an_omni():
    omni = heard(n_servers=1).servers.best_dbm()
    sector = heard(beam_deg=65.0, n_servers=1).servers.best_dbm()
    both = np.isfinite(sector)
    assert (omni[both] >= sector[both] - 0.051).all()


def test_servers_are_the_strongest_stations_in_order():
    found = heard(n_servers=3)
    layers = found.servers.layers
    for k, layer in enumerate(layers):
        mine = np.flatnonzero([s.endswith(f"/{layer.operator}") for s in found.station_ids])
        whole = np.full((mine.size, REGION.grid.size), -32768, np.int16)
        for row, station in enumerate(mine):
            pixel, level = found.of(station)
            whole[row, pixel] = level
        wanted = -np.sort(-whole.astype(int), axis=0)[:3]
        assert np.array_equal(found.servers.level_ddbm[k, : wanted.shape[0]], wanted)
        first = found.servers.station[k, 0]
        on = first >= 0
        row_of = {int(s): r for r, s in enumerate(mine)}
        rows = np.array([row_of[int(s)] for s in first[on]])
        assert (whole[rows, np.flatnonzero(on)] == wanted[0][on]).all()


def test_sinr_without_other_cells_is_signal_over_noise_and_falls_with_load():
    alone = REGION.cells.iloc[:1]
    found = heard(cells=alone, n_servers=1)
    noise = noise_dbm("4G", 900.0, BUDGET.noise_figure_db)
    # within 0.1 dB, up to where single precision of the total shows (no rate grows there any more)
    far = found.rsrp_ddbm < -700
    assert np.abs(found.sinr_ddb - (found.rsrp_ddbm - noise * 10))[far].max() <= 1
    assert found.servers.carriers == (Carrier(alone["operator"].iloc[0], "4G", 900.0),)
    quiet = heard(n_servers=1, plan=replace(PLAN, load=0.0))
    busy = heard(n_servers=1, plan=replace(PLAN, load=1.0))
    assert (busy.sinr_ddb <= quiet.sinr_ddb).all()
    assert (busy.sinr_ddb < quiet.sinr_ddb).any()
    rate = [f.servers.rate_mbps(0) for f in (quiet, busy)]
    both = np.isfinite(rate[0])
    assert np.array_equal(both, np.isfinite(rate[1]))
    assert (rate[1][both] <= rate[0][both]).all()
    assert rate[0][both].max() <= 10.0 * 4.4


def test_sinr_on_the_map_is_power_over_all_other_power_by_hand():
    found = heard(n_servers=1, plan=replace(PLAN, load=1.0))
    maps = found.servers
    on = maps.carrier_station[0] >= 0
    mw = 10.0 ** (maps.carrier_level_ddbm[0][on].astype(float) / 100.0)
    noise = 10.0 ** (noise_dbm("4G", 900.0, BUDGET.noise_figure_db) / 10.0)
    by_hand = 10 * np.log10(mw / (noise + np.maximum(maps.carrier_total_mw[0][on] - mw, 0.0)))
    assert np.abs(maps.sinr_db(0).ravel()[on] - by_hand).max() < 0.1


def test_finer_ground_gives_the_same_footprint_nearly():
    plain, finer = heard(n_servers=1), heard(n_servers=1, plan=replace(PLAN, finer=3))
    assert finer.swept > 8 * plain.swept
    a, b = plain.servers.best_dbm(), finer.servers.best_dbm()
    both = np.isfinite(a) & np.isfinite(b)
    assert both.sum() > 0.95 * np.isfinite(a).sum()
    assert np.median(np.abs(a - b)[both]) < 1.0


def test_stations_in_another_order_keep_their_entries_and_new_ones_hear_nobody():
    found = heard(n_servers=1)
    ids = np.append(found.station_ids[::-1], "nobody/red")
    turned = found.in_order_of(ids)
    for k, name in enumerate(ids[:-1]):
        old = list(found.station_ids).index(name)
        assert np.array_equal(turned.of(k)[0], found.of(old)[0])
        assert np.array_equal(turned.of(k)[1], found.of(old)[1])
    assert turned.of(ids.size - 1)[0].size == 0


def test_older_technologies_give_no_data():
    assert heard(cells=REGION.cells.assign(technology="2G")).station_ids.size == 0


def test_an_unknown_antenna_is_named():
    with pytest.raises(InputError, match="antennas folder"):
        heard(cells=REGION.cells.assign(antenna_pattern="nowhere.msi"))


@settings(max_examples=15, deadline=None)
@given(prach=st.integers(0, 3), more_db=st.floats(-20, 10))
def test_no_entry_lies_beyond_the_cell_range(prach, more_db):
    reach = cell_range_m(prach)
    found = heard(more_db=more_db, plan=replace(PLAN, cell_range_m=reach))
    at = {k: (e, n) for k, e, n in zip(PLACES["site_id"], PLACES["east_m"], PLACES["north_m"], strict=True)}
    for k, name in enumerate(found.station_ids):
        pixel, _ = found.of(k)
        east, north = REGION.grid.centres(pixel // REGION.grid.width, pixel % REGION.grid.width)
        e, n = at[name.split("/")[0]]
        assert (np.hypot(east - e, north - n) <= max(reach, 250.0) + 1e-6).all()

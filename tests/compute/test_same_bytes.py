"""States, storms and rasters drawn onto a grid are the same bytes whoever does it: one thread, two, or other processes."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from rasterio.transform import from_origin

from phusong.compute.executor import Cluster, Threads, cluster, pieces
from phusong.compute.serialize import fingerprint
from phusong.region import Grid
from phusong.region.read import raster
from phusong.region.read.raster import RasterLimits, read_elevation, read_landcover, read_people
from phusong.service.outage_states import elements_of_pairs, hours_off, sample_states
from service_network import network_of

sys.path.insert(0, str(Path(__file__).parents[1] / "hazard"))
from test_impact import hit_by

STATES = 1 << 17


@pytest.fixture(scope="module")
def crews():
    with cluster("local", workers=2) as near:
        # small work would otherwise be done here
        yield Threads(1), Threads(2), Cluster(near.client, fewest=1)


@given(st.integers(0, 500), st.floats(0.0, 1e8), st.integers(0, 50))
def test_pieces_make_up_the_range_in_order(n, cost_ns, least):
    cut = pieces(n, cost_ns=cost_ns, least=least)
    assert [k for span in cut.spans for k in range(n)[span]] == list(range(n))
    assert all(span.stop - span.start >= min(least, n) for span in cut.spans[:-1])
    assert cut.together >= 1


def test_sampled_states_and_hours_are_the_same(crews):
    # so many faults, and so many sets of sites, that there are several pieces
    net = network_of(seed=2, ties=[("t2", "t3", 0.5)])
    net = replace(net, fault_rate=np.full(net.fault_rate.size, 900.0), fault_h=np.full(net.fault_h.size, 3.0))
    rng = np.random.default_rng(1)
    indptr, site = elements_of_pairs(np.arange(12_000) // 6, rng.integers(0, 12, 12_000), 2000)
    found = []
    for executor in crews:
        states = sample_states(net, n_states=STATES, seed=5, executor=executor)
        found.append(fingerprint([states, hours_off(states, indptr, site, executor=executor)]))
    assert found == found[:1] * len(crews)


def test_a_storm_does_the_same(crews):
    found = [fingerprint(hit_by(network_of(seed=3), 50.0, n=200, executor=executor)) for executor in crews]
    assert found == found[:1] * len(crews)


# rasterio silences this warning of its own drawing for a moment, and another thread restores it too early
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_people_heights_and_land_cover_are_drawn_the_same(crews, tmp_path, monkeypatch):
    # seven strips of a tile for us; other processes are told by the jobs
    monkeypatch.setattr(raster, "_DRAWN_PIXELS", 3_000)
    grid = Grid("EPSG:32648", 480_000.0, 2_360_000.0, 250.0, 120, 160)
    rng = np.random.default_rng(3)
    for name, west in (("a", 104.7), ("b", 105.0)):
        with rasterio.open(
            tmp_path / f"{name}.tif", "w", driver="GTiff", height=300, width=300, count=1, dtype="float32",
            crs="EPSG:4326", transform=from_origin(west, 21.4, 0.001, 0.001),
        ) as file:  # fmt: skip
            file.write(rng.integers(1, 3, (300, 300)).astype(np.float32) * 10, 1)
    (tmp_path / "legend.csv").write_text("code,class\n10,3\n20,1\n")
    found = []
    before, anything = np.zeros(grid.shape), RasterLimits(least_covered=0.0)
    for executor in crews:
        people = read_people(tmp_path, grid, executor=executor).people
        heights = read_elevation(tmp_path, grid, former=before, limits=anything, executor=executor).elevation
        found.append(
            fingerprint(
                [
                    people,
                    heights,
                    read_landcover(
                        tmp_path, grid, tmp_path / "legend.csv", limits=anything, executor=executor
                    ).clutter,
                ]
            )
        )
        assert people.sum() > 1e5
    assert found == found[:1] * len(crews)

"""People of a coarse raster on a finer grid: each block keeps its sum, villages stay villages."""

import numpy as np
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.transform import from_origin

from phusong.region import Grid
from phusong.region.relink import blocks_of, finer_people

GRID = Grid("EPSG:32648", 480_000.0, 2_360_000.0, 250.0, 40, 40)
counts = arrays(np.float64, (10, 13), elements=st.just(0.0) | st.floats(1e-3, 1e4))


@given(people=counts, pattern=counts, block=st.integers(1, 6))
def test_every_block_keeps_its_people(people, pattern, block):
    out = finer_people(people, pattern, block)
    for r in range(0, 10, block):
        for c in range(0, 13, block):
            part = slice(r, r + block), slice(c, c + block)
            assert np.isclose(out[part].sum(), people[part].sum(), rtol=1e-9, atol=1e-6)
    assert (out >= 0).all()


def test_a_village_keeps_the_people_of_its_pixel_and_an_empty_pixel_stays_even():
    people = np.full((4, 8), 10.0)
    pattern = np.zeros((4, 8))
    pattern[1, 2] = 30.0
    out = finer_people(people, pattern, 4)
    assert out[1, 2] == 160.0
    assert out[:, :4].sum() == 160.0
    assert (out[:, 4:] == 10.0).all()


def test_the_block_is_the_raster_s_pixel(tmp_path):
    for step, squares in ((1 / 120, 3), (1 / 1200, 1)):
        path = tmp_path / "people.tif"
        with rasterio.open(
            path, "w", driver="GTiff", height=20, width=20, count=1, dtype="float32", crs="EPSG:4326",
            transform=from_origin(104.8, 21.4, step, step),
        ) as file:  # fmt: skip
            file.write(np.ones((20, 20), np.float32), 1)
        assert blocks_of([path], GRID) == squares
    assert blocks_of([], GRID) == 1

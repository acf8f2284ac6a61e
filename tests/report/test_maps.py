"""Printed maps: they open, are small, and odd regions do not break them."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from phusong.io.text import Text
from phusong.report.map_sheet import round_length, spread_boxes
from phusong.report.map_style import ACCESS_COLOURS, CLASS_HEX, GAP_HEX, style
from phusong.report.maps import MAPS, draw_maps, network_map
from phusong.result.model import ACCESS_CLASSES
from phusong.result.schema import GAP_PARTS


def test_every_map_is_a_png_below_a_megabyte(result, tmp_path):
    for path in draw_maps(result, tmp_path):
        assert path.stat().st_size < 1_000_000
        with Image.open(path) as image:
            assert 900 < image.width < 2400
            assert 700 < image.height < 2000
            # a map that drew nothing would have few colours
            assert len(image.convert("RGB").getcolors(1 << 20)) > 60


@pytest.mark.parametrize("name", MAPS)
def test_a_region_with_one_commune_and_nothing_to_buy_is_drawn(result, name):
    small = replace(
        result,
        communes=result.communes.iloc[[4]],
        options=result.options.iloc[:0],
        sites=result.sites.iloc[:0],
        access_class=np.zeros_like(result.access_class),
    )
    with style():
        assert MAPS[name](small, Text()).axes


def test_names_with_markup_are_drawn_as_they_are(result):
    hostile = result.communes.assign(name="$\\frac{x$ <b>")
    with style():
        figure = MAPS["gap"](replace(result, communes=hostile), Text())
        figure.canvas.draw()
    assert "$\\frac{x$ <b>" in {t.get_text() for t in figure.axes[0].texts}


def test_labels_do_not_overlap(result):
    with style():
        figure = MAPS["rsrp"](result, Text())
        renderer = figure.canvas.get_renderer()
        boxes = [
            t.get_window_extent(renderer)
            for t in figure.axes[0].texts
            if t.get_text() in set(result.communes["name"])
        ]
    assert len(boxes) > 15
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_power_lines_are_drawn_when_given(result):
    lines = gpd.GeoDataFrame(
        geometry=[shapely.LineString([(410_000, 2_440_000), (470_000, 2_490_000)])], crs=result.grid.crs
    )
    with style():
        figure = network_map(result, Text(), lines)
    texts = [t.get_text() for ax in figure.axes if ax.get_legend() for t in ax.get_legend().get_texts()]
    assert "power line or link" in texts
    assert "Viettel (37)" in texts


def test_settlements_without_signal_are_counted_in_the_legend(result):
    points = result.communes.geometry.representative_point()
    settlements = gpd.GeoDataFrame({"white": [True] * 4 + [False] * (len(points) - 4)}, geometry=points)
    with style():
        figure = MAPS["access"](replace(result, settlements=settlements), Text())
    texts = [t.get_text() for ax in figure.axes if ax.get_legend() for t in ax.get_legend().get_texts()]
    assert texts == ["village without signal (4)"]


def test_each_cause_has_its_own_colour_and_each_class_one():
    assert len(set(GAP_HEX.values())) == len(GAP_PARTS)
    assert len(set(CLASS_HEX)) == len(ACCESS_CLASSES) == len(ACCESS_COLOURS)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=1, max_size=25))
@settings(deadline=None, max_examples=40)
def test_numbered_marks_do_not_overlap(points):
    spots = spread_boxes(np.array(points), 3.0)
    for i, a in enumerate(spots):
        for b in spots[:i]:
            assert np.abs(a - b).max() > 3.0 - 1e-9


@given(st.floats(1.0, 1e7))
@settings(deadline=None)
def test_a_scale_bar_is_round_and_fits(length_m):
    bar = round_length(length_m)
    assert bar <= length_m < 2.5 * bar + 1e-6
    assert f"{bar:.0e}"[0] in "125"

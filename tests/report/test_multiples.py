"""Small multiples, formats, insets: one scale for all panels, text that stays text, bytes that repeat."""

from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from phusong.cli.result import app
from phusong.errors import InputError
from phusong.io.text import Text
from phusong.report.map_sheet import drawn_name, map_frames, source_lines
from phusong.report.map_style import FORMATS, picture_bytes
from phusong.report.maps import draw_map, for_print
from phusong.report.small_multiples import draw_multiples, policy_panels, result_panels, year_panels
from phusong.result.schema import GAP_PARTS

HOSTILE = ("<script>alert(1)</script>", "=cmd()", "\u202eesrever", "x" * 300, "bell\x07")
SVG = "{http://www.w3.org/2000/svg}"


def with_island(result, *, east_m=400_000.0, people=10):
    """Return a result with one more commune far at sea."""
    row = result.communes.iloc[[0]].copy()
    x, y = result.communes.total_bounds[2] + east_m, result.communes.total_bounds[1]
    row = row.assign(
        commune_code="99999", name="Trường Sa", population=float(people), people_served=float(people),
        **dict.fromkeys(GAP_PARTS, 0.0), geometry=[shapely.Point(x, y).buffer(1_500)],
    )  # fmt: skip
    return replace(result, communes=gpd.GeoDataFrame(pd.concat([result.communes, row], ignore_index=True)))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_map_repeats_to_the_byte_in_every_format_and_carries_no_date(result, kind):
    first, again = (picture_bytes(draw_map(for_print(result), "rsrp"), kind) for _ in range(2))
    assert first == again
    assert len(first) < 1_000_000
    assert b"CreationDate" not in first
    assert b"dc:date" not in first


def test_names_in_an_svg_are_text_without_marks_nobody_sees(result):
    communes = result.communes.copy()
    largest = communes.geometry.area.sort_values(ascending=False).index[: len(HOSTILE)]
    communes.loc[largest, "name"] = HOSTILE
    drawn = picture_bytes(draw_map(replace(result, communes=communes), "network"), "svg")
    root = ET.fromstring(drawn)  # noqa: S314 - our own file
    texts = {"".join(t.itertext()) for t in root.iter(f"{SVG}text")}
    assert {"<script>alert(1)</script>", "=cmd()", "esrever", "bell"} <= texts
    assert "x" * 27 + "…" in texts
    assert not list(root.iter(f"{SVG}script"))


def test_an_unknown_format_is_refused_with_the_nearest_name(result):
    with pytest.raises(InputError, match="did you mean svg"):
        picture_bytes(draw_map(result, "rsrp"), "svgz")


def test_a_zone_far_at_sea_gets_an_inset_and_the_map_keeps_its_scale(result):
    alone, far = map_frames(result.communes), map_frames(with_island(result).communes)
    assert far.main == pytest.approx(alone.main)
    assert [i.names for i in far.insets] == [("Trường Sa",)]
    assert far.insets[0].wind in {"E", "SE"}
    west, south, east, north = far.insets[0].bounds
    assert shapely.box(west, south, east, north).contains(with_island(result).communes.geometry.iloc[-1])
    figure = draw_map(with_island(result), "access")
    assert any("Trường Sa" in axes.get_title(loc="left") for axes in figure.axes)


def test_a_zone_near_the_coast_stays_on_the_map(result):
    assert map_frames(with_island(result, east_m=8_000).communes).insets == ()


@given(st.lists(st.tuples(st.integers(-400, 400), st.integers(-400, 400)), min_size=1, max_size=7))
@settings(deadline=None, max_examples=25)
def test_every_commune_lies_on_the_map_or_in_an_inset_unless_there_are_too_many(places):
    shapes = [shapely.box(1000 * x, 1000 * y, 1000 * x + 4000, 1000 * y + 4000) for x, y in places]
    communes = gpd.GeoDataFrame(
        {"name": [str(k) for k in range(len(places))], "population": np.arange(len(places)) + 1.0},
        geometry=shapes,
    )
    frames = map_frames(communes)
    boxes = [shapely.box(*frames.main), *(shapely.box(*i.bounds) for i in frames.insets)]
    outside = [s for s in shapes if not any(b.covers(s) for b in boxes)]
    assert not outside or len(frames.insets) == 4


def test_the_years_of_a_plan_never_serve_fewer(result):
    panels = year_panels(result, Text())
    assert panels[0].label == "Today"
    for before, after in pairwise(panels):
        assert (np.nan_to_num(after.values) <= np.nan_to_num(before.values) + 1e-9).all()


def test_policies_are_drawn_from_the_run_or_asked_for(result):
    with pytest.raises(InputError, match="run it again"):
        policy_panels(result, Text())
    table = result.communes[["commune_code", "people_served"]]
    told = pd.concat(
        [table.assign(policy="none"), table.assign(policy="mocn", people_served=table["people_served"] + 1)]
    )
    panels = policy_panels(replace(result, policy_communes=told.sample(frac=1, random_state=1)), Text())
    mocn = Text().code("policy", "mocn")
    assert {p.label for p in panels} == {"none", mocn}
    by = {p.label: p.values for p in panels}  # noqa: PD011 - a panel is no frame
    assert (by[mocn] < by["none"]).all()


def test_panels_share_frame_and_classes(result):
    panels = result_panels({"a": result, "b": result, HOSTILE[0]: result}, text=Text())
    figure = draw_multiples(result, panels, "Three", "the same", text=Text())
    maps = [a for a in figure.axes if a.get_title(loc="left")]
    assert len({(a.get_xlim(), a.get_ylim()) for a in maps}) == 1
    assert HOSTILE[0] in maps[2].get_title(loc="left")
    with pytest.raises(InputError, match="1 to 16"):
        draw_multiples(result, panels * 6, "Many", "", text=Text())


def test_the_note_names_kinds_dates_and_sources(result):
    note = source_lines(result.layers, "Modelled", Text(), width_in=8)
    for part in ("1 measured", "1 modelled", "as of 2022 to 1 July 2025", "ETOPO 2022"):
        assert part in note.replace("\n", " ")


@given(st.text(max_size=60))
@settings(deadline=None, max_examples=80)
def test_a_drawn_name_is_short_and_holds_no_unseen_mark(text):
    name = drawn_name(text)
    assert len(name) <= 28
    assert not any(ord(c) < 32 or c in "\u202e\u200f\u200b" for c in name)


def test_the_command_refuses_what_it_cannot_draw_before_reading(tmp_path):
    for wrong, hint in (
        (["--format", "svgg"], "svg"),
        (["--over", "yers"], "years"),
        (["--beside", "x"], "--over"),
    ):
        done = CliRunner().invoke(app, ["map", str(tmp_path), *wrong])
        assert isinstance(done.exception, InputError)
        assert hint in str(done.exception)

"""Cards and pictures in notebooks: there, readable, and nobody's name runs."""

from dataclasses import replace

import pytest

from phusong.errors import InputError
from phusong.report.notebook import Plots
from phusong.scenario import Scenario
from small_region import small_region

HOSTILE = ("<script>alert(1)</script>", "=cmd()", "\u202eesrever", "x" * 300)


@pytest.fixture(scope="module")
def hostile(result):
    communes = result.communes.copy()
    communes["gap_locked"] += 0.0
    most = communes[["gap_no_signal", "gap_locked", "gap_unstable", "gap_congested"]].sum(axis=1)
    communes.loc[most.sort_values(ascending=False).index[: len(HOSTILE)], "name"] = HOSTILE
    options = result.options.assign(why=HOSTILE[0])
    plan = result.plan.assign(fund=HOSTILE[0])
    return replace(
        result, communes=communes, options=options, plan=plan, summary={**result.summary, "title": HOSTILE[0]}
    )


def test_cards_show_names_as_text(hostile):
    for page in (hostile._repr_html_(), hostile.invest._repr_html_()):
        assert "<script" not in page
        assert "&lt;script&gt;" in page
    assert f"<bdi>{HOSTILE[2]}</bdi>" in hostile._repr_html_()


def test_a_result_says_how_many_are_served_and_that_it_is_modelled(result):
    page = result._repr_html_()
    assert "Modelled" in page
    assert f"{result.communes['population'].sum():,.0f}" in page


def test_cards_say_what_to_expect_before_what_is_modelled(result):
    plan = {
        **result.summary["plan"], "expected_people": 38_111.0, "people_p05": 35_222.0, "people_p95": 40_333.0,
        "within_budget_share": 0.4,
    }  # fmt: skip
    sampled = replace(result, summary={**result.summary, "plan": plan})
    for page in (sampled._repr_html_(), sampled.invest._repr_html_()):
        at = [page.index(figure) for figure in ("38,111", "35,222", "40,333", "40%", "41,000", "43,500")]
        assert at == sorted(at)
    assert "38,111" not in result._repr_html_()


def test_a_region_lists_its_layers_with_their_kind():
    page = replace(small_region(), name=HOSTILE[0])._repr_html_()
    assert "<script" not in page
    assert page.count("made up for tests") == 12


def test_a_scenario_shows_what_differs_from_the_defaults():
    page = Scenario.read("default", ["sharing.policy=mocn", f"title={HOSTILE[0]}"])._repr_html_()
    assert "sharing.policy" in page
    assert "&lt;script&gt;" in page
    assert "budget_musd" not in page


@pytest.mark.parametrize("name", ["gaps", "curve", "schedule"])
def test_pictures_are_shown_and_repeat(hostile, name):
    first, again = (getattr(hostile.plot, name)()._repr_png_() for _ in range(2))
    assert first == again
    assert first.startswith(b"\x89PNG")
    assert len(first) < 300_000


def test_pictures_are_saved_by_their_ending(result, tmp_path):
    picture = result.plot.schedule()
    assert picture.save(tmp_path / "plan.svg").read_bytes().startswith(b"<?xml")
    assert picture.save(tmp_path / "plan.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(InputError, match="png, svg, pdf"):
        picture.save(tmp_path / "plan.gif")


def test_what_cannot_be_drawn_is_said(result):
    with pytest.raises(InputError, match="years, policies"):
        result.plot.over("storms")
    with pytest.raises(InputError, match="buys nothing"):
        Plots(replace(result, plan=result.plan.iloc[:0])).schedule()
    with pytest.raises(InputError, match="did you mean gap"):
        result.plot.map("gaps")

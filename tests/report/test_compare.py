"""Comparisons of results."""

from dataclasses import replace

import pytest

from phusong.errors import InputError
from phusong.report.compare import compare, comparison_html


@pytest.fixture(scope="module")
def shared(result):
    communes = result.communes.copy()
    moved = communes["gap_locked"].copy()
    communes["people_served"] += moved
    communes["gap_locked"] = 0.0
    return replace(
        result,
        communes=communes,
        plan=result.plan.iloc[1:],
        summary={**result.summary, "policy": "mocn"},
        scenario_toml=result.scenario_toml.replace('"none"', '"mocn"'),
    )


def test_a_result_against_itself_differs_in_nothing(result):
    same = compare({"a": result, "b": result})
    assert (same.communes["change: b"] == 0).all()
    assert same.scenarios.empty
    assert (same.remedies["plans"] == 2).all()


def test_changes_are_the_people_moved_and_the_largest_come_first(result, shared):
    found = compare({"today": result, "shared": shared})
    expected = result.communes["gap_locked"].sum()
    assert found.communes["change: shared"].sum() == pytest.approx(expected)
    assert found.communes["change: shared"].is_monotonic_decreasing


def test_overlap_counts_remedies_in_both_plans(result, shared):
    found = compare({"today": result, "shared": shared})
    assert found.overlap["shared"].tolist() == [2, 2]
    assert found.overlap["today"].tolist() == [3, 2]


def test_only_settings_that_differ_are_listed(result, shared):
    found = compare({"today": result, "shared": shared})
    assert found.scenarios.to_dict("records") == [
        {"setting": "sharing.policy", "today": "none", "shared": "mocn"}
    ]


def test_communes_that_only_one_result_has_are_kept(result):
    fewer = replace(result, communes=result.communes.iloc[5:])
    found = compare({"all": result, "fewer": fewer})
    assert len(found.communes) == len(result.communes)
    assert found.communes["change: fewer"].isna().sum() == 5


def test_the_page_escapes_names_and_opens_offline(result, shared):
    page = comparison_html(compare({"today": result, "<script>x</script>": shared}))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http:" not in page
    assert "https:" not in page


def test_one_result_cannot_be_compared(result):
    with pytest.raises(InputError, match="two results"):
        compare({"alone": result})

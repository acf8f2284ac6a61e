"""Comparisons of results: the figures, what they mean, and the page that shows them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from phusong.cli.options import console as terminal
from phusong.cli.result import app, comparison_tree, show
from phusong.errors import InputError
from phusong.io.text import Text
from phusong.report.compare import break_even_lines, compare, verdict
from phusong.report.compare_measures import (
    PlanSteps,
    gini,
    plan_steps,
    sample_people,
    served_with_plan,
    worst_decile,
)
from phusong.report.compare_page import comparison_html

HOSTILE = ("<script>alert(1)</script>", "=cmd()", "\u202eesrever", "x" * 300)


def with_book(result, remedies, bundles, groups, pairs, plan):
    """Return a result that holds what there is to buy."""
    return replace(
        result,
        remedies=pd.DataFrame(remedies, columns=["remedy_id", "kind", "cost_musd"]),
        bundles=pd.DataFrame(bundles, columns=["bundle_id", "remedies"]),
        people_groups=pd.DataFrame(groups, columns=["commune_code", "people"]),
        bundle_groups=pd.DataFrame(pairs, columns=["bundle", "group"]),
        plan=pd.DataFrame(plan, columns=["remedy_id", "kind", "year", "fund", "cost_musd", "people_gained"]),
    )


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


@pytest.fixture(scope="module")
def books(result):
    """Two results with books: a and b each buy what only their own world sells, and one thing in both."""
    one, two = result.communes["commune_code"].iloc[:2]
    remedies = [("open@x", "open", 1.0), ("mast@y", "mast", 2.0), ("mast@z", "mast", 2.0)]
    groups = [(one, 400), (two, 300), (two, 50)]
    pairs = [(0, 0), (1, 1), (2, 1), (2, 2)]
    bundles = [("b0", "open@x"), ("b1", "mast@y"), ("b2", "mast@y;mast@z")]
    plan_a = [("open@x", "open", 2027, "f", 1.0, 400), ("mast@y", "mast", 2028, "f", 2.0, 300)]
    plan_b = [("mast@y", "mast", 2027, "f", 2.0, 300), ("mast@z", "mast", 2027, "f", 2.0, 50)]
    a = with_book(result, remedies, bundles, groups, pairs, plan_a)
    b = with_book(result, remedies[1:], [("b1", "mast@y"), ("b2", "mast@y;mast@z")], groups[1:],
                  [(0, 0), (1, 0), (1, 1)], plan_b)  # fmt: skip
    return a, b


def test_a_result_against_itself_differs_in_nothing(result):
    same = compare({"a": result, "b": result}, samples=20)
    assert (same.communes["change: b"] == 0).all()
    assert same.scenarios.empty
    assert same.inputs.empty
    assert (same.remedies["plans"] == 2).all()
    assert same.samples.beats(0, 1) == 0.5
    assert same.break_even.empty


def test_changes_count_the_people_moved_and_the_largest_come_first(result, shared):
    found = compare({"today": result, "shared": shared}, samples=20)
    change = found.communes["change: shared"]
    assert change.abs().is_monotonic_decreasing
    today = found.communes["today: shared"].sum() - found.communes["today: today"].sum()
    assert today == pytest.approx(result.communes["gap_locked"].sum())


def test_overlap_counts_remedies_and_money_in_both_plans(result, shared):
    found = compare({"today": result, "shared": shared}, samples=20).overlap
    assert found["remedies"].tolist() == [2, 2]
    assert found["remedies_share"].tolist() == [pytest.approx(2 / 3), 1.0]
    assert found["money_share"].iloc[1] == pytest.approx(1.0)


def test_only_settings_that_differ_are_listed_with_their_meaning(result, shared):
    found = compare({"today": result, "shared": shared}, samples=20).scenarios
    assert found["setting"].tolist() == ["sharing.policy"]
    assert found[["today", "shared"]].iloc[0].tolist() == ["none", "mocn"]
    assert "olicy" in found["meaning"].iloc[0]


def test_different_regions_are_refused_and_overlapping_ones_compared_where_they_overlap(result):
    other = replace(result, communes=result.communes.assign(commune_code=lambda c: "9" + c["commune_code"]))
    with pytest.raises(InputError, match="different regions"):
        compare({"here": result, "there": other})
    fewer = replace(result, communes=result.communes.iloc[5:])
    found = compare({"all": result, "fewer": fewer}, samples=20)
    assert len(found.communes) == len(result.communes) - 5
    assert "5 of all" in found.notes[0]
    bound = found.summary.set_index("key").loc["bound"]
    assert bound["all"] is None
    assert bound["fewer"] == result.summary["plan"]["bound_people"]


def test_one_result_cannot_be_compared(result):
    with pytest.raises(InputError, match="two results"):
        compare({"alone": result})


def test_people_stand_in_their_own_commune_from_the_step_that_serves_them(books):
    steps = plan_steps(books[1])
    assert steps.exact
    assert sorted(zip(steps.group_step.tolist(), steps.group_people.tolist(), strict=True)) == [
        (0, 300.0),
        (1, 50.0),
    ]
    early = served_with_plan(books[0], until=2027) - books[0].communes["people_served"]
    gap = books[0].communes[["gap_no_signal", "gap_locked", "gap_unstable", "gap_congested"]].sum(axis=1)
    assert early.iloc[0] == pytest.approx(min(400.0, gap.iloc[0]))
    assert (early.iloc[1:] == 0).all()


def test_regret_is_what_the_wrong_world_costs(books):
    found = compare({"a": books[0], "b": books[1]}, samples=20).regret.set_index("plan")
    # in a's world plan b serves 350 of 700; in b's world plan a has only mast@y: 300 of 350
    assert found.loc["b", "if a"] == pytest.approx(350.0)
    assert found.loc["a", "if b"] == pytest.approx(50.0)
    assert found["most"].tolist() == [50.0, 350.0]
    assert found["left out"].tolist() == [1, 0]


def test_a_plan_that_costs_more_than_thought_is_cut_where_the_money_ends(books):
    found = compare({"a": books[0], "b": books[1]}, samples=20)
    dearer = found.break_even.set_index("kind")
    # b loses mast@z before a loses anything that matters; a leads by 350 of 700
    assert dearer.loc["", "by"] == pytest.approx(0.5)
    assert set(found.break_even["leads"]) == {"b"}


def test_chances_repeat_by_seed_and_do_not_depend_on_the_order_of_results(books):
    first = compare({"a": books[0], "b": books[1]}, samples=50, seed=3).samples
    again = compare({"b": books[1], "a": books[0]}, samples=50, seed=3).samples
    assert np.array_equal(first.people[:, 0], again.people[:, 1])
    assert first.beats(0, 1) + first.beats(1, 0) == pytest.approx(1.0)
    assert (first.regret() >= 0).all()
    assert (first.regret().min(axis=1) == 0).all()


shares = st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 1e5)), min_size=1, max_size=20)


@given(shares)
@settings(deadline=None, max_examples=60)
def test_gini_is_half_the_mean_difference_over_the_mean(drawn):
    share, people = np.array(drawn).T
    weight = people / people.sum()
    mean = float(weight @ share)
    expected = 0.0
    if mean > 1e-9:
        apart = np.abs(share[:, None] - share[None, :])
        expected = float(weight @ apart @ weight) / (2 * mean)
        assert gini(share, people) == pytest.approx(expected, abs=1e-9)
    assert 0 <= gini(share, people) < 1


@given(shares)
@settings(deadline=None, max_examples=60)
def test_the_worst_decile_lies_between_the_worst_commune_and_the_mean(drawn):
    share, people = np.array(drawn).T
    worst = worst_decile(share, people)
    assert share.min() - 1e-9 <= worst <= np.average(share, weights=people) + 1e-9


def test_the_verdict_names_the_leader_and_what_would_change_it(books):
    found = compare({"a": books[0], "b": books[1]}, samples=20)
    for language in ("en", "vi"):
        say = Text(language)
        lines = verdict(found, say)
        assert "“a”" in lines[0]
        assert any("“a”" in line and say.number(50) in line for line in lines[1:])
        assert break_even_lines(found, say)[0][1] == "“b”"
        assert not any("{" in line for line in lines)


@pytest.mark.parametrize("language", ["en", "vi"])
def test_the_page_escapes_names_and_opens_offline(result, shared, language):
    communes = shared.communes.copy()
    communes.loc[communes.index[: len(HOSTILE)], "name"] = HOSTILE
    named = {"today": replace(result, communes=communes.assign(**{c: result.communes[c] for c in (
        "people_served", "gap_locked")})), HOSTILE[0]: replace(shared, communes=communes)}  # fmt: skip
    page = comparison_html(compare(named, samples=20), language=language)
    assert page.count("<script") == 1
    assert "&lt;script&gt;alert(1)" in page
    assert HOSTILE[3] in page
    assert f"<bdi>{HOSTILE[2]}" in page
    assert "http:" not in page
    assert "https:" not in page
    assert f'<html lang="{language}">' in page
    assert len(page) < 3_000_000


def test_the_page_repeats_to_the_byte_and_refuses_a_language_it_does_not_speak(result, shared):
    pages = [comparison_html(compare({"a": result, "b": shared}, samples=20)) for _ in range(2)]
    assert pages[0] == pages[1]
    with pytest.raises(InputError, match="en, vi"):
        comparison_html(compare({"a": result, "b": shared}, samples=20), language="fr")


def test_what_the_terminal_shows_fits_eighty_columns(result, shared, capsys, monkeypatch):
    monkeypatch.setattr(terminal, "_width", 80)
    names = ("today", HOSTILE[0], HOSTILE[3], "[red]", "fifth")
    show(compare({n: shared if k else result for k, n in enumerate(names)}, samples=20), Text())
    told = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in told) <= 80
    assert any("[red]" in line for line in told)
    assert sum("People served today" in line for line in told) == 2


@pytest.mark.slow
def test_the_command_writes_the_page_whole(result, shared, tmp_path):
    result.write(tmp_path / "one")
    shared.write(tmp_path / "two")
    page = tmp_path / "out" / "compare.html"
    done = CliRunner().invoke(
        app, ["compare", str(tmp_path / "one"), str(tmp_path / "two"), "--out", str(page)]
    )
    assert done.exit_code == 0, done.output
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [p.name for p in page.parent.iterdir()] == ["compare.html"]


def sampled(result, **changed):
    """Return a result whose plan was sampled."""
    plan = {
        **result.summary["plan"], "expected_people": 38_000.0, "people_p05": 35_000.0, "people_p95": 40_500.0,
        "within_budget_share": 0.4, "status": "bounded", **changed,
    }  # fmt: skip
    return replace(result, summary={**result.summary, "plan": plan})


@pytest.mark.parametrize("language", ["en", "vi"])
def test_what_to_expect_stands_before_what_is_modelled(result, shared, capsys, monkeypatch, language):
    say = Text(language)
    found = compare({"a": sampled(result), "b": sampled(shared)}, samples=10)
    lines = verdict(found, say)
    for line in lines[:2]:
        assert all(part in line for part in (say.number(38_000), say.number(35_000), say.number(40_500)))
    figures = list(comparison_tree(found)["figures"]["a"])
    order = ["expected", "expected_low", "expected_high", "within_budget", "gained", "bound"]
    assert sorted(order, key=figures.index) == order
    assert comparison_tree(found)["verdict"][0] == verdict(found, Text())[0]
    monkeypatch.setattr(terminal, "_width", 80)
    show(found, say)
    for shown in (capsys.readouterr().out, comparison_html(found, language=language)):
        at = [
            shown.index(say.say(f"figure.{key}")[:20])
            for key in ("expected", "within_budget", "gained", "bound")
        ]
        assert at == sorted(at)


def test_a_part_of_the_area_expects_nothing_of_the_whole_plan(result):
    part = replace(result, communes=result.communes.iloc[:10].reset_index(drop=True))
    found = compare({"whole": sampled(result), "part": sampled(part)}, samples=10)
    assert np.isnan(found.figure("expected")["whole"])
    assert found.figure("expected")["part"] == 38_000


def test_units_are_those_of_the_values_in_the_same_json(result, shared):
    tree = comparison_tree(compare({"a": result, "b": shared}, samples=10))
    figures, units = tree["figures"]["a"], tree["units"]
    assert set(units) == set(figures)
    assert (figures["budget"], units["budget"], units["plan_cost"]) == (10.0, "musd", "musd")
    assert figures["plan_cost"] == pytest.approx(result.plan["cost_musd"].sum())
    assert units["cost_a_person"] == "usd"
    assert figures["cost_a_person"] == pytest.approx(1e6 * figures["plan_cost"] / figures["gained"])
    assert 0 < figures["share_served"] < 1
    assert units["share_served"] == "share"


@given(seed=st.integers(0, 10_000), reach=st.floats(0.5, 1.0))
@settings(max_examples=25, deadline=None)
def test_no_sample_serves_more_people_than_there_are(seed, reach):
    rng = np.random.default_rng(seed)
    codes = [f"{k:05d}" for k in range(6)]
    population = dict(zip(codes, rng.integers(1, 9_000, 6).astype(float).tolist(), strict=True))
    served = {c: population[c] * float(rng.uniform(0, 1)) for c in codes}
    steps = PlanSteps(
        remedy=np.array([f"r{c}" for c in codes]),
        kind=np.array(["build"] * 6),
        year=np.full(6, 2027),
        cost_musd=np.full(6, 0.1),
        group_step=np.arange(6),
        group_people=np.array([(population[c] - served[c]) * reach for c in codes]),
        group_commune=np.array(codes),
        exact=True,
    )
    drawn = sample_people(
        {"a": steps}, {"a": 100.0}, {"a": served}, population, samples=20, seed=seed, cost_spread=0.3
    )
    assert np.percentile(drawn.people, 95) <= sum(population.values())
    assert drawn.people.max() <= sum(population.values())

"""The plan and its tables on a small region: years, funds, people and what is said add up."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import phusong.stages.invest
from phusong.errors import InputError
from phusong.invest.cost_sharing import ITEM_OF_KIND
from phusong.invest.portfolio import choose
from phusong.invest.priorities import Priorities, element_value, read_flags
from phusong.invest.program.rules import known_kinds
from phusong.pipeline import run_region
from phusong.scenario import Scenario
from phusong.stages.invest import plan_rules
from small_region import small_region


def asked(**invest) -> Scenario:
    return Scenario.from_tree({"invest": {"samples": 0, "budget_musd": 0.5, "solver_seconds": 3.0, **invest}})


@pytest.fixture(scope="module")
def run():
    """One run of the whole way; what it hands to the choice answers every other question here."""
    seen = {}

    def spy(offers, settings, **others):
        seen["given"] = offers, settings, others
        return choose(offers, settings, **others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phusong.stages.invest, "choose", spy)
        result = run_region(asked(funds=FUNDS, alternatives=1), small_region())
    return result, *seen["given"]


@pytest.fixture(scope="module")
def funded(run):
    return run[0]


@pytest.fixture(scope="module")
def answer(run):
    _, offers, settings, others = run

    def ask(value=None, **invest):
        scenario = asked(**invest)
        given = replace(
            settings,
            budget_musd=scenario.invest.budget_musd,
            rules=plan_rules(scenario),
            solver_seconds=scenario.invest.solver_seconds,
        )
        return choose(offers, given, **{**others, "value": value})

    return ask


FUNDS = [
    {"name": "state", "level": "central", "planned_musd": [0.05, 0.1, 0.1], "lag_years": 1, "allocated_musd": [0.05]},
    {"name": "owners", "level": "operator", "planned_musd": [0.1, 0.1, 0.1], "kinds": ["open_mocn", "battery_backup"]},
    {"name": "service", "level": "universal_service", "planned_musd": [0.2, 0.0, 0.1], "carry_over": True},
]  # fmt: skip


def test_no_fund_is_overspent_in_any_year_and_pays_only_what_it_may(funded):
    money = funded.funds
    assert (money["left_musd"] >= -1e-9).all()
    assert money["spent_musd"].sum() == pytest.approx(funded.plan["cost_musd"].sum())
    by = money.set_index(["fund", "year"])
    assert by.loc[("state", 2027), "available_musd"] == 0
    assert by.loc[("state", 2028), "available_musd"] == 0.05
    strict = money[money["fund"] != "service"]
    assert (strict["spent_musd"] <= strict["available_musd"] + 1e-9).all()
    owners = funded.plan[funded.plan["fund"] == "owners"]
    assert set(owners["kind"]) <= {"open_mocn", "battery_backup"}
    sums = money[["power_musd", "telecom_musd", "transport_musd", "sharing_musd"]].sum(axis=1)
    assert np.allclose(sums, money["spent_musd"])


def test_people_of_the_lines_add_up_to_the_plan_and_to_the_milestones(funded):
    plan = funded.summary["plan"]
    assert funded.plan["people_gained"].sum() == plan["people_gained"]
    assert plan["people_gained"] <= plan["bound_people"] + 0.5
    region = funded.milestones[funded.milestones["commune_code"] == ""]
    assert region["people_served"].is_monotonic_increasing
    last = region["people_served"].iloc[-1]
    assert last == funded.summary["people_served"] + plan["people_gained"]
    communes = funded.milestones[funded.milestones["commune_code"] != ""]
    assert communes.groupby("year")["people_served"].sum().tolist() == region["people_served"].tolist()


def test_every_line_says_who_what_when_and_with_which_result(funded):
    lines = funded.schedule
    assert len(lines) == len(funded.plan) > 0
    for column in ("accountable", "kind", "site_id", "result", "fund", "sector", "level"):
        assert (lines[column].str.len() > 0).all()
    blocked = lines[lines["blocked_years"] > 0]
    assert (blocked["waits_for"].str.len() > 0).all()
    assert (lines["serves_from"] >= lines["year"]).all()
    assert set(lines["money"]) <= {"planned", "allocated", "disbursed"}


def test_a_late_fund_moves_its_lines_and_those_that_wait_for_them(funded):
    late = funded.late
    assert set(late["late_fund"]) == set(funded.plan["fund"])
    own = late[late["late_fund"] == late["fund"]]
    assert (own["year_if_late"] == own["year"] + 1).all()
    assert (late["people_years_lost"] >= 0).all()
    assert (late["people_years_lost"] <= late["people_gained"] + 1e-9).all()
    waits = late[late["waits"]]
    assert (waits["year_if_late"] == waits["year"]).all()


def test_interim_remedies_serve_people_of_the_plan_until_their_permanent_one_stands(run, answer):
    result, offers, _, _ = run
    found = answer(budget_musd=2.0, crews={"build_site": 1})
    interim = found.tables["interim"]
    year_of = found.plan.set_index("remedy_id")["year"]
    assert (interim["until_year"] == interim["follows"].map(year_of)).all()
    assert (interim["from_year"] < interim["until_year"]).all()
    late = found.plan.loc[found.plan["serves_from"] > 2027, "people_gained"].sum()
    assert interim["people"].sum() <= late
    assert (interim["people_years"] >= interim["people"]).all()
    assert set(interim["remedy_id"]) <= set(offers.remedies.loc[offers.remedies["interim"], "remedy_id"])
    assert "interim" in vars(result)


def test_every_kind_on_offer_has_a_sector(run):
    assert set(run[1].remedies["kind"]) | set(ITEM_OF_KIND) <= set(known_kinds())


def test_further_plans_differ_and_stand_beside_the_first(funded):
    plans = funded.alternatives
    assert plans["plan"].tolist() == [0, 1]
    assert plans["differs"].iloc[1] >= 0.3 - 1e-6
    assert plans["gap"].iloc[0] <= plans["gap"].iloc[1] + 1e-9


def test_without_rules_the_tables_still_add_up(answer):
    found = answer()
    assert found.plan["people_gained"].sum() == round(found.best.people)
    assert found.tables["funds"]["spent_musd"].sum() == pytest.approx(found.best.cost_musd)
    assert found.statements == ()
    assert found.tables["alternatives"].empty


def test_a_target_is_met_as_far_as_options_reach_and_the_rest_is_said(answer):
    found = answer(target_share=0.9, target_year=2028)
    milestones = found.tables["milestones"]
    last = milestones[(milestones["year"] == 2028) & (milestones["commune_code"] != "")]
    could = last["reachable_share"] * last["people"]
    assert (last["people_served"] >= np.minimum(last["target_people"], could) - 1).all()
    short = last[~last["met"]]
    assert (short["reason"] == "out of reach").all()
    assert (short["beyond_people"] > 0).all()
    codes = {said["code"] for said in found.statements}
    assert codes & {"cheapest_over", "cheapest_within"}
    assert (len(short) > 0) == ("out_of_reach" in codes)
    assert found.certificate.measure == "cost_musd"
    assert found.certificate.bound <= found.certificate.plan
    assert (found.plan["year"] <= 2028).all()


def test_a_floor_that_no_money_meets_is_answered_with_the_nearest(answer):
    found = answer(floor_share=0.99, budget_musd=0.02)
    assert {said["code"] for said in found.statements} & {"none_serves_every", "none_found_every"}
    assert found.best.cost_musd <= 0.02 + 1e-9


def test_priorities_change_the_order_and_figures_stay_people(answer, run):
    value = run[1].model.weights * np.where(run[3]["commune_of_element"] == 2, 40.0, 1.0)
    plain, pressed = answer(), answer(value=value)
    assert pressed.options["people_gained"].sum() == plain.options["people_gained"].sum()
    place = [p.options.loc[p.options["commune_code"] == "00003", "rank"].mean() for p in (plain, pressed)]
    assert place[1] < place[0]
    assert pressed.certificate.measure == "value"
    assert pressed.plan["people_gained"].sum() == round(pressed.best.people)
    assert pressed.best.people <= plain.best.people + 1e-6


def test_people_by_priority_count_flags_classes_and_facilities():
    weights = np.array([[6, 4], [5, 5]])
    value = element_value(
        np.array([[6, 4], [5, 0]]),
        weights,
        priorities=Priorities(
            {"border": 2.0}, (1.0, 1.0, 1.5, 1.0), {"school": 20.0}, {"border": frozenset({"b"})}
        ),
        cell_commune=np.array([0, 1]),
        codes=np.array(["a", "b"]),
        remote=np.array([2, 0]),
        cell_east_m=np.array([0.0, 1000.0]),
        cell_north_m=np.zeros(2),
        facilities=pd.DataFrame({"kind": ["school"], "east_m": [900.0], "north_m": [10.0]}),
    )
    # 1.5 each in the remote commune; 2 each at the border, and half of the school's 20 for half of the people
    assert value.tolist() == [9.0, 6.0, 20.0, 0.0]


def test_everything_wrong_with_funds_is_said_at_once():
    funds = [
        {"name": "a", "level": "central", "planned_musd": [-1.0, 2.0], "kinds": ["bild_site"]},
        {"name": "a", "level": "central", "planned_musd": [1.0, 1.0, 1.0, 1.0]},
        {"name": "b", "level": "central", "planned_musd": [1.0], "lag_years": 5, "policies": ["mocn"]},
    ]
    with pytest.raises(InputError) as caught:
        plan_rules(
            asked(funds=funds, crews={"nothing": 3}, target_share=0.9, target_year=2020, floor_share=0.5)
        )
    text = str(caught.value)
    for words in (
        "must be 0 or more",
        "did you mean build_site?",
        "is the name of 2 funds",
        "after the plan's last year",
        "policy in force, none",
        "'nothing' is no kind of remedy",
        "lies before first_year 2027",
        "ask for one",
    ):
        assert words in text
    with pytest.raises(InputError, match="4 years, the plan has 3"):
        plan_rules(asked(funds=funds[1:2]))


def test_a_fund_that_may_pay_for_nothing_here_is_named(answer):
    funds = [{"name": "cities", "level": "central", "planned_musd": [1.0], "classes": [0]}]
    with pytest.raises(InputError, match="may pay for none of the remedies on offer"):
        answer(funds=funds)


def test_flags_are_read_from_a_table_and_its_errors_named(tmp_path):
    path = tmp_path / "flags.csv"
    codes = np.array(["00001", "00002"])
    path.write_text("commune_code,ethnic_minority,border\n00001,1,no\n00002,0,x\n")
    assert read_flags(path, codes) == {
        "ethnic_minority": frozenset({"00001"}),
        "border": frozenset({"00002"}),
    }
    path.write_text("commune_code,border\n99999,maybe\n")
    with pytest.raises(InputError) as caught:
        read_flags(path, codes)
    assert len(caught.value.problems) == 2
    with pytest.raises(InputError, match="cannot be read"):
        read_flags(tmp_path / "none.csv", codes)


def test_scenarios_that_ship_say_what_they_mean():
    for name in ("floors", "target_95", "funds"):
        plan_rules(Scenario.read(name))
    assert pd.Series([f.name for f in Scenario.read("funds").invest.funds]).is_unique

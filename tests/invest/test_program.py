"""Plans under floors, funds, years and crews, on programs small enough to try every plan."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from phusong.invest.plan_book import PlanModel
from phusong.invest.plan_lines import plan_lines
from phusong.invest.program import NEVER, Program, by_commune, needed_gain, timeline
from phusong.invest.program.relaxation import by_communes, relax
from phusong.invest.program.search import Purses, found_from, overspent, search
from phusong.invest.program.solve import (
    Effort,
    differing,
    nearest_met,
    quick_plan,
    shared_money,
    solve,
    solve_exactly,
)

EFFORT = Effort(time_limit_s=20.0, seed=1)
COMMUNES = 3


def random_program(seed: int, *, cheapest: bool = False) -> Program:
    rng = np.random.default_rng(seed)
    bundles, remedies, elements = 5, 4, 9
    needs = rng.random((bundles, remedies)) < 0.35
    needs[np.arange(bundles), rng.integers(0, remedies, bundles)] = True
    covers = rng.random((bundles, elements)) < 0.4
    weights = rng.integers(0, 50, elements).astype(float)
    model = PlanModel(
        rng.choice([0.0, 0.5, 1.0, 1.5, 2.0], remedies),
        csr_matrix(needs.astype(float)),
        csr_matrix(covers.astype(float)),
        weights,
    )
    funds, years = int(rng.integers(1, 3)), int(rng.integers(1, 3))
    program = Program(
        model,
        weights * rng.choice([1.0, 2.0], elements) if rng.random() < 0.3 else weights,
        rng.integers(0, COMMUNES, elements),
        np.zeros(COMMUNES),
        rng.choice([0.0, 0.5, 1.0, 2.0, 3.0], (funds, years)),
        rng.random(funds) < 0.5,
        rng.random((funds, remedies)) < 0.7,
        rng.choice([-1, 0], remedies),
        np.array([int(rng.integers(0, 3))]),
        cheapest=cheapest,
    )
    share = float(rng.choice([0.0, 0.3, 0.6, 1.0]))
    return program.needing(np.floor(share * program.reachable()))


def all_plans(program: Program):
    """Every plan that obeys funds, years and crews, as (fund, year) by remedy; written without the code under test."""
    n_funds, n_years = program.available_musd.shape
    choices = [(-1, -1), *product(range(n_funds), range(n_years))]
    cost = program.model.remedy_cost_musd
    for plan in product(choices, repeat=cost.size):
        spent = np.zeros((n_funds, n_years))
        works = np.zeros((program.crew_most.size, n_years))
        fine = True
        for k, (f, t) in enumerate(plan):
            if f < 0:
                continue
            fine &= bool(program.pays[f, k])
            spent[f, t] += cost[k]
            if program.crew_of[k] >= 0:
                works[program.crew_of[k], t] += 1
        for f in range(n_funds):
            over = spent[f] - program.available_musd[f]
            fine &= bool(((np.cumsum(over) if program.carry_over[f] else over) <= 1e-9).all())
        if fine and (works <= program.crew_most[:, None]).all():
            yield np.array([f >= 0 for f, _ in plan])


def best_by_trying(program: Program) -> float | None:
    """The best worth (or least cost) of a plan that meets the needs; None when none does."""
    seen: dict[bytes, np.ndarray] = {p.tobytes(): p for p in all_plans(program)}
    met = [p for p in seen.values() if program.meets(p)]
    if not met:
        return None
    return min(map(program.cost, met)) if program.cheapest else max(map(program.worth, met))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 100_000), st.booleans())
def test_branch_and_bound_finds_what_trying_everything_finds(seed, cheapest):
    program = random_program(seed, cheapest=cheapest)
    optimum = best_by_trying(program)
    found = solve(program, EFFORT)
    assert overspent(program, found.fund, found.year) == []
    if optimum is None:
        assert not found.met
        assert found.impossible
        return
    assert found.met
    got = program.cost(found.remedies) if cheapest else program.worth(found.remedies)
    assert got == pytest.approx(optimum, abs=1e-6)
    assert found.certificate.gap <= 1e-6


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 100_000), st.booleans())
def test_the_search_obeys_every_rule_and_the_bounds_hold(seed, cheapest):
    program = random_program(seed, cheapest=cheapest)
    optimum = best_by_trying(program)
    relaxed = relax(program)
    found = search(program, relaxed.fraction, rounds=3, seed=1)
    assert overspent(program, found.fund, found.year) == []
    if optimum is None:
        return
    assert not relaxed.impossible
    if cheapest:
        assert relaxed.bound <= optimum + 1e-6
        parted = by_communes(program, relaxed)
        assert parted.bound <= optimum + 1e-6
        assert program.meets(parted.remedies)
        again = found_from(program, parted.remedies, 2, 1)
        assert overspent(program, again.fund, again.year) == []
    else:
        assert relaxed.bound >= optimum - 1e-6
    if program.meets(found.remedies):
        got = program.cost(found.remedies) if cheapest else program.worth(found.remedies)
        assert (got >= optimum - 1e-6) if cheapest else (got <= optimum + 1e-6)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 100_000), st.floats(0.1, 2.0))
def test_more_money_never_buys_less(seed, more):
    program = random_program(seed)
    richer = replace(program, available_musd=program.available_musd + more)
    poor, rich = solve(program, EFFORT), solve(richer, EFFORT)
    if poor.met:
        assert rich.met
        assert richer.worth(rich.remedies) >= program.worth(poor.remedies) - 1e-6


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 100_000))
def test_a_lower_floor_never_serves_fewer_and_the_nearest_floor_is_met(seed):
    program = replace(random_program(seed), need_people=np.zeros(COMMUNES))
    program = replace(program, value=program.model.weights)
    population, served = program.reachable() + 7.0, np.full(COMMUNES, 3.0)

    def need_of(level):
        return needed_gain(np.full(COMMUNES, level), population, served, program.reachable())

    people = []
    for wanted in (0.0, 0.4, 0.8, 1.0):
        found, asked, level = nearest_met(program, need_of, wanted, EFFORT)
        assert level <= wanted
        assert found.met
        assert asked.meets(found.remedies)
        # the nearest floor is the highest whole per cent below: one more cannot be met
        if level < wanted:
            above = program.needing(need_of(min(level + 0.01, wanted)))
            assert best_by_trying(above) is None
        people.append(program.worth(found.remedies))
    assert people == sorted(people, reverse=True)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 100_000), st.sampled_from([0.3, 0.7, 1.0]))
def test_further_plans_spend_the_money_otherwise(seed, differ):
    program = random_program(seed)
    first = solve(program, EFFORT).remedies
    cost = program.model.remedy_cost_musd

    def plan_of(asked):
        found, _ = quick_plan(asked, time_limit_s=20.0, seed=1)
        return found

    plans = [first, *differing(program, first, 3, differ, plan_of)]
    for i, plan in enumerate(plans):
        for earlier in plans[:i]:
            assert shared_money(cost, earlier, plan) <= (1 - differ) * cost[earlier].sum() + 1e-6


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 100_000), st.booleans())
def test_purses_are_never_overdrawn_whatever_is_bought_and_given_back(seed, early):
    program = random_program(seed)
    purses = Purses(program, early=early)
    rng = np.random.default_rng(seed)
    for _ in range(8):
        k = int(rng.integers(0, program.model.remedy_cost_musd.size))
        if purses.fund[k] >= 0:
            purses.give_back(k)
        else:
            purses.place(np.array([k]))
        assert overspent(program, purses.fund, purses.year) == []


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 100_000))
def test_merging_within_communes_keeps_everybody_in_their_commune(seed):
    program = random_program(seed)
    model, value, commune = by_commune(program.model, program.commune, program.value)
    bought = np.random.default_rng(seed).random(program.model.remedy_cost_musd.size) < 0.6
    merged = replace(program, model=model, value=value, commune=commune)
    assert merged.gained(bought) == pytest.approx(program.gained(bought))
    assert merged.worth(bought) == pytest.approx(program.worth(bought))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 100_000))
def test_people_are_served_when_the_last_remedy_of_their_first_bundle_stands(seed):
    program = random_program(seed)
    rng = np.random.default_rng(seed)
    year = np.where(rng.random(4) < 0.8, rng.integers(0, 3, 4), NEVER)
    when = timeline(program.model, year)
    for t in range(3):
        there = program.model.served(year <= t)
        assert ((when.element_year <= t) == there).all()
    needs = program.model.needs.toarray() > 0
    for b in range(needs.shape[0]):
        assert when.bundle_year[b] == year[needs[b]].max()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 100_000))
def test_the_lines_of_a_plan_count_everybody_once_in_the_year_they_are_served(seed):
    program = random_program(seed)
    rng = np.random.default_rng(seed)
    year = np.where(rng.random(4) < 0.8, rng.integers(0, 3, 4), NEVER)
    lines = plan_lines(program.model, year)
    assert sorted(lines.remedy.tolist()) == np.flatnonzero(year < NEVER).tolist()
    assert lines.people.sum() == program.model.people(year < NEVER)
    assert (np.diff(lines.year) >= 0).all()
    served = lines.element_line >= 0
    assert (lines.year[lines.element_line[served]] <= lines.when.element_year[served]).all()


def test_a_needed_gain_is_whole_people_and_never_more_than_can_be_reached():
    need = needed_gain(
        np.array([0.95, 0.95, 0.0]),
        np.array([101.0, 100.0, 50.0]),
        np.array([0.0, 99.0, 0.0]),
        np.array([200.0, 5, 50]),
    )
    assert need.tolist() == [96.0, 0.0, 0.0]
    assert needed_gain(np.array([1.0]), np.array([80.0]), np.array([10.0]), np.array([20.0])).tolist() == [
        20.0
    ]


def test_an_empty_program_buys_nothing():
    model = PlanModel(np.empty(0), csr_matrix((0, 0)), csr_matrix((0, 0)), np.empty(0))
    none = np.empty(0, np.int64)
    program = Program(
        model,
        np.empty(0),
        none,
        np.zeros(1),
        np.ones((1, 2)),
        np.array([False]),
        np.ones((1, 0), bool),
        none,
        none,
    )
    found = solve(program, EFFORT)
    assert found.met
    assert not found.remedies.any()
    assert solve_exactly(program, 5.0).fund is not None or found.certificate.bound == 0

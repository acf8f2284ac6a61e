"""The curve of people against money and the line above it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_models import random_plan_model

from phusong.invest.evaluation import bound_at
from phusong.invest.optimum import best_plan, bound_corners, frontier, priced_lines
from phusong.invest.ranking import rank


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0, 100)), min_size=1, max_size=8), st.floats(0, 20))
def test_corners_interpolate_to_the_lowest_line_everywhere(lines, money):
    table = np.array(lines)
    at, people = bound_corners(table, np.array([0.0, 20.0]))
    lowest = (table[:, 0] * money + table[:, 1]).min()
    assert np.interp(money, at, people) == pytest.approx(lowest, abs=1e-6, rel=1e-6)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 100_000), st.floats(0.0, 12.0))
def test_priced_lines_touch_the_best_buy_in_fractions_and_are_never_below_it(seed, money):
    rng = np.random.default_rng(seed)
    worth, cost = rng.uniform(0, 9, 7), np.where(rng.random(7) < 0.2, 0.0, rng.uniform(0.1, 3, 7))
    order = np.argsort(-worth / np.maximum(cost, 1e-12))
    left, best = money, 5.0
    for j in order:
        part = 1.0 if cost[j] == 0 else min(1.0, left / cost[j])
        left -= part * cost[j]
        best += part * worth[j]
    lines = priced_lines(worth, cost, 5.0, np.array([0.5, money, 4.0]))
    values = lines[:, 0] * money + lines[:, 1]
    assert values.min() == pytest.approx(best)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 100_000))
def test_plans_rise_with_money_and_stay_under_the_bound(seed):
    model = random_plan_model(seed)
    best = best_plan(model, 3.0)
    curve = frontier(rank(model), best, 3.0, model=model)
    rows = curve.dropna(subset=["plan_people"])
    assert rows["plan_people"].is_monotonic_increasing
    assert (rows["plan_people"] <= rows["bound_people"] + 1e-6).all()
    at = rows.set_index("budget_musd")
    assert at.loc[3.0, "plan_people"] == pytest.approx(best.people)
    assert bound_at(curve, 3.0) == pytest.approx(best.bound)
    for budget in (0.2, 1.0, 2.0, 5.0, 12.0):
        assert best_plan(model, budget).people <= bound_at(curve, budget) + 1e-6
    steps = curve.dropna(subset=["cost_musd"])
    assert steps["people"].is_monotonic_increasing

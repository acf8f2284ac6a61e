"""Best plans against every plan tried, against the relaxation, and against themselves."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, identity

from phusong.invest.optimum import best_plan
from phusong.invest.plan_book import PlanModel
from phusong.invest.ranking import rank
from phusong.invest.solver import reduced
from phusong.invest.solver.lagrange import priced
from phusong.invest.solver.local_search import improved

BUDGETS = [0.0, 0.5, 1.5, 3.0, 6.0, 100.0]


def random_model(seed, bundles=9, remedies=8, elements=25, *, shared=True):
    rng = np.random.default_rng(seed)
    if shared:
        needs = rng.random((bundles, remedies)) < 0.3
        needs[np.arange(bundles), rng.integers(0, remedies, bundles)] = True
    else:
        needs = np.eye(bundles) > 0
    covers = rng.random((bundles, elements)) < 0.3
    cost = rng.choice([0.0, 0.5, 1.0, 2.0, 3.5], needs.shape[1])
    people = rng.integers(0, 50, elements) + rng.choice([0.0, 0.25])
    return PlanModel(cost, csr_matrix(needs.astype(float)), csr_matrix(covers.astype(float)), people)


def large_model(seed, n=420, m=1500, *, shared=False):
    """Return candidates along a line, each serving the cells near it; every five share a feeder."""
    rng = np.random.default_rng(seed)
    at, reach = rng.random(n), rng.lognormal(np.log(0.02), 0.3, n)
    cells = rng.random(m)
    covers = csr_matrix((np.abs(cells[None, :] - at[:, None]) < reach[:, None]).astype(float))
    needs = csr_matrix(identity(n))
    cost = rng.lognormal(0.0, 0.5, n)
    if shared:
        needs = csr_matrix(np.hstack([np.eye(n), np.eye(n // 5)[np.argsort(np.argsort(at)) // 5]]))
        cost = np.r_[cost, rng.lognormal(0.5, 0.3, n // 5)]
    return PlanModel(cost, needs, covers, rng.lognormal(2.0, 1.0, m))


def best_by_trying(model, budget):
    n = model.remedy_cost_musd.size
    plans = (np.array(p, bool) for p in product([False, True], repeat=n))
    return max(model.people(p) for p in plans if model.remedy_cost_musd[p].sum() <= budget + 1e-9)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 100_000), st.sampled_from(BUDGETS), st.booleans())
def test_plan_is_the_best_of_all_and_proves_it(seed, budget, shared):
    model = random_model(seed, shared=shared)
    best = best_by_trying(model, budget)
    found = best_plan(model, budget)
    assert found.cost_musd <= budget + 1e-9
    assert found.people == pytest.approx(best)
    assert found.people == pytest.approx(model.people(found.remedies))
    assert found.bound >= best * (1 - 1e-12)
    assert found.gap <= 1e-6


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 100_000), st.sampled_from(BUDGETS), st.booleans(), st.sampled_from([1, 5, 60]))
def test_prices_bound_every_plan_however_few_passes_found_them(seed, budget, shared, passes):
    model = random_model(seed, shared=shared)
    problem = reduced(model)
    found = priced(problem, budget, passes=passes, late=lambda: False)
    assert problem.free_people + found.bound >= best_by_trying(model, budget) * (1 - 1e-9)
    assert found.bound >= found.relaxed * (1 - 1e-9)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 100_000), st.booleans())
def test_the_price_of_one_budget_bounds_the_plans_of_others(seed, shared):
    model = random_model(seed, shared=shared)
    found = best_plan(model, 2.0)
    for budget in BUDGETS:
        assert found.bound_at(budget) >= best_by_trying(model, budget) * (1 - 1e-9)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 100_000), st.booleans())
def test_a_bigger_budget_never_buys_less_nor_lowers_the_bound(seed, shared):
    model = random_model(seed, shared=shared)
    plans = [best_plan(model, b) for b in BUDGETS]
    assert (np.diff([p.people for p in plans]) >= -1e-9).all()
    assert (np.diff([p.bound for p in plans]) >= -1e-6).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 100_000), st.sampled_from(BUDGETS[1:]))
def test_greedy_or_the_best_single_candidate_keeps_its_guarantee(seed, budget):
    # Khuller, Moss and Naor (1999): at least 1 - 1/sqrt(e) of the best
    model = random_model(seed, shared=False)
    taken = rank(model, budget_musd=budget).people_gained.sum()
    alone = np.asarray(model.covers @ model.weights).ravel()[model.remedy_cost_musd <= budget]
    assert max(taken, alone.max(initial=0.0)) >= (1 - np.exp(-0.5)) * best_by_trying(model, budget) - 1e-9


@pytest.mark.parametrize("shared", [False, True], ids=["own parts", "shared feeders"])
def test_large_plans_repeat_to_the_byte_and_are_nearly_proven(shared):
    model = large_model(1, shared=shared)
    first, again = (best_plan(model, 20.0, time_limit_s=300.0) for _ in range(2))
    assert (first.remedies == again.remedies).all()
    assert (first.bound, first.people, first.method) == (again.bound, again.people, again.method)
    assert first.people == pytest.approx(model.people(first.remedies))
    assert first.gap < 0.01


def test_search_keeps_the_budget_and_never_ends_below_its_start():
    model = large_model(2, shared=True)
    problem = reduced(model)
    nothing = np.zeros(problem.n_candidates, bool)
    found = improved(problem, nothing, 15.0, work=200_000, seed=1, enough=np.inf, late=lambda: False)
    longer = improved(problem, found, 15.0, work=200_000, seed=2, enough=np.inf, late=lambda: False)
    assert problem.cost[problem.parts(longer)].sum() <= 15.0 * (1 + 1e-9)
    assert 0 < problem.people(found) <= problem.people(longer)


def test_a_time_limit_still_gives_a_plan_and_a_bound():
    model = large_model(3)
    found = best_plan(model, 20.0, time_limit_s=0.01)
    assert 0 < found.people <= found.bound
    assert found.cost_musd <= 20.0 * (1 + 1e-9)


def test_free_gains_are_taken_and_free_bundles_without_gain_are_not():
    needs = csr_matrix(np.eye(4))
    covers = csr_matrix(np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0]], float))
    found = best_plan(
        PlanModel(np.array([0.0, 0.0, 9.0, 0.0]), needs, covers, np.array([3.0, 2.0, 8.0])), 1.0
    )
    assert found.remedies.tolist() == [True, False, False, False]
    assert found.people == found.bound == 5.0

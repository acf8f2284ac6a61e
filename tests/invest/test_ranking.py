"""Ranking, plans and bounds on models small enough to try everything."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from phusong.invest.costs import Costs
from phusong.invest.optimum import best_plan, merge_elements
from phusong.invest.plan_book import PlanModel
from phusong.invest.ranking import rank


def random_model(seed: int, bundles: int = 8, remedies: int = 7, elements: int = 12) -> PlanModel:
    rng = np.random.default_rng(seed)
    needs = rng.random((bundles, remedies)) < 0.3
    needs[np.arange(bundles), rng.integers(0, remedies, bundles)] = True
    covers = rng.random((bundles, elements)) < 0.35
    return PlanModel(
        rng.choice([0.0, 0.5, 1.0, 2.0, 3.5], remedies),
        csr_matrix(needs.astype(float)),
        csr_matrix(covers.astype(float)),
        rng.integers(0, 50, elements).astype(float),
    )


def best_by_trying(model: PlanModel, budget: float) -> float:
    n = model.remedy_cost_musd.size
    plans = (np.array(p, bool) for p in product([False, True], repeat=n))
    return max(model.people(p) for p in plans if model.remedy_cost_musd[p].sum() <= budget + 1e-9)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 100_000), st.sampled_from([0.0, 0.5, 1.5, 3.0, 6.0, 100.0]))
def test_bound_is_above_the_optimum_and_the_plan_below(seed, budget):
    model = random_model(seed)
    optimum = best_by_trying(model, budget)
    found = best_plan(model, budget)
    assert found.cost_musd <= budget + 1e-9
    assert found.people <= optimum + 1e-6
    assert found.bound >= optimum - 1e-6
    assert found.people == pytest.approx(model.people(found.remedies))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 100_000))
def test_a_bigger_budget_never_buys_less(seed):
    model = random_model(seed)
    people = [best_plan(model, b).people for b in (0.0, 1.0, 2.5, 5.0, 20.0)]
    assert people == sorted(people)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 100_000))
def test_ranking_gains_what_it_says_and_puts_free_gains_first(seed):
    model = random_model(seed)
    found = rank(model)
    bought = np.zeros(model.remedy_cost_musd.size, bool)
    served = np.zeros(model.weights.size, bool)
    for b, gained, cost, alone in zip(
        found.order, found.people_gained, found.cost_musd, found.people_alone, strict=True
    ):
        need = model.needs[b].toarray().ravel() > 0
        cells = model.covers[b].toarray().ravel() > 0
        assert cost == pytest.approx(model.remedy_cost_musd[need & ~bought].sum())
        assert gained == pytest.approx(model.weights[cells & ~served].sum())
        assert 0 < gained <= alone + 1e-9
        # nothing that costs nothing was left waiting
        if cost > 0:
            for other in range(model.n_bundles):
                free = model.remedy_cost_musd[(model.needs[other].toarray().ravel() > 0) & ~bought].sum() == 0
                gain = model.weights[(model.covers[other].toarray().ravel() > 0) & ~served].sum()
                assert not (free and gain > 0)
        bought |= need
        served |= cells
    everything = np.ones(model.remedy_cost_musd.size, bool)
    assert found.people_gained.sum() == pytest.approx(model.people(everything))


def test_merging_equal_elements_keeps_the_people():
    model = random_model(3, elements=40)
    covers, weights = merge_elements(model.covers, model.weights)
    reached = np.asarray(model.covers.sum(axis=0)).ravel() > 0
    assert weights.sum() == model.weights[reached].sum()
    assert covers.shape[1] <= model.covers.shape[1]


def test_present_value_counts_replacement_and_what_is_left():
    costs = Costs(horizon_years=10, discount_rate=0.05)
    # fibre ends last ten years: bought once, nothing left; satellite five: bought twice
    assert costs.of(fibre_end=1.0).npv_musd == pytest.approx(500e-6)
    assert costs.of(satellite=1.0).npv_musd == pytest.approx(8000e-6 * (1 + 1.05**-5))
    # a line of thirty years keeps two thirds of its value
    line = costs.of(mv_line=1.0)
    assert line.npv_musd == pytest.approx(25_000e-6 * (1 - 2 / 3 * 1.05**-10))
    yearly = costs.of(site_power=1.0)
    assert yearly.capex_musd == 0
    assert yearly.npv_musd == pytest.approx(3000e-6 * (1 - 1.05**-10) / 0.05)

"""Merging and taking what is free change the value of no plan."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from phusong.compute.arrays import merge_equal, turned
from phusong.invest.plan_book import PlanModel
from phusong.invest.solver import reduced


def random_model(seed, bundles=9, remedies=8, elements=30):
    rng = np.random.default_rng(seed)
    needs = rng.random((bundles, remedies)) < 0.3
    covers = rng.random((bundles, elements)) < 0.3
    return PlanModel(
        rng.choice([0.0, 0.0, 0.5, 1.0, 2.0], remedies),
        csr_matrix(needs.astype(float)),
        csr_matrix(covers.astype(float)),
        rng.integers(0, 50, elements).astype(float),
    )


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 100_000))
def test_reduction_keeps_the_people_of_every_plan(seed):
    model = random_model(seed)
    problem = reduced(model)
    rng = np.random.default_rng(seed + 1)
    picked = rng.random(model.n_bundles) < 0.4
    remedies = np.asarray(picked @ model.needs > 0).ravel() | (model.remedy_cost_musd == 0)
    chosen = np.zeros(problem.n_candidates, bool)
    candidates = problem.bundle_candidate[picked]
    chosen[candidates[candidates >= 0]] = True
    bought = problem.parts(chosen)
    assert model.remedy_cost_musd[remedies].sum() == pytest.approx(problem.cost[bought].sum())
    people = problem.free_people + problem.people(problem.complete(bought))
    assert people == pytest.approx(model.people(remedies))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 100_000))
def test_equal_lists_and_only_those_become_one(seed):
    rng = np.random.default_rng(seed)
    matrix = csr_matrix((rng.random((40, 4)) < 0.4).astype(float))
    weights = rng.integers(0, 4, 40).astype(float)
    starts, entries, merged, group = merge_equal(
        matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), weights
    )
    lists = [tuple(matrix[i].indices) for i in range(40)]
    wanted = {}
    for key, weight in zip(lists, weights, strict=True):
        if key and weight > 0:
            wanted[key] = wanted.get(key, 0.0) + weight
    found = [tuple(entries[starts[i] : starts[i + 1]]) for i in range(merged.size)]
    assert dict(zip(found, merged, strict=True)) == wanted
    for i in np.flatnonzero(group >= 0):
        assert found[group[i]] == lists[i]


def test_turning_twice_is_the_same():
    matrix = csr_matrix((np.random.default_rng(4).random((7, 11)) < 0.3).astype(float))
    starts, entries = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32)
    again = turned(*turned(starts, entries, 11), 7)
    assert (again[0] == starts).all()
    assert (again[1] == entries).all()


def test_stored_zeros_and_entries_given_twice_do_not_count():
    covers = csr_matrix((np.array([1.0, 1.0, 0.0]), np.array([0, 0, 1]), np.array([0, 3])), (1, 2))
    model = PlanModel(np.ones(1), csr_matrix(np.ones((1, 1))), covers, np.array([5.0, 7.0]))
    assert reduced(model).alone.tolist() == [5.0]

"""Maximal covering against every choice tried."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from phusong.errors import InputError
from phusong.invest import max_coverage


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 100_000), st.integers(0, 5))
def test_choice_is_the_best_of_all_and_the_bound_above_it(seed, budget):
    rng = np.random.default_rng(seed)
    covers = rng.random((8, 20)) < 0.25
    weights = rng.integers(0, 30, 20).astype(float)
    found = max_coverage(csr_matrix(covers.astype(float)), weights, np.ones(8), budget, time_limit_s=120)
    best = max(
        weights[covers[list(c)].any(axis=0)].sum() if c else 0.0 for c in combinations(range(8), budget)
    )
    assert found.cost <= budget
    assert found.objective == pytest.approx(weights[covers[found.chosen].any(axis=0)].sum())
    assert found.objective == pytest.approx(best)
    assert found.bound >= best - 1e-6


def test_wrong_arguments_are_named_together():
    with pytest.raises(InputError) as found:
        max_coverage(csr_matrix(np.eye(2)), [1.0, -1.0], [1.0], -2.0)
    assert len(found.value.problems) == 3

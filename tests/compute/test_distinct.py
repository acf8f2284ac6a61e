"""Distinct values are NumPy's own."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from phusong.compute.arrays import distinct


@given(st.lists(st.integers(-(2**62), 2**62)))
def test_distinct_values_are_those_of_numpy(values):
    given_values = np.array(values, np.int64)
    assert np.array_equal(distinct(given_values), np.unique(given_values))

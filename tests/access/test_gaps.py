"""The elements' people are whole, and near the operators' shares."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.access.gaps import split_by_operator


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=60), st.integers(1, 5))
def test_people_are_split_whole_and_near_the_shares(people, operators):
    shares = np.arange(1, operators + 1, dtype=float)
    split = split_by_operator(np.array(people), shares / shares.sum())
    assert (split.sum(axis=1) == people).all()
    assert np.abs(split.sum(axis=0) - sum(people) * shares / shares.sum()).max() <= 6

"""Numbers as people write them: read, or refused when they may be two numbers."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.region.read.values import numbers_of


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["21.0285", "-3", "1e3", "+5", ".5"], [21.0285, -3, 1000, 5, 0.5]),
        (["21,0285", "105,1"], [21.0285, 105.1]),
        (["1.234,5", "1.234"], [1234.5, 1234]),
        (["1,234.5", "1,234"], [1234.5, 1234]),
        (["1 234 567,5"], [1234567.5]),
        (["1.234.567"], [1234567]),
        (["−7", " 8 "], [-7, 8]),
        (["5", "", "NaN", "n/a"], [5, np.nan, np.nan, np.nan]),
    ],
    ids=lambda v: str(v)[:20],
)
def test_each_style_is_read(texts, numbers):
    read = numbers_of(pd.Series(texts, dtype="str"))
    assert read.doubt == ""
    assert not read.wrong.any()
    np.testing.assert_array_equal(read.number, numbers)


@pytest.mark.parametrize("texts", [["1,234"], ["12,500", "1,000"], ["1,5", "2.5"]], ids=str)
def test_what_may_be_two_numbers_is_refused(texts):
    read = numbers_of(pd.Series(texts))
    assert read.doubt
    assert "decimal" in read.doubt


def test_limits_settle_a_mark():
    read = numbers_of(pd.Series(["105,123"]), least=-180, most=180)
    assert read.number.tolist() == [105.123]
    assert "105.123" in read.note


def test_wholeness_settles_a_mark():
    assert numbers_of(pd.Series(["1.234", "12.500"]), whole=True).number.tolist() == [1234, 12500]
    assert numbers_of(pd.Series(["1.000"]), whole=True).doubt


@pytest.mark.parametrize(
    "text", ["abc", "0x10", "1_000", "inf", "1e999", "1.2.3", "12 34", "5m", "١٢", "--1", "1,2,3"]
)
def test_what_is_no_number_is_wrong(text):
    assert numbers_of(pd.Series([text, "5"])).wrong.tolist() == [True, False]


@settings(max_examples=60, database=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_written_floats_come_back_to_the_bit(numbers):
    read = numbers_of(pd.Series([repr(v) for v in numbers]))
    np.testing.assert_array_equal(read.number, numbers)


@settings(max_examples=40, database=None)
@given(st.lists(st.integers(1_000_000, 10**12), min_size=1, max_size=6), st.sampled_from([",", ".", " "]))
def test_thousands_of_millions_are_never_in_doubt(numbers, mark):
    texts = [f"{n:,}".replace(",", mark) for n in numbers]
    assert numbers_of(pd.Series(texts), whole=True).number.tolist() == numbers

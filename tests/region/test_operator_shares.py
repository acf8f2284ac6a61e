"""Shares by province: the stated ones where stated, the country's elsewhere, each summing to 1."""

from dataclasses import replace

import numpy as np
import pytest

from phusong.region.operators import shares_by_province
from phusong.region.validate import check_region


def test_a_stated_province_has_its_own_shares(region):
    operators = region.operators.assign(province_shares=["08=0.9;14=0.5", "08=0.1;14=0.5"])
    found = shares_by_province(operators, ["14", "08", "11"])
    np.testing.assert_allclose(found, [[0.5, 0.5], [0.9, 0.1], [0.6, 0.4]])
    assert check_region(replace(region, operators=operators)) == []


@pytest.mark.parametrize("texts", [["08=0.9", ""], ["08=0.9", "08=0.5"]])
def test_a_province_that_does_not_sum_to_one_is_told(region, texts):
    problems = check_region(replace(region, operators=region.operators.assign(province_shares=texts)))
    assert [(p.column, "province 08" in p.what) for p in problems] == [("province_shares", True)]


@pytest.mark.parametrize("text", ["08:0.9", "8=0.5", "08=1.5", "08=x", "08=0.5,14=0.5"])
def test_shares_written_otherwise_are_refused(region, text):
    problems = check_region(replace(region, operators=region.operators.assign(province_shares=[text, ""])))
    assert problems[0].column == "province_shares"
    assert problems[0].row == 1

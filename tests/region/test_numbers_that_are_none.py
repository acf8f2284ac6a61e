"""A number that is none is named, wherever it stands: in a layer of a region, or in a scenario."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from phusong.errors import InputError
from phusong.region.validate import check_region
from phusong.scenario import Scenario

NUMBERS = [
    ("links", "availability", (np.nan, 1.5, -0.1, 99.9, np.inf)),
    ("power_nodes", "saifi", (np.nan, -1.0, np.inf)),
    ("power_nodes", "caidi_h", (np.nan, -1.0, 9000.0)),
    ("power_lines", "failures_per_km_year", (np.nan, -1.0, 5000.0, np.inf)),
    ("sites", "autonomy_h", (np.nan, -1.0)),
]


@pytest.mark.parametrize(
    ("layer", "column", "value"), [(la, c, v) for la, c, values in NUMBERS for v in values]
)
def test_a_rate_or_share_that_cannot_be_is_named(region, layer, column, value):
    frame = getattr(region, layer).copy()
    frame[column] = np.r_[value, frame[column].to_numpy(float)[1:]]
    (problem,) = check_region(replace(region, **{layer: frame}))
    assert (problem.where, problem.row, problem.column) == (layer, 1, column)


def test_true_is_no_number_in_a_layer(region):
    frame = region.links.assign(availability=pd.Series([True] * len(region.links)))
    problems = check_region(replace(region, links=frame))
    assert problems
    assert all("is no number" in str(p) for p in problems)


@pytest.mark.parametrize(
    "setting", ["invest.budget_musd=true", "service.availability_target=true", "seed=false"]
)
def test_true_is_no_number_in_a_scenario(setting):
    with pytest.raises(
        InputError, match=f"{setting.split('=')[0].split('.')[-1]}.*(true|false) is no number"
    ):
        Scenario.read("default", overrides=(setting,))

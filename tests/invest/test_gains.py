"""People by commune: of options and of plan lines they sum exactly, and never exceed who is unserved."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_models import random_plan_model

from phusong.invest.plan_lines import evenly, option_gains, plan_gains, plan_line_gains, plan_lines
from phusong.invest.ranking import rank

seeds = st.integers(0, 100_000)
communes = st.integers(1, 5)


def ground(model, n, seed):
    """Return the commune of each element, the codes, and who is unserved in each."""
    commune = np.random.default_rng(seed).integers(0, n, model.weights.size)
    codes = np.array([f"0000{k}" for k in range(n)])
    return commune, codes, pd.Series(np.bincount(commune, model.weights, n), index=codes)


@settings(max_examples=60)
@given(seeds, communes)
def test_people_of_an_option_by_commune_sum_to_what_it_gains(seed, n):
    model = random_plan_model(seed)
    commune, codes, unserved = ground(model, n, seed)
    ranking = rank(model)
    ids = np.array([f"b{k}" for k in range(model.n_bundles)])
    found = option_gains(model, ranking.order, ids, commune, codes)
    sums = found.groupby("bundle_id")["people_gained"].sum().reindex(ids[ranking.order]).fillna(0)
    assert sums.to_numpy().tolist() == np.rint(ranking.people_gained).tolist()
    here = found.groupby("commune_code")["people_gained"].sum()
    assert (here <= unserved.reindex(here.index)).all()
    assert (found["people_gained"] > 0).all()


@settings(max_examples=60)
@given(seeds, communes, st.integers(1, 4))
def test_people_of_a_plan_by_commune_and_year_sum_to_the_plan(seed, n, years):
    model = random_plan_model(seed)
    commune, codes, unserved = ground(model, n, seed)
    bought = np.random.default_rng(seed).random(model.remedy_cost_musd.size) < 0.6
    lines = plan_lines(model, evenly(model, bought, float(model.remedy_cost_musd.sum()), years))
    ids = np.array([f"r{k}" for k in range(bought.size)])
    of_lines = plan_line_gains(lines, model, ids, commune, codes, 2027)
    mine = of_lines.groupby("remedy_id")["people_gained"].sum().reindex(ids[lines.remedy]).fillna(0)
    assert mine.to_numpy().tolist() == lines.people.tolist()
    found = plan_gains(of_lines)
    assert found["people_gained"].sum() == model.people(bought)
    here = found.groupby("commune_code")["people_gained"].sum()
    assert (here <= unserved.reindex(here.index)).all()
    assert found["year"].between(2027, 2027 + years).all()

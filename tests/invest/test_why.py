"""What each option beat and what would make it fall, against plain recomputation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_models import random_plan_model

from phusong.invest.options_table import reasons
from phusong.invest.ranking import rank


def worths(model, bought, served, *, dear=None, factor=1.0, few=None, share=1.0):
    """Return people and cost of every bundle, with some remedies dearer and some elements emptier."""
    cost = np.where(bought, 0.0, model.remedy_cost_musd)
    people = np.where(served, 0.0, model.weights)
    if dear is not None:
        cost = np.where(dear, cost * factor, cost)
    if few is not None:
        people = np.where(few, people * share, people)
    return np.asarray(model.covers @ people).ravel(), np.asarray(model.needs @ cost).ravel()


def ratios(model, bought, served, **changed):
    gain, cost = worths(model, bought, served, **changed)
    per = np.divide(gain, cost, out=np.full(gain.size, np.inf), where=cost > 1e-12)
    return np.where(gain > 0, per, -np.inf)


def states(model, order):
    """Yield what is bought, served and taken before each place."""
    bought = np.zeros(model.remedy_cost_musd.size, bool)
    served = np.zeros(model.weights.size, bool)
    taken = np.zeros(model.n_bundles, bool)
    for b in order:
        yield bought.copy(), served.copy(), taken.copy()
        bought |= model.needs[b].toarray().ravel() > 0
        served |= model.covers[b].toarray().ravel() > 0
        taken[b] = True


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 100_000))
def test_the_runner_up_really_was_second(seed):
    model = random_plan_model(seed)
    ranking = rank(model)
    found = reasons(model, ranking.order)
    for i, (bought, served, taken) in enumerate(states(model, ranking.order)):
        b = ranking.order[i]
        per = ratios(model, bought, served)
        taken[b] = True
        per[taken] = -np.inf
        gain, _ = worths(model, bought, served)
        if not (per > -np.inf).any():
            assert found.runner_up[i] == -1
            continue
        if np.isinf(per.max()):
            assert found.runner_up_per_musd[i] == np.inf
            assert found.runner_up[i] == int(np.argmax(np.where(np.isposinf(per), gain, -1)))
        else:
            assert found.runner_up[i] == int(np.argmax(per))
            assert found.runner_up_per_musd[i] == pytest.approx(per.max())
            mine = ratios(model, bought, served)[b]
            assert found.lead_share[i] == pytest.approx(mine / per.max() - 1.0)


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 100_000))
def test_an_option_falls_just_beyond_the_factors_and_not_before(seed):
    model = random_plan_model(seed)
    ranking = rank(model)
    found = reasons(model, ranking.order)
    for i, (bought, served, taken) in enumerate(states(model, ranking.order)):
        b = ranking.order[i]
        if ranking.cost_musd[i] <= 0:
            assert found.falls_at_cost_factor[i] == np.inf
            continue
        dear = (model.needs[b].toarray().ravel() > 0) & ~bought
        few = (model.covers[b].toarray().ravel() > 0) & ~served
        others = ~taken
        others[b] = False

        def leads(b=b, bought=bought, served=served, others=others, **changed):
            per = ratios(model, bought, served, **changed)
            return per[b] >= per[others].max(initial=-np.inf) * (1 - 1e-9)

        at = found.falls_at_cost_factor[i]
        beyond = min(at, 1e6)
        assert leads(dear=dear, factor=beyond * (1 - 1e-6))
        if np.isfinite(at):
            assert not leads(dear=dear, factor=at * (1 + 1e-6))
        share = found.falls_at_people_factor[i]
        assert leads(few=few, share=share * (1 + 1e-6) if share > 0 else 1e-6)
        if share > 1e-9:
            assert not leads(few=few, share=share * (1 - 1e-6))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 100_000))
def test_the_rival_serves_half_of_the_same_people_and_none_better_does(seed):
    model = random_plan_model(seed)
    ranking = rank(model)
    found = reasons(model, ranking.order, people_parts=model.weights[:, None])
    for i, (bought, served, taken) in enumerate(states(model, ranking.order)):
        b = ranking.order[i]
        fresh = np.where((model.covers[b].toarray().ravel() > 0) & ~served, model.weights, 0.0)
        assert found.new_people[i, 0] == pytest.approx(fresh.sum())
        same = np.asarray(model.covers @ fresh).ravel()
        taken[b] = True
        able = ~taken & (same >= 0.5 * fresh.sum())
        per = np.where(able, ratios(model, bought, served), -np.inf)
        assert (found.rival[i] >= 0) == able.any()
        if able.any():
            assert found.rival_share[i] == pytest.approx(same[found.rival[i]] / fresh.sum())
            assert per[found.rival[i]] == per.max()


def test_no_option_no_reason():
    model = random_plan_model(1)
    assert reasons(model, np.empty(0, np.int64)).runner_up.size == 0

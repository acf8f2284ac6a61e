"""What holds when things turn out otherwise."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_models import random_plan_model

from phusong.invest.bundles import Offers
from phusong.invest.optimum import best_plan
from phusong.invest.plan_book import PlanModel
from phusong.invest.ranking import rank
from phusong.invest.signal_margin import SignalMargin
from phusong.invest.uncertainty import Spread, carry_out, changed, fixed_plan, robustness, tornado

KINDS = ("build_site", "battery_backup", "fibre_link", "add_radio", "open_mocn")


def offers_of(model: PlanModel) -> Offers:
    n_b, n_r = model.needs.shape
    remedies = pd.DataFrame(
        {
            "remedy_id": [f"r{k}@s{k}" for k in range(n_r)],
            "kind": [KINDS[k % len(KINDS)] for k in range(n_r)],
            "cost_musd": model.remedy_cost_musd,
        }
    )
    return Offers(remedies, pd.DataFrame({"bundle_id": [f"b{k}" for k in range(n_b)]}), model)


def random_reach(model: PlanModel, seed: int, *, sites: int = 4) -> SignalMargin:
    rng = np.random.default_rng(seed)
    n = model.covers.nnz
    hours = np.where(rng.random(n) < 0.5, np.inf, rng.uniform(51.0, 200.0, n))
    return SignalMargin(
        rng.integers(-1, sites, n).astype(np.int32),
        rng.exponential(5.0, n).astype(np.float32),
        hours.astype(np.float32),
        rng.uniform(0.0, 50.0, model.n_bundles).astype(np.float32),
        50.0,
        sites,
    )


def over(model: PlanModel, seed: int, spread: Spread, *, samples: int = 6, budget: float = 6.0):
    best = best_plan(model, budget)
    communes = np.arange(model.weights.size) % 3
    found = robustness(
        offers_of(model), rank(model), best.remedies, communes,
        budget_musd=budget, samples=samples, seed=seed, spread=spread, reach=random_reach(model, seed),
    )  # fmt: skip
    return best, found


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 100_000))
def test_with_nothing_uncertain_the_plan_is_kept_and_nobody_regrets(seed):
    model = random_plan_model(seed)
    ranking = rank(model)
    best, found = over(model, seed, Spread(0.0, 0.0, 0.0, 0.0))
    held = model.holds(best.remedies)[ranking.order]
    assert found.keep_probability.tolist() == held.astype(float).tolist()
    assert (found.rank_p05 == found.rank_p95).all()
    first = found.plans.iloc[0]
    assert first["regret_mean"] == 0
    assert first["people_mean"] == pytest.approx(best.people)
    assert first["people_worst_tenth"] == pytest.approx(best.people)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 100_000))
def test_shares_are_shares_regrets_are_not_negative_and_the_worst_is_below_the_mean(seed):
    model = random_plan_model(seed)
    _, found = over(model, seed, Spread(0.5, 0.3, 6.0, 0.6))
    assert ((found.keep_probability >= 0) & (found.keep_probability <= 1)).all()
    assert (found.rank_p05 <= found.rank_p95).all()
    plans = found.plans
    assert (plans["regret_mean"] >= 0).all()
    assert (plans["people_worst_tenth"] <= plans["people_mean"] + 1e-9).all()
    assert plans["best_in_worst"].any()
    assert plans["within_budget_share"].between(0, 1).all()


def test_the_same_seed_gives_the_same_and_more_samples_begin_alike():
    model = random_plan_model(5, bundles=12, remedies=10, elements=20)
    one, two = (over(model, 3, Spread())[1] for _ in range(2))
    pd.testing.assert_frame_equal(one.plans, two.plans)
    assert one.keep_probability.tolist() == two.keep_probability.tolist()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 100_000))
def test_as_modelled_nothing_changes_and_weaker_signal_never_serves_more(seed):
    model = random_plan_model(seed)
    reach = random_reach(model, seed)
    same = changed(model, reach)
    assert (same.covers != model.covers).nnz == 0
    everything = np.ones(model.remedy_cost_musd.size, bool)
    people = [changed(model, reach, signal_db=d).people(everything) for d in (-9.0, -4.0, 0.0, 5.0)]
    assert people == sorted(people)
    assert people[-1] == model.people(everything)
    # fewer outages: sites stable by themselves leave nothing to mend; more: what is mended may not suffice
    calm, rough = (changed(model, reach, outage=f).people(everything) for f in (0.3, 1.5))
    assert max(calm, rough) <= model.people(everything)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 100_000), st.sampled_from([0.0, 2.0, 5.0, 100.0]))
def test_a_plan_is_carried_out_within_the_money_and_serves_what_it_buys(seed, budget):
    model = random_plan_model(seed)
    plan = fixed_plan("plan", model, np.random.default_rng(seed).random(model.remedy_cost_musd.size) < 0.6)
    bought, people, cost = carry_out(plan, model, budget)
    assert cost <= budget + 1e-6
    assert cost == pytest.approx(model.remedy_cost_musd[bought].sum())
    assert people == pytest.approx(model.people(bought))
    assert not (bought & ~plan.remedies).any()
    if budget == 100.0:
        assert people == pytest.approx(model.people(plan.remedies))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 100_000))
def test_low_and_high_lie_on_either_side_of_the_base_where_more_is_better(seed):
    model = random_plan_model(seed)
    best = best_plan(model, 6.0)
    table = tornado(
        offers_of(model), best.remedies, budget_musd=6.0, spread=Spread(), reach=random_reach(model, seed)
    ).set_index("input")
    assert (table["people_base"] == round(best.people)).all()
    for name, row in table.iterrows():
        if "cost" in name:
            assert row["people_high"] <= row["people_base"] == row["people_low"]
            assert row["cost_low_musd"] <= row["cost_base_musd"] + 1e-9
        elif name in {"people", "signal", "budget"}:
            assert row["people_low"] <= row["people_base"] <= row["people_high"]
    assert table["swing_people"].is_monotonic_decreasing

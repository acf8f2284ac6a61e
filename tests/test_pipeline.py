"""The whole way on a small region: sums, policies, bytes, more of everything never worse."""

import json
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import phusong
from phusong.errors import InputError
from phusong.pipeline import run_region
from phusong.scenario import Scenario
from phusong.settings import idle_redactions
from small_region import small_region


def answer(*settings: str, **changes):
    asked = Scenario.read("default", overrides=("invest.samples=4", "invest.budget_musd=0.5", *settings))
    region = small_region()
    return run_region(asked, replace(region, **{k: f(region) for k, f in changes.items()}))


@pytest.fixture(scope="module")
def result():
    return answer()


def test_parts_sum_to_the_population_in_each_commune(result):
    c = result.communes
    parts = c[["people_served", "gap_no_signal", "gap_locked", "gap_unstable", "gap_congested"]].sum(axis=1)
    assert (parts == c["population"]).all()
    assert int(c["population"].sum()) == int(small_region().demand["population"].sum())


def test_policies_never_serve_fewer(result):
    served = result.policies.set_index("policy")["people_served"][["none", "passive", "mocn", "roaming"]]
    assert served.is_monotonic_increasing
    assert answer("sharing.policy=mocn").summary["people_served"] == served["mocn"]


def test_plan_stays_within_budget_and_below_the_bound(result):
    plan = result.summary["plan"]
    assert plan["cost_musd"] <= 0.5 + 1e-9
    assert plan["people_gained"] <= plan["bound_people"] + 0.5
    assert result.plan["cost_musd"].sum() == pytest.approx(plan["cost_musd"])
    assert result.plan["people_gained"].sum() == plan["people_gained"]
    assert (result.options["why"].str.len() > 20).all()
    assert (result.options["people_gained"] > 0).all()


def test_a_bigger_budget_never_buys_less():
    gained = [answer(f"invest.budget_musd={b}").summary["plan"]["people_gained"] for b in (0.0, 0.2, 1.0)]
    assert gained == sorted(gained)
    assert gained[0] == 0


def test_longer_batteries_never_serve_fewer(result):
    more = answer(sites=lambda r: r.sites.assign(autonomy_h=r.sites["autonomy_h"] + 24.0))
    assert more.summary["people_served"] >= result.summary["people_served"]


def test_one_more_site_never_covers_fewer(result):
    def sites(r):
        extra = r.sites.iloc[[1]].assign(site_id="new", geometry=gpd.points_from_xy([511_000], [2_411_000]))
        return pd.concat([r.sites, extra], ignore_index=True)

    def cells(r):
        return pd.concat(
            [r.cells, r.cells.iloc[[0]].assign(site_id="new", cell_id="new/0")], ignore_index=True
        )

    def links(r):
        return pd.concat([r.links, r.links.iloc[[0]].assign(link_id="new", from_id="new")], ignore_index=True)

    more = answer(sites=sites, cells=cells, links=links)
    assert more.summary["gap_no_signal"] <= result.summary["gap_no_signal"]
    assert more.summary["people_served"] >= result.summary["people_served"]


def test_changing_costs_changes_no_signal(result):
    dear = answer("invest.cost_factor=3")
    assert np.array_equal(dear.rsrp_dbm, result.rsrp_dbm, equal_nan=True)
    assert dear.summary["plan"]["people_gained"] <= result.summary["plan"]["people_gained"]


def test_a_run_repeated_writes_the_same_bytes(result, tmp_path):
    result.write(tmp_path / "a")
    answer().write(tmp_path / "b")
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert len(files) >= 16
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    again = phusong.Result.read(tmp_path / "a")
    assert again.summary["people_served"] == result.summary["people_served"]
    assert json.loads((tmp_path / "a" / "provenance.json").read_text())["seed"] == 2025


def test_a_region_folder_runs_as_it_does_in_memory(result, tmp_path):
    small_region().write(tmp_path / "r")
    asked = Scenario.read(
        "default", overrides=("invest.samples=4", "invest.budget_musd=0.5", f"region.path={tmp_path / 'r'}")
    )
    assert phusong.run(asked).summary["people_served"] == result.summary["people_served"]


def test_an_unknown_model_is_refused():
    with pytest.raises(InputError, match="bullington"):
        answer("radio.model=bulington")


def test_a_redacted_run_keeps_its_sums_and_hides_the_exchange(tmp_path):
    region = small_region()
    region.write(tmp_path / "region")
    asked = Scenario.read(
        "default",
        overrides=("invest.samples=0", "invest.budget_musd=0.5", f"region.path={tmp_path / 'region'}",
                   "report.redact=true", "report.redact_grid_m=5000"),
    )  # fmt: skip
    shown = phusong.run(asked, tmp_path / "out")
    parts = ["people_served", "gap_no_signal", "gap_locked", "gap_unstable", "gap_congested"]
    assert (shown.communes[parts].sum(axis=1) == shown.communes["population"]).all()
    known = region.sites.set_index("site_id").geometry["x0"]
    told = phusong.Result.read(tmp_path / "out").sites.set_index("site_id").geometry["x0"]
    assert told.distance(known) > 1.0
    assert not ((shown.communes[parts] > 0) & (shown.communes[parts] < 10)).any(axis=None)


def test_a_name_to_hide_that_matches_nothing_is_refused_before_the_run(tmp_path):
    small_region().write(tmp_path / "region")
    asked = Scenario.read(
        "default",
        overrides=(
            f"region.path={tmp_path / 'region'}",
            "report.redact=true",
            'report.redact_owners=["Reed"]',
        ),
    )
    with pytest.raises(InputError, match="did you mean red"):
        phusong.run(asked, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "setting",
    ['redact_owners=["red"]', 'redact_sites=["s01"]', "redact_structures=[]", "redact_withhold=true"],
)
def test_what_shall_be_hidden_without_redaction_is_told(setting):
    asked = Scenario.read("default", overrides=(f"report.{setting}",))
    (told,) = idle_redactions(asked.report)
    assert f"report.{setting.partition('=')[0]} is set" in told
    assert "--redact" in told
    hidden = Scenario.read("default", overrides=(f"report.{setting}", "report.redact=true"))
    assert idle_redactions(hidden.report) == []
    assert idle_redactions(Scenario.read("default").report) == []


@pytest.mark.parametrize("setting", ["radio.prach_format=true", "seed=true", "radio.step_m=true"])
def test_true_is_no_number_of_a_scenario(setting):
    with pytest.raises(InputError, match="true is no number"):
        Scenario.read("default", overrides=(setting,))

"""Explanations in plain words."""

from dataclasses import replace

import pandas as pd
import pytest

from phusong.errors import InputError
from phusong.region.read.encoding import places_named
from phusong.report.explain import explain


def test_every_commune_option_and_site_is_explained(result):
    names = [
        *result.communes["commune_code"],
        *result.options["bundle_id"],
        *result.sites["site_id"],
        *result.plan["remedy_id"],
        *(r for cell in result.options["remedies"] for r in cell),
    ]
    for name in names:
        text = explain(result, name)
        assert name in text
        assert "nan" not in text


def test_a_commune_names_its_largest_cause_first(result):
    row = result.communes.iloc[0]
    text = explain(result, row["commune_code"])
    parts = {p: row[p] for p in ("gap_no_signal", "gap_locked", "gap_unstable", "gap_congested")}
    largest = max(parts, key=parts.get).removeprefix("gap_").replace("_", " ")
    first = text.split("first cause that applies:\n")[1].split("\n")[0]
    assert largest in first


def test_rank_bundle_and_hash_name_the_same_option(result):
    assert explain(result, "3") == explain(result, "#3") == explain(result, "b0003")


def test_a_free_option_says_that_it_costs_nothing(result):
    assert "costs nothing" in explain(result, "1")


def test_a_name_is_found_whatever_its_case(result):
    assert explain(result, "nà hang").startswith("Nà Hang (02200")


@pytest.mark.parametrize("name", ["na hang", "NÀ  HANG", "nahang", "Na-Hang", "xã Nà Hang", " nà hang "])
def test_a_name_is_found_however_it_is_typed(result, name):
    assert explain(result, name).startswith("Nà Hang (02200")


def test_a_part_of_a_name_finds_it_and_several_are_listed_with_their_codes(result):
    names = result.communes["name"].astype(str).tolist()
    rows, in_full = places_named(names[0][:3], names)
    assert 0 in rows or in_full
    several = replace(result, communes=result.communes.assign(name=["Lũng Cú", "Lũng Phìn", *names[2:]]))
    text = explain(several, "lung")
    assert text.startswith("2 communes are named so; ask for one by its code:")
    assert "Lũng Cú" in text
    assert str(several.communes["commune_code"].iloc[1]) in text
    assert explain(several, "lung c").startswith("Lũng Cú (")
    assert explain(several, "phin").startswith("Lũng Phìn (")


def test_a_site_names_the_works_proposed_at_it(result):
    options = result.options.assign(works_site_ids="")
    options.loc[options["rank"] == 2, "works_site_ids"] = result.sites["site_id"].iloc[1]
    told = replace(result, options=options)
    assert "Works proposed here" in explain(told, str(result.sites["site_id"].iloc[1]))
    assert "(rank 2, " in explain(told, str(result.sites["site_id"].iloc[1]))
    assert "Works proposed here" not in explain(told, str(result.sites["site_id"].iloc[0]))


def test_a_rank_beyond_the_last_says_how_many_there_are(result):
    with pytest.raises(InputError, match=f"ranks go from 1 to {len(result.options)}"):
        explain(result, "9999")


def test_an_unknown_name_proposes_the_nearest(result):
    with pytest.raises(InputError, match="did you mean b0004"):
        explain(result, "b-0004")
    with pytest.raises(InputError, match="is no commune"):
        explain(result, "")


@pytest.fixture(scope="module")
def stocked(result):
    """The result with what could be bought: its best option, and one that serves the same people for more."""
    first = result.options.iloc[0]
    remedies = pd.DataFrame(
        {
            "remedy_id": ["r1@s000", "r2@s000", "r3@s000"], "kind": ["battery", "open", "radio"],
            "capex_musd": 0.1, "opex_musd_year": 0.0, "cost_musd": [0.1, 0.4, 0.2], "east_m": 0.0, "north_m": 0.0,
        }
    )  # fmt: skip
    bundles = pd.DataFrame(
        {
            "bundle_id": [first["bundle_id"], "x9"], "kinds": ["battery", "open"], "operators": "Viettel",
            "commune_code": first["commune_code"], "works_site_ids": "s000", "works_commune_codes": first["commune_code"],
            "behind_site_ids": "", "east_m": 0.0, "north_m": 0.0,
            "remedies": ["r1@s000", "r2@s000"], "cost_musd": [0.1, 0.4], "people_alone": [60, 40],
        }
    )  # fmt: skip
    groups = pd.DataFrame({"commune_code": first["commune_code"], "people": [40, 20]})
    pairs = pd.DataFrame({"bundle": [0, 0, 1], "group": [0, 1, 0]})
    options = result.options.assign(
        keep_probability=0.75, runner_up="x9", rival=result.options["bundle_id"].iloc[1]
    )
    return replace(
        result, options=options, remedies=remedies, bundles=bundles, people_groups=groups, bundle_groups=pairs
    )


def test_a_refused_option_names_who_serves_its_people_instead(stocked):
    text = explain(stocked, "x9")
    assert "not ranked" in text
    assert "40 by b0001 (rank 1)" in text
    assert "already serve everybody" in text


def test_a_refused_remedy_names_the_options_that_would_need_it(stocked):
    assert "refused: x9" in explain(stocked, "r2@s000")
    assert "No option" in explain(stocked, "r3@s000")


def test_an_option_says_how_sure_it_is_and_what_it_beat(stocked):
    text = explain(stocked, "1")
    assert "75% of the samples" in text
    assert "x9 in the end: open to others, 400,000 USD by itself, not ranked" in text
    assert "b0002 in the end: " in text


def test_an_option_outside_the_plan_says_why(result):
    late = result.options.assign(cumulative_cost_musd=result.options["cumulative_cost_musd"] + 50.0)
    assert "the budget is 10 million USD" in explain(replace(result, options=late), "40")


def test_an_option_in_the_plan_says_what_to_expect_of_it_before_what_is_modelled(result):
    plan = {
        **result.summary["plan"], "expected_people": 38_111.0, "people_p05": 35_222.0, "people_p95": 40_333.0,
        "within_budget_share": 0.4,
    }  # fmt: skip
    sampled = replace(result, summary={**result.summary, "plan": plan})
    bought = set(result.plan["remedy_id"])
    within = [str(o["bundle_id"]) for o in result.options.to_dict("records") if bought & set(o["remedies"])]
    assert within
    for name in (within[0], "build-0001"):
        told = explain(sampled, name)
        at = [
            told.index(figure) for figure in ("38,111", "35,222", "40,333", "40%", "41,000 people", "43,500")
        ]
        assert at == sorted(at)
    assert "41,000 people" not in explain(sampled, "b0040")

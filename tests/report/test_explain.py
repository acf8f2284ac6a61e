"""Explanations in plain words."""

import pytest

from phusong.errors import InputError
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


def test_an_unknown_name_proposes_the_nearest(result):
    with pytest.raises(InputError, match="did you mean b0004"):
        explain(result, "b-0004")
    with pytest.raises(InputError, match="is no commune"):
        explain(result, "")

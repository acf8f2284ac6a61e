"""Sentences of options, plans, waste and headlines: made of columns, in either language, plain or as markup."""

import itertools
import re

import numpy as np
import pandas as pd
import pytest

from phusong.io.text import LANGUAGES, Code, Figure, Row, Say, Text, Words, catalogue, markup, plain
from phusong.report.wording import (
    line_result,
    line_works,
    missed_words,
    option_sentences,
    plan_sentences,
    statement_words,
    waste_words,
    why_column,
)

NAMES = {"00001": "Hùng An", "00002": "Đồng Yên"}
OPTION = {
    "bundle_id": "b00001", "kinds": "diesel_backup", "remedies": "diesel_backup@s001955", "cost_musd": 0.0062,
    "people_gained": 2751, "people_alone": 3000, "people_per_musd": 443709.7, "main_site_id": "s001955",
    "main_commune_code": "00001", "works_site_ids": "s001955", "behind_site_ids": "s000206;s000207", "people_no_signal": 0,
    "people_locked": 751, "people_unstable": 2000, "people_congested": 0, "facilities": 0, "runner_up": "b00002",
    "runner_up_commune": "00001", "runner_up_per_musd": 300000.0, "falls_at_cost_factor": 1.4, "falls_behind": "b00002",
    "falls_at_people_factor": 0.71, "level_with": "", "rival": "b00003", "rival_kinds": "battery_backup",
    "rival_per_musd": 1000.0, "rival_share": 0.5, "shared_remedies": "", "ranked_by": "people",
}  # fmt: skip
GAINS = [("00002", 2000), ("00001", 751)]


def told(row, lang="en", gains=GAINS):
    return " ".join(plain(s, Text(lang)) for s in option_sentences(row, NAMES, gains))


def test_a_reason_names_where_the_works_stand_and_where_the_people_live():
    text = told(OPTION)
    assert text.startswith(
        "diesel backup at s001955 in Hùng An (00001), with 2 sites behind it, serves 2,751 more people "
        "(751 locked out, 2,000 on unstable sites) for 6,200 USD, net present: 443,710 people per million USD."
    )
    assert "They live in Đồng Yên (00002): 2,000 and Hùng An (00001): 751." in text
    assert set(re.findall(r"s\d{6}", text)) == {"s001955"}
    assert "–" not in text


def test_the_same_reason_in_vietnamese_has_no_english():
    text = told(OPTION, "vi")
    assert "6.200 USD" in text
    assert "máy phát dự phòng tại s001955" in text
    assert not re.search(r"\b(the|people|more|serves|million|would|at|in)\b", text)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_branch_of_a_reason_has_its_string(lang):
    changes = {
        "cost_musd": [0.0, 1.2], "behind_site_ids": ["", "s2"], "facilities": [0, 4], "runner_up": ["", "b9"],
        "falls_at_cost_factor": [np.inf, 1.01], "falls_at_people_factor": [0.0, 0.99], "level_with": ["", "b7"],
        "rival_share": [1.0, 0.6], "shared_remedies": ["", "a@1;a@2;a@3;a@4"], "ranked_by": ["people", "priority"],
    }  # fmt: skip
    for values in itertools.product(*changes.values()):
        row = {**OPTION, **dict(zip(changes, values, strict=True))}
        said = option_sentences(row, NAMES, GAINS)
        text = " ".join(plain(s, Text(lang)) for s in said)
        assert "{" not in text
        assert "–" not in text
        # markup says the same
        page = " ".join(markup(s, Words(lang)).striptags() for s in said)
        assert re.sub(r"\s+", " ", page) == re.sub(r"\s+", " ", text)


def test_a_row_without_reasons_tells_none():
    assert option_sentences({"kinds": "battery_backup", "cost_musd": 1.0}, NAMES) is None


def test_names_of_places_are_escaped_in_markup_and_never_read_as_strings():
    row = {**OPTION, "main_site_id": "<script>{people}</script>"}
    said = option_sentences(row, {"00001": "<b>{cost}"}, GAINS)
    page = str(markup(said[0], Words("en")))
    assert "<script>" not in page
    assert "<b>" not in page
    assert "{people}</script>" in plain(said[0], Text())


def test_the_column_why_is_made_of_the_table_and_its_communes():
    gains = pd.DataFrame(
        {"bundle_id": "b00001", "commune_code": ["00002", "00001"], "people_gained": [2000, 751]}
    )
    assert why_column(pd.DataFrame([OPTION]), NAMES, gains) == [told(OPTION)]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_lines_targets_statements_and_waste_are_told_in_each_language(lang):
    text = Text(lang)
    line = {
        "kind": "feeder", "remedy_id": "feeder@00037", "site_id": "", "people_gained": 5, "serves_from": 2028,
        "gain_commune_codes": "00001;00002", "waits_for": "",
    }  # fmt: skip
    said = [
        line_works(line),
        line_works({**line, "site_id": "s1", "remedy_id": "build_site@s1", "kind": "build_site"}),
    ]
    for result, waits in itertools.product(
        ("serves", "needed by others", "serves nobody"), ("", "build_site@n1")
    ):
        said.append(line_result({**line, "result": result, "waits_for": waits}, NAMES))
    missed = {"short_people": 3, "beyond_people": 2, "left_no_signal": 2}
    said += [missed_words({**missed, "reason": r}) for r in ("left by plan", "out of reach")]
    money = {"cost_musd": 1.0, "budget_musd": 2.0, "bound_musd": 0.5, "funds_musd": 3.0, "money": "planned"}
    share = {
        "share": 0.9,
        "level": 0.8,
        "communes": 5,
        "of_communes": 9,
        "worst": [{"commune_code": "00001", "share": 0.5}],
    }
    codes = [key.partition(".")[2] for key in catalogue() if key.startswith("said.") and "worst" not in key]
    said += [statement_words({"code": code, **money, **share}, NAMES) for code in codes]
    waste = {
        "people": 4, "instead": "b1", "instead_musd": 0.1, "with_musd": 0.2, "instead_kinds": "open_mocn", "own_people": 5,
        "instead_site_ids": "s1", "distance_m": 12.0, "owner": "VNPT",
    }  # fmt: skip
    from phusong.invest.redundancy import REASONS

    said += [waste_words({**waste, "reason": reason}) for reason in REASONS]
    for sentence in said:
        shown = plain(sentence, text)
        assert "{" not in shown
        assert len(shown) > 5
        if lang == "vi":
            assert not re.search(r"\b(the|people|serves|costs|plan)\b", shown), shown


def test_the_headline_first_says_what_to_expect():
    plan = {
        "cost_musd": 9.99, "people_gained": 287078, "bound_people": 288200.0, "distance_share": 0.004, "status": "bounded",
        "expected_people": 253715, "people_p05": 238718, "people_p95": 266188, "within_budget_share": 0.4,
        "sharing_remedies": 0,
    }  # fmt: skip
    summary = {"policy": "none", "plan": plan, "currency": {"vnd_per_usd": 26000.0}}
    said = [plain(s, Text()) for s in plan_sentences(summary)]
    assert "253,715 more people (238,718 to 266,188 in 90% of the samples)" in said[0]
    assert "40%" in said[0]
    assert "287,078" in said[1]
    assert "288,200" in said[1]
    assert said[2] == "Without sharing: the plan opens nothing to others."
    bought = {**summary, "plan": {**plan, "sharing_remedies": 3}}
    assert not any("Without sharing" in plain(s, Text()) for s in plan_sentences(bought))
    assert "3 of its remedies" in plain(plan_sentences(bought)[-1], Text())
    older = {
        "policy": "none",
        "plan": {"people_gained": 5, "cost_musd": 1.0, "bound_people": 6.0, "distance_share": 0.1},
    }
    assert len(plan_sentences(older)) == 1


def test_parts_of_sentences_nest():
    said = Say("reason.lives", commune=Row(("a", "b"), style=""), people=Figure(1200))
    assert plain(said, Text()) == "a, b: 1,200"
    assert plain(Row((Code("kind", "battery_backup"),)), Text("vi")) == "ắc quy dự phòng"

"""The page's strings: every one in both languages, and every one that the page asks for is there."""

import re
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phusong.io.text import LANGUAGES, Text, Words, catalogue

PLACE = re.compile(r"\{(\w+)\}")
WEB = files("phusong.report").joinpath("web")
GROUPS = {key.partition(".")[0] for key in catalogue()}


def sources() -> str:
    texts = [p.read_text(encoding="utf-8") for p in WEB.iterdir() if p.name.endswith((".j2", ".js"))]
    texts += [
        p.read_text(encoding="utf-8")
        for p in files("phusong.report").iterdir()
        if p.name.startswith(("page", "sharing_sections", "text")) and p.name.endswith(".py")
    ]
    return "\n".join(texts)


def test_every_string_stands_in_both_languages():
    missing = [
        (k, lang) for k, said in catalogue().items() for lang in LANGUAGES if not said.get(lang, "").strip()
    ]
    assert missing == []
    known = {*LANGUAGES, *(f"{lang}_one" for lang in LANGUAGES)}
    assert all(set(said) <= known for said in catalogue().values())


def test_no_language_names_a_part_that_the_other_lacks():
    # a note may leave out what is said in English only, such as the meaning of a column
    off = [
        k
        for k, said in catalogue().items()
        if not set(PLACE.findall(said["vi"])) <= set(PLACE.findall(said["en"]))
        or (
            not k.startswith(("note.", "audit."))
            and set(PLACE.findall(said["vi"])) != set(PLACE.findall(said["en"]))
        )
    ]
    assert off == []


def test_every_string_that_the_page_asks_for_is_in_the_catalogue():
    asked = {k for k in re.findall(r'"(\w+\.\w+)"', sources()) if k.partition(".")[0] in GROUPS}
    assert len(asked) > 150
    assert sorted(asked - set(catalogue()) - {"map.js", "title.own"}) == []


def test_every_string_is_asked_for():
    text = sources() + "".join(
        p.read_text(encoding="utf-8") for p in Path(str(files("phusong"))).rglob("*.py")
    )
    # names of codes are asked for by group
    by_code = set(re.findall(r"""(?:w\("|f"|f'|code\("|")(\w+)(?:"|\.)""", text)) | {"note"}
    dead = [k for k in catalogue() if f'"{k}"' not in text and k.partition(".")[0] not in by_code]
    assert dead == []


def test_a_part_in_a_string_is_text_unless_it_is_markup():
    words = Words("en")
    said = words.t("commune.found", n="<b>", all=words.n(1200))
    assert said.count("<b>") == 0
    assert 'data-v="1200" data-f="people"' in said


def test_a_language_that_nobody_wrote_is_refused():
    with pytest.raises(ValueError, match="none of en, vi"):
        Words("fr")


@pytest.mark.parametrize(
    ("value", "form", "english", "vietnamese"),
    [
        (1234567.2, "people", "1,234,567", "1.234.567"),
        (0.9712, "percent", "97.1%", "97,1%"),
        (0.0131, "musd", "0.013", "0,013"),
        (1234.6, "figure", "1,235", "1.235"),
        (0.12345, "figure", "0.1235", "0,1235"),
        (8.3516, "hours", "8.4", "8,4"),
        (2027, "plain", "2027", "2027"),
        (None, "figure", "–", "–"),
        ("n/a", "figure", "n/a", "n/a"),
        (-5, "people", "-5", "-5"),
        (float("nan"), "musd", "–", "–"),
        (0.0062, "money", "6,200 USD", "6.200 USD"),
        (0.99996, "money", "1 million USD", "1 triệu USD"),
        (1.25, "money", "1.25 million USD", "1,25 triệu USD"),
        (1850.0, "money", "1.85 billion USD", "1,85 tỷ USD"),
        (161_820_000.0, "vnd", "162 million VND", "162 triệu đồng"),
        (3.25e12, "vnd", "3,250 billion VND", "3.250 tỷ đồng"),
        (0.0062, "usd", "6,200", "6.200"),
        (-0.004, "percent", "-0.4%", "-0,4%"),
        (-0.3, "people", "0", "0"),
        (0.5, "people", "1", "1"),
        (2.5, "people", "3", "3"),
        (12.4, "change", "+12", "+12"),
    ],
)
def test_numbers_are_written_as_each_language_does(value, form, english, vietnamese):
    assert Text("en").number(value, form) == english
    assert Text("vi").number(value, form) == vietnamese


@given(st.floats(0.0, 1e6))
def test_money_keeps_three_digits_in_every_size(musd):
    said = Text("en").money(musd)
    number, _, unit = said.partition(" ")
    size = {"USD": 1e-6, "million USD": 1.0, "billion USD": 1e3}[unit]
    assert float(number.replace(",", "")) * size == pytest.approx(musd, rel=0.005001, abs=0.5e-6)
    assert not number.startswith("0.")


def test_a_date_is_written_as_each_language_does():
    assert Text("en").date("2026-03-05") == "5 March 2026"
    assert Text("vi").date("2026-03-05") == "05/03/2026"
    assert Text("vi").date("2026-02-30") == "2026-02-30"


def test_a_count_of_one_has_its_own_words():
    assert Text("en").say("told.sites", n=1) == "1 site"
    assert Text("en").say("told.sites", n=1200) == "1,200 sites"
    assert Text("vi").say("told.sites", n=1) == "1 trạm"


def test_the_locale_of_the_machine_does_not_matter(monkeypatch):
    for name in ("LC_ALL", "LANG", "LANGUAGE", "LC_NUMERIC"):
        monkeypatch.setenv(name, "de_DE.UTF-8")
    assert Text().number(1234.5, "decimal") == "1,234.5"


def test_every_stage_of_a_run_and_of_a_storm_has_a_name_in_both_languages():
    texts = "".join(p.read_text(encoding="utf-8") for p in Path(str(files("phusong"))).rglob("*.py"))
    stages = set(re.findall(r'\.stage\(\s*"(\w+)"', texts))
    assert len(stages) > 6
    assert sorted(name for name in stages if f"stage.{name}" not in catalogue()) == []

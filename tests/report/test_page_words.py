"""The page's strings: every one in both languages, and every one that the page asks for is there."""

import re
from importlib.resources import files

import pytest

from phusong.report.page_numbers import LANGUAGES
from phusong.report.page_words import catalogue, page_words

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
    assert all(set(said) == set(LANGUAGES) for said in catalogue().values())


def test_both_languages_name_the_same_parts():
    off = [
        k
        for k, said in catalogue().items()
        if set(PLACE.findall(said["en"])) != set(PLACE.findall(said["vi"]))
    ]
    assert off == []


def test_every_string_that_the_page_asks_for_is_in_the_catalogue():
    asked = {k for k in re.findall(r'"(\w+\.\w+)"', sources()) if k.partition(".")[0] in GROUPS}
    assert len(asked) > 150
    assert sorted(asked - set(catalogue()) - {"map.js"}) == []


def test_every_string_is_asked_for():
    text = sources()
    # names of codes are asked for by group
    by_code = set(re.findall(r"""(?:w\("|f"|f'|")(\w+)(?:"|\.)""", text))
    dead = [k for k in catalogue() if f'"{k}"' not in text and k.partition(".")[0] not in by_code]
    assert dead == []


def test_a_part_in_a_string_is_text_unless_it_is_markup():
    words = page_words("en")
    said = words.t("commune.found", n="<b>", all=words.n(1200))
    assert said.count("<b>") == 0
    assert 'data-v="1200" data-f="people"' in said


def test_a_language_that_nobody_wrote_is_refused():
    with pytest.raises(ValueError, match="none of en, vi"):
        page_words("fr")

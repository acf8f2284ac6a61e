"""Legacy Vietnamese text becomes Unicode, or is refused; never something else."""

import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phusong.region.read.encoding import _TCVN3, _VNI, UnsureTextError, decode, is_syllable
from phusong.region.vietnam.units import read_units

TO_TCVN3 = {v: k for k, v in _TCVN3.items()}
TO_VNI = {v: k for k, v in _VNI.items()} | {c: c for c in "íìÍÌ"}
TONES = "\u0300\u0301\u0303\u0309\u0323"


def written(text: str, table: dict[str, str]) -> bytes:
    # TCVN3 has no accented capitals: its capital letters are another font
    return "".join(c if ord(c) < 128 else table.get(c) or table[c.lower()] for c in text).encode("cp1252")


def in_1258(text: str) -> bytes:
    out = b""
    for c in text:
        parts = unicodedata.normalize("NFD", c)
        base = unicodedata.normalize("NFC", "".join(p for p in parts if p not in TONES))
        out += base.encode("cp1258") + "".join(p for p in parts if p in TONES).encode("cp1258")
    return out


@pytest.fixture(scope="module")
def names() -> list[str]:
    return [unicodedata.normalize("NFC", str(n)) for n in read_units().communes["name"]]


WRITERS = {
    "utf-8": str.encode,
    "utf-8 with BOM": lambda t: t.encode("utf-8-sig"),
    "utf-16": lambda t: t.encode("utf-16"),
    "utf-16 without BOM": lambda t: ("site_id,name\n" * 20 + t).encode("utf-16-le"),
    "decomposed": lambda t: unicodedata.normalize("NFD", t).encode(),
    "windows-1258": in_1258,
    "tcvn3": lambda t: written(t, TO_TCVN3),
    "vni": lambda t: written(t, TO_VNI),
    "tcvn3 taken for windows-1252": lambda t: written(t, TO_TCVN3).decode("cp1252").encode(),
    "vni taken for windows-1252": lambda t: written(t, TO_VNI).decode("cp1252").encode(),
    "utf-8 twice": lambda t: t.encode().decode("latin-1").encode(),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_names_of_communes_come_back_from_every_encoding(kind, names):
    for start in range(0, 3000, 600):
        text = "\n".join(names[start : start + 60])
        assert decode(WRITERS[kind](text)).text.casefold().endswith(text.casefold())


@pytest.mark.parametrize("kind", ["windows-1258", "tcvn3", "vni"])
def test_few_words_are_right_or_refused_never_wrong(kind, names):
    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.sampled_from(names), min_size=1, max_size=4))
    def holds(some):
        text = "\n".join(some)
        try:
            found = decode(WRITERS[kind](text)).text
        except UnsureTextError:
            return
        assert found.casefold() == text.casefold()

    holds()


def test_what_was_converted_is_said(names):
    text = "\n".join(names[:40])
    assert "TCVN3" in decode(written(text, TO_TCVN3)).note
    assert "VNI" in decode(written(text, TO_VNI)).note
    assert decode(text.encode()).note == ""


def test_a_named_encoding_is_taken_even_for_one_word():
    assert decode(written("Mường Lạn", TO_TCVN3), "tcvn3").text == "Mường Lạn"
    assert decode(written("Mường Lạn", TO_VNI), "vni").text == "Mường Lạn"
    with pytest.raises(UnsureTextError, match="not in utf-8"):
        decode(b"\xff\xff\xff", "utf-8")


@pytest.mark.parametrize(
    "data", [b"owner\nSoci\xe9t\xe9 g\xe9n\xe9rale\n", b"a\n\xa6\n", bytes(range(128, 256))]
)
def test_text_in_doubt_is_refused_with_a_remedy(data):
    with pytest.raises(UnsureTextError, match=r"save it as UTF-8.*columns\.toml"):
        decode(data)


def test_signs_of_degrees_alone_are_no_doubt():
    assert decode(b"lat\n21\xb001'42\"N\n").text == "lat\n21°01'42\"N\n"


def test_text_cut_within_a_letter_is_refused():
    data = "site_id,name\nA,Tuyên Quang\nB,Hà Giang\nC,Mường Ảng".encode()
    with pytest.raises(UnsureTextError):
        decode(data[: data.index("Ả".encode()) + 2])


@settings(max_examples=60, database=None)
@given(st.text())
def test_unicode_of_any_script_stays(text):
    strange = text + "ạ"
    assert decode(strange.encode("utf-8", "replace")).text == unicodedata.normalize(
        "NFC", strange.encode("utf-8", "replace").decode().removeprefix("\ufeff")
    )


def test_syllables_of_the_country_are_known(names):
    words = {w for n in names for w in n.split()}
    # the rest is of other languages of the country: Krông, Đắk, Plông
    assert sum(map(is_syllable, words)) / len(words) > 0.85

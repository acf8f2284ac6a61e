"""Communes before July 2025 become today's; what is not one to one is listed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phusong.region.vietnam.names import kind_of, name_keys
from phusong.region.vietnam.old_units import (
    are_old,
    is_today,
    join_communes,
    successors,
    today_codes,
    today_codes_of_names,
)
from phusong.region.vietnam.units import read_units


def test_every_old_unit_goes_to_communes_of_today():
    units = successors()
    assert len(units) == 10_040
    assert all(is_today(c) for codes in units["codes"] for c in codes.split(";"))
    assert all(d in c.split(";") for d, c in zip(units["default"], units["codes"], strict=True))


def test_a_code_that_lives_on_stays_or_is_one_of_its_parts():
    units = successors()
    live = units[[is_today(c) for c in units["old_code"]]]
    assert all(code in codes.split(";") for code, codes in zip(live["old_code"], live["codes"], strict=True))


def test_todays_codes_stay_as_they_are():
    codes = read_units().communes["commune_code"].to_numpy(str)[:200]
    found = today_codes(codes)
    assert found.codes.tolist() == codes.tolist()
    assert found.doubts.empty


def test_what_is_not_one_to_one_is_listed():
    units = successors()
    one = units[(units["shared"] == 1) & ~units["codes"].str.contains(";") & (units["old_code"] != "")].iloc[
        0
    ]
    merged = units[(units["shared"] > 1) & ~units["codes"].str.contains(";")].iloc[0]
    split = units[units["codes"].str.contains(";") & (units["old_code"] != "")].iloc[0]
    found = today_codes([one["old_code"], merged["old_code"], split["old_code"], "99999"], old=True)
    assert found.codes.tolist() == [one["default"], merged["default"], split["default"], ""]
    assert sorted(found.doubts["became"]) == ["merged", "split", "unknown"]
    assert set(found.doubts["old_code"]) == {merged["old_code"], split["old_code"], "99999"}
    row = found.doubts.set_index("became").loc["split"]
    assert row["today"] == split["codes"]
    assert row["chosen"] == split["default"]


def test_a_place_decides_between_the_parts_of_a_divided_unit():
    units, today = successors(), read_units().communes.set_index("commune_code")
    split = units[units["codes"].str.contains(";") & (units["old_code"] != "")]
    for unit in split.head(20).itertuples():
        for part in unit.codes.split(";"):
            place = today.loc[part]
            found = today_codes([unit.old_code], lon=[place["lon"]], lat=[place["lat"]], old=True)
            if found.codes[0] != part:  # the point of the list may be one of the mended ones
                continue
            assert "nearest" in found.doubts["how"].iloc[0]
            break
        else:
            pytest.fail(f"no place chooses a part of {unit.old_code}")


@given(st.lists(st.text(max_size=7), max_size=20))
def test_any_text_for_codes_is_answered(codes):
    found = today_codes(codes)
    assert len(found.codes) == len(codes)
    assert all(c == "" or is_today(c) for c in found.codes)


def test_old_files_are_told_by_codes_that_live_on_no_more():
    units = successors()
    gone = units.loc[[bool(c) and not is_today(c) for c in units["old_code"]], "old_code"]
    assert are_old([gone.iloc[0]])
    assert not are_old(read_units().communes["commune_code"].tolist())
    assert not are_old(["", "99999", "x"])


def test_old_names_need_their_district():
    lone = today_codes_of_names(["Xã Tân Tiến"])
    assert lone.codes.tolist() == [""]
    assert lone.doubts["became"].tolist() == ["ambiguous"]
    found = today_codes_of_names(["phường Phúc Xá"], provinces=["TP. Hà Nội"], districts=["quận Ba Đình"])
    assert found.codes.tolist() == ["00097"]
    assert today_codes_of_names(["Không Có Xã Này"]).doubts["became"].tolist() == ["unknown"]


@pytest.mark.parametrize(
    ("one", "other", "rank"),
    [("Hoà Bình", "Hòa Bình", 0), ("xã Thuỷ An", "Thủy An", 0), ("P. Quý Hoà", "phường Quý Hòa", 0), ("THỊ TRẤN Mù Cang Chải", "Mù Căng Chải", 1), ("Ea H'Leo", "Ea Hleo", 1), ("Đăk Pxi", "Dak Pxi", 1), ("xa Tan Hoa", "Tân Hòa", 1)],
)  # fmt: skip
def test_the_same_name_in_another_spelling_is_the_same(one, other, rank):
    assert name_keys(one)[rank] == name_keys(other)[rank]


def test_todays_communes_join_to_themselves_by_name_and_province():
    communes = read_units().communes
    words = {"commune": "Xã ", "ward": "Phường ", "special_zone": "Đặc khu "}
    names = [words[k] + n for k, n in zip(communes["kind"], communes["name"], strict=True)]
    found = join_communes(communes, "x.csv", names=names, provinces=communes["province"].tolist())
    same = found.codes == communes["commune_code"].to_numpy(str)
    assert same.all()


@given(st.text(max_size=30))
def test_any_text_for_a_name_is_answered(text):
    strict, loose = name_keys(text)
    assert name_keys(text) == (strict, loose)
    assert kind_of(text) in {"", "commune", "ward", "special_zone", "township"}
    assert np.char.isalnum(loose) or loose == ""

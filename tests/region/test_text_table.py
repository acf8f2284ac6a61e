"""Delimited text: any delimiter, no row lost, nothing half-read."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.errors import InputError
from phusong.region.read.table import DELIMITERS, read_text_table


def read(text: str, **how):
    return read_text_table(text.encode(), "x.csv", **how)


@pytest.mark.parametrize("mark", DELIMITERS)
def test_delimiters_are_found_out(mark):
    table = read(f"site_id{mark}name\nA{mark}x y\n", known=["site_id"])
    assert table.frame.to_dict("list") == {"site_id": ["A"], "name": ["x y"]}


def test_decimal_commas_do_not_pass_for_delimiters():
    assert read("site_id;lon;lat\nA;105,2;21,0\nB;105,3;21,1\n").frame.shape == (2, 3)


def test_a_spreadsheets_hint_is_followed():
    assert list(read("sep=|\na|b,c\n1|2\n").frame.columns) == ["a", "b,c"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_one(end):
    assert read(f"a,b{end}1,2{end}3,4").frame.to_dict("list") == {"a": ["1", "3"], "b": ["2", "4"]}


def test_empty_lines_and_empty_last_columns_are_no_data():
    table = read("a,b,,\n\n1,2,,\n,,,\n3,4,,\n")
    assert table.frame.to_dict("list") == {"a": ["1", "3"], "b": ["2", "4"]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ("is empty",)),
        ("  \n", ("is empty",)),
        ("site_id\nA\n", ("one column only",)),
        ("a,b\n1,2\n3\n", ("row 2", "has 1 value where", "cut off")),
        ("a,b\n1,2,3\n", ("row 1", "3 values", "double quotes")),
        ('a,b\n"1,2\n3,4\n', ("quote is not closed", "cut off")),
        ('a,b\n1,"2\n3,4\n5,6\n', ("quote is not closed", "cut off")),
        ('a,b\n1,"', ("quote is not closed", "cut off")),
        ('a,b\n"1"x,2\n', ("line 2", "quote")),
        ("a,b,a\n1,2,3\n", ("column a", "twice")),
        ("a,b\n1,\x002\n", ("zero bytes",)),
    ],
)
def test_broken_text_is_refused_with_its_place(text, words):
    with pytest.raises(InputError) as found:
        read(text)
    for word in words:
        assert word in str(found.value)


def test_every_miscounted_row_is_counted():
    with pytest.raises(InputError) as found:
        read("a,b\n" + "1\n" * 50)
    assert len(found.value.problems) == 21
    assert "and 30 more rows" in str(found.value)


def test_a_nameless_column_is_left_out_and_said():
    table = read(",a,b\n0,1,2\n")
    assert list(table.frame.columns) == ["a", "b"]
    assert "column 1 has no name" in str(table.notices[0])


CELLS = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=8)


@settings(max_examples=100, database=None, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=6), st.sampled_from(DELIMITERS))
def test_quoted_cells_come_back_whole(rows, mark):
    kept = [r for r in rows if any(c.strip() for c in r)]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=mark, quoting=csv.QUOTE_ALL).writerows([["site_id", "b", "c"], *rows])
    table = read_text_table(out.getvalue().encode(), "x.csv", encoding="utf-8", known=["site_id"])
    import unicodedata

    assert table.frame.to_numpy().tolist() == [[unicodedata.normalize("NFC", c) for c in r] for r in kept]

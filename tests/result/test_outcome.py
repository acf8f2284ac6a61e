"""The outcome's digest: the same for the same values, another for any other, checked when a folder is read."""

import json
import shutil
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phusong.errors import InputError
from phusong.report.folder import Result
from phusong.result.files import write_parquet
from phusong.result.provenance import table_digest
from phusong.result.redact import redact

CELLS = st.one_of(
    st.lists(st.none() | st.text(max_size=5), max_size=5),
    st.lists(st.none() | st.floats() | st.integers(-9, 9), max_size=5),
    st.lists(st.booleans() | st.none(), max_size=5),
    st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x1f"), max_size=3), max_size=3), max_size=4),
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(result, tmp_path_factory):
    place = tmp_path_factory.mktemp("outcome") / "one"
    result.write(place)
    return place


def test_what_is_read_has_the_outcome_of_what_was_written(result, folder):
    again = Result.read(folder)
    assert again.outcome == result.outcome
    told = json.loads((folder / "provenance.json").read_text())["outcome"]
    assert told["digest"] == result.outcome.digest
    assert told["digest"] == json.loads((folder / "summary.json").read_text())["outcome_digest"]


def test_versions_and_what_is_said_of_sources_do_not_count(result):
    layers = pd.DataFrame({"layer": ["sites"], "kind": ["modelled"], "source": ["a 1.0"], "notes": ["x"]})
    one = replace(result, layers=layers)
    other = replace(one, layers=layers.assign(source="a 2.0"), provenance={**one.provenance, "packages": {}})
    assert one.outcome.digest == other.outcome.digest
    assert one.outcome.digest != replace(one, layers=layers.assign(kind="measured")).outcome.digest


def test_any_table_raster_or_figure_that_differs_is_told_by_its_name(result):
    def changed(name, value):
        found = replace(result, **{name: value}).outcome
        return {n for n in found.parts if found.parts[n] != result.outcome.parts[n]}

    for field in fields(result):
        value = getattr(result, field.name)
        if isinstance(value, pd.DataFrame) and len(value):
            assert field.name in changed(field.name, pd.concat([value, value.iloc[:1]])), field.name
    rsrp = result.rsrp_dbm.copy()
    rsrp[np.isfinite(rsrp)] += 0.1
    assert changed("rsrp_dbm", rsrp) == {"rsrp_dbm"}
    assert changed("summary", {**result.summary, "people_served": 1}) == {"summary"}
    assert changed("scenario_toml", result.scenario_toml + "# another title") == set()


@pytest.mark.parametrize("name", ["options", "plan"])
def test_a_table_that_was_changed_later_is_named_and_refused(folder, tmp_path, name):
    place = tmp_path / "copy"
    shutil.copytree(folder, place)
    table = pd.read_parquet(place / f"{name}.parquet")
    table["cost_musd"] = table["cost_musd"] * 1.01
    write_parquet(table, place / f"{name}.parquet")
    with pytest.raises(InputError, match=rf"{name}\.parquet.*run again") as told:
        Result.read(place)
    assert len(told.value.problems) == 1


def test_a_figure_that_was_changed_later_is_named(folder, tmp_path):
    place = tmp_path / "copy"
    shutil.copytree(folder, place)
    summary = json.loads((place / "summary.json").read_text())
    (place / "summary.json").write_text(
        json.dumps({**summary, "people_served": summary["people_served"] + 1})
    )
    with pytest.raises(InputError, match=r"summary\.json"):
        Result.read(place)


def test_a_result_of_before_outcomes_were_kept_is_read(folder, tmp_path):
    place = tmp_path / "copy"
    shutil.copytree(folder, place)
    origin = json.loads((place / "provenance.json").read_text())
    (place / "provenance.json").write_text(json.dumps({k: v for k, v in origin.items() if k != "outcome"}))
    assert Result.read(place).provenance == {k: v for k, v in origin.items() if k != "outcome"}
    (place / "provenance.json").write_text(json.dumps({**origin, "outcome": {"parts_sha256": [1]}}))
    with pytest.raises(InputError, match="outcome"):
        Result.read(place)


def test_a_redacted_result_has_its_own_and_says_nothing_of_the_other(result, tmp_path):
    result = replace(result, sites=result.sites.assign(structure="tower"))
    hidden = redact(result)
    assert hidden.outcome.digest != result.outcome.digest
    hidden.write(tmp_path / "hidden")
    assert Result.read(tmp_path / "hidden").outcome == hidden.outcome
    held = (tmp_path / "hidden" / "provenance.json").read_text() + (
        tmp_path / "hidden" / "summary.json"
    ).read_text()
    changed = {n: d for n, d in result.outcome.parts.items() if hidden.outcome.parts[n] != d}
    assert changed
    assert not any(mark in held for mark in (*changed.values(), result.outcome.digest))


@given(CELLS)
def test_a_table_keeps_its_digest_through_a_file(tmp_path_factory, cells):
    table = pd.DataFrame({"x": pd.Series(cells, dtype=object)})
    path = tmp_path_factory.mktemp("table") / "t.parquet"
    try:
        write_parquet(table, path)
    except (pa.ArrowException, TypeError):  # mixed kinds that no file holds
        return
    assert table_digest(pd.read_parquet(path)) == table_digest(table)


@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_texts_that_differ_have_other_digests(a, b):
    one, other = (pd.DataFrame({"x": pd.Series(v, dtype=object)}) for v in (a, b))
    assert (table_digest(one) == table_digest(other)) == (a == b)


@given(
    st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=5), min_size=1, max_size=6),
    st.integers(0, 2),
)
def test_text_has_one_digest_whatever_type_a_table_gives_it(texts, first):
    table = pd.DataFrame({"why": texts})
    held = pd.DataFrame({"why": pd.array(texts, "string")})
    assert table_digest(held) == table_digest(table.astype(object))
    assert table_digest(held[first:]) == table_digest(table.astype(object)[first:])

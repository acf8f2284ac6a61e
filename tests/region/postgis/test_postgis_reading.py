import re
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from postgis_asking import problems, read
from postgis_cluster import READER_PASSWORD
from shapely import Point

from phusong.errors import InputError
from phusong.region.postgis import Stored, read_stored, relation_of


def test_a_table_comes_whole_typed_and_in_the_order_of_its_keys(db):
    sites = read(db, table="planning.sites")
    assert len(sites) == 50_000
    assert list(sites["site_id"][:2]) == ["s00001", "s00002"]
    assert sites["site_id"].is_monotonic_increasing
    assert sites["height_m"].dtype == np.float64
    assert sites["commissioned"].isna().sum() == 25_000
    assert sites["shareable"].dtype == bool
    assert (sites["operators"] == "a;b").all()
    assert (sites["seen"] == "2025-07-01").all()
    assert sites.crs == "EPSG:4326"
    assert sites.geometry.iloc[0].equals(Point(105.00001, 22))


def test_views_and_queries_are_read_like_tables(db):
    tall = read(db, table="planning.tall")
    asked = read(db, query="SELECT * FROM planning.sites WHERE height_m > 33 -- the tall ones")
    assert len(tall) == 10_000
    pd.testing.assert_frame_equal(tall, asked)
    assert len(read(db, query="SELECT 's%' AS site_id;")) == 1
    assert len(read(db, query="SELECT site_id FROM planning.sites WHERE false")) == 0


def test_kinds_do_not_depend_on_which_rows_come_together(db, monkeypatch):
    query = (
        "SELECT i::text AS site_id, CASE i WHEN 2 THEN 5 END AS whole, CASE i WHEN 3 THEN 1.5 ELSE 2 END AS height_m, "
        "CASE i WHEN 1 THEN true END AS shareable, CASE i WHEN 2 THEN 'a' END AS owner, "
        "CASE i WHEN 3 THEN date '2025-07-01' END AS seen, NULL::int AS never, i = 2 AS flag, "
        "CASE i WHEN 2 THEN gis.ST_SetSRID(gis.ST_MakePoint(105, 22), 4326) END AS geom FROM generate_series(1, 4) i"
    )
    together = read(db, query=query)
    monkeypatch.setattr("phusong.region.postgis._ROWS_AT_ONCE", 1)
    pd.testing.assert_frame_equal(read(db, query=query), together)
    assert together["whole"].dtype == together["height_m"].dtype == np.float64
    assert together["flag"].dtype == bool
    assert list(together["seen"].dropna()) == ["2025-07-01"]


@pytest.mark.parametrize("text", [":name", "100 %", "%s %(a)s", "10:30", r"\:x", "{}"])
def test_what_looks_like_a_parameter_in_a_query_is_text(db, text):
    assert list(read(db, query=f"SELECT '{text}' AS site_id")["site_id"]) == [text]


def test_names_in_capitals_with_spaces_and_accents_are_quoted(db):
    assert len(read(db, table='planning."Trạm BTS"')) == 3


def test_all_layers_are_read_as_of_one_moment_by_a_user_who_may_only_read(db, monkeypatch):
    monkeypatch.setenv("PHUSONG_PGPASSWORD", READER_PASSWORD)
    asked = (
        Stored("sites", db.reader, table="planning.tall"),
        Stored("cells", db.reader, query="SELECT site_id AS cell_id FROM planning.sites LIMIT 5"),
    )
    frames = read_stored(asked)
    assert {k: len(v) for k, v in frames.items()} == {"sites": 10_000, "cells": 5}
    with pytest.raises(InputError, match=r"may not be read.*canary.*GRANT SELECT"):
        read_stored((Stored("sites", db.reader, table="planning.canary"),))


@pytest.mark.parametrize(
    ("shape", "crs"),
    [
        ("gis.ST_SetSRID(gis.ST_MakePoint(500000, 2400000), 32648)", "EPSG:32648"),
        ("gis.ST_SetSRID(gis.ST_MakePoint(105, 22, 7), 4326)", "EPSG:4326"),
        ("gis.ST_SetSRID(gis.ST_MakePoint(105, 22), 4326)::gis.geography", "EPSG:4326"),
    ],
    ids=["projected", "with height", "on the globe"],
)
def test_a_shape_brings_its_crs(db, shape, crs):
    got = read(db, query=f"SELECT 'a' AS site_id, {shape} AS place")
    assert got.crs == crs
    assert got.geometry.iloc[0].geom_type == "Point"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT 'a' AS site_id, gis.ST_MakePoint(1, 2) AS g", "has no SRID"),
        (
            "SELECT i::text AS site_id, gis.ST_SetSRID(gis.ST_MakePoint(1, 2), i) AS g FROM generate_series(4326, 4327) i",
            r"mixes SRIDs \(4326, 4327\)",
        ),
        (
            "SELECT 'a' AS site_id, gis.ST_GeomFromText('CIRCULARSTRING(0 0, 1 1, 2 0)', 4326) AS g",
            "ST_CurveToLine",
        ),
        (
            "SELECT 'a' AS site_id, gis.ST_MakePoint(1, 2) AS one, gis.ST_MakePoint(1, 2) AS two",
            "several shapes.*one, two",
        ),
        ("SELECT 1 AS a, 2 AS a", "gives a twice"),
        ("SELECT", "no columns|not accepted"),
        ("SELECT nothing FROM planning.sites", "nothing"),
        ("SELEC 1", "not accepted"),
        ("", "not accepted"),
        ("SELECT 1/0 AS site_id", "division by zero"),
    ],
)
def test_what_cannot_be_read_is_told_in_words(db, query, words):
    assert re.search(words, problems(db, query=query, table=""))


def test_shapes_may_be_missing_and_columns_all_empty(db):
    got = read(db, query="SELECT 'a' AS site_id, NULL::gis.geometry AS g, NULL::float AS height_m")
    assert got.geometry.isna().all()
    assert got["height_m"].isna().all()


def test_of_several_shapes_the_usual_name_is_taken(db):
    point = "gis.ST_SetSRID(gis.ST_MakePoint({}, 22), 4326)"
    got = read(db, query=f"SELECT 'a' AS site_id, {point.format(1)} AS label_at, {point.format(105)} AS geom")
    assert got.geometry.iloc[0].x == 105
    assert list(got.columns) == ["site_id", "geometry"]


@pytest.mark.parametrize(
    ("table", "near"),
    [
        ("planning.site", "did you mean planning.sites"),
        ("plannin.tall", "did you mean planning.tall"),
        ("sites", "did you mean planning.sites"),
        ("wholly.other", "no table or view"),
    ],
)
def test_an_unknown_table_is_answered_with_the_nearest(db, table, near):
    assert near in problems(db, table=table)


SPOILERS = [
    "SELECT 1; DROP TABLE planning.canary",
    "SELECT 1) AS a; COMMIT; DROP TABLE planning.canary; SELECT (1",
    "SELECT 1) AS a; COMMIT; DROP TABLE planning.canary; --",
    "DROP TABLE planning.canary",
    "INSERT INTO planning.canary VALUES (2) RETURNING alive",
    "WITH gone AS (DELETE FROM planning.canary RETURNING alive) SELECT * FROM gone",
    "SELECT planning.spoil() AS site_id",
    "SELECT 1 AS site_id INTO planning.stolen",
    "SELECT 1 AS site_id /*",
    "SELECT 'x",
    "COPY planning.canary TO STDOUT",
    "SELECT set_config('transaction_read_only', 'off', true) AS site_id, planning.spoil()",
    "SELECT 1 \x00; DROP TABLE planning.canary",
]


@pytest.mark.parametrize("query", SPOILERS)
def test_no_query_changes_the_data_base(db, query):
    problems(db, query=query)
    assert db.rows("SELECT alive FROM planning.canary") == [(1,)]


@pytest.mark.parametrize(
    "table",
    ["sites; DROP TABLE planning.canary", "planning.sites --", 'a"b', "a.b.c", "(SELECT 1)", "planning.", ".x", "1a", '""'],
)  # fmt: skip
def test_no_table_name_is_more_than_a_name(db, table):
    assert "schema.table" in problems(db, table=table)
    assert db.rows("SELECT alive FROM planning.canary") == [(1,)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(["SELECT", "1", "AS", "site_id", ")", "(", ";", "--", "/*", "'", '"', "$$", "FROM", "\n",
                         "planning.canary", "DROP TABLE", "COMMIT", "é", "%s", "{}", "$1", "\\"]),
        max_size=9,
    )
)  # fmt: skip
def test_any_text_as_a_query_is_a_layer_or_a_problem(db, words):
    with suppress(InputError):
        read(db, query=" ".join(words))
    assert db.rows("SELECT alive FROM planning.canary") == [(1,)]


@given(st.text(max_size=30))
def test_any_text_as_a_table_is_a_name_or_a_problem(text):
    try:
        parts = relation_of(text, "here")
    except InputError:
        return
    assert len(parts) <= 2
    assert all(parts)


def test_a_statement_that_takes_too_long_is_stopped(db):
    assert "took longer than 0.2 s" in problems(
        db, query="SELECT pg_sleep(30)::text AS site_id", timeout_s=0.2
    )


def test_one_broken_layer_does_not_hide_the_next(db):
    with pytest.raises(InputError) as caught:
        read_stored(
            (
                Stored("sites", db.url, table="no.sites"),
                Stored("cells", db.url, query="SELEC"),
            )
        )
    assert len(caught.value.problems) == 2

import re
import sys
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import psycopg
import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from postgis_cluster import PASSWORD, READER_PASSWORD, Cluster, cluster
from shapely import Point, box, to_wkt

from phusong.errors import InputError
from phusong.region.grid import Grid
from phusong.region.postgis import Stored, layers_from_postgis, read_stored, stored_layers, write_result
from phusong.region.postgis.connection import address_of
from phusong.region.postgis.meanings import column_meaning
from phusong.region.postgis.names import relation_of
from phusong.region.store import Region

CRS = "EPSG:32648"


@pytest.fixture(scope="session")
def running():
    with cluster() as made:
        made.run(
            "CREATE SCHEMA planning",
            "CREATE TABLE planning.sites (site_id text, owner text, height_m numeric(6,2), operators text[], "
            "commissioned int, seen date, shareable boolean, geom gis.geometry(Point, 4326))",
            "INSERT INTO planning.sites SELECT 's' || lpad(i::text, 5, '0'), 'blue', 30 + i % 5, "
            "ARRAY['a', 'b'], CASE WHEN i % 2 = 0 THEN 2018 END, '2025-07-01', i % 3 = 0, "
            "gis.ST_SetSRID(gis.ST_MakePoint(105 + i * 1e-5, 22), 4326) FROM generate_series(50000, 1, -1) i",
            'CREATE TABLE planning."Trạm BTS" AS SELECT * FROM planning.sites LIMIT 3',
            "CREATE VIEW planning.tall AS SELECT * FROM planning.sites WHERE height_m > 33",
            "CREATE TABLE planning.canary AS SELECT 1 AS alive",
            "CREATE FUNCTION planning.spoil() RETURNS int LANGUAGE sql AS "
            "'INSERT INTO planning.canary VALUES (2) RETURNING 1'",
            "GRANT USAGE ON SCHEMA planning TO reader",
            "GRANT SELECT ON planning.sites, planning.tall TO reader",
        )
        yield made


@pytest.fixture
def db(running: Cluster, monkeypatch):
    monkeypatch.setenv("PHUSONG_PGPASSWORD", PASSWORD)
    monkeypatch.delenv("PGPASSWORD", raising=False)
    return running


def read(db: Cluster, **keys) -> pd.DataFrame:
    plain = {"layer": "sites", "url": db.url}
    return read_stored((Stored(**(plain | keys)),))["sites"]


def problems(db: Cluster, **keys) -> str:
    with pytest.raises(InputError) as caught:
        read(db, **keys)
    text = str(caught.value)
    assert PASSWORD not in text
    return text


# reading


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


# connecting


def test_nobody_listening_is_named_with_host_and_port(db):
    text = problems(db, url="postgresql://owner@127.0.0.1:1/plan", table="planning.sites")
    assert "127.0.0.1:1" in text
    assert "running" in text


def test_a_wrong_and_a_missing_password_are_told_apart(db, monkeypatch):
    monkeypatch.setenv("PHUSONG_PGPASSWORD", "wrong-s3cret")
    text = problems(db, table="planning.sites")
    assert "authentication failed" in text
    assert "wrong-s3cret" not in text
    monkeypatch.delenv("PHUSONG_PGPASSWORD")
    assert "set PHUSONG_PGPASSWORD" in problems(db, table="planning.sites")


def test_the_usual_variable_serves_too(db, monkeypatch):
    monkeypatch.delenv("PHUSONG_PGPASSWORD")
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert len(read(db, query="SELECT 'a' AS site_id")) == 1


def test_a_password_is_never_sent_in_clear_text(db):
    text = problems(db, url=db.url.replace("/plan", "/clear"), query="SELECT 'a' AS site_id")
    assert "authentication" in text


def test_a_data_base_without_postgis_gives_tables_and_takes_no_results(db):
    bare = db.url.replace("/plan", "/bare")
    assert len(read(db, url=bare, query="SELECT 'a' AS site_id, 105.0 AS longitude, 22.0 AS latitude")) == 1
    with pytest.raises(InputError, match="CREATE EXTENSION postgis"):
        write_result(made_result(), bare, "coverage")


@pytest.mark.parametrize(
    "url",
    ["postgresql://a:s3cret@h/d", "postgresql://h/d?password=s3cret", "postgres://a:s3cret@h", "postgresql://a:s3cret@h:port/d?x=1",
     "host=h password=s3cret", "postgresql://h/d?passfile=/s3cret", "postgresql://h/d?options=-crole%3Ds3cret"],
)  # fmt: skip
def test_an_address_with_a_password_is_refused_without_repeating_it(url):
    with pytest.raises(InputError) as caught:
        address_of(url, "here")
    assert "s3cret" not in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_a_problem(text):
    for url in (text, "postgresql://" + text):
        with suppress(InputError):
            address_of(url, "here")


def test_without_psycopg_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InputError, match=r"phusong\[postgis\]"):
        read_stored((Stored("sites", "postgresql://h/d", table="sites"),))


# region.toml


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ('[layers.sites]\ntable = "a.b"', "needs an address"),
        (
            '[postgis]\nurl = "postgresql://h"\n[layers.sites]\ntable = "a"\nquery = "SELECT 1"',
            "either a table or",
        ),
        ('[postgis]\nurl = "postgresql://h"\n[layers.sites]\ntable = ""', "either a table or"),
        ('[postgis]\nurl = "postgresql://h"\n[layers.site]\ntable = "a"', "did you mean sites"),
        ('[postgis]\nuri = "x"\n[layers.sites]\ntable = "a"', "did you mean url"),
        (
            '[postgis]\nurl = "postgresql://h"\nstatement_timeout_s = -1\n[layers.sites]\ntable = "a"',
            "seconds",
        ),
        ('postgis = 3\n[layers.sites]\ntable = "a"', "as tables"),
    ],
)
def test_a_wrong_region_toml_is_told_in_words(toml, words):
    with pytest.raises(InputError, match=words):
        stored_layers(tomllib.loads(toml))


def test_a_layer_may_name_a_data_base_of_its_own():
    tree = {
        "postgis": {"url": "postgresql://one/a", "statement_timeout_s": 5},
        "layers": {"sites": {"table": "s"}, "cells": {"query": "SELECT 1", "postgis": "postgresql://two/b"}, "links": {}},
    }  # fmt: skip
    sites, cells = stored_layers(tree)
    assert (sites.url, sites.table, sites.timeout_s) == ("postgresql://one/a", "s", 5.0)
    assert (cells.url, cells.query) == ("postgresql://two/b", "SELECT 1")


def load(db: Cluster, schema: str, name: str, frame: pd.DataFrame) -> None:
    """Put a frame into a table as a stranger would: plain INSERTs, shapes from text, degrees."""
    kinds = {"f": "float8", "i": "bigint", "b": "boolean"}
    shapes = isinstance(frame, gpd.GeoDataFrame)
    plain = pd.DataFrame(frame.drop(columns="geometry")) if shapes else frame
    columns = ", ".join(f'"{c}" {kinds.get(plain[c].dtype.kind, "text")}' for c in plain.columns)
    marks = ", ".join(["%s"] * len(plain.columns))
    rows = [list(r) for r in plain.itertuples(index=False, name=None)]
    if shapes:
        columns += ", geom gis.geometry"
        marks += ", gis.ST_GeomFromText(%s, 4326)"
        for row, shape in zip(rows, to_wkt(frame.geometry.to_crs("EPSG:4326").to_numpy(), 12), strict=True):
            row.append(shape)
    with psycopg.connect(db.url, password=PASSWORD) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        connection.execute(f"CREATE TABLE {schema}.{name} ({columns})")
        connection.cursor().executemany(f"INSERT INTO {schema}.{name} VALUES ({marks})", rows)  # noqa: S608


def test_a_region_from_postgis_is_the_region_from_files(db, region, tmp_path):
    folder = region.write(tmp_path / "region")
    plain = Region.read(folder)
    for layer in ("communes", "sites", "cells", "links", "operators"):
        load(db, "whole", layer, getattr(plain, layer))
        (folder / f"{layer}.parquet").unlink()
    path = folder / "region.toml"
    tree = tomllib.loads(path.read_text(encoding="utf-8"))
    tree["postgis"] = {"url": db.url}
    for layer in ("communes", "sites", "cells", "operators"):
        tree["layers"].setdefault(layer, {"kind": "official"})["table"] = f"whole.{layer}"
    tree["layers"].setdefault("links", {"kind": "official"})["query"] = "SELECT * FROM whole.links"
    path.write_text(tomli_w.dumps(tree), encoding="utf-8")
    stored = Region.read(folder)
    for layer in ("communes", "sites", "cells", "links", "operators"):
        mine, theirs = getattr(plain, layer), getattr(stored, layer)
        mine = mine.sort_values(mine.columns[0]).reset_index(drop=True)
        flat = [c for c in mine.columns if c != "geometry"]
        pd.testing.assert_frame_equal(pd.DataFrame(mine[flat]), pd.DataFrame(theirs[flat]), check_dtype=False)
        if "geometry" in mine.columns:
            assert mine.geometry.geom_equals_exact(theirs.geometry, 0.01).all()
    again = Region.read(stored.write(tmp_path / "copy"))
    assert again.digests() == stored.digests()


def test_a_layer_in_a_data_base_is_checked_like_one_in_a_file(db, region, tmp_path):
    tree = {
        "postgis": {"url": db.url},
        "layers": {
            "sites": {"query": "SELECT 'a' AS site_id, -4 AS height_m, 105 AS longitude, 22 AS latitude"},
            "cells": {"table": "planning.missing"},
        },
    }
    got, wrong = layers_from_postgis(tree, tmp_path, CRS)
    assert got == {"sites": None, "cells": None}
    assert any("missing" in str(p) for p in wrong)
    del tree["layers"]["cells"]
    _, wrong = layers_from_postgis(tree, tmp_path, CRS)
    assert any("height_m" in str(p) and "sites in PostGIS" in str(p) for p in wrong)


# writing


@dataclass(frozen=True)
class Tables:
    communes: gpd.GeoDataFrame
    sites: gpd.GeoDataFrame
    options: pd.DataFrame
    plan: pd.DataFrame
    grid: Grid
    summary: dict


def made_result(*, names: tuple[str, ...] = ("Minh Tân", "Thái Sơn")) -> Tables:
    codes = [f"{k:05d}" for k in range(len(names))]
    communes = gpd.GeoDataFrame(
        {"commune_code": codes, "name": names, "population": 10, "share_served": [np.nan, *[0.5] * (len(names) - 1)]},
        geometry=[box(k, 0, k + 1, 1) if k else box(0, 0, 1, 1).union(box(3, 0, 4, 1)) for k in range(len(names))],
        crs=CRS,
    )  # fmt: skip
    sites = gpd.GeoDataFrame(
        {"site_id": ["s1", "s2"], "load": [0.5, np.inf]}, geometry=[Point(1, 2), None], crs=CRS
    )
    options = pd.DataFrame(
        {"rank": [1, 2], "bundle_id": ["b1", "b2"], "remedies": [["x", "y"], "z"], "cost_musd": [0.1, 0.2],
         "commune_code": codes[:1] * 2, "east_m": [1.0, 2.0], "north_m": [3.0, 4.0]}
    )  # fmt: skip
    plan = pd.DataFrame({"remedy_id": ["x", "x"], "year": [2027, 2028], "fund": ["f", None]})
    grid = Grid.around((0, 0, 1000, 1000), crs=CRS, cell_m=100.0)
    return Tables(communes, sites, options, plan, grid, {"title": "It's a test"})


@pytest.fixture
def schema(db):
    yield "coverage out"
    db.run('DROP SCHEMA IF EXISTS "coverage out" CASCADE')


def tables_in(db: Cluster, schema: str) -> list[str]:
    rows = db.rows("SELECT schemaname, tablename FROM pg_tables ORDER BY 2")
    return [table for place, table in rows if place == schema]


def test_a_result_is_written_with_shapes_keys_index_and_units(db, schema):
    assert write_result(made_result(), db.url, schema) == {"communes": 2, "sites": 2, "options": 2, "plan": 2}
    assert tables_in(db, schema) == ["communes", "options", "plan", "sites"]
    shapes = db.rows(
        "SELECT f_table_name, type, srid FROM gis.geometry_columns WHERE f_table_schema = 'coverage out' ORDER BY 1"
    )
    assert shapes == [
        ("communes", "MULTIPOLYGON", 32648), ("options", "POINT", 32648), ("sites", "POINT", 32648),
    ]  # fmt: skip
    index = db.rows(
        "SELECT count(*) FROM pg_indexes WHERE schemaname = 'coverage out' AND indexdef LIKE '%gist%'"
    )
    assert index == [(3,)]
    keys = db.rows("SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'p' ORDER BY 1")
    assert [k for (k,) in keys if "coverage out" in k] == [f'"coverage out".{t}' for t in ("communes", "options", "sites")]  # fmt: skip
    said = db.rows("SELECT col_description('\"coverage out\".options'::regclass, 4)")
    assert said == [("cost [million USD]",)]
    assert db.rows("SELECT obj_description('\"coverage out\".plan'::regclass)")[0][0].endswith("It's a test")
    assert db.rows('SELECT share_served FROM "coverage out".communes ORDER BY commune_code')[0] == (None,)
    assert db.rows('SELECT load FROM "coverage out".sites ORDER BY site_id')[1] == (None,)
    assert db.rows('SELECT remedies FROM "coverage out".options ORDER BY rank') == [("x;y",), ("z",)]


def test_what_was_written_is_read_back(db, schema):
    made = made_result()
    write_result(made, db.url, schema)
    back = read_stored((Stored("communes", db.url, table='"coverage out".communes'),))["communes"]
    assert back.crs == CRS
    assert back.geometry.geom_equals(made.communes.geometry).all()
    assert list(back["name"]) == list(made.communes["name"])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), min_size=1, max_size=5
    )
)
def test_any_name_is_written_as_it_is(db, schema, names):
    write_result(made_result(names=tuple(names)), db.url, schema, replace=True)
    back = db.rows('SELECT name FROM "coverage out".communes ORDER BY commune_code')
    assert [n for (n,) in back] == names


def test_an_earlier_result_is_replaced_only_when_asked(db, schema):
    write_result(made_result(), db.url, schema)
    newer = made_result(names=("A", "B", "C"))
    with pytest.raises(InputError, match="--replace") as caught:
        write_result(newer, db.url, schema)
    assert len(caught.value.problems) == 4
    assert db.rows('SELECT count(*) FROM "coverage out".communes') == [(2,)]
    write_result(newer, db.url, schema, replace=True)
    assert db.rows('SELECT count(*) FROM "coverage out".communes') == [(3,)]


def test_somebody_elses_table_is_never_replaced(db, schema):
    db.run('CREATE SCHEMA "coverage out"', 'CREATE TABLE "coverage out".sites (mine text)')
    with pytest.raises(InputError, match="not written by phusong"):
        write_result(made_result(), db.url, schema, replace=True)
    assert tables_in(db, schema) == ["sites"]


def test_a_view_on_an_earlier_result_keeps_it(db, schema):
    write_result(made_result(), db.url, schema)
    db.run('CREATE VIEW "coverage out".first AS SELECT * FROM "coverage out".plan')
    with pytest.raises(InputError, match=r"cannot replace.*depend"):
        write_result(made_result(names=("A",)), db.url, schema, replace=True)
    assert db.rows('SELECT count(*) FROM "coverage out".communes') == [(2,)]


@pytest.fixture
def broken_plan(db):
    """The server fails when the last of the four tables is made."""
    db.run(
        "CREATE OR REPLACE FUNCTION public.fail() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity LIKE '%.plan') "
        "THEN RAISE EXCEPTION 'the disk is full'; END IF; END $$",
        "CREATE EVENT TRIGGER fail ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.fail()",
    )
    yield
    db.run("DROP EVENT TRIGGER IF EXISTS fail")


def test_a_failure_in_the_middle_leaves_no_schema(db, schema, broken_plan):
    with pytest.raises(InputError, match="nothing is changed: the disk is full"):
        write_result(made_result(), db.url, schema)
    assert db.rows("SELECT count(*) FROM pg_namespace WHERE nspname = 'coverage out'") == [(0,)]


def test_a_failure_in_the_middle_leaves_the_earlier_result(db, schema, request):
    write_result(made_result(), db.url, schema)
    before = db.rows('SELECT * FROM "coverage out".communes ORDER BY 1')
    request.getfixturevalue("broken_plan")
    with pytest.raises(InputError, match="the disk is full"):
        write_result(made_result(names=("A", "B", "C")), db.url, schema, replace=True)
    assert tables_in(db, schema) == ["communes", "options", "plan", "sites"]
    assert db.rows('SELECT * FROM "coverage out".communes ORDER BY 1') == before


def test_a_user_who_may_not_write_is_told_so(db, monkeypatch):
    monkeypatch.setenv("PHUSONG_PGPASSWORD", READER_PASSWORD)
    with pytest.raises(InputError, match="GRANT CREATE"):
        write_result(made_result(), db.reader, "elsewhere")


def test_the_command_pushes_a_result_folder(db, schema, tmp_path, monkeypatch, capsys):
    from phusong.cli import main
    from report.conftest import make_result as whole_result

    whole_result().write(tmp_path / "result")
    words = ["push", str(tmp_path / "result"), db.url, "--schema", schema]
    for more, code in (([], 0), ([], 2), (["--replace"], 0)):
        monkeypatch.setattr(sys, "argv", ["phusong", "data", *words, *more])
        with pytest.raises(SystemExit) as left:
            main()
        assert (left.value.code or 0) == code
    said = capsys.readouterr()
    assert f"{schema}.options: 40 rows" in said.out
    assert "--replace takes its place" in said.err
    assert db.rows('SELECT count(*), count(geometry) FROM "coverage out".options') == [(40, 40)]


@pytest.mark.parametrize("name", ["", "pg_temp", "x" * 64, "a\x00b"])
def test_a_schema_needs_a_name(name):
    with pytest.raises(InputError, match="--schema"):
        write_result(made_result(), "postgresql://h/d", name)


def test_a_crs_that_the_data_base_does_not_know_is_named(db, schema):
    made = made_result()
    odd = SimpleNamespace(crs="+proj=tmerc +lon_0=105.3 +ellps=WGS84")
    with pytest.raises(InputError, match="spatial_ref_sys"):
        write_result(Tables(made.communes, made.sites, made.options, made.plan, odd, {}), db.url, schema)


@pytest.mark.parametrize(
    ("column", "meaning"),
    [("capex_musd", "capex [million USD]"), ("opex_musd_year", "opex [million USD a year]"),
     ("height_m", "height [m]"), ("rsrp_dbm", "rsrp [dBm]"), ("strange", "")],
)  # fmt: skip
def test_a_column_says_its_unit(column, meaning):
    assert column_meaning("options", column) == meaning

import sys
from dataclasses import dataclass
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from postgis_cluster import READER_PASSWORD, Cluster
from shapely import Point, box

from phusong.errors import InputError
from phusong.region import Grid
from phusong.region.postgis import Stored, read_stored
from phusong.result.postgis import write_result
from phusong.result.schema import comments

CRS = "EPSG:32648"


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
    written = write_result(made_result(), db.url, schema, meanings=comments())
    assert written == {"communes": 2, "sites": 2, "options": 2, "plan": 2}
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
    assert said == [("net present cost of what is not paid for by options ranked before [million USD]",)]
    assert db.rows("SELECT obj_description('\"coverage out\".plan'::regclass)")[0][0].endswith("It's a test")
    assert db.rows('SELECT share_served FROM "coverage out".communes ORDER BY commune_code')[0] == (None,)
    assert db.rows('SELECT load FROM "coverage out".sites ORDER BY site_id')[1] == (None,)
    assert db.rows('SELECT remedies FROM "coverage out".options ORDER BY rank') == [("x;y",), ("z",)]


def test_marks_of_sql_and_of_python_stand_in_comments_as_they_are(db, schema):
    text = "100 % of 'it' :x \\ %s %(a)s"
    made = made_result()
    titled = Tables(made.communes, made.sites, made.options, made.plan, made.grid, {"title": text})
    write_result(titled, db.url, schema, meanings={"plan.year": text})
    assert db.rows("SELECT obj_description('\"coverage out\".plan'::regclass)")[0][0].endswith(text)
    assert db.rows("SELECT col_description('\"coverage out\".plan'::regclass, 2)") == [(text,)]


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


def test_a_data_base_without_postgis_takes_no_results(db):
    with pytest.raises(InputError, match="CREATE EXTENSION postgis"):
        write_result(made_result(), db.url.replace("/plan", "/bare"), "coverage")


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
    from made_result import make_result as whole_result
    from phusong.cli import main

    whole_result().write(tmp_path / "result")
    words = ["push", str(tmp_path / "result"), db.url, "--schema", schema]
    for more, code in (([], 0), ([], 2), (["--replace"], 0), (["--replace", "--lang", "vi"], 0)):
        monkeypatch.setattr(sys, "argv", ["phusong", "data", *words, *more])
        with pytest.raises(SystemExit) as left:
            main()
        assert (left.value.code or 0) == code
    said = capsys.readouterr()
    assert f"Wrote {schema}.options: 40 rows" in said.out
    assert f"Đã ghi {schema}.options: 40 dòng" in said.out
    assert "--replace takes its place" in said.err
    assert db.rows('SELECT count(*), count(geometry) FROM "coverage out".options') == [(40, 40)]


def test_without_geoalchemy_the_extra_is_named_and_nothing_written(db, schema, monkeypatch):
    monkeypatch.setitem(sys.modules, "geoalchemy2", None)
    with pytest.raises(InputError, match=r"geoalchemy2.*phusong\[postgis\]"):
        write_result(made_result(), db.url, schema)
    assert tables_in(db, schema) == []


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
    [("options.capex_musd", "of it, to build [million USD]"), ("plan.year", "year it is built")],
)
def test_a_column_says_its_unit(column, meaning):
    assert comments()[column] == meaning

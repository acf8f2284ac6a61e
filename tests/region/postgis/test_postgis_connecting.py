import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from postgis_asking import problems, read
from postgis_cluster import PASSWORD

from phusong.errors import InputError
from phusong.io.postgis import address_of, connected
from phusong.region.postgis import Stored, read_stored


def test_a_data_base_without_postgis_gives_tables(db):
    bare = db.url.replace("/plan", "/bare")
    assert len(read(db, url=bare, query="SELECT 'a' AS site_id, 105.0 AS longitude, 22.0 AS latitude")) == 1


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


def test_a_layer_is_read_in_one_bounded_transaction_that_cannot_write(db):
    with connected(db.url, "here", timeout_s=7) as connection:
        said = {
            name: connection.exec_driver_sql(f"SHOW {name}").scalar()
            for name in (
                "transaction_read_only",
                "transaction_isolation",
                "statement_timeout",
                "lock_timeout",
            )
        }
    assert said == {
        "transaction_read_only": "on", "transaction_isolation": "repeatable read", "statement_timeout": "7s",
        "lock_timeout": "7s",
    }  # fmt: skip


def test_what_the_server_refuses_at_the_very_end_is_a_problem_too(db):
    db.run(
        "CREATE TABLE planning.late (a int PRIMARY KEY, b int REFERENCES planning.late INITIALLY DEFERRED)"
    )
    with (
        pytest.raises(InputError, match="nothing is changed: insert or update"),
        connected(db.url, "here", read_only=False) as connection,
    ):
        connection.exec_driver_sql("INSERT INTO planning.late VALUES (1, 2)")
    assert db.rows("SELECT count(*) FROM planning.late") == [(0,)]
    db.run("DROP TABLE planning.late")


@pytest.mark.parametrize("library", ["psycopg", "sqlalchemy"])
def test_without_a_library_the_extra_is_named(monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=r"phusong\[postgis\]"):
        read_stored((Stored("sites", "postgresql://h/d", table="sites"),))

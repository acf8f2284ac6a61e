import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from postgis_asking import problems, read
from postgis_cluster import PASSWORD

from phusong.errors import InputError
from phusong.io.postgis import address_of
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


def test_without_psycopg_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InputError, match=r"phusong\[postgis\]"):
        read_stored((Stored("sites", "postgresql://h/d", table="sites"),))

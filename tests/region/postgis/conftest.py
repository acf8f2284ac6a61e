"""A data base with a planner's tables, its rows in no order, and one table that must never change."""

import pytest


@pytest.fixture(scope="session")
def running():
    from postgis_cluster import cluster

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
def db(running, monkeypatch):
    from postgis_cluster import PASSWORD

    monkeypatch.setenv("PHUSONG_PGPASSWORD", PASSWORD)
    monkeypatch.delenv("PGPASSWORD", raising=False)
    return running

import tomllib

import geopandas as gpd
import pandas as pd
import pytest
import tomli_w
from postgis_cluster import PASSWORD, Cluster
from shapely import to_wkt

from phusong.errors import InputError
from phusong.region.folder import Region
from phusong.region.postgis import layers_from_postgis, stored_layers

CRS = "EPSG:32648"


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
    import psycopg

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


def test_a_column_without_any_value_is_read_as_if_it_were_missing(db, tmp_path):
    empty = "NULL::text AS operators, NULL::int AS commissioned, NULL::float AS height_m, NULL::boolean AS shareable"
    query = f"SELECT 'a' AS site_id, 'o' AS owner, {empty}, 105 AS longitude, 22 AS latitude"
    tree = {"postgis": {"url": db.url}, "layers": {"sites": {"query": query}}}
    got, wrong = layers_from_postgis(tree, tmp_path, CRS)
    assert wrong == []
    row = got["sites"].frame.iloc[0]
    assert (row["height_m"], row["commissioned"], row["shareable"]) == (30, 2015, True)

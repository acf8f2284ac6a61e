# ruff: noqa: S608 - the tables are our own, made a line before
"""Good files of every kind that is imported, as their publishers give them, and what strangers may do to such files."""

import gzip
import io
import json
import random
import sqlite3
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from rasterio.transform import from_origin
from shapely import LineString, MultiPolygon, Point, Polygon

from phusong.region.folder import Region
from phusong.region.read.table import write_table

__all__ = ["change_import", "good_imports"]

_CELLS = (
    "radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal\n"
    "LTE,452,1,100,2561,0,105.1,21.8,1000,20,1,1459743588,1459743588,0\n"
    "GSM,452,4,100,9,0,105.15,21.85,3000,2,1,1459743588,1459743588,-80\n"
)
_SCHOOLS = (
    "school_id_giga,school_id_govt,school_name,latitude,longitude,education_level,connectivity,connectivity_type,admin1\n"
    "3d1f-1,0101,Trường Tiểu học,21.75,105.05,Primary,Yes,fiber,Tuyên Quang\n"
)
_MAP = (
    '<osm version="0.6"><node id="1" version="1" lat="21.8" lon="105.1"><tag k="man_made" v="mast"/>'
    '<tag k="tower:type" v="communication"/></node><node id="2" version="1" lat="21.81" lon="105.11"/>'
    '<way id="3" version="1"><nd ref="1"/><nd ref="2"/><tag k="power" v="line"/><tag k="voltage" v="35000"/></way></osm>'
)
_ENTITIES = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + k)} "{f"&{chr(97 + k)};" * 10}">' for k in range(9))
    + '<!ENTITY f SYSTEM "file:///etc/passwd">]>'
)
_LAYERS = ("sites", "cells", "links", "power_nodes", "power_lines", "facilities", "settlements", "operators")
_WEST_DEG, _NORTH_DEG, _SIDE_DEG = 104.9, 22.0, 0.4  # round the small region


def good_imports(region: Region, folder: Path) -> list[tuple[str, str, bytes]]:
    """Return kind, file name and contents of files that are imported without a word; they are made in a folder."""
    folder.mkdir()
    found: list[tuple[str, str, bytes]] = []

    def add(kind: str, path: Path) -> None:
        found.append((kind, path.name, path.read_bytes()))

    def text(kind: str, name: str, words: str) -> None:
        found.append((kind, name, words.encode()))

    text("opencellid", "452.csv", _CELLS)
    found.append(("opencellid", "452.csv.gz", gzip.compress(_CELLS.encode(), mtime=0)))
    text("giga", "schools.csv", _SCHOOLS)
    text("osm", "map.osm", _MAP)
    found.append(("osm", "map.osm.gz", gzip.compress(_MAP.encode(), mtime=0)))
    found.append(("osm", "map.osm.pbf", _pbf(folder)))
    people = np.full((48, 48), 20.0, np.float32)
    add("worldpop", _raster(folder / "ppp.tif", people, -99999.0))
    add("ghs_pop", _raster(folder / "ghs.tif", people, -200.0))
    rows, cols = np.indices((400, 400))
    add("elevation", _raster(folder / "dem.tif", (300 + rows / 10 + cols / 20).astype(np.int16), None))
    add("worldcover", _raster(folder / "cover.tif", np.full((400, 400), 10, np.uint8), 0))
    lines = np.zeros((48, 48), np.uint8)
    lines[24, 10:40] = 1
    add("gridfinder", _raster(folder / "lines.tif", lines, None))
    communes = region.communes[["commune_code", "name", "geometry"]].rename(columns={"commune_code": "code"})
    x, y = (region.power_nodes.geometry.iloc[0].coords[0][k] for k in (0, 1))
    drawn = gpd.GeoDataFrame(
        {"voltage": ["22000"]}, geometry=[LineString([(x, y), (x + 5000, y + 5000)])], crs=region.grid.crs
    )
    for kind, frame in (
        ("kontur", communes.assign(population=50.0)),
        ("boundaries", communes),
        ("lines", drawn),
    ):
        for ending in (".gpkg", ".geojson"):
            path = folder / f"{kind}{ending}"
            (frame.to_crs("EPSG:4326") if ending == ".geojson" else frame).to_file(path)
            add(kind, path)
        frame.to_file(folder / f"{kind}.shp")
        packed = folder / f"{kind}.zip"
        with zipfile.ZipFile(packed, "w") as archive:
            for part in sorted(folder.glob(f"{kind}.*")):
                if part.suffix in {".shp", ".shx", ".dbf", ".prj", ".cpg"}:
                    archive.write(part, part.name)
        add(kind, packed)
    for layer in _LAYERS:
        for ending in (".csv", ".parquet", *([".gpkg"] if layer in {"sites", "settlements"} else [])):
            add(layer, Path(write_table(getattr(region, layer), folder / f"{layer}{ending}", layer)))
    return found


def change_import(path: Path, rng: random.Random) -> bool:
    """Change a file by its kind and return True; False where bytes are all that can be changed."""
    ending = path.suffix
    if ending == ".zip":
        _change_archive(path, rng)
    elif ending == ".gpkg" and rng.random() < 0.5:
        _change_database(path, rng)
    elif ending in {".gpkg", ".geojson"}:
        _change_vector(path, rng)
    elif ending == ".osm":
        words = path.read_text(encoding="utf-8", errors="replace")
        old = rng.choice(
            ["21.8", "105.1", 'id="1"', 'ref="2"', '"mast"', '"35000"', "<osm", "</way>", "node"]
        )
        new = rng.choice(
            [
                "nan",
                "1e999",
                "-91",
                'id="99999999999999999999"',
                "",
                '"&j;"',
                '"&f;"',
                '"=cmd()"',
                "<osm>" * 2000,
            ]
        )
        path.write_text(
            rng.choice(["", _ENTITIES]) + words.replace(old, new, rng.choice((1, -1))), encoding="utf-8"
        )
    elif ending == ".gz":
        path.write_bytes(
            rng.choice(
                [gzip.compress(path.read_bytes()), gzip.compress(bytes(30_000_000)), path.read_bytes() * 2]
            )
        )
    else:
        return False
    return True


def _pbf(folder: Path) -> bytes:
    import osmium  # noqa: PLC0415 - one importer's own

    source, path = folder / "map.osm", folder / "map.osm.pbf"
    source.write_text(_MAP, encoding="utf-8")
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        for thing in osmium.FileProcessor(str(source)):
            writer.add(thing)
    return path.read_bytes()


def _raster(path: Path, values: np.ndarray, nodata: float | None) -> Path:
    high, wide = values.shape
    place = from_origin(_WEST_DEG, _NORTH_DEG, _SIDE_DEG / wide, _SIDE_DEG / high)
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=high, width=wide, dtype=values.dtype, crs="EPSG:4326",
        transform=place, nodata=nodata, compress="deflate",
    ) as out:  # fmt: skip
        out.write(values, 1)
    return path


def _change_archive(path: Path, rng: random.Random) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {m.filename: archive.read(m) for m in archive.infolist()}
    name = rng.choice(sorted(members))
    how = rng.randrange(8)
    mode = 0o644
    put = io.BytesIO()
    with zipfile.ZipFile(put, "w", zipfile.ZIP_DEFLATED) as out:
        for own, data in members.items():
            as_ = own
            content = data
            if own == name:
                led = rng.choice(["../" * 5 + own, f"/srv/{own}", f"C:\\{own}", own.upper(), f"a/b/{own}"])
                as_ = led if how == 0 else own
                content = {1: b"", 2: data[: len(data) // 2], 3: b"/etc/passwd", 4: bytes(40_000_000)}.get(
                    how, data
                )
                mode = 0o120777 if how == 3 else 0o644
                if how == 5:
                    continue
            member = zipfile.ZipInfo(as_)
            member.external_attr, mode = mode << 16, 0o644
            member.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(member, content)
        if how == 6:
            for k in range(rng.choice((1, 500))):
                out.writestr(f"{k}/{name}", members[name][:1000])
        if how == 7:
            out.writestr("more.zip", path.read_bytes())
    path.write_bytes(put.getvalue())


def _change_database(path: Path, rng: random.Random) -> None:
    with sqlite3.connect(path) as database:
        (table,) = database.execute("SELECT table_name FROM gpkg_contents").fetchone()
        columns = [c for _, c, *_ in database.execute(f'PRAGMA table_info("{table}")')]
        column = rng.choice(columns)
        # what keeps the index of places would stand in the way
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        value = rng.choice(
            [
                "NULL",
                "'x'",
                "1e999",
                "-1",
                "zeroblob(1000)",
                "x'475000'",
                "'' || char(0)",
                "9223372036854775807",
            ]
        )
        statement = rng.choice([
            f'UPDATE "{table}" SET "{column}" = {value}',
            f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO "a"" ; DROP TABLE x --"',
            f'ALTER TABLE "{table}" ADD COLUMN extra GENERATED ALWAYS AS (zeroblob(900000000))',
            "UPDATE gpkg_contents SET srs_id = 99999", "UPDATE gpkg_geometry_columns SET srs_id = 4326",
            "UPDATE gpkg_spatial_ref_sys SET definition = 'x'", "UPDATE gpkg_geometry_columns SET geometry_type_name = 'CIRCULARSTRING'",
            "UPDATE gpkg_contents SET table_name = '/etc/passwd'", "DELETE FROM gpkg_contents", "DELETE FROM gpkg_geometry_columns",
            f'CREATE VIEW v AS SELECT * FROM "{table}"', f'INSERT INTO "{table}" SELECT NULL, * FROM (SELECT 1)',
            f'DELETE FROM "{table}"',
        ])  # fmt: skip
        try:
            database.execute(statement)
        except sqlite3.Error:
            database.execute(f'DELETE FROM "{table}" WHERE rowid = 1')
    database.close()


def _change_vector(path: Path, rng: random.Random) -> None:
    frame = gpd.read_file(path)
    how = rng.randrange(7)
    shapes = list(frame.geometry)
    odd = (None, Point(), Point(np.inf, 0), Polygon([(0, 0), (1, 1), (0, 1), (1, 0)]), Polygon(), MultiPolygon(),
           Point(shapes[0].centroid).buffer(1e-12), LineString([(1e300, 0), (-1e300, 0)]),
           Point(shapes[0].centroid).buffer(0.05, quad_segs=20_000))  # fmt: skip
    names = [c for c in frame.columns if c != "geometry"]
    if how < 3:
        for row in range(len(shapes)) if how == 0 else [rng.randrange(len(shapes))]:
            shapes[row] = rng.choice(odd)
        frame["geometry"] = gpd.GeoSeries(shapes, crs=frame.crs)
    elif how == 3:
        frame = frame.set_crs(rng.choice(["EPSG:4326", "EPSG:32649", "EPSG:3857"]), allow_override=True)
    elif how == 4:
        frame = frame.drop(columns=rng.choice(names))
    elif how == 5:
        frame = gpd.GeoDataFrame(pd.concat([frame, frame]), crs=frame.crs)
    else:
        name = rng.choice(names)
        frame[name] = rng.choice(
            ["x" * 100_000, "=cmd()", -1, 1e300, 2**62, True, "<OGRVRTDataSource>", "\x1b[31m"]
        )
    path.unlink()
    if rng.random() < 0.3:
        tree = json.loads(frame.to_json(to_wgs84=False))
        tree[rng.choice(["crs", "type", "features", "more"])] = rng.choice(
            [None, [], {}, 3, "<OGRVRTDataSource>", {"type": "name", "properties": {"name": "/etc/passwd"}}]
        )
        path.write_text(json.dumps(tree), encoding="utf-8")
    else:
        frame.to_file(path)

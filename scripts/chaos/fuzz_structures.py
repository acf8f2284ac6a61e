"""Tables, rasters and trees of names changed in their structure: what no change of bytes in a packed file would reach."""

import json
import os
import random
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import rasterio
from shapely import Point, Polygon

__all__ = ["change_file"]

_TEXTS = ("", "=cmd|' /C calc'!A0", "<script>alert(1)</script>", "[red]x[/red]", "../../etc/passwd", "\0", "\x1b]0;x\x07",
          "\u202e" * 20, "x" * 200_000, "$\\frac{1}{0}$", "{{ 7*7 }}", "nan", "-1", "9" * 400, "\udc80")  # fmt: skip
_NUMBERS = (-1.0, 0.0, np.nan, np.inf, -np.inf, 1e300, 2.0**63, 0.5, -1e9, 5e-324)
_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    1e999,
    float("nan"),
    "x",
    [],
    {},
    [1],
    {"a": 1},
    10**30,
    "9" * 9999,
    0,
)


def change_file(path: Path, rng: random.Random) -> None:
    """Change a file of a region or result in place, by its kind; what then stands there may be no file at all."""
    if rng.random() < 0.08:
        _replace(path, rng)
    elif path.suffix == ".parquet":
        _change_parquet(path, rng)
    elif path.suffix in {".tif", ".tiff"}:
        _change_raster(path, rng)
    elif path.suffix == ".json":
        _change_json(path, rng)
    elif path.suffix == ".csv":
        _change_csv(path, rng)
    else:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True) or [""]
        at = rng.randrange(len(lines))
        key = lines[at].partition("=")[0]
        lines[at] = rng.choice(
            ["", lines[at] * 2, f"{key}= {rng.choice(_VALUES)!r}\n", f"{key}= {'[' * 9999}\n"]
        )
        path.write_text("".join(lines), encoding="utf-8")


def _replace(path: Path, rng: random.Random) -> None:
    path.unlink()
    how = rng.randrange(6)
    if how == 1:
        os.mkfifo(path)
    elif how == 2:
        path.symlink_to(rng.choice(["/etc/passwd", "/dev/zero", path.name, "/proc/self/mem"]))
    elif how == 3:
        path.mkdir()
    elif how == 4:
        path.write_bytes(b"")
    elif how == 5:
        with path.open("wb") as file:
            file.truncate(10**11)  # sparse


def _change_parquet(path: Path, rng: random.Random) -> None:
    table = pq.read_table(path)
    names = table.column_names
    if rng.random() < 0.2:
        _change_whole(path, table, rng)
        return
    if not names:
        return
    k = rng.randrange(len(names))
    column = table.column(k).combine_chunks()
    how = rng.randrange(7)
    if names[k] == "geometry" and how < 6 and len(table):
        _change_places(path, rng)
        return
    if how == 0:
        new: Any = table.remove_column(k)
    elif how == 1:
        other = table.column(rng.randrange(len(names)))
        new = table.set_column(k, names[k], other)
    elif how == 2:
        kinds = [pa.nulls(len(table)), pa.array([b"\x80\x04."] * len(table)), pa.array([{"a": 1}] * len(table)),
                 pa.array([[1.5]] * len(table)), pa.array([["a", None]] * len(table)), pa.array([True] * len(table)),
                 pa.array(["x"] * len(table)), pa.array([1.5] * len(table)), pa.array([0] * len(table), pa.timestamp("s")),
                 pa.array(["a"] * len(table)).dictionary_encode(), pa.array([1] * len(table), pa.duration("s"))]  # fmt: skip
        new = table.set_column(k, names[k], rng.choice(kinds))
    elif how == 3:
        new = table.append_column(names[k], table.column(k))
    else:
        values = column.to_pylist()
        of_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        for row in rng.sample(range(len(values)), min(len(values), rng.choice((1, 3, len(values))))):
            values[row] = rng.choice(_TEXTS[:-1] if of_text else _NUMBERS)
        if pa.types.is_integer(column.type) and rng.random() < 0.5:
            values = [int(np.clip(np.nan_to_num(v or 0), -(2**31), 2**31 - 1)) for v in values]
        try:
            new = table.set_column(k, names[k], pa.array(values))
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            new = table
    pq.write_table(new, path)


def _change_whole(path: Path, table: pa.Table, rng: random.Random) -> None:
    how = rng.randrange(6)
    meta = dict(table.schema.metadata or {})
    if how == 0:
        table = table.slice(0, rng.choice((0, 1, len(table) // 2)))
    elif how == 1:
        table = pa.concat_tables([table] * rng.choice((2, 50)))
    elif how == 2:
        table = table.take(rng.sample(range(len(table)), len(table)))
    elif how == 3:
        meta[b"pandas"] = (
            b'{"index_columns": ["nowhere"], "columns": [{"numpy_type": "object", "pandas_type": "pickle"}]}'
        )
    elif how == 4:
        meta[b"geo"] = rng.choice([b"[" * 10_000, b"{}", b'{"primary_column": "x", "columns": {}}', b"\xff"])
    else:
        # one value, repeated without taking room in the file
        same = pa.DictionaryArray.from_arrays(pa.array(np.zeros(30_000, np.int32)), pa.array(["y" * 100_000]))
        pq.write_table(pa.table(dict.fromkeys(table.column_names[:2], same)), path, store_schema=False)
        return
    pq.write_table(table.replace_schema_metadata(meta), path)


def _change_places(path: Path, rng: random.Random) -> None:
    try:
        frame = gpd.read_parquet(path)
    except Exception:  # noqa: BLE001 - changed before
        return
    how = rng.randrange(5)
    odd = (None, Point(), Point(np.inf, 0), Point(1e300, -1e300), Polygon([(0, 0), (1, 1), (0, 1), (1, 0)]),
           Polygon(), Point(0, 0).buffer(1e6), frame.geometry.iloc[0].boundary)  # fmt: skip
    if how == 0:
        frame = frame.set_crs(rng.choice(["EPSG:4326", "EPSG:32649", "EPSG:3857"]), allow_override=True)
    elif how == 1:
        frame = gpd.GeoDataFrame(pd.DataFrame(frame), geometry="geometry", crs=None)
        frame["geometry"] = frame.geometry.set_crs(None, allow_override=True)
    else:
        shapes = list(frame.geometry)
        for row in range(len(shapes)) if how == 2 else [rng.randrange(len(shapes))]:
            shapes[row] = rng.choice(odd)
        frame["geometry"] = gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs)
    frame.to_parquet(path)


def _change_raster(path: Path, rng: random.Random) -> None:
    with rasterio.open(path) as source:
        profile, data = dict(source.profile), source.read(1)
    profile = {k: profile[k] for k in ("dtype", "height", "width", "crs", "transform", "nodata")} | {
        "driver": "GTiff",
        "count": 1,
    }
    how = rng.randrange(8)
    if how == 0:
        profile |= {
            "width": rng.choice((20_000, 200_000)),
            "height": 20_000,
            "sparse_ok": True,
            "tiled": True,
            "compress": "deflate",
        }
    elif how == 1:
        profile["crs"] = rng.choice([None, "EPSG:4326", "EPSG:32650"])
    elif how == 2:
        profile["dtype"] = rng.choice(["float64", "int16", "complex64", "uint8"])
        profile["nodata"] = None
    elif how == 3:
        profile["count"] = 2
    elif how == 4:
        a, b, c, d, e, f = tuple(profile["transform"])[:6]
        profile["transform"] = rasterio.Affine(*rng.choice([(a, b, c, d, -e, f), (0, 1, c, 1, 0, f), (a, b, 1e300, d, e, f),
                                                            (1e-9, b, c, d, -1e-9, f), (a * 2, b, c, d, e, f)]))  # fmt: skip
    elif how == 5:
        profile |= {"height": 1, "width": 1}
    elif how == 6:
        data = np.full_like(
            data, rng.choice((255, 6)) if data.dtype == np.uint8 else rng.choice((np.nan, np.inf, 1e38))
        )
    else:
        path.write_bytes(
            b"<VRTDataset rasterXSize='5' rasterYSize='5'/>"
            if rng.random() < 0.5
            else path.read_bytes()[:200]
        )
        return
    path.unlink()
    whole = how not in {0, 5}
    with rasterio.open(path, "w", **profile) as out:
        if whole:
            with np.errstate(invalid="ignore"):
                out.write(data.astype(profile["dtype"]), 1)


def _change_json(path: Path, rng: random.Random) -> None:
    if rng.random() < 0.15:
        path.write_text(
            rng.choice(["[" * 10_000, '{"a":' * 10_000, "null", "[]", "3", '"x"', "", '{"seed": 1e999}']),
            encoding="utf-8",
        )
        return
    tree = json.loads(path.read_text(encoding="utf-8"))
    for _ in range(rng.choice((1, 3))):
        at = tree
        while True:
            key = rng.choice(list(at) if isinstance(at, dict) else range(len(at)))
            if isinstance(at[key], (dict, list)) and at[key] and rng.random() < 0.6:
                at = at[key]
                continue
            if isinstance(at, dict) and rng.random() < 0.3:
                del at[key]
            else:
                at[key] = rng.choice(_VALUES)
            break
        if not tree:
            break
    path.write_text(json.dumps(tree), encoding="utf-8")


def _change_csv(path: Path, rng: random.Random) -> None:
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    k = rng.randrange(len(frame.columns))
    how = rng.randrange(5)
    if how == 0:
        frame = frame.drop(columns=frame.columns[k])
    elif how == 1:
        frame[frame.columns[k]] = frame[rng.choice(list(frame.columns))]
    elif how == 2:
        frame = pd.concat([frame, frame])
    elif len(frame):
        for row in rng.sample(range(len(frame)), min(len(frame), rng.choice((1, 3)))):
            frame.iloc[row, k] = rng.choice([*_TEXTS[:-1], *map(str, _NUMBERS)])
    frame.to_csv(path, index=False)

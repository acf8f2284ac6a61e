"""Made-up layers by their schemas, for the property tests of readers and writers."""

import unicodedata
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from hypothesis import strategies as st
from shapely import box

from phusong.region.schema import GEOMETRY_LAYERS, LAYERS, SCHEMAS, LayerColumn

CRS = "EPSG:32648"
_LETTERS = st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co", "Zl", "Zp"))
_NAMES = st.text(_LETTERS, max_size=12).map(lambda t: unicodedata.normalize("NFC", t).strip())
_WORDS = st.one_of(
    st.sampled_from(["Bản Mới", "=1+1", "'quoted'", 'said "no"', "a,b;c", "-x", "0012", "nan"]), _NAMES
)


def values_of(column: LayerColumn, rows: int) -> st.SearchStrategy[list[Any]]:
    """Return lists of values that the schema allows in a column."""
    if column.name == "province_shares":
        one: st.SearchStrategy[Any] = st.sampled_from(["", "08=0.61", "08=0.5;14=1"])
    elif column.digits:
        one = st.integers(0, 10**column.digits - 1).map(lambda k: f"{k:0{column.digits}d}")
    elif column.among:
        one = st.sampled_from(column.among)
    elif column.kind == "text":
        one = _WORDS.filter(bool) if column.key else _WORDS
    elif column.kind == "flag":
        one = st.booleans()
    elif column.kind == "whole":
        one = st.integers(int(column.least or 0), int(column.most if column.most is not None else 2**40))
    else:
        one = st.floats(column.least, column.most, allow_nan=False, allow_infinity=False, width=64)
    return st.lists(one, min_size=rows, max_size=rows, unique=column.key)


@st.composite
def layers(draw: st.DrawFn, layer: str, least_rows: int = 0) -> Any:
    """Return a frame of a layer as the reader gives it."""
    rows = draw(st.integers(least_rows, 5))
    dtypes = {"text": "str", "number": "float64", "whole": "int64", "flag": "bool"}
    table = pd.DataFrame(
        {c.name: pd.Series(draw(values_of(c, rows)), dtype=dtypes[c.kind]) for c in LAYERS[layer]}
    )
    if layer not in GEOMETRY_LAYERS:
        return table
    metres = st.floats(-50_000.0, 50_000.0, width=64)
    x = 500_000.0 + np.array(draw(st.lists(metres, min_size=rows, max_size=rows)), float)
    y = 2_400_000.0 + np.array(draw(st.lists(metres, min_size=rows, max_size=rows)), float)
    if "Point" in SCHEMAS[layer].columns["geometry"].checks[-1].statistics["types"]:
        return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(x, y, crs=CRS), crs=CRS)
    shapes = gpd.GeoSeries([box(a, b, a + 1500.5, b + 700.25) for a, b in zip(x, y, strict=True)], crs=CRS)
    return gpd.GeoDataFrame(table, geometry=shapes, crs=CRS)

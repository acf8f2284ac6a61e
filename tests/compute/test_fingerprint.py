"""Fingerprints: equal for equal values, different for any others, whatever the memory layout."""

from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from shapely.geometry import Point

from phusong.compute.serialize import fingerprint

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=12,
)


@given(VALUES, VALUES)
def test_values_that_differ_have_other_fingerprints(a, b):
    assert (fingerprint(a) == fingerprint(b)) == (repr(_plain(a)) == repr(_plain(b)))


def _plain(value):
    if isinstance(value, dict):
        return ["mapping", *[(k, _plain(value[k])) for k in sorted(value, key=repr)]]
    if isinstance(value, (list, tuple)):
        return ["sequence", *[_plain(v) for v in value]]
    return value


@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=4)))
def test_memory_layout_does_not_count_but_shape_does(values):
    mark = fingerprint(values)
    assert fingerprint(np.asfortranarray(values)) == mark
    assert fingerprint(values.ravel()) != mark
    assert fingerprint(values.astype(np.complex128)) != mark


def test_a_table_counts_by_its_columns_whatever_their_kind():
    table = pd.DataFrame({"name": ["a", "bc", None], "people": [1, 2, 3]})
    mark = fingerprint(table)
    assert fingerprint(table.copy()) == mark
    for other in (
        table.assign(name=["ab", "c", None]),
        table.assign(name=["a", "bc", "None"]),
        table.assign(people=[1, 2, 4]),
        table.rename(columns={"people": "person"}),
        table.iloc[::-1],
    ):
        assert fingerprint(other) != mark
    places = gpd.GeoDataFrame({"name": ["a"]}, geometry=[Point(1, 2)], crs=32648)
    assert fingerprint(places) != fingerprint(places.set_geometry([Point(1, 3)], crs=32648))


def test_a_dataclass_counts_by_name_and_fields():
    @dataclass(frozen=True)
    class One:
        a: int

    @dataclass(frozen=True)
    class Two:
        a: int

    assert len({fingerprint(v) for v in (One(1), One(2), Two(1))}) == 3


def test_what_has_no_content_is_refused():
    with pytest.raises(TypeError, match="function"):
        fingerprint([1, len])


def test_a_named_tuple_counts_by_name_too():
    class East(NamedTuple):
        values: np.ndarray

    class North(NamedTuple):
        values: np.ndarray

    values = np.arange(3.0)
    assert len({fingerprint(v) for v in (East(values), North(values), (values,), [values])}) == 3

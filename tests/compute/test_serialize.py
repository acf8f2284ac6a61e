"""Packing: what goes in comes out; what was damaged, cut or forged never does."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_matrix
from shapely.geometry import Point

from phusong.compute.serialize import PackingError, fingerprint, pack, unpack

ARRAYS = hnp.arrays(
    st.sampled_from([np.float32, np.int16, np.bool_, np.uint64, "<U3"]),
    hnp.array_shapes(min_side=0, max_side=4),
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS | ARRAYS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=10,
)


@dataclass(frozen=True)
class Found:
    names: tuple[str, ...]
    levels: np.ndarray
    table: pd.DataFrame


@given(VALUES)
def test_what_goes_in_comes_out(value):
    back = unpack(pack(value))
    assert type(back) is type(value)
    assert fingerprint(back) == fingerprint(value)


def test_dataclasses_tables_places_and_sparse_matrices_come_back():
    table = pd.DataFrame({"name": ["Sa Pả", None], "people": [1.5, np.nan], "n": [1, 2]})
    places = gpd.GeoDataFrame({"name": ["a"]}, geometry=[Point(1, 2)], crs=32648)
    value = [Found(("a", "b"), np.arange(6).reshape(2, 3), table), places, csr_matrix(np.eye(3))]
    found, where, matrix = unpack(pack(value), (Found,))
    assert found.names == ("a", "b")
    pd.testing.assert_frame_equal(found.table, table)
    assert where.crs == places.crs
    assert where.geometry.iloc[0] == Point(1, 2)
    assert (matrix != csr_matrix(np.eye(3))).nnz == 0


def test_a_type_that_nobody_expects_is_never_built():
    with pytest.raises(PackingError, match="Found"):
        unpack(pack(Found((), np.empty(0), pd.DataFrame())))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_and_nothing_else_happens(data):
    with pytest.raises(PackingError):
        unpack(data)


@given(st.data())
def test_a_flipped_or_lost_byte_gives_an_error_or_the_same_types(data):
    packed = bytearray(pack({"levels": np.arange(50, dtype=np.int16), "name": "x"}))
    at = data.draw(st.integers(0, len(packed) - 1))
    packed[at] ^= 1 << data.draw(st.integers(0, 7))
    cut = data.draw(st.integers(0, 2))
    try:
        unpack(bytes(packed[: len(packed) - cut]))
    except PackingError:
        return
    assert cut == 0


def test_a_few_bytes_cannot_claim_gigabytes():
    packed = bytearray(pack([1]))
    packed[4:12] = (2**40).to_bytes(8, "little")
    with pytest.raises(PackingError, match="cut"):
        unpack(bytes(packed))


def test_functions_are_refused():
    with pytest.raises(TypeError, match="builtin"):
        pack(len)

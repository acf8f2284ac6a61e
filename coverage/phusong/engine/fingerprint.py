"""Fingerprints: the same value gives the same few letters, on any machine and in any run."""

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

__all__ = ["fingerprint"]

_BYTES = 20
_NUMERIC = "biufc"


def fingerprint(value: object) -> str:
    """Return a digest of a value made of numbers, text, arrays, tables, mappings, sequences, sets and dataclasses.

    Two values have the same fingerprint when they hold the same, whatever their memory layout; the order of a
    mapping does not matter, that of a sequence does. Dataclasses and named tuples count by their names, too.

    Raises
    ------
    TypeError
        For a value of another kind, e.g. a function or an open file.

    Examples
    --------
    >>> fingerprint({"a": 1, "b": [1.5, None]}) == fingerprint({"b": [1.5, None], "a": 1})
    True
    >>> fingerprint(1) == fingerprint(1.0)
    False
    """
    total = hashlib.blake2b(digest_size=_BYTES)
    _feed(total, value)
    return total.hexdigest()


def _feed(total: Any, value: object) -> None:  # noqa: ANN401 - hashlib's type has no public name
    if value is None or isinstance(value, (bool, int, float, str)):
        # the kind stands before the text: 1, 1.0, "1" and True differ
        total.update(f"{type(value).__name__}:{value!r};".encode())
    elif isinstance(value, bytes):
        total.update(b"bytes%d:" % len(value))
        total.update(value)
    elif isinstance(value, np.ndarray):
        _feed_array(total, value)
    elif isinstance(value, np.generic):
        _feed_array(total, np.asarray(value))
    elif isinstance(value, pd.DataFrame):
        total.update(f"table:{len(value)};".encode())
        for name in value.columns:
            total.update(f"{name!r};".encode())
            _feed_column(total, value[name])
    elif isinstance(value, csr_matrix):
        _feed(total, (value.shape, value.indptr, value.indices, value.data))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        total.update(f"{type(value).__name__}(".encode())
        for field in dataclasses.fields(value):
            total.update(f"{field.name}=".encode())
            _feed(total, getattr(value, field.name))
    elif isinstance(value, Mapping):
        total.update(f"mapping:{len(value)};".encode())
        for key in sorted(value, key=repr):
            _feed(total, key)
            _feed(total, value[key])
    elif isinstance(value, (tuple, list)):
        if hasattr(value, "_fields"):
            total.update(f"{type(value).__name__}".encode())  # two named tuples of the same parts differ
        total.update(f"sequence:{len(value)};".encode())
        for item in value:
            _feed(total, item)
    elif isinstance(value, (set, frozenset)):
        total.update(f"set:{len(value)};".encode())
        for mark in sorted(fingerprint(item) for item in value):
            total.update(mark.encode())
    else:
        raise TypeError(f"no fingerprint of {type(value).__name__}")


def _feed_array(total: Any, value: np.ndarray[Any, Any]) -> None:  # noqa: ANN401
    total.update(f"array:{value.dtype.str}{value.shape};".encode())
    if value.dtype.hasobject:
        _feed_texts(total, value.ravel().tolist())
    else:
        total.update(np.ascontiguousarray(value).data if value.size else b"")


def _feed_column(total: Any, column: "pd.Series[Any]") -> None:  # noqa: ANN401
    if isinstance(column, gpd.GeoSeries):
        _feed_texts(total, column.to_wkb().tolist())
    elif getattr(column.dtype, "kind", "O") in _NUMERIC and isinstance(column.dtype, np.dtype):
        _feed_array(total, column.to_numpy())
    else:
        total.update(str(column.dtype).encode())
        missing = column.isna().to_numpy()
        _feed_array(total, missing)
        _feed_texts(total, column.astype(object).where(~missing, "").tolist())


def _feed_texts(total: Any, values: Iterable[object]) -> None:  # noqa: ANN401
    parts = [v if isinstance(v, bytes) else repr(v).encode() for v in values]
    # lengths first: "ab", "c" and "a", "bc" differ
    total.update(np.array([len(p) for p in parts], np.int64).data if parts else b"")
    total.update(b"".join(parts))

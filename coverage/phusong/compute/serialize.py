"""Fingerprints and code-free serialisation."""

import dataclasses
import hashlib
import io
import json
import math
import struct
from collections.abc import Iterable, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.sparse import csr_matrix

__all__ = ["PackingError", "fingerprint", "pack", "unpack"]

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


_HEAD = struct.Struct("<4sQQ")
_MAGIC = b"phs1"
_CODEC = "zstd"
_MOST_SQUEEZED = 20_000


class PackingError(ValueError):
    """Bytes that no value of the expected types was packed into."""


def pack(value: object, types: tuple[type, ...] | None = None) -> bytes:
    """Return a value as bytes; see :func:`unpack`.

    Parameters
    ----------
    value : object
        Number, text, array, table, sequence, mapping or dataclass.
    types : tuple of type, optional
        Dataclasses that :func:`unpack` will expect; any when left out.

    Raises
    ------
    PackingError
        If the value holds a dataclass that will not be expected.
    TypeError
        For a value of another kind.
    """
    blobs = _Blobs(None if types is None else frozenset(t.__name__ for t in types))
    tree = json.dumps(_node(value, blobs), ensure_ascii=False).encode()
    tree += b" " * (-len(tree) % 8)
    body = b"".join([struct.pack("<Q", len(tree)), tree, *blobs.pieces])
    squeezed: bytes = pa.compress(body, codec=_CODEC, asbytes=True)
    return _HEAD.pack(_MAGIC, len(body), len(squeezed)) + squeezed


def unpack(data: bytes, types: tuple[type, ...] = ()) -> Any:  # noqa: ANN401 - whatever was packed
    """Return the value in packed bytes.

    Parameters
    ----------
    data : bytes
        From :func:`pack`.
    types : tuple of type
        Dataclasses that may occur; nothing else is ever built from a name in the bytes.

    Raises
    ------
    PackingError
        If the bytes are cut, damaged, or hold a type that is not expected.
    """
    try:
        magic, size, squeezed = _HEAD.unpack_from(data)
        # a few bytes that claim to hold gigabytes are an attack, not a value
        _require(magic == _MAGIC and len(data) == _HEAD.size + squeezed and size < _MOST_SQUEEZED * squeezed)
        body = pa.decompress(data[_HEAD.size :], size, codec=_CODEC, asbytes=True)
        (length,) = struct.unpack_from("<Q", body)
        tree = json.loads(body[8 : 8 + length])
        return _value(tree, memoryview(body)[8 + length :], {t.__name__: t for t in types})
    except PackingError:
        raise
    except Exception as error:
        # whatever a damaged file makes of itself, it means the same: not usable
        raise PackingError(f"these bytes cannot be read ({type(error).__name__})") from error


def _require(sound: bool) -> None:  # noqa: FBT001 - a plain condition
    if not sound:
        raise PackingError("these bytes were not packed here, or are cut")


class _Blobs:
    """Pieces laid one after another, eight bytes apart so that arrays lie as the processor likes."""

    def __init__(self, expected: frozenset[str] | None) -> None:
        self.pieces: list[bytes] = []
        self.expected = expected
        self._end = 0

    def add(self, data: bytes) -> list[int]:
        """Return where a piece came to lie, and its length."""
        place = [self._end, len(data)]
        padded = data + b"\0" * (-len(data) % 8)
        self.pieces.append(padded)
        self._end += len(padded)
        return place


def _node(value: object, blobs: _Blobs) -> object:  # noqa: PLR0911 - one line a kind
    if value is None or isinstance(value, (bool, str, int, float)):
        return value
    if isinstance(value, np.generic):
        return {"scalar": _node(np.asarray(value), blobs)}
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            return {"objects": [list(value.shape), _node(value.ravel().tolist(), blobs)]}
        return {
            "array": [value.dtype.str, list(value.shape), blobs.add(np.ascontiguousarray(value).tobytes())]
        }
    if isinstance(value, (gpd.GeoDataFrame, pd.DataFrame)):
        file = io.BytesIO()
        value.to_parquet(file, compression=None)
        kind = "places" if isinstance(value, gpd.GeoDataFrame) else "table"
        return {kind: blobs.add(file.getvalue())}
    if isinstance(value, csr_matrix):
        parts = [_node(part, blobs) for part in (value.data, value.indices, value.indptr)]
        return {"csr": [*parts, list(value.shape)]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        if blobs.expected is not None and type(value).__name__ not in blobs.expected:
            raise PackingError(f"holds a {type(value).__name__}, which is not expected here")
        held = {f.name: _node(getattr(value, f.name), blobs) for f in dataclasses.fields(value)}
        return {"object": [type(value).__name__, held]}
    if isinstance(value, Mapping):
        return {"mapping": [[_node(k, blobs), _node(v, blobs)] for k, v in value.items()]}
    if isinstance(value, (tuple, list)):
        return {type(value).__name__: [_node(v, blobs) for v in value]}
    raise TypeError(f"cannot pack {type(value).__name__}")


def _value(node: Any, body: memoryview, types: Mapping[str, type]) -> Any:  # noqa: ANN401, PLR0911 - one line a kind
    if not isinstance(node, dict):
        return node
    ((kind, held),) = node.items()
    if kind == "array":
        dtype, shape, (start, length) = held
        return np.frombuffer(body[start : start + length], np.dtype(dtype)).reshape(shape).copy()
    if kind == "scalar":
        return _value(held, body, types)[()]
    if kind == "objects":
        values = _value(held[1], body, types)
        # a shape that claims more than is there would set memory aside for it
        _require(math.prod(held[0]) == len(values))
        out = np.empty(held[0], object)
        out.ravel()[:] = values
        return out
    if kind in {"table", "places"}:
        file = io.BytesIO(body[held[0] : held[0] + held[1]])
        return gpd.read_parquet(file) if kind == "places" else pd.read_parquet(file)
    if kind == "csr":
        data, indices, indptr = (_value(part, body, types) for part in held[:3])
        return csr_matrix((data, indices, indptr), shape=tuple(held[3]))
    if kind == "object":
        name, fields = held
        if name not in types:
            raise PackingError(f"holds a {name}, which is not expected here")
        return types[name](**{k: _value(v, body, types) for k, v in fields.items()})
    if kind == "mapping":
        return {_value(k, body, types): _value(v, body, types) for k, v in held}
    if kind in {"tuple", "list"}:
        items = [_value(v, body, types) for v in held]
        return tuple(items) if kind == "tuple" else items
    raise PackingError(f"holds a {kind}, which is not known")

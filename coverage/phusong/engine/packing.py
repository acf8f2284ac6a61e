"""Values as bytes and back: arrays, tables and our own dataclasses, and never code."""

import dataclasses
import io
import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.sparse import csr_matrix

__all__ = ["PackingError", "pack", "unpack"]

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

"""Reads and writes of arrays that the compiler may run several at a time.

Numba tells the compiler nothing about which arrays overlap, so a loop that looks heights up in a raster and stores
them is run one element after another. Here every read carries the promise that no write of the same function
touches it. **The promise is the caller's to keep: no function may both ``read`` and ``write`` the same element.**
Positions are not checked and do not count from the end when negative.
"""

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numba.np import arrayobj

from phusong.kernel_cache import nb

__all__ = ["between", "read", "write"]


def _apart(builder: ir.IRBuilder) -> Any:  # noqa: ANN401 - llvmlite's metadata has no public type
    domain = builder.module.add_metadata(["phusong lanes"])
    return builder.module.add_metadata([builder.module.add_metadata(["only read", domain])])


def _place(context: Any, builder: ir.IRBuilder, kind: Any, array: Any, at: Any) -> Any:  # noqa: ANN401
    return builder.gep(arrayobj.make_array(kind)(context, builder, array).data, [at])


@intrinsic
def read(_context: Any, array: Any, _at: Any) -> Any:  # noqa: ANN401 - numba's own protocol
    """Return one element of a contiguous array, counted through all its rows."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:  # noqa: ANN401
        value = builder.load(_place(context, builder, signature.args[0], args[0], args[1]))
        value.set_metadata("alias.scope", _apart(builder))
        return value

    return array.dtype(array, types.intp), generate


@intrinsic
def write(_context: Any, array: Any, _at: Any, _value: Any) -> Any:  # noqa: ANN401
    """Set one element of a contiguous array, counted through all its rows."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:  # noqa: ANN401
        store = builder.store(args[2], _place(context, builder, signature.args[0], args[0], args[1]))
        store.set_metadata("noalias", _apart(builder))
        return context.get_dummy_value()

    return types.void(array, types.intp, array.dtype), generate


@nb.njit(cache=True, nogil=True, error_model="numpy")
def between(ground, row, col):  # type: ignore[no-untyped-def]
    """Return the height under a point between pixel middles, or that of the nearest middle off the grid. [m]"""
    height, width = ground.shape
    row, col = min(max(row, 0.0), height - 1.0), min(max(col, 0.0), width - 1.0)
    r, c = min(int(row), height - 2), min(int(col), width - 2)
    down, right = row - r, col - c
    at = r * width + c
    a, b = read(ground, at), read(ground, at + 1)
    e, f = read(ground, at + width), read(ground, at + width + 1)
    upper, lower = a + right * (b - a), e + right * (f - e)
    return upper + down * (lower - upper)

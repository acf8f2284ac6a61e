"""Vectorisable logs, exps and loads.

The area kernels take a few logarithms per receiver, and those are most of what is left once the scans are gone.

Numba tells the compiler nothing about which arrays overlap, so a loop that looks heights up in a raster and stores
them is run one element after another. Here every read carries the promise that no write of the same function
touches it. **The promise is the caller's to keep: no function may both ``read`` and ``write`` the same element.**
Positions are not checked and do not count from the end when negative.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numba.np import arrayobj

from phusong.compute.kernels import nb

__all__ = [
    "DB_PER_OCTAVE",
    "LN2",
    "LOG2_10",
    "atan",
    "between",
    "exp",
    "exp2",
    "log2",
    "read",
    "third_of_arc",
    "write",
]

LN2 = 0.6931471805599453
LOG2_10 = 3.321928094887362
DB_PER_OCTAVE = 3.010299956639812  # 10·log10(2)
_ROOT_HALF_BITS = 0x3FE6A09E667F3BCD  # of sqrt(1/2): mantissas are taken from there up to sqrt(2)
_MANTISSA_BITS = 52
_QUARTER_TURN = 1.5707963267948966
_TAN_1_16, _TAN_3_16 = (
    0.41421356237309503,
    2.414213562373095,
)  # tangents of a sixteenth of a turn, and of three


@intrinsic
def _bits_of(_context: Any, _x: Any) -> Any:  # noqa: ANN401 - numba's own protocol
    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:  # noqa: ANN401
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def _of_bits(_context: Any, _x: Any) -> Any:  # noqa: ANN401
    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:  # noqa: ANN401
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), generate


@nb.njit(cache=True, nogil=True, inline="always", error_model="numpy")
def log2(x):  # type: ignore[no-untyped-def]
    """Return the binary logarithm of a positive, normal number."""
    bits = _bits_of(x)
    octaves = (bits - _ROOT_HALF_BITS) >> _MANTISSA_BITS
    mantissa = _of_bits(bits - (octaves << _MANTISSA_BITS))
    s = (mantissa - 1.0) / (mantissa + 1.0)
    z = s * s
    series = 1.0 / 11.0 + z * (1.0 / 13.0 + z * (1.0 / 15.0 + z * (1.0 / 17.0)))
    series = 1.0 + z * (1.0 / 3.0 + z * (1.0 / 5.0 + z * (1.0 / 7.0 + z * (1.0 / 9.0 + z * series))))
    return octaves + (2.0 / LN2) * s * series


@nb.njit(cache=True, nogil=True, inline="always", error_model="numpy")
def exp2(x):  # type: ignore[no-untyped-def]
    """Return two to the power x, held between 2^-1000 and 2^1000."""
    held = min(max(x, -1000.0), 1000.0)
    whole = int(held + 2048.5) - 2048
    f = (held - whole) * LN2
    series = 1.0 / 40320.0 + f * (1.0 / 362880.0 + f * (1.0 / 3628800.0 + f * (1.0 / 39916800.0)))
    series = 1.0 / 24.0 + f * (1.0 / 120.0 + f * (1.0 / 720.0 + f * (1.0 / 5040.0 + f * series)))
    series = 1.0 + f * (1.0 + f * (0.5 + f * (1.0 / 6.0 + f * series)))
    return _of_bits(_bits_of(series) + (whole << _MANTISSA_BITS))


@nb.njit(cache=True, nogil=True, inline="always", error_model="numpy")
def exp(x):  # type: ignore[no-untyped-def]
    """Return e to the power x."""
    return exp2(x / LN2)


@nb.njit(cache=True, nogil=True, inline="always", error_model="numpy")
def atan(x):  # type: ignore[no-untyped-def]
    """Return the arc tangent, to 1e-11: eighths of a turn and a series."""
    t = abs(x)
    steep, middling = t > _TAN_3_16, t > _TAN_1_16
    top, below = t - 1.0 if middling else t, t + 1.0 if middling else 1.0
    turn = 0.5 * _QUARTER_TURN if middling else 0.0
    top, below, turn = -1.0 if steep else top, t if steep else below, _QUARTER_TURN if steep else turn
    u = top / below
    z = u * u
    series = 1.0 / 17.0 - z * (1.0 / 19.0 - z * (1.0 / 21.0 - z * (1.0 / 23.0 - z / 25.0)))
    series = 1.0 / 9.0 - z * (1.0 / 11.0 - z * (1.0 / 13.0 - z * (1.0 / 15.0 - z * series)))
    series = 1.0 - z * (1.0 / 3.0 - z * (1.0 / 5.0 - z * (1.0 / 7.0 - z * series)))
    arc = turn + u * series
    return arc if x >= 0.0 else -arc


@nb.njit(cache=True, nogil=True, inline="always", error_model="numpy")
def third_of_arc(q):  # type: ignore[no-untyped-def]
    """Return the sine of a third of the arc whose sine is q, the root of 3·s - 4·s³ = q, to 1e-11."""
    y = atan(q / np.sqrt(max(1.0 - q * q, 1e-300))) / 3.0
    z = y * y
    series = 1.0 / 362880.0 - z * (1.0 / 39916800.0 - z / 6227020800.0)
    return y * (1.0 - z * (1.0 / 6.0 - z * (1.0 / 120.0 - z * (1.0 / 5040.0 - z * series))))


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

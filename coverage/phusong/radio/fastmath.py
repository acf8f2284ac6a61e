"""Logarithm and exponential that the compiler can run eight at a time, to 1e-14: no call into a library.

The area kernels take a few logarithms per receiver, and those are most of what is left once the scans are gone.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from phusong.kernel_cache import nb

__all__ = ["DB_PER_OCTAVE", "LN2", "LOG2_10", "atan", "exp", "exp2", "log2", "third_of_arc"]

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

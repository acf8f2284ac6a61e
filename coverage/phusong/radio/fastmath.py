"""Logarithm and exponential that the compiler can run eight at a time, to 1e-14: no call into a library.

The area kernels take a few logarithms per receiver, and those are most of what is left once the scans are gone.
"""

from typing import Any

import numba as nb
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

__all__ = ["DB_PER_OCTAVE", "LN2", "LOG2_10", "exp", "exp2", "log2"]

LN2 = 0.6931471805599453
LOG2_10 = 3.321928094887362
DB_PER_OCTAVE = 3.010299956639812  # 10·log10(2)
_ROOT_HALF_BITS = 0x3FE6A09E667F3BCD  # of sqrt(1/2): mantissas are taken from there up to sqrt(2)
_MANTISSA_BITS = 52


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

"""The law y = fixed + factor · n^exponent of some measurements, and how sure its exponent is."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from scipy.optimize import nnls
from scipy.stats import f as fisher

__all__ = ["NOISE_MIB", "Law", "fit", "laws_of"]

_EXPONENTS = np.round(np.arange(0.05, 3.001, 0.01), 2)
_PARAMETERS = 3
_LEAST_SIZES = _PARAMETERS + 1
NOISE_MIB = 8.0
"""Memory below it is not told from what kernels and the allocator hold by chance."""


@dataclass(frozen=True)
class Law:
    """y = fixed + factor · n^exponent.

    Parameters
    ----------
    exponent, low, high : float
        Of the growing part, and the interval that holds it in 95 of 100 cases.
    fixed, factor : float
        Unit of y.
    miss : float
        Largest distance of a measurement from the law, as a share of the measurement.
    first, last : float
        Smallest and largest size it was fitted to.
    """

    exponent: float
    low: float
    high: float
    fixed: float
    factor: float
    miss: float
    first: float
    last: float

    def __call__(self, size: float) -> float:
        """Return what the law says of a size."""
        return float(self.fixed + self.factor * size**self.exponent)

    @property
    def known(self) -> bool:
        """Return whether the growing part shows: it is above the fixed part at the largest size, its interval narrow."""
        return self.factor * self.last**self.exponent > self.fixed and self.high - self.low <= 1.0


def fit(sizes: Sequence[float], values: Sequence[float]) -> Law:
    """Return the law with the least sum of squared relative errors; neither part is negative.

    Parameters
    ----------
    sizes, values : sequence of float
        Measurements, above 0; at least four.

    Raises
    ------
    ValueError
        If there are fewer, or one is not above 0.

    Notes
    -----
    Errors are relative, so that a second too much at 100 s weighs no more than 10 ms at 1 s. For each exponent the
    two parts are linear least squares; the interval is that of the profile: exponents whose sum of squares stays
    below the least one times 1 + F(1, m - 3) / (m - 3), m being the number of sizes.
    """
    n, y = np.asarray(sizes, np.float64), np.asarray(values, np.float64)
    if n.size < _LEAST_SIZES or n.size != y.size:
        raise ValueError(
            f"a law needs at least {_LEAST_SIZES} measurements, each with its size; got {n.size}"
        )
    if not (np.all(n > 0) and np.all(y > 0) and np.all(np.isfinite(y))):
        raise ValueError("sizes and measurements must be above 0")
    scaled = n / n.max()  # keeps the two columns alike in size
    left = np.empty(_EXPONENTS.size)
    parts = np.empty((_EXPONENTS.size, 2))
    for row, exponent in enumerate(_EXPONENTS):
        columns = np.column_stack([1.0 / y, scaled**exponent / y])
        parts[row], distance = nnls(columns, np.ones(n.size))
        left[row] = distance**2
    best = int(np.argmin(left))
    free = n.size - _PARAMETERS
    # what a clock cannot tell apart is no certainty: errors below one in a thousand count as one in a thousand
    least = max(left[best], n.size * 1e-6)
    inside = _EXPONENTS[left <= least * (1.0 + float(fisher.ppf(0.95, 1, free)) / free)]
    exponent = float(_EXPONENTS[best])
    fixed, grown = parts[best]
    said = fixed + grown * scaled**exponent
    return Law(
        exponent, float(inside.min()), float(inside.max()), float(fixed), float(grown / n.max() ** exponent),
        float(np.abs(said / y - 1.0).max()), float(n.min()), float(n.max()),
    )  # fmt: skip


def laws_of(axis: dict[str, Any]) -> tuple[Law | None, Law | None]:
    """Return the laws of the median processor seconds and of memory; None where too few sizes stand above the noise."""
    points = [p for p in axis["points"] if p["size"] >= axis.get("law_from", 0)]
    above = [p for p in points if p["mib"] >= NOISE_MIB]
    spent = memory = None
    if len(points) >= _LEAST_SIZES:
        spent = fit([p["size"] for p in points], [median(p["cpu_s"]) for p in points])
    if len(above) >= _LEAST_SIZES:
        memory = fit([p["size"] for p in above], [p["mib"] for p in above])
    return spent, memory

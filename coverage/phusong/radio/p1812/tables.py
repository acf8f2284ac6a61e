"""What P.1812 needs of distance alone and of frequency alone, once for a sweep.

Equation numbers as in the reference: Recommendation ITU-R P.1812-7 (08/2023).
"""

import numpy as np

from phusong.kernel_cache import nb
from phusong.radio.fastmath import LOG2_10, exp2, log2
from phusong.radio.p1812.terms import OCTAVES_20, duct_by_time, inverse_normal, log10_beta0

__all__ = ["by_distance", "by_frequency"]

TABLE_KM = 0.05  # spacing of the tables over distance: cubic between them, to 1e-9
BETA, PER_NORMAL, DUCT = 0, 1, 2  # their rows
OCTAVE, FREE, PER_ROOT_M, SCATTER, DUCT_FIXED, CUBE_ROOT, DUCT_ANGLE = range(7)  # columns over frequency


@nb.njit(cache=True, nogil=True, error_model="numpy")
def by_distance(farthest_km, percent, latitude_deg):  # type: ignore[no-untyped-def]
    """Return what depends on distance alone on inland paths, shape (3, n): log10 β0, 1/I(β0/100), and a floor.

    The floor is that of the time-dependent part of ducting from one entry to the next, equation (53).
    """
    n = int(farthest_km / TABLE_KM) + 5
    table = np.empty((3, n))
    for j in range(n):
        d = max(j, 0.5) * TABLE_KM
        log_beta0 = log10_beta0(latitude_deg, d, d)
        table[BETA, j] = log_beta0
        table[PER_NORMAL, j] = 1.0 / inverse_normal(exp2(LOG2_10 * (log_beta0 - 2.0)))
        table[DUCT, j] = duct_by_time(percent, log_beta0, d, log2(d))
    for j in range(n - 1):
        table[DUCT, j] = min(table[DUCT, j], table[DUCT, j + 1]) - 0.5
    return table


@nb.njit(cache=True, nogil=True, error_model="numpy")
def by_frequency(ghz, percent, n0):  # type: ignore[no-untyped-def]
    """Return what depends on frequency alone, a row each."""
    bands = np.empty((ghz.size, 7))
    octave_p = log2(50.0 / percent)
    for f in range(ghz.size):
        octave = log2(ghz[f])
        half = (octave - 1.0) / LOG2_10
        scatter = 190.1 + 25.0 * octave / LOG2_10 - 2.5 * half * half - 0.15 * n0  # (44), (45)
        if octave_p > 1e-12:
            scatter -= 10.125 * exp2(0.7 * log2(octave_p / LOG2_10))
        low = 45.375 - 137.0 * ghz[f] + 92.5 * ghz[f] * ghz[f] if ghz[f] < 0.5 else 0.0  # (47a)
        bands[f, OCTAVE] = octave
        bands[f, FREE] = 92.4 + OCTAVES_20 * octave
        bands[f, PER_ROOT_M] = np.sqrt(ghz[f] / 0.2998)
        bands[f, SCATTER] = scatter
        bands[f, DUCT_FIXED] = 102.45 + OCTAVES_20 * octave + low
        bands[f, CUBE_ROOT] = exp2(octave / 3.0)
        bands[f, DUCT_ANGLE] = 5e-5 * bands[f, CUBE_ROOT]  # times the Earth's radius
    return bands

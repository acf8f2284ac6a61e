"""Terms of the mechanisms, and their tables by distance and frequency.

Equation numbers as in the reference: Recommendation ITU-R P.1812-7 (08/2023).

Equation numbers as in the reference: Recommendation ITU-R P.1812-7 (08/2023).
"""

import numpy as np

from phusong.compute.kernels import nb
from phusong.radio.simd import DB_PER_OCTAVE, LN2, LOG2_10, exp, exp2, log2, read

__all__ = [
    "OCTAVES_20",
    "by_distance",
    "by_frequency",
    "duct_by_time",
    "inverse_normal",
    "log10_beta0",
    "log10_terrain_share",
    "nearest_point",
    "roughness",
    "sea_gain",
    "shielding",
    "zones_along",
]

OCTAVES_20 = 2.0 * DB_PER_OCTAVE  # 20·log10(x) = this · log2(x)
_SEA, _INLAND = 1, 4


@nb.njit(cache=True, nogil=True, error_model="numpy")
def inverse_normal(x):  # type: ignore[no-untyped-def]
    """I(x) for x up to a half, attachment 2."""
    t = np.sqrt(-2.0 * LN2 * log2(max(x, 1e-6)))
    top = (0.010328 * t + 0.802853) * t + 2.515516698
    return t - top / (((0.001308 * t + 0.189269) * t + 1.432788) * t + 1.0)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _tau(inland_km):  # type: ignore[no-untyped-def]
    return 1.0 - exp(-4.12e-4 * exp2(2.41 * log2(max(inland_km, 1e-9))))


@nb.njit(cache=True, nogil=True, error_model="numpy")
def log10_beta0(latitude_deg, land_km, inland_km):  # type: ignore[no-untyped-def]
    """Equations (2) to (5), as a decimal logarithm."""
    tau = _tau(inland_km)
    both = exp2(-LOG2_10 * land_km / (16.0 - 6.6 * tau)) + exp2(-LOG2_10 * 5.0 * (0.496 + 0.354 * tau))
    log_mu1 = min(0.2 * log2(both) / LOG2_10, 0.0)
    phi = abs(latitude_deg)
    if phi <= 70.0:
        return -0.015 * phi + 1.67 + log_mu1 * (1.0 - 0.935 + 0.0176 * phi)
    return 0.6201360549737576 + 1.3 * log_mu1


@nb.njit(cache=True, nogil=True, error_model="numpy")
def duct_by_time(percent, log_beta, d, log_d):  # type: ignore[no-untyped-def]
    """Equations (53), (53a); falls as β grows."""
    gamma = (
        1.076
        * exp2(-1.012 * log2(2.0058 - log_beta))
        * exp(-(9.51 - 4.8 * log_beta + 0.198 * log_beta * log_beta) * 1e-6 * exp2(1.13 * log_d))
    )
    log_share = log2(percent) / LOG2_10 - log_beta
    return -12.0 + (1.2 + 3.7e-3 * d) * log_share + 12.0 * exp2(LOG2_10 * log_share * gamma)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def shielding(f, cube_root_f, tx_mrad, tx_far, rx_mrad, rx_far):  # type: ignore[no-untyped-def]
    """Loss by both terminals' own horizons, equation (48), without a branch."""
    tx_above, rx_above = max(tx_mrad - 0.1 * tx_far, 0.0), max(rx_mrad - 0.1 * rx_far, 0.0)
    both = (1.0 + 0.361 * tx_above * np.sqrt(f * tx_far)) * (1.0 + 0.361 * rx_above * np.sqrt(f * rx_far))
    return OCTAVES_20 * log2(both) + 0.264 * (tx_above + rx_above) * cube_root_f


@nb.njit(cache=True, nogil=True, error_model="numpy")
def sea_gain(sea_share, coast_km, far, height_m):  # type: ignore[no-untyped-def]
    """Coupling of a coastal terminal to ducts over the sea, equation (49)."""
    if sea_share < 0.75 or coast_km > far or coast_km > 5.0:
        return 0.0
    return 3.0 * np.exp(-0.25 * coast_km * coast_km) * (1.0 + np.tanh(0.07 * (50.0 - height_m)))


@nb.njit(cache=True, nogil=True, error_model="numpy")
def log10_terrain_share(d, log_d, earth, tx_eff, rx_eff, rough, inland_km, reach_km):  # type: ignore[no-untyped-def]
    """log10(μ2·μ3), equations (55), (56)."""
    alpha = max(-0.6 - 3.5e-9 * exp2(3.1 * log_d) * _tau(inland_km), -3.4)
    spread = np.sqrt(tx_eff) + np.sqrt(rx_eff)
    log_share = min(alpha * (log2(500.0 / earth) + 2.0 * (log_d - log2(spread))), 0.0) / LOG2_10
    if rough > 10.0:
        log_share -= 4.6e-5 * (rough - 10.0) * (43.0 + 6.0 * min(d - reach_km, 40.0)) / (LN2 * LOG2_10)
    return log_share


@nb.njit(cache=True, nogil=True, error_model="numpy")
def nearest_point(h, tail, k, n, own, step_km, d, tx, slope, a):  # type: ignore[no-untyped-def]
    """Return the distance of the point nearest to blocking a clear path; the middle where there is none. [km]"""
    least = _least_clear(h, n, step_km, d, tx, slope, a)
    at = _which_clear(h, n, step_km, d, tx, slope, a, least) * step_km if n > 0 else d / 2.0
    for t in range(own - 1, -1, -1):
        x = d - (t + 1) * step_km
        gap = tx + slope * x - (tail[t, k] - a * x * x)
        if gap * gap < least * (x * (d - x)):
            at, least = x, gap * gap / (x * (d - x))
    return at


@nb.njit(cache=True, nogil=True, error_model="numpy", fastmath={"nnan", "nsz"})
def _least_clear(h, n, step_km, d, tx, slope, a):  # type: ignore[no-untyped-def]
    least = np.inf
    for j in range(1, n + 1):
        x = j * step_km
        gap = tx + slope * x - (read(h, j) - a * x * x)
        least = min(least, gap * gap / (x * (d - x)))
    return least


@nb.njit(cache=True, nogil=True, error_model="numpy", fastmath={"nnan", "nsz"})
def _which_clear(h, n, step_km, d, tx, slope, a, least):  # type: ignore[no-untyped-def]
    """Return the number of the point with this clearance: all looked at again, several at a time."""
    which = 0
    for j in range(1, n + 1):
        x = j * step_km
        gap = tx + slope * x - (read(h, j) - a * x * x)
        which = max(which, j if gap * gap / (x * (d - x)) <= least else 0)
    return which


@nb.njit(cache=True, nogil=True, error_model="numpy")
def roughness(h, tail, k, n, own, step_km, d, tx_far, rx_far, tx_low, rx_low):  # type: ignore[no-untyped-def]
    """Equation (93), over the points between the horizons."""
    slope = (rx_low - tx_low) / d
    first, last = min(tx_far, d - rx_far) - 1e-9, max(tx_far, d - rx_far) + 1e-9
    start = max(int(np.ceil(first / step_km)), 1)
    most = _most_above(h, start, min(int(last / step_km), n) + 1, tx_low, slope * step_km)
    for t in range(own):
        x = d - (t + 1) * step_km
        if x >= first and x <= last:
            most = max(most, tail[t, k] - tx_low - slope * x)
    return most


@nb.njit(cache=True, nogil=True, error_model="numpy", fastmath={"nnan", "nsz"})
def _most_above(h, first, stop, start, slope):  # type: ignore[no-untyped-def]
    most = -1e300
    for j in range(first, stop):
        most = max(most, read(h, j) - start - slope * j)
    return most


@nb.njit(cache=True, nogil=True, error_model="numpy")
def zones_along(zone, tail_zone, k, last_zone, n, own, step_km, d):  # type: ignore[no-untyped-def]
    """Return the share over sea and the longest stretches of land and of inland; near coasts only. [km]

    A point stands for the path half-way to its neighbours.
    """
    sea, land, inland = 0.0, 0.0, 0.0
    longest_land, longest_inland = 0.0, 0.0
    here, kind, start = 0.0, zone[0], 0.0
    for j in range(1, n + own + 3):
        if j <= n:
            x, following = j * step_km, zone[j]
        elif j <= n + own:
            x, following = d - (n + own + 1 - j) * step_km, tail_zone[n + own - j, k]
        else:
            x, following = d, last_zone
        stop = d if j == n + own + 2 else 0.5 * (here + x)
        length = stop - start
        if kind == _SEA:
            sea += length
        land = 0.0 if kind == _SEA else land + length
        inland = inland + length if kind == _INLAND else 0.0
        longest_land = max(longest_land, land)
        longest_inland = max(longest_inland, inland)
        here, kind, start = x, following, stop
    return sea / d, longest_land, longest_inland


TABLE_KM = 0.05  # spacing of the tables over distance: cubic between them, to 1e-9
BETA, PER_NORMAL, DUCT = 0, 1, 2  # their rows
GHZ, OCTAVE, FREE, PER_ROOT_M, SCATTER, DUCT_FIXED, CUBE_ROOT, DUCT_ANGLE = range(8)  # columns over frequency


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
    bands = np.empty((ghz.size, 8))
    octave_p = log2(50.0 / percent)
    for f in range(ghz.size):
        octave = log2(ghz[f])
        half = (octave - 1.0) / LOG2_10
        scatter = 190.1 + 25.0 * octave / LOG2_10 - 2.5 * half * half - 0.15 * n0  # (44), (45)
        if octave_p > 1e-12:
            scatter -= 10.125 * exp2(0.7 * log2(octave_p / LOG2_10))
        low = 45.375 - 137.0 * ghz[f] + 92.5 * ghz[f] * ghz[f] if ghz[f] < 0.5 else 0.0  # (47a)
        bands[f, GHZ] = ghz[f]
        bands[f, OCTAVE] = octave
        bands[f, FREE] = 92.4 + OCTAVES_20 * octave
        bands[f, PER_ROOT_M] = np.sqrt(ghz[f] / 0.2998)
        bands[f, SCATTER] = scatter
        bands[f, DUCT_FIXED] = 102.45 + OCTAVES_20 * octave + low
        bands[f, CUBE_ROOT] = exp2(octave / 3.0)
        bands[f, DUCT_ANGLE] = 5e-5 * bands[f, CUBE_ROOT]  # times the Earth's radius
    return bands

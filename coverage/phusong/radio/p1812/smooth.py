"""Diffraction over the smooth Earth, for several receivers at a time: delta-Bullington's correction.

Equation numbers as in the reference: Recommendation ITU-R P.1812-7 (08/2023). Only receivers for which a bound says
that it can matter are picked; all arithmetic is free of branches.
"""

import numpy as np

from phusong.compute.kernels import nb
from phusong.radio.simd import DB_PER_OCTAVE, exp, exp2, log2, read, third_of_arc, write
from phusong.radio.terrain_profile import APPROACH

__all__ = ["PICKED_ROWS", "bullington", "smooth_excess"]

_OCTAVES_20 = 2.0 * DB_PER_OCTAVE  # 20·log10(x) = this · log2(x)
# ground for the first term of the series, conductivity in S/m
_LAND_PERMITTIVITY, _LAND_CONDUCTIVITY, _SEA_PERMITTIVITY, _SEA_CONDUCTIVITY = 22.0, 0.003, 80.0, 5.0
# rows of what is picked, a column each: path length [km] and its binary logarithm; antennas above the smooth surface
# [m]; points of the ray and of the receiver's own; share of sea; where the clearance is least [km]; by what the first
# term counts; binary logarithm of the Earth's radius in it; the smooth Earth's loss [dB]
(D, LOG_D, TX, RX, POINTS, OWN, SEA_SHARE, NEAREST, SHARE, LOG_EARTH, SPHERE) = range(11)
PICKED_ROWS = 11
_KEPT = 10  # rows to move when some are dropped


@nb.njit(cache=True, nogil=True, error_model="numpy")
def bullington(nu, d):  # type: ignore[no-untyped-def]
    """Equations (12) and (21)."""
    above = max(nu, -0.78) - 0.1
    edge = 6.9 + _OCTAVES_20 * log2(np.sqrt(above * above + 1.0) + above)
    edge = edge if nu > -0.78 else 0.0
    return edge + (1.0 - exp(edge / -6.0)) * (10.0 + 0.02 * d)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def smooth_excess(picked, pick, count, earth, f, octave_f, per_root_m, horizontal, step_km, excess):  # type: ignore[no-untyped-def]
    """Add what the spherical Earth loses beyond Bullington's construction over it to ``excess``, (38) to (40). [dB]

    Parameters
    ----------
    picked : float64 array, shape (PICKED_ROWS, at least count)
        The first rows, up to the share of sea, filled; the others are filled here, and columns dropped.
    pick : int64 array
        Which receiver each column is.
    count : int
        How many columns.
    earth, f, octave_f, per_root_m : float
        Effective Earth radius [km], frequency [GHz], its binary logarithm, 1/√λ.
    horizontal, step_km
        As for :func:`phusong.radio.p1812.kernel.loss_along`.
    excess : float64 array
        For each receiver, as ``pick`` numbers them.
    """
    _grazing(picked, count, earth, f)
    kept = 0
    for c in range(count):
        if picked[SHARE, c] > 0.0:
            if kept < c:
                pick[kept] = pick[c]
                for row in range(_KEPT):
                    picked[row, kept] = picked[row, c]
            kept += 1
    _spheres(picked, kept, f, octave_f, horizontal)
    for c in range(kept):
        sea = picked[SEA_SHARE, c]
        if sea > 0.0:
            over_sea = picked[SHARE, c] * _first_term(
                picked[LOG_D, c], picked[TX, c], picked[RX, c], picked[LOG_EARTH, c], octave_f, f, horizontal,
                _SEA_PERMITTIVITY, _SEA_CONDUCTIVITY,
            )  # fmt: skip
            picked[SPHERE, c] = sea * over_sea + (1.0 - sea) * picked[SPHERE, c]  # (29)
    _beyond_bullington(picked, kept, 500.0 / earth, per_root_m, step_km)
    for c in range(kept):
        excess[pick[c]] += max(picked[SHARE, c], 0.0)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _grazing(picked, count, earth, f):  # type: ignore[no-untyped-def]
    """Fill where the clearance is least, and with which Earth and by what the first term counts, (22) to (28)."""
    size = picked.shape[1]
    wavelength, bulge, per_root = 0.2998 / f, 500.0 / earth, np.sqrt(0.002 * earth)
    for c in range(count):
        d, log_d = read(picked, c), read(picked, LOG_D * size + c)
        tx, rx = read(picked, TX * size + c), read(picked, RX * size + c)
        both = tx + rx
        m = 250.0 * d * d / (earth * both)
        third = np.sqrt(3.0 * m / (m + 1.0))
        b = (2.0 / third) * third_of_arc(1.5 * (tx - rx) / both * third / (m + 1.0))
        d1 = 0.5 * d * (1.0 + b)
        d2 = d - d1
        clearance = ((tx - bulge * d1 * d1) * d2 + (rx - bulge * d2 * d2) * d1) / d
        share = 1.0 - clearance / (17.456 * np.sqrt(d1 * d2 * wavelength / d))
        roots = np.sqrt(tx) + np.sqrt(rx)
        beyond = d >= per_root * roots
        grazing = 2.0 * (log_d - log2(roots)) + 8.965784284662087  # log2 of (27); log2(500)
        write(picked, NEAREST * size + c, d1)
        write(picked, SHARE * size + c, 1.0 if beyond else share)
        write(picked, LOG_EARTH * size + c, log2(earth) if beyond else grazing)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _spheres(picked, count, f, octave_f, horizontal):  # type: ignore[no-untyped-def]
    """Fill the loss over a smooth Earth of land."""
    size = picked.shape[1]
    for c in range(count):
        term = _first_term(
            read(picked, LOG_D * size + c), read(picked, TX * size + c), read(picked, RX * size + c),
            read(picked, LOG_EARTH * size + c), octave_f, f, horizontal, _LAND_PERMITTIVITY, _LAND_CONDUCTIVITY,
        )  # fmt: skip
        write(picked, SPHERE * size + c, read(picked, SHARE * size + c) * term)


@nb.njit(cache=True, nogil=True, inline="always", error_model="numpy")
def _first_term(log_d, tx, rx, log_earth, octave_f, f, horizontal, permittivity, conductivity):  # type: ignore[no-untyped-def]
    """Equations (30) to (37), powers taken as sums of logarithms."""
    damp = (18.0 * conductivity / f) ** 2
    log_k = -4.795859283219775 - (log_earth + octave_f) / 3.0 - 0.25 * log2((permittivity - 1.0) ** 2 + damp)
    log_k += 0.0 if horizontal else 0.5 * log2(permittivity * permittivity + damp)
    k2 = exp2(2.0 * log_k)
    beta = (1.0 + 1.6 * k2 + 0.67 * k2 * k2) / (1.0 + 4.5 * k2 + 1.53 * k2 * k2)
    x = 21.88 * beta * exp2((octave_f - 2.0 * log_earth) / 3.0 + log_d)
    log_x = log2(x)
    far = -11.0 - DB_PER_OCTAVE * log_x + 17.6 * x
    near = _OCTAVES_20 * log_x + 5.6488 * exp2(1.425 * log_x)
    least = 2.0 + _OCTAVES_20 * log_k
    scale = 0.9575 * beta * beta * exp2((2.0 * octave_f - log_earth) / 3.0)
    loss = near + _one_if(x >= 1.6) * (far - near)
    return loss - _height_gain(scale * tx, least) - _height_gain(scale * rx, least)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _height_gain(b, least):  # type: ignore[no-untyped-def]
    """Equation (35)."""
    high = _one_if(b > 2.0)
    over, cubic = max(b - 1.1, 0.9), max(b + 0.1 * b * b * b, 1e-300)
    octaves = log2(cubic + high * (over - cubic))
    low_gain = _OCTAVES_20 * octaves
    gain = low_gain + high * (17.6 * np.sqrt(over) - 0.5 * DB_PER_OCTAVE * octaves - 8.0 - low_gain)
    return max(gain, least)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _one_if(condition):  # type: ignore[no-untyped-def]
    """Return 1 or 0: products of it choose without a branch, which a choice between costly terms would become."""
    return 1.0 if condition else 0.0


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _beyond_bullington(picked, count, a, per_root_m, step_km):  # type: ignore[no-untyped-def]
    """Replace the first term's share by what the sphere loses beyond Bullington over it at the profile's points.

    Every extreme over the smooth Earth is at one of the two points of the ray round it, or at the receiver's own.
    """
    size = picked.shape[1]
    for c in range(count):
        d, tx, rx = read(picked, c), read(picked, TX * size + c), read(picked, RX * size + c)
        n, own = read(picked, POINTS * size + c), read(picked, OWN * size + c)
        end = rx - a * d * d
        slope = (end - tx) / d
        rise, back, least = -1e30, -1e30, 1e30
        for part in range(3):
            wanted = read(picked, NEAREST * size + c)
            wanted = np.sqrt(tx / a) if part == 0 else wanted
            wanted = d - np.sqrt(rx / a) if part == 1 else wanted
            below = max(min(np.floor(wanted / step_km), n), 1.0)
            for above in range(2):
                x = min(below + above, max(n, 1.0)) * step_km
                there = n > 0.5
                x = x if there else 0.5 * d
                up = (-a * x * x - tx) / x
                down = (-a * x * x - end) / (d - x)
                gap = tx + slope * x + a * x * x
                clear = gap * gap / (x * (d - x))
                rise = max(rise, up) if part == 0 and there else rise
                back = max(back, down) if part == 1 and there else back
                least = min(least, clear) if part == 2 and there else least
        for t in range(APPROACH):
            there = own > t + 0.5
            away = (t + 1.0) * step_km
            x = d - away if there else 0.5 * d
            away = away if there else 0.5 * d
            gap = tx + slope * x + a * x * x
            rise = max(rise, (-a * x * x - tx) / x) if there else rise
            back = max(back, (-a * x * x - end) / away) if there else back
            least = min(least, gap * gap / (x * away)) if there else least
        both = rise + back
        x = (end - tx + back * d) / both
        meet = (x > 0.0) & (x < d)
        x = x if meet else 0.5 * d
        hidden = (rise - slope) * x * np.sqrt(0.002 * d / (x * (d - x)))
        nu = -np.sqrt(0.002 * d * least) if rise < slope else hidden if meet else 0.0
        write(picked, SHARE * size + c, read(picked, SPHERE * size + c) - bullington(nu * per_root_m, d))

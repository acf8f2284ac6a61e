"""Spread of ITM's loss over time, places and situations, by radio climate."""

import math

import numpy as np

from phusong.kernel_cache import nb
from phusong.radio.itm.profile import roughness_within

__all__ = ["CLIMATES", "SITUATION", "deviate", "with_variability"]

CLIMATES = (
    "equatorial", "continental subtropical", "maritime subtropical", "desert", "continental temperate",
    "maritime temperate over land", "maritime temperate over sea",
)  # fmt: skip
SITUATION = ("single message", "accidental", "mobile", "broadcast")

# columns: the seven climates; rows: median curve, spread below and above it, frequency factors
_MEDIAN = np.array(
    [
        [-9.67, -0.62, 1.26, -9.21, -0.62, -0.39, 3.15],
        [12.7, 9.19, 15.5, 9.05, 9.19, 2.86, 857.9],
        [144.9e3, 228.9e3, 262.6e3, 84.1e3, 228.9e3, 141.7e3, 2222.0e3],
        [190.3e3, 205.2e3, 185.2e3, 101.1e3, 205.2e3, 315.9e3, 164.8e3],
        [133.8e3, 143.6e3, 99.8e3, 98.6e3, 143.6e3, 167.4e3, 116.3e3],
    ]
)
_BELOW = np.array(
    [
        [2.13, 2.66, 6.11, 1.98, 2.68, 6.86, 8.51],
        [159.5, 7.67, 6.65, 13.11, 7.16, 10.38, 169.8],
        [762.2e3, 100.4e3, 138.2e3, 139.1e3, 93.7e3, 187.8e3, 609.8e3],
        [123.6e3, 172.5e3, 242.2e3, 132.7e3, 186.8e3, 169.6e3, 119.9e3],
        [94.5e3, 136.4e3, 178.6e3, 193.5e3, 133.5e3, 108.9e3, 106.6e3],
    ]
)
_ABOVE = np.array(
    [
        [2.11, 6.87, 10.08, 3.68, 4.75, 8.58, 8.43],
        [102.3, 15.53, 9.60, 159.3, 8.12, 13.97, 8.19],
        [636.9e3, 138.7e3, 165.3e3, 464.4e3, 93.2e3, 216.0e3, 136.2e3],
        [134.8e3, 143.7e3, 225.7e3, 93.1e3, 135.9e3, 152.0e3, 188.5e3],
        [95.6e3, 98.6e3, 129.7e3, 94.2e3, 113.4e3, 122.7e3, 122.9e3],
    ]
)
_DUCT_SHARE = np.array([1.224, 0.801, 1.380, 1.000, 1.224, 1.518, 1.518])
_DUCT_DEVIATE = np.array([1.282, 2.161, 1.282, 20.0, 1.282, 1.282, 1.282])
_FACTOR_BELOW = np.array(
    [[1.0, 1.0, 1.0, 1.0, 0.92, 1.0, 1.0], [0, 0, 0, 0, 0.25, 0, 0], [0, 0, 0, 0, 1.77, 0, 0]]
)
_FACTOR_ABOVE = np.array(
    [[1.0, 0.93, 1.0, 0.93, 0.93, 1.0, 1.0], [0, 0.31, 0, 0.19, 0.31, 0, 0], [0, 2.0, 0, 1.79, 2.0, 0, 0]]
)


def deviate(q: float) -> float:
    """Inverse complementary normal, the approximation of the algorithm itself."""
    if q > 0.5:
        return -deviate(1.0 - q)
    t = math.sqrt(-2.0 * math.log(q))
    top = (0.010328 * t + 0.802853) * t + 2.515516698
    return t - top / (((0.001308 * t + 0.189269) * t + 1.432788) * t + 1.0)


@nb.njit(cache=True, nogil=True)
def _curve(c, k, d):  # type: ignore[no-untyped-def]
    rise = (d / c[2, k]) ** 2
    return (c[0, k] + c[1, k] / (1.0 + ((d - c[3, k]) / c[4, k]) ** 2)) * rise / (1.0 + rise)


@nb.njit(cache=True, nogil=True)
def with_variability(a_ref, d, eff_1, eff_2, rough, f, k, deviates, variability):  # type: ignore[no-untyped-def]
    """Return the attenuation over free space with its spread over time, places and situations. [dB]"""
    z_t, z_l, z_s = deviates[0], deviates[1], deviates[2]
    mode = variability % 10
    no_location = (variability // 10) % 2 == 1
    no_situation = variability >= 20
    if mode == 0:
        z_t, z_l = z_s, z_s
    elif mode == 1:
        z_l = z_s
    elif mode == 2:
        z_l = z_t
    wave = f / 47.7
    d_x = math.sqrt(18e6 * eff_1) + math.sqrt(18e6 * eff_2) + (575.7e12 / wave) ** (1.0 / 3.0)
    d_e = 130e3 * d / d_x if d < d_x else 130e3 + d - d_x
    sigma_s = 0.0 if no_situation else 5.0 + 3.0 * math.exp(-d_e / 100e3)
    sigma_l = 0.0
    if not no_location:
        ruffled = wave * roughness_within(d, rough)
        sigma_l = 10.0 * ruffled / (ruffled + 13.0)
    y_l = sigma_l * z_l
    q = math.log(0.133 * wave)
    below = _FACTOR_BELOW[0, k] + _FACTOR_BELOW[1, k] / ((_FACTOR_BELOW[2, k] * q) ** 2 + 1.0)
    above = _FACTOR_ABOVE[0, k] + _FACTOR_ABOVE[1, k] / ((_FACTOR_ABOVE[2, k] * q) ** 2 + 1.0)
    s_below, s_above = _curve(_BELOW, k, d_e) * below, _curve(_ABOVE, k, d_e) * above
    s_duct = s_above * _DUCT_SHARE[k]
    if z_t < 0.0:
        sigma_t = s_below
    elif z_t <= _DUCT_DEVIATE[k]:
        sigma_t = s_above
    else:
        sigma_t = s_duct + (s_above - s_duct) * _DUCT_DEVIATE[k] / z_t
    y_t = sigma_t * z_t
    rest = sigma_s**2 + y_t**2 / (7.8 + z_s**2) + y_l**2 / (24.0 + z_s**2)
    if mode == 0:
        y_r, y_s = 0.0, math.sqrt(sigma_t**2 + sigma_l**2 + rest) * z_s
    elif mode == 1:
        y_r, y_s = y_t, math.sqrt(sigma_l**2 + rest) * z_s
    elif mode == 2:
        y_r, y_s = math.sqrt(sigma_t**2 + sigma_l**2) * z_t, math.sqrt(rest) * z_s
    else:
        y_r, y_s = y_t + y_l, math.sqrt(rest) * z_s
    a = a_ref - _curve(_MEDIAN, k, d_e) - y_r - y_s
    if a < 0.0:
        a = a * (29.0 - a) / (29.0 - 10.0 * a)
    return a

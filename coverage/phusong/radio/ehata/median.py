"""eHata's median loss over quasi-smooth urban, suburban and open ground: Hata's formula carried to 3 GHz and 100 km.

Okumura's curves are met where he printed them: three points of each, joined by a parabola in the logarithm.
"""

import math

import numpy as np

from phusong.kernel_cache import nb

__all__ = ["RURAL", "SUBURBAN", "URBAN", "location_sd_db", "median_loss"]

URBAN, SUBURBAN, RURAL = 0, 1, 2

_LIGHT_M_S = 299_792_458.0
_KM_M = 1000.0


def _parabola(x: list[float], y: list[float]) -> tuple[float, float, float]:
    """Coefficients of 1, log x and log² x through three points."""
    a, b, c = np.linalg.solve(np.vander(np.log10(x), 3, increasing=True), y).tolist()
    return a, b, c


# basic median attenuation relative to free space, antennas 200 m and 3 m above ground. [MHz -> dB]
_MHZ = [1500.0, 2000.0, 3000.0]
_AT_1_KM = _parabola(_MHZ, [22.0, 23.5, 25.85])
_AT_100_KM = _parabola(_MHZ, [63.5, 65.75, 69.5])
# what suburbs and open land lose less than towns
_SUBURBAN_LESS = _parabola(_MHZ, [11.5, 12.4, 14.0])
_RURAL_LESS = (40.94, -18.33, 4.78)
# half the power by which loss grows with distance beyond 20 km, by the base station's height. [m]
_HALF_POWER = _parabola([24.5, 70.0, 200.0], [2.5, 3.0, 3.22])
_BASE_REFERENCE_M, _MOBILE_REFERENCE_M = 200.0, 3.0
# standard deviation between locations in towns, by frequency; suburbs and open land add 2 dB
_SD = (4.0976291, -1.2255656, 0.68350345)
_SD_RURAL_DB = 2.0


@nb.njit(cache=True, nogil=True)
def _at(coefficients, x):  # type: ignore[no-untyped-def]
    log = math.log10(x)
    return coefficients[0] + log * (coefficients[1] + log * coefficients[2])


@nb.njit(cache=True, nogil=True)
def _base_gain(height):  # type: ignore[no-untyped-def]
    return 13.82 * math.log10(height)


@nb.njit(cache=True, nogil=True)
def _mobile_gain(height):  # type: ignore[no-untyped-def]
    return 3.2 * math.log10(11.75 * height) ** 2 - 4.97


@nb.njit(cache=True, nogil=True)
def median_loss(f, base, mobile, km, environment):  # type: ignore[no-untyped-def]
    """Return the median basic transmission loss. [dB]

    Parameters
    ----------
    f : float
        Frequency. [MHz]
    base, mobile : float
        Effective antenna heights, 30 to 200 and 1 to 10. [m]
    km : float
        Path length.
    environment : int
        :data:`URBAN`, :data:`SUBURBAN` or :data:`RURAL`.
    """
    near, far = _at(_AT_1_KM, f), _at(_AT_100_KM, f)
    gains = _base_gain(_BASE_REFERENCE_M) + _mobile_gain(_MOBILE_REFERENCE_M)
    gains -= _base_gain(base) + _mobile_gain(mobile)
    wave = 4.0 * math.pi * f * 1e6 / _LIGHT_M_S
    near_power = 0.1 * (44.9 - 6.55 * math.log10(base))
    far_power = 2.0 * _at(_HALF_POWER, base)
    # where the two powers of distance meet
    turn = 10.0 ** ((2.0 * (far_power - 2.0) + 0.1 * (near - far)) / (far_power - near_power))
    if km <= turn:
        slant = math.hypot(_KM_M, _BASE_REFERENCE_M - _MOBILE_REFERENCE_M)
        urban = near + gains + 20.0 * math.log10(wave * slant) + 10.0 * near_power * math.log10(km)
    else:
        slant = math.hypot(_KM_M * km, base - mobile)
        urban = (
            far + gains + 20.0 * math.log10(wave * slant) + 10.0 * (far_power - 2.0) * (math.log10(km) - 2.0)
        )
    if environment == SUBURBAN:
        return urban - _at(_SUBURBAN_LESS, f)
    if environment == RURAL:
        return urban - _at(_RURAL_LESS, f)
    return urban


@nb.njit(cache=True, nogil=True)
def location_sd_db(f, environment):  # type: ignore[no-untyped-def]
    """Return the standard deviation of loss between locations; frequency in MHz. [dB]"""
    sd = _at(_SD, f)
    return sd if environment == URBAN else sd + _SD_RURAL_DB

"""eHata's corrections for terrain and sea, read off Okumura's figures; what they give is taken off the loss. [dB]"""

import math

import numpy as np

from phusong.kernel_cache import nb

__all__ = ["fine_rolling", "general_slope", "isolated_ridge", "median_rolling", "mixed_path"]

_MEDIAN_LEAST_M, _FINE_LEAST_M = 15.0, 10.0  # flatter ground counts as this flat, or as flat altogether

# isolated ridge of 200 m: rows by distance base station to ridge, columns ridge to mobile, whole km
_RIDGE_KM = np.array([15.0, 30.0, 60.0])
_RIDGE = np.array(
    [
        [4.0, -13.0, -17.5, -17.5, -15.0, -12.5, -10.0, -8.0, -6.0],
        [12.0, -8.5, -13.0, -12.0, -10.0, -8.0, -6.5, -5.0, -4.0],
        [20.0, -4.0, -6.5, -6.0, -4.5, -3.5, -2.5, -2.0, -1.0],
    ]
)
_RIDGE_M = 200.0
_SHADOW_KM = 2.0  # so far behind a ridge there is no more gain by it

# general slope: dB a milliradian at these path lengths, ground falling or rising towards the mobile
_FALLING_KM, _FALLING = np.array([10.0, 30.0]), np.array([0.25, 0.8])
_RISING_KM, _RISING = np.array([10.0, 30.0, 60.0]), np.array([0.125, 0.35, 0.6])

# mixed paths: sea share of the path, correction with the sea at the base station's end and at the mobile's
_SEA_30 = np.array([0.0, 0.15, 0.35, 0.45, 0.6, 0.65, 0.725, 0.775, 0.85, 1.0])
_BASE_30 = np.array([0.0, 1.0, 3.0, 4.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0])
_MOBILE_30 = np.array([0.0, 4.0, 5.5, 7.0, 8.5, 9.0, 9.5, 9.8, 10.25, 11.0])
_SEA_60 = np.array([0.0, 0.15, 0.3, 0.4, 0.5, 0.6, 0.725, 0.85, 0.9, 1.0])
_BASE_60 = np.array([0.0, 2.0, 4.0, 5.5, 7.0, 9.0, 11.0, 13.0, 14.0, 15.0])
_MOBILE_60 = np.array([0.0, 4.25, 6.25, 9.2, 10.5, 11.75, 13.0, 14.0, 14.25, 15.0])


@nb.njit(cache=True, nogil=True)
def median_rolling(delta_h):  # type: ignore[no-untyped-def]
    """Return the correction of rolling hilly ground, by its undulation Δh in m."""
    log = math.log10(max(delta_h, _MEDIAN_LEAST_M))
    return -1.5072013 + log * (8.458676 - 6.102538 * log)


@nb.njit(cache=True, nogil=True)
def fine_rolling(delta_h, ground, top, middle, low):  # type: ignore[no-untyped-def]
    """Return what a mobile high or low on its hill gains or loses; heights in m as `undulation` gives them."""
    if delta_h < _FINE_LEAST_M:
        return 0.0
    log = math.log10(delta_h)
    most = -11.728795 + log * (15.544272 - 1.8154766 * log)
    if ground >= top:
        return most
    if ground <= low:
        return -most
    if ground >= middle:
        return most * (ground - middle) / (top - middle)
    return -most * (middle - ground) / (middle - low)


@nb.njit(cache=True, nogil=True)
def general_slope(slope_mrad, km):  # type: ignore[no-untyped-def]
    """Return the correction of the ground's general slope at the mobile on a path of a length."""
    if slope_mrad <= 0.0:
        return slope_mrad * np.interp(km, _FALLING_KM, _FALLING)
    return slope_mrad * np.interp(km, _RISING_KM, _RISING)


@nb.njit(cache=True, nogil=True)
def isolated_ridge(base_km, mobile_km, height, limited):  # type: ignore[no-untyped-def]
    """Return the correction of one ridge of a height (m) between the ends.

    Okumura's curves are carried straight on outside 15 to 60 km and beyond 8 km; `limited` holds them there.
    """
    row = 1 if base_km >= _RIDGE_KM[1] else 0
    col = 0
    while col < _RIDGE.shape[1] - 2 and mobile_km > col + 1:
        col += 1
    along = mobile_km - col
    lower = _RIDGE[row, col] + (_RIDGE[row, col + 1] - _RIDGE[row, col]) * along
    upper = _RIDGE[row + 1, col] + (_RIDGE[row + 1, col + 1] - _RIDGE[row + 1, col]) * along
    share = (base_km - _RIDGE_KM[row]) / (_RIDGE_KM[row + 1] - _RIDGE_KM[row])
    if limited:
        share = min(max(share, 0.0), 1.0)
    gain = lower + (upper - lower) * share
    if limited and mobile_km > _SHADOW_KM:
        gain = min(gain, 0.0)
    return math.sqrt(height / _RIDGE_M) * gain


@nb.njit(cache=True, nogil=True)
def mixed_path(share, side, km):  # type: ignore[no-untyped-def]
    """Return the correction of a path partly over sea: its share, 1 if most lies at the mobile, 0 if not, ½ even."""
    if share == 0.0:
        return 0.0
    short = (1.0 - side) * np.interp(share, _SEA_30, _BASE_30) + side * np.interp(share, _SEA_30, _MOBILE_30)
    far = (1.0 - side) * np.interp(share, _SEA_60, _BASE_60) + side * np.interp(share, _SEA_60, _MOBILE_60)
    return short + (far - short) * min(max((km - 30.0) / 30.0, 0.0), 1.0)

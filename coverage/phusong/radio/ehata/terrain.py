"""What eHata reads off a terrain profile, from mobile (first point) to base station (last point)."""

import math

from phusong.kernel_cache import nb
from phusong.radio.itm.profile import fit
from phusong.radio.itm.surface import curvature, surface_refractivity

__all__ = ["effective_heights", "mobile_slope_mrad", "ridge", "sea_share", "undulation"]

_NEAR_KM, _FAR_KM = 3.0, 15.0  # ground between these distances sets an antenna's effective height
_UNDULATION_KM = 10.0
_SHORTEST_FIT_M, _LONGEST_FIT_M, _FIT_STEP_M = 5000.0, 10000.0, 1000.0
_SEA_LEVEL_N = 301.0


@nb.njit(cache=True, nogil=True)
def _mean(h, first, last):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(first, last + 1):
        total += h[i]
    return total / (last - first + 1)


@nb.njit(cache=True, nogil=True)
def effective_heights(h, n, step, mobile, base):  # type: ignore[no-untyped-def]
    """Return the heights of mobile and base over the ground 3 to 15 km away; their own below 3 km. [m]"""
    step_km = step * 0.001
    km = n * step_km
    if km < _NEAR_KM:
        return mobile, base
    near, far, weight = int(_NEAR_KM / step_km), n, 1.0
    if km <= _FAR_KM:
        weight = (km - _NEAR_KM) / (_FAR_KM - _NEAR_KM)
    else:
        far = int(_FAR_KM / step_km)
    return (
        mobile + weight * (h[0] - _mean(h, near, far)),
        base + weight * (h[n] - _mean(h, n - far, n - near)),
    )


@nb.njit(cache=True, nogil=True)
def undulation(h, n, step, work):  # type: ignore[no-untyped-def]
    """Return the heights that 10, 50 and 90 % of the ground near the mobile exceed, and first less last (Δh). [m]

    The last 10 km count; of a shorter path all, and the values are those expected of 10 km.
    """
    step_km = step * 0.001
    km = n * step_km
    count = (n if km < _UNDULATION_KM else int(_UNDULATION_KM / step_km)) + 1
    for i in range(count):
        work[i] = -h[i]
    work[:count].sort()
    top = -work[max(int(0.1 * count - 1.0), 0)]
    middle = -work[max(int(0.5 * count - 1.0), 0)]
    low = -work[max(int(0.9 * count - 1.0), 0)]
    grown = 1.0
    if km < _UNDULATION_KM:
        grown = (1.0 - 0.8 * math.exp(-0.02 * _UNDULATION_KM)) / (1.0 - 0.8 * math.exp(-0.02 * km))
    return top * grown, middle * grown, low * grown, (top - low) * grown


@nb.njit(cache=True, nogil=True)
def mobile_slope_mrad(h, n, step):  # type: ignore[no-untyped-def]
    """Return the ground's general slope at the mobile: falling towards the base station is positive. [mrad]"""
    metres = n * step
    steepest, flattest, at_five = -1e31, 1e31, 0.0
    reach = _SHORTEST_FIT_M
    while metres >= reach and reach <= _LONGEST_FIT_M:
        first, last = fit(h, int(reach / step), step, 0.0, reach)
        slope = -1000.0 * (last - first) / reach
        steepest, flattest = max(steepest, slope), min(flattest, slope)
        if reach == _SHORTEST_FIT_M:
            at_five = slope
        reach += _FIT_STEP_M
    # no clear direction, or hardly a path
    if metres <= _SHORTEST_FIT_M or steepest * flattest < 0.0:
        return at_five
    return steepest if steepest >= 0.0 else flattest


@nb.njit(cache=True, nogil=True)
def sea_share(sea, n):  # type: ignore[no-untyped-def]
    """Return the share of points over sea, and how much of it lies towards the mobile: 1, 0, or ½ if balanced."""
    near, far = 0, 0
    for i in range(n + 1):
        if sea[i]:
            if i < n // 2:
                near += 1
            else:
                far += 1
    side = 0.5 if near == far else (1.0 if near > far else 0.0)
    return (near + far) / (n + 1), side


@nb.njit(cache=True, nogil=True)
def ridge(h, n, step, mobile, base):  # type: ignore[no-untyped-def]
    """Return how far the one horizon of both ends is from mobile and base (-1: there are two), and how high. [m]"""
    metres = n * step
    gamma = curvature(surface_refractivity(_SEA_LEVEL_N, _mean(h, 0, n)))
    bulge = 0.5 * gamma
    low, high = h[0] + mobile, h[n] + base
    up_1, up_2 = (high - low) / metres - bulge * metres, (low - high) / metres - bulge * metres
    far_1, far_2 = metres, metres
    x_1, x_2 = 0.0, metres
    # distances are summed as in NTIA's code: their rounding decides at which point it reads the ridge's height
    for i in range(1, n):
        x_1 += step
        x_2 -= step
        rise = h[i] - (bulge * x_1 + up_1) * x_1 - low
        if rise > 0.0:
            up_1 += rise / x_1
            far_1 = x_1
        # the base station's horizon lies behind the mobile's first one, never before it
        if far_1 < metres:
            rise = h[i] - (bulge * x_2 + up_2) * x_2 - high
            if rise > 0.0:
                up_2 += rise / x_2
                far_2 = x_2
    if abs(metres - far_1 - far_2) > 0.5 * step:
        return -1.0, -1.0, 0.0
    # each end's height counts with the distance to its own horizon: so NTIA has it
    over = h[int(far_1 / step)] - (high * far_2 + low * far_1) / metres + bulge * far_1 * far_2
    return far_1, far_2, max(over, 0.0)

"""What ITM reads off a terrain profile: horizons, effective heights by fitted lines, roughness."""

import math

import numpy as np

from phusong.kernel_cache import nb

__all__ = ["fit", "horizons", "middle_height", "roughness", "roughness_within", "smooth_horizon"]


@nb.njit(cache=True, nogil=True)
def smooth_horizon(height, gamma, rough):  # type: ignore[no-untyped-def]
    """Return how far an antenna sees over terrain of a roughness, equation (3.3). [m]"""
    return math.sqrt(2.0 * height / gamma) * math.exp(-0.07 * math.sqrt(rough / max(height, 5.0)))


@nb.njit(cache=True, nogil=True)
def middle_height(h, n):  # type: ignore[no-untyped-def]
    """Return the mean height of the middle eight tenths, where refractivity is taken. [m]"""
    tenth = int(0.1 * n)
    total = 0.0
    for i in range(tenth, n - tenth + 1):
        total += h[i]
    return total / (n - 2 * tenth + 1)


@nb.njit(cache=True, nogil=True)
def horizons(h, n, step, tx, rx, gamma):  # type: ignore[no-untyped-def]
    """Horizon angles and distances of both ends."""
    d = n * step
    z_1, z_2 = h[0] + tx, h[n] + rx
    angle_1 = (z_2 - z_1) / d - gamma * d / 2.0
    angle_2 = -(z_2 - z_1) / d - gamma * d / 2.0
    far_1, far_2 = d, d
    for i in range(1, n):
        x_1, x_2 = i * step, d - i * step
        up_1 = (h[i] - z_1) / x_1 - gamma * x_1 / 2.0
        up_2 = -(z_2 - h[i]) / x_2 - gamma * x_2 / 2.0
        if up_1 > angle_1:
            angle_1, far_1 = up_1, x_1
        if up_2 > angle_2:
            angle_2, far_2 = up_2, x_2
    return angle_1, angle_2, far_1, far_2


@nb.njit(cache=True, nogil=True)
def fit(h, n, step, start, stop):  # type: ignore[no-untyped-def]
    """Least-squares line between two distances, read off at both ends of the profile."""
    first = int(max(start / step, 0.0))
    last = n - int(max(n - stop / step, 0.0))
    if last <= first:
        first = int(max(first - 1.0, 0.0))
        last = n - int(max(n - (last + 1.0), 0.0))
    length = float(last - first)
    at = -0.5 * length
    shifted_end = last + at
    level = 0.5 * (h[first] + h[last])
    tilt = 0.5 * (h[first] - h[last]) * at
    for i in range(first + 1, last):
        at += 1.0
        level += h[i]
        tilt += h[i] * at
    level /= length
    tilt *= 12.0 / ((length * length + 2.0) * length)
    return level - tilt * shifted_end, level + tilt * (n - shifted_end)


@nb.njit(cache=True, nogil=True)
def roughness(h, n, step, start, stop, s, off):  # type: ignore[no-untyped-def]
    """Interdecile range of the terrain about its fitted line: the roughness Δh."""
    x_0, x_1 = start / step, stop / step
    if x_1 - x_0 < 2.0:
        return 0.0
    tenth = min(max(4, int(0.1 * (x_1 - x_0 + 8.0))), 25)
    count = 10 * tenth - 5
    spacing = (x_1 - x_0) / (count - 1)
    j = int(x_0)
    part = x_0 - (j + 1.0)
    for i in range(count):
        while part > 0.0 and j + 1 < n:
            part -= 1.0
            j += 1
        s[i] = h[j + 1] + (h[j + 1] - h[j]) * part
        part += spacing
    fit_0, fit_1 = fit(s, count - 1, 1.0, 0.0, float(count - 1))
    slope = (fit_1 - fit_0) / (count - 1)
    for i in range(count):
        off[i] = s[i] - (fit_0 + i * slope)
    ordered = np.sort(off[:count])
    spread = ordered[count - tenth] - ordered[tenth - 1]
    return spread / (1.0 - 0.8 * math.exp(-(stop - start) / 50e3))


@nb.njit(cache=True, nogil=True)
def roughness_within(d, rough):  # type: ignore[no-untyped-def]
    """Return the part of the roughness that a path of a length meets, equation (3.9). [m]"""
    return rough * (1.0 - 0.8 * math.exp(-d / 50e3))

"""ITM's reference attenuation over free space: line of sight, diffraction, tropospheric scatter."""

import math

import numpy as np

from phusong.kernel_cache import nb
from phusong.radio.itm.profile import roughness_within

__all__ = ["attenuation"]

_SCATTER_A = np.array([133.4, 104.6, 71.8])
_SCATTER_B = np.array([0.332e-3, 0.212e-3, 0.157e-3])
_SCATTER_C = np.array([-10.0, -2.5, 5.0])
_GAIN_A = np.array([25.0, 80.0, 177.0, 395.0, 705.0])
_GAIN_B = np.array([24.0, 45.0, 68.0, 80.0, 105.0])
_LEAST_RATE = 1.607 * 1.0188 / 2.3381


@nb.njit(cache=True, nogil=True)
def _sigma_h(rough):  # type: ignore[no-untyped-def]
    return 0.78 * rough * math.exp(-0.5 * rough**0.25)


@nb.njit(cache=True, nogil=True)
def attenuation(  # type: ignore[no-untyped-def]
    d, angle_1, angle_2, far_1, far_2, eff_1, eff_2, tx, rx, gamma, n_s, rough, f, z_g, c
):
    """Reference attenuation relative to free space: line of sight, diffraction, scatter."""
    earth = 1.0 / gamma
    smooth = math.sqrt(2.0 * eff_1 * earth) + math.sqrt(2.0 * eff_2 * earth)
    horizon = far_1 + far_2
    bend = -max(angle_1 + angle_2, -horizon / earth)
    unit = (earth * earth / f) ** (1.0 / 3.0)
    d_3 = max(smooth, horizon + 5.0 * unit)
    d_4 = d_3 + 10.0 * unit
    args = (far_1, far_2, eff_1, eff_2, z_g, earth, rough, tx, rx, bend, smooth, f, c)
    a_3, a_4 = _diffraction(d_3, args), _diffraction(d_4, args)
    slope = (a_4 - a_3) / (d_4 - d_3)
    start = a_3 - slope * d_3
    if d < smooth:
        return max(_clear(d, smooth, horizon, slope, start, eff_1, eff_2, z_g, rough, f), 0.0)
    d_5, d_6 = horizon + 200e3, horizon + 400e3
    a_6, h_0 = _scatter(d_6, angle_1, angle_2, far_1, far_2, eff_1, eff_2, earth, n_s, f, bend, -1.0)
    a_5, h_0 = _scatter(d_5, angle_1, angle_2, far_1, far_2, eff_1, eff_2, earth, n_s, f, bend, h_0)
    if a_5 >= 1000.0:
        return max(slope * d + start, 0.0)
    scatter_slope = (a_6 - a_5) / 200e3
    turn = max(  # noqa: PLW3301 - numba knows max of numbers in pairs
        max(smooth, horizon + 1.088 * unit * math.log(f)),
        (a_5 - start - scatter_slope * d_5) / (slope - scatter_slope),
    )
    if d > turn:
        return max(scatter_slope * d + (slope - scatter_slope) * turn + start, 0.0)
    return max(slope * d + start, 0.0)


@nb.njit(cache=True, nogil=True)
def _clear(d, smooth, horizon, slope, start, eff_1, eff_2, z_g, rough, f):  # type: ignore[no-untyped-def]
    """Within line of sight: a curve through three distances."""
    a_2 = smooth * slope + start
    d_0 = 0.04 * f * eff_1 * eff_2
    if start >= 0.0:
        d_0 = min(d_0, 0.5 * horizon)
        d_1 = d_0 + 0.25 * (horizon - d_0)
    else:
        d_1 = max(-start / slope, 0.25 * horizon)
    a_1 = _two_ray(d_1, eff_1, eff_2, z_g, rough, slope, start, smooth, f)
    k_1, k_2, fitted = 0.0, 0.0, False
    if d_0 < d_1:
        a_0 = _two_ray(d_0, eff_1, eff_2, z_g, rough, slope, start, smooth, f)
        q = math.log(smooth / d_0)
        k_2 = max(
            0.0,
            ((smooth - d_0) * (a_1 - a_0) - (d_1 - d_0) * (a_2 - a_0))
            / ((smooth - d_0) * math.log(d_1 / d_0) - (d_1 - d_0) * q),
        )
        fitted = start > 0.0 or k_2 > 0.0
        if fitted:
            k_1 = (a_2 - a_0 - k_2 * q) / (smooth - d_0)
            if k_1 < 0.0:
                k_1 = 0.0
                k_2 = max(a_2 - a_0, 0.0) / q
                if k_2 == 0.0:
                    k_1 = slope
    if not fitted:
        k_1 = max(a_2 - a_1, 0.0) / (smooth - d_1)
        k_2 = 0.0
        if k_1 == 0.0:
            k_1 = slope
    return a_2 - k_1 * smooth - k_2 * math.log(smooth) + k_1 * d + k_2 * math.log(d)


@nb.njit(cache=True, nogil=True)
def _two_ray(d, eff_1, eff_2, z_g, rough, slope, start, smooth, f):  # type: ignore[no-untyped-def]
    """Direct ray and its reflection, weighed against the diffraction line by roughness."""
    wave = f / 47.7
    sigma = _sigma_h(roughness_within(d, rough))
    both = eff_1 + eff_2
    sine = both / math.sqrt(d * d + both * both)
    reflected = (sine - z_g) / (sine + z_g) * math.exp(-min(10.0, wave * sigma * sine))
    q = reflected.real**2 + reflected.imag**2
    if q < 0.25 or q < sine:
        reflected = reflected * math.sqrt(sine / q)
    phase = wave * 2.0 * eff_1 * eff_2 / d
    if phase > math.pi / 2.0:
        phase = math.pi - (math.pi / 2.0) ** 2 / phase
    total = complex(math.cos(phase), -math.sin(phase)) + reflected
    a_t = -10.0 * math.log10(total.real**2 + total.imag**2)
    weight = 1.0 / (1.0 + f * rough / max(10e3, smooth))
    return weight * a_t + (1.0 - weight) * (slope * d + start)


@nb.njit(cache=True, nogil=True)
def _diffraction(d, args):  # type: ignore[no-untyped-def]
    """Knife edges and the smooth Earth, weighed by roughness, and clutter."""
    far_1, far_2, eff_1, eff_2, z_g, earth, rough, tx, rx, bend, smooth, f, c = args
    sigma = _sigma_h(roughness_within(smooth, rough))
    clutter = min(15.0, 5.0 * math.log10(1.0 + 1e-5 * tx * rx * f * sigma))
    product = tx * rx
    more = eff_1 * eff_2 - product
    product += c
    ratio = math.sqrt(1.0 + more / product)
    q = (ratio + (-bend * earth + far_1 + far_2) / d) * min(roughness_within(d, rough) * f / 47.7, 6283.2)
    weight = 25.1 / (25.1 + math.sqrt(max(q, 0.0)))
    theta = d / earth - bend
    beyond = d - far_1 - far_2
    wave = 0.0795775 * (f / 47.7) * theta * theta
    edges = _fresnel(wave * far_1 * beyond / (beyond + far_1)) + _fresnel(
        wave * far_2 * beyond / (beyond + far_2)
    )
    return (
        weight * _round(beyond, theta, far_1, far_2, eff_1, eff_2, z_g, f) + (1.0 - weight) * edges + clutter
    )


@nb.njit(cache=True, nogil=True)
def _fresnel(v2):  # type: ignore[no-untyped-def]
    if v2 < 5.76:
        return 6.02 + 9.11 * math.sqrt(v2) - 1.27 * v2
    return 12.953 + 10.0 * math.log10(v2)


@nb.njit(cache=True, nogil=True)
def _round(beyond, theta, far_1, far_2, eff_1, eff_2, z_g, f):  # type: ignore[no-untyped-def]
    """Diffraction over the rounded Earth, three radii (Vogler).

    Vogler's 1.607 - K is an attenuation rate for a small K. With vertical polarisation and a horizon a few metres away
    K grows past 1.607, the rate turns negative, and its logarithm is no number (in NTIA's code too). There the rate's
    own limit for a large K takes its place: 1.607 times the ratio of the first zeros of Ai' and Ai.
    """
    total, heights = _radii(beyond, theta, far_1, far_2, eff_1, eff_2, z_g, f, -math.inf)
    if total <= 0.0:
        total, heights = _radii(beyond, theta, far_1, far_2, eff_1, eff_2, z_g, f, _LEAST_RATE)
    return 0.05751 * total - 10.0 * math.log10(total) - heights - 20.0


@nb.njit(cache=True, nogil=True)
def _radii(beyond, theta, far_1, far_2, eff_1, eff_2, z_g, f, least_rate):  # type: ignore[no-untyped-def]
    """Return the sum of the three normalised distances, and the gain of both heights."""
    size = abs(z_g)
    total, heights = 0.0, 0.0
    for i in range(3):
        if i == 0:
            radius, km = beyond / theta, beyond / 1000.0
        elif i == 1:
            radius, km = 0.5 * far_1 * far_1 / eff_1, far_1 / 1000.0
        else:
            radius, km = 0.5 * far_2 * far_2 / eff_2, far_2 / 1000.0
        c = (4.0 / 3.0 * 6370e3 / radius) ** (1.0 / 3.0)
        k = 0.017778 * c * f ** (-1.0 / 3.0) / size
        x = max(1.607 - k, least_rate) * c * c * f ** (1.0 / 3.0) * km
        total += x
        if i > 0:
            heights += _height_gain(x, k)
    return total, heights


@nb.njit(cache=True, nogil=True)
def _height_gain(x, k):  # type: ignore[no-untyped-def]
    if x < 200.0:
        w = -math.log(k)
        if k < 1e-5 or x * w**3 > 5495.0:
            return 40.0 * math.log10(x) - 117.0 if x > 1.0 else -117.0
        return 2.5e-5 * x * x / k - 8.686 * w - 15.0
    value = 0.05751 * x - 10.0 * math.log10(x)
    if x < 2000.0:
        w = 0.0134 * x * math.exp(-0.005 * x)
        value = (1.0 - w) * value + w * (40.0 * math.log10(x) - 117.0)
    return value


@nb.njit(cache=True, nogil=True)
def _scatter(d, angle_1, angle_2, far_1, far_2, eff_1, eff_2, earth, n_s, f, bend, known):  # type: ignore[no-untyped-def]
    """Troposcatter, and its frequency gain function for the next call."""
    wave = f / 47.7
    theta = angle_1 + angle_2 + d / earth
    if known > 15.0:
        gain = known
    else:
        apart, ratio = far_1 - far_2, eff_2 / eff_1
        if apart < 0.0:
            apart, ratio = -apart, 1.0 / ratio
        r_1, r_2 = 2.0 * wave * theta * eff_1, 2.0 * wave * theta * eff_2
        if r_1 < 0.2 and r_2 < 0.2:
            return 1001.0, known
        s = (d - apart) / (d + apart)
        q = min(max(0.1, ratio / s), 10.0)
        s = max(0.1, s)
        crossing = (d - apart) * (d + apart) * theta * 0.25 / d
        eta = (crossing / 1.7556e3) * (
            1.0 + (0.031 - n_s * 2.32e-3 + n_s * n_s * 5.67e-6) * math.exp(-(min(1.7, crossing / 8.0e3) ** 6))
        )
        plain = (_gain(r_1, eta) + _gain(r_2, eta)) / 2.0
        more = min(plain, 6.0 * (0.6 - math.log10(max(eta, 1.0))) * math.log10(s) * math.log10(q))
        gain = max(plain + more, 0.0)
        if eta < 1.0:
            root = math.sqrt(2.0)
            limit = ((1.0 + root / r_1) * (1.0 + root / r_2)) ** 2 * (r_1 + r_2) / (r_1 + r_2 + 2.0 * root)
            gain = eta * gain + (1.0 - eta) * 10.0 * math.log10(limit)
        if gain > 15.0 and known >= 0.0:
            gain = known
    # the angle beyond the horizons, which the smooth Earth bounds: not that of the crossing rays above
    theta = d / earth - bend
    x = theta * d
    i = 0 if x <= 10e3 else (1 if x <= 70e3 else 2)
    falls = _SCATTER_A[i] + _SCATTER_B[i] * x + _SCATTER_C[i] * math.log10(x)
    loss = falls + 10.0 * math.log10(f * theta**4) - 0.1 * (n_s - 301.0) * math.exp(-x / 40e3) + gain
    return loss, gain


@nb.njit(cache=True, nogil=True)
def _gain(r, eta):  # type: ignore[no-untyped-def]
    held = min(max(eta, 1.0), 5.0)
    i = int(held)
    part = held - i
    x = (1.0 / r) ** 2
    value = 10.0 * math.log10((_GAIN_A[i - 1] * x + _GAIN_B[i - 1]) * x + 1.0)
    if part != 0.0:
        value = (1.0 - part) * value + part * 10.0 * math.log10((_GAIN_A[i] * x + _GAIN_B[i]) * x + 1.0)
    return value

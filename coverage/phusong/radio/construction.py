"""Bullington's construction for every receiver along a ray, on one bending of the profile.

What is the same for all receivers is done for several at a time; only what lies behind is asked of the hull.
Lengths are steps of the profile (x = i), slopes metres a step, heights less the Earth's bulge (y = g - a·x²).
Recommendation ITU-R P.1812-7, equations (13) to (20).
"""

import numpy as np

from phusong.kernel_cache import nb
from phusong.radio.fan import APPROACH
from phusong.radio.hull import ABYSS_M, clearest, corners, empty_hull, push, tangent
from phusong.radio.lanes import read, write

__all__ = ["behind", "bend", "construct", "near"]

_LEAST_STEPS = 0.3  # where points that are not there are put, so that nothing is divided by 0


@nb.njit(cache=True, nogil=True, error_model="numpy")
def bend(h, n, bulge, tx_m, y, up):  # type: ignore[no-untyped-def]
    """Fill heights less the bulge, and their slopes from the transmitter."""
    for i in range(1, n + 1):
        x = float(i)
        height = read(h, i) - bulge * (x * x)
        write(y, i, height)
        write(up, i, (height - tx_m) / x)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def near(  # type: ignore[no-untyped-def]
    y, tail, bulge, tx_m, rx_px, rx_m, rx_after, m, end, rise, rise_x, back, back_x, least
):
    """Fill what each receiver's own points and the last one of the ray say alone.

    Parameters
    ----------
    y : float64 array
        Heights of the ray less the bulge.
    tail, rx_px, rx_m, rx_after, m
        As for :func:`phusong.radio.sweep.nu_along`.
    end : float64 array
        Receiver's height less the bulge.
    rise, rise_x, back, back_x : float64 array
        Steepest slope seen from the transmitter and from the receiver, and where.
    least : float64 array
        Least clearance squared, gap²/(x·(d - x)).
    """
    size = tail.shape[1]
    for k in range(m):
        d = read(rx_px, k)
        low = read(rx_m, k) - bulge * (d * d)
        slope = (low - tx_m) / d
        write(end, k, low)
        after = read(rx_after, k)
        x = max(float(after), _LEAST_STEPS)
        height = read(y, max(after, 1)) if after > 0 else ABYSS_M
        inverse, rest = 1.0 / x, 1.0 / (d - x)
        gap = tx_m + slope * x - height
        up, down, clear = (height - tx_m) * inverse, (height - low) * rest, gap * gap * inverse * rest
        up_x, down_x = x, x
        for t in range(APPROACH - 1, -1, -1):
            away = t + 1.0
            x = max(d - away, _LEAST_STEPS)
            height = read(tail, t * size + k) - bulge * (x * x)
            inverse = 1.0 / x
            gap = tx_m + slope * x - height
            to_tx, to_rx = (height - tx_m) * inverse, (height - low) * (1.0 / away)
            up_x, down_x = x if to_tx > up else up_x, x if to_rx > down else down_x
            up, down = max(up, to_tx), max(down, to_rx)
            clear = min(clear, gap * gap * inverse * (1.0 / away))
        write(rise, k, up)
        write(rise_x, k, up_x)
        write(back, k, down)
        write(back_x, k, down_x)
        write(least, k, clear)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def behind(  # type: ignore[no-untyped-def]
    y, up, n, rx_px, rx_after, m, tx_m, inverse, corner, hull_x, hull_y, hull_slope, end, rise, rise_x, back, back_x,
    least,
):  # fmt: skip
    """Complete what :func:`near` found with the rest of the ray: ``back`` of hidden receivers, ``least`` of clear ones.

    Parameters
    ----------
    y, up : float64 array
        From :func:`bend`.
    inverse : float64 array
        From :func:`phusong.radio.hull.inverses`.
    corner, hull_x : int64 array
        Scratch space, as are ``hull_y`` and ``hull_slope``.
    """
    count = corners(y, n, corner)
    top = empty_hull(hull_x, hull_y, hull_slope)
    steepest, steepest_x = -np.inf, 0
    taken = 0
    for k in range(m):
        while taken < count and corner[taken] <= rx_after[k]:
            i = corner[taken]
            taken += 1
            if up[i] > steepest:
                steepest, steepest_x = up[i], i
            top = push(hull_x, hull_y, hull_slope, inverse, top, i, y[i])
        if steepest >= rise[k]:
            rise[k], rise_x[k] = steepest, steepest_x
        if top == 0:
            continue
        d = rx_px[k]
        if rise[k] * d < end[k] - tx_m:
            slope = (end[k] - tx_m) / d
            least[k] = clearest(hull_x, hull_y, hull_slope, top, y, rx_after[k], d, tx_m, slope, least[k])
        else:
            j = tangent(hull_x, hull_y, hull_slope, top, d, end[k])
            slope = (hull_y[j] - end[k]) / (d - hull_x[j])
            if slope >= back[k]:
                back[k], back_x[k] = slope, hull_x[j]


@nb.njit(cache=True, nogil=True, error_model="numpy")
def construct(rx_px, end, tx_m, rise, back, least, m, per_step, out):  # type: ignore[no-untyped-def]
    """Fill ν·√λ; ``per_step`` is 0.002 over a step in km."""
    for k in range(m):
        d, whole, up, down = read(rx_px, k), read(end, k) - tx_m, read(rise, k), read(back, k)
        both = up + down
        # where the line rising from the transmitter meets the one rising from the receiver
        x = (whole + down * d) / both
        meet = (both > 0.0) & (x > 0.0) & (x < d)
        x = x if meet else 0.5 * d
        hidden = (up - whole / d) * x * np.sqrt(per_step * d / (x * (d - x)))
        hidden = hidden if meet else 0.0
        write(out, k, -np.sqrt(per_step * d * read(least, k)) if up * d < whole else hidden)

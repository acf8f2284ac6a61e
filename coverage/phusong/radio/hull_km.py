"""The upper convex hull of a profile, grown point by point: what a receiver sees of the terrain behind it.

A hull is a stack of points, ``x`` [km] and ``y`` [m]. Every question below costs O(log n) instead of a scan,
exactly. The heights already carry the Earth's bulge: y = g - a·x², with a = 500 / effective Earth radius in km.
"""

import numba as nb
import numpy as np

__all__ = ["bullington_nu", "clearest", "extreme", "push", "tangent"]


@nb.njit(cache=True, nogil=True, inline="always")
def push(hull_x, hull_y, top, x, y):  # type: ignore[no-untyped-def]
    """Add the farthest point so far and return the position of the stack's new top."""
    while top >= 1:
        x0, y0 = hull_x[top - 1], hull_y[top - 1]
        if (hull_y[top] - y0) * (x - x0) <= (y - y0) * (hull_x[top] - x0):
            top -= 1
        else:
            break
    top += 1
    hull_x[top] = x
    hull_y[top] = y
    return top


@nb.njit(cache=True, nogil=True, inline="always")
def tangent(hull_x, hull_y, top, x, y):  # type: ignore[no-untyped-def]
    """Return the position of the vertex that rises most steeply seen back from (x, y)."""
    low, high = 0, top
    while low < high:
        middle = (low + high) >> 1
        if (hull_y[middle] - y) * (x - hull_x[middle + 1]) < (hull_y[middle + 1] - y) * (x - hull_x[middle]):
            low = middle + 1
        else:
            high = middle
    return low


@nb.njit(cache=True, nogil=True, inline="always")
def extreme(hull_x, hull_y, top, slope):  # type: ignore[no-untyped-def]
    """Return the position of the vertex that stands highest above any line of this slope."""
    low, high = 0, top
    while low < high:
        middle = (low + high) >> 1
        if hull_y[middle + 1] - hull_y[middle] > slope * (hull_x[middle + 1] - hull_x[middle]):
            low = middle + 1
        else:
            high = middle
    return low


@nb.njit(cache=True, nogil=True)
def clearest(hull_x, hull_y, top, y, step_km, x_end, start, slope):  # type: ignore[no-untyped-def]
    """Return the profile index with the least clearance, in Fresnel zones, under a clear straight path.

    The path is y = start + slope·x from 0 to ``x_end`` and no point rises above it. The gap to the hull is convex
    in x and the width of the Fresnel zone concave, so their ratio has one valley along the hull: bisection finds
    the best vertex, and only points under its two edges can still be nearer. Profile point i, with height
    ``y[i]``, lies at i·step.
    """
    low, high = 0, top
    while low < high:
        middle = (low + high) >> 1
        xa, xb = hull_x[middle], hull_x[middle + 1]
        gap_a, gap_b = start + slope * xa - hull_y[middle], start + slope * xb - hull_y[middle + 1]
        if gap_a * gap_a * xb * (x_end - xb) > gap_b * gap_b * xa * (x_end - xa):
            low = middle + 1
        else:
            high = middle
    xv = hull_x[low]
    best = int(xv / step_km + 0.5)
    gap_v = start + slope * xv - hull_y[low]
    least = gap_v * gap_v / (xv * (x_end - xv))
    # along an edge the hull itself is nearer than this only as far as the second root of a quadratic
    first, last = best, best + 1
    if low > 0:
        q = slope - (hull_y[low] - hull_y[low - 1]) / (xv - hull_x[low - 1])
        root = (least * (x_end - 2.0 * xv) - 2.0 * gap_v * q) / (q * q + least)
        if root < 0.0:
            first = max(int((xv + root) / step_km), int(hull_x[low - 1] / step_km + 0.5) + 1)
    if low < top:
        q = slope - (hull_y[low + 1] - hull_y[low]) / (hull_x[low + 1] - xv)
        root = (least * (x_end - 2.0 * xv) - 2.0 * gap_v * q) / (q * q + least)
        if root > 0.0:
            last = min(int((xv + root) / step_km) + 2, int(hull_x[low + 1] / step_km + 0.5))
    for j in range(first, last):
        x = j * step_km
        gap = start + slope * x - y[j]
        if gap * gap < least * (x * (x_end - x)):
            best = j
            least = gap * gap / (x * (x_end - x))
    return best


@nb.njit(cache=True, nogil=True)
def bullington_nu(hull_x, hull_y, top, y, step_km, x_end, start, end, rise):  # type: ignore[no-untyped-def]
    """Return Bullington's ν times √λ between a transmitter at (0, start) and a receiver at (x_end, end).

    ``rise`` is the steepest slope (y - start)/x seen from the transmitter. Recommendation ITU-R P.1812-7,
    equations (13) to (20); the bulge is already in the heights, so slopes here are those less a·x_end.
    """
    if top < 0:
        return -1e9
    slope = (end - start) / x_end
    if rise < slope:
        j = clearest(hull_x, hull_y, top, y, step_km, x_end, start, slope)
        x = j * step_km
        return (y[j] - start - slope * x) * np.sqrt(0.002 * x_end / (x * (x_end - x)))
    k = tangent(hull_x, hull_y, top, x_end, end)
    back = (hull_y[k] - end) / (x_end - hull_x[k])
    # where the line rising from the transmitter meets the one rising from the receiver
    both = rise + back
    x_b = (end - start + back * x_end) / both if both > 0.0 else 0.0
    if x_b <= 0.0 or x_b >= x_end:
        return 0.0
    return (rise - slope) * x_b * np.sqrt(0.002 * x_end / (x_b * (x_end - x_b)))

"""The upper convex hull of a profile, grown point by point: what a receiver sees of the terrain behind it.

A hull is a stack of points: their numbers along the profile ``hull_x`` (distances in steps), heights ``hull_y`` [m]
and the slopes up to each from the one before, ``hull_slope`` [m a step], falling towards the top of the stack. The
first entry is a sentinel deep down before the profile. The heights already carry the Earth's bulge: y = g - a·x².
"""

import numpy as np

from phusong.kernel_cache import nb
from phusong.radio.lanes import read

__all__ = ["ABYSS_M", "clearest", "corners", "empty_hull", "extreme", "inverses", "push", "tangent"]

ABYSS_M = -1e30
_STEPS_BACK = 6  # looked through one by one from the receiver before halving: most tangents end there


@nb.njit(cache=True, nogil=True, error_model="numpy")
def inverses(n):  # type: ignore[no-untyped-def]
    """Return 1/i for i up to n + 1 (0 for 0)."""
    found = np.zeros(n + 2)
    for i in range(1, n + 2):
        found[i] = 1.0 / i
    return found


@nb.njit(cache=True, nogil=True, error_model="numpy")
def corners(y, n, corner):  # type: ignore[no-untyped-def]
    """Fill and count the points that stand on or above the line between their neighbours, the ends always.

    No other point is ever a vertex of the hull, but for the last one taken.
    """
    count = 0
    for i in range(1, n + 1):
        corner[count] = i
        count += (i == 1) | (i == n) | (y[i] + y[i] >= y[i - 1] + y[i + 1])
    return count


@nb.njit(cache=True, nogil=True, inline="always")
def empty_hull(hull_x, hull_y, hull_slope):  # type: ignore[no-untyped-def]
    """Set the sentinel and return the position of the stack's top."""
    hull_x[0], hull_y[0], hull_slope[0] = -1, ABYSS_M, np.inf
    return 0


@nb.njit(cache=True, nogil=True, inline="always")
def push(hull_x, hull_y, hull_slope, inverse, top, i, y):  # type: ignore[no-untyped-def]
    """Add the farthest point so far, number i, and return the position of the stack's new top."""
    slope = (y - hull_y[top]) * inverse[i - hull_x[top]]
    while slope >= hull_slope[top]:
        top -= 1
        slope = (y - hull_y[top]) * inverse[i - hull_x[top]]
    top += 1
    hull_x[top], hull_y[top], hull_slope[top] = i, y, slope
    return top


@nb.njit(cache=True, nogil=True, inline="always")
def tangent(hull_x, hull_y, hull_slope, top, x, y):  # type: ignore[no-untyped-def]
    """Return the position of the vertex that rises most steeply seen back from (x, y); 0 for an empty hull."""
    high = max(top - _STEPS_BACK, 0)
    while y - hull_y[top] >= hull_slope[top] * (x - hull_x[top]):
        top -= 1
        if top == high:
            break
    if top > high or high == 0:
        return top
    low = 0
    while low < high:
        middle = (low + high + 1) >> 1
        if y - hull_y[middle] >= hull_slope[middle] * (x - hull_x[middle]):
            high = middle - 1
        else:
            low = middle
    return low


@nb.njit(cache=True, nogil=True, inline="always")
def extreme(hull_slope, top, slope):  # type: ignore[no-untyped-def]
    """Return the position of the vertex that stands highest above any line of this slope."""
    low, high = 0, top
    while low < high:
        middle = (low + high + 1) >> 1
        if hull_slope[middle] > slope:
            low = middle
        else:
            high = middle - 1
    return low


@nb.njit(cache=True, nogil=True)
def clearest(hull_x, hull_y, hull_slope, top, y, last, x_end, start, slope, least):  # type: ignore[no-untyped-def]
    """Return the least clearance, squared and in Fresnel zones, under a clear straight path.

    The path is y = start + slope·x from 0 to ``x_end``, in steps, and no point rises above it. The gap to the hull is
    convex in x and the width of the Fresnel zone concave, so their ratio has one valley along the hull: bisection
    finds the best vertex, and only points under its two edges can still be nearer.

    Parameters
    ----------
    y, last : float64 array, int
        All heights, from index 1, and how many; the hull may lack those after its top.
    least : float
        Clearance, gap²/(x·(x_end - x)), of a point known already.
    """
    low, high = 1, top
    while low < high:
        middle = (low + high) >> 1
        xa, xb = float(hull_x[middle]), float(hull_x[middle + 1])
        gap_a, gap_b = start + slope * xa - hull_y[middle], start + slope * xb - hull_y[middle + 1]
        if gap_a * gap_a * xb * (x_end - xb) > gap_b * gap_b * xa * (x_end - xa):
            low = middle + 1
        else:
            high = middle
    vertex = hull_x[low]
    x = float(vertex)
    zone = x * (x_end - x)
    gap = start + slope * x - hull_y[low]
    at_vertex = gap * gap / zone
    least = min(least, at_vertex)
    # along an edge the hull itself is nearer only between the roots of a quadratic; one of them is outside
    first, stop = vertex, vertex
    over = gap * gap - least * zone
    if low > 1:
        q = slope - hull_slope[low]
        half, square = 0.5 * least * (x_end - 2.0 * x) - gap * q, q * q + least
        if half < 0.0 and half * half > square * over:
            first = max(int(x + 2.0 * half / square), hull_x[low - 1] + 1)
    if low < top:
        q = slope - hull_slope[low + 1]
        half, square = 0.5 * least * (x_end - 2.0 * x) - gap * q, q * q + least
        if half > 0.0 and half * half > square * over:
            stop = min(int(x + 2.0 * half / square) + 2, hull_x[low + 1])
    least = min(least, _least_gap(y, first, stop, x_end, start, slope))
    return min(least, _least_gap(y, hull_x[top] + 1, last + 1, x_end, start, slope))


@nb.njit(cache=True, nogil=True, error_model="numpy", fastmath={"nnan", "nsz"})
def _least_gap(y, first, stop, x_end, start, slope):  # type: ignore[no-untyped-def]
    """Look at every point, several at a time."""
    least = 1e300
    for j in range(first, stop):
        x = float(j)
        gap = start + slope * x - read(y, j)
        least = min(least, gap * gap / (x * (x_end - x)))
    return least

"""Fan of rays, hull, Bullington per ray (the kernel).

Four sides of a square window; on each, rays spaced about evenly in angle, sampled bilinearly one pixel's side apart.
Every pixel belongs to the ray that passes nearest to it and is evaluated at its own middle, with its own height and
its own distance, over the terrain along that ray. What stands just before a receiver decides most and differs most
from what stands beside it, so the last steps may be taken on the straight line to the receiver itself.

What is the same for all receivers is done for several at a time; only what lies behind is asked of the hull.
Lengths are steps of the profile (x = i), slopes metres a step, heights less the Earth's bulge (y = g - a·x²).
Recommendation ITU-R P.1812-7, equations (13) to (20).

Recommendations ITU-R P.525-4 and P.526-15, section 4.5.1 (the Bullington part of P.1812-7, section 4.3.1). The
geometry does not depend on frequency, which only scales it: further bands of a site are nearly free.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from phusong.compute.array_types import Floats, Ints
from phusong.compute.kernels import nb
from phusong.radio.simd import DB_PER_OCTAVE, between, exp, log2, read, write

__all__ = [
    "ABYSS_M",
    "APPROACH",
    "EFFECTIVE_EARTH_KM",
    "ENOUGH_RAYS",
    "NOTHING_M",
    "SIDES",
    "Fan",
    "Hull",
    "Receivers",
    "Seen",
    "Workspace",
    "approach",
    "as_ground",
    "behind",
    "bend",
    "clearest",
    "construct",
    "corners",
    "empty_hull",
    "extreme",
    "fan_slopes",
    "foot",
    "free_space_diffraction",
    "inverses",
    "near",
    "nu_along",
    "push",
    "receivers",
    "sweep_nu",
    "tangent",
    "trace",
    "workspace",
]


SIDES = 4
APPROACH = 4  # profile points of a receiver's own, one step apart, before it
NOTHING_M = -1e9  # height of a point that is not there
# a ray's number is linear in s·(1.108 - 0.108·s²) of its slope s: about equally far apart at the rim
_LINEAR, _CUBIC = 1.108, 0.108
_RAYS_PER_PIXEL = 1.15
ENOUGH_RAYS = 1.03  # a pixel at the rim, where every receiver has points of its own
_GAP_STEPS = 0.4  # no profile point nearer to the receiver than this: it would stand beside it, not before it


class Fan(NamedTuple):
    """Rays from a transmitter to every pixel of the square window round it.

    Parameters
    ----------
    row_f, col_f : float
        Transmitter in pixel middles: (0, 0) is the middle of the first pixel.
    radius_px : int
        Half side of the window.
    reach_px : float
        Receivers farther away are left out. [pixels]
    slopes : float64 array
        Of one side's rays, from :func:`fan_slopes`.
    """

    row_f: float
    col_f: float
    radius_px: int
    reach_px: float
    slopes: Floats


class Receivers(NamedTuple):
    """Pixels that one ray answers for, nearest first; room for all that a ray can have.

    Parameters
    ----------
    px : float64 array
        Distance from the transmitter. [pixels, which are steps of the profile]
    row, col : int64 array
        Place on the grid.
    after : int64 array
        Last profile point of the ray between transmitter and pixel.
    """

    px: Floats
    row: Ints
    col: Ints
    after: Ints


class Hull(NamedTuple):
    """A stack of points, the first a sentinel deep down before the profile.

    Parameters
    ----------
    x : int64 array
        Their numbers along the profile. [steps]
    y : float64 array
        Heights, less the Earth's bulge: g - a·x². [m]
    slope : float64 array
        Slopes up to each from the one before, falling towards the top of the stack. [m a step]
    """

    x: Ints
    y: Floats
    slope: Floats


class Seen(NamedTuple):
    """What decides Bullington's construction at each receiver.

    Parameters
    ----------
    end : float64 array
        Receiver's height less the bulge. [m]
    rise, rise_px, back, back_px : float64 array
        Steepest slope seen from the transmitter and from the receiver [m a step], and where [steps].
    least : float64 array
        Least clearance squared, gap²/(x·(d - x)).
    """

    end: Floats
    rise: Floats
    rise_px: Floats
    back: Floats
    back_px: Floats
    least: Floats


class Workspace(NamedTuple):
    """Arrays that every ray uses anew.

    Parameters
    ----------
    y, up : float64 array
        Heights of the ray less the bulge [m], and their slopes from the transmitter [m a step].
    corner : int64 array
        Points that may be vertices of the hull.
    hull, seen : Hull, Seen
        Of the ray in hand.
    inverse : float64 array
        From :func:`inverses`.
    """

    y: Floats
    up: Floats
    corner: Ints
    hull: Hull
    seen: Seen
    inverse: Floats


@nb.njit(cache=True, nogil=True)
def receivers(n):  # type: ignore[no-untyped-def]
    """Return room for n receivers."""
    return Receivers(np.empty(n), np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64))


@nb.njit(cache=True, nogil=True)
def workspace(n):  # type: ignore[no-untyped-def]
    """Return arrays for rays of n points and as many receivers."""
    hull = Hull(np.empty(n, np.int64), np.empty(n), np.empty(n))
    seen = Seen(np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n))
    return Workspace(np.empty(n), np.empty(n), np.empty(n, np.int64), hull, seen, inverses(n))


def fan_slopes(radius_px: int, rays_per_pixel: float = _RAYS_PER_PIXEL) -> npt.NDArray[np.float64]:
    """Return the slopes of one side's rays: at the rim at most 1/rays_per_pixel (1.03 or more) apart."""
    rays = 2 * int(np.ceil(radius_px * rays_per_pixel / _LINEAR)) + 3
    wanted = np.linspace(-1.0, 1.0, rays)
    slope = wanted.copy()
    for _ in range(40):
        slope -= (slope * (_LINEAR - _CUBIC * slope**2) - wanted) / (_LINEAR - 3.0 * _CUBIC * slope**2)
    slope[0], slope[-1] = -1.0, 1.0
    return slope


@nb.njit(cache=True, nogil=True, error_model="numpy")
def trace(side, ray, fan, ground, h, rx, gap_steps=_GAP_STEPS):  # type: ignore[no-untyped-def]
    """Fill one ray of the fan and return the number of its profile points and of its receivers.

    Parameters
    ----------
    side, ray : int
        Which side of the window (0 south, 1 north, 2 east, 3 west) and which ray of it.
    fan : Fan
        Its transmitter stands on the grid.
    ground : float32 array, shape (height, width)
        Heights without gaps; at least 2 pixels each way, contiguous. [m]
    h : float64 array, filled from 1
        Height at each whole pixel's distance along the ray. [m]
    rx : Receivers
        Filled from 0, at least radius_px long.
    gap_steps : float
        How far before the pixel its last profile point lies at least.
    """
    height, width = ground.shape
    row_f, col_f = fan.row_f, fan.col_f
    sign = 1 - 2 * (side % 2)
    along_rows = side < 2
    slope = fan.slopes[ray]
    stretch = np.sqrt(1.0 + slope * slope)
    if along_rows:
        main_f, cross_f, n_main, n_cross = row_f, col_f, height, width
        step_r, step_c = sign / stretch, slope / stretch
    else:
        main_f, cross_f, n_main, n_cross = col_f, row_f, width, height
        step_r, step_c = slope / stretch, sign / stretch
    n = min(fan.radius_px, _steps_inside(row_f, step_r, height), _steps_inside(col_f, step_c, width))
    _heights(ground, row_f, col_f, step_r, step_c, n, h)
    main_c = int(np.rint(main_f))
    last = min(
        fan.radius_px, n_main - 1 - main_c if sign > 0 else main_c, int((fan.reach_px + 1.0) / stretch) + 2
    )
    axes = _Axes(sign, along_rows, main_c, main_f, cross_f, n_cross)
    _nearest(axes, fan.slopes, ray, min(fan.reach_px, n + 1.5), last, rx.px, rx.col)
    # those not answered for (marked by a distance below 0) are overwritten by the next
    m = 0
    for i in range(last):
        away, main, cross = rx.px[i], main_c + sign * (i + 1), rx.col[i]
        rx.px[m] = away
        rx.row[m] = main if along_rows else cross
        rx.col[m] = cross if along_rows else main
        rx.after[m] = max(min(n, int(away - gap_steps)), 0)
        m += away >= 0.0
    return n, m


class _Axes(NamedTuple):
    """A side of the window: its main axis runs out from the transmitter (sign +1 or -1), the other one across.

    ``main_c`` is the transmitter's own row or column, ``main_f`` and ``cross_f`` are its place, ``n_cross`` is the
    number of pixels across.
    """

    sign: int
    along_rows: bool
    main_c: int
    main_f: float
    cross_f: float
    n_cross: int


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _heights(ground, row_f, col_f, step_r, step_c, n, h):  # type: ignore[no-untyped-def]
    for i in range(1, n + 1):
        write(h, i, between(ground, row_f + i * step_r, col_f + i * step_c))


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _nearest(axes, slopes, ray, farthest, last, away_px, cross_px):  # type: ignore[no-untyped-def]
    """Fill distance and place of the pixel nearest to the ray in each row or column; distance -1 if not its own."""
    sign, along_rows, main_c, main_f, cross_f, n_cross = axes
    slope, share = slopes[ray], 0.5 * (slopes.size - 1)
    for i in range(last):
        run = sign * (main_c + sign * (i + 1) - main_f)
        nearest = np.rint(cross_f + run * slope)
        aside = nearest - cross_f
        s = aside / run
        own = np.floor((s * (_LINEAR - _CUBIC * s * s) + 1.0) * share + 0.5) == ray
        away = np.sqrt(run * run + aside * aside)
        own = own & (nearest >= 0.0) & (nearest <= n_cross - 1.0) & (away <= farthest)
        # on a diagonal the rows' sides answer, but they begin beside the row of the transmitter
        diagonal = (abs(aside) == run) & (along_rows | (nearest == np.rint(cross_f)))
        own = own & ((abs(aside) < run) | diagonal)
        write(away_px, i, away if own else -1.0)
        write(cross_px, i, int(nearest))


@nb.njit(cache=True, nogil=True, error_model="numpy")
def approach(ground, fan, rx, m, tail):  # type: ignore[no-untyped-def]
    """Fill ``tail[t, k]`` with the height t + 1 steps before receiver k on the straight line to it. [m]

    Parameters
    ----------
    tail : float64 array, shape (APPROACH, at least m)
        :data:`NOTHING_M` where the transmitter is not farther away than that.

    Other parameters are those of :func:`trace`.
    """
    size = tail.shape[1]
    row_f, col_f = fan.row_f, fan.col_f
    for t in range(APPROACH):
        for k in range(m):
            away = read(rx.px, k)
            x = away - (t + 1.0)
            share = max(x, 0.0) / away
            height = between(
                ground, row_f + share * (read(rx.row, k) - row_f), col_f + share * (read(rx.col, k) - col_f)
            )
            write(tail, t * size + k, height if x > _GAP_STEPS else NOTHING_M)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def foot(ground, row, col):  # type: ignore[no-untyped-def]
    """Return the height under a point between pixel middles, or that of the nearest middle off the grid. [m]"""
    return between(ground, row, col)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _steps_inside(start, step, size):  # type: ignore[no-untyped-def]
    """Return how many whole steps from ``start`` stay on the grid."""
    if step > 0.0:
        return int(max((size - 0.5 - start) / step, 0.0))
    if step < 0.0:
        return int(max((start + 0.5) / -step, 0.0))
    return 1 << 30


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
def empty_hull(hull):  # type: ignore[no-untyped-def]
    """Set the sentinel and return the position of the stack's top."""
    hull.x[0], hull.y[0], hull.slope[0] = -1, ABYSS_M, np.inf
    return 0


@nb.njit(cache=True, nogil=True, inline="always")
def push(hull, inverse, top, i, y):  # type: ignore[no-untyped-def]
    """Add the farthest point so far, number i, and return the position of the stack's new top."""
    slope = (y - hull.y[top]) * inverse[i - hull.x[top]]
    while slope >= hull.slope[top]:
        top -= 1
        slope = (y - hull.y[top]) * inverse[i - hull.x[top]]
    top += 1
    hull.x[top], hull.y[top], hull.slope[top] = i, y, slope
    return top


@nb.njit(cache=True, nogil=True, inline="always")
def tangent(hull, top, x, y):  # type: ignore[no-untyped-def]
    """Return the position of the vertex that rises most steeply seen back from (x, y); 0 for an empty hull."""
    high = max(top - _STEPS_BACK, 0)
    while y - hull.y[top] >= hull.slope[top] * (x - hull.x[top]):
        top -= 1
        if top == high:
            break
    if top > high or high == 0:
        return top
    low = 0
    while low < high:
        middle = (low + high + 1) >> 1
        if y - hull.y[middle] >= hull.slope[middle] * (x - hull.x[middle]):
            high = middle - 1
        else:
            low = middle
    return low


@nb.njit(cache=True, nogil=True, inline="always")
def extreme(hull, top, slope):  # type: ignore[no-untyped-def]
    """Return the position of the vertex that stands highest above any line of this slope."""
    low, high = 0, top
    while low < high:
        middle = (low + high + 1) >> 1
        if hull.slope[middle] > slope:
            low = middle
        else:
            high = middle - 1
    return low


@nb.njit(cache=True, nogil=True)
def clearest(hull, top, y, last, x_end, start, slope, least):  # type: ignore[no-untyped-def]
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
        xa, xb = float(hull.x[middle]), float(hull.x[middle + 1])
        gap_a, gap_b = start + slope * xa - hull.y[middle], start + slope * xb - hull.y[middle + 1]
        if gap_a * gap_a * xb * (x_end - xb) > gap_b * gap_b * xa * (x_end - xa):
            low = middle + 1
        else:
            high = middle
    vertex = hull.x[low]
    x = float(vertex)
    zone = x * (x_end - x)
    gap = start + slope * x - hull.y[low]
    at_vertex = gap * gap / zone
    least = min(least, at_vertex)
    # along an edge the hull itself is nearer only between the roots of a quadratic; one of them is outside
    first, stop = vertex, vertex
    over = gap * gap - least * zone
    if low > 1:
        q = slope - hull.slope[low]
        half, square = 0.5 * least * (x_end - 2.0 * x) - gap * q, q * q + least
        if half < 0.0 and half * half > square * over:
            first = max(int(x + 2.0 * half / square), hull.x[low - 1] + 1)
    if low < top:
        q = slope - hull.slope[low + 1]
        half, square = 0.5 * least * (x_end - 2.0 * x) - gap * q, q * q + least
        if half > 0.0 and half * half > square * over:
            stop = min(int(x + 2.0 * half / square) + 2, hull.x[low + 1])
    least = min(least, _least_gap(y, first, stop, x_end, start, slope))
    return min(least, _least_gap(y, hull.x[top] + 1, last + 1, x_end, start, slope))


@nb.njit(cache=True, nogil=True, error_model="numpy", fastmath={"nnan", "nsz"})
def _least_gap(y, first, stop, x_end, start, slope):  # type: ignore[no-untyped-def]
    """Look at every point, several at a time."""
    least = 1e300
    for j in range(first, stop):
        x = float(j)
        gap = start + slope * x - read(y, j)
        least = min(least, gap * gap / (x * (x_end - x)))
    return least


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
def near(y, tail, bulge, tx_m, rx, rx_m, m, seen):  # type: ignore[no-untyped-def]
    """Fill what each receiver's own points and the last one of the ray say alone.

    Parameters
    ----------
    y : float64 array
        Heights of the ray less the bulge.
    tail, rx, rx_m, m
        As for :func:`phusong.radio.terrain_profile.nu_along`.
    seen : Seen
        Filled.
    """
    size = tail.shape[1]
    for k in range(m):
        d = read(rx.px, k)
        low = read(rx_m, k) - bulge * (d * d)
        slope = (low - tx_m) / d
        write(seen.end, k, low)
        after = read(rx.after, k)
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
        write(seen.rise, k, up)
        write(seen.rise_px, k, up_x)
        write(seen.back, k, down)
        write(seen.back_px, k, down_x)
        write(seen.least, k, clear)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def behind(n, rx, m, tx_m, work):  # type: ignore[no-untyped-def]
    """Complete what :func:`near` found with the rest of the ray: ``back`` of hidden receivers, ``least`` of clear ones.

    Parameters
    ----------
    n, rx, m, tx_m
        As for :func:`nu_along`.
    work : Workspace
        ``y`` and ``up`` from :func:`bend`, ``seen`` from :func:`near`.
    """
    y, up, corner, hull = work.y, work.up, work.corner, work.hull
    end, rise, rise_px, back, back_px, least = work.seen
    count = corners(y, n, corner)
    top = empty_hull(hull)
    steepest, steepest_x = -np.inf, 0
    taken = 0
    for k in range(m):
        while taken < count and corner[taken] <= rx.after[k]:
            i = corner[taken]
            taken += 1
            if up[i] > steepest:
                steepest, steepest_x = up[i], i
            top = push(hull, work.inverse, top, i, y[i])
        if steepest >= rise[k]:
            rise[k], rise_px[k] = steepest, steepest_x
        if top == 0:
            continue
        d = rx.px[k]
        if rise[k] * d < end[k] - tx_m:
            slope = (end[k] - tx_m) / d
            least[k] = clearest(hull, top, y, rx.after[k], d, tx_m, slope, least[k])
        else:
            j = tangent(hull, top, d, end[k])
            slope = (hull.y[j] - end[k]) / (d - hull.x[j])
            if slope >= back[k]:
                back[k], back_px[k] = slope, hull.x[j]


@nb.njit(cache=True, nogil=True, error_model="numpy")
def construct(rx_px, seen, tx_m, m, per_step, out):  # type: ignore[no-untyped-def]
    """Fill ν·√λ; ``per_step`` is 0.002 over a step in km."""
    end, rise, _, back, _, least = seen
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


EFFECTIVE_EARTH_KM = 8495.0  # median effective Earth radius: 6371 km × 4/3
_LIGHT_M_GHZ = 0.299792458
_CLEAR = -1e9  # ν of a path with nothing on it


@nb.njit(cache=True, nogil=True, error_model="numpy")
def sweep_nu(ground, fan, cell_km, tx_height_m, rx_ground, rx_height_m, earth_km):  # type: ignore[no-untyped-def]
    """Return Bullington's ν·√λ over the window round a transmitter.

    Parameters
    ----------
    ground : float32 array, shape (height, width)
        What stands in the way: ground, or ground and cover, without gaps. [m]
    fan : Fan
        The rays.
    cell_km, tx_height_m, rx_height_m, earth_km : float
        Pixel side, heights above ground, effective Earth radius.
    rx_ground : float32 array
        Ground that the antennas stand on. [m]

    Returns
    -------
    float32 array, shape (2·radius_px + 1, 2·radius_px + 1)
        Centred on the pixel nearest to the transmitter; NaN off the grid and beyond the reach.
    """
    radius_px = fan.radius_px
    width = 2 * radius_px + 1
    nu = np.full((width, width), np.nan, np.float32)
    row_c, col_c = int(np.rint(fan.row_f)), int(np.rint(fan.col_f))
    if row_c < 0 or col_c < 0 or row_c >= ground.shape[0] or col_c >= ground.shape[1]:
        return nu
    nu[radius_px, radius_px] = _CLEAR
    n_max = radius_px + 2
    h, rx_m, out = np.empty(n_max), np.empty(n_max), np.empty(n_max)
    rx, work, tail = receivers(n_max), workspace(n_max), np.empty((APPROACH, n_max))
    tx_m = foot(rx_ground, fan.row_f, fan.col_f) + tx_height_m
    for side in range(SIDES):
        for ray in range(fan.slopes.size):
            n, m = trace(side, ray, fan, ground, h, rx, APPROACH + 0.5)
            if m == 0:
                continue
            approach(ground, fan, rx, m, tail)
            _antennas(rx_ground, rx, rx_height_m, m, rx_m)
            nu_along(h, n, cell_km, tx_m, rx, rx_m, tail, m, earth_km, work, out)
            for k in range(m):
                nu[rx.row[k] - row_c + radius_px, rx.col[k] - col_c + radius_px] = out[k]
    return nu


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _antennas(rx_ground, rx, rx_height_m, m, rx_m):  # type: ignore[no-untyped-def]
    """Fill the receivers' heights above sea level."""
    width = rx_ground.shape[1]
    for k in range(m):
        write(rx_m, k, rx_height_m + read(rx_ground, read(rx.row, k) * width + read(rx.col, k)))


@nb.njit(cache=True, nogil=True, error_model="numpy")
def nu_along(h, n, step_km, tx_m, rx, rx_m, tail, m, earth_km, work, out):  # type: ignore[no-untyped-def]
    """Fill ``out[k]`` with Bullington's ν·√λ to receiver ``k``.

    Parameters
    ----------
    h : float64 array
        Height of what stands in the way at every ``step_km`` from the transmitter, from index 1. [m]
    n : int
        How many.
    step_km, tx_m, earth_km : float
        Spacing of the profile, transmitter above sea level, effective Earth radius.
    rx : Receivers
        The receivers, nearest first.
    rx_m : float64 array
        Their heights above sea level.
    tail : float64 array, shape (APPROACH, at least m)
        Heights of each receiver's own profile points, from :func:`phusong.radio.terrain_profile.approach`.
    m : int
        How many receivers.
    work : Workspace
        From :func:`workspace`.
    out : float64 array
        Result.
    """
    # from here on lengths are steps: x = i
    bulge = 500.0 / earth_km * step_km * step_km
    n = min(n, rx.after[m - 1])
    bend(h, n, bulge, tx_m, work.y, work.up)
    near(work.y, tail, bulge, tx_m, rx, rx_m, m, work.seen)
    behind(n, rx, m, tx_m, work)
    construct(rx.px, work.seen, tx_m, m, 0.002 / step_km, out)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def free_space_diffraction(  # type: ignore[no-untyped-def]
    nu, ground, row_f, col_f, cell_km, frequencies_ghz, tx_m, rx_height_m
):
    """Return free space over the slant path plus Bullington's loss, shape (n_frequencies, side, side). [dB]

    Parameters
    ----------
    nu : float32 array, shape (side, side)
        From :func:`sweep_nu`.
    ground : float32 array
        What the receivers stand on. [m]
    tx_m, rx_height_m : float
        Transmitter above sea level, receiver above ground.

    Other parameters are those of :func:`sweep_nu`.
    """
    side = nu.shape[0]
    height, width = ground.shape
    top, left = int(np.rint(row_f)) - side // 2, int(np.rint(col_f)) - side // 2
    loss = np.full((frequencies_ghz.size, side, side), np.nan, np.float32)
    first, last = max(0, -left), min(side, width - left)
    for k in range(frequencies_ghz.size):
        scale = np.sqrt(frequencies_ghz[k] / _LIGHT_M_GHZ)
        free = 92.4 + 2.0 * DB_PER_OCTAVE * log2(frequencies_ghz[k])
        for r in range(max(0, -top), min(side, height - top)):
            north = (top + r - row_f) * cell_km
            for c in range(first, last):
                east = (left + c - col_f) * cell_km
                # no pixel's middle is nearer than a quarter of a pixel on average
                flat = max(north * north + east * east, 0.0625 * cell_km * cell_km)
                drop = (tx_m - ground[top + r, left + c] - rx_height_m) * 1e-3
                loss[k, r, c] = (
                    free
                    + DB_PER_OCTAVE * log2(flat + drop * drop)
                    + _bullington(nu[r, c], scale, np.sqrt(flat))
                )
    return loss


@nb.njit(cache=True, nogil=True, inline="always", error_model="numpy")
def _bullington(nu, scale, km):  # type: ignore[no-untyped-def]
    """Return Bullington's loss, without a branch so that several pixels are computed at once; NaN stays. [dB]"""
    above = max(nu * scale, -0.78) - 0.1
    edge = 6.9 + 2.0 * DB_PER_OCTAVE * log2(np.sqrt(above * above + 1.0) + above)
    edge = edge if above > -0.88 else 0.0
    whole = edge + (1.0 - exp(edge * (-1.0 / 6.0))) * (10.0 + 0.02 * km)
    return whole if nu == nu else np.nan  # noqa: PLR0124 - NaN


def as_ground(values: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Return heights as the kernels read them: float32, gaps (the sea) at 0, at least 2 pixels each way."""
    ground = np.nan_to_num(np.asarray(values, np.float32), nan=0.0)
    short = [max(0, 2 - size) for size in ground.shape]
    if any(short):
        ground = np.pad(ground, ((0, short[0]), (0, short[1])), mode="edge")
    return np.ascontiguousarray(ground)

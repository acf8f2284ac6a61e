"""The fan of rays round a transmitter: the heights a ray passes over, and which pixels it answers for.

Four sides of a square window; on each, rays spaced about evenly in angle, sampled bilinearly one pixel's side apart.
Every pixel belongs to the ray that passes nearest to it and is evaluated at its own middle, with its own height and
its own distance, over the terrain along that ray.
"""

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["SIDES", "fan_slopes", "foot", "trace"]

SIDES = 4
# a ray's number is linear in s·(1.108 - 0.108·s²) of its slope s: about equally far apart at the rim
_LINEAR, _CUBIC = 1.108, 0.108
_RAYS_PER_PIXEL = 1.15
_GAP_STEPS = 0.4  # no profile point nearer to the receiver than this: it would stand beside it, not before it


def fan_slopes(radius_px: int, rays_per_pixel: float = _RAYS_PER_PIXEL) -> npt.NDArray[np.float64]:
    """Return the slopes of one side's rays: at the rim never more than 1/rays_per_pixel apart."""
    rays = 2 * int(np.ceil(radius_px * rays_per_pixel / _LINEAR)) + 3
    wanted = np.linspace(-1.0, 1.0, rays)
    slope = wanted.copy()
    for _ in range(40):
        slope -= (slope * (_LINEAR - _CUBIC * slope**2) - wanted) / (_LINEAR - 3.0 * _CUBIC * slope**2)
    slope[0], slope[-1] = -1.0, 1.0
    return slope


@nb.njit(cache=True, nogil=True, error_model="numpy")
def trace(  # type: ignore[no-untyped-def]
    side, ray, slopes, ground, row_f, col_f, radius_px, reach_px, h, rx_px, rx_row, rx_col, rx_after
):
    """Fill one ray of the fan and return the number of its profile points and of its receivers.

    Parameters
    ----------
    side, ray : int
        Which side of the window (0 south, 1 north, 2 east, 3 west) and which ray of it.
    slopes : float64 array
        From :func:`fan_slopes`.
    ground : float32 array, shape (height, width)
        Heights without gaps; at least 2 pixels each way. [m]
    row_f, col_f : float
        Transmitter in pixel middles; it stands on the grid.
    radius_px : int
        Half side of the window.
    reach_px : float
        Receivers farther away are left out. [pixels]
    h : float64 array, filled from 1
        Height at each whole pixel's distance along the ray. [m]
    rx_px, rx_row, rx_col, rx_after : array, filled from 0
        Pixels answered for, nearest first: distance [pixels], row, column, and the last profile point that lies
        between transmitter and pixel.
    """
    height, width = ground.shape
    sign = 1 - 2 * (side % 2)
    along_rows = side < 2
    slope = slopes[ray]
    stretch = np.sqrt(1.0 + slope * slope)
    if along_rows:
        main_f, cross_f, n_main, n_cross = row_f, col_f, height, width
        step_r, step_c = sign / stretch, slope / stretch
    else:
        main_f, cross_f, n_main, n_cross = col_f, row_f, width, height
        step_r, step_c = slope / stretch, sign / stretch
    n = min(radius_px, _steps_inside(row_f, step_r, height), _steps_inside(col_f, step_c, width))
    for i in range(1, n + 1):
        r, c = row_f + i * step_r, col_f + i * step_c
        h[i] = _between(ground, min(max(r, 0.0), height - 1.0), min(max(c, 0.0), width - 1.0))
    main_c = int(np.rint(main_f))
    share = 0.5 * (slopes.size - 1)
    # no farther from the ray than half-way to its neighbours, and a little: most pixels end here
    half = 0.505 * max(
        slopes[ray] - slopes[max(ray - 1, 0)], slopes[min(ray + 1, slopes.size - 1)] - slopes[ray]
    )
    m = 0
    for i in range(1, radius_px + 1):
        main = main_c + sign * i
        run = sign * (main - main_f)
        cross = cross_f + run * slope
        if main < 0 or main >= n_main:
            break
        nearest = int(np.rint(cross))
        if abs(nearest - cross) > half * run:
            continue
        aside = nearest - cross_f
        if nearest < 0 or nearest >= n_cross or abs(aside) > run or (abs(aside) == run and not along_rows):
            continue
        s = aside / run
        if int((s * (_LINEAR - _CUBIC * s * s) + 1.0) * share + 0.5) != ray:
            continue
        away = np.sqrt(run * run + aside * aside)
        if away > reach_px or away > n + 1.5:
            continue
        rx_px[m] = away
        rx_after[m] = min(n, int(away - _GAP_STEPS))
        if along_rows:
            rx_row[m], rx_col[m] = main, nearest
        else:
            rx_row[m], rx_col[m] = nearest, main
        m += 1
    return n, m


@nb.njit(cache=True, nogil=True, error_model="numpy")
def foot(ground, row, col):  # type: ignore[no-untyped-def]
    """Return the height under a point between pixel middles, or that of the nearest middle off the grid. [m]"""
    height, width = ground.shape
    return _between(ground, min(max(row, 0.0), height - 1.0), min(max(col, 0.0), width - 1.0))


@nb.njit(cache=True, nogil=True, inline="always", error_model="numpy")
def _between(ground, row, col):  # type: ignore[no-untyped-def]
    height, width = ground.shape
    r, c = min(int(row), height - 2), min(int(col), width - 2)
    fr, fc = row - r, col - c
    a, b = ground[r, c], ground[r, c + 1]
    e, f = ground[r + 1, c], ground[r + 1, c + 1]
    upper, lower = a + fc * (b - a), e + fc * (f - e)
    return upper + fr * (lower - upper)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _steps_inside(start, step, size):  # type: ignore[no-untyped-def]
    """Return how many whole steps from ``start`` stay on the grid."""
    if step > 0.0:
        return int(max((size - 0.5 - start) / step, 0.0))
    if step < 0.0:
        return int(max((start + 0.5) / -step, 0.0))
    return 1 << 30

"""The fan of rays round a transmitter: the heights a ray passes over, and which pixels it answers for.

Four sides of a square window; on each, rays spaced about evenly in angle, sampled bilinearly one pixel's side apart.
Every pixel belongs to the ray that passes nearest to it and is evaluated at its own middle, with its own height and
its own distance, over the terrain along that ray. What stands just before a receiver decides most and differs most
from what stands beside it, so the last steps may be taken on the straight line to the receiver itself.
"""

import numpy as np
import numpy.typing as npt

from phusong.kernel_cache import nb
from phusong.radio.lanes import between, read, write

__all__ = ["APPROACH", "ENOUGH_RAYS", "NOTHING_M", "SIDES", "approach", "fan_slopes", "foot", "trace"]

SIDES = 4
APPROACH = 4  # profile points of a receiver's own, one step apart, before it
NOTHING_M = -1e9  # height of a point that is not there
# a ray's number is linear in s·(1.108 - 0.108·s²) of its slope s: about equally far apart at the rim
_LINEAR, _CUBIC = 1.108, 0.108
_RAYS_PER_PIXEL = 1.15
ENOUGH_RAYS = 1.03  # a pixel at the rim, where every receiver has points of its own
_GAP_STEPS = 0.4  # no profile point nearer to the receiver than this: it would stand beside it, not before it


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
def trace(  # type: ignore[no-untyped-def]
    side, ray, slopes, ground, row_f, col_f, radius_px, reach_px, h, rx_px, rx_row, rx_col, rx_after,
    gap_steps=_GAP_STEPS,
):  # fmt: skip
    """Fill one ray of the fan and return the number of its profile points and of its receivers.

    Parameters
    ----------
    side, ray : int
        Which side of the window (0 south, 1 north, 2 east, 3 west) and which ray of it.
    slopes : float64 array
        From :func:`fan_slopes`.
    ground : float32 array, shape (height, width)
        Heights without gaps; at least 2 pixels each way, contiguous. [m]
    row_f, col_f : float
        Transmitter in pixel middles; it stands on the grid.
    radius_px : int
        Half side of the window.
    reach_px : float
        Receivers farther away are left out. [pixels]
    h : float64 array, filled from 1
        Height at each whole pixel's distance along the ray. [m]
    rx_px, rx_row, rx_col, rx_after : array, filled from 0, at least radius_px long
        Pixels answered for, nearest first: distance [pixels], row, column, and the last profile point that lies
        between transmitter and pixel.
    gap_steps : float
        How far before the pixel that point lies at least.
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
    _heights(ground, row_f, col_f, step_r, step_c, n, h)
    main_c = int(np.rint(main_f))
    last = min(radius_px, n_main - 1 - main_c if sign > 0 else main_c, int((reach_px + 1.0) / stretch) + 2)
    _nearest(
        sign, main_c, main_f, cross_f, n_cross, slope, ray, 0.5 * (slopes.size - 1), along_rows,
        min(reach_px, n + 1.5), last, rx_px, rx_col,
    )  # fmt: skip
    # those not answered for (marked by a distance below 0) are overwritten by the next
    m = 0
    for i in range(last):
        away, main, cross = rx_px[i], main_c + sign * (i + 1), rx_col[i]
        rx_px[m] = away
        rx_row[m] = main if along_rows else cross
        rx_col[m] = cross if along_rows else main
        rx_after[m] = max(min(n, int(away - gap_steps)), 0)
        m += away >= 0.0
    return n, m


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _heights(ground, row_f, col_f, step_r, step_c, n, h):  # type: ignore[no-untyped-def]
    for i in range(1, n + 1):
        write(h, i, between(ground, row_f + i * step_r, col_f + i * step_c))


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _nearest(  # type: ignore[no-untyped-def]
    sign, main_c, main_f, cross_f, n_cross, slope, ray, share, along_rows, farthest, last, away_px, cross_px
):
    """Fill distance and place of the pixel nearest to the ray in each row or column; distance -1 if not its own."""
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
def approach(ground, row_f, col_f, rx_px, rx_row, rx_col, m, tail):  # type: ignore[no-untyped-def]
    """Fill ``tail[t, k]`` with the height t + 1 steps before receiver k on the straight line to it. [m]

    Parameters
    ----------
    tail : float64 array, shape (APPROACH, at least m)
        :data:`NOTHING_M` where the transmitter is not farther away than that.

    Other parameters are those of :func:`trace`.
    """
    size = tail.shape[1]
    for t in range(APPROACH):
        for k in range(m):
            away = read(rx_px, k)
            x = away - (t + 1.0)
            share = max(x, 0.0) / away
            height = between(
                ground, row_f + share * (read(rx_row, k) - row_f), col_f + share * (read(rx_col, k) - col_f)
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

"""Free space and Bullington diffraction to every pixel round a transmitter, by a fan of rays and hull tangents.

Recommendations ITU-R P.525-4 and P.526-15, section 4.5.1 (the Bullington part of P.1812-7, section 4.3.1). The
geometry does not depend on frequency, which only scales it: further bands of a site are nearly free.
"""

import numpy as np
import numpy.typing as npt

from phusong.kernel_cache import nb
from phusong.radio.construction import behind, bend, construct, near
from phusong.radio.fan import APPROACH, SIDES, approach, foot, trace
from phusong.radio.fastmath import DB_PER_OCTAVE, exp, log2
from phusong.radio.hull import inverses
from phusong.radio.lanes import read, write

__all__ = [
    "EFFECTIVE_EARTH_KM",
    "WORK_ROWS",
    "as_ground",
    "free_space_diffraction",
    "nu_along",
    "sweep_nu",
]

EFFECTIVE_EARTH_KM = 8495.0  # median effective Earth radius: 6371 km × 4/3
_LIGHT_M_GHZ = 0.299792458
_CLEAR = -1e9  # ν of a path with nothing on it
WORK_ROWS = 10


@nb.njit(cache=True, nogil=True, error_model="numpy")
def sweep_nu(  # type: ignore[no-untyped-def]
    ground, row_f, col_f, cell_km, radius_px, reach_px, slopes, tx_height_m, rx_ground, rx_height_m, earth_km
):
    """Return Bullington's ν·√λ over the window round a transmitter.

    Parameters
    ----------
    ground : float32 array, shape (height, width)
        What stands in the way: ground, or ground and cover, without gaps. [m]
    row_f, col_f : float
        Place of the transmitter in pixel middles: (0, 0) is the middle of the first pixel.
    cell_km, tx_height_m, rx_height_m, earth_km : float
        Pixel side, heights above ground, effective Earth radius.
    radius_px : int
        Half side of the window.
    reach_px : float
        Receivers farther away are left out. [pixels]
    slopes : float64 array
        From :func:`phusong.radio.fan.fan_slopes`.
    rx_ground : float32 array
        Ground that the antennas stand on. [m]

    Returns
    -------
    float32 array, shape (2·radius_px + 1, 2·radius_px + 1)
        Centred on the pixel nearest to the transmitter; NaN off the grid and beyond the reach.
    """
    width = 2 * radius_px + 1
    nu = np.full((width, width), np.nan, np.float32)
    row_c, col_c = int(np.rint(row_f)), int(np.rint(col_f))
    if row_c < 0 or col_c < 0 or row_c >= ground.shape[0] or col_c >= ground.shape[1]:
        return nu
    nu[radius_px, radius_px] = _CLEAR
    n_max = radius_px + 2
    h, rx_px, rx_m, out = np.empty(n_max), np.empty(n_max), np.empty(n_max), np.empty(n_max)
    rx_row, rx_col, rx_after = np.empty(n_max, np.int64), np.empty(n_max, np.int64), np.empty(n_max, np.int64)
    tail, work, whole = (
        np.empty((APPROACH, n_max)),
        np.empty((WORK_ROWS, n_max)),
        np.empty((2, n_max), np.int64),
    )
    inverse = inverses(n_max)
    tx_m = foot(rx_ground, row_f, col_f) + tx_height_m
    for side in range(SIDES):
        for ray in range(slopes.size):
            n, m = trace(
                side, ray, slopes, ground, row_f, col_f, radius_px, reach_px, h, rx_px, rx_row, rx_col, rx_after,
                APPROACH + 0.5,
            )  # fmt: skip
            if m == 0:
                continue
            approach(ground, row_f, col_f, rx_px, rx_row, rx_col, m, tail)
            _antennas(rx_ground, rx_row, rx_col, rx_height_m, m, rx_m)
            nu_along(h, n, cell_km, tx_m, rx_px, rx_m, rx_after, tail, m, earth_km, inverse, work, whole, out)
            for k in range(m):
                nu[rx_row[k] - row_c + radius_px, rx_col[k] - col_c + radius_px] = out[k]
    return nu


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _antennas(rx_ground, rx_row, rx_col, rx_height_m, m, rx_m):  # type: ignore[no-untyped-def]
    """Fill the receivers' heights above sea level."""
    width = rx_ground.shape[1]
    for k in range(m):
        write(rx_m, k, rx_height_m + read(rx_ground, read(rx_row, k) * width + read(rx_col, k)))


@nb.njit(cache=True, nogil=True, error_model="numpy")
def nu_along(  # type: ignore[no-untyped-def]
    h, n, step_km, tx_m, rx_px, rx_m, rx_after, tail, m, earth_km, inverse, work, whole, out
):
    """Fill ``out[k]`` with Bullington's ν·√λ to receiver ``k``.

    Parameters
    ----------
    h : float64 array
        Height of what stands in the way at every ``step_km`` from the transmitter, from index 1. [m]
    n : int
        How many.
    step_km, tx_m, earth_km : float
        Spacing of the profile, transmitter above sea level, effective Earth radius.
    rx_px, rx_m : float64 array
        Receivers, nearest first: distance in steps and height above sea level.
    rx_after : int64 array
        Last profile point before each receiver's own.
    tail : float64 array, shape (APPROACH, at least m)
        Heights of each receiver's own profile points, from :func:`phusong.radio.fan.approach`.
    m : int
        How many receivers.
    inverse : float64 array
        From :func:`phusong.radio.hull.inverses`.
    work, whole : float64 and int64 array, shape (WORK_ROWS, n) and (2, n)
        Scratch space.
    out : float64 array
        Result.
    """
    y, up, end, least = work[0], work[1], work[2], work[3]
    rise, rise_px, back, back_px = work[4], work[5], work[6], work[7]
    # from here on lengths are steps: x = i
    bulge = 500.0 / earth_km * step_km * step_km
    n = min(n, rx_after[m - 1])
    bend(h, n, bulge, tx_m, y, up)
    near(y, tail, bulge, tx_m, rx_px, rx_m, rx_after, m, end, rise, rise_px, back, back_px, least)
    behind(
        y, up, n, rx_px, rx_after, m, tx_m, inverse, whole[0], whole[1], work[8], work[9], end, rise, rise_px, back,
        back_px, least,
    )  # fmt: skip
    construct(rx_px, end, tx_m, rise, back, least, m, 0.002 / step_km, out)


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

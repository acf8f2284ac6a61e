"""The area kernel: Bullington diffraction to every pixel round a transmitter, by a fan of rays and hull tangents.

Rays run from the transmitter to every pixel on the rim of a square window. Along a ray the transmitter's
steepest slope is a running maximum; the receiver's is a tangent to the upper convex hull of the terrain behind
it, kept as a stack and found by bisection: O(log n) a receiver instead of O(n), exactly.

Recommendation ITU-R P.526-15, section 4.5.1 (the Bullington part of P.1812-7, section 4.3.1).
"""

import numba as nb
import numpy as np
import numpy.typing as npt

__all__ = ["EFFECTIVE_EARTH_KM", "bullington_along", "sweep_window"]

EFFECTIVE_EARTH_KM = 8495.0  # median effective Earth radius: 6371 km × 4/3


@nb.njit(cache=True, nogil=True)
def sweep_window(  # type: ignore[no-untyped-def]
    elevation, row_f, col_f, cell_m, radius_px, tx_height_m, rx_height_m, frequency_ghz, earth_km
):
    """Return Bullington's diffraction loss over the window round a transmitter. [dB]

    Parameters
    ----------
    elevation : float32 array, shape (height, width)
        Ground heights; NaN counts as 0. [m]
    row_f, col_f : float
        Place of the transmitter in pixel centres: (0, 0) is the middle of the first pixel.
    cell_m, tx_height_m, rx_height_m, frequency_ghz, earth_km : float
        Pixel side, heights above ground, frequency, effective Earth radius.
    radius_px : int
        Half side of the window.

    Returns
    -------
    float32 array, shape (2·radius_px + 1, 2·radius_px + 1)
        Centred on the pixel nearest to the transmitter; NaN off the grid and beyond the radius.
    """
    side = 2 * radius_px + 1
    loss = np.full((side, side), np.nan, np.float32)
    offset = np.full((side, side), np.inf, np.float32)
    row_c, col_c = int(np.rint(row_f)), int(np.rint(col_f))
    h0 = _ground(elevation, row_f, col_f)
    n_max = radius_px + 1
    d = np.empty(n_max + 1)
    g = np.empty(n_max + 1)
    out = np.empty(n_max + 1)
    hull = np.empty(n_max + 1, np.int64)
    loss[radius_px, radius_px] = 0.0
    height, width = elevation.shape
    for rim in range(4 * 2 * radius_px):
        edge, at = rim // (2 * radius_px), rim % (2 * radius_px)
        if edge == 0:
            dr, dc = -radius_px, at - radius_px
        elif edge == 1:
            dr, dc = at - radius_px, radius_px
        elif edge == 2:
            dr, dc = radius_px, radius_px - at
        else:
            dr, dc = radius_px - at, -radius_px
        step_r, step_c = dr / radius_px, dc / radius_px
        step_km = np.hypot(step_r, step_c) * cell_m / 1000.0
        reach = min(radius_px, int(radius_px * cell_m / 1000.0 / step_km))
        n = 0
        d[0], g[0] = 0.0, h0
        for i in range(1, reach + 1):
            r, c = row_f + i * step_r, col_f + i * step_c
            if r < -0.5 or c < -0.5 or r > height - 0.5 or c > width - 0.5:
                break
            d[i] = i * step_km
            g[i] = _ground(elevation, r, c)
            n = i
        bullington_along(d, g, n, h0 + tx_height_m, rx_height_m, frequency_ghz, earth_km, hull, out)
        for i in range(1, n + 1):
            r, c = row_f + i * step_r, col_f + i * step_c
            row, col = int(np.rint(r)), int(np.rint(c))
            wr, wc = row - row_c + radius_px, col - col_c + radius_px
            if row < 0 or col < 0 or row >= height or col >= width:
                continue
            if wr < 0 or wc < 0 or wr >= side or wc >= side:
                continue
            away = abs(r - row) + abs(c - col)
            if away < offset[wr, wc]:
                offset[wr, wc] = away
                loss[wr, wc] = out[i]
    return loss


@nb.njit(cache=True, nogil=True)
def bullington_along(d, g, n, h_ts, rx_height_m, frequency_ghz, earth_km, hull, out):  # type: ignore[no-untyped-def]
    """Fill ``out[1..n]`` with the diffraction loss to a receiver at each point of a profile. [dB]

    Parameters
    ----------
    d, g : float array
        Distance from the transmitter [km], rising from 0, and ground height [m].
    n : int
        Last point.
    h_ts, rx_height_m : float
        Transmitter above sea level, receiver above ground. [m]
    frequency_ghz, earth_km : float
        Frequency and effective Earth radius.
    hull, out : work and result arrays, at least n + 1 long
    """
    bulge = 500.0 / earth_km
    wavelength_m = 0.299792458 / frequency_ghz
    top = -1  # the stack holds the upper hull of (d_j, g_j - bulge·d_j²) for 1 <= j < i
    rise = -np.inf  # max over j < i of (g_j - h_ts)/d_j - bulge·d_j
    for i in range(1, n + 1):
        di = d[i]
        h_rs = g[i] + rx_height_m
        if top < 0:
            out[i] = 0.0
        else:
            s_tim = rise + bulge * di
            s_tr = (h_rs - h_ts) / di
            if s_tim < s_tr:
                nu = -np.inf
                scale = 0.002 * di / wavelength_m
                for j in range(1, i):
                    dj = d[j]
                    clear = g[j] + bulge * dj * (di - dj) - (h_ts * (di - dj) + h_rs * dj) / di
                    nu = max(nu, clear * np.sqrt(scale / (dj * (di - dj))))
            else:
                # steepest line from the receiver back to the hull: slopes rise to one maximum along it
                target = h_rs - bulge * di * di
                low, high = 0, top
                while low < high:
                    middle = (low + high) // 2
                    a, b = hull[middle], hull[middle + 1]
                    slope_a = (g[a] - bulge * d[a] * d[a] - target) / (di - d[a])
                    slope_b = (g[b] - bulge * d[b] * d[b] - target) / (di - d[b])
                    if slope_a < slope_b:
                        low = middle + 1
                    else:
                        high = middle
                a = hull[low]
                s_rim = (g[a] - bulge * d[a] * d[a] - target) / (di - d[a]) - bulge * di
                d_b = (h_rs - h_ts + s_rim * di) / (s_tim + s_rim)
                d_b = min(max(d_b, 1e-6), di - 1e-6)
                above = h_ts + s_tim * d_b - (h_ts * (di - d_b) + h_rs * d_b) / di
                nu = above * np.sqrt(0.002 * di / (wavelength_m * d_b * (di - d_b)))
            knife = 0.0
            if nu > -0.78:
                knife = 6.9 + 20.0 * np.log10(np.sqrt((nu - 0.1) ** 2 + 1.0) + nu - 0.1)
            out[i] = knife + (1.0 - np.exp(-knife / 6.0)) * (10.0 + 0.02 * di)
        rise = max(rise, (g[i] - h_ts) / di - bulge * di)
        yi = g[i] - bulge * di * di
        while top >= 1:
            a, b = hull[top - 1], hull[top]
            ya, yb = g[a] - bulge * d[a] * d[a], g[b] - bulge * d[b] * d[b]
            if (yb - ya) * (di - d[a]) <= (yi - ya) * (d[b] - d[a]):
                top -= 1
            else:
                break
        top += 1
        hull[top] = i


@nb.njit(cache=True, nogil=True)
def _ground(elevation, row, col):  # type: ignore[no-untyped-def]
    height, width = elevation.shape
    row = min(max(row, 0.0), height - 1.0)
    col = min(max(col, 0.0), width - 1.0)
    r, c = min(int(row), height - 2), min(int(col), width - 2)
    fr, fc = row - r, col - c
    a, b = _or_sea(elevation[r, c]), _or_sea(elevation[r, c + 1])
    e, f = _or_sea(elevation[r + 1, c]), _or_sea(elevation[r + 1, c + 1])
    return (a * (1 - fc) + b * fc) * (1 - fr) + (e * (1 - fc) + f * fc) * fr


@nb.njit(cache=True, nogil=True)
def _or_sea(height_m):  # type: ignore[no-untyped-def]
    return 0.0 if np.isnan(height_m) else float(height_m)


def as_float32(values: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Return the heights as the kernel reads them: one type, so that it is compiled once."""
    return np.ascontiguousarray(values, np.float32)

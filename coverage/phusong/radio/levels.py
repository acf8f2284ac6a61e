"""Kernels between a sweep and what is kept of it: levels of a station, strongest servers, power of all."""

import numpy as np

from phusong.kernel_cache import nb
from phusong.radio.antenna import sector_loss_db

__all__ = ["add_power", "carrier_sinr", "entry_sinr", "push_servers", "refine", "station_levels"]

NOTHING = -32768  # of int16 levels: nothing is heard
_PER_DB = np.log(10.0) / 10.0
_MW_PER_TENTH = _PER_DB / 10.0


@nb.njit(cache=True, nogil=True, error_model="numpy")
def station_levels(  # type: ignore[no-untyped-def]
    loss, top, left, ground, first_row, first_col, finer, clutter_loss, row_f, col_f, cell_m, tx_m, rx_height_m,
    losses_db, power_dbm, azimuth_deg, beamwidth_deg, tilt_deg, pattern, horizontal_db, vertical_db, floor_ddbm,
):  # fmt: skip
    """Return where a station is heard on one carrier: pixels, levels, and power of its other sectors.

    Parameters
    ----------
    loss : float32 array, shape (side, side)
        Window of the sweep, on the fine ground. [dB]
    top, left : int
        Its first pixel on `ground`.
    ground : float32 array
        Fine ground, whose first pixel is `first_row`, `first_col` of the whole. [m]
    finer : int
        Fine pixels along a pixel's side.
    clutter_loss : float32 array, shape (height, width)
        Loss round the receiver on the grid. [dB]
    row_f, col_f, cell_m, tx_m
        The antenna on the fine ground, a fine pixel's side, its height above sea level.
    power_dbm, azimuth_deg, beamwidth_deg, tilt_deg, pattern : arrays, shape (n_sectors,)
        The sectors.
    floor_ddbm : int
        Weaker levels are left out. [tenths of a dBm]

    Returns
    -------
    pixel : int32 array
        Flat pixels of the grid, ascending.
    level : int16 array
        Best sector's level: the mean over the pixel's parts. [tenths of a dBm]
    others : float32 array
        Power of the station's other sectors. [mW]
    """
    height, width = clutter_loss.shape
    side = loss.shape[0]
    row_a = max((first_row + top) // finer, 0)
    col_a = max((first_col + left) // finer, 0)
    row_b = min((first_row + top + side - 1) // finer + 1, height)
    col_b = min((first_col + left + side - 1) // finer + 1, width)
    most = max(row_b - row_a, 0) * max(col_b - col_a, 0)
    pixel, level, others = np.empty(most, np.int32), np.empty(most, np.int16), np.empty(most, np.float32)
    strongest = power_dbm.max() - losses_db
    n = 0
    for row in range(row_a, row_b):
        for col in range(col_a, col_b):
            total_db, rest_mw, parts = 0.0, 0.0, 0
            for i in range(finer):
                g_row = row * finer + i - first_row
                if g_row < top or g_row >= top + side or g_row < 0 or g_row >= ground.shape[0]:
                    continue
                for j in range(finer):
                    g_col = col * finer + j - first_col
                    if g_col < left or g_col >= left + side or g_col < 0 or g_col >= ground.shape[1]:
                        continue
                    lost = loss[g_row - top, g_col - left]
                    if np.isnan(lost) or (finer == 1 and (strongest - lost) * 10.0 < floor_ddbm):
                        continue
                    lost += losses_db + clutter_loss[row, col]
                    north, east = (row_f - g_row) * cell_m, (g_col - col_f) * cell_m
                    bearing = np.degrees(np.arctan2(east, north))
                    away = max(np.hypot(north, east), 1.0)
                    down = np.degrees(np.arctan((tx_m - ground[g_row, g_col] - rx_height_m) / away))
                    best = -1e9
                    for k in range(power_dbm.size):
                        heard = power_dbm[k] - sector_loss_db(
                            bearing, down, azimuth_deg[k], beamwidth_deg[k], tilt_deg[k], pattern[k], horizontal_db,
                            vertical_db,
                        )  # fmt: skip
                        if k > 0:
                            rest_mw += np.exp((min(heard, best) - lost) * _PER_DB)
                        best = max(best, heard)
                    total_db += best - lost
                    parts += 1
            # a pixel mostly out of reach is out of reach
            if parts * 2 <= finer * finer - (finer == 1):
                continue
            tenths = int(np.floor(total_db / parts * 10.0 + 0.5))
            if tenths >= floor_ddbm:
                pixel[n] = row * width + col
                level[n] = max(min(tenths, 0), NOTHING + 1)
                others[n] = rest_mw / parts
                n += 1
    return pixel[:n].copy(), level[:n].copy(), others[:n].copy()


@nb.njit(cache=True, nogil=True, error_model="numpy")
def refine(elevation, finer, first_row, first_col, height, width):  # type: ignore[no-untyped-def]
    """Return a piece of the ground on a finer grid, bilinear between pixel middles. [m]"""
    out = np.empty((height, width), np.float32)
    last_row, last_col = elevation.shape[0] - 1, elevation.shape[1] - 1
    for i in range(height):
        row = min(max((first_row + i + 0.5) / finer - 0.5, 0.0), last_row)
        r = min(int(row), max(last_row - 1, 0))
        for j in range(width):
            col = min(max((first_col + j + 0.5) / finer - 0.5, 0.0), last_col)
            c = min(int(col), max(last_col - 1, 0))
            upper = elevation[r, c] + (col - c) * (elevation[r, c + 1] - elevation[r, c])
            lower = elevation[r + 1, c] + (col - c) * (elevation[r + 1, c + 1] - elevation[r + 1, c])
            out[i, j] = upper + (row - r) * (lower - upper)
    return out


@nb.njit(cache=True, nogil=True)
def push_servers(level_of, station_of, pixel, level, floor_ddbm, station):  # type: ignore[no-untyped-def]
    """Put a station among the strongest of each pixel; both arrays have shape (n, pixels), strongest first.

    A station that is there already keeps its stronger level; of equals the one that came first stays ahead.
    """
    deep = level_of.shape[0]
    for e in range(pixel.size):
        if level[e] < floor_ddbm:
            continue
        p = pixel[e]
        end = deep - 1
        for k in range(deep):
            if station_of[k, p] == station:
                end = k
                break
        if level[e] <= level_of[end, p]:
            continue
        k = end
        while k > 0 and level_of[k - 1, p] < level[e]:
            level_of[k, p] = level_of[k - 1, p]
            station_of[k, p] = station_of[k - 1, p]
            k -= 1
        level_of[k, p] = level[e]
        station_of[k, p] = station


@nb.njit(cache=True, nogil=True)
def add_power(total_mw, pixel, level, others):  # type: ignore[no-untyped-def]
    """Add a station's power to that of all cells of a carrier, shape (pixels,). [mW]"""
    for e in range(pixel.size):
        total_mw[pixel[e]] += np.exp(level[e] * _MW_PER_TENTH) + others[e]


@nb.njit(cache=True, nogil=True)
def entry_sinr(pixel, level, carrier, total_mw, noise_mw, load):  # type: ignore[no-untyped-def]
    """Return signal over noise and the load of all other cells of the carrier, per entry. [tenths of a dB]"""
    out = np.empty(pixel.size, np.int16)
    for e in range(pixel.size):
        own = np.exp(level[e] * _MW_PER_TENTH)
        other = max(total_mw[carrier[e], pixel[e]] - own, 0.0)
        sinr_db = 10.0 * np.log10(own / (noise_mw[carrier[e]] + load * other))
        out[e] = int(np.floor(sinr_db * 10.0 + 0.5))
    return out


@nb.njit(cache=True, nogil=True)
def carrier_sinr(level, total_mw, noise_mw, load):  # type: ignore[no-untyped-def]
    """Return the SINR of each pixel's strongest server on one carrier, NaN where none is heard. [dB]"""
    out = np.full(level.size, np.nan, np.float32)
    for p in range(level.size):
        if level[p] > NOTHING:
            own = np.exp(level[p] * _MW_PER_TENTH)
            other = max(total_mw[p] - own, 0.0)
            out[p] = 10.0 * np.log10(own / (noise_mw + load * other))
    return out

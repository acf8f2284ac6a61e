"""P.1812 to every pixel round a transmitter."""

import numpy as np

from phusong.compute.kernels import nb
from phusong.radio.p1812.kernel import WHOLE_ROWS, WORK_ROWS, loss_along
from phusong.radio.p1812.tables import by_distance
from phusong.radio.terrain_profile import APPROACH, SIDES, approach, foot, inverses, trace

__all__ = ["sweep_loss"]

_INLAND = 4


@nb.njit(cache=True, nogil=True, error_model="numpy")
def sweep_loss(  # type: ignore[no-untyped-def]
    ground, surface, covered, zone, inland, row_f, col_f, cell_km, radius_px, reach_px, slopes, tx_height_m,
    rx_height_m, ghz, horizontal, percent, location_db, delta_n, n0, latitude_deg,
):  # fmt: skip
    """Return the basic transmission loss over the window round a transmitter, shape (n_frequencies, side, side). [dB]

    Parameters
    ----------
    ground, surface : float32 array, shape (height, width)
        Ground, and ground with what stands on it, without gaps. [m]
    covered, inland : bool
        Whether the two differ anywhere; whether every zone is inland.
    zone : int8 array, shape (height, width)
        1 sea, 3 coastal land, 4 inland; unread if ``inland``.
    row_f, col_f, cell_km, radius_px, reach_px, slopes
        As for :func:`phusong.radio.terrain_profile.sweep_nu`.
    ghz : float64 array
        Frequencies.
    location_db : float
        Added for the location percentage.

    Other parameters are those of :func:`phusong.radio.p1812.basic_loss`.
    """
    side_px = 2 * radius_px + 1
    loss = np.full((ghz.size, side_px, side_px), np.nan, np.float32)
    row_c, col_c = int(np.rint(row_f)), int(np.rint(col_f))
    if row_c < 0 or col_c < 0 or row_c >= ground.shape[0] or col_c >= ground.shape[1]:
        return loss
    n_max = radius_px + 2
    work, whole = np.empty((WORK_ROWS, n_max)), np.empty((WHOLE_ROWS, n_max), np.int64)
    out = np.empty((ghz.size, n_max))
    h, g, rx_px, rx_m = np.empty(n_max), np.empty(n_max), np.empty(n_max), np.empty(n_max)
    rx_row, rx_col, rx_after = np.empty(n_max, np.int64), np.empty(n_max, np.int64), np.empty(n_max, np.int64)
    tail_h, tail_g = np.empty((APPROACH, n_max)), np.empty((APPROACH, n_max))
    on_ray, at_rx = np.full(n_max, _INLAND), np.full(n_max, _INLAND)
    tail_zone = np.full((APPROACH, n_max), _INLAND)
    table, inverse = by_distance(radius_px * cell_km * 1.5 + 1.0, percent, latitude_deg), inverses(n_max)
    h_first = foot(ground, row_f, col_f)
    for side in range(SIDES):
        for ray in range(slopes.size):
            n, m = trace(
                side, ray, slopes, ground, row_f, col_f, radius_px, reach_px, h, rx_px, rx_row, rx_col, rx_after,
                APPROACH + 0.5,
            )  # fmt: skip
            if m == 0:
                continue
            approach(ground, row_f, col_f, rx_px, rx_row, rx_col, m, tail_h)
            if covered:
                trace(
                    side, ray, slopes, surface, row_f, col_f, radius_px, reach_px, g, rx_px, rx_row, rx_col,
                    rx_after, APPROACH + 0.5,
                )  # fmt: skip
                approach(surface, row_f, col_f, rx_px, rx_row, rx_col, m, tail_g)
            else:
                g, tail_g = h, tail_h
            dry = inland
            if not inland:
                dry = _zones_along(
                    zone,
                    side,
                    slopes[ray],
                    row_f,
                    col_f,
                    n,
                    rx_px,
                    rx_row,
                    rx_col,
                    m,
                    on_ray,
                    at_rx,
                    tail_zone,
                )
            for k in range(m):
                rx_m[k] = ground[rx_row[k], rx_col[k]]
            loss_along(
                h, g, covered, on_ray, dry, n, cell_km, h_first, tx_height_m, rx_px, rx_m, rx_height_m, at_rx, rx_after,
                tail_h, tail_g, tail_zone, m, ghz, horizontal, percent, location_db, delta_n, n0, latitude_deg, 500.0,
                500.0, table, inverse, work, whole, out,
            )  # fmt: skip
            for k in range(m):
                for f in range(ghz.size):
                    loss[f, rx_row[k] - row_c + radius_px, rx_col[k] - col_c + radius_px] = out[f, k]
    _at_the_mast(loss, ground[row_c, col_c] + rx_height_m - h_first - tx_height_m, row_f, col_f, cell_km, ghz)
    return loss


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _at_the_mast(loss, drop_m, row_f, col_f, cell_km, ghz):  # type: ignore[no-untyped-def]
    """Fill the transmitter's own pixel: free space, at least a quarter of a pixel away."""
    radius = loss.shape[1] // 2
    flat = max(np.hypot(np.rint(row_f) - row_f, np.rint(col_f) - col_f), 0.25) * cell_km
    for f in range(ghz.size):
        loss[f, radius, radius] = (
            92.4 + 20.0 * np.log10(ghz[f]) + 20.0 * np.log10(np.hypot(flat, drop_m / 1000.0))
        )


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _zones_along(  # type: ignore[no-untyped-def]
    zone, side, slope, row_f, col_f, n, rx_px, rx_row, rx_col, m, on_ray, at_rx, tail_zone
):
    """Fill the zones a ray passes, those of its receivers and of their own points; return whether all are inland."""
    sign = 1.0 - 2.0 * (side % 2)
    stretch = np.sqrt(1.0 + slope * slope)
    step_r, step_c = (sign / stretch, slope / stretch) if side < 2 else (slope / stretch, sign / stretch)
    dry = True
    for i in range(n + 1):
        r, c = int(row_f + i * step_r + 0.5), int(col_f + i * step_c + 0.5)
        on_ray[i] = zone[min(max(r, 0), zone.shape[0] - 1), min(max(c, 0), zone.shape[1] - 1)]
        dry = dry and on_ray[i] == _INLAND
    for k in range(m):
        at_rx[k] = zone[rx_row[k], rx_col[k]]
        dry = dry and at_rx[k] == _INLAND
        for t in range(APPROACH):
            share = max(1.0 - (t + 1.0) / rx_px[k], 0.0)
            r, c = (
                int(row_f + share * (rx_row[k] - row_f) + 0.5),
                int(col_f + share * (rx_col[k] - col_f) + 0.5),
            )
            tail_zone[t, k] = zone[min(max(r, 0), zone.shape[0] - 1), min(max(c, 0), zone.shape[1] - 1)]
            dry = dry and tail_zone[t, k] == _INLAND
    return dry

"""P.1812's geometry for every receiver along one ray: ν, horizons, the smooth surface.

Hull tangents answer the Bullington slopes, the horizons and the obstructions; prefix sums the smooth surface.
Equation numbers: Recommendation ITU-R P.1812-7 (08/2023). A receiver's profile is the points of the ray as far as its
``rx_after``, then its own last points (``tail``), then itself.
"""

import numpy as np

from phusong.compute.kernels import nb
from phusong.radio.simd import read, write
from phusong.radio.terrain_profile import (
    APPROACH,
    NOTHING_M,
    behind,
    bend,
    construct,
    corners,
    empty_hull,
    extreme,
    near,
    push,
    tangent,
)

__all__ = ["GEOMETRY_ROWS", "WHOLE_ROWS", "WORK_ROWS", "geometry_along", "smooth_earth_gap"]

# rows of the geometry, a column for each receiver: antenna above sea level [m]; ν·√λ on the median and on the rare
# Earth; smooth surface at both ends, (85) and (86), and lowered by obstructions, (89), both no higher than the ground
# [m]; whether the path is hidden (1 or 0); steepest slope to the transmitter's horizon [m/step] and its distance
# [steps]; the same from the receiver, but the distance from the transmitter
RX, NU, NU_RARE, TX_LOW, RX_LOW, TX_SMOOTH, RX_SMOOTH, HIDDEN, RISE, FAR, BACK, BACK_PX = range(12)
GEOMETRY_ROWS = 12
WORK_ROWS, WHOLE_ROWS = 14, 2
SEEN_M = 0.5 * NOTHING_M  # above this a point is there


@nb.njit(cache=True, nogil=True, error_model="numpy")
def geometry_along(  # type: ignore[no-untyped-def]
    h, g, covered, n, step_km, h_first, tx_m, rx_px, rx_ground, rx_height_m, rx_after, tail_h, tail_g, m, earth_km,
    rare_earth_km, rare_too, longest_m, inverse, work, whole, geometry,
):  # fmt: skip
    """Fill ``geometry[row, k]`` for receiver k.

    Parameters
    ----------
    tx_m : float
        Transmitter above sea level.
    earth_km, rare_earth_km, rare_too : float, float, bool
        Effective Earth radii, median and rare, and whether the second is asked for.
    longest_m : float
        The longest wavelength: where the smooth Earth cannot matter at it, obstructions are not looked for.
    inverse : float64 array
        From :func:`phusong.radio.terrain_profile.inverses`.
    work, whole : float64 and int64 array, shape (WORK_ROWS, n) and (WHOLE_ROWS, n)
        Scratch space.

    Other parameters are those of :func:`phusong.radio.p1812.kernel.loss_along`.
    """
    n = min(n, rx_after[m - 1])
    y, up, end, least = work[0], work[1], work[2], work[3]
    rise, rise_px, back, back_px = work[4], work[5], work[6], work[7]
    _antennas(rx_ground, rx_height_m, m, geometry[RX])
    # bare ground on the median Earth for the horizons; what stands on it for diffraction, on both Earths
    for part in range(3):
        if (part == 1 and not covered) or (part == 2 and not rare_too):
            continue
        surface, tail = (h, tail_h) if part == 0 else (g, tail_g)
        bulge = 500.0 / (rare_earth_km if part == 2 else earth_km) * step_km * step_km
        bend(surface, n, bulge, tx_m, y, up)
        near(y, tail, bulge, tx_m, rx_px, geometry[RX], rx_after, m, end, rise, rise_px, back, back_px, least)
        behind(
            y, up, n, rx_px, rx_after, m, tx_m, inverse, whole[0], whole[1], work[8], work[9], end, rise, rise_px,
            back, back_px, least,
        )  # fmt: skip
        if part == 0:
            _horizons(
                rx_px, end, tx_m, rise, rise_px, back, back_px, m, geometry[HIDDEN], geometry[RISE], geometry[FAR],
                geometry[BACK], geometry[BACK_PX],
            )  # fmt: skip
        if part > 0 or not covered:
            construct(
                rx_px,
                end,
                tx_m,
                rise,
                back,
                least,
                m,
                0.002 / step_km,
                geometry[NU_RARE if part == 2 else NU],
            )
    _surface_sums(h, n, h_first, work[10], work[11])
    _smooth_surface(
        h, h_first, work[10], work[11], rx_px, rx_ground, rx_after, tail_h, m, work[12], work[13], geometry[TX_LOW],
        geometry[RX_LOW],
    )  # fmt: skip
    _obstructions(
        h, n, h_first, tx_m, step_km, rx_px, rx_ground, rx_after, tail_h, m, earth_km, longest_m, inverse, work[12],
        work[13], whole[0], whole[1], work[8], work[9], geometry,
    )  # fmt: skip


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _antennas(rx_ground, rx_height_m, m, rx_m):  # type: ignore[no-untyped-def]
    for k in range(m):
        write(rx_m, k, read(rx_ground, k) + rx_height_m)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _horizons(rx_px, end, tx_m, rise, rise_px, back, back_px, m, hidden, up, far, down, down_px):  # type: ignore[no-untyped-def]
    """Fill path class and horizons, (76) to (81); where along a clear path is left to who asks."""
    for k in range(m):
        # everything read before anything is chosen: no branch then, as hidden and clear receivers take turns
        d, whole = read(rx_px, k), read(end, k) - tx_m
        steepest, steepest_px = read(rise, k), read(rise_px, k)
        from_rx, from_rx_px = read(back, k), read(back_px, k)
        straight = whole / d
        blocked = steepest * d > whole
        write(hidden, k, 1.0 if blocked else 0.0)
        write(up, k, steepest if blocked else straight)
        write(far, k, steepest_px if blocked else d)
        write(down, k, from_rx if blocked else -straight)
        write(down_px, k, from_rx_px if blocked else d)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _surface_sums(h, n, h_first, v1, v2):  # type: ignore[no-untyped-def]
    """Fill the sums of (83) and (84) as far as each point, in steps."""
    v1[0], v2[0] = 0.0, 0.0
    once, twice, before = 0.0, 0.0, h_first
    for i in range(1, n + 1):
        x = float(i)
        here = h[i]
        once += here + before
        twice += here * (3.0 * x - 1.0) + before * (3.0 * x - 2.0)
        v1[i], v2[i] = once, twice
        before = here


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _smooth_surface(  # type: ignore[no-untyped-def]
    h, h_first, v1, v2, rx_px, rx_ground, rx_after, tail, m, tx_flat, rx_flat, tx_low, rx_low
):
    """Fill the smooth surface's heights at both ends, (85) and (86), and those no higher than the ground."""
    size = tail.shape[1]
    for k in range(m):
        d, after = read(rx_px, k), read(rx_after, k)
        once, twice = read(v1, after), read(v2, after)
        last, height = float(after), read(h, after) if after > 0 else h_first
        for t in range(APPROACH - 1, -1, -1):
            own = read(tail, t * size + k)
            there = own > SEEN_M
            x = d - (t + 1.0) if there else last
            own = own if there else height
            once += (x - last) * (own + height)
            twice += (x - last) * (own * (2.0 * x + last) + height * (x + 2.0 * last))
            last, height = x, own
        own = read(rx_ground, k)
        once += (d - last) * (own + height)
        twice += (d - last) * (own * (2.0 * d + last) + height * (d + 2.0 * last))
        at_tx, at_rx = (2.0 * once * d - twice) / (d * d), (twice - once * d) / (d * d)
        write(tx_flat, k, at_tx)
        write(rx_flat, k, at_rx)
        write(tx_low, k, min(at_tx, h_first))
        write(rx_low, k, min(at_rx, own))


@nb.njit(cache=True, nogil=True, error_model="numpy")
def smooth_earth_gap(longest_m, earth_km, d):  # type: ignore[no-untyped-def]
    """Return what 2·√(h_te·h_re) must exceed for the smooth Earth not to matter. [m]

    Its gap to the straight line in widths of the zone that must be clear is nowhere less.
    """
    return 250.0 * d * d / earth_km + 17.456 * np.sqrt(d * longest_m)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _obstructions(  # type: ignore[no-untyped-def]
    h, n, h_first, tx_m, step_km, rx_px, rx_ground, rx_after, tail, m, earth_km, longest_m, inverse, tx_flat, rx_flat,
    corner, hull_x, hull_y, hull_slope, geometry,
):  # fmt: skip
    """Fill the smooth surface as diffraction has it, (87) to (90), where obstructions can matter."""
    count, taken, steepest = -1, 0, -np.inf
    top = empty_hull(hull_x, hull_y, hull_slope)
    for k in range(m):
        tx_smooth, rx_smooth = geometry[TX_LOW, k], geometry[RX_LOW, k]
        d, rx_m = rx_px[k], geometry[RX, k]
        gap = smooth_earth_gap(longest_m, earth_km, d * step_km)
        # obstructions lower the surface: where it is deep enough already, they change nothing
        if 4.0 * (tx_m - tx_smooth) * (rx_m - rx_smooth) <= gap * gap:
            if count < 0:
                count = corners(h, n, corner)
            while taken < count and corner[taken] <= rx_after[k]:
                i = corner[taken]
                taken += 1
                steepest = max(steepest, (h[i] - tx_m) * inverse[i])
                top = push(hull_x, hull_y, hull_slope, inverse, top, i, h[i])
            straight = (rx_m - tx_m) / d
            to_tx, to_rx, highest = steepest, -np.inf, -np.inf
            after = rx_after[k]
            if after > 0:
                to_tx = max(to_tx, (h[after] - tx_m) * inverse[after])
                to_rx = (h[after] - rx_m) / (d - after)
                highest = h[after] - tx_m - straight * after
            for t in range(APPROACH):
                own = tail[t, k]
                if own > SEEN_M:
                    x = d - (t + 1.0)
                    to_tx = max(to_tx, (own - tx_m) / x)
                    to_rx = max(to_rx, (own - rx_m) / (t + 1.0))
                    highest = max(highest, own - tx_m - straight * x)
            if to_tx > straight:
                if top > 0:
                    j = tangent(hull_x, hull_y, hull_slope, top, d, rx_m)
                    to_rx = max(to_rx, (hull_y[j] - rx_m) / (d - hull_x[j]))
                    j = extreme(hull_slope, top, straight)
                    highest = max(highest, hull_y[j] - tx_m - straight * hull_x[j])
                to_tx -= straight
                to_rx += straight
                tx_smooth = min(tx_flat[k] - highest * to_tx / (to_tx + to_rx), h_first)
                rx_smooth = min(rx_flat[k] - highest * to_rx / (to_tx + to_rx), rx_ground[k])
        geometry[TX_SMOOTH, k], geometry[RX_SMOOTH, k] = tx_smooth, rx_smooth

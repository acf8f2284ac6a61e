"""P.1812's geometry for every receiver along one ray: ν, horizons, the smooth surface.

Hull tangents answer the Bullington slopes, the horizons and the obstructions; prefix sums the smooth surface.
Equation numbers: Recommendation ITU-R P.1812-7 (08/2023). A receiver's profile is the points of the ray as far as its
``after``, then its own last points (``tail``), then itself.
"""

from typing import NamedTuple

import numpy as np

from phusong.compute.array_types import Floats
from phusong.compute.kernels import nb
from phusong.radio.simd import read, write
from phusong.radio.terrain_profile import (
    APPROACH,
    NOTHING_M,
    Receivers,
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

__all__ = ["GEOMETRY_ROWS", "Earth", "Ray", "SmoothSurface", "geometry_along", "smooth_earth_gap"]


# rows of the geometry, a column for each receiver: antenna above sea level [m]; ν·√λ on the median and on the rare
# Earth; smooth surface at both ends, (85) and (86), and lowered by obstructions, (89), both no higher than the ground
# [m]; whether the path is hidden (1 or 0); steepest slope to the transmitter's horizon [m/step] and its distance
# [steps]; the same from the receiver, but the distance from the transmitter
RX, NU, NU_RARE, TX_LOW, RX_LOW, TX_SMOOTH, RX_SMOOTH, HIDDEN, RISE, FAR, BACK, BACK_PX = range(12)
GEOMETRY_ROWS = 12
SEEN_M = 0.5 * NOTHING_M  # above this a point is there


class Ray(NamedTuple):
    """The profile along one ray and the receivers on it.

    Parameters
    ----------
    ground, surface : float64 array, from index 1
        Ground, and ground with what stands on it, at every ``step_km``. [m]
    own_ground, own_surface : float64 array, shape (APPROACH, at least m)
        The same at each receiver's own points, one step apart, from :func:`phusong.radio.terrain_profile.approach`.
    covered : bool
        Whether the surface differs from the ground anywhere.
    n : int
        Number of profile points.
    step_km, tx_ground : float
        Spacing of the profile; ground under the transmitter. [m]
    rx : Receivers
        The receivers.
    rx_ground : float64 array
        Ground under them. [m]
    m : int
        How many.
    """

    ground: Floats
    surface: Floats
    own_ground: Floats
    own_surface: Floats
    covered: bool
    n: int
    step_km: float
    tx_ground: float
    rx: Receivers
    rx_ground: Floats
    m: int


class Earth(NamedTuple):
    """Effective Earth radii, median and rare, and whether the second is asked for."""

    median_km: float
    rare_km: float
    rare_too: bool


class SmoothSurface(NamedTuple):
    """The smooth surface of a ray.

    Parameters
    ----------
    once, twice : float64 array
        Sums of (83) and (84) as far as each point, in steps.
    tx, rx : float64 array
        Its heights at both ends of each receiver's path, (85) and (86). [m]
    """

    once: Floats
    twice: Floats
    tx: Floats
    rx: Floats


@nb.njit(cache=True, nogil=True, error_model="numpy")
def geometry_along(ray, tx_m, rx_height_m, earth, longest_m, work, smooth, geometry):  # type: ignore[no-untyped-def]
    """Fill ``geometry[row, k]`` for receiver k.

    Parameters
    ----------
    ray : Ray
        Profile and receivers.
    tx_m, rx_height_m : float
        Transmitter above sea level, receivers above ground.
    earth : Earth
        Its radii.
    longest_m : float
        The longest wavelength: where the smooth Earth cannot matter at it, obstructions are not looked for.
    work : phusong.radio.terrain_profile.Workspace
        Scratch space.
    smooth : SmoothSurface
        Filled.
    """
    rx, m, step_km = ray.rx, ray.m, ray.step_km
    n = min(ray.n, rx.after[m - 1])
    _antennas(ray.rx_ground, rx_height_m, m, geometry[RX])
    # bare ground on the median Earth for the horizons; what stands on it for diffraction, on both Earths
    for part in range(3):
        if (part == 1 and not ray.covered) or (part == 2 and not earth.rare_too):
            continue
        surface, tail = (ray.ground, ray.own_ground) if part == 0 else (ray.surface, ray.own_surface)
        bulge = 500.0 / (earth.rare_km if part == 2 else earth.median_km) * step_km * step_km
        bend(surface, n, bulge, tx_m, work.y, work.up)
        near(work.y, tail, bulge, tx_m, rx, geometry[RX], m, work.seen)
        behind(n, rx, m, tx_m, work)
        if part == 0:
            _horizons(rx.px, work.seen, tx_m, m, geometry)
        if part > 0 or not ray.covered:
            construct(rx.px, work.seen, tx_m, m, 0.002 / step_km, geometry[NU_RARE if part == 2 else NU])
    _surface_sums(ray.ground, n, ray.tx_ground, smooth.once, smooth.twice)
    _smooth_surface(ray, smooth, geometry[TX_LOW], geometry[RX_LOW])
    _obstructions(ray, n, tx_m, earth.median_km, longest_m, work, smooth, geometry)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _antennas(rx_ground, rx_height_m, m, rx_m):  # type: ignore[no-untyped-def]
    for k in range(m):
        write(rx_m, k, read(rx_ground, k) + rx_height_m)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _horizons(rx_px, seen, tx_m, m, geometry):  # type: ignore[no-untyped-def]
    """Fill path class and horizons, (76) to (81); where along a clear path is left to who asks."""
    end, rise, rise_px, back, back_px, _ = seen
    hidden, up, far = geometry[HIDDEN], geometry[RISE], geometry[FAR]
    down, down_px = geometry[BACK], geometry[BACK_PX]
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
def _smooth_surface(ray, smooth, tx_low, rx_low):  # type: ignore[no-untyped-def]
    """Fill the smooth surface's heights at both ends, (85) and (86), and those no higher than the ground."""
    h, h_first, tail = ray.ground, ray.tx_ground, ray.own_ground
    size = tail.shape[1]
    for k in range(ray.m):
        d, after = read(ray.rx.px, k), read(ray.rx.after, k)
        once, twice = read(smooth.once, after), read(smooth.twice, after)
        last, height = float(after), read(h, after) if after > 0 else h_first
        for t in range(APPROACH - 1, -1, -1):
            own = read(tail, t * size + k)
            there = own > SEEN_M
            x = d - (t + 1.0) if there else last
            own = own if there else height
            once += (x - last) * (own + height)
            twice += (x - last) * (own * (2.0 * x + last) + height * (x + 2.0 * last))
            last, height = x, own
        own = read(ray.rx_ground, k)
        once += (d - last) * (own + height)
        twice += (d - last) * (own * (2.0 * d + last) + height * (d + 2.0 * last))
        at_tx, at_rx = (2.0 * once * d - twice) / (d * d), (twice - once * d) / (d * d)
        write(smooth.tx, k, at_tx)
        write(smooth.rx, k, at_rx)
        write(tx_low, k, min(at_tx, h_first))
        write(rx_low, k, min(at_rx, own))


@nb.njit(cache=True, nogil=True, error_model="numpy")
def smooth_earth_gap(longest_m, earth_km, d):  # type: ignore[no-untyped-def]
    """Return what 2·√(h_te·h_re) must exceed for the smooth Earth not to matter. [m]

    Its gap to the straight line in widths of the zone that must be clear is nowhere less.
    """
    return 250.0 * d * d / earth_km + 17.456 * np.sqrt(d * longest_m)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _obstructions(ray, n, tx_m, earth_km, longest_m, work, smooth, geometry):  # type: ignore[no-untyped-def]
    """Fill the smooth surface as diffraction has it, (87) to (90), where obstructions can matter."""
    h, rx, tail = ray.ground, ray.rx, ray.own_ground
    corner, hull, inverse = work.corner, work.hull, work.inverse
    count, taken, steepest = -1, 0, -np.inf
    top = empty_hull(hull)
    for k in range(ray.m):
        tx_smooth, rx_smooth = geometry[TX_LOW, k], geometry[RX_LOW, k]
        d, rx_m = rx.px[k], geometry[RX, k]
        gap = smooth_earth_gap(longest_m, earth_km, d * ray.step_km)
        # obstructions lower the surface: where it is deep enough already, they change nothing
        if 4.0 * (tx_m - tx_smooth) * (rx_m - rx_smooth) <= gap * gap:
            if count < 0:
                count = corners(h, n, corner)
            while taken < count and corner[taken] <= rx.after[k]:
                i = corner[taken]
                taken += 1
                steepest = max(steepest, (h[i] - tx_m) * inverse[i])
                top = push(hull, inverse, top, i, h[i])
            straight = (rx_m - tx_m) / d
            to_tx, to_rx, highest = steepest, -np.inf, -np.inf
            after = rx.after[k]
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
                    j = tangent(hull, top, d, rx_m)
                    to_rx = max(to_rx, (hull.y[j] - rx_m) / (d - hull.x[j]))
                    j = extreme(hull, top, straight)
                    highest = max(highest, hull.y[j] - tx_m - straight * hull.x[j])
                to_tx -= straight
                to_rx += straight
                tx_smooth = min(smooth.tx[k] - highest * to_tx / (to_tx + to_rx), ray.tx_ground)
                rx_smooth = min(smooth.rx[k] - highest * to_rx / (to_tx + to_rx), ray.rx_ground[k])
        geometry[TX_SMOOTH, k], geometry[RX_SMOOTH, k] = tx_smooth, rx_smooth

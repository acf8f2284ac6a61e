"""P.1812 for every receiver along one ray, without scanning the profile for each: the fast twin of the reference.

Hull tangents answer both Bullington slopes, the horizons and the obstructions; prefix sums the smooth-earth fit;
what cannot matter to 1e-6 dB is left out by bounds (troposcatter far below diffraction, ducting far above it).
Equation numbers as in the reference: Recommendation ITU-R P.1812-7 (08/2023).
"""

import numba as nb
import numpy as np

from phusong.radio.fastmath import DB_PER_OCTAVE, LN2, LOG2_10, exp, exp2, log2
from phusong.radio.hull_km import bullington_nu, clearest, extreme, push, tangent

__all__ = ["by_distance", "loss_along"]

_OCTAVES_20 = 2.0 * DB_PER_OCTAVE  # 20·log10(x) = this · log2(x)
_NEGLIGIBLE_DB = 36.0  # two losses this far apart add to the smaller within 1.4e-7 dB
_SEA, _INLAND = 1, 4
_LOG_50 = 1.6989700043360187
_OCTAVE, _FREE, _PER_ROOT_M, _SCATTER, _DUCT_FIXED, _CUBE_ROOT, _DUCT_ANGLE = range(7)  # columns of `bands`


_TABLE_KM = 0.05  # spacing of the tables over distance: cubic between them, to 1e-9
_BETA, _PER_NORMAL, _DUCT = 0, 1, 2  # their rows


@nb.njit(cache=True, nogil=True, error_model="numpy")
def by_distance(farthest_km, percent, latitude_deg):  # type: ignore[no-untyped-def]
    """Return what depends on distance alone on inland paths, shape (3, n): log10 β0, 1/I(β0/100), and a floor.

    The floor is that of the time-dependent part of ducting from one entry to the next, equation (53).
    """
    n = int(farthest_km / _TABLE_KM) + 5
    table = np.empty((3, n))
    for j in range(n):
        d = max(j, 0.5) * _TABLE_KM
        log_beta0 = _log10_beta0(latitude_deg, d, d)
        table[_BETA, j] = log_beta0
        table[_PER_NORMAL, j] = 1.0 / _inverse_normal(exp2(LOG2_10 * (log_beta0 - 2.0)))
        table[_DUCT, j] = _duct_by_time(percent, log_beta0, d, log2(d))
    for j in range(n - 1):
        table[_DUCT, j] = min(table[_DUCT, j], table[_DUCT, j + 1]) - 0.5
    return table


@nb.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _read(table, row, d):  # type: ignore[no-untyped-def]
    """Cubic between four entries; the first two intervals are left to the caller."""
    at = d / _TABLE_KM
    j = int(at)
    t = at - j
    a, b, c, e = table[row, j - 1], table[row, j], table[row, j + 1], table[row, j + 2]
    return (
        (t + 1.0) * (t - 1.0) * (t - 2.0) * 0.5 * b
        - (t + 1.0) * t * (t - 2.0) * 0.5 * c
        + t * (t - 1.0) * ((t + 1.0) * e - (t - 2.0) * a) / 6.0
    )


@nb.njit(cache=True, nogil=True, error_model="numpy")
def loss_along(  # type: ignore[no-untyped-def]
    h, g, covered, zone, inland, step_km, h_first, tx_height_m, rx_km, rx_ground, rx_height_m, rx_zone, rx_after, m,
    ghz, horizontal, percent, location_db, delta_n, n0, latitude_deg, tx_coast_km, rx_coast_km, table, work, out,
):  # fmt: skip
    """Fill ``out[f, k]`` with the loss at frequency f to receiver k. [dB]

    Parameters
    ----------
    h, g : float64 array, from index 1
        Ground, and ground with what stands on it, at every ``step_km``. [m]
    covered, inland : bool
        Whether g differs from h anywhere; whether every zone is inland.
    zone, rx_zone : int array
        1 sea, 3 coastal, 4 inland, of the profile points (from index 0) and the receivers; unread if ``inland``.
    step_km, h_first : float
        Spacing of the profile; ground under the transmitter. [m]
    rx_km, rx_ground : float64 array
        Receivers, nearest first: distance and ground.
    rx_after : int64 array
        Last profile point before each receiver.
    m : int
        How many receivers.
    ghz : float64 array
        Frequencies.
    location_db : float
        Added for the location percentage, -I(p_L)·σ_L.
    table : float64 array
        From :func:`by_distance`, at least as far as the receivers.
    work : float64 array, shape (13, n_points)
        Scratch space.
    out : float64 array, shape (n_frequencies, m)
        Result.

    Other parameters are those of :func:`phusong.radio.p1812.basic_loss`.
    """
    earth = 6371.0 * 157.0 / (157.0 - delta_n)
    a_mid, a_rare = 500.0 / earth, 500.0 / (3.0 * 6371.0)
    rare_too = percent < 50.0
    flat_x, flat_y = work[0], work[1]
    mid_x, mid_y, y_mid = work[2], work[3], work[4]
    low_x, low_y, y_low = work[5], work[6], work[7]  # bare ground, when something stands on it
    rare_x, rare_y, y_rare = work[8], work[9], work[10]
    v1s, v2s = work[11], work[12]
    if not covered:
        low_x, low_y, y_low = mid_x, mid_y, y_mid
    tx = h_first + tx_height_m
    top_flat, top_mid, top_low, top_rare = -1, -1, -1, -1
    rise_flat, rise_mid, rise_low, rise_rare = -np.inf, -np.inf, -np.inf, -np.inf
    horizon_km = 0.0
    bands = _bands(ghz, percent, n0)
    log_percent = log2(percent) / LOG2_10
    normal_percent = _inverse_normal(percent / 100.0)
    v1s[0], v2s[0] = 0.0, 0.0
    before = h_first
    i = 0
    for k in range(m):
        while i < rx_after[k]:
            i += 1
            x = i * step_km
            v1s[i] = v1s[i - 1] + step_km * (h[i] + before)
            v2s[i] = v2s[i - 1] + step_km * (h[i] * (3.0 * x - step_km) + before * (3.0 * x - 2.0 * step_km))
            before = h[i]
            inverse = 1.0 / x
            rise_flat = max(rise_flat, (h[i] - tx) * inverse)
            top_flat = push(flat_x, flat_y, top_flat, x, h[i])
            y_mid[i] = g[i] - a_mid * x * x
            rise_mid = max(rise_mid, (y_mid[i] - tx) * inverse)
            top_mid = push(mid_x, mid_y, top_mid, x, y_mid[i])
            y = h[i] - a_mid * x * x
            if (y - tx) * inverse > rise_low:
                rise_low = (y - tx) * inverse
                horizon_km = x
            if covered:
                y_low[i] = y
                top_low = push(low_x, low_y, top_low, x, y)
            else:
                top_low = top_mid
            if rare_too:
                y_rare[i] = g[i] - a_rare * x * x
                rise_rare = max(rise_rare, (y_rare[i] - tx) * inverse)
                top_rare = push(rare_x, rare_y, top_rare, x, y_rare[i])
        d = rx_km[k]
        ground = rx_ground[k]
        rx = ground + rx_height_m
        inverse = 1.0 / d
        # smooth surface, (83) to (86): the sums so far and the last stretch
        last_km = d - i * step_km
        v1 = v1s[i] + last_km * (ground + before)
        v2 = v2s[i] + last_km * (ground * (2.0 * d + i * step_km) + before * (d + 2.0 * i * step_km))
        tx_flat, rx_flat = (2.0 * v1 * d - v2) * inverse * inverse, (v2 - v1 * d) * inverse * inverse
        tx_low, rx_low = min(tx_flat, h_first), min(rx_flat, ground)
        straight = (rx - tx) * inverse
        if i >= 1 and rise_flat > straight:  # (87) to (89): something stands above the straight line
            j = tangent(flat_x, flat_y, top_flat, d, rx)
            to_rx = (flat_y[j] - rx) / (d - flat_x[j]) + straight
            to_tx = rise_flat - straight
            j = extreme(flat_x, flat_y, top_flat, straight)
            highest = flat_y[j] - tx - straight * flat_x[j]
            tx_flat -= highest * to_tx / (to_tx + to_rx)
            rx_flat -= highest * to_rx / (to_tx + to_rx)
        tx_eff = tx - min(tx_flat, h_first)  # above the smooth surface, for diffraction
        rx_eff = rx - min(rx_flat, ground)

        # path class, horizons and angles, (76) to (82)
        end = rx - a_mid * d * d
        slope = (end - tx) * inverse
        hidden = i >= 1 and rise_low > slope
        if hidden:
            j = tangent(low_x, low_y, top_low, d, end)
            tx_far, rx_far = horizon_km, d - low_x[j]
            tx_mrad = _mrad(rise_low)
            rx_mrad = _mrad((low_y[j] + a_mid * low_x[j] * low_x[j] - rx) / rx_far - a_mid * rx_far)
        else:
            tx_far, rx_far = d, 0.0  # where along a clear path matters to ducting alone, and is found there
            tx_mrad, rx_mrad = _mrad(slope), _mrad((tx - rx) * inverse - a_mid * d)
        angle = 1000.0 * d / earth + tx_mrad + rx_mrad

        nu_mid = bullington_nu(mid_x, mid_y, top_mid, y_mid, step_km, d, tx, end, rise_mid)
        nu_rare = 0.0
        if rare_too:
            nu_rare = bullington_nu(
                rare_x, rare_y, top_rare, y_rare, step_km, d, tx, rx - a_rare * d * d, rise_rare
            )
        sea_share, land_km, inland_km = 0.0, d, d
        at_sea = False
        if not inland:
            sea_share, land_km, inland_km = _zones(zone, rx_zone[k], i, step_km, d)
            at_sea = rx_zone[k] == _SEA
        log_d = log2(d)
        log_beta0, between = 0.0, 0.0
        if rare_too:
            between = 1.0
            if inland and d > 2.0 * _TABLE_KM:
                log_beta0 = _read(table, _BETA, d)
                if log_beta0 < log_percent:
                    between = normal_percent * _read(table, _PER_NORMAL, d)
            else:
                log_beta0 = _log10_beta0(latitude_deg, land_km, inland_km)
                if log_beta0 < log_percent:
                    between = normal_percent / _inverse_normal(exp2(LOG2_10 * (log_beta0 - 2.0)))
        reach = tx_far + rx_far if hidden else d
        focusing = 0.0
        if rare_too:
            focusing = 2.6 * (1.0 - exp(-0.1 * reach))
        angle_share = 1.0
        if angle > 3.0:
            angle_share = 0.0
        elif angle > -3.0:  # (57)
            angle_share = 1.0 / (1.0 + exp(16.0 * (angle - 0.3)))

        log_slant = log2(d * d + (tx - rx) * (tx - rx) * 1e-6)
        log_reach = log2(tx_far + rx_far) if hidden else log_d
        bent = _bent(d, earth, tx_mrad, rx_mrad, tx_far if hidden else 0.0, rx_far)
        duct_floor = -np.inf
        if sea_share == 0.0:
            duct_floor = _OCTAVES_20 * log_reach
            if inland:
                duct_floor += table[_DUCT, int(d / _TABLE_KM)]
            else:
                duct_floor += (
                    _duct_by_time(percent, _log10_beta0(latitude_deg, land_km, inland_km), d, log_d) - 0.5
                )

        for f in range(ghz.size):
            band = bands[f]
            free = band[_FREE] + DB_PER_OCTAVE * log_slant
            median = _delta_bullington(
                nu_mid,
                d,
                log_d,
                tx_eff,
                rx_eff,
                a_mid,
                earth,
                i,
                step_km,
                ghz[f],
                band,
                horizontal,
                sea_share,
            )
            diffracted, clear_p, clear_beta = median, free, free
            if rare_too:
                clear_p = free + focusing * (log_percent - _LOG_50)
                clear_beta = free + focusing * (log_beta0 - _LOG_50)
                rare = _delta_bullington(
                    nu_rare, d, log_d, tx_eff, rx_eff, a_rare, 3.0 * 6371.0, i, step_km, ghz[f], band, horizontal,
                    sea_share,
                )  # fmt: skip
                diffracted = median + between * (rare - median)  # (41)
            diffraction = clear_p + diffracted
            over_land = (1.0 - sea_share) * diffracted
            # (59): below β0 the first line, where F_i is 1
            if rare_too and between == 1.0:
                least_clear = clear_p + over_land
            else:
                least_clear = free + median + (clear_beta + over_land - free - median) * between
            modified = diffraction
            # ducting cannot be nearer than its floor: leave it out where that is enough
            if angle_share < 1.0 and diffraction > duct_floor + band[_DUCT_FIXED] + band[_DUCT_ANGLE] * bent:
                shielded = 0.0
                if hidden:
                    shielded = _shielding(ghz[f], band, tx_mrad, tx_far) + _shielding(
                        ghz[f], band, rx_mrad, rx_far
                    )
                need = diffraction - duct_floor - band[_DUCT_FIXED] - band[_DUCT_ANGLE] * bent
                duct = np.inf
                if need > shielded:
                    if not hidden and tx_far == d:
                        tx_far = _clear_horizon(low_x, low_y, top_low, y_low, step_km, d, tx, slope, i)
                        rx_far = d - tx_far
                    if not hidden:
                        shielded = _shielding(ghz[f], band, tx_mrad, tx_far)
                        shielded += _shielding(ghz[f], band, rx_mrad, rx_far)
                    if not rare_too:
                        log_beta0 = _log10_beta0(latitude_deg, land_km, inland_km)
                    rough = _roughness(
                        h, flat_x, flat_y, top_flat, step_km, d, i, tx_far, rx_far, tx_low, rx_low
                    )
                    duct = (
                        band[_DUCT_FIXED]
                        + _OCTAVES_20 * log_reach
                        + shielded
                        - _sea_gain(sea_share, tx_coast_km, tx_far, tx)
                        - _sea_gain(sea_share, rx_coast_km, rx_far, rx)
                        + band[_DUCT_ANGLE] * _bent(d, earth, tx_mrad, rx_mrad, tx_far, rx_far)
                        + _duct_by_time(
                            percent,
                            log_beta0
                            + _log10_terrain_share(
                                d, log_d, earth, tx - tx_low, rx - rx_low, rough, inland_km, tx_far + rx_far
                            ),
                            d,
                            log_d,
                        )
                    )
                larger, smaller = max(duct, clear_p), min(duct, clear_p)
                least_duct = larger + 2.5 * LN2 * log2(1.0 + exp((smaller - larger) * 0.4))  # (60)
                if least_duct <= diffraction:
                    length_share = 1.0 / (1.0 + exp(0.15 * (d - 20.0)))  # (58)
                    modified = least_duct + (diffraction - least_duct) * length_share
            modified += (least_clear - modified) * angle_share  # (62)
            total = modified
            scatter = band[_SCATTER] + 0.573 * angle + _OCTAVES_20 * log_d
            if scatter - modified < _NEGLIGIBLE_DB:
                low, high = min(scatter, modified), max(scatter, modified)
                total = low - 0.5 * DB_PER_OCTAVE * log2(1.0 + exp2(-0.2 * LOG2_10 * (high - low)))  # (63)
            out[f, k] = max(clear_p, total + (0.0 if at_sea else location_db))  # (69)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _bands(ghz, percent, n0):  # type: ignore[no-untyped-def]
    """Return what depends on frequency alone, a row each."""
    bands = np.empty((ghz.size, 7))
    octave_p = log2(50.0 / percent)
    for f in range(ghz.size):
        octave = log2(ghz[f])
        half = (octave - 1.0) / LOG2_10
        scatter = 190.1 + 25.0 * octave / LOG2_10 - 2.5 * half * half - 0.15 * n0  # (44), (45)
        if octave_p > 1e-12:
            scatter -= 10.125 * exp2(0.7 * log2(octave_p / LOG2_10))
        low = 45.375 - 137.0 * ghz[f] + 92.5 * ghz[f] * ghz[f] if ghz[f] < 0.5 else 0.0  # (47a)
        bands[f, _OCTAVE] = octave
        bands[f, _FREE] = 92.4 + _OCTAVES_20 * octave
        bands[f, _PER_ROOT_M] = np.sqrt(ghz[f] / 0.2998)
        bands[f, _SCATTER] = scatter
        bands[f, _DUCT_FIXED] = 102.45 + _OCTAVES_20 * octave + low
        bands[f, _CUBE_ROOT] = exp2(octave / 3.0)
        bands[f, _DUCT_ANGLE] = 5e-5 * bands[f, _CUBE_ROOT]  # times the Earth's radius
    return bands


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _mrad(slope_m_km):  # type: ignore[no-untyped-def]
    """Return the angle of a slope: the series where it is exact to 1e-9 mrad, the library beyond."""
    t = slope_m_km * 1e-3
    z = t * t
    if z < 1e-3:
        return slope_m_km * (1.0 - z * (1.0 / 3.0 - z * (0.2 - z * (1.0 / 7.0))))
    return 1000.0 * np.arctan(t)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _inverse_normal(x):  # type: ignore[no-untyped-def]
    """I(x) for x up to a half, attachment 2."""
    t = np.sqrt(-2.0 * LN2 * log2(max(x, 1e-6)))
    top = (0.010328 * t + 0.802853) * t + 2.515516698
    return t - top / (((0.001308 * t + 0.189269) * t + 1.432788) * t + 1.0)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _tau(inland_km):  # type: ignore[no-untyped-def]
    return 1.0 - exp(-4.12e-4 * exp2(2.41 * log2(max(inland_km, 1e-9))))


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _log10_beta0(latitude_deg, land_km, inland_km):  # type: ignore[no-untyped-def]
    """Equations (2) to (5), as a decimal logarithm."""
    tau = _tau(inland_km)
    both = exp2(-LOG2_10 * land_km / (16.0 - 6.6 * tau)) + exp2(-LOG2_10 * 5.0 * (0.496 + 0.354 * tau))
    log_mu1 = min(0.2 * log2(both) / LOG2_10, 0.0)
    phi = abs(latitude_deg)
    if phi <= 70.0:
        return -0.015 * phi + 1.67 + log_mu1 * (1.0 - 0.935 + 0.0176 * phi)
    return 0.6201360549737576 + 1.3 * log_mu1


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _delta_bullington(  # type: ignore[no-untyped-def]
    nu, d, log_d, tx_m, rx_m, bulge, earth, n, step_km, f, band, horizontal, sea_share
):
    """Equations (38) to (40) from Bullington's ν·√λ over the actual profile."""
    sphere = _spherical_earth(d, log_d, tx_m, rx_m, earth, f, band[_OCTAVE], horizontal, sea_share)
    loss = _bullington(nu * band[_PER_ROOT_M], d)
    if sphere > 0.0:
        flat = _smooth_nu(d, tx_m, rx_m, bulge, n, step_km) * band[_PER_ROOT_M]
        loss += max(sphere - _bullington(flat, d), 0.0)
    return loss


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _bullington(nu, d):  # type: ignore[no-untyped-def]
    """Equations (12) and (21)."""
    if nu <= -0.78:
        return 0.0
    edge = 6.9 + _OCTAVES_20 * log2(np.sqrt((nu - 0.1) ** 2 + 1.0) + nu - 0.1)
    return edge + (1.0 - exp(edge / -6.0)) * (10.0 + 0.02 * d)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _smooth_nu(d, tx, rx, a, n, step_km):  # type: ignore[no-untyped-def]
    """Bullington's ν·√λ over a profile of zero heights at the same points: every extreme is one of two points."""
    if n < 1:
        return -1e9
    i = min(max(int(np.sqrt(tx / a) / step_km), 1), n)
    x, x2 = i * step_km, min(i + 1, n) * step_km
    rise = max(-tx / x - a * x, -tx / x2 - a * x2)
    end = rx - a * d * d
    slope = (end - tx) / d
    if rise < slope:
        # clearance in Fresnel zones has one valley: bisection over the points
        low, high = 1, n
        while low < high:
            middle = (low + high) >> 1
            x, x2 = middle * step_km, (middle + 1) * step_km
            gap, gap2 = tx + slope * x + a * x * x, tx + slope * x2 + a * x2 * x2
            if gap * gap * x2 * (d - x2) > gap2 * gap2 * x * (d - x):
                low = middle + 1
            else:
                high = middle
        x = low * step_km
        return -(tx + slope * x + a * x * x) * np.sqrt(0.002 * d / (x * (d - x)))
    i = min(max(int((d - np.sqrt(rx / a)) / step_km), 1), n)
    x, x2 = i * step_km, min(i + 1, n) * step_km
    back = max((-a * x * x - end) / (d - x), (-a * x2 * x2 - end) / (d - x2))
    x = (end - tx + back * d) / (rise + back)
    if not (x > 0.0 and x < d):
        return 0.0
    return (rise - slope) * x * np.sqrt(0.002 * d / (x * (d - x)))


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _spherical_earth(d, log_d, tx, rx, earth, f, octave_f, horizontal, sea_share):  # type: ignore[no-untyped-def]
    """Equations (22) to (28)."""
    # the gap to the smooth Earth in zone widths is nowhere below 2·√(tx·rx): most mountain paths end here
    if 2.0 * np.sqrt(tx * rx) > 250.0 * d * d / earth + 17.456 * np.sqrt(d * 0.2998 / f):
        return 0.0
    roots = np.sqrt(tx) + np.sqrt(rx)
    if d >= np.sqrt(0.002 * earth) * roots:
        return _first_term(log_d, tx, rx, log2(earth), octave_f, f, horizontal, sea_share)
    wavelength = 0.2998 / f
    c = (tx - rx) / (tx + rx)
    m = 250.0 * d * d / (earth * (tx + rx))
    third = np.sqrt(3.0 * m / (m + 1.0))
    b = (2.0 / third) * np.cos(np.pi / 3.0 + np.arccos(1.5 * c * third / (m + 1.0)) / 3.0)
    d1 = 0.5 * d * (1.0 + b)
    d2 = d - d1
    bulge = 500.0 / earth
    clearance = ((tx - bulge * d1 * d1) * d2 + (rx - bulge * d2 * d2) * d1) / d
    required = 17.456 * np.sqrt(d1 * d2 * wavelength / d)
    if clearance > required:
        return 0.0
    grazing = 2.0 * (log_d - log2(roots)) + 8.965784284662087  # log2 of (27); log2(500)
    loss = _first_term(log_d, tx, rx, grazing, octave_f, f, horizontal, sea_share)
    return 0.0 if loss < 0.0 else (1.0 - clearance / required) * loss


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _first_term(log_d, tx, rx, log_earth, octave_f, f, horizontal, sea_share):  # type: ignore[no-untyped-def]
    """Equation (29)."""
    land = _first_term_over(log_d, tx, rx, log_earth, octave_f, f, horizontal, 22.0, 0.003)
    if sea_share == 0.0:
        return land
    sea = _first_term_over(log_d, tx, rx, log_earth, octave_f, f, horizontal, 80.0, 5.0)
    return sea_share * sea + (1.0 - sea_share) * land


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _first_term_over(  # type: ignore[no-untyped-def]
    log_d, tx, rx, log_earth, octave_f, f, horizontal, permittivity, conductivity
):
    """Equations (30) to (37), powers taken as sums of logarithms."""
    damp = (18.0 * conductivity / f) ** 2
    log_k = -4.795859283219775 - (log_earth + octave_f) / 3.0 - 0.25 * log2((permittivity - 1.0) ** 2 + damp)
    if not horizontal:
        log_k += 0.5 * log2(permittivity * permittivity + damp)
    k2 = exp2(2.0 * log_k)
    beta = (1.0 + 1.6 * k2 + 0.67 * k2 * k2) / (1.0 + 4.5 * k2 + 1.53 * k2 * k2)
    third = exp2((octave_f - 2.0 * log_earth) / 3.0)
    x = 21.88 * beta * third * exp2(log_d)
    log_x = log2(x)
    if x >= 1.6:
        loss = -11.0 - DB_PER_OCTAVE * log_x + 17.6 * x
    else:
        loss = _OCTAVES_20 * log_x + 5.6488 * exp2(1.425 * log_x)
    least = 2.0 + _OCTAVES_20 * log_k
    scale = 0.9575 * beta * beta * exp2((2.0 * octave_f - log_earth) / 3.0)
    return loss - _height_gain(scale * tx, least) - _height_gain(scale * rx, least)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _height_gain(b, least):  # type: ignore[no-untyped-def]
    """Equation (35)."""
    if b > 2.0:
        gain = 17.6 * np.sqrt(b - 1.1) - 0.5 * DB_PER_OCTAVE * log2(b - 1.1) - 8.0
    else:
        gain = _OCTAVES_20 * log2(max(b + 0.1 * b * b * b, 1e-300))
    return max(gain, least)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _clear_horizon(low_x, low_y, top, y_low, step_km, d, tx, slope, n):  # type: ignore[no-untyped-def]
    """Return the distance of the point nearest to blocking a clear path; the middle where there is none."""
    if n < 1:
        return d / 2.0
    return step_km * clearest(low_x, low_y, top, y_low, step_km, d, tx, slope)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _roughness(h, flat_x, flat_y, top, step_km, d, n, tx_far, rx_far, tx_low, rx_low):  # type: ignore[no-untyped-def]
    """Equation (93): the hull's extreme where it lies between the horizons, a scan where it does not."""
    if n < 1:
        return -np.inf
    slope = (rx_low - tx_low) / d
    first, last = min(tx_far, d - rx_far) - 1e-9, max(tx_far, d - rx_far) + 1e-9
    j = extreme(flat_x, flat_y, top, slope)
    if flat_x[j] >= first and flat_x[j] <= last:
        return flat_y[j] - tx_low - slope * flat_x[j]
    most = -np.inf
    for j in range(int(first / step_km), min(int(last / step_km) + 1, n) + 1):
        x = j * step_km
        if j >= 1 and x >= first and x <= last:
            most = max(most, h[j] - tx_low - slope * x)
    return most


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _bent(d, earth, tx_mrad, rx_mrad, tx_far, rx_far):  # type: ignore[no-untyped-def]
    """Return the angular distance of ducting times the Earth's radius, equations (50) to (52)."""
    return 1000.0 * d + earth * (min(tx_mrad, 0.1 * tx_far) + min(rx_mrad, 0.1 * rx_far))


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _duct_by_time(percent, log_beta, d, log_d):  # type: ignore[no-untyped-def]
    """Equations (53), (53a); falls as β grows."""
    gamma = (
        1.076
        * exp2(-1.012 * log2(2.0058 - log_beta))
        * exp(-(9.51 - 4.8 * log_beta + 0.198 * log_beta * log_beta) * 1e-6 * exp2(1.13 * log_d))
    )
    log_share = log2(percent) / LOG2_10 - log_beta
    return -12.0 + (1.2 + 3.7e-3 * d) * log_share + 12.0 * exp2(LOG2_10 * log_share * gamma)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _shielding(f, band, mrad, far):  # type: ignore[no-untyped-def]
    """Loss by a terminal's own horizon, equation (48)."""
    above = mrad - 0.1 * far
    if above <= 0.0:
        return 0.0
    return _OCTAVES_20 * log2(1.0 + 0.361 * above * np.sqrt(f * far)) + 0.264 * above * band[_CUBE_ROOT]


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _sea_gain(sea_share, coast_km, far, height_m):  # type: ignore[no-untyped-def]
    """Coupling of a coastal terminal to ducts over the sea, equation (49)."""
    if sea_share < 0.75 or coast_km > far or coast_km > 5.0:
        return 0.0
    return 3.0 * np.exp(-0.25 * coast_km * coast_km) * (1.0 + np.tanh(0.07 * (50.0 - height_m)))


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _log10_terrain_share(d, log_d, earth, tx_eff, rx_eff, rough, inland_km, reach_km):  # type: ignore[no-untyped-def]
    """log10(μ2·μ3), equations (55), (56)."""
    alpha = max(-0.6 - 3.5e-9 * exp2(3.1 * log_d) * _tau(inland_km), -3.4)
    spread = np.sqrt(tx_eff) + np.sqrt(rx_eff)
    log_share = min(alpha * (log2(500.0 / earth) + 2.0 * (log_d - log2(spread))), 0.0) / LOG2_10
    if rough > 10.0:
        log_share -= 4.6e-5 * (rough - 10.0) * (43.0 + 6.0 * min(d - reach_km, 40.0)) / (LN2 * LOG2_10)
    return log_share


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _zones(zone, last_zone, n, step_km, d):  # type: ignore[no-untyped-def]
    """Return the share over sea and the longest stretches of land and of inland; near coasts only."""
    sea, land, inland = 0.0, 0.0, 0.0
    longest_land, longest_inland = 0.0, 0.0
    for j in range(n + 2):
        kind = last_zone if j == n + 1 else zone[j]
        start = 0.0 if j == 0 else (j - 0.5) * step_km
        stop = d if j == n + 1 else (j + 0.5) * step_km
        if j == n + 1:
            start = 0.5 * (n * step_km + d)
        elif j == n:
            stop = 0.5 * (n * step_km + d)
        length = stop - start
        if kind == _SEA:
            sea += length
        land = 0.0 if kind == _SEA else land + length
        inland = inland + length if kind == _INLAND else 0.0
        longest_land = max(longest_land, land)
        longest_inland = max(longest_inland, inland)
    return sea / d, longest_land, longest_inland

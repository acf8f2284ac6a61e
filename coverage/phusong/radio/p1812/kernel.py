"""P.1812 for every receiver along one ray, without scanning the profile for each: the fast twin of the reference.

What every receiver needs is computed for several at a time, from the geometry of the ray; what only some need (the
smooth Earth, ducting, coasts) one by one, where bounds say that it can matter to 1e-6 dB. Equation numbers as in the
reference: Recommendation ITU-R P.1812-7 (08/2023).
"""

from typing import NamedTuple

import numpy as np

from phusong.compute.array_types import Floats, Ints
from phusong.compute.kernels import nb
from phusong.radio.p1812 import smooth, tables
from phusong.radio.p1812.geometry import (
    BACK,
    BACK_PX,
    FAR,
    GEOMETRY_ROWS,
    HIDDEN,
    NU,
    NU_RARE,
    RISE,
    RX,
    RX_LOW,
    RX_SMOOTH,
    SEEN_M,
    TX_LOW,
    TX_SMOOTH,
    Earth,
    SmoothSurface,
    geometry_along,
    smooth_earth_gap,
)
from phusong.radio.p1812.smooth import PICKED_ROWS, bullington, smooth_excess
from phusong.radio.p1812.tables import (
    OCTAVES_20,
    duct_by_time,
    inverse_normal,
    log10_beta0,
    log10_terrain_share,
    nearest_point,
    roughness,
    sea_gain,
    shielding,
    zones_along,
)
from phusong.radio.simd import DB_PER_OCTAVE, LN2, LOG2_10, atan, exp, exp2, log2, read, write
from phusong.radio.terrain_profile import APPROACH
from phusong.radio.terrain_profile import Workspace as ProfileWorkspace
from phusong.radio.terrain_profile import workspace as profile_workspace

__all__ = ["Air", "Antennas", "P1812Workspace", "Zones", "loss_along", "workspace"]


_RARE_EARTH_KM = 3.0 * 6371.0
_SEA_ZONE = 1
_LOG_50 = 1.6989700043360187
# rows of `path`, a column for each receiver: length [km] and its binary logarithm; that of the slant path squared and
# of the sum of the horizons' distances; angles and their sum [mrad]; F_j; log10 β0; F_i; E_sp over log10(p/50); what
# ducting loses at least; bent angle times the Earth's radius at least; share of sea, longest stretch of inland [km];
# what is added for the location
(D, LOG_D, LOG_SLANT, LOG_REACH, TX_MRAD, RX_MRAD, ANGLE, ANGLE_SHARE, LOG_BETA0, BETWEEN, FOCUSING, DUCT_FLOOR, BENT,
 SEA_SHARE, INLAND_KM, LOCATION) = range(16)  # fmt: skip
_PATH_ROWS = 16
_MEDIAN, _RARE, _DIFFRACTED, _DIFFRACTION, _MODIFIED, _NEED = range(6)  # rows of a band's work
_BAND_ROWS = 6


class Zones(NamedTuple):
    """Radio-climatic zones of a ray: 1 sea, 3 coastal, 4 inland.

    Parameters
    ----------
    ray, rx : int array
        Of the profile points (from index 0) and the receivers.
    own : int array, shape (APPROACH, at least m)
        Of each receiver's own points.
    """

    ray: Ints
    rx: Ints
    own: Ints


class Antennas(NamedTuple):
    """Both ends of every path.

    Parameters
    ----------
    tx_height_m, rx_height_m : float
        Above ground.
    tx_coast_km, rx_coast_km, horizontal
        As for :func:`phusong.radio.p1812.basic_loss`; polarisation as a bool.
    """

    tx_height_m: float
    rx_height_m: float
    tx_coast_km: float
    rx_coast_km: float
    horizontal: bool


class Air(NamedTuple):
    """For which share of time and places, in which air.

    Parameters
    ----------
    time_percent, delta_n, n0, latitude_deg : float
        As for :func:`phusong.radio.p1812.basic_loss`.
    location_db : float
        Added for the location percentage, -I(p_L)·σ_L.
    """

    time_percent: float
    location_db: float
    delta_n: float
    n0: float
    latitude_deg: float


class P1812Workspace(NamedTuple):
    """Arrays that every ray uses anew.

    Parameters
    ----------
    profile, smooth : phusong.radio.terrain_profile.Workspace, SmoothSurface
        Of the geometry.
    geometry, path, band : float64 array, shape (rows, n)
        A column for each receiver; the rows of `band` are of the frequency in hand.
    picked, pick : float64 array, shape (PICKED_ROWS, n), and int64 array
        Receivers for which the smooth Earth can matter.
    """

    profile: ProfileWorkspace
    smooth: SmoothSurface
    geometry: Floats
    path: Floats
    band: Floats
    picked: Floats
    pick: Ints


@nb.njit(cache=True, nogil=True)
def workspace(n):  # type: ignore[no-untyped-def]
    """Return arrays for rays of n points and as many receivers."""
    return P1812Workspace(
        profile_workspace(n),
        SmoothSurface(np.empty(n), np.empty(n), np.empty(n), np.empty(n)),
        np.empty((GEOMETRY_ROWS, n)),
        np.empty((_PATH_ROWS, n)),
        np.empty((_BAND_ROWS, n)),
        np.empty((PICKED_ROWS, n)),
        np.empty(n, np.int64),
    )


@nb.njit(cache=True, nogil=True, error_model="numpy")
def loss_along(ray, zones, inland, antennas, ghz, air, table, work, out):  # type: ignore[no-untyped-def]
    """Fill ``out[f, k]`` with the loss at frequency f to receiver k. [dB]

    Parameters
    ----------
    ray : phusong.radio.p1812.geometry.Ray
        Profile and receivers.
    zones : Zones
        Their zones; unread if ``inland``.
    inland : bool
        Whether every zone is inland.
    antennas : Antennas
        Both ends.
    ghz : float64 array
        Frequencies.
    air : Air
        Time, places, refraction.
    table : float64 array
        From :func:`phusong.radio.p1812.tables.by_distance`, at least as far as the receivers.
    work : P1812Workspace
        From :func:`workspace`.
    out : float64 array, shape (n_frequencies, m)
        Result.
    """
    rx_px, rx_after, tail_h, m, step_km = ray.rx.px, ray.rx.after, ray.own_ground, ray.m, ray.step_km
    h = ray.ground
    percent, latitude_deg, location_db = air.time_percent, air.latitude_deg, air.location_db
    earth = 6371.0 * 157.0 / (157.0 - air.delta_n)
    rare_too = percent < 50.0
    tx = ray.tx_ground + antennas.tx_height_m
    bands = tables.by_frequency(ghz, percent, air.n0)
    geometry, path, band_work, picked, pick = work.geometry, work.path, work.band, work.picked, work.pick
    longest_m = 0.2998 / ghz.min()
    radii = Earth(earth, _RARE_EARTH_KM, rare_too)
    geometry_along(ray, tx, antennas.rx_height_m, radii, longest_m, work.profile, work.smooth, geometry)
    _paths(geometry, rx_px, m, step_km, tx, earth, path)
    if rare_too:
        _focusing(geometry, rx_px, m, step_km, path)
    normal_percent = inverse_normal(percent / 100.0)
    log_percent = log2(percent) / LOG2_10
    if inland:
        _inland(table, location_db, m, path)
        if rare_too:
            _inland_between(table, log_percent, normal_percent, m, path)
    for k in range(m):
        d = path[D, k]
        if inland and d > 2.0 * tables.TABLE_KM:
            continue
        sea_share, land_km, inland_km = 0.0, d, d
        if not inland:
            own = _own_points(tail_h, k)
            sea_share, land_km, inland_km = zones_along(
                zones.ray, zones.own, k, zones.rx[k], rx_after[k], own, step_km, d
            )
            path[LOCATION, k] = 0.0 if zones.rx[k] == _SEA_ZONE else location_db
        path[SEA_SHARE, k], path[INLAND_KM, k] = sea_share, inland_km
        log_beta0 = log10_beta0(latitude_deg, land_km, inland_km)
        path[LOG_BETA0, k], path[BETWEEN, k] = log_beta0, 1.0
        if log_beta0 < log_percent:
            path[BETWEEN, k] = normal_percent / inverse_normal(exp2(LOG2_10 * (log_beta0 - 2.0)))
        if not inland:
            path[DUCT_FLOOR, k] = -np.inf
            if sea_share == 0.0:
                path[DUCT_FLOOR, k] = OCTAVES_20 * path[LOG_REACH, k] - 0.5
                path[DUCT_FLOOR, k] += duct_by_time(percent, log_beta0, d, path[LOG_D, k])
    for f in range(ghz.size):
        band = bands[f]
        _knife_edges(geometry[NU], path, m, band[tables.PER_ROOT_M], band_work[_MEDIAN])
        if rare_too:
            _knife_edges(geometry[NU_RARE], path, m, band[tables.PER_ROOT_M], band_work[_RARE])
        for rare in range(2 if rare_too else 1):
            count = _pick(geometry, path, tail_h, rx_after, m, tx, earth, 0.2998 / ghz[f], pick, picked)
            smooth_excess(
                picked, pick, count, _RARE_EARTH_KM if rare else earth, ghz[f], band[tables.OCTAVE], band[tables.PER_ROOT_M],
                antennas.horizontal, step_km, band_work[_RARE if rare else _MEDIAN],
            )  # fmt: skip
        _diffraction(path, m, band[tables.FREE], rare_too, log_percent, band_work)
        _duct_needs(geometry, rx_px, path, m, step_km, ghz[f], band, band_work)
        for k in range(m):
            # ducting cannot be nearer than its floor: leave it out where that is enough
            if band_work[_NEED, k] > 0.0 and path[ANGLE_SHARE, k] < 1.0:
                diffraction = band_work[_DIFFRACTION, k]
                if inland and not rare_too and path[D, k] > 2.0 * tables.TABLE_KM:
                    path[LOG_BETA0, k] = log10_beta0(latitude_deg, path[D, k], path[D, k])
                duct = _ducting(
                    h, tail_h, k, rx_after[k], step_km, tx, earth, geometry, path, band, percent, antennas
                )
                clear_p = band[tables.FREE] + DB_PER_OCTAVE * path[LOG_SLANT, k]
                if rare_too:
                    clear_p += path[FOCUSING, k] * (log_percent - _LOG_50)
                larger, smaller = max(duct, clear_p), min(duct, clear_p)
                least_duct = larger + 2.5 * LN2 * log2(1.0 + exp((smaller - larger) * 0.4))  # (60)
                if least_duct <= diffraction:
                    length_share = 1.0 / (1.0 + exp(0.15 * (path[D, k] - 20.0)))  # (58)
                    band_work[_MODIFIED, k] = least_duct + (diffraction - least_duct) * length_share
        _combine(path, m, band[tables.FREE], band[tables.SCATTER], rare_too, log_percent, band_work, out[f])


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _pick(geometry, path, tail, rx_after, m, tx, earth, wavelength_m, pick, picked):  # type: ignore[no-untyped-def]
    """Pick the receivers for which the smooth Earth can matter, on the median Earth and so on the rare one."""
    count = 0
    for k in range(m):
        tx_eff, rx_eff = tx - geometry[TX_SMOOTH, k], geometry[RX, k] - geometry[RX_SMOOTH, k]
        gap = smooth_earth_gap(wavelength_m, earth, path[D, k])
        if 4.0 * tx_eff * rx_eff <= gap * gap:
            pick[count] = k
            picked[smooth.D, count], picked[smooth.LOG_D, count] = path[D, k], path[LOG_D, k]
            picked[smooth.TX, count], picked[smooth.RX, count] = tx_eff, rx_eff
            picked[smooth.POINTS, count], picked[smooth.OWN, count] = rx_after[k], _own_points(tail, k)
            picked[smooth.SEA_SHARE, count] = path[SEA_SHARE, k]
            count += 1
    return count


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _own_points(tail, k):  # type: ignore[no-untyped-def]
    """Return how many points of its own a receiver has."""
    own = 0
    while own < APPROACH and tail[own, k] > SEEN_M:
        own += 1
    return own


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _paths(geometry, rx_px, m, step_km, tx, earth, path):  # type: ignore[no-untyped-def]
    """Fill what depends on the geometry alone."""
    size, width = geometry.shape[1], path.shape[1]
    for k in range(m):
        d = read(rx_px, k) * step_km
        drop = tx - read(geometry, RX * size + k)
        tx_mrad = _mrad(read(geometry, RISE * size + k) / step_km)
        rx_mrad = _mrad(read(geometry, BACK * size + k) / step_km - 1000.0 * d / earth)
        angle = 1000.0 * d / earth + tx_mrad + rx_mrad  # (82)
        tx_far = read(geometry, FAR * size + k) * step_km
        rx_far = (read(rx_px, k) - read(geometry, BACK_PX * size + k)) * step_km
        tx_known = tx_far * read(geometry, HIDDEN * size + k)
        write(path, D * width + k, d)
        write(path, LOG_D * width + k, log2(d))
        write(path, LOG_SLANT * width + k, log2(d * d + drop * drop * 1e-6))
        write(path, LOG_REACH * width + k, log2(tx_far + rx_far))
        write(path, TX_MRAD * width + k, tx_mrad)
        write(path, RX_MRAD * width + k, rx_mrad)
        write(path, ANGLE * width + k, angle)
        write(path, ANGLE_SHARE * width + k, 1.0 / (1.0 + exp(16.0 * (angle - 0.3))))  # (57)
        write(path, BENT * width + k, _bent(d, earth, tx_mrad, rx_mrad, tx_known, rx_far))


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _mrad(slope_m_km):  # type: ignore[no-untyped-def]
    """Return the angle of a slope."""
    return 1000.0 * atan(slope_m_km * 1e-3)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _bent(d, earth, tx_mrad, rx_mrad, tx_far, rx_far):  # type: ignore[no-untyped-def]
    """Return the angular distance of ducting times the Earth's radius, equations (50) to (52)."""
    return 1000.0 * d + earth * (min(tx_mrad, 0.1 * tx_far) + min(rx_mrad, 0.1 * rx_far))


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _inland(table, location_db, m, path):  # type: ignore[no-untyped-def]
    """Fill what is the same on every path without sea or coast."""
    width, size = path.shape[1], table.shape[1]
    for k in range(m):
        d = read(path, D * width + k)
        floor = OCTAVES_20 * read(path, LOG_REACH * width + k) + read(
            table, tables.DUCT * size + int(d / tables.TABLE_KM)
        )
        write(path, DUCT_FLOOR * width + k, floor)
        write(path, SEA_SHARE * width + k, 0.0)
        write(path, INLAND_KM * width + k, d)
        write(path, LOCATION * width + k, location_db)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _inland_between(table, log_percent, normal_percent, m, path):  # type: ignore[no-untyped-def]
    """Fill log10 β0 and F_i, cubic between four entries; the first two intervals mean nothing."""
    width, size = path.shape[1], table.shape[1]
    for k in range(m):
        at = read(path, D * width + k) / tables.TABLE_KM
        j = max(int(at), 1)
        t = at - j
        w = -t * (t - 1.0) * (t - 2.0) / 6.0
        w1 = (t + 1.0) * (t - 1.0) * (t - 2.0) * 0.5
        w2 = -(t + 1.0) * t * (t - 2.0) * 0.5
        w3 = (t + 1.0) * t * (t - 1.0) / 6.0
        b, p = tables.BETA * size + j, tables.PER_NORMAL * size + j
        log_beta0 = (
            w * read(table, b - 1) + w1 * read(table, b) + w2 * read(table, b + 1) + w3 * read(table, b + 2)
        )
        per_normal = (
            w * read(table, p - 1) + w1 * read(table, p) + w2 * read(table, p + 1) + w3 * read(table, p + 2)
        )
        write(path, LOG_BETA0 * width + k, log_beta0)
        write(path, BETWEEN * width + k, normal_percent * per_normal if log_beta0 < log_percent else 1.0)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _focusing(geometry, rx_px, m, step_km, path):  # type: ignore[no-untyped-def]
    """Fill E_sp over log10(p/50), equation (9)."""
    size, width = geometry.shape[1], path.shape[1]
    for k in range(m):
        reach = read(geometry, FAR * size + k) + read(rx_px, k) - read(geometry, BACK_PX * size + k)
        write(path, FOCUSING * width + k, 2.6 * (1.0 - exp(-0.1 * step_km * reach)))


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _knife_edges(nu, path, m, per_root_m, out):  # type: ignore[no-untyped-def]
    """Fill Bullington's loss over the actual profile."""
    for k in range(m):
        write(out, k, bullington(read(nu, k) * per_root_m, read(path, D * path.shape[1] + k)))


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _diffraction(path, m, free, rare_too, log_percent, work):  # type: ignore[no-untyped-def]
    """Fill the diffraction loss alone and with free space, equations (41), (43)."""
    width, size = path.shape[1], work.shape[1]
    for k in range(m):
        median = read(work, _MEDIAN * size + k)
        diffracted = median
        clear = free + DB_PER_OCTAVE * read(path, LOG_SLANT * width + k)
        if rare_too:
            rare = read(work, _RARE * size + k)
            diffracted += read(path, BETWEEN * width + k) * (rare - median)
            clear += read(path, FOCUSING * width + k) * (log_percent - _LOG_50)
        write(work, _DIFFRACTED * size + k, diffracted)
        write(work, _DIFFRACTION * size + k, clear + diffracted)
        write(work, _MODIFIED * size + k, clear + diffracted)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _duct_needs(geometry, rx_px, path, m, step_km, f, band, work):  # type: ignore[no-untyped-def]
    """Fill by how much diffraction exceeds the least that ducting can lose."""
    size, width, row = geometry.shape[1], path.shape[1], work.shape[1]
    fixed, by_angle, cube_root_f = band[tables.DUCT_FIXED], band[tables.DUCT_ANGLE], band[tables.CUBE_ROOT]
    for k in range(m):
        tx_far = read(geometry, FAR * size + k) * step_km
        rx_far = (read(rx_px, k) - read(geometry, BACK_PX * size + k)) * step_km
        shielded = shielding(
            f, cube_root_f, read(path, TX_MRAD * width + k), tx_far, read(path, RX_MRAD * width + k), rx_far
        )
        floor = fixed + read(path, DUCT_FLOOR * width + k) + by_angle * read(path, BENT * width + k)
        # where along a clear path its nearest point lies is not known yet
        floor += shielded * read(geometry, HIDDEN * size + k)
        write(work, _NEED * row + k, read(work, _DIFFRACTION * row + k) - floor)


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _ducting(h, tail, k, n, step_km, tx, earth, geometry, path, band, percent, antennas):  # type: ignore[no-untyped-def]
    """Return the loss by ducting and layer reflection, equations (46) to (56)."""
    d, rx = path[D, k], geometry[RX, k]
    hidden = geometry[HIDDEN, k] > 0.0
    tx_mrad, rx_mrad = path[TX_MRAD, k], path[RX_MRAD, k]
    own = _own_points(tail, k)
    tx_far, rx_far = geometry[FAR, k] * step_km, d - geometry[BACK_PX, k] * step_km
    if not hidden:
        a = 500.0 / earth
        tx_far = nearest_point(h, tail, k, n, own, step_km, d, tx, (rx - a * d * d - tx) / d, a)
        rx_far = d - tx_far
    shielded = shielding(band[tables.GHZ], band[tables.CUBE_ROOT], tx_mrad, tx_far, rx_mrad, rx_far)
    tx_low, rx_low = geometry[TX_LOW, k], geometry[RX_LOW, k]
    rough = roughness(h, tail, k, n, own, step_km, d, tx_far, rx_far, tx_low, rx_low)
    share = log10_terrain_share(
        d, path[LOG_D, k], earth, tx - tx_low, rx - rx_low, rough, path[INLAND_KM, k], tx_far + rx_far
    )
    return (
        band[tables.DUCT_FIXED]
        + OCTAVES_20 * path[LOG_REACH, k]
        + shielded
        - sea_gain(path[SEA_SHARE, k], antennas.tx_coast_km, tx_far, tx)
        - sea_gain(path[SEA_SHARE, k], antennas.rx_coast_km, rx_far, rx)
        + band[tables.DUCT_ANGLE] * _bent(d, earth, tx_mrad, rx_mrad, tx_far, rx_far)
        + duct_by_time(percent, path[LOG_BETA0, k] + share, d, path[LOG_D, k])
    )


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _combine(path, m, free, scattered, rare_too, log_percent, work, out):  # type: ignore[no-untyped-def]
    """Fill the loss from its mechanisms, equations (59) to (69)."""
    width, size = path.shape[1], work.shape[1]
    for k in range(m):
        clear = free + DB_PER_OCTAVE * read(path, LOG_SLANT * width + k)
        least_clear, at_least = read(work, _DIFFRACTION * size + k), clear
        if rare_too:
            focusing, between = read(path, FOCUSING * width + k), read(path, BETWEEN * width + k)
            at_least = clear + focusing * (log_percent - _LOG_50)
            over_land = (1.0 - read(path, SEA_SHARE * width + k)) * read(work, _DIFFRACTED * size + k)
            median = clear + read(work, _MEDIAN * size + k)
            rare = clear + focusing * (read(path, LOG_BETA0 * width + k) - _LOG_50) + over_land
            # (59): below β0 the first line, where F_i is 1
            least_clear = at_least + over_land if between == 1.0 else median + (rare - median) * between
        modified = read(work, _MODIFIED * size + k)
        modified += (least_clear - modified) * read(path, ANGLE_SHARE * width + k)  # (62)
        scatter = (
            scattered + 0.573 * read(path, ANGLE * width + k) + OCTAVES_20 * read(path, LOG_D * width + k)
        )
        low, high = min(scatter, modified), max(scatter, modified)
        total = low - 0.5 * DB_PER_OCTAVE * log2(1.0 + exp2(-0.2 * LOG2_10 * (high - low)))  # (63)
        write(out, k, max(at_least, total + read(path, LOCATION * width + k)))  # (69)

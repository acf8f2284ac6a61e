"""Profile and mechanisms of the reference.

Recommendation ITU-R P.1812-7 (08/2023), sections 3.5 to 3.7 and attachment 1 to annex 1.

Recommendation ITU-R P.1812-7 (08/2023), annex 1, sections 4.2 to 4.5.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.compute.array_types import Floats

__all__ = [
    "EARTH_KM",
    "Path",
    "analyse",
    "bullington_loss",
    "delta_bullington",
    "ducting_loss",
    "free_space_loss",
    "inverse_normal",
    "multipath_focusing",
    "troposcatter_loss",
]


EARTH_KM = 6371.0
SEA, COASTAL, INLAND = 1, 3, 4
_K_BETA = 3.0  # effective Earth radius factor exceeded for β0 per cent of the time


@dataclass(frozen=True)
class Path:
    """A profile analysed; lengths in km, heights in m above sea level, angles in mrad.

    Parameters
    ----------
    distance_km, ground_m, surface_m : ndarray, shape (n,)
        Profile: distance from the transmitter, terrain, terrain with what stands on it.
    wavelength_m : float
        Wavelength.
    earth_km, earth_beta_km : float
        Effective Earth radius, median and exceeded for β0 per cent of the time.
    tx_m, rx_m : float
        Antennas above sea level (h_ts, h_rs).
    tx_smooth_m, rx_smooth_m : float
        Smooth-earth heights for diffraction (h_std, h_srd).
    tx_effective_m, rx_effective_m : float
        Effective heights for ducting (h_te, h_re).
    line_of_sight : bool
        Whether no profile point rises above the straight line under median refraction.
    tx_horizon_km, rx_horizon_km : float
        Distance from each end to its horizon.
    tx_horizon_mrad, rx_horizon_mrad, angle_mrad : float
        Horizon elevation angles and the path angular distance (θ_t, θ_r, θ).
    roughness_m : float
        Terrain roughness h_m.
    sea_share : float
        Share of the path over sea (ω).
    longest_land_km, longest_inland_km : float
        d_tm and d_lm.
    beta0_percent : float
        Time for which lapse rates above 100 N-units/km may be expected in the lowest 100 m (β0).
    """

    distance_km: Floats
    ground_m: Floats
    surface_m: Floats
    wavelength_m: float
    earth_km: float
    earth_beta_km: float
    tx_m: float
    rx_m: float
    tx_smooth_m: float
    rx_smooth_m: float
    tx_effective_m: float
    rx_effective_m: float
    line_of_sight: bool
    tx_horizon_km: float
    rx_horizon_km: float
    tx_horizon_mrad: float
    rx_horizon_mrad: float
    angle_mrad: float
    roughness_m: float
    sea_share: float
    longest_land_km: float
    longest_inland_km: float
    beta0_percent: float

    @property
    def length_km(self) -> float:
        """Return the path length d."""
        return float(self.distance_km[-1])


def analyse(
    distance_km: Floats,
    ground_m: Floats,
    clutter_m: Floats,
    *,
    frequency_ghz: float,
    tx_height_m: float,
    rx_height_m: float,
    delta_n: float,
    latitude_deg: float,
    zone: npt.NDArray[np.int64],
) -> Path:
    """Return what the profile says; its arguments have been checked by the caller."""
    d, h = distance_km, ground_m
    length = float(d[-1])
    g = h + clutter_m
    g[0], g[-1] = h[0], h[-1]  # equations (1c), (1d): no clutter at the terminals themselves
    tx, rx = float(h[0]) + tx_height_m, float(h[-1]) + rx_height_m
    wavelength = 0.2998 / frequency_ghz
    earth = EARTH_KM * 157.0 / (157.0 - delta_n)  # equations (6), (7a)
    los, tx_far, rx_far, tx_angle, rx_angle = _horizons(d, h, tx, rx, earth, wavelength)
    tx_flat, rx_flat = _smooth_earth(d, h)
    tx_smooth, rx_smooth = _diffraction_heights(d, h, tx, rx, tx_flat, rx_flat)
    # attachment 1, 5.6.3: for ducting and roughness the smooth surface stays below the ground at both ends
    tx_low, rx_low = min(tx_flat, float(h[0])), min(rx_flat, float(h[-1]))
    # equation (93), from one horizon to the other (they may cross); nothing where no point lies between
    first, last = sorted((tx_far, length - rx_far))
    span = (d >= first - 1e-9) & (d <= last + 1e-9)
    above = (h - (tx_low + (rx_low - tx_low) * d / length))[span]
    roughness = float(above.max()) if above.size else 0.0
    land = _longest(d, zone != SEA)
    inland = _longest(d, zone == INLAND)
    return Path(
        distance_km=d,
        ground_m=h,
        surface_m=g,
        wavelength_m=wavelength,
        earth_km=earth,
        earth_beta_km=EARTH_KM * _K_BETA,
        tx_m=tx,
        rx_m=rx,
        tx_smooth_m=tx_smooth,
        rx_smooth_m=rx_smooth,
        tx_effective_m=tx - tx_low,
        rx_effective_m=rx - rx_low,
        line_of_sight=los,
        tx_horizon_km=tx_far,
        rx_horizon_km=rx_far,
        tx_horizon_mrad=tx_angle,
        rx_horizon_mrad=rx_angle,
        angle_mrad=1000.0 * length / earth + tx_angle + rx_angle,  # equation (82)
        roughness_m=roughness,
        sea_share=float(_lengths(d, zone == SEA).sum()) / length,
        longest_land_km=land,
        longest_inland_km=inland,
        beta0_percent=_beta0(latitude_deg, land, inland),
    )


def _horizons(
    d: Floats, h: Floats, tx: float, rx: float, earth: float, wavelength: float
) -> tuple[bool, float, float, float, float]:
    """Attachment 1, sections 4 and 5: path class, horizon distances and angles, equations (76) to (81); bare terrain."""
    length = float(d[-1])
    straight_tx = 1000.0 * np.arctan((rx - tx) / (1000.0 * length) - length / (2.0 * earth))
    straight_rx = 1000.0 * np.arctan((tx - rx) / (1000.0 * length) - length / (2.0 * earth))
    di, hi = d[1:-1], h[1:-1]
    if di.size == 0:
        half = length / 2.0
        return True, half, half, float(straight_tx), float(straight_rx)
    rest = length - di
    from_tx = 1000.0 * np.arctan((hi - tx) / (1000.0 * di) - di / (2.0 * earth))
    if from_tx.max() > straight_tx:
        from_rx = 1000.0 * np.arctan((hi - rx) / (1000.0 * rest) - rest / (2.0 * earth))
        t, r = int(from_tx.argmax()), int(from_rx.argmax())
        return False, float(di[t]), float(rest[r]), float(from_tx[t]), float(from_rx[r])
    above = hi + 500.0 / earth * di * rest - (tx * rest + rx * di) / length
    nu = above * np.sqrt(0.002 * length / (wavelength * di * rest))
    at = float(di[int(nu.argmax())])
    return True, at, length - at, float(straight_tx), float(straight_rx)


def _smooth_earth(d: Floats, h: Floats) -> tuple[float, float]:
    """Heights of the least-squares straight surface at both ends, equations (83) to (86)."""
    length = float(d[-1])
    step = np.diff(d)
    v1 = float(np.sum(step * (h[1:] + h[:-1])))
    v2 = float(np.sum(step * (h[1:] * (2.0 * d[1:] + d[:-1]) + h[:-1] * (d[1:] + 2.0 * d[:-1]))))
    return (2.0 * v1 * length - v2) / length**2, (v2 - v1 * length) / length**2


def _diffraction_heights(
    d: Floats, h: Floats, tx: float, rx: float, tx_flat: float, rx_flat: float
) -> tuple[float, float]:
    """Smooth-earth heights for diffraction, lowered where the bare terrain stands above them: (87) to (89)."""
    length = float(d[-1])
    di = d[1:-1]
    if di.size:
        obstacle = h[1:-1] - (tx * (length - di) + rx * di) / length
        highest = float(obstacle.max())
        if highest > 0.0:
            to_tx, to_rx = float((obstacle / di).max()), float((obstacle / (length - di)).max())
            tx_flat -= highest * to_tx / (to_tx + to_rx)
            rx_flat -= highest * to_rx / (to_tx + to_rx)
    return min(tx_flat, float(h[0])), min(rx_flat, float(h[-1]))


def _lengths(d: Floats, inside: npt.NDArray[np.bool_]) -> Floats:
    """Length of path that each profile point stands for, where ``inside``: half-way to its neighbours."""
    middle = np.concatenate([d[:1], (d[1:] + d[:-1]) / 2.0, d[-1:]])
    return np.where(inside, np.diff(middle), 0.0)


def _longest(d: Floats, inside: npt.NDArray[np.bool_]) -> float:
    """Longest unbroken stretch where ``inside``."""
    lengths = _lengths(d, inside)
    run = np.cumsum(~inside)
    return float(np.bincount(run[inside], lengths[inside]).max()) if inside.any() else 0.0


def _beta0(latitude_deg: float, land_km: float, inland_km: float) -> float:
    """Equations (2) to (5)."""
    tau = 1.0 - np.exp(-4.12e-4 * inland_km**2.41)
    mu1 = min((10.0 ** (-land_km / (16.0 - 6.6 * tau)) + 10.0 ** (-5.0 * (0.496 + 0.354 * tau))) ** 0.2, 1.0)
    phi = abs(latitude_deg)
    if phi <= 70.0:
        mu4 = mu1 ** (-0.935 + 0.0176 * phi)
        return float(10.0 ** (-0.015 * phi + 1.67) * mu1 * mu4)
    return float(4.17 * mu1 * mu1**0.3)


# ground for the first term of the spherical-Earth series: relative permittivity and conductivity [S/m]
_LAND = (22.0, 0.003)
_SEA = (80.0, 5.0)


def inverse_normal(x: float) -> float:
    """Return the inverse complementary cumulative normal function I(x), attachment 2 (equations 96, 97)."""
    if x > 0.5:
        return -inverse_normal(1.0 - x)
    t = math.sqrt(-2.0 * math.log(max(x, 1e-6)))
    top = (0.010328 * t + 0.802853) * t + 2.515516698
    return t - top / (((0.001308 * t + 0.189269) * t + 1.432788) * t + 1.0)


def free_space_loss(path: Path, frequency_ghz: float) -> float:
    """Return the free-space loss over the slant path, equation (8). [dB]"""
    slant_km = math.hypot(path.length_km, (path.tx_m - path.rx_m) / 1000.0)
    return 92.4 + 20.0 * math.log10(frequency_ghz) + 20.0 * math.log10(slant_km)


def multipath_focusing(path: Path, percent: float) -> float:
    """Return E_sp, what multipath and focusing add not exceeded for this time, equation (9). [dB]"""
    reach = path.tx_horizon_km + path.rx_horizon_km
    return 2.6 * (1.0 - math.exp(-0.1 * reach)) * math.log10(percent / 50.0)


def knife_edge(nu: float) -> float:
    """Return J(ν), equation (12). [dB]"""
    if nu <= -0.78:
        return 0.0
    return 6.9 + 20.0 * math.log10(math.sqrt((nu - 0.1) ** 2 + 1.0) + nu - 0.1)


def bullington_loss(
    d: np.ndarray, g: np.ndarray, tx_m: float, rx_m: float, earth_km: float, wavelength_m: float
) -> float:
    """Return the Bullington part, equations (13) to (21). [dB]"""
    length = float(d[-1])
    di, gi = d[1:-1], g[1:-1]
    if di.size == 0:
        return 0.0
    rest = length - di
    bulge = 500.0 / earth_km * di * rest
    slope_tx = float(((gi + bulge - tx_m) / di).max())  # (13)
    slope_straight = (rx_m - tx_m) / length  # (14)
    if slope_tx < slope_straight:
        above = gi + bulge - (tx_m * rest + rx_m * di) / length
        nu = float((above * np.sqrt(0.002 * length / (wavelength_m * di * rest))).max())  # (15)
    else:
        slope_rx = float(((gi + bulge - rx_m) / rest).max())  # (17)
        d_b = (rx_m - tx_m + slope_rx * length) / (slope_tx + slope_rx)  # (18)
        above_b = tx_m + slope_tx * d_b - (tx_m * (length - d_b) + rx_m * d_b) / length
        zone = d_b * (length - d_b)  # 0 where the point lies on the straight line itself
        nu = above_b * math.sqrt(0.002 * length / (wavelength_m * zone)) if zone > 0.0 else 0.0  # (19)
    edge = knife_edge(nu)
    return float(edge + (1.0 - math.exp(-edge / 6.0)) * (10.0 + 0.02 * length))  # (21)


def spherical_earth_loss(
    length: float,
    tx_m: float,
    rx_m: float,
    earth_km: float,
    frequency_ghz: float,
    wavelength_m: float,
    horizontal: bool,  # noqa: FBT001 - polarisation as the series reads it
    sea_share: float,
) -> float:
    """Return the spherical-Earth diffraction loss, equations (22) to (28); heights above the smooth Earth. [dB]"""
    visible = math.sqrt(2.0 * earth_km) * (math.sqrt(0.001 * tx_m) + math.sqrt(0.001 * rx_m))  # (22)
    if length >= visible:
        return first_term_loss(length, tx_m, rx_m, earth_km, frequency_ghz, horizontal, sea_share)
    c = (tx_m - rx_m) / (tx_m + rx_m)  # (25d)
    m = 250.0 * length**2 / (earth_km * (tx_m + rx_m))  # (25e)
    b = (
        2.0
        * math.sqrt((m + 1.0) / (3.0 * m))
        * math.cos(math.pi / 3.0 + math.acos(3.0 * c / 2.0 * math.sqrt(3.0 * m / (m + 1.0) ** 3)) / 3.0)
    )  # (25c)
    d1 = length / 2.0 * (1.0 + b)  # (25a)
    d2 = length - d1
    clearance = (
        (tx_m - 500.0 * d1**2 / earth_km) * d2 + (rx_m - 500.0 * d2**2 / earth_km) * d1
    ) / length  # (24)
    required = 17.456 * math.sqrt(d1 * d2 * wavelength_m / length)  # (26)
    if clearance > required:
        return 0.0
    grazing_km = 500.0 * (length / (math.sqrt(tx_m) + math.sqrt(rx_m))) ** 2  # (27)
    grazing = first_term_loss(length, tx_m, rx_m, grazing_km, frequency_ghz, horizontal, sea_share)
    return 0.0 if grazing < 0.0 else (1.0 - clearance / required) * grazing  # (28)


def first_term_loss(
    length: float,
    tx_m: float,
    rx_m: float,
    earth_km: float,
    frequency_ghz: float,
    horizontal: bool,  # noqa: FBT001
    sea_share: float,
) -> float:
    """Return the first term of the residue series, land and sea in proportion, equation (29). [dB]"""
    land = _first_term(length, tx_m, rx_m, earth_km, frequency_ghz, horizontal, *_LAND)
    if sea_share == 0.0:
        return land
    sea = _first_term(length, tx_m, rx_m, earth_km, frequency_ghz, horizontal, *_SEA)
    return sea_share * sea + (1.0 - sea_share) * land


def _first_term(
    length: float,
    tx_m: float,
    rx_m: float,
    earth_km: float,
    f: float,
    horizontal: bool,  # noqa: FBT001
    permittivity: float,
    conductivity: float,
) -> float:
    loss_term = (18.0 * conductivity / f) ** 2
    k = 0.036 * (earth_km * f) ** (-1.0 / 3.0) * ((permittivity - 1.0) ** 2 + loss_term) ** -0.25  # (30a)
    if not horizontal:
        k *= math.sqrt(permittivity**2 + loss_term)  # (30b)
    beta = (1.0 + 1.6 * k**2 + 0.67 * k**4) / (1.0 + 4.5 * k**2 + 1.53 * k**4)  # (31)
    x = 21.88 * beta * (f / earth_km**2) ** (1.0 / 3.0) * length  # (32)
    if x >= 1.6:  # (34)
        distance_term = 11.0 + 10.0 * math.log10(x) - 17.6 * x
    else:
        distance_term = -20.0 * math.log10(x) - 5.6488 * x**1.425
    least = 2.0 + 20.0 * math.log10(k)
    total = -distance_term
    for height_m in (tx_m, rx_m):
        y = 0.9575 * beta * (f**2 / earth_km) ** (1.0 / 3.0) * height_m  # (33)
        b = beta * y  # (36)
        if b > 2.0:  # (35)
            gain = 17.6 * math.sqrt(b - 1.1) - 5.0 * math.log10(b - 1.1) - 8.0
        else:
            gain = 20.0 * math.log10(b + 0.1 * b**3)
        total -= max(gain, least)
    return float(total)  # (37)


def delta_bullington(path: Path, earth_km: float, frequency_ghz: float, *, horizontal: bool) -> float:
    """Return the diffraction loss for one effective Earth radius, equations (38) to (40). [dB]"""
    actual = bullington_loss(
        path.distance_km, path.surface_m, path.tx_m, path.rx_m, earth_km, path.wavelength_m
    )
    tx, rx = path.tx_m - path.tx_smooth_m, path.rx_m - path.rx_smooth_m
    flat = np.zeros_like(path.surface_m)
    smooth = bullington_loss(path.distance_km, flat, tx, rx, earth_km, path.wavelength_m)
    sphere = spherical_earth_loss(
        path.length_km, tx, rx, earth_km, frequency_ghz, path.wavelength_m, horizontal, path.sea_share
    )
    return actual + max(sphere - smooth, 0.0)


def troposcatter_loss(path: Path, frequency_ghz: float, n0: float, percent: float) -> float:
    """Return the tropospheric scatter loss not exceeded for this time, equations (44), (45). [dB]"""
    by_frequency = 25.0 * math.log10(frequency_ghz) - 2.5 * math.log10(frequency_ghz / 2.0) ** 2
    by_time = 10.125 * math.log10(50.0 / percent) ** 0.7
    distance = 20.0 * math.log10(path.length_km)
    return float(190.1 + by_frequency + distance + 0.573 * path.angle_mrad - 0.15 * n0 - by_time)


def ducting_loss(
    path: Path, frequency_ghz: float, percent: float, tx_coast_km: float, rx_coast_km: float
) -> float:
    """Return the loss by ducting and layer reflection not exceeded for this time, equations (46) to (56). [dB]"""
    f, d = frequency_ghz, path.length_km
    low = 45.375 - 137.0 * f + 92.5 * f**2 if f < 0.5 else 0.0  # (47a)
    fixed = 102.45 + 20.0 * math.log10(f) + 20.0 * math.log10(path.tx_horizon_km + path.rx_horizon_km) + low
    bent_mrad = 1000.0 * d / path.earth_km
    for angle, horizon_km, coast_km, antenna_m in (
        (path.tx_horizon_mrad, path.tx_horizon_km, tx_coast_km, path.tx_m),
        (path.rx_horizon_mrad, path.rx_horizon_km, rx_coast_km, path.rx_m),
    ):
        shielding = angle - 0.1 * horizon_km  # (48a)
        if shielding > 0.0:
            fixed += 20.0 * math.log10(1.0 + 0.361 * shielding * math.sqrt(f * horizon_km))
            fixed += 0.264 * shielding * f ** (1.0 / 3.0)  # (48)
        if path.sea_share >= 0.75 and coast_km <= horizon_km and coast_km <= 5.0:
            fixed -= (
                3.0 * math.exp(-0.25 * coast_km**2) * (1.0 + math.tanh(0.07 * (50.0 - antenna_m)))
            )  # (49)
        bent_mrad += min(angle, 0.1 * horizon_km)  # (52), (52a)
    by_angle = 5e-5 * path.earth_km * f ** (1.0 / 3.0) * bent_mrad  # (50), (51)

    tau = 1.0 - math.exp(-4.12e-4 * path.longest_inland_km**2.41)  # (3)
    alpha = max(-0.6 - 3.5e-9 * d**3.1 * tau, -3.4)  # (55a)
    spread = math.sqrt(path.tx_effective_m) + math.sqrt(path.rx_effective_m)
    mu2 = min((500.0 / path.earth_km * d**2 / spread**2) ** alpha, 1.0)  # (55)
    mu3 = 1.0
    if path.roughness_m > 10.0:  # (56)
        interior = min(d - path.tx_horizon_km - path.rx_horizon_km, 40.0)
        mu3 = math.exp(-4.6e-5 * (path.roughness_m - 10.0) * (43.0 + 6.0 * interior))
    beta = path.beta0_percent * mu2 * mu3  # (54)
    log_beta = math.log10(beta)
    gamma = (
        1.076
        / (2.0058 - log_beta) ** 1.012
        * math.exp(-(9.51 - 4.8 * log_beta + 0.198 * log_beta**2) * 1e-6 * d**1.13)
    )  # (53a)
    share = percent / beta
    by_time = -12.0 + (1.2 + 3.7e-3 * d) * math.log10(share) + 12.0 * share**gamma  # (53)
    return float(fixed + by_angle + by_time)

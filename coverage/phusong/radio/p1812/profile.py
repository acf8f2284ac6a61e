"""What a terrain profile says about a path: clear or not, horizons, effective heights, land and sea.

Recommendation ITU-R P.1812-7 (08/2023), sections 3.5 to 3.7 and attachment 1 to annex 1.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["EARTH_KM", "Path", "analyse"]

Floats = npt.NDArray[np.float64]

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

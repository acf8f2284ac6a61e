"""Recommendation ITU-R P.1812-7 (08/2023): path-specific loss from 30 MHz to 6 GHz, on one profile.

The plain reference: every step is written as the recommendation has it, with its equation numbers. The fast
kernel over an area is held equal to it by a test.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.compute.array_types import Floats
from phusong.errors import InputError, Problem, refuse
from phusong.radio.p1812.mechanisms import (
    Path,
    analyse,
    delta_bullington,
    ducting_loss,
    free_space_loss,
    inverse_normal,
    multipath_focusing,
    troposcatter_loss,
)
from phusong.radio.ranges import COVER_M, GROUND_M, RANGES, checked, fit_profile

__all__ = ["LossBreakdown", "basic_loss", "height_share", "location_sd_db", "loss_breakdown"]


# no place lies farther from the sea than 2,700 km; 20,000 km go half round the Earth, and no raster has larger pixels
_FARTHEST_COAST_KM, _LARGEST_SQUARE_M = 20_000.0, 10_000.0
_POLARIZATIONS = {"horizontal": True, "h": True, "1": True, "vertical": False, "v": False, "2": False}


@dataclass(frozen=True)
class LossBreakdown:
    """One path's loss, split into its mechanisms. [dB]

    Parameters
    ----------
    path : Path
        What the profile says.
    free_space_db : float
        L_bfs, equation (8).
    line_of_sight_db : float
        L_b0p, with multipath and focusing for the time wanted, equation (10).
    diffraction_median_db, diffraction_db : float
        L_d50 and L_dp, above free space.
    troposcatter_db, ducting_db : float
        L_bs and L_ba.
    combined_db : float
        L_bc: all mechanisms, median location.
    location_db : float
        What the location percentage adds.
    loss_db : float
        L_b, equation (69).
    """

    path: Path
    free_space_db: float
    line_of_sight_db: float
    diffraction_median_db: float
    diffraction_db: float
    troposcatter_db: float
    ducting_db: float
    combined_db: float
    location_db: float
    loss_db: float


@checked("p1812")
def basic_loss(
    distance_km: npt.ArrayLike,
    height_m: npt.ArrayLike,
    clutter_m: npt.ArrayLike = 0.0,
    *,
    frequency_ghz: float,
    tx_height_m: float,
    rx_height_m: float,
    polarization: str | int = "vertical",
    time_percent: float = 50.0,
    location_percent: float = 50.0,
    location_sd_db: float = 0.0,
    delta_n: float,
    n0: float,
    latitude_deg: float,
    zone: npt.ArrayLike = 4,
    tx_coast_km: float = 500.0,
    rx_coast_km: float = 500.0,
) -> float:
    """Return the basic transmission loss not exceeded for a share of time and of locations. [dB]

    Parameters
    ----------
    distance_km : array_like, shape (n,)
        Distance of each profile point from the transmitter, rising from 0. [km]
    height_m : array_like, shape (n,)
        Ground above sea level. [m]
    clutter_m : array_like, shape (n,) or scalar
        Representative height of what stands on the ground (ignored at both ends). [m]
    frequency_ghz : float
        0.03 to 6. [GHz]
    tx_height_m, rx_height_m : float
        Antennas above ground. [m]
    polarization : str
        ``horizontal`` or ``vertical``.
    time_percent : float
        Share of an average year for which the loss is not exceeded, 1 to 50. [%]
    location_percent, location_sd_db : float
        Share of locations, 1 to 99, and the spread among them. [%, dB]
    delta_n, n0 : float
        Average annual refractivity lapse rate through the lowest km [N-units/km] and sea-level surface
        refractivity [N-units]; see :func:`phusong.radio.link_budget.refractivity`.
    latitude_deg : float
        Of the middle of the path.
    zone : array_like of int, shape (n,) or scalar
        1 sea, 3 coastal land, 4 inland.
    tx_coast_km, rx_coast_km : float
        Distance of each terminal to the coast along the path. [km]

    Raises
    ------
    InputError
        Listing every argument outside the recommendation's range.

    References
    ----------
    Recommendation ITU-R P.1812-7 (08/2023), annex 1.
    """
    return loss_breakdown(
        distance_km,
        height_m,
        clutter_m,
        frequency_ghz=frequency_ghz,
        tx_height_m=tx_height_m,
        rx_height_m=rx_height_m,
        polarization=polarization,
        time_percent=time_percent,
        location_percent=location_percent,
        location_sd_db=location_sd_db,
        delta_n=delta_n,
        n0=n0,
        latitude_deg=latitude_deg,
        zone=zone,
        tx_coast_km=tx_coast_km,
        rx_coast_km=rx_coast_km,
    ).loss_db


@checked("p1812")
def loss_breakdown(
    distance_km: npt.ArrayLike,
    height_m: npt.ArrayLike,
    clutter_m: npt.ArrayLike = 0.0,
    *,
    frequency_ghz: float,
    tx_height_m: float,
    rx_height_m: float,
    polarization: str | int = "vertical",
    time_percent: float = 50.0,
    location_percent: float = 50.0,
    location_sd_db: float = 0.0,
    delta_n: float,
    n0: float,
    latitude_deg: float,
    zone: npt.ArrayLike = 4,
    tx_coast_km: float = 500.0,
    rx_coast_km: float = 500.0,
) -> LossBreakdown:
    """Return the loss with its mechanisms; parameters and errors as for :func:`basic_loss`."""
    d = np.array(distance_km, np.float64)
    h = np.array(height_m, np.float64)
    refuse(_shape_problems(d, h))
    clutter, zones = (
        fit_profile("p1812", n, v, d.size) for n, v in (("clutter_m", clutter_m), ("zone", zone))
    )
    horizontal = _is_horizontal(polarization)
    refuse(
        [
            *RANGES["p1812"].problems(
                "p1812",
                frequency_ghz=frequency_ghz,
                distance_km=float(d[-1]),
                tx_height_m=tx_height_m,
                rx_height_m=rx_height_m,
                time_percent=time_percent,
                location_percent=location_percent,
            ),
            *_range_problems(
                location_sd_db=(location_sd_db, 0.0, 40.0),
                delta_n=(delta_n, -150.0, 156.0),
                n0=(n0, 200.0, 500.0),
                latitude_deg=(latitude_deg, -90.0, 90.0),
                tx_coast_km=(tx_coast_km, 0.0, _FARTHEST_COAST_KM),
                rx_coast_km=(rx_coast_km, 0.0, _FARTHEST_COAST_KM),
            ),
            *(
                [Problem("p1812", "must be 1 (sea), 3 (coastal land) or 4 (inland)", column="zone")]
                if not np.isin(zones, (1, 3, 4)).all()
                else []
            ),
            *(
                [Problem("p1812", f"must be from 0 to {COVER_M[1]:g} at every point", column="clutter_m")]
                if not ((clutter >= COVER_M[0]) & (clutter <= COVER_M[1])).all()
                else []
            ),
        ]
    )
    path = analyse(
        d,
        h,
        clutter,
        frequency_ghz=frequency_ghz,
        tx_height_m=tx_height_m,
        rx_height_m=rx_height_m,
        delta_n=delta_n,
        latitude_deg=latitude_deg,
        zone=zones.astype(np.int64),
    )
    return _combine(
        path,
        frequency_ghz,
        time_percent,
        horizontal=horizontal,
        n0=n0,
        location_db=-inverse_normal(location_percent / 100.0) * location_sd_db if zones[-1] != 1 else 0.0,
        tx_coast_km=tx_coast_km,
        rx_coast_km=rx_coast_km,
    )


@checked("p1812")
def location_sd_db(frequency_ghz: float, square_m: float) -> float:
    """Return the location variability inside a square of this side, equation (64). [dB]

    References
    ----------
    Recommendation ITU-R P.1812-7, section 4.7.
    """
    refuse(
        [
            *RANGES["p1812"].problems("p1812", frequency_ghz=frequency_ghz),
            *_range_problems(square_m=(square_m, 0.0, _LARGEST_SQUARE_M)),
        ]
    )
    return float((0.52 + 0.024 * frequency_ghz) * square_m**0.28)


@checked("p1812")
def height_share(rx_height_m: float, clutter_m: float) -> float:
    """Return u(h): how much of the location variability is left at a height over the clutter, equation (66)."""
    refuse(
        [
            *RANGES["p1812"].problems("p1812", rx_height_m=rx_height_m),
            *_range_problems(clutter_m=(clutter_m, 0.0, 3000.0)),
        ]
    )
    return float(np.clip(1.0 - (rx_height_m - clutter_m) / 10.0, 0.0, 1.0))


def _combine(
    path: Path,
    frequency_ghz: float,
    percent: float,
    *,
    horizontal: bool,
    n0: float,
    location_db: float,
    tx_coast_km: float,
    rx_coast_km: float,
) -> LossBreakdown:
    """Sections 4.3.5 and 4.6: diffraction for the time wanted, and all mechanisms together."""
    beta0 = path.beta0_percent
    free = free_space_loss(path, frequency_ghz)
    clear_p = free + multipath_focusing(path, percent)  # (10)
    clear_beta = free + multipath_focusing(path, beta0)  # (11)
    median = delta_bullington(path, path.earth_km, frequency_ghz, horizontal=horizontal)
    diffracted, between = median, 0.0
    if percent < 50.0:
        rare = delta_bullington(path, path.earth_beta_km, frequency_ghz, horizontal=horizontal)
        between = 1.0  # F_i, equation (40)
        if percent > beta0:
            between = inverse_normal(percent / 100.0) / inverse_normal(beta0 / 100.0)
        diffracted = median + between * (rare - median)  # (41)
    diffraction_median = free + median  # (42)
    diffraction = clear_p + diffracted  # (43)
    scatter = troposcatter_loss(path, frequency_ghz, n0, percent)
    duct = ducting_loss(path, frequency_ghz, percent, tx_coast_km, rx_coast_km)

    by_angle = 1.0 - 0.5 * (1.0 + math.tanh(3.0 * 0.8 * (path.angle_mrad - 0.3) / 0.3))  # (57)
    by_length = 1.0 - 0.5 * (1.0 + math.tanh(3.0 * 0.5 * (path.length_km - 20.0) / 20.0))  # (58)
    over_land = (1.0 - path.sea_share) * diffracted
    if percent < beta0:  # (59)
        least_clear = clear_p + over_land
    else:
        least_clear = diffraction_median + (clear_beta + over_land - diffraction_median) * between
    eta = 2.5
    larger, smaller = max(duct, clear_p), min(duct, clear_p)
    least_duct = larger + eta * math.log1p(math.exp((smaller - larger) / eta))  # (60)
    modified = diffraction  # (61)
    if least_duct <= diffraction:
        modified = least_duct + (diffraction - least_duct) * by_length
    modified += (least_clear - modified) * by_angle  # (62)
    low, high = min(scatter, modified), max(scatter, modified)
    combined = low - 5.0 * math.log10(1.0 + 10.0 ** (-0.2 * (high - low)))  # (63)
    return LossBreakdown(
        path=path,
        free_space_db=free,
        line_of_sight_db=clear_p,
        diffraction_median_db=median,
        diffraction_db=diffracted,
        troposcatter_db=scatter,
        ducting_db=duct,
        combined_db=combined,
        location_db=location_db,
        loss_db=max(clear_p, combined + location_db),  # (69)
    )


def _is_horizontal(polarization: str | int) -> bool:
    name = str(polarization).strip().lower()
    if name not in _POLARIZATIONS:
        raise InputError(
            Problem("p1812", "must be horizontal or vertical", column="polarization", value=polarization)
        )
    return _POLARIZATIONS[name]


def _shape_problems(d: Floats, h: Floats) -> list[Problem]:
    if d.ndim != 1 or d.shape != h.shape or d.size < 2:
        return [
            Problem(
                "p1812",
                f"must be two lists of equal length, at least 2 points: got {d.shape} and {h.shape}",
                column="distance_km, height_m",
            )
        ]
    problems = []
    if not ((h >= GROUND_M[0]) & (h <= GROUND_M[1])).all():
        told = f"must be from {GROUND_M[0]:g} to {GROUND_M[1]:g} at every point"
        problems.append(Problem("p1812", told, column="height_m"))
    if not np.isfinite(d).all():
        problems.append(Problem("p1812", "must be finite at every point", column="distance_km"))
    elif d[0] != 0 or not (np.diff(d) > 0).all():
        problems.append(
            Problem("p1812", "must start at 0 and rise from point to point", column="distance_km")
        )
    return problems


def _range_problems(**given: tuple[float, float, float]) -> list[Problem]:
    return [
        Problem("p1812", f"must be from {low:g} to {high:g}", column=name, value=value)
        for name, (value, low, high) in given.items()
        if not low <= value <= high
    ]

"""ITM point to point and by area.

After G. A. Hufford, "The ITS Irregular Terrain Model, version 1.2.2: the algorithm" (NTIA, 1995), and the constants
of NTIA's public reference implementation. Everything inside is in metres, MHz and radians, as there.
"""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from phusong.compute.kernels import nb
from phusong.errors import Problem, refuse
from phusong.radio.models.base import Conditions, Mast, Model, Profile, Terrain
from phusong.radio.models.itm_terms import (
    CLIMATES,
    LIMITS,
    SITUATION,
    attenuation,
    curvature,
    deviate,
    fit,
    free_space_db,
    horizons,
    impedance,
    middle_height,
    refuse_internal,
    refuse_outside,
    roughness,
    smooth_horizon,
    surface_refractivity,
    with_variability,
)
from phusong.radio.p1812.mechanisms import inverse_normal
from phusong.radio.ranges import checked
from phusong.radio.terrain_profile import SIDES, Fan, fan_slopes, foot, receivers, trace

__all__ = [
    "CLIMATES",
    "ITM",
    "SITING",
    "SITUATION",
    "Siting",
    "area_mode",
    "loss_on_profile",
    "point_to_point",
]

_CLUTTER_M2 = 10.0  # constant C of the weighting factor, for low antennas on a known path


@checked("itm")
def point_to_point(
    height_m: npt.ArrayLike,
    step_m: float,
    *,
    frequency_mhz: float,
    tx_height_m: float,
    rx_height_m: float,
    horizontal: bool = False,
    climate: int = 1,
    n0: float = 374.0,
    permittivity: float = 15.0,
    conductivity_s_m: float = 0.005,
    time_percent: float = 50.0,
    location_percent: float = 50.0,
    situation_percent: float = 50.0,
    variability: int = 12,
) -> float:
    """Return the basic transmission loss on one profile. [dB]

    Parameters
    ----------
    height_m : array_like, shape (n,)
        Ground above sea level at equal steps, from transmitter to receiver. [m]
    step_m : float
        Distance between two points.
    frequency_mhz, tx_height_m, rx_height_m : float
        20 to 20,000 MHz; antennas 0.5 to 3,000 m above ground.
    horizontal : bool
        Polarisation.
    climate : int
        1 to 7, in the order of :data:`phusong.radio.models.itm.CLIMATES`.
    n0 : float
        Sea-level surface refractivity. [N-units]
    permittivity, conductivity_s_m : float
        Of the ground.
    time_percent, location_percent, situation_percent : float
        For which shares of time, places and situations the loss is not exceeded.
    variability : int
        0 single message, 1 accidental, 2 mobile, 3 broadcast; +10 without location variability, +20 without that
        between situations.

    Raises
    ------
    InputError
        Listing every argument outside the model's range.
    """
    heights = np.asarray(height_m, np.float64)
    given = {
        "frequency_mhz": frequency_mhz,
        "tx_height_m": tx_height_m,
        "rx_height_m": rx_height_m,
        "climate": climate,
        "n0": n0,
        "permittivity": permittivity,
        "conductivity_s_m": conductivity_s_m,
        "time_percent": time_percent,
        "location_percent": location_percent,
        "situation_percent": situation_percent,
        "step_m": step_m,
    }
    km = (
        (heights.size - 1) * step_m / 1000.0 if heights.ndim == 1 and heights.size > 1 and step_m > 0 else 1.0
    )
    refuse_outside({**given, "distance_km": km}, variability, heights)
    refuse_internal(
        float(surface_refractivity(float(n0), float(middle_height(heights, heights.size - 1)))),
        impedance(float(permittivity), float(conductivity_s_m), float(frequency_mhz), bool(horizontal)),
    )
    deviates = np.array([deviate(p / 100.0) for p in (time_percent, location_percent, situation_percent)])
    return float(
        loss_on_profile(
            heights, heights.size - 1, float(step_m), float(tx_height_m), float(rx_height_m), float(frequency_mhz),
            bool(horizontal), int(climate), float(n0), float(permittivity), float(conductivity_s_m), deviates,
            int(variability), np.empty(260), np.empty(260),
        )
    )  # fmt: skip


@nb.njit(cache=True, nogil=True)
def loss_on_profile(  # type: ignore[no-untyped-def]
    h,
    n,
    step,
    tx,
    rx,
    f,
    horizontal,
    climate,
    n0,
    permittivity,
    conductivity,
    deviates,
    variability,
    work,
    work2,
):
    """Return the loss on points 0 to n of a profile; arguments as for :func:`point_to_point`, checked before."""
    d = n * step
    n_s = surface_refractivity(n0, middle_height(h, n))
    gamma = curvature(n_s)
    z_g = impedance(permittivity, conductivity, f, horizontal)

    angle_1, angle_2, far_1, far_2 = horizons(h, n, step, tx, rx, gamma)
    start = min(15.0 * tx, 0.1 * far_1)
    stop = d - min(15.0 * rx, 0.1 * far_2)
    rough = roughness(h, n, step, start, stop, work, work2)
    if far_1 + far_2 > 1.5 * d:
        fit_1, fit_2 = fit(h, n, step, start, stop)
        eff_1, eff_2 = tx + max(h[0] - fit_1, 0.0), rx + max(h[n] - fit_2, 0.0)
        far_1, far_2 = smooth_horizon(eff_1, gamma, rough), smooth_horizon(eff_2, gamma, rough)
        if far_1 + far_2 <= d:
            q = (d / (far_1 + far_2)) ** 2
            eff_1, eff_2 = eff_1 * q, eff_2 * q
            far_1, far_2 = smooth_horizon(eff_1, gamma, rough), smooth_horizon(eff_2, gamma, rough)
        q = math.sqrt(2.0 * eff_1 / gamma)
        angle_1 = (0.65 * rough * (q / far_1 - 1.0) - 2.0 * eff_1) / q
        q = math.sqrt(2.0 * eff_2 / gamma)
        angle_2 = (0.65 * rough * (q / far_2 - 1.0) - 2.0 * eff_2) / q
    else:
        fit_1, _ = fit(h, n, step, start, 0.9 * far_1)
        _, fit_2 = fit(h, n, step, d - 0.9 * far_2, stop)
        eff_1, eff_2 = tx + max(h[0] - fit_1, 0.0), rx + max(h[n] - fit_2, 0.0)
    reference = attenuation(
        d, angle_1, angle_2, far_1, far_2, eff_1, eff_2, tx, rx, gamma, n_s, rough, f, z_g, _CLUTTER_M2
    )
    spread = with_variability(reference, d, eff_1, eff_2, rough, f, climate - 1, deviates, variability)
    return free_space_db(f, d) + spread


Siting = Literal["random", "careful", "very careful"]
# how many metres a well chosen place adds to a low antenna's effective height, over 1 m
SITING: dict[str, float] = {"random": -1.0, "careful": 4.0, "very careful": 9.0}
_LOW_M = 5.0  # antennas below this gain less from their siting
_AREA_CLUTTER_M2 = 0.0  # constant C of the weighting factor: only known paths have it


@checked("itm")
def area_mode(
    distance_km: float,
    *,
    delta_h_m: float,
    frequency_mhz: float,
    tx_height_m: float,
    rx_height_m: float,
    siting: Sequence[Siting] = ("random", "random"),
    horizontal: bool = False,
    climate: int = 1,
    n0: float = 374.0,
    permittivity: float = 15.0,
    conductivity_s_m: float = 0.005,
    time_percent: float = 50.0,
    location_percent: float = 50.0,
    situation_percent: float = 50.0,
    variability: int = 12,
) -> float:
    """Return the basic transmission loss over a distance in terrain of a roughness. [dB]

    Parameters
    ----------
    distance_km : float
        Between the antennas, 0.001 to 2,000.
    delta_h_m : float
        Interdecile range of terrain heights: 0 a lake, 30 plains, 90 hills, 200 mountains, 500 rugged ones. [m]
    siting : sequence of str, length 2
        How transmitter and receiver were placed: ``random``, ``careful`` or ``very careful``.

    Other parameters are those of :func:`phusong.radio.models.itm.point_to_point`.

    Raises
    ------
    InputError
        Listing every argument outside the model's range.

    References
    ----------
    G. A. Hufford, "The ITS Irregular Terrain Model, version 1.2.2: the algorithm" (NTIA, 1995), section 3.
    """
    refuse(
        Problem("itm", f"must be one of {', '.join(SITING)}", column="siting", value=name)
        for name in siting
        if name not in SITING
    )
    refuse([] if len(siting) == 2 else [Problem("itm", "must name both ends", column="siting", value=siting)])
    given = {
        "distance_km": distance_km,
        "delta_h_m": delta_h_m,
        "frequency_mhz": frequency_mhz,
        "tx_height_m": tx_height_m,
        "rx_height_m": rx_height_m,
        "climate": climate,
        "n0": n0,
        "permittivity": permittivity,
        "conductivity_s_m": conductivity_s_m,
        "time_percent": time_percent,
        "location_percent": location_percent,
        "situation_percent": situation_percent,
    }
    refuse_outside(given, variability)
    gamma = curvature(n0)
    d = distance_km * 1000.0
    ends = [
        _end(height, name, delta_h_m, gamma)
        for height, name in zip((tx_height_m, rx_height_m), siting, strict=True)
    ]
    (eff_1, far_1, angle_1), (eff_2, far_2, angle_2) = ends
    z_g = impedance(float(permittivity), float(conductivity_s_m), float(frequency_mhz), horizontal)
    refuse_internal(float(n0), z_g)
    reference = attenuation(
        d, angle_1, angle_2, far_1, far_2, eff_1, eff_2, float(tx_height_m), float(rx_height_m), gamma, float(n0),
        float(delta_h_m), float(frequency_mhz), z_g, _AREA_CLUTTER_M2,
    )  # fmt: skip
    deviates = np.array([deviate(p / 100.0) for p in (time_percent, location_percent, situation_percent)])
    return float(
        free_space_db(float(frequency_mhz), d)
        + with_variability(
            reference,
            d,
            eff_1,
            eff_2,
            float(delta_h_m),
            float(frequency_mhz),
            climate - 1,
            deviates,
            variability,
        )
    )


def _end(height_m: float, siting: str, delta_h_m: float, gamma: float) -> tuple[float, float, float]:
    """Effective height, horizon distance and horizon angle of one end, equations (3.2) to (3.4)."""
    gain = SITING[siting]
    effective = height_m
    if siting != "random":
        if height_m < _LOW_M:
            gain *= math.sin(0.1 * math.pi * height_m)
        effective += (1.0 + gain) * math.exp(-min(20.0, 2.0 * height_m / max(1e-3, delta_h_m)))
    smooth = math.sqrt(2.0 * effective / gamma)
    far = float(smooth_horizon(effective, gamma, delta_h_m))
    return effective, far, (0.65 * delta_h_m * (smooth / far - 1.0) - 2.0 * effective) / smooth


# average ground, as NTIA's examples have it
_PERMITTIVITY, _CONDUCTIVITY_S_M = 15.0, 0.005
_AVERAGE_GROUND = 1.0 + 0.0j  # more real than imaginary at any frequency of the range
_BROADCAST_ALL_SITUATIONS = 3
_LEAST_POINTS = 3


def _window(
    terrain: Terrain, mast: Mast, ghz: npt.NDArray[np.float64], conditions: Conditions
) -> npt.NDArray[np.float32]:
    n0 = conditions.n0
    low, high = LIMITS["n0"]
    refuse(
        []
        if low <= n0 <= high
        else [Problem("itm", f"must be from {low:g} to {high:g}", column="n0", value=n0)]
    )
    # a path's middle lies between the lowest and the highest ground
    for height_m in (float(terrain.ground.min()), float(terrain.ground.max())):
        refuse_internal(float(surface_refractivity(n0, height_m)), _AVERAGE_GROUND)
    radius = mast.radius_px(terrain.cell_m)
    shares = (conditions.time_percent, conditions.location_percent, 50.0)
    deviates = np.array([inverse_normal(p / 100.0) for p in shares])
    fan = Fan(mast.row_f, mast.col_f, radius, mast.radius_m / terrain.cell_m, fan_slopes(radius))
    loss: npt.NDArray[np.float32] = _sweep(
        terrain.ground, fan, terrain.cell_m, mast.tx_height_m, mast.rx_height_m, ghz * 1000.0, conditions.horizontal,
        conditions.climate, n0, deviates,
    )  # fmt: skip
    return loss


@nb.njit(cache=True, nogil=True)
def _sweep(  # type: ignore[no-untyped-def]
    ground, fan, cell_m, tx_height_m, rx_height_m, mhz, horizontal, climate, n0, deviates
):
    row_f, col_f, radius_px = fan.row_f, fan.col_f, fan.radius_px
    side_px = 2 * radius_px + 1
    loss = np.full((mhz.size, side_px, side_px), np.nan, np.float32)
    row_c, col_c = int(np.rint(row_f)), int(np.rint(col_f))
    if row_c < 0 or col_c < 0 or row_c >= ground.shape[0] or col_c >= ground.shape[1]:
        return loss
    n_max = radius_px + _LEAST_POINTS + 2
    h, rx = np.empty(n_max), receivers(n_max)
    work, work2 = np.empty(260), np.empty(260)
    foot_m = foot(ground, row_f, col_f)
    for side in range(SIDES):
        for ray in range(fan.slopes.size):
            _, m = trace(side, ray, fan, ground, h, rx)
            h[0] = foot_m
            for k in range(m):
                # the model wants equal steps: those of the ray, stretched to end at the receiver
                last = rx.after[k] + 1
                kept = h[last]
                h[last] = ground[rx.row[k], rx.col[k]]
                for f in range(mhz.size):
                    loss[f, rx.row[k] - row_c + radius_px, rx.col[k] - col_c + radius_px] = loss_on_profile(
                        h, last, rx.px[k] * cell_m / last, tx_height_m, rx_height_m, mhz[f], horizontal, climate, n0,
                        _PERMITTIVITY, _CONDUCTIVITY_S_M, deviates, _BROADCAST_ALL_SITUATIONS, work, work2,
                    )  # fmt: skip
                h[last] = kept
    km = max(np.hypot(row_c - row_f, col_c - col_f), 0.25) * cell_m / 1000.0
    for f in range(mhz.size):
        loss[f, radius_px, radius_px] = 32.45 + 20.0 * np.log10(mhz[f]) + 20.0 * np.log10(km)
    return loss


def _path(
    profile: Profile, frequency_ghz: float, tx_height_m: float, rx_height_m: float, conditions: Conditions
) -> float:
    return point_to_point(
        profile.ground_m,
        float(profile.distance_km[-1]) * 1000.0 / (profile.ground_m.size - 1),
        frequency_mhz=frequency_ghz * 1000.0,
        tx_height_m=tx_height_m,
        rx_height_m=rx_height_m,
        horizontal=conditions.horizontal,
        climate=conditions.climate,
        n0=conditions.n0,
        permittivity=_PERMITTIVITY,
        conductivity_s_m=_CONDUCTIVITY_S_M,
        time_percent=conditions.time_percent,
        location_percent=conditions.location_percent,
        variability=_BROADCAST_ALL_SITUATIONS,
    )


ITM = Model("itm", _window, _path, "Longley-Rice, ITS Irregular Terrain Model 1.2.2")

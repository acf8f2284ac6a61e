"""ITM area mode: the loss over a distance where only the terrain's roughness is known."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from phusong.errors import Problem, refuse
from phusong.radio.itm.attenuation import attenuation
from phusong.radio.itm.limits import refuse_internal, refuse_outside
from phusong.radio.itm.profile import smooth_horizon
from phusong.radio.itm.surface import curvature, free_space_db, impedance
from phusong.radio.itm.variability import deviate, with_variability

__all__ = ["SITING", "Siting", "area_mode"]

Siting = Literal["random", "careful", "very careful"]
# how many metres a well chosen place adds to a low antenna's effective height, over 1 m
SITING: dict[str, float] = {"random": -1.0, "careful": 4.0, "very careful": 9.0}
_LOW_M = 5.0  # antennas below this gain less from their siting
_CLUTTER_M2 = 0.0  # constant C of the weighting factor: only known paths have it


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

    Other parameters are those of :func:`phusong.radio.itm.point_to_point`.

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
        float(delta_h_m), float(frequency_mhz), z_g, _CLUTTER_M2,
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

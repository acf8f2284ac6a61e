"""What ITM accepts: ranges of its arguments, refused together."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from phusong.errors import Problem, refuse

__all__ = ["LIMITS", "SHARE", "refuse_outside"]

SHARE = (0.01, 99.99)
LIMITS: Mapping[str, tuple[float, float]] = {
    "frequency_mhz": (20.0, 20000.0),
    "tx_height_m": (0.5, 3000.0),
    "rx_height_m": (0.5, 3000.0),
    "climate": (1, 7),
    "n0": (250.0, 400.0),
    "permittivity": (1.0, 1000.0),
    "conductivity_s_m": (1e-9, 1000.0),
    "time_percent": SHARE,
    "location_percent": SHARE,
    "situation_percent": SHARE,
    "step_m": (1e-3, 1e6),
    "distance_km": (1e-3, 2000.0),
    "delta_h_m": (0.0, 10000.0),
}


def refuse_outside(
    values: Mapping[str, float], variability: int, heights: npt.NDArray[np.float64] | None = None
) -> None:
    """Raise for every argument outside :data:`LIMITS`, an unknown variability, or heights that make no profile.

    Raises
    ------
    InputError
        Listing them all.
    """
    problems = [
        Problem("itm", f"must be from {LIMITS[name][0]:g} to {LIMITS[name][1]:g}", column=name, value=value)
        for name, value in values.items()
        if not LIMITS[name][0] <= value <= LIMITS[name][1]
    ]
    if heights is not None and (heights.ndim != 1 or heights.size < 2 or not np.isfinite(heights).all()):
        problems.append(Problem("itm", "must be at least 2 finite heights", column="height_m"))
    if variability % 10 not in range(4) or variability not in range(34):
        problems.append(
            Problem("itm", "must be 0 to 3, +10, +20 or +30", column="variability", value=variability)
        )
    refuse(problems)

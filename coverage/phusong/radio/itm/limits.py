"""What ITM accepts: ranges of its arguments, refused together."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from phusong.errors import Problem, refuse
from phusong.radio.ranges import RANGES

__all__ = ["LIMITS", "SHARE", "refuse_internal", "refuse_outside"]

SHARE = (0.01, 99.99)
_SURFACE_N = (150.0, 400.0)
LIMITS: Mapping[str, tuple[float, float]] = {
    "climate": (1, 7),
    "n0": (250.0, 400.0),
    "permittivity": (1.0, 1000.0),
    "conductivity_s_m": (1e-9, 1000.0),
    "situation_percent": SHARE,
    "step_m": (1e-3, 1e6),
    "delta_h_m": (0.0, 10000.0),
}


def refuse_outside(
    values: Mapping[str, float], variability: int, heights: npt.NDArray[np.float64] | None = None
) -> None:
    """Raise for every argument outside :data:`LIMITS` and the model's range, an unknown variability, or heights that make no profile.

    Raises
    ------
    InputError
        Listing them all.
    """
    problems = [
        Problem("itm", f"must be from {LIMITS[name][0]:g} to {LIMITS[name][1]:g}", column=name, value=value)
        for name, value in values.items()
        if name in LIMITS and not LIMITS[name][0] <= value <= LIMITS[name][1]
    ]
    problems += RANGES["itm"].problems("itm", **{k: v for k, v in values.items() if k not in LIMITS})
    if heights is not None and (heights.ndim != 1 or heights.size < 2 or not np.isfinite(heights).all()):
        problems.append(Problem("itm", "must be at least 2 finite heights", column="height_m"))
    if variability % 10 not in range(4) or variability not in range(34):
        problems.append(
            Problem("itm", "must be 0 to 3, +10, +20 or +30", column="variability", value=variability)
        )
    refuse(problems)


def refuse_internal(surface_n: float, impedance: complex) -> None:
    """Raise where NTIA's code returns an error for what it works out of the arguments.

    Parameters
    ----------
    surface_n : float
        Refractivity at the ground's height. [N-units]
    impedance : complex
        The ground's transfer impedance.

    Raises
    ------
    InputError
        As ERROR__SURFACE_REFRACTIVITY_SMALL and _LARGE (1021, 1022) and ERROR__GROUND_IMPEDANCE (1013).
    """
    low, high = _SURFACE_N
    problems = []
    if not low <= surface_n <= high:
        told = (
            f"N-units at the height of the ground: ITM holds from {low:g} to {high:g}; look at heights and n0"
        )
        problems.append(Problem("itm", told, column="n0", value=round(surface_n, 1)))
    if not impedance.real > abs(impedance.imag):
        told = "give a ground whose impedance is more imaginary than real, which ITM refuses"
        problems.append(Problem("itm", told, column="permittivity, conductivity_s_m"))
    refuse(problems)

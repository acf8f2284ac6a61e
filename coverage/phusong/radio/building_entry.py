"""Loss into buildings: Recommendation ITU-R P.2109."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from phusong.errors import InputError, Problem, refuse

__all__ = ["Building", "building_entry_loss_db"]

Building = Literal["traditional", "thermally_efficient"]


@dataclass(frozen=True)
class _Kind:
    """Coefficients of table 1, named as there."""

    r: float
    s: float
    t: float
    u: float
    v: float
    w: float
    x: float
    y: float
    z: float


_KINDS = {
    "traditional": _Kind(12.64, 3.72, 0.96, 9.6, 2.0, 9.1, -3.0, 4.5, -2.0),
    "thermally_efficient": _Kind(28.19, -3.0, 8.48, 13.5, 3.8, 27.8, -2.9, 9.4, -2.1),
}
_LEAST_GHZ, _MOST_GHZ = 0.08, 100.0
_ELEVATION_DB_PER_DEG = 0.212


def building_entry_loss_db(
    frequency_ghz: npt.ArrayLike,
    *,
    probability: npt.ArrayLike,
    building: Building = "traditional",
    elevation_deg: npt.ArrayLike = 0.0,
) -> npt.NDArray[np.float64]:
    """Return the building entry loss that is not exceeded with a probability. [dB]

    Parameters
    ----------
    frequency_ghz, probability, elevation_deg : array_like
        Frequency from 0.08 to 100, probability strictly between 0 and 1, angle of the path at the wall; broadcast
        together.
    building : str
        ``traditional``, or ``thermally_efficient`` with metallised glass and foil-backed walls.

    Raises
    ------
    InputError
        For a value outside these limits.

    References
    ----------
    Recommendation ITU-R P.2109-2 (08/2023), equations (1) to (10) and table 1.
    """
    if building not in _KINDS:
        raise InputError(
            Problem(
                "building_entry_loss_db",
                f"must be one of {', '.join(_KINDS)}",
                column="building",
                value=building,
            )
        )
    f, p, tilt = (np.asarray(v, np.float64) for v in (frequency_ghz, probability, elevation_deg))
    refuse(
        Problem(
            "building_entry_loss_db",
            f"must lie {where}",
            column=name,
            value=float(np.ravel(value)[np.ravel(bad)][0]),
        )
        for name, value, bad, where in (
            (
                "frequency_ghz",
                f,
                ~((f >= _LEAST_GHZ) & (f <= _MOST_GHZ)),
                f"from {_LEAST_GHZ} to {_MOST_GHZ:g} GHz",
            ),
            ("probability", p, ~((p > 0) & (p < 1)), "strictly between 0 and 1"),
            ("elevation_deg", tilt, ~(np.abs(tilt) <= 90), "from -90 to 90 degrees"),
        )
        if np.any(bad)
    )
    k = _KINDS[building]
    log_f = np.log10(f)
    horizontal = k.r + k.s * log_f + k.t * log_f**2
    mean_1 = horizontal + _ELEVATION_DB_PER_DEG * np.abs(tilt)
    mean_2 = k.w + k.x * log_f
    deviate = ndtri(p)
    a = deviate * (k.u + k.v * log_f) + mean_1
    b = deviate * (k.y + k.z * log_f) + mean_2
    return np.asarray(10.0 * np.log10(10.0 ** (0.1 * a) + 10.0 ** (0.1 * b) + 10.0 ** (0.1 * -3.0)))

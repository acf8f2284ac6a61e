"""Free space: what no terrain can better."""

import numpy as np
import numpy.typing as npt

from phusong.radio.models.distance import by_distance

__all__ = ["FREE_SPACE", "free_space_loss"]


def free_space_loss(
    distance_m: npt.ArrayLike, *, frequency_ghz: float, tx_height_m: float = 0.0, rx_height_m: float = 0.0
) -> npt.NDArray[np.float64]:
    """Return the free-space basic transmission loss. [dB]

    Parameters
    ----------
    distance_m : array_like
        Distance along the ground; the slant follows from the heights. [m]
    frequency_ghz, tx_height_m, rx_height_m : float
        Frequency and antenna heights above the ground.

    References
    ----------
    Recommendation ITU-R P.525-4, equation (4): 32.4 + 20 log f (MHz) + 20 log d (km).
    """
    slant_km = np.hypot(np.asarray(distance_m, np.float64), tx_height_m - rx_height_m) / 1000.0
    return np.asarray(92.4 + 20.0 * np.log10(frequency_ghz) + 20.0 * np.log10(np.maximum(slant_km, 1e-3)))


FREE_SPACE = by_distance("free_space", free_space_loss, "ITU-R P.525-4", diffraction=False)

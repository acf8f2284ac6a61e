"""Hata's formula after Okumura's measurements, and its continuation above 1.5 GHz by COST 231."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from phusong.errors import Problem, refuse
from phusong.radio.ranges import RANGES

__all__ = ["City", "Environment", "okumura_hata_loss"]

Environment = Literal["urban", "suburban", "rural"]
City = Literal["small", "large"]

_ENVIRONMENTS, _CITIES = ("urban", "suburban", "rural"), ("small", "large")
_COST_231_MHZ = 1500.0  # from here on its intercept holds
_METROPOLITAN_DB = 3.0
_LARGE_CITY_MHZ = 300.0  # between Hata's two formulas for large cities


def okumura_hata_loss(
    distance_m: npt.ArrayLike,
    *,
    frequency_mhz: float,
    base_height_m: float,
    mobile_height_m: float,
    environment: Environment = "urban",
    city: City = "small",
) -> npt.NDArray[np.float64]:
    """Return the median basic transmission loss. [dB]

    Parameters
    ----------
    distance_m : array_like
        Above 0; measured from 1 to 20 km, nearer and farther the formula is carried on. [m]
    frequency_mhz : float
        150 to 2,200; above 1,500 by COST 231, whose range ends at 2,000.
    base_height_m, mobile_height_m : float
        Effective antenna heights, measured from 30 to 200 m and 1 to 10 m.
    environment : str
        ``urban``, ``suburban`` or ``rural`` (Hata's open area); the last two lose less, above 1,500 MHz too.
    city : str
        ``small`` or medium, or ``large``, with buildings of more than 15 m; COST 231 adds 3 dB in large ones.

    Raises
    ------
    InputError
        Listing every argument outside its range.

    References
    ----------
    M. Hata, "Empirical Formula for Propagation Loss in Land Mobile Radio Services", IEEE Transactions on Vehicular
    Technology 29 (1980); COST Action 231, final report (1999), section 4.4.1.

    Examples
    --------
    >>> round(float(okumura_hata_loss(2000, frequency_mhz=869, base_height_m=30, mobile_height_m=1, city="large")), 2)
    137.93
    """
    distance = np.asarray(distance_m, np.float64)
    words = {"environment": (environment, _ENVIRONMENTS), "city": (city, _CITIES)}
    refuse(
        [
            *RANGES["hata"].problems(
                "okumura_hata",
                frequency_mhz=frequency_mhz,
                base_height_m=base_height_m,
                mobile_height_m=mobile_height_m,
            )
        ]
        + [
            Problem("okumura_hata", f"must be one of {', '.join(known)}", column=name, value=value)
            for name, (value, known) in words.items()
            if value not in known
        ]
        + (
            []
            if np.all(distance > 0)
            else [Problem("okumura_hata", "must be greater than 0", column="distance_m")]
        )
    )
    log_f, log_b = np.log10(frequency_mhz), np.log10(base_height_m)
    if frequency_mhz <= _COST_231_MHZ:
        start = 69.55 + 26.16 * log_f
    else:
        start = 46.3 + 33.9 * log_f + (_METROPOLITAN_DB if city == "large" else 0.0)
    gain = 13.82 * log_b + _mobile_gain_db(frequency_mhz, mobile_height_m, city)
    urban = start - gain + (44.9 - 6.55 * log_b) * np.log10(distance / 1000.0)
    if environment == "suburban":
        urban = urban - 2.0 * np.log10(frequency_mhz / 28.0) ** 2 - 5.4
    elif environment == "rural":
        urban = urban - 4.78 * log_f**2 + 18.33 * log_f - 40.94
    return np.asarray(urban)


def _mobile_gain_db(mhz: float, height_m: float, city: str) -> float:
    """Correction a(h_m) for the mobile's height."""
    if city == "small":
        log_f = np.log10(mhz)
        return float((1.1 * log_f - 0.7) * height_m - (1.56 * log_f - 0.8))
    if mhz < _LARGE_CITY_MHZ:
        return float(8.29 * np.log10(1.54 * height_m) ** 2 - 1.1)
    return float(3.2 * np.log10(11.75 * height_m) ** 2 - 4.97)

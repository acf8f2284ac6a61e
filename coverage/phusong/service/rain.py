"""Rain on a microwave hop: how hard it rains, how much that attenuates, how long the hop is off for it."""

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from phusong.errors import Problem, refuse
from phusong.service.climate import MONTH_DAYS, Climate

__all__ = [
    "attenuation_exceeded_db",
    "coefficients",
    "path_factor",
    "rain_rate_mm_h",
    "specific_attenuation_db_km",
    "unavailability",
]

Floats = npt.NDArray[np.float64]

# P.838-3, tables 1 to 4: a, b, c of each bell, then slope and constant
_K_H = ([-5.33980, -0.35351, -0.23789, -0.94158], [-0.10008, 1.26970, 0.86036, 0.64552],
        [1.13098, 0.45400, 0.15354, 0.16817], -0.18961, 0.71147)  # fmt: skip
_K_V = ([-3.80595, -3.44965, -0.39902, 0.50167], [0.56934, -0.22911, 0.73042, 1.07319],
        [0.81061, 0.51059, 0.11899, 0.27195], -0.16398, 0.63297)  # fmt: skip
_ALPHA_H = ([-0.14318, 0.29591, 0.32177, -5.37610, 16.1721], [1.82442, 0.77564, 0.63773, -0.96230, -3.29980],
            [-0.55187, 0.19822, 0.13164, 1.47828, 3.43990], 0.67849, -1.95537)  # fmt: skip
_ALPHA_V = ([-0.07771, 0.56727, -0.20238, -48.2991, 48.5833], [2.33840, 0.95545, 1.14520, 0.791669, 0.791459],
            [-0.76284, 0.54039, 0.26809, 0.116226, 0.116479], -0.053739, 0.83433)  # fmt: skip
_LEAST_PERCENT, _MOST_PERCENT = 0.001, 1.0  # between these P.530 scales attenuation
_STEPS = 60


def coefficients(
    frequency_ghz: npt.ArrayLike, *, elevation_deg: npt.ArrayLike = 0.0, tilt_deg: npt.ArrayLike = 90.0
) -> tuple[Floats, Floats]:
    """Return k and α of the power law between rain rate and specific attenuation.

    Parameters
    ----------
    frequency_ghz : array_like
        1 to 1000. [GHz]
    elevation_deg : array_like
        Elevation of the path.
    tilt_deg : array_like
        Tilt of the polarization to the horizontal: 0 horizontal, 90 vertical, 45 circular.

    Raises
    ------
    InputError
        If a frequency is out of range.

    References
    ----------
    Recommendation ITU-R P.838-3, equations 2 to 5.
    """
    f = np.asarray(frequency_ghz, np.float64)
    bad = ~((f >= 1.0) & (f <= 1000.0))
    refuse([Problem("rain", "must be 1 to 1000 GHz", column="frequency_ghz", value=f)] if bad.any() else [])
    k_h, k_v = 10.0 ** _bells(f, *_K_H), 10.0 ** _bells(f, *_K_V)
    a_h, a_v = _bells(f, *_ALPHA_H), _bells(f, *_ALPHA_V)
    turn = np.cos(np.radians(elevation_deg)) ** 2 * np.cos(2.0 * np.radians(tilt_deg))
    k = (k_h + k_v + (k_h - k_v) * turn) / 2.0
    alpha = (k_h * a_h + k_v * a_v + (k_h * a_h - k_v * a_v) * turn) / (2.0 * k)
    return np.asarray(k), np.asarray(alpha)


def specific_attenuation_db_km(
    rate_mm_h: npt.ArrayLike,
    frequency_ghz: npt.ArrayLike,
    *,
    elevation_deg: npt.ArrayLike = 0.0,
    tilt_deg: npt.ArrayLike = 90.0,
) -> Floats:
    """Return the attenuation of one kilometre of rain. [dB/km]

    References
    ----------
    Recommendation ITU-R P.838-3, equation 1.
    """
    k, alpha = coefficients(frequency_ghz, elevation_deg=elevation_deg, tilt_deg=tilt_deg)
    return np.asarray(k * np.asarray(rate_mm_h, np.float64) ** alpha)


def rain_rate_mm_h(climate: Climate, percent: float = 0.01) -> Floats:
    """Return the rain rate exceeded for this share of the year at each station. [mm/h]

    Parameters
    ----------
    climate : Climate
        Monthly rain and temperature.
    percent : float
        Of the year.

    References
    ----------
    Recommendation ITU-R P.837-7, annex 1, steps 3 to 7, on the stations' normals instead of the digital maps.
    """
    days = MONTH_DAYS.astype(np.float64)
    days[1] = 28.25
    rate = 0.5874 * np.exp(np.where(climate.temperature_c >= 0.0, 0.0883 * climate.temperature_c, 0.0))
    wet = 100.0 * climate.rain_mm / (24.0 * days * rate)
    soaked = wet > 70.0
    rate = np.where(soaked, 100.0 / 70.0 * climate.rain_mm / (24.0 * days), rate)
    wet = np.where(soaked, 70.0, wet)
    low, high = np.full(len(climate.stations), 1e-3), np.full(len(climate.stations), 1e3)
    for _ in range(_STEPS):  # falls with the rate: halve the interval
        middle = np.sqrt(low * high)
        tail = ndtr(-(np.log(middle)[:, None] + 0.7938 - np.log(rate)) / 1.26)
        over = (days * wet * tail).sum(axis=1) / 365.25 > percent
        low, high = np.where(over, middle, low), np.where(over, high, middle)
    return np.asarray(np.sqrt(low * high))


def path_factor(
    length_km: npt.ArrayLike, rate_mm_h: npt.ArrayLike, frequency_ghz: npt.ArrayLike, alpha: npt.ArrayLike
) -> Floats:
    """Return by how much a hop is effectively shorter (or longer) than it is: rain is no even curtain.

    References
    ----------
    Recommendation ITU-R P.530-18, equation 32; at most 2.5.
    """
    d, rate = np.asarray(length_km, np.float64), np.asarray(rate_mm_h, np.float64)
    under = 0.477 * d**0.633 * rate ** (0.073 * np.asarray(alpha)) * np.asarray(frequency_ghz) ** 0.123
    under = under - 10.579 * (1.0 - np.exp(-0.024 * d))
    # below 0.4 the factor would pass 2.5, and below 0 lose its meaning
    return np.asarray(1.0 / np.maximum(under, 0.4))


def attenuation_exceeded_db(
    percent: npt.ArrayLike,
    *,
    length_km: npt.ArrayLike,
    frequency_ghz: npt.ArrayLike,
    rate_mm_h: npt.ArrayLike,
    tilt_deg: npt.ArrayLike = 90.0,
) -> Floats:
    """Return the rain attenuation of a hop that is exceeded for this share of the year. [dB]

    Parameters
    ----------
    percent : array_like
        0.001 to 1. [%]
    length_km, frequency_ghz : array_like
        Of the hop.
    rate_mm_h : array_like
        Exceeded for 0.01 % of the year.
    tilt_deg : array_like
        Of the polarization.

    References
    ----------
    Recommendation ITU-R P.530-18, section 2.4.1, equations 31 to 35.
    """
    f = np.asarray(frequency_ghz, np.float64)
    k, alpha = coefficients(f, tilt_deg=tilt_deg)
    rate = np.asarray(rate_mm_h, np.float64)
    length = np.asarray(length_km, np.float64)
    at_001 = k * rate**alpha * length * path_factor(length, rate, f, alpha)
    return np.asarray(at_001 * _scale(np.asarray(percent, np.float64), f))


def unavailability(
    margin_db: npt.ArrayLike,
    *,
    length_km: npt.ArrayLike,
    frequency_ghz: npt.ArrayLike,
    rate_mm_h: npt.ArrayLike,
    tilt_deg: npt.ArrayLike = 90.0,
) -> Floats:
    """Return the share of the year that rain takes more than the fade margin of a hop.

    Parameters
    ----------
    margin_db : array_like
        Fade margin. [dB]
    length_km, frequency_ghz, rate_mm_h, tilt_deg : array_like
        As for :func:`attenuation_exceeded_db`.

    Returns
    -------
    ndarray
        0 where less than 0.001 % of the year, at most 0.01: the limits of the method.
    """
    hop = {
        "length_km": length_km,
        "frequency_ghz": frequency_ghz,
        "rate_mm_h": rate_mm_h,
        "tilt_deg": tilt_deg,
    }
    margin = np.asarray(margin_db, np.float64)
    shape = np.broadcast_shapes(margin.shape, *(np.shape(v) for v in hop.values()))
    low, high = np.full(shape, np.log(_LEAST_PERCENT)), np.full(shape, np.log(_MOST_PERCENT))
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        over = attenuation_exceeded_db(np.exp(middle), **hop) > margin
        low, high = np.where(over, middle, low), np.where(over, high, middle)
    rare = attenuation_exceeded_db(_LEAST_PERCENT, **hop) <= margin
    return np.asarray(np.where(rare, 0.0, np.exp(high) / 100.0))


def _bells(
    f: Floats, a: list[float], b: list[float], c: list[float], slope: float, constant: float
) -> Floats:
    log = np.log10(f)[..., None]
    bells = np.asarray(a) * np.exp(-(((log - np.asarray(b)) / np.asarray(c)) ** 2))
    return np.asarray(bells.sum(axis=-1) + slope * log[..., 0] + constant)


def _scale(percent: Floats, f: Floats) -> Floats:
    # P.530-18, equations 33 to 35
    c0 = np.where(f >= 10.0, 0.12 + 0.4 * np.log10(np.maximum(f, 10.0) / 10.0) * 0.8, 0.12)
    c1 = 0.07**c0 * 0.12 ** (1.0 - c0)
    c2 = 0.855 * c0 + 0.546 * (1.0 - c0)
    c3 = 0.139 * c0 + 0.043 * (1.0 - c0)
    return np.asarray(c1 * percent ** -(c2 + c3 * np.log10(percent)))

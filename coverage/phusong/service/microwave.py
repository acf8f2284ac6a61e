"""Microwave hops: line of sight and rain (P.530, P.837, P.838)."""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr

from phusong.compute.array_types import Floats
from phusong.errors import InputError, Problem, refuse
from phusong.radio.path import profile_between
from phusong.region import Grid
from phusong.service.power_supply import MONTH_DAYS, Climate, climate

__all__ = [
    "attenuation_exceeded_db",
    "check_hops",
    "clearance_share",
    "coefficients",
    "path_factor",
    "rain_rate_mm_h",
    "specific_attenuation_db_km",
    "unavailability",
    "usual_band_ghz",
]


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


FREE_ZONE = 0.6  # of the first Fresnel zone: what a hop is planned to keep clear (P.530, section 2.2.2.1)
FADE_MARGIN_DB = 35.0  # of a hop about which nothing is known: what planners aim at (assumed)
_EARTH_KM = 8495.0  # median refraction, k = 4/3
_LIGHT_M_GHZ = 0.299792458
# the band that operators take for a length of hop (assumed): longer hops go lower, where rain takes less
_BANDS = ((5.0, 23.0), (12.0, 15.0), (25.0, 11.0), (np.inf, 7.0))


def usual_band_ghz(length_km: npt.ArrayLike) -> Floats:
    """Return the band usually taken for hops of these lengths. [GHz]

    Examples
    --------
    >>> usual_band_ghz([3.0, 10.0, 40.0]).tolist()
    [23.0, 15.0, 7.0]
    """
    length = np.asarray(length_km, np.float64)
    return np.asarray(np.select([length <= most for most, _ in _BANDS], [band for _, band in _BANDS]))


def clearance_share(
    distance_km: npt.ArrayLike,
    ground_m: npt.ArrayLike,
    *,
    from_height_m: float,
    to_height_m: float,
    frequency_ghz: float,
) -> tuple[float, float]:
    """Return the least clearance of a hop over the radius of its first Fresnel zone, and where that is.

    Parameters
    ----------
    distance_km, ground_m : array_like, shape (n,)
        Profile from one antenna to the other, what stands on the ground included.
    from_height_m, to_height_m : float
        Antennas above ground.
    frequency_ghz : float
        Of the carrier.

    Returns
    -------
    share : float
        0.6 and more: planned as free; 0 to 0.6: grazing; below 0: no line of sight.
    at_km : float
        Distance of the worst point.

    References
    ----------
    Recommendation ITU-R P.530-18, section 2.2.2, equations 1 and 2, with k = 4/3.
    """
    d, ground = np.asarray(distance_km, np.float64), np.asarray(ground_m, np.float64)
    rest = d[-1] - d
    ray = ((ground[0] + from_height_m) * rest + (ground[-1] + to_height_m) * d) / d[-1]
    above = ray - ground - 500.0 / _EARTH_KM * d * rest
    zone = np.sqrt(1000.0 * _LIGHT_M_GHZ / frequency_ghz * d * rest / d[-1])
    if d.size < 3:
        return np.inf, 0.0  # the two masts stand side by side
    share = above[1:-1] / zone[1:-1]
    worst = int(np.argmin(share))
    return float(share[worst]), float(d[1:-1][worst])


def check_hops(
    links: pd.DataFrame,
    sites: gpd.GeoDataFrame,
    *,
    elevation: npt.NDArray[np.float32],
    grid: Grid,
    clutter_m: npt.NDArray[np.float64] | None = None,
) -> pd.DataFrame:
    """Return every microwave link with its clearance and its hours of rain.

    Parameters
    ----------
    links, sites : DataFrame
        Layers of the region; links may carry `frequency_ghz` and `fade_margin_db` (0: usual values).
    elevation, clutter_m : ndarray, on the grid
        Ground and height of what stands on it. [m]
    grid : Grid
        Where they lie.

    Returns
    -------
    DataFrame
        link_id, from_id, to_id, length_km, frequency_ghz, fade_margin_db, clearance_share (NaN where an end
        lies off the region), worst_km, line_of_sight, zone_free, rain_mm_h, rain_unavailability, and the
        stated `availability`.
    """
    hops = links[links["medium"] == "microwave"].reset_index(drop=True)
    place = pd.Series(np.arange(len(sites)), index=sites["site_id"].to_numpy(str))
    known = hops["from_id"].isin(place.index) & hops["to_id"].isin(place.index)
    hops = hops[known].reset_index(drop=True)
    a, b = (place.loc[hops[c].to_numpy(str)].to_numpy(np.int64) for c in ("from_id", "to_id"))
    x, y = sites.geometry.x.to_numpy(np.float64), sites.geometry.y.to_numpy(np.float64)
    height = sites["height_m"].to_numpy(np.float64)
    length = np.hypot(x[a] - x[b], y[a] - y[b]) / 1000.0
    band = _stated(hops, "frequency_ghz", usual_band_ghz(length))
    margin = _stated(hops, "fade_margin_db", np.full(len(hops), FADE_MARGIN_DB))
    share, at_km = np.full(len(hops), np.nan), np.full(len(hops), np.nan)
    for k in range(len(hops)):
        ends = (x[a[k]], y[a[k]]), (x[b[k]], y[b[k]])
        try:
            path = profile_between(elevation, grid, *ends, clutter_m=clutter_m)
        except InputError:
            continue  # an end off the map, or both on one mast: nothing to look at
        cover = path.clutter_m.copy()
        cover[0] = cover[-1] = 0.0
        share[k], at_km[k] = clearance_share(
            path.distance_km,
            path.ground_m + cover,
            from_height_m=height[a[k]],
            to_height_m=height[b[k]],
            frequency_ghz=band[k],
        )
    rate = _rates(sites, (x[a] + x[b]) / 2.0, (y[a] + y[b]) / 2.0)
    lost = unavailability(margin, length_km=np.maximum(length, 0.01), frequency_ghz=band, rate_mm_h=rate)
    return hops[["link_id", "from_id", "to_id"]].assign(
        length_km=length,
        frequency_ghz=band,
        fade_margin_db=margin,
        clearance_share=share,
        worst_km=at_km,
        line_of_sight=np.isnan(share) | (share > 0.0),
        zone_free=np.isnan(share) | (share >= FREE_ZONE),
        rain_mm_h=rate,
        rain_unavailability=lost,
        availability=hops["availability"].to_numpy(np.float64),
    )


def _stated(hops: pd.DataFrame, column: str, usual: Floats) -> Floats:
    if column not in hops.columns:
        return usual
    stated = pd.to_numeric(hops[column], errors="coerce").fillna(0.0).to_numpy(np.float64)
    return np.asarray(np.where(stated > 0.0, stated, usual))


def _rates(sites: gpd.GeoDataFrame, east_m: Floats, north_m: Floats) -> Floats:
    if east_m.size == 0:
        return np.zeros(0)
    middle = gpd.GeoSeries(gpd.points_from_xy(east_m, north_m), crs=sites.crs).to_crs("EPSG:4326")
    weather = climate()
    near = weather.nearest(middle.y.to_numpy(), middle.x.to_numpy())
    return np.asarray(rain_rate_mm_h(weather)[near])

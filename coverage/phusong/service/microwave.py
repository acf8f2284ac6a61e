"""Microwave hops looked at over the terrain: is the path free, and for how long does rain take it?"""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.errors import InputError
from phusong.radio.path import profile_between
from phusong.region.grid import Grid
from phusong.service.climate import climate
from phusong.service.rain import rain_rate_mm_h, unavailability

__all__ = ["check_hops", "clearance_share", "usual_band_ghz"]

Floats = npt.NDArray[np.float64]

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

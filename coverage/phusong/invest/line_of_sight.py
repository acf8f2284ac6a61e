"""Microwave hops and viewsheds."""

import numpy as np
import numpy.typing as npt

from phusong.compute.array_types import Bools, Floats, Ints
from phusong.compute.kernels import nb
from phusong.region import Grid
from phusong.service.microwave import (
    FADE_MARGIN_DB,
    FREE_ZONE,
    rain_rate_mm_h,
    unavailability,
    usual_band_ghz,
)
from phusong.service.power_supply import climate

__all__ = ["EQUIPMENT_LOST", "LONGEST_HOP_KM", "hop_is_free", "hop_lost", "people_in_sight", "zone_shares"]


LONGEST_HOP_KM = 30.0
EQUIPMENT_LOST = 0.0002  # share of the year that radios and their supply take (assumed)
_STEP_KM = 0.25
_EARTH_KM = 8495.0  # median refraction, k = 4/3
_LIGHT_M_GHZ = 0.299792458


def zone_shares(
    ground: npt.NDArray[np.float32],
    grid: Grid,
    from_xy: Floats,
    to_xy: Floats,
    *,
    from_height_m: npt.ArrayLike,
    to_height_m: npt.ArrayLike,
) -> Floats:
    """Return the least clearance of each hop over the radius of its first Fresnel zone, shape (n,).

    Parameters
    ----------
    ground : ndarray, on the grid
        Heights, with what stands on the ground where that is known; gaps count as 0. [m]
    grid : Grid
        Where they lie; ends off the grid are taken on its rim.
    from_xy, to_xy : ndarray, shape (n, 2)
        Easting and northing of the ends. [m]
    from_height_m, to_height_m : array_like, shape (n,) or scalar
        Antennas above ground.

    References
    ----------
    Recommendation ITU-R P.530-18, section 2.2.2; :func:`phusong.service.microwave.clearance_share` is the same for one
    profile.
    """
    n = len(from_xy)
    heights = np.ascontiguousarray(np.nan_to_num(ground, nan=0.0), np.float32)
    length = np.hypot(*(np.asarray(to_xy) - np.asarray(from_xy)).T) / 1000.0 if n else np.zeros(0)
    ends = [
        np.column_stack(
            [(grid.north_m - xy[:, 1]) / grid.cell_m - 0.5, (xy[:, 0] - grid.west_m) / grid.cell_m - 0.5]
        )
        for xy in (np.asarray(from_xy, np.float64).reshape(n, 2), np.asarray(to_xy, np.float64).reshape(n, 2))
    ]
    up, down = (np.broadcast_to(np.asarray(h, np.float64), (n,)) for h in (from_height_m, to_height_m))
    return np.asarray(
        _shares(
            heights,
            ends[0],
            ends[1],
            up.copy(),
            down.copy(),
            length,
            usual_band_ghz(length),
            grid.cell_m / 1000.0,
        )
    )


def hop_is_free(share: Floats, length_km: Floats) -> Bools:
    """Return whether hops of this clearance and length can be planned."""
    return np.asarray((share >= FREE_ZONE) & (length_km <= LONGEST_HOP_KM))


def hop_lost(length_km: Floats, weather_station: npt.NDArray[np.int64]) -> Floats:
    """Return the share of the year that rain and equipment take from hops of these lengths.

    Parameters
    ----------
    length_km : ndarray, shape (n,)
        Lengths.
    weather_station : ndarray of int, shape (n,)
        Positions in :func:`phusong.service.power_supply.climate`.
    """
    # the rain of a hop changes slowly with its length: it is worked out once for every quarter of a kilometre
    step = np.ceil(np.maximum(np.asarray(length_km, np.float64), 0.01) / _STEP_KM)
    pairs, place = np.unique(np.column_stack([step, weather_station]), axis=0, return_inverse=True)
    length = pairs[:, 0] * _STEP_KM
    rain = unavailability(
        np.full(length.shape, FADE_MARGIN_DB),
        length_km=length,
        frequency_ghz=usual_band_ghz(length),
        rate_mm_h=rain_rate_mm_h(climate())[pairs[:, 1].astype(np.int64)],
    )
    return np.asarray(EQUIPMENT_LOST + rain[place.ravel()])


@nb.njit(cache=True, nogil=True)
def _shares(ground, start, end, up, down, length_km, band_ghz, cell_km):  # type: ignore[no-untyped-def]
    out = np.full(length_km.size, np.inf)
    for k in range(length_km.size):
        n = max(2, int(np.ceil(length_km[k] / cell_km)))
        tall = _height(ground, start[k, 0], start[k, 1]) + up[k]
        short = _height(ground, end[k, 0], end[k, 1]) + down[k]
        for i in range(1, n):
            t = i / n
            row, col = (
                start[k, 0] + (end[k, 0] - start[k, 0]) * t,
                start[k, 1] + (end[k, 1] - start[k, 1]) * t,
            )
            d, rest = length_km[k] * t, length_km[k] * (1.0 - t)
            clear = tall * (1.0 - t) + short * t - _height(ground, row, col) - 500.0 / _EARTH_KM * d * rest
            zone = (
                np.sqrt(1000.0 * _LIGHT_M_GHZ / band_ghz[k] * d * rest / length_km[k])
                if length_km[k] > 0.0
                else 1.0
            )
            out[k] = min(out[k], clear / max(zone, 1e-9))
    return out


@nb.njit(cache=True, nogil=True)
def _height(ground, row, col):  # type: ignore[no-untyped-def]
    row = min(max(row, 0.0), ground.shape[0] - 1.0)
    col = min(max(col, 0.0), ground.shape[1] - 1.0)
    r, c = min(int(row), ground.shape[0] - 2), min(int(col), ground.shape[1] - 2)
    y, x = row - r, col - c
    top = ground[r, c] * (1.0 - x) + ground[r, c + 1] * x
    low = ground[r + 1, c] * (1.0 - x) + ground[r + 1, c + 1] * x
    return top * (1.0 - y) + low * y


_TWICE_EARTH_M = 2.0 * 8_495_000.0  # median refraction, k = 4/3


def people_in_sight(
    ground: npt.NDArray[np.float32],
    people: Floats,
    rows: Ints,
    cols: Ints,
    *,
    cell_m: float,
    reach_m: float,
    mast_m: float,
    phone_m: float = 1.5,
) -> Floats:
    """Return the people that a mast in each of some pixels has in line of sight.

    Parameters
    ----------
    ground : ndarray, shape (height, width)
        Heights; gaps count as 0. [m]
    people : ndarray, shape (height, width)
        Who waits.
    rows, cols : ndarray of int, shape (n,)
        Where masts could stand.
    cell_m, reach_m : float
        Side of a pixel, and how far it is looked.
    mast_m, phone_m : float
        Heights above ground.

    Notes
    -----
    It ranks places before the radio model looks at them, so it samples the nearest pixel and knows no diffraction.
    """
    heights = np.ascontiguousarray(np.nan_to_num(ground, nan=0.0), np.float32)
    reach = max(1, int(reach_m / cell_m))
    return np.asarray(
        _sums(heights, np.ascontiguousarray(people, np.float64), rows, cols, cell_m, reach, mast_m, phone_m)
    )


@nb.njit(cache=True, parallel=False, nogil=True)
def _sums(ground, people, rows, cols, cell_m, reach, mast_m, phone_m):  # type: ignore[no-untyped-def]
    height, width = ground.shape
    out = np.zeros(rows.size)
    for k in range(rows.size):
        r0, c0 = rows[k], cols[k]
        top = ground[r0, c0] + mast_m
        total = 0.0
        for r in range(max(r0 - reach, 0), min(r0 + reach + 1, height)):
            for c in range(max(c0 - reach, 0), min(c0 + reach + 1, width)):
                if people[r, c] <= 0.0:
                    continue
                far = (r - r0) ** 2 + (c - c0) ** 2
                if far > reach * reach:
                    continue
                if _sees(ground, r0, c0, top, r, c, ground[r, c] + phone_m, np.sqrt(far), cell_m):
                    total += people[r, c]
        out[k] = total
    return out


@nb.njit(cache=True, nogil=True)
def _sees(ground, r0, c0, top, r1, c1, low, far, cell_m):  # type: ignore[no-untyped-def]
    n = int(far)
    for i in range(1, n):
        t = i / far
        r, c = int(r0 + (r1 - r0) * t + 0.5), int(c0 + (c1 - c0) * t + 0.5)
        bulge = (i * cell_m) * ((far - i) * cell_m) / _TWICE_EARTH_M
        if ground[r, c] + bulge > top + (low - top) * t:
            return False
    return True

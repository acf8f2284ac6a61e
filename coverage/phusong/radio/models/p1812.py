"""Recommendation ITU-R P.1812: diffraction, troposcatter, ducting, for any time and location percentage.

To every pixel round a transmitter, and on one profile.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from phusong.compute.kernels import nb
from phusong.radio.models.base import Conditions, Mast, Model, Profile, Terrain
from phusong.radio.p1812 import LossBreakdown, loss_breakdown
from phusong.radio.p1812.geometry import Ray
from phusong.radio.p1812.kernel import Air, Antennas, Zones, loss_along, workspace
from phusong.radio.p1812.mechanisms import inverse_normal
from phusong.radio.p1812.tables import by_distance
from phusong.radio.terrain_profile import (
    APPROACH,
    ENOUGH_RAYS,
    SIDES,
    Fan,
    approach,
    fan_slopes,
    foot,
    receivers,
    trace,
)

__all__ = ["P1812", "Land", "break_down", "sweep_loss"]


_INLAND = 4


class Land(NamedTuple):
    """What lies round a transmitter.

    Parameters
    ----------
    ground, surface : float32 array, shape (height, width)
        Ground, and ground with what stands on it, without gaps. [m]
    covered, inland : bool
        Whether the two differ anywhere; whether every zone is inland.
    zone : int8 array, shape (height, width)
        1 sea, 3 coastal land, 4 inland; unread if ``inland``.
    cell_km : float
        Pixel side.
    """

    ground: npt.NDArray[np.float32]
    surface: npt.NDArray[np.float32]
    covered: bool
    zone: npt.NDArray[np.int8]
    inland: bool
    cell_km: float


@nb.njit(cache=True, nogil=True, error_model="numpy")
def sweep_loss(land, fan, antennas, ghz, air):  # type: ignore[no-untyped-def]
    """Return the basic transmission loss over the window round a transmitter, shape (n_frequencies, side, side). [dB]

    Parameters
    ----------
    land : Land
        Heights and zones.
    fan : phusong.radio.terrain_profile.Fan
        The rays.
    antennas, air : phusong.radio.p1812.kernel.Antennas, phusong.radio.p1812.kernel.Air
        Both ends; time, places, refraction.
    ghz : float64 array
        Frequencies.
    """
    ground, surface, covered, zone, inland, cell_km = land
    radius_px = fan.radius_px
    side_px = 2 * radius_px + 1
    loss = np.full((ghz.size, side_px, side_px), np.nan, np.float32)
    row_c, col_c = int(np.rint(fan.row_f)), int(np.rint(fan.col_f))
    if row_c < 0 or col_c < 0 or row_c >= ground.shape[0] or col_c >= ground.shape[1]:
        return loss
    n_max = radius_px + 2
    work, rx, out = workspace(n_max), receivers(n_max), np.empty((ghz.size, n_max))
    h, g, rx_m = np.empty(n_max), np.empty(n_max), np.empty(n_max)
    tail_h, tail_g = np.empty((APPROACH, n_max)), np.empty((APPROACH, n_max))
    if not covered:
        g, tail_g = h, tail_h
    zones = Zones(np.full(n_max, _INLAND), np.full(n_max, _INLAND), np.full((APPROACH, n_max), _INLAND))
    table = by_distance(radius_px * cell_km * 1.5 + 1.0, air.time_percent, air.latitude_deg)
    h_first = foot(ground, fan.row_f, fan.col_f)
    for side in range(SIDES):
        for number in range(fan.slopes.size):
            n, m = trace(side, number, fan, ground, h, rx, APPROACH + 0.5)
            if m == 0:
                continue
            approach(ground, fan, rx, m, tail_h)
            if covered:
                trace(side, number, fan, surface, g, rx, APPROACH + 0.5)
                approach(surface, fan, rx, m, tail_g)
            for k in range(m):
                rx_m[k] = ground[rx.row[k], rx.col[k]]
            ray = Ray(h, g, tail_h, tail_g, covered, n, cell_km, h_first, rx, rx_m, m)
            dry = inland or _zones_along(zone, side, fan, number, ray, zones)
            loss_along(ray, zones, dry, antennas, ghz, air, table, work, out)
            for k in range(m):
                for f in range(ghz.size):
                    loss[f, rx.row[k] - row_c + radius_px, rx.col[k] - col_c + radius_px] = out[f, k]
    drop_m = ground[row_c, col_c] + antennas.rx_height_m - h_first - antennas.tx_height_m
    _at_the_mast(loss, drop_m, fan.row_f, fan.col_f, cell_km, ghz)
    return loss


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _at_the_mast(loss, drop_m, row_f, col_f, cell_km, ghz):  # type: ignore[no-untyped-def]
    """Fill the transmitter's own pixel: free space, at least a quarter of a pixel away."""
    radius = loss.shape[1] // 2
    flat = max(np.hypot(np.rint(row_f) - row_f, np.rint(col_f) - col_f), 0.25) * cell_km
    for f in range(ghz.size):
        loss[f, radius, radius] = (
            92.4 + 20.0 * np.log10(ghz[f]) + 20.0 * np.log10(np.hypot(flat, drop_m / 1000.0))
        )


@nb.njit(cache=True, nogil=True, error_model="numpy")
def _zones_along(zone, side, fan, number, ray, zones):  # type: ignore[no-untyped-def]
    """Fill the zones a ray passes, those of its receivers and of their own points; return whether all are inland."""
    row_f, col_f, slope, rx = fan.row_f, fan.col_f, fan.slopes[number], ray.rx
    sign = 1.0 - 2.0 * (side % 2)
    stretch = np.sqrt(1.0 + slope * slope)
    step_r, step_c = (sign / stretch, slope / stretch) if side < 2 else (slope / stretch, sign / stretch)
    dry = True
    for i in range(ray.n + 1):
        r, c = int(row_f + i * step_r + 0.5), int(col_f + i * step_c + 0.5)
        zones.ray[i] = zone[min(max(r, 0), zone.shape[0] - 1), min(max(c, 0), zone.shape[1] - 1)]
        dry = dry and zones.ray[i] == _INLAND
    for k in range(ray.m):
        zones.rx[k] = zone[rx.row[k], rx.col[k]]
        dry = dry and zones.rx[k] == _INLAND
        for t in range(APPROACH):
            share = max(1.0 - (t + 1.0) / rx.px[k], 0.0)
            r, c = (
                int(row_f + share * (rx.row[k] - row_f) + 0.5),
                int(col_f + share * (rx.col[k] - col_f) + 0.5),
            )
            zones.own[t, k] = zone[min(max(r, 0), zone.shape[0] - 1), min(max(c, 0), zone.shape[1] - 1)]
            dry = dry and zones.own[t, k] == _INLAND
    return dry


_NO_COAST_KM = 500.0  # farther than any coast counts


def _window(
    terrain: Terrain, mast: Mast, ghz: npt.NDArray[np.float64], conditions: Conditions
) -> npt.NDArray[np.float32]:
    radius = mast.radius_px(terrain.cell_m)
    location_db = -inverse_normal(conditions.location_percent / 100.0) * conditions.location_sd_db
    land = Land(
        terrain.ground, terrain.surface, terrain.surface is not terrain.ground, terrain.zone,
        bool((terrain.zone == _INLAND).all()), terrain.cell_m / 1000.0,
    )  # fmt: skip
    fan = Fan(mast.row_f, mast.col_f, radius, mast.radius_m / terrain.cell_m, fan_slopes(radius, ENOUGH_RAYS))
    antennas = Antennas(mast.tx_height_m, mast.rx_height_m, _NO_COAST_KM, _NO_COAST_KM, conditions.horizontal)
    air = Air(
        conditions.time_percent, location_db, conditions.delta_n, conditions.n0, conditions.latitude_deg
    )
    loss: npt.NDArray[np.float32] = sweep_loss(land, fan, antennas, ghz, air)
    return loss


def _path(
    profile: Profile, frequency_ghz: float, tx_height_m: float, rx_height_m: float, conditions: Conditions
) -> float:
    return break_down(profile, frequency_ghz, tx_height_m, rx_height_m, conditions).loss_db


def break_down(
    profile: Profile, frequency_ghz: float, tx_height_m: float, rx_height_m: float, conditions: Conditions
) -> LossBreakdown:
    """Return the loss on one profile with its mechanisms; parameters as every model's ``path`` has them."""
    return loss_breakdown(
        profile.distance_km,
        profile.ground_m,
        profile.clutter_m,
        frequency_ghz=frequency_ghz,
        tx_height_m=tx_height_m,
        rx_height_m=rx_height_m,
        polarization="horizontal" if conditions.horizontal else "vertical",
        time_percent=conditions.time_percent,
        location_percent=conditions.location_percent,
        location_sd_db=conditions.location_sd_db,
        delta_n=conditions.delta_n,
        n0=conditions.n0,
        latitude_deg=conditions.latitude_deg,
        zone=profile.zone,
    )


P1812 = Model("p1812", _window, _path, "ITU-R P.1812-7 (08/2023)", reads_cover=True)

"""Recommendation ITU-R P.1812: diffraction, troposcatter, ducting, for any time and location percentage."""

import numpy as np
import numpy.typing as npt

from phusong.radio.models.base import Conditions, Mast, Model, Profile, Terrain
from phusong.radio.p1812 import LossBreakdown, loss_breakdown
from phusong.radio.p1812.area import Land, sweep_loss
from phusong.radio.p1812.kernel import Air, Antennas
from phusong.radio.p1812.mechanisms import inverse_normal
from phusong.radio.terrain_profile import ENOUGH_RAYS, Fan, fan_slopes

__all__ = ["P1812", "break_down"]

_INLAND = 4
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

"""Free space with Bullington diffraction over the terrain."""

import numpy as np
import numpy.typing as npt

from phusong.radio.fan import ENOUGH_RAYS, fan_slopes, foot
from phusong.radio.models.base import (
    Conditions,
    Mast,
    Model,
    Profile,
    Terrain,
    bullington_on,
    free_space_loss,
)
from phusong.radio.sweep import free_space_diffraction, sweep_nu

__all__ = ["BULLINGTON"]


def _window(
    terrain: Terrain, mast: Mast, ghz: npt.NDArray[np.float64], conditions: Conditions
) -> npt.NDArray[np.float32]:
    radius, cell_km = mast.radius_px(terrain.cell_m), terrain.cell_m / 1000.0
    nu = sweep_nu(
        terrain.surface, mast.row_f, mast.col_f, cell_km, radius, mast.radius_m / terrain.cell_m,
        fan_slopes(radius, ENOUGH_RAYS), mast.tx_height_m, terrain.ground, mast.rx_height_m, conditions.earth_km,
    )  # fmt: skip
    tx_m = foot(terrain.ground, mast.row_f, mast.col_f) + mast.tx_height_m
    loss: npt.NDArray[np.float32] = free_space_diffraction(
        nu, terrain.ground, mast.row_f, mast.col_f, cell_km, ghz, tx_m, mast.rx_height_m
    )
    return loss


def _path(
    profile: Profile, frequency_ghz: float, tx_height_m: float, rx_height_m: float, conditions: Conditions
) -> float:
    drop_m = float(profile.ground_m[0] - profile.ground_m[-1]) + tx_height_m - rx_height_m
    free = free_space_loss(
        profile.distance_km[-1:] * 1000.0, frequency_ghz=frequency_ghz, tx_height_m=drop_m, rx_height_m=0.0
    )
    return float(free[0]) + bullington_on(
        profile, frequency_ghz, tx_height_m, rx_height_m, conditions.earth_km
    )


BULLINGTON = Model("bullington", _window, _path, "ITU-R P.525-4 and P.526-15, section 4.5.1")

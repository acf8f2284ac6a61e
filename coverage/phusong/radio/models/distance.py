"""Models whose loss depends on distance alone, or on it and on what stands round the receiver."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from phusong.radio.fan import fan_slopes
from phusong.radio.models.base import Conditions, Mast, Model, Profile, Terrain, bullington_on
from phusong.radio.models.surroundings import environment_of, window_of
from phusong.radio.sweep import diffraction_window, sweep_nu

__all__ = ["DistanceLoss", "by_distance", "mast_distance_m"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
DistanceLoss = Callable[..., Floats]


def mast_distance_m(mast: Mast, cell_m: float) -> tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return distances over the window, never below a quarter of a pixel, and its rows and columns. [m]"""
    radius = mast.radius_px(cell_m)
    rows = np.rint(mast.row_f).astype(np.int64) + np.arange(-radius, radius + 1)
    cols = np.rint(mast.col_f).astype(np.int64) + np.arange(-radius, radius + 1)
    # no pixel's middle is nearer than a quarter of a pixel on average: the loss at the mast means nothing
    distance = np.hypot((rows - mast.row_f)[:, None], (cols - mast.col_f)[None, :]) * cell_m
    return np.maximum(distance, 0.25 * cell_m), rows, cols


def by_distance(
    name: str,
    distance_loss: DistanceLoss,
    source: str,
    *,
    diffraction: bool,
    reads_cover: bool = False,
    valid_ghz: tuple[float, float] = (0.03, 100.0),
) -> Model:
    """Return a model whose loss depends on distance alone, with or without Bullington diffraction on top.

    Parameters
    ----------
    distance_loss : callable
        ``f(distance_m, *, frequency_ghz, tx_height_m, rx_height_m) -> loss_db``; must not fall with distance.
    diffraction : bool
        Whether Bullington's diffraction over the terrain is added.
    reads_cover : bool
        Whether `distance_loss` also takes ``environment``, an array of places in :data:`ENVIRONMENTS` as long as
        `distance_m`; diffraction is then over the bare ground, what stands on it being in the loss already.
    """

    def window(terrain: Terrain, mast: Mast, ghz: Floats, conditions: Conditions) -> Singles:
        model.refuse_frequencies(ghz)
        distance, rows, cols = mast_distance_m(mast, terrain.cell_m)
        around = {}
        if reads_cover:
            cover = window_of(terrain.surface - terrain.ground, mast, terrain.cell_m, 0.0)
            around["environment"] = environment_of(cover)
        loss = np.stack(
            [
                distance_loss(
                    distance,
                    frequency_ghz=f,
                    tx_height_m=mast.tx_height_m,
                    rx_height_m=mast.rx_height_m,
                    **around,
                )
                for f in ghz.tolist()
            ]
        )
        if diffraction:
            radius = mast.radius_px(terrain.cell_m)
            nu = sweep_nu(
                terrain.ground if reads_cover else terrain.surface, mast.row_f, mast.col_f, terrain.cell_m / 1000.0,
                radius, mast.radius_m / terrain.cell_m, fan_slopes(radius), mast.tx_height_m, terrain.ground,
                mast.rx_height_m, conditions.earth_km,
            )  # fmt: skip
            loss = loss + diffraction_window(nu, mast.row_f, mast.col_f, terrain.cell_m / 1000.0, ghz)
        loss[:, (rows < 0) | (rows >= terrain.ground.shape[0]), :] = np.nan
        loss[:, :, (cols < 0) | (cols >= terrain.ground.shape[1])] = np.nan
        loss[:, distance > mast.radius_m] = np.nan
        return np.asarray(loss, np.float32)

    def path(
        profile: Profile, frequency_ghz: float, tx_height_m: float, rx_height_m: float, conditions: Conditions
    ) -> float:
        model.refuse_frequencies(frequency_ghz)
        around = {"environment": environment_of(profile.clutter_m[-1:])} if reads_cover else {}
        loss = distance_loss(
            profile.distance_km[-1:] * 1000.0,
            frequency_ghz=frequency_ghz,
            tx_height_m=tx_height_m,
            rx_height_m=rx_height_m,
            **around,
        )
        if not diffraction:
            return float(loss[0])
        ground = replace(profile, clutter_m=np.zeros_like(profile.clutter_m)) if reads_cover else profile
        return float(loss[0]) + bullington_on(
            ground, frequency_ghz, tx_height_m, rx_height_m, conditions.earth_km
        )

    model = Model(name, window, path, source, reads_cover, valid_ghz)
    return model

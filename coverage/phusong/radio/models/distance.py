"""Models whose loss depends on distance alone, or on it and on what stands round the receiver."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from phusong.radio.models.base import Conditions, Mast, Model, Profile, Terrain
from phusong.radio.models.bullington import BULLINGTON
from phusong.radio.models.surroundings import environment_of, window_of

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
    over_terrain: bool,
    reads_cover: bool = False,
) -> Model:
    """Return a model whose loss depends on distance alone, or on it and on the terrain in the way.

    Parameters
    ----------
    distance_loss : callable
        ``f(distance_m, *, frequency_ghz, tx_height_m, rx_height_m) -> loss_db``; must not fall with distance.
    over_terrain : bool
        Whether Bullington's diffraction over the terrain counts, in excess of what `distance_loss` holds above free
        space already; see the notes.
    reads_cover : bool
        Whether `distance_loss` also takes ``environment``, an array of places in :data:`ENVIRONMENTS` as long as
        `distance_m`; diffraction is then over the bare ground, what stands on it being in the loss already.

    Notes
    -----
    Measured medians hold the obstruction of ordinary ground, and two-ray formulas the ground's reflection: diffraction
    in full on top would count both twice. Only its excess over what the formula has above free space is added, as
    ITU-R P.1546-6, annex 5, section 11 takes off the curves' own clearance before it adds a path's:
    L = L_d + max(0, J - (L_d - L_free)), which is the larger of L_d and L_free + J.
    """

    def window(terrain: Terrain, mast: Mast, ghz: Floats, conditions: Conditions) -> Singles:
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
        if over_terrain:
            bare = replace(terrain, surface=terrain.ground) if reads_cover else terrain
            loss = np.fmax(loss, BULLINGTON.window_loss(bare, mast, ghz, conditions))
        loss[:, (rows < 0) | (rows >= terrain.ground.shape[0]), :] = np.nan
        loss[:, :, (cols < 0) | (cols >= terrain.ground.shape[1])] = np.nan
        loss[:, distance > mast.radius_m] = np.nan
        return np.asarray(loss, np.float32)

    def path(
        profile: Profile, frequency_ghz: float, tx_height_m: float, rx_height_m: float, conditions: Conditions
    ) -> float:
        around = {"environment": environment_of(profile.clutter_m[-1:])} if reads_cover else {}
        loss = distance_loss(
            profile.distance_km[-1:] * 1000.0,
            frequency_ghz=frequency_ghz,
            tx_height_m=tx_height_m,
            rx_height_m=rx_height_m,
            **around,
        )
        if not over_terrain:
            return float(loss[0])
        ground = replace(profile, clutter_m=np.zeros_like(profile.clutter_m)) if reads_cover else profile
        return max(
            float(loss[0]),
            BULLINGTON.path_loss(ground, frequency_ghz, tx_height_m, rx_height_m, conditions),
        )

    return Model(name, window, path, source, reads_cover)

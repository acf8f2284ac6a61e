"""Loss over an area round one transmitter."""

import numpy as np
import numpy.typing as npt
from affine import Affine

from phusong.errors import InputError, Problem, nearest_name, refuse
from phusong.radio.models import MODELS, Conditions, Mast, Model, Terrain
from phusong.radio.sweep import as_ground

__all__ = ["area_loss", "as_terrain", "find_model", "window_place"]

_INLAND_EVERYWHERE = np.full((1, 1), 4, np.int8)


def find_model(name: str) -> Model:
    """Return a propagation model by its name.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in MODELS:
        known = ", ".join(MODELS)
        raise InputError(
            Problem(
                "radio.model",
                f"is no propagation model{nearest_name(name, MODELS)}; known: {known}",
                value=name,
            )
        )
    return MODELS[name]


def as_terrain(
    elevation: npt.ArrayLike,
    cell_m: float,
    *,
    clutter_m: npt.ArrayLike | None = None,
    zone: npt.ArrayLike | None = None,
) -> Terrain:
    """Return heights as the models read them: gaps at sea level, cover on top where there is any.

    Parameters
    ----------
    elevation, clutter_m : array_like, shape (height, width)
        Ground, and the height of what stands on it. [m]
    cell_m : float
        Pixel side.
    zone : array_like of int, same shape
        1 sea, 3 coastal land, 4 inland; all inland when left out.
    """
    ground = as_ground(elevation)
    surface = ground
    if clutter_m is not None:
        cover = as_ground(np.broadcast_to(np.asarray(clutter_m, np.float32), np.shape(elevation)))
        surface = ground + cover if cover.any() else ground
    zones = _INLAND_EVERYWHERE if zone is None else np.ascontiguousarray(zone, np.int8)
    return Terrain(ground, surface, zones, cell_m)


def window_place(mast: Mast, cell_m: float) -> tuple[int, int]:
    """Return the row and column of the first pixel of a mast's window."""
    radius = mast.radius_px(cell_m)
    return round(mast.row_f) - radius, round(mast.col_f) - radius


def area_loss(
    elevation: npt.ArrayLike,
    transform: Affine,
    tx_xy: tuple[float, float],
    *,
    model: str = "bullington",
    radius_m: float,
    frequency_ghz: float = 0.9,
    tx_height_m: float = 30.0,
    rx_height_m: float = 1.5,
    clutter_m: npt.ArrayLike | None = None,
    zone: npt.ArrayLike | None = None,
    conditions: Conditions | None = None,
) -> npt.NDArray[np.float64]:
    """Return the basic transmission loss from one transmitter to every pixel. [dB]

    Parameters
    ----------
    elevation : array_like, shape (height, width)
        Ground heights on square, north-up pixels; NaN is sea. [m]
    transform : affine.Affine
        From (column, row) to (easting, northing). [m]
    tx_xy : tuple of float
        Easting and northing of the transmitter. [m]
    model : str
        A name of :data:`phusong.radio.models.MODELS`.
    radius_m : float
        Pixels farther away are NaN.
    frequency_ghz, tx_height_m, rx_height_m : float
        Frequency and heights above ground.
    clutter_m, zone : array_like, optional
        Height of what stands on the ground [m], and 1 sea, 3 coastal land, 4 inland.
    conditions : Conditions, optional
        Shares of time and of locations, and the air; medians in Viet Nam's air when left out.

    Returns
    -------
    ndarray, shape (height, width)

    Raises
    ------
    InputError
        For an unknown model, or a radius, frequency or height that is not positive.
    """
    chosen = find_model(model)
    given = {
        "radius_m": radius_m,
        "frequency_ghz": frequency_ghz,
        "tx_height_m": tx_height_m,
        "rx_height_m": rx_height_m,
    }
    refuse(
        Problem("area_loss", "must be greater than 0", column=k, value=v)
        for k, v in given.items()
        if not v > 0
    )
    terrain = as_terrain(elevation, abs(transform.a), clutter_m=clutter_m, zone=zone)
    east, north = tx_xy
    mast = Mast(
        (north - transform.f) / transform.e - 0.5,
        (east - transform.c) / transform.a - 0.5,
        tx_height_m,
        rx_height_m,
        radius_m,
    )
    height, width = np.shape(elevation)
    window = chosen.window(terrain, mast, np.array([frequency_ghz]), conditions or Conditions())[0]
    top, left = window_place(mast, terrain.cell_m)
    out = np.full((height, width), np.nan)
    r0, r1 = max(top, 0), min(top + window.shape[0], height)
    c0, c1 = max(left, 0), min(left + window.shape[1], width)
    if r0 < r1 and c0 < c1:
        out[r0:r1, c0:c1] = window[r0 - top : r1 - top, c0 - left : c1 - left]
    return out

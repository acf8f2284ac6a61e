"""Loss over an area round one transmitter."""

import numpy as np
import numpy.typing as npt
from affine import Affine

from phusong.errors import InputError, Problem, nearest_name
from phusong.radio.models import MODELS, Model
from phusong.radio.sweep import EFFECTIVE_EARTH_KM, as_ground, diffraction_window, sweep_nu

__all__ = ["area_loss", "find_model", "window_loss"]

Singles = npt.NDArray[np.float32]


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
    earth_radius_km: float = EFFECTIVE_EARTH_KM,
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
        ``bullington``, ``rma`` or ``free_space``.
    radius_m : float
        Pixels farther away are NaN.
    frequency_ghz, tx_height_m, rx_height_m, earth_radius_km : float
        Frequency, heights above ground, effective Earth radius.

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
    problems = [
        Problem("area_loss", "must be greater than 0", column=k, value=v)
        for k, v in given.items()
        if not v > 0
    ]
    if problems:
        raise InputError(problems)
    ground = as_ground(elevation)
    col, row = ~transform @ tx_xy if hasattr(Affine, "__matmul__") else ~transform * tx_xy
    cell_m = abs(transform.a)
    window, top, left = window_loss(
        ground,
        row - 0.5,
        col - 0.5,
        cell_m=cell_m,
        model=chosen,
        radius_m=radius_m,
        frequency_ghz=frequency_ghz,
        tx_height_m=tx_height_m,
        rx_height_m=rx_height_m,
        earth_km=earth_radius_km,
    )
    out = np.full(ground.shape, np.nan)
    r0, r1 = max(top, 0), min(top + window.shape[0], ground.shape[0])
    c0, c1 = max(left, 0), min(left + window.shape[1], ground.shape[1])
    if r0 < r1 and c0 < c1:
        out[r0:r1, c0:c1] = window[r0 - top : r1 - top, c0 - left : c1 - left]
    return out


def window_loss(
    elevation: Singles,
    row_f: float,
    col_f: float,
    *,
    cell_m: float,
    model: Model,
    radius_m: float,
    frequency_ghz: float,
    tx_height_m: float,
    rx_height_m: float,
    earth_km: float = EFFECTIVE_EARTH_KM,
) -> tuple[Singles, int, int]:
    """Return the loss in the window round a transmitter, with the row and column of its first pixel.

    Parameters are those of :func:`area_loss`, with the transmitter's place in pixel centres.
    """
    radius_px = max(1, int(np.ceil(radius_m / cell_m)))
    top, left = round(row_f) - radius_px, round(col_f) - radius_px
    side = 2 * radius_px + 1
    rows = (np.arange(top, top + side) - row_f) * cell_m
    cols = (np.arange(left, left + side) - col_f) * cell_m
    # no pixel's middle is nearer than a quarter of a pixel on average: the loss at the mast itself means nothing
    distance_m = np.maximum(np.hypot(rows[:, None], cols[None, :]), 0.25 * cell_m)
    loss = model.distance_loss(
        distance_m, frequency_ghz=frequency_ghz, tx_height_m=tx_height_m, rx_height_m=rx_height_m
    )
    if model.diffraction:
        nu = sweep_nu(
            elevation, np.zeros_like(elevation), row_f, col_f, cell_m, radius_px, radius_m,
            rays_per_side(radius_px), tx_height_m, rx_height_m, earth_km,
        )  # fmt: skip
        loss = loss + diffraction_window(nu, row_f, col_f, cell_m, np.array([frequency_ghz]))[0]
    r, c = np.arange(top, top + side), np.arange(left, left + side)
    off = (r < 0) | (r >= elevation.shape[0])
    loss[off, :] = np.nan
    loss[:, (c < 0) | (c >= elevation.shape[1])] = np.nan
    loss[distance_m > radius_m] = np.nan
    return np.asarray(loss, np.float32), top, left

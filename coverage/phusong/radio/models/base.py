"""What a propagation model is given and what it returns: one interface for all of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.radio.fan import fan_slopes
from phusong.radio.p1812.mechanisms import bullington_loss
from phusong.radio.sweep import diffraction_window, sweep_nu

__all__ = [
    "Conditions",
    "DistanceLoss",
    "Mast",
    "Model",
    "Profile",
    "Terrain",
    "bullington_on",
    "by_distance",
    "mast_distance_m",
]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
DistanceLoss = Callable[..., Floats]


@dataclass(frozen=True)
class Terrain:
    """What lies round a transmitter.

    Parameters
    ----------
    ground : ndarray of float32, shape (height, width)
        Ground heights without gaps. [m]
    surface : ndarray of float32, same shape
        Ground with what stands on it; the same array where nothing does. [m]
    zone : ndarray of int8, same shape or (1, 1)
        1 sea, 3 coastal land, 4 inland; a single 4 where all is inland.
    cell_m : float
        Pixel side.
    """

    ground: Singles
    surface: Singles
    zone: npt.NDArray[np.int8]
    cell_m: float


@dataclass(frozen=True)
class Mast:
    """One transmitter: pixel place (0, 0 is the middle of the first pixel), heights above ground, reach. [m]"""

    row_f: float
    col_f: float
    tx_height_m: float
    rx_height_m: float
    radius_m: float

    def radius_px(self, cell_m: float) -> int:
        """Return half the side of the window that holds the reach."""
        return max(1, int(np.ceil(self.radius_m / cell_m)))


@dataclass(frozen=True)
class Conditions:
    """For which share of time and places, in which air.

    Parameters
    ----------
    time_percent, location_percent, location_sd_db : float
        As in :func:`phusong.radio.p1812.basic_loss`.
    delta_n, n0, latitude_deg : float
        The same.
    horizontal : bool
        Polarisation.
    climate : int
        ITM's radio climate, 1 equatorial to 7 maritime over sea.
    """

    time_percent: float = 50.0
    location_percent: float = 50.0
    location_sd_db: float = 0.0
    delta_n: float = 52.1
    n0: float = 374.0
    latitude_deg: float = 20.0
    horizontal: bool = False
    climate: int = 1

    @property
    def earth_km(self) -> float:
        """Return the median effective Earth radius."""
        return 6371.0 * 157.0 / (157.0 - self.delta_n)


@dataclass(frozen=True)
class Profile:
    """The ground from a transmitter to one receiver.

    Parameters
    ----------
    distance_km, ground_m, clutter_m : ndarray, shape (n,)
        Distance from the transmitter at equal steps, ground, and height of what stands on it.
    zone : ndarray of int64, shape (n,)
        1 sea, 3 coastal land, 4 inland.
    """

    distance_km: Floats
    ground_m: Floats
    clutter_m: Floats
    zone: npt.NDArray[np.int64]


PathLoss = Callable[[Profile, float, float, float, Conditions], float]
"""``f(profile, frequency_ghz, tx_height_m, rx_height_m, conditions) -> loss_db``"""


@dataclass(frozen=True)
class Model:
    """A propagation model.

    Parameters
    ----------
    name : str
        As a scenario writes it.
    window : callable
        ``f(terrain, mast, ghz, conditions) -> loss_db``: float32, shape (n_frequencies, side, side), centred on
        the pixel nearest to the mast; NaN off the grid and beyond the reach.
    path : callable
        ``f(profile, frequency_ghz, tx_height_m, rx_height_m, conditions) -> loss_db``: the same on one profile.
    source : str
        Recommendation and section.
    reads_cover : bool
        Whether it follows the path over what stands on the ground; then no loss by clutter round the receiver is
        added to it.
    """

    name: str
    window: Callable[[Terrain, Mast, Floats, Conditions], Singles]
    path: PathLoss
    source: str
    reads_cover: bool = False


def mast_distance_m(mast: Mast, cell_m: float) -> tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return distances over the window, never below a quarter of a pixel, and its rows and columns. [m]"""
    radius = mast.radius_px(cell_m)
    rows = np.rint(mast.row_f).astype(np.int64) + np.arange(-radius, radius + 1)
    cols = np.rint(mast.col_f).astype(np.int64) + np.arange(-radius, radius + 1)
    # no pixel's middle is nearer than a quarter of a pixel on average: the loss at the mast means nothing
    distance = np.hypot((rows - mast.row_f)[:, None], (cols - mast.col_f)[None, :]) * cell_m
    return np.maximum(distance, 0.25 * cell_m), rows, cols


def by_distance(name: str, distance_loss: DistanceLoss, source: str, *, diffraction: bool) -> Model:
    """Return a model whose loss depends on distance alone, with or without Bullington diffraction on top.

    Parameters
    ----------
    distance_loss : callable
        ``f(distance_m, *, frequency_ghz, tx_height_m, rx_height_m) -> loss_db``; must not fall with distance.
    diffraction : bool
        Whether Bullington's diffraction over the terrain is added.
    """

    def window(terrain: Terrain, mast: Mast, ghz: Floats, conditions: Conditions) -> Singles:
        distance, rows, cols = mast_distance_m(mast, terrain.cell_m)
        loss = np.stack(
            [
                distance_loss(
                    distance, frequency_ghz=f, tx_height_m=mast.tx_height_m, rx_height_m=mast.rx_height_m
                )
                for f in ghz.tolist()
            ]
        )
        if diffraction:
            radius = mast.radius_px(terrain.cell_m)
            nu = sweep_nu(
                terrain.surface, mast.row_f, mast.col_f, terrain.cell_m / 1000.0, radius,
                mast.radius_m / terrain.cell_m, fan_slopes(radius), mast.tx_height_m, terrain.ground,
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
        loss = distance_loss(
            profile.distance_km[-1:] * 1000.0,
            frequency_ghz=frequency_ghz,
            tx_height_m=tx_height_m,
            rx_height_m=rx_height_m,
        )
        more = bullington_on(profile, frequency_ghz, tx_height_m, rx_height_m, conditions.earth_km)
        return float(loss[0]) + (more if diffraction else 0.0)

    return Model(name, window, path, source)


def bullington_on(
    profile: Profile, frequency_ghz: float, tx_height_m: float, rx_height_m: float, earth_km: float
) -> float:
    """Return Bullington's diffraction loss over the ground and what stands on it. [dB]"""
    surface = profile.ground_m + profile.clutter_m
    return bullington_loss(
        profile.distance_km,
        surface,
        float(profile.ground_m[0]) + tx_height_m,
        float(profile.ground_m[-1]) + rx_height_m,
        earth_km,
        0.299792458 / frequency_ghz,
    )

"""What a propagation model is given and what it returns: one interface for all of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.errors import Problem, refuse
from phusong.radio.p1812.mechanisms import bullington_loss

__all__ = [
    "Conditions",
    "Mast",
    "Model",
    "Profile",
    "Terrain",
    "bullington_on",
]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]


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

    Raises
    ------
    InputError
        If the arrays differ in length, distances do not rise from 0, or a height is missing.
    """

    distance_km: Floats
    ground_m: Floats
    clutter_m: Floats
    zone: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        """Refuse what is no path."""
        d, n = self.distance_km, self.distance_km.size
        rises = (
            n >= 2 and bool(np.isfinite(d).all()) and float(d[0]) == 0.0 and bool((np.diff(d) > 0.0).all())
        )
        problems = (
            [] if rises else [Problem("profile", "must rise from 0 to the receiver", column="distance_km")]
        )
        for name, values, least in (
            ("ground_m", self.ground_m, -np.inf),
            ("clutter_m", self.clutter_m, 0.0),
            ("zone", self.zone, 1),
        ):
            if values.shape != (n,):
                problems.append(Problem("profile", f"must have {n} values", column=name, value=values.size))
            elif not (np.isfinite(values) & (values >= least)).all():
                what = "must be finite heights" + ("" if least == -np.inf else ", not below the ground")
                problems.append(Problem("profile", what, column=name))
        refuse(problems)


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
    valid_ghz : tuple of float
        Lowest and highest frequency.
    """

    name: str
    window: Callable[[Terrain, Mast, Floats, Conditions], Singles]
    path: PathLoss
    source: str
    reads_cover: bool = False
    valid_ghz: tuple[float, float] = (0.03, 100.0)

    def holds(self, frequency_ghz: float) -> bool:
        """Return whether a frequency lies in the model's range."""
        return self.valid_ghz[0] <= frequency_ghz <= self.valid_ghz[1]

    def refuse_frequencies(self, frequencies_ghz: npt.ArrayLike) -> None:
        """Raise where a frequency lies outside the model's range.

        Raises
        ------
        InputError
            Naming the range, and each such frequency.
        """
        low, high = self.valid_ghz
        refuse(
            Problem(
                "radio.model",
                f"GHz lies outside the range of {self.name} ({low:g} to {high:g} GHz): take another model",
                value=f,
            )
            for f in np.ravel(frequencies_ghz).tolist()
            if not self.holds(f)
        )


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

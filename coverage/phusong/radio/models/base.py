"""What a propagation model is given and what it returns: one interface for all of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.compute.array_types import Floats, Singles
from phusong.errors import Problem, refuse
from phusong.radio.p1812.mechanisms import bullington_loss
from phusong.radio.ranges import COVER_M, GROUND_M, RANGES, Range, checked, refuse_fields

__all__ = ["Conditions", "Mast", "Model", "Profile", "Terrain", "bullington_on", "free_space_loss"]

Window = Callable[["Terrain", "Mast", Floats, "Conditions"], Singles]
"""``f(terrain, mast, ghz, conditions) -> loss_db``: shape (n_frequencies, side, side)"""


_AIR = {
    "time_percent": (0.01, 99.99),
    "location_percent": (0.01, 99.99),
    "location_sd_db": (0.0, 40.0),
    "delta_n": (-150.0, 156.0),
    "n0": (200.0, 500.0),
    "latitude_deg": (-90.0, 90.0),
    "climate": (1, 7),
}


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

    Raises
    ------
    InputError
        Listing every value that cannot be.
    """

    time_percent: float = 50.0
    location_percent: float = 50.0
    location_sd_db: float = 0.0
    delta_n: float = 52.1
    n0: float = 374.0
    latitude_deg: float = 20.0
    horizontal: bool = False
    climate: int = 1

    def __post_init__(self) -> None:
        """Refuse what no air, place or climate has; what a model makes of it, its range says."""
        refuse_fields(self, "conditions")
        refuse(
            Problem("conditions", f"must be from {low:g} to {high:g}", column=name, value=getattr(self, name))
            for name, (low, high) in _AIR.items()
            if not low <= getattr(self, name) <= high
        )

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
        refuse_fields(self, "profile")
        d, n = self.distance_km, self.distance_km.size
        rises = (
            d.ndim == 1
            and n >= 2
            and bool(np.isfinite(d).all())
            and float(d[0]) == 0.0
            and bool((np.diff(d) > 0.0).all())
        )
        problems = (
            [] if rises else [Problem("profile", "must rise from 0 to the receiver", column="distance_km")]
        )
        for name, values, (least, most) in (
            ("ground_m", self.ground_m, GROUND_M),
            ("clutter_m", self.clutter_m, COVER_M),
            ("zone", self.zone, (1, 4)),
        ):
            if values.shape != (n,):
                problems.append(Problem("profile", f"must have {n} values", column=name, value=values.size))
            elif not ((values >= least) & (values <= most)).all():
                what = f"must be from {least:g} to {most:g} at every point"
                problems.append(Problem("profile", what, column=name))
        refuse(problems)


PathLoss = Callable[[Profile, float, float, float, Conditions], float]
"""``f(profile, frequency_ghz, tx_height_m, rx_height_m, conditions) -> loss_db``"""


@dataclass(frozen=True)
class Model:
    """A propagation model; what lies outside its range is refused before anything is computed.

    Parameters
    ----------
    name : str
        As a scenario writes it; its row of :data:`phusong.radio.ranges.RANGES` says for what it holds.
    window_loss : callable
        What :meth:`window` returns, of values within the range.
    path_loss : callable
        What :meth:`path` returns, of values within the range.
    source : str
        Recommendation and section.
    reads_cover : bool
        Whether it follows the path over what stands on the ground; then no loss by clutter round the receiver is
        added to it.
    """

    name: str
    window_loss: Window
    path_loss: PathLoss
    source: str
    reads_cover: bool = False

    @property
    def range(self) -> Range:
        """For what it holds."""
        return RANGES[self.name]

    def holds(self, frequency_ghz: float) -> bool:
        """Return whether a frequency lies in the model's range."""
        return self.range.frequency_ghz.answers(frequency_ghz)

    @checked("radio.model")
    def window(self, terrain: Terrain, mast: Mast, ghz: Floats, conditions: Conditions) -> Singles:
        """Return the loss round a mast, shape (n_frequencies, side, side). [dB]

        Centred on the pixel nearest to the mast; NaN off the grid and beyond the reach.

        Raises
        ------
        InputError
            Naming every value outside the model's range.
        """
        refuse(self._problems(ghz, mast, conditions, radius_m=mast.radius_m))
        return self.window_loss(terrain, mast, ghz, conditions)

    @checked("radio.model")
    def path(
        self,
        profile: Profile,
        frequency_ghz: float,
        tx_height_m: float,
        rx_height_m: float,
        conditions: Conditions,
    ) -> float:
        """Return the loss on one profile. [dB]

        Raises
        ------
        InputError
            Naming every value outside the model's range.
        """
        km = float(profile.distance_km[-1])
        ends = Mast(0.0, 0.0, tx_height_m, rx_height_m, 0.0)
        refuse(self._problems([frequency_ghz], ends, conditions, distance_km=km))
        return self.path_loss(profile, frequency_ghz, tx_height_m, rx_height_m, conditions)

    def notices(
        self, frequencies_ghz: npt.ArrayLike, tx_height_m: float, rx_height_m: float, **far: float
    ) -> list[str]:
        """Return a sentence for each value beyond what the source states, saying what was done about it.

        Parameters
        ----------
        frequencies_ghz : array_like
            Frequencies.
        tx_height_m, rx_height_m : float
            Antennas above ground.
        **far : float
            ``distance_km`` of a path, or ``radius_m`` of an area.
        """
        told = [
            word
            for f in np.ravel(frequencies_ghz).tolist()
            for word in self.range.notices(self.name, frequency_ghz=f)
        ]
        return [
            *told,
            *self.range.notices(self.name, tx_height_m=tx_height_m, rx_height_m=rx_height_m, **far),
        ]

    def _problems(
        self, frequencies_ghz: npt.ArrayLike, mast: Mast, conditions: Conditions, **far: float
    ) -> list[Problem]:
        where = f"radio.model {self.name}"
        wrong = [
            Problem(
                p.where,
                f"lies outside the range of {self.name}: {p.what}; take another model",
                column=p.column,
                value=p.value,
            )
            for f in np.ravel(frequencies_ghz).tolist()
            for p in self.range.problems(where, frequency_ghz=f)
        ]
        return [
            *wrong,
            *self.range.problems(
                where,
                tx_height_m=mast.tx_height_m,
                rx_height_m=mast.rx_height_m,
                time_percent=conditions.time_percent,
                location_percent=conditions.location_percent,
                **far,
            ),
        ]


@checked("free_space")
def free_space_loss(
    distance_m: npt.ArrayLike, *, frequency_ghz: float, tx_height_m: float = 0.0, rx_height_m: float = 0.0
) -> npt.NDArray[np.float64]:
    """Return the free-space basic transmission loss. [dB]

    Parameters
    ----------
    distance_m : array_like
        Distance along the ground; the slant follows from the heights. [m]
    frequency_ghz, tx_height_m, rx_height_m : float
        Frequency and antenna heights above the ground.

    Raises
    ------
    InputError
        For a frequency outside the range, and numbers that are not finite.

    References
    ----------
    Recommendation ITU-R P.525-4, equation (4): 32.4 + 20 log f (MHz) + 20 log d (km).
    """
    finite = {"distance_m": distance_m, "tx_height_m": tx_height_m, "rx_height_m": rx_height_m}
    refuse(
        [
            *RANGES["free_space"].problems("free_space", frequency_ghz=frequency_ghz),
            *(
                Problem("free_space", "must be finite", column=name)
                for name, value in finite.items()
                if not np.isfinite(np.asarray(value, np.float64)).all()
            ),
        ]
    )
    slant_km = np.hypot(np.asarray(distance_m, np.float64), tx_height_m - rx_height_m) / 1000.0
    return np.asarray(92.4 + 20.0 * np.log10(frequency_ghz) + 20.0 * np.log10(np.maximum(slant_km, 1e-3)))


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

"""3GPP urban macro cell: line of sight and not, weighed by how probable each is."""

import numpy as np
import numpy.typing as npt

from phusong.radio import tr38901
from phusong.radio.models.base import by_distance
from phusong.radio.models.free_space import free_space_loss

__all__ = ["UMA", "urban_macro_loss"]


def urban_macro_loss(
    distance_m: npt.ArrayLike, *, frequency_ghz: float, tx_height_m: float, rx_height_m: float
) -> npt.NDArray[np.float64]:
    """Return the mean of TR 38.901 UMa over line of sight and not, never below free space. [dB]

    The terminal's height is held to the table's range (1.5 to 22.5 m).
    """
    near = np.maximum(np.asarray(distance_m, np.float64), 10.0)
    ut_m = float(np.clip(rx_height_m, 1.5, 22.5))
    clear, blocked = (
        tr38901.loss(
            "UMa",
            distance_m=near,
            frequency_ghz=frequency_ghz,
            bs_height_m=max(tx_height_m, 10.0),
            ut_height_m=ut_m,
            los=los,
        )
        for los in (True, False)
    )
    share = tr38901.los_probability("UMa", distance_m=near, ut_height_m=ut_m)
    free = free_space_loss(
        distance_m, frequency_ghz=frequency_ghz, tx_height_m=tx_height_m, rx_height_m=rx_height_m
    )
    return np.maximum(share * clear + (1.0 - share) * blocked, free)


UMA = by_distance(
    "uma", urban_macro_loss, "3GPP TR 38.901 V17, tables 7.4.1-1 and 7.4.2-1", diffraction=False
)

"""3GPP urban macro cell: line of sight and not, weighed by how probable each is."""

import numpy as np
import numpy.typing as npt

from phusong.radio.models.distance import by_distance
from phusong.radio.models.free_space import free_space_loss
from phusong.radio.tr38901 import mean_loss

__all__ = ["UMA", "urban_macro_loss"]

_NEAREST_M, _LOWEST_BASE_M, _MOBILE_M = 10.0, 10.0, (1.5, 22.5)


def urban_macro_loss(
    distance_m: npt.ArrayLike, *, frequency_ghz: float, tx_height_m: float, rx_height_m: float
) -> npt.NDArray[np.float64]:
    """Return the mean of TR 38.901 UMa over line of sight and not, never below free space. [dB]

    The terminal's height is held to the table's range (1.5 to 22.5 m); the base station's, 25 m there, is taken as it
    is from 10 m up.
    """
    mean_db = mean_loss(
        "UMa",
        distance_m=np.maximum(np.asarray(distance_m, np.float64), _NEAREST_M),
        frequency_ghz=frequency_ghz,
        bs_height_m=max(tx_height_m, _LOWEST_BASE_M),
        ut_height_m=float(np.clip(rx_height_m, *_MOBILE_M)),
    )
    free = free_space_loss(
        distance_m, frequency_ghz=frequency_ghz, tx_height_m=tx_height_m, rx_height_m=rx_height_m
    )
    return np.maximum(mean_db, free)


UMA = by_distance(
    "uma",
    urban_macro_loss,
    "3GPP TR 38.901 V17, tables 7.4.1-1 and 7.4.2-1 (UMa)",
    over_terrain=False,
)

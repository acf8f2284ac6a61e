"""3GPP rural macro cell, line of sight, with Bullington diffraction where the terrain stands in the way."""

import numpy as np
import numpy.typing as npt

from phusong.radio import tr38901
from phusong.radio.models.base import by_distance
from phusong.radio.models.free_space import free_space_loss

__all__ = ["RMA", "rural_macro_loss"]


def rural_macro_loss(
    distance_m: npt.ArrayLike, *, frequency_ghz: float, tx_height_m: float, rx_height_m: float
) -> npt.NDArray[np.float64]:
    """Return the line-of-sight loss of TR 38.901 RMa, never below free space. [dB]

    The heights are held to the table's range of validity (base station 10 to 150 m, terminal 1 to 10 m).
    """
    near = np.maximum(np.asarray(distance_m, np.float64), 10.0)
    loss = tr38901.loss(
        "RMa",
        distance_m=near,
        frequency_ghz=frequency_ghz,
        bs_height_m=float(np.clip(tx_height_m, 10.0, 150.0)),
        ut_height_m=float(np.clip(rx_height_m, 1.0, 10.0)),
        los=True,
    )
    free = free_space_loss(
        distance_m, frequency_ghz=frequency_ghz, tx_height_m=tx_height_m, rx_height_m=rx_height_m
    )
    return np.maximum(loss, free)


RMA = by_distance(
    "rma", rural_macro_loss, "3GPP TR 38.901 V17, table 7.4.1-1, and ITU-R P.526-15", diffraction=True
)

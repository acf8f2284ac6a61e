"""3GPP rural macro cell: line of sight and not, weighed by how probable each is; or by the terrain itself."""

import numpy as np
import numpy.typing as npt

from phusong.radio.models.distance import by_distance
from phusong.radio.models.free_space import free_space_loss
from phusong.radio.tr38901 import loss, mean_loss

__all__ = ["RMA", "RMA_TERRAIN", "rural_macro_loss", "rural_macro_loss_in_sight"]

_NEAREST_M, _BASE_M, _MOBILE_M = 10.0, (10.0, 150.0), (1.0, 10.0)  # the table's range of validity


def rural_macro_loss(
    distance_m: npt.ArrayLike, *, frequency_ghz: float, tx_height_m: float, rx_height_m: float
) -> npt.NDArray[np.float64]:
    """Return the mean of TR 38.901 RMa over line of sight and not, never below free space. [dB]

    Heights are held to the table's range of validity (base station 10 to 150 m, terminal 1 to 10 m).
    """
    mean_db = mean_loss(
        "RMa",
        distance_m=np.maximum(np.asarray(distance_m, np.float64), _NEAREST_M),
        frequency_ghz=frequency_ghz,
        bs_height_m=float(np.clip(tx_height_m, *_BASE_M)),
        ut_height_m=float(np.clip(rx_height_m, *_MOBILE_M)),
    )
    return _at_least_free(mean_db, distance_m, frequency_ghz, tx_height_m, rx_height_m)


def rural_macro_loss_in_sight(
    distance_m: npt.ArrayLike, *, frequency_ghz: float, tx_height_m: float, rx_height_m: float
) -> npt.NDArray[np.float64]:
    """Return the line-of-sight loss of TR 38.901 RMa, never below free space; heights as above. [dB]"""
    in_sight_db = loss(
        "RMa",
        distance_m=np.maximum(np.asarray(distance_m, np.float64), _NEAREST_M),
        frequency_ghz=frequency_ghz,
        bs_height_m=float(np.clip(tx_height_m, *_BASE_M)),
        ut_height_m=float(np.clip(rx_height_m, *_MOBILE_M)),
        los=True,
    )
    return _at_least_free(in_sight_db, distance_m, frequency_ghz, tx_height_m, rx_height_m)


def _at_least_free(
    loss_db: npt.NDArray[np.float64], distance_m: npt.ArrayLike, ghz: float, tx_m: float, rx_m: float
) -> npt.NDArray[np.float64]:
    return np.maximum(
        loss_db, free_space_loss(distance_m, frequency_ghz=ghz, tx_height_m=tx_m, rx_height_m=rx_m)
    )


RMA = by_distance(
    "rma",
    rural_macro_loss,
    "3GPP TR 38.901 V17, tables 7.4.1-1 and 7.4.2-1 (RMa)",
    over_terrain=False,
)
RMA_TERRAIN = by_distance(
    "rma_terrain",
    rural_macro_loss_in_sight,
    "3GPP TR 38.901 V17, table 7.4.1-1 (RMa in sight), or free space with ITU-R P.526-15 where that loses more",
    over_terrain=True,
)

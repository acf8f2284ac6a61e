"""Okumura-Hata and COST 231, and Bullington's diffraction where the terrain loses more than their median holds."""

import numpy as np
import numpy.typing as npt

from phusong.radio.models.distance import by_distance
from phusong.radio.models.free_space import free_space_loss
from phusong.radio.models.surroundings import ENVIRONMENTS
from phusong.radio.okumura_hata import okumura_hata_loss

__all__ = ["HATA", "hata_loss"]

_BASE_M, _MOBILE_M = (30.0, 200.0), (1.0, 10.0)  # what Okumura measured


def hata_loss(
    distance_m: npt.ArrayLike,
    *,
    frequency_ghz: float,
    tx_height_m: float,
    rx_height_m: float,
    environment: npt.ArrayLike,
) -> npt.NDArray[np.float64]:
    """Return Hata's median loss by the receiver's surroundings, never below free space. [dB]

    Heights are held to the range of the measurements (30 to 200 m and 1 to 10 m); below 1 km and beyond 20 km the
    formula is carried on.

    Parameters
    ----------
    environment : array_like of int, same shape as `distance_m`
        Place in :data:`phusong.radio.models.surroundings.ENVIRONMENTS`.
    """
    base = float(np.clip(tx_height_m, *_BASE_M))
    mobile = float(np.clip(rx_height_m, *_MOBILE_M))
    kinds = [
        okumura_hata_loss(
            distance_m,
            frequency_mhz=frequency_ghz * 1000.0,
            base_height_m=base,
            mobile_height_m=mobile,
            environment=name,
        )
        for name in ENVIRONMENTS
    ]
    free = free_space_loss(
        distance_m, frequency_ghz=frequency_ghz, tx_height_m=tx_height_m, rx_height_m=rx_height_m
    )
    return np.maximum(np.choose(np.asarray(environment), kinds), free)


HATA = by_distance(
    "hata",
    hata_loss,
    "Hata 1980 and COST 231, or free space with ITU-R P.526-15 where that loses more",
    over_terrain=True,
    reads_cover=True,
)

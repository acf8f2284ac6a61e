"""What a propagation model tells the area sweep."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["DistanceLoss", "Model"]

Floats = npt.NDArray[np.float64]
DistanceLoss = Callable[..., Floats]


@dataclass(frozen=True)
class Model:
    """A loss that depends on distance alone, and whether the terrain adds diffraction to it.

    Parameters
    ----------
    name : str
        As a scenario writes it.
    distance_loss : callable
        ``f(distance_m, *, frequency_ghz, tx_height_m, rx_height_m) -> loss_db``, arrays in, arrays out;
        must not fall with distance.
    diffraction : bool
        Whether Bullington's diffraction loss over the terrain is added.
    source : str
        Recommendation and section.
    """

    name: str
    distance_loss: DistanceLoss
    diffraction: bool
    source: str

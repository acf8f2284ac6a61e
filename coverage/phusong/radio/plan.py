"""What a sweep of a whole network needs to know besides its cells: the ground, and how signal is computed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from phusong.radio.link_budget import LinkBudget
from phusong.radio.models import Conditions
from phusong.region.antennas import AntennaPattern
from phusong.region.grid import Grid

__all__ = ["RadioPlan", "Scene"]

Singles = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """What lies on the grid.

    Parameters
    ----------
    grid : Grid
        The pixels.
    elevation : ndarray, on the grid
        Ground heights; NaN is sea. [m]
    clutter_loss_db : ndarray, on the grid, optional
        Loss by what stands round the receiver. [dB]
    clutter_m, zone : ndarray, on the grid, optional
        Height of what stands on the ground [m], and 1 sea, 3 coastal land, 4 inland.
    antennas : mapping
        Measured patterns by file name.
    """

    grid: Grid
    elevation: npt.NDArray[np.floating]
    clutter_loss_db: Singles | None = None
    clutter_m: Singles | None = None
    zone: npt.NDArray[np.int8] | None = None
    antennas: Mapping[str, AntennaPattern] = field(default_factory=dict)


@dataclass(frozen=True)
class RadioPlan:
    """How signal is computed.

    Parameters
    ----------
    model : str
        Propagation model.
    budget : LinkBudget
        What a phone needs.
    conditions : Conditions
        Shares of time and of locations, and the air.
    cell_range_m : float
        No cell answers a phone farther away; see :func:`phusong.radio.link_budget.cell_range_m`.
    load : float
        Share of their resources that the other cells use while a phone listens to its own.
    finer : int
        The ground is followed in steps of a pixel's side divided by this, and a pixel's level is the mean over its
        finer^2 parts.
    """

    model: str
    budget: LinkBudget
    conditions: Conditions
    cell_range_m: float
    load: float = 0.5
    finer: int = 1

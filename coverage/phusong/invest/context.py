"""What investing starts from: the network as it serves today, where it stands, and what is asked of it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.access.network_state import NetworkState
from phusong.compute.array_types import Floats, Ints
from phusong.io.resources import HOURS_YEAR
from phusong.region import Grid
from phusong.service.capacity import Demand

__all__ = ["Baseline"]


@dataclass(frozen=True)
class Baseline(NetworkState):
    """The network's state, and the ground that remedies are drawn on.

    Parameters
    ----------
    availability_target : float
        Least availability of a stable station.
    demand : Demand
        What people ask in the busy hour, which limits whom a new site can take.
    grid : Grid
        The pixels.
    elevation : ndarray, on the grid
        Ground heights. [m]
    cell_pixel : ndarray of int, shape (n_cells,)
        Flat pixel of each demand cell.
    cell_commune : ndarray of int, shape (n_cells,)
        Row of its commune.
    commune_codes : ndarray of str
        Codes of the communes.
    commune_remote : ndarray of int
        Remoteness class of each, 0 to 3.
    site_east_m, site_north_m : ndarray, shape (n_sites,)
        Places of the sites.
    node_east_m, node_north_m : ndarray, shape (n_nodes,)
        Places of the power nodes.
    """

    availability_target: float
    demand: Demand
    grid: Grid
    elevation: npt.NDArray[np.float32]
    cell_pixel: Ints
    cell_commune: Ints
    commune_codes: npt.NDArray[np.str_]
    commune_remote: Ints
    site_east_m: Floats
    site_north_m: Floats
    node_east_m: Floats
    node_north_m: Floats

    @property
    def site_xy_m(self) -> Floats:
        """Places of the sites, easting and northing, shape (n_sites, 2)."""
        return np.asarray(np.c_[self.site_east_m, self.site_north_m], np.float64)

    @property
    def hours_allowed(self) -> float:
        """Hours a year that a stable site may be off."""
        return (1.0 - self.availability_target) * HOURS_YEAR

"""What investing starts from: the network as it serves today, and who is left without."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.access.gaps import Access
from phusong.compute.array_types import Floats, Ints
from phusong.region import Grid
from phusong.service.allocation import Reception
from phusong.service.availability import Stability
from phusong.service.capacity import Demand
from phusong.service.network import Network
from phusong.service.sharing import Rights

__all__ = ["Situation"]


@dataclass(frozen=True)
class Situation:
    """Everything the remedies are drawn from.

    Parameters
    ----------
    network, stability, reception, access
        The network, its hours lost, what is heard where, and what each element gets.
    weights : ndarray of int, shape (n_cells, n_operators)
        People.
    tier : ndarray, shape (n_stations, n_operators)
        In which round each operator's subscribers may use each station.
    station_load : ndarray, shape (n_stations,)
        Busy-hour load.
    availability_target : float
        Least availability of a stable station.
    rights : Rights
        What operators may do at each other's sites.
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
    station_room : ndarray of int, shape (n_stations,), optional
        People who would still find room at each station; without limit when left out.
    demand : Demand, optional
        What people ask in the busy hour, which limits whom a new site can take; without limit when left out.
    """

    network: Network
    stability: Stability
    reception: Reception
    access: Access
    weights: Ints
    tier: npt.NDArray[np.int8]
    station_load: Floats
    availability_target: float
    rights: Rights
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
    station_room: Ints | None = None
    demand: Demand | None = None

    @property
    def unserved(self) -> Ints:
        """People of each element who are not served, shape (n_cells, n_operators)."""
        return np.asarray(self.weights - self.access.served, np.int64)

    @property
    def hours_allowed(self) -> float:
        """Hours a year that a stable site may be off."""
        return (1.0 - self.availability_target) * 8760.0

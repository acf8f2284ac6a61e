"""The network as its people hear it: under one sharing policy, who is served by what and who is left without."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.access.gaps import Access
from phusong.compute.array_types import Ints
from phusong.service.allocation import Reception
from phusong.service.availability import Stability
from phusong.service.capacity import Usage
from phusong.service.network import Network
from phusong.service.sharing import Rights

__all__ = ["NetworkState"]


@dataclass(frozen=True)
class NetworkState:
    """A network and its use under one policy.

    Parameters
    ----------
    network : Network
        Power, backhaul and stations.
    stability : Stability
        Hours a year that each site is off.
    reception : Reception
        What is heard at each demand cell.
    weights : ndarray of int, shape (n_cells, n_operators)
        People.
    rights : Rights
        What operators may do at each other's sites.
    tier : ndarray, shape (n_stations, n_operators)
        In which round each operator's subscribers may use each station.
    usage : Usage
        How people use the stations.
    access : Access
        What each element gets.
    """

    network: Network
    stability: Stability
    reception: Reception
    weights: Ints
    rights: Rights
    tier: npt.NDArray[np.int8]
    usage: Usage
    access: Access

    @property
    def unserved(self) -> Ints:
        """People of each element who are not served, shape (n_cells, n_operators)."""
        return np.asarray(self.weights - self.access.served, np.int64)

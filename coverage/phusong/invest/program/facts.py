"""What is known of the communes before a plan: people, who is served today, how remote they are."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["CommuneFacts"]


@dataclass(frozen=True)
class CommuneFacts:
    """The communes, row by row.

    Parameters
    ----------
    codes, names : ndarray of str, shape (n,)
        Codes and names.
    remote : ndarray of int, shape (n,)
        Remoteness class, 0 to 3.
    population, served : ndarray, shape (n,)
        People, and people served today.
    """

    codes: npt.NDArray[np.str_]
    names: npt.NDArray[np.str_]
    remote: npt.NDArray[np.int64]
    population: npt.NDArray[np.float64]
    served: npt.NDArray[np.float64]

"""Elements and the five gap parts."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.compute.array_types import Ints
from phusong.compute.kernels import nb
from phusong.service.capacity import Usage

__all__ = ["CLASSES", "GAP_PARTS", "Access", "classify", "raster_class", "split_by_operator"]


GAP_PARTS = ("gap_no_signal", "gap_locked", "gap_unstable", "gap_congested")
CLASSES = {0: "no data", 1: "no signal", 2: "locked", 3: "unstable", 4: "congested", 5: "served"}


@dataclass(frozen=True)
class Access:
    """People of every element by what they get; the five arrays sum to the weights.

    Parameters
    ----------
    served, no_signal, locked, unstable, congested : ndarray of int, shape (n_cells, n_operators)
        People.
    availability : ndarray, shape (n_cells, n_operators)
        Best availability among the stations they may use; 0 when there is none.
    """

    served: Ints
    no_signal: Ints
    locked: Ints
    unstable: Ints
    congested: Ints
    availability: npt.NDArray[np.float32]

    @property
    def people_served(self) -> int:
        """People with stable internet."""
        return int(self.served.sum())

    def by_cell(self) -> dict[str, Ints]:
        """Return people per demand cell, over all operators, under the result's column names."""
        parts = (self.served, self.no_signal, self.locked, self.unstable, self.congested)
        return {
            name: part.sum(axis=1) for name, part in zip(("people_served", *GAP_PARTS), parts, strict=True)
        }


def classify(usage: Usage, weights: Ints) -> Access:
    """Split every element's people into the five parts, tested in the order of the design.

    Parameters
    ----------
    usage : Usage
        What the elements hear, may use, find stable and find room on.
    weights : ndarray of int, shape (n_cells, n_operators)
        People.
    """
    none = np.zeros_like(weights)
    unheard = ~usage.heard
    locked = usage.heard & ~usage.usable
    unstable = usage.usable & ~usage.stable
    return Access(
        served=usage.accepted,
        no_signal=np.where(unheard, weights, none),
        locked=np.where(locked, weights, none),
        unstable=np.where(unstable, weights, none),
        congested=np.where(usage.stable, weights - usage.accepted, none),
        availability=usage.availability,
    )


def raster_class(access: Access) -> npt.NDArray[np.uint8]:
    """Return for each demand cell the class of most of its people (the worse of equals)."""
    parts = np.stack(
        [
            p.sum(axis=1)
            for p in (access.no_signal, access.locked, access.unstable, access.congested, access.served)
        ]
    )
    return np.asarray(np.argmax(parts, axis=0) + 1, np.uint8)


_GOLDEN = 0.6180339887498949


def split_by_operator(
    population: npt.NDArray[np.int64], shares: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """Return the people of each cell that each operator serves, whole and exact per cell.

    Parameters
    ----------
    population : ndarray of int, shape (n_cells,)
        People per demand cell.
    shares : ndarray, shape (n_operators,)
        Subscriber shares; sum to 1.

    Returns
    -------
    ndarray of int, shape (n_cells, n_operators)
        Rows sum to `population`.

    Notes
    -----
    Rounding each cell on its own would rob the small operators, since most cells hold few people. Instead the
    people are numbered through all cells and person k goes by the golden-ratio sequence frac(k·0.618…), whose
    discrepancy stays below a few people however many there are.
    """
    cumulative = np.cumsum(shares) / np.sum(shares)
    cumulative[-1] = 1.0
    return np.asarray(_deal(population.astype(np.int64), cumulative))


@nb.njit(cache=True)
def _deal(population, cumulative):  # type: ignore[no-untyped-def]
    out = np.zeros((population.size, cumulative.size), np.int64)
    at = 0.5
    for c in range(population.size):
        for _ in range(population[c]):
            at += _GOLDEN
            if at >= 1.0:
                at -= 1.0
            o = 0
            while at >= cumulative[o]:
                o += 1
            out[c, o] += 1
    return out

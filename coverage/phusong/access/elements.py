"""Elements: demand cell × operator, with whole people as weights."""

import numpy as np
import numpy.typing as npt

from phusong.kernel_cache import nb

__all__ = ["split_by_operator"]

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

"""What can be bought and what it serves: bundles of remedies over elements."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

__all__ = ["PlanModel", "incidence"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PlanModel:
    """Bundles of remedies and the elements they serve.

    Parameters
    ----------
    remedy_cost_musd : ndarray, shape (n_remedies,)
        Net present cost of each remedy. [million USD]
    needs : csr_matrix, shape (n_bundles, n_remedies), 0 or 1
        Remedies that a bundle buys; a remedy shared by bundles is paid once.
    covers : csr_matrix, shape (n_bundles, n_elements), 0 or 1
        Elements that a bundle serves once all its remedies are there.
    weights : ndarray, shape (n_elements,)
        People.
    """

    remedy_cost_musd: Floats
    needs: csr_matrix
    covers: csr_matrix
    weights: Floats

    @property
    def n_bundles(self) -> int:
        """Number of bundles."""
        return int(self.needs.shape[0])

    def holds(self, remedies: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Return which bundles a set of remedies completes."""
        missing = np.asarray(self.needs @ (~remedies).astype(np.float64)).ravel()
        return np.asarray(missing == 0, bool)

    def served(self, remedies: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Return which elements a set of remedies serves."""
        missing = self.needs @ (~remedies).astype(np.float64)
        complete = np.asarray(missing).ravel() == 0
        return np.asarray((complete.astype(np.float64) @ self.covers) > 0).ravel()

    def people(self, remedies: npt.NDArray[np.bool_]) -> float:
        """Return the people a set of remedies serves."""
        return float(self.weights[self.served(remedies)].sum())


def incidence(rows: list[Ints], n_columns: int) -> csr_matrix:
    """Return a 0-1 matrix from the column numbers of each row."""
    counts = np.array([r.size for r in rows], np.int64)
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    indices = np.concatenate(rows).astype(np.int64) if rows else np.empty(0, np.int64)
    return csr_matrix((np.ones(indices.size), indices, indptr), (len(rows), n_columns))

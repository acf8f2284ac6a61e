"""The cheapest plan commune by commune: a bound that feels whole remedies, and a plan made of the pieces.

The cost of each remedy is split among the communes whose people it helps to serve, in proportion to what the duals
of the relaxation pay for it there. Any plan that meets all needs meets each commune's, so with c_k = Σ_m c_km it
costs at least Σ_m min {Σ_k c_km x_k : x meets the need of commune m}: each a small program, solved by branch and
bound, whose bounds add up. All their remedies together meet every need.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_matrix, csr_matrix, eye, hstack, vstack

from phusong.invest.program.program import Program
from phusong.invest.program.relaxation import Relaxed

__all__ = ["Parted", "by_communes"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_NODES = 200  # of branch and bound in each commune: nodes, not seconds, so that a repeated run gives the same bytes
_GAP = 2e-3


@dataclass(frozen=True)
class Parted:
    """What the communes one by one give.

    Parameters
    ----------
    bound : float
        No plan that meets the needs costs less. [million USD]
    remedies : ndarray of bool, shape (n_remedies,)
        All that the communes buy: it meets every need, where the money is there.
    method : str
        How the bound was found.
    """

    bound: float
    remedies: Flags
    method: str


def by_communes(program: Program, relaxed: Relaxed) -> Parted:
    """Return the sum of the communes' bounds, and their remedies together.

    Parameters
    ----------
    program : Program
        The cheapest plan that meets needs.
    relaxed : Relaxed
        Its relaxation, whose duals split the costs.
    """
    model = program.model
    owner = np.repeat(np.arange(model.n_bundles), np.diff(model.needs.indptr))
    split = _split(program, relaxed, owner)
    columns = model.covers.tocsc()
    bought = np.zeros(model.remedy_cost_musd.size, bool)
    bound = 0.0
    wanting = np.flatnonzero(program.need_people > 0)
    for m in wanting.tolist():
        elements = np.flatnonzero(program.commune == m)
        part = columns[:, elements].tocsr()
        bundles = np.flatnonzero(np.diff(part.indptr))
        least, remedies = _commune(program, part[bundles], bundles, elements, split[:, m], m)
        bound += least
        bought[remedies] = True
    words = f"branch and bound in each of {wanting.size} communes, costs split by the duals of the linear relaxation"
    return Parted(bound, bought, words)


def _split(program: Program, relaxed: Relaxed, owner: Ints) -> csc_matrix:
    """Return each remedy's cost by commune, as a matrix (n_remedies, n_communes)."""
    model = program.model
    n_k, n_m = model.remedy_cost_musd.size, program.need_people.size
    n_e = model.weights.size
    needed = program.need_people[program.commune] > 0
    # a little for everyone served keeps the split defined where the duals pay nothing
    price = relaxed.served_price + 1e-9 * model.weights
    to_commune = csr_matrix((np.where(needed, price, 0.0), (np.arange(n_e), program.commune)), (n_e, n_m))
    paid_at = model.covers @ to_commune
    total = np.asarray(paid_at.sum(axis=1)).ravel()
    paid_at = csr_matrix(paid_at.multiply(1.0 / np.where(total > 0, total, 1.0)[:, None]))
    pays = csr_matrix((relaxed.chain_price + 1e-12, (model.needs.indices, owner)), (n_k, model.n_bundles))
    share = pays @ paid_at
    whole = np.asarray(share.sum(axis=1)).ravel()
    factor = np.divide(model.remedy_cost_musd, whole, out=np.zeros(n_k), where=whole > 0)
    return csc_matrix(share.multiply(factor[:, None]))


def _commune(
    program: Program, part: csr_matrix, bundles: Ints, elements: Ints, cost_of: csc_matrix, m: int
) -> tuple[float, Ints]:
    """Return the least cost of one commune's need by its share of the costs, and the remedies bought for it."""
    model = program.model
    needs = model.needs[bundles]
    allowed = np.asarray(needs @ (~program.allowed).astype(np.float64)).ravel() == 0
    needs, part = needs[allowed].tocsr(), part[allowed].tocsr()
    used = np.unique(needs.indices)
    at = np.searchsorted(used, needs.indices)
    n_b, n_k, n_e = part.shape[0], used.size, elements.size
    entry = np.repeat(np.arange(n_b), np.diff(needs.indptr))
    row = np.arange(entry.size)
    one = np.ones(entry.size)
    chain = hstack(
        [
            -csr_matrix((one, (row, at)), (entry.size, n_k)),
            csr_matrix((one, (row, entry)), (entry.size, n_b)),
            csr_matrix((entry.size, n_e)),
        ]
    )
    served = hstack([csr_matrix((n_e, n_k)), -part.T, eye(n_e)])
    need = float(program.need_people[m])
    people = hstack([csr_matrix((1, n_k + n_b)), csr_matrix(-model.weights[elements][None, :])])
    cost = np.asarray(cost_of[used].todense()).ravel()
    goal = np.r_[cost, np.zeros(n_b + n_e)]
    solved = milp(
        goal,
        constraints=LinearConstraint(
            vstack([chain, served, people], format="csr"), -np.inf, np.r_[np.zeros(entry.size + n_e), -need]
        ),
        bounds=Bounds(0.0, 1.0),
        integrality=np.r_[np.ones(n_k), np.zeros(n_b + n_e)],
        options={"node_limit": _NODES, "mip_rel_gap": _GAP},
    )
    least = float(solved.mip_dual_bound) if solved.mip_dual_bound is not None else 0.0
    if solved.x is None:
        return max(least, 0.0), used
    return max(least, 0.0), used[np.asarray(solved.x[:n_k]) > 0.5]

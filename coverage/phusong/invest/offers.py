"""Everything that could be bought: remedies, bundles of them, whom they serve, and what holds until they stand."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix

from phusong.invest.plan_model import PlanModel
from phusong.invest.remedy import WORK_COLUMNS

__all__ = ["REMEDY_COLUMNS", "Offers"]

REMEDY_COLUMNS = (
    "remedy_id", "kind", "capex_musd", "opex_musd_year", "cost_musd", "low_musd", "high_musd", "east_m", "north_m",
    *WORK_COLUMNS, "commune_code", "payers", "interim", "follows",
)  # fmt: skip


@dataclass(frozen=True)
class Offers:
    """Everything that could be bought.

    Parameters
    ----------
    remedies : DataFrame
        remedy_id, kind, capex_musd, opex_musd_year, cost_musd, low_musd, high_musd, east_m, north_m; what it changes
        (see :class:`phusong.invest.remedy.Works`); commune_code, where it stands; payers (``who:share`` joined by ``;``, shares of the
        whole cost, summing to 1); interim, whether it only bridges the time until the remedy named in `follows`.
    bundles : DataFrame
        bundle_id, kinds, operators, commune_code (of most of the people served), and where the works stand
        (:data:`phusong.invest.remedy.WORKS_COLUMNS`).
    model : PlanModel
        Which remedies each bundle needs and whom it serves. No bundle needs an interim remedy.
    stabilise_musd : mapping of int to float
        Least cost that makes an unstable site stable, where one was looked for. [million USD]
    bridges : csr_matrix, shape (n_remedies, n_elements), 0 or 1, optional
        Whom each interim remedy serves until its permanent one stands: never anybody whom that one does not serve too.
    counts : mapping
        Candidates and variants looked at, and how many proofs of dominance left out.
    """

    remedies: pd.DataFrame
    bundles: pd.DataFrame
    model: PlanModel
    stabilise_musd: Mapping[int, float] = field(default_factory=dict)
    bridges: csr_matrix | None = None
    counts: Mapping[str, int] = field(default_factory=dict)

    def only(self, keep: npt.NDArray[np.bool_]) -> "Offers":
        """Return the offers with some of the bundles left out; the remedies stay."""
        model = PlanModel(
            self.model.remedy_cost_musd,
            self.model.needs[keep].tocsr(),
            self.model.covers[keep].tocsr(),
            self.model.weights,
        )
        return replace(self, bundles=self.bundles[keep].reset_index(drop=True), model=model)

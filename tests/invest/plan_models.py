"""Plan models small enough to try everything."""

import numpy as np
from scipy.sparse import csr_matrix

from phusong.invest.plan_book import PlanModel


def random_plan_model(
    seed: int, *, bundles: int = 9, remedies: int = 8, elements: int = 14, free: bool = True
) -> PlanModel:
    rng = np.random.default_rng(seed)
    needs = rng.random((bundles, remedies)) < 0.25
    needs[np.arange(bundles), rng.integers(0, remedies, bundles)] = True
    covers = rng.random((bundles, elements)) < 0.3
    costs = rng.uniform(0.2, 4.0, remedies)
    if free:
        costs[rng.random(remedies) < 0.15] = 0.0
    return PlanModel(
        costs,
        csr_matrix(needs.astype(float)),
        csr_matrix(covers.astype(float)),
        rng.integers(0, 50, elements).astype(float),
    )

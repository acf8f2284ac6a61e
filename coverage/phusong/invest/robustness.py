"""How sure the order of options is: ranks over samples of costs and people."""

import numpy as np
import numpy.typing as npt

from phusong.invest.bundles import Offers
from phusong.invest.plan_model import PlanModel
from phusong.invest.portfolio_settings import PortfolioSettings
from phusong.invest.ranking import Ranking, rank_samples

__all__ = ["rank_range"]

Floats = npt.NDArray[np.float64]

_COMMON_SHARE = 0.5  # of the spread of costs is shared by all remedies of one kind


def rank_range(
    offers: Offers, ranking: Ranking, settings: PortfolioSettings, commune_of_element: npt.NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Return the 5 and 95 % ranks of the ranked bundles over samples of costs and people."""
    base = np.arange(1, ranking.order.size + 1, dtype=np.float64)
    if settings.samples == 0 or ranking.order.size == 0:
        return base, base
    rng = np.random.default_rng([settings.seed, 9])
    model = offers.model
    kinds, kind_of = np.unique(offers.remedies["kind"].to_numpy(str), return_inverse=True)
    n = settings.samples
    common = rng.standard_normal((n, kinds.size))[:, kind_of] * np.sqrt(_COMMON_SHARE)
    own = rng.standard_normal((n, kind_of.size)) * np.sqrt(1.0 - _COMMON_SHARE)
    costs = model.remedy_cost_musd * np.exp(settings.cost_spread * (common + own))
    used = np.flatnonzero(np.asarray(model.covers.sum(axis=0)).ravel() > 0)
    people = np.exp(0.15 * rng.standard_normal((n, int(commune_of_element.max()) + 1)))
    # elements nobody can serve change no rank: leave them out of the samples
    trimmed = PlanModel(
        model.remedy_cost_musd, model.needs, model.covers[:, used].tocsr(), model.weights[used]
    )
    weights = model.weights[used] * people[:, commune_of_element[used]]
    ranks = rank_samples(trimmed, costs, weights)[:, ranking.order]
    return np.percentile(ranks, 5, axis=0), np.percentile(ranks, 95, axis=0)

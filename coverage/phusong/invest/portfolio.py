"""The ranked options, the plan, its certificate and the curve of people against money."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.invest.bundles import Offers
from phusong.invest.optimum import BestPlan, best_plan
from phusong.invest.plan_model import PlanModel
from phusong.invest.ranking import Ranking, rank, rank_samples

__all__ = ["Portfolio", "PortfolioSettings", "choose"]

Floats = npt.NDArray[np.float64]

_FUNDS = {
    "extend_grid": "power utility",
    "open_passive": "operators",
    "open_mocn": "operators",
    "open_roaming": "operators",
    "add_radio": "operators",
}
_OTHER_FUND = "universal service fund"
_COMMON_SHARE = 0.5  # of the spread of costs is shared by all remedies of one kind


@dataclass(frozen=True)
class PortfolioSettings:
    """What the planner asked.

    Parameters
    ----------
    budget_musd : float
        Most that may be spent, net present.
    first_year, years : int
        When works begin, and over how many years the money comes evenly.
    samples, cost_spread, seed
        Samples behind the range of ranks, the spread of the logarithm of costs, and their seed.
    solver_seconds : float
        Time limit of branch and bound on small models. [s]
    """

    budget_musd: float
    first_year: int
    years: int
    samples: int
    cost_spread: float
    seed: int
    solver_seconds: float


@dataclass(frozen=True)
class Portfolio:
    """What to do.

    Parameters
    ----------
    options : DataFrame
        Ranked bundles (columns of the result's `options`).
    plan : DataFrame
        Remedies with year and fund (columns of the result's `plan`).
    curve : DataFrame
        cost_musd, people; budget_musd, bound_people.
    best : BestPlan
        The plan of this budget and the bound.
    """

    options: pd.DataFrame
    plan: pd.DataFrame
    curve: pd.DataFrame
    best: BestPlan


def choose(
    offers: Offers,
    settings: PortfolioSettings,
    *,
    commune_names: dict[str, str],
    parts: dict[str, Floats],
    commune_of_element: npt.NDArray[np.int64],
) -> Portfolio:
    """Rank the bundles, choose a plan within the budget, and bound what any plan could reach.

    Parameters
    ----------
    offers : Offers
        Remedies and bundles.
    settings : PortfolioSettings
        Budget, years, samples.
    commune_names : dict
        Name by commune code.
    parts : dict of ndarray, shape (n_elements,)
        People of each element by cause, for the reasons given.
    commune_of_element : ndarray of int, shape (n_elements,)
        Row of the commune, whose population is uncertain as one.
    """
    ranking = rank(offers.model)
    low, high = _rank_range(offers, ranking, settings, commune_of_element)
    options = _options(offers, ranking, low, high, commune_names, parts)
    best = best_plan(offers.model, settings.budget_musd, time_limit_s=settings.solver_seconds)
    plan = _schedule(offers, best, settings)
    return Portfolio(options, plan, _curve(ranking, best, settings.budget_musd), best)


def _rank_range(
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


def _options(
    offers: Offers,
    ranking: Ranking,
    low: Floats,
    high: Floats,
    names: dict[str, str],
    parts: dict[str, Floats],
) -> pd.DataFrame:
    rows = offers.bundles.iloc[ranking.order].reset_index(drop=True)
    ids = offers.remedies["remedy_id"].to_numpy(str)
    capex = offers.remedies["capex_musd"].to_numpy(np.float64)
    opex = offers.remedies["opex_musd_year"].to_numpy(np.float64)
    needs = offers.model.needs
    bought = np.zeros(ids.size, bool)
    served = np.zeros(offers.model.weights.size, bool)
    causes = {name: values.ravel() for name, values in parts.items()}
    records = []
    for bundle in ranking.order:
        need = needs.indices[needs.indptr[bundle] : needs.indptr[bundle + 1]]
        new = need[~bought[need]]
        covers = offers.model.covers
        cells = covers.indices[covers.indptr[bundle] : covers.indptr[bundle + 1]]
        fresh = cells[~served[cells]]
        bought[need] = True
        served[fresh] = True
        why = {name: float(values[fresh].sum()) for name, values in causes.items()}
        records.append(
            {
                "remedies": ";".join(ids[need]),
                "capex_musd": float(capex[new].sum()),
                "opex_musd_year": float(opex[new].sum()),
                "shared": int(need.size - new.size),
                "causes": ", ".join(f"{v:,.0f} {k}" for k, v in why.items() if v >= 1),
            }
        )
    extra = pd.DataFrame(records, columns=["remedies", "capex_musd", "opex_musd_year", "shared", "causes"])
    cost = ranking.cost_musd
    per = np.divide(ranking.people_gained, cost, out=np.full(cost.size, np.inf), where=cost > 0)
    out = pd.DataFrame(
        {
            "rank": np.arange(1, len(rows) + 1),
            "bundle_id": rows["bundle_id"],
            "kinds": rows["kinds"],
            "remedies": extra["remedies"],
            "commune_code": rows["commune_code"],
            "operators": rows["operators"],
            "cost_musd": cost,
            "capex_musd": extra["capex_musd"],
            "opex_musd_year": extra["opex_musd_year"],
            "people_gained": ranking.people_gained.astype(np.int64),
            "people_alone": ranking.people_alone.astype(np.int64),
            "people_per_musd": per,
            "cumulative_cost_musd": np.cumsum(cost),
            "cumulative_people": np.cumsum(ranking.people_gained).astype(np.int64),
            "rank_p05": low,
            "rank_p95": high,
            "east_m": rows["east_m"].astype(np.float64),
            "north_m": rows["north_m"].astype(np.float64),
        }
    )
    out["why"] = [_why(i, out, extra, rows, names) for i in range(len(out))]
    return out


def _why(
    i: int, options: pd.DataFrame, extra: pd.DataFrame, rows: pd.DataFrame, names: dict[str, str]
) -> str:
    """Say in words why an option stands where it does."""
    o = options.iloc[i]
    code = str(o["commune_code"])
    words = str(o["kinds"]).replace("_", " ").replace(";", " + ")
    text = f"{words} at {rows['where'].iloc[i]} in {names.get(code, code)} ({code}) serves {o['people_gained']:,} more people ({extra['causes'].iloc[i]})"
    if o["cost_musd"] <= 0:
        return f"{text} at no further cost: everything it needs is bought by options above it."
    text += f" for {o['cost_musd']:.3f} million USD net present cost, {o['people_per_musd']:,.0f} people per million."
    if o["people_alone"] > o["people_gained"]:
        text += f" Alone it would serve {o['people_alone']:,}; options above already serve the others."
    if extra["shared"].iloc[i]:
        text += f" {extra['shared'].iloc[i]} of its remedies are already paid for by options above."
    later = options.iloc[i + 1 :]
    later = later[later["cost_musd"] > 0]
    if len(later):
        after = later.iloc[0]
        text += f" It would fall behind {after['bundle_id']} if it cost {_share(o, after)} more."
    return text


def _share(option: "pd.Series[float]", after: "pd.Series[float]") -> str:
    if after["people_per_musd"] <= 0 or not np.isfinite(after["people_per_musd"]):
        return "nothing"
    return f"{max(option['people_per_musd'] / after['people_per_musd'] - 1.0, 0.0):.0%}"


def _schedule(offers: Offers, best: BestPlan, settings: PortfolioSettings) -> pd.DataFrame:
    """Put the plan's remedies into years, the best value first, as the money comes."""
    inside = np.asarray(offers.model.needs @ (~best.remedies).astype(np.float64)).ravel() == 0
    keep = np.flatnonzero(inside)
    part = PlanModel(
        offers.model.remedy_cost_musd,
        offers.model.needs[keep].tocsr(),
        offers.model.covers[keep].tocsr(),
        offers.model.weights,
    )
    ranking = rank(part)
    a_year = max(settings.budget_musd / settings.years, 1e-12)
    rows = []
    bought = np.zeros(best.remedies.size, bool)
    spent = 0.0
    for place, bundle in enumerate(ranking.order):
        need = part.needs.indices[part.needs.indptr[bundle] : part.needs.indptr[bundle + 1]]
        new = [int(k) for k in need if not bought[k]]
        bought[need] = True
        gained = int(ranking.people_gained[place])
        source = offers.bundles.iloc[keep[bundle]]
        spent += float(ranking.cost_musd[place])
        year = settings.first_year + min(int((spent - 1e-9) / a_year), settings.years - 1)
        for n, k in enumerate(new):
            remedy = offers.remedies.iloc[k]
            rows.append(
                {
                    "remedy_id": remedy["remedy_id"],
                    "kind": remedy["kind"],
                    "year": year,
                    "fund": _FUNDS.get(str(remedy["kind"]), _OTHER_FUND),
                    "cost_musd": float(remedy["cost_musd"]),
                    "people_gained": gained if n == 0 else 0,
                    "bundle_id": source["bundle_id"],
                    "commune_code": source["commune_code"],
                }
            )
    columns = ["remedy_id", "kind", "year", "fund", "cost_musd", "people_gained", "bundle_id", "commune_code"]
    return pd.DataFrame(rows, columns=columns)


def _curve(ranking: Ranking, best: BestPlan, budget_musd: float) -> pd.DataFrame:
    """Return people against money along the ranking, and the line that no plan of any budget can cross.

    The duals behind the bound of one budget bound every other: by the price of money in them.
    """
    cost = np.r_[0.0, np.cumsum(ranking.cost_musd)]
    points = pd.DataFrame({"cost_musd": cost, "people": np.r_[0.0, np.cumsum(ranking.people_gained)]})
    all_at = budget_musd + (best.closable - best.bound) / best.price if best.price > 0 else budget_musd
    budgets = np.array(sorted({0.0, budget_musd, all_at, max(float(cost[-1]), all_at)}))
    line = np.clip(best.bound + best.price * (budgets - budget_musd), 0.0, best.closable)
    bounds = pd.DataFrame({"budget_musd": budgets, "bound_people": line})
    return pd.concat([points, bounds], ignore_index=True)

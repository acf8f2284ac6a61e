"""How sure the answer is: ranks, the plan's options, and plans against each other, over samples of what may come."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.invest.bundles import Offers
from phusong.invest.carrying_out import FixedPlan, carry_out, fixed_plan
from phusong.invest.plan_model import PlanModel
from phusong.invest.ranking import Ranking, rank
from phusong.invest.reach import Reach
from phusong.invest.samples import Spread, drawn

__all__ = ["Robustness", "robustness", "used_elements"]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_WORST_SHARE = 0.1
_SAMPLE_PLANS = 12  # plans that are best in a sample each, tried in all the others


@dataclass(frozen=True)
class Robustness:
    """What holds over the samples.

    Parameters
    ----------
    rank_p05, rank_p95 : ndarray, shape (k,)
        Range of the rank of each ranked bundle.
    keep_probability : ndarray, shape (k,)
        Share of the samples in which the best plan known for the sample holds all of its remedies.
    cautious : ndarray of bool, shape (n_remedies,)
        Plan with the most people in the worst tenth of the samples.
    plans : DataFrame
        plan, cost_musd (as modelled), people (as modelled), people_mean, people_p05, people_p95, people_worst_tenth
        (mean of the worst tenth of samples), within_budget_share, regret_mean, regret_p95 (people fewer than the best
        known plan of the sample), same_money_share (of the first plan's money also spent by this one), best_in_worst.
    """

    rank_p05: Floats
    rank_p95: Floats
    keep_probability: Floats
    cautious: Bools
    plans: pd.DataFrame


def robustness(
    offers: Offers,
    ranking: Ranking,
    best: Bools,
    commune_of_element: Ints,
    *,
    budget_musd: float,
    samples: int,
    seed: int,
    spread: Spread,
    reach: Reach | None = None,
    value: Floats | None = None,
) -> Robustness:
    """Return how ranks, options and plans hold up when costs, people, signal and outages turn out otherwise.

    Parameters
    ----------
    offers : Offers
        Remedies and bundles.
    ranking : Ranking
        Their order as modelled.
    best : ndarray of bool, shape (n_remedies,)
        The plan.
    commune_of_element : ndarray of int, shape (n_elements,)
        Row of the commune of each element.
    budget_musd : float
        Money of every plan, in every sample. [million USD]
    samples, seed, spread
        How many futures, their seed, and how far they may lie from what is modelled.
    reach : Reach, optional
        How surely bundles reach elements; without it neither signal nor outages are sampled.
    value : ndarray, shape (n_elements,), optional
        People by their priority, which order the bundles; people when left out.

    Notes
    -----
    A plan is fixed before the future is known: in each sample it is bought in its own order until the money is gone,
    and what is left over is not spent otherwise. The best known plan of a sample is chosen with that sample in sight,
    along its ranking or as one of the fixed plans, so every regret is at least 0.
    """
    used = used_elements(offers.model)
    model, commune = _trimmed(offers.model, used), commune_of_element[used]
    unserved = np.bincount(commune_of_element, offers.model.weights).astype(np.float64)
    worth = np.ones(used.size)
    if value is not None:
        worth = np.divide(value[used], model.weights, out=worth, where=model.weights > 0)
    place = np.arange(1, ranking.order.size + 1, dtype=np.float64)
    plan = fixed_plan("best plan", model, best)
    along = carry_out(ranking.order, model, budget_musd)[0]
    fixed = [plan, fixed_plan("along the ranking", model, along)]
    if samples == 0 or ranking.order.size == 0:
        kept = model.holds(best)[ranking.order].astype(np.float64)
        return Robustness(
            place,
            place,
            kept,
            best,
            _table(fixed, model, budget_musd, np.empty((2, 0)), np.empty(0), np.empty((2, 0))),
        )

    def futures() -> Iterator[tuple[int, PlanModel]]:
        # drawn anew for each pass: kept, they would fill the memory
        return enumerate(
            drawn(
                model,
                reach,
                offers.remedies["kind"],
                commune,
                spread,
                unserved=unserved,
                samples=samples,
                seed=seed,
            )
        )

    ranks = np.empty((samples, ranking.order.size))
    own: list[Bools] = []
    for s, future in futures():
        order = rank(replace(future, weights=future.weights * worth)).order
        ranks[s] = _places(future, order)[ranking.order]
        own.append(carry_out(order, future, budget_musd)[0])
    often = _often(model, ranking, own, budget_musd)
    fixed += [fixed_plan("most often kept", model, often)]
    named = len(fixed)
    fixed += [
        fixed_plan(f"best of sample {s + 1}", model, own[s]) for s in range(min(samples, _SAMPLE_PLANS))
    ]
    people, spent = np.empty((len(fixed), samples)), np.empty((len(fixed), samples))
    top = np.empty(samples)
    kept = np.zeros(ranking.order.size)
    for s, future in futures():
        outcome = [carry_out(p, future, budget_musd) for p in fixed]
        people[:, s] = [o[1] for o in outcome]
        # what the whole plan would cost, whether or not the money reaches
        spent[:, s] = [float(future.remedy_cost_musd[p.remedies].sum()) for p in fixed]
        foreseen = future.people(own[s])
        first = int(np.argmax(people[:, s]))
        top[s] = max(foreseen, people[first, s])
        winner = outcome[first][0] if people[first, s] >= foreseen else own[s]
        kept += model.holds(winner)[ranking.order]
    worst = np.sort(people, axis=1)[:, : max(1, round(_WORST_SHARE * samples))].mean(axis=1)
    careful = int(np.argmax(worst))
    shown = [*range(named), *([careful] if careful >= named else [])]
    table = _table([fixed[k] for k in shown], model, budget_musd, people[shown], top, spent[shown])
    return Robustness(
        np.percentile(ranks, 5, axis=0),
        np.percentile(ranks, 95, axis=0),
        kept / samples,
        fixed[careful].remedies,
        table,
    )


def used_elements(model: PlanModel) -> Ints:
    """Return the elements that any bundle serves; the others change no rank and no plan."""
    used = np.zeros(model.weights.size, bool)
    used[model.covers.indices] = True
    return np.flatnonzero(used)


def _trimmed(model: PlanModel, used: Ints) -> PlanModel:
    number = np.full(model.weights.size, -1, np.int64)
    number[used] = np.arange(used.size)
    covers = type(model.covers)(
        (model.covers.data, number[model.covers.indices], model.covers.indptr), (model.n_bundles, used.size)
    )
    return PlanModel(model.remedy_cost_musd, model.needs, covers, model.weights[used])


def _places(model: PlanModel, order: Ints) -> Floats:
    """Return at which place the last remedy of each bundle is bought, by it or by others; never: the place after all."""
    needs = model.needs
    counts = np.diff(needs.indptr)[order]
    starts = needs.indptr[order]
    flat = np.repeat(starts - np.r_[0, np.cumsum(counts)[:-1]], counts) + np.arange(counts.sum())
    at = np.full(model.remedy_cost_musd.size, order.size + 1.0)
    np.minimum.at(at, needs.indices[flat], np.repeat(np.arange(1.0, order.size + 1.0), counts))
    return np.maximum.reduceat(at[needs.indices], needs.indptr[:-1])


def _often(model: PlanModel, ranking: Ranking, plans: list[Bools], budget: float) -> Bools:
    """Return the plan that takes the bundles held by most of the samples' own plans first."""
    share = np.zeros(model.n_bundles)
    for remedies in plans:
        share += model.holds(remedies)
    order = ranking.order[np.argsort(-share[ranking.order], kind="stable")]
    return carry_out(order, model, budget)[0]


def _table(
    plans: list[FixedPlan], model: PlanModel, budget: float, people: Floats, top: Floats, spent: Floats
) -> pd.DataFrame:
    cost = model.remedy_cost_musd
    first = plans[0].remedies
    money = max(float(cost[first].sum()), 1e-12)
    count = people.shape[1]
    rows = []
    for k, plan in enumerate(plans):
        modelled = carry_out(plan, model, budget)[1]
        outcome = people[k] if count else np.array([modelled])
        regret = top - people[k] if count else np.zeros(1)
        tail = np.sort(outcome)[: max(1, round(_WORST_SHARE * outcome.size))]
        rows.append(
            {
                "plan": plan.name,
                "cost_musd": float(cost[plan.remedies].sum()),
                "people": round(modelled),
                "people_mean": float(outcome.mean()),
                "people_p05": float(np.percentile(outcome, 5)),
                "people_p95": float(np.percentile(outcome, 95)),
                "people_worst_tenth": float(tail.mean()),
                "within_budget_share": float((spent[k] <= budget * (1 + 1e-9)).mean()) if count else 1.0,
                "regret_mean": float(regret.mean()),
                "regret_p95": float(np.percentile(regret, 95)),
                "same_money_share": float(cost[first & plan.remedies].sum()) / money,
            }
        )
    out = pd.DataFrame(rows)
    return out.assign(best_in_worst=out["people_worst_tenth"] == out["people_worst_tenth"].max())

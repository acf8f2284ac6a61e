"""Monte Carlo: samples, robustness, tornado."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix

from phusong.compute.array_types import Bools, Floats, Ints
from phusong.compute.kernels import nb
from phusong.invest.bundles import Offers
from phusong.invest.plan_book import PlanModel
from phusong.invest.ranking import Ranking, rank
from phusong.invest.signal_margin import SignalMargin

__all__ = [
    "TORNADO_COLUMNS",
    "FixedPlan",
    "Robustness",
    "Spread",
    "carry_out",
    "changed",
    "drawn_samples",
    "fixed_plan",
    "kept_total",
    "robustness",
    "tornado",
    "used_elements",
]


_COMMON_SHARE = 0.5  # of the spread of costs is shared by all remedies of one kind


@dataclass(frozen=True)
class Spread:
    """How far things may turn out otherwise; zero for what is sure.

    Parameters
    ----------
    cost, people, outage : float
        Standard deviation of the logarithm of each remedy's cost, each commune's people, each site's hours lost.
    signal_db : float
        Standard deviation of the error common to all the places that one site reaches. [dB]
    """

    cost: float = 0.3
    people: float = 0.15
    signal_db: float = 3.0
    outage: float = 0.3


def changed(
    model: PlanModel,
    reach: SignalMargin | None,
    *,
    cost: npt.ArrayLike = 1.0,
    people: npt.ArrayLike = 1.0,
    signal_db: npt.ArrayLike = 0.0,
    outage: npt.ArrayLike = 1.0,
) -> PlanModel:
    """Return what can be bought when things turn out otherwise.

    Parameters
    ----------
    model : PlanModel
        As modelled.
    reach : SignalMargin or None
        How surely bundles reach elements; None: as surely as modelled, whatever the signal and the outages.
    cost : float or ndarray, shape (n_remedies,)
        Factor on costs.
    people : float or ndarray, shape (n_elements,)
        Factor on people.
    signal_db : float or ndarray, shape (n_sites,)
        Added to the signal of each site. A stronger one is not taken to reach further than modelled. [dB]
    outage : float or ndarray, shape (n_sites,)
        Factor on the hours that each site is off. Where that makes a site stable by itself nobody gains by mending it;
        where it leaves a mended one off too long neither.
    """
    covers = model.covers
    if reach is not None:
        indptr, indices = _kept(
            covers.indptr, covers.indices, reach.site, reach.margin_db, reach.hours_lost, reach.hours_left,
            reach.hours_allowed, _each(signal_db, reach.n_sites, 0.0), _each(outage, reach.n_sites, 1.0),
        )  # fmt: skip
        covers = csr_matrix((covers.data[: indices.size], indices, indptr), covers.shape)
    return PlanModel(
        model.remedy_cost_musd * np.asarray(cost, np.float64),
        model.needs,
        covers,
        model.weights * np.asarray(people, np.float64),
    )


def drawn_samples(
    model: PlanModel,
    reach: SignalMargin | None,
    kinds: pd.Series,
    commune_of_element: Ints,
    spread: Spread,
    *,
    unserved: Floats,
    samples: int,
    seed: int,
) -> Iterator[PlanModel]:
    """Give samples of what can be bought; each has its own seed, so that more of them do not change the first.

    Parameters
    ----------
    model, reach
        As modelled.
    kinds : Series of str, length n_remedies
        Kinds of the remedies: half of the spread of costs is common to a kind.
    commune_of_element : ndarray of int, shape (n_elements,)
        Row of the commune, whose people are uncertain as one.
    spread : Spread
        How far.
    unserved : ndarray, shape (n_communes,)
        People of each commune who are not served. How many live in which commune is uncertain; how many there are in
        all is registered, so the factors leave their sum as it is, and no plan ever serves more than there are.
    samples : int
        How many.
    seed : int
        Seed of the run.
    """
    _, kind_of = np.unique(kinds.to_numpy(str), return_inverse=True)
    n_kinds = int(kind_of.max(initial=-1)) + 1
    n_sites = reach.n_sites if reach is not None else 0
    for s in range(samples):
        rng = np.random.default_rng([seed, 9, s])
        common = rng.standard_normal(n_kinds)[kind_of] * np.sqrt(_COMMON_SHARE)
        own = rng.standard_normal(kind_of.size) * np.sqrt(1.0 - _COMMON_SHARE)
        people = kept_total(np.exp(spread.people * rng.standard_normal(unserved.size)), unserved)
        yield changed(
            model,
            reach,
            cost=np.exp(spread.cost * (common + own)),
            people=people[commune_of_element],
            signal_db=spread.signal_db * rng.standard_normal(n_sites),
            outage=np.exp(spread.outage * rng.standard_normal(n_sites)),
        )


def kept_total(factor: Floats, people: Floats) -> Floats:
    """Return factors on the people of communes that leave their sum as it is.

    Examples
    --------
    >>> kept_total(np.array([1.2, 0.9]), np.array([100.0, 100.0])).round(3).tolist()
    [1.143, 0.857]
    """
    total = float(factor @ people)
    return np.asarray(factor * (people.sum() / total) if total > 0 else factor, np.float64)


def _each(value: npt.ArrayLike, n: int, unknown: float) -> npt.NDArray[np.float32]:
    """Return one value a site, and one more for entries whose site cannot be told: as modelled."""
    return np.append(np.broadcast_to(np.asarray(value, np.float32), (n,)), np.float32(unknown))


@nb.njit(cache=True)
def _kept(indptr, indices, site, margin_db, hours_lost, hours_left, allowed, signal_db, outage):  # type: ignore[no-untyped-def]
    ends, out = np.empty_like(indptr), np.empty_like(indices)
    n = 0
    ends[0] = 0
    for b in range(indptr.size - 1):
        for j in range(indptr[b], indptr[b + 1]):
            s = site[j]
            still_off = hours_lost[j] * outage[s] > allowed
            mended = hours_left[b] > allowed or hours_left[b] * outage[s] <= allowed
            if margin_db[j] + signal_db[s] >= 0.0 and still_off and mended:
                out[n] = indices[j]
                n += 1
        ends[b + 1] = n
    return ends, out[:n].copy()


@dataclass(frozen=True)
class FixedPlan:
    """Remedies in the order in which they are bought.

    Parameters
    ----------
    name : str
        What the plan is called.
    remedies : ndarray of bool, shape (n_remedies,)
        What it buys.
    order : ndarray of int
        Bundles that it completes, best value first, then those that gain nobody.
    """

    name: str
    remedies: Bools
    order: Ints


def fixed_plan(name: str, model: PlanModel, remedies: Bools) -> FixedPlan:
    """Return a plan with its bundles in order of people per million, as modelled."""
    inside = np.flatnonzero(np.asarray(model.needs @ (~remedies).astype(np.float64)).ravel() == 0)
    part = PlanModel(
        model.remedy_cost_musd, model.needs[inside].tocsr(), model.covers[inside].tocsr(), model.weights
    )
    first = inside[rank(part).order]
    return FixedPlan(name, remedies, np.r_[first, np.setdiff1d(inside, first)].astype(np.int64))


def carry_out(plan: FixedPlan | Ints, model: PlanModel, budget_musd: float) -> tuple[Bools, float, float]:
    """Return what of a plan is bought, the people it serves, and what it costs. [people, million USD]

    Parameters
    ----------
    plan : FixedPlan or ndarray of int
        The plan, or bundles in the order in which they are bought.
    model : PlanModel
        What can be bought, as it turns out.
    budget_musd : float
        Bundles that no longer fit are passed over. [million USD]
    """
    order = plan.order if isinstance(plan, FixedPlan) else plan
    return _spend(  # type: ignore[no-any-return]  # a compiled function carries no types
        order,
        model.remedy_cost_musd,
        model.needs.indptr,
        model.needs.indices,
        model.covers.indptr,
        model.covers.indices,
        model.weights,
        budget_musd * (1.0 + 1e-9) + 1e-12,
    )


@nb.njit(cache=True)
def _spend(order, price, need_ptr, need, cover_ptr, cover, weights, budget):  # type: ignore[no-untyped-def]
    bought, served = np.zeros(price.size, np.bool_), np.zeros(weights.size, np.bool_)
    people = spent = 0.0
    # the second time round, what others bought may have completed a bundle that did not fit
    for again in range(2):
        for b in order:
            cost = 0.0
            for j in range(need_ptr[b], need_ptr[b + 1]):
                if not bought[need[j]]:
                    cost += price[need[j]]
            if spent + cost > budget or (again and cost > 0.0):
                continue
            spent += cost
            for j in range(need_ptr[b], need_ptr[b + 1]):
                bought[need[j]] = True
            for j in range(cover_ptr[b], cover_ptr[b + 1]):
                if not served[cover[j]]:
                    served[cover[j]] = True
                    people += weights[cover[j]]
    return bought, people, spent


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
    reach: SignalMargin | None = None,
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
    reach : SignalMargin, optional
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
            drawn_samples(
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


TORNADO_COLUMNS = (
    "input", "unit", "low", "base", "high", "people_low", "people_base", "people_high", "cost_low_musd",
    "cost_base_musd", "cost_high_musd", "swing_people",
)  # fmt: skip

_Z95 = 1.645  # one-sided 5 % of a normal distribution
_BUDGET_STEP = 0.1

_FAMILIES: Mapping[str, tuple[str, ...]] = {
    "masts": ("build_site",),
    "power": ("battery_backup", "solar_backup", "diesel_backup", "extend_grid", "feeder"),
    "links": ("fibre_link", "fibre_route", "microwave_link", "satellite_link"),
    "radios": ("add_radio",),
    "sharing": ("open_passive", "open_mocn", "open_roaming"),
}


def tornado(
    offers: Offers,
    best: npt.NDArray[np.bool_],
    *,
    budget_musd: float,
    spread: Spread,
    reach: SignalMargin | None = None,
) -> pd.DataFrame:
    """Return the plan's people and cost at the low and high end of each input, widest swing first.

    Parameters
    ----------
    offers : Offers
        Remedies and bundles.
    best : ndarray of bool, shape (n_remedies,)
        The plan; it is not chosen anew, and what no longer fits the budget is passed over.
    budget_musd : float
        Money. [million USD]
    spread : Spread
        Low and high are the 5 and 95 % points of each input.
    reach : SignalMargin, optional
        How surely bundles reach elements; without it neither signal nor outages are moved.

    Returns
    -------
    DataFrame
        Columns `TORNADO_COLUMNS`: the input's values (a factor, dB, or million USD), people served and money spent.
    """
    model = offers.model
    plan = fixed_plan("best plan", model, best)
    _, base_people, base_cost = carry_out(plan, model, budget_musd)
    # no input brings more people than there are without service
    everybody = float(model.weights.sum())
    rows = []
    for name, unit, base, ends in _inputs(offers, best, model, budget_musd, spread, reach):
        out: dict[str, Any] = {
            "input": name,
            "unit": unit,
            "base": base,
            "people_base": base_people,
            "cost_base_musd": base_cost,
        }
        for end, (value, moved, money) in zip(("low", "high"), ends, strict=True):
            _, people, cost = carry_out(plan, moved, money)
            out |= {end: value, f"people_{end}": min(people, everybody), f"cost_{end}_musd": cost}
        out["swing_people"] = abs(out["people_high"] - out["people_low"])
        rows.append(out)
    table = pd.DataFrame(rows, columns=list(TORNADO_COLUMNS))
    table = table.sort_values(["swing_people", "input"], ascending=[False, True], ignore_index=True)
    return table.round({c: 0 for c in TORNADO_COLUMNS if "people" in c})


def _inputs(
    offers: Offers,
    best: npt.NDArray[np.bool_],
    model: PlanModel,
    budget: float,
    spread: Spread,
    reach: SignalMargin | None,
) -> Iterator[tuple[str, str, float, list[tuple[float, PlanModel, float]]]]:
    """Give name, unit, base value, and value, model and budget at either end of each input."""
    kinds = offers.remedies["kind"].to_numpy(str)
    if spread.cost > 0:
        low, high = np.exp(-_Z95 * spread.cost), np.exp(_Z95 * spread.cost)
        yield "all costs", "factor", 1.0, [(f, changed(model, None, cost=f), budget) for f in (low, high)]
        for family, members in _FAMILIES.items():
            mine = np.isin(kinds, members)
            if (mine & best).any():
                ends = [(f, changed(model, None, cost=np.where(mine, f, 1.0)), budget) for f in (low, high)]
                yield f"cost of {family}", "factor", 1.0, ends
    if spread.people > 0:
        low, high = np.exp(-_Z95 * spread.people), np.exp(_Z95 * spread.people)
        yield "people", "factor", 1.0, [(f, changed(model, None, people=f), budget) for f in (low, high)]
    if reach is not None and spread.signal_db > 0:
        step = _Z95 * spread.signal_db
        yield "signal", "dB", 0.0, [(d, changed(model, reach, signal_db=d), budget) for d in (-step, step)]
    if reach is not None and spread.outage > 0:
        low, high = np.exp(-_Z95 * spread.outage), np.exp(_Z95 * spread.outage)
        yield "outages", "factor", 1.0, [(f, changed(model, reach, outage=f), budget) for f in (low, high)]
    if budget > 0:
        moneys = (budget * (1.0 - _BUDGET_STEP), budget * (1.0 + _BUDGET_STEP))
        yield "budget", "million USD", budget, [(m, model, m) for m in moneys]

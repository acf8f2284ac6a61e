"""The ranked options as a table, with the figures that say why each stands where it does.

For those the ranking is walked once more. At each place the best of all that was left is looked up, and the walk goes on
until no other competitor could overtake earlier: a competitor that shares remedies with the option grows dearer with it,
one that serves the same people loses them with it, so neither overtakes as early as its own figure says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csc_matrix, csr_matrix

from phusong.compute.array_types import Floats, Ints
from phusong.compute.arrays import RaggedRows
from phusong.compute.kernels import nb
from phusong.invest.offers import Offers, joined, main_works
from phusong.invest.plan_book import PlanModel
from phusong.invest.plan_lines import largest_first
from phusong.invest.ranking import Ranking

__all__ = ["CAUSES", "WHY_COLUMNS", "Reasons", "options_table", "reasons"]


_MAIN = {
    "main_site_id": "site_id",
    "main_commune_code": "commune_code",
    "east_m": "east_m",
    "north_m": "north_m",
}
_LEVEL = 0.0005  # leads below this would read as 0.0 %
_SAME_PEOPLE = 0.5  # a rival serves at least this share of the people an option gains
_FREE_MUSD = 1e-12

CAUSES = ("no_signal", "locked", "unstable", "congested")
"""Why people are not served, as the options count them: columns `people_no_signal` and so on."""

WHY_COLUMNS = (
    "behind_site_ids", "gain_commune_codes", *(f"people_{c}" for c in CAUSES), "facilities", "runner_up",
    "runner_up_commune", "runner_up_per_musd", "lead_share", "falls_at_cost_factor",
    "falls_behind", "falls_at_people_factor", "level_with", "rival", "rival_kinds", "rival_per_musd", "rival_share",
    "remedies_shared", "shared_remedies", "ranked_by",
)  # fmt: skip
"""Columns of the reasons, of which the sentence of any language is made."""


@dataclass(frozen=True)
class Reasons:
    """What each place of a ranking was decided by; every array has the length of the ranking.

    Parameters
    ----------
    runner_up : ndarray of int
        Bundle with the most people per million among all others left at that moment; -1 when there was none.
    runner_up_per_musd : ndarray
        Its people per million at that moment.
    lead_share : ndarray
        By what share the option had more; infinite when it costs nothing more.
    falls_at_cost_factor, falls_behind : ndarray of float, of int
        Factor on the option's further cost at which another is as good, and which; infinite and -1 when none ever is.
    falls_at_people_factor : ndarray
        Factor on the people it gains at which another is as good; 0 when none ever is.
    rival, rival_per_musd, rival_share : ndarray of int, of float, of float
        Best bundle left that serves at least half of the same people, its people per million, and that share;
        -1, 0 and 0 when there is none.
    paid_before : ndarray of int
        Remedies of the option that options above have paid for.
    new_remedies : ndarray of float, shape (n_places, n_sums)
        Sums over the remedies bought at this place, as asked for.
    new_people : ndarray of float, shape (n_places, n_parts)
        Sums over the elements it newly serves, as asked for.
    """

    runner_up: Ints
    runner_up_per_musd: Floats
    lead_share: Floats
    falls_at_cost_factor: Floats
    falls_behind: Ints
    falls_at_people_factor: Floats
    rival: Ints
    rival_per_musd: Floats
    rival_share: Floats
    paid_before: Ints
    new_remedies: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    new_people: Floats = field(default_factory=lambda: np.zeros((0, 0)))


def options_table(
    offers: Offers,
    ranking: Ranking,
    low: Floats,
    high: Floats,
    parts: Mapping[str, Floats],
    *,
    gains: pd.DataFrame,
    facilities: Floats | None = None,
    value: Floats | None = None,
) -> pd.DataFrame:
    """Return the ranked bundles with cost, people, rank range and reasons (columns of the result's `options`).

    Parameters
    ----------
    offers : Offers
        Remedies and bundles.
    ranking : Ranking
        Their order.
    low, high : ndarray, shape (k,)
        Range of the rank of each.
    parts : mapping of ndarray, shape (n_elements,)
        People of each element by cause (:data:`CAUSES`).
    gains : DataFrame
        People by option and commune, see :func:`phusong.invest.plan_lines.option_gains`.
    facilities : ndarray, shape (n_elements,), optional
        Schools, clinics and offices that count as reached with each element.
    value : ndarray, shape (n_elements,), optional
        People by their priority, which ordered the bundles; the runners-up are then told by value. People when left out.
    """
    bundles = offers.bundles
    rows = bundles.iloc[ranking.order].reset_index(drop=True)
    labels = list(parts)
    gaining = largest_first(gains, "bundle_id")
    main = {name: cell.partition(";")[0] for name, cell in gaining.items()}
    shared, main_work = _bought(offers, ranking.order)
    reached = np.zeros(offers.model.weights.size) if facilities is None else facilities
    people = np.column_stack([*(np.asarray(v, np.float64).ravel() for v in parts.values()), reached])
    found = reasons(
        offers.model
        if value is None
        else replace(offers.model, weights=np.asarray(value, np.float64).ravel()),
        ranking.order,
        remedy_sums=offers.remedies[["capex_musd", "opex_musd_year"]].to_numpy(np.float64),
        people_parts=people,
    )
    ids = offers.remedies["remedy_id"].to_numpy(str)
    needs = offers.model.needs
    cost = ranking.cost_musd
    per = np.divide(ranking.people_gained, cost, out=np.full(cost.size, np.inf), where=cost > 0)
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(rows) + 1),
            "bundle_id": rows["bundle_id"],
            "kinds": rows["kinds"],
            "remedies": [";".join(ids[needs.indices[needs.indptr[b] : needs.indptr[b + 1]]]) for b in ranking.order],
            "commune_code": rows["bundle_id"].map(main).fillna(rows["commune_code"]),
            "operators": rows["operators"],
            "cost_musd": cost,
            "capex_musd": found.new_remedies[:, 0],
            "opex_musd_year": found.new_remedies[:, 1],
            "people_gained": ranking.people_gained.astype(np.int64),
            "people_alone": ranking.people_alone.astype(np.int64),
            "people_per_musd": per,
            "cumulative_cost_musd": np.cumsum(cost),
            "cumulative_people": np.cumsum(ranking.people_gained).astype(np.int64),
            "rank_p05": low,
            "rank_p95": high,
            "works_site_ids": rows["works_site_ids"],
            "works_commune_codes": rows["works_commune_codes"],
            "behind_site_ids": rows["behind_site_ids"],
            **{c: offers.remedies[named].to_numpy()[main_work] for c, named in _MAIN.items()},
            "gain_commune_codes": rows["bundle_id"].map(gaining).fillna(""),
            **{
                f"people_{name}": np.rint(found.new_people[:, k]).astype(np.int64)
                for k, name in enumerate(labels)
            },
            "facilities": np.rint(found.new_people[:, len(labels)]).astype(np.int64),
            "runner_up": _at(bundles["bundle_id"], found.runner_up),
            "runner_up_commune": _at(bundles["works_commune_codes"].map(_first), found.runner_up),
            "runner_up_per_musd": found.runner_up_per_musd,
            "lead_share": found.lead_share,
            "falls_at_cost_factor": found.falls_at_cost_factor,
            "falls_behind": _at(bundles["bundle_id"], found.falls_behind),
            "falls_at_people_factor": found.falls_at_people_factor,
            "level_with": np.where(_is_level(found), _at(bundles["bundle_id"], found.falls_behind), ""),
            "rival": _at(bundles["bundle_id"], found.rival),
            "rival_kinds": _at(bundles["kinds"], found.rival),
            "rival_per_musd": found.rival_per_musd,
            "rival_share": found.rival_share,
            "remedies_shared": found.paid_before,
            "shared_remedies": shared,
            "ranked_by": "people" if value is None else "priority",
        }
    )  # fmt: skip


def _first(cell: object) -> str:
    return str(cell).partition(";")[0]


def _at(column: pd.Series, numbers: npt.NDArray[np.int64]) -> list[str]:
    values = column.astype(str).to_numpy()
    return ["" if n < 0 else str(values[n]) for n in numbers]


def _is_level(found: Reasons) -> npt.NDArray[np.bool_]:
    """Return where a lead is so small that the numbers of the options decide."""
    dear, few = found.falls_at_cost_factor - 1.0 < _LEVEL, 1.0 - found.falls_at_people_factor < _LEVEL
    return np.asarray(dear & few)


def _bought(offers: Offers, order: npt.NDArray[np.int64]) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Return of each place what options above have bought already, and of what it buys itself the main works."""
    needs, table = offers.model.needs, offers.remedies
    ids, kinds, sites = (table[c].astype(str).tolist() for c in ("remedy_id", "kind", "site_id"))
    seen: set[int] = set()
    shared, main = [], np.zeros(order.size, np.int64)
    for place, b in enumerate(order.tolist()):
        mine = needs.indices[needs.indptr[b] : needs.indptr[b + 1]].tolist()
        new = [k for k in mine if k not in seen]
        shared.append(joined(ids[k] for k in mine if k in seen))
        main[place] = main_works(new or mine, kinds, sites)
        seen.update(mine)
    return shared, main


def reasons(
    model: PlanModel, order: Ints, *, remedy_sums: Floats | None = None, people_parts: Floats | None = None
) -> Reasons:
    """Return why each bundle of a ranking came before the others that were left.

    Parameters
    ----------
    model : PlanModel
        Bundles, remedies, elements.
    order : ndarray of int, shape (k,)
        Bundles as ranked, best first.
    remedy_sums : ndarray, shape (n_remedies, n_sums), optional
        What to add up over the remedies each place buys, e.g. capital cost.
    people_parts : ndarray, shape (n_elements, n_parts), optional
        What to add up over the elements each place newly serves, e.g. people by cause.

    Notes
    -----
    With gain g and further cost c of the option b, those of a competitor r, s the cost of remedies both would still
    have to buy, and o the people both would newly serve: r is as good as b once b's cost is multiplied by
    g_b (c_r - s) / (c_b g_r - s g_b), or its people by c_b (g_r - o) / (g_b c_r - o c_b).
    """
    sums = np.zeros((model.remedy_cost_musd.size, 0)) if remedy_sums is None else remedy_sums
    parts = np.zeros((model.weights.size, 0)) if people_parts is None else people_parts
    users, servers = model.needs.tocsc(), model.covers.tocsc()
    found = _walk(
        np.asarray(order, np.int64),
        _Bundles(
            model.remedy_cost_musd,
            model.weights,
            _rows(model.needs),
            _rows(model.covers),
            _rows(users),
            _rows(servers),
        ),
        np.ascontiguousarray(sums, np.float64),
        np.ascontiguousarray(parts, np.float64),
    )
    return Reasons(*found)


class _Bundles(NamedTuple):
    """What a ranking is walked over.

    Parameters
    ----------
    price : array, shape (n_remedies,)
        Cost of each remedy. [million USD]
    weights : array, shape (n_elements,)
        People.
    needs, covers : RaggedRows
        Remedies that each bundle needs, elements that it serves.
    users, servers : RaggedRows
        Bundles that need each remedy, and that serve each element.
    """

    price: Floats
    weights: Floats
    needs: RaggedRows
    covers: RaggedRows
    users: RaggedRows
    servers: RaggedRows


def _rows(matrix: csr_matrix | csc_matrix) -> RaggedRows:
    return RaggedRows(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64))


@nb.njit(cache=True)
def _walk(order, bundles, sums, parts):  # type: ignore[no-untyped-def]
    price, weights, needs, covers, users, servers = bundles
    need_ptr, need = needs
    cover_ptr, cover = covers
    user_ptr, user = users
    server_ptr, server = servers
    n, k = need_ptr.size - 1, order.size
    runner_up, runner_per = np.full(k, -1, np.int64), np.zeros(k)
    lead, cost_factor = np.full(k, np.inf), np.full(k, np.inf)
    behind, people_factor = np.full(k, -1, np.int64), np.zeros(k)
    rival, rival_per, rival_share = np.full(k, -1, np.int64), np.zeros(k), np.zeros(k)
    paid_before = np.zeros(k, np.int64)
    new_remedies, new_people = np.zeros((k, sums.shape[1])), np.zeros((k, parts.shape[1]))
    bought, served = np.zeros(price.size, np.bool_), np.zeros(weights.size, np.bool_)
    taken = np.zeros(n, np.bool_)
    my_remedy, my_element = np.full(price.size, -1, np.int64), np.full(weights.size, -1, np.int64)
    common = np.zeros(n)
    key, stamp = np.full(n, -np.inf), np.zeros(n, np.int64)
    leaves = 1
    while leaves < max(n, 1):
        leaves *= 2
    best = np.full(2 * leaves, -1, np.int64)
    for b in range(n):
        g, c = _worth(b, bundles, bought, served)
        key[b] = _per(g, c)
        best[leaves + b] = b
    for at in range(leaves - 1, 0, -1):
        best[at] = _better(key, best[2 * at], best[2 * at + 1])
    hidden, hidden_key = np.empty(n, np.int64), np.empty(n)
    touched = np.empty(n, np.int64)
    for i in range(k):
        b = order[i]
        g, c = _worth(b, bundles, bought, served)
        for j in range(need_ptr[b], need_ptr[b + 1]):
            if bought[need[j]]:
                paid_before[i] += 1
            else:
                my_remedy[need[j]] = i
                new_remedies[i] += sums[need[j]]
        n_touched = 0
        for j in range(cover_ptr[b], cover_ptr[b + 1]):
            e = cover[j]
            if served[e]:
                continue
            my_element[e] = i
            new_people[i] += parts[e]
            for u in range(server_ptr[e], server_ptr[e + 1]):
                other = server[u]
                if taken[other] or other == b:
                    continue
                if common[other] == 0.0:
                    touched[n_touched] = other
                    n_touched += 1
                common[other] += weights[e]
        taken[b] = True
        _set(key, best, leaves, b, -np.inf)
        rival[i], rival_per[i] = -1, 0.0
        for t in range(n_touched):
            other = touched[t]
            if common[other] >= _SAME_PEOPLE * g and g > 0.0:
                gr, cr = _worth(other, bundles, bought, served)
                per = _per(gr, cr)
                if rival[i] < 0 or per > rival_per[i] or (per == rival_per[i] and other < rival[i]):
                    rival[i], rival_per[i], rival_share[i] = other, per, common[other] / g
        if rival_per[i] >= 1e15:
            rival_per[i] = np.inf
        n_hidden = 0
        free = c <= _FREE_MUSD
        while True:
            r = best[1]
            while r >= 0 and key[r] > -np.inf and stamp[r] != i:
                gr, cr = _worth(r, bundles, bought, served)
                stamp[r] = i
                _set(key, best, leaves, r, _per(gr, cr))
                r = best[1]
            if r < 0 or key[r] == -np.inf:
                break
            if runner_up[i] < 0:
                runner_up[i] = r
                runner_per[i] = key[r] if key[r] < 1e15 else np.inf
                if not free:
                    lead[i] = g / c / key[r] - 1.0
            if free:
                break
            early = key[r] * c / g
            if 1.0 / early >= cost_factor[i] and early <= people_factor[i]:
                break
            gr, cr = _worth(r, bundles, bought, served)
            shared = 0.0
            for j in range(need_ptr[r], need_ptr[r + 1]):
                if not bought[need[j]] and my_remedy[need[j]] == i:
                    shared += price[need[j]]
            both = 0.0
            for j in range(cover_ptr[r], cover_ptr[r + 1]):
                if not served[cover[j]] and my_element[cover[j]] == i:
                    both += weights[cover[j]]
            below = c * gr - shared * g
            if below > 1e-9 * c * gr and g * (cr - shared) / below < cost_factor[i]:
                cost_factor[i], behind[i] = g * (cr - shared) / below, r
            above = g * cr - both * c
            if above > 1e-9 * g * cr:
                people_factor[i] = max(people_factor[i], c * (gr - both) / above)
            hidden[n_hidden], hidden_key[n_hidden] = r, key[r]
            n_hidden += 1
            _set(key, best, leaves, r, -np.inf)
        for t in range(n_hidden):
            _set(key, best, leaves, hidden[t], hidden_key[t])
        for t in range(n_touched):
            common[touched[t]] = 0.0
        for j in range(cover_ptr[b], cover_ptr[b + 1]):
            served[cover[j]] = True
        for j in range(need_ptr[b], need_ptr[b + 1]):
            bought[need[j]] = True
        for j in range(need_ptr[b], need_ptr[b + 1]):
            # cheaper now for all who share it: the only way in which a worth can rise
            if my_remedy[need[j]] != i or price[need[j]] <= 0.0:
                continue
            for u in range(user_ptr[need[j]], user_ptr[need[j] + 1]):
                other = user[u]
                if not taken[other]:
                    gr, cr = _worth(other, bundles, bought, served)
                    stamp[other] = i + 1
                    _set(key, best, leaves, other, _per(gr, cr))
    return (
        runner_up, runner_per, lead, cost_factor, behind, people_factor, rival, rival_per, rival_share,
        paid_before, new_remedies, new_people,
    )  # fmt: skip


@nb.njit(cache=True)
def _worth(b, bundles, bought, served):  # type: ignore[no-untyped-def]
    price, weights, needs, covers, _, _ = bundles
    need_ptr, need = needs
    cover_ptr, cover = covers
    gain = 0.0
    for j in range(cover_ptr[b], cover_ptr[b + 1]):
        if not served[cover[j]]:
            gain += weights[cover[j]]
    cost = 0.0
    for j in range(need_ptr[b], need_ptr[b + 1]):
        if not bought[need[j]]:
            cost += price[need[j]]
    return gain, cost


@nb.njit(cache=True)
def _per(gain, cost):  # type: ignore[no-untyped-def]
    """Return people per million; free gains come before all others, the largest first; no gain never comes."""
    if gain <= 0.0:
        return -np.inf
    return gain / cost if cost > _FREE_MUSD else 1e15 + gain


@nb.njit(cache=True)
def _better(key, a, b):  # type: ignore[no-untyped-def]
    if a < 0 or b < 0:
        return max(a, b)
    return b if key[b] > key[a] or (key[b] == key[a] and b < a) else a


@nb.njit(cache=True)
def _set(key, best, leaves, b, value):  # type: ignore[no-untyped-def]
    """Change one key and the winners of all the pairs above it."""
    key[b] = value
    at = (leaves + b) // 2
    while at >= 1:
        best[at] = _better(key, best[2 * at], best[2 * at + 1])
        at //= 2

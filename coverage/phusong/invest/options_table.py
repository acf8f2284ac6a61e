"""The ranked options as a table, with the figures that say why each stands where it does."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.array_types import Floats
from phusong.invest.offers import Offers, joined, main_works
from phusong.invest.plan_lines import largest_first
from phusong.invest.ranking import Ranking
from phusong.invest.ranking_reasons import Reasons, reasons

__all__ = ["CAUSES", "WHY_COLUMNS", "options_table"]


_MAIN = {
    "main_site_id": "site_id",
    "main_commune_code": "commune_code",
    "east_m": "east_m",
    "north_m": "north_m",
}
_LEVEL = 0.0005  # leads below this would read as 0.0 %

CAUSES = ("no_signal", "locked", "unstable", "congested")
"""Why people are not served, as the options count them: columns `people_no_signal` and so on."""

WHY_COLUMNS = (
    "behind_site_ids", "gain_commune_codes", *(f"people_{c}" for c in CAUSES), "facilities", "runner_up",
    "runner_up_commune", "runner_up_per_musd", "lead_share", "falls_at_cost_factor",
    "falls_behind", "falls_at_people_factor", "level_with", "rival", "rival_kinds", "rival_per_musd", "rival_share",
    "remedies_shared", "shared_remedies", "ranked_by",
)  # fmt: skip
"""Columns of the reasons, of which the sentence of any language is made."""


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

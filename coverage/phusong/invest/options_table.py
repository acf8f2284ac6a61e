"""The ranked options as a table, and in words why each stands where it does."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.invest.bundles import Offers
from phusong.invest.ranking import Ranking
from phusong.invest.why import Reasons, reasons

__all__ = ["WHY_COLUMNS", "options_table"]

Floats = npt.NDArray[np.float64]

_LEVEL = 0.0005  # leads below this would read as 0.0 %

WHY_COLUMNS = (
    "facilities", "runner_up", "runner_up_commune", "runner_up_per_musd", "lead_share", "falls_at_cost_factor",
    "falls_behind", "falls_at_people_factor", "rival", "rival_per_musd", "rival_share", "remedies_shared",
)  # fmt: skip
"""Columns of the reasons beside the sentence, for readers in any language and for programs."""


def options_table(
    offers: Offers,
    ranking: Ranking,
    low: Floats,
    high: Floats,
    names: Mapping[str, str],
    parts: Mapping[str, Floats],
    *,
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
    names : mapping
        Name by commune code.
    parts : mapping of ndarray, shape (n_elements,)
        People of each element by cause, e.g. ``{"with no signal": …}``.
    facilities : ndarray, shape (n_elements,), optional
        Schools, clinics and offices that count as reached with each element.
    value : ndarray, shape (n_elements,), optional
        People by their priority, which ordered the bundles; the runners-up are then told by value. People when left out.
    """
    bundles = offers.bundles
    rows = bundles.iloc[ranking.order].reset_index(drop=True)
    labels = list(parts)
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
    out = pd.DataFrame(
        {
            "rank": np.arange(1, len(rows) + 1),
            "bundle_id": rows["bundle_id"],
            "kinds": rows["kinds"],
            "remedies": [";".join(ids[needs.indices[needs.indptr[b] : needs.indptr[b + 1]]]) for b in ranking.order],
            "commune_code": rows["commune_code"],
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
            "east_m": rows["east_m"].astype(np.float64),
            "north_m": rows["north_m"].astype(np.float64),
            "facilities": np.rint(found.new_people[:, len(labels)]).astype(np.int64),
            "runner_up": _at(bundles["bundle_id"], found.runner_up),
            "runner_up_commune": _at(bundles["commune_code"], found.runner_up),
            "runner_up_per_musd": found.runner_up_per_musd,
            "lead_share": found.lead_share,
            "falls_at_cost_factor": found.falls_at_cost_factor,
            "falls_behind": _at(bundles["bundle_id"], found.falls_behind),
            "falls_at_people_factor": found.falls_at_people_factor,
            "rival": _at(bundles["bundle_id"], found.rival),
            "rival_per_musd": found.rival_per_musd,
            "rival_share": found.rival_share,
            "remedies_shared": found.paid_before,
        }
    )  # fmt: skip
    causes = [_causes(labels, row) for row in found.new_people]
    unit = "people per million" if value is None else "people by priority per million"
    out["why"] = _sentences(
        out, rows["where"].astype(str).tolist(), causes, names, _rival_kinds(bundles, found), unit
    )
    return out


def _at(column: pd.Series, numbers: npt.NDArray[np.int64]) -> list[str]:
    values = column.astype(str).to_numpy()
    return ["" if n < 0 else str(values[n]) for n in numbers]


def _rival_kinds(bundles: pd.DataFrame, found: Reasons) -> list[str]:
    return [_words(kinds) for kinds in _at(bundles["kinds"], found.rival)]


def _causes(labels: list[str], people: Floats) -> str:
    told = [f"{n:,.0f} {label}" for label, n in zip(labels, people, strict=False) if n >= 1]
    return ", ".join(told)


def _words(kinds: str) -> str:
    return kinds.replace("_", " ").replace(";", " + ")


def _sentences(
    options: pd.DataFrame,
    where: list[str],
    causes: list[str],
    names: Mapping[str, str],
    rival_kinds: list[str],
    unit: str,
) -> list[str]:
    """Say in words why each option stands where it does."""
    said = []
    for place, cause, rival_words, row in zip(
        where, causes, rival_kinds, options.to_dict("records"), strict=True
    ):
        o = {str(k): v for k, v in row.items()}
        code = str(o["commune_code"])
        text = f"{_words(str(o['kinds']))} at {place} in {names.get(code, code)} ({code}) serves {o['people_gained']:,} more people"
        text += f" ({cause})" if cause else ""
        if o["facilities"]:
            text += f" and {o['facilities']:,} schools, clinics or offices among them"
        if o["cost_musd"] <= 0:
            said.append(f"{text} at no further cost: everything it needs is bought by options above it.")
            continue
        text += f" for {o['cost_musd']:.3f} million USD net present cost, {o['people_per_musd']:,.0f} people per million."
        if o["people_alone"] > o["people_gained"]:
            text += f" Alone it would serve {o['people_alone']:,}; options above already serve the others."
        if o["remedies_shared"]:
            text += f" {o['remedies_shared']} of its remedies are already paid for by options above."
        said.append(text + _beaten(o, names, unit) + _falls(o) + _rival(o, rival_words, unit))
    return said


def _beaten(o: Mapping[str, object], names: Mapping[str, str], unit: str) -> str:
    if not o["runner_up"]:
        return " Nothing else was left to compare it with."
    code = str(o["runner_up_commune"])
    place = "the same commune" if code == o["commune_code"] else names.get(code, code)
    per = float(str(o["runner_up_per_musd"]))
    return f" It came before {o['runner_up']} in {place} ({per:,.0f} {unit} at that moment)."


def _falls(o: Mapping[str, object]) -> str:
    dear, few = float(str(o["falls_at_cost_factor"])), float(str(o["falls_at_people_factor"]))
    if not np.isfinite(dear) and few <= 0:
        return ""
    if dear - 1.0 < _LEVEL and 1.0 - few < _LEVEL:
        return f" It is level with {o['falls_behind']}: their numbers decide which comes first."
    ways = []
    if np.isfinite(dear):
        ways.append(f"if it cost {_more(dear - 1.0)} more (then behind {o['falls_behind']})")
    if few > 0:
        ways.append(f"if it gained {_more(1.0 - few)} fewer people")
    return f" It would lose its place {' or '.join(ways)}."


def _more(share: float) -> str:
    return f"{share:.1%}" if share < 0.095 else f"{share:.0%}"


def _rival(o: Mapping[str, object], kinds: str, unit: str) -> str:
    if not o["rival"] or o["rival"] == o["runner_up"]:
        return ""
    share, per = float(str(o["rival_share"])), float(str(o["rival_per_musd"]))
    same = "the same people" if share > 0.995 else f"{share:.0%} of the same people"
    return f" For {same} the next best is {kinds} ({o['rival']}, {per:,.0f} {unit})."

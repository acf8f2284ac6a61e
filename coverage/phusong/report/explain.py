"""Plain words about one commune, option, remedy or site of a result."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from phusong.errors import InputError, Problem, nearest_name
from phusong.region.names import places_named
from phusong.report.explain_option import refused_words, standing_words
from phusong.report.explain_sharing import locked_words, readiness_words
from phusong.report.result import GAP_PARTS, Result, as_words
from phusong.report.theme import GAP_LABELS

__all__ = ["explain"]

_CAUSES: Mapping[str, str] = {
    "gap_no_signal": "no cell reaches them with a usable signal",
    "gap_locked": "a signal is there, but from a network their operator may not use",
    "gap_unstable": "the signal is there but off too many hours of the year (power or links)",
    "gap_congested": "too many people share the cell in the busy hour",
}
_LISTED = 3
_MOST_NAMESAKES = 20


def explain(result: Result, name: str) -> str:
    """Return what a result says about one thing, in plain words.

    Parameters
    ----------
    result : Result
        As a run made it or as read from its folder.
    name : str
        A commune code or name, a bundle id, the rank of an option, a site id or a remedy id.

    Raises
    ------
    InputError
        If nothing in the result has that name; the nearest known name is proposed.
    """
    wanted = str(name).strip()
    for find in (
        _find_commune_code,
        _find_option,
        _find_remedy,
        refused_words,
        _find_site,
        _find_rank,
        _find_commune_name,
    ):
        text = find(result, wanted)
        if text:
            return text
    known = [
        *result.communes["commune_code"].astype(str),
        *result.communes["name"].astype(str),
        *result.options["bundle_id"].astype(str),
        *_remedies(result),
        *result.sites["site_id"].astype(str),
        *(result.bundles["bundle_id"].astype(str) if len(result.bundles) else ()),
    ]
    hint = nearest_name(wanted, known)
    raise InputError(
        Problem("id", f"is no commune, option, rank, remedy or site of this result{hint}", value=wanted)
    )


def _find_commune_code(result: Result, wanted: str) -> str:
    return _each(result.communes, "commune_code", wanted, lambda row: _commune(result, row))


def _find_commune_name(result: Result, wanted: str) -> str:
    communes = result.communes
    rows, in_full = places_named(wanted, communes["name"].astype(str).tolist())
    if in_full or len(rows) == 1:
        return "\n\n".join(_commune(result, row) for row in _records(communes.iloc[rows]))
    if not rows:
        return ""
    province = communes["province"].astype(str) if "province" in communes.columns else None
    listed = [
        f"  {communes['commune_code'].iloc[k]}  {communes['name'].iloc[k]}"
        + ("" if province is None else f", {province.iloc[k]}")
        for k in rows[:_MOST_NAMESAKES]
    ]
    more = [f"  … and {len(rows) - _MOST_NAMESAKES} more"] if len(rows) > _MOST_NAMESAKES else []
    return "\n".join([f"{len(rows)} communes are named so; ask for one by its code:", *listed, *more])


def _find_option(result: Result, wanted: str) -> str:
    return _each(result.options, "bundle_id", wanted, lambda row: _option(result, row))


def _find_rank(result: Result, wanted: str) -> str:
    number = wanted.removeprefix("#").removeprefix("rank").strip()
    if not number.isdecimal():
        return ""
    return _each(result.options, "rank", str(int(number)), lambda row: _option(result, row))


def _find_remedy(result: Result, wanted: str) -> str:
    if wanted not in _remedies(result):
        return ""
    bundles = [r for r in _records(result.options) if wanted in as_words(r["remedies"])]
    lines = [f"Remedy {wanted}"]
    for row in _records(result.plan[result.plan["remedy_id"].astype(str) == wanted]):
        kind = f" ({str(row['kind']).replace('_', ' ')})" if row.get("kind") else ""
        lines.append(
            f"In the plan{kind}: year {row['year']}, fund {row['fund']}, {_musd(row['cost_musd'])}, "
            f"{_people(row['people_gained'])} more people served."
        )
    if len(lines) == 1:
        lines.append("Not in the plan: the budget goes farther elsewhere.")
    lines += [
        f"Part of option {row['bundle_id']}, rank {row['rank']}: {row['why']}" for row in bundles[:_LISTED]
    ]
    if len(bundles) > _LISTED:
        lines.append(f"… and of {len(bundles) - _LISTED} more options.")
    return "\n".join(lines)


def _find_site(result: Result, wanted: str) -> str:
    return _each(result.sites, "site_id", wanted, lambda row: _site(result, row))


def _commune(result: Result, row: Mapping[str, Any]) -> str:
    code, population = str(row["commune_code"]), float(row["population"])
    place = ", ".join(str(row[k]) for k in ("kind", "province") if row.get(k))
    lines = [f"{row['name']} ({code}{', ' + place if place else ''})"]
    if population <= 0:
        return "\n".join([*lines, "Nobody lives here according to the population layer."])
    lines.append(
        f"{_people(population)} people; {_people(row['people_served'])} ({_percent(row['share_served'])}) "
        "have stable internet (modelled)."
    )
    gaps = sorted(((float(row[p]), p) for p in GAP_PARTS), key=lambda g: (-g[0], g[1]))
    shown = [(n, p) for n, p in gaps if n >= 0.5]
    if shown:
        lines.append("The others, by the first cause that applies:")
        lines += [
            f"  {_people(n)} ({_percent(n / population)}) {GAP_LABELS[p].lower()}: {_CAUSES[p]}."
            for n, p in shown
        ]
    lines.append(f"Service is off {float(row['hours_lost_year']):.0f} hours a year on average.")
    if row.get("share_measured") is not None:
        lines.append(f"{_percent(row['share_measured'])} of this answer stands on measured or official data.")
    of = f" of {_people(row['facilities'])}" if row.get("facilities") is not None else ""
    lines.append(
        f"Facilities (schools, clinics, offices) served: {_people(row['facilities_served'])}{of}. "
        f"Remoteness rank {_people(row['rank_remote'])} of {len(result.communes)} (1: most remote)."
    )
    lines += readiness_words(result, code)
    here = [r for r in _records(result.options) if code in as_words(r["commune_code"])]
    here.sort(key=lambda r: int(r["rank"]))
    if here:
        lines.append(f"Options here: {len(here)}. Best:")
        lines += [
            f"  rank {r['rank']} ({r['bundle_id']}): {_kinds(r)}, {_musd(r['cost_musd'])}, "
            f"{_people(r['people_gained'])} more people."
            for r in here[:_LISTED]
        ]
    else:
        lines.append("No option considered here gains anybody beyond those ranked elsewhere.")
    return "\n".join(lines)


def _option(result: Result, row: Mapping[str, Any]) -> str:
    names = dict(
        zip(result.communes["commune_code"].astype(str), result.communes["name"].astype(str), strict=True)
    )
    where = ", ".join(f"{names.get(c, '')} ({c})".strip() for c in as_words(row["commune_code"]))
    cost = float(row["cost_musd"])
    gain, alone = _people(row["people_gained"]), _people(row["people_alone"])
    build, run = _musd(row["capex_musd"]), _musd(row["opex_musd_year"])
    lines = [
        f"Option {row['bundle_id']}, rank {row['rank']} of {len(result.options)}, in {where}",
        f"Works: {_kinds(row)} (remedies {', '.join(as_words(row['remedies']))}).",
        f"Why: {row['why']}",
        f"Cost: {_musd(cost)}, net present ({build} to build, {run} a year to run).",
        f"Gain: {gain} people beyond the options ranked above; {alone} if it were built alone.",
    ]
    if cost > 0:
        lines.append(f"That is {_people(row['people_per_musd'])} people per million USD.")
    else:
        lines.append("It costs nothing, so it ranks before all that cost.")
    operators = ", ".join(as_words(row["operators"]))
    if operators:
        lines.append(f"Whose subscribers gain: {operators}.")
    if pd.notna(row["rank_p05"]) and pd.notna(row["rank_p95"]):
        lines.append(
            f"When costs and people are uncertain its rank lies between {_people(row['rank_p05'])} and "
            f"{_people(row['rank_p95'])} in 90 % of the samples."
        )
    lines += standing_words(result, row)
    modelled = as_words(row.get("modelled_layers"))
    if modelled:
        lines.append(f"It rests on layers that are modelled or assumed: {', '.join(modelled)}.")
    elif "modelled_layers" in row:
        lines.append("It rests on measured and official layers alone.")
    chosen = set(result.plan["remedy_id"].astype(str)) & set(as_words(row["remedies"]))
    total = len(as_words(row["remedies"]))
    lines.append(f"In the plan: {len(chosen)} of its {total} remedies." if chosen else _left_out(result, row))
    return "\n".join(lines)


def _left_out(result: Result, row: Mapping[str, Any]) -> str:
    budget = (result.summary.get("plan") or {}).get("budget_musd")
    if budget is None or float(row["cumulative_cost_musd"]) <= float(budget):
        return "Not in the plan: the money goes farther on others together."
    return (
        f"Not in the plan: the options above it together cost {_musd(row['cumulative_cost_musd'] - row['cost_musd'])}, "
        f"and the budget is {_musd(budget)}."
    )


def _site(result: Result, row: Mapping[str, Any]) -> str:
    owner = f", owned by {row['owner']}" if row.get("owner") else ""
    lines = [f"Site {row['site_id']}{owner}"]
    operators = ", ".join(as_words(row.get("operators")))
    if operators:
        lines.append(f"Operators on it: {operators}.")
    lines.append(
        f"{_people(row['people_heard'])} people hear it best, {_people(row['people_served'])} are served by it."
    )
    availability, load = float(row["availability"]), float(row["load"])
    if np.isfinite(availability):
        lines.append(
            f"It works {100 * availability:.2f} % of the year ({8760 * (1 - availability):.0f} hours off)."
        )
    if np.isfinite(load):
        lines.append(f"Busy-hour load: {100 * load:.0f} %.")
    bottleneck = str(row["bottleneck"] or "none")
    lines.append(
        f"What holds it back: {'nothing' if bottleneck == 'none' else bottleneck.replace('_', ' ')}."
    )
    if row.get("power_source"):
        lines.append(f"Power: {str(row['power_source']).replace('_', ' with ')}.")
    reason = str(row.get("lock_reason") or "none")
    if reason not in {"none", "nan"}:
        lines.append(f"Others may not use it ({reason}).")
    lines += locked_words(result, str(row["site_id"]))
    return "\n".join(lines)


def _each(frame: pd.DataFrame, column: str, wanted: str, tell: Callable[[Mapping[str, Any]], str]) -> str:
    # namesakes are all told, one paragraph each
    return "\n\n".join(tell(row) for row in _records(frame[frame[column].astype(str) == wanted]))


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = pd.DataFrame(frame.drop(columns=[c for c in ("geometry", "folded") if c in frame.columns]))
    return [
        {str(k): None if isinstance(v, float) and np.isnan(v) and k not in {"availability", "load"} else v
         for k, v in row.items()}
        for row in plain.to_dict("records")
    ]  # fmt: skip


def _remedies(result: Result) -> list[str]:
    bundled = [r for cell in result.options["remedies"] for r in as_words(cell)]
    return list(dict.fromkeys([*bundled, *result.plan["remedy_id"].astype(str)]))


def _kinds(row: Mapping[str, Any]) -> str:
    return ", ".join(dict.fromkeys(k.replace("_", " ") for k in as_words(row["kinds"])))


def _people(value: object) -> str:
    return f"{float(str(value)):,.0f}" if value is not None else "unknown"


def _percent(share: object) -> str:
    return f"{100 * float(str(share)):.1f} %"


def _musd(cost: object) -> str:
    value = float(str(cost))
    return f"{value:.3g} million USD" if value else "no money"

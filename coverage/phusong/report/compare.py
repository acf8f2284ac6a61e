"""What differs between results: headline figures, communes, remedies and scenarios."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import pandas as pd
from markupsafe import Markup

from phusong.errors import InputError, Problem
from phusong.report.page import figure_text, page_environment
from phusong.report.result import GAP_PARTS, Result, as_words

__all__ = ["Comparison", "compare", "comparison_html", "flat_settings"]

_FIGURES = ("people", "people_served", "share_served", *GAP_PARTS, "hours_lost_year_mean")
_PLAN_FIGURES = ("budget_musd", "cost_musd", "people_gained", "bound_people", "distance_share")
_LISTED_COMMUNES = 30
_LABELS: Mapping[str, str] = {
    "people": "People",
    "people_served": "People served",
    "share_served": "Share served [0–1]",
    "gap_no_signal": "No signal [people]",
    "gap_locked": "Locked [people]",
    "gap_unstable": "Unstable [people]",
    "gap_congested": "Congested [people]",
    "hours_lost_year_mean": "Hours lost a year, mean",
    "plan.budget_musd": "Plan: budget [million USD]",
    "plan.cost_musd": "Plan: cost [million USD]",
    "plan.people_gained": "Plan: people gained",
    "plan.bound_people": "Plan: no plan gains more than [people]",
    "plan.distance_share": "Plan: distance from that bound [0–1]",
}


@dataclass(frozen=True)
class Comparison:
    """Results side by side; the first is the one the others are measured against.

    Parameters
    ----------
    names : tuple of str
        The results, in the order given.
    summary : DataFrame
        One row a headline figure, one column a result.
    communes : DataFrame
        One row a commune: commune_code, name, province, people served in each result (``served: NAME``) and
        the change against the first (``change: NAME``), largest change first. [people]
    remedies : DataFrame
        One row a remedy of any plan: remedy_id, whether it is in the plan of each result, and how many have it.
    overlap : DataFrame
        Remedies that two plans have in common: one row and one column a result.
    scenarios : DataFrame
        Settings that differ: setting, and its value in each result.
    """

    names: tuple[str, ...]
    summary: pd.DataFrame
    communes: pd.DataFrame
    remedies: pd.DataFrame
    overlap: pd.DataFrame
    scenarios: pd.DataFrame


def compare(results: Mapping[str, Result]) -> Comparison:
    """Return what differs between results.

    Parameters
    ----------
    results : mapping of str to Result
        At least two, by the name to show; the first is the base.

    Raises
    ------
    InputError
        If fewer than two results are given.
    """
    if len(results) < 2:
        raise InputError(Problem("compare", f"needs two results or more, {len(results)} given"))
    return Comparison(
        names=tuple(results),
        summary=_summary(results),
        communes=_communes(results),
        remedies=_remedies(results),
        overlap=_overlap(results),
        scenarios=_scenarios(results),
    )


def comparison_html(comparison: Comparison) -> str:
    """Return the comparison as one HTML page that opens offline; all text is escaped."""
    folder = files("phusong.report")
    css = folder.joinpath("page.css").read_text(encoding="utf-8")
    template = folder.joinpath("compare.html.j2").read_text(encoding="utf-8")
    changed = comparison.communes
    moves = [c for c in changed.columns if c.startswith("change: ")]
    moved = changed[(changed[moves].abs() >= 0.5).any(axis=1)]
    change = (
        f"People served; the change is against {comparison.names[0]}. "
        f"{min(len(moved), _LISTED_COMMUNES)} of {len(moved)} that change, largest first."
    )
    in_all = comparison.remedies["plans"] == len(comparison.names)
    common = _cells(comparison.remedies.loc[in_all, ["remedy_id"]])
    overlap, settings = _cells(comparison.overlap), _cells(comparison.scenarios)
    return (
        page_environment()
        .from_string(template)
        .render(
            css=Markup(css),  # noqa: S704 - our own file
            names=comparison.names,
            tables=[
                ("Headline figures", "One column a result.", _cells(comparison.summary)),
                ("Communes that gain or lose", change, _cells(moved.head(_LISTED_COMMUNES))),
                ("Remedies the plans share", "How many remedies two plans have in common.", overlap),
                ("Remedies in every plan", "Chosen in each of these scenarios: safe first steps.", common),
                ("What the scenarios set differently", "Settings equal in all are left out.", settings),
            ],
        )
    )


def flat_settings(toml: str) -> dict[str, Any]:
    r"""Return the settings of a scenario as dotted keys.

    Examples
    --------
    >>> flat_settings('seed = 1\n[sharing]\npolicy = "mocn"')
    {'seed': 1, 'sharing.policy': 'mocn'}
    """
    found: dict[str, Any] = {}

    def walk(prefix: str, table: Mapping[str, Any]) -> None:
        for key, value in table.items():
            if isinstance(value, dict):
                walk(f"{prefix}{key}.", value)
            else:
                found[prefix + key] = value

    walk("", tomllib.loads(toml))
    return found


def _summary(results: Mapping[str, Result]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [{"figure": "Sharing policy"}, *({"figure": _LABELS[k]} for k in _LABELS)]
    for name, result in results.items():
        plan = result.summary.get("plan") or {}
        values = [
            result.summary.get("policy"),
            *(result.summary.get(k) for k in _FIGURES),
            *(plan.get(k) for k in _PLAN_FIGURES),
        ]
        for row, value in zip(rows, values, strict=True):
            row[name] = value
    return pd.DataFrame(rows).astype(object)


def _communes(results: Mapping[str, Result]) -> pd.DataFrame:
    base = next(iter(results))
    known = pd.concat([r.communes[["commune_code", "name", "province"]] for r in results.values()])
    table = pd.DataFrame(known.drop_duplicates("commune_code").set_index("commune_code"))
    for name, result in results.items():
        served = result.communes.set_index("commune_code")["people_served"].astype(float)
        table[f"served: {name}"] = served.reindex(table.index)
    others = [name for name in results if name != base]
    for name in others:
        table[f"change: {name}"] = table[f"served: {name}"] - table[f"served: {base}"]
    largest = table[[f"change: {n}" for n in others]].abs().max(axis=1).fillna(0.0)
    order = largest.sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index()


def _chosen(results: Mapping[str, Result]) -> dict[str, list[str]]:
    return {n: list(dict.fromkeys(r.plan["remedy_id"].astype(str))) for n, r in results.items()}


def _remedies(results: Mapping[str, Result]) -> pd.DataFrame:
    chosen = _chosen(results)
    ids = list(dict.fromkeys(i for plan in chosen.values() for i in plan))
    table = pd.DataFrame({"remedy_id": pd.Series(ids, dtype=object)})
    for name, plan in chosen.items():
        table[name] = table["remedy_id"].isin(plan)
    table["plans"] = table[list(chosen)].sum(axis=1).astype(int)
    return table.sort_values("plans", ascending=False, kind="stable", ignore_index=True)


def _overlap(results: Mapping[str, Result]) -> pd.DataFrame:
    chosen = {name: set(plan) for name, plan in _chosen(results).items()}
    rows = [{"plan of": a, **{b: len(chosen[a] & chosen[b]) for b in chosen}} for a in chosen]
    return pd.DataFrame(rows)


def _scenarios(results: Mapping[str, Result]) -> pd.DataFrame:
    settings = {name: flat_settings(r.scenario_toml) for name, r in results.items()}
    keys = list(dict.fromkeys(k for s in settings.values() for k in s))
    rows = []
    for key in keys:
        values = [s.get(key) for s in settings.values()]
        if any(v != values[0] for v in values[1:]):
            rows.append({"setting": key, **dict(zip(settings, values, strict=True))})
    return pd.DataFrame(rows, columns=["setting", *settings]).astype(object)


def _cells(frame: pd.DataFrame) -> dict[str, Any]:
    rows = [[_cell(v) for v in row] for row in frame.itertuples(index=False, name=None)]
    numeric = [any(row[k][1] for row in rows) for k in range(frame.shape[1])]
    heads = [
        (str(c).replace("_", " ").capitalize() if k == 0 else str(c)) for k, c in enumerate(frame.columns)
    ]
    return {"columns": list(zip(heads, numeric, strict=True)), "rows": rows}


def _cell(value: object) -> tuple[str, bool]:
    if isinstance(value, bool):
        return ("yes" if value else "no"), False
    if isinstance(value, (list, tuple)):
        return ", ".join(as_words(value)), False
    text = figure_text(value)
    return text, not isinstance(value, str)

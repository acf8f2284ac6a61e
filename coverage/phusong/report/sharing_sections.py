"""The page's sections on locked sites and on readiness."""

from importlib.resources import files
from typing import Any

import pandas as pd
from jinja2 import Environment
from markupsafe import Markup

from phusong.report.result import Result

__all__ = ["sharing_sections"]

_LISTED_SITES = 40
_LISTED_COMMUNES = 30
_LISTED_ASSETS = 25
_LOCK_WORDS = {
    "structural": "the structure carries no more",
    "security": "security forbids it",
    "contract": "owner or contract does not allow it",
    "technical": "the equipment serves no second network",
    "legal": "a rule stands against it",
    "unknown": "nobody said why",
    "no agreement": "not locked: the policy in force opens it to nobody",
}


def sharing_sections(result: Result, environment: Environment) -> Markup:
    """Return the sections as HTML; what a result does not hold is left out.

    Parameters
    ----------
    result : Result
        What to show.
    environment : Environment
        Of the page: escapes everything, knows `people`, `percent`, `musd`.
    """
    source = files("phusong.report").joinpath("sharing_sections.html.j2").read_text(encoding="utf-8")
    named = dict(
        zip(result.communes["commune_code"].astype(str), result.communes["name"].astype(str), strict=True)
    )
    page = environment.from_string(source).render(
        locks=_locks(result.locks),
        locked=_locked(result.locked_assets, named),
        readiness=result.summary.get("readiness") or {},
        communes=_communes(result.readiness, named),
        cuts=_cut_points(result.readiness, named),
        stranded=_stranded(result.stranded, named),
        stranded_kinds=_stranded_kinds(result.stranded),
        twins=_rows(result.isolated_builds, named)[:_LISTED_ASSETS],
    )
    return Markup(page)  # noqa: S704 - rendered with escaping on


def _locks(locks: pd.DataFrame) -> list[dict[str, Any]]:
    return [{**r, "words": _LOCK_WORDS.get(str(r["lock_reason"]), "")} for r in _records(locks)]


def _locked(assets: pd.DataFrame, named: dict[str, str]) -> dict[str, Any]:
    if assets.empty:
        return {"rows": [], "count": 0}
    locked = assets[assets["lock_reason"] != "no agreement"]
    order = ["people_behind", "people_locked_out", "site_id"]
    best = locked.sort_values(order, ascending=[False, False, True]).head(_LISTED_SITES)
    rows = [{**row, "costs": _costs(row)} for row in _rows(best, named)]
    return {"rows": rows, "count": len(locked)}


def _costs(row: dict[str, Any]) -> list[tuple[str, float]]:
    """Return the remedies that the lock allows, with what each costs."""
    names = [c.removeprefix("cost_").removesuffix("_musd") for c in row if c.startswith("cost_")]
    return [(n.replace("_", " "), row[f"cost_{n}_musd"]) for n in names if pd.notna(row[f"cost_{n}_musd"])]


def _communes(readiness: pd.DataFrame, named: dict[str, str]) -> list[dict[str, Any]]:
    if readiness.empty:
        return []
    return _rows(readiness.sort_values(["ready_share", "commune_code"]).head(_LISTED_COMMUNES), named)


def _cut_points(readiness: pd.DataFrame, named: dict[str, str]) -> list[dict[str, Any]]:
    if readiness.empty:
        return []
    found = readiness[readiness["cut_point"].astype(bool) | readiness["single_homed"].astype(bool)]
    order = ["people_behind", "population", "commune_code"]
    return _rows(found.sort_values(order, ascending=[False, False, True]).head(_LISTED_COMMUNES), named)


def _stranded(stranded: pd.DataFrame, named: dict[str, str]) -> list[dict[str, Any]]:
    return _rows(stranded.head(_LISTED_ASSETS), named)


def _stranded_kinds(stranded: pd.DataFrame) -> list[dict[str, Any]]:
    if stranded.empty:
        return []
    groups = stranded.groupby(["kind", "grade", "missing"], sort=True)
    found = groups.agg(count=("asset_id", "size"), value_musd=("value_musd", "sum")).reset_index()
    return _records(found)


def _rows(frame: pd.DataFrame, named: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {**r, "commune": named.get(str(r["commune_code"]), "outside all communes")} for r in _records(frame)
    ]


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]

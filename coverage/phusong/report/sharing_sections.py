"""What the page says of locked sites and of readiness."""

from typing import Any

import pandas as pd

from phusong.report.page_tables import records
from phusong.report.result import ResultData
from phusong.report.text import catalogue, slug

__all__ = ["sharing_rows"]

_LISTED_SITES = 40
_LISTED_COMMUNES = 30
_LISTED_ASSETS = 25
_READINESS = (
    "ready_share", "has_signal", "has_power", "has_backhaul", "busy_hours_share", "stranded_musd", "stranded_assets",
    "stranded_absent_assets", "single_homed_communes", "cut_point_communes", "isolated_builds",
)  # fmt: skip


def sharing_rows(result: ResultData) -> dict[str, Any]:
    """Return the rows of the sections on locked sites and readiness; what a result does not hold is empty.

    Parameters
    ----------
    result : ResultData
        What to show.
    """
    named = dict(
        zip(result.communes["commune_code"].astype(str), result.communes["name"].astype(str), strict=True)
    )
    readiness = result.summary.get("readiness") or {}
    return {
        "locks": _locks(result.locks),
        "locked": _locked(result.locked_assets, named),
        "readiness": {k: readiness.get(k) for k in _READINESS},
        "communes": _communes(result.readiness, named),
        "cuts": _cut_points(result.readiness, named),
        "stranded": _rows(result.stranded.head(_LISTED_ASSETS), named),
        "stranded_kinds": _stranded_kinds(result.stranded),
        "twins": _rows(result.isolated_builds.head(_LISTED_ASSETS), named),
    }


def _locks(locks: pd.DataFrame) -> list[dict[str, Any]]:
    return [{**r, "known": f"lock_means.{slug(r['lock_reason'])}" in catalogue()} for r in records(locks)]


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
    return [(n, row[f"cost_{n}_musd"]) for n in names if row[f"cost_{n}_musd"] is not None]


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


def _stranded_kinds(stranded: pd.DataFrame) -> list[dict[str, Any]]:
    if stranded.empty:
        return []
    groups = stranded.groupby(["kind", "grade", "missing"], sort=True)
    return records(groups.agg(count=("asset_id", "size"), value_musd=("value_musd", "sum")).reset_index())


def _rows(frame: pd.DataFrame, named: dict[str, str]) -> list[dict[str, Any]]:
    """Return the rows with the name of each commune, and its code where the table of communes has it."""
    found = []
    for row in records(frame):
        code = str(row["commune_code"] or "")
        found.append({**row, "commune": named.get(code, "–"), "commune_known": code if code in named else ""})
    return found

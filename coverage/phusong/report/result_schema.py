"""What a result folder's tables, rasters and headline figures must be before anything is made of them."""

from collections.abc import Iterator, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from phusong.errors import Problem
from phusong.region.grid import Grid
from phusong.report.result import COLUMNS, GAP_PARTS

__all__ = ["NEEDED", "book_problems", "grid_problems", "place_problems", "summary_problems", "table_problems"]

_PARTS = ("people_served", *GAP_PARTS)
NEEDED: Mapping[str, tuple[str, ...]] = {
    **COLUMNS,
    "policies": ("policy", *_PARTS),
    "policy_communes": ("policy", "commune_code", "people_served"),
    "curve": ("cost_musd", "people"),
    "locked_assets": (
        "site_id", "owner", "lock_reason", "stable", "people_behind", "people_locked_out", "people_only_here",
        "room_people", "stabilise_musd", "best_remedy", "people_per_musd", "remedies",
    ),
    "locks": ("lock_reason", "sites", "people_behind", "people_locked_out"),
    "readiness": (
        "commune_code", "ready_share", "has_signal", "has_power", "has_backhaul", "stranded_assets",
        "stranded_musd", "reaches_core", "single_homed", "cut_point", "communes_behind", "people_behind",
    ),
    "isolated_builds": ("site_id", "twin_id", "twin_owner", "distance_m", "twin_spare_slots"),
    "remedies": ("remedy_id", "kind", "cost_musd"),
    "bundles": ("bundle_id", "kinds", "commune_code", "works_site_ids", "remedies", "cost_musd", "people_alone"),
    "people_groups": ("commune_code", "people"),
    "option_communes": ("bundle_id", "commune_code", "people_gained"),
    "plan_communes": ("commune_code", "year", "people_gained"),
    "plan_line_communes": ("remedy_id", "commune_code", "year", "people_gained"),
    "bundle_groups": ("bundle", "group"),
}  # fmt: skip
"""Columns a table that is there must have."""

_WORDS = frozenset(
    {"kinds", "remedies", "commune_code", "operators", "modelled_layers", "works_site_ids", "works_commune_codes",
     "behind_site_ids", "gain_commune_codes", "rival_kinds", "shared_remedies"}
)  # fmt: skip
_TEXTS = _WORDS | {
    "accountable", "as_of", "asset", "asset_id", "best_remedy", "bottleneck", "bundle_id", "commune", "falls_behind",
    "follows", "from_id", "fund", "grade", "id", "input", "kind", "late_fund", "layer", "level", "licence", "link_id",
    "lock_reason", "missing", "money", "name", "note", "notes", "owner", "policy", "power_source", "province",
    "remedy_id", "result", "rival", "runner_up", "runner_up_commune", "sector", "settlement_id", "site_id", "source",
    "structure", "to_id", "twin_id", "twin_owner", "unit", "waits_for", "what", "why", "level_with", "ranked_by", "reason",
}  # fmt: skip
_FLAGS = frozenset(
    {"best_in_worst", "cut_point", "hollow", "in_cautious_plan", "line_of_sight", "met", "modelled", "on_grid",
     "reaches_core", "shareable", "single_homed", "stable", "waits", "white", "zone_free"}
)  # fmt: skip
_OTHERWISE = frozenset({"remote"})  # a class, a number or a word
_NUMBERS = frozenset(
    {"allocated_musd", "availability", "base", "best_people", "bound_people", "bundle", "communes_behind", "fact",
     "facilities", "facilities_served", "group", "high", "keep_probability", "load", "low", "population", "rank",
     "rank_p05", "rank_p95", "rank_remote", "serves_from", "sites", "stranded_assets", "twin_spare_slots", "year",
     *GAP_PARTS}
)  # fmt: skip
_MEASURES = ("_musd", "_m", "_km", "_share", "_year", "_people", "_per_musd", "_factor")
_GAPS = frozenset({"availability", "load", "people_per_musd", "rank_p05", "rank_p95", "share_served", "rank_remote",
                   "east_m", "north_m", "hours_lost_year", "facilities_served", "people_heard"})  # fmt: skip
_UNIQUE: Mapping[str, str] = {"communes": "commune_code", "options": "bundle_id", "remedies": "remedy_id",
                              "bundles": "bundle_id"}  # fmt: skip
_CORE = frozenset({*COLUMNS, "remedies", "bundles", "people_groups", "bundle_groups"})
_MAY_BE_NEGATIVE = frozenset({"east_m", "north_m"})
_OF_NOTHING = frozenset({"lead_share", "falls_at_cost_factor"})  # by how much what costs nothing leads
_MOST = 1e15
_LONGEST_TEXT = 131_072
_YEARS = (1900, 2200)
_FARTHEST_M = 5e7
_SHAPES: Mapping[str, frozenset[str]] = {
    "communes": frozenset({"Polygon", "MultiPolygon"}),
    "sites": frozenset({"Point"}),
    "settlements": frozenset({"Point"}),
}
_SUMMARY_NUMBERS = ("people", *_PARTS, "share_served", "hours_lost_year_mean", "share_measured")
_PLAN_NUMBERS = ("budget_musd", "cost_musd", "people_gained", "bound_people", "distance_share", "cost_to_close_musd", "expected_people", "people_p05", "people_p95", "within_budget_share", "sharing_remedies",
                 "people_closable")  # fmt: skip


def table_problems(frame: pd.DataFrame, name: str, where: str) -> list[Problem]:
    """Return what is wrong with one table: columns missing or twice, values of another kind or beyond measure.

    Parameters
    ----------
    frame : DataFrame
        As it was read.
    name, where : str
        The table, as in :class:`phusong.report.result.Result`; its file.
    """
    if frame.columns.has_duplicates:
        return [Problem(where, "has two columns of one name")]
    if frame.empty and name not in COLUMNS:
        return []
    missing = [c for c in NEEDED.get(name, ()) if c not in frame.columns]
    if missing:
        return [Problem(where, f"lacks {', '.join(missing)}; make the result anew")]
    found = [p for c in frame.columns if c != "geometry" for p in _column(frame[c], str(c), name, where)]
    key = _UNIQUE.get(name)
    if not found and key and frame[key].astype(str).duplicated().any():
        again = frame[key].astype(str)[frame[key].astype(str).duplicated()].iloc[0]
        found.append(Problem(where, "stands there twice; keys must differ", column=key, value=again))
    return found


def place_problems(frame: pd.DataFrame, name: str, where: str, grid: Grid) -> list[Problem]:
    """Return what is wrong with the places of a table: no shapes, of another kind, in another CRS, out of the world."""
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name != "geometry":
        return [Problem(where, "has no geometry column")]
    if frame.crs is None or not CRS(frame.crs).equals(CRS(grid.crs), ignore_axis_order=True):
        held = "none" if frame.crs is None else frame.crs.name
        return [Problem(where, f"is in another CRS than rsrp.tif ({grid.crs[:60]})", value=held)]
    shapes = frame.geometry.to_numpy()
    kinds = {g.geom_type for g in shapes if g is not None and not g.is_empty}
    if kinds - _SHAPES[name]:
        told = (
            f"holds {', '.join(sorted(kinds - _SHAPES[name]))}; expected {' or '.join(sorted(_SHAPES[name]))}"
        )
        return [Problem(where, told, column="geometry")]
    bounds = shapely.bounds(shapes)
    # a place that is withheld has none
    empty = shapely.is_empty(shapes) | shapely.is_missing(shapes)
    if (~empty & ~(np.abs(bounds) < _FARTHEST_M).all(axis=1)).any():
        return [Problem(where, "holds places that lie nowhere on Earth", column="geometry")]
    if name == "communes" and (empty.any() or not len(frame)):
        return [Problem(where, "holds no commune, or one without a shape", column="geometry")]
    return []


def grid_problems(grid: Grid, where: str) -> list[Problem]:
    """Return what is wrong with where the pixels are."""
    try:
        crs = CRS(grid.crs)
    except CRSError:
        return [Problem(where, "is in a CRS that is not known", value=grid.crs[:60])]
    if not crs.is_projected or crs.axis_info[0].unit_name not in {"metre", "meter"}:
        return [Problem(where, "is in no projected CRS in metres", value=crs.name)]
    sound = all(abs(v) < _FARTHEST_M for v in (*grid.bounds, grid.cell_m)) and grid.cell_m > 0
    return [] if sound else [Problem(where, "lies nowhere on Earth; its transform is broken")]


def book_problems(tables: Mapping[str, pd.DataFrame], codes: frozenset[str]) -> list[Problem]:
    """Return what contradicts another table in what there is to buy: a bundle's remedies, whom it serves.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        remedies, bundles, people_groups, bundle_groups; each sound by itself.
    codes : frozenset of str
        Of the communes.
    """
    remedies, bundles = tables["remedies"], tables["bundles"]
    groups, pairs = tables["people_groups"], tables["bundle_groups"]
    if bundles.empty:
        return []
    if remedies.empty:
        return [
            Problem("remedies.parquet", "is empty or missing, but bundles.parquet names what could be bought")
        ]
    known = set(remedies["remedy_id"].astype(str))
    for row, cell in enumerate(bundles["remedies"], start=1):
        if not isinstance(cell, str) or not set(cell.split(";")) <= known:
            return [
                Problem("bundles.parquet", "names what is not in remedies.parquet", row, "remedies", cell)
            ]
    found = []
    if not len(groups) or not len(pairs):
        found.append(
            Problem("bundle_groups.parquet", "and people_groups.parquet must hold whom the bundles serve")
        )
        return found
    if not set(groups["commune_code"].astype(str)) <= codes:
        found.append(Problem("people_groups.parquet", "names communes that are not in communes.parquet"))
    for column, most in (("bundle", len(bundles)), ("group", len(groups))):
        number = pairs[column].to_numpy(np.float64)
        if ((number < 0) | (number >= most) | (number % 1 != 0)).any():
            told = f"goes beyond the {most:,} there are (counted from 0)"
            found.append(Problem("bundle_groups.parquet", told, column=column))
    if not found and (np.diff(pairs["bundle"].to_numpy(np.int64)) < 0).any():
        found.append(Problem("bundle_groups.parquet", "is not in the order of bundles", column="bundle"))
    return found


def summary_problems(summary: object, origin: object) -> list[Problem]:
    """Return what is wrong with the headline figures and the provenance."""
    if not isinstance(summary, dict):
        return [Problem("summary.json", "is no table of figures")]
    if not isinstance(origin, dict):
        return [Problem("provenance.json", "is no table of what the result is made of")]
    found = list(_numbers(summary, _SUMMARY_NUMBERS, ""))
    for name in ("title", "region", "policy"):
        if not isinstance(summary.get(name, ""), (str, type(None))):
            found.append(Problem("summary.json", "is no text", column=name))
    for name, inner in (("plan", _PLAN_NUMBERS), ("currency", ("vnd_per_usd",)), ("readiness", ())):
        part = summary.get(name)
        if part is not None and not isinstance(part, dict):
            found.append(Problem("summary.json", "is no table of figures", column=name))
        elif part:
            found += _numbers(part, inner, f"{name}.")
    seed = origin.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        found.append(Problem("provenance.json", "is no whole number from 0", column="seed", value=seed))
    for name in ("inputs_sha256", "inputs", "packages"):
        if not isinstance(origin.get(name) or {}, dict):
            found.append(Problem("provenance.json", "is no table of names", column=name))
    return found


def _numbers(table: Mapping[str, Any], names: tuple[str, ...], prefix: str) -> Iterator[Problem]:
    for name in names:
        value = table.get(name)
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _MOST
        if value is not None and not good:
            yield Problem("summary.json", "is no finite number", column=prefix + name, value=value)


def _column(values: "pd.Series[Any]", column: str, table: str, where: str) -> list[Problem]:
    told = ""
    bad = np.zeros(len(values), bool)
    number = pd.api.types.is_numeric_dtype(values.dtype)
    flag = pd.api.types.is_bool_dtype(values.dtype)
    if values.isna().all() and not (
        table in _CORE and column in NEEDED[table] and column not in _TEXTS | _GAPS
    ):
        return []
    if column in _TEXTS:
        told = "is no text" + (", nor a list of words" if column in _WORDS else "")
        bad = np.array([not _is_text(v, words=column in _WORDS) for v in values], bool)
    elif column in _FLAGS:
        told, bad = "is neither true nor false", np.full(len(values), not flag)
    elif column not in _OTHERWISE and _is_measure(column, table):
        if not number or flag or values.dtype.kind == "c":
            return [Problem(where, f"holds {values.dtype}, not numbers", column=column)]
        told, bad = _beyond(values.to_numpy(np.float64, na_value=np.nan), column, table)
    elif not (number or flag or pd.api.types.is_datetime64_any_dtype(values.dtype)):
        told = "is neither a number nor text"
        bad = np.array(
            [not (_is_text(v, words=True) or isinstance(v, (bool, int, float))) for v in values], bool
        )
    if not bad.any():
        return []
    row = int(np.flatnonzero(bad)[0])
    return [
        Problem(where, f"{told} ({int(bad.sum()):,} such rows)", row + 1, column, str(values.iloc[row])[:80])
    ]


def _is_measure(column: str, table: str) -> bool:
    named = column in NEEDED.get(table, ()) or column in _NUMBERS
    return named or column.startswith(("people", "share_", "hours_lost")) or column.endswith(_MEASURES)


def _beyond(values: "np.ndarray[Any, np.dtype[np.float64]]", column: str, table: str) -> tuple[str, Any]:
    if column in {"year", "serves_from"} and table == "plan":
        wrong = ~((values >= _YEARS[0]) & (values <= _YEARS[1]) & (values % 1 == 0))
        return f"is no year from {_YEARS[0]} to {_YEARS[1]}", wrong
    with np.errstate(invalid="ignore"):
        wrong = np.abs(values) > _MOST
        if column.endswith("_per_musd") or column in _OF_NOTHING:
            wrong &= ~np.isposinf(values)  # what costs nothing
        if table in _CORE and column in NEEDED[table]:
            wrong |= (values < 0) & (column not in _MAY_BE_NEGATIVE)
            wrong |= np.isnan(values) & (column not in _GAPS)
    return "is missing, negative, or beyond any measure", wrong


def _is_text(value: object, *, words: bool) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_TEXT
    if words and isinstance(value, (list, np.ndarray)):
        return all(isinstance(v, str) and len(v) <= _LONGEST_TEXT for v in value)
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))

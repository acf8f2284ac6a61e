"""The report page."""

import base64
import json
from functools import cache
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from phusong.io.text import LANGUAGES, Words, catalogue, finite, forms_for_page, markup, slug
from phusong.report.map_sheet import data_dates
from phusong.report.map_style import GAP_HEX, SERVED_HEX
from phusong.report.page_map import map_data
from phusong.report.page_tables import (
    QUALITIES,
    commune_rows,
    layer_rows,
    option_rows,
    plain_view,
    plan_rows,
    policy_rows,
    province_rows,
    records,
    remote_classes,
    repair_rows,
    schedule_view,
)
from phusong.report.wording import plan_sentences, sharing_sentence, statement_words
from phusong.result.model import ResultData
from phusong.result.schema import GAP_PARTS

__all__ = [
    "MOST_BYTES",
    "cause_bars",
    "chart_data",
    "money_curve",
    "page_environment",
    "report_html",
    "sharing_rows",
    "spending_bars",
    "swing_bars",
]

_MOST_BARS = 12
_MOST_STEPS = 1500
_MARKED_OPTIONS = 300


def chart_data(result: ResultData) -> dict[str, Any]:
    """Return the numbers of every chart: ``curve``, ``causes``, ``spending`` and ``tornado``."""
    return {
        "curve": money_curve(result),
        "causes": cause_bars(result),
        "spending": spending_bars(result.plan),
        "tornado": swing_bars(result.tornado),
    }


def money_curve(result: ResultData) -> dict[str, Any]:
    """Return people gained against money: the ranked options one after another, and the certified bound.

    ``steps`` and ``bound`` are pairs of cost [million USD] and people; ``options`` are rank, cost and people once
    an option is built; ``budget`` is the plan's. Long curves are thinned, their ends kept.
    """
    curve = result.curve
    ranked = result.options.sort_values("rank", kind="stable")
    if {"cost_musd", "people"} <= set(curve.columns):
        steps = curve.dropna(subset=["cost_musd", "people"]).sort_values("cost_musd", kind="stable")
        pairs = steps[["cost_musd", "people"]].to_numpy(np.float64)
    else:
        pairs = ranked[["cumulative_cost_musd", "cumulative_people"]].to_numpy(np.float64)
    if len(pairs) > _MOST_STEPS:
        pairs = pairs[np.unique(np.linspace(0, len(pairs) - 1, _MOST_STEPS).astype(np.int64))]
    bound: list[list[float]] = []
    if {"budget_musd", "bound_people"} <= set(curve.columns):
        known = curve.dropna(subset=["budget_musd", "bound_people"]).sort_values("budget_musd", kind="stable")
        bound = known[["budget_musd", "bound_people"]].to_numpy(np.float64).round(4).tolist()
    best = ranked.head(_MARKED_OPTIONS)
    spots = zip(best["rank"], best["cumulative_cost_musd"], best["cumulative_people"], strict=True)
    return {
        "steps": [[0.0, 0.0], *pairs.round(4).tolist()] if len(pairs) else [],
        "bound": bound,
        "options": [[int(r), round(float(c), 4), float(p)] for r, c, p in spots],
        "budget": finite((result.summary.get("plan") or {}).get("budget_musd")),
    }


def cause_bars(result: ResultData) -> list[list[Any]]:
    """Return the communes with most people not served: place in the table, then people by cause; most first."""
    parts = result.communes[list(GAP_PARTS)].reset_index(drop=True)
    lost = parts.sum(axis=1)
    most = lost[lost > 0].sort_values(ascending=False, kind="stable").head(_MOST_BARS).index
    return [[int(i), *parts.loc[i].astype(float).round(1).tolist()] for i in most]


def swing_bars(tornado: pd.DataFrame) -> list[list[Any]]:
    """Return input, then the plan's people with it low, as modelled and high; widest swing first."""
    columns = ["input", "people_low", "people_base", "people_high"]
    if tornado.empty or not set(columns) <= set(tornado.columns):
        return []
    return [
        [str(row[0]), *map(float, row[1:])] for row in tornado[columns].itertuples(index=False, name=None)
    ]


def spending_bars(plan: pd.DataFrame) -> dict[str, Any]:
    """Return the plan's cost by year and fund [million USD] and the people whom each year adds."""
    if plan.empty:
        return {"years": [], "funds": [], "cost": [], "people": []}
    table = plan.pivot_table(index="fund", columns="year", values="cost_musd", aggfunc="sum", fill_value=0.0)
    table = table.sort_index()
    people = plan.groupby("year")["people_gained"].sum().reindex(table.columns)
    return {
        "years": [str(y) for y in table.columns],
        "funds": [str(f) for f in table.index],
        "cost": table.to_numpy(np.float64).round(4).tolist(),
        "people": people.to_numpy(np.float64).round(1).tolist(),
    }


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


MOST_BYTES = 12_000_000
"""The page stays below this size; printed maps are left out of it first."""

_SCRIPTS = ("words.js", "choice.js", "tables.js", "map.js", "charts.js", "start.js")
_PICTURES = ("access", "rsrp", "network", "locked")
_PLAN_TABLES = ("schedule", "funds", "milestones")
_SURE_TABLES = ("tornado", "robustness", "sensitivity", "regret")
_METHODS = tuple(f"methods.{k}" for k in ("signal", "power", "sharing", "causes", "options", "order"))
_ELSEWHERE = (
    "compare", "figure", "audit", "principle", "drawn", "explain", "locked_list", "card", "ran", "stage", "judged", "storm",
    "told", "wind", "setting", "terminal", "problem", "progress", "kept", "place", "diff", "diff_column", "change", "path",
    "sweep", "source", "source_key", "source_access", "source_checked", "dataset", "watch", "fate", "event", "kpi",
    "scenario",
)  # fmt: skip
_LIMITS = tuple(f"limits.{k}" for k in ("network", "signal", "once", "costs", "target", "greedy"))
_COMMUNE_HEADS = (
    ("column.commune", False), ("column.commune_code", False), ("column.province", False),
    ("column.population", True), ("column.share_served", True), *((f"cause.{p}", True) for p in GAP_PARTS),
    ("column.hours_lost_year", True), ("column.facilities_served", True), ("column.rank_remote", True),
)  # fmt: skip


def report_html(result: ResultData, maps: Path | None = None, *, lang: str | None = None) -> str:
    """Return the report page of a result.

    Parameters
    ----------
    result : ResultData
        What to show; optional keys of its summary, and optional tables, may be missing.
    maps : Path, optional
        Folder with the printed maps; some are shown in the page when it stays below ``MOST_BYTES``.
    lang : str, optional
        Language in which the page opens, ``en`` or ``vi``; both stand in it. Default: ``report.lang`` of the scenario.
    """
    words = Words(lang or result.lang)
    drawing = map_data(result)
    context = {
        **_headline(result, words.lang),
        **_tables(result, words),
        "lang": words.lang,
        "layer_keys": [layer["key"] for layer in drawing["layers"]],
        "gap_parts": GAP_PARTS,
        "kind_codes": QUALITIES,
        "commune_heads": _COMMUNE_HEADS,
        "method_keys": _METHODS,
        "limit_keys": _LIMITS,
        "scenario": result.scenario_toml,
        "provenance": json.dumps(
            {**result.provenance, "outcome": result.outcome.as_json()},
            indent=2,
            sort_keys=True,
            ensure_ascii=False,
        ),
        "as_of": data_dates(result.layers),
        "digest": str(result.provenance.get("digest", ""))[:16],
    }
    context["contents"] = _contents(context)
    context["data"] = _data(result, context, drawing, words)
    template = page_environment(words).get_template("report.html.j2")
    # pictures come last: they fill the room that is left
    page = template.render(**context, pictures=[], **_libraries())
    pictures = _pictures(maps, MOST_BYTES - len(page.encode())) if maps is not None else []
    return template.render(**context, pictures=pictures, **_libraries()) if pictures else page


def page_environment(words: Words) -> Environment:
    """Return the templates' environment: everything is escaped, nothing undefined passes silently."""
    environment = Environment(
        loader=PackageLoader("phusong.report", "web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    names = ("t", "ta", "w", "n", "v", "d", "named", "note", "inner", "number")
    environment.globals.update({name: getattr(words, name) for name in names})
    return environment


def _headline(result: ResultData, lang: str) -> dict[str, Any]:
    summary = result.summary
    communes = result.communes
    people = finite(summary.get("people"))
    people = float(communes["population"].sum()) if people is None else people
    totals = {p: float(communes[p].sum()) for p in ("people_served", *GAP_PARTS)}
    totals |= {p: n for p in totals if (n := finite(summary.get(p))) is not None}
    colours = {"people_served": SERVED_HEX, **GAP_HEX}
    plan = summary.get("plan") or {}
    keys = (
        "budget_musd", "cost_musd", "people_gained", "bound_people", "distance_share", "cost_to_close_musd",
        "people_closable", "expected_people", "people_p05", "people_p95", "within_budget_share",
    )  # fmt: skip
    return {
        "title": Markup('<span data-t="title.own">{}</span>').format(result.title(lang)),
        "plain_title": result.title(lang),
        "region": str(summary.get("region") or ""),
        "policy": str(summary.get("policy") or "not stated"),
        "people": people,
        "people_served": totals["people_served"],
        "share_served": totals["people_served"] / people if people else None,
        "gap_total": sum(totals[p] for p in GAP_PARTS),
        "hours": finite(summary.get("hours_lost_year_mean")),
        "plan": {k: finite(plan.get(k)) for k in keys},
        "vnd": finite((summary.get("currency") or {}).get("vnd_per_usd")),
        "share_measured": finite(summary.get("share_measured")),
        "parts": [
            {
                "key": f"cause.{p}" if p != "people_served" else "cause.served",
                "colour": colour,
                "people": totals[p],
                "share": totals[p] / people if people else 0.0,
            }
            for p, colour in colours.items()
        ],
    }


def _tables(result: ResultData, words: Words) -> dict[str, Any]:
    options = option_rows(result, words)
    calibration = result.calibration.reindex(columns=["what", "fact", "model", "unit", "source", "note"])
    return {
        "options": options,
        "option_count": len(result.options),
        "has_cut": any(o["cut"] for o in options),
        "has_keep": "keep_probability" in result.options,
        "has_plan": len(result.plan) > 0,
        "plan_years": plan_rows(result.plan),
        **_said(result, words),
        "plan_tables": _views(result, _PLAN_TABLES, words),
        "sure_tables": _views(result, _SURE_TABLES, words),
        "has_tornado": not result.tornado.empty,
        "policies": policy_rows(result),
        "policies_planned": "people_served_with_plan" in result.policies,
        "sharing": sharing_rows(result),
        "provinces": province_rows(result.communes),
        "communes": commune_rows(result.communes),
        "remotes": remote_classes(result.communes),
        "calibration": records(calibration) if len(result.calibration) else [],
        "layers": layer_rows(result.layers),
        "repairs": repair_rows(result.repairs),
    }


def _said(result: ResultData, words: Words) -> dict[str, Any]:
    """Return what is said of the plan: what to expect, whether it shares, and of floors, targets and money."""
    codes, names = result.communes["commune_code"].astype(str), result.communes["name"].astype(str)
    named = dict(zip(codes, names, strict=True))
    statements = (result.summary.get("plan") or {}).get("statements") or ()
    sharing = sharing_sentence(result.summary)
    return {
        "plan_said": [markup(said, words) for said in plan_sentences(result.summary)],
        "sharing_said": markup(sharing, words) if sharing else "",
        "plan_statements": [markup(statement_words(said, named), words) for said in statements],
    }


def _views(result: ResultData, names: tuple[str, ...], words: Words) -> list[tuple[str, dict[str, Any]]]:
    """Return the optional tables that this result holds."""
    frames = {name: getattr(result, name, None) for name in names}
    held = {n: f for n, f in frames.items() if isinstance(f, pd.DataFrame) and not f.empty}
    codes, named = result.communes["commune_code"].astype(str), result.communes["name"].astype(str)
    known = dict(zip(codes, named, strict=True))
    return [
        (n, schedule_view(f, known, words) if n == "schedule" else plain_view(f, n)) for n, f in held.items()
    ]


def _contents(context: dict[str, Any]) -> list[tuple[str, str]]:
    shown = {
        "headline": "headline", "map-section": "map", "investments": "investments",
        "robust": "robust" if context["sure_tables"] else "", "policies": "policies",
        "locked": "locked" if context["sharing"]["locks"] else "",
        "ready": "ready" if context["sharing"]["communes"] else "",
        "commune-section": "communes", "facts": "facts", "sources": "sources", "methods": "methods",
    }  # fmt: skip
    return [(place, f"nav.{name}") for place, name in shown.items() if name]


def _data(result: ResultData, context: dict[str, Any], drawing: dict[str, Any], words: Words) -> Markup:
    data = {
        "lang": words.lang,
        "words": {
            **{k: said for k, said in catalogue().items() if k.partition(".")[0] not in _ELSEWHERE},
            "title.own": {lang: result.title(lang) for lang in LANGUAGES},
        },
        "forms": forms_for_page(),
        "map": drawing,
        "charts": chart_data(result),
        "colours": {"served": SERVED_HEX, **GAP_HEX},
        "communes": [[c["code"], c["name"]] for c in context["communes"]],
        "options": [[o["rank"], str(o["bundle_id"]), o["codes"]] for o in context["options"]],
        "csv": [key for key, _ in _COMMUNE_HEADS],
        "file": "communes.csv",
        "region": context["region"],
    }
    return htmlsafe_json_dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@cache
def _libraries() -> dict[str, Any]:
    """Return scripts and styles: two libraries as their packages carry them, and our own."""
    maplibre = distribution("maplibre")
    library = {
        name: Path(str(maplibre.locate_file(f"maplibre/srcjs/maplibre-gl.{end}"))).read_text(encoding="utf-8")
        for name, end in (("maplibre", "js"), ("map_css", "css"))
    }
    own = files("phusong.report")
    css = [
        own.joinpath(*place).read_text(encoding="utf-8") for place in (("page.css",), ("web", "report.css"))
    ]
    scripts = {
        name: own.joinpath("web", name).read_text(encoding="utf-8") for name in (*_SCRIPTS, "theme.js")
    }
    return {
        **{name: Markup(text) for name, text in library.items()},  # noqa: S704 - the library itself
        "plotly": Markup(get_plotlyjs()),  # noqa: S704 - the library itself
        "css": Markup("\n".join(css)),  # noqa: S704 - our own files
        "theme_js": Markup(scripts["theme.js"]),  # noqa: S704 - our own file
        "scripts": [Markup(scripts[name]) for name in _SCRIPTS],  # noqa: S704 - our own files
    }


def _pictures(maps: Path, room: int) -> list[dict[str, str]]:
    found = []
    for name in _PICTURES:
        path = maps / f"{name}.png"
        data = base64.b64encode(path.read_bytes()).decode() if path.is_file() else ""
        if data and len(data) + 1000 < room:
            found.append({"name": name, "data": data})
            room -= len(data) + 1000
    return found

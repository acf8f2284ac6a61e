"""The report page: one HTML file for people that opens offline and asks nothing from outside."""

import base64
import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from phusong.report.figures import VectorMap, causes_figure, curve_figure, vector_map
from phusong.report.result import GAP_PARTS, Result, as_words
from phusong.report.sharing_sections import sharing_sections
from phusong.report.theme import GAP_HEX, GAP_LABELS, SERVED_HEX

__all__ = ["MOST_BYTES", "figure_text", "page_environment", "people_text", "percent_text", "report_html"]

MOST_BYTES = 8_000_000
"""The page stays below this size; printed maps are left out of it first."""

_LISTED_OPTIONS = 50
_LISTED_REPAIRS = 500
_KINDS = ("measured", "official", "modelled", "assumed")
_PICTURES = {
    "access": "Map of the class of every place: served, no signal, locked, unstable or congested",
    "rsrp": "Map of the strongest signal outdoors, in dBm",
    "network": "Map of the sites by owner",
    "locked": "Map of the locked sites by reason, with the people behind each",
}
_LIMITS = tuple(
    """\
The network is described by the layers named above. Where sites, links or power lines are modelled, a place may in \
truth be better or worse off; check on the ground before money is spent.
Signal is computed outdoors from terrain and land cover averaged over a grid square. Indoors, behind a single hill \
or house, it may differ.
Each person is counted once, under the first cause that applies: clearing that cause may uncover the next.
Costs are unit prices, not quotations; the rank range says how much that matters.
Stable means the share of the year, and the busy-hour rate, that the scenario below asks for. Another target gives \
other figures.
The order of options is greedy; the bound says how far from the best possible plan it can be at most.""".splitlines()
)


def report_html(result: Result, maps: Path | None = None) -> str:
    """Return the report page of a result.

    Parameters
    ----------
    result : Result
        What to show; optional keys of its summary may be missing.
    maps : Path, optional
        Folder with the printed maps; some are shown in the page when it stays below ``MOST_BYTES``.
    """
    drawing = vector_map(result)
    context = {
        **_headline(result),
        "map": drawing,
        "fills": [drawing.layers[0].classes[c][1] for c in drawing.layers[0].codes] if drawing.layers else [],
        "data": _data(drawing),
        "curve": curve_figure(result, _number(result.summary.get("plan", {}).get("budget_musd"))),
        "causes": causes_figure(result),
        "options": _options(result),
        "option_count": len(result.options),
        "plan_years": _plan_years(result.plan),
        "policies": _policies(result),
        "policies_planned": "people_served_with_plan" in result.policies,
        "sharing": sharing_sections(result, page_environment()),
        "provinces": _provinces(result.communes),
        "communes": _communes(result.communes),
        "calibration": _rows(result.calibration, ("what", "fact", "model", "unit", "source", "note")),
        "layers": _layers(result.layers),
        "repairs": _repairs(result.repairs),
        "limits": _LIMITS,
        "gap_labels": list(GAP_LABELS.values()),
        "scenario": result.scenario_toml,
        "provenance": json.dumps(result.provenance, indent=2, sort_keys=True, ensure_ascii=False),
        "digest": str(result.provenance.get("digest", ""))[:16],
        "plotly": Markup(get_plotlyjs()),  # noqa: S704 - the library itself
        "css": _own("page.css"),
        "js": _own("page.js"),
    }
    context["has_cut"] = any(o["cut"] for o in context["options"])
    template = page_environment().from_string(_own("template.html.j2"))
    page = template.render(**context, pictures=[])
    room = MOST_BYTES - len(page.encode())
    pictures = _pictures(maps, room) if maps is not None else []
    return template.render(**context, pictures=pictures) if pictures else page


def page_environment() -> Environment:
    """Return the templates' environment: everything is escaped, nothing undefined passes silently."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters.update(people=people_text, percent=percent_text, musd=_money_text, figure=figure_text)
    return environment


def people_text(value: object) -> str:
    r"""Return a whole number with narrow spaces between thousands, or a dash when there is none.

    Examples
    --------
    >>> people_text(1234567.2).replace("\u202f", " "), people_text(None)
    ('1 234 567', '–')
    """
    number = _number(value)
    return "–" if number is None else f"{number:,.0f}".replace(",", "\u202f").replace("-", "−")


def percent_text(share: object) -> str:
    r"""Return a share as per cent with one decimal.

    Examples
    --------
    >>> percent_text(0.9712).replace("\u202f", " ")
    '97.1 %'
    """
    number = _number(share)
    return "–" if number is None else f"{100 * number:.1f}\u202f%".replace("-", "−")


def figure_text(value: object) -> str:
    """Return a number of any size with at most four significant digits below 1,000, or the text as it is."""
    number = _number(value)
    if number is None:
        return str(value) if isinstance(value, str) and value else "–"
    return people_text(number) if abs(number) >= 1000 else f"{number:.4g}"


def _money_text(value: object) -> str:
    number = _number(value)
    if number is None:
        return "–"
    if number >= 100:
        return people_text(number)
    # small sums keep two digits that mean something
    return (
        f"{number:.1f}"
        if number >= 10
        else f"{number:.2f}"
        if number >= 0.1 or number == 0
        else f"{number:.2g}"
    )


def _number(value: object) -> float | None:
    if isinstance(value, (int, float, np.integer, np.floating)) and np.isfinite(value):
        return float(value)
    return None


def _own(name: str) -> Markup:
    return Markup(files("phusong.report").joinpath(name).read_text(encoding="utf-8"))  # noqa: S704 - our own file


def _headline(result: Result) -> dict[str, Any]:
    summary = result.summary
    communes = result.communes
    people = _number(summary.get("people"))
    people = float(communes["population"].sum()) if people is None else people
    totals = {p: float(communes[p].sum()) for p in ("people_served", *GAP_PARTS)}
    totals |= {p: n for p in totals if (n := _number(summary.get(p))) is not None}
    named = {"people_served": ("Served", SERVED_HEX), **{p: (GAP_LABELS[p], GAP_HEX[p]) for p in GAP_PARTS}}
    plan = summary.get("plan") or {}
    keys = (
        "budget_musd", "cost_musd", "people_gained", "bound_people", "distance_share", "cost_to_close_musd",
        "people_closable",
    )  # fmt: skip
    return {
        "title": str(summary.get("title") or "Internet coverage"),
        "region": str(summary.get("region") or ""),
        "policy": str(summary.get("policy") or "not stated").replace("_", " "),
        "people": people,
        "people_served": totals["people_served"],
        "share_served": totals["people_served"] / people if people else None,
        "gap_total": sum(totals[p] for p in GAP_PARTS),
        "hours": _number(summary.get("hours_lost_year_mean")),
        "plan": {k: _number(plan.get(k)) for k in keys},
        "vnd": _number((summary.get("currency") or {}).get("vnd_per_usd")),
        "parts": [
            {
                "label": label,
                "colour": colour,
                "people": totals[p],
                "share": totals[p] / people if people else 0,
            }
            for p, (label, colour) in named.items()
        ],
    }


def _data(drawing: VectorMap) -> Markup:
    layers = [{"classes": layer.classes, "codes": layer.codes} for layer in drawing.layers]
    return htmlsafe_json_dumps({"layers": layers}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _options(result: Result) -> list[dict[str, Any]]:
    names = dict(
        zip(result.communes["commune_code"].astype(str), result.communes["name"].astype(str), strict=True)
    )
    budget = _number((result.summary.get("plan") or {}).get("budget_musd"))
    found: list[dict[str, Any]] = []
    within = True
    for row in result.options.sort_values("rank", kind="stable").head(_LISTED_OPTIONS).to_dict("records"):
        fits = budget is None or row["cumulative_cost_musd"] <= budget
        codes = as_words(row["commune_code"])
        found.append(
            {
                **{str(k): v for k, v in row.items()},
                "commune": ", ".join(names.get(c, c) for c in codes),
                "kinds": ", ".join(dict.fromkeys(k.replace("_", " ") for k in as_words(row["kinds"]))),
                "operators": ", ".join(dict.fromkeys(as_words(row["operators"]))),
                "modelled": ", ".join(as_words(row.get("modelled_layers"))),
                "free": row["cost_musd"] <= 0,
                "cut": within and not fits and bool(found),
            }
        )
        within = within and fits
    return found


def _plan_years(plan: pd.DataFrame) -> list[dict[str, Any]]:
    groups = plan.groupby(["year", "fund"], sort=True)
    return [
        {
            "year": year,
            "fund": str(fund),
            "count": len(rows),
            "cost_musd": rows["cost_musd"].sum(),
            "people_gained": rows["people_gained"].sum(),
        }
        for (year, fund), rows in groups
    ]


def _policies(result: Result) -> list[dict[str, Any]]:
    columns = (
        "policy", "people_served", *GAP_PARTS, "people_served_with_plan", "plan_people_gained", "plan_cost_musd",
        "plan_operator_musd", "sites_opened", "policy_cost_musd", "people_gained", "people_per_musd",
        "people_per_musd_with_plan", "radios_released", "saved_musd_year", "new_site_operator_musd",
    )  # fmt: skip
    found = []
    for row in _rows(result.policies, columns):
        parts = [_number(row[p]) or 0.0 for p in ("people_served", *GAP_PARTS)]
        total = sum(parts) or 1.0
        colours = (SERVED_HEX, *GAP_HEX.values())
        found.append(
            {
                **row,
                "policy": str(row["policy"]).replace("_", " "),
                "in_force": str(row["policy"]) == str(result.summary.get("policy")),
                "gaps": [row[p] for p in GAP_PARTS],
                "bar": [(n / total, c) for n, c in zip(parts, colours, strict=True)],
            }
        )
    return found


def _provinces(communes: pd.DataFrame) -> list[dict[str, Any]]:
    found = []
    for name, rows in communes.groupby("province", sort=True):
        population = float(rows["population"].sum())
        found.append(
            {
                "province": str(name),
                "count": len(rows),
                "population": population,
                "share_served": float(rows["people_served"].sum()) / population if population else None,
                "gaps": [float(rows[p].sum()) for p in GAP_PARTS],
            }
        )
    return found


def _communes(communes: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "name": str(row["name"]),
            "code": str(row["commune_code"]),
            "province": str(row["province"] or ""),
            "population": float(row["population"]),
            "share_served": float(row["share_served"]),
            "gaps": [float(row[p]) for p in GAP_PARTS],
            "hours": float(row["hours_lost_year"]),
            "facilities_served": row["facilities_served"],
            "facilities": _number(row.get("facilities")),
            "rank_remote": row["rank_remote"],
        }
        for row in communes.drop(columns="geometry").to_dict("records")
    ]


def _layers(layers: pd.DataFrame) -> list[dict[str, Any]]:
    found = _rows(layers, ("layer", "kind", "source", "licence", "as_of", "notes"))
    for row in found:
        # a layer whose kind nobody stated is treated as the weakest
        row["kind"] = str(row["kind"] or "assumed")
        row["kind_class"] = row["kind"] if row["kind"] in _KINDS else "assumed"
    return found


def _repairs(repairs: pd.DataFrame) -> dict[str, Any]:
    shown = repairs.head(_LISTED_REPAIRS)
    rows = [["" if _empty(v) else str(v) for v in row] for row in shown.itertuples(index=False, name=None)]
    return {"columns": [str(c) for c in repairs.columns], "rows": rows, "count": len(repairs)}


def _rows(frame: pd.DataFrame, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    if frame.empty:
        return []
    whole = frame.reindex(columns=list(columns))
    return [{k: None if _empty(v) else v for k, v in row.items()} for row in _records(whole)]


def _records(frame: pd.DataFrame) -> list[Mapping[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]


def _empty(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and bool(np.isnan(value)))


def _pictures(maps: Path, room: int) -> list[dict[str, str]]:
    found = []
    for name, alt in _PICTURES.items():
        path = maps / f"{name}.png"
        data = base64.b64encode(path.read_bytes()).decode() if path.is_file() else ""
        if data and len(data) < room:
            found.append({"name": name, "alt": alt, "data": data})
            room -= len(data)
    return found

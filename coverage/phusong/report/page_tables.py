"""Rows of the page's tables."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from phusong.io.text import Words, catalogue, finite, markup, slug
from phusong.region.read.encoding import alphabetical
from phusong.report.map_style import GAP_HEX, SERVED_HEX
from phusong.report.wording import gaining_communes, line_result, line_works, option_sentences
from phusong.result.model import ResultData
from phusong.result.schema import GAP_PARTS, TABLES, as_words

__all__ = [
    "QUALITIES",
    "commune_rows",
    "layer_rows",
    "option_rows",
    "plain_view",
    "plan_rows",
    "policy_rows",
    "province_rows",
    "records",
    "remote_classes",
    "repair_rows",
    "schedule_view",
]

QUALITIES = ("measured", "official", "modelled", "assumed")
"""How a layer came to be, best first."""

_LISTED_OPTIONS = 60
_NAMED_GAINS = 3
_LISTED_REPAIRS = 200
_LISTED_ROWS = 60
_FORM_ENDS = (("from", "plain"), ("people", "people"), ("regret_mean", "people"),
    ("musd", "usd"), ("musd_year", "usd"), ("share", "percent"), ("probability", "percent"), ("year", "plain"),
)  # fmt: skip
_FORM_STARTS = (("people", "people"), ("share", "percent"), ("probability", "percent"))


def option_rows(result: ResultData, words: Words) -> list[dict[str, Any]]:
    """Return the best options; the first beyond the budget carries ``cut``."""
    names = _names(result.communes)
    budget = finite((result.summary.get("plan") or {}).get("budget_musd"))
    found: list[dict[str, Any]] = []
    within = True
    gains = gaining_communes(result.option_communes)
    for row in records(result.options.sort_values("rank", kind="stable").head(_LISTED_OPTIONS)):
        fits = budget is None or row["cumulative_cost_musd"] <= budget
        codes = as_words(row["commune_code"])
        living = gains.get(str(row["bundle_id"]), [])
        built = [c for c in [str(row.get("main_commune_code") or "")] if c] or codes
        said = option_sentences(row, names, living)
        found.append(
            {
                **row,
                # its works first, then where its people live: choosing any of these communes keeps the option chosen
                "codes": list(dict.fromkeys([*built, *(c for c, _ in living), *codes])),
                "commune": ", ".join(names.get(c, c) for c in built),
                "site": str(row.get("main_site_id") or ""),
                "gains": [(names.get(c, c), n) for c, n in living[:_NAMED_GAINS]],
                "more_gains": len(living[_NAMED_GAINS:]),
                "kind_codes": list(dict.fromkeys(as_words(row["kinds"]))) or [""],
                "operators": list(dict.fromkeys(as_words(row["operators"]))),
                "modelled": bool(as_words(row.get("modelled_layers"))),
                "free": row["cost_musd"] <= 0,
                "cut": within and not fits and bool(found),
                # a result that holds no reasons as columns tells them as it was written
                "reasons": Markup(" ").join(markup(s, words) for s in said)
                if said
                else Markup('<span lang="en">{}</span>').format(str(row["why"])),
            }
        )
        within = within and fits
    return found


def plan_rows(plan: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the plan by year and fund."""
    groups = plan.groupby(["year", "fund"], sort=True)
    return [
        {
            "year": year,
            "fund": str(fund),
            "count": len(rows),
            "cost_musd": float(rows["cost_musd"].sum()),
            "people_gained": float(rows["people_gained"].sum()),
        }
        for (year, fund), rows in groups
    ]


def policy_rows(result: ResultData) -> list[dict[str, Any]]:
    """Return the sharing policies that were compared, each with its parts as a bar of shares and colours."""
    columns = (
        "policy", "people_served", *GAP_PARTS, "people_served_with_plan", "plan_people_gained", "plan_cost_musd",
        "plan_operator_musd", "sites_opened", "policy_cost_musd", "people_gained", "people_per_musd",
        "people_per_musd_with_plan", "radios_released", "saved_musd_year", "new_site_operator_musd",
    )  # fmt: skip
    found = []
    for row in [] if result.policies.empty else records(result.policies.reindex(columns=list(columns))):
        parts = [finite(row[p]) or 0.0 for p in ("people_served", *GAP_PARTS)]
        total = sum(parts) or 1.0
        colours = (SERVED_HEX, *GAP_HEX.values())
        found.append(
            {
                **row,
                "in_force": str(row["policy"]) == str(result.summary.get("policy")),
                "gaps": [row[p] for p in GAP_PARTS],
                "bar": [(n / total, c) for n, c in zip(parts, colours, strict=True)],
            }
        )
    return found


def province_rows(communes: pd.DataFrame) -> list[dict[str, Any]]:
    """Return people and gap parts of each province."""
    found = []
    provinces = communes.groupby("province")
    for name in sorted(provinces.groups, key=lambda p: alphabetical(str(p))):
        rows = provinces.get_group(name)
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


def commune_rows(communes: pd.DataFrame) -> list[dict[str, Any]]:
    """Return every commune, with its main cause and its class of remoteness as the filters know them."""
    parts = communes[list(GAP_PARTS)].to_numpy(np.float64)
    causes = np.where(parts.sum(axis=1) > 0, np.array(GAP_PARTS)[parts.argmax(axis=1)], "")
    return [
        {
            "name": str(row["name"]),
            "code": str(row["commune_code"]),
            "province": str(row["province"] or ""),
            "population": float(row["population"]),
            "share_served": finite(row["share_served"]),
            "gaps": [float(row[p]) for p in GAP_PARTS],
            "hours": finite(row["hours_lost_year"]),
            "facilities_served": finite(row["facilities_served"]),
            "rank_remote": finite(row["rank_remote"]),
            "cause": str(cause),
            "remote": _code(row.get("remote")),
        }
        for row, cause in zip(records(communes.drop(columns="geometry")), causes, strict=True)
    ]


def remote_classes(communes: pd.DataFrame) -> list[dict[str, str]]:
    """Return the classes of remoteness that occur, with their string where the catalogue has one."""
    if "remote" not in communes:
        return []
    codes = sorted({_code(v) for v in communes["remote"]} - {""})
    keys = [f"remote.{slug(c)}" for c in codes]
    return [{"code": c, "key": k if k in catalogue() else ""} for c, k in zip(codes, keys, strict=True)]


def layer_rows(layers: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the layers; one whose quality nobody stated counts as the weakest."""
    if layers.empty:
        return []
    found = records(
        layers.reindex(
            columns=[
                "layer",
                "kind",
                "source",
                "licence",
                "as_of",
                "notes",
                *(f"records_{q}" for q in QUALITIES),
            ]
        )
    )
    for row in found:
        row["kind"] = str(row["kind"] or "assumed")
        row["kind_class"] = row["kind"] if row["kind"] in QUALITIES else "assumed"
        counts = [(q, int(finite(row[f"records_{q}"]) or 0)) for q in QUALITIES]
        counts = [(q, n) for q, n in counts if n]
        # where the records are of several kinds, each is counted
        row["counts"] = counts if len(counts) > 1 else []
    return found


def repair_rows(repairs: pd.DataFrame) -> dict[str, Any]:
    """Return what was mended in the input, as text."""
    rows = [
        ["" if v is None else str(v) for v in row.values()] for row in records(repairs.head(_LISTED_REPAIRS))
    ]
    return {"columns": [str(c) for c in repairs.columns], "rows": rows, "count": len(repairs)}


def plain_view(frame: pd.DataFrame, name: str = "") -> dict[str, Any]:
    """Return any table: its columns, each with the form of its numbers, and its first rows.

    Of a table that is known by ``name`` the columns that people ask for are shown; of communes, all together first.
    """
    wanted = [c for c in TABLES[name].shown if c in frame] if name in TABLES else []
    if name == "milestones" and {"commune_code", "year"} <= set(frame.columns):
        frame = frame.sort_values(["commune_code", "year"], kind="stable")
    frame = frame[wanted] if wanted else frame
    shown = frame.drop(columns=[c for c in ("geometry",) if c in frame]).head(_LISTED_ROWS)
    columns = [{"name": str(c), "form": _form(str(c), shown[c])} for c in shown.columns]
    rows = [[_cell(v) for v in row.values()] for row in records(shown)]
    return {"columns": columns, "rows": rows, "count": len(frame)}


def schedule_view(schedule: pd.DataFrame, names: Mapping[str, str], words: Words) -> dict[str, Any]:
    """Return the schedule as any table, with what is done and who gains in words."""
    view = plain_view(schedule.assign(what="", gains=""), "schedule")
    at = {c["name"]: k for k, c in enumerate(view["columns"])}
    for row, line in zip(view["rows"], records(schedule.head(_LISTED_ROWS)), strict=True):
        row[at["what"]] = markup(line_works(line), words)
        row[at["gains"]] = markup(line_result(line, names), words)
    return view


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows by column; what is missing is None."""
    return [
        {str(k): None if _empty(v) else v for k, v in row.items()}
        for row in frame.to_dict("records")
    ]  # fmt: skip


def _form(name: str, values: "pd.Series[Any]") -> str:
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return ""
    ends = [form for end, form in _FORM_ENDS if name.endswith(end)]
    starts = [form for start, form in _FORM_STARTS if name.startswith(start)]
    return (ends or starts or ["figure"])[0]


def _cell(value: object) -> object:
    if isinstance(value, (list, tuple, np.ndarray)):
        return ", ".join(as_words(value))
    return value


def _code(value: object) -> str:
    number = finite(value)
    if number is not None and number.is_integer():
        return str(int(number))
    return "" if value is None else str(value)


def _names(communes: pd.DataFrame) -> Mapping[str, str]:
    return dict(zip(communes["commune_code"].astype(str), communes["name"].astype(str), strict=True))


def _empty(value: object) -> bool:
    return (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, float) and bool(np.isnan(value)))
    )

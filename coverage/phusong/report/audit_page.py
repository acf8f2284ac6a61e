"""The page of an audit: one HTML file that opens offline, all text in it escaped."""

import base64
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from phusong.region.audit import PRINCIPLES, Audit
from phusong.region.audit.effects import METHOD
from phusong.report.text import Text

__all__ = ["audit_html"]

_LISTED_RECORDS = 300
_LISTED_OWNERS = 60


def audit_html(audit: Audit, map_png: bytes | None = None, *, lang: str = "en") -> str:
    """Return the page of an audit.

    Parameters
    ----------
    audit : Audit
        What to show.
    map_png : bytes, optional
        The map, shown in the page.
    lang : str
        ``en`` or ``vi``.
    """
    text = Text(lang)
    context = {
        "text": text,
        "say": lambda key, **parts: text.say(f"audit.{key}", **parts),
        "rubric_name": f"{audit.rubric.name} {audit.rubric.version}",
        "zeros": ", ".join(
            f"{text.number(z, 'percent')} ({text.code('principle', p)})"
            for p, z in audit.rubric.zero_at.items()
        ),
        "weights": ", ".join(
            f"{text.code('principle', p)} {text.number(w, 'figure')}"
            for p, w in audit.rubric.principles.items()
        ),
        "audit": audit,
        "rubric": audit.rubric,
        "overall": audit.ranking("region").to_dict("records")[0],
        "principles": [
            (p, text.say(f"principle.{p}_means"), audit.score("region", audit.region, p)) for p in PRINCIPLES
        ],
        "rankings": [
            (
                f"{scope}s",
                text.say(f"audit.{scope}s"),
                text.say(f"audit.{scope}s_note"),
                _ranking(audit, scope),
            )
            for scope in ("layer", "province", "owner")
        ],
        "kinds": dict(zip(audit.layers["layer"], audit.layers["kind"], strict=True)),
        "failing": _failing(audit.checks[~audit.checks["whole_layer"]]),
        "lacking": _lacking(audit.checks[audit.checks["whole_layer"]], text),
        "passed": _passed(audit.checks, text),
        "lists": [
            (text.say(f"audit.{k}"), text.say(f"audit.{k}_note"), *_listed(_own(audit), delivered=d))
            for k, d in (("delivered", True), ("drawn", False))
        ],
        "origins": _origins(audit),
        "delivered_count": int(audit.records["delivered"].sum()),
        "record_count": len(audit.records),
        "classes": audit.rubric.classes,
        "method": METHOD,
        "picture": base64.b64encode(map_png).decode() if map_png else "",
        "css": Markup(files("phusong.report").joinpath("page.css").read_text(encoding="utf-8")),  # noqa: S704 - our own
    }
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["score"] = lambda value: text.number(value, "decimal")
    environment.filters["people"] = text.number
    environment.filters["percent"] = lambda value: text.number(value, "percent")
    template = files("phusong.report").joinpath("audit.html.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(**context)


def _own(audit: Audit) -> pd.DataFrame:
    """Return the records of single rows; what whole layers lack has a table of its own."""
    return pd.DataFrame(audit.records[~audit.records["whole_layer"]].drop(columns="geometry"))


def _origins(audit: Audit) -> list[tuple[str, float]]:
    """Return the score of what was delivered and of what a model drew; NaN where there is nothing of it."""
    overall = audit.ranking("origin").set_index("name")["overall"]
    return [(name, float(overall.get(name, np.nan))) for name in ("delivered", "modelled")]


def _listed(own: pd.DataFrame, *, delivered: bool) -> tuple[list[dict[str, Any]], int]:
    """Return the first records of those that were delivered, or of a model's, and how many there are."""
    mine = own[own["delivered"] == delivered]
    return [{str(k): v for k, v in r.items()} for r in mine.head(_LISTED_RECORDS).to_dict("records")], len(
        mine
    )


def _ranking(audit: Audit, scope: str) -> list[dict[str, Any]]:
    rows = audit.ranking(scope).head(_LISTED_OWNERS).to_dict("records")
    return [{**{str(k): v for k, v in r.items()}, "scores": [r[p] for p in PRINCIPLES]} for r in rows]


def _failing(checks: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the checks that found something, those that touch most people first."""
    found = checks[(checks["share_failing"] > 0) | (checks["records"] > 0)]
    order = found.sort_values(["people", "share_failing"], ascending=False, kind="stable")
    return [{str(k): v for k, v in r.items()} for r in order.to_dict("records")]


def _lacking(checks: pd.DataFrame, text: Text) -> list[dict[str, Any]]:
    """Return what whole layers lack, one row a check, with the layers that lack it."""
    rows = []
    for name, group in checks[checks["share_failing"] > 0].groupby("check", sort=False):
        first = group.iloc[0]
        layers = [
            f"{text.code('input', n)} ({text.number(s)})"
            for n, s in zip(group["layer"], group["score"], strict=True)
        ]
        rows.append(
            {"check": str(name), "principle": first["principle"], "says": first["says"], "mend": first["mend"],
             "layers": ", ".join(layers)}
        )  # fmt: skip
    return rows


def _passed(checks: pd.DataFrame, text: Text) -> list[dict[str, Any]]:
    clean = checks[(checks["share_failing"] == 0) & (checks["records"] == 0)]
    rows = []
    for name, group in clean.groupby("check", sort=False):
        first = group.iloc[0]
        rows.append(
            {"principle": first["principle"], "check": str(name), "says": first["says"],
             "layers": ", ".join(text.code("input", n) for n in group["layer"])}
        )  # fmt: skip
    return rows

"""The page of an audit: one HTML file that opens offline, all text in it escaped."""

import base64
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from phusong.region.audit import PRINCIPLES, Audit
from phusong.region.audit.effects import METHOD
from phusong.report.page import page_environment

__all__ = ["audit_html"]

_LISTED_RECORDS = 300
_LISTED_OWNERS = 60
_LISTS = (
    (
        "Delivered records to mend",
        "What somebody measured or an office published: its owner can mend it.",
        True,
    ),
    (
        "What the model drew",
        "Nobody's fault and nobody's to correct row by row: it goes when the layer is replaced.",
        False,
    ),
)
_SAYS = {
    "correct": "shapes, places, figures and networks are what they claim",
    "sufficient": "every layer, commune and value is there",
    "clean": "nothing stands twice or contradicts itself",
    "live": "layers are renewed in their time",
    "unified": "codes, CRS, words and keys are the same throughout",
    "shared": "others may use it, open it, and several owners give it",
}


def audit_html(audit: Audit, map_png: bytes | None = None) -> str:
    """Return the page of an audit.

    Parameters
    ----------
    audit : Audit
        What to show.
    map_png : bytes, optional
        The map, shown in the page.
    """
    context = {
        "audit": audit,
        "rubric": audit.rubric,
        "overall": audit.ranking("region").to_dict("records")[0],
        "principles": [(p, _SAYS[p], audit.score("region", audit.region, p)) for p in PRINCIPLES],
        "rankings": [
            ("layers", "Layers", "What an answer is made of, best first.", _ranking(audit, "layer")),
            (
                "provinces",
                "Provinces",
                "Only rows that lie in the province count.",
                _ranking(audit, "province"),
            ),
            (
                "owners",
                "Data owners",
                "Organisations that delivered records; the sources of a model own none.",
                _ranking(audit, "owner"),
            ),
        ],
        "kinds": dict(zip(audit.layers["layer"], audit.layers["kind"], strict=True)),
        "failing": _failing(audit.checks[~audit.checks["whole_layer"]]),
        "lacking": _lacking(audit.checks[audit.checks["whole_layer"]]),
        "passed": _passed(audit.checks),
        "lists": [(title, caption, *_listed(_own(audit), delivered=d)) for title, caption, d in _LISTS],
        "origins": audit.ranking("origin").sort_values("name").to_dict("records"),
        "delivered_count": int(audit.records["delivered"].sum()),
        "record_count": len(audit.records),
        "classes": audit.rubric.classes,
        "method": METHOD,
        "picture": base64.b64encode(map_png).decode() if map_png else "",
        "css": Markup(files("phusong.report").joinpath("page.css").read_text(encoding="utf-8")),  # noqa: S704 - our own
    }
    environment = page_environment()
    environment.filters["score"] = score_text
    template = files("phusong.report").joinpath("audit.html.j2").read_text(encoding="utf-8")
    return environment.from_string(template).render(**context)


def score_text(value: object) -> str:
    """Return a score with one decimal, or a dash where nothing was judged.

    Examples
    --------
    >>> score_text(49.96), score_text(float("nan"))
    ('50.0', '–')
    """
    return f"{value:.1f}" if isinstance(value, (int, float)) and np.isfinite(value) else "–"


def _own(audit: Audit) -> pd.DataFrame:
    """Return the records of single rows; what whole layers lack has a table of its own."""
    return pd.DataFrame(audit.records[~audit.records["whole_layer"]].drop(columns="geometry"))


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


def _lacking(checks: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what whole layers lack, one row a check, with the layers that lack it."""
    rows = []
    for name, group in checks[checks["share_failing"] > 0].groupby("check", sort=False):
        first = group.iloc[0]
        layers = [f"{n} ({s:.0f})" for n, s in zip(group["layer"], group["score"], strict=True)]
        rows.append(
            {"check": str(name), "principle": first["principle"], "says": first["says"], "mend": first["mend"],
             "layers": ", ".join(layers).replace("_", " ")}
        )  # fmt: skip
    return rows


def _passed(checks: pd.DataFrame) -> list[dict[str, Any]]:
    clean = checks[(checks["share_failing"] == 0) & (checks["records"] == 0)]
    rows = []
    for name, group in clean.groupby("check", sort=False):
        first = group.iloc[0]
        rows.append(
            {"principle": first["principle"], "check": str(name), "says": first["says"],
             "layers": ", ".join(group["layer"])}
        )  # fmt: skip
    return rows

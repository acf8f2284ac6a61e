"""Audit page, map, files."""

import base64
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from phusong.audit import PRINCIPLES, Audit
from phusong.audit.context import METHOD
from phusong.io.atomic import whole_folder
from phusong.io.text import Text
from phusong.region import Grid
from phusong.region.schema import KINDS
from phusong.report.map_sheet import add_labels, draw_borders, frame_map, legend, map_bounds, new_sheet
from phusong.report.map_style import INK, PAPER, SERVED_HEX, style
from phusong.result.files import write_csv, write_geopackage

__all__ = ["AUDIT_FILES", "audit_html", "audit_map", "audit_map_png", "write_audit"]

_DPI = 160
_SCORE_EDGES = (0, 20, 30, 40, 50, 60, 70, 80, 100)
_SHARE_EDGES_PERCENT = (0.0, 1.0, 5.0, 20.0, 50.0, 100.0)
_UNKNOWN_HEX = "#d9d9d9"


@dataclass(frozen=True)
class _Ground:
    """What the sheet needs: the audit's communes, and a grid that says in which CRS they are."""

    communes: gpd.GeoDataFrame
    grid: Grid
    summary: dict[str, Any]
    layers: pd.DataFrame


def audit_map(audit: Audit, text: Text) -> Figure:
    """Return the score of each commune and, beside it, the share of its people who stand on a record to mend."""
    ground = _ground(audit)
    communes = ground.communes
    rubric = {"rubric": audit.rubric.name, "version": str(audit.rubric.version)}
    note = text.say("audit.map_note", **rubric, as_of=text.date(audit.as_of))
    sheet = new_sheet(
        ground,
        text.say("audit.map_title"),
        text.say("audit.map_subtitle"),
        text,
        legend_in=3.6,
        note=note,
    )
    ramp = [to_hex(c) for c in mpl.colormaps["YlGnBu"](np.linspace(0.05, 0.95, len(_SCORE_EDGES) - 1))]
    score = communes["score"].to_numpy(np.float64)
    for axes in sheet.panels:
        _fill(axes, communes, score, _SCORE_EDGES, ramp)
        draw_borders(axes, ground)
    add_labels(sheet, ground)
    labels = [text.say("class.between", a=a, b=b) for a, b in pairwise(map(str, _SCORE_EDGES))]
    entries = list(zip(labels, ramp, strict=True))[::-1]
    legend(
        sheet.legend,
        text.say("audit.score"),
        [*entries, (text.say("audit.not_judged"), _UNKNOWN_HEX)],
        top=0.4,
    )
    box = sheet.legend.get_position()
    small = sheet.figure.add_axes((box.x0, box.y0 + 0.46 * box.height, box.width, box.height * 0.5))
    frame_map(small, map_bounds(ground))
    people = communes["people"].to_numpy(np.float64)
    affected = communes["people_affected"].to_numpy(np.float64)
    share = np.divide(100 * affected, people, out=np.full(people.shape, np.nan), where=people > 0)
    hues = [to_hex(c) for c in mpl.colormaps["YlOrBr"](np.linspace(0.02, 0.8, len(_SHARE_EDGES_PERCENT) - 1))]
    _fill(small, communes, share, _SHARE_EDGES_PERCENT, hues)
    draw_borders(small, ground, only_communes=True)
    spots = audit.records[audit.records.geometry.notna()]
    if len(spots):
        size = float(np.clip(900 / len(spots), 0.5, 6))
        small.scatter(
            spots.geometry.x, spots.geometry.y, s=size, color=SERVED_HEX, edgecolors=PAPER,
            linewidths=0.2, zorder=6,
        )  # fmt: skip
    stand = text.say("audit.stand", people=text.number(audit.people_affected), n=len(spots))
    small.set_title(stand, fontsize=7.5, loc="left", pad=3)
    _share_legend(sheet.legend, hues, text, drawn=len(spots) > 0)
    return sheet.figure


def audit_map_png(audit: Audit, text: Text) -> bytes:
    """Return the map as PNG; the same audit gives the same bytes."""
    with style(), BytesIO() as out:
        audit_map(audit, text).savefig(out, dpi=_DPI, format="png", metadata={"Software": None})
        return out.getvalue()


def _ground(audit: Audit) -> _Ground:
    known = audit.communes[~audit.communes.geometry.is_empty]
    communes = known.assign(population=known["people"])
    bounds = communes.total_bounds if len(communes) else np.array([0.0, 0.0, 1000.0, 1000.0])
    grid = Grid.around(tuple(float(b) for b in bounds), crs=audit.crs, cell_m=1000.0)  # type: ignore[arg-type]  # four
    return _Ground(communes, grid, {"region": audit.region}, audit.layers)


def _fill(
    axes: Axes,
    communes: gpd.GeoDataFrame,
    values: npt.NDArray[np.float64],
    edges: tuple[float, ...],
    colours: list[str],
) -> None:
    if communes.empty:
        return
    index = np.digitize(np.nan_to_num(values), edges[1:-1])
    fill = np.where(np.isnan(values), _UNKNOWN_HEX, np.asarray(colours)[index])
    communes.plot(ax=axes, color=list(fill), edgecolor="face", linewidth=0.2, zorder=2, aspect=None)


def _share_legend(axes: Axes, hues: list[str], text: Text, *, drawn: bool) -> None:
    said = [text.number(e, "figure") for e in _SHARE_EDGES_PERCENT[1:]]
    labels = [
        text.say("class.below", b=said[0]),
        *(text.say("class.between", a=a, b=b) for a, b in pairwise(said)),
    ]
    handles = [
        Line2D([], [], ls="none", marker="s", ms=7, mfc=hue, mec=INK, mew=0.3, label=label)
        for label, hue in zip(labels, hues, strict=True)
    ]
    if drawn:
        handles.append(
            Line2D(
                [],
                [],
                ls="none",
                marker="o",
                ms=4,
                mfc=SERVED_HEX,
                mec=PAPER,
                label=text.say("audit.a_record"),
            )
        )
    drawn_legend = axes.legend(
        handles=handles, title=text.say("audit.share_legend"), loc="upper left", bbox_to_anchor=(0.48, 0.4),
        frameon=False, fontsize=7.5, title_fontsize=8, alignment="left", borderaxespad=0, borderpad=0,
    )  # fmt: skip
    axes.add_artist(drawn_legend)


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
        "kinds": {str(r["layer"]): _kinds(r) for r in audit.layers.to_dict("records")},
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


def _kinds(row: dict[Any, Any]) -> list[tuple[str, int]]:
    """Return the kind of a layer, with 0; each with its number of records where they are of several."""
    counts = [(k, int(row[f"records_{k}"])) for k in KINDS if row[f"records_{k}"]]
    return counts if len(counts) > 1 else [(str(row["kind"]), 0)]


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


AUDIT_FILES = ("audit.json", "audit.html", "records.gpkg", "records.csv", "map.png")
"""What an audit leaves in its folder."""


def write_audit(audit: Audit, out: Path, *, lang: str = "en") -> None:
    """Write the files of an audit to a folder, all or none; other files there are kept.

    Parameters
    ----------
    audit : Audit
        What was found.
    out : Path
        A new or empty folder, or one that an earlier audit wrote.
    lang : str
        Language of page and map, ``en`` or ``vi``.

    Raises
    ------
    InputError
        If ``out`` holds other things, or cannot be written.
    """
    with whole_folder(
        out,
        kind="an audit",
        is_ours=lambda old: (old / "audit.json").is_file(),
        kept=lambda name: name not in AUDIT_FILES,
    ) as new:
        _write(audit, new, lang)


def _write(audit: Audit, folder: Path, lang: str) -> None:
    picture = audit_map_png(audit, Text(lang))
    (folder / "audit.json").write_text(audit.to_json(), encoding="utf-8", newline="\n")
    (folder / "map.png").write_bytes(picture)
    (folder / "audit.html").write_text(audit_html(audit, picture, lang=lang), encoding="utf-8", newline="\n")
    write_csv(audit.records.drop(columns="geometry"), folder / "records.csv")
    write_geopackage(audit.records, folder / "records.gpkg", layer="records")

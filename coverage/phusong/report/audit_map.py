"""The map of an audit: how good each commune's data are, and how many people stand on records to mend."""

from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from typing import Any

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from phusong.region.audit import Audit
from phusong.region.grid import Grid
from phusong.report.sheet import add_labels, draw_borders, frame_map, legend, map_bounds, new_sheet
from phusong.report.text import Text
from phusong.report.theme import INK, PAPER, SERVED_HEX, style

__all__ = ["audit_map", "audit_map_png"]

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

"""Map of the best-ranked options: where each is, what it buys, whom it serves."""

import textwrap

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from phusong.report.choropleth import GAP_CLASSES, Classes, percent
from phusong.report.map_furniture import drawn_name
from phusong.report.result import ResultData
from phusong.report.sheet import Sheet, add_labels, draw_borders, new_sheet, spread_boxes
from phusong.report.tables import GAP_PARTS, as_words
from phusong.report.text import Text
from phusong.report.theme import INK, PAPER

__all__ = ["options_map"]

_LISTED_OPTIONS = 20
_LINE_IN = 0.27
_GREYS = Classes(
    "%", GAP_CLASSES.edges, tuple(to_hex(c) for c in mpl.colormaps["Greys"](np.linspace(0.0, 0.45, 7)))
)


def options_map(result: ResultData, text: Text) -> Figure:
    """Return the places of the best-ranked options, numbered, with what each buys."""
    count = min(_LISTED_OPTIONS, len(result.options))
    sheet = new_sheet(
        result,
        text.say("drawn.options_title", n=count),
        text.say("drawn.options_subtitle"),
        text,
        legend_in=4.1,
    )
    communes = result.communes.to_crs(result.grid.crs)
    lost = communes[list(GAP_PARTS)].sum(axis=1).to_numpy(np.float64)
    shares = percent(lost, communes["population"].to_numpy(np.float64))
    for axes in sheet.panels:
        _GREYS.fill(axes, communes, shares)
        draw_borders(axes, result)
    best = result.options.sort_values("rank", kind="stable").head(count)
    points = _option_points(best, communes)
    scale = (sheet.map.get_xlim()[1] - sheet.map.get_xlim()[0]) / (
        sheet.map.get_window_extent().width / sheet.figure.dpi
    )
    known = np.isfinite(points).all(axis=1)
    spots = np.full_like(points, np.nan)
    spots[known] = spread_boxes(points[known], 0.19 * scale)
    for rank, spot, point in zip(best["rank"], spots, points, strict=True):
        if np.isfinite(spot).all():
            sheet.map.plot(*zip(point, spot, strict=True), color=INK, lw=0.6, zorder=6)
            sheet.map.text(
                spot[0], spot[1], f"{int(rank)}", ha="center", va="center", fontsize=6.5, color=PAPER, zorder=7,
                bbox={"boxstyle": "circle,pad=0.25", "facecolor": "#0072B2", "edgecolor": PAPER, "lw": 0.7},
            )  # fmt: skip
    add_labels(sheet, result)
    _list_options(sheet, best, communes, text)
    return sheet.figure


def _option_points(best: pd.DataFrame, communes: gpd.GeoDataFrame) -> npt.NDArray[np.float64]:
    # where an option has no place of its own, its commune's inner point stands for it
    inner = communes.geometry.representative_point()
    codes = communes["commune_code"].astype(str)
    by_code = dict(zip(codes, zip(inner.x, inner.y, strict=True), strict=True))
    first = [(as_words(c) or [""])[0] for c in best["commune_code"]]
    points = np.array([by_code.get(c, (np.nan, np.nan)) for c in first], np.float64).reshape(-1, 2)
    if {"east_m", "north_m"} <= set(best.columns):
        own = best[["east_m", "north_m"]].to_numpy(np.float64)
        points = np.where(np.isfinite(own), own, points)
    return points


def _list_options(sheet: Sheet, best: pd.DataFrame, communes: gpd.GeoDataFrame, text: Text) -> None:
    names = dict(zip(communes["commune_code"].astype(str), communes["name"].astype(str), strict=True))
    height_in = sheet.legend.get_position().height * sheet.figure.get_size_inches()[1]
    step = min(1 / (len(best) + 1), _LINE_IN / height_in)
    heads = (
        (0.07, "#", "right"),
        (0.1, text.say("drawn.commune_works"), "left"),
        (0.83, text.say("head.people"), "right"),
        (1, "USD", "right"),
    )
    for x, head, align in heads:
        sheet.legend.text(x, 1, head, fontsize=7.5, fontweight="bold", ha=align, va="top")
    for i, row in enumerate(best.to_dict("records"), start=1):
        # the number stands where the works do, so does the name
        code = str(row.get("main_commune_code") or "") or (as_words(row["commune_code"]) or [""])[0]
        kinds = ", ".join(dict.fromkeys(text.code("kind", k) for k in as_words(row["kinds"])))
        what = textwrap.shorten(f"{drawn_name(names.get(code, code))}: {kinds}", 44, placeholder=" …")
        cells = (
            (0.07, f"{int(row['rank'])}", "right"),
            (0.1, what, "left"),
            (0.83, text.number(row["people_gained"]), "right"),
            (1.0, _money(row["cost_musd"], text), "right"),
        )
        for x, cell, align in cells:
            sheet.legend.text(x, 1 - i * step, cell, fontsize=6.8, ha=align, va="top")
    sheet.legend.set(xlim=(0, 1), ylim=(0, 1))


def _money(cost_musd: float, text: Text) -> str:
    return text.number(cost_musd, "usd") if cost_musd > 0 else text.say("option.free")

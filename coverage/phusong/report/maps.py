"""Maps of a result."""

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from matplotlib.colors import BoundaryNorm, ListedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from phusong.errors import InputError, Problem, nearest_name
from phusong.io.text import Text
from phusong.report.map_sheet import (
    MapSheet,
    add_labels,
    draw_borders,
    drawn_name,
    frame_map,
    legend,
    map_bounds,
    map_frames,
    new_sheet,
    spread_boxes,
)
from phusong.report.map_style import (
    CLASS_HEX,
    GAP_CLASSES,
    INK,
    MUTED,
    OWNER_HEX,
    PAPER,
    Classes,
    cause_classes,
    class_labels,
    percent,
    picture_bytes,
    style,
)
from phusong.result.model import EMPTY_NO_SIGNAL, EMPTY_SIGNAL, ResultData
from phusong.result.schema import GAP_PARTS, as_words

__all__ = [
    "MAPS",
    "RSRP_EDGES_DBM",
    "RSRP_HEX",
    "access_map",
    "draw_map",
    "draw_maps",
    "for_print",
    "gap_map",
    "locked_map",
    "network_map",
    "options_map",
    "rsrp_map",
]

_REASONS = ("structural", "contract", "technical", "security", "legal", "unknown")
_LARGEST_PT = 20.0  # diameter of the site with most people behind it


def locked_map(result: ResultData, text: Text) -> Figure:
    """Return the locked sites with people behind them, by reason; areas of the discs are people."""
    sheet = new_sheet(result, text.say("locked.title"), text.say("drawn.locked_subtitle"), text)
    for axes in sheet.panels:
        draw_borders(axes, result)
    add_labels(sheet, result)
    assets = result.locked_assets
    sheet.legend.set_axis_off()
    if assets.empty:
        sheet.legend.text(0.0, 1.0, text.say("drawn.nothing_locked"), va="top", color=MUTED)
        return sheet.figure
    sites = result.sites.to_crs(result.grid.crs).set_index(result.sites["site_id"].astype(str))
    entries = []
    locked = assets[assets["lock_reason"].isin(_REASONS)]
    most = max(float(locked["people_behind"].max()), 1.0) if len(locked) else 1.0
    for colour, reason in zip(OWNER_HEX, _REASONS, strict=False):
        mine = assets[assets["lock_reason"] == reason]
        places = sites.geometry.reindex(mine["site_id"].astype(str))
        shown = places.notna().to_numpy() & ~places.is_empty.to_numpy()
        people = mine["people_behind"].to_numpy(np.float64)[shown]
        area = np.maximum(people / most, 0.01) * _LARGEST_PT**2
        for axes in sheet.panels:
            axes.scatter(
                places[shown].x, places[shown].y, s=area, c=colour, alpha=0.75, linewidths=0.4, edgecolors=INK, zorder=6,
            )  # fmt: skip
        sites_said = text.say("told.sites", n=len(mine))
        entries.append((f"{text.code('lock', reason)}: {sites_said}", colour))
    handles = [
        Line2D(
            [], [], marker="o", linestyle="", markersize=7, markerfacecolor=c, markeredgecolor=INK, label=t
        )
        for t, c in entries
    ]
    handles.append(Line2D([], [], linestyle="", label=" "))
    for share in (1.0, 0.25):
        size = _LARGEST_PT * np.sqrt(share)
        handles.append(
            Line2D([], [], marker="o", linestyle="", markersize=size, markerfacecolor="none", markeredgecolor=MUTED,
                   label=text.say("drawn.behind", people=text.number(most * share)))
        )  # fmt: skip
    sheet.legend.legend(
        handles=handles,
        title=text.say("drawn.lock_legend"),
        loc="upper left",
        frameon=False,
        alignment="left",
        labelspacing=1.6,
    )
    return sheet.figure


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


def _list_options(sheet: MapSheet, best: pd.DataFrame, communes: gpd.GeoDataFrame, text: Text) -> None:
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
    # in a narrow column of figures what costs nothing is a nought
    return text.number(max(cost_musd, 0.0), "usd")


RSRP_EDGES_DBM = (-110, -105, -100, -90, -80, -70, -60)
"""Edges of the classes of RSRP. [dBm]"""

RSRP_HEX = tuple(to_hex(c) for c in mpl.colormaps["cividis"](np.linspace(0.0, 1.0, len(RSRP_EDGES_DBM) + 1)))
"""Colour of each class of RSRP, weakest first."""

_CLASS_KEYS = ("", *GAP_PARTS, "served")
_MOST_PIXELS = 1500
_LINES_ACROSS = 2500  # what a printer can tell apart on a page
_SPOTS = {"white": "^", "hollow": "o"}


def draw_maps(result: ResultData, folder: Path, lang: str | None = None) -> list[Path]:
    """Write every map of ``MAPS`` as PNG into a folder and return their paths; the bytes repeat."""
    thinned = for_print(result)
    paths = []
    for name in MAPS:
        if name == "rsrp" and result.redacted:
            continue  # withheld; a map of nothing would read as no signal anywhere
        path = folder / f"{name}.png"
        path.write_bytes(picture_bytes(draw_map(thinned, name, lang)))
        paths.append(path)
    return paths


def draw_map(result: ResultData, name: str = "gap", lang: str | None = None) -> Figure:
    """Return one map of ``MAPS`` in the style of all, in a language or that of the result's scenario.

    Raises
    ------
    InputError
        If there is no map of that name, or it is withheld.
    """
    if name not in MAPS:
        hint = nearest_name(name, MAPS)
        raise InputError(Problem("map", f"is no map{hint}; there are {', '.join(MAPS)}", value=name))
    if name == "rsrp" and result.redacted:
        raise InputError(
            Problem("map", "is withheld from a redacted result: peaks point at masts", value=name)
        )
    with style():
        return MAPS[name](result, Text(lang or result.lang))


def for_print(result: ResultData) -> ResultData:
    """Return a result whose commune borders are no finer than a printer draws them: files become a third."""
    communes = result.communes.to_crs(result.grid.crs)
    west, south, east, north = map_frames(communes).main
    shapes = shapely.make_valid(communes.geometry.to_numpy())
    # neighbours keep one border: no gaps, no overlaps
    thin = shapely.coverage_simplify(shapes, max(east - west, north - south) / _LINES_ACROSS)
    return replace(
        result, communes=communes.set_geometry(gpd.GeoSeries(thin, communes.index, crs=communes.crs))
    )


def gap_map(result: ResultData, text: Text) -> Figure:
    """Return the share of people without stable internet by commune, with one small map for each cause."""
    sheet = new_sheet(
        result,
        text.say("drawn.gap_title"),
        text.say("drawn.gap_subtitle"),
        text,
        legend_in=4.6,
    )
    communes = result.communes.to_crs(result.grid.crs)
    people = communes["population"].to_numpy(np.float64)
    lost = communes[list(GAP_PARTS)].sum(axis=1).to_numpy(np.float64)
    for axes in sheet.panels:
        GAP_CLASSES.fill(axes, communes, percent(lost, people))
        draw_borders(axes, result)
    add_labels(sheet, result)
    legend(sheet.legend, text.say("layer.not_served"), GAP_CLASSES.entries(text), top=0.28)
    box = sheet.legend.get_position()
    for k, part in enumerate(GAP_PARTS):
        left = box.x0 + (k % 2) * box.width / 2
        bottom = box.y0 + (0.66 - (k // 2) * 0.345) * box.height
        small = sheet.figure.add_axes((left, bottom, box.width * 0.48, box.height * 0.3))
        frame_map(small, map_bounds(result))
        cause_classes(part).fill(small, communes, percent(communes[part].to_numpy(np.float64), people))
        total = float(communes[part].sum())
        draw_borders(small, result, only_communes=True)
        small.set_title(
            text.say("drawn.cause", cause=_capital(text.code("cause", part)), people=text.number(total)),
            fontsize=7.5,
            loc="left",
            pad=3,
        )
        # pale to full, the hue of the cause: the same classes as the large map's
        for step, colour in enumerate(cause_classes(part).colours):
            x, y = 0.5 + 0.055 * k, 0.243 - 0.0235 * step
            sheet.legend.add_patch(
                Rectangle((x, y), 0.045, 0.0155, facecolor=colour, edgecolor=MUTED, linewidth=0.4)
            )
    for step, words in enumerate(GAP_CLASSES.labels(text)):
        sheet.legend.text(0.73, 0.251 - 0.0235 * step, words, fontsize=6.5, va="center")
    sheet.legend.text(0.5, 0.28, text.say("drawn.by_cause"), fontsize=7, va="top")
    sheet.legend.set(xlim=(0, 1), ylim=(0, 1))
    return sheet.figure


def rsrp_map(result: ResultData, text: Text) -> Figure:
    """Return the best-server RSRP. [dBm]"""
    sheet = new_sheet(result, text.say("drawn.rsrp_title"), text.say("drawn.rsrp_subtitle"), text)
    edges = RSRP_EDGES_DBM
    colours = list(RSRP_HEX)

    def codes(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        cut: npt.NDArray[np.float64] = np.digitize(values, edges).astype(np.float64)
        cut[np.isnan(values)] = np.nan
        return cut

    _image(sheet, result, result.rsrp_dbm, codes, colours)
    for axes in sheet.panels:
        draw_borders(axes, result, colour="#d9dee3")
    add_labels(sheet, result)
    entries = list(zip(class_labels(edges, text), colours, strict=True))[::-1]
    legend(sheet.legend, "RSRP [dBm]", [*entries, (text.say("cause.gap_no_signal"), PAPER)])
    return sheet.figure


def access_map(result: ResultData, text: Text) -> Figure:
    """Return the class of each pixel: served, or why not."""
    sheet = new_sheet(result, text.say("drawn.access_title"), text.say("drawn.access_subtitle"), text)
    _image(
        sheet,
        result,
        result.access_class,
        lambda v: np.where(v == 0, np.nan, v.astype(np.float64)),
        list(CLASS_HEX),
    )
    for axes in sheet.panels:
        draw_borders(axes, result)
    add_labels(sheet, result)
    parts = result.communes[["people_served", *GAP_PARTS]].sum()
    people = max(float(result.communes["population"].sum()), 1.0)
    order = zip((5, 1, 2, 3, 4), parts.to_numpy(np.float64), strict=True)
    entries = [
        (
            f"{_capital(text.code('cause', _CLASS_KEYS[k]))} ({text.number(part / people, 'percent')})",
            CLASS_HEX[k],
        )
        for k, part in order
    ]
    entries += [
        (_capital(text.code("cause", key)), CLASS_HEX[k])
        for key, k in (("empty_signal", EMPTY_SIGNAL), ("empty_no_signal", EMPTY_NO_SIGNAL))
    ]
    legend(sheet.legend, text.say("drawn.access_legend"), entries)
    _settlements(sheet, result, text)
    return sheet.figure


def network_map(result: ResultData, text: Text, lines: gpd.GeoDataFrame | None = None) -> Figure:
    """Return the sites by owner; a hollow mark is a site that others may not use.

    Parameters
    ----------
    result : ResultData
        With ``owner`` and ``lock_reason`` among the columns of its sites where known.
    text : Text
        The language to speak.
    lines : GeoDataFrame, optional
        Power lines or links, drawn beneath.
    """
    sheet = new_sheet(
        result, text.say("drawn.network_title"), text.say("drawn.network_subtitle", n=len(result.sites)), text
    )
    for axes in sheet.panels:
        draw_borders(axes, result, fill="#f7f7f5")
    if lines is not None and len(lines):
        lines.to_crs(result.grid.crs).plot(
            ax=sheet.map, color=MUTED, linewidth=0.6, linestyle=(0, (4, 2)), zorder=5, aspect=None
        )
    # in no order of theirs: where sites are dense, no owner hides the others
    sites = result.sites.to_crs(result.grid.crs).sample(frac=1.0, random_state=0)
    owner = sites["owner"].astype(str) if "owner" in sites else pd.Series("site", index=sites.index)
    reason = (
        sites["lock_reason"].fillna("").astype(str) if "lock_reason" in sites else owner.map(lambda _: "")
    )
    locked = (~reason.str.strip().str.lower().isin(["", "none", "nan"])).to_numpy()
    names = list(owner.value_counts().sort_index().sort_values(ascending=False, kind="stable").index)
    size = float(np.clip(12_000 / max(len(sites), 1), 1.0, 26))
    colours = owner.map({n: OWNER_HEX[min(k, len(OWNER_HEX) - 1)] for k, n in enumerate(names)}).to_numpy(str)
    for axes in sheet.panels:
        axes.scatter(
            sites.geometry.x, sites.geometry.y, s=size, zorder=6, linewidths=0.8 if size > 4 else 0.5,
            edgecolors=list(colours), facecolors=list(np.where(locked, PAPER, colours)),
        )  # fmt: skip
    shown = names[: len(OWNER_HEX) - 1]
    handles = [
        _dot(
            f"{drawn_name(text.named('owner', name))} ({text.number((owner == name).sum())})", colour, colour
        )
        for name, colour in zip(shown, OWNER_HEX, strict=False)
    ]
    if len(names) > len(shown):
        handles.append(_dot(text.say("drawn.others"), OWNER_HEX[-1], OWNER_HEX[-1]))
    if locked.any():
        handles.append(_dot(text.say("drawn.not_shared", n=int(locked.sum())), PAPER, INK))
    if lines is not None and len(lines):
        handles.append(Line2D([], [], color=MUTED, lw=0.8, ls=(0, (4, 2)), label=text.say("drawn.line")))
    add_labels(sheet, result)
    sheet.legend.legend(
        handles=handles, title=text.say("drawn.owner_legend"), loc="upper left", frameon=False, fontsize=7.5, title_fontsize=8,
        alignment="left", borderaxespad=0, borderpad=0,
    )  # fmt: skip
    return sheet.figure


MAPS: Mapping[str, Callable[[ResultData, Text], Figure]] = {
    "gap": gap_map,
    "access": access_map,
    "rsrp": rsrp_map,
    "options": options_map,
    "network": network_map,
    "locked": locked_map,
}
"""Every map by the name of its file."""


def _settlements(sheet: MapSheet, result: ResultData, text: Text) -> None:
    if result.settlements is None:
        return
    points = result.settlements.to_crs(result.grid.crs)
    size = float(np.clip(4000 / max(len(points), 1), 2, 16))
    handles = []
    for flag, marker in _SPOTS.items():
        if flag in points:
            here = points[points[flag].fillna(value=False).astype(bool)]
            for axes in sheet.panels:
                axes.scatter(
                    here.geometry.x, here.geometry.y, s=size, marker=marker, zorder=6, linewidths=0.6,
                    facecolors=PAPER, edgecolors=INK,
                )  # fmt: skip
            handles.append(
                Line2D(
                    [],
                    [],
                    ls="none",
                    marker=marker,
                    ms=5,
                    mfc=PAPER,
                    mec=INK,
                    label=text.say(f"drawn.{flag}", n=len(here)),
                )
            )
    sheet.legend.legend(
        handles=handles, title=text.say("drawn.settlements"), loc="upper left", bbox_to_anchor=(0, 0.7), frameon=False,
        fontsize=7.5, title_fontsize=8, alignment="left", borderaxespad=0, borderpad=0,
    )  # fmt: skip


def _dot(label: str, face: str, edge: str) -> Line2D:
    return Line2D(
        [], [], marker="o", linestyle="none", markersize=5, markerfacecolor=face, markeredgecolor=edge, label=label,
    )  # fmt: skip


def _image(
    sheet: MapSheet,
    result: ResultData,
    raster: npt.NDArray[Any],
    codes: Callable[[npt.NDArray[Any]], npt.NDArray[np.float64]],
    colours: list[str],
) -> None:
    """Draw the part of a raster that each panel shows, no finer than a printer can show it."""
    grid = result.grid
    for axes in sheet.panels:
        (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
        rows = np.clip(
            [(grid.north_m - north) // grid.cell_m, -((south - grid.north_m) // grid.cell_m)], 0, grid.height
        )
        cols = np.clip(
            [(west - grid.west_m) // grid.cell_m, -((grid.west_m - east) // grid.cell_m)], 0, grid.width
        )
        (top, low), (left, right) = rows.astype(int), cols.astype(int)
        step = max(1, int(np.ceil(max(low - top, right - left) / _MOST_PIXELS)))
        part = raster[top:low:step, left:right:step]
        if part.size == 0:
            continue
        x, y = grid.west_m + left * grid.cell_m, grid.north_m - top * grid.cell_m
        height, width = (n * step * grid.cell_m for n in part.shape)
        axes.imshow(
            codes(part), extent=(x, x + width, y - height, y), cmap=ListedColormap(colours), interpolation="nearest",
            norm=BoundaryNorm(np.arange(len(colours) + 1) - 0.5, len(colours)), aspect="equal", origin="upper", zorder=2,
        )  # fmt: skip
        frame_map(axes, (west, south, east, north))


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]

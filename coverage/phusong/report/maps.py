"""Maps of a result, one function a map, drawn without a display."""

import textwrap
from collections.abc import Callable, Mapping
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap, ListedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from phusong.report.locked_map import locked_map
from phusong.report.result import ACCESS_CLASSES, GAP_PARTS, Result, as_words
from phusong.report.sheet import (
    Sheet,
    add_labels,
    draw_borders,
    frame_map,
    legend,
    map_bounds,
    new_sheet,
    raster_extent,
    spread_boxes,
)
from phusong.report.theme import CLASS_HEX, GAP_HEX, GAP_LABELS, INK, MUTED, OWNER_HEX, PAPER, style

__all__ = ["MAPS", "access_map", "draw_maps", "gap_map", "network_map", "options_map", "rsrp_map"]

_DPI = 160
_SHARE_EDGES_PERCENT = (0, 1, 2, 5, 10, 20, 40, 100)
_RSRP_EDGES_DBM = (-110, -105, -100, -90, -80, -70, -60)
_MOST_PIXELS = 1500
_LISTED_OPTIONS = 20
_SPOTS = {"white": ("^", "village without signal"), "hollow": ("o", "partly covered")}
_LINE_IN = 0.27


def draw_maps(result: Result, folder: Path) -> list[Path]:
    """Write every map of ``MAPS`` as PNG into a folder and return their paths; the bytes repeat."""
    paths = []
    for name, draw in MAPS.items():
        path = folder / f"{name}.png"
        path.write_bytes(_png(draw, result))
        paths.append(path)
    return paths


def gap_map(result: Result) -> Figure:
    """Return the share of people without stable internet by commune, with one small map for each cause."""
    sheet = new_sheet(
        result,
        "Who has no stable internet",
        "Share of a commune's people not served [%]; right: by cause, same classes",
        legend_in=4.6,
    )
    communes = result.communes.to_crs(result.grid.crs)
    people = communes["population"].to_numpy(np.float64)
    lost = communes[list(GAP_PARTS)].sum(axis=1).to_numpy(np.float64)
    ramp = [to_hex(c) for c in mpl.colormaps["YlOrBr"](np.linspace(0.02, 0.95, 7))]
    _choropleth(sheet.map, communes, _percent(lost, people), ramp)
    draw_borders(sheet.map, result)
    add_labels(sheet, result)
    legend(sheet.legend, "People not served [%]", _classes(ramp), top=0.28)
    box = sheet.legend.get_position()
    for k, part in enumerate(GAP_PARTS):
        left = box.x0 + (k % 2) * box.width / 2
        bottom = box.y0 + (0.66 - (k // 2) * 0.345) * box.height
        small = sheet.figure.add_axes((left, bottom, box.width * 0.48, box.height * 0.3))
        frame_map(small, map_bounds(result))
        hue = LinearSegmentedColormap.from_list(part, ["#f7f7f7", GAP_HEX[part]])
        colours = [to_hex(c) for c in hue(np.linspace(0, 1, 7))]
        _choropleth(small, communes, _percent(communes[part].to_numpy(np.float64), people), colours)
        total = float(communes[part].sum())
        draw_borders(small, result, only_communes=True)
        small.set_title(f"{GAP_LABELS[part]}: {_thousands(total)} people", fontsize=7.5, loc="left", pad=3)
    return sheet.figure


def rsrp_map(result: Result) -> Figure:
    """Return the best-server RSRP. [dBm]"""
    sheet = new_sheet(
        result, "How strong the best signal is", "RSRP of the strongest 4G cell, outdoors [dBm]"
    )
    values = _thin(result.rsrp_dbm)
    edges = _RSRP_EDGES_DBM
    colours = [to_hex(c) for c in mpl.colormaps["cividis"](np.linspace(0.0, 1.0, len(edges) + 1))]
    codes = np.digitize(values, edges).astype(np.float64)
    codes[np.isnan(values)] = np.nan
    _image(sheet, result, codes, colours)
    draw_borders(sheet.map, result, colour="#d9dee3")
    add_labels(sheet, result)
    labels = [f"below {edges[0]}", *(f"{a} to {b}" for a, b in pairwise(edges))]
    entries = list(zip([*labels, f"{edges[-1]} and above"], colours, strict=True))[::-1]
    legend(sheet.legend, "RSRP [dBm]", [*entries, ("no signal", PAPER)])
    return sheet.figure


def access_map(result: Result) -> Figure:
    """Return the class of each pixel: served, or why not."""
    sheet = new_sheet(
        result, "Where the internet is stable, and why not", "Dominant class among the operators' subscribers"
    )
    codes = _thin(result.access_class).astype(np.float64)
    codes[codes == 0] = np.nan
    _image(sheet, result, codes, list(CLASS_HEX))
    draw_borders(sheet.map, result)
    add_labels(sheet, result)
    counts = np.bincount(result.access_class.ravel(), minlength=len(ACCESS_CLASSES)).astype(np.float64)
    land = max(counts[1:].sum(), 1.0)
    entries = [
        (f"{ACCESS_CLASSES[k].capitalize()} ({100 * counts[k] / land:.0f} %)", CLASS_HEX[k])
        for k in (5, 1, 2, 3, 4)
    ]
    legend(sheet.legend, "Class (share of land shown)", entries)
    _settlements(sheet, result)
    return sheet.figure


def options_map(result: Result) -> Figure:
    """Return the places of the best-ranked options, numbered, with what each buys."""
    count = min(_LISTED_OPTIONS, len(result.options))
    sheet = new_sheet(
        result,
        f"The {count} best investments" if count > 1 else "The best investments",
        "Ranked by additional people served per cost; shading: people not served [%]",
        legend_in=4.1,
    )
    communes = result.communes.to_crs(result.grid.crs)
    lost = communes[list(GAP_PARTS)].sum(axis=1).to_numpy(np.float64)
    greys = [to_hex(c) for c in mpl.colormaps["Greys"](np.linspace(0.0, 0.45, 7))]
    _choropleth(sheet.map, communes, _percent(lost, communes["population"].to_numpy(np.float64)), greys)
    draw_borders(sheet.map, result)
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
    _list_options(sheet, best, communes)
    return sheet.figure


def network_map(result: Result, lines: gpd.GeoDataFrame | None = None) -> Figure:
    """Return the sites by owner; a hollow mark is a site that others may not use.

    Parameters
    ----------
    result : Result
        With ``owner`` and ``lock_reason`` among the columns of its sites where known.
    lines : GeoDataFrame, optional
        Power lines or links, drawn beneath.
    """
    sheet = new_sheet(result, "The network", f"{len(result.sites):,} sites by owner")
    draw_borders(sheet.map, result, fill="#f7f7f5")
    if lines is not None and len(lines):
        lines.to_crs(result.grid.crs).plot(
            ax=sheet.map, color=MUTED, linewidth=0.6, linestyle=(0, (4, 2)), zorder=5, aspect=None
        )
    sites = result.sites.to_crs(result.grid.crs)
    owner = sites["owner"].astype(str) if "owner" in sites else pd.Series("site", index=sites.index)
    reason = (
        sites["lock_reason"].fillna("").astype(str) if "lock_reason" in sites else owner.map(lambda _: "")
    )
    locked = (~reason.str.strip().str.lower().isin(["", "none", "nan"])).to_numpy()
    names = list(owner.value_counts().sort_index().sort_values(ascending=False, kind="stable").index)
    size = float(np.clip(2600 / max(len(sites), 1), 0.7, 22))
    colours = owner.map({n: OWNER_HEX[min(k, len(OWNER_HEX) - 1)] for k, n in enumerate(names)}).to_numpy(str)
    # all in one call, in the order of the table: no owner hides the others
    sheet.map.scatter(
        sites.geometry.x, sites.geometry.y, s=size, zorder=6, linewidths=0.8 if size > 4 else 0.3,
        edgecolors=list(colours), facecolors=list(np.where(locked, PAPER, colours)),
    )  # fmt: skip
    shown = names[: len(OWNER_HEX) - 1]
    handles = [
        _dot(f"{name} ({int((owner == name).sum()):,})", colour, colour)
        for name, colour in zip(shown, OWNER_HEX, strict=False)
    ]
    if len(names) > len(shown):
        handles.append(_dot("others", OWNER_HEX[-1], OWNER_HEX[-1]))
    if locked.any():
        handles.append(_dot(f"may not be shared ({int(locked.sum()):,})", PAPER, INK))
    if lines is not None and len(lines):
        handles.append(Line2D([], [], color=MUTED, lw=0.8, ls=(0, (4, 2)), label="power line or link"))
    add_labels(sheet, result)
    sheet.legend.legend(
        handles=handles, title="Owner (sites)", loc="upper left", frameon=False, fontsize=7.5, title_fontsize=8,
        alignment="left", borderaxespad=0, borderpad=0,
    )  # fmt: skip
    return sheet.figure


MAPS: Mapping[str, Callable[[Result], Figure]] = {
    "gap": gap_map,
    "access": access_map,
    "rsrp": rsrp_map,
    "options": options_map,
    "network": network_map,
    "locked": locked_map,
}
"""Every map by the name of its file."""


def _png(draw: Callable[[Result], Figure], result: Result) -> bytes:
    # a palette keeps the colours of a map and a third of its bytes
    with style(), BytesIO() as full, BytesIO() as small:
        draw(result).savefig(full, dpi=_DPI, format="png", pil_kwargs={"compress_level": 1})
        full.seek(0)
        with Image.open(full) as image:
            palette = image.convert("RGB").quantize(
                255, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE
            )
            palette.save(small, format="PNG", optimize=True, dpi=(_DPI, _DPI))
        return small.getvalue()


def _settlements(sheet: Sheet, result: Result) -> None:
    if result.settlements is None:
        return
    points = result.settlements.to_crs(result.grid.crs)
    size = float(np.clip(4000 / max(len(points), 1), 2, 16))
    handles = []
    for flag, (marker, text) in _SPOTS.items():
        if flag in points:
            here = points[points[flag].fillna(value=False).astype(bool)]
            sheet.map.scatter(
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
                    label=f"{text} ({len(here):,})",
                )
            )
    sheet.legend.legend(
        handles=handles, title="Settlements", loc="upper left", bbox_to_anchor=(0, 0.7), frameon=False,
        fontsize=7.5, title_fontsize=8, alignment="left", borderaxespad=0, borderpad=0,
    )  # fmt: skip


def _percent(part: npt.NDArray[np.float64], whole: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    percent = np.full(part.shape, np.nan)
    np.divide(100 * part, whole, out=percent, where=whole > 0)
    return percent


def _choropleth(
    axes: Axes, communes: gpd.GeoDataFrame, percent: npt.NDArray[np.float64], colours: list[str]
) -> None:
    if communes.empty:
        return
    index = np.digitize(np.nan_to_num(percent), _SHARE_EDGES_PERCENT[1:-1])
    fill = np.where(np.isnan(percent), "#d9d9d9", np.asarray(colours)[index])
    # a border in the colour of the fill closes the hairlines between neighbours
    communes.plot(ax=axes, color=list(fill), edgecolor="face", linewidth=0.2, zorder=2, aspect=None)


def _classes(colours: list[str]) -> list[tuple[str, str]]:
    edges = _SHARE_EDGES_PERCENT
    labels = [f"{a} to {b}" for a, b in pairwise(edges)]
    labels[0], labels[-1] = f"below {edges[1]}", f"{edges[-2]} and more"
    return list(zip(labels, colours, strict=True))


def _thin(raster: npt.NDArray[Any]) -> npt.NDArray[Any]:
    # a printed map cannot show more pixels than it has
    step = max(1, int(np.ceil(max(raster.shape) / _MOST_PIXELS)))
    return raster[::step, ::step].copy()


def _image(sheet: Sheet, result: Result, codes: npt.NDArray[np.float64], colours: list[str]) -> None:
    sheet.map.imshow(
        codes, extent=raster_extent(result), cmap=ListedColormap(colours), interpolation="nearest", zorder=2,
        norm=BoundaryNorm(np.arange(len(colours) + 1) - 0.5, len(colours)), aspect="equal", origin="upper",
    )  # fmt: skip
    frame_map(sheet.map, map_bounds(result))


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


def _list_options(sheet: Sheet, best: pd.DataFrame, communes: gpd.GeoDataFrame) -> None:
    names = dict(zip(communes["commune_code"].astype(str), communes["name"].astype(str), strict=True))
    height_in = sheet.legend.get_position().height * sheet.figure.get_size_inches()[1]
    step = min(1 / (len(best) + 1), _LINE_IN / height_in)
    heads = (
        (0.07, "#", "right"),
        (0.1, "Commune, works", "left"),
        (0.83, "people", "right"),
        (1, "mUSD", "right"),
    )
    for x, text, align in heads:
        sheet.legend.text(x, 1, text, fontsize=7.5, fontweight="bold", ha=align, va="top")
    for i, row in enumerate(best.to_dict("records"), start=1):
        code = (as_words(row["commune_code"]) or [""])[0]
        kinds = ", ".join(dict.fromkeys(k.replace("_", " ") for k in as_words(row["kinds"])))
        text = textwrap.shorten(f"{names.get(code, code)}: {kinds}", 44, placeholder=" …")
        cells = (
            (0.07, f"{int(row['rank'])}", "right"),
            (0.1, text, "left"),
            (0.83, _thousands(row["people_gained"]), "right"),
            (1.0, f"{row['cost_musd']:.2f}", "right"),
        )
        for x, cell, align in cells:
            sheet.legend.text(x, 1 - i * step, cell, fontsize=6.8, ha=align, va="top")
    sheet.legend.set(xlim=(0, 1), ylim=(0, 1))


def _dot(label: str, face: str, edge: str) -> Line2D:
    return Line2D(
        [], [], marker="o", linestyle="none", markersize=5, markerfacecolor=face, markeredgecolor=edge, label=label,
    )  # fmt: skip


def _thousands(people: float) -> str:
    return f"{people:,.0f}".replace(",", " ")

"""A printed map sheet: frame, title, legend column, scale bar, north arrow and labels that do not overlap."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from phusong.region.grid import Grid
from phusong.report.insets import Bounds, map_frames
from phusong.report.map_furniture import (
    add_north_arrow,
    add_scale_bar,
    data_dates,
    drawn_name,
    length_text,
    round_length,
    source_lines,
)
from phusong.report.text import Text
from phusong.report.theme import INK, MUTED, PAPER

__all__ = [
    "MOST_COMMUNE_LABELS",
    "Mapped",
    "Sheet",
    "add_labels",
    "border_width",
    "draw_borders",
    "frame_map",
    "legend",
    "length_text",
    "map_bounds",
    "new_sheet",
    "round_length",
    "spread_boxes",
]

MOST_COMMUNE_LABELS = 150
"""Above this many communes, provinces are named instead."""

_MAP_IN = 6.6
_LEGEND_IN = 2.7
_TOP_IN, _BOTTOM_IN, _SIDE_IN = 0.75, 0.55, 0.2
_LEAST_HEIGHT_IN, _MOST_HEIGHT_IN = 4.2, 8.6
_INSET_IN, _INSET_GAP_IN, _INSET_TITLE_IN = 1.45, 0.15, 0.32


class Mapped(Protocol):
    """What a sheet needs to know of what is drawn on it: a result has it, an audit's map makes it."""

    @property
    def communes(self) -> gpd.GeoDataFrame:
        """Polygons with name and province."""

    @property
    def grid(self) -> Grid:
        """Where the pixels are, and in which CRS."""

    @property
    def summary(self) -> dict[str, Any]:
        """``region`` names the region."""

    @property
    def layers(self) -> pd.DataFrame:
        """Kind of each input layer."""


@dataclass(frozen=True)
class Sheet:
    """One picture: the figure and its canvas, its map, the insets below and the legend column on the right."""

    figure: Figure
    canvas: FigureCanvasAgg
    map: Axes
    legend: Axes
    insets: tuple[Axes, ...] = ()

    @property
    def panels(self) -> tuple[Axes, ...]:
        """Every place where the ground is drawn: the map and its insets."""
        return (self.map, *self.insets)


def new_sheet(
    result: Mapped, title: str, subtitle: str, text: Text, *, legend_in: float = _LEGEND_IN, note: str = ""
) -> Sheet:
    """Return an empty sheet whose map covers the communes of the result, in metres of its CRS.

    Parameters
    ----------
    result : Mapped
        For the extent, the region's name and the sources.
    title, subtitle : str
        What is shown, and how to read it.
    text : Text
        The language to speak.
    legend_in : float
        Width of the legend column. [inch]
    note : str
        How what is shown came to be, if not modelled; the line under the map begins with it.
    """
    frames = map_frames(result.communes.to_crs(result.grid.crs))
    west, south, east, north = frames.main
    aspect = (north - south) / (east - west)
    height_in = float(np.clip(_MAP_IN * aspect, _LEAST_HEIGHT_IN, _MOST_HEIGHT_IN))
    width_in = max(min(_MAP_IN, height_in / aspect), 3.4)
    total_w = width_in + legend_in + 2 * _SIDE_IN
    head = f"{note or text.say('map.source')}. {drawn_name(str(result.summary.get('region', '')), 60)} · {result.grid.crs}"
    sources = source_lines(result.layers, head, text, width_in=total_w - 2 * _SIDE_IN)
    bottom_in = _BOTTOM_IN + 0.13 * sources.count("\n")
    strip_in = _INSET_IN + _INSET_TITLE_IN + _INSET_GAP_IN if frames.insets else 0.0
    total_h = height_in + strip_in + _TOP_IN + bottom_in
    figure = Figure(figsize=(total_w, total_h))
    canvas = FigureCanvasAgg(figure)

    def place(left_in: float, low_in: float, wide_in: float, high_in: float) -> Axes:
        return figure.add_axes((left_in / total_w, low_in / total_h, wide_in / total_w, high_in / total_h))

    axes = place(_SIDE_IN, bottom_in + strip_in, width_in, height_in)
    frame_map(axes, frames.main)
    column = place(_SIDE_IN + width_in + 0.15, bottom_in + strip_in, legend_in - 0.15, height_in)
    column.set_axis_off()
    insets = []
    for k, inset in enumerate(frames.insets):
        box = place(_SIDE_IN + k * (_INSET_IN + _INSET_GAP_IN), bottom_in, _INSET_IN, _INSET_IN)
        frame_map(box, inset.bounds)
        named = drawn_name(inset.names[0], 18) + (f" +{len(inset.names) - 1}" if len(inset.names) > 1 else "")
        where = text.say(
            "drawn.inset",
            far=length_text(round(inset.distance_m, -4), text),
            wind=text.code("wind", inset.wind),
        )
        box.set_title(f"{named}\n{where}", fontsize=6, loc="left", pad=2)
        add_scale_bar(box, text, share=0.45)
        insets.append(box)
    left = _SIDE_IN / total_w
    region = drawn_name(str(result.summary.get("region", "")))
    dates = data_dates(result.layers)
    title = " · ".join(part for part in (title, region if region not in title else "", dates) if part)
    figure.text(left, 1 - 0.16 / total_h, title, fontsize=12.5, fontweight="bold", va="top")
    figure.text(left, 1 - 0.45 / total_h, subtitle, fontsize=8, color=MUTED, va="top")
    figure.text(left, 0.14 / total_h, sources, fontsize=6.5, color=MUTED, va="bottom", linespacing=1.35)
    add_scale_bar(axes, text)
    add_north_arrow(axes, text)
    return Sheet(figure, canvas, axes, column, tuple(insets))


def map_bounds(result: Mapped) -> Bounds:
    """Return west, south, east, north of the map's frame: the communes but for those in insets. [m]"""
    return map_frames(result.communes.to_crs(result.grid.crs)).main


def frame_map(axes: Axes, bounds: Bounds) -> None:
    """Give an axes true proportions, the extent and a thin frame without ticks."""
    west, south, east, north = bounds
    axes.set(xlim=(west, east), ylim=(south, north), xticks=[], yticks=[])
    axes.set_aspect("equal", adjustable="box")
    # geopandas names the axes after the CRS; the note under the map does so already
    axes.xaxis.label.set_visible(False)
    axes.yaxis.label.set_visible(False)
    for spine in axes.spines.values():
        spine.set(linewidth=0.6, color=MUTED)


def draw_borders(
    axes: Axes, result: Mapped, *, fill: str = "none", colour: str = MUTED, only_communes: bool = False
) -> None:
    """Draw thin commune borders and, unless they are not wanted, thicker province borders."""
    communes = result.communes.to_crs(result.grid.crs)
    if communes.empty:
        return
    communes.plot(
        ax=axes,
        facecolor=fill,
        edgecolor=colour,
        linewidth=border_width(len(communes)),
        zorder=4,
        aspect=None,
    )
    if not only_communes and len(set(communes["province"])) > 1:
        outlines = communes[["province", "geometry"]].dissolve("province").boundary
        outlines.plot(ax=axes, color=INK, linewidth=0.8, zorder=4, aspect=None)


def border_width(communes: int) -> float:
    """Return the width of commune borders: thinner where there are many, so that they do not hide the fill."""
    return float(0.35 * min(1.0, 200 / max(communes, 1)) ** 0.75)


def add_labels(sheet: Sheet, result: Mapped) -> None:
    """Name communes (provinces, in a large region), largest first; a name that would overlap is left out."""
    communes = result.communes.to_crs(result.grid.crs)
    if communes.empty:
        return
    if len(communes) > MOST_COMMUNE_LABELS:
        named = communes[["province", "geometry"]].dissolve("province").reset_index()
        names, size = named["province"].astype(str), 7.0
    else:
        named, names, size = communes, communes["name"].astype(str), 5.8
    points = named.geometry.representative_point()
    order = np.argsort(-named.geometry.area.to_numpy(), kind="stable")
    placed: list[npt.NDArray[np.float64]] = [_extent(a, sheet) for a in sheet.map.texts]
    frame = sheet.map.get_window_extent().extents
    (west, east), (south, north) = sheet.map.get_xlim(), sheet.map.get_ylim()
    for i in order:
        if not (west < points.x.iloc[i] < east and south < points.y.iloc[i] < north):
            continue
        label = sheet.map.text(
            points.x.iloc[i], points.y.iloc[i], drawn_name(names.iloc[i]), ha="center", va="center", fontsize=size,
            zorder=8, color=INK, path_effects=[withStroke(linewidth=1.6, foreground=PAPER)],
        )  # fmt: skip
        box = _extent(label, sheet)
        outside = (box[:2] < frame[:2]).any() or (box[2:] > frame[2:]).any()
        if outside or any(_overlap(box, other) for other in placed):
            label.remove()
        else:
            placed.append(box)


def legend(axes: Axes, title: str, entries: Sequence[tuple[str, str]], *, top: float = 1.0) -> None:
    """Draw a legend of coloured squares in the legend column.

    Parameters
    ----------
    axes : Axes
        The legend column.
    title : str
        What the colours mean, with the unit.
    entries : sequence of (label, colour)
        From top to bottom.
    top : float
        Where the legend starts, as a share of the column's height.
    """
    handles = [
        Patch(facecolor=colour, edgecolor=MUTED, linewidth=0.4, label=text) for text, colour in entries
    ]
    drawn = axes.legend(
        handles=handles, title=title, loc="upper left", bbox_to_anchor=(0, top), frameon=False, fontsize=7.5,
        title_fontsize=8, alignment="left", borderaxespad=0, borderpad=0, handlelength=1.4, handleheight=1.1,
    )  # fmt: skip
    axes.add_artist(drawn)
    axes.legend_ = None  # kept as an artist beside later ones, and drawn once


def spread_boxes(
    points: npt.NDArray[np.float64], side: float, taken: Iterable[npt.NDArray[np.float64]] = ()
) -> npt.NDArray[np.float64]:
    """Return places near the points where squares of a side do not overlap; earlier points keep theirs.

    Parameters
    ----------
    points : (n, 2) float64
        Wanted centres.
    side : float
        Side of each square, in the unit of the points.
    taken : iterable of (4,) float64
        West, south, east, north of boxes already there.
    """
    boxes = list(taken)
    out = np.empty_like(points)
    # rings of growing radius around the wanted place
    turns = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    rings = [(0.0, 0.0)] + [
        (r * side * np.cos(t), r * side * np.sin(t)) for r in np.arange(0.8, 12, 0.4) for t in turns
    ]
    for i, (x, y) in enumerate(points):
        for dx, dy in rings:
            box = np.array([x + dx - side / 2, y + dy - side / 2, x + dx + side / 2, y + dy + side / 2])
            if not any(_overlap(box, other) for other in boxes):
                break
        boxes.append(box)
        out[i] = (box[:2] + box[2:]) / 2
    return out


def _extent(artist: Artist, sheet: Sheet) -> npt.NDArray[np.float64]:
    return np.asarray(artist.get_window_extent(sheet.canvas.get_renderer()).extents, np.float64)


def _overlap(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> bool:
    return bool(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])

"""Small multiples of a storm: who is without service hour by hour, the gusts, and where it went."""

from typing import Protocol

import geopandas as gpd
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from pyproj import Transformer

from phusong.region.grid import Grid
from phusong.report.choropleth import GAP_CLASSES, NO_PEOPLE_HEX, Classes, percent
from phusong.report.map_furniture import add_north_arrow, add_scale_bar, drawn_name
from phusong.report.sheet import border_width, frame_map
from phusong.report.text import Text
from phusong.report.theme import INK, MUTED, PAPER, style

__all__ = ["StormPicture", "storm_maps"]

Floats = npt.NDArray[np.float64]

_PANEL_IN, _GAP_IN, _TOP_IN, _BOTTOM_IN, _LEGEND_IN = 3.1, 0.16, 0.82, 0.78, 1.55
_TITLE_IN = 0.42
_COLUMNS = 3
_CONTOURS_MS = np.arange(10.0, 80.0, 5.0)
_CUT_CLASSES = Classes("%", (0.0, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 100.0), GAP_CLASSES.colours)
_SHOWN_DEGREES = 3.0  # of the track round the region


class StormPicture(Protocol):
    """What the maps are drawn from."""

    @property
    def communes(self) -> gpd.GeoDataFrame:
        """population, geometry, and people_without_before, people_without_{h}h of each commune."""

    @property
    def grid(self) -> Grid:
        """For the CRS."""

    @property
    def track_degrees(self) -> tuple[Floats, Floats, list[str]]:
        """Latitude, longitude and label (day and hour, local) of the track's positions."""

    @property
    def gusts(self) -> tuple[Floats, Floats, Floats]:
        """Lines to the east and to the north, and gusts at their crossings. [m/s]"""

    @property
    def hours(self) -> tuple[float, ...]:
        """Hours after the strongest gust."""

    def title(self, text: Text) -> str:
        """What is shown."""

    def source(self, text: Text) -> str:
        """Where the figures come from."""


def storm_maps(picture: StormPicture, suffix: str = "", lang: str = "en") -> Figure:
    """Return one map an hour of the share of people without service, and one of the gusts with the track.

    Parameters
    ----------
    picture : StormPicture
        What to draw.
    suffix : str
        Of the people's columns: ``"_with_plan"`` draws the network with the plan.
    """
    with style():
        return _draw(picture, suffix, Text(lang))


def _draw(picture: StormPicture, suffix: str, text: Text) -> Figure:
    communes = picture.communes.to_crs(picture.grid.crs)
    west, south, east, north = communes.total_bounds
    margin = 0.04 * max(east - west, north - south)
    bounds = west - margin, south - margin, east + margin, north + margin
    height_in = float(np.clip(_PANEL_IN * (bounds[3] - bounds[1]) / (bounds[2] - bounds[0]), 1.8, 4.6))
    rows = -(-(len(picture.hours) + 1) // _COLUMNS)
    wide = _COLUMNS * _PANEL_IN + (_COLUMNS + 1) * _GAP_IN + _LEGEND_IN
    high = _TOP_IN + rows * (height_in + _TITLE_IN) + _BOTTOM_IN
    figure = Figure(figsize=(wide, high))
    FigureCanvasAgg(figure)
    people = communes["population"].to_numpy(np.float64)
    before = float(communes[f"people_without_before{suffix}"].sum())
    for k in range(len(picture.hours) + 1):
        row, column = divmod(k, _COLUMNS)
        left = _GAP_IN + column * (_PANEL_IN + _GAP_IN)
        bottom = high - _TOP_IN - (row + 1) * (height_in + _TITLE_IN)
        axes = figure.add_axes((left / wide, bottom / high, _PANEL_IN / wide, height_in / high))
        if k == len(picture.hours):
            _gust_map(axes, picture, communes, text)
        else:
            hour = picture.hours[k]
            without = communes[f"people_without_{hour:g}h{suffix}_mean"].to_numpy(np.float64)
            cut_off = without - communes[f"people_without_before{suffix}"].to_numpy(np.float64)
            _CUT_CLASSES.fill(axes, communes, percent(cut_off, people))
            after = text.say("drawn.after", hours=text.number(hour, "figure"))
            cut = text.say("drawn.cut_off", people=text.number(cut_off.sum()))
            axes.set_title(f"{after}\n{cut}", fontsize=8.5, loc="left", pad=3, color=INK, linespacing=1.3)
        _borders(axes, communes)
        last = k == len(picture.hours)
        frame_map(axes, _with_track(picture, bounds) if last else bounds)
        if k == 0 or last:
            add_scale_bar(axes, text, share=0.3)
        if k == 0:
            add_north_arrow(axes, text)
        _track(axes, picture, labels=last)
    _furniture(figure, picture, (wide, high), before, text)
    return figure


def _borders(axes: Axes, communes: gpd.GeoDataFrame) -> None:
    communes.plot(
        ax=axes, facecolor="none", edgecolor=MUTED, linewidth=border_width(len(communes)) * 0.7, zorder=4, aspect=None
    )  # fmt: skip
    outline = communes[["province", "geometry"]].dissolve("province").boundary
    outline.plot(ax=axes, color=INK, linewidth=0.7, zorder=4, aspect=None)


def _gust_map(axes: Axes, picture: StormPicture, communes: gpd.GeoDataFrame, text: Text) -> None:
    communes.plot(ax=axes, facecolor="#f2f2ef", edgecolor="none", zorder=1, aspect=None)
    east, north, gust = picture.gusts
    levels = _CONTOURS_MS[(gust.min() <= _CONTOURS_MS) & (gust.max() >= _CONTOURS_MS)]
    if levels.size:
        # width tells the strength as well as the number does
        drawn = axes.contour(
            east, north, gust, levels=levels, colors="#0072B2", zorder=5,
            linewidths=[0.5 + 0.25 * i for i in range(levels.size)],
        )  # fmt: skip
        axes.clabel(drawn, fmt=lambda v: f"{v:.0f}", fontsize=7, inline=True)
    axes.set_title(
        text.say("drawn.gusts"), fontsize=8.5, loc="left", pad=3,
        color=INK, linespacing=1.3,
    )  # fmt: skip


def _with_track(
    picture: StormPicture, bounds: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """Return a frame of the same proportions, as wide as the computed gusts reach."""
    east, north, _ = picture.gusts
    west, south, right, top = bounds
    middle = (west + right) / 2, (south + top) / 2
    room = min(
        (east[-1] - middle[0]) / (right - middle[0]), (middle[0] - east[0]) / (middle[0] - west),
        (north[-1] - middle[1]) / (top - middle[1]), (middle[1] - north[0]) / (middle[1] - south),
    )  # fmt: skip
    half = max(room, 1.0) * (right - middle[0]), max(room, 1.0) * (top - middle[1])
    return middle[0] - half[0], middle[1] - half[1], middle[0] + half[0], middle[1] + half[1]


def _track(axes: Axes, picture: StormPicture, *, labels: bool) -> None:
    latitude, longitude, words = picture.track_degrees
    to_metres = Transformer.from_crs("EPSG:4326", picture.grid.crs, always_xy=True)
    west, east = axes.get_xlim()
    south, north = axes.get_ylim()
    around = _SHOWN_DEGREES * 111_000.0
    x, y = (np.asarray(v) for v in to_metres.transform(longitude, latitude))
    # far off the projection is no plane any more
    near = (x > west - around) & (x < east + around) & (y > south - around) & (y < north + around)
    if near.sum() < 2:
        return
    halo = [withStroke(linewidth=2.6, foreground=PAPER)]
    axes.plot(x[near], y[near], color=INK, lw=1.1, marker="o", ms=2.6, zorder=7, path_effects=halo)
    if not labels:
        return
    for i in np.flatnonzero(near):
        if west < x[i] < east and south < y[i] < north:
            # a label near the right edge goes to the left
            far = x[i] > east - 0.16 * (east - west)
            axes.annotate(
                words[i], (x[i], y[i]), xytext=(-3 if far else 3, 6), textcoords="offset points", fontsize=6.5,
                ha="right" if far else "left", zorder=8, annotation_clip=True,
                path_effects=[withStroke(linewidth=1.8, foreground=PAPER)],
            )  # fmt: skip


def _furniture(
    figure: Figure, picture: StormPicture, size: tuple[float, float], before: float, text: Text
) -> None:
    wide, high = size
    left = _GAP_IN / wide
    figure.text(
        left,
        1 - 0.16 / high,
        drawn_name(picture.title(text), 120),
        fontsize=12.5,
        fontweight="bold",
        va="top",
    )
    figure.text(
        left, 1 - 0.46 / high,
        text.say("drawn.storm_subtitle", people=text.number(before)),
        fontsize=8, color=MUTED, va="top",
    )  # fmt: skip
    figure.text(
        left, 0.1 / high, picture.source(text), fontsize=6.5, color=MUTED, va="bottom", linespacing=1.35
    )
    column = figure.add_axes(
        (
            (wide - _LEGEND_IN) / wide,
            _BOTTOM_IN / high,
            _LEGEND_IN / wide,
            (high - _TOP_IN - _BOTTOM_IN) / high,
        )
    )
    column.set_axis_off()
    colours = [*_CUT_CLASSES.colours, NO_PEOPLE_HEX]
    handles = [
        Patch(facecolor=c, edgecolor=MUTED, linewidth=0.4, label=t)
        for c, t in zip(colours, [*_CUT_CLASSES.labels(text), text.say("class.no_people")], strict=True)
    ]
    column.legend(
        handles=handles, title=text.say("drawn.cut_legend"), loc="upper left", bbox_to_anchor=(0, 0.98), frameon=False,
        fontsize=7.5, title_fontsize=8, alignment="left", borderaxespad=0, borderpad=0, handlelength=1.4,
        handleheight=1.1,
    )  # fmt: skip

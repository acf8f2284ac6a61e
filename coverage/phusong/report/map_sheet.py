"""Printed map sheet and furniture."""

import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.text import Text as MplText
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from phusong.io.text import Text
from phusong.region import Grid
from phusong.report.map_style import INK, MUTED, PAPER

__all__ = [
    "MOST_COMMUNE_LABELS",
    "Bounds",
    "Frames",
    "Inset",
    "MapSheet",
    "Mapped",
    "add_labels",
    "add_north_arrow",
    "add_scale_bar",
    "border_width",
    "data_dates",
    "draw_borders",
    "drawn_name",
    "frame_map",
    "legend",
    "length_text",
    "map_bounds",
    "map_frames",
    "new_sheet",
    "round_length",
    "source_lines",
    "spread_boxes",
]

_LONGEST_NAME = 28
_LONGEST_SOURCE = 60
_MOST_SOURCES = 6


def add_scale_bar(axes: Axes, text: Text, *, share: float = 0.2) -> None:
    """Draw a bar of a round length that is at most a share of the map's width, in the lower left corner."""
    west, east = axes.get_xlim()
    south, north = axes.get_ylim()
    length_m = round_length((east - west) * share)
    x, y = west + 0.03 * (east - west), south + 0.035 * (north - south)
    # the caps are as high on a small map as on a large one
    step = 0.007 * (north - south) * max(1.0, share / 0.2)
    axes.plot(
        [x, x, x + length_m, x + length_m], [y + step, y, y, y + step], color=INK, lw=1.1, zorder=9,
        path_effects=[withStroke(linewidth=3, foreground=PAPER)],
    )  # fmt: skip
    axes.text(
        x + length_m / 2, y + 1.4 * step, length_text(length_m, text), ha="center", va="bottom", fontsize=7, zorder=9,
        path_effects=[withStroke(linewidth=2, foreground=PAPER)],
    )  # fmt: skip


def add_north_arrow(axes: Axes, text: Text) -> None:
    """Draw an arrow to grid north in the upper right corner."""
    axes.annotate(
        text.say("drawn.north"), xy=(0.965, 0.975), xytext=(0.965, 0.895), xycoords="axes fraction", ha="center", va="center",
        fontsize=8, fontweight="bold", zorder=9,
        arrowprops={"arrowstyle": "-|>,head_width=0.25,head_length=0.5", "color": INK, "lw": 1.1},
        path_effects=[withStroke(linewidth=2, foreground=PAPER)],
    )  # fmt: skip


def source_lines(layers: pd.DataFrame, head: str, text: Text, *, width_in: float) -> str:
    """Return the note under a map: how it came to be, from what kinds of layers, of which date and source.

    Parameters
    ----------
    layers : DataFrame
        ``kind``, ``source`` and ``as_of`` of each input layer, where known.
    head : str
        What the note begins with.
    text : Text
        The language to speak.
    width_in : float
        Room for a line. [inch]
    """
    parts = [head]
    if "kind" in layers and len(layers):
        kinds = layers["kind"].astype(str)
        counted = layers[[c for c in layers if str(c).startswith("records_")]]
        # a layer of several kinds is none of them
        mixed = (counted > 0).sum(axis=1) > 1
        if "share" in layers:
            mixed |= layers["share"].astype(float) < 1.0
        kinds = kinds.where(~mixed, "partly " + kinds)
        counts = kinds.value_counts().sort_index()
        counted_kinds = ", ".join(
            f"{text.number(n)} {text.code('quality', kind)}" for kind, n in counts.items()
        )
        parts.append(text.say("drawn.layers", kinds=counted_kinds))
    dates = sorted({str(d) for d in layers["as_of"] if _said(d)}) if "as_of" in layers else []
    if dates:
        key = "drawn.as_of_to" if len(dates) > 1 else "drawn.as_of"
        parts.append(text.say(key, first=text.date(dates[0]), last=text.date(dates[-1])))
    sources = list(dict.fromkeys(str(s) for s in layers["source"] if _said(s))) if "source" in layers else []
    if sources:
        said = [drawn_name(text.note(s), 400) for s in sources]
        named = [textwrap.shorten(s, _LONGEST_SOURCE, placeholder=" …") for s in said]
        more = (
            "; " + text.say("drawn.more", n=len(named) - _MOST_SOURCES) if len(named) > _MOST_SOURCES else ""
        )
        parts.append(text.say("drawn.sources", sources="; ".join(named[:_MOST_SOURCES]) + more))
    letters = max(40, int(width_in * 19.5))  # of 6.5 points in an inch
    return "\n".join(textwrap.wrap(" · ".join(parts), letters, max_lines=4, placeholder=" …"))


def data_dates(layers: pd.DataFrame) -> str:
    """Return the first and the last year of the input layers, nothing where none is known.

    Examples
    --------
    >>> data_dates(pd.DataFrame({"as_of": ["2026-01", "2022", ""]}))
    '2022–2026'
    """
    years = sorted({str(d)[:4] for d in layers["as_of"] if _said(d)}) if "as_of" in layers else []
    return "–".join(dict.fromkeys((years[0], years[-1]))) if years else ""


def drawn_name(text: str, longest: int = _LONGEST_NAME) -> str:
    r"""Return a name fit to be drawn: without marks that nobody sees but that turn a line round, not endless.

    Examples
    --------
    >>> drawn_name("Nà\u202e Hang\x07"), drawn_name("Xã " * 20)
    ('Nà Hang', 'Xã Xã Xã Xã Xã Xã Xã Xã Xã…')
    """
    plain = "".join(
        c for c in text.replace("\n", " ") if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"}
    )
    plain = " ".join(plain.split())
    return plain if len(plain) <= longest else plain[: longest - 1].rstrip() + "…"


def round_length(length_m: float) -> float:
    """Return the largest of 1, 2 or 5 times a power of ten that does not exceed a length. [m]

    Examples
    --------
    >>> round_length(17_300.0), length_text(round_length(17_300.0), Text("en"))
    (10000.0, '10 km')
    """
    power = 10.0 ** np.floor(np.log10(length_m))
    # just below a power of ten the logarithm may round up to it: half of that power is then the answer
    return float(max(m * power for m in (0.5, 1, 2, 5) if m * power <= length_m))


def length_text(length_m: float, text: Text) -> str:
    """Return a length in kilometres, or in metres below one."""
    far = length_m >= 1000
    return f"{text.number(length_m / 1000 if far else length_m, 'figure')} {'km' if far else 'm'}"


def _said(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


Bounds = tuple[float, float, float, float]
"""West, south, east, north. [m]"""

_APART_M = 20_000.0  # parts nearer than this to each other lie in one frame
_MOST_GROWTH = 1.3  # a part that would widen the map's longer side by more goes to an inset
_LEAST_INSET_M = 12_000.0  # side of an inset, at least: a rock in the sea still shows the sea around it
_MOST_INSETS = 4
_MARGIN = 0.03  # of the longer side, round the map
_WINDS = ("E", "NE", "N", "NW", "W", "SW", "S", "SE")


@dataclass(frozen=True)
class Inset:
    """A box beside the map.

    Parameters
    ----------
    names : tuple of str
        The communes in it, most people first.
    bounds : Bounds
        Square. [m]
    distance_m : float
        From the middle of the map's frame. [m]
    wind : str
        In which direction: ``"SE"``.
    """

    names: tuple[str, ...]
    bounds: Bounds
    distance_m: float
    wind: str


@dataclass(frozen=True)
class Frames:
    """What the map covers, and what its insets cover."""

    main: Bounds
    insets: tuple[Inset, ...] = ()


def map_frames(communes: gpd.GeoDataFrame) -> Frames:
    """Return the frame of the map and of its insets, special zones far at sea above all.

    Parameters
    ----------
    communes : GeoDataFrame
        Polygons in metres with ``name`` and ``population``.

    Notes
    -----
    Parts of communes nearer than 20 km to each other are one group. The group with most people makes the map; the
    others join it, nearest first, as long as they do not widen its longer side by more than 30 %.
    """
    parts, row = shapely.get_parts(communes.geometry.to_numpy(), return_index=True)
    parts, row = parts[~shapely.is_empty(parts)], row[~shapely.is_empty(parts)]
    if parts.size == 0:
        return Frames((0.0, 0.0, 1000.0, 1000.0))
    bounds = shapely.bounds(parts)
    people = communes["population"].to_numpy(np.float64)
    groups = [np.flatnonzero(g) for g in _groups(parts)]
    weight = [(people[np.unique(row[g])].sum(), shapely.area(parts[g]).sum()) for g in groups]
    first = max(range(len(groups)), key=lambda k: weight[k])
    main = _around(bounds[groups[first]])
    far: list[npt.NDArray[np.int64]] = []
    others = [g for k, g in enumerate(groups) if k != first]
    middle = shapely.box(*main)
    for group in sorted(others, key=lambda g: float(shapely.distance(middle, shapely.union_all(parts[g])))):
        wider = _around(np.vstack([[main], bounds[group]]))
        if _side(wider) <= _MOST_GROWTH * _side(main):
            main = wider
        else:
            far.append(group)
    insets = [_inset(g, communes, row, bounds, people, main) for g in _one_a_commune(far, row)]
    insets.sort(key=lambda i: i.distance_m)
    margin = _MARGIN * _side(main)
    west, south, east, north = main
    return Frames(
        (west - margin, south - margin, east + margin, north + margin), tuple(insets[:_MOST_INSETS])
    )


def _groups(parts: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    # outlines of neighbours mostly begin near each other, which costs no look along them
    begin = shapely.get_coordinates(shapely.get_point(shapely.get_exterior_ring(parts), 0))
    a, b = cKDTree(begin).query_pairs(_APART_M, output_type="ndarray").T
    label = _joined(a, b, parts.size)
    open_ = np.flatnonzero(label != np.bincount(label).argmax())
    c, d = shapely.STRtree(parts).query(parts[open_], predicate="dwithin", distance=_APART_M)
    label = _joined(np.r_[a, open_[c]], np.r_[b, d], parts.size)
    return np.asarray(label[None, :] == np.arange(label.max() + 1)[:, None])


def _joined(a: npt.NDArray[np.intp], b: npt.NDArray[np.intp], n: int) -> npt.NDArray[np.int32]:
    near = coo_matrix((np.ones(a.size), (a, b)), shape=(n, n))
    return np.asarray(connected_components(near, directed=False)[1], np.int32)


def _one_a_commune(
    groups: list[npt.NDArray[np.int64]], row: npt.NDArray[np.int64]
) -> list[npt.NDArray[np.int64]]:
    # the islands of one special zone stay together, however far they lie from each other
    merged: list[npt.NDArray[np.int64]] = []
    for group in groups:
        own = set(row[group].tolist())
        same = [k for k, other in enumerate(merged) if own & set(row[other].tolist())]
        joined = np.concatenate([group, *(merged[k] for k in same)])
        merged = [m for k, m in enumerate(merged) if k not in same] + [joined]
    return merged


def _inset(
    group: npt.NDArray[np.int64],
    communes: gpd.GeoDataFrame,
    row: npt.NDArray[np.int64],
    bounds: npt.NDArray[np.float64],
    people: npt.NDArray[np.float64],
    main: Bounds,
) -> Inset:
    west, south, east, north = _around(bounds[group])
    half = max(1.15 * max(east - west, north - south), _LEAST_INSET_M) / 2
    x, y = (west + east) / 2, (south + north) / 2
    dx, dy = x - (main[0] + main[2]) / 2, y - (main[1] + main[3]) / 2
    wind = _WINDS[int(np.round(np.arctan2(dy, dx) / (np.pi / 4))) % 8]
    own = pd.unique(row[group])
    names = communes["name"].astype(str).to_numpy()[own[np.argsort(-people[own], kind="stable")]]
    return Inset(tuple(names), (x - half, y - half, x + half, y + half), float(np.hypot(dx, dy)), wind)


def _around(bounds: npt.NDArray[np.float64]) -> Bounds:
    low, high = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _side(bounds: Bounds) -> float:
    return max(bounds[2] - bounds[0], bounds[3] - bounds[1])


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
class MapSheet:
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
) -> MapSheet:
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
    return MapSheet(figure, canvas, axes, column, tuple(insets))


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


def add_labels(sheet: MapSheet, result: Mapped) -> None:
    """Name communes (provinces, in a large region), largest first, beside what already stands there.

    A name that finds no room at its place, nor in its area a line below or above it, is left out.
    """
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
    to_map = sheet.map.transData.inverted()
    for i in order:
        if not (west < points.x.iloc[i] < east and south < points.y.iloc[i] < north):
            continue
        label = sheet.map.annotate(
            drawn_name(names.iloc[i]), (points.x.iloc[i], points.y.iloc[i]), (0, 0), textcoords="offset points",
            ha="center", va="center", fontsize=size, zorder=8, color=INK,
            path_effects=[withStroke(linewidth=1.6, foreground=PAPER)],
        )  # fmt: skip
        area = named.geometry.iloc[i]
        for lines in (0.0, -1.6, 1.6):
            label.set_position((0, lines * size))
            box = _extent(label, sheet)
            inside = (box[:2] >= frame[:2]).all() and (box[2:] <= frame[2:]).all()
            own = shapely.contains_xy(area, *to_map.transform((box[:2] + box[2:]) / 2))
            if inside and own and not any(_overlap(box, other) for other in placed):
                placed.append(box)
                break
        else:
            label.remove()


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


def _extent(text: MplText, sheet: MapSheet) -> npt.NDArray[np.float64]:
    """Return the box of a text, with what is drawn round it. [px]"""
    drawer = sheet.canvas.get_renderer()
    around = text.get_bbox_patch()
    if around is not None:
        text.update_bbox_position_size(drawer)
    return np.asarray((around or text).get_window_extent(drawer).extents, np.float64)


def _overlap(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> bool:
    return bool(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])

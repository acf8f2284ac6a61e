"""Figures of the report page: the map as drawing commands that need no network, the curve and the bars."""

from dataclasses import dataclass
from html import escape
from itertools import pairwise

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go
import shapely
from markupsafe import Markup
from matplotlib.colors import LinearSegmentedColormap, to_hex

from phusong.report.result import GAP_PARTS, Result
from phusong.report.sheet import border_width, length_text, round_length, spread_boxes
from phusong.report.theme import GAP_HEX, GAP_LABELS, INK, MUTED, SERVED_HEX

__all__ = ["MapLayer", "VectorMap", "causes_figure", "curve_figure", "vector_map"]

_VIEW = 10_000  # width of the drawing; whole numbers then keep a tenth of a screen pixel
_SIMPLIFY_VIEW = 6.0
_SHARE_EDGES_PERCENT = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0)
_HOUR_EDGES = (4.0, 9.0, 18.0, 44.0, 88.0, 175.0)
_READY_EDGES_PERCENT = (10, 25, 50, 75, 90, 97)
_NO_DATA_HEX = "#d9d9d9"
_MARKED_OPTIONS = 20
_MARK_VIEW = 270.0
_MOST_BARS = 15


@dataclass(frozen=True)
class MapLayer:
    """One way to colour the communes: a label, classes as (label, colour) and the class of each commune."""

    label: str
    classes: list[tuple[str, str]]
    codes: list[int]


@dataclass(frozen=True)
class VectorMap:
    """Communes as SVG paths in a drawing ``width`` × ``height``; the best options as (rank, x, y); a scale bar."""

    width: int
    height: int
    paths: list[str]
    layers: list[MapLayer]
    marks: list[tuple[int, int, int]]
    bar_view: int
    bar_label: str
    border: float


def vector_map(result: Result) -> VectorMap:
    """Return the communes of a result, simplified together so that no slivers open between neighbours."""
    communes = result.communes.to_crs(result.grid.crs)
    if communes.empty:
        return VectorMap(_VIEW, _VIEW, [], [], [], 0, "", 0.5)
    west, south, east, north = communes.total_bounds
    scale = _VIEW / max(east - west, north - south)
    shapes = communes.geometry.to_numpy()
    polygonal = np.isin(shapely.get_type_id(shapes), (3, 6)).all()
    if polygonal and shapely.is_valid(shapes).all():
        shapes = shapely.coverage_simplify(shapes, _SIMPLIFY_VIEW / scale)
    bar_m = round_length((east - west) / 5)
    moved = shapely.transform(shapes, lambda xy: np.column_stack([xy[:, 0] - west, north - xy[:, 1]]) * scale)
    return VectorMap(
        width=int(np.ceil((east - west) * scale)),
        height=int(np.ceil((north - south) * scale)),
        paths=[_path(shape) for shape in moved],
        layers=_layers(communes),
        marks=_marks(result, communes, west, north, scale),
        bar_view=round(bar_m * scale),
        bar_label=length_text(bar_m),
        border=round(1.4 * border_width(len(communes)), 3),
    )


def curve_figure(result: Result, budget_musd: float | None) -> Markup:
    """Return people gained against money: the ranked options one after another, and the certified bound."""
    curve = result.curve
    figure = go.Figure()
    if {"cost_musd", "people"} <= set(curve.columns):
        steps = curve.dropna(subset=["cost_musd", "people"]).sort_values("cost_musd", kind="stable")
    else:
        steps = result.options.sort_values("rank").rename(columns={"cumulative_people": "people"})
        steps = steps[["cumulative_cost_musd", "people"]].rename(
            columns={"cumulative_cost_musd": "cost_musd"}
        )
    figure.add_scatter(
        x=[0.0, *steps["cost_musd"].astype(float)], y=[0.0, *steps["people"].astype(float)], mode="lines",
        line={"color": SERVED_HEX, "width": 2.5}, name="Ranked options",
        hovertemplate="%{x:.2f} million USD<br>%{y:,.0f} people<extra></extra>",
    )  # fmt: skip
    if {"budget_musd", "bound_people"} <= set(curve.columns):
        bound = curve.dropna(subset=["budget_musd", "bound_people"]).sort_values("budget_musd", kind="stable")
        figure.add_scatter(
            x=bound["budget_musd"].astype(float).tolist(), y=bound["bound_people"].astype(float).tolist(),
            mode="lines+markers", line={"color": MUTED, "width": 1.5, "dash": "dash"},
            name="No plan can exceed this", hovertemplate="at %{x:.2f} million USD at most<br>%{y:,.0f} people<extra></extra>",
        )  # fmt: skip
    if budget_musd:
        figure.add_vline(
            x=budget_musd, line={"color": GAP_HEX["gap_no_signal"], "width": 1.2},
            annotation={"text": "budget", "font": {"color": GAP_HEX["gap_no_signal"]}},
        )  # fmt: skip
    figure.update_layout(
        xaxis={"title": "Cost (net present) [million USD]", "rangemode": "tozero"},
        yaxis={"title": "Additional people served", "rangemode": "tozero", "tickformat": ",d"},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
    )
    return _html(figure, "curve", 400)


def causes_figure(result: Result) -> Markup:
    """Return the communes with most people not served, as bars split by cause."""
    communes = result.communes
    lost = communes[list(GAP_PARTS)].sum(axis=1)
    most = communes.loc[lost.sort_values(ascending=False, kind="stable").index[:_MOST_BARS]].iloc[::-1]
    # plotly reads some tags in labels: escaped, a name stays a name; the code keeps namesakes apart
    names = [
        f"{escape(str(n))} <span style='color:{MUTED}'>{escape(str(c))}</span>"
        for n, c in zip(most["name"], most["commune_code"], strict=True)
    ]
    figure = go.Figure()
    for part in GAP_PARTS:
        figure.add_bar(
            x=most[part].astype(float).round(1).tolist(), y=names, orientation="h", name=GAP_LABELS[part],
            marker={"color": GAP_HEX[part]}, hovertemplate="%{y}: %{x:,.0f} people<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    figure.update_layout(
        barmode="stack",
        xaxis={"title": "People not served", "tickformat": ",d"},
        yaxis={"automargin": True},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
    )
    return _html(figure, "causes", 110 + 24 * max(len(most), 4))


def _html(figure: go.Figure, name: str, height_px: int) -> Markup:
    figure.update_layout(
        height=height_px,
        template="plotly_white",
        margin={"l": 60, "r": 20, "t": 56, "b": 55},
        font={"family": "system-ui, 'Segoe UI', Roboto, 'Noto Sans', sans-serif", "color": INK, "size": 13},
        separators=". ",
    )
    text: str = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=name,
        config={"displayModeBar": False, "responsive": True},
    )
    return Markup(text)  # noqa: S704 - plotly escapes its JSON; labels are escaped above


def _path(shape: shapely.Geometry) -> str:
    rings: list[npt.NDArray[np.int64]] = []
    for polygon in shapely.get_parts(shape):
        if polygon.geom_type == "Polygon" and not polygon.is_empty:
            exterior = [polygon.exterior, *polygon.interiors]
            rings += [np.rint(shapely.get_coordinates(r)).astype(np.int64) for r in exterior]
    text = []
    for ring in rings:
        steps = np.diff(ring, axis=0)[:-1]
        steps = steps[(steps != 0).any(axis=1)]
        if len(steps) >= 2:
            text.append(f"M{ring[0, 0]} {ring[0, 1]}l" + " ".join(f"{x} {y}" for x, y in steps) + "z")
    return "".join(text)


def _layers(communes: gpd.GeoDataFrame) -> list[MapLayer]:
    people = communes["population"].to_numpy(np.float64)
    parts = communes[list(GAP_PARTS)].to_numpy(np.float64)
    ramp = [to_hex(c) for c in mpl.colormaps["YlOrBr"](np.linspace(0.02, 0.95, 7))]
    layers = [
        _binned("Not served [% of people]", _percent(parts.sum(axis=1), people), _SHARE_EDGES_PERCENT, ramp)
    ]
    cause = np.where(parts.sum(axis=1) > 0, parts.argmax(axis=1) + 1, 0)
    causes = [("everybody served", "#f0f4f8"), *((GAP_LABELS[p], GAP_HEX[p]) for p in GAP_PARTS)]
    layers.append(MapLayer("Main cause", causes, [int(c) for c in cause]))
    for k, part in enumerate(GAP_PARTS):
        hue = LinearSegmentedColormap.from_list(part, ["#f7f7f7", GAP_HEX[part]])
        colours = [to_hex(c) for c in hue(np.linspace(0, 1, 7))]
        label = f"{GAP_LABELS[part]} [% of people]"
        layers.append(_binned(label, _percent(parts[:, k], people), _SHARE_EDGES_PERCENT, colours))
    blues = [to_hex(c) for c in mpl.colormaps["PuBu"](np.linspace(0.02, 0.98, 7))]
    hours = communes["hours_lost_year"].to_numpy(np.float64)
    layers.append(_binned("Hours without service [h a year]", hours, _HOUR_EDGES, blues))
    if "ready_share" in communes:
        ready = np.where(people > 0, 100 * communes["ready_share"].to_numpy(np.float64), np.nan)
        greens = [to_hex(c) for c in mpl.colormaps["YlGnBu"](np.linspace(0.02, 0.95, 7))]
        label = "Signal, power and backhaul at once [% of people]"
        layers.append(_binned(label, ready, _READY_EDGES_PERCENT, greens))
    return layers


def _binned(
    label: str, values: npt.NDArray[np.float64], edges: tuple[float, ...], colours: list[str]
) -> MapLayer:
    names = [f"below {edges[0]:g}", *(f"{a:g} to {b:g}" for a, b in pairwise(edges))]
    classes = list(zip([*names, f"{edges[-1]:g} and more"], colours, strict=True))
    codes = np.digitize(np.nan_to_num(values), edges)
    if np.isnan(values).any():
        codes = np.where(np.isnan(values), len(classes), codes)
        classes.append(("no people", _NO_DATA_HEX))
    return MapLayer(label, classes, [int(c) for c in codes])


def _percent(part: npt.NDArray[np.float64], whole: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    percent = np.full(part.shape, np.nan)
    np.divide(100 * part, whole, out=percent, where=whole > 0)
    return percent


def _marks(
    result: Result, communes: gpd.GeoDataFrame, west: float, north: float, scale: float
) -> list[tuple[int, int, int]]:
    best = result.options.sort_values("rank", kind="stable").head(_MARKED_OPTIONS)
    if not {"east_m", "north_m"} <= set(best.columns):
        inner = communes.geometry.representative_point()
        place = pd.DataFrame(
            {"east_m": inner.x.to_numpy(), "north_m": inner.y.to_numpy()},
            index=communes["commune_code"].astype(str),
        )
        best = best.join(place, on="commune_code")
    best = best[np.isfinite(best["east_m"]) & np.isfinite(best["north_m"])]
    spots = np.column_stack([best["east_m"] - west, north - best["north_m"]]).astype(np.float64) * scale
    spots = spread_boxes(spots, _MARK_VIEW)
    # drawn last to first, so that the best lies on top
    return [(int(r), round(x), round(y)) for r, (x, y) in zip(best["rank"], spots, strict=True)][::-1]

"""Storm tables, summary, maps."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from pyproj import Transformer

from phusong.compute.array_types import Floats
from phusong.errors import InputError
from phusong.hazard.impact import CAUSES, Impact
from phusong.io.atomic import whole_folder
from phusong.io.limits import json_tree
from phusong.io.text import Text
from phusong.region import Grid
from phusong.report.map_sheet import add_north_arrow, add_scale_bar, border_width, drawn_name, frame_map
from phusong.report.map_style import (
    GAP_CLASSES,
    INK,
    MUTED,
    NO_PEOPLE_HEX,
    PAPER,
    Classes,
    percent,
    picture_bytes,
    style,
)
from phusong.result.files import write_csv, write_json, write_parquet

if TYPE_CHECKING:
    from phusong.stages.storm import StormResult

__all__ = ["StormPicture", "StormTables", "storm_maps", "write_storm"]


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


FILES = (
    "storm_summary.json",
    "storm_communes.parquet",
    "storm_communes.csv",
    "storm_sites.parquet",
    "storm_map.png",
)
"""Files of a storm's folder; ``storm_map_with_plan.png`` stands beside them where a plan was given."""

_NOTES = (
    ("Wind only: rain, floods, landslides, waves and trees across roads are not modelled, nor is the shutting down "
    "of lines and substations as a precaution."),
    "Winds follow neither ridges nor valleys: no speed-up over crests, no shelter.",
    "Hour 0 is the moment after the strongest gust at each place; batteries are full then.",
    ("Service is any site that they may use, powered and connected: whether it has room for all who turn to it is not "
    "looked at."),
    "Backhaul as a cause holds cut links and sites on the way that lost their mast or power.",
    ("Fragilities, repair times and crews are of low sureness (geodata/fragility.csv, geodata/storm_model.csv): read "
    "differences between places and plans rather than the absolute figures."),
)  # fmt: skip
_COMPARE_YAGI = (
    "Public figures for Yagi: 639 BTS hit in Yên Bái, 312 of them Viettel's from loss of power (VietnamPlus); 6,285 "
    "stations of 15 provinces, of which 3,010 came back with generators within two days (VietNamNet, 10 Sept 2024). "
    "Most of Yên Bái's losses came with the floods and landslides of 8 to 11 September, which this model leaves out: "
    "what it gives there is the part of the wind alone."
)
_LOCAL_OFFSET = pd.Timedelta(hours=7)


@dataclass(frozen=True)
class StormTables:
    """A storm's result as tables."""

    found: "StormResult"

    @cached_property
    def communes(self) -> gpd.GeoDataFrame:
        """One row a commune: gusts, people without service hour by hour (mean, 5 %, 95 %), and why."""
        region = self.found.region.communes
        out = region[["commune_code", "name", "province", "population"]].reset_index(drop=True).copy()
        for k, name in enumerate(("gust_ms", "gust_ms_p05", "gust_ms_p95")):
            out[name] = np.round(self.found.commune_gust_ms[:, k], 2)
        columns = self._people(self.found.today, "")
        if self.found.planned is not None:
            columns |= self._people(self.found.planned, "_with_plan")
        table = pd.concat([out, pd.DataFrame(columns)], axis=1)
        return gpd.GeoDataFrame(table, geometry=region.geometry.to_numpy(), crs=region.crs)

    @cached_property
    def sites(self) -> gpd.GeoDataFrame:
        """One row a site: gust, and the share of the samples in which it is off at each hour."""
        out = self.found.sites.copy()
        out["gust_ms"] = out["gust_ms"].round(2)
        for impact, suffix in ((self.found.today, ""), (self.found.planned, "_with_plan")):
            if impact is not None:
                for t, hour in enumerate(impact.hours):
                    out[f"off_share_{hour:g}h{suffix}"] = np.round(impact.site_off[t], 4)
        return out

    @property
    def grid(self) -> Grid:
        """Of the region."""
        return self.found.region.grid

    @property
    def hours(self) -> tuple[float, ...]:
        """Hours after the strongest gust."""
        return self.found.today.hours

    @property
    def gusts(self) -> tuple[Floats, Floats, Floats]:
        """Mean gusts on the lattice."""
        return self.found.gusts

    def title(self, text: Text) -> str:
        """Return what the maps show."""
        return text.say("drawn.storm_title", region=self.found.region.name, storm=self.found.track.name)

    def source(self, text: Text) -> str:
        """Return the note under the maps."""
        found = self.found
        region = found.region
        said = [s.kind if region.kind_said(s.layer) == s.kind else f"partly {s.kind}" for s in region.sources]
        kinds = pd.Series(said).value_counts().sort_index()
        layers = ", ".join(f"{text.number(n)} {text.code('quality', kind)}" for kind, n in kinds.items())
        how = text.say("drawn.storm_how", n=found.n_samples)
        track = text.say("drawn.storm_track", source=text.note(found.track.source))
        made_of = text.say("drawn.layers", kinds=layers)
        return f"{how}\n{track} {found.region.name} · {found.region.grid.crs} · {made_of}"

    @property
    def track_degrees(self) -> tuple[Floats, Floats, list[str]]:
        """The track's positions and their local day and hour."""
        track = self.found.track
        start = pd.Timestamp(track.start) + _LOCAL_OFFSET
        when = [start + pd.Timedelta(hours=float(h)) for h in track.hour]
        return track.latitude_deg, track.longitude_deg, [f"{w.day}/{w.month} {w:%H} h" for w in when]

    def summary(self) -> dict[str, Any]:
        """Return the headline figures: sites and stations off by cause, people without service, notes."""
        found = self.found
        notes = [*_NOTES, *([_COMPARE_YAGI] if found.track.name.startswith("yagi") else [])]
        figures: dict[str, Any] = {
            "region": found.region.name,
            "storm": found.track.name,
            "storm_source": found.track.source,
            "samples": found.n_samples,
            "seed": found.seed,
            "people": int(found.region.communes["population"].sum()),
            "sites": len(found.sites),
            "gust_ms": {
                "mean_of_communes": float(found.commune_gust_ms[:, 0].mean()),
                "most_of_communes": float(found.commune_gust_ms[:, 0].max()),
            },
            "today": _impact_figures(found.today, found.operators),
            "units": {
                "people": "registered people",
                "gust_ms": "m/s, 3 s at 10 m in open country",
                "hours": "h",
            },
            "kind": "modelled",
            "notes": notes,
        }
        if found.planned is not None and found.plan is not None:
            figures["with_plan"] = _impact_figures(found.planned, found.operators)
            figures["plan"] = {"applied": dict(found.plan.done), "left_out": dict(found.plan.left_out)}
            gain = found.today.people.sum(axis=1) - found.planned.people.sum(axis=1)
            figures["people_spared_by_plan"] = [
                {"hour": h, **_spread(gain[t])} for t, h in enumerate(found.today.hours)
            ]
            if found.plan.left_out:
                figures["notes"].append(
                    "Of the plan, new sites and what stands on them were left out; see plan.left_out."
                )
        return figures

    def _people(self, impact: Impact, suffix: str) -> dict[str, npt.NDArray[Any]]:
        columns: dict[str, npt.NDArray[Any]] = {f"people_without_before{suffix}": impact.before}
        for t, hour in enumerate(impact.hours):
            people = impact.people[t]
            stem = f"people_without_{hour:g}h{suffix}"
            columns[f"{stem}_mean"] = np.round(people.mean(axis=1), 1)
            low, high = np.quantile(people, (0.05, 0.95), axis=1)
            columns[f"{stem}_p05"], columns[f"{stem}_p95"] = np.round(low, 1), np.round(high, 1)
            for k, cause in enumerate(CAUSES):
                columns[f"lost_{cause}_{hour:g}h{suffix}"] = np.round(impact.by_cause[t, k].mean(axis=1), 1)
        return columns


def write_storm(found: "StormResult", out: Path, lang: str = "en") -> StormTables:
    """Write a storm's folder, whole or not at all, and return its tables.

    Raises
    ------
    InputError
        If ``out`` holds other things.
    """
    tables = StormTables(found)
    with whole_folder(out, kind="the folder of a storm", is_ours=_is_storm) as folder:
        write_json(tables.summary(), folder / "storm_summary.json")
        write_parquet(tables.communes, folder / "storm_communes.parquet")
        write_csv(pd.DataFrame(tables.communes.drop(columns="geometry")), folder / "storm_communes.csv")
        write_parquet(tables.sites, folder / "storm_sites.parquet")
        (folder / "storm_map.png").write_bytes(picture_bytes(storm_maps(tables, lang=lang)))
        if found.planned is not None:
            (folder / "storm_map_with_plan.png").write_bytes(
                picture_bytes(storm_maps(tables, "_with_plan", lang))
            )
    return tables


def _is_storm(path: Path) -> bool:
    try:
        summary = json_tree(path / "storm_summary.json")
    except InputError:
        return False
    return isinstance(summary, dict) and "storm" in summary


def _impact_figures(impact: Impact, operators: tuple[str, ...]) -> dict[str, Any]:
    hours = []
    for t, hour in enumerate(impact.hours):
        people = impact.people[t].sum(axis=0)
        hours.append(
            {
                "hour": hour,
                "people_without": _spread(people),
                "people_lost": _spread(people - int(impact.before.sum())),
                "people_lost_by_cause": dict(
                    zip(CAUSES, impact.by_cause[t].sum(axis=1).mean(axis=-1).tolist(), strict=True)
                ),
                "sites_off": _spread(impact.off[t, 0].sum(axis=0)),
                "sites_off_by_cause": dict(zip(CAUSES, impact.off[t, 0].mean(axis=-1).tolist(), strict=True)),
            }
        )
    return {
        "people_without_before": int(impact.before.sum()),
        "hours": hours,
        "sites_hit": _group(impact.hit[0]),
        "stations_hit": _group(impact.hit[1:].sum(axis=0)),
        "stations_hit_by_operator": {name: _group(impact.hit[1 + k]) for k, name in enumerate(operators)},
    }


def _group(hit: npt.NDArray[np.int64]) -> dict[str, Any]:
    return {
        **_spread(hit.sum(axis=0)),
        "by_cause": dict(zip(CAUSES, hit.mean(axis=-1).tolist(), strict=True)),
    }


def _spread(values: npt.NDArray[Any]) -> dict[str, float]:
    low, high = np.quantile(values, (0.05, 0.95))
    return {"mean": float(values.mean()), "p05": float(low), "p95": float(high)}

"""Small multiples: the same map several times, over years, policies or results, on one scale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from phusong.compute.array_types import Floats
from phusong.errors import InputError, Problem
from phusong.io.text import Text
from phusong.report.compare_measures import plan_years, served_with_plan
from phusong.report.map_sheet import (
    add_north_arrow,
    add_scale_bar,
    draw_borders,
    drawn_name,
    frame_map,
    legend,
    map_bounds,
    source_lines,
)
from phusong.report.map_style import GAP_CLASSES, MUTED, Classes, percent, style
from phusong.result.model import ResultData

__all__ = ["Panel", "draw_multiples", "policy_panels", "result_panels", "year_panels"]

_SHEET_IN, _LEGEND_IN = 9.6, 1.9
_TOP_IN, _TITLE_IN, _SIDE_IN = 0.75, 0.36, 0.2
_MOST_COLUMNS, _MOST_PANEL_IN = 4, 4.2
_MOST_PANELS = 16


@dataclass(frozen=True)
class Panel:
    """One of the maps.

    Parameters
    ----------
    label, note : str
        What it shows, and a figure to read below it.
    values : ndarray of float, shape (n_communes,)
        In the order of the communes; NaN where there is none.
    """

    label: str
    note: str
    values: Floats


def year_panels(result: ResultData, text: Text) -> list[Panel]:
    """Return who is not served today, and after each year of the plan.

    Raises
    ------
    InputError
        If the plan buys nothing.
    """
    years = plan_years(result)
    if not years:
        raise InputError(Problem("--over years", "needs a plan, and this result buys nothing"))
    panels = [
        _panel(result, text.say("drawn.today"), text, result.communes["people_served"].to_numpy(np.float64))
    ]
    spent = 0.0
    for year in years:
        spent += float(result.plan.loc[result.plan["year"].astype(int) == year, "cost_musd"].sum())
        panels.append(
            _panel(
                result,
                text.say("drawn.end_of", year=str(year), spent=text.money(spent)),
                text,
                served_with_plan(result, until=year),
            )
        )
    return panels


def policy_panels(result: ResultData, text: Text) -> list[Panel]:
    """Return who is not served under each sharing policy that the run compared.

    Raises
    ------
    InputError
        If the result does not tell the policies commune by commune.
    """
    table = result.policy_communes
    if table.empty:
        raise InputError(
            Problem("--over policies", "needs the policies commune by commune, which this older result lacks; run it "
                    "again, or name a result of each other policy with --beside")
        )  # fmt: skip
    codes = result.communes["commune_code"].astype(str)
    panels = []
    told = dict.fromkeys(table["policy"].astype(str))
    # in the order of the comparison of policies, where the result has one
    listed = [str(p) for p in result.policies["policy"]] if "policy" in result.policies else []
    for policy in [p for p in listed if p in told] or list(told):
        rows = table[table["policy"].astype(str) == policy]
        served = rows.set_index(rows["commune_code"].astype(str))["people_served"].astype(float)
        people = np.asarray(served.reindex(codes), np.float64)
        panels.append(_panel(result, text.code("policy", policy), text, people))
    return panels


def result_panels(results: Mapping[str, ResultData], *, text: Text, with_plan: bool = False) -> list[Panel]:
    """Return who is not served in each of several results of one region, today or with their plans.

    Raises
    ------
    InputError
        If results have no commune in common with the first.
    """
    first = next(iter(results.values()))
    codes = first.communes["commune_code"].astype(str)
    panels = []
    for name, result in results.items():
        own = result.communes["commune_code"].astype(str)
        if not set(own) & set(codes):
            raise InputError(Problem(name, "has no commune in common with the first result"))
        served = (
            served_with_plan(result) if with_plan else result.communes["people_served"].to_numpy(np.float64)
        )
        place = {code: k for k, code in enumerate(own)}
        order = np.array([place.get(c, -1) for c in codes])
        people = result.communes["population"].to_numpy(np.float64)
        values = np.where(order >= 0, percent(people - served, people)[order], np.nan).astype(np.float64)
        panels.append(Panel(name, _note(float(served.sum()), float(people.sum()), text), values))
    return panels


def draw_multiples(
    result: ResultData,
    panels: Sequence[Panel],
    title: str,
    subtitle: str,
    *,
    text: Text,
    classes: Classes = GAP_CLASSES,
) -> Figure:
    """Return maps side by side in one frame, scale and set of classes.

    Parameters
    ----------
    result : ResultData
        For the communes, the frame and the sources.
    panels : sequence of Panel
        At most 16.
    title, subtitle : str
        What is shown, and how to read it.
    text : Text
        The language to speak.
    classes : Classes
        Of the panels' values.

    Raises
    ------
    InputError
        If there is no panel, or there are more than a page holds.
    """
    if not 1 <= len(panels) <= _MOST_PANELS:
        raise InputError(Problem("map", f"draws 1 to {_MOST_PANELS} panels on a page, not {len(panels)}"))
    west, south, east, north = bounds = map_bounds(result)
    aspect = (north - south) / (east - west)
    columns = min(len(panels), _MOST_COLUMNS)
    rows = -(-len(panels) // columns)
    room_in = _SHEET_IN - _LEGEND_IN - 2 * _SIDE_IN
    wide_in = min(room_in / columns - 0.12, _MOST_PANEL_IN / aspect)
    high_in = wide_in * aspect
    total_w = max(columns * (wide_in + 0.12) + _LEGEND_IN + 2 * _SIDE_IN, 6.4)
    head = f"{text.say('map.source')}. {drawn_name(str(result.summary.get('region', '')), 60)} · {result.grid.crs}"
    sources = source_lines(result.layers, head, text, width_in=total_w - 2 * _SIDE_IN)
    bottom_in = 0.4 + 0.13 * sources.count("\n")
    total_h = max(rows * (high_in + _TITLE_IN) + _TOP_IN + bottom_in, 3.6)
    with style():
        figure = Figure(figsize=(total_w, total_h))
        FigureCanvasAgg(figure)
        communes = result.communes.to_crs(result.grid.crs)
        for k, panel in enumerate(panels):
            column, row = k % columns, k // columns
            low_in = total_h - _TOP_IN - (row + 1) * (high_in + _TITLE_IN)
            axes = figure.add_axes(
                (
                    (_SIDE_IN + column * (wide_in + 0.12)) / total_w,
                    low_in / total_h,
                    wide_in / total_w,
                    high_in / total_h,
                )
            )
            frame_map(axes, bounds)
            classes.fill(axes, communes, panel.values)
            draw_borders(axes, result)
            axes.set_title(f"{drawn_name(panel.label, 44)}\n{panel.note}", fontsize=7, loc="left", pad=3)
            add_scale_bar(axes, text, share=0.35)
            if k == 0:
                add_north_arrow(axes, text)
        side = figure.add_axes(
            (
                (total_w - _LEGEND_IN) / total_w,
                0.3 / total_h,
                (_LEGEND_IN - 0.1) / total_w,
                1 - (_TOP_IN + 0.6) / total_h,
            )
        )
        side.set_axis_off()
        legend(
            side,
            f"[{text.code('unit', classes.unit) if classes.unit != '%' else '%'}]",
            classes.entries(text),
        )
        left = _SIDE_IN / total_w
        figure.text(left, 1 - 0.14 / total_h, title, fontsize=12, fontweight="bold", va="top")
        figure.text(left, 1 - 0.42 / total_h, subtitle, fontsize=8, color=MUTED, va="top")
        figure.text(left, 0.1 / total_h, sources, fontsize=6.5, color=MUTED, va="bottom", linespacing=1.35)
    return figure


def _panel(result: ResultData, label: str, text: Text, served: Floats) -> Panel:
    people = result.communes["population"].to_numpy(np.float64)
    return Panel(
        label, _note(float(np.nansum(served)), float(people.sum()), text), percent(people - served, people)
    )


def _note(served: float, people: float, text: Text) -> str:
    share = text.number(served / people if people else None, "percent")
    return text.say("drawn.served", share=share, people=text.number(people - served))

"""Pictures of a result for notebooks: what ``result.plot`` offers."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from phusong.errors import InputError, Problem
from phusong.io.text import Text
from phusong.report.map_sheet import drawn_name
from phusong.report.map_style import GAP_HEX, INK, MUTED, OWNER_HEX, SERVED_HEX, Picture, style
from phusong.report.maps import draw_map, for_print
from phusong.report.small_multiples import draw_multiples, policy_panels, year_panels
from phusong.result.model import ResultData

__all__ = ["Plots"]

_WIDE_IN = 7.6

P = ParamSpec("P")


def _styled(draw: "Callable[Concatenate[Plots, P], Figure]") -> "Callable[Concatenate[Plots, P], Picture]":
    @wraps(draw)
    def drawn(self: "Plots", /, *args: P.args, **kwargs: P.kwargs) -> Picture:
        with style():
            return Picture(draw(self, *args, **kwargs))

    return drawn


class Plots:
    """Pictures of one result; each is shown by a notebook and has ``.save(path)`` and ``.figure``.

    Parameters
    ----------
    result : ResultData
        What to draw.
    """

    def __init__(self, result: ResultData) -> None:
        self._result = result
        self._text = Text(result.lang)

    @_styled
    def gaps(self, most: int = 15) -> Figure:
        """Return the communes with most people not served, split by cause.

        Parameters
        ----------
        most : int
            How many communes.
        """
        communes = self._result.communes
        parts = list(GAP_HEX)
        lost = communes[parts].sum(axis=1)
        shown = communes.loc[lost.sort_values(ascending=False, kind="stable").index[: max(1, most)]].iloc[
            ::-1
        ]
        text = self._text
        figure, axes = _sheet(text, "drawn.most_lost", 1.1 + 0.24 * len(shown))
        left = np.zeros(len(shown))
        rows = np.arange(len(shown))
        for part in parts:
            people = shown[part].to_numpy(np.float64)
            axes.barh(
                rows, people, left=left, color=GAP_HEX[part], label=text.code("cause", part), height=0.75
            )
            left += people
        names = [
            f"{drawn_name(str(n))} {c}" for n, c in zip(shown["name"], shown["commune_code"], strict=True)
        ]
        axes.set_yticks(rows, names)
        _thousands(axes.xaxis, text)
        axes.set_xlabel(text.say("chart.people_lost"))
        axes.legend(loc="lower right", frameon=False)
        return figure

    def map(self, layer: str = "gap") -> Picture:
        """Return a printed map: gap, access, rsrp, options, network or locked.

        Raises
        ------
        InputError
            If there is no map of that name.
        """
        return Picture(draw_map(for_print(self._result), layer))

    def over(self, what: str = "years") -> Picture:
        """Return small maps side by side over the years of the plan, or over the policies compared.

        Raises
        ------
        InputError
            If it is neither ``years`` nor ``policies``, or the result does not tell.
        """
        panels = {"years": year_panels, "policies": policy_panels}
        if what not in panels:
            raise InputError(Problem("over", f"is none of {', '.join(panels)}", value=what))
        return Picture(
            draw_multiples(
                for_print(self._result),
                panels[what](self._result, self._text),
                self._text.say(f"drawn.{what}_title"),
                self._text.say("drawn.share_subtitle"),
                text=self._text,
            )
        )

    @_styled
    def curve(self) -> Figure:
        """Return people served more against money, with what no plan can exceed.

        Raises
        ------
        InputError
            If the result has no curve.
        """
        curve = self._result.curve
        if not {"cost_musd", "people"} <= set(curve.columns):
            raise InputError(Problem("curve", "is not in this result"))
        text = self._text
        figure, axes = _sheet(text, "drawn.curve_title", 4.0)
        line = curve.dropna(subset=["cost_musd", "people"]).sort_values("cost_musd", kind="stable")
        axes.step(
            line["cost_musd"],
            line["people"],
            where="post",
            color=SERVED_HEX,
            lw=1.8,
            label=text.say("drawn.best_first"),
        )
        if {"budget_musd", "bound_people"} <= set(curve.columns):
            bound = curve.dropna(subset=["budget_musd", "bound_people"]).sort_values(
                "budget_musd", kind="stable"
            )
            axes.plot(
                bound["budget_musd"],
                bound["bound_people"],
                color=MUTED,
                ls="--",
                label=text.say("chart.curve_bound"),
            )
        budget = (self._result.summary.get("plan") or {}).get("budget_musd")
        if budget:
            axes.axvline(
                float(budget),
                color=GAP_HEX["gap_no_signal"],
                lw=1.2,
                label=text.say("drawn.budget", budget=text.money(float(budget))),
            )
        axes.set(
            xlabel=text.say("chart.curve_x"),
            ylabel=text.say("chart.curve_y"),
            xlim=(0, None),
            ylim=(0, None),
        )
        _thousands(axes.yaxis, text)
        axes.legend(loc="lower right", frameon=False)
        return figure

    @_styled
    def schedule(self) -> Figure:
        """Return what the plan spends by year and fund.

        Raises
        ------
        InputError
            If the plan buys nothing.
        """
        plan = self._result.plan
        if plan.empty:
            raise InputError(Problem("schedule", "is empty: the plan buys nothing"))
        table = plan.assign(year=plan["year"].astype(int), fund=plan["fund"].astype(str)).pivot_table(
            index="year", columns="fund", values="cost_musd", aggfunc="sum", fill_value=0.0
        )
        text = self._text
        figure, axes = _sheet(text, "drawn.spends", 3.4)
        bottom = np.zeros(len(table))
        for colour, fund in zip(
            OWNER_HEX * (1 + len(table.columns) // len(OWNER_HEX)), table.columns, strict=False
        ):
            axes.bar(
                table.index.astype(str),
                table[fund],
                bottom=bottom,
                color=colour,
                label=drawn_name(text.code("fund", fund)),
                width=0.6,
            )
            bottom += table[fund].to_numpy(np.float64)
        axes.set(ylabel=text.say("drawn.spends_axis"), ylim=(0, 1.15 * max(float(bottom.max()), 1e-9)))
        for x, height in enumerate(bottom):
            axes.text(x, height, text.number(height, "musd"), ha="center", va="bottom", color=INK)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
        return figure


def _sheet(text: Text, title: str, high_in: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_WIDE_IN, high_in), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(text.say(title), loc="left", fontsize=10, fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel(text.say("map.source"), fontsize=6.5, color=MUTED, x=0.01, ha="left")
    return figure, axes


def _thousands(axis: Axis, text: Text) -> None:
    axis.set_major_locator(MaxNLocator(6, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda n, _: text.number(n)))

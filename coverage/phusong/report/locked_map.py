"""Map of the locked sites: why each is closed, and how many people stand behind it."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from phusong.report.result import ResultData
from phusong.report.sheet import add_labels, draw_borders, new_sheet
from phusong.report.text import Text
from phusong.report.theme import INK, MUTED, OWNER_HEX

__all__ = ["locked_map"]

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

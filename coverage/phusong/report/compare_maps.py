"""Maps of a comparison: all plans on one scale, and where they differ."""

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from phusong.report.choropleth import CHANGE_CLASSES, percent
from phusong.report.compare import Comparison
from phusong.report.figure_words import number_text
from phusong.report.maps import for_print
from phusong.report.multiples import Panel, draw_multiples, result_panels

__all__ = ["difference_map", "plans_map"]


def plans_map(comparison: Comparison, *, title: str, subtitle: str) -> Figure:
    """Return who is not served once each plan is built, in the same frame, scale and classes."""
    first = for_print(comparison.results[comparison.names[0]])
    return draw_multiples(first, result_panels(comparison.results, with_plan=True), title, subtitle)


def difference_map(comparison: Comparison, *, title: str, subtitle: str) -> Figure:
    """Return how much larger the share served is with each plan than with the first. [percentage points]"""
    base, *others = comparison.names
    first = comparison.results[base]
    table = comparison.communes.set_index("commune_code").loc[first.communes["commune_code"].astype(str)]
    shares = {
        n: _share(table[f"with plan: {n}"].to_numpy(np.float64), comparison, n) for n in comparison.names
    }
    panels = []
    for name in others:
        change = table[f"change: {name}"].to_numpy(np.float64)
        note = f"{number_text(change[change > 0].sum(), 'change')} people, {number_text(change[change < 0].sum(), 'change')}"
        panels.append(Panel(f"{name} against {base}", note, shares[name] - shares[base]))
    return draw_multiples(for_print(first), panels, title, subtitle, classes=CHANGE_CLASSES)


def _share(served: npt.NDArray[np.float64], comparison: Comparison, name: str) -> npt.NDArray[np.float64]:
    return percent(served, comparison.results[name].communes["population"].to_numpy(np.float64))

"""Maps of a comparison: all plans on one scale, and where they differ."""

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from phusong.report.choropleth import CHANGE_CLASSES, percent
from phusong.report.compare import Comparison
from phusong.report.maps import for_print
from phusong.report.multiples import Panel, draw_multiples, result_panels
from phusong.report.text import Text

__all__ = ["difference_map", "plans_map"]


def plans_map(comparison: Comparison, *, title: str, subtitle: str, text: Text) -> Figure:
    """Return who is not served once each plan is built, in the same frame, scale and classes."""
    first = for_print(comparison.results[comparison.names[0]])
    return draw_multiples(
        first, result_panels(comparison.results, with_plan=True, text=text), title, subtitle, text=text
    )


def difference_map(comparison: Comparison, *, title: str, subtitle: str, text: Text) -> Figure:
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
        up, down = (text.number(change[at].sum(), "change") for at in (change > 0, change < 0))
        note = text.say("compare.moves", up=up, down=down)
        panels.append(
            Panel(text.say("compare.against", name=name, base=base), note, shares[name] - shares[base])
        )
    return draw_multiples(for_print(first), panels, title, subtitle, classes=CHANGE_CLASSES, text=text)


def _share(served: npt.NDArray[np.float64], comparison: Comparison, name: str) -> npt.NDArray[np.float64]:
    return percent(served, comparison.results[name].communes["population"].to_numpy(np.float64))

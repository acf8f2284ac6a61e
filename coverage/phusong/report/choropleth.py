"""Communes filled by classes of a figure: edges, colours and the legend that goes with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex

from phusong.report.text import Text
from phusong.report.theme import GAP_HEX

__all__ = [
    "CHANGE_CLASSES",
    "GAP_CLASSES",
    "HOUR_CLASSES",
    "NO_PEOPLE_HEX",
    "Classes",
    "cause_classes",
    "class_labels",
    "percent",
]

Floats = npt.NDArray[np.float64]

NO_PEOPLE_HEX = "#d9d9d9"
"""Colour of a commune without people, or without the figure."""


@dataclass(frozen=True)
class Classes:
    """How a figure is cut into classes and coloured.

    Parameters
    ----------
    unit : str
        Of the figure, for the legend: ``"%"``.
    edges : tuple of float
        From the lowest class's lower edge to the highest's upper; what lies outside joins the outer classes.
    colours : tuple of str
        One a class, as hex.
    """

    unit: str
    edges: tuple[float, ...]
    colours: tuple[str, ...]

    def code(self, values: Floats) -> npt.NDArray[np.int64]:
        """Return the class of each value, -1 where there is none."""
        inner = np.digitize(np.nan_to_num(values), self.edges[1:-1])
        return np.where(np.isnan(values), -1, inner)

    def fill(self, axes: Axes, communes: gpd.GeoDataFrame, values: Floats) -> None:
        """Fill communes by their value on an axes."""
        if communes.empty:
            return
        colours = np.array([*self.colours, NO_PEOPLE_HEX])[self.code(values)]
        # a border in the colour of the fill closes the hairlines between neighbours
        communes.plot(ax=axes, color=list(colours), edgecolor="face", linewidth=0.2, zorder=2, aspect=None)

    def labels(self, text: Text) -> list[str]:
        """Return the name of each class, lowest first."""
        return class_labels(self.edges[1:-1], text)

    def entries(self, text: Text) -> list[tuple[str, str]]:
        """Return label and colour of each class, lowest first."""
        return list(zip(self.labels(text), self.colours, strict=True))


def class_labels(edges: Sequence[float], text: Text) -> list[str]:
    """Return the names of the classes that inner edges part, lowest first."""
    said = [text.number(e, "figure") for e in edges]
    inner = [text.say("class.between", a=a, b=b) for a, b in pairwise(said)]
    return [text.say("class.below", b=said[0]), *inner, text.say("class.above", a=said[-1])]


def _ramp(name: str, low: float, high: float, count: int) -> tuple[str, ...]:
    return tuple(to_hex(c) for c in mpl.colormaps[name](np.linspace(low, high, count)))


_SHARE_EDGES_PERCENT = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 100.0)

GAP_CLASSES = Classes("%", _SHARE_EDGES_PERCENT, _ramp("YlOrBr", 0.02, 0.95, 7))
"""People not served, in percent of a commune's people."""

HOUR_CLASSES = Classes(
    "h a year", (0.0, 4.0, 9.0, 18.0, 44.0, 88.0, 175.0, 8760.0), _ramp("PuBu", 0.02, 0.98, 7)
)
"""Hours without service in a year."""

CHANGE_CLASSES = Classes(
    "percentage points", (-100.0, -20.0, -5.0, -1.0, 1.0, 5.0, 20.0, 100.0), _ramp("PuOr", 0.06, 0.94, 7)
)
"""How much larger one share served is than another: purple for gains, brown for losses, pale where equal."""


def cause_classes(part: str) -> Classes:
    """Return the classes of :data:`GAP_CLASSES` in the hue of one cause."""
    hue = LinearSegmentedColormap.from_list(part, ["#f7f7f7", GAP_HEX[part]])
    return Classes("%", _SHARE_EDGES_PERCENT, tuple(to_hex(c) for c in hue(np.linspace(0, 1, 7))))


def percent(part: Floats, whole: Floats) -> Floats:
    """Return a share in percent, NaN where there is no whole."""
    share = np.full(part.shape, np.nan)
    np.divide(100 * part, whole, out=share, where=whole > 0)
    return share

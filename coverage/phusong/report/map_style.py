"""Colours, classes, picture bytes."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text as DrawnText
from PIL import Image

from phusong.compute.array_types import Floats
from phusong.errors import InputError, Problem, nearest_name
from phusong.io.resources import HOURS_YEAR
from phusong.io.text import Text

__all__ = [
    "ACCESS_COLOURS",
    "CHANGE_CLASSES",
    "CLASS_HEX",
    "FORMATS",
    "GAP_CLASSES",
    "GAP_HEX",
    "GAP_LABELS",
    "HOUR_CLASSES",
    "INK",
    "MUTED",
    "NO_PEOPLE_HEX",
    "OWNER_HEX",
    "PAPER",
    "SERVED_HEX",
    "SOURCE_NOTE",
    "Classes",
    "Picture",
    "cause_classes",
    "class_labels",
    "percent",
    "picture_bytes",
    "style",
]

# Okabe & Ito (2008), "Color Universal Design": told apart with every common colour vision
_BLUE, _SKY, _GREEN = "#0072B2", "#56B4E9", "#009E73"
_ORANGE, _VERMILION, _PURPLE = "#E69F00", "#D55E00", "#CC79A7"

SERVED_HEX = _BLUE
GAP_HEX: Mapping[str, str] = {
    "gap_no_signal": _VERMILION,
    "gap_locked": _PURPLE,
    "gap_unstable": _ORANGE,
    "gap_congested": _GREEN,
}
"""Colour of each cause."""

GAP_LABELS: Mapping[str, str] = {
    "gap_no_signal": "No signal",
    "gap_locked": "Locked",
    "gap_unstable": "Unstable",
    "gap_congested": "Congested",
}
"""Name of each cause, as people read it."""

INK, MUTED, PAPER = "#1f2933", "#52606d", "#ffffff"
CLASS_HEX = (PAPER, *GAP_HEX.values(), _SKY, "#cddae6", "#f6f2ec")
"""Colour of the codes 0–7 of the access raster: full where people live, pale where nobody does."""

OWNER_HEX = (_BLUE, _VERMILION, _GREEN, _PURPLE, _ORANGE, _SKY, "#999999")
"""Colours of owners, most sites first; the last stands for all others."""

SOURCE_NOTE = "Modelled by phusong, not measured"

ACCESS_COLOURS: Mapping[int, tuple[int, int, int, int]] = {
    code: (
        int(colour[1:3], 16),
        int(colour[3:5], 16),
        int(colour[5:7], 16),
        0 if code == 0 else 255,
    )
    for code, colour in enumerate(CLASS_HEX)
}
"""Colour table of ``access.tif``."""


def style() -> AbstractContextManager[None]:
    """Return the context in which every map is drawn; DejaVu Sans has all Vietnamese letters."""
    settings = {
        "font.family": "DejaVu Sans",
        "font.size": 8.0,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": MUTED,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "figure.facecolor": PAPER,
        "savefig.facecolor": PAPER,
        "hatch.linewidth": 0.5,
        "hatch.color": INK,
        "path.simplify": True,
        "text.parse_math": False,
        "svg.hashsalt": "phusong",
        "svg.fonttype": "none",  # text stays text: searchable, and small
        "pdf.fonttype": 42,  # whole letters, so that Vietnamese names can be searched and copied
    }
    context: AbstractContextManager[None] = mpl.rc_context(settings)
    return context


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
    "h a year", (0.0, 4.0, 9.0, 18.0, 44.0, 88.0, 175.0, HOURS_YEAR), _ramp("PuBu", 0.02, 0.98, 7)
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


FORMATS = ("png", "svg", "pdf")
"""What a map can be written as."""

_DPI = 160
_VECTOR_DPI = 220  # of rasters inside vector files
_HALO = (
    b'g[id^="halo"] text {paint-order: stroke; stroke: #ffffff; stroke-width: 1.8px; stroke-linejoin: round}'
)


def picture_bytes(figure: Figure, kind: str = "png") -> bytes:
    """Return a figure as PNG with a palette, as SVG with text as text, or as PDF with its fonts.

    Raises
    ------
    InputError
        If the kind is none of ``FORMATS``.
    """
    if kind not in FORMATS:
        hint = nearest_name(kind, FORMATS)
        raise InputError(
            Problem("format", f"is no kind of picture{hint}; there are {', '.join(FORMATS)}", value=kind)
        )
    with style(), BytesIO() as out:
        if kind == "svg":
            out.write(_svg(figure))
        elif kind == "pdf":
            fixed = {"CreationDate": None, "Creator": "phusong", "Producer": "matplotlib"}
            figure.savefig(out, format="pdf", dpi=_VECTOR_DPI, metadata=fixed)
        else:
            _write_png(figure, out)
        return out.getvalue()


class Picture:
    """A figure that notebooks show and files take.

    Parameters
    ----------
    figure : Figure
        Of matplotlib; change it before it is shown.
    """

    def __init__(self, figure: Figure) -> None:
        self.figure = figure

    def save(self, path: str | Path) -> Path:
        """Write the picture; the ending chooses among PNG, SVG and PDF.

        Raises
        ------
        InputError
            If the ending is none of these.
        """
        target = Path(path)
        content = picture_bytes(self.figure, target.suffix.lower().lstrip("."))
        target.write_bytes(content)
        return target

    def _repr_png_(self) -> bytes:
        return picture_bytes(self.figure, "png")


def _svg(figure: Figure) -> bytes:
    # a halo drawn as outlines of letters is most of a map's bytes: the style sheet says it in a line
    texts = [t for t in figure.findobj(DrawnText) if t.get_path_effects()]
    kept = [(t.get_path_effects(), t.get_gid()) for t in texts]
    for k, text in enumerate(texts):
        text.set_path_effects([])
        text.set_gid(f"halo{k}")
    try:
        with BytesIO() as out:
            # a date would make two runs differ; the salt of the theme fixes the names inside
            figure.savefig(out, format="svg", dpi=_VECTOR_DPI, metadata={"Date": None, "Creator": "phusong"})
            return out.getvalue().replace(b"</style>", _HALO + b"</style>", 1)
    finally:
        for text, (effects, gid) in zip(texts, kept, strict=True):
            text.set_path_effects(effects)
            text.set_gid(gid)


def _write_png(figure: Figure, out: BytesIO) -> None:
    # a palette keeps the colours of a map and a third of its bytes
    with BytesIO() as full:
        figure.savefig(full, dpi=_DPI, format="png", pil_kwargs={"compress_level": 1})
        full.seek(0)
        with Image.open(full) as image:
            palette = image.convert("RGB").quantize(
                255, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE
            )
            palette.save(out, format="PNG", optimize=True, dpi=(_DPI, _DPI))

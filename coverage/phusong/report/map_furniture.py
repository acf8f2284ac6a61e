"""What every printed map carries beside its content: scale bar, north arrow, sources, and names fit to be drawn."""

import textwrap
import unicodedata

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from phusong.report.text import Text
from phusong.report.theme import INK, PAPER

__all__ = [
    "add_north_arrow",
    "add_scale_bar",
    "data_dates",
    "drawn_name",
    "length_text",
    "round_length",
    "source_lines",
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

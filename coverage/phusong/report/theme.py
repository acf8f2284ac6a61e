"""Colours, typography and furniture that all pictures share."""

from collections.abc import Mapping
from contextlib import AbstractContextManager

import matplotlib as mpl

__all__ = [
    "ACCESS_COLOURS",
    "CLASS_HEX",
    "GAP_HEX",
    "GAP_LABELS",
    "INK",
    "MUTED",
    "OWNER_HEX",
    "PAPER",
    "SERVED_HEX",
    "SOURCE_NOTE",
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

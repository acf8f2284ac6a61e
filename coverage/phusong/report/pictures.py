"""A figure as the bytes of a file: the same figure gives the same bytes, in every format."""

from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.text import Text as DrawnText
from PIL import Image

from phusong.errors import InputError, Problem, nearest_name
from phusong.report.theme import style

__all__ = ["FORMATS", "Picture", "picture_bytes"]

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

"""The data dictionary page, written from the schemas."""

from phusong.region.read.columns import EXAMPLE, ColumnMap, FileFormat
from phusong.region.read.coordinates import PLACE_ALIASES
from phusong.region.read.encoding import ENCODINGS
from phusong.region.read.headings import UNITS
from phusong.region.read.table import ENDINGS
from phusong.region.schema import GEOMETRY_LAYERS, LAYERS, RASTERS, SCHEMAS, LayerColumn

__all__ = ["REMAKE", "data_dictionary"]

REMAKE = "python docs/data_dictionary.py > docs/data-dictionary.md"
"""The command that writes the page anew."""


def data_dictionary() -> str:
    """Return the layers as Markdown, for docs/data-dictionary.md."""
    lines = ["# Data dictionary", "", f"Written from the schemas by `{REMAKE}`.", ""]
    for layer in LAYERS:
        lines += _layer(layer)
    return "\n".join([*lines, *_rasters(), *_files(), *_column_map()])


def _layer(layer: str) -> list[str]:
    shape = ""
    if layer in GEOMETRY_LAYERS:
        kinds = SCHEMAS[layer].columns["geometry"].checks[-1].statistics["types"]
        shape = f" (with geometry: {' or '.join(kinds)})"
    head = ["column", "type", "unit", "meaning", "allowed", "if missing", "also read as"]
    lines = [f"## {layer}{shape}", "", _row(head), _row(["---"] * len(head))]
    return [*lines, *(_row(_cells(c)) for c in LAYERS[layer]), ""]


def _cells(column: LayerColumn) -> list[str]:
    missing = "refused" if column.default is None else f"`{column.default}`"
    notes = [column.meaning]
    if column.words:
        notes.append("also " + ", ".join(f"{k} = {v}" for k, v in column.words.items()))
    if column.key:
        notes.append("tells the rows apart")
    if column.refers:
        notes.append(f"each of {column.refers}" if column.many else f"one of {column.refers}")
    allowed = ", ".join(w or "(empty)" for w in column.among) or _limits(column)
    return [
        column.name,
        column.kind,
        column.unit,
        "; ".join(notes),
        allowed,
        missing,
        ", ".join(column.aliases),
    ]


def _rasters() -> list[str]:
    head = ["raster", "unit", "meaning", "from", "to", "without data"]
    lines = ["## Rasters", "", _row(head), _row(["---"] * len(head))]
    for r in RASTERS.values():
        lines.append(_row([f"{r.name}.tif", r.unit, r.meaning, f"{r.least:g}", f"{r.most:g}", r.without]))
    return [
        *lines,
        "",
        "Scale, offset and unit that a file states are applied (heights in m, dm, cm, mm, km or feet; people, or thousands);",
        "a unit that is none, several bands without `--band`, and complex numbers are refused, in imports and in a region's",
        "folder alike. What an imported raster does not cover keeps the layer of before, and each commune that is covered in",
        "part stands in repairs.csv; less than `--least-covered` (0.5) of the region, or of its people, is refused with the",
        "share. Voids of heights are filled up to `--fill-m` (2000 m). Heights that are 10, 3.28 or 100 times the former ones are",
        "refused by the unit they look like, and people that would have to be multiplied by more than `--most-scaled` (2) with",
        "the factor.",
        "",
        "## Measured, official, modelled, assumed",
        "",
        "`region.toml` says the kind of each layer, `record_kind` that of a record where it differs: an exchange that a list of",
        "masts lacks stays `modelled` in a measured layer, and so do cells, links and facilities that a source did not give.",
        "Of a raster `share` says how many of its pixels are of its kind; the others were filled. `share_measured` counts records",
        "and pixels, and `--only measured` leaves out an option that stands on a modelled record: at its site, or on the way of",
        "its supply or backhaul. A raster may have one pixel in twenty filled.",
        "",
        "A list of sites may be imported without `power_source`, and says what it took; in a region's own folder the column must",
        "stand.",
        "",
    ]


def _files() -> list[str]:
    place = ", ".join(f"`{a}`" for name in ("longitude", "latitude") for a in PLACE_ALIASES[name])
    metres = ", ".join(f"`{a}`" for name in ("east_m", "north_m") for a in PLACE_ALIASES[name])
    return [
        "## Files that are read",
        "",
        f"{', '.join(f'`{e}`' for e in ENDINGS)} (an archive holds one table, or one named as the layer).",
        "",
        "Text may be separated by comma, semicolon, tab or |, and written in UTF-8 or UTF-16; Windows-1252, Windows-1258,",
        "TCVN3 (ABC) and VNI are told apart by how much of the text is Vietnamese afterwards, and refused when that",
        "leaves a doubt. Names of columns are compared without capitals and diacritics (`Mã trạm` is `ma_tram`). Decimal",
        "commas are read; a mark that may be a decimal or a thousands mark is refused.",
        "",
        f"Places come as geometry, as columns in degrees ({place}; decimals or degrees, minutes and seconds with N, S, E,",
        f"W or B, N, Đ, T), as columns in metres of the region's CRS ({metres}), or as text (`geometry`, WKT).",
        "",
        "What a reader converts, fills or leaves out is a notice; what it cannot be sure of is an error with row, column",
        "and value. Columns that look like person names, phone numbers, e-mail addresses, subscriber or identity numbers",
        "are left out and said; where the layer cannot be without the column, the file is refused.",
        "",
    ]


def _column_map() -> list[str]:
    lines = [
        "## columns.toml",
        "",
        "Beside a table, for files whose columns are named, measured or worded otherwise; a table for each layer.",
        "",
        "```toml",
        EXAMPLE.rstrip(),
        "```",
        "",
        _row(["key", "meaning"]),
        _row(["---", "---"]),
    ]
    lines += [_row([name, str(f.description)]) for name, f in ColumnMap.model_fields.items()]
    lines += [_row([f"file.{name}", str(f.description)]) for name, f in FileFormat.model_fields.items()]
    lines += ["", f"`file.encoding` is one of {', '.join(ENCODINGS)}.", "", _row(["our unit", "the file's"])]
    lines += [_row(["---", "---"]), *(_row([ours, ", ".join(given)]) for ours, given in UNITS.items()), ""]
    return lines


def _row(cells: list[str]) -> str:
    escaped = [c.replace("|", "\\|") for c in cells]
    return f"| {' | '.join(escaped)} |"


def _limits(column: LayerColumn) -> str:
    low = "" if column.least is None else f"from {column.least:g}"
    high = "" if column.most is None else f"to {column.most:g}"
    return f"{low} {high}".strip()


if __name__ == "__main__":
    print(data_dictionary(), end="")

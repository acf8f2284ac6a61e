"""The data dictionary page, written from the schemas."""

from phusong.region.schema import GEOMETRY_LAYERS, LAYERS, RASTERS, SCHEMAS, Column

__all__ = ["REMAKE", "data_dictionary"]

REMAKE = "python -m phusong.region.dictionary > docs/data-dictionary.md"
"""The command that writes the page anew."""


def data_dictionary() -> str:
    """Return the layers as Markdown, for docs/data-dictionary.md."""
    lines = ["# Data dictionary", "", f"Written from the schemas by `{REMAKE}`.", ""]
    for layer in LAYERS:
        lines += _layer(layer)
    return "\n".join([*lines, *_rasters()])


def _layer(layer: str) -> list[str]:
    shape = ""
    if layer in GEOMETRY_LAYERS:
        kinds = SCHEMAS[layer].columns["geometry"].checks[-1].statistics["types"]
        shape = f" (with geometry: {' or '.join(kinds)})"
    head = ["column", "type", "unit", "meaning", "allowed", "if missing", "also read as"]
    lines = [f"## {layer}{shape}", "", _row(head), _row(["---"] * len(head))]
    return [*lines, *(_row(_cells(c)) for c in LAYERS[layer]), ""]


def _cells(column: Column) -> list[str]:
    missing = "refused" if column.default is None else f"`{column.default}`"
    notes = [column.meaning]
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
    return [*lines, ""]


def _row(cells: list[str]) -> str:
    escaped = [c.replace("|", "\\|") for c in cells]
    return f"| {' | '.join(escaped)} |"


def _limits(column: Column) -> str:
    low = "" if column.least is None else f"from {column.least:g}"
    high = "" if column.most is None else f"to {column.most:g}"
    return f"{low} {high}".strip()


if __name__ == "__main__":
    print(data_dictionary(), end="")  # noqa: T201 - the page goes to standard output

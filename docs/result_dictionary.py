"""The dictionary of results, written from what :mod:`phusong.result.schema` declares."""

from collections.abc import Iterable

from phusong.result.schema import FIGURES, PROVENANCE, RASTERS, TABLES, Leaves, ResultColumn, ResultTable

__all__ = ["REMAKE", "result_dictionary"]

REMAKE = "python docs/result_dictionary.py > docs/result-dictionary.md"
"""The command that writes the page anew."""


def result_dictionary() -> str:
    """Return tables, rasters and figures of a result as Markdown, for docs/result-dictionary.md."""
    lines = [
        "# Dictionary of results",
        "",
        f"Written from `phusong/result/table_rows.py` by `{REMAKE}`. A result folder holds these files; columns in **bold** are",
        "in every table that has rows. *Leaves by* is the rule of `phusong run --redact`; see",
        "[What may leave the house](security.md#what-may-leave-the-house).",
        "",
        *_rows([("rule", "a column or figure with it"), *((r.value, r.meaning) for r in Leaves)]),
    ]
    for table in TABLES.values():
        lines += _table(table)
    lines += ["## Rasters", "", *_columns(RASTERS.values())]
    lines += [
        "## summary.json",
        "",
        "A figure inside a group is named `group.figure`.",
        "",
        *_columns(FIGURES.values()),
    ]
    lines += ["## provenance.json", "", *_columns(PROVENANCE.values())]
    return "\n".join(lines)


def _table(table: ResultTable) -> list[str]:
    about = f"`{table.file}`: {table.meaning}."
    if table.key:
        about += f" Key: {', '.join(table.key)}."
    if table.refers:
        about += " " + ", ".join(f"{c} refers to {t}" for c, t in table.refers.items()) + "."
    return [f"## {table.name}", "", about, "", *_columns(table.columns)]


def _columns(columns: Iterable[ResultColumn]) -> list[str]:
    head = ("column", "type", "unit", "meaning", "leaves by")
    return _rows(
        [
            head,
            *(
                (
                    f"**{c.name}**" if c.required else c.name.replace("*", "\\*"),
                    c.kind,
                    c.unit,
                    c.meaning,
                    c.leaves.value,
                )
                for c in columns
            ),
        ]
    )


def _rows(cells: list[tuple[str, ...]]) -> list[str]:
    head, *rest = ["| " + " | ".join(v.replace("|", "\\|") for v in row) + " |" for row in cells]
    return [head, "|" + " --- |" * len(cells[0]), *rest, ""]


if __name__ == "__main__":
    print(result_dictionary(), end="")

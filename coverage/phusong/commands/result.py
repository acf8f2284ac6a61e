"""What can be asked of a result: explain, compare, map."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from phusong.commands.terminal import cell, console, write_whole
from phusong.errors import InputError, Problem

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)


@app.command()
def explain(
    result: Annotated[Path, typer.Argument(help="Result folder.")],
    name: Annotated[str, typer.Argument(help="Commune code or name, rank, bundle, remedy or site.")],
) -> None:
    """Say why a commune is not served, or why an option stands where it does.

    Example: phusong explain results/default 1
    """
    from phusong.report.explain import explain as tell  # noqa: PLC0415
    from phusong.report.result import Result  # noqa: PLC0415

    console.print(tell(Result.read(result), name), highlight=False, markup=False, soft_wrap=True)


@app.command()
def compare(
    results: Annotated[list[Path], typer.Argument(help="Two or more result folders.")],
    out: Annotated[Path | None, typer.Option(help="Page to write.")] = None,
) -> None:
    """Put results side by side.

    Example: phusong compare results/default results/mocn --out compare.html
    """
    from phusong.report.compare import compare as put  # noqa: PLC0415
    from phusong.report.compare import comparison_html  # noqa: PLC0415
    from phusong.report.result import Result  # noqa: PLC0415

    if len(results) < 2:
        raise InputError(Problem("compare", "needs two or more result folders"))
    comparison = put({_label(path, results): Result.read(path) for path in results})
    table = Table(title="Headline figures")
    table.add_column("")
    for column in comparison.summary.columns:
        table.add_column(escape(str(column)), justify="right")
    for key, row in comparison.summary.iterrows():
        table.add_row(escape(str(key)), *(escape(cell(v)) for v in row))
    console.print(table)
    if out is not None:
        write_whole(out, comparison_html(comparison).encode())
        console.print(f"Wrote {out}", highlight=False, soft_wrap=True)


@app.command("map")
def map_(
    result: Annotated[Path, typer.Argument(help="Result folder.")],
    layer: Annotated[str, typer.Argument(help="gap, rsrp, access, options or network.")] = "gap",
) -> None:
    """Say where a map of a result is.

    Example: phusong map results/default rsrp
    """
    from phusong.errors import nearest_name  # noqa: PLC0415
    from phusong.report.maps import MAPS  # noqa: PLC0415

    if layer not in MAPS:
        raise InputError(
            Problem("map", f"is no map{nearest_name(layer, MAPS)}; there are {', '.join(MAPS)}", value=layer)
        )
    path = result / "maps" / f"{layer}.png"
    if not path.is_file():
        raise InputError(Problem(str(result), f"holds no maps/{layer}.png; run the scenario again"))
    console.print(str(path), highlight=False, soft_wrap=True)


def _label(path: Path, among: list[Path]) -> str:
    same = sum(p.name == path.name for p in among) > 1
    return str(path) if same else path.name

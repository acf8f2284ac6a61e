"""What can be asked of a result: explain, locked."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from phusong.commands.terminal import console, following, slim_table
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

    # wrapped at words on a terminal, whole lines for programs
    console.print(
        tell(Result.read(result), name), highlight=False, markup=False, soft_wrap=not console.is_terminal
    )
    following(f"phusong map {result} gap")


@app.command()
def locked(
    result: Annotated[Path, typer.Argument(help="Result folder.")],
    most: Annotated[int, typer.Option(help="Sites listed.", min=1)] = 20,
    reason: Annotated[
        str, typer.Option(help="Only this lock, e.g. contract; any: all but no agreement.")
    ] = "any",
) -> None:
    """List the sites that reach people who may not use them, and what would open them.

    Example: phusong locked results/default --reason contract
    """
    from phusong.errors import nearest_name  # noqa: PLC0415
    from phusong.report.result import Result  # noqa: PLC0415

    found = Result.read(result)
    if found.locked_assets.empty:
        raise InputError(
            Problem(str(result), "holds no table of locked sites (an older or a redacted result)")
        )
    assets = found.locked_assets
    known = sorted(assets["lock_reason"].unique())
    if reason != "any" and reason not in known:
        hint = nearest_name(reason, known)
        raise InputError(
            Problem("--reason", f"closes no site here{hint}; there are {', '.join(known)}", value=reason)
        )
    sums = slim_table(
        "Closed sites by reason, each person once in a line",
        left=("reason",), right=("sites", "people behind", "of them hear nothing they may use"),
    )  # fmt: skip
    for row in found.locks.to_dict("records"):
        sums.add_row(
            escape(str(row["lock_reason"])),
            *(f"{row[c]:,}" for c in ("sites", "people_behind", "people_locked_out")),
        )
    console.print(sums)
    chosen = assets["lock_reason"] == reason if reason != "any" else assets["lock_reason"] != "no agreement"
    table = slim_table(
        f"Most people behind them: {min(most, int(chosen.sum()))} of {int(chosen.sum()):,}; what serves most of them per money",
        left=("site", "owner", "lock"), right=("behind",),
    )  # fmt: skip
    table.add_column("remedy", overflow="fold")
    for name in ("people", "mUSD", "per mUSD"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in assets[chosen].head(most).to_dict("records"):
        best = str(row["best_remedy"])
        figures = (
            [f"{row['best_people']:,.0f}", f"{row['best_cost_musd']:.3f}", f"{row['people_per_musd']:,.0f}"]
            if best
            else ["", "", ""]
        )
        table.add_row(
            *(escape(str(row[c])) for c in ("site_id", "owner", "lock_reason")),
            f"{row['people_behind']:,}", best.replace("_", " ") or "none", *figures,
        )  # fmt: skip
    console.print(table)
    following(f"phusong map {result} locked")

"""What can be asked of a result: explain, locked."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from phusong.commands.terminal import LangOption, console, following, slim_table, spoken
from phusong.errors import InputError, Problem

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)


@app.command()
def explain(
    result: Annotated[Path, typer.Argument(help="Result folder.")],
    name: Annotated[str, typer.Argument(help="Commune code or name, rank, bundle, remedy or site.")],
    lang: LangOption = None,
) -> None:
    """Say why a commune is not served, or why an option stands where it does.

    Example: phusong explain results/default 1
    """
    from phusong.report.explain import explain as tell  # noqa: PLC0415
    from phusong.report.folder import Result  # noqa: PLC0415

    # wrapped at words on a terminal, whole lines for programs
    found = Result.read(result)
    text = spoken(lang, found.lang)
    said = tell(found, name, lang=text.lang)
    console.print(said, highlight=False, markup=False, soft_wrap=not console.is_terminal)
    following(f"phusong map {result} gap", text)


@app.command()
def locked(
    result: Annotated[Path, typer.Argument(help="Result folder.")],
    most: Annotated[int, typer.Option(help="Sites listed.", min=1)] = 20,
    reason: Annotated[
        str, typer.Option(help="Only this lock, e.g. contract; any: all but no agreement.")
    ] = "any",
    lang: LangOption = None,
) -> None:
    """List the sites that reach people who may not use them, and what would open them.

    Example: phusong locked results/default --reason contract
    """
    from phusong.errors import nearest_name  # noqa: PLC0415
    from phusong.report.folder import Result  # noqa: PLC0415

    found = Result.read(result)
    if found.locked_assets.empty:
        raise InputError(
            Problem(str(result), "holds no table of locked sites (an older or a redacted result)")
        )
    assets, text = found.locked_assets, spoken(lang, found.lang)
    known = sorted(assets["lock_reason"].unique())
    if reason != "any" and reason not in known:
        hint = nearest_name(reason, known)
        raise InputError(
            Problem("--reason", f"closes no site here{hint}; there are {', '.join(known)}", value=reason)
        )
    sums = slim_table(
        text.say("locked_list.sums"),
        left=(text.say("locked.reason"),),
        right=(text.say("locked.sites"), text.say("column.people_behind"), text.say("locked.nothing")),
    )
    for row in found.locks.to_dict("records"):
        sums.add_row(
            escape(text.code("lock", row["lock_reason"])),
            *(text.number(row[c]) for c in ("sites", "people_behind", "people_locked_out")),
        )
    console.print(sums)
    chosen = assets["lock_reason"] == reason if reason != "any" else assets["lock_reason"] != "no agreement"
    table = slim_table(
        text.say("locked_list.most", shown=min(most, int(chosen.sum())), n=int(chosen.sum())),
        left=(text.say("column.site_id"), text.say("column.owner"), text.say("locked.reason")),
        right=(text.say("locked_list.behind"),),
    )
    table.add_column(text.say("locked.remedy"), overflow="fold")
    for name in (text.say("column.people"), "USD", text.say("locked_list.per")):
        table.add_column(name, justify="right", no_wrap=True)
    for row in assets[chosen].head(most).to_dict("records"):
        best = str(row["best_remedy"])
        figures = (
            [
                text.number(row["best_people"]),
                text.number(row["best_cost_musd"], "usd"),
                text.number(row["people_per_musd"]),
            ]
            if best
            else ["", "", ""]
        )
        table.add_row(
            escape(str(row["site_id"])), escape(str(row["owner"])), escape(text.code("lock", row["lock_reason"])),
            text.number(row["people_behind"]), text.code("remedy", best) if best else text.say("ui.none"), *figures,
        )  # fmt: skip
    console.print(table)
    following(f"phusong map {result} locked", text)

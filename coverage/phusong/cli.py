"""The command line: puts the groups of commands together and turns errors into exit codes."""

import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, Any

import typer
from rich.markup import escape

from phusong.commands import (
    audit,
    compare,
    data,
    evaluate,
    maps,
    new,
    radio,
    region_diff,
    result,
    run,
    stress,
    watch,
)
from phusong.commands.terminal import Interrupted, errors, stop_cleanly
from phusong.errors import InputError, PhusongError

__all__ = ["app", "main"]

_INTERRUPTED = 130
_KEPT = "nothing is half-written; the same command goes on from what is kept"

app = typer.Typer(
    add_completion=True, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False,
    help="Who in which commune has no stable internet, why not, and which investments buy the most coverage.",
)  # fmt: skip
for commands in (
    run.app,
    new.app,
    result.app,
    compare.app,
    maps.app,
    evaluate.app,
    stress.app,
    watch.app,
    audit.app,
):
    app.add_typer(commands)
app.add_typer(region_diff.app, name="region")
app.add_typer(radio.app, name="radio")
app.add_typer(data.app, name="data")


def _say_version(asked: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    if asked:
        typer.echo(f"phusong {version('phusong')}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=_say_version, is_eager=True),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; exit 0 done, 2 bad input, 1 our fault, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Callable[..., Any] | None = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
    stopped = stop_cleanly()
    try:
        _run()
    except BaseException as end:
        if not stopped.is_set():
            raise
        words = end.words if isinstance(end, Interrupted) else _KEPT
        errors.print(f"interrupted; {words}", highlight=False, markup=False, soft_wrap=True)
        sys.stdout.flush()
        # at once: threads that still compute are not waited for, and no library has the last word on the code
        os._exit(_INTERRUPTED)


def _run() -> None:
    try:
        app(standalone_mode=True)
    except InputError as error:
        for problem in error.problems:
            errors.print(f"[red]error:[/red] {escape(str(problem))}", highlight=False, soft_wrap=True)
        count = len(error.problems)
        errors.print(
            f"{count} problem{'s' if count != 1 else ''} in the input; nothing was written.", highlight=False
        )
        raise SystemExit(2) from None
    except PhusongError as error:
        errors.print(f"[red]error:[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()

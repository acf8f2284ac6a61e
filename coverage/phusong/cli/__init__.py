"""The command line: groups of commands, exit codes."""

import errno
import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer
from rich.markup import escape

from phusong.cli import audit, data, live, radio, region, result, run
from phusong.cli.options import (
    Interrupted,
    LastingStream,
    errors,
    lasting_streams,
    spoken_last,
    stop_cleanly,
)
from phusong.errors import InputError, PhusongError

__all__ = ["app", "main"]

_INTERRUPTED = 130
_HAD_ENOUGH = (errno.EPIPE, errno.ECONNRESET)
_DISK_TROUBLES = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.EACCES,
    errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG,
)  # fmt: skip

app = typer.Typer(
    add_completion=True, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False,
    help="Who in which commune has no stable internet, why not, and which investments buy the most coverage.",
)  # fmt: skip
for commands in (run.app, result.app, live.app, audit.app):
    app.add_typer(commands)
app.add_typer(region.app, name="region")
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
    """Run the command line; exit 0 done, 2 bad input, 1 our fault, a disk's or a network's, 130 interrupted."""
    printed = lasting_streams()
    stopped = stop_cleanly()
    try:
        _run()
    except BaseException as end:
        if not stopped.is_set():
            if isinstance(end, SystemExit) and not end.code:
                _told_whole(printed)
            raise
        text = spoken_last()
        kept = end.words if isinstance(end, Interrupted) else text.say("terminal.kept")
        told = text.say("terminal.interrupted", kept=kept)
        errors.print(told, highlight=False, markup=False, soft_wrap=True)
        sys.stdout.flush()
        # at once: threads that still compute are not waited for, and no library has the last word on the code
        os._exit(_INTERRUPTED)


def _told_whole(printed: LastingStream) -> None:
    """Leave with an error where what was printed did not arrive; a reader that had enough is none."""
    sys.stdout.flush()
    if printed.trouble is not None and printed.trouble.errno not in _HAD_ENOUGH:
        told = printed.trouble.strerror or type(printed.trouble).__name__
        _say_error(spoken_last().say("terminal.cut_short", trouble=told))
        raise SystemExit(1) from None


def _say_error(told: str) -> None:
    error = spoken_last().say("terminal.error")
    errors.print(f"[red]{escape(error)}[/red] {escape(told)}", highlight=False, soft_wrap=True)


def _run() -> None:
    try:
        app(standalone_mode=True)
    except InputError as error:
        for problem in error.problems:
            _say_error(str(problem))
        closing = spoken_last().say("terminal.problems", n=len(error.problems))
        errors.print(closing, highlight=False, markup=False)
        raise SystemExit(2) from None
    except PhusongError as error:
        _say_error(str(error))
        raise SystemExit(1) from None
    except OSError as error:
        if error.errno not in _DISK_TROUBLES:
            raise
        place = f"{error.filename}: " if error.filename else ""
        _say_error(f"{place}{spoken_last().say('terminal.mend', trouble=str(error.strerror))}")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()

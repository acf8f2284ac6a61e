"""Where commands print: results on the one stream, progress and errors on the other."""

import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from phusong.errors import InputError, Problem

__all__ = [
    "Interrupted",
    "LangOption",
    "LastingStream",
    "cell",
    "console",
    "errors",
    "following",
    "lasting_streams",
    "print_json",
    "slim_table",
    "spoken",
    "stages_said",
    "stop_cleanly",
    "tell_notices",
    "wrote",
]

if TYPE_CHECKING:
    from phusong.report.text import Text as Spoken

_LONGEST_NOTICE = 6000  # characters; names of columns come from files

LangOption = Annotated[
    str | None,
    typer.Option(
        help="Language, en or vi; that of the scenario (report.lang) when left out.", metavar="en|vi"
    ),
]
"""The same option on every command that writes for people."""

# what moves a cursor, renames a window or colours on its own is no part of a name
_CONTROL = {k: "\ufffd" for k in (*range(32), *range(127, 160)) if chr(k) not in "\n\t"}


class _Plain(Console):
    """A console on which text from files controls nothing."""

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401 - rich's own options, passed on
        """Return the text that is shown for a string; every cell, title and line goes through here."""
        return super().render_str(text.translate(_CONTROL), **options)


console: Console = _Plain()
errors: Console = _Plain(stderr=True)


class Interrupted(SystemExit):
    """The end of a command that was stopped, with what to tell people."""

    def __init__(self, words: str) -> None:
        super().__init__(130)
        self.words = words


class LastingStream(io.RawIOBase):
    """What is written to a stream as long as it takes any; then nothing more, and the command goes on.

    Parameters
    ----------
    under : RawIOBase
        The stream.
    """

    def __init__(self, under: io.RawIOBase) -> None:
        super().__init__()
        self._under = under
        self.trouble: OSError | None = None

    def writable(self) -> bool:
        """Return that it is."""
        return True

    def write(self, data: Any, /) -> int | None:  # noqa: ANN401 - any buffer
        """Write to the stream; after its first error, nowhere."""
        if self.trouble is None:
            try:
                return self._under.write(data)
            except BlockingIOError:
                raise
            except OSError as error:
                self.trouble = error
        return memoryview(data).nbytes

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self._under.isatty()

    def fileno(self) -> int:
        """Return the stream's own number."""
        return self._under.fileno()


def lasting_streams() -> LastingStream:
    """Make what is printed UTF-8, and a full disk or a reader that left no reason to stop; return standard output's."""
    made = []
    for name in ("stdout", "stderr"):
        old = getattr(sys, name)
        under: io.RawIOBase
        if old is None or not hasattr(old, "buffer"):  # closed by the caller
            under, line_by_line = io.FileIO(os.devnull, "w"), False
        else:
            with contextlib.suppress(OSError):
                old.flush()
            # where Python was told not to buffer, the buffer is the stream itself
            under, line_by_line = (
                getattr(old.buffer, "raw", old.buffer),
                old.line_buffering or old.write_through,
            )
        lasting = LastingStream(under)
        text = io.TextIOWrapper(
            io.BufferedWriter(lasting), encoding="utf-8", errors="replace",
            line_buffering=line_by_line or name == "stderr",
        )  # fmt: skip
        setattr(sys, name, text)
        made.append(lasting)
    return made[0]


def stop_cleanly() -> threading.Event:
    """Make SIGTERM end a command as Ctrl-C does: nothing half-written, what is done kept.

    Returns
    -------
    threading.Event
        Set once a signal has come: libraries may turn the interruption into an error of their own.
    """
    stopped = threading.Event()

    def stop(_signal: int, _frame: object) -> NoReturn:
        stopped.set()
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
    return stopped


def spoken(lang: str | None, default: str = "en") -> "Spoken":
    """Return what phusong says in the language asked for.

    Raises
    ------
    InputError
        If phusong does not speak it.
    """
    from phusong.report.text import LANGUAGES  # noqa: PLC0415 - babel is read when there is something to say
    from phusong.report.text import Text as Spoken  # noqa: PLC0415

    if lang is not None and lang not in LANGUAGES:
        raise InputError(Problem("--lang", f"is not one of {', '.join(LANGUAGES)}", value=lang))
    return Spoken(lang or default)


def stages_said(seconds: Mapping[str, float], text: "Spoken") -> str:
    """Return how long each stage took, and all of them."""
    took = ", ".join(
        f"{text.code('stage', name)} {text.number(s, 'decimal')} s" for name, s in seconds.items()
    )
    return text.say("ran.stages", took=took, all=text.number(sum(seconds.values())))


def cell(value: object) -> str:
    """Return a value as a table on the terminal shows it."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def slim_table(title: str, *, left: tuple[str, ...], right: tuple[str, ...] = ()) -> Table:
    """Return an empty table without lines, so that eight columns fit 80 letters.

    Parameters
    ----------
    title : str
        Above it; marked up already.
    left, right : tuple of str
        Heads of the columns of words, which may break anywhere, and of those of numbers, which never do.
    """
    table = Table(title=title, box=None, pad_edge=False, padding=(0, 2, 0, 0), title_justify="left")
    for name in left:
        table.add_column(name, overflow="fold")
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def print_json(tree: object) -> None:
    """Print one JSON value, and nothing that a program could not read; what is not finite becomes null."""
    from phusong.report.files import json_text  # noqa: PLC0415 - --help must be quick

    # not the console's print, which would wrap and colour it
    typer.echo(json_text(tree))


def wrote(place: Path, look: str = "", text: "Spoken | None" = None) -> None:
    """Print what was written, and what to open or read."""
    words = f"; {look}" if look else ""
    said = "Wrote {file}" if text is None else text.template("terminal.wrote")
    console.print(escape(said.format(file=place) + words), highlight=False, soft_wrap=True)


def following(command: str, text: "Spoken | None" = None) -> None:
    """Print the command that usually comes next."""
    said = "Next: {command}" if text is None else text.template("terminal.next")
    console.print(said.format(command=command), highlight=False, markup=False, soft_wrap=True)


def tell_notices(notices: Iterable[object]) -> None:
    """Print what was converted, filled in or not used, a line each, beside the results."""
    for notice in notices:
        told = escape(str(notice)[:_LONGEST_NOTICE])
        errors.print(f"[dim]· {told}[/dim]", highlight=False, soft_wrap=True)

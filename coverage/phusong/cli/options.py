"""Options, workers, store, terminal, progress."""

import contextlib
import io
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import exp
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text
from typer.core import TyperCommand

from phusong.errors import InputError, Problem

if TYPE_CHECKING:
    from phusong.io.text import Text as Spoken

__all__ = [
    "EVERY_S",
    "Address",
    "CoordinateCommand",
    "Interrupted",
    "Keep",
    "LangOption",
    "LastingStream",
    "Shown",
    "StoreFolder",
    "StoreGib",
    "TlsAuthority",
    "TlsCertificate",
    "TlsKey",
    "TrustNetwork",
    "WhyRecompute",
    "Workers",
    "console",
    "errors",
    "following",
    "known_name",
    "lasting_streams",
    "print_json",
    "shown_stages",
    "slim_table",
    "spoken",
    "spoken_last",
    "stages_said",
    "stop_cleanly",
    "tell_notices",
    "time_left",
    "waiting",
    "wrote",
]

_NEGATIVE = re.compile(r"-[0-9.]")


class CoordinateCommand(TyperCommand):
    """A command that takes coordinates: what begins with a minus and a digit is a number, not an option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - a context of click, or of typer's own copy of it
        """Return what is left of the arguments once read."""
        # no option begins with a space, and no number minds one
        return super().parse_args(ctx, [f" {word}" if _NEGATIVE.match(word) else word for word in args])


Workers = Annotated[
    int, typer.Option(help="Threads, or processes of --cluster local; the result is the same.", min=1)
]
Address = Annotated[
    str | None,
    typer.Option("--cluster", help="Dask scheduler (tcp://…, tls://…), or local.", show_default="threads"),
]
TlsAuthority = Annotated[Path | None, typer.Option(help="Authority of a tls:// cluster, PEM.")]
TlsCertificate = Annotated[Path | None, typer.Option(help="Our certificate for it, PEM.")]
TlsKey = Annotated[Path | None, typer.Option(help="The certificate's key, PEM.")]
TrustNetwork = Annotated[
    bool,
    typer.Option(
        "--trust-network",
        help="Let --cluster tcp:// lead to another machine: nothing is encrypted or proved.",
    ),
]
StoreFolder = Annotated[
    Path | None,
    typer.Option(
        help="Folder that keeps what runs gave, for the next one.",
        show_default="$PHUSONG_STORE, else the user's cache",
    ),
]
StoreGib = Annotated[float, typer.Option(help="Greatest size of the store.", min=0.0)]
Keep = Annotated[bool, typer.Option("--keep/--no-keep", help="Use the store, or compute everything.")]
WhyRecompute = Annotated[bool, typer.Option("--why-recompute", help="Tell which stages ran, and why.")]


_LONGEST_NOTICE = 6000  # characters; names of columns come from files

_LANGUAGE: ContextVar[str] = ContextVar("language", default="en")


def _heard(lang: str | None) -> str | None:
    """Refuse a language that phusong does not speak before anything is done."""
    _LANGUAGE.set("en")
    if lang is not None:
        spoken(lang)
    return lang


LangOption = Annotated[
    str | None,
    typer.Option(
        help="Language, en or vi; when left out that of the scenario or result (report.lang), else English.",
        metavar="en|vi",
        callback=_heard,
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
        return not self._under.closed and self._under.isatty()

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
    from phusong.io.text import LANGUAGES  # noqa: PLC0415 - babel is read when there is something to say
    from phusong.io.text import Text as Spoken  # noqa: PLC0415

    if lang is not None and lang not in LANGUAGES:
        raise InputError(Problem("--lang", f"is not one of {', '.join(LANGUAGES)}", value=lang))
    said = Spoken(lang or default)
    _LANGUAGE.set(said.lang)
    return said


def spoken_last() -> "Spoken":
    """Return the language in which the command in hand speaks, for what is said once it has ended."""
    return spoken(_LANGUAGE.get())


def known_name(name: str, known: Iterable[str], where: str, key: str, text: "Spoken") -> str:
    """Return a name that is known; the string of the catalogue may name the nearest ``{hint}`` and all ``{names}``.

    Raises
    ------
    InputError
        If it is unknown.
    """
    names = list(known)
    if name not in names:
        told = text.say(key, hint=text.hint(name, names), names=", ".join(names))
        raise InputError(Problem(where, told, value=name))
    return name


def stages_said(seconds: Mapping[str, float], text: "Spoken") -> str:
    """Return how long each stage took, and all of them."""
    took = ", ".join(
        f"{text.code('stage', name)} {text.number(s, 'decimal')} s" for name, s in seconds.items()
    )
    return text.say("ran.stages", took=took, all=text.number(sum(seconds.values())))


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
    from phusong.result.files import json_text  # noqa: PLC0415 - --help must be quick

    # not the console's print, which would wrap and colour it
    typer.echo(json_text(tree))


def wrote(place: Path, text: "Spoken", look: str = "") -> None:
    """Print what was written, and what to open or read."""
    words = f"; {look}" if look else ""
    console.print(
        escape(text.say("terminal.wrote", file=str(place)) + words), highlight=False, soft_wrap=True
    )


def following(command: str, text: "Spoken") -> None:
    """Print the command that usually comes next."""
    said = text.say("terminal.next", command=command)
    console.print(said, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def waiting(key: str, file: str, text: "Spoken") -> Iterator[None]:
    """Show what a command of a few seconds is at, on a terminal alone."""
    if not errors.is_terminal:
        yield
        return
    with errors.status(escape(text.say(key, file=file))):
        yield


def tell_notices(notices: Iterable[object]) -> None:
    """Print what was converted, filled in or not used, a line each, beside the results."""
    for notice in notices:
        told = escape(str(notice)[:_LONGEST_NOTICE])
        errors.print(f"[dim]· {told}[/dim]", highlight=False, soft_wrap=True)


EVERY_S = 30.0
"""Time between lines of a command that is not on a terminal. [s]"""

_TICK_S = 0.25
_LEAST_SHARE = 0.05  # from which on a share says how long the rest takes
_SETTLES_S = 45.0  # in which two thirds of a new guess are believed


def time_left(
    expected: Mapping[str, float], done: Mapping[str, float], stage: str, gone_s: float
) -> float | None:
    """Return about how long a command still takes, from how long its stages took the last time. [s]

    Parameters
    ----------
    expected : mapping of str to float
        Seconds of each stage, in order, the last time; empty: not known.
    done : mapping of str to float
        Seconds of the stages that are over.
    stage : str
        Stage in hand.
    gone_s : float
        Seconds it has taken so far.

    Returns
    -------
    float or None
        None where nothing is known of this stage, or it takes longer than it did.

    Examples
    --------
    >>> time_left({"radio": 30.0, "invest": 50.0}, {}, "radio", 10.0)
    70.0
    >>> time_left({"radio": 30.0, "invest": 50.0}, {"radio": 30.0}, "invest", 60.0) is None
    True
    """
    if stage not in expected or gone_s > expected[stage]:
        return None
    later = sum(seconds for name, seconds in expected.items() if name not in done and name != stage)
    return expected[stage] - gone_s + later


class Shown:
    """How far a command is: called with the name of each stage as it begins, and told the share of it that is done.

    Parameters
    ----------
    expected : mapping of str to float
        Seconds of each stage the last time, see :func:`time_left`.
    now : callable
        The clock. [s]
    text : Text, optional
        The language to speak; English when left out.
    """

    def __init__(
        self,
        expected: Mapping[str, float],
        now: Callable[[], float] = time.perf_counter,
        text: "Spoken | None" = None,
    ) -> None:
        from phusong.io.text import Text as Spoken  # noqa: PLC0415

        self._expected, self._now, self.text = expected, now, text or Spoken()
        self._done: dict[str, float] = {}
        self._since = now()
        self._share = 0.0
        self._guess: _Guess | None = None
        self.stage = ""
        self.begins: Callable[[str, str, float], None] = lambda _stage, _before, _seconds: None

    def __call__(self, name: str) -> None:
        """Begin a stage."""
        before, now = self.stage, self._now()
        seconds = now - self._since
        if before:
            self._done[before] = seconds
        self.stage, self._since, self._share = name, now, 0.0
        self.begins(name, before, seconds)

    def share(self, done: float) -> None:
        """Take in the share of the stage that is done, from 0 to 1."""
        self._share = min(max(done, self._share), 1.0)

    def left(self) -> str:
        """Return the share of the stage that is done, if known, and about how long it or the command takes."""
        now = self._now()
        gone = now - self._since
        share = self.text.number(self._share, "whole_percent")
        parts = [self.text.say("progress.done", share=share)] if self._share else []
        seconds, key = time_left(self._expected, self._done, self.stage, gone), "progress.left"
        if seconds is None and self._share >= _LEAST_SHARE:
            seconds, key = gone * (1 / self._share - 1), "progress.stage_left"
        if seconds is not None:
            # that of the whole command goes on from stage to stage
            of = key if key == "progress.left" else self.stage
            self._guess = _Guess.next(self._guess, of, now, now + seconds)
            time = self._clock(max(self._guess.end_s - now, 0.0))
            parts.append(self.text.say(key, time=time))
        return ", ".join(parts)

    def line(self) -> str:
        """Return the stage in hand, how long it has taken so far, and what :meth:`left` says."""
        gone = self.text.say("progress.so_far", time=self._clock(self._now() - self._since))
        return f"· {self.named(self.stage)}: {', '.join(part for part in (gone, self.left()) if part)}"

    def named(self, stage: str) -> str:
        """Return the name of a stage for people."""
        return self.text.code("stage", stage or "starting")

    def _clock(self, seconds: float) -> str:
        whole = round(seconds)
        if whole < 100:
            return self.text.say("progress.seconds", n=whole)
        return self.text.say("progress.minutes", n=whole // 60, seconds=f"{whole % 60:02d}")


@dataclass(frozen=True)
class _Guess:
    """When something is expected to end; a new guess moves the one before by a part of the way, so that it does not jump."""

    of: str
    at_s: float
    end_s: float

    @classmethod
    def next(cls, before: "_Guess | None", of: str, now_s: float, end_s: float) -> "_Guess":
        """Return the guess that follows another one of the same thing."""
        if before is None or before.of != of:
            return cls(of, now_s, end_s)
        weight = 1.0 - exp((before.at_s - now_s) / _SETTLES_S)
        return cls(of, now_s, before.end_s + weight * (end_s - before.end_s))


@contextmanager
def shown_stages(
    expected: Mapping[str, float] | None = None,
    *,
    quiet: bool = False,
    to: Console = errors,
    every_s: float = EVERY_S,
    text: "Spoken | None" = None,
) -> Iterator[Shown | None]:
    """Give what is told each stage and how far it is: a live line on a terminal, lines elsewhere.

    Elsewhere a line comes as a stage begins, and one every half minute, so that a log shows that the command is alive.

    Parameters
    ----------
    expected : mapping of str to float, optional
        Seconds of each stage the last time, see :func:`time_left`.
    quiet : bool
        Show nothing.
    to : Console
        Where.
    every_s : float
        Time between lines where there is no terminal. [s]
    text : Text, optional
        The language to speak; English when left out.
    """
    if quiet:
        yield None
        return
    shown = Shown(dict(expected or {}), text=text)
    with _live(shown, to) if to.is_terminal else _lines(shown, to, every_s):
        yield shown


@contextmanager
def _lines(shown: Shown, to: Console, every_s: float) -> Iterator[None]:
    over = threading.Event()

    def say(text: str) -> None:
        to.print(escape(text), highlight=False, soft_wrap=True)

    def keep_saying() -> None:
        while not over.wait(every_s):
            say(shown.line())

    shown.begins = lambda name, _before, _seconds: say(f"· {shown.named(name)}")
    teller = threading.Thread(target=keep_saying, name="progress", daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


@contextmanager
def _live(shown: Shown, to: Console) -> Iterator[None]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=to, transient=True, refresh_per_second=round(1 / _TICK_S)) as progress:
        task = progress.add_task(escape(shown.named("")), total=None, left="")

        def begin(name: str, before: str, seconds: float) -> None:
            if before:
                took = shown.text.say(
                    "progress.took", stage=shown.named(before), seconds=shown.text.number(seconds, "decimal")
                )
                progress.console.print(f"[dim]· {escape(took)}[/dim]", highlight=False)
            progress.update(task, description=escape(shown.named(name)), left=_Live(shown.left))

        shown.begins = begin
        yield


class _Live:
    """Text that is made anew whenever it is drawn."""

    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make

    def __str__(self) -> str:
        return self._make()

    def __format__(self, spec: str) -> str:
        return format(self._make(), spec)

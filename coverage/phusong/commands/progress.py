"""How far a command is: the names of its stages, the time gone, and about how much is left."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from phusong.commands.terminal import errors

__all__ = ["EVERY_S", "Shown", "shown_stages", "time_left"]

EVERY_S = 30.0
"""Time between lines of a command that is not on a terminal. [s]"""

_TICK_S = 0.25
_LEAST_SHARE = 0.05  # from which on a share says how long the rest takes


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
    """

    def __init__(self, expected: Mapping[str, float], now: Callable[[], float] = time.perf_counter) -> None:
        self._expected, self._now = expected, now
        self._done: dict[str, float] = {}
        self._since = now()
        self._share = 0.0
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
        gone = self._now() - self._since
        parts = [f"{self._share:.0%} done"] if self._share else []
        seconds = time_left(self._expected, self._done, self.stage, gone)
        if seconds is not None:
            parts.append(f"about {_clock(seconds)} left, going by the last run")
        elif self._share >= _LEAST_SHARE:
            parts.append(f"about {_clock(gone * (1 / self._share - 1))} of this stage left")
        return ", ".join(parts)

    def line(self) -> str:
        """Return the stage in hand, how long it has taken so far, and what :meth:`left` says."""
        gone = f"{_clock(self._now() - self._since)} so far"
        return f"· {self.stage or 'starting'}: {', '.join(part for part in (gone, self.left()) if part)}"


@contextmanager
def shown_stages(
    expected: Mapping[str, float] | None = None,
    *,
    quiet: bool = False,
    to: Console = errors,
    every_s: float = EVERY_S,
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
    """
    if quiet:
        yield None
        return
    shown = Shown(dict(expected or {}))
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

    shown.begins = lambda name, _before, _seconds: say(f"· {name}")
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
        task = progress.add_task("starting", total=None, left="")

        def begin(name: str, before: str, seconds: float) -> None:
            if before:
                progress.console.print(f"[dim]· {escape(before)} {seconds:.1f} s[/dim]", highlight=False)
            progress.update(task, description=escape(name), left=_Live(shown.left))

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


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 100 else f"{whole // 60} min {whole % 60:02d} s"

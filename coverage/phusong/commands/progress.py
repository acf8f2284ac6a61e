"""How far a command is: the names of its stages, the time gone, and about how much is left."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from phusong.commands.terminal import errors

__all__ = ["shown_stages", "time_left"]

_TICK_S = 0.25


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


@contextmanager
def shown_stages(
    expected: Mapping[str, float] | None = None, *, quiet: bool = False, to: Console = errors
) -> Iterator[Callable[[str], None] | None]:
    """Give what is told the name of each stage as it begins: a live line on a terminal, a line each elsewhere.

    Parameters
    ----------
    expected : mapping of str to float, optional
        Seconds of each stage the last time, see :func:`time_left`.
    quiet : bool
        Show nothing.
    to : Console
        Where.
    """
    if quiet:
        yield None
        return
    if not to.is_terminal:
        yield lambda name: to.print(f"· {escape(name)}", highlight=False)
        return
    known, done = dict(expected or {}), dict[str, float]()
    stage, since = "", time.perf_counter()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=to, transient=True, refresh_per_second=round(1 / _TICK_S)) as progress:
        task = progress.add_task("starting", total=None, left="")

        def left() -> str:
            seconds = time_left(known, done, stage, time.perf_counter() - since)
            return "" if seconds is None else f"about {_clock(seconds)} left, going by the last run"

        def say(name: str) -> None:
            nonlocal stage, since
            now = time.perf_counter()
            if stage:
                done[stage] = now - since
                progress.console.print(f"[dim]· {escape(stage)} {now - since:.1f} s[/dim]", highlight=False)
            stage, since = name, now
            progress.update(task, description=escape(name), left=_Live(left))

        yield say


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

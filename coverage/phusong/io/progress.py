"""How far a run is, and how long each of its stages took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

__all__ = ["Stages"]

Share = Callable[[float], None]


@dataclass
class Stages:
    """Tells how far a run is, and how long each stage took.

    Parameters
    ----------
    say : callable, optional
        Told the name of each stage as it begins.
    tell : callable, optional
        Told the share of the stage in hand that is done, from 0 to 1, as it grows.
    notices : list of str
        What whoever started the run should know of its inputs and settings, beside the result.
    """

    say: Callable[[str], None] | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    tell: Share | None = None
    notices: list[str] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage."""
        if self.say is not None:
            self.say(name)
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def part(self, first: float = 0.0, last: float = 1.0) -> Share:
        """Return what a part of the stage in hand tells its own share to.

        Parameters
        ----------
        first, last : float
            Where the part begins and ends in the stage.

        Examples
        --------
        >>> half = Stages(tell=print).part(0.5, 1.0)
        >>> half(0.5)
        0.75
        """

        def told(share: float) -> None:
            if self.tell is not None:
                self.tell(first + (last - first) * share)

        return told

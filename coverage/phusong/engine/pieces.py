"""Pieces of a long piece of work: the same ones whoever does them, each worth handing over."""

from dataclasses import dataclass

__all__ = ["Pieces", "pieces"]

_PIECE_NS = 20e6  # long beside what it takes to hand a piece to a thread
_JOURNEY_NS = 600e6  # long beside what it takes to send some to another process, and their outcome back


@dataclass(frozen=True)
class Pieces:
    """A range in pieces.

    Parameters
    ----------
    spans : tuple of slice
        They make up the range, in order.
    together : int
        How many are worth a journey, see :class:`phusong.engine.crew.Crew`.
    """

    spans: tuple[slice, ...]
    together: int


def pieces(n: int, *, cost_ns: float, least: int = 1) -> Pieces:
    """Return 0 to n in pieces of the same length, the last one shorter; one alone where there is little to do.

    Parameters
    ----------
    n : int
        Number of things.
    cost_ns : float
        What one of them takes, roughly.
    least : int
        Things in a piece, however long they take.

    Examples
    --------
    >>> found = pieces(5, cost_ns=8e6)
    >>> [(span.start, span.stop) for span in found.spans], found.together
    ([(0, 2), (2, 4), (4, 5)], 37)
    """
    each = max(cost_ns, 1e-9)
    length = max(least, 1, int(_PIECE_NS / each))
    spans = tuple(slice(first, min(first + length, n)) for first in range(0, n, length))
    return Pieces(spans, max(1, int(_JOURNEY_NS / (length * each))))

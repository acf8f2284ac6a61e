"""What a check is, and what it may find."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.region.audit.case import Case

__all__ = ["Check", "Finding", "Rows", "Whole"]


@dataclass(frozen=True)
class Rows:
    """Which rows of a layer fail a check.

    Parameters
    ----------
    bad : ndarray of bool
        Rows that count as failing.
    tell : callable
        Told the position of a failing row, says what is wrong with it.
    column : str
        The column it is about; empty: the row as a whole.
    told : ndarray of bool, optional
        Failing rows that become records; all of them when left out. A row that cannot be judged, because another
        check of the same principle already found what keeps it from being judged, fails here without a record.
    of : str
        Layer whose rows these are, when not the audited one (a commune that lacks a school).
    """

    bad: npt.NDArray[np.bool_]
    tell: Callable[[int], str]
    column: str = ""
    told: npt.NDArray[np.bool_] | None = None
    of: str = ""

    @property
    def records(self) -> npt.NDArray[np.int64]:
        """Positions of the rows that become records."""
        return np.flatnonzero(self.bad if self.told is None else self.told & self.bad)


@dataclass(frozen=True)
class Whole:
    """How far a layer as a whole fails a check.

    Parameters
    ----------
    share : float
        0 passes, 1 fails altogether.
    told : sequence of (key, detail)
        What to mend: a column, a file, the layer itself.
    """

    share: float
    told: Sequence[tuple[str, str]] = ()


Finding = Rows | Whole


@dataclass(frozen=True)
class Check:
    """One stated test of one principle.

    Parameters
    ----------
    name, principle : str
        Its name in records, and the principle it speaks for.
    layers : tuple of str
        Layers it is made on.
    says : str
        What holds when it passes.
    mend : str
        What to do about a record.
    find : callable
        Given the case and a layer, returns what it finds; a list where it has several parts that each count;
        None where the layer cannot be judged.
    below : bool
        Whether a failing site also affects the people of all sites that hang on it.
    absent : bool
        Whether it is made even where the layer is missing or empty.
    """

    name: str
    principle: str
    layers: tuple[str, ...]
    says: str
    mend: str
    find: Callable[[Case, str], Finding | list[Rows] | None]
    below: bool = False
    absent: bool = False

"""Stage cache: what a stage gave is kept under what it read, with the reason where it is computed again."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from phusong.compute import serialize
from phusong.compute.serialize import PackingError, fingerprint, pack, unpack
from phusong.compute.sources import Entry, program_parts
from phusong.compute.store import Store

__all__ = ["StageCache", "StageNote"]

T = TypeVar("T")


@dataclass(frozen=True)
class StageNote:
    """What became of one stage.

    Parameters
    ----------
    stage : str
        Its name.
    kept : bool
        Whether an earlier outcome was used.
    why : str
        Why it ran, or what was reused.
    seconds : float
        It took, reading or computing.
    """

    stage: str
    kept: bool
    why: str
    seconds: float


@dataclass
class StageCache:
    """Runs stages, or finds what they gave before.

    Parameters
    ----------
    store : Store, optional
        Where outcomes are kept; without one every stage runs.
    notes : list of StageNote
        What became of each stage, in order.
    """

    store: Store | None = None
    notes: list[StageNote] = field(default_factory=list)

    def stage(
        self,
        name: str,
        make: Callable[[], T],
        reads: Mapping[str, object],
        types: tuple[type, ...] = (),
        *,
        by: tuple[Entry, ...],
    ) -> T:
        """Return what `make` gives, from the store if it was made before of the same things.

        Parameters
        ----------
        name : str
            Of the stage.
        make : callable
            Does the work by calling `by`; it must depend on nothing but `reads`.
        reads : mapping
            Everything the outcome depends on but the program itself, by a name for people.
        types : tuple of type
            Dataclasses in the outcome.
        by : tuple of function
            The functions that compute. What they are made of counts: all modules behind them, the shipped tables those
            read, the libraries they import.
        """
        start = time.perf_counter()
        if self.store is None:
            value = make()
            self.notes.append(StageNote(name, False, "nothing is kept", time.perf_counter() - start))
            return value
        parts = {key: fingerprint(value) for key, value in reads.items()}
        parts |= program_parts(*by, serialize, around=(make.__module__,))
        key = fingerprint([name, parts])
        damaged = self.store.use.damaged
        data = self.store.get(key)
        why = self._why(name, parts, there=data is not None, damaged=self.store.use.damaged > damaged)
        found: T
        if data is not None:
            try:
                found = unpack(data, types)
            except PackingError as error:
                why = f"what was kept {error}"
            else:
                self.notes.append(StageNote(name, True, why, time.perf_counter() - start))
                self.store.note(name, parts)
                return found
        before = self.store.use.found, self.store.use.written
        found = make()
        reused, computed = self.store.use.found - before[0], self.store.use.written - before[1]
        if reused and not self.store.use.refused:
            # what a stage keeps piece by piece, e.g. the levels of each site
            why = f"{why}; {computed:,} of its {computed + reused:,} pieces anew"
        try:
            self.store.put(key, pack(found, types))
        except PackingError as error:
            # said now, and not by never being reused
            why = f"{why}; the outcome cannot be kept: it {error}"
        self.store.note(name, parts)
        self.notes.append(StageNote(name, False, why, time.perf_counter() - start))
        return found

    def _why(self, name: str, parts: dict[str, str], *, there: bool, damaged: bool) -> str:
        if there:
            return "nothing it reads has changed"
        if damaged:
            return "what was kept is damaged (its checksum is wrong)"
        assert self.store is not None  # noqa: S101 - only asked where there is a store
        before = self.store.record(name)
        if not before:
            return "first time"
        changed = [key for key, mark in parts.items() if before.get(key) != mark]
        return f"changed: {', '.join(changed)}" if changed else "what was kept was removed to make room"
